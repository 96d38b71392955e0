/* range_tlb.h - a range TLB: entries that translate whole ranges of addresses, of any length.
 *
 *   range_tlb_take: a miss of all TLBs -> the page's translation, if a range holds it      range_tlb_learn: after a walk
 *
 * It is looked up beside the last TLB levels when the first has missed, and its answer waits for theirs. A hit makes an entry for the page in the TLBs, and
 * saves the walk. Behind a walk for a page of a range of at least min_pages, a walker of its own looks the range up in the range
 * table that the kernel keeps, at both stages where there are two, while the program goes on; the part that both stages map as one becomes the
 * entry. While it is busy other walks bring no range. An entry has what the walk found (permissions, attributes, sizes): a
 * range's descriptors differ in nothing but addresses. TLBI takes an entry if it takes any of its pages.
 * With `source: colt_fa` no kernel keeps range tables: a walk brings the run of pages around its own that continue each other, in addresses
 * and attributes, on the descriptor lines that it has read, and a run that continues entries which are there takes them in. So
 * runs are bound to no alignment, and grow beyond a line, where those of `coalesce: colt` are not (tlb/lines.c).
 * Source: Karakostas et al., "Redundant Memory Mappings for Fast Access to Large Memories", ISCA 2015 (4.1, 4.3: a fully
 * associative range TLB beside the L2 TLB; range table walks in the background); Pham et al., "CoLT: Coalesced Large-Reach TLBs", MICRO
 * 2012 (CoLT-FA: coalescing into a fully associative TLB, and with entries that are there).
 * Not modelled: CoLT-FA's place beside the first level, and its limit on the length of a run; with it pages of runs in other TLBs are there
 * as ever, where the paper leaves them out; stage 2 translations of the range table's own addresses in a guest; the range bit of descriptors, whose place the table itself
 * takes: a walk knows whether its page is in a range.
 */
#ifndef MMU_RANGE_TLB_H
#define MMU_RANGE_TLB_H

#include "mmu/mmu.h"

enum { RANGE_READS_MAX = 16 };

/* What a range table says of an address. */
struct range_found {
	uint64_t first, last;            /* VAs, the last one included */
	uint64_t first_pa;               /* where the first goes */
	struct pa read[RANGE_READS_MAX]; /* lines read to know it, in order */
	unsigned reads;
};

/* Looks `va` up in the range tables of the present address space; false: no range holds it. */
typedef bool range_find_fn(void *owner, uint64_t va, struct range_found *out);

struct range_entry {
	uint64_t first, last;
	struct tlb_entry
		like; /* what a page of it looks like; va is `first`, and pa where that goes; bits 0: no entry */
	uint64_t used; /* larger is later */
};

struct range_tlb_stats {
	uint64_t lookups, hits, misses, merged; /* lookups = hits + misses + merged */
	uint64_t permission_misses;
	uint64_t table_walks, busy, short_ranges, joins, reads, read_cycles;
	uint64_t fills, filled_pages, evictions, invalidated;
};
extern const struct stat_desc range_tlb_stat_rows[];
extern const size_t range_tlb_stat_row_count;

struct range_tlb {
	struct range_tlb_params params;
	struct range_entry *entry;
	uint64_t clock;      /* of uses */
	cycles_t busy_until; /* its walker */
	range_find_fn *find;
	void *owner;
	struct range_tlb_stats stats;
};

/* *out is NULL where `p` has no entries. */
void range_tlb_new(const struct range_tlb_params *p, struct range_tlb **out);
void range_tlb_free(struct range_tlb *r);
/* Where ranges come from; borrowed. Before the first translation. */
void range_tlb_set_source(struct range_tlb *r, range_find_fn *find, void *owner);

/* Looks for `va` from `began` on, when the first level had missed; *now is when the other levels had. True: it is in the TLBs now. */
bool range_tlb_take(struct mmu *m, uint64_t va, struct access a, unsigned n, cycles_t began, cycles_t now,
		    struct mmu_done *out);
/* A walk found `f`, known at `now`. */
void range_tlb_learn(struct mmu *m, const struct tlb_fill *f, cycles_t now);
/* Removes what a TLBI takes; returns how many entries. */
unsigned range_tlb_invalidate(struct range_tlb *r, const struct tlb_match *match);

#endif
