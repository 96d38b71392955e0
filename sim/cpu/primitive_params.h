/* primitive_params.h - what the primitive steps of hypervisors, kernels and firmware cost on a core.
 *
 * Exception entry and return, system registers, barriers, the interrupt controller's registers, registers moved to and
 * from memory, plain code. They are costs beyond the accesses to memory, which the caches charge. Costs per register are in
 * thousandths of a cycle, because cores move several per cycle.
 * Source: the classes are those of Dall et al., "ARM Virtualization: Performance and Architectural Implications", ISCA 2016,
 * Table III; that a core may treat a write that changes translation or traps differently from a plain one follows from Arm
 * ARM DDI 0487, D24.1.2 (synchronization requirements).
 */
#ifndef CPU_PRIMITIVE_PARAMS_H
#define CPU_PRIMITIVE_PARAMS_H

#include "config/schema.h"
#include "el/regs.h"

enum gic_access { GIC_SYSTEM_REGISTERS, GIC_MEMORY_MAPPED };

struct primitive_params {
	uint64_t entry_el1_cycles, entry_el2_cycles, entry_el3_cycles;
	uint64_t return_el1_cycles, return_el2_cycles, return_el3_cycles;
	uint64_t sysreg_read_cycles, sysreg_write_cycles, control_write_cycles;
	uint64_t gic; /* enum gic_access */
	uint64_t gic_read_cycles, gic_write_cycles;
	uint64_t tlbi_cycles, tlbi_local_cycles, tlbi_broadcast_cycles; /* barrier.h */
	uint64_t isb_cycles, dsb_cycles, dmb_cycles;
	uint64_t atomic_cycles, wake_cycles, sgi_cycles;
	uint64_t gp_store_millicycles, gp_load_millicycles;
	uint64_t fp_store_millicycles, fp_load_millicycles;
	uint64_t sve_store_millicycles, sve_load_millicycles;
	uint64_t sve_register_bytes;
	uint64_t fill_line_millicycles, clean_line_millicycles; /* of a line of the caches */
	uint64_t instructions_per_kilocycle;
};
extern const struct schema primitive_schema;

enum primitive_register {
	PRIMITIVE_PLAIN,   /* no more than a value, or of a level below, where it does not count yet */
	PRIMITIVE_CONTROL, /* changes translation, traps or vectors of the level that writes it */
	PRIMITIVE_GIC,     /* of the CPU interface or of the hypervisor's */
};

/* What kind of register `reg` is at its own level. O(rows): look it up once. */
enum primitive_register primitive_register_kind(enum el_reg reg);
/* The level that `reg` controls: 1, 2 or 3. */
unsigned primitive_register_level(enum el_reg reg);

#endif
