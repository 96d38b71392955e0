/* coherence.h - what it takes to share a line between cores: how far it comes from the core that has it.
 *
 *   coherence_init: machine's numbers -> struct coherence      coherence_transfer: (from, to) -> cycles
 * The distance of two cores is the smallest unit of the machine (topology.h) that holds both. Each has a latency: from the
 * request of a core that wants to write a line until it has it, of a line that another core wrote last. A unit whose
 * size the topology does not say is skipped; a machine that says nothing is one die.
 * Not modelled: which slice of the system cache is a line's home, and how far both cores are from it.
 */
#ifndef MEM_COHERENCE_H
#define MEM_COHERENCE_H

#include "base/types.h"
#include "mem/topology.h"

#define CORE_DISTANCES(X) \
	X(SAME, same, "the core itself") \
	X(CLUSTER, cluster, "the cores of a cluster") \
	X(DIE, die, "the clusters of a die") \
	X(SOCKET, socket, "the dies of a socket") \
	X(MACHINE, machine, "the sockets")

enum core_distance {
#define X(name, text, doc) DISTANCE_##name,
	CORE_DISTANCES(X)
#undef X
		DISTANCES
};
extern const char *const core_distance_names[]; /* NULL at the end */

/* Where an atomic executes whose line another core has: in the core that asks, or where the line has its home. */
enum atomics { ATOMICS_NEAR, ATOMICS_FAR };

/* What keeps the data of several cores' caches coherent: nothing that takes time, or a directory (directory.h). */
enum protocol { PROTOCOL_NONE, PROTOCOL_DIRECTORY };

struct coherence_params {
	uint64_t protocol;                                  /* enum protocol */
	uint64_t cluster_ns, die_ns, socket_ns, machine_ns; /* core to core */
	uint64_t atomics;                                   /* enum atomics */
	uint64_t far_atomic_ns;                             /* of the home, per operation */
	uint64_t erg; /* log2 of the words of an exclusives reservation granule */
};
extern const struct schema coherence_schema;

struct coherence {
	struct topology_params topology;
	cycles_t transfer[DISTANCES]; /* by distance */
	cycles_t local;               /* an atomic on a line that the core has */
	cycles_t far_occupancy;       /* of the home by a far atomic */
	enum atomics atomics;
};

/* `atomic_cycles`: of an atomic on a line in the first cache. */
void coherence_init(struct coherence *c, const struct coherence_params *p, const struct topology_params *t,
		    uint64_t clock_mhz, cycles_t atomic_cycles);

enum core_distance coherence_distance(const struct topology_params *t, unsigned a, unsigned b);

/* Until core `to` has the line of core `from`. 0: it has it. */
static inline cycles_t coherence_transfer(const struct coherence *c, unsigned from, unsigned to)
{
	return c->transfer[coherence_distance(&c->topology, from, to)];
}

/* The soonest that one core can see what another wrote. */
cycles_t coherence_least(const struct coherence *c);

#endif
