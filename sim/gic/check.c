/* check.c - what must hold of a GIC after every call. */
#include "base/bits.h"
#include "gic/interface.h"

static const char *check_bank(const struct gic *g, const struct gic_bank *b)
{
	for (unsigned i = 0; i < 32; i++)
		if (b->priority[i] != priority_keep(b->priority[i], g->kept_bits))
			return "a priority has bits that are not implemented";
	return NULL;
}

static const char *check_interface(const struct gic_interface *c, unsigned bits)
{
	if (c->pmr != priority_keep(c->pmr, bits)) return "PMR has bits that are not implemented";
	for (unsigned i = 0; i < GIC_GROUPS; i++) {
		if (c->bpr[i] < interface_min_bpr(i, bits) || c->bpr[i] > 7)
			return "BPR is below its minimum";
		for (unsigned n = interface_ap_registers(bits); n < 4; n++)
			if (c->active[i][n]) return "an active priority is not implemented";
	}
	return c->nmi_active[GIC_G0] ? "Group 0 has superpriority" : NULL;
}

/* The kept answer is what a search finds now. */
static const char *check_highest(struct gic *g, struct gic_pe *pe)
{
	struct gic_pending now;
	const struct gic_pending *kept = gic_highest(g, pe);
	bool found = gic_find_enabled(g, pe, &now);
	if (found != (kept != NULL)) return "a change of the highest pending interrupt was not noticed";
	return kept && kept->intid != now.intid ? "the highest pending interrupt is another one" : NULL;
}

/* Of a GICv2, an SGI is pending while some source's is. */
static const char *check_sources(const struct gic_pe *pe)
{
	for (unsigned i = 0; i < GIC_SGIS; i++)
		if ((pe->bank.latch >> i & 1) != (pe->sgi_from[i] != 0))
			return "an SGI is pending without a source, or the other way round";
	return NULL;
}

static const char *check_pe(struct gic *g, struct gic_pe *pe)
{
	const char *broken = check_bank(g, &pe->bank);
	if (!broken && (pe->bank.edge & 0xffff) != 0xffff) broken = "an SGI is level-sensitive";
	if (!broken && pe->bank.line & 0xffff) broken = "an SGI has a line";
	if (!broken && g->params.v2) broken = check_sources(pe);
	if (!broken) broken = check_interface(&pe->cif, g->prio_bits);
	if (!broken) broken = check_interface(&pe->virt.cif, g->vprio_bits);
	return broken ? broken : check_highest(g, pe);
}

const char *gic_check(struct gic *g)
{
	const char *broken = NULL;
	for (unsigned i = 0; !broken && i < g->params.pes; i++)
		if (g->pe[i]) broken = check_pe(g, g->pe[i]);
	for (unsigned i = 0; !broken && i < g->spi_banks + g->ext_banks; i++)
		if (g->spi[i]) broken = check_bank(g, g->spi[i]);
	return broken;
}
