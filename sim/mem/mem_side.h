/* mem_side.h - what the files of the memory side share: all that is not of one core. Others use mem.h. */
#ifndef MEM_MEM_SIDE_H
#define MEM_MEM_SIDE_H

#include "mem/cache_mpam.h"
#include "mem/directory.h"
#include "mem/mem.h"

/* One instance of a cache that several cores may share. */
struct mem_shared {
	struct cache *cache;
	const struct cache_params *row;
	unsigned unit;
	struct mem_cpu **user; /* cores whose ways lead through it */
	unsigned users;
};

struct mem_side {
	const struct param_list *caches; /* of struct cache_params; borrowed from the configuration */
	struct topology_params topology;
	struct mem_shared *shared;
	unsigned shared_count;
	struct mem_cpu **cpu; /* in use; borrowed */
	unsigned cpus;
	struct mem_node *node;
	unsigned nodes;
	struct fabric *fabric;
	struct directory *directory; /* NULL: who shares a line does not matter */
	struct mpam *mpam;           /* NULL: no request has a label */
	bool has_node_mpam;
	unsigned line_bits, security_shift;
	uint64_t line_limit; /* lines of all security states are below it */
};

static inline unsigned mem_monitor_of(const struct mem_port *port, const struct mem_req *r)
{
	return port->side->mpam ? port->side->mpam->monitor_of[r->partid][r->pmg] : 0;
}

/* The node that an address belongs to. */
static inline unsigned mem_node_of(const struct mem_side *m, uint64_t pa)
{
	unsigned i = 0;
	if (__builtin_expect(m->nodes == 1, 1)) return 0;
	while (i + 1 < m->nodes && pa >= m->node[i].limit) i++;
	return i;
}

static inline void mem_count_read(struct mem_cpu *cpu, const struct mem_route *route, const struct mem_req *r)
{
	(route->local ? cpu->stats.local : cpu->stats.remote)[r->cause]++;
}

/* A line is read from its node: when that begins, and how long it takes from there. */
static inline cycles_t mem_read_node(struct mem_port *port, const struct mem_req *r, cycles_t now,
				     cycles_t *latency)
{
	const struct mem_side *m = port->side;
	unsigned number = mem_node_of(m, r->pa.raw);
	struct mem_node *n = &m->node[number];
	struct mem_cpu *cpu = port->cpu;
	struct mem_route *route = &cpu->route[number];
	uint64_t bytes = UINT64_C(1) << port->line_bits;
	cycles_t start = node_read_for(n, now, bytes, port->monitor) - n->latency;
	mem_count_read(cpu, route, r);
	if (__builtin_expect(route->hops != 0, 0)) start += route_read(route, start, bytes);
	*latency = n->latency + route->extra;
	return start;
}

/* A line comes from its node: when. */
cycles_t mem_read_memory(struct mem_port *port, const struct mem_req *r, cycles_t now);
/* A written line arrives at `level`: from an eviction above, or from a write that goes through. */
void mem_write_down(struct mem_port *port, unsigned level, uint64_t line, cycles_t now);
/* What an inclusive cache has evicted leaves the caches above it. True if one had written it. */
bool mem_back_invalidate(struct mem_port *port, unsigned level, uint64_t line);
/* How a request found a level that it looked in. */
struct mem_looked {
	cycles_t now, done;  /* when it looked, and when it has its line */
	bool hit, first_use; /* `first_use`: of a line that a prefetch brought */
};
/* A request has been answered; the prefetcher of `level` is told how it found that. */
void mem_train(struct mem_port *port, const struct mem_req *r, unsigned level, const struct mem_looked *at);
/* A read that nobody waits for and no level counts as an access brings its line to `level`, which does not hold it: when it arrives. */
cycles_t mem_bring_ahead(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned level);
/* A miss of `first`, counted there as an access, by a request whose monitor is known. */
cycles_t mem_miss(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
		  unsigned *served);

#endif
