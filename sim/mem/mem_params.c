#include "mem/mem_params.h"

#include "repl/repl.h"

static const char *const cache_side_names[] = {"instruction", "data", "unified", NULL};
static const char *const inclusion_names[] = {"nine", "inclusive", "exclusive", NULL};

#define F struct cache_params
static const struct param cache_rows[] = {
	P_STR(F, name, NULL, "name, unique among the caches"),
	P_U64(F, level, "level", 1, 1, 4, "1 is nearest to the core"),
	P_ENUM(F, side, cache_side_names, CACHE_UNIFIED, "which accesses look here"),
	P_BOOL(F, shared, 0, "one for all cores (a system cache) instead of one for each"),
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
};
#undef F
SCHEMA(cache_schema, "cache", struct cache_params, cache_rows, "a data or instruction cache");

#define F struct node_params
static const struct param node_rows[] = {
	P_STR(F, name, "node", "name"),
	HW_U64(F, size, "bytes", UINT64_C(64) << 30, 1 << 21, UINT64_C(1) << 50, "memory of the node"),
	HW_U64(F, latency_ns, "ns", 100, 1, 100000,
	       "load-to-use latency of an idle node, counted from the core"),
	HW_U64(F, bandwidth_MBps, "MB/s", 20000, 1, 10000000,
	       "peak bandwidth of the node (10^6 bytes per second)"),
};
#undef F
SCHEMA(node_schema, "node", struct node_params, node_rows, "a NUMA node's memory");

#define F struct memory_params
static const struct param memory_rows[] = {
	HW_U64(F, base, "address", UINT64_C(0x80000000), 0, UINT64_C(1) << 51,
	       "physical address of the first node"),
	P_LIST(F, nodes, &node_schema, 1, 64, "memory nodes, in address order"),
};
#undef F
SCHEMA(memory_schema, "memory", struct memory_params, memory_rows, "main memory");
