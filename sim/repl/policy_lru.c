/* True LRU: the way untouched for longest goes. */
#include "repl/recency.h"
#include "repl/repl.h"

enum { LAST_TOUCHES = 64 };

static inline void lru_touch(void *set, unsigned ways, unsigned way) { recency_front(set, ways, way); }
static unsigned lru_victim(void *set, unsigned ways) { return recency_last(set, ways); }

/* Only the last touch of each way decides where it ends up: the others are left out. */
static void lru_touch_all(void *set, unsigned ways, const uint16_t *way, size_t n)
{
	uint16_t last[LAST_TOUCHES];
	unsigned kept = 0;
	uint64_t seen = 0;
	if (ways > LAST_TOUCHES) {
		for (size_t i = 0; i < n; i++) lru_touch(set, ways, way[i]);
		return;
	}
	for (size_t i = n; i-- > 0;) {
		last[kept] = way[i];
		kept += !(seen >> way[i] & 1);
		seen |= UINT64_C(1) << way[i];
		if (kept == LAST_TOUCHES) break;
	}
	while (kept-- > 0) recency_front(set, ways, last[kept]);
}

const struct repl_policy repl_lru = {
	.name = "lru",
	.source = "Mattson, Gecsei, Slutz, Traiger, IBM Systems Journal 9(2), 1970",
	.max_ways = 65534,
	.state_bytes = recency_bytes,
	.touch = lru_touch,
	.touch_all = lru_touch_all,
	.fill = lru_touch,
	.victim = lru_victim,
};
