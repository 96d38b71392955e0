/* mem_params.h - what a machine file says of its caches and memory nodes. */
#ifndef MEM_MEM_PARAMS_H
#define MEM_MEM_PARAMS_H

#include "mem/line_prefetch.h"
#include "mem/topology.h"

enum inclusion { INCL_NINE, INCL_INCLUSIVE, INCL_EXCLUSIVE };
enum cache_side { CACHE_INSTRUCTION, CACHE_DATA, CACHE_UNIFIED };

struct cache_params {
	const char *
		name; /* "l1d": counters are under cpu<n>.<name>, shared ones under die<n>.<name> or <name> */
	uint64_t level, side, shared; /* enum share */
	uint64_t size, ways, line;
	uint64_t hit_cycles, mshrs, policy, inclusion, write_back, write_allocate;
	uint64_t mpam_portions; /* 0: no MPAM */
	struct line_prefetch_params prefetch;
};

struct node_params {
	const char *name;
	uint64_t size, latency_ns, bandwidth_MBps;
};

struct memory_params {
	uint64_t base;               /* physical address of the first node; the next follow without a gap */
	struct param_list nodes;     /* of struct node_params */
	struct param_list distances; /* of struct distance_params */
	struct param_list links;     /* of struct link_params */
	uint64_t mpam;               /* bandwidth of nodes is partitioned and monitored by MPAM */
};

struct distance_params { /* what a core of one die measures */
	uint64_t die;
	struct param_list latency_ns; /* of uint64_t, by node */
};

struct link_params {
	const char *name;
	struct param_list one_side, other_side; /* of uint64_t: nodes, and the dies of the same number */
	uint64_t latency_ns, bandwidth_MBps;
};

extern const struct schema cache_schema, node_schema, distance_schema, link_schema, memory_schema;

#endif
