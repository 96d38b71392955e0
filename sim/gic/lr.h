/* lr.h - the fields of ICH_LR<n>_EL2, ICH_HCR_EL2 and ICH_VMCR_EL2. Source: IHI 0069H 12.4. */
#ifndef GIC_LR_H
#define GIC_LR_H

#include "base/bits.h"

enum lr_state { LR_INVALID, LR_PENDING, LR_ACTIVE, LR_ACTIVE_PENDING };
enum lr_bit { LR_EOI = 41, LR_NMI = 59, LR_GROUP = 60, LR_HW = 61, LR_STATE = 62 };

static inline enum lr_state lr_state(uint64_t lr) { return (enum lr_state)(lr >> LR_STATE); }
static inline uint64_t lr_with_state(uint64_t lr, enum lr_state s)
{
	return (lr & bits_ones(LR_STATE)) | (uint64_t)s << LR_STATE;
}
static inline bool lr_is_active(uint64_t lr) { return lr_state(lr) & LR_ACTIVE; }
static inline uint32_t lr_vintid(uint64_t lr) { return (uint32_t)lr; }
static inline uint32_t lr_pintid(uint64_t lr) { return (uint32_t)bits_get(lr, 44, 32); }
static inline unsigned lr_priority(uint64_t lr) { return (unsigned)bits_get(lr, 55, 48); }
/* LR<n>.EOI: the maintenance interrupt wants to hear of its end. With HW = 1 the bit is part of pINTID. */
static inline bool lr_wants_eoi(uint64_t lr) { return !bit_get(lr, LR_HW) && bit_get(lr, LR_EOI); }

enum ich_hcr {
	HCR_EN = 1 << 0,
	HCR_UIE = 1 << 1,
	HCR_LRENPIE = 1 << 2,
	HCR_NPIE = 1 << 3,
	HCR_VGRP0EIE = 1 << 4,
	HCR_VGRP0DIE = 1 << 5,
	HCR_VGRP1EIE = 1 << 6,
	HCR_VGRP1DIE = 1 << 7,
	HCR_VSGIEOICOUNT = 1 << 8,
	HCR_TC = 1 << 10,
	HCR_TALL0 = 1 << 11,
	HCR_TALL1 = 1 << 12,
	HCR_TSEI = 1 << 13,
	HCR_TDIR = 1 << 14,
	HCR_EOICOUNT_SHIFT = 27,
};
#define HCR_EOICOUNT (31u << HCR_EOICOUNT_SHIFT)

enum ich_misr {
	MISR_EOI = 1 << 0,
	MISR_U = 1 << 1,
	MISR_LRENP = 1 << 2,
	MISR_NP = 1 << 3,
	MISR_VGRP0E = 1 << 4,
	MISR_VGRP0D = 1 << 5,
	MISR_VGRP1E = 1 << 6,
	MISR_VGRP1D = 1 << 7,
};

enum ich_vmcr {
	VMCR_VENG0 = 1 << 0,
	VMCR_VENG1 = 1 << 1,
	VMCR_VFIQEN = 1 << 3,
	VMCR_VCBPR = 1 << 4,
	VMCR_VEOIM = 1 << 9,
	VMCR_VBPR1 = 18,
	VMCR_VBPR0 = 21,
	VMCR_VPMR = 24, /* shifts */
};

#endif
