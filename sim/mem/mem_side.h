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

#endif
