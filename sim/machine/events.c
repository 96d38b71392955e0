#include "machine/events.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "machine/pollution.h"
#include "mmu/dsb.h"
#include "mmu/page_design.h"
#include "mmu/tlbi_run.h"

#define F struct event_stats
const struct stat_desc event_stat_rows[] = {
	STAT(F, ignored, "records", "events of the workload that have no effect in this version"),
	STAT(F, barriers, "records", "DSB and ISB of the workload"),
	STAT(F, switches, "records", "changes of the address space"),
	STAT(F, unmaps, "records", "ranges unmapped or mapped anew"),
	STAT(F, tlbi, "operations", "TLBI executed, by the workload and by the kernel for it"),
	STAT(F, tlbi_undefined, "operations", "TLBI of the workload that are UNDEFINED where it runs"),
	STAT(F, tlbi_entries, "entries", "entries that they took, of TLBs, walk caches and the IPA cache"),
	STAT(F, walks_after_switch, "walks",
	     "walks for what the last TLB level held when its process was last switched away from"),
};
#undef F
const size_t event_stat_row_count = sizeof(event_stat_rows) / sizeof(event_stat_rows[0]);

/* --- TLBI ------------------------------------------------------------------------------------------------------ */

/* The kernel executes it. */
static struct tlbi_context context_of(const struct events *e)
{
	const struct event_kernel *k = e->kernel;
	return (struct tlbi_context){e->regs, k->features, k->regime == REGIME_EL20 ? 2 : 1, SEC_NONSECURE};
}

/* `of_kernel`: what the kernel does for the workload, not what the workload's trace holds. */
static void execute_tlbi(struct events *e, struct tlbi_op op, uint64_t operand, bool of_kernel)
{
	struct event_kernel *k = e->kernel;
	const struct tlbi_context c = context_of(e);
	const struct shootdown what = {op, operand, &c, of_kernel ? &k->shoots : NULL};
	e->shooter->core = e->core;
	if (shootdown_tlbi(k->shootdowns, e->shooter, &what, &k->stats.tlbi_entries) == TLBI_UNDEFINED)
		k->stats.tlbi_undefined++;
	else
		k->stats.tlbi++;
}

/* Domain and types of a DSB, as its CRm has them. */
enum { NSHST = 6, NSH = 7, ISHST = 10, ISH = 11 };

static void dsb(struct events *e, unsigned crm)
{
	const struct tlbi_context c = context_of(e);
	e->shooter->core = e->core;
	shootdown_dsb(e->kernel->shootdowns, e->shooter, dsb_as_executed(crm, &c));
}

static void barrier_record(struct events *e, const struct record *rec)
{
	e->kernel->stats.barriers++;
	if (rec->kind == REC_DSB) dsb(e, rec->count);
}

static void tlbi_record(struct events *e, const struct record *rec)
{
	struct tlbi_op op;
	if (tlbi_decode(rec->count, &op))
		execute_tlbi(e, op, rec->arg, false);
	else
		e->kernel->stats.tlbi_undefined++;
}

/* --- unmapping, as Linux flushes it ---------------------------------------------------------------------------- */

static struct tlbi_op operation_of(const char *name)
{
	struct tlbi_op op;
	bool found = tlbi_named(name, &op);
	assert(found);
	return op;
}

static void kernel_tlbi(struct events *e, const char *name, uint64_t operand)
{
	const struct tlbi_op op = operation_of(name);
	bool by_asid = op.row->by == TLBI_BY_VA || op.row->by == TLBI_BY_ASID;
	const uint16_t asid = os_aspace_asid(e->present), user = ctx_user_number(asid, e->kernel->pairs);
	execute_tlbi(e, op, operand | (uint64_t)asid << 48, true);
	if (by_asid && user != asid)
		execute_tlbi(e, op, operand | (uint64_t)user << 48, true); /* __tlbi_user() */
}

static void tlbi_page(struct events *e, uint64_t va)
{
	kernel_tlbi(e, "VALE1IS", va >> GRANULE_4K & bits_ones(44));
}

/* __flush_tlb_range_op() */
static void flush_pages(struct events *e, uint64_t va, uint64_t pages)
{
	const struct tlbi_context c = context_of(e);
	struct tlbi_run run = {.addr = va,
			       .pages = pages,
			       .page_bits = e->kernel->page_bits,
			       .ranges = e->kernel->features->tlbirange,
			       .ds = tlbi_has_ds(operation_of("RVALE1IS"), &c)};
	struct tlbi_piece piece;
	while (tlbi_run_next(&run, &piece))
		kernel_tlbi(e, piece.range ? "RVALE1IS" : "VALE1IS", piece.operand);
}

/* Beyond so many pages Linux flushes the whole ASID: MAX_TLBI_OPS, MAX_TLBI_RANGE_PAGES. */
static uint64_t most_pages(const struct events *e)
{
	if (!e->kernel->features->tlbirange) return UINT64_C(1) << (e->kernel->page_bits - 3);
	return tlbi_run_most();
}

/* A block or run of pages that the kernel breaks up, as flush_pmd_tlb_range() and contpte_convert() do. */
static void flush_broken(void *ctx, uint64_t va, uint64_t bytes)
{
	struct event_kernel *k = ctx;
	struct events *e = k->entered;
	uint64_t pages = bytes >> k->page_bits;
	bool block = pages >> level_stride(k->page_bits);
	dsb(e, ISHST);
	if (block && !k->features->tlbirange)
		tlbi_page(e, va);
	else
		flush_pages(e, va, pages);
	dsb(e, ISH);
}

/* Tables of other designs than Arm's, on whichever core: of the present address space, and with KPTI of the program's ASID. */
static void forget_in_designs(const struct events *e, struct va va, uint64_t bytes)
{
	const uint16_t asid = os_aspace_asid(e->present), user = ctx_user_number(asid, e->kernel->pairs);
	const tlb_tag_t owner = e->mmu->tag & TLB_TAG_GLOBAL;
	for (unsigned i = 0; i < e->kernel->cpus; i++) {
		page_design_forget(e->kernel->mmus[i], owner | asid, va, bytes);
		if (user != asid) page_design_forget(e->kernel->mmus[i], owner | user, va, bytes);
	}
}

void events_flush(struct events *e, struct os_aspace *as, struct va va, uint64_t bytes)
{
	uint64_t pages = bytes >> e->kernel->page_bits;
	struct os_aspace *present = e->present;
	e->present = as; /* operands have its ASID */
	dsb(e, ISHST);
	forget_in_designs(e, va, bytes);
	if (pages >= most_pages(e))
		kernel_tlbi(e, "ASIDE1IS", 0);
	else
		flush_pages(e, va.raw, pages);
	dsb(e, ISH);
	e->present = present;
}

static void unmap(struct events *e, const struct record *rec)
{
	uint64_t first = bits_align_down(rec->addr, e->kernel->page_bits);
	uint64_t most = UINT64_C(1) << 56; /* more than an address space, whose end os_unmap() knows */
	uint64_t bytes = rec->addr - first + (rec->arg < most ? rec->arg : most);
	uint64_t pages = (bytes + bits_ones(e->kernel->page_bits)) >> e->kernel->page_bits;
	e->kernel->stats.unmaps++;
	if (!rec->arg) return;
	if (!os_unmap(e->kernel->os, e->present, (struct va){first}, pages << e->kernel->page_bits)) return;
	events_flush(e, e->present, (struct va){first}, pages << e->kernel->page_bits);
}

static enum status write_descriptor(struct events *e, const struct record *rec, struct err *err)
{
	struct va va = {rec->addr};
	if (rec->count <= LAST_LEVEL &&
	    os_set_descriptor(e->kernel->os, e->present, va, (int)rec->count, rec->arg))
		return OK;
	return err_set(err, ERR_INPUT,
		       "the workload writes a descriptor of VA 0x%" PRIx64
		       " at level %u, where there is no table",
		       rec->addr, rec->count);
}

/* --- processes ------------------------------------------------------------------------------------------------- */

enum { PROCESS_BITS = 16 }; /* of a number within a VM, which has at most 65536 ASIDs */

struct process {
	uint64_t name; /* as SWITCH records say it */
	uint32_t
		number; /* of all on the machine: that of the VM, and in it the order of their first switch */
	struct os_aspace *aspace;
	struct context context;
	struct pollution *left; /* what it had in the TLBs of each core when it stopped running there */
};

static struct process *add_process(struct event_kernel *k, uint64_t name, struct os_aspace *as)
{
	struct process *p = xcalloc(1, sizeof(*p));
	p->name = name;
	p->number = k->number << PROCESS_BITS | (uint32_t)k->process_count;
	p->aspace = as;
	p->left = xcalloc(k->vcpus, sizeof(*p->left));
	if (is_power_of_2(k->process_count) || !k->process_count)
		k->processes = xrealloc(k->processes, k->process_count ? 2 * k->process_count : 1,
					sizeof(struct process *));
	return k->processes[k->process_count++] = p;
}

static struct process *find_process(const struct event_kernel *k, uint64_t name)
{
	for (size_t i = 0; i < k->process_count; i++)
		if (k->processes[i]->name == name) return k->processes[i];
	return NULL;
}

static enum status find_or_make(struct event_kernel *k, uint64_t name, struct process **out, struct err *err)
{
	uint64_t most = bits_ones(k->asid_bits);
	*out = find_process(k, name);
	if (*out) return OK;
	if (name > most && !k->contexts)
		return err_set(err, ERR_INPUT,
			       "the workload switches to ASID %" PRIu64 ", outside of 0..%" PRIu64, name,
			       most);
	struct os_aspace *as = os_aspace_new(k->os, k->contexts ? 0 : (uint16_t)name);
	if (!as)
		return err_set(err, ERR_CONFIG, "memory: too small for the tables of process %" PRIu64, name);
	*out = add_process(k, name, as);
	return OK;
}

/* The TLBI by which a kernel does what an allocator asks for. */
static void flush_context(struct events *e, enum ctx_flush flush)
{
	static const char *const operation[] = {[CTX_FLUSH_CPU] = "VMALLE1",
						[CTX_FLUSH_EVERYWHERE] = "VMALLE1IS",
						[CTX_FLUSH_NUMBER] = "ASIDE1",
						[CTX_FLUSH_NUMBER_EVERYWHERE] = "ASIDE1IS"};
	const bool everywhere = flush == CTX_FLUSH_EVERYWHERE || flush == CTX_FLUSH_NUMBER_EVERYWHERE;
	if (flush == CTX_FLUSH_NONE) return;
	dsb(e, everywhere ? ISHST : NSHST);
	kernel_tlbi(e, operation[flush], 0);
	dsb(e, everywhere ? ISH : NSH);
}

void events_occupy(struct events *e)
{
	e->mmu->port->cpu->agent.kind = AGENT_PROGRAM;
	e->mmu->port->cpu->agent.process = e->running->number;
}

static void make_present(struct events *e, struct process *p)
{
	struct event_kernel *k = e->kernel;
	struct ctx_switch s = {0};
	if (k->pins_due && !p->context.pins) {
		contexts_pin(k->contexts, &p->context);
		k->pins_due--;
	}
	if (k->contexts) {
		s = contexts_switch(k->contexts, e->cpu, &p->context);
		os_aspace_set_asid(p->aspace, s.number);
	}
	e->present = p->aspace;
	e->running = p;
	events_occupy(e);
	flush_context(e, s.flush);
	os_write_regs(k->os, p->aspace, k->regime, e->regs);
	os_enter_node(k->os, p->aspace, e->node, k->regime, e->regs);
	mmu_set_context(e->mmu, e->regs, k->features, 0, false, SEC_NONSECURE);
}

static void count_walk(void *self, const struct tlb_entry *entry, struct va va, struct access a)
{
	struct events *e = self;
	(void)entry, (void)a;
	e->kernel->stats.walks_after_switch += pollution_walk(&e->running->left[e->cpu], va.raw);
}

/* Who runs is switched away from. Walks are counted from the first time on: one process alone costs nothing. */
static void leave_running(struct events *e)
{
	if (!e->walks.self) {
		e->walks = (struct mmu_observer){.self = e, .walked = count_walk};
		mmu_observe(e->mmu, &e->walks);
	}
	pollution_leave(&e->running->left[e->cpu], e->mmu, e->mmu->tag);
}

static enum status switch_to(struct events *e, uint64_t name, struct err *err)
{
	struct process *p;
	TRY(find_or_make(e->kernel, name, &p, err));
	if (p != e->running) leave_running(e);
	make_present(e, p);
	e->kernel->stats.switches++;
	return OK;
}

void event_kernel_start(struct event_kernel *k, struct os_aspace *first)
{
	os_on_break(k->os, &(struct pgtable_break){k, flush_broken});
	add_process(k, os_aspace_asid(first), first);
}

void events_start(struct events *e) { make_present(e, e->kernel->processes[0]); }

void events_rewind(struct events *e)
{
	if (e->running != e->kernel->processes[0]) events_start(e);
}

static void free_process(struct process *p, unsigned vcpus)
{
	for (unsigned i = 0; i < vcpus; i++) pollution_fini(&p->left[i]);
	free(p->left);
	free(p);
}

void event_kernel_fini(struct event_kernel *k)
{
	for (size_t i = 0; i < k->process_count; i++) free_process(k->processes[i], k->vcpus);
	free(k->processes);
}

void events_enter(struct events *e) { e->kernel->entered = e; }

enum status events_execute(struct events *e, const struct record *rec, struct err *err)
{
	events_enter(e);
	switch (rec->kind) {
	case REC_TLBI: tlbi_record(e, rec); return OK;
	case REC_DSB:
	case REC_ISB: barrier_record(e, rec); return OK;
	case REC_DESC: return write_descriptor(e, rec, err);
	case REC_SWITCH: return switch_to(e, rec->arg, err);
	case REC_MAP:
	case REC_UNMAP: unmap(e, rec); return OK;
	default: e->kernel->stats.ignored++; return OK;
	}
}
