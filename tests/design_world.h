/* design_world.h - an MMU with one of the page-table designs, memory for its tables, and TLBs of four entries, so that it walks.
 *
 * design_open(), then mappings and changes of d->walker, then design_build(); design_close() ends it.
 */
#ifndef TESTS_DESIGN_WORLD_H
#define TESTS_DESIGN_WORLD_H

#include "table_world.h"

enum { MEMORY_CYCLES = 100 };
#define PAGE UINT64_C(0x123456000)
#define FRAME UINT64_C(0x345678000)

struct design_world {
	struct mmu_world world;
	struct table_world tables;
	struct walker_params walker;
};

/* One walker without walk caches; hashes take no time. */
void design_open(struct design_world *d, const struct mmu_setup *s, enum page_table_kind design);
/* Without data caches where `caches` is NULL. */
void design_build(struct design_world *d, const struct param_list *caches);
void design_close(struct design_world *d);

/* Of the machine's stage 1 for both halves, and of stage 2. */
struct mmu_setup design_setup(struct mmu_shape stage1, struct mmu_shape stage2, bool two_stages);
/* 4 KiB pages at both stages, 48-bit VAs, 40-bit IPAs from level 1. */
struct mmu_setup design_setup_4k(bool two_stages);

/* What one walk reads when the tables hold the page already, and how many of the reads come one after the other. */
struct design_case {
	int design;
	bool two_stages;
	int stage2_start; /* of 40-bit IPAs: 1, or 0 */
	unsigned reads, steps;
};

/* With six pages of the first process, from PAGE on, in every fourth frame from FRAME on. */
void design_open_pages(struct design_world *d, const struct design_case *c);
/* Walks for PAGE again after five other pages, which are all that the TLB holds: its cycles. *reads are what it read. */
cycles_t design_walk_again(struct design_world *d, uint64_t *reads);
/* A read of `va` comes to what Arm's tables say. */
void design_expect_same(struct design_world *d, uint64_t va, cycles_t now);
/* Leaves the TLBs without any entry. */
void design_flush(struct design_world *d);

#endif
