/* dirty.h - dirty logging: which pages of a VM are written, found by write-protecting them.
 *
 *   dirty_begin: the log is there      dirty_split, dirty_find: for faults (hyp.c)
 * While the log is on, a write fault adds the permission to its page alone. A block gives way to a table in which only the page
 * that was written is mapped; the others fault when they are touched next, and get the memory that they had.
 * Source: Linux 6.1 arch/arm64/kvm/mmu.c: kvm_mmu_wp_memory_region(), user_mem_abort() (force_pte).
 * Protecting all that is mapped, what that takes, other ways of logging, and collecting the log are stage2_log.c's (stage2_ops.h).
 */
#ifndef HYP_DIRTY_H
#define HYP_DIRTY_H

#include "hyp/vm.h"

struct dirty_stats {
	uint64_t protected_leaves, blocks_split, pages_logged;
};

struct dirty_log {
	uint64_t *block; /* by block of the VM's memory: the PA that backed it, and 1, once it was split */
	uint64_t first;  /* the first block's number */
	struct dirty_stats stats;
};

/* The log is there, and nothing is protected yet. */
void dirty_begin(struct hyp_vm *vm);
/* An area is unmapped: what its blocks had is given up. */
void dirty_forget(struct hyp_vm *vm, uint64_t ipa, uint64_t bytes);
/* Takes the block out whose leaf `slot` translates `ipa`, flushes it, and remembers its memory. */
void dirty_split(struct hyp_vm *vm, uint64_t ipa, const struct pgtable_slot *slot);
/* The PA of the page of `ipa`, whose block was split; false: it was not. */
bool dirty_find(const struct hyp_vm *vm, uint64_t ipa, uint64_t *pa);

#endif
