#include "mem/node.h"

#define F struct mem_node_stats
static const struct stat_desc stat_rows[] = {
	STAT(F, reads, "count", "lines read"),
	STAT(F, writes, "count", "lines written"),
	STAT(F, queue_cycles, "cycles", "cycles that requests waited for bandwidth"),
};
#undef F

void node_init(struct mem_node *n, const struct node_params *p, uint64_t base, uint64_t clock_mhz)
{
	*n = (struct mem_node){.base = base, .limit = base + p->size, .name = p->name};
	n->latency = cycles_of_ns(p->latency_ns, clock_mhz);
	channel_init(&n->channel, p->bandwidth_MBps, clock_mhz);
}

void node_register_stats(struct mem_node *n, struct stats *s, unsigned number)
{
	stats_add(s, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]), &n->stats, "node%u", number);
	if (n->mpam) bandwidth_register_stats(n->mpam, s, number);
}

void node_write_for(struct mem_node *n, cycles_t now, uint64_t bytes, unsigned monitor)
{
	cycles_t start = n->mpam ? bandwidth_write(n->mpam, now, bytes, monitor)
				 : channel_book(&n->channel, now, bytes);
	n->stats.writes++;
	n->stats.queue_cycles += start - now;
}
