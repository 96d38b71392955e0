/* node.h - the memory of one NUMA node: a latency, and a channel that can carry so many bytes per cycle.
 *
 * Bandwidth is booked in windows of time (channel.h).
 * Not modelled: banks, rows, refresh, read/write turn-around; back-pressure of posted writes.
 */
#ifndef MEM_NODE_H
#define MEM_NODE_H

#include "mem/bandwidth.h"
#include "mem/channel.h"
#include "mem/mem_params.h"
#include "stats/stats.h"

struct mem_node_stats {
	uint64_t reads, writes;
	uint64_t queue_cycles;
};

struct mem_node {
	uint64_t base, limit; /* physical addresses base..limit-1 */
	cycles_t latency;     /* from a core of its own die */
	struct mem_channel channel;
	struct bandwidth *mpam; /* in place of the channel; NULL: no partitions. Not owned */
	const char *name;
	struct mem_node_stats stats;
};

/* Latency and bandwidth become cycles of a clock of clock_mhz, rounded up and down. */
void node_init(struct mem_node *n, const struct node_params *p, uint64_t base, uint64_t clock_mhz);
void node_register_stats(struct mem_node *n, struct stats *s, unsigned number);

/* A read of `bytes` asked for at `now` by a request of `monitor` (mpam.h): the cycle at which the data is there. */
static inline cycles_t node_read_for(struct mem_node *n, cycles_t now, uint64_t bytes, unsigned monitor)
{
	cycles_t start = __builtin_expect(n->mpam != NULL, 0) ? bandwidth_read(n->mpam, now, bytes, monitor)
							      : channel_book(&n->channel, now, bytes);
	n->stats.reads++;
	n->stats.queue_cycles += start - now;
	return start + n->latency;
}
/* A posted write: takes bandwidth, and nobody waits for it. */
void node_write_for(struct mem_node *n, cycles_t now, uint64_t bytes, unsigned monitor);

#endif
