/* levels.h - the TLBs of one core as levels: what is looked up where, what a fill brings where, who gives
 * way.
 *
 *   levels_fill: what an access found, beyond which level -> counts, and fills of the levels before it
 * A level of one side is one TLB, or several that hold different page sizes and are looked up at once.
 * Towards the levels nearer to the core a TLB is one of:
 *   nine       filled by every walk that passes it; what it evicts stays above
 *   inclusive  the same, but what it evicts goes above, too
 *   exclusive  filled only by what the level above evicts; a hit moves the translation up. A small one is a
 *              victim TLB.
 * Each access counts once per level: in the TLB that has its translation, or that its translation is filled
 * into.
 * Source: Jouppi, Improving Direct-Mapped Cache Performance by the Addition of a Small Fully-Associative
 * Cache, ISCA 1990 (victim); Jaleel et al., Achieving Non-Inclusive Cache Performance with Inclusive Caches,
 * MICRO 2010 (the three kinds).
 * Not modelled: time for moving entries between levels.
 */
#ifndef MMU_LEVELS_H
#define MMU_LEVELS_H

#include "mmu/mmu.h"

/* Builds the TLBs of `p` into `m`, or takes them from its pool. */
enum status levels_build(struct mmu *m, const struct mmu_parts *p, struct err *err);

/* Where an access found its translation. */
struct levels_place {
	struct tlb *tlb;
	struct tlb_entry *entry; /* NULL: nowhere; then level is their number */
	unsigned level;
};

/* Counts an access of `n` fetches that missed the nearest `levels`, and fills them with what it then found.
 * NULL: nothing was found. */
void levels_fill(struct mmu *m, unsigned side, unsigned levels, unsigned n, const struct tlb_fill *f);

/* Counts an access that missed `t`, and `more` that find there what it brings: the rest of a run of fetches asks the first level only. */
static inline void levels_count_miss(struct tlb *t, unsigned more)
{
	t->stats.lookups += 1 + more;
	t->stats.misses++;
	t->stats.hits += more;
}

/* The fill that brings entry `e` around `va` elsewhere. */
struct tlb_fill levels_fill_of(const struct tlb_entry *e, uint64_t va);

#endif
