#include "machine/machine_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "machine/memops.h"

static enum status build_hypervisor(struct machine *m, uint64_t seed, struct err *err)
{
	const struct hyp_params *p = stack_hypervisor(m->stack);
	const struct frames_params host = hyp_frames_params(p, 0, 0);
	placement_init(&m->memory, m->mem, &host, seed);
	TRY(hugetlb_reserve(&p->hugetlb, "hypervisors.0.", m->memory.frames, err));
	return hyp_new(p, &m->hw->features, m->memory.frames, m->physmem, &m->hyp, err);
}

static enum status build_native(struct machine *m, uint64_t seed, struct err *err)
{
	const struct frames_params host = os_frames_params(&m->stack->os, 0, 0);
	placement_init(&m->memory, m->mem, &host, seed);
	return hugetlb_reserve(&m->stack->os.hugetlb, "os.", m->memory.frames, err);
}

/* Before statistics are registered. */
static void count_evictors(struct machine *m)
{
	mem_count_evictors(m->mem);
	for (unsigned i = 0; i < m->cpus; i++) mmu_count_evictors(m->mmus[i]);
}

static enum status build_cpu(struct cpu *c, struct err *err)
{
	struct machine *m = c->machine;
	TRY(mem_cpu_init(&c->mem, m->mem, c->number, err));
	struct mmu_parts parts = {.tlbs = &m->hw->tlbs,
				  .walker = &m->hw->walker,
				  .mem = &c->mem,
				  .memory = m->physmem,
				  .pool = &m->shared_tlbs,
				  .cpu = c->number};
	TRY(mmu_new_of(&parts, &c->mmu, err));
	m->mmus[c - m->cpu] = c->mmu;
	c->mem.agent.cpu = (uint16_t)c->number;
	core_init(&c->core, &m->hw->core, c->mmu, &c->mem);
	core_set_maintenance(&c->core, &m->hw->primitives);
	c->core.on_fault = machine_on_fault;
	c->core.fault_owner = c;
	return OK;
}

static enum status build_hardware(struct machine *m, struct err *err)
{
	TRY(mem_new(&m->hw->memory, &m->hw->caches, m->hw->clock_mhz, &m->mem, err));
	mem_set_topology(m->mem, &m->hw->topology);
	coherence_init(&m->coherence, &m->hw->coherence, &m->hw->topology, m->hw->clock_mhz,
		       m->hw->primitives.atomic_cycles);
	if (m->cpus > 1 && m->hw->coherence.protocol == PROTOCOL_DIRECTORY)
		mem_use_directory(m->mem, &m->coherence);
	machine_collect_labels(m);
	TRY(mem_use_mpam(m->mem, &m->mpam, err));
	m->shared_tlbs.topology = m->hw->topology;
	m->physmem = physmem_new();
	for (unsigned i = 0; i < m->cpus; i++) TRY(build_cpu(&m->cpu[i], err));
	return machine_label_vcpus(m, err);
}

static void build_shootdowns(struct machine *m)
{
	m->dvm = mem_dvm_new(m->mem, &m->hw->dvm, (unsigned)m->hw->cores);
	m->shootdowns = (struct shootdowns){
		.shooter = m->shooters, .count = m->cpus, .dvm = m->dvm, .primitives = &m->hw->primitives};
	for (unsigned i = 0; i < m->cpus; i++) {
		struct cpu *c = &m->cpu[i];
		c->shooter = (struct shooter){.mmu = c->mmu, .place = i};
		m->shooters[i] = &c->shooter;
		if (m->dvm) core_set_dvm(&c->core, m->dvm, dvm_join(m->dvm, c->number));
	}
}

static bool kernels_interrupt(const struct machine *m)
{
	for (unsigned i = 0; i < m->vms; i++)
		if (m->vm[i].kernel.shoots.ipi) return true;
	return false;
}

static void register_stats(struct machine *m)
{
	m->stats = stats_new();
	for (unsigned i = 0; i < m->cpus; i++) {
		struct cpu *c = &m->cpu[i];
		core_register_stats(&c->core, m->stats, c->number);
		mmu_register_stats(c->mmu, m->stats, c->number);
		mem_cpu_register_stats(&c->mem, m->stats, c->number);
	}
	tlb_pool_register_stats(&m->shared_tlbs, m->stats);
	mem_register_stats(m->mem, m->stats);
	for (unsigned i = 0; i < m->vms; i++) vm_register_stats(&m->vm[i], m->stats);
	if (m->hyp)
		hugetlb_register_stats(&stack_hypervisor(m->stack)->hugetlb, m->memory.frames, "", m->stats);
	if (m->memops) memops_register_stats(m->memops, m->stats);
	if (m->dvm) dvm_register_stats(m->dvm, m->stats);
	if (m->dvm || kernels_interrupt(m)) shootdowns_register_stats(&m->shootdowns, m->stats);
	if (m->host) host_register_stats(m->host, m->stats);
}

/* What of the machine knows one VM alone. */
static enum status check_several(const struct machine *m, struct err *err)
{
	for (unsigned i = 0; m->host && i < m->vms; i++)
		if (m->vm[i].params.os.shootdown == OS_SHOOTDOWN_IPI)
			return err_set(
				err, ERR_CONFIG,
				"os.shootdown: ipi: nobody takes the interrupt of a vCPU that has no core; each needs "
				"one of its own");
	if ((m->vms == 1 && !m->host) || !m->hw->walker.page_table.design) return OK;
	return err_set(
		err, ERR_CONFIG,
		"walker.page_table.design: designs other than Arm's tables serve one VM, each vCPU on a core of "
		"its own");
}

static enum status build(struct machine *m, uint64_t seed, struct err *err)
{
	TRY(check_several(m, err));
	TRY(build_hardware(m, err));
	if (stack_hypervisor(m->stack))
		TRY(build_hypervisor(m, seed, err));
	else
		TRY(build_native(m, seed, err));
	build_shootdowns(m);
	for (unsigned i = 0; i < m->vms; i++) TRY(vm_init(&m->vm[i], i, seed, err));
	for (unsigned i = 0; i < m->cpus; i++) m->cpu[i].shooter.kernel = &m->cpu[i].vcpu->vm->kernel.shoots;
	if (m->stack->pollution) count_evictors(m);
	TRY(memops_new(m, &m->memops, err));
	register_stats(m);
	return OK;
}

/* Puts each vCPU on the core that it has for itself, or that it begins on. */
static enum status place_vcpus(struct machine *m, struct err *err)
{
	TRY(stack_place(m->stack, (unsigned)m->hw->cores, &m->places, err));
	m->cpus = m->places->cpus;
	m->cpu = xcalloc(m->cpus, sizeof(*m->cpu));
	m->mmus = xcalloc(m->cpus, sizeof(struct mmu *));
	m->shooters = xcalloc(m->cpus, sizeof(struct shooter *));
	for (unsigned i = 0; i < m->cpus; i++) {
		m->cpu[i].machine = m;
		m->cpu[i].number = m->places->core[i];
	}
	for (unsigned i = m->vcpus; i-- > 0;) {
		m->vcpu[i].cpu = &m->cpu[m->places->thread[i].home];
		m->vcpu[i].cpu->vcpu = &m->vcpu[i];
	}
	return OK;
}

/* Cores that no thread begins on have somebody's context until they are given one. */
static enum status schedule_vcpus(struct machine *m, struct err *err)
{
	const struct sched_params *p = &m->stack->scheduler;
	if (!m->places->shared && p->when != SCHED_ALWAYS && !p->task_period_ns) return OK;
	for (unsigned i = 0; i < m->cpus; i++)
		if (!m->cpu[i].vcpu) m->cpu[i].vcpu = &m->vcpu[0];
	return host_new(m, m->places, &m->host, err);
}

/* Deals the machine's vCPUs to its VMs. */
static void deal_vcpus(struct machine *m)
{
	struct vcpu *next = m->vcpu;
	for (unsigned i = 0; i < m->vms; i++) {
		struct vm *vm = &m->vm[i];
		vm->machine = m;
		vm->params = stack_vm(m->stack, i);
		vm->vcpu = next;
		vm->vcpus = (unsigned)vm->params.vcpus;
		for (unsigned k = 0; k < vm->vcpus; k++, next++) {
			next->vm = vm;
			next->number = k;
			clock_start(&next->clock, 0, 0);
		}
	}
}

enum status machine_new(const struct machine_params *hardware, const struct stack_params *stack,
			uint64_t seed, struct machine **out, struct err *err)
{
	enum { CORE_BYTES = 768 << 10 }; /* about what one takes */
	unsigned threads = stack_threads(stack);
	if (threads > MACHINE_MANY_CORES) xalloc_together((size_t)threads * CORE_BYTES);
	struct machine *m = xcalloc(1, sizeof(*m));
	m->hw = hardware;
	m->stack = stack;
	m->seed = seed;
	m->vms = stack_vms(stack);
	m->vm = xcalloc(m->vms, sizeof(*m->vm));
	m->vcpus = stack_threads(stack);
	m->vcpu = xcalloc(m->vcpus, sizeof(*m->vcpu));
	deal_vcpus(m);
	enum status st = place_vcpus(m, err);
	if (st == OK) st = schedule_vcpus(m, err);
	if (st == OK) st = build(m, seed, err);
	if (st != OK) {
		machine_free(m);
		return st;
	}
	*out = m;
	return OK;
}

void machine_free(struct machine *m)
{
	if (!m) return;
	stats_free(m->stats);
	for (unsigned i = 0; i < m->vms; i++) vm_fini(&m->vm[i]);
	checker_free(m->checker);
	machine_stage2_free(m);
	host_free(m->host);
	stack_places_free(m->places);
	memops_free(m->memops);
	hyp_free(m->hyp);
	placement_fini(&m->memory);
	for (unsigned i = 0; i < m->cpus; i++) {
		host_memory_free(m->cpu[i].path_memory);
		core_fini(&m->cpu[i].core);
		mmu_free(m->cpu[i].mmu);
		mem_cpu_fini(&m->cpu[i].mem);
	}
	tlb_pool_fini(&m->shared_tlbs);
	if (m->physmem) physmem_free(m->physmem);
	mem_free(m->mem);
	monitors_free(m->monitors);
	dvm_free(m->dvm);
	free(m->mpam.labels.items);
	free(m->shooters);
	free(m->mmus);
	free(m->cpu);
	free(m->vcpu);
	free(m->vm);
	free(m);
}

/* --- software paths ---------------------------------------------------------------------------------------------- */

/* Until its core has a line that another vCPU of the VM wrote last: the one that is farthest away. */
static cycles_t farthest(const struct vcpu *v)
{
	const struct coherence *c = &v->vm->machine->coherence;
	cycles_t most = 0;
	for (unsigned i = 0; i < v->vm->vcpus; i++) {
		cycles_t one = coherence_transfer(c, v->vm->vcpu[i].cpu->number, v->cpu->number);
		if (one > most) most = one;
	}
	return most;
}

/* The host's memory as a core sees it. */
static void build_path_memory(struct cpu *c)
{
	struct machine *m = c->machine;
	const struct hyp_params *hyp = stack_hypervisor(m->stack);
	const struct host_memory_parts memory = {
		.features = &m->hw->features,
		.frames = m->memory.frames,
		.memory = m->physmem,
		.mmu = c->mmu,
		.guest = &c->vcpu->regs,
		.page_size = (unsigned)(hyp ? hyp->granule : m->stack->os.page_size)};
	c->path_memory = host_memory_new(&memory);
}

static enum status use_paths(struct vcpu *v, const struct path_book *book, struct err *err)
{
	struct cpu *c = v->cpu;
	struct machine *m = c->machine;
	const struct hyp_params *hyp = stack_hypervisor(m->stack);
	struct path_engine_parts parts = {
		.book = book,
		.primitives = &m->hw->primitives,
		.gic_timing = &m->hw->gic,
		.schedule_cycles = gic_ns(m->hw->gic.vpe_schedule_ns, m->hw->clock_mhz),
		.mem = &c->mem,
		.memory = c->path_memory,
		.gic = v->vm->gic,
		.pe = v->number,
		.share_cycles = farthest(v),
		.percent = {100, 100, 100},
		.sharing = vcpu_sharing(v),
		.handler = vcpu_handle_interrupt,
		.handler_ctx = v,
		.port = cpu_dvm_port(c),
		.memory_base = hyp ? hyp->memory_base : 0,
		.memory_bytes = hyp ? v->vm->params.memory_bytes : 0};
	if (hyp)
		parts.percent = (struct work_percents){hyp->vmm_work_percent, hyp->fault_work_percent,
						       hyp->mmu_work_percent};
	TRY(path_engine_new(&parts, &v->paths, err));
	vcpu_start_paths(v);
	path_engine_register_stats(v->paths, m->stats, v->vm->number, v->number);
	if (m->host) v->parks = path_engine_use_scheduler(v->paths);
	return vcpu_start_clock(v, err);
}

static const char *gic_prefix(const struct vm *vm, char out[static 16])
{
	out[0] = 0;
	if (vm->hyp) snprintf(out, 16, "vm%u.", vm->number);
	return out;
}

/* Devices send them; those that a host emulates put them onto a vCPU's list by themselves. A GICv4 makes vPEs resident for them, and not. */
static bool has_messages(const struct vm *vm)
{
	const struct os_params *os = &vm->params.os;
	uint64_t version = vm->machine->hw->gic.version;
	return (os->device_irq_hz && os->device_kind != OS_DEVICE_EMULATED) || version == GIC_V4 ||
	       version == GIC_V41;
}

static void count_messages(struct vm *vm)
{
	char prefix[16];
	path_gic_register_message_stats(vm->gic, vm->machine->stats, gic_prefix(vm, prefix), vm->hyp != NULL);
}

/* vCPU n of a VM is at PE n of its own interrupt controller: VMs share no core. */
static void build_gic(struct vm *vm)
{
	struct machine *m = vm->machine;
	unsigned *core = xcalloc(vm->vcpus, sizeof(*core));
	for (unsigned i = 0; i < vm->vcpus; i++) core[i] = vm->vcpu[i].cpu->number;
	const struct hyp_params *hyp = stack_hypervisor(m->stack);
	const struct path_gic_params p = {.pes = vm->vcpus,
					  .translations = hyp ? (unsigned)hyp->its_translations : 0,
					  .timing = &m->hw->gic,
					  .topology = &m->hw->topology,
					  .core = core,
					  .clock_mhz = m->hw->clock_mhz,
					  .share_cycles = farthest(&vm->vcpu[0])};
	vm->gic = path_gic_new(&p);
	vm_watch_interrupts(vm);
	free(core);
	if (m->hw->gic.version == GIC_UNTIMED) return;
	char prefix[16];
	path_gic_register_stats(vm->gic, m->stats, gic_prefix(vm, prefix), vm->hyp != NULL);
	if (has_messages(vm)) count_messages(vm);
}

void machine_count_messages(struct machine *m)
{
	for (unsigned i = 0; i < m->vms && m->hw->gic.version != GIC_UNTIMED; i++) count_messages(&m->vm[i]);
}

enum status machine_use_paths(struct machine *m, const struct path_book *book, struct err *err)
{
	for (unsigned i = 0; i < m->vms; i++) build_gic(&m->vm[i]);
	machine_share_locks(m, book);
	for (unsigned i = 0; i < m->cpus; i++) build_path_memory(&m->cpu[i]);
	for (unsigned i = 0; i < m->vcpus; i++) TRY(use_paths(&m->vcpu[i], book, err));
	return OK;
}

enum status machine_without_paths(const struct machine *m, struct err *err)
{
	for (unsigned i = 0; i < m->vms; i++)
		if (m->vm[i].params.os.tick_hz)
			return err_set(
				err, ERR_CONFIG,
				"os.tick_hz: %llu, but the stack names no software paths, which say how an interrupt is "
				"taken (hypervisors.0.paths and operations, as kvm-vhe; natively linux-native)",
				(unsigned long long)m->vm[i].params.os.tick_hz);
	return OK;
}

enum status machine_enter_guest(struct machine *m, struct err *err)
{
	return path_engine_boot(m->vcpu[0].paths, err);
}

void machine_listen(struct machine *m, path_price_fn *fn, void *ctx)
{
	path_engine_listen(m->vcpu[0].paths, fn, ctx);
}
