/* its_table.h - where an entry of a table in memory is: flat, or two-level through pages of level 2.
 *
 *   gic_table_of_baser: GITS_BASER<n> or GICR_VPROPBASER -> struct gic_table      gic_table_find: (table, ID) -> address
 * The device, collection and vPE tables are of this kind; what an entry holds is IMPLEMENTATION DEFINED and said where the
 * entries are read and written (its_entries.h, vpe_table.h).
 * Source: IHI 0069, 12.19 (GITS_BASER<n>: Valid, Indirect, Entry_Size, Page_Size, Size), 5.2.3 (two-level tables: a level 1 entry
 * has Valid in <63> and the address of a page of level 2), 12.11 (GICR_VPROPBASER).
 */
#ifndef GIC_ITS_TABLE_H
#define GIC_ITS_TABLE_H

#include "base/types.h"
#include "mem/physmem.h"

struct gic_table {
	bool valid, indirect;
	struct pa base;
	unsigned page_bits;  /* 12, 14 or 16 */
	unsigned entry_bits; /* log2 of the bytes of an entry */
	unsigned pages;      /* of level 1, or of the flat table */
};

/* Fields of GITS_BASER<n>; bits <15:12> of the address hold <51:48> when pages have 64 KiB. */
struct gic_table gic_table_of_baser(uint64_t baser, unsigned entry_bits);
/* The same for the vPE table of a GICv4.1 redistributor. */
struct gic_table gic_table_of_vpropbaser(uint64_t vpropbaser, unsigned entry_bits);

/* The number of IDs that the table can hold, were every page of level 2 there. */
uint64_t gic_table_reach(const struct gic_table *t);

enum gic_found { GIC_FOUND, GIC_OUT_OF_RANGE, GIC_NO_LEVEL2 };
/* The address of the entry of `id` into *entry; *level1 is the address of the level 1 entry that was read, or all ones. */
enum gic_found gic_table_find(const struct gic_table *t, const struct physmem *mem, uint64_t id,
			      struct pa *entry, struct pa *level1);

#endif
