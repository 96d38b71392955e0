/* First in, first out: the way filled longest ago goes; hits change nothing. */
#include "repl/recency.h"
#include "repl/repl.h"

static void fifo_touch(void *set, unsigned ways, unsigned way) { (void)set, (void)ways, (void)way; }
static void fifo_fill(void *set, unsigned ways, unsigned way) { recency_front(set, ways, way); }
static unsigned fifo_victim(void *set, unsigned ways) { return recency_last(set, ways); }
static unsigned fifo_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	return recency_last_among(set, ways, allowed);
}

const struct repl_policy repl_fifo = {
	.name = "fifo",
	.source = "Belady, IBM Systems Journal 5(2), 1966",
	.max_ways = 65534,
	.state_bytes = recency_bytes,
	.touch = fifo_touch,
	.touch_mask = repl_no_change,
	.fill = fifo_fill,
	.victim = fifo_victim,
	.victim_among = fifo_victim_among,
};
