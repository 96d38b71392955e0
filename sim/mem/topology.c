#include "mem/topology.h"

#include <stdio.h>

const char *const share_names[] = {"no", "yes", "cluster", "die", "socket", NULL};

#define F struct topology_params
static const struct param rows[] = {
	HW_U64(F, cluster_cores, "cores", 0, 0, 1024, "cores of a cluster; 0: all cores are in one"),
	HW_U64(F, die_cores, "cores", 0, 0, 1024,
	       "cores of a die, to which the memory node of the same number belongs; 0: all cores are on one"),
	HW_U64(F, socket_cores, "cores", 0, 0, 1024, "cores of a socket; 0: all cores are in one"),
};
#undef F
SCHEMA(topology_schema, "topology", struct topology_params, rows,
       "how cores are grouped: core n is in cluster n / cluster_cores, and so on");

unsigned topology_unit(const struct topology_params *t, enum share share, unsigned cpu)
{
	const uint64_t cores[] = {[SHARE_NONE] = 1,
				  [SHARE_ALL] = 0,
				  [SHARE_CLUSTER] = t->cluster_cores,
				  [SHARE_DIE] = t->die_cores,
				  [SHARE_SOCKET] = t->socket_cores};
	return cores[share] ? cpu / (unsigned)cores[share] : 0;
}

void topology_prefix(enum share share, unsigned unit, char text[TOPOLOGY_PREFIX_BYTES])
{
	static const char *const words[] = {[SHARE_NONE] = "cpu",
					    [SHARE_CLUSTER] = "cluster",
					    [SHARE_DIE] = "die",
					    [SHARE_SOCKET] = "socket"};
	text[0] = 0;
	if (share != SHARE_ALL) snprintf(text, TOPOLOGY_PREFIX_BYTES, "%s%u.", words[share], unit);
}

unsigned topology_reach(enum share share)
{
	static const unsigned reach[] = {
		[SHARE_NONE] = 0, [SHARE_CLUSTER] = 1, [SHARE_DIE] = 2, [SHARE_SOCKET] = 3, [SHARE_ALL] = 4};
	return reach[share];
}
