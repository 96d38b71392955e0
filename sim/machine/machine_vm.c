/* machine_vm.c - a VM of the machine, or natively its one kernel: memory, tables, address spaces, vCPUs. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "machine/balance.h"
#include "machine/machine_impl.h"

/* --- memory ------------------------------------------------------------------------------------------------------ */

/* The frames of the guest's IPAs: the first VM's random stream has the plain name. */
static enum status build_guest_memory(struct vm *vm, uint64_t seed, struct err *err)
{
	struct frames_params p = os_frames_params(&vm->params.os, 0, 0);
	if (vm->number) p.path = vm->frames_path = xasprintf("vm%u.%s", vm->number, p.path);
	return vm_build_guest_memory(vm, &p, seed, err);
}

/* VMIDs go by number; 0 is the host's. */
static enum status build_stage2(struct vm *vm, uint64_t seed, struct err *err)
{
	struct machine *m = vm->machine;
	vm->hyp = hyp_vm_new(m->hyp, (uint16_t)(vm->number + 1));
	if (!vm->hyp) return err_set(err, ERR_CONFIG, "memory: too small for the VM's stage 2 tables");
	hyp_vm_set_memory(vm->hyp, vm->params.memory_bytes);
	if (machine_keeps_ranges(m)) hyp_keep_ranges(vm->hyp);
	vm_flush_broken(vm);
	if (stack_hypervisor(m->stack)->dirty_log) hyp_start_dirty_log(vm->hyp);
	TRY(build_guest_memory(vm, seed, err));
	TRY(vm_copy_stage2(vm, err));
	for (unsigned i = 0; i < vm->vcpus; i++) {
		hyp_write_regs(vm->hyp, &vm->vcpu[i].regs);
		hyp_enter_node(vm->hyp, vm->vcpu[i].task.near[0], &vm->vcpu[i].regs);
	}
	return OK;
}

/* --- kernel ------------------------------------------------------------------------------------------------------ */

static struct event_kernel kernel_of(struct vm *vm)
{
	const struct machine *m = vm->machine;
	const struct os_params *os = &vm->params.os;
	bool vhe_host = !vm->hyp && m->hw->features.vhe;
	return (struct event_kernel){.os = vm->os,
				     .page_bits = os_page_bits(os),
				     .asid_bits = os_asid_bits(os, &m->hw->features),
				     .features = &m->hw->features,
				     .regime = vhe_host ? REGIME_EL20 : REGIME_EL10,
				     .contexts = vm->contexts,
				     .pairs = os->kpti,
				     .pins_due = os->pinned_asids,
				     .mmus = m->mmus,
				     .cpus = m->cpus,
				     .vcpus = vm->vcpus,
				     .number = vm->number,
				     .shootdowns = &vm->machine->shootdowns,
				     .shoots = {os->shootdown == OS_SHOOTDOWN_IPI, vm->hyp != NULL}};
}

static enum status build_contexts(struct vm *vm, struct err *err)
{
	const struct os_params *os = &vm->params.os;
	unsigned bits = os_asid_bits(os, &vm->machine->hw->features);
	enum ctx_kind kind = (enum ctx_kind)(os->asids - 1);
	if (vm->vcpus + 1 >= UINT64_C(1) << bits >> os->kpti)
		return err_set(err, ERR_CONFIG,
			       "os.asid_bits: %u give too few ASIDs for %u vCPUs that run at once", bits,
			       vm->vcpus);
	vm->contexts = os->kpti ? contexts_new_pairs(kind, bits, vm->vcpus)
				: contexts_new(kind, bits, vm->vcpus);
	return OK;
}

static void start_events(struct vcpu *v)
{
	struct cpu *c = v->cpu;
	v->events = (struct events){.kernel = &v->vm->kernel,
				    .cpu = v->number,
				    .node = v->task.near[0],
				    .mmu = c->mmu,
				    .regs = &v->regs};
	v->events.shooter = &c->shooter;
	c->shooter.kernel = &v->vm->kernel.shoots;
	events_start(&v->events);
	v->events.core = &c->core; /* from now on time passes */
}

static enum status build_kernel(struct vm *vm, struct err *err)
{
	struct machine *m = vm->machine;
	const struct os_params *os = &vm->params.os;
	struct pgtable_view view = vm->hyp ? hyp_view(vm->hyp) : (struct pgtable_view){0};
	struct frames *frames = vm->hyp ? vm->frames : m->memory.frames;
	TRY(os_new(os, &m->hw->features, frames, m->physmem, vm->hyp ? &view : NULL, &vm->os, err));
	TRY(vm_build_ranges(vm, err));
	TRY(vm_copy_stage1(vm, err));
	struct os_aspace *first = os_aspace_new(vm->os, 1);
	if (!first) return err_set(err, ERR_CONFIG, "memory: too small for a translation table");
	if (os->asids != OS_ASIDS_RECORDED) TRY(build_contexts(vm, err));
	vm->kernel = kernel_of(vm);
	event_kernel_start(&vm->kernel, first);
	for (unsigned i = 0; i < vm->vcpus; i++) start_events(&vm->vcpu[i]);
	return OK;
}

static enum status build_work(struct vcpu *v, struct err *err)
{
	struct vm *vm = v->vm;
	struct machine *m = vm->machine;
	const struct kernel_work_parts parts = {.params = &vm->params.os,
						.os = vm->os,
						.aspace = v->events.present,
						.vm = vm->hyp,
						.primitives = &m->hw->primitives,
						.features = &m->hw->features,
						.regs = &v->regs,
						.mmu = v->cpu->mmu,
						.mem = &v->cpu->mem,
						.el = vm->kernel.regime == REGIME_EL20 ? 2 : 1,
						.cpu = v->number};
	if (!kernel_work_wanted(&vm->params.os)) return OK;
	placement_enter(&m->memory, &vm->numa, &v->task);
	return kernel_work_new(&parts, &v->work, err);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static void init_vcpu(struct vcpu *v)
{
	struct cpu *c = v->cpu;
	numa_task_init(&v->task, &c->mem);
	v->guest_task = v->task;
	v->populator.mmu = c->mmu;
	v->populator.mem = v->vm->machine->physmem;
	v->populator.on_fault = machine_on_populate;
	v->populator.fault_owner = v;
}

enum status vm_init(struct vm *vm, unsigned number, uint64_t seed, struct err *err)
{
	struct machine *m = vm->machine;
	vm->number = number;
	vm->last_ran = xcalloc(m->cpus, sizeof(struct vcpu *));
	TRY(numa_init(&vm->numa, &vm->params.numa, m->memory.nodes, err));
	for (unsigned i = 0; i < vm->vcpus; i++) init_vcpu(&vm->vcpu[i]);
	placement_enter(&m->memory, &vm->numa, &vm->vcpu[0].task);
	if (m->hyp) TRY(build_stage2(vm, seed, err));
	TRY(build_kernel(vm, err));
	vm_give_table_memory(vm);
	vm_build_locks(vm);
	for (unsigned i = 0; i < vm->vcpus; i++) TRY(build_work(&vm->vcpu[i], err));
	return balance_new(vm, err);
}

void vm_fini(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpus; i++) {
		path_engine_free(vm->vcpu[i].paths);
		kernel_work_free(vm->vcpu[i].work);
	}
	balance_free(vm->balance);
	balance_free(vm->guest_balance);
	path_gic_free(vm->gic);
	lock_set_free(vm->locks);
	program_locks_free(vm->program_locks);
	free(vm->foresight);
	event_kernel_fini(&vm->kernel);
	contexts_free(vm->contexts);
	os_free(vm->os);
	placement_fini(&vm->guest);
	free(vm->frames_path);
	free(vm->last_ran);
}

static void register_work(struct vcpu *v, struct stats *s)
{
	char path[48];
	if (v->vm->hyp)
		snprintf(path, sizeof(path), "vm%u.vcpu%u.kernel", v->vm->number, v->number);
	else
		snprintf(path, sizeof(path), "cpu%u.kernel", v->cpu->number);
	kernel_work_register_stats(v->work, s, path);
}

/* One VM alone has the events and ASIDs of the whole workload, which bear no VM's name. */
void vm_register_stats(struct vm *vm, struct stats *s)
{
	char name[24];
	snprintf(name, sizeof(name), "vm%u.", vm->number);
	const char *guest = vm->hyp ? name : "", *own = vm->machine->vms > 1 ? name : "";
	stats_add(s, os_stat_rows, os_stat_row_count, os_stats(vm->os), "%sos", guest);
	if (vm->hyp) stats_add(s, hyp_stat_rows, hyp_stat_row_count, hyp_stats(vm->hyp), "%shyp", guest);
	if (vm->hyp && hyp_dirty_stats(vm->hyp))
		stats_add(s, dirty_stat_rows, dirty_stat_row_count, hyp_dirty_stats(vm->hyp), "%sdirty_log",
			  guest);
	stats_add(s, event_stat_rows, event_stat_row_count, &vm->kernel.stats, "%sevents", own);
	for (unsigned i = 0; i < vm->vcpus; i++)
		if (vm->vcpu[i].work) register_work(&vm->vcpu[i], s);
	vm_register_nodes(vm, s);
	program_locks_register_stats(vm->program_locks, s, guest);
	balance_register_stats(vm, s);
	if (vm->contexts)
		stats_add(s, ctx_stat_rows, ctx_stat_row_count, contexts_stats(vm->contexts), "%sasids", own);
	if (vm->params.os.pinned_asids)
		stats_add(s, ctx_pin_rows, ctx_pin_row_count, contexts_stats(vm->contexts), "%sasids", own);
}
