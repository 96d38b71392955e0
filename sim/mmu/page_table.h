/* page_table.h - page-table designs other than Arm's own, behind one interface: how mappings are kept, and which
 * memory references a look-up makes.
 *
 *   begin(table, look-up) -> READ (these addresses, all at once) | FOUND | ABSENT      next(table, look-up) -> the same
 *
 * What is mapped stays the business of kernel and hypervisor, and Arm's tables stay the truth: a design's table is a copy
 * that page_design.h keeps, and checks against them at every walk. So a design decides when, and never what.
 * As walk.h, a look-up touches no memory itself: it names real addresses of the space that its table stands in (IPAs
 * for a guest's stage 1, else PAs), and whoever drives it times the reads, in parallel where several are named.
 *
 * To add a design: sim/mmu/design_<name>.c with `const struct page_table_design design_<name>`, and a row below. Its
 * config name, help text and contract tests follow from the row.
 * Source: docs/decisions/0013-page-table-designs.md, and each design's file.
 * Not modelled: the bits of the entries - tags, valid bits and addresses are kept beside the simulated memory that the
 * table occupies; permissions, access flag and dirty state, which are those of Arm's descriptors.
 */
#ifndef MMU_PAGE_TABLE_H
#define MMU_PAGE_TABLE_H

#include "mmu/page_table_params.h"
#include "mmu/walk.h"
#include "tlb/tlb.h"

#define PAGE_TABLE_DESIGNS(X) \
	X(radix, "Arm's own tables") \
	X(flattened, "pairs of levels merged into one large table") \
	X(ecpt, "elastic cuckoo hashing: all places of a page at once, for each page size") \
	X(hashed, "one open-addressed hash table of clustered entries per stage") \
	X(inverted, "one entry per frame of memory, found by hash anchors and chains") \
	X(pom_tlb, "a very large TLB in memory, looked up before Arm's tables") \
	X(shadow, "one table of both stages, kept by the hypervisor") \
	X(agile, "shadow for the upper levels, nested for the last") \
	X(asap, "Arm's own tables, with the last levels fetched ahead of the walk")

enum page_table_kind {
#define X(n, doc) PAGE_TABLE_##n,
	PAGE_TABLE_DESIGNS(X)
#undef X
		PAGE_TABLE_COUNT
};

/* --- memory for tables ----------------------------------------------------------------------------------------- */

/* Where tables come from: `space` 1 is the kernel's memory, 2 the host's. What is taken is backed at every stage. */
struct table_memory {
	void *ctx;
	bool (*take)(void *ctx, unsigned space, unsigned bits, uint64_t *addr); /* 2^bits aligned bytes */
	void (*give)(void *ctx, unsigned space, unsigned bits, uint64_t addr);
};

struct page_table_stats {
	uint64_t lookups, absent;   /* of one stage's table */
	uint64_t steps;             /* reads that a walk waited for one after the other */
	uint64_t background_reads;  /* that it did not wait for */
	uint64_t inserts, moves;    /* entries added; entries moved to make room or to a larger table */
	uint64_t resizes, homeless; /* tables grown; entries for which there was no memory */
	uint64_t replicas;          /* copies of a block's entry */
	uint64_t removed,
		corrected; /* entries taken out on unmapping; and replaced because they were no longer so */
	uint64_t tables,
		small_nodes; /* tables taken, and of them those that memory had only in small pieces */
	uint64_t taken_bytes, given_bytes;
	uint64_t remaps, remap_cycles; /* entries that a frame's other page lost; time of walks for that */
	uint64_t traps, trap_cycles;   /* of a guest's table writes to the hypervisor */
};

/* What a table is made for. */
struct table_site {
	const struct table_memory *memory;
	const struct page_table_params *params;
	struct page_table_stats *stats;
	unsigned space;      /* of table_memory */
	struct stage_info s; /* geometry of what it translates */
};

/* A table of a power of two bytes, in one piece or in several of equal size. */
struct table_area {
	uint64_t *piece;
	unsigned bits, piece_bits;
};

enum { TABLE_PIECE_BITS = 21 }; /* the largest that a fragmented machine may still have */

/* Takes 2^bits bytes (at least a granule); false, and nothing taken, when memory has not so much in any piece size. */
bool table_area_take(const struct table_site *site, unsigned bits, struct table_area *out);
void table_area_give(const struct table_site *site, struct table_area *a);
static inline uint64_t table_area_address(const struct table_area *a, uint64_t offset)
{
	return a->piece[offset >> a->piece_bits] | (offset & bits_ones(a->piece_bits));
}

/* --- look-ups -------------------------------------------------------------------------------------------------- */

/* `input` goes to `out`, and with it the 2^bits aligned bytes around it. */
struct mapping {
	uint64_t input, out;
	uint8_t bits;
};

enum { LOOKUP_READS_MAX = 32 };
enum lookup_step { LOOKUP_READ, LOOKUP_FOUND, LOOKUP_ABSENT };

struct lookup {
	uint64_t input;
	tlb_tag_t tag;
	unsigned user; /* number of the core that looks up, among those that share the table */
	bool of_table; /* stage 2 of the address of a stage 1 table */
	unsigned reads;
	uint64_t read[LOOKUP_READS_MAX]; /* to be read at once */
	unsigned behinds;
	uint64_t behind[2];   /* lines that are fetched without waiting for them */
	struct walk_pos pos;  /* trees: where it stands. Others use it as they like */
	struct mapping found; /* after LOOKUP_FOUND, ... */
	unsigned match;       /* ... which of the reads said so: others are not waited for */
};

struct table_kind {
	void *(*make)(const struct table_site *site);
	void (*free)(void *table);
	enum lookup_step (*begin)(void *table, struct lookup *l);
	enum lookup_step (*next)(void *table, struct lookup *l);
	/* The mapping around `input`, untimed and without a trace. */
	bool (*find)(const void *table, uint64_t input, tlb_tag_t tag, struct mapping *out);
	/* Adds what find() did not find, in the largest piece around m->input that it can hold; false: there is no memory
	 * for it. */
	bool (*insert)(void *table, const struct mapping *m, tlb_tag_t tag);
	/* Takes out every mapping that overlaps [input, input + bytes). */
	void (*remove)(void *table, uint64_t input, uint64_t bytes, tlb_tag_t tag);
	/* Trees; others NULL. Whether adding `m` puts a leaf in the place of a node, so that positions in and below it are none any more. */
	bool (*cuts_off)(const void *table, const struct mapping *m);
	/* Tables by frame, which have one place for each; others NULL. Whether adding `m` takes another mapping's place. */
	bool (*displaces)(const void *table, const struct mapping *m, tlb_tag_t tag);
	bool shared; /* one table for all address spaces of a stage; by frame: of the memory that they map */
	bool hashed, hashes_once; /* each step computes a hash first; the first one alone does */
	bool positions;           /* lookup.pos is a position that walk caches may hold */
};

/* --- designs --------------------------------------------------------------------------------------------------- */

struct mmu;
struct translation;

struct page_table_design {
	const char *name, *source;
	const struct table_kind *table; /* NULL: none beside Arm's */
	/* Walks with time from m->now on; `t` holds the answer already. */
	void (*walk)(struct mmu *m, struct access a, struct translation *t);
	/* Takes `t`, which has no fault, into the tables, without time. NULL: there is nothing to take it in. */
	void (*note)(struct mmu *m, const struct translation *t);
	bool traps;        /* a guest's writes to its tables trap to the hypervisor, ... */
	bool upper_levels; /* ... but those of the last level: its table has what is above that */
	/* A walk reads a page's mapping on a line with those of its 7 neighbours, as Arm's walks do. */
	bool lines_of_pages;
};

#define X(n, doc) extern const struct page_table_design design_##n;
PAGE_TABLE_DESIGNS(X)
#undef X
extern const struct page_table_design *const page_table_designs[PAGE_TABLE_COUNT];

/* A tree as Arm's, or with pairs of levels merged where memory has large tables; see table_tree.c. */
extern const struct table_kind table_tree, table_flat_tree;

#endif
