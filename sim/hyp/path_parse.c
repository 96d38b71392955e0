/* path_parse.c - steps: from YAML to a flat array with branches. Their arguments: path_args.h; conditions: path_terms.c. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/bind.h"
#include "config/suggest.h"
#include "el/debug.h"
#include "el/smccc.h"
#include "hyp/path_args.h"

const char *const path_step_names[STEP_KINDS] = {
#define X(name, doc) #name,
	PATH_STEPS(X)
#undef X
		"branch",
	"jump", "end"};

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

/* {d, a, i, f} as bits of PSTATE. */
static enum status need_masks(const struct node *n, uint64_t *out, struct err *err)
{
	static const char letters[] = "fiad";
	const char *text;
	TRY(arg_text(n, "one or more of d, a, i, f", &text, err));
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
			TRY(arg_text(n->item[i], "a name", &step->name, err));
		} else if (strcmp(n->key[i], "owner") == 0) {
			TRY(arg_text(n->item[i], "an owner", &step->owner, err));
		} else if (strcmp(n->key[i], "instructions") == 0) {
			TRY(arg_u64(n->item[i], "a number of instructions", &step->number, err));
		} else if (strcmp(n->key[i], "shared") == 0) {
			TRY(arg_u64(n->item[i], "a number of cache lines", &step->shared, err));
		} else if (strcmp(n->key[i], "lines") == 0) {
			TRY(arg_u64(n->item[i], "a number of cache lines", &step->lines, err));
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

static enum status bank_of(const struct node *n, uint16_t *out, struct err *err)
{
	const char *text;
	TRY(arg_text(n, "registers: gp, fp or sve", &text, err));
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
			TRY(arg_u64(n->item[i], "a number of registers", &step->number, err));
		} else if (strcmp(n->key[i], "context") == 0) {
			TRY(arg_index(s->book, n->item[i], book_context, "context", &step->context, err));
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
			TRY(arg_one_of(n->item[i], device_names, "spi, level_spi, lpi or vlpi", &step->target,
				       err));
		} else if (strcmp(n->key[i], "count") == 0) {
			TRY(arg_u64(n->item[i], "a number of devices", &step->number, err));
		} else if (strcmp(n->key[i], "to") == 0) {
			TRY(arg_one_of(n->item[i], places, "self or last", &to, err));
		} else if (strcmp(n->key[i], "host") == 0) {
			TRY(arg_one_of(n->item[i], places, "self or last", &host, err));
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
		TRY(arg_text(item, "a register", &text, err));
		TRY(arg_register(text, item->at, &add(s, STEP_read, item->at)->reg, err));
	}
	return OK;
}

static enum status write_step(struct steps *s, const struct node *n, struct place at, struct err *err)
{
	if (n->kind != NODE_MAP) return conf_fail(err, at, "write: {REGISTER: value} is needed");
	for (size_t i = 0; i < n->count; i++) {
		struct path_step *step = add(s, STEP_write, n->key_at[i]);
		TRY(arg_register(n->key[i], n->key_at[i], &step->reg, err));
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
		TRY(arg_index(s->book, n->item[i], book_context, "context", &step->context, err));
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
	TRY(arg_text(n, "a name", &step->name, err));
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
	case STEP_store: return arg_u64(n, "an address", &step->number, err);
	case STEP_timer: return arg_u64(n, "an INTID", &step->number, err);
	case STEP_mask:
	case STEP_unmask: return need_masks(n, &step->number, err);
	case STEP_vgic:
		return arg_one_of(
			n, vgic_names,
			"prepare, absorb, sgi, timer, lpi, event, vsgi, broadcast, schedule or deschedule",
			&step->target, err);
	case STEP_debug:
		return arg_one_of(n, debug_names, "brk, breakpoint, watchpoint or step", &step->target, err);
	case STEP_device:
		return arg_one_of(n, device_verb_names, "inject, mask, serve or unmask", &step->target, err);
	case STEP_lists: return arg_one_of(n, list_verbs, "read or write", &step->target, err);
	case STEP_signal:
	case STEP_await:
	case STEP_await_all:
	case STEP_set:
	case STEP_clear: return arg_index(b, n, book_variable, "variable", &step->target, err);
	case STEP_call: return arg_path(b, n, &step->target, err);
	case STEP_map:
	case STEP_skip: return arg_index(b, n, book_context, "context", &step->context, err);
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
