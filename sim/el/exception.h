/* exception.h - taking an exception, and returning from one.
 *
 *   el_take:   (state, exception) -> state at the vector; SPSR, ELR, ESR, FAR, HPFAR of the target written
 *   el_return: (state) -> state as SPSR and ELR say, or an illegal return: PSTATE.IL set, level unchanged
 * Source: Arm ARM DDI 0487, D1.3 (vectors), D1.3 (entry), D1.3 (return), D1.3 (illegal
 * return), J1.1.2 AArch64.TakeException, AArch64.ExceptionReturn, IllegalExceptionReturn.
 * Not modelled: AArch32 (a return to it is illegal), FEAT_NMI, FEAT_DoubleFault2, the states of software step
 * (debug.h has its exception), GCS.
 */
#ifndef EL_EXCEPTION_H
#define EL_EXCEPTION_H

#include "el/state.h"

enum el_kind { EXC_SYNC, EXC_IRQ, EXC_FIQ, EXC_SERROR };

struct el_exception {
	uint8_t kind; /* enum el_kind */
	uint8_t to;   /* target level: 1..3, not below the present one */
	bool has_far, has_hpfar;
	bool virtual_line;     /* vIRQ, vFIQ, vSError */
	uint64_t esr;          /* sync and SError: the syndrome, complete */
	uint64_t far, hpfar;   /* written when has_far, has_hpfar (to EL2 only) */
	uint64_t preferred_pc; /* what ELR becomes */
};

/* What happened at one entry or return. */
struct el_transfer {
	uint8_t from, to;
	bool illegal;    /* a return that set PSTATE.IL */
	uint16_t vector; /* entry: offset from VBAR, 0..0x780 */
	uint64_t from_pc, to_pc;
	const char *why; /* an illegal return: the reason; otherwise NULL */
};

/* Offset from VBAR_ELx for an exception of `kind` taken from the present state to `to`. */
uint16_t el_vector(const struct el_state *s, enum el_kind kind, unsigned to);

/* Takes `x`. Its target must be legal for the state: a bug otherwise. A virtual SError clears HCR_EL2.VSE. */
struct el_transfer el_take(struct el_state *s, const struct el_exception *x);

/* ERET at EL1 or above. */
struct el_transfer el_return(struct el_state *s);

/* Why returning from the present level with `spsr` would be illegal; NULL: it is legal. */
const char *el_return_illegal(const struct el_state *s, uint64_t spsr);

/* The register that holds x of a level (1..3). */
enum el_reg el_spsr(unsigned el);
enum el_reg el_elr(unsigned el);
enum el_reg el_esr(unsigned el);
enum el_reg el_far(unsigned el);
enum el_reg el_vbar(unsigned el);

/* Exception classes: ESR_ELx.EC, name, short name as kernel and tools print it. */
#define EXCEPTION_CLASSES(X) \
	X(UNKNOWN, 0x00, "unknown", "unknown or undefined") \
	X(WFX, 0x01, "wfx", "trapped WFI or WFE") \
	X(CP15_32, 0x03, "cp15_32", "AArch32 MCR or MRC, coproc 15") \
	X(CP15_64, 0x04, "cp15_64", "AArch32 MCRR or MRRC, coproc 15") \
	X(CP14_MR, 0x05, "cp14_mr", "AArch32 MCR or MRC, coproc 14") \
	X(CP14_LS, 0x06, "cp14_ls", "AArch32 LDC or STC") \
	X(FP, 0x07, "fp", "access to SIMD or floating point") \
	X(CP10_ID, 0x08, "cp10_id", "AArch32 VMRS of an ID register") \
	X(PAUTH, 0x09, "pac", "pointer authentication instruction") \
	X(LS64, 0x0a, "ls64", "LD64B or ST64B*") \
	X(CP14_64, 0x0c, "cp14_64", "AArch32 MRRC, coproc 14") \
	X(BTI, 0x0d, "bti", "branch target exception") \
	X(ILLEGAL, 0x0e, "illegal", "illegal execution state") \
	X(SVC32, 0x11, "svc32", "SVC in AArch32") \
	X(HVC32, 0x12, "hvc32", "HVC in AArch32") \
	X(SMC32, 0x13, "smc32", "SMC in AArch32") \
	X(SVC, 0x15, "svc", "SVC") \
	X(HVC, 0x16, "hvc", "HVC") \
	X(SMC, 0x17, "smc", "SMC") \
	X(SYSREG, 0x18, "sysreg", "MSR, MRS or system instruction") \
	X(SVE, 0x19, "sve", "access to SVE") \
	X(ERET, 0x1a, "eret", "trapped ERET") \
	X(FPAC, 0x1c, "fpac", "pointer authentication failure") \
	X(SME, 0x1d, "sme", "access to SME") \
	X(GPC, 0x1e, "gpc", "granule protection check") \
	X(IMP_DEF, 0x1f, "imp_def", "implementation defined, to EL3") \
	X(IABT_LOW, 0x20, "iabt_low", "instruction abort from a lower level") \
	X(IABT_CUR, 0x21, "iabt_cur", "instruction abort at the same level") \
	X(PC_ALIGN, 0x22, "pc_align", "PC alignment fault") \
	X(DABT_LOW, 0x24, "dabt_low", "data abort from a lower level") \
	X(DABT_CUR, 0x25, "dabt_cur", "data abort at the same level") \
	X(SP_ALIGN, 0x26, "sp_align", "SP alignment fault") \
	X(MOPS, 0x27, "mops", "memory copy or set") \
	X(FP_EXCEPTION32, 0x28, "fp_exc32", "floating-point exception in AArch32") \
	X(FP_EXCEPTION, 0x2c, "fp_exc", "floating-point exception") \
	X(GCS, 0x2d, "gcs", "guarded control stack") \
	X(SERROR, 0x2f, "serror", "SError") \
	X(BREAKPOINT_LOW, 0x30, "breakpt_low", "breakpoint from a lower level") \
	X(BREAKPOINT_CUR, 0x31, "breakpt_cur", "breakpoint at the same level") \
	X(STEP_LOW, 0x32, "step_low", "software step from a lower level") \
	X(STEP_CUR, 0x33, "step_cur", "software step at the same level") \
	X(WATCHPOINT_LOW, 0x34, "watchpt_low", "watchpoint from a lower level") \
	X(WATCHPOINT_CUR, 0x35, "watchpt_cur", "watchpoint at the same level") \
	X(BKPT32, 0x38, "bkpt32", "BKPT in AArch32") \
	X(VECTOR32, 0x3a, "vector32", "vector catch in AArch32") \
	X(BRK, 0x3c, "brk", "BRK") \
	X(PMU, 0x3d, "pmu", "performance monitors' exception")

enum el_ec {
#define X(name, number, text, doc) EC_##name = number,
	EXCEPTION_CLASSES(X)
#undef X
};

static inline unsigned esr_ec(uint64_t esr) { return (unsigned)bits_get(esr, 31, 26); }
/* A syndrome of a 32-bit instruction. */
static inline uint64_t esr_make(unsigned ec, uint64_t iss)
{
	return (uint64_t)ec << 26 | UINT64_C(1) << 25 | bits_put(iss, 24, 0);
}
/* "hvc", "dabt_low"; "ec_0x3f" for one that is not known is not needed: NULL then. */
const char *ec_name(unsigned ec);
const char *ec_doc(unsigned ec);
/* The class with a short name; false: none. */
bool ec_find(const char *name, unsigned *ec);

#endif
