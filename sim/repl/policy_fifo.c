/* Ways are replaced in the order in which they were filled; hits change nothing. */
#include "repl/repl.h"

struct fifo {
	uint32_t next;
}; /* the way after the last one filled */

static size_t fifo_state_bytes(unsigned ways)
{
	(void)ways;
	return sizeof(struct fifo);
}
static void fifo_touch(void *set, unsigned ways, unsigned way)
{
	(void)set;
	(void)ways;
	(void)way;
}
static void fifo_touch_all(void *set, unsigned ways, const uint16_t *way, size_t n)
{
	(void)set;
	(void)ways;
	(void)way;
	(void)n;
}
static void fifo_fill(void *set, unsigned ways, unsigned way)
{
	((struct fifo *)set)->next = way + 1 == ways ? 0 : way + 1;
}
static unsigned fifo_victim(void *set, unsigned ways)
{
	(void)ways;
	return ((const struct fifo *)set)->next;
}

const struct repl_policy repl_fifo = {
	.name = "fifo",
	.source = "Belady, IBM Systems Journal 5(2), 1966",
	.max_ways = 65534,
	.state_bytes = fifo_state_bytes,
	.touch = fifo_touch,
	.touch_all = fifo_touch_all,
	.fill = fifo_fill,
	.victim = fifo_victim,
};
