/* mem.h - the memory side of a machine: caches strung together from each core to the nodes.
 *
 *   mem_access: (port, request, now) -> the cycle at which it completes
 *
 * A port is the way of one kind of request of one core: its caches from the nearest on, then the node that owns the
 * address. Latencies are load-to-use, counted from the core: a request that is served at a level takes that level's
 * hit_cycles, whatever it passed on the way, plus what it waited for. Calls may come with any `now`; state changes in
 * the order of the calls.
 * Shared caches have one instance for each cluster, die or socket (topology.h) that has a core in use.
 * Lines that several cores write: directory.h, where the machine has one.
 * Lines that prefetchers bring: mem_ahead.c. Not modelled: latency of the way back up, beyond hit_cycles.
 */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include "base/why.h"
#include "mem/cache.h"
#include "mem/dvm.h"
#include "mem/fabric.h"
#include "mem/mpam.h"

enum { MEM_LEVELS_MAX = 4, MEM_SERVED_COUNT = MEM_LEVELS_MAX + 1 };

/* The caches of one core that a cache of it includes. */
struct mem_above {
	struct cache *cache[2 * MEM_LEVELS_MAX];
	unsigned count;
	bool alike; /* they are two that have as many sets, of no more ways than are compared at once */
};

struct mem_port;

/* A request at a level, or at memory behind the last: when it has its line (mem_plain.c). `mark`: that of the line (cache.h) if it is brought to
 * the level. port->served gets the level that had it. */
typedef cycles_t mem_level_fn(struct mem_port *port, size_t level, const struct mem_req *r, unsigned mark,
			      uint64_t line, cycles_t now);

struct mem_port {
	struct cache *level[MEM_LEVELS_MAX + 1]; /* NULL after the last */
	unsigned levels;
	struct cache *last;                 /* NULL: none */
	unsigned line_bits, security_shift; /* line = PA >> line_bits | security << security_shift */
	struct mem_side *side;
	struct mem_cpu *cpu;
	struct why *why;                        /* NULL: nobody asks where the cycles go */
	struct mem_above above[MEM_LEVELS_MAX]; /* of the levels that are the core's own */
	unsigned monitor; /* of the request under way, or of the line that it moves (mpam.h) */
	bool untimed;     /* lines move as ever, at once: no miss register, no bandwidth, no memory latency */
	bool plain; /* all caches are, none is exclusive, and no directory and no label is asked (mem_plain.c) */
	bool prefetches; /* a cache has a prefetcher */
	bool is_far; /* of a core of many, whose sets are in the host's caches no more when its turn comes */
	mem_level_fn *find[MEM_LEVELS_MAX + 1]; /* of each level (mem_settle()) */
	mem_level_fn *missed[MEM_LEVELS_MAX];   /* the same where it is known not to have the line */
	unsigned served;                        /* of the latest such request */
};

struct mem_cpu_stats { /* lines read from memory */
	uint64_t local[CAUSE_COUNT], remote[CAUSE_COUNT];
};

struct mem_cpu {        /* one core's private caches and its two ports */
	unsigned place; /* in the directory */
	struct mem_port data, fetch;
	struct mem_route *route; /* from its die, by node */
	struct mem_cpu_stats stats;
	const struct repl_flow *flow; /* where the core's program is; NULL: nobody tells */
	struct agent
		agent; /* who runs on the core: whose doing evictions are, where caches and TLBs count that */
	struct cache *owned[2 * MEM_LEVELS_MAX];
	unsigned owned_count;
	struct mpam_label label, hypervisor_label; /* of its requests: who makes one copies it from here */
	const char *served_names[MEM_SERVED_COUNT + 1]; /* data path: "l1d", "l2", ..., "dram" */
};

struct mem_side;
struct coherence;
struct monitors;

/* Builds the nodes and the fabric. `caches` lists struct cache_params. ERR_CONFIG with the key at fault. */
enum status mem_new(const struct memory_params *memory, const struct param_list *caches, uint64_t clock_mhz,
		    struct mem_side **out, struct err *err);
void mem_free(struct mem_side *m);

/* How cores are grouped; borrowed. Before the first mem_cpu_init(); until then all cores are in one group. */
void mem_set_topology(struct mem_side *m, const struct topology_params *t);
/* Lines that cores share come from the core that wrote them (directory.h). Before the first mem_cpu_init(). */
void mem_use_directory(struct mem_side *m, const struct coherence *c);
/* The way of TLB maintenance between the `cores` of the machine; the side must outlive it. NULL: it is no message here. */
struct dvm *mem_dvm_new(struct mem_side *m, const struct dvm_params *p, unsigned cores);
/* Builds the private caches and the ports of core `number`, and what it shares where no core before it has; the side must
 * outlive it. */
enum status mem_cpu_init(struct mem_cpu *cpu, struct mem_side *m, unsigned number, struct err *err);
void mem_cpu_fini(struct mem_cpu *cpu);

/* Partitions and monitors by MPAM (mpam.h), as `p` says, which is borrowed; nothing happens where it has no label and no setting.
 * Before the first mem_cpu_init(). ERR_CONFIG with the key at fault. */
enum status mem_use_mpam(struct mem_side *m, const struct mpam_params *p, struct err *err);
/* From now on every cache of the side counts whose doing its misses are. Behind the last mem_cpu_init(), before statistics are
 * registered. */
void mem_count_evictors(struct mem_side *m);

void mem_register_stats(struct mem_side *m, struct stats *s);
void mem_cpu_register_stats(struct mem_cpu *cpu, struct stats *s, unsigned number);

/* The way of all that does not simply hit the first cache. */
cycles_t mem_access_slow(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
			 unsigned *served);
/* The same of a line that the cache of level `first`, which is there, does not have; where a write passes by, or all is
 * not plain. */
cycles_t mem_access_missed_slow(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
				unsigned *served);

/* Chooses what find[] and missed[] do: after each change of `plain` or `untimed`, and before somebody begins to ask why. Who falls silent for
 * a while (why NULL) needs no other choice. */
void mem_settle(struct mem_port *port);

/* What an access takes that hits the cache nearest to the core. */
static inline cycles_t mem_first_hit(const struct mem_port *port)
{
	return port->level[0] ? port->level[0]->hit_cycles : 0;
}

/* The line of an address, as caches know it. */
static inline uint64_t mem_line_at(const struct mem_port *port, uint64_t pa, enum security security)
{
	return pa >> port->line_bits | (uint64_t)security << port->security_shift;
}

static inline uint64_t mem_line(const struct mem_port *port, const struct mem_req *r)
{
	return mem_line_at(port, r->pa.raw, r->security);
}

/* What mem_access() does for a line that the cache of level `first`, which is there, does not have. */
static inline cycles_t mem_access_missed(struct mem_port *port, const struct mem_req *r, cycles_t now,
					 unsigned first, unsigned *served)
{
	const struct cache *c = port->level[first];
	bool write = r->kind == ACCESS_WRITE;
	if (write && __builtin_expect(!c->write_back | !c->params.write_allocate, 0))
		return mem_access_missed_slow(port, r, now, first, served);
	unsigned mark = write ? CACHE_DIRTY : 0;
	cycles_t done = port->missed[first](port, first, r, mark, mem_line(port, r), now);
	*served = port->served;
	return done;
}

/* Completion cycle of request `r` that begins at the port's level `first` (0 = the nearest) at `now`. `*served` gets
 * the index of the level that had the line; `levels` stands for memory. */
static inline __attribute__((always_inline)) cycles_t
mem_access(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first, unsigned *served)
{
	struct cache *c = port->level[first]; /* NULL beyond the last */
	if (!c) return mem_access_slow(port, r, now, first, served);
	uint64_t line = mem_line(port, r);
	int way = cache_way_of(c, line);
	uint64_t write = r->kind == ACCESS_WRITE;
	struct cache_set *set = cache_set_of(c, line);
	if (__builtin_expect(way == CACHE_MISS, 0)) return mem_access_missed(port, r, now, first, served);
	if (__builtin_expect(write & !c->write_back, 0)) return mem_access_slow(port, r, now, first, served);
	if (cache_may_wait(c, line, way, now)) return mem_access_slow(port, r, now, first, served);
	cache_touch(c, set, (unsigned)way);
	if (write) cache_marks(c, set)[way] |= CACHE_DIRTY;
	c->stats.accesses++;
	c->stats.hits++;
	*served = first;
	return now + c->hit_cycles;
}

/* mem_access() of a read that seldom hits the nearest cache in which it looks. */
static inline cycles_t mem_read(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
				unsigned *served)
{
	cycles_t done = port->find[first](port, first, r, 0, mem_line(port, r), now);
	*served = port->served;
	return done;
}

/* Has the host fetch a set. Always inlined, as physmem_prefetch() is. */
static inline __attribute__((always_inline)) void mem_prefetch_set(const struct cache *c, uint64_t line)
{
	const char *set = (const char *)cache_set_of(c, line);
	__builtin_prefetch(set, 1);
	__builtin_prefetch(set + c->set_bytes - 1, 1);
}

/* What the last cache, whose sets are the most, will look at for `pa`, some time later. Its security state is above what chooses a set. */
static inline __attribute__((always_inline)) void mem_prefetch(const struct mem_port *port, struct pa pa)
{
	if (port->last) mem_prefetch_set(port->last, pa.raw >> port->line_bits);
}

/* The same of all caches, and of those above an inclusive one, which may have what has to go there. */
static inline __attribute__((always_inline)) void mem_prefetch_all(const struct mem_port *port, struct pa pa)
{
	uint64_t line = pa.raw >> port->line_bits;
	for (unsigned i = 0; i < port->levels; i++) {
		mem_prefetch_set(port->level[i], line);
		if (port->above[i].alike) mem_prefetch_set(port->above[i].cache[1], line);
	}
}

/* From now on a miss has the host fetch what it will touch, too. Changes nothing. */
void mem_expect_far(struct mem_cpu *c);

/* As mem_access without caches: straight to the node. */
cycles_t mem_access_uncached(struct mem_port *port, const struct mem_req *r, cycles_t now);

/* Whether the core has the line of `r` in a private cache, and no other core may have it. Changes nothing. */
bool mem_has_alone(const struct mem_port *port, const struct mem_req *r);
/* An atomic at the line's home, which takes it from all private caches: when its value has come back. The way there and back is that to
 * another core of the die; `c` says how long the home is busy with each. */
cycles_t mem_access_at_home(struct mem_port *port, const struct mem_req *r, const struct coherence *c,
			    cycles_t now);
/* Stores to lines that cores share are told to `m` (borrowed), in which core i of those that mem_cpu_init() has built is PE i. Without a
 * directory nothing is. */
void mem_use_monitors(struct mem_side *side, struct monitors *m);

/* The smallest latency at which one core can see what another did: that of the nearest cache that two of the cores share,
 * or of the nearest node. */
cycles_t mem_cross_latency(const struct mem_side *m);
unsigned mem_line_bits(const struct mem_side *m);
const struct mem_node *mem_nodes(const struct mem_side *m, unsigned *count);

/* Checks accesses = hits + misses + merged in every cache, and the nodes' reads against those of the cores. ERR_CHECK names
 * the first that does not hold. */
enum status mem_check_sums(const struct mem_side *m, struct err *err);

#endif
