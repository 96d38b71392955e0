/* tlbi.h - TLB maintenance: every TLBI operation of the A64 set, as a predicate over what an MMU holds.
 *
 *   tlbi_decode / tlbi_named -> struct tlbi_op      tlbi_resolve(op, operand, context) -> struct tlbi_scope
 *   mmu_tlbi(mmu, scope) -> entries removed
 * An operation is resolved once, on the core that executes it: its registers choose regime, VMID and ASID width. The
 * scope is then applied to that core's MMU and, as tlbi_reach() says, to others.
 *
 * What a scope reaches, by kind of structure:
 *   combined translations (TLBs)   every stage 1 operation, and VMALLS12E1, ALLE1. An operation by IPA leaves them:
 *                                  the architecture lets a TLB hold the two stages as one entry without its IPA, and
 *                                  so asks software for a VMALLE1 after an IPAS2E1.
 *   stage 1 walk caches            the same operations, except those of the last level only; they carry an ASID always
 *   stage 2 walk caches, IPA cache operations by IPA, VMALLS12E1, ALLE1; the last level form leaves walk caches
 * The architecture asks for no invalidation where a TTL hint is wrong, or where the granule of hint or range is another than that
 * of the tables: those entries stay here, so that software that relies on more is found out.
 * Source: Arm ARM DDI 0487, chapter D8 (TLB maintenance instructions: scope, TTL hints, ranges) and C5.5 (encodings and
 * operands of each TLBI), HCR_EL2.FB; Linux arch/arm64/include/asm/tlbflush.h for how they are used.
 * Not modelled: traps of TLBI (HCR_EL2.{TTLB,TTLBIS,TTLBOS}, HFGITR_EL2) and nested virtualization; completion, which
 * is DSB's business; the granule protection table (FEAT_RME): every granule is granted to every address space, so that
 * no entry holds anything of it, and PAALL, PAALLOS, RPAOS, RPALOS complete and take nothing; TLBIP (SYSP, FEAT_D128) and
 * VMALLWS2E1 (FEAT_TLBIW), which are UNDEFINED, as `struct features` has neither; TTL hints that are for 128-bit
 * descriptors alone; nXS as an earlier completion - its effect on entries is that of the plain form; stage 2 of Secure state.
 */
#ifndef MMU_TLBI_H
#define MMU_TLBI_H

#include "mmu/mmu.h"

/* What an operation goes by. */
enum tlbi_by {
	TLBI_BY_REGIME, /* all entries of a regime; EL1&0: of every VMID, stage 2 too (ALLE1, ALLE2, ALLE3) */
	TLBI_BY_VMID,   /* stage 1 entries of the current VMID, or of all ASIDs of EL2&0 (VMALLE1) */
	TLBI_BY_VMID_S12, /* and stage 2 (VMALLS12E1) */
	TLBI_BY_ASID,     /* what is not global of one ASID */
	TLBI_BY_VA,       /* one address: global, or of one ASID */
	TLBI_BY_VA_ANY,   /* one address, any ASID */
	TLBI_BY_IPA,      /* stage 2 of the current VMID, one address */
	TLBI_BY_GPT /* what is of the granule protection table, whatever the regime (PAALL, RPA, RPAL) */
};

/* Who else must act. */
enum tlbi_share { TLBI_LOCAL, TLBI_INNER, TLBI_OUTER, TLBI_SHARES };

/* One operation with its shareabilities and their nXS forms. */
struct tlbi_row {
	const char *name; /* without IS, OS, NXS */
	uint8_t op1, crm[TLBI_SHARES], op2[TLBI_SHARES];
	uint8_t by;     /* enum tlbi_by */
	uint8_t shares; /* which shareabilities there are: 1 << enum tlbi_share */
	bool last, range;
};
extern const struct tlbi_row tlbi_rows[];
extern const unsigned tlbi_row_count;

struct tlbi_op {
	const struct tlbi_row *row;
	uint8_t share; /* enum tlbi_share */
	bool nxs;
};

enum { TLBI_NAME_BYTES = 24 };

/* Whether the architecture has this shareability of the row, and its nXS form. */
bool tlbi_exists(struct tlbi_op op);
/* The operation of op1:CRn:CRm:op2 (3:4:4:3 bits); false where none is allocated. */
bool tlbi_decode(uint32_t encoding, struct tlbi_op *out);
/* The operation called "VAE1IS", "RVALE1OSNXS", ...; false when there is none. */
bool tlbi_named(const char *name, struct tlbi_op *out);
uint32_t tlbi_encoding(struct tlbi_op op);
void tlbi_name(struct tlbi_op op, char text[TLBI_NAME_BYTES]);

/* Who executes it. */
struct tlbi_context {
	const struct sysregs *regs;
	const struct features *features;
	unsigned el;
	enum security security; /* at EL3: the state that SCR_EL3 selects for the lower levels */
};

/* What an operation comes to: which structures it reaches, and which entries of them it takes. */
struct tlbi_scope {
	bool translations, s1_walks, s2_walks, ipas;
	struct tlb_match match;
};

enum tlbi_outcome {
	TLBI_DONE,
	TLBI_NO_EFFECT, /* a stage 2 operation without EL2; a range of a reserved granule */
	TLBI_UNDEFINED  /* the exception level or the features do not have it */
};

/* Decodes `operand` (Xt; ignored by operations without one). *out is filled where TLBI_DONE comes back. */
enum tlbi_outcome tlbi_resolve(struct tlbi_op op, uint64_t operand, const struct tlbi_context *c,
			       struct tlbi_scope *out);
/* Whether the BaseADDR of a range operation is in units of 64 KiB, as TCR_ELx.DS or VTCR_EL2.DS says. */
bool tlbi_has_ds(struct tlbi_op op, const struct tlbi_context *c);
/* Which cores must act: what the name says, or the inner shareable domain under HCR_EL2.FB at EL1. */
enum tlbi_share tlbi_reach(struct tlbi_op op, const struct tlbi_context *c);
/* Removes what `s` takes from every structure of `m`; returns how many entries. O(entries). */
unsigned mmu_tlbi(struct mmu *m, const struct tlbi_scope *s);

#endif
