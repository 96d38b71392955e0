#include "mmu/features.h"

static const char *const granule_names[] = {"4K", "16K", "64K", NULL};

#define F struct features
static const struct param rows[] = {
	{.name = "granules",
	 .unit = "names",
	 .doc = "translation granules at stage 1",
	 .kind = PARAM_SET,
	 .offset = offsetof(F, granules),
	 .dflt = 7,
	 .choices = granule_names,
	 .hardware = true},
	{.name = "granules_stage2",
	 .unit = "names",
	 .doc = "translation granules at stage 2",
	 .kind = PARAM_SET,
	 .offset = offsetof(F, granules_stage2),
	 .dflt = 7,
	 .choices = granule_names,
	 .hardware = true},
	HW_U64(F, pa_bits, "bits", 48, 32, 52, "physical address size (ID_AA64MMFR0_EL1.PARange)"),
	HW_BOOL(F, vhe, 1, "FEAT_VHE: Virtualization Host Extensions, HCR_EL2.E2H"),
	HW_BOOL(F, hafdbs, 1, "FEAT_HAFDBS: hardware update of access flag and dirty state"),
	HW_BOOL(F, lpa, 0, "FEAT_LPA: 52-bit output addresses with the 64 KiB granule"),
	HW_BOOL(F, lva, 0, "FEAT_LVA: 52-bit virtual addresses with the 64 KiB granule"),
	HW_BOOL(F, lpa2, 0, "FEAT_LPA2: 52-bit addresses with the 4 KiB and 16 KiB granules"),
	HW_BOOL(F, ttst, 0, "FEAT_TTST: small translation tables, TxSZ up to 48 (47 with 64 KiB)"),
	HW_BOOL(F, vmid16, 1, "FEAT_VMID16: 16-bit VMIDs"),
	HW_BOOL(F, asid16, 1, "16-bit ASIDs (ID_AA64MMFR0_EL1.ASIDBits)"),
	HW_BOOL(F, xnx, 1, "FEAT_XNX: execute-never for EL1 and EL0 apart at stage 2"),
	HW_BOOL(F, s2fwb, 0, "FEAT_S2FWB: stage 2 forced write-back"),
	HW_BOOL(F, pan, 1, "FEAT_PAN: privileged access never"),
	HW_BOOL(F, e0pd, 0, "FEAT_E0PD: EL0 kept out of half of the address space"),
	HW_BOOL(F, hpds, 1, "FEAT_HPDS: hierarchical permission disables"),
	HW_BOOL(F, ttcnp, 1, "FEAT_TTCNP: translation tables common to all cores"),
};
#undef F

SCHEMA(features_schema, "features", struct features, rows, "architectural features");
