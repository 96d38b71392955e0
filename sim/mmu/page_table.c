#include "mmu/page_table.h"

#include <stdlib.h>

#include "base/alloc.h"

const char *const page_table_names[] = {
#define X(n, doc) #n,
	PAGE_TABLE_DESIGNS(X)
#undef X
		NULL,
};

const struct page_table_design *const page_table_designs[PAGE_TABLE_COUNT] = {
#define X(n, doc) &design_##n,
	PAGE_TABLE_DESIGNS(X)
#undef X
};

/* --- parameters ------------------------------------------------------------------------------------------------ */

#define F struct page_table_params
static const struct param rows[] = {
	P_ENUM(F, design, page_table_names, PAGE_TABLE_radix,
	       "page-table design that the walkers are built for; all but radix are proposals of the literature"),
	/* CAL: a CRC unit, as ECPT assumes. */
	P_U64(F, hash_cycles, "cycles", 2, 0, 1000,
	      "ecpt, hashed: computing the hashes of one step; inverted: of the first"),
	P_U64(F, initial_lines, "lines", 512, 8, 1 << 24,
	      "ecpt, hashed: lines of 8 entries that a table (of ecpt: each way) begins with; a power of two"),
	P_U64(F, most_load_percent, "percent", 60, 10, 90,
	      "ecpt, hashed: share of lines in use beyond which a table grows to twice its size"),
	P_U64(F, cuckoo_ways, "ways", 3, 2, 4, "ecpt: places that a page can be in, read at once"),
	P_U64(F, walk_table_entries, "entries", 16, 0, 4096,
	      "ecpt: cuckoo walk cache, of regions of the second-smallest page size whose page sizes are known; 0: none"),
	P_U64(F, walk_table_small_entries, "entries", 0, 0, 4096,
	      "ecpt: second cuckoo walk cache, of 512 (estimated) of the smallest pages whose ways are known; 0: none"),
	P_BOOL(F, small_tables_only, 0,
	       "ecpt: the second walk cache is for stage 2 of the addresses of stage 1 tables alone, as the nested design has it"),
	P_U64(F, anchors_per_frame, "anchors", 2, 1, 16,
	      "inverted: hash anchors for each frame that the table describes, rounded up to a power of two in all"),
	/* CAL: estimated; the kernel's part of a minor fault, as os.fault_cycles. */
	P_U64(F, remap_cycles, "cycles", 1800, 0, 1000000,
	      "inverted: a fault that gives a frame's only entry to another page of it (estimated: 0.6 us at 3 GHz)"),
	P_U64(F, pom_bytes, "bytes", 16 << 20, 1 << 13, UINT64_C(1) << 30,
	      "pom_tlb: both halves, small and large pages, with 16 bytes an entry; a power of two"),
	/* CAL: an exit to a hypervisor and back with some work, as a stage 2 fault without its mapping. */
	P_U64(F, trap_cycles, "cycles", 3000, 0, 1000000,
	      "shadow, agile: the hypervisor's cost of one trapped write to a guest's table"),
	P_U64(F, asap_s1_levels, "levels", 2, 0, 4,
	      "asap: last levels of stage 1 whose descriptors are fetched as a walk begins; the paper has 1 and 2"),
	P_U64(F, asap_s2_levels, "levels", 2, 0, 4, "asap: the same of each walk of stage 2"),
};
#undef F
SCHEMA(page_table_schema, "page_table", struct page_table_params, rows,
       "page-table design (docs/page-table-designs.md)");

/* --- memory for tables ----------------------------------------------------------------------------------------- */

static void give_pieces(const struct table_site *site, struct table_area *a, unsigned pieces)
{
	while (pieces-- > 0)
		site->memory->give(site->memory->ctx, site->space, a->piece_bits, a->piece[pieces]);
	free(a->piece);
	a->piece = NULL;
}

static bool take_pieces(const struct table_site *site, struct table_area *a)
{
	unsigned pieces = 1u << (a->bits - a->piece_bits);
	a->piece = xcalloc(pieces, sizeof(*a->piece));
	for (unsigned i = 0; i < pieces; i++) {
		if (site->memory->take(site->memory->ctx, site->space, a->piece_bits, &a->piece[i])) continue;
		give_pieces(site, a, i);
		return false;
	}
	return true;
}

bool table_area_take(const struct table_site *site, unsigned bits, struct table_area *out)
{
	unsigned page_bits = site->s.granule_bits;
	if (bits < page_bits) bits = page_bits;
	unsigned largest = bits < TABLE_PIECE_BITS ? bits : TABLE_PIECE_BITS;
	for (unsigned piece = largest; piece >= page_bits; piece--) {
		*out = (struct table_area){.bits = bits, .piece_bits = piece};
		if (!take_pieces(site, out)) continue;
		site->stats->tables++;
		site->stats->small_nodes += piece < largest;
		site->stats->taken_bytes += UINT64_C(1) << bits;
		return true;
	}
	*out = (struct table_area){0};
	return false;
}

void table_area_give(const struct table_site *site, struct table_area *a)
{
	if (!a->piece) return;
	site->stats->given_bytes += UINT64_C(1) << a->bits;
	give_pieces(site, a, 1u << (a->bits - a->piece_bits));
}
