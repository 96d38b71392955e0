#include "machine/balance.h"
#include "machine/machine_impl.h"
#include "machine/memops.h"
#include "machine/turns_ahead.h"

#include <inttypes.h>

void machine_only_translate(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++) core_only_translate(&m->cpu[i].core);
}

/* What the kernel does at an event besides what it means; false: nothing is known of that. */
static bool enter_kernel(struct vcpu *v, const struct record *rec, struct core_spent *spent)
{
	if (!v->work || (rec->kind != REC_SVC && rec->kind != REC_SWITCH)) return false;
	enum kernel_entry why = rec->kind == REC_SVC ? KERNEL_SYSCALL : KERNEL_PROCESS_SWITCH;
	return kernel_work_do(v->work, why, core_now(&v->cpu->core), spent);
}

/* The timer of a guest that has no paths below it; whether the record waits for it. */
static bool wait_record(struct vcpu *v, const struct record *rec)
{
	if (rec->kind == REC_TIMER) v->timer = core_now(&v->cpu->core) + rec->arg;
	return rec->kind == REC_WFI;
}

/* Whether the program is in its kernel for the record, and comes back by an exception return. */
static bool is_of_kernel(const struct record *rec)
{
	switch (rec->kind) {
	case REC_SVC:
	case REC_HVC:
	case REC_SMC:
	case REC_ERET:
	case REC_EXC:
	case REC_SWITCH:
	case REC_MAP:
	case REC_UNMAP: return true;
	default: return false;
	}
}

enum status vcpu_halt(struct vcpu *v, cycles_t deadline, struct err *err)
{
	v->timer = 0;
	return host_halt(v->cpu->machine->host, v, deadline, err);
}

/* What leaves the guest takes the path below it; all else is the kernel's. */
enum status vcpu_leave(struct vcpu *v, const struct record *rec, struct err *err)
{
	struct cpu *c = v->cpu;
	struct core_spent spent = {0};
	bool known = false;
	if (c->machine->host && !v->parks && wait_record(v, rec)) return vcpu_halt(v, v->timer, err);
	if (v->paths) TRY(path_engine_event(v->paths, rec, core_now(&c->core), &known, &spent, err));
	if (known || is_of_kernel(rec)) cpu_returns_from_exception(c);
	bool entered = enter_kernel(v, rec, &spent);
	if (!known && !(entered && rec->kind == REC_SVC)) TRY(events_execute(&v->events, rec, err));
	if (v->vm->os_copies) vcpu_spend_copies(v, core_now(&c->core), &spent);
	if (!known && !entered && !v->vm->os_copies) return OK;
	machine_tell_spent(c, core_now(&c->core), &spent);
	core_spend(&c->core, &spent);
	if (v->parks && path_engine_is_away(v->paths))
		return vcpu_halt(v, path_engine_deadline(v->paths), err);
	return OK;
}

/* Whether what the timer of its program does is an interrupt. */
static bool has_clock(const struct vcpu *v) { return v->paths && (v->parks || !v->cpu->machine->host); }

/* An exclusive, an atomic or a lock: instructions of the program, which does not leave it. */
static enum status execute_shared(struct vcpu *v, const struct record *rec, bool *over, struct err *err)
{
	if (!is_atomic_record(rec)) return vcpu_lock_record(v, rec, err);
	TRY(vcpu_atomic_record(v, rec, err));
	*over = !v->again;
	return OK;
}

/* *executed: 1, or 0 where the record is to be executed again. */
static enum status execute_event(struct vcpu *v, const struct record *rec, size_t *executed, struct err *err)
{
	bool over = true;
	enum status st = OK;
	if (is_atomic_record(rec) || rec->kind == REC_LOCK || rec->kind == REC_UNLOCK) {
		st = execute_shared(v, rec, &over, err);
	} else if (rec->kind == REC_TIMER && has_clock(v)) {
		clock_set_timer(&v->clock, core_now(&v->cpu->core) + rec->arg);
	} else if (rec->kind == REC_WFI && has_clock(v)) {
		st = vcpu_idle(v, rec, &over, err);
	} else {
		st = has_clock(v) ? vcpu_leave_with_timer(v, rec, err) : vcpu_leave(v, rec, err);
	}
	*executed = over;
	return st;
}

enum status machine_perform(struct machine *m, const char *operation, struct err *err)
{
	struct vcpu *v = &m->vcpu[0];
	struct cpu *c = v->cpu;
	struct core_spent spent = {0};
	if (!v->paths)
		return err_set(err, ERR_CONFIG,
			       "%s: the stack has no software paths, so its guest has no operations",
			       operation);
	path_engine_forget_pages(v->paths);
	TRY(path_engine_perform(v->paths, operation, core_now(&c->core), &spent, err));
	machine_tell_spent(c, core_now(&c->core), &spent);
	core_spend(&c->core, &spent);
	return OK;
}

/* --- other vCPUs of a scenario ----------------------------------------------------------------------------------- */

static enum status park_or_unpark(struct vcpu *v, const char *operation, struct err *err)
{
	struct cpu *c = v->cpu;
	struct core_spent spent = {0};
	cycles_t now = core_now(&c->core);
	TRY(operation ? path_engine_park(v->paths, operation, now, &spent, err)
		      : path_engine_unpark(v->paths, now, &spent, err));
	machine_tell_spent(c, now, &spent);
	core_spend(&c->core, &spent);
	return OK;
}

/* One after the other, until none of them has anything to do. */
static enum status run_others(void *owner, unsigned waiting, struct err *err)
{
	struct vm *vm = owner;
	(void)waiting;
	if (vm->others_run) return OK;
	vm->others_run = true;
	enum status st = OK;
	for (bool moved = true; st == OK && moved;) {
		moved = false;
		for (unsigned i = 1; st == OK && i < vm->vcpus; i++) {
			const struct core *core = &vm->vcpu[i].cpu->core;
			cycles_t before = core_now(core);
			st = park_or_unpark(&vm->vcpu[i], NULL, err);
			moved |= core_now(core) != before;
		}
	}
	vm->others_run = false;
	return st;
}

enum status machine_start_others(struct machine *m, const char *operation, struct err *err)
{
	struct vm *vm = &m->vm[0];
	if (vm->vcpus < 2 || !vm->gic)
		return err_set(err, ERR_CONFIG, "others: %s: there is no other vCPU (stack.threads)",
			       operation);
	vm->others_run = true;
	for (unsigned i = 1; i < vm->vcpus; i++) TRY(park_or_unpark(&vm->vcpu[i], operation, err));
	vm->others_run = false;
	path_gic_on_wait(vm->gic, run_others, vm);
	return OK;
}

/* Accesses up to the next interrupt, if one will come. */
static enum status run_accesses(struct vcpu *v, const struct record *rec, size_t n, size_t *executed,
				struct err *err)
{
	struct core_turn turn;
	if (v->clock.next == CLOCK_NEVER) return core_run(&v->cpu->core, rec, n, executed, err);
	enum status st = core_run_until(&v->cpu->core, rec, n, v->clock.next, &turn, err);
	*executed = turn.executed;
	return st;
}

static enum status interrupt(struct vcpu *v, struct err *err)
{
	cpu_returns_from_exception(v->cpu);
	return vcpu_interrupt(v, err);
}

/* There is nobody else. */
static enum status waits_for_ever(const struct vcpu *v, struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "the workload waits for the lock at 0x%" PRIx64 ", which nobody gives back",
		       v->locks.waits->word);
}

enum status machine_run(struct machine *m, const struct record *rec, size_t n, struct err *err)
{
	struct vcpu *v = &m->vcpu[0];
	while (n) {
		size_t executed = 0;
		if (vcpu_is_interrupted(v, rec)) {
			TRY(interrupt(v, err));
		} else if (rec->kind <= REC_STORE) {
			TRY(run_accesses(v, rec, n, &executed, err));
		} else {
			TRY(execute_event(v, rec, &executed, err));
		}
		if (v->locks.waits) return waits_for_ever(v, err);
		rec += executed;
		n -= executed;
	}
	return OK;
}

unsigned machine_threads(const struct machine *m) { return m->vcpus; }

cycles_t machine_lookahead(const struct machine *m)
{
	if (m->hw->order == ORDER_STRICT) return 0;
	if (m->hw->lookahead_cycles) return m->hw->lookahead_cycles;
	cycles_t memory = mem_cross_latency(m->mem), tlbs = tlb_pool_cross_latency(&m->shared_tlbs);
	bool sharing = m->in_pieces || m->hw->coherence.protocol != PROTOCOL_NONE;
	cycles_t lines = sharing ? coherence_least(&m->coherence) : UINT64_MAX;
	if (lines < memory) memory = lines;
	return tlbs < memory ? tlbs : memory;
}

/* The vCPUs of a VM have one table of stage 2, and mostly one of stage 1. */
static void share_foresight(struct machine *m)
{
	for (unsigned i = 0; i < m->vms; i++) {
		struct vm *vm = &m->vm[i];
		if (!vm->foresight) vm->foresight = foresight_new();
		for (unsigned v = 0; v < vm->vcpus; v++) {
			mmu_share_foresight(vm->vcpu[v].cpu->mmu, vm->foresight);
			mem_expect_far(&vm->vcpu[v].cpu->mem);
		}
	}
}

cycles_t machine_take_turns(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++) m->cpu[i].core.lookahead = machine_lookahead(m);
	for (unsigned i = 0; i < m->vcpus; i++)
		if (m->vcpu[i].paths) path_engine_hold_halts(m->vcpu[i].paths, m->vcpus > 1 && !m->host);
	if (machine_foresees(m)) share_foresight(m);
	return machine_lookahead(m);
}

bool machine_foresees(const struct machine *m) { return m->vcpus > MACHINE_MANY_CORES && !m->host; }

void machine_foresee(struct machine *m, unsigned t, struct turns_ahead *a, unsigned step,
		     const struct record *rec, size_t at, size_t count)
{
	const struct cpu *c = m->vcpu[t].cpu;
	turns_ahead_step(a, step, c->mmu, rec, at, count, !c->core.only_translates);
}

bool machine_accept(struct machine *m, unsigned t)
{
	struct cpu *c = m->vcpu[t].cpu;
	bool interrupted = c->shooter.owed != 0;
	c->shooter.core = &c->core;
	bool lost = shootdown_accept(&c->shooter);
	if (interrupted && !c->shooter.owed) cpu_returns_from_exception(c);
	return lost;
}

cycles_t machine_next(const struct machine *m, unsigned t, const struct record *rec)
{
	return core_next(&m->vcpu[t].cpu->core, rec);
}

bool machine_goes_on(const struct machine *m, unsigned t, const struct record *rec, cycles_t until,
		     cycles_t *next)
{
	return core_goes_on(&m->vcpu[t].cpu->core, rec, until, next);
}

/* Executes the first of `n` records, and those behind it that begin in time and are of its kind. A fault's path runs behind its access:
 * nothing else comes before it. */
static enum status run_some(struct vcpu *v, const struct record *rec, size_t n, cycles_t until,
			    struct core_turn *turn, struct err *err)
{
	struct core *c = &v->cpu->core;
	cycles_t first = v->clock.next < until ? v->clock.next : until;
	bool asked = rec->kind <= REC_STORE && first == until && !v->vm->machine->in_pieces;
	if (asked) return core_run_until(c, rec, n, until, turn, err);
	if (rec->kind > REC_STORE)
		TRY(execute_event(v, rec, &turn->executed, err));
	else
		TRY(core_run_until(c, rec, n, v->vm->machine->in_pieces ? 0 : first, turn, err));
	if (turn->executed < n) turn->over = !core_goes_on(c, &rec[turn->executed], until, &turn->next);
	return OK;
}

enum status machine_run_until(struct machine *m, unsigned t, const struct record *rec, size_t n,
			      cycles_t until, struct core_turn *turn, struct err *err)
{
	struct vcpu *v = &m->vcpu[t];
	size_t done = 0;
	*turn = (struct core_turn){0};
	m->woke = false;
	if (machine_is_busy(m, t)) return vcpu_run_piece(v, err);
	do {
		turn->over = false;
		if (vcpu_is_interrupted(v, rec + done)) return interrupt(v, err);
		TRY(run_some(v, rec + done, n - done, until, turn, err));
		turn->executed = done += turn->executed;
		turn->over &= !machine_is_busy(m, t);
	} while (!turn->over && !machine_is_busy(m, t) && !v->stopped && !v->locks.waits && !m->woke &&
		 done < n);
	return OK;
}

static enum status populate_atomic(struct populator *p, const struct record *rec, struct err *err)
{
	struct record access = *rec;
	if (rec->kind == REC_CLREX) return OK;
	access.kind = rec->kind == REC_LDXR ? REC_LOAD : REC_STORE;
	return populate_access(p, &access, err);
}

enum status machine_populate(struct machine *m, unsigned t, const struct record *rec, size_t n,
			     struct err *err)
{
	struct vcpu *v = &m->vcpu[t];
	if (m->host) machine_load_vcpu(v, v->cpu);
	for (; n; rec++, n--) {
		if (rec->kind == REC_SWITCH) {
			populate_switch(&v->populator);
			v->events.core = NULL; /* until machine_populate_end() no time passes */
			TRY(events_execute(&v->events, rec, err));
		}
		if (rec->kind <= REC_STORE) TRY(populate_access(&v->populator, rec, err));
		if (is_atomic_record(rec)) TRY(populate_atomic(&v->populator, rec, err));
	}
	return OK;
}

void machine_populate_end(struct machine *m)
{
	for (unsigned i = 0; i < m->vcpus; i++) {
		events_rewind(&m->vcpu[i].events);
		m->vcpu[i].events.core = &m->vcpu[i].cpu->core;
	}
	for (unsigned i = 0; i < m->vms; i++) { /* of what came after the last fault: no time passed */
		if (!m->vm[i].hyp) continue;
		hyp_take_populated(m->vm[i].hyp);
		if (stack_hypervisor(m->stack)->dirty_log) hyp_start_dirty_log(m->vm[i].hyp);
	}
}

/* --- what has turns beside the threads ------------------------------------------------------------------------------ */

const struct memops *machine_operations(const struct machine *m) { return m->memops; }

/* Of all that balances memory: number 2n and 2n + 1 of VM n. */
static struct balance *balance_at(const struct machine *m, unsigned i)
{
	return i % 2 ? m->vm[i / 2].guest_balance : m->vm[i / 2].balance;
}

bool machine_has_operations(const struct machine *m)
{
	bool any = m->memops != NULL;
	for (unsigned i = 0; i < 2 * m->vms; i++) any |= balance_at(m, i) != NULL;
	return any;
}

void machine_begin_operations(struct machine *m)
{
	if (m->memops) memops_begin(m->memops);
	for (unsigned i = 0; i < 2 * m->vms; i++)
		balance_begin(balance_at(m, i), core_now(&m->vm[i / 2].vcpu[0].cpu->core));
}

/* The one that is due first; NULL: none before operations on memory. */
static struct balance *first_balance(const struct machine *m)
{
	struct balance *first = NULL;
	cycles_t when = memops_next(m->memops);
	for (unsigned i = 0; i < 2 * m->vms; i++) {
		struct balance *b = balance_at(m, i);
		if (balance_next(b) >= when) continue;
		first = b;
		when = balance_next(b);
	}
	return first;
}

cycles_t machine_next_operation(const struct machine *m)
{
	const struct balance *b = first_balance(m);
	return b ? balance_next(b) : memops_next(m->memops);
}

enum status machine_turn_operations(struct machine *m, bool *held, struct err *err)
{
	struct balance *b = first_balance(m);
	*held = true; /* who scans goes on later than it would have */
	return b ? balance_turn(b, err) : memops_turn(m->memops, held, err);
}
