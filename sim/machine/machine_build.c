#include "machine/machine_impl.h"

#include <stdlib.h>

#include "base/alloc.h"

static enum status build_hypervisor(struct machine *m, uint64_t seed, struct err *err)
{
	const struct hyp_params *p = stack_hypervisor(m->stack);
	const struct frames_params host = hyp_frames_params(p, 0, 0);
	TRY(placement_init(&m->memory, &p->numa, m->mem, &host, seed, err));
	placement_enter(&m->memory, &m->cpu[0].task);
	TRY(hyp_new(p, &m->hw->features, m->memory.frames, m->physmem, &m->hyp, err));
	m->vm = hyp_vm_new(m->hyp, 1);
	if (!m->vm) return err_set(err, ERR_CONFIG, "memory: too small for the VM's stage 2 tables");
	if (m->hw->walker.range_tlb.entries) hyp_keep_ranges(m->vm);
	struct frames_params guest = os_frames_params(&m->stack->os, p->memory_base, p->memory_bytes);
	guest.seed = seed;
	m->guest_frames = frames_new(&guest);
	for (unsigned i = 0; i < m->cpus; i++) hyp_write_regs(m->vm, &m->cpu[i].regs);
	return OK;
}

static enum status build_native(struct machine *m, uint64_t seed, struct err *err)
{
	const struct frames_params host = os_frames_params(&m->stack->os, 0, 0);
	TRY(placement_init(&m->memory, &m->stack->os.numa, m->mem, &host, seed, err));
	placement_enter(&m->memory, &m->cpu[0].task);
	return OK;
}

static void start_events(struct cpu *c)
{
	struct machine *m = c->machine;
	c->events = (struct events){
		.kernel = &m->kernel, .cpu = (unsigned)(c - m->cpu), .mmu = c->mmu, .regs = &c->regs};
	events_start(&c->events);
	core_set_maintenance(&c->core, &m->hw->primitives);
	c->events.core = &c->core; /* from now on time passes */
}

static enum status build_kernel(struct machine *m, struct err *err)
{
	struct pgtable_view view = m->vm ? hyp_view(m->vm) : (struct pgtable_view){0};
	struct frames *frames = m->vm ? m->guest_frames : m->memory.frames;
	TRY(os_new(&m->stack->os, &m->hw->features, frames, m->physmem, m->vm ? &view : NULL, &m->os, err));
	TRY(machine_build_ranges(m, err));
	struct os_aspace *first = os_aspace_new(m->os, 1);
	if (!first) return err_set(err, ERR_CONFIG, "memory: too small for a translation table");
	bool vhe_host = !m->vm && m->hw->features.vhe;
	m->kernel = (struct event_kernel){.os = m->os,
					  .page_bits = os_page_bits(&m->stack->os),
					  .asid_bits = os_asid_bits(&m->stack->os, &m->hw->features),
					  .features = &m->hw->features,
					  .regime = vhe_host ? REGIME_EL20 : REGIME_EL10,
					  .mmus = m->mmus,
					  .cpus = m->cpus};
	if (m->stack->os.asids != OS_ASIDS_RECORDED)
		m->contexts = contexts_new((enum ctx_kind)(m->stack->os.asids - 1), m->kernel.asid_bits,
					   m->cpus);
	m->kernel.contexts = m->contexts;
	event_kernel_start(&m->kernel, first);
	for (unsigned i = 0; i < m->cpus; i++) start_events(&m->cpu[i]);
	return OK;
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
	core_init(&c->core, &m->hw->core, c->mmu, &c->mem);
	numa_task_init(&c->task, &c->mem);
	c->populator.mmu = c->mmu;
	c->populator.mem = m->physmem;
	c->populator.on_fault = machine_on_populate;
	c->populator.fault_owner = c;
	c->core.on_fault = machine_on_fault;
	c->core.fault_owner = c;
	return OK;
}

static enum status build_hardware(struct machine *m, struct err *err)
{
	TRY(mem_new(&m->hw->memory, &m->hw->caches, m->hw->clock_mhz, &m->mem, err));
	mem_set_topology(m->mem, &m->hw->topology);
	m->shared_tlbs.topology = m->hw->topology;
	m->physmem = physmem_new();
	for (unsigned i = 0; i < m->cpus; i++) TRY(build_cpu(&m->cpu[i], err));
	return OK;
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
	stats_add(m->stats, os_stat_rows, os_stat_row_count, os_stats(m->os), m->vm ? "vm0.os" : "os");
	if (m->vm) stats_add(m->stats, hyp_stat_rows, hyp_stat_row_count, hyp_stats(m->vm), "vm0.hyp");
	stats_add(m->stats, event_stat_rows, event_stat_row_count, &m->kernel.stats, "events");
	if (m->contexts)
		stats_add(m->stats, ctx_stat_rows, ctx_stat_row_count, contexts_stats(m->contexts), "asids");
}

static enum status build(struct machine *m, uint64_t seed, struct err *err)
{
	TRY(build_hardware(m, err));
	if (stack_hypervisor(m->stack))
		TRY(build_hypervisor(m, seed, err));
	else
		TRY(build_native(m, seed, err));
	TRY(build_kernel(m, err));
	machine_give_table_memory(m);
	register_stats(m);
	return OK;
}

static enum status place_threads(struct machine *m, struct err *err)
{
	unsigned cpu[STACK_THREADS_MAX];
	TRY(stack_place(m->stack, (unsigned)m->hw->cores, cpu, err));
	for (unsigned i = 0; i < m->cpus; i++) m->cpu[i].machine = m, m->cpu[i].number = cpu[i];
	return OK;
}

enum status machine_new(const struct machine_params *hardware, const struct stack_params *stack,
			uint64_t seed, struct machine **out, struct err *err)
{
	struct machine *m = xcalloc(1, sizeof(*m));
	m->hw = hardware;
	m->stack = stack;
	m->cpus = (unsigned)stack->threads;
	m->cpu = xcalloc(m->cpus, sizeof(*m->cpu));
	m->mmus = xcalloc(m->cpus, sizeof(struct mmu *));
	enum status st = place_threads(m, err);
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
	event_kernel_fini(&m->kernel);
	contexts_free(m->contexts);
	checker_free(m->checker);
	os_free(m->os);
	hyp_free(m->hyp);
	if (m->guest_frames) frames_free(m->guest_frames);
	placement_fini(&m->memory);
	for (unsigned i = 0; i < m->cpus; i++) {
		path_engine_free(m->cpu[i].paths);
		host_memory_free(m->cpu[i].path_memory);
		core_fini(&m->cpu[i].core);
		mmu_free(m->cpu[i].mmu);
		mem_cpu_fini(&m->cpu[i].mem);
	}
	tlb_pool_fini(&m->shared_tlbs);
	if (m->physmem) physmem_free(m->physmem);
	mem_free(m->mem);
	free(m->mmus);
	free(m->cpu);
	free(m);
}

/* --- software paths ---------------------------------------------------------------------------------------------- */

static enum status use_paths(struct cpu *c, const struct path_book *book, struct err *err)
{
	struct machine *m = c->machine;
	const struct hyp_params *hyp = stack_hypervisor(m->stack);
	const struct host_memory_parts memory = {
		.features = &m->hw->features,
		.frames = m->memory.frames,
		.memory = m->physmem,
		.mmu = c->mmu,
		.guest = &c->regs,
		.page_size = (unsigned)(hyp ? hyp->granule : m->stack->os.page_size)};
	c->path_memory = host_memory_new(&memory);
	struct path_engine_parts parts = {.book = book,
					  .primitives = &m->hw->primitives,
					  .mem = &c->mem,
					  .memory = c->path_memory,
					  .vmm_work_percent = hyp ? hyp->vmm_work_percent : 100,
					  .memory_base = hyp ? hyp->memory_base : 0,
					  .memory_bytes = hyp ? hyp->memory_bytes : 0};
	TRY(path_engine_new(&parts, &c->paths, err));
	path_engine_register_stats(c->paths, m->stats, (unsigned)(c - m->cpu));
	return OK;
}

enum status machine_use_paths(struct machine *m, const struct path_book *book, struct err *err)
{
	for (unsigned i = 0; i < m->cpus; i++) TRY(use_paths(&m->cpu[i], book, err));
	return OK;
}

enum status machine_enter_guest(struct machine *m, struct err *err)
{
	return path_engine_boot(m->cpu[0].paths, err);
}

void machine_listen(struct machine *m, path_price_fn *fn, void *ctx)
{
	path_engine_listen(m->cpu[0].paths, fn, ctx);
}
