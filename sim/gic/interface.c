#include "gic/interface.h"

#include <string.h>

unsigned interface_min_bpr(enum gic_group group, unsigned bits)
{
	return priority_min_bpr(bits) + (group == GIC_G1NS);
}

void gic_interface_reset(struct gic_interface *c, unsigned bits)
{
	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < GIC_GROUPS; i++) c->bpr[i] = (uint8_t)interface_min_bpr(i, bits);
}

/* ICC_CTLR_EL1.CBPR of the interrupt's Security state: ICC_BPR0_EL1 serves Group 1, too. */
static bool uses_bpr0(const struct gic_interface *c, enum gic_group group)
{
	return group == GIC_G0 || c->cbpr[group == GIC_G1NS];
}

uint8_t interface_group_mask(const struct gic_interface *c, enum gic_group group)
{
	if (uses_bpr0(c, group)) return priority_group_mask(c->bpr[GIC_G0], false);
	return priority_group_mask(c->bpr[group], group == GIC_G1NS);
}

/* A superpriority is active apart from the group priorities, in ICC_AP1R0_EL1.NMI, and above them. */
static unsigned running_of(const struct gic_interface *c, enum gic_group group, unsigned bits)
{
	if (c->nmi_active[group]) return group == GIC_G1NS ? c->nmi_floor : 0;
	for (unsigned i = 0; i < 4; i++) {
		if (!c->active[group][i]) continue;
		unsigned level = 32 * i + (unsigned)__builtin_ctz(c->active[group][i]);
		return level << (8 - preemption_bits(bits));
	}
	return GIC_IDLE_PRIORITY;
}

unsigned interface_running(const struct gic_interface *c, unsigned bits, enum gic_group *group)
{
	unsigned best = GIC_IDLE_PRIORITY;
	*group = GIC_G0;
	for (unsigned i = 0; i < GIC_GROUPS; i++) {
		unsigned value = running_of(c, i, bits);
		if (value >= best) continue;
		best = value;
		*group = i;
	}
	return best;
}

/* 4.9: superpriority is not subject to the mask, except to one that hides all Non-secure priorities. */
static bool passes_mask(const struct gic_interface *c, const struct gic_pending *irq)
{
	if (!irq->nmi) return irq->priority < c->pmr;
	return irq->group != GIC_G1NS || c->pmr >= c->nmi_floor;
}

bool interface_is_masked(const struct gic_interface *c, const struct gic_pending *irq)
{
	return !passes_mask(c, irq);
}

bool interface_can_signal(const struct gic_interface *c, unsigned bits, const struct gic_pending *irq)
{
	enum gic_group by;
	if (!passes_mask(c, irq)) return false;
	unsigned running = interface_running(c, bits, &by);
	if (running == GIC_IDLE_PRIORITY) return true;
	uint8_t mask = interface_group_mask(c, irq->group);
	if ((irq->priority & mask) < (running & mask)) return true;
	return irq->nmi && (irq->priority & mask) == (running & mask) && !c->nmi_active[irq->group];
}

void interface_activate(struct gic_interface *c, unsigned bits, const struct gic_pending *irq)
{
	if (irq->nmi) {
		c->nmi_active[irq->group] = true;
		return;
	}
	unsigned level = (irq->priority & interface_group_mask(c, irq->group)) >> (8 - preemption_bits(bits));
	c->active[irq->group][level / 32] |= 1u << level % 32;
}

bool interface_drop(struct gic_interface *c, enum gic_group group)
{
	if (c->nmi_active[group]) {
		c->nmi_active[group] = false;
		return true;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (!c->active[group][i]) continue;
		c->active[group][i] &= c->active[group][i] - 1;
		return true;
	}
	return false;
}
