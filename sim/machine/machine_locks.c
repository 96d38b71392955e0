/* machine_locks.c - threads of the workload at their program's locks. Who waits spins: it has no turn until somebody gives the lock
 * back. Where a host schedules vCPUs it spins on its core, as long as it has one (machine_host.c). */
#include <stdio.h>

#include "machine/machine_impl.h"

void vm_build_locks(struct vm *vm)
{
	const struct os_params *os = &vm->params.os;
	const struct lock_costs costs = {.spin_limit = os->mutex_spin_cycles,
					 .sleep_wake = os->mutex_wake_cycles,
					 .wake_caller = os->mutex_wake_caller_cycles};
	vm->program_locks = program_locks_new(&vm->machine->coherence, &costs);
	for (unsigned i = 0; i < vm->vcpus; i++) vm->vcpu[i].locks.owner = &vm->vcpu[i];
}

/* The program's own time. */
static void spin(struct vcpu *v, cycles_t cycles)
{
	core_pass(&v->cpu->core, cycles, BUCKET_LOCK, v->cpu->core.workload_el);
}

void vcpu_spin_until(struct vcpu *v, cycles_t at)
{
	cycles_t now = core_now(&v->cpu->core);
	if (at > now) spin(v, at - now);
}

/* It slept at the end of its wait. */
static void wait_until(struct vcpu *v, cycles_t at, cycles_t idle)
{
	cycles_t now = core_now(&v->cpu->core), waited = at > now ? at - now : 0;
	if (idle > waited) idle = waited;
	spin(v, waited - idle);
	core_pass(&v->cpu->core, idle, BUCKET_IDLE, 1);
}

static void on_granted(void *machine, struct lock_waiter *w, cycles_t at, cycles_t idle)
{
	struct machine *m = machine;
	struct vcpu *v = w->owner;
	lock_user_granted(&v->locks, at);
	if (m->host) {
		host_lock_granted(m->host, v, at);
		return;
	}
	wait_until(v, at, idle);
	if (m->wake) m->wake(m->wake_ctx, vcpu_thread(v));
}

static enum status give(struct vcpu *v, const struct record *rec, struct err *err)
{
	struct machine *m = v->vm->machine;
	cycles_t done;
	TRY(program_locks_give(v->vm->program_locks, &v->locks, rec, core_now(&v->cpu->core), on_granted, m,
			       &done, err));
	vcpu_spin_until(v, done);
	return OK;
}

enum status vcpu_lock_record(struct vcpu *v, const struct record *rec, struct err *err)
{
	cycles_t done;
	if (rec->kind == REC_UNLOCK) return give(v, rec, err);
	TRY(program_locks_take(v->vm->program_locks, &v->locks, v->cpu->number, rec, core_now(&v->cpu->core),
			       &done, err));
	if (done != UINT64_MAX) vcpu_spin_until(v, done);
	return OK;
}

void vcpu_leave_lock(struct vcpu *v)
{
	if (v->locks.waits) v->locks.waits->waiter.away = true;
}

void vcpu_return_to_lock(struct vcpu *v)
{
	struct lock_hold *h = v->locks.waits;
	cycles_t done;
	lock_user_move(&v->locks, v->cpu->number);
	if (!h) {
		vcpu_spin_until(v, v->locks.granted_at);
		return;
	}
	if (!lock_come_back(h->lock, &h->waiter, core_now(&v->cpu->core), &done)) return;
	lock_user_granted(&v->locks, done);
	vcpu_spin_until(v, done);
}

cycles_t vcpu_sleeps_at(const struct vcpu *v)
{
	const struct lock_hold *h = v->locks.waits;
	if (!h || h->lock->kind != LOCK_MUTEX) return UINT64_MAX;
	return h->waiter.since + h->lock->costs.spin_limit;
}
