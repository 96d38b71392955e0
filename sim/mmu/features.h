/* features.h - which architectural features a processor implements; the functional plane obeys them.
 *
 * One row per feature, under the names of the Arm ARM (DDI 0487, A2). A machine file sets them in
 * `features:`.
 */
#ifndef MMU_FEATURES_H
#define MMU_FEATURES_H

#include "config/schema.h"

enum { FEAT_GRANULE_4K = 1, FEAT_GRANULE_16K = 2, FEAT_GRANULE_64K = 4 }; /* bits of a granule set */

struct features {
	uint64_t granules;          /* FEAT_GRANULE_* at stage 1 (ID_AA64MMFR0_EL1.TGran*) */
	uint64_t granules_stage2;   /* and at stage 2 (TGran*_2) */
	uint64_t pa_bits;           /* PARange: 32, 36, 40, 42, 44, 48, 52 */
	uint64_t vhe;               /* FEAT_VHE: HCR_EL2.E2H */
	uint64_t hafdbs;            /* FEAT_HAFDBS: hardware access flag and dirty state */
	uint64_t lpa, lva, lpa2;    /* FEAT_LPA, FEAT_LVA, FEAT_LPA2: 52 bits */
	uint64_t ttst;              /* FEAT_TTST: small translation tables */
	uint64_t vmid16, asid16;    /* 16-bit VMID (FEAT_VMID16) and ASID */
	uint64_t xnx;               /* FEAT_XNX: stage 2 execute-never for EL0 and EL1 apart */
	uint64_t s2fwb;             /* FEAT_S2FWB */
	uint64_t pan, pan3, e0pd;   /* FEAT_PAN, FEAT_PAN3 (SCTLR.EPAN), FEAT_E0PD */
	uint64_t hpds, pauth;       /* FEAT_HPDS; FEAT_PAuth, for its TCR.TBID */
	uint64_t ttcnp;             /* FEAT_TTCNP: common not private */
	uint64_t tlbios, tlbirange; /* FEAT_TLBIOS, FEAT_TLBIRANGE (ID_AA64ISAR0_EL1.TLB) */
	uint64_t bbm;               /* FEAT_BBM: level of support for changes without break-before-make */
	uint64_t ttl, xs;           /* FEAT_TTL: level hints in TLBI operands; FEAT_XS: nXS forms */
	uint64_t el3, rme, sel2;    /* EL3 is implemented; FEAT_RME; FEAT_SEL2 */
	uint64_t sve, fgt, hcx;     /* FEAT_SVE, FEAT_FGT, FEAT_HCX */
	uint64_t idst;              /* FEAT_IDST: the syndrome of ID registers that EL0 may not read */
	uint64_t speculative_at;    /* erratum: a speculative AT mixes two contexts' registers */
	uint64_t spectre_v2;        /* the branch predictor must be cleared by firmware on exits of a guest */
};

extern const struct schema features_schema;

/* A processor known without a machine file: max (everything), or a core by its maker's name. NULL: not known. */
const struct features *features_of_cpu(const char *name);
/* The names that features_of_cpu() knows, one per call from index 0; NULL at the end. */
const char *features_cpu_name(unsigned index);
/* What ID_AA64MMFR0/1/2_EL1 say. PAuth and what ID_AA64ISAR0/1_EL1
 * say of TLBI are not in them and stay off. Arm ARM D19.2. */
void features_from_id(uint64_t mmfr0, uint64_t mmfr1, uint64_t mmfr2, struct features *out);

#endif
