/* pom_tlb.h - a very large TLB in memory: two arrays of 4-way sets, one line a set, for small and for large pages.
 *
 *   pom_tlb_look_up(mmu, access, translation) -> whether an entry answers; m->now moves by the lines read
 * A predictor says which array to read first. Entries are tagged and invalidated as those of any TLB.
 * Source: J. H. Ryoo, N. Gulur, S. Song, L. K. John, "Rethinking TLB Designs in Virtualized Environments: A Very Large
 * Part-of-Memory TLB", ISCA 2017 (arrays by page size, size prediction, lines held by data caches).
 * Not modelled: its prediction of cache bypass; a die-stacked DRAM of its own (it lies in node memory); the VM's identity in
 * the index.
 */
#ifndef MMU_POM_TLB_H
#define MMU_POM_TLB_H

#include "mmu/page_table.h"

struct pom_tlb;

enum { POM_ARRAYS = 2 };

/* ERR_CONFIG where the size does not fit. */
enum status pom_tlb_new(const struct page_table_params *p, struct pom_tlb **out, struct err *err);
void pom_tlb_free(struct pom_tlb *p);
/* The arrays: [0] small pages, [1] large ones. Owned by `p`. */
struct tlb *const *pom_tlb_arrays(struct pom_tlb *p);

#endif
