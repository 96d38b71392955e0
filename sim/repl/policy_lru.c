/* True LRU: the way untouched for longest goes. */
#include "repl/recency.h"
#include "repl/repl.h"

static inline void lru_touch(void *set, unsigned ways, unsigned way) { recency_front(set, ways, way); }
static unsigned lru_victim(void *set, unsigned ways) { return recency_last(set, ways); }

REPL_TOUCH_ALL(lru)

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
