#include "hyp/exits.h"

void exits_init(struct exits *x)
{
	const struct el_features has = {.el2 = true, .el3 = true, .vhe = true};
	*x = (struct exits){0};
	el_reset(&x->el, &has);
	x->el.reg[R_SCR_EL3] = UINT64_C(1) << SCR_NS;
}

/* Puts the machine at `el`, where the trace says that it is. */
static void be_at(struct exits *x, unsigned el)
{
	if (x->begun && el_level(&x->el) != el) x->moved++;
	if (!x->begun || el_level(&x->el) != el) x->el.pstate = pstate_mode(el);
	x->begun = true;
}

static const char *entry_name(const struct record *r)
{
	static const char *const kinds[8] = {"", "irq", "fiq", "serror", "", "virq", "vfiq", "vserror"};
	unsigned kind = exc_kind_of(r->count);
	const char *name = kind == EXC_REC_SYNC ? ec_name(esr_ec(r->arg)) : kinds[kind];
	return name ? name : "ec_unknown";
}

/* No exception is taken to a lower level or to EL0; such a record is damaged, and left out. */
static bool replay_entry(struct exits *x, const struct record *r, struct exit_event *out)
{
	unsigned from = exc_from(r->count), to = exc_to(r->count), kind = exc_kind_of(r->count);
	if (to < from || to == 0) return false;
	struct el_exception e = {.to = (uint8_t)to, .esr = r->arg, .preferred_pc = r->addr};
	e.kind = (uint8_t)(kind & 3);
	e.virtual_line = kind >= EXC_REC_VIRTUAL;
	be_at(x, from);
	x->entries++;
	*out = (struct exit_event){.is_entry = true, .name = entry_name(r), .pc = r->addr, .esr = r->arg};
	out->transfer = el_take(&x->el, &e);
	return true;
}

static bool replay_return(struct exits *x, const struct record *r, struct exit_event *out)
{
	unsigned from = r->arg ? (unsigned)r->arg & 3 : el_level(&x->el);
	if (from == 0 || r->count > 3) return false;
	be_at(x, from);
	x->el.reg[el_elr(from)] = r->addr;
	x->el.reg[el_spsr(from)] = pstate_mode(r->count);
	x->returns++;
	*out = (struct exit_event){.name = "ret", .pc = r->addr};
	out->transfer = el_return(&x->el);
	x->illegal += out->transfer.illegal;
	return true;
}

bool exits_replay(struct exits *x, const struct record *r, struct exit_event *out)
{
	if (r->kind == REC_EXC) return replay_entry(x, r, out);
	return r->kind == REC_ERET && replay_return(x, r, out);
}
