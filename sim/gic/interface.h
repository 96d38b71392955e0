/* interface.h - masks, binary points and active priorities of one CPU interface, physical or virtual. For sim/gic only.
 *
 * Both kinds decide alike whether an interrupt may be signalled, what an acknowledge makes active, and what an EOI drops; they
 * differ in where pending interrupts come from (redistributor or list registers) and in how registers are read.
 * `bits` are the priority bits of the interface.
 * Source: IHI 0069H 4.8 (priority), 4.9 (superpriority), 12.2.2 (ICC_AP<n>R<m>), 12.2.5 (ICC_BPR<n>).
 */
#ifndef GIC_INTERFACE_H
#define GIC_INTERFACE_H

#include "gic/priority.h"
#include "gic/state.h"

/* The value that BPR<n> of a group cannot go below. */
unsigned interface_min_bpr(enum gic_group group, unsigned bits);
/* Group Priority: the bits that preemption looks at, after CBPR. */
uint8_t interface_group_mask(const struct gic_interface *c, enum gic_group group);

/* The highest active priority, GIC_IDLE_PRIORITY: none. *group is its group; of equal ones the first in enum order. */
unsigned interface_running(const struct gic_interface *c, unsigned bits, enum gic_group *group);
/* Whether `irq` passes PMR and preempts what is active. */
bool interface_can_signal(const struct gic_interface *c, unsigned bits, const struct gic_pending *irq);
/* Of the two, whether it is PMR that stops it. */
bool interface_is_masked(const struct gic_interface *c, const struct gic_pending *irq);
/* The active priority of an acknowledged interrupt; false for an EOI of a group that has none active. */
void interface_activate(struct gic_interface *c, unsigned bits, const struct gic_pending *irq);
bool interface_drop(struct gic_interface *c, enum gic_group group);

/* Registers AP<n>R<m> that the implemented bits need: 1, 2 or 4. */
static inline unsigned interface_ap_registers(unsigned bits)
{
	unsigned levels = 1u << preemption_bits(bits);
	return levels > 32 ? levels / 32 : 1;
}

#endif
