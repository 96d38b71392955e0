#include "mem/mem_params.h"

#include "repl/repl.h"

static const char *const cache_side_names[] = {"instruction", "data", "unified", NULL};
static const char *const inclusion_names[] = {"nine", "inclusive", "exclusive", NULL};

#define F struct cache_params
static const struct param cache_rows[] = {
	P_STR(F, name, NULL, "name, unique among the caches"),
	P_U64(F, level, "level", 1, 1, 4, "1 is nearest to the core"),
	P_ENUM(F, side, cache_side_names, CACHE_UNIFIED, "which accesses look here"),
	P_ENUM(F, shared, share_names, SHARE_NONE,
	       "one for each core (no), for each cluster, die or socket, or for all cores (yes: a system cache)"),
	HW_U64(F, size, "bytes", 65536, 64, UINT64_C(1) << 40, "capacity"),
	HW_U64(F, ways, "ways", 4, 1, 64, "associativity"),
	HW_U64(F, line, "bytes", 64, 16, 256, "line size, a power of two, the same for all caches"),
	HW_U64(F, hit_cycles, "cycles", 4, 0, 10000,
	       "load-to-use latency when the line is found here, counted from the core"),
	HW_U64(F, mshrs, "misses", 16, 1, 1024, "outstanding misses"),
	HW_ENUM(F, policy, repl_names, REPL_lru, "replacement policy"),
	HW_ENUM(F, inclusion, inclusion_names, INCL_NINE,
		"towards the levels nearer to the core: inclusive (an eviction here evicts there), exclusive (holds only what "
		"was evicted there), or nine (neither)"),
	HW_BOOL(F, write_back, 1, "dirty lines are written when evicted; no: every write goes through"),
	HW_BOOL(F, write_allocate, 1, "a write miss fetches the line"),
	HW_U64(F, mpam_portions, "portions", 0, 0, 64,
	       "cache portions of MPAM, which divide the ways; 0: the cache has no MPAM (docs/mpam.md)"),
	P_MAP(F, prefetch, &line_prefetch_schema, "prefetching of lines"),
};
#undef F
SCHEMA(cache_schema, "cache", struct cache_params, cache_rows, "a data or instruction cache");

#define F struct node_params
static const struct param node_rows[] = {
	P_STR(F, name, "node", "name"),
	HW_U64(F, size, "bytes", UINT64_C(64) << 30, 1 << 21, UINT64_C(1) << 50, "memory of the node"),
	HW_U64(F, latency_ns, "ns", 100, 1, 100000,
	       "load-to-use latency of an idle node, counted from a core of its own die"),
	HW_U64(F, bandwidth_MBps, "MB/s", 20000, 1, 10000000,
	       "peak bandwidth of the node (10^6 bytes per second)"),
};
#undef F
SCHEMA(node_schema, "node", struct node_params, node_rows, "a NUMA node's memory");

#define F struct distance_params
static const struct param distance_rows[] = {
	P_U64(F, die, "die", 0, 0, 63, "the die that the measuring core is on"),
	HW_U64_LIST(F, latency_ns, "ns", 1, 100000, "load-to-use latency of each idle node, in order"),
};
#undef F
SCHEMA(distance_schema, "distance", struct distance_params, distance_rows,
       "how far the nodes are from one die");

#define F struct link_params
static const struct param link_rows[] = {
	P_STR(F, name, NULL, "name, unique among the links"),
	HW_U64_LIST(F, one_side, "nodes", 0, 63, "nodes, and the dies of the same numbers, on one side"),
	HW_U64_LIST(F, other_side, "nodes", 0, 63, "those on the other"),
	HW_U64(F, latency_ns, "ns", 0, 0, 100000,
	       "added to the node's latency for who reads across, where memory.distances does not say the sum"),
	HW_U64(F, bandwidth_MBps, "MB/s", 20000, 1, 10000000,
	       "what each direction carries (10^6 bytes per second)"),
};
#undef F
SCHEMA(link_schema, "link", struct link_params, link_rows,
       "an interconnect link between two groups of dies with their nodes");

#define F struct memory_params
static const struct param memory_rows[] = {
	HW_U64(F, base, "address", UINT64_C(0x80000000), 0, UINT64_C(1) << 51,
	       "physical address of the first node"),
	P_LIST(F, nodes, &node_schema, 1, 64,
	       "memory nodes, in address order; node n belongs to die n, one beyond the dies is far memory"),
	P_LIST(F, distances, &distance_schema, 0, 64,
	       "latency of every node from each die; without a row, the node's own and that of the links between"),
	P_LIST(F, links, &link_schema, 0, 16, "interconnect links"),
	HW_BOOL(F, mpam, 0, "the nodes' bandwidth is partitioned and monitored by MPAM (docs/mpam.md)"),
};
#undef F
SCHEMA(memory_schema, "memory", struct memory_params, memory_rows, "main memory");
