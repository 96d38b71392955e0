/* reg_rows_more.h - registers that come in numbers, and those of debug, trace, statistical profiling, branch
 * records, activity monitors and tagging, as rows of reg_rows.h.
 *
 * A row whose name says of what it stands for (TRACE_UNIT, IMPDEF) is a family: all encodings that
 * reg_families[] of regs.c gives it share its traps, and one cell of storage.
 * Source: Arm ARM DDI 0487, C5 and D19; instruction encodings C5.5.
 */
#ifndef EL_REG_ROWS_MORE_H
#define EL_REG_ROWS_MORE_H

/* clang-format off */
#define EL_REGS_MORE(X) \
	EL_REGS_BREAKPOINTS(X) EL_REGS_COUNTERS(X) EL_REGS_AMU(X) EL_REGS_TRACE(X) EL_REGS_PROFILE(X) \
	EL_REGS_TAGS(X) EL_REGS_LISTS(X) EL_REGS_LATER(X) EL_REGS_RCTX(X)

#define EL_REGS_BREAKPOINT(X, n) \
	X(DBGBVR##n##_EL1, 2, 0, 0, n, 4, RW, T(DEBUG)) \
	X(DBGBCR##n##_EL1, 2, 0, 0, n, 5, RW, T(DEBUG)) \
	X(DBGWVR##n##_EL1, 2, 0, 0, n, 6, RW, T(DEBUG)) \
	X(DBGWCR##n##_EL1, 2, 0, 0, n, 7, RW, T(DEBUG))
#define EL_REGS_BREAKPOINTS(X) \
	EL_REGS_BREAKPOINT(X, 0) EL_REGS_BREAKPOINT(X, 1) EL_REGS_BREAKPOINT(X, 2) EL_REGS_BREAKPOINT(X, 3) \
	EL_REGS_BREAKPOINT(X, 4) EL_REGS_BREAKPOINT(X, 5) EL_REGS_BREAKPOINT(X, 6) EL_REGS_BREAKPOINT(X, 7) \
	EL_REGS_BREAKPOINT(X, 8) EL_REGS_BREAKPOINT(X, 9) EL_REGS_BREAKPOINT(X, 10) EL_REGS_BREAKPOINT(X, 11) \
	EL_REGS_BREAKPOINT(X, 12) EL_REGS_BREAKPOINT(X, 13) EL_REGS_BREAKPOINT(X, 14) EL_REGS_BREAKPOINT(X, 15)

#define EL_REGS_COUNTER(X, n, group, op2) \
	X(PMEVCNTR##n##_EL0,   3, 3, 14, 8 + group, op2, RW, T(PMU) | T(PMU_EVENT)) \
	X(PMEVTYPER##n##_EL0,  3, 3, 14, 12 + group, op2, RW, T(PMU) | T(PMU_EL0)) \
	X(PMEVCNTSVR##n##_EL1, 2, 0, 14, 8 + group, op2, RO, T(PMU) | T(PMU_SNAPSHOT))
#define EL_REGS_COUNTERS(X) \
	EL_REGS_COUNTER(X, 0, 0, 0) EL_REGS_COUNTER(X, 1, 0, 1) EL_REGS_COUNTER(X, 2, 0, 2) \
	EL_REGS_COUNTER(X, 3, 0, 3) EL_REGS_COUNTER(X, 4, 0, 4) EL_REGS_COUNTER(X, 5, 0, 5) \
	EL_REGS_COUNTER(X, 6, 0, 6) EL_REGS_COUNTER(X, 7, 0, 7) EL_REGS_COUNTER(X, 8, 1, 0) \
	EL_REGS_COUNTER(X, 9, 1, 1) EL_REGS_COUNTER(X, 10, 1, 2) EL_REGS_COUNTER(X, 11, 1, 3) \
	EL_REGS_COUNTER(X, 12, 1, 4) EL_REGS_COUNTER(X, 13, 1, 5) EL_REGS_COUNTER(X, 14, 1, 6) \
	EL_REGS_COUNTER(X, 15, 1, 7) EL_REGS_COUNTER(X, 16, 2, 0) EL_REGS_COUNTER(X, 17, 2, 1) \
	EL_REGS_COUNTER(X, 18, 2, 2) EL_REGS_COUNTER(X, 19, 2, 3) EL_REGS_COUNTER(X, 20, 2, 4) \
	EL_REGS_COUNTER(X, 21, 2, 5) EL_REGS_COUNTER(X, 22, 2, 6) EL_REGS_COUNTER(X, 23, 2, 7) \
	EL_REGS_COUNTER(X, 24, 3, 0) EL_REGS_COUNTER(X, 25, 3, 1) EL_REGS_COUNTER(X, 26, 3, 2) \
	EL_REGS_COUNTER(X, 27, 3, 3) EL_REGS_COUNTER(X, 28, 3, 4) EL_REGS_COUNTER(X, 29, 3, 5) \
	EL_REGS_COUNTER(X, 30, 3, 6)

#define EL_REGS_AMU_PAIR(X, n, group, op2) \
	X(AMEVCNTR1##n##_EL0,  3, 3, 13, 12 + group, op2, RW, T(AMU) | T(AMU_EL0)) \
	X(AMEVTYPER1##n##_EL0, 3, 3, 13, 14 + group, op2, RW, T(AMU) | T(AMU_EL0)) \
	X(AMEVCNTVOFF1##n##_EL2, 3, 4, 13, 10 + group, op2, RW, T(EL2_REG) | T(AMU_OFFSET))
#define EL_REGS_AMU(X) \
	X(AMCR_EL0,         3, 3, 13, 2, 0, RW, T(AMU) | T(AMU_EL0)) \
	X(AMCFGR_EL0,       3, 3, 13, 2, 1, RO, T(AMU) | T(AMU_EL0)) \
	X(AMCGCR_EL0,       3, 3, 13, 2, 2, RO, T(AMU) | T(AMU_EL0)) \
	X(AMUSERENR_EL0,    3, 3, 13, 2, 3, RW, T(AMU)) \
	X(AMCNTENCLR0_EL0,  3, 3, 13, 2, 4, RW, T(AMU) | T(AMU_EL0)) \
	X(AMCNTENSET0_EL0,  3, 3, 13, 2, 5, RW, T(AMU) | T(AMU_EL0)) \
	X(AMCG1IDR_EL0,     3, 3, 13, 2, 6, RO, T(AMU) | T(AMU_EL0)) \
	X(AMCNTENCLR1_EL0,  3, 3, 13, 3, 0, RW, T(AMU) | T(AMU_EL0)) \
	X(AMCNTENSET1_EL0,  3, 3, 13, 3, 1, RW, T(AMU) | T(AMU_EL0)) \
	X(AMEVCNTR00_EL0,   3, 3, 13, 4, 0, RW, T(AMU) | T(AMU_EL0)) \
	X(AMEVTYPER00_EL0,  3, 3, 13, 6, 0, RO, T(AMU) | T(AMU_EL0)) \
	X(AMEVCNTR01_EL0,   3, 3, 13, 4, 1, RW, T(AMU) | T(AMU_EL0)) \
	X(AMEVTYPER01_EL0,  3, 3, 13, 6, 1, RO, T(AMU) | T(AMU_EL0)) \
	X(AMEVCNTR02_EL0,   3, 3, 13, 4, 2, RW, T(AMU) | T(AMU_EL0)) \
	X(AMEVTYPER02_EL0,  3, 3, 13, 6, 2, RO, T(AMU) | T(AMU_EL0)) \
	X(AMEVCNTR03_EL0,   3, 3, 13, 4, 3, RW, T(AMU) | T(AMU_EL0)) \
	X(AMEVTYPER03_EL0,  3, 3, 13, 6, 3, RO, T(AMU) | T(AMU_EL0)) \
	X(AMEVCNTVOFF00_EL2, 3, 4, 13, 8, 0, RW, T(EL2_REG) | T(AMU_OFFSET)) \
	X(AMEVCNTVOFF01_EL2, 3, 4, 13, 8, 1, RW, T(EL2_REG) | T(AMU_OFFSET)) \
	X(AMEVCNTVOFF02_EL2, 3, 4, 13, 8, 2, RW, T(EL2_REG) | T(AMU_OFFSET)) \
	X(AMEVCNTVOFF03_EL2, 3, 4, 13, 8, 3, RW, T(EL2_REG) | T(AMU_OFFSET)) \
	EL_REGS_AMU_PAIR(X, 0, 0, 0) EL_REGS_AMU_PAIR(X, 1, 0, 1) \
	EL_REGS_AMU_PAIR(X, 2, 0, 2) EL_REGS_AMU_PAIR(X, 3, 0, 3) \
	EL_REGS_AMU_PAIR(X, 4, 0, 4) EL_REGS_AMU_PAIR(X, 5, 0, 5) \
	EL_REGS_AMU_PAIR(X, 6, 0, 6) EL_REGS_AMU_PAIR(X, 7, 0, 7) \
	EL_REGS_AMU_PAIR(X, 8, 1, 0) EL_REGS_AMU_PAIR(X, 9, 1, 1) \
	EL_REGS_AMU_PAIR(X, 10, 1, 2) EL_REGS_AMU_PAIR(X, 11, 1, 3) \
	EL_REGS_AMU_PAIR(X, 12, 1, 4) EL_REGS_AMU_PAIR(X, 13, 1, 5) \
	EL_REGS_AMU_PAIR(X, 14, 1, 6) EL_REGS_AMU_PAIR(X, 15, 1, 7)

#define EL_REGS_TRACE(X) \
	X(TRCPRGCTLR,    2, 1, 0, 1, 0, RW, T(TRACE)) \
	X(TRCAUXCTLR,    2, 1, 0, 6, 0, RW, T(TRACE)) \
	X(TRCSTATR,      2, 1, 0, 3, 0, RO, T(TRACE)) \
	X(TRCVICTLR,     2, 1, 0, 0, 2, RW, T(TRACE)) \
	X(TRCSEQSTR,     2, 1, 0, 7, 4, RW, T(TRACE)) \
	X(TRCOSLAR,      2, 1, 1, 0, 4, WO, T(TRACE)) \
	X(TRCOSLSR,      2, 1, 1, 1, 4, RO, T(TRACE)) \
	X(TRCCLAIMSET,   2, 1, 7, 8, 6, RW, T(TRACE)) \
	X(TRCCLAIMCLR,   2, 1, 7, 9, 6, RW, T(TRACE)) \
	X(TRCAUTHSTATUS, 2, 1, 7, 14, 6, RO, T(TRACE)) \
	X(TRCDEVARCH,    2, 1, 7, 15, 6, RO, T(TRACE)) \
	X(TRCDEVID,      2, 1, 7, 2, 7, RO, T(TRACE)) \
	X(TRC_ID,        2, 1, 0, 8, 7, RO, T(TRACE)) \
	X(TRC_IMSPEC,    2, 1, 0, 0, 7, RW, T(TRACE)) \
	X(TRC_CNTVR,     2, 1, 0, 8, 5, RW, T(TRACE)) \
	X(TRC_SSCSR,     2, 1, 1, 8, 2, RW, T(TRACE)) \
	X(TRACE_UNIT,    2, 1, 0, 4, 0, RW, T(TRACE)) \
	X(TRFCR_EL1,      3, 0, 1, 2, 1, RW, T(TRACE_FILTER)) \
	X(TRCITECR_EL1,   3, 0, 1, 2, 3, RW, T(TRACE_FILTER)) \
	X(BRB_DATA,       2, 1, 8, 0, 0, RO, T(BRANCH_RECORD)) \
	X(BRBCR_EL1,      2, 1, 9, 0, 0, RW, T(BRANCH_RECORD)) \
	X(BRBFCR_EL1,     2, 1, 9, 0, 1, RW, T(BRANCH_RECORD)) \
	X(BRBTS_EL1,      2, 1, 9, 0, 2, RW, T(BRANCH_RECORD)) \
	X(BRBINFINJ_EL1,  2, 1, 9, 1, 0, RW, T(BRANCH_RECORD)) \
	X(BRBSRCINJ_EL1,  2, 1, 9, 1, 1, RW, T(BRANCH_RECORD)) \
	X(BRBTGTINJ_EL1,  2, 1, 9, 1, 2, RW, T(BRANCH_RECORD)) \
	X(BRBIDR0_EL1,    2, 1, 9, 2, 0, RO, T(BRANCH_RECORD)) \
	X(BRBCR_EL2,      2, 4, 9, 0, 0, RW, T(EL2_REG) | T(BRANCH_RECORD)) \
	X(BRB_INJ,        1, 1, 7, 2, 5, WO, T(BRANCH_RECORD)) \
	X(BRB_IALL,       1, 1, 7, 2, 4, WO, T(BRANCH_RECORD)) \
	X(TRBLIMITR_EL1,  3, 0, 9, 11, 0, RW, T(TRACE_BUFFER)) \
	X(TRBPTR_EL1,     3, 0, 9, 11, 1, RW, T(TRACE_BUFFER)) \
	X(TRBBASER_EL1,   3, 0, 9, 11, 2, RW, T(TRACE_BUFFER)) \
	X(TRBSR_EL1,      3, 0, 9, 11, 3, RW, T(TRACE_BUFFER)) \
	X(TRBMAR_EL1,     3, 0, 9, 11, 4, RW, T(TRACE_BUFFER)) \
	X(TRBMPAM_EL1,    3, 0, 9, 11, 5, RW, T(TRACE_BUFFER)) \
	X(TRBTRG_EL1,     3, 0, 9, 11, 6, RW, T(TRACE_BUFFER)) \
	X(TRBIDR_EL1,     3, 0, 9, 11, 7, RO, 0)

#define EL_REGS_PROFILE(X) \
	X(PMSCR_EL1,      3, 0, 9, 9, 0, RW, T(PROFILE)) \
	X(PMSNEVFR_EL1,   3, 0, 9, 9, 1, RW, T(PROFILE)) \
	X(PMSICR_EL1,     3, 0, 9, 9, 2, RW, T(PROFILE)) \
	X(PMSIRR_EL1,     3, 0, 9, 9, 3, RW, T(PROFILE)) \
	X(PMSFCR_EL1,     3, 0, 9, 9, 4, RW, T(PROFILE)) \
	X(PMSEVFR_EL1,    3, 0, 9, 9, 5, RW, T(PROFILE)) \
	X(PMSLATFR_EL1,   3, 0, 9, 9, 6, RW, T(PROFILE)) \
	X(PMSIDR_EL1,     3, 0, 9, 9, 7, RO, T(PROFILE)) \
	X(PMSDSFR_EL1,    3, 0, 9, 10, 4, RW, T(PROFILE)) \
	X(PMSCR_EL2,      3, 4, 9, 9, 0, RW, T(EL2_REG) | T(PROFILE)) \
	X(PMBLIMITR_EL1,  3, 0, 9, 10, 0, RW, T(PROFILE_BUFFER)) \
	X(PMBPTR_EL1,     3, 0, 9, 10, 1, RW, T(PROFILE_BUFFER)) \
	X(PMBSR_EL1,      3, 0, 9, 10, 3, RW, T(PROFILE_BUFFER)) \
	X(PMBMAR_EL1,     3, 0, 9, 10, 5, RW, T(PROFILE_BUFFER)) \
	X(PMBIDR_EL1,     3, 0, 9, 10, 7, RO, 0) \
	X(PMZR_EL0,       3, 3, 9, 13, 4, WO, T(PMU) | T(PMU_EL0)) \
	X(PMICNTR_EL0,    3, 3, 9, 4, 0, RW, T(PMU) | T(PMU_EL0)) \
	X(PMICFILTR_EL0,  3, 3, 9, 6, 0, RW, T(PMU) | T(PMU_EL0)) \
	X(PMUACR_EL1,     3, 0, 9, 14, 4, RW, T(PMU)) \
	X(PMECR_EL1,      3, 0, 9, 14, 5, RW, T(PMU)) \
	X(PMIAR_EL1,      3, 0, 9, 14, 7, RW, T(PMU)) \
	X(PMSSCR_EL1,     3, 0, 9, 13, 3, RW, T(PMU) | T(PMU_SNAPSHOT)) \
	X(PMCCNTSVR_EL1,  2, 0, 14, 11, 7, RO, T(PMU) | T(PMU_SNAPSHOT)) \
	X(PMICNTSVR_EL1,  2, 0, 14, 12, 0, RO, T(PMU) | T(PMU_SNAPSHOT)) \
	X(MDSELR_EL1,     2, 0, 0, 4, 2, RW, T(DEBUG)) \
	X(MDSTEPOP_EL1,   2, 0, 0, 5, 2, RW, T(DEBUG)) \
	X(OSDTRTX_EL1,    2, 0, 0, 3, 2, RW, T(DEBUG) | T(DCC)) \
	X(DBGDTRRX_EL0,   2, 3, 0, 5, 0, RW, T(DEBUG) | T(DCC))

#define EL_REGS_TAGS(X) \
	X(RGSR_EL1,       3, 0, 1, 0, 5, RW, T(TAGS)) \
	X(GCR_EL1,        3, 0, 1, 0, 6, RW, T(TAGS)) \
	X(TFSR_EL1,       3, 0, 5, 6, 0, RW, T(TAGS)) \
	X(TFSRE0_EL1,     3, 0, 5, 6, 1, RW, T(TAGS)) \
	X(TFSR_EL2,       3, 4, 5, 6, 0, RW, T(EL2_REG) | T(TAGS)) \
	X(DC_IGVAC,       1, 0, 7, 6, 3, WO, T(CACHE_POC)) \
	X(DC_IGSW,        1, 0, 7, 6, 4, WO, T(CACHE_SET_WAY)) \
	X(DC_IGDVAC,      1, 0, 7, 6, 5, WO, T(CACHE_POC)) \
	X(DC_IGDSW,       1, 0, 7, 6, 6, WO, T(CACHE_SET_WAY)) \
	X(DC_CGSW,        1, 0, 7, 10, 4, WO, T(CACHE_SET_WAY)) \
	X(DC_CGDSW,       1, 0, 7, 10, 6, WO, T(CACHE_SET_WAY)) \
	X(DC_CIGSW,       1, 0, 7, 14, 4, WO, T(CACHE_SET_WAY)) \
	X(DC_CIGDSW,      1, 0, 7, 14, 6, WO, T(CACHE_SET_WAY)) \
	X(DC_GVA,         1, 3, 7, 4, 3, WO, T(DC_ZVA)) \
	X(DC_GZVA,        1, 3, 7, 4, 4, WO, T(DC_ZVA)) \
	X(DC_CGVAC,       1, 3, 7, 10, 3, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CGDVAC,      1, 3, 7, 10, 5, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CGVAP,       1, 3, 7, 12, 3, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CGDVAP,      1, 3, 7, 12, 5, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CVADP,       1, 3, 7, 13, 1, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CGVADP,      1, 3, 7, 13, 3, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CGDVADP,     1, 3, 7, 13, 5, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CIGVAC,      1, 3, 7, 14, 3, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CIGDVAC,     1, 3, 7, 14, 5, WO, T(CACHE_POC) | T(CACHE_EL0)) \
	X(DC_CIVAPS,      1, 0, 7, 15, 1, WO, T(CACHE_POC)) \
	X(DC_CIGDVAPS,    1, 0, 7, 15, 5, WO, T(CACHE_POC))

#define EL_REGS_LISTS(X) \
	X(ICH_LR4_EL2,   3, 4, 12, 12, 4, RW, T(EL2_REG)) \
	X(ICH_LR5_EL2,   3, 4, 12, 12, 5, RW, T(EL2_REG)) \
	X(ICH_LR6_EL2,   3, 4, 12, 12, 6, RW, T(EL2_REG)) \
	X(ICH_LR7_EL2,   3, 4, 12, 12, 7, RW, T(EL2_REG)) \
	X(ICH_LR8_EL2,   3, 4, 12, 13, 0, RW, T(EL2_REG)) \
	X(ICH_LR9_EL2,   3, 4, 12, 13, 1, RW, T(EL2_REG)) \
	X(ICH_LR10_EL2,  3, 4, 12, 13, 2, RW, T(EL2_REG)) \
	X(ICH_LR11_EL2,  3, 4, 12, 13, 3, RW, T(EL2_REG)) \
	X(ICH_LR12_EL2,  3, 4, 12, 13, 4, RW, T(EL2_REG)) \
	X(ICH_LR13_EL2,  3, 4, 12, 13, 5, RW, T(EL2_REG)) \
	X(ICH_LR14_EL2,  3, 4, 12, 13, 6, RW, T(EL2_REG)) \
	X(ICH_LR15_EL2,  3, 4, 12, 13, 7, RW, T(EL2_REG)) \
	X(ICC_AP0R1_EL1,  3, 0, 12, 8, 5, RW, T(ICC_GROUP0)) \
	X(ICH_AP0R1_EL2,  3, 4, 12, 8, 1, RW, T(EL2_REG)) \
	X(ICC_AP0R2_EL1,  3, 0, 12, 8, 6, RW, T(ICC_GROUP0)) \
	X(ICH_AP0R2_EL2,  3, 4, 12, 8, 2, RW, T(EL2_REG)) \
	X(ICC_AP0R3_EL1,  3, 0, 12, 8, 7, RW, T(ICC_GROUP0)) \
	X(ICH_AP0R3_EL2,  3, 4, 12, 8, 3, RW, T(EL2_REG)) \
	X(ICC_AP1R1_EL1,  3, 0, 12, 9, 1, RW, T(ICC_GROUP1)) \
	X(ICH_AP1R1_EL2,  3, 4, 12, 9, 1, RW, T(EL2_REG)) \
	X(ICC_AP1R2_EL1,  3, 0, 12, 9, 2, RW, T(ICC_GROUP1)) \
	X(ICH_AP1R2_EL2,  3, 4, 12, 9, 2, RW, T(EL2_REG)) \
	X(ICC_AP1R3_EL1,  3, 0, 12, 9, 3, RW, T(ICC_GROUP1)) \
	X(ICH_AP1R3_EL2,  3, 4, 12, 9, 3, RW, T(EL2_REG))

#define EL_REGS_LATER(X) \
	X(CCSIDR2_EL1,    3, 1, 0, 0, 2, RO, T(ID_GROUP2) | T(CACHE_ID)) \
	X(SMIDR_EL1,      3, 1, 0, 0, 6, RO, T(ID_GROUP1)) \
	X(ID_SPACE,       3, 0, 0, 1, 0, RO, T(ID_GROUP3)) \
	X(IMPDEF,         3, 0, 11, 0, 0, RW, T(IMPDEF_REG)) \
	X(ALLINT,         3, 0, 4, 3, 0, RW, T(ALLINT)) \
	X(FPMR,           3, 3, 4, 4, 2, RW, T(FPMR)) \
	X(SVCR,           3, 3, 4, 2, 2, RW, T(SME)) \
	X(SMPRI_EL1,      3, 0, 1, 2, 4, RW, T(SME_PRIORITY)) \
	X(SMCR_EL1,       3, 0, 1, 2, 6, RW, T(SME)) \
	X(SMPRIMAP_EL2,   3, 4, 1, 2, 5, RW, T(EL2_REG) | T(SME_PRIORITY)) \
	X(SMCR_EL2,       3, 4, 1, 2, 6, RW, T(EL2_REG) | T(SME)) \
	X(SCTLR2_EL2,     3, 4, 1, 0, 3, RW, T(EL2_REG) | T(SCTLR2)) \
	X(TCR2_EL2,       3, 4, 2, 0, 3, RW, T(EL2_REG) | T(TCR2)) \
	X(PIRE0_EL2,      3, 4, 10, 2, 2, RW, T(EL2_REG) | T(PIE)) \
	X(PIR_EL2,        3, 4, 10, 2, 3, RW, T(EL2_REG) | T(PIE)) \
	X(POR_EL0,        3, 3, 10, 2, 4, RW, T(VM_CONTROL) | T(PIE) | T(OVERLAY_EL0)) \
	X(POR_EL1,        3, 0, 10, 2, 4, RW, T(VM_CONTROL) | T(PIE)) \
	X(S2POR_EL1,      3, 0, 10, 2, 5, RW, T(VM_CONTROL) | T(PIE)) \
	X(POR_EL2,        3, 4, 10, 2, 4, RW, T(EL2_REG) | T(PIE)) \
	X(MAIR2_EL1,      3, 0, 10, 2, 1, RW, T(VM_CONTROL) | T(MAIR2)) \
	X(AMAIR2_EL1,     3, 0, 10, 3, 1, RW, T(VM_CONTROL) | T(MAIR2)) \
	X(MAIR2_EL2,      3, 4, 10, 1, 1, RW, T(EL2_REG) | T(MAIR2)) \
	X(AMAIR2_EL2,     3, 4, 10, 3, 1, RW, T(EL2_REG) | T(MAIR2)) \
	X(RCWSMASK_EL1,   3, 0, 13, 0, 3, RW, T(RCWMASK)) \
	X(RCWMASK_EL1,    3, 0, 13, 0, 6, RW, T(RCWMASK)) \
	X(ACCDATA_EL1,    3, 0, 13, 0, 5, RW, T(ACCDATA)) \
	X(PFAR_EL1,       3, 0, 6, 0, 5, RW, T(PFAR)) \
	X(PFAR_EL2,       3, 4, 6, 0, 5, RW, T(EL2_REG) | T(PFAR)) \
	X(GCSCR_EL1,      3, 0, 2, 5, 0, RW, T(GCS)) \
	X(GCSPR_EL1,      3, 0, 2, 5, 1, RW, T(GCS)) \
	X(GCSCRE0_EL1,    3, 0, 2, 5, 2, RW, T(GCS)) \
	X(GCSPR_EL0,      3, 3, 2, 5, 1, RW, T(GCS)) \
	X(GCSCR_EL2,      3, 4, 2, 5, 0, RW, T(EL2_REG) | T(GCS)) \
	X(GCSPR_EL2,      3, 4, 2, 5, 1, RW, T(EL2_REG) | T(GCS)) \
	X(RNDRRS,         3, 3, 2, 4, 1, RO, T(RNDR)) \
	X(DISR_EL1,       3, 0, 12, 1, 1, RW, 0) \
	X(ERXGSR_EL1,     3, 0, 5, 3, 2, RO, T(RAS_ERROR)) \
	X(ERXMISC2_EL1,   3, 0, 5, 5, 2, RW, T(RAS_ERROR)) \
	X(ERXMISC3_EL1,   3, 0, 5, 5, 3, RW, T(RAS_ERROR)) \
	X(CNTPS_TVAL_EL1, 3, 7, 14, 2, 0, RW, T(TIMER_SECURE)) \
	X(CNTPS_CTL_EL1,  3, 7, 14, 2, 1, RW, T(TIMER_SECURE)) \
	X(CNTPS_CVAL_EL1, 3, 7, 14, 2, 2, RW, T(TIMER_SECURE)) \
	X(HAFGRTR_EL2,    3, 4, 3, 1, 6, RW, T(EL2_REG) | T(FGT)) \
	X(HDFGRTR2_EL2,   3, 4, 3, 1, 0, RW, T(EL2_REG) | T(FGT2)) \
	X(HDFGWTR2_EL2,   3, 4, 3, 1, 1, RW, T(EL2_REG) | T(FGT2)) \
	X(HFGRTR2_EL2,    3, 4, 3, 1, 2, RW, T(EL2_REG) | T(FGT2)) \
	X(HFGWTR2_EL2,    3, 4, 3, 1, 3, RW, T(EL2_REG) | T(FGT2)) \
	X(HFGITR2_EL2,    3, 4, 3, 1, 7, RW, T(EL2_REG) | T(FGT2))

#define EL_REGS_RCTX(X) \
	X(CFP_RCTX,       1, 3, 7, 3, 4, WO, T(RCTX)) \
	X(DVP_RCTX,       1, 3, 7, 3, 5, WO, T(RCTX)) \
	X(COSP_RCTX,      1, 3, 7, 3, 6, WO, T(RCTX)) \
	X(CPP_RCTX,       1, 3, 7, 3, 7, WO, T(RCTX)) \
	X(AT_S1E1A,       1, 0, 7, 9, 2, WO, T(AT)) \
	X(AT_S12E0R,      1, 4, 7, 8, 6, WO, T(EL2_REG)) \
	X(AT_S12E0W,      1, 4, 7, 8, 7, WO, T(EL2_REG)) \
	X(TLBI_RVAAE1IS,  1, 0, 8, 2, 3, WO, T(TLBI) | T(TLBI_INNER)) \
	X(TLBI_RVAALE1IS, 1, 0, 8, 2, 7, WO, T(TLBI) | T(TLBI_INNER)) \
	X(TLBI_RVAE1OS,   1, 0, 8, 5, 1, WO, T(TLBI) | T(TLBI_OUTER)) \
	X(TLBI_RVAAE1OS,  1, 0, 8, 5, 3, WO, T(TLBI) | T(TLBI_OUTER)) \
	X(TLBI_RVALE1OS,  1, 0, 8, 5, 5, WO, T(TLBI) | T(TLBI_OUTER)) \
	X(TLBI_RVAALE1OS, 1, 0, 8, 5, 7, WO, T(TLBI) | T(TLBI_OUTER)) \
	X(TLBI_RVAE1,     1, 0, 8, 6, 1, WO, T(TLBI)) \
	X(TLBI_RVAAE1,    1, 0, 8, 6, 3, WO, T(TLBI)) \
	X(TLBI_RVALE1,    1, 0, 8, 6, 5, WO, T(TLBI)) \
	X(TLBI_RVAALE1,   1, 0, 8, 6, 7, WO, T(TLBI)) \
	X(TLBI_EL2_SPACE, 1, 4, 8, 0, 0, WO, T(EL2_REG)) \
	X(TLBI_EL3_SPACE, 1, 6, 8, 0, 0, WO, 0)
/* clang-format on */

#endif
