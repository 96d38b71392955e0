/* topology.h - which cores share what: clusters, dies and sockets, as runs of core numbers.
 *
 *   topology_unit: (share, core) -> number of the unit      topology_prefix -> "die1."
 * Core n is in cluster n / cluster_cores, die n / die_cores, socket n / socket_cores. A size of 0 means one unit that holds
 * all cores, so that a machine that says nothing has one cluster on one die.
 */
#ifndef MEM_TOPOLOGY_H
#define MEM_TOPOLOGY_H

#include "config/schema.h"

/* Who shares one instance of a cache or TLB. */
enum share { SHARE_NONE, SHARE_ALL, SHARE_CLUSTER, SHARE_DIE, SHARE_SOCKET };
extern const char *const share_names[]; /* "no", "yes", "cluster", ...; NULL at the end */

struct topology_params {
	uint64_t cluster_cores, die_cores, socket_cores; /* cores in one; 0: all */
};
extern const struct schema topology_schema;

enum { TOPOLOGY_PREFIX_BYTES = 24 };

/* The unit of `share` that core `cpu` is in; of SHARE_NONE the core itself. */
unsigned topology_unit(const struct topology_params *t, enum share share, unsigned cpu);
/* What a unit's components are called by in statistics: "cpu3.", "cluster0.", "die1.", "socket0."; "" for all. */
void topology_prefix(enum share share, unsigned unit, char text[TOPOLOGY_PREFIX_BYTES]);
/* How far `share` reaches, to compare: a core least, all cores most. */
unsigned topology_reach(enum share share);

#endif
