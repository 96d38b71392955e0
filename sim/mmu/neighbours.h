/* neighbours.h - translations of the pages around one that was walked for, from descriptors that the walk has
 * read.
 *
 * A walk reads descriptors by lines of the memory side, eight to a line of 64 bytes. Those beside the leaf it
 * wanted tell of neighbouring pages at no further read: at stage 1 where they are, at stage 2 what lies
 * behind that. A neighbour is known where each stage that is on says so: its descriptor is on a line that was
 * read, or the leaf itself covers it.
 * What comes out is what a walk of the neighbour would give; nothing is written to memory, so neighbours
 * without the access flag are left out.
 * Source: Pham et al., CoLT, MICRO 2012 (coalescing on the fetched line); Vavouliotis et al., Exploiting Page
 * Table Locality for Agile TLB Prefetching, ISCA 2021 (free prefetching).
 * Not modelled: descriptors in lines of another size; neighbours while stage 1 is off.
 */
#ifndef MMU_NEIGHBOURS_H
#define MMU_NEIGHBOURS_H

#include "mmu/mmu.h"

/* Entries for the neighbours of `t`, the result of the walk that was just made for `a`, that end up in one
 * group of TLB_PAGES_MAX pages with it: near[TLB_PAGES_MAX - 1]. Returns how many. */
unsigned mmu_neighbours(const struct mmu *m, const struct translation *t, struct access a, cycles_t ready,
			struct tlb_entry *near);

/* What a TLB holds of a translation, but for its place. */
static inline struct tlb_entry mmu_entry_of(const struct mmu *m, const struct translation *t, cycles_t ready)
{
	unsigned bits = t->s1_bits < t->s2_bits ? t->s1_bits : t->s2_bits;
	unsigned run_bits = t->s1_run_bits < t->s2_run_bits ? t->s1_run_bits : t->s2_run_bits;
	return (struct tlb_entry){.tag = m->tag,
				  .tag_mask = t->global ? TLB_TAG_GLOBAL : TLB_TAG_ALL,
				  .ready = ready,
				  .perm = t->perm,
				  .s1_bits = t->s1_bits,
				  .s2_bits = t->s2_bits,
				  .attr = t->attr,
				  .sh = t->sh,
				  .level = (uint8_t)(t->s1_level + 1),
				  .contiguous = run_bits > bits,
				  .device = attr_is_device(t->attr)};
}

#endif
