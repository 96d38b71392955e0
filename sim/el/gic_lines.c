#include "el/gic_lines.h"

/* HCR_EL2.TGE routes as if IMO and FMO were 1. */
static bool routed_to_el2(const struct el_state *s, enum hcr_bit bit)
{
	return el2_enabled(s) && (el_hcr(s, bit) || el_tge(s));
}

struct gic_context gic_lines_context(const struct el_state *s)
{
	uint64_t scr = s->has.el3 ? s->reg[R_SCR_EL3] : bits_ones(1);
	return (struct gic_context){.el = (uint8_t)el_level(s),
				    .secure = !bit_get(scr, SCR_NS),
				    .fiq_el3 = bit_get(scr, SCR_FIQ),
				    .irq_el3 = bit_get(scr, SCR_IRQ),
				    .fmo = routed_to_el2(s, HCR_FMO),
				    .imo = routed_to_el2(s, HCR_IMO)};
}

void gic_lines_update(struct el_state *s, struct gic *g, unsigned pe)
{
	struct gic_context c = gic_lines_context(s);
	struct gic_signals now = gic_signals(g, pe, &c);
	const bool line[ASYNC_COUNT] = {[ASYNC_IRQ] = now.irq,
					[ASYNC_FIQ] = now.fiq,
					[ASYNC_VIRQ] = now.virq,
					[ASYNC_VFIQ] = now.vfiq};
	s->lines &= 1u << ASYNC_SERROR | 1u << ASYNC_VSERROR;
	for (unsigned i = 0; i < ASYNC_COUNT; i++) s->lines |= (uint32_t)line[i] << i;
}
