/* highest.c - which interrupt goes where, which one is first, and what an acknowledge does to it. */
#include "base/bits.h"
#include "gic/priority.h"
#include "gic/state.h"

static const uint32_t distributor_enable[GIC_GROUPS] = {CTLR_GRP0, CTLR_GRP1S, CTLR_GRP1NS};
static const uint32_t no_1_of_n[GIC_GROUPS] = {GICR_DPG0, GICR_DPG1S, GICR_DPG1NS};
enum { IROUTER_IRM = 31 };

/* Routing ----------------------------------------------------------------------------------------- */

static bool idle(const struct gic_pe *pe)
{
	for (unsigned i = 0; i < 4; i++)
		if (pe->cif.active[GIC_G0][i] | pe->cif.active[GIC_G1S][i] | pe->cif.active[GIC_G1NS][i])
			return false;
	return true;
}

/* IHI 0069H 3.3, 4.2.3: a 1 of N interrupt may go to every PE that is awake, has the group enabled and does not decline. */
static bool may_take(const struct gic *g, const struct gic_pe *pe, enum gic_group group)
{
	return pe && gic_forwards(g, pe) && pe->cif.enable[group] && !(pe->gicr_ctlr & no_1_of_n[group]);
}

static int one_of_n(const struct gic *g, enum gic_group group)
{
	int busy = -1;
	for (unsigned i = 0; i < g->params.pes; i++) {
		if (!may_take(g, g->pe[i], group)) continue;
		if (idle(g->pe[i])) return (int)i;
		if (busy < 0) busy = (int)i;
	}
	return busy;
}

int gic_spi_target(struct gic *g, const struct gic_bank *b, unsigned bit)
{
	const struct gic_route *r = &b->route[bit];
	if (g->params.v2) return r->cpus ? __builtin_ctz(r->cpus) : -1;
	if (bit_get(r->irouter, IROUTER_IRM)) return one_of_n(g, bank_group_of(g, b, bit));
	return r->target;
}

/* IHI 0048B 1.4.3: of a GICv2 all targets see it, and the first to acknowledge has it. */
bool gic_spi_goes_to(struct gic *g, const struct gic_bank *b, unsigned bit, unsigned pe)
{
	if (g->params.v2) return b->route[bit].cpus >> pe & 1;
	return gic_spi_target(g, b, bit) == (int)pe;
}

void gic_touch_spis(struct gic *g, const struct gic_bank *b, uint32_t mask)
{
	for (; mask; mask &= mask - 1) {
		const struct gic_route *r = &b->route[__builtin_ctz(mask)];
		if (bit_get(r->irouter, IROUTER_IRM)) {
			gic_touch_all(g);
			return;
		}
		for (uint32_t cpus = g->params.v2 ? r->cpus : 0; cpus; cpus &= cpus - 1)
			gic_touch(g, gic_pe(g, (unsigned)__builtin_ctz(cpus)));
		if (r->target >= 0 && !g->params.v2) gic_touch(g, gic_pe(g, (unsigned)r->target));
	}
}

/* The first ---------------------------------------------------------------------------------------- */

static bool nmi_of(const struct gic *g, const struct gic_bank *b, unsigned bit)
{
	return g->params.nmi && bank_group_of(g, b, bit) != GIC_G0 && b->nmi >> bit & 1;
}

/* Superpriority is before every priority of its Security state: 0, or 0x80 for Non-secure ones among two states. */
static uint8_t priority_of(const struct gic *g, const struct gic_bank *b, unsigned bit)
{
	if (!nmi_of(g, b, bit)) return b->priority[bit];
	return bank_group_of(g, b, bit) == GIC_G1NS && !gic_one_state(g) ? 0x80 : 0;
}

static struct gic_pending describe(const struct gic *g, const struct gic_bank *b, unsigned bit)
{
	return (struct gic_pending){.intid = b->first + bit,
				    .priority = priority_of(g, b, bit),
				    .group = (uint8_t)bank_group_of(g, b, bit),
				    .nmi = nmi_of(g, b, bit)};
}

static uint32_t candidates(const struct gic *g, const struct gic_bank *b, unsigned groups)
{
	uint32_t of = 0, ready = bank_pending(b) & b->enable & ~b->active;
	for (unsigned i = 0; ready && i < GIC_GROUPS; i++)
		if (groups >> i & 1) of |= bank_group(g, b, i);
	return ready & of;
}

struct search {
	struct gic *g;
	int pe;
	unsigned groups;
	bool found;
	struct gic_pending best;
};

static void search_bank(struct search *s, const struct gic_bank *b)
{
	if (!b) return;
	for (uint32_t left = candidates(s->g, b, s->groups); left; left &= left - 1) {
		unsigned bit = (unsigned)__builtin_ctz(left);
		if (b->route && !gic_spi_goes_to(s->g, b, bit, (unsigned)s->pe)) continue;
		struct gic_pending it = describe(s->g, b, bit);
		if (s->found && !pending_before(&it, &s->best)) continue;
		s->found = true;
		s->best = it;
	}
}

static void search_lpis(struct search *s)
{
	struct gic_pending it = {0};
	const struct gic_lpi_source *l = &s->g->lpi;
	if (!(s->groups >> GIC_G1NS & 1) || !l->highest || !l->highest(l->self, (unsigned)s->pe, &it)) return;
	if (s->found && !pending_before(&it, &s->best)) return;
	it.lpi = true;
	s->found = true;
	s->best = it;
}

bool gic_find_highest(struct gic *g, struct gic_pe *pe, unsigned groups, struct gic_pending *out)
{
	for (unsigned i = 0; i < GIC_GROUPS; i++)
		if (!(g->ctlr & distributor_enable[i])) groups &= ~(1u << i);
	struct search s = {.g = g, .pe = (int)pe->index, .groups = groups};
	if (!groups) return false;
	search_bank(&s, &pe->bank);
	for (unsigned i = 0; i < g->params.extended_ppis / 32; i++) search_bank(&s, &pe->extended[i]);
	for (unsigned i = 0; i < g->spi_banks + g->ext_banks; i++) search_bank(&s, g->spi[i]);
	search_lpis(&s);
	*out = s.best;
	return s.found;
}

static unsigned all_groups(void) { return (1u << GIC_GROUPS) - 1; }

bool gic_offered(struct gic *g, unsigned index, struct gic_pending *out)
{
	struct gic_pe *pe = gic_pe(g, index);
	return gic_forwards(g, pe) && gic_find_highest(g, pe, all_groups(), out);
}

bool gic_wake_request(struct gic *g, unsigned index)
{
	struct gic_pending any;
	struct gic_pe *pe = gic_pe(g, index);
	return pe->asleep && gic_find_highest(g, pe, all_groups(), &any);
}

/* 4.8: an interrupt whose group the CPU interface has disabled is not among those it chooses from; or, as QEMU has it, it is chosen
 * and not signalled. */
bool gic_find_enabled(struct gic *g, struct gic_pe *pe, struct gic_pending *out)
{
	unsigned groups = 0;
	bool hides = g->params.disabled_hides;
	for (unsigned i = 0; i < GIC_GROUPS; i++) groups |= (unsigned)(hides || pe->cif.enable[i]) << i;
	return gic_forwards(g, pe) && gic_find_highest(g, pe, groups, out) && pe->cif.enable[out->group];
}

const struct gic_pending *gic_highest(struct gic *g, struct gic_pe *pe)
{
	if (pe->stale || pe->epoch != g->epoch) {
		pe->has_highest = gic_find_enabled(g, pe, &pe->highest);
		pe->stale = false;
		pe->epoch = g->epoch;
	}
	return pe->has_highest ? &pe->highest : NULL;
}

/* Acknowledge, deactivate -------------------------------------------------------------------------- */

static void touch_bank(struct gic *g, struct gic_pe *pe, const struct gic_bank *b, unsigned bit)
{
	if (b->route) gic_touch_spis(g, b, 1u << bit);
	gic_touch(g, pe);
}

/* IHI 0048B 3.2: an SGI is pending once for each source. Returns whether none is left. IMPDEF: the lowest is first. */
static bool take_source(struct gic_pe *pe, uint32_t sgi)
{
	uint8_t *from = &pe->sgi_from[sgi];
	pe->sgi_source[sgi] = *from ? (uint8_t)__builtin_ctz(*from) : 0;
	*from &= (uint8_t)(*from - 1);
	return !*from;
}

/* 4.1: pending becomes active. The latch is consumed; a level-sensitive line that is still asserted makes it active and pending. */
void gic_activate(struct gic *g, struct gic_pe *pe, const struct gic_pending *irq)
{
	unsigned bit;
	if (irq->lpi) {
		g->lpi.acknowledge(g->lpi.self, pe->index, irq->intid);
		gic_touch(g, pe);
		return;
	}
	struct gic_bank *b = gic_find(g, pe, irq->intid, &bit);
	b->active |= 1u << bit;
	if (!g->params.v2 || irq->intid >= GIC_SGIS || take_source(pe, irq->intid)) b->latch &= ~(1u << bit);
	touch_bank(g, pe, b, bit);
}

void gic_deactivate(struct gic *g, struct gic_pe *pe, uint32_t intid)
{
	unsigned bit;
	struct gic_bank *b = gic_peek(g, pe, intid, &bit);
	if (!b) return;
	b->active &= ~(1u << bit);
	touch_bank(g, pe, b, bit);
}
