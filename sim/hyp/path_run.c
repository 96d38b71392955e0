/* path_run.c - the interpreter of paths: fetch, exceptions in and out, the run of one operation. Steps:
 * path_exec.c. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "gic/vits.h"
#include "hyp/path_gic.h"
#include "hyp/path_share.h"
#include "hyp/path_steps.h"

#include <stdlib.h>

enum { STEP_LIMIT = 100000 }; /* longer than any exit; a loop is found in milliseconds */

struct el_features path_el_features(const struct features *f)
{
	return (struct el_features){.el2 = true,
				    .el3 = f->el3 != 0,
				    .vhe = f->vhe != 0,
				    .pan = f->pan != 0,
				    .sve = f->sve != 0,
				    .fgt = f->fgt != 0,
				    .hcx = f->hcx != 0,
				    .rme = f->rme != 0,
				    .sel2 = f->sel2 != 0,
				    .idst = f->idst != 0};
}

/* --- where a PC is ----------------------------------------------------------------------------------- */

static const struct path *path_at(const struct path_machine *m, uint64_t pc, size_t *index)
{
	if (pc - GUEST_BASE < 4 * m->own.count && pc % 4 == 0) {
		bool none_yet = m->running &&
				!m->own_step[0].name; /* an operation led back to where the guest began */
		*index = (pc - GUEST_BASE) / 4;
		return none_yet ? NULL : &m->own;
	}
	uint64_t path = (pc - PATH_BASE) / 0x1000;
	if (pc < PATH_BASE || path >= m->book->paths || pc % 4) return NULL;
	*index = (pc & 0xfff) / 4;
	return *index < m->book->path[path].count ? &m->book->path[path] : NULL;
}

static const char *path_name_at(const struct path_machine *m, uint64_t pc)
{
	size_t index;
	const struct path *p = path_at(m, pc, &index);
	return p ? p->name : "?";
}

/* The step there is one that the guest's files or the workload have. */
static bool of_guest(const struct path_machine *m, uint64_t pc)
{
	size_t index;
	const struct path *p = path_at(m, pc, &index);
	return p && p->operation;
}

bool path_in_guest(const struct path_machine *m)
{
	bool stage2 = el2_enabled(&m->el) && el_hcr(&m->el, HCR_VM);
	return el_level(&m->el) < 2 && stage2 && bits_get(m->el.reg[R_VTTBR_EL2], 63, 48) != 0;
}

static void tell(const struct path_machine *m, const struct path_event *e)
{
	if (m->running && m->event) m->event(m->event_ctx, e);
}

/* --- exceptions -------------------------------------------------------------------------------------- */

static const char *exception_name(const struct el_exception *x)
{
	static const char *const kinds[2][4] = {{"", "irq", "fiq", "serror"},
						{"", "virq", "vfiq", "vserror"}};
	if (x->kind == EXC_SYNC) return ec_name(esr_ec(x->esr));
	return kinds[x->virtual_line][x->kind];
}

static enum status at_vector(struct path_machine *m, const struct path_step *s, const struct el_exception *x,
			     const struct path_vectors **table, unsigned *vector, struct err *err)
{
	const struct path_book *b = m->book;
	uint64_t offset = m->el.pc - VECTOR_BASE, index = offset / 0x800;
	if (m->el.pc < VECTOR_BASE || index >= b->tables)
		return conf_fail(err, s->at, "%s to EL%u: %s = 0x%" PRIx64 " is no vector table",
				 exception_name(x), x->to, reg_rows[el_vbar(x->to)].name,
				 m->el.reg[el_vbar(x->to)]);
	*table = &b->vectors[index];
	*vector = (unsigned)(offset % 0x800 / 0x80);
	if ((*table)->path[*vector] != PATH_NONE) return OK;
	return conf_fail(err, s->at, "%s to EL%u: nothing stands at %s.%s", exception_name(x), x->to,
			 (*table)->name, vector_names[*vector]);
}

enum status path_take(struct path_machine *m, const struct path_step *s, const struct el_exception *x,
		      const char *rule, const char *source, struct err *err)
{
	const struct path_vectors *table = NULL;
	unsigned vector = 0;
	char at[64];
	struct path_event e = {
		.kind = EVENT_ENTRY, .step = s, .exception = *x, .rule = rule, .source = source};
	e.path = path_name_at(m, m->el.pc);
	e.in_guest = path_in_guest(m) && x->to < 2;
	e.of_guest = of_guest(m, m->el.pc);
	bool left = path_in_guest(m) && x->to >= 2;
	if (left) path_note_exit(m);
	e.device = x->has_hpfar && path_is_device(m, x->hpfar >> 4 << 12);
	e.transfer = el_take(&m->el, x);
	TRY(at_vector(m, s, x, &table, &vector, err));
	m->el.pc = path_address(table->path[vector], 0);
	snprintf(at, sizeof(at), "%s.%s", table->name, vector_names[vector]);
	e.vector = at;
	e.el = e.transfer.to;
	e.name = exception_name(x);
	e.to_path = path_name_at(m, m->el.pc);
	if (m->running && m->counts) m->counts->entries++;
	tell(m, &e);
	path_note_taken(m, x, left);
	return OK;
}

enum status path_eret(struct path_machine *m, const struct path_step *s, struct err *err)
{
	struct path_event e = {.kind = EVENT_RETURN, .step = s, .path = path_name_at(m, m->el.pc)};
	e.of_guest = of_guest(m, m->el.pc);
	bool inside = path_in_guest(m);
	size_t index;
	e.transfer = el_return(&m->el);
	e.in_guest = inside;
	e.el = e.transfer.to;
	if (!path_at(m, m->el.pc, &index))
		return conf_fail(err, s->at, "eret to EL%u: no path is at address 0x%" PRIx64, e.el,
				 m->el.pc);
	e.to_path = path_name_at(m, m->el.pc);
	e.to_guest = path_in_guest(m) || of_guest(m, m->el.pc);
	if (m->running && m->counts) m->counts->returns++;
	tell(m, &e);
	if (!inside && path_in_guest(m)) path_note_entered(m);
	return OK;
}

/* --- the run ----------------------------------------------------------------------------------------- */

uint64_t path_value(struct path_machine *m, const struct path_value *v, enum el_reg reg)
{
	switch ((enum value_kind)v->kind) {
	case VALUE_CONTEXT: return m->context[v->index][reg];
	case VALUE_BITS: return (m->el.reg[reg] & ~v->clear) | v->set;
	case VALUE_OPERATION: return m->entry;
	case VALUE_PATH: return path_address(v->index, 0);
	case VALUE_VECTORS: return vectors_address(v->index);
	case VALUE_ACKNOWLEDGED: return m->acknowledged;
	case VALUE_VGIC: return m->list_control;
	case VALUE_KICK: return path_kick(m);
	case VALUE_NEXT_CLUSTER:
	case VALUE_NEXT_VCPU: return path_next_targets(m, v->kind == VALUE_NEXT_CLUSTER);
	case VALUE_NUMBER: break;
	}
	return v->set;
}

static void prepare(struct path_machine *m)
{
	const struct path_book *b = m->book;
	struct el_features has = path_el_features(b->features);
	el_reset(&m->el, &has);
	for (unsigned r = 0; r < R_COUNT; r++)
		m->el.reg[r] = path_value(m, &b->start_registers->value[r], (enum el_reg)r);
	path_start_registers(m);
	for (size_t i = 0; i < b->contexts; i++)
		for (unsigned r = 0; r < R_COUNT; r++)
			m->context[i][r] = path_value(m, &b->context[i].value[r], (enum el_reg)r);
	for (size_t i = 0; i < b->variables; i++) m->variable[i] = b->variable[i].value;
	m->el.pstate = pstate_mode(b->start_el);
	m->el.pc = path_address(b->start, 0);
	m->sp_el3 = UINT64_C(0x3000000);
	m->call = m->guest_call = (struct path_call){.name = ""};
}

/* What comes before the instruction at the PC: an interrupt, or an illegal execution state. */
static enum status before_step(struct path_machine *m, const struct path_step *s, bool *taken,
			       struct err *err)
{
	struct el_exception x;
	struct async_route route;
	path_update_lines(m);
	*taken = true;
	if (async_pending(&m->el, &x, &route)) return path_take(m, s, &x, route.why, "DDI 0487, D1.3", err);
	if (m->el.pstate & PSTATE_IL) {
		unsigned el = el_level(&m->el);
		x = (struct el_exception){
			.kind = EXC_SYNC, .preferred_pc = m->el.pc, .esr = esr_make(EC_ILLEGAL, 0)};
		x.to = (uint8_t)(el ? el : el_tge(&m->el) ? 2 : 1);
		return path_take(m, s, &x, "PSTATE.IL", "DDI 0487, D1.3", err);
	}
	*taken = false;
	return OK;
}

/* So many list registers are in use. */
static void name_lists(const struct path_machine *m, struct path_event *e)
{
	e->registers = path_list_registers;
	e->register_count = path_lists(m);
}

static void tell_step(struct path_machine *m, const struct path *p, const struct path_step *s, bool waits)
{
	char text[160];
	struct path_event e = {.kind = EVENT_STEP, .step = s, .path = p->name};
	if (!m->running) return;
	if (m->counts) m->counts->steps++;
	if (!m->event || s->kind >= STEP_branch) return;
	struct trap_result t;
	e.el = (uint8_t)el_level(&m->el);
	e.in_guest = path_in_guest(m);
	e.of_guest = p->operation;
	e.secure = e.el == 3 || el_security(&m->el, e.el) != SEC_NONSECURE;
	e.e2h = el_e2h(&m->el);
	e.trapped = path_traps(m, s, &t);
	e.waits = waits;
	e.until = waits ? path_wait_end(m, s) : 0;
	e.soft = s->kind == STEP_softirq;
	e.handles = e.soft || s->kind == STEP_handler;
	e.intid = (uint32_t)m->acknowledged;
	e.text = step_text(m->book, s, text, sizeof(text));
	if (s->kind == STEP_save || s->kind == STEP_restore) {
		e.registers = m->book->list[s->list].reg;
		e.register_count = m->book->list[s->list].count;
	}
	if (s->kind == STEP_lists) name_lists(m, &e);
	tell(m, &e);
}

void path_tell_write(const struct path_machine *m, enum el_reg reg)
{
	struct path_event e = {.kind = EVENT_WRITE, .reg = (uint16_t)reg};
	if (!m->running || !m->event) return;
	e.el = (uint8_t)el_level(&m->el);
	e.in_guest = path_in_guest(m);
	e.path = path_name_at(m, m->el.pc);
	m->event(m->event_ctx, &e);
}

static enum status one_step(struct path_machine *m, struct err *err)
{
	size_t index;
	bool taken;
	const struct path *p = path_at(m, m->el.pc, &index);
	if (!p)
		return err_set(err, ERR_CONFIG, "%s: no path is at address 0x%" PRIx64, m->book->name,
			       m->el.pc);
	const struct path_step *s = &p->step[index];
	TRY(before_step(m, s, &taken, err));
	if (taken) return OK;
	bool waits = path_waits(m, s);
	if (waits) TRY(path_await(m, s, err));
	if (waits && m->parks && !path_wait_end(m, s) && !async_lines(&m->el)) return path_execute(m, s, err);
	tell_step(m, p, s, waits);
	return path_execute(m, s, err);
}

static enum status checked_step(struct path_machine *m, struct err *err)
{
	TRY(one_step(m, err));
	const char *broken = el_check(&m->el);
	if (!broken) return OK;
	return err_set(err, ERR_CONFIG, "%s: after a step at EL%u: %s", m->book->name, el_level(&m->el),
		       broken);
}

/* Until the guest is at its first instruction. */
static enum status boot(struct path_machine *m, struct err *err)
{
	prepare(m);
	for (int i = 0; i < STEP_LIMIT; i++) {
		if (m->el.pc == m->entry) return OK;
		TRY(checked_step(m, err));
	}
	return err_set(err, ERR_CONFIG, "%s: the guest is not entered: %d steps, last in path %s",
		       m->book->name, STEP_LIMIT, path_name_at(m, m->el.pc));
}

/* Whether others see what a step does. */
static bool is_seen(const struct path_step *s)
{
	unsigned kind = s->kind;
	return kind == STEP_lock || kind == STEP_lock_shared || kind == STEP_unlock || kind == STEP_tlbi;
}

/* Whether the guest's instruction stops before the step at the PC: others see it, or may end it. */
static bool stops_here(struct path_machine *m)
{
	size_t index;
	bool stops = (m->piecewise || m->holds) && m->own_running && !m->goes_on;
	const struct path *p = stops ? path_at(m, m->el.pc, &index) : NULL;
	m->held = p && m->holds && path_is_halt(m, &p->step[index]);
	return m->held || (p && m->piecewise && is_seen(&p->step[index]));
}

enum status path_run_on(struct path_machine *m, const char *what, struct err *err)
{
	enum status st = OK;
	m->running = true;
	m->parked = m->paused = false;
	for (int i = 0; st == OK && i < STEP_LIMIT && !m->finished && !m->parked && !m->paused; i++) {
		m->paused = stops_here(m);
		m->goes_on = m->paused;
		if (!m->paused) st = checked_step(m, err);
	}
	m->running = false;
	if (st != OK || m->finished || m->parked || m->paused) return st;
	return err_set(err, ERR_CONFIG, "%s: %s does not end: %d steps, last in path %s", m->book->name, what,
		       STEP_LIMIT, path_name_at(m, m->el.pc));
}

enum status path_run_from(struct path_machine *m, uint64_t pc, const char *what, struct err *err)
{
	m->el.pc = pc;
	m->finished = false;
	m->goes_on = false;
	return path_run_on(m, what, err);
}

static enum status find_operation(const struct path_book *b, const char *name, uint16_t *out, struct err *err)
{
	char list[384] = "";
	const char *doc, *op;
	*out = book_path(b, name);
	if (*out != PATH_NONE && b->path[*out].operation) return OK;
	for (size_t i = 0; (op = path_operation(b, i, &doc)); i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", op);
	}
	return err_set(err, ERR_CONFIG, "%s: no such operation; there are %s", name, list);
}

/* --- machines ------------------------------------------------------------------------------------------ */

enum status path_machine_new(const struct path_book *b, const char *operation, struct path_machine **out,
			     struct err *err)
{
	const struct path_gic_params alone = {.pes = 1, .translations = VITS_CACHED_PER_VCPU};
	struct path_gic *gic = path_gic_new(&alone);
	enum status st = path_machine_new_at(b, operation, gic, 0, out, err);
	if (st == OK) {
		(*out)->own_gic = true;
	} else {
		path_gic_free(gic);
	}
	return st;
}

enum status path_machine_new_at(const struct path_book *b, const char *operation, struct path_gic *gic,
				unsigned pe, struct path_machine **out, struct err *err)
{
	uint16_t first = PATH_NONE;
	*out = NULL;
	if (operation) TRY(find_operation(b, operation, &first, err));
	struct path_machine *m = xcalloc(1, sizeof(*m));
	m->book = b;
	m->gic = gic;
	m->pe = pe;
	m->context = xcalloc(b->contexts + 1, sizeof(*m->context));
	m->variable = xcalloc(b->variables + 1, sizeof(*m->variable));
	m->own = (struct path){.name = "guest", .step = m->own_step, .count = 2, .operation = true};
	m->entry = operation ? path_address(first, 0) : GUEST_BASE;
	enum status st = boot(m, err);
	if (st != OK) {
		path_machine_free(m);
		return st;
	}
	*out = m;
	return OK;
}

void path_machine_free(struct path_machine *m)
{
	if (!m) return;
	if (m->own_gic) path_gic_free(m->gic);
	free(m->context);
	free(m->variable);
	free(m);
}

void path_machine_listen(struct path_machine *m, path_event_fn *event, void *ctx, struct path_counts *counts)
{
	m->event = event;
	m->event_ctx = ctx;
	m->counts = counts;
}

/* A hypervisor that maps all memory of its files before the guest starts does so with this one, too. */
void path_machine_in_world(struct path_machine *m, uint64_t memory_base, uint64_t memory_bytes)
{
	bool mapped = true;
	for (size_t i = 0; i < m->book->regions; i++)
		if (m->book->region[i].kind == REGION_memory) mapped &= m->book->region[i].mapped;
	m->world = (struct path_region){"memory", memory_base, memory_bytes, REGION_memory, mapped};
	m->in_world = true;
}

bool path_machine_maps_all(const struct path_machine *m) { return m->world.mapped; }

void path_piecewise(struct path_machine *m, bool on) { m->piecewise = on; }
void path_wait(struct path_machine *m) { m->paused = true; }

void path_set_variable(struct path_machine *m, const char *name, bool value)
{
	uint16_t variable = book_variable(m->book, name);
	if (variable != PATH_NONE) m->variable[variable] = value;
}

const char *path_lock(const struct path_book *b, size_t index, unsigned *kind)
{
	if (index >= b->locks) return NULL;
	*kind = b->lock[index].kind;
	return b->lock[index].name;
}

void path_forget_pages(struct path_machine *m) { m->pages = 0; }

enum status path_perform(struct path_machine *m, const char *operation, struct err *err)
{
	uint16_t path;
	TRY(find_operation(m->book, operation, &path, err));
	return path_run_from(m, path_address(path, 0), operation, err);
}

enum status path_park(struct path_machine *m, const char *operation, struct err *err)
{
	m->parks = true;
	return path_perform(m, operation, err);
}

enum status path_unpark(struct path_machine *m, struct err *err)
{
	return path_run_from(m, m->el.pc, "what the guest does meanwhile", err);
}

enum status path_run(const struct path_book *b, const char *operation, path_event_fn *event, void *ctx,
		     struct path_counts *counts, struct err *err)
{
	struct path_machine *m;
	TRY(path_machine_new(b, operation, &m, err));
	path_machine_listen(m, event, ctx, counts);
	enum status st = path_perform(m, operation, err);
	path_machine_free(m);
	return st;
}
