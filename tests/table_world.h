/* table_world.h - memory for the tables of page-table designs, as kernel and hypervisor would give it in tests.
 *
 * Addresses count up and are never given twice. Pieces above 2^most_bits are refused, and all of them when nothing is
 * `left`.
 */
#ifndef TESTS_TABLE_WORLD_H
#define TESTS_TABLE_WORLD_H

#include "mmu/page_design.h"
#include "mmu_world.h"

struct table_world {
	struct mmu_world *world; /* stage 2 of what space 1 gives is mapped there; NULL: nothing has to be */
	uint64_t next[2];
	unsigned most_bits;
	uint64_t left, held; /* bytes: that may still be taken; taken and not given back */
	struct table_memory memory;
};

void table_world_init(struct table_world *t, struct mmu_world *world);

/* Defaults of the schema but for the design, and small tables. */
struct page_table_params table_world_params(enum page_table_kind design);

#endif
