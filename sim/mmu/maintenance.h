/* maintenance.h - is TLB maintenance complete? Compares what TLBs answer with what the tables say, and names the step
 * that is missing.
 *
 *   checker_walk / checker_hit (what the MMU did)   checker_write / checker_tlbi / checker_dsb (what software did)
 *   -> mistakes, each with the event that caused it
 * The checker remembers every translation that a TLB of any size might still hold - filled, and not yet invalidated by
 * a sequence that the architecture promises to work - with the descriptors that it was made of. A translation becomes
 * harmful when the tables no longer say what it says (another address or other attributes, or rights that
 * were taken away; rights that were added do no harm). It is gone only after
 *     write the descriptor; DSB (of stores); TLBI that takes it; DSB (of loads and stores)
 * A TLBI of the last level only does not undo a table descriptor: the tables stay remembered when the translation is gone, since a
 * walk cache may hold where they are. One of stage 2 by IPA needs a stage 1 one after it, when a DSB has completed the first;
 * otherwise a walk may have made the translation again of what was remembered by IPA.
 * An access that might use a harmful translation is a mistake; it is called a stale hit where the simulated TLB did use it.
 * Break-before-make: a valid descriptor may not become another valid one that differs in what D8.16 lists, unless the
 * machine's FEAT_BBM level allows it; the old one must be invalid, and gone, first. Of another table, what it makes of the
 * translation counts. Two translations of different size
 * or output for one address, both possibly held, are a conflict.
 * Source: Arm ARM DDI 0487, D8.16 (break-before-make, support levels), D8.17 (TLBI and DSB), K11.5 examples; B2.3.12 (DSB).
 * Each CPU has translations of its own: a TLBI that is not broadcast takes those of the CPU that executes it, and is complete by a
 * DSB of the same CPU, whose domain is not that CPU alone where others' translations are meant. A DSB of any CPU orders a write,
 * which it may have learned of in a way that is not in the trace.
 * Not modelled: ISB and other context synchronization; changes of registers (TTBR, TCR) instead of descriptors; tables that no
 * walk has read that succeeded; FEAT_BBM's nT.
 */
#ifndef MMU_MAINTENANCE_H
#define MMU_MAINTENANCE_H

#include "mmu/tlbi.h"

#define MISTAKES(X) \
	X(NO_TLBI, "no TLBI took it after its descriptor changed") \
	X(TLBI_LAST_LEVEL, "a table descriptor changed, but the TLBI was of the last level only") \
	X(NO_STAGE1_TLBI, "stage 2 was invalidated by IPA, but not what was made of it (VMALLE1)") \
	X(STAGE1_TLBI_EARLY, \
	  "what was made of stage 2 was invalidated (VMALLE1), but before the invalidation by IPA had completed") \
	X(NO_DSB_BEFORE, \
	  "no DSB between the write of the descriptor and the TLBI: a walk may have read the old one since") \
	X(NO_DSB_AFTER, "no DSB of loads and stores after the TLBI: it need not have completed") \
	X(NO_BREAK, "a valid descriptor was changed without break-before-make") \
	X(EARLY_MAKE, "the new descriptor was written before the old translation was gone") \
	X(CONFLICT, "two translations for one address: a TLB may hold both")

enum mistake_kind {
#define X(name, doc) MISTAKE_##name,
	MISTAKES(X)
#undef X
		MISTAKE_KINDS
};

/* A change of a descriptor. */
struct descriptor_write {
	uint64_t event; /* number of the event, counted from 1; 0: none */
	struct pa pa;
	uint64_t old, now;
	uint8_t stage;
	int8_t level;
};

/* A translation, and the event that brought it in. */
struct cached_text {
	uint64_t event, va, pa;
	uint8_t bits;
	bool tables_only; /* it is gone, but tables on its way may be known: for 2^bits bytes */
};

struct mistake {
	uint8_t kind; /* enum mistake_kind */
	uint8_t step; /* EARLY_MAKE: the kind of what was missing when it was made */
	bool hit;     /* the simulated TLB used it */
	uint64_t event;
	int cpu; /* that would use the translation; -1: there is one alone */
	struct va va;
	uint16_t asid;
	struct descriptor_write write;    /* that made it so; event 0 where none is known */
	struct cached_text first, second; /* CONFLICT: both; else the first, the translation that is left */
	const char *
		differs; /* NO_BREAK, EARLY_MAKE: in what the descriptors differ; else what the translation does */
};

struct checker_stats {
	uint64_t events, hits, walks, translations, stale_hits;
	uint64_t mistakes[MISTAKE_KINDS];
};
extern const struct stat_desc checker_stat_rows[];
extern const size_t checker_stat_row_count;

struct checker; /* of all CPUs whose MMUs are shown to it */

/* Called for each mistake, once per access or write and cause. */
typedef void mistake_fn(void *owner, const struct mistake *m);

struct checker *checker_new(const struct features *f, struct physmem *memory, mistake_fn *report,
			    void *owner);
void checker_free(struct checker *c);
/* The CPU that does all that follows, until another does. At first it is number 0. */
void checker_on(struct checker *c, unsigned cpu);
struct checker_stats *checker_stats(struct checker *c);

/* The present translation of `va` by the tables in memory becomes one that TLBs may hold. `e` describes what a TLB was
 * filled with (tag, sizes, pa, perm, attr). */
void checker_walk(struct checker *c, const struct regime_info *r, const struct tlb_entry *e, struct va va,
		  struct access a);
/* A TLB answered an access with `e`. */
void checker_hit(struct checker *c, const struct regime_info *r, const struct tlb_entry *e, struct va va,
		 struct access a);
/* A word of memory that may be a descriptor was written. */
void checker_write(struct checker *c, struct pa pa, uint64_t old, uint64_t now);
/* Which CPUs an operation acts on. */
struct checker_reach {
	bool (*reaches)(const void *ctx, unsigned cpu); /* NULL: all of them */
	const void *ctx;
};
void checker_tlbi(struct checker *c, const struct tlbi_scope *s, struct checker_reach reach);
/* crm: domain and types, as in the instruction, or as HCR_EL2.BSU makes them. */
void checker_dsb(struct checker *c, unsigned crm);

/* How a descriptor is to be read. */
struct descriptor_kind {
	uint8_t stage;
	int8_t level;
	uint8_t granule_bits;
	uint8_t layout; /* enum desc_layout */
};

/* In what two valid descriptors differ so that break-before-make is needed under FEAT_BBM level `bbm` (0..2), or NULL. */
const char *descriptor_needs_break(const struct descriptor_kind *k, uint64_t old, uint64_t now, unsigned bbm);
const char *mistake_doc(enum mistake_kind kind);

#endif
