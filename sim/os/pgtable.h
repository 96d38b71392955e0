/* pgtable.h - builds translation tables: descends, creates missing tables, splits blocks, visits leaves.
 *
 * One `struct pgtable` is one tree of either stage. It writes real descriptors into physical memory. A tree
 * of a guest stands at IPAs: `view` then turns each table address into a PA. What a leaf says beyond its
 * output address is the caller's business (os.c for stage 1, hyp.c for stage 2).
 *
 * Source: Arm ARM DDI 0487, D8.3; Linux arch/arm64/kvm/hyp/pgtable.c for the shape.
 * Where a block or a contiguous run is split, its entries are made invalid and `breaking` is told, before the smaller
 * ones take their place (break-before-make). Not modelled: any other TLB maintenance (the caller's), freeing of
 * emptied tables.
 */
#ifndef OS_PGTABLE_H
#define OS_PGTABLE_H

#include "base/types.h"
#include "mem/frames.h"
#include "mem/physmem.h"
#include "mmu/descriptor.h"
#include "os/replicas.h"

/* How a builder reaches the memory its tables stand in. */
struct pgtable_view {
	void *ctx;
	/* The PA behind an address that a table holds, populated if need be; false: the host has no memory
	 * left. NULL: the addresses are PAs. */
	bool (*resolve)(void *ctx, uint64_t addr, struct pa *pa);
};

/* Invalidates what TLBs hold of [addr, addr + bytes), one leaf or the run of leaves that has just become invalid.
 * NULL: no TLB has seen the tree. */
struct pgtable_break {
	void *ctx;
	void (*broken)(void *ctx, uint64_t addr, uint64_t bytes);
};

/* A leaf that pgtable_hint() made invalid is touched. */
struct pgtable_hinting {
	void *ctx;
	/* The node (a region of the tree's frames) that its 2^bits bytes at `frame` should move to; negative: they stay. NULL: they
	 * stay. */
	int (*move_to)(void *ctx, uint64_t frame, unsigned bits);
	/* They are at `to` from now on; the same: they stayed, be it that the node had no memory. */
	void (*settled)(void *ctx, uint64_t frame, uint64_t to, unsigned bits);
};

enum pgtable_result {
	PGTABLE_OK,
	PGTABLE_NO_FRAME,   /* the tree's own region has no page for a table */
	PGTABLE_NO_BACKING, /* the view could not resolve a table's address */
	PGTABLE_ENOUGH,     /* a visitor has seen what it wanted to */
};

struct pgtable {
	struct physmem *mem;
	struct frames *frames; /* where tables come from */
	struct pgtable_view view;
	struct pgtable_break breaking;
	struct pgtable_hinting hinting;
	uint64_t hinted; /* leaves that pgtable_hint() made invalid and nobody has touched since */
	struct ranges
		*ranges; /* its range table, which whoever changes leaves keeps (ranges.h); NULL: none */
	struct replicas *replicas; /* copies of its tables on other nodes; NULL: none */
	unsigned granule_bits;
	unsigned input_bits; /* of the input address */
	int start_level;
	bool stage2;
	enum desc_layout layout;
	uint64_t in_table; /* attribute bits of every table descriptor */
	uint64_t root;     /* address of the (first) start table; 0 until pgtable_create */
	uint64_t tables;   /* pages taken for tables so far, those of the start level included */
};

/* One descriptor and where it is. */
struct pgtable_slot {
	struct pa at;
	uint64_t entry; /* the same address as the tree has it: an IPA in a guest's */
	uint64_t desc;
	int level;
};

/* Takes the start table(s), 2^concatenated pages, aligned to their total size. */
enum pgtable_result pgtable_create(struct pgtable *t, unsigned concatenated);
/* The tree has copies on all nodes of `r` (borrowed), whose regions `frames` joined, from now on: before anything is mapped. A
 * node that has no memory for a table goes without a copy. */
void pgtable_replicate(struct pgtable *t, struct replicas *r);
/* The root for cores of `node`. */
uint64_t pgtable_root_of(const struct pgtable *t, unsigned node);

/* The leaf or invalid descriptor that `addr` leads to. Never PGTABLE_NO_FRAME. */
enum pgtable_result pgtable_find(const struct pgtable *t, uint64_t addr, struct pgtable_slot *slot);

/* The slot of `addr` in its table of `level`; false: no table of that level leads there. */
bool pgtable_find_level(const struct pgtable *t, uint64_t addr, int level, struct pgtable_slot *slot);

/* Goes on from the slot that pgtable_find() gave for `addr`, to `level`: creates tables, splits blocks. */
enum pgtable_result pgtable_descend(struct pgtable *t, uint64_t addr, int level, struct pgtable_slot *slot);

/* Stores a descriptor. */
void pgtable_set(struct pgtable *t, const struct pgtable_slot *slot, uint64_t desc);

/* Writes 2^entries_bits leaves for the memory from `out` on: the naturally aligned run around the slot, under
 * the contiguous bit; with entries_bits 0 the slot alone. A run stays in one table. */
void pgtable_set_run(struct pgtable *t, const struct pgtable_slot *slot, unsigned entries_bits, uint64_t out,
		     uint64_t attributes);
/* Whether nothing is mapped of the run of last-level entries around the slot (its table may be absent). */
bool pgtable_run_is_empty(const struct pgtable *t, const struct pgtable_slot *slot, unsigned entries_bits);

/* Whether nothing is mapped of the naturally aligned 2^bits bytes around `addr`. Tables that are there and empty count as
 * mapped where 2^bits is more than one last-level table maps. */
bool pgtable_is_empty(const struct pgtable *t, uint64_t addr, unsigned bits);
/* Maps the naturally aligned 2^bits bytes around `addr`, which are empty, by last-level leaves to `out`. *mapped is how many
 * bytes of them have been mapped when a table could not be had. */
enum pgtable_result pgtable_map_pages(struct pgtable *t, uint64_t addr, unsigned bits, uint64_t out,
				      uint64_t attributes, uint64_t *mapped);

/* A leaf's output address. */
uint64_t pgtable_output(const struct pgtable *t, const struct pgtable_slot *leaf);

/* The new descriptor of a leaf (the same leaves it alone). `addr` is its input address. */
typedef uint64_t pgtable_edit_fn(void *ctx, uint64_t addr, const struct pgtable_slot *leaf);

/* Offers every leaf within [addr, addr + bytes) to `edit`; blocks and contiguous runs that stick out are
 * split first. *edited counts the leaves that changed. Absent tables are skipped whole. On failure what came
 * before stays done. */
enum pgtable_result pgtable_edit(struct pgtable *t, uint64_t addr, uint64_t bytes, pgtable_edit_fn *edit,
				 void *ctx, uint64_t *edited);

/* Sees a descriptor of any kind, before what it leads to: a table that it puts into *slot in place of a leaf is descended. */
typedef enum pgtable_result pgtable_visit_fn(void *ctx, uint64_t addr, struct pgtable_slot *slot);

/* Shows `visit` every descriptor whose memory overlaps [addr, addr + bytes), in the order of addresses, tables before their
 * entries. Stops at the first result that is not PGTABLE_OK. */
enum pgtable_result pgtable_visit(const struct pgtable *t, uint64_t addr, uint64_t bytes,
				  pgtable_visit_fn *visit, void *ctx);

/* --- leaves that are invalid for a while, to see who touches them (PROT_NONE of NUMA balancing) --- */

/* Linux's PTE_PROT_NONE: of invalid descriptors, whose bits are software's. */
#define DESC_PROT_NONE (UINT64_C(1) << 58)

static inline bool pgtable_is_hinted(uint64_t desc)
{
	return (desc & (DESC_VALID | DESC_PROT_NONE)) == DESC_PROT_NONE;
}
/* The descriptor that a valid leaf has meanwhile. A contiguous run becomes single leaves: all of it has to be hinted. */
static inline uint64_t pgtable_hint(uint64_t leaf)
{
	return (leaf & ~(DESC_VALID | DESC_CONTIGUOUS)) | DESC_PROT_NONE;
}

/* Makes a hinted leaf, without further permissions, valid again, where `hinting` says. */
void pgtable_unhint(struct pgtable *t, struct pgtable_slot *slot);
/* Makes all hinted leaves that overlap [addr, addr + bytes) valid again, where they are. O(1) where there are none in the tree. */
void pgtable_restore(struct pgtable *t, uint64_t addr, uint64_t bytes);

#endif
