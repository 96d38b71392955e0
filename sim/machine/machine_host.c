#include "machine/machine_host.h"

#include "base/order.h"
#include "machine/host_task.h"

/* --- who runs -------------------------------------------------------------------------------------------------- */

/* On its core, at a lock of its program. */
static bool spins(const struct host *h, const struct vcpu *v)
{
	return v->locks.waits && host_vcpu(h, v)->state == VCPU_RUNS;
}

static void charge(struct host *h, unsigned core)
{
	cycles_t now = core_now(&h->machine->cpu[core].core);
	if (sched_current(h->sched, core)) sched_charge(h->sched, core, now - h->core[core].charged);
	h->core[core].charged = now;
}

static struct host_task *task_of(const struct host *h, const struct sched_task *t)
{
	return is_host_task(h, t) ? &h->task[t->number - h->machine->vcpus] : NULL;
}

/* Who spins there has a turn to see when it must make way; and a task of the host is woken to. */
static void set_stop(struct host *h, unsigned core)
{
	struct sched_task *t = sched_current(h->sched, core);
	charge(h, core);
	h->core[core].stop = sched_stop_at(h->sched, core, core_now(&h->machine->cpu[core].core));
	if (is_host_task(h, t)) {
		host_task_arm(h, task_of(h, t));
		return;
	}
	if (t && spins(h, vcpu_of(h, t))) h->turns.runs(h->turns.self, t->number);
}

static void give_turns(struct host *h, struct vcpu *v)
{
	v->stopped = false;
	h->turns.runs(h->turns.self, vcpu_thread(v));
}

static void stop_turns(struct host *h, struct vcpu *v)
{
	v->stopped = true;
	h->turns.stops(h->turns.self, vcpu_thread(v));
}

static void run_task(struct host *h, struct host_task *t)
{
	unsigned core = t->task.core;
	host_task_run(h, t);
	h->core[core].charged = core_now(&h->machine->cpu[core].core);
	set_stop(h, core);
}

/* A core without a vCPU takes the next one, or a task of the host, if there is any. */
static enum status run_next(struct host *h, unsigned core, struct err *err)
{
	struct sched_task *t = sched_next(h->sched, core);
	if (!t) return OK;
	if (is_host_task(h, t)) return run_task(h, task_of(h, t)), OK;
	struct vcpu *v = vcpu_of(h, t);
	TRY(host_enter_guest(h, v, &h->machine->cpu[core], err));
	host_vcpu(h, v)->stats.switches++;
	h->core[core].charged = host_vcpu(h, v)->since;
	set_stop(h, core);
	give_turns(h, v);
	return OK;
}

/* The present vCPU of a core gives it up, to wait, to sleep, or for ever. */
static enum status give_up(struct host *h, struct vcpu *v, enum vcpu_state next, struct err *err)
{
	unsigned core = cpu_index(v->cpu);
	stop_turns(h, v);
	vcpu_leave_lock(v);
	if (next != VCPU_ENDED) TRY(host_leave_guest(h, v, err));
	charge(h, core);
	host_account(h, v, next, core_now(&v->cpu->core));
	sched_leave(h->sched, core, next == VCPU_WAITS, core_now(&v->cpu->core));
	if (h->vmids) contexts_leave(h->vmids, core);
	return OK;
}

static enum status preempt(struct host *h, unsigned core, struct err *err)
{
	struct vcpu *v = vcpu_of(h, sched_current(h->sched, core));
	host_vcpu(h, v)->stats.preemptions++;
	TRY(give_up(h, v, VCPU_WAITS, err));
	TRY(run_next(h, core, err));
	unsigned idle = sched_idle_core(h->sched, &host_vcpu(h, v)->task);
	return host_vcpu(h, v)->state == VCPU_WAITS && idle < h->machine->cpus ? run_next(h, idle, err) : OK;
}

/* --- halts ----------------------------------------------------------------------------------------------------- */

/* Its thread sleeps until its timer fires. */
static enum status sleep_until_timer(struct host *h, struct vcpu *v, struct err *err)
{
	unsigned core = cpu_index(v->cpu);
	TRY(give_up(h, v, VCPU_IDLE, err));
	h->turns.wakes(h->turns.self, vcpu_thread(v), host_vcpu(h, v)->deadline);
	return run_next(h, core, err);
}

/* The host has polled for `v` until `at`, or a little longer where its core is ahead. */
static void end_poll(struct host *h, struct vcpu *v, cycles_t at)
{
	struct host_vcpu *hv = host_vcpu(h, v);
	struct core_spent spent = {0};
	cycles_t now = core_now(&v->cpu->core);
	hv->polling = false;
	if (at <= now) return;
	spent.cycles[BUCKET_HYPERVISOR][2] = at - now;
	core_spend(&v->cpu->core, &spent);
	hv->stats.poll_cycles += at - now;
}

static void learn(struct host *h, struct host_vcpu *hv, cycles_t now)
{
	hv->poll = halt_poll_after(&h->poll, hv->poll, now - hv->halted_at);
}

enum status host_halt(struct host *h, struct vcpu *v, cycles_t deadline, struct err *err)
{
	struct host_vcpu *hv = host_vcpu(h, v);
	cycles_t now = core_now(&v->cpu->core);
	if (deadline <= now) return v->parks ? host_resume_guest(h, v, err) : OK;
	hv->stats.halts++;
	hv->halted_at = now;
	hv->deadline = deadline;
	if (!hv->poll || sched_waiting(h->sched, cpu_index(v->cpu))) return sleep_until_timer(h, v, err);
	hv->polling = true;
	stop_turns(h, v);
	h->turns.wakes(h->turns.self, vcpu_thread(v), deadline < now + hv->poll ? deadline : now + hv->poll);
	return OK;
}

static enum status poll_over(struct host *h, struct vcpu *v, cycles_t at, struct err *err)
{
	struct host_vcpu *hv = host_vcpu(h, v);
	end_poll(h, v, at);
	if (at < hv->deadline) {
		hv->stats.polls_missed++;
		return sleep_until_timer(h, v, err);
	}
	hv->stats.polls_hit++;
	learn(h, hv, at);
	if (v->parks) TRY(host_resume_guest(h, v, err));
	set_stop(h, cpu_index(v->cpu));
	give_turns(h, v);
	return OK;
}

static enum status take_from_task(struct host *h, struct host_task *present, bool runnable, struct err *err)
{
	unsigned core = present->task.core;
	host_task_leave(h, present, runnable);
	return run_next(h, core, err);
}

static enum status contend_with_task(struct host *h, struct host_task *present, const struct sched_task *t,
				     struct err *err)
{
	if (sched_preempts(h->sched, t)) return take_from_task(h, present, present->left != 0, err);
	set_stop(h, t->core);
	return OK;
}

/* `t` waits for a core that another one has: that one polls, must make way, or has a time to stop at from now on. */
static enum status contend(struct host *h, struct sched_task *t, cycles_t at, struct err *err)
{
	struct host_task *task = task_of(h, sched_current(h->sched, t->core));
	if (task) return contend_with_task(h, task, t, err);
	struct vcpu *present = vcpu_of(h, sched_current(h->sched, t->core));
	if (host_vcpu(h, present)->polling) return poll_over(h, present, at, err);
	if (spins(h, present)) vcpu_spin_until(present, at);
	charge(h, t->core);
	if (sched_preempts(h->sched, t)) return preempt(h, t->core, err);
	set_stop(h, t->core);
	return OK;
}

/* update_curr(): who wakes up is placed among what all have had up to now. */
static void charge_all(struct host *h, cycles_t at)
{
	for (unsigned i = 0; i < h->machine->cpus; i++) {
		struct host_task *task = task_of(h, sched_current(h->sched, i));
		if (task) host_task_settle(h, task, at);
		charge(h, i);
	}
}

static enum status make_ready(struct host *h, struct sched_task *t, cycles_t at, struct err *err)
{
	charge_all(h, at);
	unsigned core = sched_wake(h->sched, t, at);
	return sched_current(h->sched, core) ? contend(h, t, at, err) : run_next(h, core, err);
}

/* --- tasks of the host ------------------------------------------------------------------------------------------- */

static bool any_vcpu_left(const struct host *h)
{
	bool any = false;
	for (unsigned i = 0; i < h->machine->vcpus; i++) any |= h->vcpu[i].state != VCPU_ENDED;
	return any;
}

/* It has run for as long as it was to: it is done, or its slice is over. */
static enum status task_ran(struct host *h, struct host_task *t, cycles_t at, struct err *err)
{
	unsigned core = t->task.core;
	host_task_settle(h, t, at);
	charge(h, core);
	if (!t->left) return take_from_task(h, t, false, err);
	if (core_now(&h->machine->cpu[core].core) >= h->core[core].stop && sched_expire(h->sched, core))
		TRY(take_from_task(h, t, true, err));
	for (unsigned i = 0; i < h->machine->cpus; i++) set_stop(h, i);
	return OK;
}

/* Where nobody is left whom it could disturb it does not wake up again. */
static enum status wake_task(struct host *h, struct host_task *t, cycles_t at, struct err *err)
{
	if (sched_current(h->sched, t->task.core) == &t->task) return task_ran(h, t, at, err);
	if (t->task.queued || !any_vcpu_left(h)) return OK; /* it was preempted meanwhile */
	host_task_rouse(t, h, at);
	return make_ready(h, &t->task, at, err);
}

/* --- locks of the program ---------------------------------------------------------------------------------------- */

/* Where it has its core it has been spinning; where it has not, the lock waits for it. */
void host_lock_granted(struct host *h, struct vcpu *v, cycles_t at)
{
	enum vcpu_state state = host_vcpu(h, v)->state;
	if (state == VCPU_IDLE) h->turns.wakes(h->turns.self, vcpu_thread(v), at);
	if (state != VCPU_RUNS) return;
	vcpu_spin_until(v, at);
	give_turns(h, v);
}

/* The thread sleeps; its kernel has nothing else to do. */
static enum status sleep_at_lock(struct host *h, struct vcpu *v, struct err *err)
{
	unsigned core = cpu_index(v->cpu);
	host_vcpu(h, v)->halted_at = core_now(&v->cpu->core);
	TRY(give_up(h, v, VCPU_IDLE, err));
	return run_next(h, core, err);
}

enum status machine_spin(struct machine *m, unsigned t, cycles_t at, cycles_t *next, struct err *err)
{
	struct host *h = m->host;
	struct vcpu *v = &m->vcpu[t];
	unsigned core = cpu_index(v->cpu);
	vcpu_spin_until(v, at);
	charge(h, core);
	*next = UINT64_MAX;
	cycles_t now = core_now(&v->cpu->core), again = 0;
	if (now >= vcpu_sleeps_at(v)) return sleep_at_lock(h, v, err);
	if (h->params->wfe_exits && sched_waiting(h->sched, core) && sched_give_way(h->sched, core, &again)) {
		host_vcpu(h, v)->stats.yields++;
		return preempt(h, core, err);
	}
	if (now >= h->core[core].stop) TRY(machine_expire(m, t, err));
	if (!spins(h, v)) return OK;
	*next = cycles_earlier(h->core[cpu_index(v->cpu)].stop, vcpu_sleeps_at(v));
	if (again) *next = cycles_earlier(*next, now + again);
	return OK;
}

/* --- vCPUs that are made to stand still ------------------------------------------------------------------------------- */

bool host_runs(const struct host *h, const struct vcpu *v)
{
	const struct host_vcpu *hv = host_vcpu(h, v);
	return hv->state == VCPU_RUNS && !hv->polling;
}

/* It has no core from now on, and is woken at `until`. */
static void put_to_sleep(struct host *h, struct vcpu *v, cycles_t until)
{
	host_vcpu(h, v)->deadline = until;
	h->turns.wakes(h->turns.self, vcpu_thread(v), until);
}

static enum status hold_running(struct host *h, struct vcpu *v, cycles_t from, struct err *err)
{
	unsigned core = cpu_index(v->cpu);
	if (host_vcpu(h, v)->polling) end_poll(h, v, from);
	TRY(give_up(h, v, VCPU_IDLE, err));
	return run_next(h, core, err);
}

static void hold_waiting(struct host *h, struct vcpu *v, cycles_t from)
{
	struct host_vcpu *hv = host_vcpu(h, v);
	sched_drop(h->sched, &hv->task);
	host_account(h, v, VCPU_IDLE, from > hv->since ? from : hv->since);
	for (unsigned i = 0; i < h->machine->cpus; i++) set_stop(h, i);
}

enum status host_hold(struct host *h, struct vcpu *v, cycles_t from, cycles_t until, struct err *err)
{
	struct host_vcpu *hv = host_vcpu(h, v);
	bool sleeps = hv->state == VCPU_IDLE || hv->polling;
	if (hv->state == VCPU_ENDED || (sleeps && hv->deadline >= until)) return OK;
	if (hv->state == VCPU_RUNS && core_now(&v->cpu->core) >= until) return OK;
	if (hv->state == VCPU_RUNS) TRY(hold_running(h, v, from, err));
	if (hv->state == VCPU_WAITS) hold_waiting(h, v, from);
	hv->held = !sleeps;
	put_to_sleep(h, v, until);
	return OK;
}

/* --- what the engine calls --------------------------------------------------------------------------------------- */

bool machine_schedules(const struct machine *m) { return m->host != NULL; }

enum status machine_start(struct machine *m, const struct machine_turns *turns, struct err *err)
{
	struct host *h = m->host;
	h->turns = *turns;
	h->started = true;
	for (unsigned i = 0; i < m->vcpus; i++) {
		h->vcpu[i].state = VCPU_WAITS;
		TRY(make_ready(h, &h->vcpu[i].task, 0, err));
	}
	host_tasks_start(h);
	return OK;
}

unsigned machine_host_tasks(const struct machine *m) { return m->host ? m->host->tasks : 0; }

bool machine_has_stopped(const struct machine *m, unsigned t) { return m->vcpu[t].stopped; }

cycles_t machine_stop_at(const struct machine *m, unsigned t)
{
	return m->host->core[cpu_index(m->vcpu[t].cpu)].stop;
}

enum status machine_expire(struct machine *m, unsigned t, struct err *err)
{
	struct host *h = m->host;
	unsigned core = cpu_index(m->vcpu[t].cpu);
	charge(h, core);
	if (sched_expire(h->sched, core)) TRY(preempt(h, core, err));
	for (unsigned i = 0; i < m->cpus; i++) set_stop(h, i);
	return OK;
}

enum status machine_wake(struct machine *m, unsigned t, cycles_t at, struct err *err)
{
	struct host *h = m->host;
	if (at > h->now) h->now = at;
	if (t >= m->vcpus) return wake_task(h, &h->task[t - m->vcpus], at, err);
	struct vcpu *v = &m->vcpu[t];
	struct host_vcpu *hv = &h->vcpu[t];
	if (hv->polling) return poll_over(h, v, at, err);
	if (at < hv->since) at = hv->since; /* it fell asleep while its core was ahead */
	hv->stats.wakeups += !hv->held;
	if (!hv->held) learn(h, hv, at);
	hv->held = false;
	host_account(h, v, VCPU_WAITS, at);
	return make_ready(h, &hv->task, at, err);
}

enum status machine_end(struct machine *m, unsigned t, struct err *err)
{
	struct host *h = m->host;
	unsigned core = cpu_index(m->vcpu[t].cpu);
	TRY(give_up(h, &m->vcpu[t], VCPU_ENDED, err));
	return run_next(h, core, err);
}
