/* node.h - the memory of one NUMA node: a latency, and a channel that can carry so many bytes per cycle.
 *
 * Bandwidth is booked in windows of time, not in order of arrival, because a core that overlaps its misses asks for
 * later cycles before earlier ones. A request starts in the first window from `now` on that has bytes left.
 * Not modelled: banks, rows, refresh, read/write turn-around; back-pressure of posted writes: what is booked more than
 * NODE_WINDOWS windows ahead pushes the oldest out, and requests for those find the channel free.
 */
#ifndef MEM_NODE_H
#define MEM_NODE_H

#include "base/types.h"
#include "mem/mem_params.h"
#include "stats/stats.h"

enum { NODE_WINDOW_BITS = 8, NODE_WINDOWS = 1024 };

struct mem_node_window {
	uint64_t number;
	uint64_t used_bytes;
};

struct mem_node_stats {
	uint64_t reads, writes;
	uint64_t queue_cycles;
};

struct mem_node {
	uint64_t base, limit; /* physical addresses base..limit-1 */
	cycles_t latency;
	uint64_t window_bytes; /* what the channel carries in one window */
	struct mem_node_window window[NODE_WINDOWS];
	const char *name;
	struct mem_node_stats stats;
};

/* Latency and bandwidth become cycles of a clock of clock_mhz, rounded up and down. */
void node_init(struct mem_node *n, const struct node_params *p, uint64_t base, uint64_t clock_mhz);
void node_register_stats(struct mem_node *n, struct stats *s, unsigned number);

/* A read of `bytes` asked for at `now`: the cycle at which the data is there. */
cycles_t node_read(struct mem_node *n, cycles_t now, uint64_t bytes);
/* A posted write: takes bandwidth, and nobody waits for it. */
void node_write(struct mem_node *n, cycles_t now, uint64_t bytes);

#endif
