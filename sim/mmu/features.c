#include "mmu/features.h"

#include <string.h>

#include "base/bits.h"

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
	HW_BOOL(F, pan3, 0, "FEAT_PAN3: PAN also guards what EL0 may only execute (SCTLR_ELx.EPAN)"),
	HW_BOOL(F, e0pd, 0, "FEAT_E0PD: EL0 kept out of half of the address space"),
	HW_BOOL(F, hpds, 1, "FEAT_HPDS: hierarchical permission disables"),
	HW_BOOL(F, pauth, 0, "FEAT_PAuth: pointer authentication, and with it TCR_ELx.TBID"),
	HW_BOOL(F, ttcnp, 1, "FEAT_TTCNP: translation tables common to all cores"),
	HW_BOOL(F, tlbios, 0, "FEAT_TLBIOS: outer shareable TLBI (ID_AA64ISAR0_EL1.TLB)"),
	HW_BOOL(F, tlbirange, 0, "FEAT_TLBIRANGE: TLBI of address ranges (ID_AA64ISAR0_EL1.TLB)"),
	HW_BOOL(F, ttl, 0, "FEAT_TTL: level hints in the operands of TLBI"),
	HW_U64(F, bbm, "level", 0, 0, 2,
	       "FEAT_BBM: 1 changes the contiguous bit, 2 also the size of a mapping, without break-before-make"),
	HW_BOOL(F, xs, 0, "FEAT_XS: the nXS forms of TLBI"),
	HW_BOOL(F, el3, 1, "EL3 is implemented"),
	HW_BOOL(F, rme, 0, "FEAT_RME: Realm and Root security states"),
	HW_BOOL(F, sel2, 0, "FEAT_SEL2: EL2 in Secure state"),
	HW_BOOL(F, sve, 0, "FEAT_SVE: Scalable Vector Extension"),
	HW_BOOL(F, fgt, 0, "FEAT_FGT: fine-grained traps"),
	HW_BOOL(F, hcx, 0, "FEAT_HCX: HCRX_EL2"),
	HW_BOOL(F, idst, 0, "FEAT_IDST: an ID register that EL0 reads is reported as one (EC 0x18)"),
	HW_BOOL(F, speculative_at, 0,
		"erratum: speculative AT instructions mix host and guest (Cortex-A72 1319367, A57 1319537)"),
	HW_BOOL(F, spectre_v2, 0,
		"CVE-2017-5715 needs firmware to clear the branch predictor on exits of a guest"),
};
#undef F

SCHEMA(features_schema, "features", struct features, rows, "architectural features");

enum { ALL_GRANULES = FEAT_GRANULE_4K | FEAT_GRANULE_16K | FEAT_GRANULE_64K };

/* ID_AA64MMFR0/1/2_EL1 of the cores that have no more than Armv8.0 has, and of those of Armv8.2. */
#define ARMV8_0(granules_, pa_bits_) \
	{ \
		.granules = (granules_), .granules_stage2 = (granules_), .pa_bits = (pa_bits_), .asid16 = 1 \
	}
#define ARMV8_2(pa_bits_) \
	.granules = ALL_GRANULES, .granules_stage2 = ALL_GRANULES, .pa_bits = (pa_bits_), .vhe = 1, \
	.hafdbs = 1, .vmid16 = 1, .asid16 = 1, .xnx = 1, .pan = 1, .hpds = 1, .ttcnp = 1

static const struct cpu {
	const char *name;
	struct features features;
} cpus[] = {
	{"max",
	 {.granules = ALL_GRANULES,
	  .granules_stage2 = ALL_GRANULES,
	  .pa_bits = 52,
	  .vhe = 1,
	  .hafdbs = 1,
	  .lpa = 1,
	  .lva = 1,
	  .lpa2 = 1,
	  .ttst = 1,
	  .vmid16 = 1,
	  .asid16 = 1,
	  .xnx = 1,
	  .s2fwb = 1,
	  .pan = 1,
	  .e0pd = 1,
	  .hpds = 1,
	  .pauth = 1,
	  .ttcnp = 1,
	  .tlbios = 1,
	  .tlbirange = 1,
	  .bbm = 2,
	  .ttl = 1,
	  .xs = 1,
	  .idst = 1}},
	{"neoverse-n1", {ARMV8_2(48)}},                                              /* TRM 100616 */
	{"cortex-a72", ARMV8_0(FEAT_GRANULE_4K | FEAT_GRANULE_64K, 44)},             /* TRM 100095 */
	{"cortex-a35", ARMV8_0(ALL_GRANULES, 40)},                                   /* TRM 100236 */
	{"cortex-a53", ARMV8_0(FEAT_GRANULE_4K | FEAT_GRANULE_64K, 40)},             /* TRM DDI 0500 */
	{"cortex-a57", ARMV8_0(FEAT_GRANULE_4K | FEAT_GRANULE_64K, 44)},             /* TRM DDI 0488 */
	{"cortex-a55", {ARMV8_2(40)}},                                               /* TRM 100442 */
	{"cortex-a76", {ARMV8_2(40)}},                                               /* TRM 100798 */
	{"neoverse-v1", {ARMV8_2(48), .s2fwb = 1, .bbm = 2, .pauth = 1, .idst = 1}}, /* TRM 101427 */
	{"neoverse-n2",                                                              /* TRM 102099 */
	 {ARMV8_2(48), .s2fwb = 1, .ttst = 1, .e0pd = 1, .bbm = 2, .ttl = 1, .pauth = 1, .tlbios = 1,
	  .tlbirange = 1, .idst = 1}},
	/* Microarchitecture manual and ID registers as published by Fujitsu: no hardware updates of flags, 8-bit VMIDs. */
	{"a64fx",
	 {.granules = FEAT_GRANULE_4K | FEAT_GRANULE_64K,
	  .granules_stage2 = FEAT_GRANULE_4K | FEAT_GRANULE_64K,
	  .pa_bits = 40,
	  .vhe = 1,
	  .asid16 = 1,
	  .xnx = 1,
	  .pan = 1,
	  .hpds = 1,
	  .ttcnp = 1}},
};

const char *features_cpu_name(unsigned index)
{
	return index < sizeof(cpus) / sizeof(cpus[0]) ? cpus[index].name : NULL;
}

const struct features *features_of_cpu(const char *name)
{
	for (unsigned i = 0; features_cpu_name(i); i++)
		if (strcmp(cpus[i].name, name) == 0) return &cpus[i].features;
	return NULL;
}

/* TGran4, TGran16, TGran64: each has its own idea of "not there". */
static uint64_t granules_stage1(uint64_t mmfr0)
{
	return (bits_get(mmfr0, 31, 28) != 15 ? FEAT_GRANULE_4K : 0) |
	       (bits_get(mmfr0, 23, 20) != 0 ? FEAT_GRANULE_16K : 0) |
	       (bits_get(mmfr0, 27, 24) != 15 ? FEAT_GRANULE_64K : 0);
}

/* TGran*_2: 0 = as at stage 1, 1 = not there, more = there. */
static uint64_t granules_stage2(uint64_t mmfr0)
{
	static const unsigned lsb[] = {40, 32, 36};
	uint64_t set = granules_stage1(mmfr0);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t field = bits_get(mmfr0, lsb[i] + 3, lsb[i]);
		if (field == 1) set &= ~(UINT64_C(1) << i);
		if (field > 1) set |= UINT64_C(1) << i;
	}
	return set;
}

void features_from_id(uint64_t mmfr0, uint64_t mmfr1, uint64_t mmfr2, struct features *out)
{
	static const uint8_t pa_bits[] = {32, 36, 40, 42, 44, 48, 52};
	uint64_t range = bits_get(mmfr0, 3, 0);
	uint64_t pan = bits_get(mmfr1, 23, 20);
	*out = (struct features){
		.granules = granules_stage1(mmfr0),
		.granules_stage2 = granules_stage2(mmfr0),
		.pa_bits = pa_bits[range < sizeof(pa_bits) ? range : sizeof(pa_bits) - 1],
		.vhe = bits_get(mmfr1, 11, 8) != 0,
		.hafdbs = bits_get(mmfr1, 3, 0) >= 2,
		.lpa = range >= 6,
		.lva = bits_get(mmfr2, 19, 16) != 0,
		.lpa2 = bits_get(mmfr0, 31, 28) == 1 || bits_get(mmfr0, 23, 20) == 2,
		.ttst = bits_get(mmfr2, 31, 28) != 0,
		.vmid16 = bits_get(mmfr1, 7, 4) == 2,
		.asid16 = bits_get(mmfr0, 7, 4) == 2,
		.xnx = bits_get(mmfr1, 31, 28) != 0,
		.s2fwb = bits_get(mmfr2, 43, 40) != 0,
		.pan = pan != 0,
		.pan3 = pan >= 3,
		.e0pd = bits_get(mmfr2, 63, 60) != 0,
		.hpds = bits_get(mmfr1, 15, 12) != 0,
		.ttcnp = bits_get(mmfr2, 3, 0) != 0,
		.bbm = bits_get(mmfr2, 55, 52),
		.ttl = bits_get(mmfr2, 51, 48) != 0,
		.idst = bits_get(mmfr2, 39, 36) != 0,
	};
}
