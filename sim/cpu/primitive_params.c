#include "cpu/primitive_params.h"

#include <string.h>

static const char *const gic_names[] = {"system_registers", "memory_mapped", NULL};

#define F struct primitive_params
#define CYCLES(m, dflt, doc) HW_U64(F, m, "cycles", dflt, 0, 1000000, doc)
#define MILLI(m, dflt, doc) HW_U64(F, m, "1/1000 cycle", dflt, 0, 1000000, doc)
static const struct param rows[] = {
	CYCLES(entry_el1_cycles, 60,
	       "an exception is taken to EL1: until the vector's first instruction issues"),
	CYCLES(entry_el2_cycles, 60, "the same to EL2"),
	CYCLES(entry_el3_cycles, 60, "the same to EL3"),
	CYCLES(return_el1_cycles, 60, "ERET at EL1: until the first instruction behind it issues"),
	CYCLES(return_el2_cycles, 60, "ERET at EL2"),
	CYCLES(return_el3_cycles, 60, "ERET at EL3"),
	CYCLES(sysreg_read_cycles, 8,
	       "MRS; masking interrupts, which writes no more than a few bits of PSTATE"),
	CYCLES(sysreg_write_cycles, 8,
	       "MSR of a register that holds no more than a value, or of a level below"),
	CYCLES(control_write_cycles, 16,
	       "MSR of a register that changes translation, traps or vectors of the level that writes it"),
	HW_ENUM(F, gic, gic_names, GIC_SYSTEM_REGISTERS,
		"how ICC_ and ICH_ registers are reached: as system registers (GICv3), or in memory as GICC_, GICV_ "
		"and GICH_ (GICv2)"),
	CYCLES(gic_read_cycles, 20, "read of a register of the GIC's CPU or hypervisor interface"),
	CYCLES(gic_write_cycles, 20, "write of one"),
	CYCLES(tlbi_cycles, 4, "issue of a TLBI; it completes later, beside what follows"),
	CYCLES(tlbi_local_cycles, 40,
	       "from a TLBI's issue until this core's TLBs have done it; a DSB waits for that"),
	CYCLES(tlbi_broadcast_cycles, 300,
	       "from the issue of a TLBI for a shareability domain until all of its cores have answered"),
	CYCLES(isb_cycles, 24, "ISB"),
	CYCLES(dsb_cycles, 16, "DSB with nothing outstanding"),
	CYCLES(dmb_cycles, 4, "DMB with nothing outstanding"),
	CYCLES(atomic_cycles, 12,
	       "atomic read-modify-write of an uncontended line in the first cache: taking a lock"),
	CYCLES(sgi_cycles, 210,
	       "from the write that sends an SGI until it is signalled at another core: TLB shootdowns by interrupt"),
	CYCLES(wake_cycles, 100, "from a wake-up event to the instruction behind WFI"),
	MILLI(gp_store_millicycles, 500, "a general-purpose register to memory, per register"),
	MILLI(gp_load_millicycles, 500, "and back"),
	MILLI(fp_store_millicycles, 1000, "a SIMD and floating-point register to memory, per register"),
	MILLI(fp_load_millicycles, 1000, "and back"),
	MILLI(sve_store_millicycles, 1000, "an SVE vector to memory, per register"),
	MILLI(sve_load_millicycles, 1000, "and back"),
	HW_U64(F, sve_register_bytes, "bytes", 16, 16, 256, "size of an SVE vector"),
	MILLI(fill_line_millicycles, 9000,
	      "a line written whole, one after the other, as by DC ZVA: what bounds a long fill"),
	MILLI(clean_line_millicycles, 24000,
	      "a line that is nowhere cached cleaned to the point of coherency by DC CVAC, one after the other"),
	HW_U64(F, instructions_per_kilocycle, "instructions/1000 cycles", 1500, 1, 16000,
	       "kernel and VMM code with its lines in the first caches"),
};
#undef F
SCHEMA(primitive_schema, "primitives", struct primitive_params, rows,
       "what primitive steps of software paths cost (docs/paths.md)");

/* Registers whose write decides how what follows is translated, trapped or taken. */
static const uint16_t control_registers[] = {
	R_SCTLR_EL1, R_SCTLR_EL2, R_SCTLR_EL3, R_TCR_EL1,   R_TCR_EL2,  R_TCR_EL3,     R_TTBR0_EL1,
	R_TTBR1_EL1, R_TTBR0_EL2, R_TTBR1_EL2, R_TTBR0_EL3, R_MAIR_EL1, R_MAIR_EL2,    R_MAIR_EL3,
	R_VBAR_EL1,  R_VBAR_EL2,  R_VBAR_EL3,  R_HCR_EL2,   R_VTCR_EL2, R_VTTBR_EL2,   R_CPACR_EL1,
	R_CPTR_EL2,  R_CPTR_EL3,  R_MDCR_EL2,  R_MDCR_EL3,  R_HSTR_EL2, R_CNTHCTL_EL2, R_SCR_EL3,
};

/* Arm ARM C5.1: op1 4 and 5 are EL2's, 6 EL3's. */
unsigned primitive_register_level(enum el_reg reg)
{
	unsigned op1 = reg_rows[reg].op1;
	return op1 == 6 ? 3 : op1 >= 4 ? 2 : 1;
}

enum primitive_register primitive_register_kind(enum el_reg reg)
{
	const char *name = reg_rows[reg].name;
	if (strncmp(name, "ICC_", 4) == 0 || strncmp(name, "ICH_", 4) == 0) return PRIMITIVE_GIC;
	for (size_t i = 0; i < sizeof(control_registers) / sizeof(control_registers[0]); i++)
		if (control_registers[i] == reg) return PRIMITIVE_CONTROL;
	return PRIMITIVE_PLAIN;
}
