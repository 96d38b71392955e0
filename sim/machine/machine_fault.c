#include "machine/balance.h"
#include "machine/machine_impl.h"
#include "machine/memops.h"

#include <inttypes.h>

static const char *const kind_names[] = {"read", "write", "fetch"};

static enum status refuse(const struct mmu_fault *f, const char *why, struct err *err)
{
	return err_set(err, ERR_INPUT, "the workload's %s of VA 0x%" PRIx64 " cannot go on: %s",
		       kind_names[f->access.kind], f->va.raw, why);
}

/* A handler that had nothing to add says that the access should pass. If it does not, it never will. */
static enum status note_spurious(struct vcpu *v, const struct mmu_fault *f, bool spurious, struct err *err)
{
	bool again = spurious && v->last_was_spurious && v->last_fault.raw == f->va.raw;
	v->last_was_spurious = spurious;
	v->last_fault = f->va;
	if (!again) return OK;
	return refuse(f, "it is mapped, but EL0 may not access it (is it a kernel address?)", err);
}

/* `what` faults of stage 2 like `fault` took place from `now` on: by the hypervisor's paths, or at the price in the stack
 * file. */
static enum status spend_stage2(struct vcpu *v, const struct path_fault *fault, cycles_t now,
				const struct hyp_populated *what, struct core_spent *spent, struct err *err)
{
	struct cpu *c = v->cpu;
	if (!v->paths) {
		spent->cycles[BUCKET_HYPERVISOR][2] += what->cycles;
		return OK;
	}
	if (path_engine_maps_all(v->paths)) return OK;
	struct why *why = c->mmu->why; /* explains accesses of the guest, not of who handles its faults */
	enum status st = OK;
	bool later = vcpu_put_off_fault(v, fault, what->faults);
	c->mmu->why = c->mmu->port->why = NULL;
	for (uint64_t i = 0; st == OK && i < what->faults && !later; i++)
		st = path_engine_fault(v->paths, fault, now, spent, err);
	c->mmu->why = c->mmu->port->why = why;
	if (st != OK) return st;
	spent->cycles[BUCKET_HYPERVISOR][2] += what->beyond;
	return OK;
}

/* What the handler sees in the syndrome: of pages that are mapped, why they did not do. */
static enum fault_kind refusal(const struct mmu_fault *f, const struct hyp_fault *done)
{
	if (f->fault.kind == FAULT_ACCESS_FLAG) return FAULT_ACCESS_FLAG;
	return done->outcome == HYP_UPGRADED ? FAULT_PERMISSION : FAULT_TRANSLATION;
}

static enum status stage2_fault(struct vcpu *v, const struct mmu_fault *f, cycles_t now,
				struct core_spent *spent, struct err *err)
{
	enum access_kind kind = (enum access_kind)f->access.kind;
	if (f->fault.s1ptw) kind = ACCESS_READ;
	/* A walk may read all that is mapped: it wanted to write a flag into a descriptor. */
	if (f->fault.s1ptw && f->fault.kind == FAULT_PERMISSION) kind = ACCESS_WRITE;
	v->vm->faulting = v;
	struct hyp_fault done = hyp_handle_stage2_fault(v->vm->hyp, f->fault.ipa, kind);
	if (done.outcome == HYP_NOT_MEMORY) return refuse(f, "its IPA is outside of the VM's memory", err);
	if (done.outcome == HYP_NO_MEMORY) return refuse(f, "the machine has no memory left for the VM", err);
	struct hyp_populated what = {.faults = 1, .cycles = done.cycles, .beyond = done.beyond};
	struct path_fault fault = {f->fault.ipa, (uint8_t)kind, (uint8_t)refusal(f, &done)};
	TRY(spend_stage2(v, &fault, now, &what, spent, err));
	struct memops *operations = v->vm->machine->memops;
	if (operations) memops_fault(operations, v, &done, now, spent);
	return note_spurious(v, f, done.outcome == HYP_SPURIOUS, err);
}

static enum status stage1_fault(struct vcpu *v, const struct mmu_fault *f, cycles_t now,
				struct core_spent *spent, struct err *err)
{
	struct vm *vm = v->vm;
	events_enter(&v->events);
	struct os_fault done = os_handle_fault(vm->os, v->events.present, f->va,
					       (enum access_kind)f->access.kind);
	switch (done.outcome) {
	case OS_BAD_ADDRESS:
		return refuse(f, "it is outside of the kernel's address space (os.va_bits)", err);
	case OS_NO_MEMORY:
		return refuse(f, "the kernel has no memory left (memory size of the machine or VM)", err);
	case OS_NO_BACKING:
		return refuse(f, "the hypervisor has no memory left for the kernel's tables", err);
	default: break;
	}
	spent->cycles[BUCKET_EXCEPTION][vm->kernel.regime == REGIME_EL20 ? 2 : 1] += done.cycles;
	if (v->work) kernel_work_do(v->work, KERNEL_PAGE_FAULT, now, spent);
	balance_spend(vm->guest_balance, v, now, spent);
	if (vm->hyp) { /* new tables in new memory */
		struct hyp_populated what = hyp_take_populated(vm->hyp);
		struct path_fault base = {.ipa = {stack_hypervisor(vm->machine->stack)->memory_base},
					  .kind = ACCESS_WRITE,
					  .refuses = FAULT_TRANSLATION};
		TRY(spend_stage2(v, &base, now, &what, spent, err));
		if (what.fetched) memops_fetched(vm->machine->memops, vm, what.fetched, now, spent);
	}
	return note_spurious(v, f, done.outcome == OS_SPURIOUS, err);
}

/* A fault or event has taken *spent from `at` on. */
void machine_tell_spent(const struct cpu *c, cycles_t at, const struct core_spent *spent)
{
	const struct machine_observer *o = c->observer;
	if (o) o->spent(o->self, vcpu_thread(c->vcpu), at, spent);
}

enum status machine_on_fault(void *owner, const struct mmu_fault *f, cycles_t now, struct core_spent *spent,
			     struct err *err)
{
	struct cpu *c = owner;
	if (f->fault.kind == FAULT_ADDRESS_SIZE)
		return refuse(f, "an address in its translation is too large", err);
	struct vcpu *v = c->vcpu;
	vcpu_enter_nodes(v);
	balance_enter(v->vm->balance, v, now);
	balance_enter(v->vm->guest_balance, v, now);
	TRY(f->fault.stage == 2 ? stage2_fault(v, f, now, spent, err) : stage1_fault(v, f, now, spent, err));
	balance_spend(v->vm->balance, v, now, spent);
	vcpu_spend_copies(v, now, spent);
	machine_tell_spent(c, now, spent);
	cpu_returns_from_exception(c);
	return OK;
}

/* Before time begins nobody leaves the guest: what is missing was there before. */
enum status machine_on_populate(void *owner, const struct mmu_fault *f, cycles_t now,
				struct core_spent *spent, struct err *err)
{
	struct vcpu *v = owner;
	struct path_engine *paths = v->paths;
	struct kernel_work *work = v->work;
	v->paths = NULL;
	v->work = NULL;
	v->before_time = true;
	enum status st = machine_on_fault(v->cpu, f, now, spent, err);
	v->paths = paths;
	v->work = work;
	v->before_time = false;
	return st;
}
