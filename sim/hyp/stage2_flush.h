/* stage2_flush.h - KVM's invalidations of stage 2, as steps of a clock (stage2_ops.h).
 *
 *   stage2_flush_ipa: one leaf      stage2_flush_range: an area      stage2_flush_vmid: all of a VM
 * A TLBI by IPA leaves combined translations, so a VMALLE1 follows it, each behind a DSB of its own.
 */
#ifndef HYP_STAGE2_FLUSH_H
#define HYP_STAGE2_FLUSH_H

#include "hyp/stage2_ops.h"

struct stage2_flusher {
	const struct stage2_clock *clock;
	const struct features *features;
	unsigned granule_bits;
	bool ds;                              /* VTCR_EL2.DS */
	struct tlbi_op ipa[2], all_stage1[2]; /* by whether other cores act */
	struct tlbi_op range, all;
	uint64_t tlbi, dsb; /* counted */
};

void stage2_flusher_init(struct stage2_flusher *f, const struct stage2_clock *clock,
			 const struct features *features, const struct pgtable *of);
/* A leaf of `level` at `ipa` has changed. `broadcast`: on all cores, not this one alone. */
void stage2_flush_ipa(struct stage2_flusher *f, uint64_t ipa, int level, bool broadcast);
/* By ranges where the machine has them, else the whole VM (kvm_tlb_flush_vmid_range). */
void stage2_flush_range(struct stage2_flusher *f, uint64_t ipa, uint64_t bytes);
void stage2_flush_vmid(struct stage2_flusher *f);
/* A block, or a contiguous run, of `bytes` is being broken up: its entries are invalid. */
void stage2_flush_broken(struct stage2_flusher *f, uint64_t ipa, uint64_t bytes);

#endif
