/* path_check.c - at which levels each path runs, and steps that it cannot execute there. */
#include "hyp/path_steps.h"

/* Gives `path` the levels of its caller; true when that is news. */
static bool give_levels(struct path *p, unsigned levels)
{
	unsigned before = p->levels;
	p->levels |= (uint8_t)levels;
	return p->levels != before;
}

static bool spread_levels(struct path_book *b)
{
	bool news = false;
	for (size_t i = 0; i < b->paths; i++)
		for (size_t k = 0; k < b->path[i].count; k++) {
			const struct path_step *s = &b->path[i].step[k];
			if (s->kind == STEP_call) news |= give_levels(&b->path[s->target], b->path[i].levels);
		}
	return news;
}

/* A path that only ELR values name runs at the level of the SPSR beside them. */
static void levels_of_image(struct path_book *b, const struct path_context *c)
{
	for (unsigned el = 1; el <= 3; el++) {
		const struct path_value *elr = &c->value[el_elr(el)], *spsr = &c->value[el_spsr(el)];
		unsigned level = 1u << pstate_el(spsr->set);
		if (elr->kind == VALUE_PATH) give_levels(&b->path[elr->index], level);
		for (size_t i = 0; elr->kind == VALUE_OPERATION && i < b->paths; i++)
			if (b->path[i].operation) give_levels(&b->path[i], level);
	}
}

static bool writes_one_of(const struct path_step *s, enum el_reg el1, enum el_reg el2, enum el_reg el3)
{
	return s->kind == STEP_write && (s->reg.reg == el1 || s->reg.reg == el2 || s->reg.reg == el3);
}

/* A path that a step makes the target of a return runs at the level of the SPSR that the same path writes. */
static void levels_of_returns(struct path_book *b, const struct path *p)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct path_step *elr = &p->step[i];
		if (elr->kind != STEP_write || elr->value.kind != VALUE_PATH) continue;
		b->path[elr->value.index].named = true;
		if (!writes_one_of(elr, R_ELR_EL1, R_ELR_EL2, R_ELR_EL3)) continue;
		for (size_t k = 0; k < p->count; k++) {
			const struct path_step *spsr = &p->step[k];
			if (writes_one_of(spsr, R_SPSR_EL1, R_SPSR_EL2, R_SPSR_EL3) &&
			    spsr->value.kind == VALUE_NUMBER)
				give_levels(&b->path[elr->value.index], 1u << pstate_el(spsr->value.set));
		}
	}
}

static void find_levels(struct path_book *b)
{
	give_levels(&b->path[b->start], 1u << b->start_el);
	for (size_t i = 0; i < b->tables; i++)
		for (unsigned v = 0; v < 16; v++)
			if (b->vectors[i].path[v] != PATH_NONE)
				give_levels(&b->path[b->vectors[i].path[v]], 1u << b->vectors[i].el);
	for (size_t i = 0; i < b->contexts; i++) levels_of_image(b, &b->context[i]);
	for (size_t i = 0; i < b->paths; i++) levels_of_returns(b, &b->path[i]);
	while (spread_levels(b)) {}
}

static const char *register_problem(struct reg_name reg, unsigned el, bool vhe)
{
	if (el < reg_min_el(reg)) return "is not accessible at this level";
	if (reg.el12 && el < 2) return "is a name for EL2 and above";
	if (reg.el12 && !vhe) return "needs FEAT_VHE";
	return NULL;
}

static enum status check_registers(const struct path_book *b, const struct path_step *s, unsigned el,
				   struct err *err)
{
	const struct path_class *list = s->kind == STEP_save || s->kind == STEP_restore ? &b->list[s->list]
											: NULL;
	bool access = s->kind == STEP_read || s->kind == STEP_write;
	for (size_t i = 0; i < (list ? list->count : access); i++) {
		char name[32];
		struct reg_name reg = list ? list->reg[i] : s->reg;
		const char *problem = register_problem(reg, el, b->features->vhe != 0);
		if (!problem) continue;
		return conf_fail(err, s->at, "%s: %s %s (it runs at EL%u)", path_step_names[s->kind],
				 reg_text(reg, name, sizeof(name)), problem, el);
	}
	return OK;
}

static enum status check_step(const struct path_book *b, const struct path *p, const struct path_step *s,
			      unsigned el, struct err *err)
{
	bool needs_el1 = s->kind == STEP_eret || s->kind == STEP_hvc || s->kind == STEP_smc;
	if (needs_el1 && el == 0)
		return conf_fail(err, s->at, "%s: is undefined at EL0, where path %s runs",
				 path_step_names[s->kind], p->name);
	if (s->kind == STEP_done && !p->operation)
		return conf_fail(err, s->at, "done: only an operation of the guest ends");
	return check_registers(b, s, el, err);
}

enum status book_check(struct path_book *b, struct err *err)
{
	find_levels(b);
	for (size_t i = 0; i < b->paths; i++) {
		const struct path *p = &b->path[i];
		if (!p->levels && !p->named)
			return conf_fail(err, p->at, "%s: nothing leads to this path", p->name);
		for (size_t k = 0; k < p->count; k++)
			for (unsigned el = 0; el < 4; el++)
				if (p->levels >> el & 1) TRY(check_step(b, p, &p->step[k], el, err));
	}
	return OK;
}
