/* translate.h - a whole translation, untimed: (regime_info, va, access, memory) -> struct translation.
 *
 * A plain loop over the stepper of walk.h; the timed walker runs the same steps with latencies.
 * at_translate() is the AT instructions, par_encode() what they leave in PAR_EL1, abort_report() what an
 * exception leaves in ESR, FAR and HPFAR.
 * Source: Arm ARM DDI 0487, shared pseudocode AArch64.FullTranslate, S1Translate, S2Translate, AT; D8.15.
 * Not modelled: an AT at EL1 whose stage 2 fault on a walk traps to EL2 (it is reported in PAR_EL1 here, as
 * for an AT at EL3); the ordering of hardware updates between cores.
 */
#ifndef MMU_TRANSLATE_H
#define MMU_TRANSLATE_H

#include "base/request.h"
#include "mmu/attrs.h"
#include "mmu/walk.h"

/* Which descriptor is read, for who counts, times or prints the walk. */
struct walk_ref {
	uint8_t cause;    /* enum req_cause: CAUSE_S1_WALK, CAUSE_S2_OF_S1 or CAUSE_S2_FINAL */
	uint8_t security; /* enum security of the address */
	int8_t level;
	uint64_t input;   /* the VA or IPA that this stage translates */
	uint64_t address; /* the descriptor's, in this stage's output: an IPA for a stage 1 under a stage 2 */
};

/* The latest leaf of a tree that was read whole, and which accesses passed it as it stands: without a fault, with nothing to write
 * back. Of a leaf that differs in its address alone the same is true. */
struct leaf_memo {
	struct leaf leaf; /* leaf.like 0: none */
	uint64_t field, low,
		rest; /* bits of the descriptor and of the input that make the address, and those that stay */
	struct walk_pos pos;        /* all but the table counts */
	struct access passed[2][3]; /* the latest of each kind, of walks of stage 1 as well; all ones: none */
};

struct walk_memo {
	struct leaf_memo tree[3]; /* the halves of stage 1, and stage 2 */
	uint32_t leaves;          /* the latest number of one */
};

/* The memory that holds the tables. */
struct walk_mem {
	void *self;
	uint64_t (*read)(void *self, struct pa pa, const struct walk_ref *ref);
	/* Writes `now` if the word is still `old`; false otherwise, and the walk starts again. */
	bool (*update)(void *self, struct pa pa, uint64_t old, uint64_t now);
	const struct walk_shortcuts *shortcuts; /* NULL: none */
	struct walk_memo *memo; /* of walks of one and the same regime_info; all 0 at first. NULL: none */
};

/* How a timed walker makes walks shorter without changing what they find. A position or leaf that is handed out must
 * be one that was handed in for the same tables, not invalidated since. `self` is walk_mem's. NULL: does nothing. */
struct walk_shortcuts {
	/* May move `pos` of a walk for `input` that is about to begin to one further down. */
	void (*resume)(void *self, const struct stage_info *s, uint64_t input, struct walk_pos *pos);
	/* A table descriptor was read on the way to `input`; `pos` is where it led. */
	void (*learn)(void *self, const struct stage_info *s, uint64_t input, const struct walk_pos *pos);
	/* May answer where the descriptor of stage 1 at `ipa` is, which is about to be read and may be. */
	bool (*find_table)(void *self, uint64_t ipa, struct pa *out);
	/* May answer a whole stage 2 translation that allows `a`, with a leaf that is good until the next call; else NULL. */
	const struct leaf *(*find_stage2)(void *self, uint64_t ipa, struct access a, enum req_cause cause);
	void (*learn_stage2)(void *self, uint64_t ipa, const struct leaf *leaf);
	/* A walk of stage 1, or of stage 2 for its result, has ended at `leaf`: its descriptor is at `pa`, read at
	 * `pos`. */
	void (*found)(void *self, const struct stage_info *s, const struct walk_pos *pos, uint64_t input,
		      struct pa pa, const struct leaf *leaf);
};

struct translation {
	struct fault fault; /* kind FAULT_NONE: the rest is valid; else only va and fault */
	struct va va;
	struct ipa ipa; /* what stage 1 gave; = pa without stage 2 */
	struct pa pa;
	uint8_t s1_bits,
		s1_run_bits; /* log2 of block or page, and of its contiguous run; 64 = the stage is off */
	uint8_t s2_bits, s2_run_bits;
	int8_t s1_level;                /* of the stage 1 leaf */
	uint8_t perm, perm_s1, perm_s2; /* PERM_*, for a TLB; a clean page has no write permission yet */
	uint8_t sh_s1;    /* what stage 2 combines with. IMPDEF: the descriptor's, not the effective one */
	uint8_t attr, sh; /* MAIR form; effective shareability */
	uint8_t security; /* enum security: which physical address space */
	bool global;
};

/* Translates `va` for `a`. Descriptors with AF or dirty state to set are written through mem->update. */
void translate(const struct regime_info *r, struct va va, struct access a, const struct walk_mem *mem,
	       struct translation *out);
/* The same, ending with stage 1: out->pa holds the IPA. Table walks still go through stage 2. */
void translate_stage1(const struct regime_info *r, struct va va, struct access a, const struct walk_mem *mem,
		      struct translation *out);

/* What leaves of both stages say together about t->va, which is set; `s2` is NULL without stage 2. The rest of `t` is
 * filled in. */
void translation_combine(const struct regime_info *r, const struct leaf *s1, const struct leaf *s2,
			 struct access a, struct translation *t);

/* Stage 2 alone, of an address that `cause` reads; false: *fault says why. */
bool translate_stage2(const struct regime_info *r, struct ipa ipa, struct access a, enum req_cause cause,
		      const struct walk_mem *mem, struct leaf *leaf, struct fault *fault);

/* name, exception level, stages, access kind, respects PSTATE.PAN */
#define AT_OPS(X) \
	X(S1E1R, 1, 1, READ, false) \
	X(S1E1W, 1, 1, WRITE, false) \
	X(S1E0R, 0, 1, READ, false) \
	X(S1E0W, 0, 1, WRITE, false) \
	X(S1E2R, 2, 1, READ, false) \
	X(S1E2W, 2, 1, WRITE, false) \
	X(S1E3R, 3, 1, READ, false) \
	X(S1E3W, 3, 1, WRITE, false) \
	X(S12E1R, 1, 2, READ, false) \
	X(S12E1W, 1, 2, WRITE, false) \
	X(S12E0R, 0, 2, READ, false) \
	X(S12E0W, 0, 2, WRITE, false) \
	X(S1E1RP, 1, 1, READ, true) \
	X(S1E1WP, 1, 1, WRITE, true)

enum at_op {
#define X(name, el, stages, kind, pan) AT_##name,
	AT_OPS(X)
#undef X
		AT_OP_COUNT
};

const char *at_op_name(enum at_op op);
/* The operation called `name`, AT_OP_COUNT when there is none. */
enum at_op at_op_find(const char *name);
/* The regime that `op` addresses: EL2&0 instead of EL1&0 under HCR_EL2.{E2H,TGE} = {1,1}. */
enum regime at_regime(enum at_op op, const struct sysregs *regs, const struct features *f, enum security s);
/* Runs `op`; `r` is the decoded at_regime(). */
void at_translate(enum at_op op, const struct regime_info *r, struct va va, bool pan,
		  const struct walk_mem *mem, struct translation *out);
/* PAR_EL1 after an AT. */
uint64_t par_encode(const struct translation *t);

/* What an abort leaves behind. */
struct abort_report {
	uint8_t taken_to; /* exception level */
	bool hpfar_valid;
	uint64_t esr, far, hpfar;
};
/* `f`, met by code at `from_el` (a.el is lower than it for LDTR and STTR) in regime `r`, as an exception. */
void abort_report(const struct regime_info *r, const struct fault *f, struct va va, struct access a,
		  unsigned from_el, const struct syndrome_hint *hint, struct abort_report *out);

#endif
