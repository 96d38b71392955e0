/* path_parse.c - steps and conditions: from YAML to a flat array with branches. */
#include <string.h>

#include "base/alloc.h"
#include "config/bind.h"
#include "config/suggest.h"
#include "el/debug.h"
#include "el/smccc.h"
#include "hyp/path_steps.h"

#include <stdlib.h>

const char *const path_step_names[STEP_KINDS] = {
#define X(name, doc) #name,
	PATH_STEPS(X)
#undef X
		"branch",
	"jump", "end"};

static const char *const condition_names[COND_KINDS] = {
#define X(name, doc) #name,
	PATH_CONDITIONS(X)
#undef X
};

/* Steps of one path while they are read. */
struct steps {
	struct path_book *book;
	struct path_step *step;
	size_t count, room;
	struct place at;
};

static struct path_step *add(struct steps *s, enum path_step_kind kind, struct place at)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 16;
		s->step = xrealloc(s->step, s->room, sizeof(*s->step));
	}
	s->step[s->count] = (struct path_step){.kind = (uint8_t)kind, .at = at, .name = "", .owner = ""};
	return &s->step[s->count++];
}

static int kind_of(const char *name)
{
	for (int i = 0; i < STEP_branch; i++)
		if (strcmp(path_step_names[i], name) == 0) return i;
	return -1;
}

static enum status unknown_step(const char *name, struct place at, struct err *err)
{
	struct suggest near;
	suggest_init(&near, name);
	for (int i = 0; i < STEP_branch; i++) suggest_try(&near, path_step_names[i]);
	suggest_try(&near, "if");
	return conf_fail(err, at, "%s: no such step%s%s%s", name, near.best ? "; did you mean " : "",
			 near.best ? near.best : "", near.best ? "?" : "");
}

/* --- arguments --------------------------------------------------------------------------------------- */

static enum status need_text(const struct node *n, const char *what, const char **out, struct err *err)
{
	*out = "";
	if (!n || n->kind != NODE_SCALAR)
		return conf_fail(err, n ? n->at : (struct place){0}, "%s is needed", what);
	*out = n->text;
	return OK;
}

static enum status need_u64(const struct node *n, const char *what, uint64_t *out, struct err *err)
{
	const char *text;
	TRY(need_text(n, what, &text, err));
	if (!param_parse_u64(text, "", out)) return conf_fail(err, n->at, "%s: %s is needed", text, what);
	return OK;
}

typedef uint16_t find_fn(const struct path_book *b, const char *name);

static enum status need_index(const struct path_book *b, const struct node *n, find_fn *find,
			      const char *what, uint16_t *out, struct err *err)
{
	const char *text;
	TRY(need_text(n, what, &text, err));
	*out = find(b, text);
	return *out == PATH_NONE ? conf_fail(err, n->at, "%s: there is no such %s", text, what) : OK;
}

static enum status need_register(const char *text, struct place at, struct reg_name *out, struct err *err)
{
	if (!reg_find(text, out)) return conf_fail(err, at, "%s: no register of that name", text);
	bool pstate = out->reg == R_DAIF || out->reg == R_SPSel || out->reg == R_CurrentEL ||
		      out->reg == R_PAN;
	return pstate ? conf_fail(err, at, "%s: is a part of PSTATE; use mask and unmask", text) : OK;
}

/* {d, a, i, f} as bits of PSTATE. */
static enum status need_masks(const struct node *n, uint64_t *out, struct err *err)
{
	static const char letters[] = "fiad";
	const char *text;
	TRY(need_text(n, "one or more of d, a, i, f", &text, err));
	for (; *text; text++) {
		const char *at = strchr(letters, *text);
		if (!at) return conf_fail(err, n->at, "%s: only d, a, i and f can be masked", n->text);
		*out |= PSTATE_F << (at - letters);
	}
	return OK;
}

/* --- steps by the shape of their argument ------------------------------------------------------------ */

/* Its code and data get memory: a body of more is several. */
enum { WORK_INSTRUCTIONS_MAX = 1000000, WORK_LINES_MAX = 100000 };

static enum status work_step(struct steps *s, const struct node *n, struct place at, struct err *err)
{
	struct path_step *step = add(s, STEP_work, at);
	if (n->kind != NODE_MAP) return conf_fail(err, at, "work: {name, instructions, lines} is needed");
	for (size_t i = 0; i < n->count; i++) {
		if (strcmp(n->key[i], "name") == 0) {
			TRY(need_text(n->item[i], "a name", &step->name, err));
		} else if (strcmp(n->key[i], "owner") == 0) {
			TRY(need_text(n->item[i], "an owner", &step->owner, err));
		} else if (strcmp(n->key[i], "instructions") == 0) {
			TRY(need_u64(n->item[i], "a number of instructions", &step->number, err));
		} else if (strcmp(n->key[i], "shared") == 0) {
			TRY(need_u64(n->item[i], "a number of cache lines", &step->shared, err));
		} else if (strcmp(n->key[i], "lines") == 0) {
			TRY(need_u64(n->item[i], "a number of cache lines", &step->lines, err));
		} else {
			return conf_fail(err, n->key_at[i],
					 "work: no key '%s'; name, instructions, lines, shared, owner are",
					 n->key[i]);
		}
	}
	if (step->number > WORK_INSTRUCTIONS_MAX || step->lines > WORK_LINES_MAX ||
	    step->shared > WORK_LINES_MAX)
		return conf_fail(err, at, "work: at most %d instructions and %d lines in one step",
				 WORK_INSTRUCTIONS_MAX, WORK_LINES_MAX);
	return OK;
}

const char *const bank_names[BANK_KINDS + 1] = {"gp", "fp", "sve", NULL};
const char *const vgic_names[VGIC_KINDS + 1] = {
#define X(name) #name,
	PATH_VGIC(X)
#undef X
		NULL};
const char *const vgic_state_names[VGIC_STATES + 1] = {
#define X(name) #name,
	PATH_VGIC_STATES(X)
#undef X
		NULL};
const char *const device_names[] = {
#define X(name, doc) #name,
	PATH_DEVICES(X)
#undef X
		NULL};
const char *const device_verb_names[] = {
#define X(name, doc) #name,
	PATH_DEVICE_VERBS(X)
#undef X
		NULL};
const char *const device_state_names[] = {
#define X(name, doc) #name,
	PATH_DEVICE_STATES(X)
#undef X
		NULL};
static const char *const list_verbs[] = {"read", "write", NULL};

/* `n` as one of `names`. */
static enum status need_one_of(const struct node *n, const char *const *names, const char *what,
			       uint16_t *out, struct err *err)
{
	const char *text;
	TRY(need_text(n, what, &text, err));
	for (uint16_t i = 0; names[i]; i++)
		if (strcmp(names[i], text) == 0) return *out = i, OK;
	return conf_fail(err, n->at, "%s: %s is needed", text, what);
}

static enum status bank_of(const struct node *n, uint16_t *out, struct err *err)
{
	const char *text;
	TRY(need_text(n, "registers: gp, fp or sve", &text, err));
	for (uint16_t i = 0; i < BANK_KINDS; i++)
		if (strcmp(bank_names[i], text) == 0) return *out = i, OK;
	return conf_fail(err, n->at, "%s: gp, fp or sve is needed", text);
}

static enum status spill_step(struct steps *s, enum path_step_kind kind, const struct node *n,
			      struct place at, struct err *err)
{
	struct path_step *step = add(s, kind, at);
	if (n->kind != NODE_MAP)
		return conf_fail(err, at, "%s: {registers, count, context} is needed", path_step_names[kind]);
	for (size_t i = 0; i < n->count; i++) {
		if (strcmp(n->key[i], "registers") == 0) {
			TRY(bank_of(n->item[i], &step->target, err));
		} else if (strcmp(n->key[i], "count") == 0) {
			TRY(need_u64(n->item[i], "a number of registers", &step->number, err));
		} else if (strcmp(n->key[i], "context") == 0) {
			TRY(need_index(s->book, n->item[i], book_context, "context", &step->context, err));
		} else {
			return conf_fail(err, n->key_at[i], "%s: no key '%s'; registers, count, context are",
					 path_step_names[kind], n->key[i]);
		}
	}
	if (step->number < 1 || step->number > 32)
		return conf_fail(err, at, "%s: count: 1 to 32 registers", path_step_names[kind]);
	if (!node_get(n, "context") || !node_get(n, "registers"))
		return conf_fail(err, at, "%s: registers and context are needed", path_step_names[kind]);
	return OK;
}

/* {interrupt, count, to, host}; without count one, without to and host the vCPU and core that perform the step. */
static enum status raise_step(struct steps *s, const struct node *n, struct place at, struct err *err)
{
	static const char *const places[] = {"self", "last", NULL};
	struct path_step *step = add(s, STEP_raise, at);
	uint16_t to = 0, host = 0;
	step->number = 1;
	if (n->kind != NODE_MAP || !node_get(n, "interrupt"))
		return conf_fail(err, at, "raise: {interrupt, count, to, host} is needed");
	for (size_t i = 0; i < n->count; i++) {
		if (strcmp(n->key[i], "interrupt") == 0) {
			TRY(need_one_of(n->item[i], device_names, "spi, level_spi, lpi or vlpi",
					&step->target, err));
		} else if (strcmp(n->key[i], "count") == 0) {
			TRY(need_u64(n->item[i], "a number of devices", &step->number, err));
		} else if (strcmp(n->key[i], "to") == 0) {
			TRY(need_one_of(n->item[i], places, "self or last", &to, err));
		} else if (strcmp(n->key[i], "host") == 0) {
			TRY(need_one_of(n->item[i], places, "self or last", &host, err));
		} else {
			return conf_fail(err, n->key_at[i],
					 "raise: no key '%s'; interrupt, count, to, host are", n->key[i]);
		}
	}
	if (step->number < 1 || step->number > PATH_DEVICE_COUNT)
		return conf_fail(err, at, "raise: count: 1 to %d devices", PATH_DEVICE_COUNT);
	bool wire = step->target == DEVICE_spi || step->target == DEVICE_level_spi;
	if (node_get(n, "host") && !wire)
		return conf_fail(err, at, "raise: host: a message goes to the core of its vCPU");
	step->guest_last = to;
	step->host_last = node_get(n, "host") ? host : to;
	return OK;
}

static enum status read_step(struct steps *s, const struct node *n, struct err *err)
{
	size_t count = n->kind == NODE_LIST ? n->count : 1;
	for (size_t i = 0; i < count; i++) {
		const struct node *item = n->kind == NODE_LIST ? n->item[i] : n;
		const char *text;
		TRY(need_text(item, "a register", &text, err));
		TRY(need_register(text, item->at, &add(s, STEP_read, item->at)->reg, err));
	}
	return OK;
}

static enum status write_step(struct steps *s, const struct node *n, struct place at, struct err *err)
{
	if (n->kind != NODE_MAP) return conf_fail(err, at, "write: {REGISTER: value} is needed");
	for (size_t i = 0; i < n->count; i++) {
		struct path_step *step = add(s, STEP_write, n->key_at[i]);
		TRY(need_register(n->key[i], n->key_at[i], &step->reg, err));
		TRY(book_value(s->book, n->item[i], true, &step->value, err));
	}
	return OK;
}

static enum status copy_step(struct steps *s, enum path_step_kind kind, const struct node *n, struct place at,
			     struct err *err)
{
	if (n->kind != NODE_MAP)
		return conf_fail(err, at, "%s: {class: context} is needed", path_step_names[kind]);
	for (size_t i = 0; i < n->count; i++) {
		struct path_step *step = add(s, kind, n->key_at[i]);
		step->list = book_list(s->book, n->key[i]);
		if (step->list == PATH_NONE)
			return conf_fail(err, n->key_at[i], "%s: there is no such class of registers",
					 n->key[i]);
		TRY(need_index(s->book, n->item[i], book_context, "context", &step->context, err));
	}
	return OK;
}

uint32_t path_call_id(const char *name)
{
	uint64_t id;
	const struct smccc_call *call = smccc_find(name);
	if (call) return call->id;
	return param_parse_u64(name, "", &id) && id <= UINT32_MAX ? (uint32_t)id : 0;
}

static enum status named_step(struct steps *s, enum path_step_kind kind, const struct node *n,
			      struct place at, struct err *err)
{
	struct path_step *step = add(s, kind, at);
	TRY(need_text(n, "a name", &step->name, err));
	if (kind == STEP_svc || kind == STEP_hvc || kind == STEP_smc) step->number = path_call_id(step->name);
	if (kind == STEP_smc && !step->number)
		return conf_fail(err, n->at, "%s: no SMCCC or PSCI call of that name", step->name);
	return OK;
}

static enum status argument_step(struct steps *s, enum path_step_kind kind, const struct node *n,
				 struct place at, struct err *err)
{
	struct path_step *step = add(s, kind, at);
	const struct path_book *b = s->book;
	switch (kind) {
	case STEP_protect:
	case STEP_age:
	case STEP_load:
	case STEP_store: return need_u64(n, "an address", &step->number, err);
	case STEP_timer: return need_u64(n, "an INTID", &step->number, err);
	case STEP_mask:
	case STEP_unmask: return need_masks(n, &step->number, err);
	case STEP_vgic:
		return need_one_of(
			n, vgic_names,
			"prepare, absorb, sgi, timer, lpi, event, vsgi, broadcast, schedule or deschedule",
			&step->target, err);
	case STEP_debug:
		return need_one_of(n, debug_names, "brk, breakpoint, watchpoint or step", &step->target, err);
	case STEP_device:
		return need_one_of(n, device_verb_names, "inject, mask, serve or unmask", &step->target, err);
	case STEP_lists: return need_one_of(n, list_verbs, "read or write", &step->target, err);
	case STEP_signal:
	case STEP_await:
	case STEP_await_all:
	case STEP_set:
	case STEP_clear: return need_index(b, n, book_variable, "variable", &step->target, err);
	case STEP_call: return need_index(b, n, book_path, "path", &step->target, err);
	case STEP_map:
	case STEP_skip: return need_index(b, n, book_context, "context", &step->context, err);
	default:
		return n->kind == NODE_NULL
			       ? OK
			       : conf_fail(err, n->at, "%s: takes no argument", path_step_names[kind]);
	}
}

static enum status one_step(struct steps *s, const char *name, const struct node *n, struct place at,
			    struct err *err)
{
	int kind = kind_of(name);
	switch (kind) {
	case -1: return unknown_step(name, at, err);
	case STEP_work: return work_step(s, n, at, err);
	case STEP_raise: return raise_step(s, n, at, err);
	case STEP_read: return read_step(s, n, err);
	case STEP_write: return write_step(s, n, at, err);
	case STEP_save:
	case STEP_restore: return copy_step(s, (enum path_step_kind)kind, n, at, err);
	case STEP_spill:
	case STEP_fill: return spill_step(s, (enum path_step_kind)kind, n, at, err);
	case STEP_svc:
	case STEP_hvc:
	case STEP_smc:
	case STEP_lock:
	case STEP_lock_shared:
	case STEP_tlbi:
	case STEP_unlock:
	case STEP_mark:
	case STEP_barrier: return named_step(s, (enum path_step_kind)kind, n, at, err);
	default: return argument_step(s, (enum path_step_kind)kind, n, at, err);
	}
}

/* --- conditions -------------------------------------------------------------------------------------- */

static enum status feature_term(const struct path_book *b, const struct node *n, struct path_term *t,
				struct err *err)
{
	const char *name;
	TRY(need_text(n, "a feature", &name, err));
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
	TRY(need_text(n, "yes or no", &text, err));
	*out = strcmp(text, "yes") == 0;
	if (!*out && strcmp(text, "no") != 0) return conf_fail(err, n->at, "%s: yes or no is needed", text);
	return OK;
}

static enum status region_term(const struct node *n, struct path_term *t, struct err *err)
{
	const char *text;
	TRY(need_text(n, "memory, kernel or user", &text, err));
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
	TRY(need_text(n, "translation, access_flag or permission", &text, err));
	for (uint64_t i = FAULT_TRANSLATION; i <= FAULT_PERMISSION; i++)
		if (strcmp(names[i], text) == 0) return t->value = i, OK;
	return conf_fail(err, n->at, "%s: translation, access_flag or permission is needed", text);
}

static enum status ec_term(const struct node *n, struct path_term *t, struct err *err)
{
	const char *text;
	unsigned ec;
	TRY(need_text(n, "an exception class", &text, err));
	if (!ec_find(text, &ec)) return conf_fail(err, n->at, "%s: no exception class of that name", text);
	t->value = ec;
	return OK;
}

static enum status sysreg_term(const struct node *n, struct path_term *t, struct err *err)
{
	const char *text;
	struct reg_name reg;
	TRY(need_text(n, "a register", &text, err));
	TRY(need_register(text, n->at, &reg, err));
	t->index = reg.reg;
	t->el12 = reg.el12;
	return OK;
}

static enum status call_term(const struct node *n, struct path_term *t, struct err *err)
{
	TRY(need_text(n, "the name of a call", &t->call, err));
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
	TRY(need_text(n, "an SMCCC service", &text, err));
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
	case COND_var: return need_index(b, n, book_variable, "variable", &t->index, err);
	case COND_ec: return ec_term(n, t, err);
	case COND_targets:
	case COND_wfe:
	case COND_permission:
	case COND_write: return yes_no(n, &t->value, err);
	case COND_sysreg: return sysreg_term(n, t, err);
	case COND_region: return region_term(n, t, err);
	case COND_fault: return fault_term(n, t, err);
	case COND_vgic:
		return need_one_of(n, vgic_state_names, "pending, kick, direct, sgis, doorbell or unsent",
				   &t->index, err);
	case COND_device:
		return need_one_of(n, device_state_names, "any, level, message, cached or ended", &t->index,
				   err);
	case COND_page: return need_u64(n, "an address", &t->value, err);
	case COND_call: return call_term(n, t, err);
	case COND_service: return service_term(n, t, err);
	default: return need_u64(n, "an INTID", &t->value, err);
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
	if (context) TRY(need_index(b, context, book_context, "context", &of, err));
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

static enum status list_of_steps(struct steps *s, const struct node *n, struct err *err);

static enum status if_step(struct steps *s, const struct node *n, struct err *err)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->key[i], "if") && strcmp(n->key[i], "then") && strcmp(n->key[i], "else"))
			return conf_fail(err, n->key_at[i], "%s: beside if only then and else may stand",
					 n->key[i]);
	const struct node *then = node_get(n, "then"), *otherwise = node_get(n, "else");
	if (!then && !otherwise) return conf_fail(err, n->at, "if: then or else is needed");
	size_t branch = s->count, jump;
	TRY(book_condition(s->book, node_get(n, "if"), add(s, STEP_branch, n->at), err));
	if (then) TRY(list_of_steps(s, then, err));
	jump = s->count;
	if (otherwise) add(s, STEP_jump, n->at);
	s->step[branch].target = (uint16_t)s->count;
	if (!otherwise) return OK;
	TRY(list_of_steps(s, otherwise, err));
	s->step[jump].target = (uint16_t)s->count;
	return OK;
}

static enum status step_of_list(struct steps *s, const struct node *item, struct err *err)
{
	const struct node nothing = {.kind = NODE_NULL, .at = item->at};
	if (item->kind == NODE_SCALAR) return one_step(s, item->text, &nothing, item->at, err);
	if (node_get(item, "if")) return if_step(s, item, err);
	if (item->kind != NODE_MAP || item->count != 1)
		return conf_fail(err, item->at, "a step is a name, or one name with its argument");
	return one_step(s, item->key[0], item->item[0], item->key_at[0], err);
}

static enum status list_of_steps(struct steps *s, const struct node *n, struct err *err)
{
	if (n->kind != NODE_LIST) return conf_fail(err, n->at, "a list of steps is needed");
	for (size_t i = 0; i < n->count; i++) {
		if (s->count >= PATH_MAX_STEPS - 2)
			return conf_fail(err, n->item[i]->at, "a path has at most %d steps", PATH_MAX_STEPS);
		TRY(step_of_list(s, n->item[i], err));
	}
	return OK;
}

enum status book_steps(struct path_book *b, const struct node *n, struct path *p, struct err *err)
{
	struct steps s = {.book = b, .at = n->at};
	enum status st = list_of_steps(&s, n, err);
	add(&s, STEP_end, n->at);
	p->count = s.count;
	p->step = conf_alloc(b->conf, s.count * sizeof(*p->step));
	memcpy(p->step, s.step, s.count * sizeof(*p->step));
	free(s.step);
	if (st == OK && p->count >= PATH_MAX_STEPS) st = conf_fail(err, n->at, "%s: too many steps", p->name);
	return st;
}
