/* path_exec.c - what each step does to the machine. When conditions hold: path_terms.c. */
#include <inttypes.h>
#include <string.h>

#include "el/debug.h"
#include "hyp/path_gic.h"
#include "hyp/path_steps.h"

static enum status next(struct path_machine *m) { return m->el.pc += 4, OK; }

/* Asks the trap rules; *through: the instruction does its work. */
static enum status ask(struct path_machine *m, const struct path_step *s, struct trap_op op,
		       struct trap_result *t, bool *through, struct err *err)
{
	*t = trap_decide(&m->el, &op);
	*through = t->outcome == TRAP_NO;
	return *through ? OK : path_take(m, s, &t->x, t->rule, t->source, err);
}

/* An instruction that does nothing here unless it traps. */
static enum status plain(struct path_machine *m, const struct path_step *s, struct trap_op op,
			 struct err *err)
{
	struct trap_result t;
	bool through;
	TRY(ask(m, s, op, &t, &through, err));
	return through ? next(m) : OK;
}

/* The instruction of a step that trap rules know. */
static bool operation_of(const struct path_step *s, struct trap_op *op)
{
	switch (s->kind) {
	case STEP_read: *op = trap_reg(s->reg, false, 0); return true;
	case STEP_write: *op = trap_reg(s->reg, true, 0); return true;
	case STEP_mask:
	case STEP_unmask: *op = trap_reg((struct reg_name){.reg = R_DAIF}, true, 0); return true;
	case STEP_svc: *op = trap_svc(0); return true;
	case STEP_hvc: *op = trap_hvc(0); return true;
	case STEP_smc: *op = trap_smc(0); return true;
	case STEP_wfi: *op = trap_wfi(); return true;
	case STEP_wfe: *op = trap_wfe(); return true;
	case STEP_fp: *op = trap_fp(); return true;
	case STEP_sve: *op = trap_sve(); return true;
	case STEP_eret: *op = trap_eret(); return true;
	default: return false;
	}
}

/* With an interrupt pending, masked or not, WFI is no wait and traps nowhere. DDI 0487, D1.6. */
bool path_traps(const struct path_machine *m, const struct path_step *s, struct trap_result *t)
{
	struct trap_op op;
	if (s->kind == STEP_debug) return *t = debug_decide(&m->el, s->target), t->outcome != TRAP_NO;
	if (!operation_of(s, &op) || (s->kind == STEP_wfi && async_lines(&m->el))) return false;
	*t = trap_decide(&m->el, &op);
	return t->outcome != TRAP_NO;
}

/* The guest's instruction that no file has: what it moves stays as it is. */
static bool is_own(const struct path_machine *m, const struct path_step *s) { return s == &m->own_step[0]; }

/* --- registers --------------------------------------------------------------------------------------- */

static void count_read(struct path_machine *m, enum el_reg reg)
{
	if (m->running && m->counts) m->counts->reads[reg]++;
}

static void set_register(struct path_machine *m, enum el_reg reg, uint64_t value)
{
	if (m->running && m->counts) m->counts->writes[reg]++;
	path_register_written(m, reg, value);
	path_tell_write(m, reg);
}

static enum status exec_read(struct path_machine *m, const struct path_step *s, struct err *err)
{
	struct trap_result t;
	bool through;
	TRY(ask(m, s, trap_reg(s->reg, false, 0), &t, &through, err));
	if (!through) return OK;
	count_read(m, t.reg);
	if (!is_own(m, s)) path_register(m, t.reg);
	return next(m);
}

/* Of what a guest's own kernel writes without a trap, others see its SGIs alone. */
static enum status own_write(struct path_machine *m, const struct path_step *s, enum el_reg reg)
{
	if (reg == R_ICC_SGI1R_EL1) set_register(m, reg, s->number);
	return next(m);
}

static enum status exec_write(struct path_machine *m, const struct path_step *s, struct err *err)
{
	struct trap_result t;
	bool through;
	bool targets = s->value.kind == VALUE_NEXT_CLUSTER || s->value.kind == VALUE_NEXT_VCPU;
	uint64_t sgi = targets ? path_value(m, &s->value, R_ICC_SGI1R_EL1)
			       : s->value.set; /* once, trapped or not */
	if (path_in_guest(m)) m->moved = is_own(m, s) ? s->number : sgi;
	TRY(ask(m, s, trap_reg(s->reg, true, 0), &t, &through, err));
	if (!through) return OK;
	if (is_own(m, s)) return own_write(m, s, t.reg);
	if (s->value.kind == VALUE_BITS) count_read(m, t.reg);
	set_register(m, t.reg, targets ? sgi : path_value(m, &s->value, t.reg));
	return next(m);
}

/* A class is many accesses; hypervisors do not let their own be trapped, so one that is, is told as an
 * error. */
static enum status class_register(struct path_machine *m, const struct path_step *s, struct reg_name name,
				  bool write, enum el_reg *out, struct err *err)
{
	char text[32];
	struct trap_op op = trap_reg(name, write, 0);
	struct trap_result t = trap_decide(&m->el, &op);
	*out = t.reg;
	if (t.outcome == TRAP_NO) return OK;
	return conf_fail(err, s->at, "%s: %s traps to EL%u: %s", path_step_names[s->kind],
			 reg_text(name, text, sizeof(text)), t.x.to, t.rule);
}

static enum status exec_copy(struct path_machine *m, const struct path_step *s, struct err *err)
{
	const struct path_class *list = &m->book->list[s->list];
	uint64_t *image = m->context[s->context];
	bool restore = s->kind == STEP_restore;
	for (size_t i = 0; i < list->count; i++) {
		enum el_reg reg;
		TRY(class_register(m, s, list->reg[i], restore, &reg, err));
		if (restore) {
			set_register(m, reg, image[reg]);
		} else {
			count_read(m, reg);
			image[reg] = path_register(m, reg);
		}
	}
	return next(m);
}

static enum status exec_mask(struct path_machine *m, const struct path_step *s, struct err *err)
{
	struct trap_result t;
	bool through;
	TRY(ask(m, s, trap_reg((struct reg_name){.reg = R_DAIF}, true, 0), &t, &through, err));
	if (!through) return OK;
	if (s->kind == STEP_mask) {
		m->el.pstate |= s->number;
	} else {
		m->el.pstate &= ~s->number;
	}
	return next(m);
}

/* --- calls and waits --------------------------------------------------------------------------------- */

static enum status exec_exception(struct path_machine *m, const struct path_step *s, struct err *err)
{
	m->call = (struct path_call){s->name, (uint32_t)s->number};
	if (path_in_guest(m)) m->guest_call = m->call;
	switch (s->kind) {
	case STEP_svc: return plain(m, s, trap_svc(0), err);
	case STEP_hvc: return plain(m, s, trap_hvc(0), err);
	default: return plain(m, s, trap_smc(0), err);
	}
}

static enum status exec_debug(struct path_machine *m, const struct path_step *s, struct err *err)
{
	struct trap_result t = debug_decide(&m->el, s->target);
	return t.outcome == TRAP_NO ? next(m) : path_take(m, s, &t.x, t.rule, t.source, err);
}

static enum status wait(struct path_machine *m, const struct path_step *s, struct err *err)
{
	path_update_lines(m);
	if (async_lines(&m->el)) return next(m);
	if (m->parks) return m->parked = true, OK;
	if (m->in_world) return next(m);
	return conf_fail(err, s->at, "%s: waits, and nothing will end that", path_step_names[s->kind]);
}

static enum status exec_wfi(struct path_machine *m, const struct path_step *s, struct err *err)
{
	struct trap_result t;
	bool through;
	if (async_lines(&m->el)) return next(m);
	TRY(ask(m, s, trap_wfi(), &t, &through, err));
	return through ? wait(m, s, err) : OK;
}

static bool awaits(const struct path_step *s) { return s->kind == STEP_await || s->kind == STEP_await_all; }

/* Whether what an await waits for is there, and since when. */
static bool has_come(const struct path_machine *m, const struct path_step *s, cycles_t *seen)
{
	unsigned times = s->kind == STEP_await ? 1 : path_gic_pes(m->gic) - 1;
	return path_gic_signalled(m->gic, m->pe, s->target, times, seen);
}

/* What stands still until something comes: told once, with its end. */
bool path_waits(const struct path_machine *m, const struct path_step *s)
{
	struct trap_result t;
	cycles_t seen;
	if (awaits(s)) return !has_come(m, s, &seen);
	if (s->kind != STEP_spin && s->kind != STEP_wfi) return false;
	return !async_lines(&m->el) && !path_traps(m, s, &t);
}

/* Lets happen what the step waits for: devices, a timer of its own, or what others do. */
enum status path_await(struct path_machine *m, const struct path_step *s, struct err *err)
{
	bool itself = !awaits(s);
	bool raised = path_raise_devices(m) && itself && async_lines(&m->el);
	cycles_t arrival = path_gic_arrival(m->gic, m->pe), due = path_gic_deadline_of(m->gic, m->pe);
	bool comes = arrival && (!due || arrival <= due);
	if (raised || comes || (itself && path_fire_timer(m)) || arrival) return OK;
	return path_gic_let_others(m->gic, m->pe, err);
}

/* When that is there. */
cycles_t path_wait_end(const struct path_machine *m, const struct path_step *s)
{
	cycles_t seen;
	bool told = awaits(s) && has_come(m, s, &seen);
	return told ? seen : path_gic_arrival(m->gic, m->pe);
}

static enum status exec_await(struct path_machine *m, const struct path_step *s, struct err *err)
{
	cycles_t seen;
	if (has_come(m, s, &seen)) {
		path_gic_forget(m->gic, s->target);
		return next(m);
	}
	path_update_lines(m);
	if (async_lines(&m->el)) return OK; /* which comes first */
	if (m->parks) return m->parked = true, OK;
	return conf_fail(err, s->at, "%s: no other vCPU signals %s", path_step_names[s->kind],
			 m->book->variable[s->target].name);
}

static enum status exec_lists(struct path_machine *m, const struct path_step *s, struct err *err)
{
	for (unsigned i = 0; i < path_lists(m); i++) {
		enum el_reg reg;
		TRY(class_register(m, s, path_list_registers[i], s->target, &reg, err));
		if (s->target) {
			set_register(m, reg, m->list_value[i]);
			path_listed(m, i);
		} else {
			count_read(m, reg);
		}
	}
	return next(m);
}

static uint64_t *stack_pointer(struct path_machine *m)
{
	enum el_reg sp = el_stack_reg(&m->el);
	return sp == R_NONE ? &m->sp_el3 : &m->el.reg[sp];
}

/* A call that a path ends with is a branch: the callee returns to the caller's caller, if it returns. */
static enum status exec_call(struct path_machine *m, const struct path_step *s, struct err *err)
{
	if (s[1].kind == STEP_end) {
		m->el.pc = path_address(s->target, 0);
		return OK;
	}
	uint64_t *sp = stack_pointer(m);
	if (m->stack_used == PATH_STACK)
		return conf_fail(err, s->at, "call: more than %d calls are open", PATH_STACK);
	*sp -= 16;
	m->stack[m->stack_used++] = (struct path_slot){*sp, m->el.pc + 4};
	m->el.pc = path_address(s->target, 0);
	return OK;
}

/* Back to the caller whose return address is on top of the present stack, which may have been switched to. */
static enum status exec_end(struct path_machine *m, const struct path_step *s, struct err *err)
{
	uint64_t *sp = stack_pointer(m);
	for (size_t i = m->stack_used; i-- > 0;) {
		if (m->stack[i].address != *sp) continue;
		m->el.pc = m->stack[i].value;
		m->stack_used--;
		memmove(&m->stack[i], &m->stack[i + 1], (m->stack_used - i) * sizeof(m->stack[0]));
		*sp += 16;
		return OK;
	}
	return conf_fail(err, s->at,
			 "this path ends at EL%u with no caller on its stack: eret or repeat is missing",
			 el_level(&m->el));
}

/* --- stage 2 ----------------------------------------------------------------------------------------- */

static const struct path_region *region_of(const struct path_machine *m, uint64_t ipa)
{
	const struct path_book *b = m->book;
	if (ipa - m->world.base < m->world.bytes) return &m->world;
	for (size_t i = 0; i < b->regions; i++)
		if (ipa - b->region[i].base < b->region[i].bytes) return &b->region[i];
	return NULL;
}

/* Whatever nobody claims is the VMM's to answer. */
enum region_kind path_region_at(const struct path_machine *m, uint64_t ipa)
{
	const struct path_region *r = region_of(m, ipa);
	return r ? (enum region_kind)r->kind : REGION_user;
}

bool path_is_device(const struct path_machine *m, uint64_t ipa)
{
	return path_region_at(m, ipa) != REGION_memory;
}

static struct path_page *find_page(struct path_machine *m, uint64_t ipa)
{
	for (size_t i = 0; i < m->pages; i++)
		if (m->page[i].number == ipa >> 12) return &m->page[i];
	return NULL;
}

static enum status put_page(struct path_machine *m, const struct path_step *s, uint64_t ipa,
			    enum fault_kind refuses, struct err *err)
{
	struct path_page *p = find_page(m, ipa);
	if (!p && m->pages == PATH_PAGES)
		return conf_fail(err, s->at, "%s: more than %d pages", path_step_names[s->kind], PATH_PAGES);
	if (!p) p = &m->page[m->pages++];
	*p = (struct path_page){ipa >> 12, (uint8_t)refuses};
	return next(m);
}

/* Who maps all memory beforehand neither logs writes nor ages pages. */
static enum status exec_page_state(struct path_machine *m, const struct path_step *s, enum fault_kind refuses,
				   struct err *err)
{
	const struct path_region *r = region_of(m, s->number);
	return r && r->mapped ? next(m) : put_page(m, s, s->number, refuses, err);
}

/* The fault that stage 2 answers an access with; FAULT_NONE: none. */
static enum fault_kind page_refuses(struct path_machine *m, uint64_t ipa, bool write)
{
	const struct path_region *r = region_of(m, ipa);
	const struct path_page *p = find_page(m, ipa);
	if (!p) return r && r->mapped ? FAULT_NONE : FAULT_TRANSLATION;
	return p->refuses == FAULT_PERMISSION && !write ? FAULT_NONE : (enum fault_kind)p->refuses;
}

/* DFSC <5:0>: 0b0001LL translation, 0b0010LL access flag, 0b0011LL permission, all of level 3 here; WnR <6>; ISV <24>, SAS <23:22>
 * word. DDI 0487, D19.2, ESR_EL2. */
static uint64_t abort_syndrome(const struct path_machine *m, enum fault_kind kind, bool write)
{
	uint64_t status = ((uint64_t)kind - FAULT_ADDRESS_SIZE) << 2 | 3;
	if (m->own_running && m->own_fetch) return esr_make(EC_IABT_LOW, status);
	return esr_make(EC_DABT_LOW, UINT64_C(1) << 24 | UINT64_C(2) << 22 | (uint64_t)write << 6 | status);
}

static struct el_exception stage2_abort(const struct path_machine *m, uint64_t ipa, enum fault_kind kind,
					bool write)
{
	struct el_exception x = {.kind = EXC_SYNC, .to = 2, .has_far = true, .has_hpfar = true};
	x.esr = abort_syndrome(m, kind, write);
	x.far = ipa;
	x.hpfar = (ipa >> 12) << 4;
	x.preferred_pc = m->el.pc;
	return x;
}

static enum status exec_access(struct path_machine *m, const struct path_step *s, struct err *err)
{
	static const char *const rules[] = {
		[FAULT_TRANSLATION] = "HCR_EL2.VM: stage 2 maps nothing there",
		[FAULT_ACCESS_FLAG] = "HCR_EL2.VM: stage 2 has not set the access flag",
		[FAULT_PERMISSION] = "HCR_EL2.VM: stage 2 does not allow it"};
	bool write = s->kind == STEP_store, own = is_own(m, s);
	enum fault_kind kind = page_refuses(m, s->number, write);
	if (own) kind = m->own_refuses ? (enum fault_kind)m->own_refuses : FAULT_TRANSLATION;
	if (!path_in_guest(m) || (own ? m->own_mapped : kind == FAULT_NONE)) return next(m);
	if (own && m->own_asked++) return m->finished = true, OK; /* and it would fault for ever */
	struct el_exception x = stage2_abort(m, s->number, kind, write);
	return path_take(m, s, &x, rules[kind], "DDI 0487, D8", err);
}

static enum status exec_map(struct path_machine *m, const struct path_step *s, struct err *err)
{
	uint64_t ipa = m->context[s->context][R_HPFAR_EL2] >> 4 << 12;
	if (path_region_at(m, ipa) != REGION_memory)
		return conf_fail(err, s->at, "map: IPA 0x%" PRIx64 " is no memory", ipa);
	if (m->own_running) return m->own_mapped = true, next(m);
	return put_page(m, s, ipa, FAULT_NONE, err);
}

/* A host's timer for a guest that waits stands for the guest's own: without one a vCPU waits for others or a device alone. */
static enum status exec_timer(struct path_machine *m, const struct path_step *s)
{
	bool others = m->parks || m->raised;
	bool set = path_in_guest(m) || !others || m->armed || path_gic_deadline_of(m->gic, m->pe);
	if (set) m->armed = (uint16_t)s->number;
	return next(m);
}

static enum status exec_raise(struct path_machine *m, const struct path_step *s, struct err *err)
{
	const char *lacks = path_device_lacks(m->gic, (enum path_device_kind)s->target);
	if (lacks) return conf_fail(err, s->at, "raise: %s: %s", device_names[s->target], lacks);
	m->raised = s;
	return next(m);
}

/* --- dispatch ---------------------------------------------------------------------------------------- */

static enum status exec_control(struct path_machine *m, const struct path_step *s, struct err *err)
{
	switch (s->kind) {
	case STEP_set: m->variable[s->target] = true; return next(m);
	case STEP_clear: m->variable[s->target] = false; return next(m);
	case STEP_call: return exec_call(m, s, err);
	case STEP_end: return exec_end(m, s, err);
	case STEP_repeat: m->el.pc &= ~UINT64_C(0xfff); return OK;
	case STEP_jump: m->el.pc = (m->el.pc & ~UINT64_C(0xfff)) + 4u * s->target; return OK;
	case STEP_branch:
		if (path_holds(m, s)) return next(m);
		m->el.pc = (m->el.pc & ~UINT64_C(0xfff)) + 4u * s->target;
		return OK;
	case STEP_timer: return exec_timer(m, s);
	case STEP_vgic: path_vgic(m, (enum path_vgic)s->target); return next(m);
	case STEP_targets: m->target = 0; return next(m);
	case STEP_raise: return exec_raise(m, s, err);
	case STEP_device: path_device(m, (enum path_device_verb)s->target); return next(m);
	case STEP_signal: path_gic_signal(m->gic, m->pe, s->target); return next(m);
	case STEP_done: m->finished = true; return OK;
	case STEP_skip: m->context[s->context][R_ELR_EL2] += 4; return next(m);
	default: return next(m); /* work, barriers, locks: time only */
	}
}

static enum status exec_eret(struct path_machine *m, const struct path_step *s, struct err *err)
{
	struct trap_result t;
	bool through;
	TRY(ask(m, s, trap_eret(), &t, &through, err));
	return through ? path_eret(m, s, err) : OK;
}

enum status path_execute(struct path_machine *m, const struct path_step *s, struct err *err)
{
	switch (s->kind) {
	case STEP_read: return exec_read(m, s, err);
	case STEP_write: return exec_write(m, s, err);
	case STEP_save:
	case STEP_restore: return exec_copy(m, s, err);
	case STEP_mask:
	case STEP_unmask: return exec_mask(m, s, err);
	case STEP_svc:
	case STEP_hvc:
	case STEP_smc: return exec_exception(m, s, err);
	case STEP_wfi: return exec_wfi(m, s, err);
	case STEP_wfe: return plain(m, s, trap_wfe(), err);
	case STEP_spin: return wait(m, s, err);
	case STEP_schedule: m->parked = m->scheduled; return next(m);
	case STEP_await:
	case STEP_await_all: return exec_await(m, s, err);
	case STEP_lists: return exec_lists(m, s, err);
	case STEP_fp: return plain(m, s, trap_fp(), err);
	case STEP_sve: return plain(m, s, trap_sve(), err);
	case STEP_debug: return exec_debug(m, s, err);
	case STEP_load:
	case STEP_store: return exec_access(m, s, err);
	case STEP_eret: return exec_eret(m, s, err);
	case STEP_map: return exec_map(m, s, err);
	case STEP_protect: return exec_page_state(m, s, FAULT_PERMISSION, err);
	case STEP_age: return exec_page_state(m, s, FAULT_ACCESS_FLAG, err);
	default: return exec_control(m, s, err);
	}
}
