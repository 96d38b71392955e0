/* machine_stage2.c - gives time to what a hypervisor does to stage 2 (hyp/stage2_ops.h): the steps of an operation are
 * spent on the first core, at EL2, and its TLBIs act on all. */
#include "machine/machine_impl.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "hyp/stage2_flush.h"
#include "hyp/vm.h"

enum { KILO = 1000 };

struct stage2_stats {
	uint64_t count, cycles, descriptors, changed, tlbi, dsb, tables, cleaned_bytes, dirty;
	struct hist latency;
};

struct machine_stage2 { /* of the first VM */
	struct stage2_stats stats[STAGE2_OP_COUNT];
	bool logs; /* the counters of a log are registered, which an operation began */
};

#define F struct stage2_stats
static const struct stat_desc rows[] = {
	STAT(F, count, "operations", "how often it was performed"),
	STAT(F, cycles, "cycles", "that it took on the core that performed it"),
	STAT_DIST(F, latency, "cycles", "of each"),
	STAT(F, descriptors, "descriptors", "stage 2 descriptors that its walks looked at"),
	STAT(F, changed, "descriptors", "of them, or new ones, written"),
	STAT(F, tlbi, "operations", "TLBI executed"),
	STAT(F, dsb, "operations", "DSB executed"),
	STAT(F, dirty, "pages", "written ones that it collected"),
	STAT(F, tables, "pages", "tables made to split blocks"),
	STAT(F, cleaned_bytes, "bytes", "cleaned to the point of coherency, as FEAT_S2FWB is absent"),
};
#undef F

/* An operation on its way. */
struct pricing {
	struct machine *m;
	struct cpu *c;
	const struct primitive_params *p;
	struct mem_req req;
	cycles_t hit; /* of the first cache, which the pipeline hides */
	uint64_t line_bytes;
	uint64_t millicycles; /* passed, but not yet booked */
};

/* Books what has passed. */
static void settle(struct pricing *s)
{
	core_pass(&s->c->core, s->millicycles / KILO, BUCKET_HYPERVISOR, 2);
	s->millicycles %= KILO;
}

static void touch(struct pricing *s, uint64_t pa, enum access_kind kind)
{
	cycles_t now = core_now(&s->c->core) + s->millicycles / KILO;
	unsigned served;
	s->req.pa.raw = pa;
	s->req.kind = (uint8_t)kind;
	cycles_t done = mem_access(&s->c->mem.data, &s->req, now, 0, &served);
	if (kind == ACCESS_READ && done > now + s->hit) s->millicycles += (done - now - s->hit) * KILO;
}

static void spend_lines(struct pricing *s, uint64_t bytes, uint64_t millicycles)
{
	s->millicycles += (bytes + s->line_bytes - 1) / s->line_bytes * millicycles;
}

/* The host's registers give way to the VM's, and back; without VHE it is EL2 that does it for the host at EL1. */
static cycles_t enter_vmid(const struct pricing *s)
{
	const struct primitive_params *p = s->p;
	cycles_t call = s->m->hw->features.vhe ? 0 : p->entry_el2_cycles;
	return call + 2 * p->control_write_cycles + p->isb_cycles;
}

static cycles_t leave_vmid(const struct pricing *s)
{
	const struct primitive_params *p = s->p;
	cycles_t back = s->m->hw->features.vhe ? 0 : p->return_el2_cycles;
	return back + p->control_write_cycles + p->isb_cycles;
}

static void barrier(struct pricing *s, unsigned crm)
{
	settle(s);
	shootdown_dsb(&s->m->shootdowns, &s->c->shooter, crm);
}

static void step(void *self, enum stage2_step kind, uint64_t operand)
{
	struct pricing *s = self;
	const struct primitive_params *p = s->p;
	switch (kind) {
	case STAGE2_INSTRUCTIONS:
		s->millicycles += operand * KILO * KILO / p->instructions_per_kilocycle;
		return;
	case STAGE2_ATOMIC: s->millicycles += p->atomic_cycles * KILO; return;
	case STAGE2_READ: touch(s, operand, ACCESS_READ); return;
	case STAGE2_WRITE: touch(s, operand, ACCESS_WRITE); return;
	case STAGE2_FAULT: s->millicycles += operand * KILO; return;
	case STAGE2_ENTER_VMID: s->millicycles += enter_vmid(s) * KILO; return;
	case STAGE2_LEAVE_VMID: s->millicycles += leave_vmid(s) * KILO; return;
	case STAGE2_DSB: barrier(s, (unsigned)operand); return;
	case STAGE2_ISB: s->millicycles += p->isb_cycles * KILO; return;
	case STAGE2_FILL: spend_lines(s, operand, p->fill_line_millicycles); return;
	case STAGE2_CLEAN: spend_lines(s, operand, p->clean_line_millicycles); return;
	}
}

static void tlbi(void *self, struct tlbi_op op, uint64_t operand)
{
	struct pricing *s = self;
	struct machine *m = s->m;
	struct event_stats *stats = &s->c->vcpu->vm->kernel.stats;
	const struct tlbi_context c = {&s->c->vcpu->regs, &m->hw->features, 2, SEC_NONSECURE};
	settle(s);
	stats->tlbi++;
	shootdown_tlbi(&m->shootdowns, &s->c->shooter, &(struct shootdown){op, operand, &c, NULL},
		       &stats->tlbi_entries);
}

/* Before time begins steps take none; what they do to TLBs is done. */
static void untimed_step(void *self, enum stage2_step kind, uint64_t operand)
{
	if (kind == STAGE2_DSB) barrier(self, (unsigned)operand);
}

static struct pricing begin(struct cpu *c)
{
	struct machine *m = c->machine;
	struct pricing s = {.m = m, .c = c, .p = &m->hw->primitives};
	s.req = (struct mem_req){
		.pcpu = (uint16_t)c->number, .cause = CAUSE_HYPERVISOR, .el = 2, .security = SEC_NONSECURE};
	s.hit = c->mem.data.levels ? c->mem.data.level[0]->hit_cycles : 0;
	s.line_bytes = UINT64_C(1) << mem_line_bits(m->mem);
	return s;
}

/* Steps of `s` from now on, or no longer. */
static void enter(struct pricing *s, bool timed)
{
	s->c->shooter.core = timed ? &s->c->core : NULL;
	core_maintain_at(&s->c->core, 2);
}

static void leave(struct pricing *s)
{
	settle(s);
	core_maintain_at(&s->c->core, 0);
}

/* A fault of a vCPU has a block broken up, for which its core waits. */
static void stage2_broken(void *ctx, uint64_t ipa, uint64_t bytes)
{
	struct vm *vm = ctx;
	const struct vcpu *v = vm->faulting ? vm->faulting : &vm->vcpu[0];
	bool timed = v->events.core != NULL;
	struct pricing s = begin(v->cpu);
	const struct stage2_clock clock = {&s, timed ? step : untimed_step, tlbi};
	struct stage2_flusher f;
	stage2_flusher_init(&f, &clock, &vm->machine->hw->features, &vm->hyp->stage2);
	enter(&s, timed);
	stage2_flush_broken(&f, ipa, bytes);
	leave(&s);
}

void vm_flush_broken(struct vm *vm) { hyp_on_break(vm->hyp, &(struct pgtable_break){vm, stage2_broken}); }

/* Walks use the registers as the operation has left them. */
static void load_registers(struct machine *m)
{
	const struct vm *vm = &m->vm[0];
	for (unsigned i = 0; i < vm->vcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];
		hyp_write_regs(vm->hyp, &v->regs);
		hyp_enter_node(vm->hyp, v->task.near[0], &v->regs);
		hyp_enter_node(vm->hyp, v->task.near[0], &v->regs);
		mmu_set_context(v->cpu->mmu, &v->regs, &m->hw->features, 0, false, SEC_NONSECURE);
	}
}

static void count(struct stage2_stats *st, const struct stage2_done *done, cycles_t cycles)
{
	st->count++;
	st->cycles += cycles;
	hist_add(&st->latency, cycles);
	st->descriptors += done->descriptors;
	st->changed += done->changed;
	st->tlbi += done->tlbi;
	st->dsb += done->dsb;
	st->tables += done->tables;
	st->dirty += done->dirty;
	st->cleaned_bytes += done->cleaned_bytes;
}

static void register_stats(struct machine *m)
{
	m->stage2 = xcalloc(1, sizeof(*m->stage2));
	for (unsigned i = 0; i < STAGE2_OP_COUNT; i++)
		stats_add(m->stats, rows, sizeof(rows) / sizeof(rows[0]), &m->stage2->stats[i],
			  "vm0.stage2.%s", stage2_op_names[i]);
}

/* A log that the stack's file began is registered from the first. */
static void register_log(struct machine *m, struct hyp_vm *vm)
{
	struct dirty_stats *log = hyp_dirty_stats(vm);
	if (!log || m->stage2->logs || stack_hypervisor(m->stack)->dirty_log) return;
	stats_add(m->stats, dirty_stat_rows, dirty_stat_row_count, log, "vm0.dirty_log");
	m->stage2->logs = true;
}

enum status vcpu_perform_stage2(struct vcpu *v, enum stage2_op op, struct stage2_area area,
				struct stage2_done *done, struct err *err)
{
	struct pricing s = begin(v->cpu);
	const struct stage2_clock clock = {&s, step, tlbi};
	enter(&s, true);
	enum status st = stage2_perform(v->vm->hyp, op, area, &clock, done, err);
	leave(&s);
	return st;
}

enum status machine_stage2(struct machine *m, enum stage2_op op, struct stage2_area area, bool timed,
			   struct err *err)
{
	struct vm *vm = &m->vm[0];
	if (!vm->hyp)
		return err_set(err, ERR_CONFIG, "%s: the stack has no hypervisor, and so no stage 2",
			       stage2_op_names[op]);
	if (!m->stage2) register_stats(m);
	struct pricing s = begin(m->vcpu[0].cpu);
	struct stage2_done done;
	const struct stage2_clock clock = {&s, timed ? step : untimed_step, tlbi};
	cycles_t start = core_now(&s.c->core);
	placement_enter(&m->memory, &vm->numa, &vm->vcpu[0].task);
	enter(&s, timed);
	enum status st = stage2_perform(vm->hyp, op, area, &clock, &done, err);
	leave(&s);
	hyp_take_populated(vm->hyp);
	if (st != OK) return st;
	load_registers(m);
	register_log(m, vm->hyp);
	if (timed) count(&m->stage2->stats[op], &done, core_now(&s.c->core) - start);
	return OK;
}

void machine_stage2_free(struct machine *m) { free(m->stage2); }
