/* machine_share.c - the software below several vCPUs, piece by piece: what one of them does to a lock, the others see in order
 * of time. A fault's path runs when the core has finished the access, and between two pieces the others have their turns. */
#include <stdio.h>
#include <string.h>

#include "machine/machine_impl.h"

/* --- locks --------------------------------------------------------------------------------------------------------- */

static const char mmu_lock_name[] = "mmu_lock";

static enum lock_kind kind_of(const struct hyp_params *hyp, const char *name, unsigned kind)
{
	static const uint8_t kinds[] = {[MMU_LOCK_SPINLOCK] = LOCK_SPINLOCK,
					[MMU_LOCK_RWLOCK] = LOCK_RWLOCK,
					[MMU_LOCK_RWLOCK_PARALLEL] = LOCK_RWLOCK,
					[MMU_LOCK_MUTEX] = LOCK_MUTEX};
	if (hyp->mmu_lock == MMU_LOCK_PATHS || strcmp(name, mmu_lock_name) != 0) return (enum lock_kind)kind;
	return (enum lock_kind)kinds[hyp->mmu_lock];
}

static void make_locks(struct vm *vm, const struct path_book *book)
{
	/* Who has a lock of the kernel runs, so whoever waits for a mutex spins: kernel/locking/mutex.c. */
	static const struct lock_costs costs = {.spin_limit = UINT64_MAX / 2};
	struct machine *m = vm->machine;
	const struct hyp_params *hyp = stack_hypervisor(m->stack);
	const char *name;
	char prefix[16];
	unsigned kind;
	vm->locks = lock_set_new();
	for (size_t i = 0; (name = path_lock(book, i, &kind)); i++)
		lock_set_add(vm->locks, name, kind_of(hyp, name, kind), &m->coherence, &costs);
	snprintf(prefix, sizeof(prefix), "vm%u", vm->number);
	lock_set_register_stats(vm->locks, m->stats, prefix);
}

void machine_share_locks(struct machine *m, const struct path_book *book)
{
	unsigned kind;
	if (m->vcpus == 1 || m->host || !stack_hypervisor(m->stack) || !path_lock(book, 0, &kind)) return;
	m->in_pieces = true;
	for (unsigned i = 0; i < m->vms; i++) make_locks(&m->vm[i], book);
}

/* Whoever got a lock that another gave back goes on then. */
static void on_granted(void *machine, struct lock_waiter *w, cycles_t at, cycles_t idle)
{
	struct machine *m = machine;
	struct vcpu *v = w->owner;
	struct cpu *c = v->cpu;
	cycles_t now = core_now(&c->core), waited = at > now ? at - now : 0;
	struct core_spent spent = {0};
	if (idle > waited) idle = waited;
	spent.cycles[BUCKET_IDLE][2] = idle;
	spent.cycles[BUCKET_HYPERVISOR][2] = waited - idle;
	path_engine_granted(v->paths);
	machine_tell_spent(c, now, &spent);
	core_spend(&c->core, &spent);
	m->wake(m->wake_ctx, vcpu_thread(v));
}

struct path_sharing vcpu_sharing(struct vcpu *v)
{
	return (struct path_sharing){.set = v->vm->locks,
				     .core = v->cpu->number,
				     .owner = v,
				     .granted = on_granted,
				     .ctx = v->vm->machine};
}

void vcpu_start_paths(struct vcpu *v)
{
	const struct machine *m = v->vm->machine;
	const struct hyp_params *hyp = stack_hypervisor(m->stack);
	path_engine_piecewise(v->paths, m->in_pieces);
	if (!hyp) return;
	path_engine_set_variable(v->paths, "dirty_logging", hyp->dirty_log);
	if (hyp->mmu_lock != MMU_LOCK_PATHS)
		path_engine_set_variable(v->paths, "parallel_faults",
					 hyp->mmu_lock == MMU_LOCK_RWLOCK_PARALLEL);
}

/* --- pieces -------------------------------------------------------------------------------------------------------- */

bool vcpu_put_off_fault(struct vcpu *v, const struct path_fault *fault, uint64_t times)
{
	if (!v->vm->machine->in_pieces || v->due_count == FAULTS_DUE) return false;
	if (times) v->due[v->due_count++] = (struct fault_due){*fault, times};
	return true;
}

static struct path_fault take_due(struct vcpu *v)
{
	struct path_fault fault = v->due[0].fault;
	if (--v->due[0].times) return fault;
	v->due_count--;
	for (unsigned i = 0; i < v->due_count; i++) v->due[i] = v->due[i + 1];
	return fault;
}

enum status vcpu_run_piece(struct vcpu *v, struct err *err)
{
	struct cpu *c = v->cpu;
	cycles_t now = core_now(&c->core);
	struct core_spent spent = {0};
	if (path_engine_is_busy(v->paths)) {
		TRY(path_engine_resume(v->paths, now, &spent, err));
	} else {
		struct path_fault fault = take_due(v);
		TRY(path_engine_fault(v->paths, &fault, now, &spent, err));
	}
	machine_tell_spent(c, now, &spent);
	core_spend(&c->core, &spent);
	vcpu_interrupt_piece(v, core_now(&c->core) - now);
	return OK;
}

bool machine_is_busy(const struct machine *m, unsigned t)
{
	const struct vcpu *v = &m->vcpu[t];
	return v->due_count || (v->paths && path_engine_is_busy(v->paths));
}

bool machine_waits(const struct machine *m, unsigned t)
{
	const struct vcpu *v = &m->vcpu[t];
	return v->locks.waits || (m->in_pieces && path_engine_waits(v->paths));
}

void machine_on_wake(struct machine *m, machine_wake_fn *fn, void *ctx)
{
	m->wake = fn;
	m->wake_ctx = ctx;
}
