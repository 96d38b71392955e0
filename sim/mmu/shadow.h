/* shadow.h - what shadow and agile paging share: a tree of the hypervisor's that maps VAs of a guest to PAs at once. */
#ifndef MMU_SHADOW_H
#define MMU_SHADOW_H

#include "mmu/page_design.h"

/* The shadow tree for `va`, in the host's memory (natively the kernel's). Its granule is the smaller of both stages'. */
struct design_table *shadow_table(struct mmu *m, struct va va);
/* What the tree holds for a translation without fault. */
struct mapping shadow_mapping(const struct translation *t);
/* Looks `want` up with time. What the tree does not hold yet was not found, is added at the price of a trap, and looked up
 * again. False: there is no memory for it. */
bool shadow_look_up(struct mmu *m, struct va va, const struct mapping *want);
/* Looks up what is not mapped. */
void shadow_miss(struct mmu *m, struct va va);

#endif
