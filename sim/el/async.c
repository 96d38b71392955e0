#include "el/async.h"

static const char *const names[ASYNC_COUNT] = {"serror", "irq", "fiq", "vserror", "virq", "vfiq"};
const char *async_name(enum el_async line) { return names[line]; }

/* One row per physical line, in enum order; the virtual line of the same row is PHYSICAL further on. */
static const struct line {
	enum scr_bit to_el3;
	enum hcr_bit to_el2;
	enum hcr_bit virtual_now; /* HCR_EL2 bit that asserts the virtual line */
	uint64_t mask;
	enum el_kind kind;
	const char *scr, *hcr, *masked;
} rows[] = {
	{SCR_EA, HCR_AMO, HCR_VSE, PSTATE_A, EXC_SERROR, "SCR_EL3.EA", "HCR_EL2.AMO", "PSTATE.A"},
	{SCR_IRQ, HCR_IMO, HCR_VI, PSTATE_I, EXC_IRQ, "SCR_EL3.IRQ", "HCR_EL2.IMO", "PSTATE.I"},
	{SCR_FIQ, HCR_FMO, HCR_VF, PSTATE_F, EXC_FIQ, "SCR_EL3.FIQ", "HCR_EL2.FMO", "PSTATE.F"},
};
enum { PHYSICAL = 3 };

/* D1.3: the target level, and the control that chose it. */
static struct async_route physical_target(const struct el_state *s, const struct line *row)
{
	struct async_route r = {.to = 1, .why = "no control routes it higher"};
	if (s->has.el3 && bit_get(s->reg[R_SCR_EL3], row->to_el3)) {
		r.to = 3, r.why = row->scr;
	} else if (el_tge(s)) {
		r.to = 2, r.why = "HCR_EL2.TGE";
	} else if (el2_enabled(s) && el_hcr(s, row->to_el2)) {
		r.to = 2, r.why = row->hcr;
	}
	return r;
}

/* A target above the present level is not maskable, except EL1, and EL2 as the level of the host kernel. */
static bool maskable(const struct el_state *s, unsigned to)
{
	return to == el_level(s) || to == 1 || (to == 2 && el_host_user(s));
}

static struct async_route physical_route(const struct el_state *s, const struct line *row)
{
	struct async_route r = physical_target(s, row);
	if (r.to < el_level(s)) return r.state = ASYNC_LOWER, r;
	r.state = maskable(s, r.to) && s->pstate & row->mask ? ASYNC_MASKED : ASYNC_TAKEN;
	return r;
}

/* Virtual lines exist for EL0 and EL1 while HCR_EL2.xMO = 1 and TGE = 0, and go to EL1. */
static struct async_route virtual_route(const struct el_state *s, const struct line *row)
{
	struct async_route r = {.state = ASYNC_OFF, .to = 1, .why = row->hcr};
	if (!el2_enabled(s) || el_tge(s) || !el_hcr(s, row->to_el2)) return r;
	if (el_level(s) > 1) return r.state = ASYNC_LOWER, r;
	r.state = s->pstate & row->mask ? ASYNC_MASKED : ASYNC_TAKEN;
	return r;
}

struct async_route async_route(const struct el_state *s, enum el_async line)
{
	const struct line *row = &rows[(unsigned)line % PHYSICAL];
	struct async_route r = (unsigned)line < PHYSICAL ? physical_route(s, row) : virtual_route(s, row);
	if (r.state == ASYNC_MASKED) r.why = row->masked;
	return r;
}

uint32_t async_lines(const struct el_state *s)
{
	uint32_t lines = s->lines;
	for (unsigned i = 0; i < PHYSICAL; i++)
		if (el2_enabled(s) && el_hcr(s, rows[i].virtual_now)) lines |= 1u << (i + PHYSICAL);
	return lines;
}

bool async_pending(const struct el_state *s, struct el_exception *out, struct async_route *route)
{
	static const uint8_t order[] = {ASYNC_SERROR, ASYNC_VSERROR, ASYNC_FIQ,
					ASYNC_VFIQ,   ASYNC_IRQ,     ASYNC_VIRQ};
	uint32_t lines = async_lines(s);
	for (unsigned i = 0; lines && i < sizeof(order); i++) {
		if (!(lines >> order[i] & 1)) continue;
		*route = async_route(s, order[i]);
		if (route->state != ASYNC_TAKEN) continue;
		const struct line *row = &rows[order[i] % PHYSICAL];
		*out = (struct el_exception){.kind = row->kind, .to = route->to, .preferred_pc = s->pc};
		out->virtual_line = order[i] >= PHYSICAL;
		if (row->kind == EXC_SERROR)
			out->esr = esr_make(EC_SERROR, out->virtual_line ? s->reg[R_VSESR_EL2] : 0);
		return true;
	}
	return false;
}
