/* page_design.h - drives a page-table design for one MMU: keeps its tables in step with Arm's, and times its look-ups.
 *
 *   page_design_walk: (mmu, va, access) -> what translate() says, and mmu->now when the design would know it
 *
 * Arm's tables give the answer without time. Then the design's look-up is driven: the addresses of a step are read
 * at once, each through stage 2 where it is a guest's, and the step ends when the one that has the page is there, or,
 * where none has it, all are. A mapping that the
 * design's table does not have yet is added first, as the kernel that mapped it would have done.
 * Cores that run one kernel share its tables, and each has its own walk caches.
 * Source: docs/decisions/0013-page-table-designs.md.
 * Not modelled: the kernel's time for insertions (they are counted; its fault has a cost of its own); hardware updates
 * of access flag and dirty state take no time; a POM-TLB that cores share (each has one of its own); entries shared between address spaces (global pages are kept once
 * per ASID).
 */
#ifndef MMU_PAGE_DESIGN_H
#define MMU_PAGE_DESIGN_H

#include "mmu/mmu.h"
#include "mmu/page_table.h"

struct pom_tlb;

/* A table of one stage and address space. */
struct design_table {
	unsigned stage;
	bool upper;      /* the half of stage 1 that begins with ones */
	tlb_tag_t owner; /* 0 where the table is shared */
	void *table;
	struct stage_info s; /* its geometry */
	unsigned space;      /* of table_memory; 1 under a stage 2: its addresses are IPAs */
};

/* The tables of one kernel and hypervisor, for all cores that run them. */
struct design_tables {
	struct table_memory memory;
	struct page_table_params params;
	struct design_table *table;
	unsigned count;
	struct page_table_stats done; /* by the core that acts, which adds it to its own */
	struct mmu **user;            /* those that walk by them, when there are several */
	unsigned users;               /* 0: one alone */
	unsigned borrowers;
};

struct page_design {
	const struct page_table_design *row;
	struct page_table_params params;
	struct design_tables *tables;
	unsigned user;       /* its number among tables->user */
	struct pom_tlb *pom; /* NULL: not this design, or not yet needed */
	uint64_t steps;      /* of the walk in progress, one after the other */
	struct page_table_stats stats;
};

/* What params ask for; *out NULL where that is radix. */
enum status page_design_new(const struct page_table_params *params, struct page_design **out,
			    struct err *err);
void page_design_free(struct page_design *d);
/* `m` walks by the tables of `with` from now on: the same software writes both. Before either has walked; nothing without designs. */
void page_design_share(struct mmu *m, struct mmu *with);
void page_design_register_stats(struct page_design *d, struct stats *s, unsigned number);

/* Walks for `va` from m->now on, and moves it to the end. */
void page_design_walk(struct mmu *m, struct va va, struct access a, struct translation *t);
/* The tables take in what was mapped, without time; `t` has no fault. */
void page_design_note(struct mmu *m, const struct translation *t);
/* The kernel unmapped [va, va + bytes), whole pages, of the address space `owner`, a tag with its ASID, which need not be the present one. */
void page_design_forget(struct mmu *m, tlb_tag_t owner, struct va va, uint64_t bytes);

/* --- for designs ----------------------------------------------------------------------------------------------- */

/* The walk of every design that has a table per stage: stage 1, its addresses through stage 2, then stage 2. */
void page_design_walk_stages(struct mmu *m, struct access a, struct translation *t);
void page_design_note_stages(struct mmu *m, const struct translation *t);

/* One look-up: in which table, of what, and what its reads count as. */
struct design_query {
	struct design_table *in;
	uint64_t input;
	enum req_cause cause;
};

/* The table of `kind` for stage 1 of `va`, or stage 2, of the present context; made where there was none. `s` is its
 * geometry, `space` where it stands. */
struct design_table *page_design_table(struct mmu *m, unsigned stage, struct va va,
				       const struct stage_info *s, unsigned space);
/* Sees to it that `t` holds `want`; false: there is no memory for that. */
bool page_design_hold(struct mmu *m, struct design_table *t, const struct mapping *want);
/* Looks up with time; true when *out was found. */
bool page_design_look_up(struct mmu *m, const struct design_query *q, struct mapping *out);
/* One descriptor or line at a PA, with time. */
void page_design_read(struct mmu *m, uint64_t pa, enum req_cause cause);
/* The same that nobody waits for. */
void page_design_read_behind(struct mmu *m, struct pa pa, const struct walk_ref *ref);
/* Whether `t` holds what page_design_hold() would see to. */
bool page_design_holds(const struct mmu *m, const struct design_table *t, const struct mapping *want);
/* The hypervisor takes a trap of a guest's write to its tables; m->now moves on by it. */
void page_design_trap(struct mmu *m);
/* Stage 2 of `ipa` with time, by the design's table of stage 2 or the IPA cache. */
uint64_t page_design_stage2(struct mmu *m, uint64_t ipa, struct access a, enum req_cause cause);

#endif
