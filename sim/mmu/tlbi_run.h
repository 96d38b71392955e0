/* tlbi_run.h - how Linux and KVM invalidate a run of pages: one by one, or by ranges of growing size.
 *
 *   tlbi_run_next: what is left of a run -> the next operation's operand and pages
 * Without FEAT_TLBIRANGE each page takes an operation. With it, an odd page is taken alone, and the rest by at most one range
 * operation per scale, (NUM + 1) << (5 * SCALE + 1) pages, and as many of the largest as it needs. Under TCR_ELx.DS a range begins at a
 * multiple of 64 KiB: up to the first one pages go alone, then the scales come from the largest down, which keeps to multiples.
 * Source: Arm ARM DDI 0487, C5.5 (operands of TLBI VALE1IS, RVALE1IS, IPAS2E1IS, RIPAS2E1IS, whose fields agree); Linux 6.6
 * arch/arm64/include/asm/tlbflush.h (__flush_tlb_range_op, __flush_s2_tlb_range_op); with LPA2 those of Linux 6.9.
 */
#ifndef MMU_TLBI_RUN_H
#define MMU_TLBI_RUN_H

#include "base/types.h"

enum { TLBI_SCALES = 4, TLBI_NUMS = 32 };

struct tlbi_run {
	uint64_t addr, pages; /* what is left */
	unsigned page_bits;
	bool ranges;    /* FEAT_TLBIRANGE */
	bool ds;        /* TCR_ELx.DS or VTCR_EL2.DS: bases in units of 64 KiB */
	unsigned scale; /* of the latest range; starts as 0 */
};

struct tlbi_piece {
	uint64_t addr, pages;
	uint64_t operand; /* address or range; no ASID */
	bool range;       /* of a range operation, not of one by address */
};

/* Takes the next piece off the run; false: nothing is left. */
bool tlbi_run_next(struct tlbi_run *r, struct tlbi_piece *out);

/* The pages of the largest range: MAX_TLBI_RANGE_PAGES. */
static inline uint64_t tlbi_run_most(void) { return (uint64_t)TLBI_NUMS << (5 * (TLBI_SCALES - 1) + 1); }

#endif
