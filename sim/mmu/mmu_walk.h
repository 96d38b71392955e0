/* mmu_walk.h - a walk of an MMU in its time: walk caches, IPA cache, walkers, and descriptors through the caches.
 *
 *   m->walk: (va, access, now) -> what TLBs are filled with and the cycle at which the walk ends, or a fault
 *
 * For the files of an MMU only; mmu.h is for its users.
 */
#ifndef MMU_MMU_WALK_H
#define MMU_MMU_WALK_H

#include "mmu/mmu.h"

/* Walks from `now` on. Then m->now is when the walk ended, and m->made.fill what it found, or false and m->fault. m->walk is the one of these
 * that suits: any, or of plain walks that of one stage or of two. */
mmu_walk_fn mmu_walk_any, mmu_walk_one_stage, mmu_walk_two_stages;
/* A whole miss; m->miss is the one of these that suits. */
mmu_miss_fn mmu_miss_any, mmu_miss_one_stage, mmu_miss_two_stages;
/* Shows the observer what was walked, as an entry of its whole size, and what came along. */
void mmu_tell_of_walk(struct mmu *m, const struct tlb_fill *f, struct access a);

/* An entry answers at `now`, or when the walk that brings it ends. */
static inline cycles_t mmu_answer(struct tlb *t, const struct tlb_entry *e, cycles_t now)
{
	if (e->ready > now) {
		t->stats.merged++;
		return e->ready;
	}
	t->stats.hits++;
	return now;
}

/* For who asks where the cycles go: what a TLB, walk cache or IPA cache said. */
void mmu_write_look_up(struct mmu *m, enum why_kind kind, const struct tlb *t, uint64_t address,
		       const struct tlb_entry *e, cycles_t begin, cycles_t end);

static inline void mmu_note_look_up(struct mmu *m, enum why_kind kind, const struct tlb *t, uint64_t address,
				    const struct tlb_entry *e, cycles_t begin, cycles_t end)
{
	if (__builtin_expect(m->why != NULL, 0)) mmu_write_look_up(m, kind, t, address, e, begin, end);
}

#endif
