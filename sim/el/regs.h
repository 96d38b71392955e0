/* regs.h - system registers by name and by encoding, and which one an access really means.
 *
 *   reg_find("TCR_EL12") -> name       reg_resolve(name, EL, E2H) -> register, or that it is undefined there
 * A `struct reg_name` is what an instruction says; an `enum el_reg` is the storage that it reaches: with
 * HCR_EL2.E2H = 1 the two differ at EL2. Rows are in reg_rows.h.
 * Source: Arm ARM DDI 0487, C5.1 (op1 and levels), FEAT_VHE (redirection).
 */
#ifndef EL_REGS_H
#define EL_REGS_H

#include "base/types.h"
#include "el/reg_rows.h"

enum el_reg {
#define X(name, ...) R_##name,
	EL_REGS(X)
#undef X
		R_COUNT,
	R_NONE = R_COUNT
};

/* What trap controls speak of. A register belongs to several, an instruction usually to one. */
/* clang-format off */
#define TRAP_CLASSES(X) \
	X(SVC) X(HVC) X(SMC) X(WFI) X(WFE) X(ERET) X(FP) X(SVE) X(SME) X(PAUTH) X(LS64) X(SVE_LENGTH) \
	X(ID_GROUP1) X(ID_GROUP2) X(ID_GROUP3) X(ID_GROUP5) X(CACHE_ID) X(CTR) \
	X(VM_CONTROL) X(TCR2) X(SCTLR2) X(PIE) X(AUXILIARY) X(CPACR) X(CPTR) X(LOR) X(NV1) X(DAIF) \
	X(TPIDR2) X(SCXT) X(RNDR) X(PAUTH_KEY) X(RAS_ERROR) X(RAS_FAULT) X(AMU) \
	X(DEBUG) X(DCC) X(DEBUG_ROM) X(DEBUG_OS) X(TRACE) X(TRACE_FILTER) X(TRACE_BUFFER) \
	X(PROFILE) X(PROFILE_BUFFER) X(PMU) X(PMCR) X(PMU_EL0) \
	X(COUNTER_FREQUENCY) X(COUNTER_PHYSICAL) X(COUNTER_VIRTUAL) X(TIMER_PHYSICAL) X(TIMER_VIRTUAL) \
	X(ICC_COMMON) X(ICC_GROUP0) X(ICC_GROUP1) X(ICC_DIR) X(ICC_SGI) X(ICC_SRE) \
	X(EL2_REG) X(FGT) X(HCRX) X(DC_ZVA) X(CACHE_POC) X(CACHE_POU) X(CACHE_SET_WAY) X(CACHE_EL0) \
	X(IC_SHARED) X(IC_LOCAL) X(AT) X(TLBI) X(TLBI_INNER) X(TLBI_OUTER) \
	X(ST64BV) X(ST64BV0) X(MOPS) X(PMU_SOFTWARE) X(PMU_CYCLE) X(PMU_EVENT) X(PMU_SELECT) X(PMU_SNAPSHOT) \
	X(AMU_EL0) X(AMU_OFFSET) X(BRANCH_RECORD) X(TAGS) X(SME_PRIORITY) X(OVERLAY_EL0) X(IMPDEF_REG) X(ALLINT) \
	X(FPMR) X(MAIR2) X(RCWMASK) X(ACCDATA) X(PFAR) X(GCS) X(RCTX) X(TIMER_SECURE) X(COUNTER_OFFSET) X(FGT2)
/* clang-format on */

enum trap_class {
#define X(name) CLASS_##name,
	TRAP_CLASSES(X)
#undef X
		CLASS_COUNT
};

typedef u128_t trap_set; /* of enum trap_class */
#define TRAP_SET(name) ((trap_set)1 << CLASS_##name)

enum reg_access { REG_RW, REG_RO, REG_WO };

struct reg_row {
	const char *name;
	uint8_t op0, op1, crn, crm, op2;
	uint8_t access;   /* enum reg_access */
	trap_set classes; /* see trap.h */
};
extern const struct reg_row reg_rows[R_COUNT];

/* What an MSR, MRS or SYS instruction names. */
struct reg_name {
	uint16_t reg;      /* enum el_reg: the row whose encoding it is, or whose family it belongs to */
	bool el12;         /* the _EL12 or _EL02 name of it: the same with op1 = 5 */
	uint16_t encoding; /* of a member of a family, or of a TLBI's nXS form; 0: the row's own */
};

/* The register called `name`, such as TCR_EL1, TCR_EL12, TLBI_VAE1NXS or S3_0_C15_C2_0. False: there is none. */
bool reg_find(const char *name, struct reg_name *out);
/* The register with an encoding op0:op1:CRn:CRm:op2 of 2:3:4:4:3 bits. False: not known. O(rows). */
bool reg_decode(unsigned encoding, struct reg_name *out);
unsigned reg_encode(struct reg_name name);
/* Whether it is a TLBI in its nXS form. */
bool reg_is_nxs(struct reg_name name);
/* "TCR_EL12" into `out`. Returns out. */
const char *reg_text(struct reg_name name, char *out, size_t bytes);

/* The lowest level that may name it at all. */
unsigned reg_min_el(struct reg_name name);
/* The register that `name` reaches at `el` under HCR_EL2.E2H, or R_NONE: undefined there. */
enum el_reg reg_resolve(struct reg_name name, unsigned el, bool e2h);

#endif
