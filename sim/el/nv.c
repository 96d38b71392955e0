/* nv.c - registers whose accesses by a guest hypervisor go to memory or to another register. See nv.h. */
#include "el/nv.h"

enum { HCR_NV = 42, HCR_NV1 = 43, HCR_NV2 = 45 };

#define ALWAYS(reg_, offset_) \
	{ \
		.reg = R_##reg_, .offset = offset_ \
	}
#define BY_NV1(reg_, offset_) \
	{ \
		.reg = R_##reg_, .offset = offset_, .by_nv1 = true \
	}

/* clang-format off */
const struct nv_row nv_rows[] = {
	ALWAYS(VTTBR_EL2, 0x020), ALWAYS(VTCR_EL2, 0x040), ALWAYS(VMPIDR_EL2, 0x050),
	ALWAYS(CNTVOFF_EL2, 0x060), ALWAYS(HCR_EL2, 0x078), ALWAYS(HSTR_EL2, 0x080), ALWAYS(VPIDR_EL2, 0x088),
	ALWAYS(TPIDR_EL2, 0x090), ALWAYS(HCRX_EL2, 0x0a0), ALWAYS(VNCR_EL2, 0x0b0), BY_NV1(CPACR_EL1, 0x100),
	BY_NV1(CONTEXTIDR_EL1, 0x108), BY_NV1(SCTLR_EL1, 0x110), ALWAYS(ACTLR_EL1, 0x118),
	BY_NV1(TCR_EL1, 0x120), BY_NV1(AFSR0_EL1, 0x128), BY_NV1(AFSR1_EL1, 0x130), BY_NV1(ESR_EL1, 0x138),
	BY_NV1(MAIR_EL1, 0x140), BY_NV1(AMAIR_EL1, 0x148), ALWAYS(MDSCR_EL1, 0x158), BY_NV1(SPSR_EL1, 0x160),
	BY_NV1(CNTV_CVAL_EL0, 0x168), BY_NV1(CNTV_CTL_EL0, 0x170), BY_NV1(CNTP_CVAL_EL0, 0x178),
	BY_NV1(CNTP_CTL_EL0, 0x180), BY_NV1(SCXTNUM_EL1, 0x188), BY_NV1(TFSR_EL1, 0x190),
	ALWAYS(HDFGRTR2_EL2, 0x1a0), ALWAYS(HDFGWTR2_EL2, 0x1b0), ALWAYS(HFGRTR_EL2, 0x1b8),
	ALWAYS(HFGWTR_EL2, 0x1c0), ALWAYS(HFGITR_EL2, 0x1c8), ALWAYS(HDFGRTR_EL2, 0x1d0),
	ALWAYS(HDFGWTR_EL2, 0x1d8), BY_NV1(ZCR_EL1, 0x1e0), ALWAYS(HAFGRTR_EL2, 0x1e8),
	BY_NV1(TTBR0_EL1, 0x200), BY_NV1(TTBR1_EL1, 0x210), BY_NV1(FAR_EL1, 0x220), BY_NV1(ELR_EL1, 0x230),
	ALWAYS(SP_EL1, 0x240), BY_NV1(VBAR_EL1, 0x250), BY_NV1(TCR2_EL1, 0x270), BY_NV1(PIRE0_EL1, 0x290),
	BY_NV1(PIR_EL1, 0x2a0), BY_NV1(POR_EL1, 0x2a8), ALWAYS(HFGRTR2_EL2, 0x2c0),
	ALWAYS(HFGWTR2_EL2, 0x2c8), ALWAYS(HFGITR2_EL2, 0x310), ALWAYS(ICH_LR0_EL2, 0x400),
	ALWAYS(ICH_LR1_EL2, 0x408), ALWAYS(ICH_LR2_EL2, 0x410), ALWAYS(ICH_LR3_EL2, 0x418),
	ALWAYS(ICH_LR4_EL2, 0x420), ALWAYS(ICH_LR5_EL2, 0x428), ALWAYS(ICH_LR6_EL2, 0x430),
	ALWAYS(ICH_LR7_EL2, 0x438), ALWAYS(ICH_LR8_EL2, 0x440), ALWAYS(ICH_LR9_EL2, 0x448),
	ALWAYS(ICH_LR10_EL2, 0x450), ALWAYS(ICH_LR11_EL2, 0x458), ALWAYS(ICH_LR12_EL2, 0x460),
	ALWAYS(ICH_LR13_EL2, 0x468), ALWAYS(ICH_LR14_EL2, 0x470), ALWAYS(ICH_LR15_EL2, 0x478),
	ALWAYS(ICH_AP0R0_EL2, 0x480), ALWAYS(ICH_AP0R1_EL2, 0x488), ALWAYS(ICH_AP0R2_EL2, 0x490),
	ALWAYS(ICH_AP0R3_EL2, 0x498), ALWAYS(ICH_AP1R0_EL2, 0x4a0), ALWAYS(ICH_AP1R1_EL2, 0x4a8),
	ALWAYS(ICH_AP1R2_EL2, 0x4b0), ALWAYS(ICH_AP1R3_EL2, 0x4b8), ALWAYS(ICH_HCR_EL2, 0x4c0),
	ALWAYS(ICH_VMCR_EL2, 0x4c8), ALWAYS(VDISR_EL2, 0x500), ALWAYS(VSESR_EL2, 0x508),
	ALWAYS(PMBLIMITR_EL1, 0x800), ALWAYS(PMBPTR_EL1, 0x810), ALWAYS(PMBSR_EL1, 0x820),
	BY_NV1(PMSCR_EL1, 0x828), ALWAYS(PMSEVFR_EL1, 0x830), ALWAYS(PMSICR_EL1, 0x838),
	ALWAYS(PMSIRR_EL1, 0x840), ALWAYS(PMSLATFR_EL1, 0x848), BY_NV1(TRFCR_EL1, 0x880),
};
/* clang-format on */
const size_t nv_row_count = sizeof(nv_rows) / sizeof(nv_rows[0]);

/* D8.11.7: what the hardware itself reads and writes at an exception is at EL1. */
static const struct {
	uint16_t named, reached;
} as_el1[] = {{R_ELR_EL2, R_ELR_EL1},
	      {R_SPSR_EL2, R_SPSR_EL1},
	      {R_ESR_EL2, R_ESR_EL1},
	      {R_FAR_EL2, R_FAR_EL1},
	      {R_TFSR_EL2, R_TFSR_EL1}};

static bool is_on(const struct el_state *s)
{
	uint64_t hcr = s->reg[R_HCR_EL2];
	return s->has.nv2 && el_level(s) == 1 && el2_enabled(s) && bit_get(hcr, HCR_NV) &&
	       bit_get(hcr, HCR_NV2);
}

bool nv_to_memory(const struct el_state *s, struct reg_name name, unsigned *offset)
{
	bool nv1 = bit_get(s->reg[R_HCR_EL2], HCR_NV1);
	if (!is_on(s)) return false;
	for (size_t i = 0; i < nv_row_count; i++) {
		if (nv_rows[i].reg != name.reg) continue;
		*offset = nv_rows[i].offset;
		return nv_rows[i].by_nv1 ? nv1 != name.el12 : !name.el12;
	}
	return false;
}

enum el_reg nv_to_el1(const struct el_state *s, struct reg_name name)
{
	for (size_t i = 0; is_on(s) && i < sizeof(as_el1) / sizeof(as_el1[0]); i++)
		if (as_el1[i].named == name.reg) return (enum el_reg)as_el1[i].reached;
	return R_NONE;
}

bool nv_traps(const struct el_state *s)
{
	uint64_t hcr = s->reg[R_HCR_EL2];
	return bit_get(hcr, HCR_NV) && !(s->has.nv2 && bit_get(hcr, HCR_NV2));
}
