/* cpu_if.h - the CPU interface of a GICv3: ICC_* for physical interrupts, ICV_* and ICH_* for virtual ones.
 *
 *   cpu_if_read, cpu_if_write    one MRS or MSR of a register, by its encoding, in the context of the PE
 *   gic_signals                  IRQ, FIQ, vIRQ, vFIQ, maintenance
 * The PE says in a `struct gic_context` what of its own state the GIC depends on. Traps are not here: they are the business of
 * el/trap.h, except those that ICH_HCR_EL2 controls (cpu_if_trapped()).
 * Source: Arm IHI 0069H: 4.6 (groups and signals), 4.8 (priority), 5 (virtual), 12.2 to 12.5 (registers).
 * Not modelled: AArch32 views, SEIs (ICH_HCR_EL2.TSEI has no effect), legacy (SRE = 0) operation: ICC_SRE_ELx.SRE is RAO/WI.
 */
#ifndef GIC_CPU_IF_H
#define GIC_CPU_IF_H

#include "gic/gic.h"

/* What the interface sees of its PE. All zero: Non-secure EL0 without EL3 and with nothing routed. */
struct gic_context {
	uint8_t el;
	bool secure;           /* Security state of the present level below EL3 (SCR_EL3.NS = 0) */
	bool fiq_el3, irq_el3; /* SCR_EL3.FIQ, IRQ */
	bool fmo, imo;         /* effective HCR_EL2.FMO, IMO: 0 where EL2 is off; 1 for TGE */
	bool nmi;              /* SCTLR_ELx.NMI */
};

/* MRS and MSR encodings as op0:op1:CRn:CRm:op2 of 2:3:4:4:3 bits. */
#define GIC_SYSREG(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* The name of a register of the CPU interface such as "ICC_PMR_EL1", or NULL. */
const char *cpu_if_name(unsigned encoding);
/* The encoding of `name`, or 0. ICV_ names are those of the ICC_ registers that reach them. */
unsigned cpu_if_encoding(const char *name);

/* False: there is no such register, it is not readable, or not at this level: UNDEFINED. */
bool cpu_if_read(struct gic *g, unsigned pe, unsigned encoding, const struct gic_context *c, uint64_t *value);
bool cpu_if_write(struct gic *g, unsigned pe, unsigned encoding, const struct gic_context *c, uint64_t value);
/* Whether a write to the SGI register `encoding` in context `c` would make the SGI pending at PE `to`, were that a target. */
bool cpu_if_sgi_arrives(struct gic *g, unsigned to, unsigned sgi, unsigned encoding,
			const struct gic_context *c);
/* Whether an access at EL1 goes to the virtual interface (ICV_*). */
bool cpu_if_is_virtual(unsigned encoding, const struct gic_context *c);
/* Whether ICH_HCR_EL2.{TC, TALL0, TALL1, TDIR} traps an access at EL1 to EL2. */
bool cpu_if_trapped(struct gic *g, unsigned pe, unsigned encoding, const struct gic_context *c);

struct gic_signals {
	bool irq, fiq, virq, vfiq;
	bool irq_nmi, virq_nmi; /* with superpriority */
	bool maintenance;       /* ICH_HCR_EL2.En and ICH_MISR_EL2 not 0 */
};
/* What `pe` sees asserted now. O(1) if nothing has changed since. */
struct gic_signals gic_signals(struct gic *g, unsigned pe, const struct gic_context *c);

/* The running priority, 0xff when idle. */
unsigned gic_running_priority(struct gic *g, unsigned pe);

/* The list register that holds the virtual interrupt of highest priority, -1: none, -2: a virtual LPI has it. Disregards masks
 * and ICH_HCR_EL2.En. */
int gic_virtual_pending(struct gic *g, unsigned pe, struct gic_pending *out);

/* Invariants that hold after every call; a broken one is named. NULL: all hold. For tests. */
const char *gic_check(struct gic *g);

#endif
