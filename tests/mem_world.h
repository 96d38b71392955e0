/* mem_world.h - a memory side with one core, as tests build it: small caches over memory of two nodes, each request by the number of its line. */
#ifndef TESTS_MEM_WORLD_H
#define TESTS_MEM_WORLD_H

#include "mem/mem.h"

enum { L1 = 4, L2 = 11, DRAM = 100 };
static const uint64_t base = 0x80000000;

struct side {
	struct cache_params cache[4];
	struct param_list caches;
	struct node_params node[2];
	struct memory_params memory;
	struct mem_side *mem;
	struct mem_cpu cpu;
};

/* A unified cache of 64-byte lines, written back, with 16 miss registers. */
struct cache_params cache_of(const char *name, uint64_t level, uint64_t size, uint64_t ways,
			     uint64_t hit_cycles);
/* 8 lines in 4 sets over 32 lines in 8 sets over 100 cycles of memory (150 of the second node), at 1 GHz. */
void describe(struct side *s);
/* Makes of it a split first level, a private second and a shared third. */
void make_three(struct side *s, enum inclusion second, enum inclusion third);
void build(struct side *s);
/* Checks sums and caches. */
void close_side(struct side *s);

/* Completion of an access to line `n` of memory, less `now`. */
cycles_t latency(struct side *s, uint64_t n, enum access_kind kind, cycles_t now);
const struct mem_node *node(const struct side *s, unsigned n);

#endif
