/* memop_clock.c - the time of steps of operations on memory, on a core without a program. */
#include "machine/memops_impl.h"

#include "mmu/dsb.h"

enum { KILO = 1000 };

static void settle(struct op_clock *c)
{
	if (!c->untimed) c->now += c->millicycles / KILO;
	c->millicycles %= KILO;
}

static void pass(struct op_clock *c, cycles_t cycles) { c->millicycles += cycles * KILO; }

void op_clock_instructions(struct op_clock *c, uint64_t instructions)
{
	c->millicycles += instructions * KILO * KILO / c->machine->hw->primitives.instructions_per_kilocycle;
	settle(c);
}

static cycles_t access(struct op_clock *c, uint64_t pa, enum access_kind kind, cycles_t now)
{
	struct mem_req r = {
		.pa = {pa}, .kind = (uint8_t)kind, .cause = c->cause, .el = c->el, .security = SEC_NONSECURE};
	unsigned served;
	return mem_access(&c->mem->data, &r, now, 0, &served);
}

/* A load is waited for; a store leaves through the store buffer. */
static void touch(struct op_clock *c, uint64_t pa, enum access_kind kind)
{
	settle(c);
	if (c->untimed) return;
	cycles_t done = access(c, pa, kind, c->now);
	if (kind == ACCESS_READ && done > c->now) c->now = done;
}

/* Lines are asked for one per cycle, as a copy loop's prefetches do; misses wait for the caches' miss registers. */
void op_clock_page(struct op_clock *c, struct pa from, const struct pa *to)
{
	uint64_t line = UINT64_C(1) << mem_line_bits(c->machine->mem), i = 0;
	unsigned bits = os_page_bits(
		&(struct os_params){.page_size = stack_hypervisor(c->machine->stack)->granule});
	settle(c);
	if (c->untimed) return;
	cycles_t last = c->now;
	for (uint64_t at = 0; at >> bits == 0; at += line, i++) {
		cycles_t done = access(c, from.raw + at, ACCESS_READ, c->now + i);
		if (to) done = access(c, to->raw + at, ACCESS_WRITE, done);
		if (done > last) last = done;
	}
	c->now = last;
}

static void lines(struct op_clock *c, uint64_t bytes, uint64_t millicycles)
{
	uint64_t line = UINT64_C(1) << mem_line_bits(c->machine->mem);
	c->millicycles += (bytes + line - 1) / line * millicycles;
}

/* Only a DSB for loads and stores waits for TLBIs. */
static void barrier(struct op_clock *c, unsigned crm)
{
	const struct machine *m = c->machine;
	settle(c);
	c->dsb++;
	if (!c->untimed) {
		if (dsb_waits_for_tlbis(crm) && c->tlbi_done > c->now) c->now = c->tlbi_done;
		c->now += m->hw->primitives.dsb_cycles;
	}
	if (m->checker) checker_dsb(m->checker, crm);
}

static cycles_t change_vmid(const struct machine *m, bool enter)
{
	const struct primitive_params *p = &m->hw->primitives;
	cycles_t call = m->hw->features.vhe ? 0 : enter ? p->entry_el2_cycles : p->return_el2_cycles;
	return call + (enter ? 2 : 1) * p->control_write_cycles + p->isb_cycles;
}

static void step(void *self, enum stage2_step kind, uint64_t operand)
{
	struct op_clock *c = self;
	const struct primitive_params *p = &c->machine->hw->primitives;
	switch (kind) {
	case STAGE2_INSTRUCTIONS: op_clock_instructions(c, operand); return;
	case STAGE2_ATOMIC: pass(c, p->atomic_cycles); return;
	case STAGE2_READ: touch(c, operand, ACCESS_READ); return;
	case STAGE2_WRITE: touch(c, operand, ACCESS_WRITE); return;
	case STAGE2_FAULT: pass(c, operand); return;
	case STAGE2_ENTER_VMID: pass(c, change_vmid(c->machine, true)); return;
	case STAGE2_LEAVE_VMID: pass(c, change_vmid(c->machine, false)); return;
	case STAGE2_DSB: barrier(c, (unsigned)operand); return;
	case STAGE2_ISB: pass(c, p->isb_cycles); return;
	case STAGE2_FILL: lines(c, operand, p->fill_line_millicycles); return;
	case STAGE2_CLEAN: lines(c, operand, p->clean_line_millicycles); return;
	}
}

static void tlbi(void *self, struct tlbi_op op, uint64_t operand)
{
	struct op_clock *c = self;
	struct machine *m = c->machine;
	const struct primitive_params *p = &m->hw->primitives;
	const struct tlbi_context by = {&c->vm->vcpu[0].regs, &m->hw->features, 2, SEC_NONSECURE};
	struct tlbi_scope scope;
	settle(c);
	c->tlbi++;
	if (!c->untimed) {
		c->now += p->tlbi_cycles;
		c->tlbi_done = c->now + p->tlbi_broadcast_cycles;
	}
	if (tlbi_resolve(op, operand, &by, &scope) != TLBI_DONE) return;
	for (unsigned i = 0; i < m->cpus; i++) mmu_tlbi(m->mmus[i], &scope);
	if (m->checker) checker_tlbi(m->checker, &scope, (struct checker_reach){0});
}

void op_clock_init(struct op_clock *c, const struct vm *vm, struct mem_cpu *mem, cycles_t now)
{
	*c = (struct op_clock){
		.machine = vm->machine, .vm = vm, .mem = mem, .now = now, .cause = CAUSE_HYPERVISOR, .el = 2};
	c->steps = (struct stage2_clock){c, step, tlbi};
}
