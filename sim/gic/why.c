#include "gic/why.h"

#include "gic/interface.h"

static const char *const texts[] = {
#define X(name, text) [GIC_STOP_##name] = text,
	GIC_STOPS(X)
#undef X
};
const char *gic_why_text(enum gic_stop stop) { return texts[stop]; }

/* Up to the redistributor: its own state, its group in the distributor, its route. */
static enum gic_stop why_not_offered(struct gic *g, const struct gic_pe *pe, const struct gic_bank *b,
				     unsigned bit)
{
	static const uint32_t group_enable[GIC_GROUPS] = {CTLR_GRP0, CTLR_GRP1S, CTLR_GRP1NS};
	if (!(bank_pending(b) >> bit & 1)) return GIC_STOP_NOT_PENDING;
	if (b->active >> bit & 1) return GIC_STOP_ACTIVE;
	if (!(b->enable >> bit & 1)) return GIC_STOP_DISABLED;
	if (!(g->ctlr & group_enable[bank_group_of(g, b, bit)])) return GIC_STOP_DISTRIBUTOR;
	if (b->route && !gic_spi_goes_to(g, b, bit, pe->index)) return GIC_STOP_ELSEWHERE;
	return !gic_forwards(g, pe) ? GIC_STOP_ASLEEP : GIC_STOP_SIGNALLED;
}

enum gic_stop gic_why(struct gic *g, unsigned index, uint32_t intid)
{
	unsigned bit;
	struct gic_pe *pe = gic_pe(g, index);
	const struct gic_bank *b = gic_find(g, pe, intid, &bit);
	if (!b) return GIC_STOP_NOT_THERE;
	enum gic_stop stop = why_not_offered(g, pe, b, bit);
	if (stop != GIC_STOP_SIGNALLED) return stop;
	if (!pe->cif.enable[bank_group_of(g, b, bit)]) return GIC_STOP_INTERFACE;
	const struct gic_pending *first = gic_highest(g, pe);
	if (!first || first->intid != intid) return GIC_STOP_BEHIND;
	if (interface_can_signal(&pe->cif, g->prio_bits, first)) return GIC_STOP_SIGNALLED;
	return interface_is_masked(&pe->cif, first) ? GIC_STOP_MASKED : GIC_STOP_NO_PREEMPTION;
}
