/* core_world.h - a core with translation off, its caches, TLBs and memory, as tests describe them. */
#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include "cpu/core.h"

struct rig {
	struct cache_params cache[3];
	struct param_list caches;
	struct node_params node;
	struct memory_params memory;
	struct tlb_params tlb[2];
	struct param_list tlbs;
	struct walker_params walker;
	struct core_params params;
	struct mem_side *side;
	struct mem_cpu mem;
	struct physmem *physmem;
	struct mmu *mmu;
	struct core core;
};

/* Builds what caches, memory, tlbs, walker and params say, at 1 GHz. */
void build_rig(struct rig *g);
/* Checks all sums. */
void close_rig(struct rig *g);

#endif
