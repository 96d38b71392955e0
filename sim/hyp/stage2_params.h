/* stage2_params.h - how a hypervisor maintains its VMs' stage 2 tables, and what that takes beyond the hardware's steps.
 *
 * Source: Linux 6.6 arch/arm64/kvm/hyp/pgtable.c and mmu.c, virt/kvm/kvm_main.c.
 */
#ifndef HYP_STAGE2_PARAMS_H
#define HYP_STAGE2_PARAMS_H

#include "config/schema.h"

enum stage2_unmap_flush { STAGE2_FLUSH_LINUX, STAGE2_FLUSH_PAGE, STAGE2_FLUSH_RANGE, STAGE2_FLUSH_VMID };
enum stage2_relax_flush { STAGE2_RELAX_LOCAL, STAGE2_RELAX_BROADCAST };
enum stage2_dirty_log { STAGE2_WRITE_PROTECT, STAGE2_INITIALLY_SET, STAGE2_HARDWARE, STAGE2_BUFFER };

struct stage2_params {
	uint64_t unmap_flush, relax_flush, dirty_log; /* the enums above */
	uint64_t eager_split;                         /* bool */
	uint64_t visit_instructions, unmap_page_instructions, bitmap_page_instructions, table_instructions;
	uint64_t buffer_bytes, buffer_entry_instructions;
};
extern const struct schema stage2_schema;

#endif
