/* why.h - what keeps an interrupt from being signalled to its PE, as the rule that it stops at.
 *
 * The rules are in the order in which an interrupt passes them: from its own state through the distributor to the CPU interface.
 * Source: IHI 0069H 4.1 (states), 4.6 (groups), 4.8 (priority).
 */
#ifndef GIC_WHY_H
#define GIC_WHY_H

#include "gic/cpu_if.h"

/* X(name, what is the case) */
#define GIC_STOPS(X) \
	X(NOT_THERE, "there is no such interrupt") \
	X(NOT_PENDING, "not pending: its line is low and nothing has latched it") \
	X(ACTIVE, "active: it is not taken again before it is deactivated") \
	X(DISABLED, "disabled: GICD_ISENABLER or GICR_ISENABLER has it as 0") \
	X(DISTRIBUTOR, "GICD_CTLR does not enable its group") \
	X(ELSEWHERE, "GICD_IROUTER sends it to another PE, or to none") \
	X(ASLEEP, "GICR_WAKER.ProcessorSleep is 1: the PE must be woken first") \
	X(INTERFACE, "ICC_IGRPEN<n>_EL1 does not enable its group") \
	X(BEHIND, "another pending interrupt has a higher priority") \
	X(MASKED, "its priority is not higher than ICC_PMR_EL1") \
	X(NO_PREEMPTION, "its group priority is not higher than the running priority") \
	X(SIGNALLED, "signalled")

enum gic_stop {
#define X(name, text) GIC_STOP_##name,
	GIC_STOPS(X)
#undef X
};

/* The first rule that stops INTID at `pe`. GIC_STOP_SIGNALLED: none does. Not for LPIs. */
enum gic_stop gic_why(struct gic *g, unsigned pe, uint32_t intid);
const char *gic_why_text(enum gic_stop stop);

#endif
