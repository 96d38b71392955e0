/* path_terms.c - conditions of steps: from YAML to terms, and whether they hold. */
#include <string.h>

#include "config/bind.h"
#include "el/smccc.h"
#include "hyp/path_args.h"

static const char *const condition_names[COND_KINDS] = {
#define X(name, doc) #name,
	PATH_CONDITIONS(X)
#undef X
};

/* --- reading ----------------------------------------------------------------------------------------- */

static enum status feature_term(const struct path_book *b, const struct node *n, struct path_term *t,
				struct err *err)
{
	const char *name;
	TRY(arg_text(n, "a feature", &name, err));
	for (size_t i = 0; i < features_schema.count; i++) {
		const struct param *p = &features_schema.param[i];
		if (p->kind != PARAM_BOOL || strcmp(p->name, name) != 0) continue;
		memcpy(&t->value, (const char *)b->features + p->offset, sizeof(t->value));
		return OK;
	}
	return conf_fail(err, n->at, "%s: no such feature of machines (strata params features)", name);
}

static enum status yes_no(const struct node *n, uint64_t *out, struct err *err)
{
	const char *text;
	TRY(arg_text(n, "yes or no", &text, err));
	*out = strcmp(text, "yes") == 0;
	if (!*out && strcmp(text, "no") != 0) return conf_fail(err, n->at, "%s: yes or no is needed", text);
	return OK;
}

static enum status region_term(const struct node *n, struct path_term *t, struct err *err)
{
	const char *text;
	TRY(arg_text(n, "memory, kernel or user", &text, err));
	for (uint16_t i = 0; i < REGION_KINDS; i++)
		if (strcmp(region_names[i], text) == 0) return t->index = i, OK;
	return conf_fail(err, n->at, "%s: memory, kernel or user is needed", text);
}

static enum status fault_term(const struct node *n, struct path_term *t, struct err *err)
{
	static const char *const names[] = {[FAULT_TRANSLATION] = "translation",
					    [FAULT_ACCESS_FLAG] = "access_flag",
					    [FAULT_PERMISSION] = "permission"};
	const char *text;
	TRY(arg_text(n, "translation, access_flag or permission", &text, err));
	for (uint64_t i = FAULT_TRANSLATION; i <= FAULT_PERMISSION; i++)
		if (strcmp(names[i], text) == 0) return t->value = i, OK;
	return conf_fail(err, n->at, "%s: translation, access_flag or permission is needed", text);
}

static enum status ec_term(const struct node *n, struct path_term *t, struct err *err)
{
	const char *text;
	unsigned ec;
	TRY(arg_text(n, "an exception class", &text, err));
	if (!ec_find(text, &ec)) return conf_fail(err, n->at, "%s: no exception class of that name", text);
	t->value = ec;
	return OK;
}

static enum status sysreg_term(const struct node *n, struct path_term *t, struct err *err)
{
	const char *text;
	struct reg_name reg;
	TRY(arg_text(n, "a register", &text, err));
	TRY(arg_register(text, n->at, &reg, err));
	t->index = reg.reg;
	t->el12 = reg.el12;
	return OK;
}

static enum status call_term(const struct node *n, struct path_term *t, struct err *err)
{
	TRY(arg_text(n, "the name of a call", &t->call, err));
	t->value = path_call_id(t->call);
	return OK;
}

static enum status service_term(const struct node *n, struct path_term *t, struct err *err)
{
	static const char names[] =
#define X(name, first, last) " " #name
		SMCCC_SERVICES(X);
#undef X
	const char *text;
	enum smccc_service service;
	TRY(arg_text(n, "an SMCCC service", &text, err));
	if (!smccc_service_find(text, &service))
		return conf_fail(err, n->at, "service: %s: is none of%s", text, names);
	t->value = service;
	return OK;
}

static enum status read_term(const struct path_book *b, int kind, const struct node *n, struct path_term *t,
			     struct err *err)
{
	switch (kind) {
	case COND_feature: return feature_term(b, n, t, err);
	case COND_var: return arg_index(b, n, book_variable, "variable", &t->index, err);
	case COND_ec: return ec_term(n, t, err);
	case COND_targets:
	case COND_wfe:
	case COND_permission:
	case COND_write: return yes_no(n, &t->value, err);
	case COND_sysreg: return sysreg_term(n, t, err);
	case COND_region: return region_term(n, t, err);
	case COND_fault: return fault_term(n, t, err);
	case COND_vgic:
		return arg_one_of(n, vgic_state_names, "pending, kick, direct, sgis, doorbell or unsent",
				  &t->index, err);
	case COND_device:
		return arg_one_of(n, device_state_names, "any, level, message, cached or ended", &t->index,
				  err);
	case COND_page: return arg_u64(n, "an address", &t->value, err);
	case COND_call: return call_term(n, t, err);
	case COND_service: return service_term(n, t, err);
	default: return arg_u64(n, "an INTID", &t->value, err);
	}
}

static int condition_kind(const char *name)
{
	for (int i = 0; i < COND_KINDS; i++)
		if (strcmp(condition_names[i], name) == 0) return i;
	return -1;
}

static enum status add_terms(struct path_book *b, const struct node *n, bool expect, struct path_step *s,
			     struct err *err)
{
	uint16_t of = PATH_NONE;
	if (n->kind != NODE_MAP) return conf_fail(err, n->at, "if: {condition: value} is needed");
	const struct node *context = node_get(n, "of");
	if (context) TRY(arg_index(b, context, book_context, "context", &of, err));
	for (size_t i = 0; i < n->count; i++) {
		struct path_term *t = &s->term[s->term_count];
		int kind = condition_kind(n->key[i]);
		if (strcmp(n->key[i], "of") == 0 || strcmp(n->key[i], "not") == 0) continue;
		if (kind < 0) return conf_fail(err, n->key_at[i], "%s: no such condition", n->key[i]);
		*t = (struct path_term){.kind = (uint8_t)kind, .expect = expect, .of = of};
		TRY(read_term(b, kind, n->item[i], t, err));
		s->term_count++;
	}
	return OK;
}

enum status book_condition(struct path_book *b, const struct node *n, struct path_step *s, struct err *err)
{
	const struct node *denied = node_get(n, "not");
	size_t terms = n->count + (denied ? denied->count : 0);
	s->term = conf_alloc(b->conf, (terms + 1) * sizeof(*s->term));
	TRY(add_terms(b, n, true, s, err));
	return denied ? add_terms(b, denied, false, s, err) : OK;
}

/* Status codes of aborts without their level. */
enum { FAULT_STATUS_KIND = 0x3c, FAULT_STATUS_OF_PERMISSION = 0xc };

/* --- holding ----------------------------------------------------------------------------------------- */

static uint64_t syndrome(const struct path_machine *m, const struct path_term *t)
{
	unsigned el = el_level(&m->el);
	if (t->of != PATH_NONE) return m->context[t->of][R_ESR_EL2];
	return el ? m->el.reg[el_esr(el)] : 0;
}

static uint64_t fault_ipa(const struct path_machine *m, const struct path_term *t)
{
	uint64_t hpfar = t->of != PATH_NONE ? m->context[t->of][R_HPFAR_EL2] : m->el.reg[R_HPFAR_EL2];
	return hpfar >> 4 << 12;
}

/* The ISS of a trapped access names the register; Rt and direction do not matter. */
static bool names_register(uint64_t esr, const struct path_term *t)
{
	struct reg_name reg = {.reg = t->index, .el12 = t->el12};
	uint64_t ignored = bits_put(31, 9, 5) | 1;
	return esr_ec(esr) == EC_SYSREG && !((esr ^ trap_reg(reg, true, 0).iss) & bits_ones(25) & ~ignored);
}

static const struct path_call *call_of(const struct path_machine *m, const struct path_term *t)
{
	return t->of != PATH_NONE ? &m->guest_call : &m->call;
}

/* SMCCC calls are the same by identifier, also in their narrow form; others by name. */
static bool is_call(const struct path_call *call, const struct path_term *t)
{
	if (!call->id || !t->value) return strcmp(call->name, t->call) == 0;
	const struct smccc_call *known = smccc_by_id(call->id);
	return (known ? known->id : call->id) == t->value;
}

static bool term_holds(const struct path_machine *m, const struct path_term *t)
{
	switch ((enum path_condition_kind)t->kind) {
	case COND_feature: return t->value != 0;
	case COND_var: return m->variable[t->index];
	case COND_ec: return esr_ec(syndrome(m, t)) == t->value;
	case COND_write: return bit_get(syndrome(m, t), 6) == (t->value != 0);
	case COND_permission:
		return ((syndrome(m, t) & FAULT_STATUS_KIND) == FAULT_STATUS_OF_PERMISSION) ==
		       (t->value != 0);
	case COND_wfe: return bit_get(syndrome(m, t), 0) == (t->value != 0);
	case COND_sysreg: return names_register(syndrome(m, t), t);
	case COND_region: return path_region_at(m, fault_ipa(m, t)) == t->index;
	case COND_fault: return bits_get(syndrome(m, t), 5, 2) + 1 == t->value; /* levels do not matter */
	case COND_page: return fault_ipa(m, t) == t->value;
	case COND_call: return is_call(call_of(m, t), t);
	case COND_service:
		return call_of(m, t)->id && (uint64_t)smccc_service_of(call_of(m, t)->id) == t->value;
	case COND_irq: return m->acknowledged == t->value;
	case COND_targets: return path_has_targets(m) == (t->value != 0);
	case COND_vgic: return path_vgic_holds(m, (enum path_vgic_state)t->index);
	case COND_device: return path_device_state(m, (enum path_device_state)t->index);
	case COND_KINDS: break;
	}
	return false;
}

bool path_holds(const struct path_machine *m, const struct path_step *s)
{
	for (size_t i = 0; i < s->term_count; i++)
		if (term_holds(m, &s->term[i]) != s->term[i].expect) return false;
	return true;
}
