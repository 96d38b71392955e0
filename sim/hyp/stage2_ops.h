/* stage2_ops.h - what a hypervisor does to a VM's stage 2 as a whole: map, unmap, write-protect, split, relax.
 *
 *   stage2_perform: (VM, operation, area) -> what was done; each step is told to a clock, which gives it its time
 * Descriptors of the real tables change, in KVM's order: descriptor, DSB, TLBI, DSB. Whoever keeps the clock executes the
 * TLBIs and DSBs. A block that sticks out of the area is treated whole, as KVM does.
 * Source: Linux 6.6 arch/arm64/kvm/hyp/pgtable.c (stage2_unmap_walker, kvm_pgtable_stage2_wrprotect,
 * kvm_pgtable_stage2_relax_perms, kvm_pgtable_stage2_split), kvm/mmu.c (stage2_apply_range, kvm_mmu_wp_memory_region),
 * kvm/hyp/vhe/tlb.c and nvhe/tlb.c (the order of DSB and TLBI), virt/kvm/kvm_main.c (kvm_alloc_dirty_bitmap).
 * Not modelled: locks and who waits for them; tables that unmapping empties stay; what the guest's kernel writes to its own
 * tables is not logged.
 */
#ifndef HYP_STAGE2_OPS_H
#define HYP_STAGE2_OPS_H

#include "hyp/hyp.h"
#include "mmu/tlbi.h"

#define STAGE2_OPS(X) \
	X(MAP, map, "the guest writes to each page of the area: stage 2 faults") \
	X(UNMAP, unmap, "the host takes the area back") \
	X(DIRTY_LOG_START, dirty_log_start, "the log of written pages starts, of all of the VM's memory") \
	X(DIRTY_LOG_COLLECT, dirty_log_collect, "which pages were written since, and from now on again") \
	X(WRITE_PAGES, write, "the guest writes to one page after the other of the area") \
	X(RELAX, relax, "a permission is added to a leaf, for one page after the other of the area") \
	X(HINT, hint, \
	  "the host unmaps the area, but keeps its memory, to see who touches it (NUMA balancing)")

enum stage2_op {
#define X(name, text, doc) STAGE2_##name,
	STAGE2_OPS(X)
#undef X
		STAGE2_OP_COUNT
};
extern const char *const stage2_op_names[]; /* NULL at the end */

/* What takes time. */
enum stage2_step {
	STAGE2_INSTRUCTIONS, /* so many */
	STAGE2_ATOMIC,       /* one, on a line that is there */
	STAGE2_READ,         /* the descriptor at a PA */
	STAGE2_WRITE,        /* likewise */
	STAGE2_FAULT, /* an exit of the guest, the handler's path and the return; operand: cycles by the stack */
	STAGE2_ENTER_VMID, /* the VM's registers are loaded, for a TLBI */
	STAGE2_LEAVE_VMID,
	STAGE2_DSB, /* operand: CRm */
	STAGE2_ISB,
	STAGE2_FILL,  /* so many bytes, whole lines, are written */
	STAGE2_CLEAN, /* so many bytes are cleaned to the point of coherency, line by line */
};

struct stage2_clock {
	void *self;
	void (*step)(void *self, enum stage2_step step, uint64_t operand);
	void (*tlbi)(void *self, struct tlbi_op op, uint64_t operand);
};

struct stage2_area {
	uint64_t offset, bytes; /* within the VM's memory */
	uint64_t stride;        /* RELAX, WRITE_PAGES: one page of so many bytes */
};

struct stage2_done {
	uint64_t descriptors; /* seen */
	uint64_t changed;     /* of them; MAP: leaves made */
	uint64_t tlbi, dsb, cleaned_bytes, tables;
	uint64_t dirty;                       /* pages collected */
	uint64_t hinted_bytes, hinted_blocks; /* HINT: of what was unmapped */
};

/* ERR_CONFIG: the area is not within the VM's memory, or there is no memory left. */
enum status stage2_perform(struct hyp_vm *vm, enum stage2_op op, struct stage2_area area,
			   const struct stage2_clock *clock, struct stage2_done *done, struct err *err);

#endif
