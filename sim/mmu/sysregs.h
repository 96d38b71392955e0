/* sysregs.h - the system registers that translation depends on, as raw 64-bit values.
 *
 * Plain data: whoever models a context switch writes fields and calls regime_decode() again.
 * Source: Arm ARM DDI 0487, D19.2 (register descriptions). Field positions are in regime.c.
 */
#ifndef MMU_SYSREGS_H
#define MMU_SYSREGS_H

#include <stdbool.h>
#include <stdint.h>

#define SYSREGS(X) \
	X(SCTLR_EL1) \
	X(SCTLR_EL2) \
	X(SCTLR_EL3) \
	X(TCR_EL1) \
	X(TCR_EL2) \
	X(TCR_EL3) \
	X(TTBR0_EL1) \
	X(TTBR1_EL1) \
	X(TTBR0_EL2) \
	X(TTBR1_EL2) \
	X(TTBR0_EL3) \
	X(MAIR_EL1) \
	X(MAIR_EL2) \
	X(MAIR_EL3) \
	X(HCR_EL2) \
	X(VTCR_EL2) \
	X(VTTBR_EL2) \
	X(SCR_EL3)

struct sysregs {
#define X(name) uint64_t name;
	SYSREGS(X)
#undef X
};

#define SCR_NS (UINT64_C(1) << 0)
#define SCR_EEL2 (UINT64_C(1) << 18)

/* HCR_EL2 fields that decide about translation and where its faults go. */
#define HCR_VM (UINT64_C(1) << 0)
#define HCR_PTW (UINT64_C(1) << 2)
#define HCR_DC (UINT64_C(1) << 12)
#define HCR_TGE (UINT64_C(1) << 27)
#define HCR_CD (UINT64_C(1) << 32)
#define HCR_ID (UINT64_C(1) << 33)
#define HCR_E2H (UINT64_C(1) << 34)
#define HCR_FWB (UINT64_C(1) << 46)

/* The register called `name`, or NULL. */
uint64_t *sysregs_find(struct sysregs *regs, const char *name);

#endif
