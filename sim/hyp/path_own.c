/* path_own.c - what happens to a guest at its own instructions: those of a workload, interrupts between them, the host's scheduler. */
#include "hyp/path_gic.h"
#include "hyp/path_steps.h"

/* Traps that the guest takes itself have no path here: what its kernel does then is not in the files. Registers that firmware
 * keeps to itself are undefined for the guest: TF-A, bl31/aarch64/runtime_exceptions.S, inject_undef64. */
static bool own_trap(const struct path_machine *m)
{
	struct trap_result t;
	if (!path_traps(m, &m->own_step[0], &t)) return false;
	return t.x.to == 1 || (t.x.to == 3 && m->own_step[0].kind != STEP_smc);
}

static const char own_text[] = "an instruction of the guest";

/* The guest's instruction has run, with `st`, to its end or to a stop. */
static enum status end_own(struct path_machine *m, enum status st, enum path_outcome *out)
{
	*out = PATH_PAUSED;
	if (st == OK && m->paused) return OK;
	m->own_running = false;
	bool access = m->own_step[0].kind == STEP_load || m->own_step[0].kind == STEP_store;
	*out = access && !m->own_mapped ? PATH_NOT_MAPPED : PATH_EXECUTED;
	return st;
}

enum status path_instruct(struct path_machine *m, const struct path_instruction *i, enum path_outcome *out,
			  struct err *err)
{
	const struct place nowhere = {.file = "(workload)"};
	m->own_step[0] = (struct path_step){.kind = i->kind,
					    .at = nowhere,
					    .name = i->call ? i->call : "",
					    .owner = "",
					    .reg = i->reg,
					    .number = i->call                 ? path_call_id(i->call)
						      : i->kind == STEP_write ? i->value
									      : i->ipa};
	m->own_step[1] = (struct path_step){.kind = STEP_done, .at = nowhere, .name = "", .owner = ""};
	m->own_fetch = i->fetch;
	m->own_refuses = i->refuses;
	m->own_mapped = m->world.mapped;
	m->own_asked = 0;
	m->own_running = true;
	*out = PATH_OWN_TRAP;
	if (own_trap(m)) return m->own_running = false, OK;
	return end_own(m, path_run_from(m, GUEST_BASE, own_text, err), out);
}

enum status path_resume(struct path_machine *m, enum path_outcome *out, struct err *err)
{
	return end_own(m, path_run_on(m, own_text, err), out);
}

/* --- halts ------------------------------------------------------------------------------------------------------- */

void path_hold_halts(struct path_machine *m, bool on) { m->holds = on; }

bool path_is_halt(struct path_machine *m, const struct path_step *s)
{
	if (s->kind != STEP_wfi && s->kind != STEP_spin) return false;
	if (!path_gic_deadline_of(m->gic, m->pe) || path_gic_arrival(m->gic, m->pe)) return false;
	path_update_lines(m);
	return path_waits(m, s);
}

cycles_t path_halt_end(struct path_machine *m)
{
	cycles_t due = path_gic_deadline_of(m->gic, m->pe), arrival = path_gic_arrival(m->gic, m->pe);
	if (!m->held) return 0;
	path_update_lines(m);
	if (async_lines(&m->el)) return 1;
	return arrival && arrival < due ? arrival : due;
}

/* --- interrupts between two instructions ---------------------------------------------------------------------------- */

/* Nothing of its own: what is pending is taken before that. */
static void do_nothing(struct path_machine *m, const char *who)
{
	const struct place nowhere = {.file = who};
	m->own_step[0] = m->own_step[1] = (struct path_step){
		.kind = STEP_done, .at = nowhere, .name = "", .owner = ""};
}

enum status path_interrupt(struct path_machine *m, enum path_outcome *out, struct err *err)
{
	do_nothing(m, "(interrupt)");
	m->own_running = true;
	return end_own(m, path_run_from(m, GUEST_BASE, "an interrupt of the guest", err), out);
}

bool path_is_signalled(struct path_machine *m)
{
	path_update_lines(m);
	return async_lines(&m->el) != 0;
}

/* --- the scheduler of threads ------------------------------------------------------------------------------------- */

/* The INTID of the host's own timer: the one that its paths arm. */
static uint32_t host_timer(const struct path_book *b)
{
	enum { EL2_PHYSICAL_TIMER = 26 };
	for (size_t i = 0; i < b->paths; i++)
		for (size_t k = 0; !b->path[i].operation && k < b->path[i].count; k++)
			if (b->path[i].step[k].kind == STEP_timer) return (uint32_t)b->path[i].step[k].number;
	return EL2_PHYSICAL_TIMER;
}

/* CNTV of a guest; a kernel with VHE has the timer of EL2. */
static uint32_t own_timer(const struct path_machine *m)
{
	enum { GUEST_VIRTUAL_TIMER = 27 };
	return path_in_guest(m) ? GUEST_VIRTUAL_TIMER : host_timer(m->book);
}

cycles_t path_raise_timer(struct path_machine *m, cycles_t at) { return path_raise(m, own_timer(m), at); }

void path_wait_for_timer(struct path_machine *m, bool on)
{
	if (!on || !path_in_guest(m)) m->armed = on ? (uint16_t)own_timer(m) : 0;
}

static bool set_variable(struct path_machine *m, const char *name)
{
	uint16_t at = book_variable(m->book, name);
	if (at == PATH_NONE) return false;
	m->variable[at] = true;
	return true;
}

bool path_use_scheduler(struct path_machine *m)
{
	if (book_variable(m->book, "need_resched") == PATH_NONE) return false;
	m->scheduled = set_variable(m, "scheduled");
	return m->scheduled;
}

bool path_is_parked(const struct path_machine *m) { return m->parked; }

enum status path_preempt(struct path_machine *m, struct err *err)
{
	do_nothing(m, "(scheduler)");
	set_variable(m, "need_resched");
	path_tick(m, host_timer(m->book));
	TRY(path_run_from(m, GUEST_BASE, "the guest's interruption", err));
	if (m->parked) return OK;
	return err_set(err, ERR_CONFIG,
		       "%s: need_resched: the interrupt leads back to the guest without a step "
		       "schedule",
		       m->book->name);
}
