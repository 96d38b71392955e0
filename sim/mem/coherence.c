#include "mem/coherence.h"

const char *const core_distance_names[] = {
#define X(name, text, doc) #text,
	CORE_DISTANCES(X)
#undef X
		NULL};

static const char *const protocol_names[] = {"none", "directory", NULL};
static const char *const atomics_names[] = {"near", "far", NULL};

#define F struct coherence_params
#define NS(m, dflt, doc) HW_U64(F, m, "ns", dflt, 1, 100000, doc)
static const struct param rows[] = {
	P_ENUM(F, protocol, protocol_names, PROTOCOL_NONE,
	       "lines of data that several cores write: come as if nobody else had them; or from the core that wrote them, known by "
	       "a directory"),
	NS(cluster_ns, 40, "a line comes from another core of the same cluster, which wrote it last"),
	NS(die_ns, 60, "the same from another cluster of the die"),
	NS(socket_ns, 80, "from another die of the socket"),
	NS(machine_ns, 200, "from another socket"),
	HW_ENUM(F, atomics, atomics_names, ATOMICS_NEAR,
		"where an atomic executes whose line another core has: near, in the core that asks, which gets the line; or far, "
		"at the line's home (FEAT_LSE)"),
	NS(far_atomic_ns, 5, "the home of a line is busy so long with each far atomic"),
	HW_U64(F, erg, "log2(words)", 4, 2, 9,
	       "exclusives reservation granule, which a load exclusive tags (CTR_EL0.ERG)"),
};
#undef NS
#undef F
SCHEMA(coherence_schema, "coherence", struct coherence_params, rows, "lines that cores share");

void coherence_init(struct coherence *c, const struct coherence_params *p, const struct topology_params *t,
		    uint64_t clock_mhz, cycles_t atomic_cycles)
{
	const uint64_t ns[DISTANCES] = {[DISTANCE_CLUSTER] = p->cluster_ns,
					[DISTANCE_DIE] = p->die_ns,
					[DISTANCE_SOCKET] = p->socket_ns,
					[DISTANCE_MACHINE] = p->machine_ns};
	*c = (struct coherence){.topology = *t, .local = atomic_cycles, .atomics = (enum atomics)p->atomics};
	for (unsigned d = 0; d < DISTANCES; d++) c->transfer[d] = cycles_of_ns(ns[d], clock_mhz);
	c->far_occupancy = cycles_of_ns(p->far_atomic_ns, clock_mhz);
}

/* Whether units of `cores` have both; a size that is not said holds all cores, but is no near unit either. */
static bool share_unit(uint64_t cores, unsigned a, unsigned b) { return cores && a / cores == b / cores; }

enum core_distance coherence_distance(const struct topology_params *t, unsigned a, unsigned b)
{
	if (a == b) return DISTANCE_SAME;
	if (share_unit(t->cluster_cores, a, b)) return DISTANCE_CLUSTER;
	if (!t->die_cores ? !t->socket_cores || share_unit(t->socket_cores, a, b)
			  : share_unit(t->die_cores, a, b))
		return DISTANCE_DIE;
	return !t->socket_cores || share_unit(t->socket_cores, a, b) ? DISTANCE_SOCKET : DISTANCE_MACHINE;
}

cycles_t coherence_least(const struct coherence *c)
{
	cycles_t least = c->transfer[DISTANCE_CLUSTER];
	for (unsigned d = DISTANCE_DIE; d < DISTANCES; d++)
		if (c->transfer[d] < least) least = c->transfer[d];
	return least;
}
