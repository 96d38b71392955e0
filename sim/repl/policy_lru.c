/* True LRU: the way untouched for longest goes. */
#include "repl/recency.h"
#include "repl/repl.h"

static inline void lru_touch(void *set, unsigned ways, unsigned way) { recency_front(set, ways, way); }
static unsigned lru_victim(void *set, unsigned ways) { return recency_last(set, ways); }
static unsigned lru_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	return recency_last_among(set, ways, allowed);
}

/* Of two ways, a touch says all of the order: the first byte. */
static bool lru_touch_mask(unsigned ways, unsigned way, struct repl_mask *out)
{
	if (ways > 2) return false;
	*out = (struct repl_mask){~UINT64_C(0xff), 0};
	recency_front(&out->set, ways, way);
	return true;
}

const struct repl_policy repl_lru = {
	.name = "lru",
	.source = "Mattson, Gecsei, Slutz, Traiger, IBM Systems Journal 9(2), 1970",
	.max_ways = 65534,
	.state_bytes = recency_bytes,
	.touch = lru_touch,
	.touch_mask = lru_touch_mask,
	.oldest_goes = true,
	.in_recency = true,
	.fill = lru_touch,
	.victim = lru_victim,
	.victim_among = lru_victim_among,
};
