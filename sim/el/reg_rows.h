/* reg_rows.h - the system registers and system instructions that the level machine knows, one row each.
 *
 * EL_REGS(X): X(name, op0, op1, CRn, CRm, op2, access, classes). `access` is RW, RO or WO; `classes` are
 * the groups that trap controls speak of (trap.h), as T(CLASS), joined by |. op1 gives the lowest level
 * that may access it (Arm ARM C5.1: 3 = EL0, 0..2 = EL1, 4 and 5 = EL2, 6 = EL3); what EL0 may reach of
 * it is decided by trap rules. EL_REDIRECTS(X): X(EL1 register, EL2 register): with HCR_EL2.E2H = 1 the
 * first name means the second at EL2, and <name>_EL12 or _EL02 - the same encoding with op1 = 5 - means the
 * first (Arm ARM FEAT_VHE, and C5).
 * Source: Arm ARM DDI 0487, C5 and D19; GIC registers: IHI 0069, chapter 12.
 * Not modelled: AArch32 registers, MPAM (its own issue), FEAT_SPMU, FEAT_SRMASK, FEAT_MEC, FEAT_D128's pairs.
 */
#ifndef EL_REG_ROWS_H
#define EL_REG_ROWS_H

#include "el/reg_rows_more.h"

/* clang-format off */
#define EL_REGS(X) \
	EL_REGS_ID(X) EL_REGS_VM(X) EL_REGS_CONTEXT(X) EL_REGS_DEBUG(X) EL_REGS_PMU(X) EL_REGS_TIMER(X) \
	EL_REGS_GIC(X) EL_REGS_EL2(X) EL_REGS_EL3(X) EL_REGS_CACHE(X) EL_REGS_TLBI(X) EL_REGS_MORE(X)

#define EL_REGS_ID(X) \
	X(MIDR_EL1,         3, 0, 0, 0, 0, RO, 0) \
	X(MPIDR_EL1,        3, 0, 0, 0, 5, RO, 0) \
	X(REVIDR_EL1,       3, 0, 0, 0, 6, RO, T(ID_GROUP1)) \
	X(AIDR_EL1,         3, 1, 0, 0, 7, RO, T(ID_GROUP1)) \
	X(ID_AA64PFR0_EL1,  3, 0, 0, 4, 0, RO, T(ID_GROUP3)) \
	X(ID_AA64PFR1_EL1,  3, 0, 0, 4, 1, RO, T(ID_GROUP3)) \
	X(ID_AA64ZFR0_EL1,  3, 0, 0, 4, 4, RO, T(ID_GROUP3)) \
	X(ID_AA64SMFR0_EL1, 3, 0, 0, 4, 5, RO, T(ID_GROUP3)) \
	X(ID_AA64DFR0_EL1,  3, 0, 0, 5, 0, RO, T(ID_GROUP3)) \
	X(ID_AA64DFR1_EL1,  3, 0, 0, 5, 1, RO, T(ID_GROUP3)) \
	X(ID_AA64AFR0_EL1,  3, 0, 0, 5, 4, RO, T(ID_GROUP3)) \
	X(ID_AA64AFR1_EL1,  3, 0, 0, 5, 5, RO, T(ID_GROUP3)) \
	X(ID_AA64ISAR0_EL1, 3, 0, 0, 6, 0, RO, T(ID_GROUP3)) \
	X(ID_AA64ISAR1_EL1, 3, 0, 0, 6, 1, RO, T(ID_GROUP3)) \
	X(ID_AA64ISAR2_EL1, 3, 0, 0, 6, 2, RO, T(ID_GROUP3)) \
	X(ID_AA64MMFR0_EL1, 3, 0, 0, 7, 0, RO, T(ID_GROUP3)) \
	X(ID_AA64MMFR1_EL1, 3, 0, 0, 7, 1, RO, T(ID_GROUP3)) \
	X(ID_AA64MMFR2_EL1, 3, 0, 0, 7, 2, RO, T(ID_GROUP3)) \
	X(ID_AA64MMFR3_EL1, 3, 0, 0, 7, 3, RO, T(ID_GROUP3)) \
	X(CCSIDR_EL1,       3, 1, 0, 0, 0, RO, T(ID_GROUP2) | T(CACHE_ID)) \
	X(CLIDR_EL1,        3, 1, 0, 0, 1, RO, T(ID_GROUP2) | T(CACHE_ID)) \
	X(CSSELR_EL1,       3, 2, 0, 0, 0, RW, T(ID_GROUP2) | T(CACHE_ID)) \
	X(CTR_EL0,          3, 3, 0, 0, 1, RO, T(ID_GROUP2) | T(CTR)) \
	X(DCZID_EL0,        3, 3, 0, 0, 7, RO, 0) \
	X(GMID_EL1,         3, 1, 0, 0, 4, RO, T(ID_GROUP5))

#define EL_REGS_VM(X) \
	X(SCTLR_EL1,        3, 0, 1, 0, 0, RW, T(VM_CONTROL)) \
	X(TTBR0_EL1,        3, 0, 2, 0, 0, RW, T(VM_CONTROL)) \
	X(TTBR1_EL1,        3, 0, 2, 0, 1, RW, T(VM_CONTROL)) \
	X(TCR_EL1,          3, 0, 2, 0, 2, RW, T(VM_CONTROL)) \
	X(AFSR0_EL1,        3, 0, 5, 1, 0, RW, T(VM_CONTROL)) \
	X(AFSR1_EL1,        3, 0, 5, 1, 1, RW, T(VM_CONTROL)) \
	X(ESR_EL1,          3, 0, 5, 2, 0, RW, T(VM_CONTROL)) \
	X(FAR_EL1,          3, 0, 6, 0, 0, RW, T(VM_CONTROL)) \
	X(MAIR_EL1,         3, 0, 10, 2, 0, RW, T(VM_CONTROL)) \
	X(AMAIR_EL1,        3, 0, 10, 3, 0, RW, T(VM_CONTROL)) \
	X(CONTEXTIDR_EL1,   3, 0, 13, 0, 1, RW, T(VM_CONTROL)) \
	X(TCR2_EL1,         3, 0, 2, 0, 3, RW, T(VM_CONTROL) | T(TCR2)) \
	X(SCTLR2_EL1,       3, 0, 1, 0, 3, RW, T(VM_CONTROL) | T(SCTLR2)) \
	X(PIRE0_EL1,        3, 0, 10, 2, 2, RW, T(VM_CONTROL) | T(PIE)) \
	X(PIR_EL1,          3, 0, 10, 2, 3, RW, T(VM_CONTROL) | T(PIE)) \
	X(ACTLR_EL1,        3, 0, 1, 0, 1, RW, T(AUXILIARY)) \
	X(CPACR_EL1,        3, 0, 1, 0, 2, RW, T(CPACR)) \
	X(ZCR_EL1,          3, 0, 1, 2, 0, RW, T(SVE_LENGTH)) \
	X(LORSA_EL1,        3, 0, 10, 4, 0, RW, T(LOR)) \
	X(LOREA_EL1,        3, 0, 10, 4, 1, RW, T(LOR)) \
	X(LORN_EL1,         3, 0, 10, 4, 2, RW, T(LOR)) \
	X(LORC_EL1,         3, 0, 10, 4, 3, RW, T(LOR)) \
	X(LORID_EL1,        3, 0, 10, 4, 7, RO, T(LOR))

#define EL_REGS_CONTEXT(X) \
	X(SPSR_EL1,         3, 0, 4, 0, 0, RW, T(NV1)) \
	X(ELR_EL1,          3, 0, 4, 0, 1, RW, T(NV1)) \
	X(SP_EL0,           3, 0, 4, 1, 0, RW, 0) \
	X(SPSel,            3, 0, 4, 2, 0, RW, 0) \
	X(CurrentEL,        3, 0, 4, 2, 2, RO, 0) \
	X(PAN,              3, 0, 4, 2, 3, RW, 0) \
	X(DAIF,             3, 3, 4, 2, 1, RW, T(DAIF)) \
	X(FPCR,             3, 3, 4, 4, 0, RW, T(FP)) \
	X(FPSR,             3, 3, 4, 4, 1, RW, T(FP)) \
	X(PAR_EL1,          3, 0, 7, 4, 0, RW, 0) \
	X(VBAR_EL1,         3, 0, 12, 0, 0, RW, T(NV1)) \
	X(ISR_EL1,          3, 0, 12, 1, 0, RO, 0) \
	X(TPIDR_EL1,        3, 0, 13, 0, 4, RW, 0) \
	X(TPIDR_EL0,        3, 3, 13, 0, 2, RW, 0) \
	X(TPIDRRO_EL0,      3, 3, 13, 0, 3, RW, 0) \
	X(TPIDR2_EL0,       3, 3, 13, 0, 5, RW, T(TPIDR2)) \
	X(SCXTNUM_EL1,      3, 0, 13, 0, 7, RW, T(SCXT)) \
	X(SCXTNUM_EL0,      3, 3, 13, 0, 7, RW, T(SCXT)) \
	X(RNDR,             3, 3, 2, 4, 0, RO, T(RNDR)) \
	X(APIAKeyLo_EL1,    3, 0, 2, 1, 0, RW, T(PAUTH_KEY)) \
	X(APIAKeyHi_EL1,    3, 0, 2, 1, 1, RW, T(PAUTH_KEY)) \
	X(APIBKeyLo_EL1,    3, 0, 2, 1, 2, RW, T(PAUTH_KEY)) \
	X(APIBKeyHi_EL1,    3, 0, 2, 1, 3, RW, T(PAUTH_KEY)) \
	X(APDAKeyLo_EL1,    3, 0, 2, 2, 0, RW, T(PAUTH_KEY)) \
	X(APDAKeyHi_EL1,    3, 0, 2, 2, 1, RW, T(PAUTH_KEY)) \
	X(APDBKeyLo_EL1,    3, 0, 2, 2, 2, RW, T(PAUTH_KEY)) \
	X(APDBKeyHi_EL1,    3, 0, 2, 2, 3, RW, T(PAUTH_KEY)) \
	X(APGAKeyLo_EL1,    3, 0, 2, 3, 0, RW, T(PAUTH_KEY)) \
	X(APGAKeyHi_EL1,    3, 0, 2, 3, 1, RW, T(PAUTH_KEY)) \
	X(ERRIDR_EL1,       3, 0, 5, 3, 0, RO, T(RAS_ERROR)) \
	X(ERRSELR_EL1,      3, 0, 5, 3, 1, RW, T(RAS_ERROR)) \
	X(ERXFR_EL1,        3, 0, 5, 4, 0, RO, T(RAS_ERROR)) \
	X(ERXCTLR_EL1,      3, 0, 5, 4, 1, RW, T(RAS_ERROR)) \
	X(ERXSTATUS_EL1,    3, 0, 5, 4, 2, RW, T(RAS_ERROR)) \
	X(ERXADDR_EL1,      3, 0, 5, 4, 3, RW, T(RAS_ERROR)) \
	X(ERXPFGF_EL1,      3, 0, 5, 4, 4, RO, T(RAS_FAULT)) \
	X(ERXPFGCTL_EL1,    3, 0, 5, 4, 5, RW, T(RAS_FAULT)) \
	X(ERXPFGCDN_EL1,    3, 0, 5, 4, 6, RW, T(RAS_FAULT)) \
	X(ERXMISC0_EL1,     3, 0, 5, 5, 0, RW, T(RAS_ERROR)) \
	X(ERXMISC1_EL1,     3, 0, 5, 5, 1, RW, T(RAS_ERROR)) \

#define EL_REGS_DEBUG(X) \
	X(OSDTRRX_EL1,      2, 0, 0, 0, 2, RW, T(DEBUG) | T(DCC)) \
	X(MDCCINT_EL1,      2, 0, 0, 2, 0, RW, T(DEBUG) | T(DCC)) \
	X(MDSCR_EL1,        2, 0, 0, 2, 2, RW, T(DEBUG)) \
	X(OSECCR_EL1,       2, 0, 0, 6, 2, RW, T(DEBUG)) \
	X(MDRAR_EL1,        2, 0, 1, 0, 0, RO, T(DEBUG_ROM)) \
	X(OSLAR_EL1,        2, 0, 1, 0, 4, WO, T(DEBUG_OS)) \
	X(OSLSR_EL1,        2, 0, 1, 1, 4, RO, T(DEBUG_OS)) \
	X(OSDLR_EL1,        2, 0, 1, 3, 4, RW, T(DEBUG_OS)) \
	X(DBGPRCR_EL1,      2, 0, 1, 4, 4, RW, T(DEBUG_OS)) \
	X(DBGCLAIMSET_EL1,  2, 0, 7, 8, 6, RW, T(DEBUG)) \
	X(DBGCLAIMCLR_EL1,  2, 0, 7, 9, 6, RW, T(DEBUG)) \
	X(DBGAUTHSTATUS_EL1, 2, 0, 7, 14, 6, RO, T(DEBUG)) \
	X(MDCCSR_EL0,       2, 3, 0, 1, 0, RO, T(DEBUG) | T(DCC)) \
	X(DBGDTR_EL0,       2, 3, 0, 4, 0, RW, T(DEBUG) | T(DCC))

#define EL_REGS_PMU(X) \
	X(PMINTENSET_EL1,   3, 0, 9, 14, 1, RW, T(PMU)) \
	X(PMINTENCLR_EL1,   3, 0, 9, 14, 2, RW, T(PMU)) \
	X(PMMIR_EL1,        3, 0, 9, 14, 6, RO, T(PMU)) \
	X(PMCR_EL0,         3, 3, 9, 12, 0, RW, T(PMU) | T(PMCR) | T(PMU_EL0)) \
	X(PMCNTENSET_EL0,   3, 3, 9, 12, 1, RW, T(PMU) | T(PMU_EL0)) \
	X(PMCNTENCLR_EL0,   3, 3, 9, 12, 2, RW, T(PMU) | T(PMU_EL0)) \
	X(PMOVSCLR_EL0,     3, 3, 9, 12, 3, RW, T(PMU) | T(PMU_EL0)) \
	X(PMSWINC_EL0,      3, 3, 9, 12, 4, WO, T(PMU) | T(PMU_SOFTWARE)) \
	X(PMSELR_EL0,       3, 3, 9, 12, 5, RW, T(PMU) | T(PMU_SELECT)) \
	X(PMCEID0_EL0,      3, 3, 9, 12, 6, RO, T(PMU) | T(PMU_EL0)) \
	X(PMCEID1_EL0,      3, 3, 9, 12, 7, RO, T(PMU) | T(PMU_EL0)) \
	X(PMCCNTR_EL0,      3, 3, 9, 13, 0, RW, T(PMU) | T(PMU_CYCLE)) \
	X(PMXEVTYPER_EL0,   3, 3, 9, 13, 1, RW, T(PMU) | T(PMU_EL0)) \
	X(PMXEVCNTR_EL0,    3, 3, 9, 13, 2, RW, T(PMU) | T(PMU_EVENT)) \
	X(PMUSERENR_EL0,    3, 3, 9, 14, 0, RW, T(PMU)) \
	X(PMOVSSET_EL0,     3, 3, 9, 14, 3, RW, T(PMU) | T(PMU_EL0)) \
	X(PMCCFILTR_EL0,    3, 3, 14, 15, 7, RW, T(PMU) | T(PMU_EL0))

#define EL_REGS_TIMER(X) \
	X(CNTKCTL_EL1,      3, 0, 14, 1, 0, RW, 0) \
	X(CNTFRQ_EL0,       3, 3, 14, 0, 0, RW, T(COUNTER_FREQUENCY)) \
	X(CNTPCT_EL0,       3, 3, 14, 0, 1, RO, T(COUNTER_PHYSICAL)) \
	X(CNTVCT_EL0,       3, 3, 14, 0, 2, RO, T(COUNTER_VIRTUAL)) \
	X(CNTPCTSS_EL0,     3, 3, 14, 0, 5, RO, T(COUNTER_PHYSICAL)) \
	X(CNTVCTSS_EL0,     3, 3, 14, 0, 6, RO, T(COUNTER_VIRTUAL)) \
	X(CNTP_TVAL_EL0,    3, 3, 14, 2, 0, RW, T(TIMER_PHYSICAL)) \
	X(CNTP_CTL_EL0,     3, 3, 14, 2, 1, RW, T(TIMER_PHYSICAL)) \
	X(CNTP_CVAL_EL0,    3, 3, 14, 2, 2, RW, T(TIMER_PHYSICAL)) \
	X(CNTV_TVAL_EL0,    3, 3, 14, 3, 0, RW, T(TIMER_VIRTUAL)) \
	X(CNTV_CTL_EL0,     3, 3, 14, 3, 1, RW, T(TIMER_VIRTUAL)) \
	X(CNTV_CVAL_EL0,    3, 3, 14, 3, 2, RW, T(TIMER_VIRTUAL))

#define EL_REGS_GIC(X) \
	X(ICC_PMR_EL1,      3, 0, 4, 6, 0, RW, T(ICC_COMMON)) \
	X(ICC_IAR0_EL1,     3, 0, 12, 8, 0, RO, T(ICC_GROUP0)) \
	X(ICC_EOIR0_EL1,    3, 0, 12, 8, 1, WO, T(ICC_GROUP0)) \
	X(ICC_HPPIR0_EL1,   3, 0, 12, 8, 2, RO, T(ICC_GROUP0)) \
	X(ICC_BPR0_EL1,     3, 0, 12, 8, 3, RW, T(ICC_GROUP0)) \
	X(ICC_AP0R0_EL1,    3, 0, 12, 8, 4, RW, T(ICC_GROUP0)) \
	X(ICC_AP1R0_EL1,    3, 0, 12, 9, 0, RW, T(ICC_GROUP1)) \
	X(ICC_DIR_EL1,      3, 0, 12, 11, 1, WO, T(ICC_COMMON) | T(ICC_DIR)) \
	X(ICC_RPR_EL1,      3, 0, 12, 11, 3, RO, T(ICC_COMMON)) \
	X(ICC_SGI1R_EL1,    3, 0, 12, 11, 5, WO, T(ICC_COMMON) | T(ICC_SGI)) \
	X(ICC_ASGI1R_EL1,   3, 0, 12, 11, 6, WO, T(ICC_COMMON) | T(ICC_SGI)) \
	X(ICC_SGI0R_EL1,    3, 0, 12, 11, 7, WO, T(ICC_COMMON) | T(ICC_SGI)) \
	X(ICC_IAR1_EL1,     3, 0, 12, 12, 0, RO, T(ICC_GROUP1)) \
	X(ICC_EOIR1_EL1,    3, 0, 12, 12, 1, WO, T(ICC_GROUP1)) \
	X(ICC_HPPIR1_EL1,   3, 0, 12, 12, 2, RO, T(ICC_GROUP1)) \
	X(ICC_BPR1_EL1,     3, 0, 12, 12, 3, RW, T(ICC_GROUP1)) \
	X(ICC_CTLR_EL1,     3, 0, 12, 12, 4, RW, T(ICC_COMMON)) \
	X(ICC_SRE_EL1,      3, 0, 12, 12, 5, RW, T(ICC_SRE)) \
	X(ICC_IGRPEN0_EL1,  3, 0, 12, 12, 6, RW, T(ICC_GROUP0)) \
	X(ICC_IGRPEN1_EL1,  3, 0, 12, 12, 7, RW, T(ICC_GROUP1))

#define EL_REGS_EL2(X) \
	X(VPIDR_EL2,        3, 4, 0, 0, 0, RW, T(EL2_REG)) \
	X(VMPIDR_EL2,       3, 4, 0, 0, 5, RW, T(EL2_REG)) \
	X(SCTLR_EL2,        3, 4, 1, 0, 0, RW, T(EL2_REG)) \
	X(ACTLR_EL2,        3, 4, 1, 0, 1, RW, T(EL2_REG)) \
	X(HCR_EL2,          3, 4, 1, 1, 0, RW, T(EL2_REG)) \
	X(MDCR_EL2,         3, 4, 1, 1, 1, RW, T(EL2_REG) | T(DEBUG)) \
	X(CPTR_EL2,         3, 4, 1, 1, 2, RW, T(EL2_REG) | T(CPTR)) \
	X(HSTR_EL2,         3, 4, 1, 1, 3, RW, T(EL2_REG)) \
	X(HFGRTR_EL2,       3, 4, 1, 1, 4, RW, T(EL2_REG) | T(FGT)) \
	X(HFGWTR_EL2,       3, 4, 1, 1, 5, RW, T(EL2_REG) | T(FGT)) \
	X(HFGITR_EL2,       3, 4, 1, 1, 6, RW, T(EL2_REG) | T(FGT)) \
	X(HACR_EL2,         3, 4, 1, 1, 7, RW, T(EL2_REG)) \
	X(ZCR_EL2,          3, 4, 1, 2, 0, RW, T(EL2_REG) | T(SVE_LENGTH)) \
	X(TRFCR_EL2,        3, 4, 1, 2, 1, RW, T(EL2_REG) | T(TRACE_FILTER)) \
	X(HCRX_EL2,         3, 4, 1, 2, 2, RW, T(EL2_REG) | T(HCRX)) \
	X(TTBR0_EL2,        3, 4, 2, 0, 0, RW, T(EL2_REG)) \
	X(TTBR1_EL2,        3, 4, 2, 0, 1, RW, T(EL2_REG)) \
	X(TCR_EL2,          3, 4, 2, 0, 2, RW, T(EL2_REG)) \
	X(VTTBR_EL2,        3, 4, 2, 1, 0, RW, T(EL2_REG)) \
	X(VTCR_EL2,         3, 4, 2, 1, 2, RW, T(EL2_REG)) \
	X(VNCR_EL2,         3, 4, 2, 2, 0, RW, T(EL2_REG)) \
	X(HDFGRTR_EL2,      3, 4, 3, 1, 4, RW, T(EL2_REG) | T(FGT)) \
	X(HDFGWTR_EL2,      3, 4, 3, 1, 5, RW, T(EL2_REG) | T(FGT)) \
	X(SPSR_EL2,         3, 4, 4, 0, 0, RW, T(EL2_REG)) \
	X(ELR_EL2,          3, 4, 4, 0, 1, RW, T(EL2_REG)) \
	X(SP_EL1,           3, 4, 4, 1, 0, RW, T(EL2_REG)) \
	X(AFSR0_EL2,        3, 4, 5, 1, 0, RW, T(EL2_REG)) \
	X(AFSR1_EL2,        3, 4, 5, 1, 1, RW, T(EL2_REG)) \
	X(ESR_EL2,          3, 4, 5, 2, 0, RW, T(EL2_REG)) \
	X(VSESR_EL2,        3, 4, 5, 2, 3, RW, T(EL2_REG)) \
	X(FAR_EL2,          3, 4, 6, 0, 0, RW, T(EL2_REG)) \
	X(HPFAR_EL2,        3, 4, 6, 0, 4, RW, T(EL2_REG)) \
	X(MAIR_EL2,         3, 4, 10, 2, 0, RW, T(EL2_REG)) \
	X(AMAIR_EL2,        3, 4, 10, 3, 0, RW, T(EL2_REG)) \
	X(VBAR_EL2,         3, 4, 12, 0, 0, RW, T(EL2_REG)) \
	X(VDISR_EL2,        3, 4, 12, 1, 1, RW, T(EL2_REG)) \
	X(ICH_AP0R0_EL2,    3, 4, 12, 8, 0, RW, T(EL2_REG)) \
	X(ICH_AP1R0_EL2,    3, 4, 12, 9, 0, RW, T(EL2_REG)) \
	X(ICC_SRE_EL2,      3, 4, 12, 9, 5, RW, T(EL2_REG) | T(ICC_SRE)) \
	X(ICH_HCR_EL2,      3, 4, 12, 11, 0, RW, T(EL2_REG)) \
	X(ICH_VTR_EL2,      3, 4, 12, 11, 1, RO, T(EL2_REG)) \
	X(ICH_MISR_EL2,     3, 4, 12, 11, 2, RO, T(EL2_REG)) \
	X(ICH_EISR_EL2,     3, 4, 12, 11, 3, RO, T(EL2_REG)) \
	X(ICH_ELRSR_EL2,    3, 4, 12, 11, 5, RO, T(EL2_REG)) \
	X(ICH_VMCR_EL2,     3, 4, 12, 11, 7, RW, T(EL2_REG)) \
	X(ICH_LR0_EL2,      3, 4, 12, 12, 0, RW, T(EL2_REG)) \
	X(ICH_LR1_EL2,      3, 4, 12, 12, 1, RW, T(EL2_REG)) \
	X(ICH_LR2_EL2,      3, 4, 12, 12, 2, RW, T(EL2_REG)) \
	X(ICH_LR3_EL2,      3, 4, 12, 12, 3, RW, T(EL2_REG)) \
	X(CONTEXTIDR_EL2,   3, 4, 13, 0, 1, RW, T(EL2_REG)) \
	X(TPIDR_EL2,        3, 4, 13, 0, 2, RW, T(EL2_REG)) \
	X(SCXTNUM_EL2,      3, 4, 13, 0, 7, RW, T(EL2_REG) | T(SCXT)) \
	X(CNTVOFF_EL2,      3, 4, 14, 0, 3, RW, T(EL2_REG)) \
	X(CNTPOFF_EL2,      3, 4, 14, 0, 6, RW, T(EL2_REG) | T(COUNTER_OFFSET)) \
	X(CNTHCTL_EL2,      3, 4, 14, 1, 0, RW, T(EL2_REG)) \
	X(CNTHP_TVAL_EL2,   3, 4, 14, 2, 0, RW, T(EL2_REG)) \
	X(CNTHP_CTL_EL2,    3, 4, 14, 2, 1, RW, T(EL2_REG)) \
	X(CNTHP_CVAL_EL2,   3, 4, 14, 2, 2, RW, T(EL2_REG)) \
	X(CNTHV_TVAL_EL2,   3, 4, 14, 3, 0, RW, T(EL2_REG)) \
	X(CNTHV_CTL_EL2,    3, 4, 14, 3, 1, RW, T(EL2_REG)) \
	X(CNTHV_CVAL_EL2,   3, 4, 14, 3, 2, RW, T(EL2_REG))

#define EL_REGS_EL3(X) \
	X(SCTLR_EL3,        3, 6, 1, 0, 0, RW, 0) \
	X(SCR_EL3,          3, 6, 1, 1, 0, RW, 0) \
	X(CPTR_EL3,         3, 6, 1, 1, 2, RW, 0) \
	X(ZCR_EL3,          3, 6, 1, 2, 0, RW, T(SVE_LENGTH)) \
	X(MDCR_EL3,         3, 6, 1, 3, 1, RW, 0) \
	X(TTBR0_EL3,        3, 6, 2, 0, 0, RW, 0) \
	X(TCR_EL3,          3, 6, 2, 0, 2, RW, 0) \
	X(GPTBR_EL3,        3, 6, 2, 1, 4, RW, 0) \
	X(GPCCR_EL3,        3, 6, 2, 1, 6, RW, 0) \
	X(SPSR_EL3,         3, 6, 4, 0, 0, RW, 0) \
	X(ELR_EL3,          3, 6, 4, 0, 1, RW, 0) \
	X(SP_EL2,           3, 6, 4, 1, 0, RW, 0) \
	X(ESR_EL3,          3, 6, 5, 2, 0, RW, 0) \
	X(FAR_EL3,          3, 6, 6, 0, 0, RW, 0) \
	X(MAIR_EL3,         3, 6, 10, 2, 0, RW, 0) \
	X(VBAR_EL3,         3, 6, 12, 0, 0, RW, 0) \
	X(ICC_CTLR_EL3,     3, 6, 12, 12, 4, RW, 0) \
	X(ICC_SRE_EL3,      3, 6, 12, 12, 5, RW, 0) \
	X(ICC_IGRPEN1_EL3,  3, 6, 12, 12, 7, RW, 0) \
	X(TPIDR_EL3,        3, 6, 13, 0, 2, RW, 0)

#define EL_REGS_CACHE(X) \
	X(IC_IALLUIS,       1, 0, 7, 1, 0, WO, T(CACHE_POU) | T(IC_SHARED)) \
	X(IC_IALLU,         1, 0, 7, 5, 0, WO, T(CACHE_POU) | T(IC_LOCAL)) \
	X(IC_IVAU,          1, 3, 7, 5, 1, WO, T(CACHE_POU) | T(IC_LOCAL) | T(CACHE_EL0)) \
	X(DC_IVAC,          1, 0, 7, 6, 1, WO, T(CACHE_POC)) \
	X(DC_ISW,           1, 0, 7, 6, 2, WO, T(CACHE_SET_WAY)) \
	X(DC_CSW,           1, 0, 7, 10, 2, WO, T(CACHE_SET_WAY)) \
	X(DC_CISW,          1, 0, 7, 14, 2, WO, T(CACHE_SET_WAY)) \
	X(DC_ZVA,           1, 3, 7, 4, 1, WO, T(DC_ZVA)) \
	X(DC_CVAC,          1, 3, 7, 10, 1, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CVAU,          1, 3, 7, 11, 1, WO, T(CACHE_POU) | T(IC_LOCAL) | T(CACHE_EL0)) \
	X(DC_CVAP,          1, 3, 7, 12, 1, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CIVAC,         1, 3, 7, 14, 1, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(AT_S1E1R,         1, 0, 7, 8, 0, WO, T(AT)) \
	X(AT_S1E1W,         1, 0, 7, 8, 1, WO, T(AT)) \
	X(AT_S1E0R,         1, 0, 7, 8, 2, WO, T(AT)) \
	X(AT_S1E0W,         1, 0, 7, 8, 3, WO, T(AT)) \
	X(AT_S1E1RP,        1, 0, 7, 9, 0, WO, T(AT)) \
	X(AT_S1E1WP,        1, 0, 7, 9, 1, WO, T(AT)) \
	X(AT_S1E2R,         1, 4, 7, 8, 0, WO, T(EL2_REG)) \
	X(AT_S1E2W,         1, 4, 7, 8, 1, WO, T(EL2_REG)) \
	X(AT_S12E1R,        1, 4, 7, 8, 4, WO, T(EL2_REG)) \
	X(AT_S12E1W,        1, 4, 7, 8, 5, WO, T(EL2_REG))

#define EL_REGS_TLBI(X) \
	X(TLBI_VMALLE1OS,   1, 0, 8, 1, 0, WO, T(TLBI) | T(TLBI_OUTER)) \
	X(TLBI_VAE1OS,      1, 0, 8, 1, 1, WO, T(TLBI) | T(TLBI_OUTER)) \
	X(TLBI_ASIDE1OS,    1, 0, 8, 1, 2, WO, T(TLBI) | T(TLBI_OUTER)) \
	X(TLBI_VAAE1OS,     1, 0, 8, 1, 3, WO, T(TLBI) | T(TLBI_OUTER)) \
	X(TLBI_VALE1OS,     1, 0, 8, 1, 5, WO, T(TLBI) | T(TLBI_OUTER)) \
	X(TLBI_VAALE1OS,    1, 0, 8, 1, 7, WO, T(TLBI) | T(TLBI_OUTER)) \
	X(TLBI_RVAE1IS,     1, 0, 8, 2, 1, WO, T(TLBI) | T(TLBI_INNER)) \
	X(TLBI_RVALE1IS,    1, 0, 8, 2, 5, WO, T(TLBI) | T(TLBI_INNER)) \
	X(TLBI_VMALLE1IS,   1, 0, 8, 3, 0, WO, T(TLBI) | T(TLBI_INNER)) \
	X(TLBI_VAE1IS,      1, 0, 8, 3, 1, WO, T(TLBI) | T(TLBI_INNER)) \
	X(TLBI_ASIDE1IS,    1, 0, 8, 3, 2, WO, T(TLBI) | T(TLBI_INNER)) \
	X(TLBI_VAAE1IS,     1, 0, 8, 3, 3, WO, T(TLBI) | T(TLBI_INNER)) \
	X(TLBI_VALE1IS,     1, 0, 8, 3, 5, WO, T(TLBI) | T(TLBI_INNER)) \
	X(TLBI_VAALE1IS,    1, 0, 8, 3, 7, WO, T(TLBI) | T(TLBI_INNER)) \
	X(TLBI_VMALLE1,     1, 0, 8, 7, 0, WO, T(TLBI)) \
	X(TLBI_VAE1,        1, 0, 8, 7, 1, WO, T(TLBI)) \
	X(TLBI_ASIDE1,      1, 0, 8, 7, 2, WO, T(TLBI)) \
	X(TLBI_VAAE1,       1, 0, 8, 7, 3, WO, T(TLBI)) \
	X(TLBI_VALE1,       1, 0, 8, 7, 5, WO, T(TLBI)) \
	X(TLBI_VAALE1,      1, 0, 8, 7, 7, WO, T(TLBI)) \
	X(TLBI_IPAS2E1IS,   1, 4, 8, 0, 1, WO, T(EL2_REG)) \
	X(TLBI_ALLE2IS,     1, 4, 8, 3, 0, WO, T(EL2_REG)) \
	X(TLBI_VAE2IS,      1, 4, 8, 3, 1, WO, T(EL2_REG)) \
	X(TLBI_ALLE1IS,     1, 4, 8, 3, 4, WO, T(EL2_REG)) \
	X(TLBI_VMALLS12E1IS, 1, 4, 8, 3, 6, WO, T(EL2_REG)) \
	X(TLBI_IPAS2E1,     1, 4, 8, 4, 1, WO, T(EL2_REG)) \
	X(TLBI_ALLE2,       1, 4, 8, 7, 0, WO, T(EL2_REG)) \
	X(TLBI_VAE2,        1, 4, 8, 7, 1, WO, T(EL2_REG)) \
	X(TLBI_ALLE1,       1, 4, 8, 7, 4, WO, T(EL2_REG)) \
	X(TLBI_VMALLS12E1,  1, 4, 8, 7, 6, WO, T(EL2_REG))

#define EL_REDIRECTS(X) \
	X(SCTLR_EL1, SCTLR_EL2) X(CPACR_EL1, CPTR_EL2) X(ZCR_EL1, ZCR_EL2) X(TRFCR_EL1, TRFCR_EL2) \
	X(TTBR0_EL1, TTBR0_EL2) X(TTBR1_EL1, TTBR1_EL2) X(TCR_EL1, TCR_EL2) X(AFSR0_EL1, AFSR0_EL2) \
	X(AFSR1_EL1, AFSR1_EL2) X(ESR_EL1, ESR_EL2) X(FAR_EL1, FAR_EL2) X(MAIR_EL1, MAIR_EL2) \
	X(AMAIR_EL1, AMAIR_EL2) X(VBAR_EL1, VBAR_EL2) X(CONTEXTIDR_EL1, CONTEXTIDR_EL2) \
	X(SCXTNUM_EL1, SCXTNUM_EL2) X(CNTKCTL_EL1, CNTHCTL_EL2) X(SPSR_EL1, SPSR_EL2) X(ELR_EL1, ELR_EL2) \
	X(CNTP_TVAL_EL0, CNTHP_TVAL_EL2) X(CNTP_CTL_EL0, CNTHP_CTL_EL2) X(CNTP_CVAL_EL0, CNTHP_CVAL_EL2) \
	X(CNTV_TVAL_EL0, CNTHV_TVAL_EL2) X(CNTV_CTL_EL0, CNTHV_CTL_EL2) X(CNTV_CVAL_EL0, CNTHV_CVAL_EL2) \
	X(SCTLR2_EL1, SCTLR2_EL2) X(TCR2_EL1, TCR2_EL2) X(PIRE0_EL1, PIRE0_EL2) X(PIR_EL1, PIR_EL2) \
	X(POR_EL1, POR_EL2) X(MAIR2_EL1, MAIR2_EL2) X(AMAIR2_EL1, AMAIR2_EL2) X(SMCR_EL1, SMCR_EL2) \
	X(PFAR_EL1, PFAR_EL2) X(GCSCR_EL1, GCSCR_EL2) X(GCSPR_EL1, GCSPR_EL2) X(TFSR_EL1, TFSR_EL2) \
	X(PMSCR_EL1, PMSCR_EL2) X(BRBCR_EL1, BRBCR_EL2)
/* clang-format on */

#endif
