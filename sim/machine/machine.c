#include "machine/machine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "cpu/warm.h"
#include "machine/events.h"
#include "machine/host_memory.h"
#include "machine/path_engine.h"
#include "machine/placement.h"
#include "machine/populate.h"
#include "mmu/range_tlb.h"

/* A core that runs a stream of the workload: a thread of the kernel, or a vCPU. */
struct cpu {
	struct machine *machine;
	unsigned number; /* on the hardware: names its counters */
	struct mem_cpu mem;
	struct mmu *mmu;
	struct core core;
	struct sysregs regs;
	struct events events; /* of its stream; knows the present address space */
	struct host_memory *path_memory;
	struct path_engine
		*paths; /* of the software below its guest; NULL: faults cost what the stack says */
	struct mmu_observer checking; /* feeds the checker */
	struct va last_fault;         /* with nothing to add: a second one in a row is an error */
	bool last_was_spurious;
	const struct machine_observer *observer; /* NULL: nobody is told */
	struct mmu_observer walks;               /* feeds it */
	struct numa_task task;                   /* to the kernel or hypervisor that gives it memory */
	struct populator populator;
};

struct machine {
	const struct machine_params *hw;
	const struct stack_params *stack;
	struct stats *stats;
	struct mem_side *mem;
	struct physmem *physmem;
	struct cpu *cpu; /* those that run something: an idle core costs nothing */
	struct mmu **mmus;
	struct tlb_pool shared_tlbs;
	unsigned cpus;
	struct placement memory;     /* of the nodes */
	struct frames *guest_frames; /* IPAs of the VM; NULL when native */
	struct hyp *hyp;             /* NULL when native */
	struct hyp_vm *vm;
	struct os *os;
	struct contexts *contexts;  /* NULL: the workload says ASIDs */
	struct event_kernel kernel; /* what events of the workload do */
	struct checker *checker;    /* NULL: maintenance is not checked */
};

/* --- faults ---------------------------------------------------------------------------------------------------- */

static const char *const kind_names[] = {"read", "write", "fetch"};

static enum status refuse(const struct mmu_fault *f, const char *why, struct err *err)
{
	return err_set(err, ERR_INPUT, "the workload's %s of VA 0x%" PRIx64 " cannot go on: %s",
		       kind_names[f->access.kind], f->va.raw, why);
}

/* A handler that had nothing to add says that the access should pass. If it does not, it never will. */
static enum status note_spurious(struct cpu *c, const struct mmu_fault *f, bool spurious, struct err *err)
{
	bool again = spurious && c->last_was_spurious && c->last_fault.raw == f->va.raw;
	c->last_was_spurious = spurious;
	c->last_fault = f->va;
	if (!again) return OK;
	return refuse(f, "it is mapped, but EL0 may not access it (is it a kernel address?)", err);
}

/* `what` faults of stage 2 took place at `ipa` from `now` on: by the hypervisor's paths, or at the price in the stack
 * file. */
static enum status spend_stage2(struct cpu *c, struct ipa ipa, enum access_kind kind, cycles_t now,
				const struct hyp_populated *what, struct core_spent *spent, struct err *err)
{
	if (!c->paths) {
		spent->cycles[BUCKET_HYPERVISOR][2] += what->cycles;
		return OK;
	}
	if (path_engine_maps_all(c->paths)) return OK;
	struct why *why = c->mmu->why; /* explains accesses of the guest, not of who handles its faults */
	enum status st = OK;
	c->mmu->why = c->mmu->port->why = NULL;
	for (uint64_t i = 0; st == OK && i < what->faults; i++)
		st = path_engine_fault(c->paths, ipa, kind, now, spent, err);
	c->mmu->why = c->mmu->port->why = why;
	if (st != OK) return st;
	spent->cycles[BUCKET_HYPERVISOR][2] += what->beyond;
	return OK;
}

static enum status stage2_fault(struct cpu *c, const struct mmu_fault *f, cycles_t now,
				struct core_spent *spent, struct err *err)
{
	enum access_kind kind = f->fault.s1ptw ? ACCESS_READ : (enum access_kind)f->access.kind;
	struct hyp_fault done = hyp_handle_stage2_fault(c->machine->vm, f->fault.ipa, kind);
	if (done.outcome == HYP_NOT_MEMORY) return refuse(f, "its IPA is outside of the VM's memory", err);
	if (done.outcome == HYP_NO_MEMORY) return refuse(f, "the machine has no memory left for the VM", err);
	struct hyp_populated what = {1, done.cycles, done.beyond};
	TRY(spend_stage2(c, f->fault.ipa, kind, now, &what, spent, err));
	return note_spurious(c, f, done.outcome == HYP_SPURIOUS, err);
}

static enum status stage1_fault(struct cpu *c, const struct mmu_fault *f, cycles_t now,
				struct core_spent *spent, struct err *err)
{
	struct machine *m = c->machine;
	events_enter(&c->events);
	struct os_fault done = os_handle_fault(m->os, c->events.present, f->va,
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
	spent->cycles[BUCKET_EXCEPTION][m->kernel.regime == REGIME_EL20 ? 2 : 1] += done.cycles;
	if (m->vm) { /* new tables in new memory */
		struct hyp_populated what = hyp_take_populated(m->vm);
		struct ipa base = {stack_hypervisor(m->stack)->memory_base};
		TRY(spend_stage2(c, base, ACCESS_WRITE, now, &what, spent, err));
	}
	return note_spurious(c, f, done.outcome == OS_SPURIOUS, err);
}

/* A fault or event has taken *spent from `at` on. */
static void tell_spent(const struct cpu *c, cycles_t at, const struct core_spent *spent)
{
	const struct machine_observer *o = c->observer;
	if (o) o->spent(o->self, (unsigned)(c - c->machine->cpu), at, spent);
}

static enum status on_fault(void *owner, const struct mmu_fault *f, cycles_t now, struct core_spent *spent,
			    struct err *err)
{
	struct cpu *c = owner;
	if (f->fault.kind == FAULT_ADDRESS_SIZE)
		return refuse(f, "an address in its translation is too large", err);
	placement_enter(&c->machine->memory, &c->task);
	TRY(f->fault.stage == 2 ? stage2_fault(c, f, now, spent, err) : stage1_fault(c, f, now, spent, err));
	tell_spent(c, now, spent);
	return OK;
}

/* Before time begins nobody leaves the guest: what is missing was there before. */
static enum status on_populate(void *owner, const struct mmu_fault *f, cycles_t now, struct core_spent *spent,
			       struct err *err)
{
	struct cpu *c = owner;
	struct path_engine *paths = c->paths;
	c->paths = NULL;
	enum status st = on_fault(c, f, now, spent, err);
	c->paths = paths;
	return st;
}

/* --- ranges (mmu/range_tlb.h) ------------------------------------------------------------------------------------ */

static void add_reads(struct range_found *found, const struct range_path *path)
{
	for (unsigned i = 0; i < path->count && found->reads < RANGE_READS_MAX; i++)
		found->read[found->reads++] = path->at[i];
}

/* Cuts what stage 1 maps as one to what stage 2 maps as one around `ipa`, and takes it there. */
static bool through_stage2(const struct machine *m, uint64_t ipa, struct range_found *found)
{
	struct range s2;
	struct range_path path;
	if (!hyp_find_range(m->vm, (struct ipa){ipa}, &s2, &path)) return false;
	uint64_t first_ipa = found->first_pa, last_ipa = first_ipa + (found->last - found->first);
	add_reads(found, &path);
	if (s2.last < last_ipa) found->last -= last_ipa - s2.last;
	if (s2.first > first_ipa) {
		found->first += s2.first - first_ipa;
		first_ipa = s2.first;
	}
	found->first_pa = s2.to + (first_ipa - s2.first);
	return true;
}

static bool find_range(void *owner, uint64_t va, struct range_found *found)
{
	const struct cpu *c = owner;
	const struct machine *m = c->machine;
	struct range s1;
	struct range_path path;
	uint64_t half = bits_align_down(va, (unsigned)m->stack->os.va_bits);
	found->reads = 0;
	if (!os_find_range(m->os, c->events.present, (struct va){va}, &s1, &path)) return false;
	add_reads(found, &path);
	found->first = half | s1.first;
	found->last = half | s1.last;
	found->first_pa = s1.to;
	return !m->vm || through_stage2(m, s1.to + (va - found->first), found);
}

/* Range TLBs need range tables, and pages whose descriptors no hardware changes one by one. */
static enum status build_ranges(struct machine *m, struct err *err)
{
	if (!m->hw->walker.range_tlb.entries) return OK;
	if (m->stack->os.first_touch != OS_GRANT_ALL)
		return err_set(err, ERR_CONFIG,
			       "walker.range_tlb: ranges have one permission, so os.first_touch must be all");
	os_keep_ranges(m->os);
	for (unsigned i = 0; i < m->cpus; i++)
		range_tlb_set_source(m->cpu[i].mmu->ranges, find_range, &m->cpu[i]);
	return OK;
}

/* --- building -------------------------------------------------------------------------------------------------- */

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
	TRY(build_ranges(m, err));
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

/* --- memory for tables of other designs (mmu/page_table.h) ------------------------------------------------------- */

static struct frames *frames_of_space(struct machine *m, unsigned space)
{
	return space == 1 && m->vm ? m->guest_frames : m->memory.frames;
}

/* A guest that clears a new table has touched all of it. */
static bool back_table(struct machine *m, uint64_t addr, unsigned bits)
{
	struct pa pa;
	uint64_t page = UINT64_C(1) << PHYSMEM_PAGE_BITS;
	for (uint64_t at = 0; at >> bits == 0; at += page)
		if (!hyp_populate(m->vm, (struct ipa){addr + at}, &pa)) return false;
	return true;
}

static bool take_table(void *owner, unsigned space, unsigned bits, uint64_t *addr)
{
	struct machine *m = owner;
	struct frames *frames = frames_of_space(m, space);
	if (!frames_take_block(frames, bits, addr)) return false;
	if (space == 2 || !m->vm || back_table(m, *addr, bits)) return true;
	frames_give(frames, *addr, bits);
	return false;
}

static void give_table(void *owner, unsigned space, unsigned bits, uint64_t addr)
{
	frames_give(frames_of_space(owner, space), addr, bits);
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
	c->populator.on_fault = on_populate;
	c->populator.fault_owner = c;
	c->core.on_fault = on_fault;
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
	for (unsigned i = 0; i < m->cpus; i++)
		mmu_set_table_memory(m->mmus[i], &(struct table_memory){m, take_table, give_table});
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

static void tell_priced(void *ctx, const struct path_event *e, const struct path_price *price)
{
	const struct cpu *c = ctx;
	c->observer->priced(c->observer->self, (unsigned)(c - c->machine->cpu), e, price);
}

static void tell_walked(void *self, const struct tlb_entry *entry, struct va va, struct access a)
{
	const struct cpu *c = self;
	(void)entry, (void)a;
	c->observer->walked(c->observer->self, (unsigned)(c - c->machine->cpu), core_now(&c->core), va);
}

void machine_observe(struct machine *m, const struct machine_observer *o)
{
	for (unsigned i = 0; i < m->cpus; i++) {
		struct cpu *c = &m->cpu[i];
		c->observer = o;
		c->walks = (struct mmu_observer){.self = c, .walked = tell_walked};
		mmu_observe(c->mmu, &c->walks);
		if (c->paths) path_engine_listen(c->paths, tell_priced, c);
	}
}

unsigned machine_core(const struct machine *m, unsigned t) { return m->cpu[t].number; }
cycles_t machine_now(const struct machine *m, unsigned t) { return core_now(&m->cpu[t].core); }

/* --- looking on ------------------------------------------------------------------------------------------------ */

void machine_watch(struct machine *m, struct watch *w) { core_watch(&m->cpu[0].core, w); }

static void check_hit(void *self, const struct tlb_entry *e, struct va va, struct access a)
{
	struct cpu *c = self;
	checker_hit(c->machine->checker, &c->mmu->regime, e, va, a);
}

static void check_walk(void *self, const struct tlb_entry *e, struct va va, struct access a)
{
	struct cpu *c = self;
	checker_walk(c->machine->checker, &c->mmu->regime, e, va, a);
}

static void check_write(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	checker_write(((struct machine *)self)->checker, pa, old, now);
}

void machine_check_maintenance(struct machine *m, mistake_fn *report, void *owner)
{
	m->checker = checker_new(&m->hw->features, m->physmem, report, owner);
	for (unsigned i = 0; i < m->cpus; i++) {
		struct cpu *c = &m->cpu[i];
		c->checking = (struct mmu_observer){.self = c, .hit = check_hit, .walked = check_walk};
		mmu_observe(c->mmu, &c->checking);
	}
	m->physmem->on_write = check_write;
	m->physmem->on_write_self = m;
	m->kernel.checker = m->checker;
	stats_add(m->stats, checker_stat_rows, checker_stat_row_count, checker_stats(m->checker),
		  "maintenance");
}

uint64_t machine_mistakes(const struct machine *m)
{
	uint64_t sum = 0;
	for (int i = 0; m->checker && i < MISTAKE_KINDS; i++) sum += checker_stats(m->checker)->mistakes[i];
	return sum;
}

/* --- running --------------------------------------------------------------------------------------------------- */

void machine_only_translate(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++) core_only_translate(&m->cpu[i].core);
}

/* What leaves the guest takes the path below it; all else is the kernel's. */
static enum status execute_event(struct cpu *c, const struct record *rec, struct err *err)
{
	struct core_spent spent = {0};
	bool known = false;
	if (c->paths) TRY(path_engine_event(c->paths, rec, core_now(&c->core), &known, &spent, err));
	if (!known) return events_execute(&c->events, rec, err);
	tell_spent(c, core_now(&c->core), &spent);
	core_spend(&c->core, &spent);
	return OK;
}

enum status machine_perform(struct machine *m, const char *operation, struct err *err)
{
	struct cpu *c = &m->cpu[0];
	struct core_spent spent = {0};
	if (!c->paths)
		return err_set(err, ERR_CONFIG,
			       "%s: the stack has no software paths, so its guest has no operations",
			       operation);
	path_engine_forget_pages(c->paths);
	TRY(path_engine_perform(c->paths, operation, core_now(&c->core), &spent, err));
	tell_spent(c, core_now(&c->core), &spent);
	core_spend(&c->core, &spent);
	return OK;
}

enum status machine_run(struct machine *m, const struct record *rec, size_t n, struct err *err)
{
	struct cpu *c = &m->cpu[0];
	while (n) {
		size_t executed;
		TRY(core_run(&c->core, rec, n, &executed, err));
		rec += executed;
		n -= executed;
		for (; n && rec->kind > REC_STORE; rec++, n--) TRY(execute_event(c, rec, err));
	}
	return OK;
}

unsigned machine_threads(const struct machine *m) { return m->cpus; }

cycles_t machine_lookahead(const struct machine *m)
{
	if (m->hw->order == ORDER_STRICT) return 0;
	if (m->hw->lookahead_cycles) return m->hw->lookahead_cycles;
	cycles_t memory = mem_cross_latency(m->mem), tlbs = tlb_pool_cross_latency(&m->shared_tlbs);
	return tlbs < memory ? tlbs : memory;
}

cycles_t machine_next(const struct machine *m, unsigned t, const struct record *rec)
{
	return core_next(&m->cpu[t].core, rec);
}

/* Executes the first of `n` records, and those behind it that begin in time and are of its kind. */
static enum status run_some(struct cpu *c, const struct record *rec, size_t n, cycles_t until,
			    size_t *executed, struct err *err)
{
	if (rec->kind <= REC_STORE) return core_run_until(&c->core, rec, n, until, executed, err);
	*executed = 1;
	return execute_event(c, rec, err);
}

enum status machine_run_until(struct machine *m, unsigned t, const struct record *rec, size_t n,
			      cycles_t until, size_t *executed, struct err *err)
{
	struct cpu *c = &m->cpu[t];
	size_t some = 0;
	*executed = 0;
	do {
		TRY(run_some(c, rec + *executed, n - *executed, until, &some, err));
		*executed += some;
	} while (*executed < n && core_next(&c->core, &rec[*executed]) < until);
	return OK;
}

enum status machine_populate(struct machine *m, unsigned t, const struct record *rec, size_t n,
			     struct err *err)
{
	struct cpu *c = &m->cpu[t];
	for (; n; rec++, n--) {
		if (rec->kind == REC_SWITCH) {
			populate_switch(&c->populator);
			c->events.core = NULL; /* until machine_populate_end() no time passes */
			TRY(events_execute(&c->events, rec, err));
		}
		if (rec->kind <= REC_STORE) TRY(populate_access(&c->populator, rec, err));
	}
	return OK;
}

void machine_populate_end(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++) {
		events_rewind(&m->cpu[i].events);
		m->cpu[i].events.core = &m->cpu[i].core;
	}
	if (m->vm) hyp_take_populated(m->vm); /* of what came after the last fault: no time passed */
}

void machine_finish(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++) core_finish(&m->cpu[i].core);
}

void machine_reset_stats(struct machine *m)
{
	stats_reset(m->stats);
	for (unsigned i = 0; i < m->cpus; i++) core_reset_stats(&m->cpu[i].core);
}

/* --- sampling ---------------------------------------------------------------------------------------------------- */

struct machine_books {
	struct core_books *core; /* of each */
	char *stats;             /* an image of all counters */
};

struct machine_books *machine_books_new(const struct machine *m)
{
	struct machine_books *b = xcalloc(1, sizeof(*b));
	b->core = xcalloc(m->cpus, sizeof(*b->core));
	b->stats = xcalloc(1, stats_image_bytes(m->stats));
	return b;
}

void machine_books_free(struct machine_books *b)
{
	if (!b) return;
	free(b->core);
	free(b->stats);
	free(b);
}

void machine_save_books(struct machine *m, struct machine_books *b)
{
	for (unsigned i = 0; i < m->cpus; i++) core_save_books(&m->cpu[i].core, &b->core[i]);
	stats_save(m->stats, b->stats);
}

void machine_load_books(struct machine *m, const struct machine_books *b)
{
	for (unsigned i = 0; i < m->cpus; i++) core_load_books(&m->cpu[i].core, &b->core[i]);
	stats_load(m->stats, b->stats);
}

void machine_warm(struct machine *m, bool warm)
{
	for (unsigned i = 0; i < m->cpus; i++) {
		if (warm)
			core_begin_warming(&m->cpu[i].core);
		else
			core_end_warming(&m->cpu[i].core);
	}
}

enum status machine_pass(struct machine *m, const struct record *rec, size_t n, struct err *err)
{
	for (; n; rec++, n--)
		if (rec->kind > REC_STORE) TRY(events_execute(&m->cpu[0].events, rec, err));
	return OK;
}

enum status machine_check_sums(const struct machine *m, struct err *err)
{
	for (unsigned i = 0; i < m->cpus; i++) TRY(core_check_sums(&m->cpu[i].core, err));
	TRY(mmu_check_group(m->mmus, m->cpus, err));
	return mem_check_sums(m->mem, err);
}

const struct stats *machine_stats(const struct machine *m) { return m->stats; }

struct machine_totals machine_totals(const struct machine *m)
{
	struct machine_totals t = {0};
	for (unsigned i = 0; i < m->cpus; i++) {
		const struct core_stats *s = &m->cpu[i].core.stats;
		t.accesses += s->accesses;
		t.instructions += s->instructions;
		if (s->cycles > t.cycles) t.cycles = s->cycles;
	}
	return t;
}

const struct regime_info *machine_regime(const struct machine *m) { return &m->mmus[0]->regime; }
uint64_t machine_word(const struct machine *m, struct pa pa) { return physmem_read64(m->physmem, pa); }
struct physmem_usage machine_memory(const struct machine *m) { return physmem_usage(m->physmem); }
