#include "machine/memops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/order.h"
#include "hyp/vm.h"
#include "machine/memops_impl.h"

#define F struct memop_stats
static const struct stat_desc rows[] = {
	STAT(F, begun, "cycles", "when it began, from the beginning of what is measured"),
	STAT(F, cycles, "cycles", "that it took; of one that has not ended, so far"),
	STAT(F, done, "operations", "1: it has ended"),
	STAT(F, busy_cycles, "cycles", "of them, the host's thread worked"),
	STAT(F, wait_cycles, "cycles", "of them, it waited for the link"),
	STAT(F, idle_cycles, "cycles", "of them, it slept"),
	STAT(F, pages, "pages",
	     "sent, saved, merged, mapped, taken by the balloon, found in use, plugged or unplugged"),
	STAT(F, bytes, "bytes", "that went over the link"),
	STAT(F, rounds, "rounds", "of sending what was written since, or of scanning"),
	STAT(F, last_round_pages, "pages",
	     "that were sent while the VM stood still, or found in use at the last look"),
	STAT(F, descriptors, "descriptors", "stage 2 descriptors that its walks looked at"),
	STAT(F, changed, "descriptors", "of them, written"),
	STAT(F, tlbi, "operations", "TLBI executed, by its thread and by vCPUs that faulted for it"),
	STAT(F, dsb, "operations", "DSB likewise"),
	STAT(F, exits, "exits",
	     "of the guest that would not have been without it: faults, and calls of the balloon"),
	STAT(F, guest_cycles, "cycles", "that vCPUs spent in them"),
	STAT(F, down_cycles, "cycles", "the VM stood still"),
	STAT(F, copied, "pages",
	     "copied because they were written: shared ones, or ones to be saved; or moved away from what is unplugged"),
	STAT(F, fetched, "pages", "that the guest touched before they had come"),
	STAT(F, landed, "pages", "that had come when the guest touched them first"),
	STAT(F, shared, "pages", "mapped to a frame that others map, too, at the end"),
	STAT(F, freed_bytes, "bytes", "given back to the host"),
	STAT_DIST(F, fetch, "cycles", "of a fetch, from the fault until the page is there"),
};
#undef F

enum { KILO = 1000 };

/* --- building ---------------------------------------------------------------------------------------------------- */

static bool core_is_free(const struct machine *m, unsigned core)
{
	for (unsigned i = 0; i < m->cpus; i++)
		if (m->cpu[i].number == core) return false;
	return true;
}

/* The VM that an operation names; NULL: none. */
static struct vm *find_vm(const struct machine *m, const char *name)
{
	if (!*name) return &m->vm[0];
	for (unsigned i = 0; i < m->vms; i++)
		if (m->vm[i].params.name && !strcmp(m->vm[i].params.name, name)) return &m->vm[i];
	return NULL;
}

static enum status check(const struct machine *m, const struct memop_params *p, struct err *err)
{
	const struct hyp_params *h = stack_hypervisor(m->stack);
	bool logs = p->kind == MEMOP_precopy || p->kind == MEMOP_snapshot;
	if (!h)
		return err_set(err, ERR_CONFIG,
			       "memory_operations.%s: the stack has no hypervisor, and so no VM", p->name);
	const struct vm *vm = find_vm(m, p->vm);
	if (!vm)
		return err_set(err, ERR_CONFIG, "memory_operations.%s.vm: %s is no VM of stack.vms", p->name,
			       p->vm);
	if (p->bytes > vm->params.memory_bytes)
		return err_set(err, ERR_CONFIG,
			       "memory_operations.%s.bytes: %" PRIu64
			       " are more than the VM's memory_bytes, %" PRIu64,
			       p->name, p->bytes, vm->params.memory_bytes);
	if (p->node >= vm->guest.nodes)
		return err_set(err, ERR_CONFIG,
			       "memory_operations.%s.node: %" PRIu64 ", but the guest sees %u", p->name,
			       p->node, vm->guest.nodes);
	if (p->vcpu >= vm->vcpus)
		return err_set(err, ERR_CONFIG, "memory_operations.%s.vcpu: %" PRIu64 ", but the VM has %u",
			       p->name, p->vcpu, vm->vcpus);
	if (logs && h->stage2.dirty_log != STAGE2_WRITE_PROTECT)
		return err_set(err, ERR_CONFIG, "memory_operations.%s: needs stage2.dirty_log: write_protect",
			       p->name);
	return OK;
}

static void init_op(struct memops *o, struct memop *op, const struct memop_params *p)
{
	char *path = xasprintf("memops.%s", p->name);
	struct rng rng;
	op->p = p;
	op->all = o;
	op->vm = find_vm(o->machine, p->vm);
	rng_init(&rng, o->machine->seed, path);
	op->key[0] = rng_next(&rng);
	op->key[1] = rng_next(&rng);
	free(path);
}

enum status memops_new(struct machine *m, struct memops **out, struct err *err)
{
	const struct param_list *list = &m->stack->memory_operations;
	const struct memop_params *p = list->items;
	if (!list->count) return OK;
	for (size_t i = 0; i < list->count; i++) TRY(check(m, &p[i], err));
	struct memops *o = xcalloc(1, sizeof(*o));
	o->machine = m;
	o->vm = &m->vm[0];
	o->op = xcalloc(list->count, sizeof(*o->op));
	o->count = (unsigned)list->count;
	while (o->core < m->hw->cores && !core_is_free(m, o->core)) o->core++;
	*out = o;
	if (o->core == m->hw->cores)
		return err_set(err, ERR_CONFIG,
			       "memory_operations: their thread needs a core, but vCPUs have all %" PRIu64
			       " (cores)",
			       m->hw->cores);
	TRY(mem_cpu_init(&o->mem, m->mem, o->core, err));
	o->mem.agent.cpu = (uint16_t)o->core;
	op_clock_init(&o->clock, o->vm, &o->mem, 0);
	for (unsigned i = 0; i < o->count; i++) init_op(o, &o->op[i], &p[i]);
	return OK;
}

void memops_free(struct memops *o)
{
	if (!o) return;
	for (unsigned i = 0; i < o->count; i++) {
		free(o->op[i].stable);
		free(o->op[i].first);
	}
	mem_cpu_fini(&o->mem);
	free(o->balloon);
	free(o->op);
	free(o);
}

void memops_register_stats(struct memops *o, struct stats *s)
{
	mem_cpu_register_stats(&o->mem, s, o->core);
	for (unsigned i = 0; i < o->count; i++)
		stats_add(s, rows, sizeof(rows) / sizeof(rows[0]), &o->op[i].stats, "operations.%s",
			  o->op[i].p->name);
}

/* --- what operations share --------------------------------------------------------------------------------------- */

cycles_t memops_transfer(const struct memops *o, uint64_t bytes, uint64_t MBps)
{
	return (bytes * o->machine->hw->clock_mhz + MBps - 1) / MBps;
}

cycles_t memops_latency(const struct memops *o, const struct memop *op)
{
	return (op->p->link_latency_ns * o->machine->hw->clock_mhz + KILO - 1) / KILO;
}

void memops_wait(struct memops *o, struct memop *op, cycles_t cycle, bool sleeps)
{
	if (cycle <= o->clock.now) return;
	*(sleeps ? &op->stats.idle_cycles : &op->stats.wait_cycles) += cycle - o->clock.now;
	o->clock.now = cycle;
}

/* Queues bytes that are ready at `ready` on the link. */
static void queue(struct memops *o, struct memop *op, cycles_t ready, uint64_t bytes)
{
	o->link_free = cycles_later(o->link_free, ready) + memops_transfer(o, bytes, op->p->link_MBps);
	op->stats.bytes += bytes;
}

void memops_send(struct memops *o, struct memop *op, struct pa frame)
{
	uint64_t bytes = UINT64_C(1) << o->vm->hyp->stage2.granule_bits;
	op_clock_page(&o->clock, frame, NULL);
	cycles_t ready = o->clock.now;
	if (op->p->compress_MBps) {
		ready = cycles_later(o->engine_free, ready) + memops_transfer(o, bytes, op->p->compress_MBps);
		o->engine_free = ready;
	}
	queue(o, op, ready, bytes * op->p->compressed_percent / 100);
	op->stats.pages++;
}

enum status memops_hold_vcpu(struct memops *o, struct vcpu *v, cycles_t from, cycles_t until, struct err *err)
{
	struct core *c = &v->cpu->core;
	o->held = true;
	if (o->machine->host) return host_hold(o->machine->host, v, from, until, err);
	if (core_now(c) < until) core_pass(c, until - core_now(c), BUCKET_IDLE, 2);
	return OK;
}

enum status memops_hold(struct memops *o, struct memop *op, cycles_t from, cycles_t until, struct err *err)
{
	struct vm *vm = o->vm;
	op->stats.down_cycles += until - from;
	o->held = true;
	for (unsigned i = 0; i < vm->vcpus; i++) TRY(memops_hold_vcpu(o, &vm->vcpu[i], from, until, err));
	return OK;
}

struct vcpu *memops_running(const struct memops *o)
{
	for (unsigned i = 0; i < o->vm->vcpus; i++)
		if (!o->machine->host || host_runs(o->machine->host, &o->vm->vcpu[i])) return &o->vm->vcpu[i];
	return NULL;
}

/* --- turns ------------------------------------------------------------------------------------------------------- */

void memops_begin(struct memops *o)
{
	o->base = core_now(&o->vm->vcpu[0].cpu->core);
	o->clock.now = o->base;
	o->begun = true;
}

cycles_t memops_next(const struct memops *o)
{
	if (!o || !o->begun || o->present == o->count) return UINT64_MAX;
	if (o->running) return o->clock.now;
	return cycles_later(o->base + o->op[o->present].p->at, o->clock.now);
}

static void begin_breaks(struct memops *o, const struct vm *vm) { op_clock_init(&o->breaks, vm, &o->mem, 0); }

/* A fault of the guest breaks up what is mapped at `ipa`. */
static void flush_broken(void *ctx, uint64_t ipa, uint64_t bytes)
{
	const struct memop *op = ctx;
	struct memops *o = op->all;
	struct page_ops pages;
	o->breaks.vm = op->vm;
	page_ops_init(&pages, op->vm->hyp, &o->breaks.steps);
	stage2_flush_broken(&pages.flusher, ipa, bytes);
}

static void begin_op(struct memops *o, struct memop *op)
{
	o->running = true;
	o->vm = op->vm;
	o->clock.vm = op->vm;
	o->clock.now = memops_next(o) == UINT64_MAX ? o->clock.now
						    : cycles_later(o->base + op->p->at, o->clock.now);
	o->link_free = o->engine_free = o->clock.now;
	o->clock.tlbi = o->clock.dsb = 0;
	op->begun = o->clock.now;
	op->stats.begun = o->clock.now - o->base;
	hyp_pages_watch(o->vm->hyp);
	begin_breaks(o, op->vm);
	hyp_pages_on_break(o->vm->hyp, &(struct pgtable_break){op, flush_broken});
	page_ops_init(&o->pages, o->vm->hyp, &o->clock.steps);
	o->page_cycles = memops_transfer(
		o, (UINT64_C(1) << o->vm->hyp->stage2.granule_bits) * op->p->compressed_percent / 100,
		op->p->link_MBps);
}

static memop_step_fn *const steps[] = {
#define X(name, doc) memop_##name,
	MEMOPS(X)
#undef X
};

/* What steps have counted goes to the operation. */
static void collect(struct memops *o, struct memop *op)
{
	op->stats.descriptors += o->pages.descriptors;
	op->stats.changed += o->pages.changed;
	op->stats.tlbi += o->clock.tlbi;
	op->stats.dsb += o->clock.dsb;
	o->pages.descriptors = o->pages.changed = o->clock.tlbi = o->clock.dsb = 0;
	op->stats.cycles = o->clock.now - op->begun;
}

enum status memops_turn(struct memops *o, bool *held, struct err *err)
{
	struct memop *op = &o->op[o->present];
	bool done = false;
	o->held = false;
	if (!o->running) begin_op(o, op);
	cycles_t before = o->clock.now, elsewhere = op->stats.wait_cycles + op->stats.idle_cycles;
	placement_enter(&o->machine->memory, &o->vm->numa, &o->vm->vcpu[0].task);
	TRY(steps[op->p->kind](o, op, &done, err));
	op_clock_instructions(&o->clock, 0); /* what has passed, but is not booked */
	elsewhere = op->stats.wait_cycles + op->stats.idle_cycles - elsewhere;
	op->stats.busy_cycles += o->clock.now - before - elsewhere;
	collect(o, op);
	hyp_take_populated(o->vm->hyp);
	*held = o->held;
	if (!done) return OK;
	op->stats.done = 1;
	o->running = false;
	o->present++;
	return OK;
}

/* --- faults of the guest ----------------------------------------------------------------------------------------- */

static void count_fault(struct memop *op, const struct hyp_fault *f, cycles_t cycles)
{
	op->stats.exits++;
	op->stats.guest_cycles += cycles;
	op->stats.copied += f->page == HYP_FAULT_COPIED || f->page == HYP_FAULT_KEPT;
	op->stats.landed += f->page == HYP_FAULT_LANDED;
}

/* A page that the guest waits for goes ahead of what is not queued yet: asked for, sent, put in place. */
static void fetch(struct memops *o, struct memop *op, struct op_clock *c)
{
	cycles_t start = c->now, latency = memops_latency(o, op);
	uint64_t bytes = UINT64_C(1) << op->vm->hyp->stage2.granule_bits;
	queue(o, op, start + latency, bytes * op->p->compressed_percent / 100);
	c->now = o->link_free + latency + op->p->handler_cycles;
	op->stats.fetched++;
	op->stats.pages++;
	hist_add(&op->stats.fetch, c->now - start);
}

/* The operation of that VM that began last: what its faults are due to. */
static struct memop *latest(struct memops *o, const struct vm *vm)
{
	unsigned i = o->present < o->count ? o->present : o->count - 1;
	while (i && o->op[i].vm != vm) i--;
	return &o->op[i];
}

static cycles_t sum(const struct core_spent *spent)
{
	cycles_t all = 0;
	for (unsigned b = 0; b < BUCKET_COUNT; b++)
		for (unsigned el = 0; el < CORE_LEVELS; el++) all += spent->cycles[b][el];
	return all;
}

static void spend(struct op_clock *c, cycles_t from, struct core_spent *spent)
{
	spent->cycles[BUCKET_HYPERVISOR][2] += c->now - from;
}

void memops_fault(struct memops *o, struct vcpu *v, const struct hyp_fault *f, cycles_t now,
		  struct core_spent *spent)
{
	struct memop *op = latest(o, v->vm);
	struct op_clock c;
	if (f->page == HYP_FAULT_PLAIN) return;
	op_clock_init(&c, v->vm, &v->cpu->mem, now);
	if (f->page == HYP_FAULT_FETCHED) fetch(o, op, &c);
	if (f->page == HYP_FAULT_KEPT) {
		op_clock_page(&c, f->copied, &op->buffer);
		c.now += op->p->handler_cycles;
		queue(o, op, c.now, UINT64_C(1) << v->vm->hyp->stage2.granule_bits);
		op->stats.pages++;
	}
	if (f->page == HYP_FAULT_COPIED) op_clock_page(&c, f->copied, &f->frame);
	c.now += o->breaks.now;
	spend(&c, now, spent);
	count_fault(op, f, sum(spent));
	op->stats.tlbi += o->breaks.tlbi;
	op->stats.dsb += o->breaks.dsb;
	begin_breaks(o, v->vm);
}

void memops_fetched(struct memops *o, const struct vm *vm, uint64_t pages, cycles_t now,
		    struct core_spent *spent)
{
	struct memop *op = latest(o, vm);
	struct op_clock c;
	op_clock_init(&c, vm, &o->mem, now);
	for (uint64_t i = 0; i < pages; i++) fetch(o, op, &c);
	spend(&c, now, spent);
	op->stats.exits += pages;
	op->stats.guest_cycles += c.now - now;
}

/* --- looking on -------------------------------------------------------------------------------------------------- */

uint64_t memops_round_pages(const struct memops *o, unsigned i, unsigned round)
{
	return i < o->count && round < MEMOP_ROUNDS_KEPT ? o->op[i].round_pages[round] : 0;
}

const struct memop_stats *memops_stats(const struct memops *o, unsigned i) { return &o->op[i].stats; }

enum status memops_check_sums(const struct memops *o, struct err *err)
{
	for (unsigned i = 0; o && i < o->count; i++) {
		const struct memop_stats *s = &o->op[i].stats;
		uint64_t sum = s->busy_cycles + s->wait_cycles + s->idle_cycles;
		if (sum != s->cycles)
			return err_set(err, ERR_CHECK,
				       "operations.%s: %" PRIu64
				       " cycles of work, waiting and sleep are not its %" PRIu64,
				       o->op[i].p->name, sum, s->cycles);
	}
	return OK;
}
