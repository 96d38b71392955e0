/* test_trap_oracle.c - which register accesses each single bit of the trap controls takes, against lists that were
 * written from the registers' descriptions and not from trap_rules[] or fgt_rows[]: exact in both directions, for every
 * register row and both directions of access. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "el/trap.h"

/* One bit: with it as `on`, accesses of the registers in `names` (patterns, space between) from `el` go to `to`.
 * `mode`: "r", "w" or "rw". `but`: patterns to leave out again; NULL: none. */
struct claim {
	unsigned el, to;
	const char *control;
	unsigned bit;
	bool on;
	const char *mode, *names, *but;
};

#define VM_CONTROLS \
	"SCTLR_EL1 SCTLR2_EL1 TTBR0_EL1 TTBR1_EL1 TCR_EL1 TCR2_EL1 ESR_EL1 FAR_EL1 AFSR[01]_EL1 MAIR_EL1 MAIR2_EL1 " \
	"AMAIR_EL1 AMAIR2_EL1 CONTEXTIDR_EL1 PIR_EL1 PIRE0_EL1 POR_EL0 POR_EL1 S2POR_EL1"
#define TO_POC "DC_IVAC DC_IGVAC DC_IGDVAC DC_C*VAC DC_C*VAP DC_C*VADP DC_C*VAPS"
#define SET_WAY "DC_ISW DC_IGSW DC_IGDSW DC_C*SW"
#define ERRORS \
	"ERRIDR_EL1 ERRSELR_EL1 ERXFR_EL1 ERXCTLR_EL1 ERXSTATUS_EL1 ERXADDR_EL1 ERXMISC?_EL1 ERXGSR_EL1"
#define TAG_REGS "RGSR_EL1 GCR_EL1 TFSR_EL1 TFSRE0_EL1"
#define PMU_REGS "PM[CIOSUXEZM]*_EL[01]"
#define NOT_PMU "PMSCR* PMSNEVFR* PMSICR* PMSIRR* PMSFCR* PMSEVFR* PMSLATFR* PMSIDR* PMSDSFR*"
#define DCC "MDCCSR_EL0 MDCCINT_EL1 OSDTRRX_EL1 OSDTRTX_EL1 DBGDTR_EL0 DBGDTRRX_EL0"
#define BREAKPOINTS \
	DCC " DBG[BW][CV]R*_EL1 MDSCR_EL1 OSECCR_EL1 DBGCLAIM*_EL1 DBGAUTHSTATUS_EL1 MDSELR_EL1 MDSTEPOP_EL1"
#define OS_LOCK "OSLAR_EL1 OSLSR_EL1 OSDLR_EL1 DBGPRCR_EL1"
#define TRACE_REGS "TRC* TRACE_UNIT"
#define PROFILE_REGS \
	"PMSCR_EL1 PMSNEVFR_EL1 PMSICR_EL1 PMSIRR_EL1 PMSFCR_EL1 PMSEVFR_EL1 PMSLATFR_EL1 PMSIDR_EL1 PMSDSFR_EL1"
#define GROUP(n) \
	"ICC_IAR" n "_EL1 ICC_EOIR" n "_EL1 ICC_HPPIR" n "_EL1 ICC_BPR" n "_EL1 ICC_AP" n \
	"R?_EL1 ICC_IGRPEN" n "_EL1"
#define SGIS "ICC_SGI1R_EL1 ICC_ASGI1R_EL1 ICC_SGI0R_EL1"
#define ID3 "ID_AA64*_EL1 ID_SPACE"

/* clang-format off */
static const struct claim coarse[] = {
	{1, 2, "HCR_EL2", 16, true, "r", "REVIDR_EL1 AIDR_EL1 SMIDR_EL1", NULL},
	{1, 2, "HCR_EL2", 17, true, "rw", "CTR_EL0 CCSIDR_EL1 CCSIDR2_EL1 CLIDR_EL1 CSSELR_EL1", NULL},
	{0, 2, "HCR_EL2", 17, true, "r", "CTR_EL0", NULL},
	{1, 2, "HCR_EL2", 18, true, "r", ID3, NULL},
	{1, 2, "HCR_EL2", 20, true, "rw", "IMPDEF", NULL},
	{1, 2, "HCR_EL2", 21, true, "rw", "ACTLR_EL1", NULL},
	{1, 2, "HCR_EL2", 22, true, "w", SET_WAY, NULL},
	{1, 2, "HCR_EL2", 23, true, "w", TO_POC, NULL},
	{0, 2, "HCR_EL2", 23, true, "w", "DC_C*VAC DC_C*VAP DC_C*VADP", NULL},
	{1, 2, "HCR_EL2", 24, true, "w", "IC_IVAU IC_IALLU IC_IALLUIS DC_CVAU", NULL},
	{0, 2, "HCR_EL2", 24, true, "w", "IC_IVAU DC_CVAU", NULL},
	{1, 2, "HCR_EL2", 25, true, "w", "TLBI_*E1 TLBI_*E1IS TLBI_*E1OS", "TLBI_ALLE1* TLBI_*IPAS2* TLBI_VMALLS12*"},
	{1, 2, "HCR_EL2", 26, true, "w", VM_CONTROLS, NULL},
	{1, 2, "HCR_EL2", 28, true, "w", "DC_ZVA DC_GVA DC_GZVA", NULL},
	{0, 2, "HCR_EL2", 28, true, "w", "DC_ZVA DC_GVA DC_GZVA", NULL},
	{1, 2, "HCR_EL2", 30, true, "r", VM_CONTROLS, NULL},
	{1, 2, "HCR_EL2", 35, true, "rw", "LORSA_EL1 LOREA_EL1 LORN_EL1 LORC_EL1 LORID_EL1", NULL},
	{1, 2, "HCR_EL2", 36, true, "rw", ERRORS, NULL},
	{1, 2, "HCR_EL2", 40, false, "rw", "AP[DGI]*Key*_EL1", NULL},
	{1, 2, "HCR_EL2", 44, true, "w", "AT_S1E1* AT_S1E0*", NULL},
	{1, 2, "HCR_EL2", 47, false, "rw", "ERXPFG*_EL1", NULL},
	{1, 2, "HCR_EL2", 49, true, "rw", "CCSIDR_EL1 CCSIDR2_EL1 CLIDR_EL1 CSSELR_EL1", NULL},
	{1, 2, "HCR_EL2", 50, true, "w", "IC_IALLUIS", NULL},
	{1, 2, "HCR_EL2", 52, true, "w", "IC_IVAU IC_IALLU DC_CVAU", NULL},
	{0, 2, "HCR_EL2", 52, true, "w", "IC_IVAU DC_CVAU", NULL},
	{1, 2, "HCR_EL2", 53, false, "rw", "SCXTNUM_EL1 SCXTNUM_EL0", NULL},
	{0, 2, "HCR_EL2", 53, false, "rw", "SCXTNUM_EL0", NULL},
	{1, 2, "HCR_EL2", 54, true, "w", "TLBI_*E1IS", "TLBI_ALLE1* TLBI_*IPAS2* TLBI_VMALLS12*"},
	{1, 2, "HCR_EL2", 55, true, "w", "TLBI_*E1OS", "TLBI_ALLE1* TLBI_*IPAS2* TLBI_VMALLS12*"},
	{1, 2, "HCR_EL2", 56, false, "rw", TAG_REGS, NULL},
	{1, 2, "HCR_EL2", 58, true, "r", "GMID_EL1", NULL},
	{1, 2, "HCR_EL2", HCR_IMO, true, "w", SGIS, NULL},
	{1, 2, "HCR_EL2", HCR_FMO, true, "w", SGIS, NULL},
	{1, 2, "HCRX_EL2", 6, true, "w", "ALLINT", NULL},
	{1, 2, "HCRX_EL2", 14, false, "rw", "TCR2_EL1", NULL},
	{1, 2, "HCRX_EL2", 15, false, "rw", "SCTLR2_EL1", NULL},
	{1, 2, "HCRX_EL2", 23, false, "rw", "FPMR", NULL},
	{0, 2, "HCRX_EL2", 23, false, "rw", "FPMR", NULL},
	{1, 2, "CPTR_EL2", 31, true, "rw", "CPACR_EL1", NULL},
	{1, 2, "CPTR_EL2", 30, true, "rw", "AM*_EL0", NULL},
	{0, 2, "CPTR_EL2", 30, true, "rw", "AM*_EL0", NULL},
	{1, 2, "CPTR_EL2", 20, true, "rw", TRACE_REGS, "TRCITECR_EL1"},
	{1, 2, "CPTR_EL2", 12, true, "rw", "SVCR SMCR_EL1", NULL},
	{1, 2, "CPTR_EL2", 10, true, "rw", "FPCR FPSR", NULL},
	{1, 2, "CPTR_EL2", 8, true, "rw", "ZCR_EL1", NULL},
	{1, 2, "MDCR_EL2", 5, true, "rw", "PMCR_EL0", NULL},
	{1, 2, "MDCR_EL2", 6, true, "rw", PMU_REGS, NOT_PMU},
	{0, 2, "MDCR_EL2", 6, true, "rw", "PM*_EL0", NULL},
	{1, 2, "MDCR_EL2", 8, true, "rw", BREAKPOINTS " " OS_LOCK " MDRAR_EL1", NULL},
	{1, 2, "MDCR_EL2", 9, true, "rw", BREAKPOINTS, NULL},
	{0, 2, "MDCR_EL2", 9, true, "rw", "MDCCSR_EL0 DBGDTR_EL0 DBGDTRRX_EL0", NULL},
	{1, 2, "MDCR_EL2", 10, true, "rw", OS_LOCK, NULL},
	{1, 2, "MDCR_EL2", 11, true, "rw", "MDRAR_EL1", NULL},
	{1, 2, "MDCR_EL2", 12, false, "rw", "PMBLIMITR_EL1 PMBPTR_EL1 PMBSR_EL1 PMBMAR_EL1", NULL},
	{1, 2, "MDCR_EL2", 14, true, "rw", PROFILE_REGS, NULL},
	{1, 2, "MDCR_EL2", 19, true, "rw", "TRFCR_EL1 TRCITECR_EL1", NULL},
	{1, 2, "MDCR_EL2", 24, false, "rw", "TRBLIMITR_EL1 TRBPTR_EL1 TRBBASER_EL1 TRBSR_EL1 TRBMAR_EL1 TRBMPAM_EL1 TRBTRG_EL1",
	 NULL},
	{1, 2, "MDCR_EL2", 27, true, "rw", DCC, NULL},
	{1, 2, "CNTHCTL_EL2", 0, false, "r", "CNTPCT_EL0 CNTPCTSS_EL0", NULL},
	{1, 2, "CNTHCTL_EL2", 1, false, "rw", "CNTP_*_EL0", NULL},
	{0, 2, "CNTHCTL_EL2", 1, false, "rw", "CNTP_*_EL0", NULL},
	{1, 2, "CNTHCTL_EL2", 13, true, "rw", "CNTV_*_EL0", NULL},
	{1, 2, "CNTHCTL_EL2", 14, true, "r", "CNTVCT_EL0 CNTVCTSS_EL0", NULL},
	{1, 2, "ICH_HCR_EL2", 10, true, "rw", "ICC_PMR_EL1 ICC_DIR_EL1 ICC_RPR_EL1 ICC_CTLR_EL1 " SGIS, NULL},
	{1, 2, "ICH_HCR_EL2", 11, true, "rw", GROUP("0"), NULL},
	{1, 2, "ICH_HCR_EL2", 12, true, "rw", GROUP("1"), NULL},
	{1, 2, "ICH_HCR_EL2", 14, true, "w", "ICC_DIR_EL1", NULL},
	{1, 2, "ICC_SRE_EL2", 3, false, "rw", "ICC_SRE_EL1", NULL},
	{0, 1, "SCTLR_EL1", 9, false, "rw", "DAIF", NULL},
	{0, 1, "SCTLR_EL1", 10, false, "w", "CFP_RCTX DVP_RCTX COSP_RCTX CPP_RCTX", NULL},
	{0, 1, "SCTLR_EL1", 14, false, "w", "DC_ZVA DC_GVA DC_GZVA", NULL},
	{0, 1, "SCTLR_EL1", 15, false, "r", "CTR_EL0", NULL},
	{0, 1, "SCTLR_EL1", 20, true, "rw", "SCXTNUM_EL0", NULL},
	{0, 1, "SCTLR_EL1", 26, false, "w", "DC_CVAU DC_C*VAC DC_C*VAP DC_C*VADP IC_IVAU", NULL},
	{0, 1, "SCTLR_EL1", 34, false, "rw", "FPMR", NULL},
	{0, 1, "SCTLR_EL1", 60, false, "rw", "TPIDR2_EL0", NULL},
	{0, 1, "SCTLR_EL1", 63, true, "rw", "IMPDEF", NULL},
	{0, 1, "CPACR_EL1", 29, false, "rw", "POR_EL0", NULL},
	{0, 1, "CNTKCTL_EL1", 0, false, "r", "CNTPCT_EL0 CNTPCTSS_EL0", NULL},
	{0, 1, "CNTKCTL_EL1", 1, false, "r", "CNTVCT_EL0 CNTVCTSS_EL0", NULL},
	{0, 1, "CNTKCTL_EL1", 8, false, "rw", "CNTV_*_EL0", NULL},
	{0, 1, "CNTKCTL_EL1", 9, false, "rw", "CNTP_*_EL0", NULL},
	{0, 1, "MDSCR_EL1", 12, true, "rw", "MDCCSR_EL0 DBGDTR_EL0 DBGDTRRX_EL0", NULL},
	{0, 1, "AMUSERENR_EL0", 0, false, "rw", "AM*_EL0", "AMUSERENR_EL0"},
	{1, 3, "SCR_EL3", 14, true, "rw", "LORSA_EL1 LOREA_EL1 LORN_EL1 LORC_EL1 LORID_EL1", NULL},
	{1, 3, "SCR_EL3", 15, true, "rw", ERRORS, NULL},
	{1, 3, "SCR_EL3", 16, false, "rw", "AP[DGI]*Key*_EL1", NULL},
	{1, 3, "SCR_EL3", 21, false, "rw", "ERXPFG*_EL1", NULL},
	{0, 3, "SCR_EL3", 25, false, "rw", "SCXTNUM_EL0", NULL},
	{2, 3, "SCR_EL3", 25, false, "rw", "SCXTNUM_EL[012]", NULL},
	{2, 3, "SCR_EL3", 26, false, "rw", TAG_REGS " TFSR_EL2", NULL},
	{2, 3, "SCR_EL3", 27, false, "rw", "HFGRTR_EL2 HFGWTR_EL2 HFGITR_EL2 HDFGRTR_EL2 HDFGWTR_EL2 HAFGRTR_EL2", NULL},
	{2, 3, "SCR_EL3", 28, false, "rw", "CNTPOFF_EL2", NULL},
	{2, 3, "SCR_EL3", 35, false, "rw", "AMEVCNTVOFF*_EL2", NULL},
	{2, 3, "SCR_EL3", 37, false, "rw", "ACCDATA_EL1", NULL},
	{2, 3, "SCR_EL3", 38, false, "rw", "HCRX_EL2", NULL},
	{2, 3, "SCR_EL3", 39, false, "rw", "GCS*_EL?", "GCSPUSH*"},
	{0, 3, "SCR_EL3", 40, true, "r", "RNDR RNDRRS", NULL},
	{0, 3, "SCR_EL3", 41, false, "rw", "TPIDR2_EL0", NULL},
	{2, 3, "SCR_EL3", 42, false, "rw", "RCWMASK_EL1 RCWSMASK_EL1", NULL},
	{2, 3, "SCR_EL3", 43, false, "rw", "TCR2_EL[12]", NULL},
	{2, 3, "SCR_EL3", 44, false, "rw", "SCTLR2_EL[12]", NULL},
	{2, 3, "SCR_EL3", 45, false, "rw", "PIR_EL[12] PIRE0_EL[12] POR_EL[012] S2POR_EL1", NULL},
	{2, 3, "SCR_EL3", 46, false, "rw", "MAIR2_EL[12] AMAIR2_EL[12]", NULL},
	{2, 3, "SCR_EL3", 50, false, "rw", "FPMR", NULL},
	{2, 3, "SCR_EL3", 53, false, "rw", "PFAR_EL[12]", NULL},
	{2, 3, "SCR_EL3", 59, false, "rw", "HFGRTR2_EL2 HFGWTR2_EL2 HFGITR2_EL2 HDFGRTR2_EL2 HDFGWTR2_EL2", NULL},
	{1, 3, "SCR_EL3", 1, true, "rw", GROUP("1"), NULL},
	{1, 3, "SCR_EL3", 2, true, "rw", GROUP("0"), NULL},
	{2, 3, "ICC_SRE_EL3", 3, false, "rw", "ICC_SRE_EL[12]", NULL},
	{1, 3, "CPTR_EL3", 31, true, "rw", "CPACR_EL1", NULL},
	{2, 3, "CPTR_EL3", 31, true, "rw", "CPACR_EL1 CPTR_EL2", NULL},
	{1, 3, "CPTR_EL3", 30, true, "rw", "AM*_EL0", NULL},
	{1, 3, "CPTR_EL3", 20, true, "rw", TRACE_REGS, "TRCITECR_EL1"},
	{2, 3, "CPTR_EL3", 12, false, "rw", "SVCR SMCR_EL[12] SMPRI_EL1 SMPRIMAP_EL2", NULL},
	{2, 3, "CPTR_EL3", 8, false, "rw", "ZCR_EL[12]", NULL},
	{2, 3, "CPTR_EL3", 10, true, "rw", "FPCR FPSR", NULL},
	{1, 3, "MDCR_EL3", 6, true, "rw", PMU_REGS, NOT_PMU},
	{1, 3, "MDCR_EL3", 9, true, "rw", BREAKPOINTS " MDRAR_EL1", NULL},
	{2, 3, "MDCR_EL3", 9, true, "rw", BREAKPOINTS " MDRAR_EL1 MDCR_EL2", NULL},
	{1, 3, "MDCR_EL3", 10, true, "rw", OS_LOCK, NULL},
	{1, 3, "MDCR_EL3", 19, true, "rw", "TRFCR_EL1 TRCITECR_EL1", NULL},
	{1, 3, "MDCR_EL3", 27, true, "rw", DCC, NULL},
};

/* Bits in ascending order from 0, "-" where none is; an upper-case N before the names: the bit traps at 0. */
struct fine {
	const char *control, *mode;
	const char *bits[64];
};
#define KEY(k) "AP" k "Key*_EL1"
#define HFG \
	"AFSR0_EL1", "AFSR1_EL1", "AIDR_EL1", "AMAIR_EL1", KEY("DA"), KEY("DB"), KEY("GA"), KEY("IA"), KEY("IB"), \
	"CCSIDR_EL1", "CLIDR_EL1", "CONTEXTIDR_EL1", "CPACR_EL1", "CSSELR_EL1", "CTR_EL0", "DCZID_EL0", "ESR_EL1", \
	"FAR_EL1", "ISR_EL1", "LORC_EL1", "LOREA_EL1", "LORID_EL1", "LORN_EL1", "LORSA_EL1", "MAIR_EL1", "MIDR_EL1", \
	"MPIDR_EL1", "PAR_EL1", "REVIDR_EL1", "SCTLR_EL1 SCTLR2_EL1", "SCXTNUM_EL1", "SCXTNUM_EL0", "TCR_EL1 TCR2_EL1", \
	"TPIDR_EL1", "TPIDRRO_EL0", "TPIDR_EL0", "TTBR0_EL1", "TTBR1_EL1", "VBAR_EL1", "ICC_IGRPEN[01]_EL1", "ERRIDR_EL1", \
	"ERRSELR_EL1", "ERXFR_EL1", "ERXCTLR_EL1", "ERXSTATUS_EL1", "ERXMISC?_EL1", "ERXPFGF_EL1", "ERXPFGCTL_EL1", \
	"ERXPFGCDN_EL1", "ERXADDR_EL1", "N ACCDATA_EL1", "-", "N GCSCRE0_EL1 GCSPR_EL0", "N GCSCR_EL1 GCSPR_EL1", \
	"N SMPRI_EL1", "N TPIDR2_EL0", "N RCWMASK_EL1", "N PIRE0_EL1", "N PIR_EL1", "N POR_EL0", "N POR_EL1", \
	"N S2POR_EL1", "N MAIR2_EL1", "N AMAIR2_EL1"
#define HDFG(osla, oslsr, swinc, pmcr, mmir, sidr, auth, id, oslar, trcoslsr, seqstr, statr, trfcr, trbidr, ceid, brbidr, mbidr) \
	"DBGBCR*_EL1", "DBGBVR*_EL1", "DBGWCR*_EL1", "DBGWVR*_EL1", "MDSCR_EL1", "DBGCLAIM*_EL1", "DBGAUTHSTATUS_EL1", \
	"DBGPRCR_EL1", osla, oslsr, "OSECCR_EL1", "OSDLR_EL1", "PMEVCNTR*_EL0 PMXEVCNTR_EL0", \
	"PMEVTYPER*_EL0 PMXEVTYPER_EL0", "PMCCFILTR_EL0", "PMCCNTR_EL0", "PMCNTEN*_EL0", "PMINTEN*_EL1", "PMOVS*_EL0", \
	"PMSELR_EL0", swinc, pmcr, mmir, "PMBLIMITR_EL1", "PMBPTR_EL1", "PMBSR_EL1", "PMSCR_EL1", "PMSEVFR_EL1", \
	"PMSFCR_EL1", "PMSICR_EL1", sidr, "PMSIRR_EL1", "PMSLATFR_EL1", "TRACE_UNIT", auth, "TRCAUXCTLR", "TRCCLAIM*", \
	"TRC_CNTVR", "-", "-", id, "TRC_IMSPEC", oslar, trcoslsr, "TRCPRGCTLR", seqstr, "TRC_SSCSR", statr, "TRCVICTLR", trfcr, \
	"TRBBASER_EL1", trbidr, "TRBLIMITR_EL1", "TRBMAR_EL1", "TRBPTR_EL1", "TRBSR_EL1", "TRBTRG_EL1", "PMUSERENR_EL0", ceid, \
	brbidr, "N BRBCR_EL1 BRBFCR_EL1", "N BRB_DATA BRBTS_EL1 BRB*INJ_EL1", "N PMSNEVFR_EL1", mbidr
#define PAIR(n) "AMEVCNTR1" n "_EL0", "AMEVTYPER1" n "_EL0"
static const struct fine fine[] = {
	{"HFGRTR_EL2", "r", {HFG}},
	{"HFGWTR_EL2", "w", {HFG}},
	{"HDFGRTR_EL2", "r", {HDFG("-", "OSLSR_EL1", "-", "-", "PMMIR_EL1", "PMSIDR_EL1", "TRCAUTHSTATUS",
				   "TRC_ID TRCDEVARCH TRCDEVID", "-", "TRCOSLSR", "TRCSEQSTR", "TRCSTATR", "-", "TRBIDR_EL1",
				   "PMCEID?_EL0", "N BRBIDR0_EL1", "PMBIDR_EL1")}},
	{"HDFGWTR_EL2", "w", {HDFG("OSLAR_EL1", "-", "PMSWINC_EL0", "PMCR_EL0", "-", "-", "-", "-", "TRCOSLAR", "-", "-", "-",
				   "TRFCR_EL1", "-", "-", "-", "-")}},
	{"HAFGRTR_EL2", "r", {"AMCNTEN*0_EL0", "AMEVCNTR00_EL0", "AMEVCNTR01_EL0", "AMEVCNTR02_EL0", "AMEVCNTR03_EL0", "-", "-",
			      "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "AMCNTEN*1_EL0", PAIR("0"), PAIR("1"), PAIR("2"),
			      PAIR("3"), PAIR("4"), PAIR("5"), PAIR("6"), PAIR("7"), PAIR("8"), PAIR("9"), PAIR("10"),
			      PAIR("11"), PAIR("12"), PAIR("13"), PAIR("14"), PAIR("15")}},
	{"HFGITR_EL2", "w", {"IC_IALLUIS", "IC_IALLU", "IC_IVAU", "DC_IVAC DC_IG*VAC", "DC_ISW DC_IG*SW", "DC_CSW DC_CG*SW",
			     "DC_CISW DC_CIG*SW", "DC_CVAU", "DC_CVAP DC_CG*VAP", "DC_CVADP DC_CG*VADP", "DC_CIVAC DC_CIG*VAC",
			     "DC_ZVA DC_GVA DC_GZVA", "AT_S1E1R", "AT_S1E1W", "AT_S1E0R", "AT_S1E0W", "AT_S1E1RP", "AT_S1E1WP",
			     "TLBI_VMALLE1OS", "TLBI_VAE1OS", "TLBI_ASIDE1OS", "TLBI_VAAE1OS", "TLBI_VALE1OS", "TLBI_VAALE1OS",
			     "TLBI_RVAE1OS", "TLBI_RVAAE1OS", "TLBI_RVALE1OS", "TLBI_RVAALE1OS", "TLBI_VMALLE1IS",
			     "TLBI_VAE1IS", "TLBI_ASIDE1IS", "TLBI_VAAE1IS", "TLBI_VALE1IS", "TLBI_VAALE1IS", "TLBI_RVAE1IS",
			     "TLBI_RVAAE1IS", "TLBI_RVALE1IS", "TLBI_RVAALE1IS", "TLBI_RVAE1", "TLBI_RVAAE1", "TLBI_RVALE1",
			     "TLBI_RVAALE1", "TLBI_VMALLE1", "TLBI_VAE1", "TLBI_ASIDE1", "TLBI_VAAE1", "TLBI_VALE1",
			     "TLBI_VAALE1", "CFP_RCTX", "DVP_RCTX", "CPP_RCTX", "-", "-", "-", "DC_CVAC DC_CG*VAC", "N BRB_INJ",
			     "N BRB_IALL", "-", "-", "-", "COSP_RCTX", "-", "AT_S1E1A", "-"}},
	{"HFGITR2_EL2", "w", {"-", "N DC_CIVAPS DC_CIGDVAPS"}},
	{"HFGRTR2_EL2", "r", {"N PFAR_EL1", "N ERXGSR_EL1", "N RCWSMASK_EL1"}},
	{"HFGWTR2_EL2", "w", {"N PFAR_EL1", "-", "N RCWSMASK_EL1"}},
	{"HDFGRTR2_EL2", "r", {"N PMECR_EL1", "N PMIAR_EL1", "N PMICNTR_EL0", "N PMICFILTR_EL0", "N PMUACR_EL1", "N MDSELR_EL1",
			       "N PM*SVR*_EL1", "N PMSSCR_EL1", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-",
			       "N PMSDSFR_EL1", "N TRCITECR_EL1", "-", "N TRBMPAM_EL1", "N MDSTEPOP_EL1", "N PMBMAR_EL1"}},
	{"HDFGWTR2_EL2", "w", {"N PMECR_EL1", "N PMIAR_EL1", "N PMICNTR_EL0", "N PMICFILTR_EL0", "N PMUACR_EL1", "N MDSELR_EL1",
			       "-", "N PMSSCR_EL1", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-",
			       "N PMSDSFR_EL1", "N TRCITECR_EL1", "N PMZR_EL0", "N TRBMPAM_EL1", "N MDSTEPOP_EL1",
			       "N PMBMAR_EL1"}},
};
/* clang-format on */

static bool listed(const char *names, const char *name)
{
	char copy[1024];
	if (!names) return false;
	cr_assert(lt(sz, strlen(names), sizeof(copy)));
	strcpy(copy, names);
	for (char *save, *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save))
		if (fnmatch(p, name, 0) == 0) return true;
	return false;
}

static enum el_reg control_named(const char *name)
{
	struct reg_name found;
	cr_assert(reg_find(name, &found), "%s", name);
	return (enum el_reg)found.reg;
}

/* A guest at `el` whose controls all let through: enables at 1, traps at 0. */
static struct el_state open_guest(unsigned el)
{
	static const struct {
		uint16_t reg;
		uint64_t value;
	} open[] = {
		{R_SCR_EL3, 1 | 1u << SCR_HCE | UINT64_C(1) << SCR_FGTEn | UINT64_C(1) << SCR_HXEn |
				    1u << 16 | 1u << 17 | 1u << 21 | 1u << 25 | 1u << 26 | 1u << 28},
		{R_SCTLR_EL1,
		 1u << 9 | 1u << 10 | 1u << 14 | 1u << 15 | 1u << 26 | UINT64_C(1) << 34 | UINT64_C(1) << 60},
		{R_CPACR_EL1, 3u << 24 | 3u << 20 | 3u << 16 | 1u << 29},
		{R_CNTKCTL_EL1, 3u << 8 | 3},
		{R_CNTHCTL_EL2, 3},
		{R_PMUSERENR_EL0, 15},
		{R_AMUSERENR_EL0, 1},
		{R_HCR_EL2, UINT64_C(3) << 40 | UINT64_C(1) << 47 | UINT64_C(1) << 53 | UINT64_C(1) << 56},
		{R_HCRX_EL2, 1u << 14 | 1u << 15 | 1u << 23},
		{R_MDCR_EL2, 3u << 12 | 3u << 24},
		{R_MDCR_EL3, 3u << 12 | 3u << 24},
		{R_CPTR_EL3, 1u << 12 | 1u << 8},
		{R_ICC_SRE_EL2, 8},
		{R_ICC_SRE_EL3, 8},
	};
	static const uint8_t enables[] = {35, 36, 37, 39, 41, 42, 43, 44, 45, 46, 50, 53, 59};
	const struct el_features has = {
		.el2 = true, .el3 = true, .vhe = true, .fgt = true, .fgt2 = true, .hcx = true};
	struct el_state s;
	el_reset(&s, &has);
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) s.reg[open[i].reg] = open[i].value;
	for (size_t i = 0; i < sizeof(enables); i++) s.reg[R_SCR_EL3] |= UINT64_C(1) << enables[i];
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		for (unsigned bit = 0; bit < 64; bit++)
			if (fine[i].bits[bit] && fine[i].bits[bit][0] == 'N')
				s.reg[control_named(fine[i].control)] |= UINT64_C(1) << bit;
	s.pstate = pstate_mode(el);
	return s;
}

/* What an access does in `s`; false: there is no such access at this level. */
static bool try_access(const struct el_state *s, uint16_t reg, bool write, struct trap_result *t)
{
	const struct reg_row *row = &reg_rows[reg];
	struct trap_op op = trap_reg((struct reg_name){.reg = reg}, write, 0);
	if (el_level(s) < reg_min_el(op.reg) || row->access == (write ? REG_RO : REG_WO)) return false;
	*t = trap_decide(s, &op);
	return true;
}

static void check_access(const struct el_state *s, const struct claim *c, uint16_t reg, bool write,
			 unsigned *trapped)
{
	struct trap_result t;
	const char *name = reg_rows[reg].name;
	bool expected = strchr(c->mode, write ? 'w' : 'r') && listed(c->names, name) && !listed(c->but, name);
	if (!try_access(s, reg, write, &t)) return;
	bool got = t.outcome == TRAP_TAKEN && t.x.to == c->to;
	cr_expect(eq(int, got, expected), "%s[%u] = %d: %s of %s at EL%u: %s", c->control, c->bit, c->on,
		  write ? "write" : "read", name, c->el, t.rule);
	*trapped += got;
}

static void check_claim(const struct claim *c)
{
	struct el_state s = open_guest(c->el);
	uint64_t *control = &s.reg[control_named(c->control)], bit = UINT64_C(1) << c->bit;
	unsigned trapped = 0;
	*control = c->on ? *control | bit : *control & ~bit;
	for (uint16_t reg = 0; reg < R_COUNT; reg++)
		for (int write = 0; write < 2; write++) check_access(&s, c, reg, write, &trapped);
	cr_expect(lt(u32, 0, trapped), "%s[%u] traps nothing", c->control, c->bit);
}

Test(trap_oracle, nothing_traps_while_every_control_lets_through)
{
	for (unsigned el = 0; el < 3; el++) {
		struct el_state s = open_guest(el);
		for (uint16_t reg = 0; reg < R_COUNT; reg++)
			for (int write = 0; write < 2; write++) {
				struct trap_result t;
				if (!try_access(&s, reg, write, &t)) continue;
				cr_expect(ne(int, t.outcome, TRAP_TAKEN), "%s at EL%u: %s",
					  reg_rows[reg].name, el, t.rule);
			}
	}
}

Test(trap_oracle, each_bit_traps_exactly_the_accesses_of_its_list)
{
	for (size_t i = 0; i < sizeof(coarse) / sizeof(coarse[0]); i++) check_claim(&coarse[i]);
}

Test(trap_oracle, each_fine_grained_bit_traps_exactly_its_registers)
{
	unsigned bits = 0;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		for (unsigned bit = 0; bit < 64; bit++) {
			const char *names = fine[i].bits[bit];
			if (!names || names[0] == '-') continue;
			bool negative = names[0] == 'N';
			const struct claim c = {
				1,   2, fine[i].control, bit, !negative, fine[i].mode, names + 2 * negative,
				NULL};
			struct el_state s = open_guest(1);
			unsigned trapped = 0;
			s.reg[control_named(c.control)] ^= UINT64_C(1) << bit;
			for (uint16_t reg = 0; reg < R_COUNT; reg++)
				check_access(&s, &c, reg, c.mode[0] == 'w', &trapped);
			bits++;
		}
	cr_assert(lt(u32, 200, bits));
}

Test(trap_oracle, bits_that_no_list_names_trap_no_register)
{
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		for (unsigned bit = 0; bit < 64; bit++) {
			if (fine[i].bits[bit] && fine[i].bits[bit][0] != '-') continue;
			struct el_state s = open_guest(1);
			s.reg[control_named(fine[i].control)] |= UINT64_C(1) << bit;
			for (uint16_t reg = 0; reg < R_COUNT; reg++) {
				struct trap_result t;
				if (!try_access(&s, reg, fine[i].mode[0] == 'w', &t)) continue;
				cr_expect(ne(int, t.outcome, TRAP_TAKEN), "%s[%u]: %s: %s", fine[i].control,
					  bit, reg_rows[reg].name, t.rule);
			}
		}
}

/* --- what single bits do not show ----------------------------------------------------------------------------- */

static struct trap_result access_in(const struct el_state *s, const char *name, bool write)
{
	struct reg_name reg;
	cr_assert(reg_find(name, &reg), "%s", name);
	struct trap_op op = trap_reg(reg, write, 0);
	return trap_decide(s, &op);
}

Test(trap_fgt, without_fgten_nothing_is_trapped_and_without_fgten2_everything)
{
	struct el_state s = open_guest(1);
	s.reg[R_HFGRTR_EL2] |= 1;
	cr_assert(eq(int, access_in(&s, "AFSR0_EL1", false).outcome, TRAP_TAKEN));
	s.reg[R_SCR_EL3] &= ~(UINT64_C(1) << SCR_FGTEn);
	cr_assert(eq(int, access_in(&s, "AFSR0_EL1", false).outcome, TRAP_NO));
	cr_assert(eq(int, access_in(&s, "PMECR_EL1", false).outcome, TRAP_NO));
	s.reg[R_SCR_EL3] &= ~(UINT64_C(1) << SCR_FGTEn2);
	cr_assert(eq(int, access_in(&s, "PMECR_EL1", false).outcome, TRAP_TAKEN));
	s.has.fgt2 = false;
	cr_assert(eq(int, access_in(&s, "PMECR_EL1", false).outcome, TRAP_NO));
}

Test(trap_fgt, nxs_forms_obey_hfgitr_unless_hcrx_fgtnxs)
{
	struct el_state s = open_guest(1);
	s.reg[R_HFGITR_EL2] |= UINT64_C(1) << 43;
	cr_assert(eq(int, access_in(&s, "TLBI_VAE1", true).outcome, TRAP_TAKEN));
	cr_assert(eq(int, access_in(&s, "TLBI_VAE1NXS", true).outcome, TRAP_TAKEN));
	s.reg[R_HCRX_EL2] |= 1u << 4;
	cr_assert(eq(int, access_in(&s, "TLBI_VAE1", true).outcome, TRAP_TAKEN));
	cr_assert(eq(int, access_in(&s, "TLBI_VAE1NXS", true).outcome, TRAP_NO));
}

Test(trap_hcrx, enables_are_off_while_scr_el3_hxen_is_0)
{
	struct el_state s = open_guest(1);
	s.reg[R_HCRX_EL2] |= 1u << 6;
	cr_assert(eq(int, access_in(&s, "TCR2_EL1", true).outcome, TRAP_NO));
	cr_assert(eq(int, access_in(&s, "ALLINT", true).outcome, TRAP_TAKEN));
	s.reg[R_SCR_EL3] &= ~(UINT64_C(1) << SCR_HXEn);
	cr_assert(eq(int, access_in(&s, "TCR2_EL1", true).outcome, TRAP_TAKEN));
	cr_assert(eq(int, access_in(&s, "ALLINT", true).outcome, TRAP_NO));
}

struct user_case {
	char name[16];
	bool write;
	unsigned bits; /* set of PMUSERENR_EL0 values from 0 to 15 with which EL0 may */
};

/* EN 1, SW 2, CR 4, ER 8. */
ParameterizedTestParameters(trap_pmu, el0_may_what_pmuserenr_enables)
{
	static struct user_case cases[] = {
		{"PMCNTENSET_EL0", true, 0xaaaa}, {"PMSWINC_EL0", true, 0xeeee},
		{"PMCCNTR_EL0", false, 0xfafa},   {"PMCCNTR_EL0", true, 0xaaaa},
		{"PMEVCNTR3_EL0", false, 0xffaa}, {"PMEVCNTR3_EL0", true, 0xaaaa},
		{"PMXEVCNTR_EL0", false, 0xffaa}, {"PMSELR_EL0", true, 0xffaa},
		{"PMSELR_EL0", false, 0xffaa},    {"PMXEVTYPER_EL0", false, 0xaaaa},
		{"PMUSERENR_EL0", false, 0xffff},
	};
	return cr_make_param_array(struct user_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct user_case *c, trap_pmu, el0_may_what_pmuserenr_enables)
{
	for (unsigned value = 0; value < 16; value++) {
		struct el_state s = open_guest(0);
		s.reg[R_PMUSERENR_EL0] = value;
		struct trap_result t = access_in(&s, c->name, c->write);
		cr_assert(eq(int, t.outcome == TRAP_NO, c->bits >> value & 1), "%s with %u", c->name, value);
		if (t.outcome != TRAP_NO) cr_assert(eq(u32, t.x.to, 1));
	}
}

Test(trap_debug, tge_acts_as_tde_for_el0)
{
	struct el_state s = open_guest(0);
	cr_assert(eq(int, access_in(&s, "MDCCSR_EL0", false).outcome, TRAP_NO));
	s.reg[R_HCR_EL2] |= UINT64_C(1) << HCR_TGE;
	struct trap_result t = access_in(&s, "MDCCSR_EL0", false);
	cr_assert(eq(int, t.outcome, TRAP_TAKEN));
	cr_assert(eq(u32, t.x.to, 2));
}

Test(trap_pmu, tpm_takes_accesses_of_a_hosts_el0_as_well)
{
	struct el_state s = open_guest(0);
	s.reg[R_HCR_EL2] |= UINT64_C(1) << HCR_TGE | UINT64_C(1) << HCR_E2H;
	s.reg[R_MDCR_EL2] |= 1u << 6;
	cr_assert(eq(int, access_in(&s, "PMCCNTR_EL0", false).outcome, TRAP_TAKEN));
}

Test(trap_nv, nv1_means_nothing_without_nv)
{
	struct el_state s = open_guest(1);
	s.reg[R_HCR_EL2] |= UINT64_C(1) << 43;
	cr_assert(eq(int, access_in(&s, "VBAR_EL1", true).outcome, TRAP_NO));
	s.reg[R_HCR_EL2] |= UINT64_C(1) << 42;
	cr_assert(eq(int, access_in(&s, "VBAR_EL1", true).outcome, TRAP_TAKEN));
}

Test(trap_timer, secure_physical_timer_is_for_secure_el1_where_st_allows)
{
	struct el_state s = open_guest(1);
	cr_assert(eq(int, access_in(&s, "CNTPS_CTL_EL1", true).outcome, TRAP_UNDEFINED));
	s.reg[R_SCR_EL3] &= ~UINT64_C(1);
	struct trap_result t = access_in(&s, "CNTPS_CTL_EL1", true);
	cr_assert(eq(int, t.outcome, TRAP_TAKEN));
	cr_assert(eq(u32, t.x.to, 3));
	s.reg[R_SCR_EL3] |= 1u << 11;
	cr_assert(eq(int, access_in(&s, "CNTPS_CTL_EL1", true).outcome, TRAP_NO));
	s.pstate = pstate_mode(2);
	cr_assert(eq(int, access_in(&s, "CNTPS_CTL_EL1", true).outcome, TRAP_UNDEFINED));
}

struct ls64_case {
	unsigned which; /* 0 ST64BV, 1 ST64BV0, 2 LD64B and ST64B: the ISS */
	unsigned sctlr, hcrx;
};

ParameterizedTestParameters(trap_ls64, each_form_has_its_enable_and_its_iss)
{
	static struct ls64_case cases[] = {{0, 54, 2}, {1, 55, 0}, {2, 56, 1}};
	return cr_make_param_array(struct ls64_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct ls64_case *c, trap_ls64, each_form_has_its_enable_and_its_iss)
{
	const struct trap_op ops[] = {trap_st64bv(), trap_st64bv0(), trap_ls64()};
	struct el_state s = open_guest(0);
	cr_assert(eq(u32, trap_decide(&s, &ops[c->which]).x.to, 1));
	s.reg[R_SCTLR_EL1] |= UINT64_C(1) << c->sctlr;
	struct trap_result t = trap_decide(&s, &ops[c->which]);
	cr_assert(eq(u32, t.x.to, 2));
	cr_assert(eq(u64, t.x.esr, UINT64_C(0x0a) << 26 | 1u << 25 | c->which));
	s.reg[R_HCRX_EL2] |= UINT64_C(1) << c->hcrx;
	cr_assert(eq(int, trap_decide(&s, &ops[c->which]).outcome, TRAP_NO));
}

Test(trap_mops, memory_copies_are_undefined_until_both_levels_enable_them)
{
	struct el_state s = open_guest(0);
	struct trap_op op = trap_mops();
	cr_assert(eq(int, trap_decide(&s, &op).outcome, TRAP_UNDEFINED));
	s.reg[R_SCTLR_EL1] |= UINT64_C(1) << 33;
	cr_assert(eq(int, trap_decide(&s, &op).outcome, TRAP_UNDEFINED));
	s.reg[R_HCRX_EL2] |= 1u << 11;
	cr_assert(eq(int, trap_decide(&s, &op).outcome, TRAP_NO));
}

/* --- registers without a name ----------------------------------------------------------------------------------- */

Test(el_regs, generic_names_and_families_keep_their_encoding)
{
	static const char *const names[] = {"S3_0_C15_C2_0", "S3_7_C11_C0_5", "S3_0_C0_C3_2", "S2_1_C0_C10_7",
					    "S2_1_C3_C0_1"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct reg_name found, again;
		char text[32];
		cr_assert(reg_find(names[i], &found), "%s", names[i]);
		cr_assert(eq(str, (char *)reg_text(found, text, sizeof(text)), (char *)names[i]));
		cr_assert(reg_decode(reg_encode(found), &again));
		cr_assert(eq(u32, reg_encode(again), reg_encode(found)));
	}
	struct reg_name tcr, none;
	cr_assert(reg_find("S3_0_C2_C0_2", &tcr) && tcr.reg == R_TCR_EL1);
	cr_assert(not(reg_find("S3_0_C16_C0_0", &none)));
	cr_assert(not(reg_find("S3_0_C15_C2_0x", &none)));
	cr_assert(not(reg_find("SCTLR_EL1NXS", &none)));
}

Test(trap_impdef, tidcp_takes_them_whatever_op1_says)
{
	struct el_state s = open_guest(1), user = open_guest(0);
	cr_assert(eq(int, access_in(&s, "S3_4_C15_C0_0", true).outcome, TRAP_NO));
	s.reg[R_HCR_EL2] |= 1u << 20;
	cr_assert(eq(int, access_in(&s, "S3_4_C15_C0_0", true).outcome, TRAP_TAKEN));
	cr_assert(eq(u64, access_in(&s, "S3_4_C15_C0_0", true).x.esr,
		     0x62000000 | 3u << 20 | 4u << 14 | 15u << 10));
	cr_assert(eq(int, access_in(&user, "S3_0_C11_C0_0", false).outcome, TRAP_UNDEFINED));
}
