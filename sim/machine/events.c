#include "machine/events.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "machine/pollution.h"
#include "mmu/page_design.h"

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

static void execute_tlbi(struct events *e, struct tlbi_op op, uint64_t operand)
{
	unsigned el = e->regime == REGIME_EL20 ? 2 : 1;
	struct tlbi_context c = {e->regs, e->features, el, SEC_NONSECURE};
	struct tlbi_scope scope;
	enum tlbi_outcome outcome = tlbi_resolve(op, operand, &c, &scope);
	if (outcome == TLBI_UNDEFINED) {
		e->stats.tlbi_undefined++;
		return;
	}
	e->stats.tlbi++;
	if (outcome != TLBI_DONE) return;
	e->stats.tlbi_entries += mmu_tlbi(e->mmu, &scope);
	if (e->checker) checker_tlbi(e->checker, &scope);
}

/* Domain and types of a DSB, as its CRm has them. */
enum { NSHST = 6, NSH = 7, ISHST = 10, ISH = 11 };

static void dsb(struct events *e, unsigned crm)
{
	if (e->checker) checker_dsb(e->checker, crm);
}

static void barrier_record(struct events *e, const struct record *rec)
{
	e->stats.barriers++;
	if (rec->kind == REC_DSB) dsb(e, rec->count);
}

static void tlbi_record(struct events *e, const struct record *rec)
{
	struct tlbi_op op;
	if (tlbi_decode(rec->count, &op))
		execute_tlbi(e, op, rec->arg);
	else
		e->stats.tlbi_undefined++;
}

/* --- unmapping, as Linux flushes it ---------------------------------------------------------------------------- */

enum { RANGE_SCALES = 4, RANGE_NUMS = 32 };

static void kernel_tlbi(struct events *e, const char *name, uint64_t operand)
{
	struct tlbi_op op;
	bool found = tlbi_named(name, &op);
	assert(found);
	execute_tlbi(e, op, operand | (uint64_t)os_aspace_asid(e->present) << 48);
}

/* As many pages as one range operation of `scale` takes of `pages`; 0: none. */
static uint64_t range_pages(uint64_t pages, unsigned scale)
{
	uint64_t units = pages >> (5 * scale + 1) & (RANGE_NUMS - 1);
	return units << (5 * scale + 1);
}

static void tlbi_pages(struct events *e, uint64_t va, uint64_t pages, unsigned scale)
{
	uint64_t num = (pages >> (5 * scale + 1)) - 1, tg = (e->page_bits - GRANULE_4K) / 2 + 1;
	kernel_tlbi(e, "RVALE1IS",
		    (va >> e->page_bits & bits_ones(37)) | num << 39 | (uint64_t)scale << 44 | tg << 46);
}

static void tlbi_page(struct events *e, uint64_t va)
{
	kernel_tlbi(e, "VALE1IS", va >> GRANULE_4K & bits_ones(44));
}

/* __flush_tlb_range_op(): odd pages alone, the rest in ranges of growing scale. */
static void flush_pages(struct events *e, uint64_t va, uint64_t pages)
{
	for (unsigned scale = 0; pages;) {
		uint64_t taken = 1;
		if (!e->features->tlbirange || pages % 2) {
			tlbi_page(e, va);
		} else {
			taken = range_pages(pages, scale);
			if (taken) tlbi_pages(e, va, taken, scale);
			scale++;
		}
		va += taken << e->page_bits;
		pages -= taken;
	}
}

/* Beyond so many pages Linux flushes the whole ASID: MAX_TLBI_OPS, MAX_TLBI_RANGE_PAGES. */
static uint64_t most_pages(const struct events *e)
{
	if (!e->features->tlbirange) return UINT64_C(1) << (e->page_bits - 3);
	return UINT64_C(32) << (5 * (RANGE_SCALES - 1) + 1);
}

/* A block or run of pages that the kernel breaks up, as flush_pmd_tlb_range() and contpte_convert() do. */
static void flush_broken(void *ctx, uint64_t va, uint64_t bytes)
{
	struct events *e = ctx;
	uint64_t pages = bytes >> e->page_bits;
	bool block = pages >> level_stride(e->page_bits);
	dsb(e, ISHST);
	if (block && !e->features->tlbirange)
		tlbi_page(e, va);
	else
		flush_pages(e, va, pages);
	dsb(e, ISH);
}

static void unmap(struct events *e, const struct record *rec)
{
	uint64_t first = bits_align_down(rec->addr, e->page_bits);
	uint64_t most = UINT64_C(1) << 56; /* more than an address space, whose end os_unmap() knows */
	uint64_t bytes = rec->addr - first + (rec->arg < most ? rec->arg : most);
	uint64_t pages = (bytes + bits_ones(e->page_bits)) >> e->page_bits;
	e->stats.unmaps++;
	if (!rec->arg) return;
	if (!os_unmap(e->os, e->present, (struct va){first}, pages << e->page_bits)) return;
	dsb(e, ISHST);
	page_design_forget(e->mmu, (struct va){first}, pages << e->page_bits);
	if (pages >= most_pages(e))
		kernel_tlbi(e, "ASIDE1IS", 0);
	else
		flush_pages(e, first, pages);
	dsb(e, ISH);
}

static enum status write_descriptor(struct events *e, const struct record *rec, struct err *err)
{
	struct va va = {rec->addr};
	if (rec->count <= LAST_LEVEL && os_set_descriptor(e->os, e->present, va, (int)rec->count, rec->arg))
		return OK;
	return err_set(err, ERR_INPUT,
		       "the workload writes a descriptor of VA 0x%" PRIx64
		       " at level %u, where there is no table",
		       rec->addr, rec->count);
}

/* --- processes ------------------------------------------------------------------------------------------------- */

struct process {
	uint64_t name; /* as SWITCH records say it */
	struct os_aspace *aspace;
	struct context context;
	struct pollution left; /* what it had in the TLBs when it stopped running */
};

static struct process *add_process(struct events *e, uint64_t name, struct os_aspace *as)
{
	struct process *p = xcalloc(1, sizeof(*p));
	p->name = name;
	p->aspace = as;
	if (is_power_of_2(e->process_count) || !e->process_count)
		e->processes = xrealloc(e->processes, e->process_count ? 2 * e->process_count : 1,
					sizeof(struct process *));
	return e->processes[e->process_count++] = p;
}

static struct process *find_process(const struct events *e, uint64_t name)
{
	for (size_t i = 0; i < e->process_count; i++)
		if (e->processes[i]->name == name) return e->processes[i];
	return NULL;
}

static enum status find_or_make(struct events *e, uint64_t name, struct process **out, struct err *err)
{
	uint64_t most = bits_ones(e->asid_bits);
	*out = find_process(e, name);
	if (*out) return OK;
	if (name > most && !e->contexts)
		return err_set(err, ERR_INPUT,
			       "the workload switches to ASID %" PRIu64 ", outside of 0..%" PRIu64, name,
			       most);
	struct os_aspace *as = os_aspace_new(e->os, e->contexts ? 0 : (uint16_t)name);
	if (!as)
		return err_set(err, ERR_CONFIG, "memory: too small for the tables of process %" PRIu64, name);
	*out = add_process(e, name, as);
	return OK;
}

/* The TLBI by which a kernel does what an allocator asks for. */
static void flush_context(struct events *e, enum ctx_flush flush)
{
	static const char *const operation[] = {[CTX_FLUSH_CPU] = "VMALLE1",
						[CTX_FLUSH_EVERYWHERE] = "VMALLE1IS",
						[CTX_FLUSH_NUMBER] = "ASIDE1",
						[CTX_FLUSH_NUMBER_EVERYWHERE] = "ASIDE1IS"};
	if (flush == CTX_FLUSH_NONE) return;
	dsb(e, NSHST);
	kernel_tlbi(e, operation[flush], 0);
	dsb(e, NSH);
}

static void make_present(struct events *e, struct process *p)
{
	struct ctx_switch s = {0};
	if (e->contexts) {
		s = contexts_switch(e->contexts, 0, &p->context);
		os_aspace_set_asid(p->aspace, s.number);
	}
	e->present = p->aspace;
	e->running = p;
	flush_context(e, s.flush);
	os_write_regs(e->os, p->aspace, e->regime, e->regs);
	mmu_set_context(e->mmu, e->regs, e->features, 0, false, SEC_NONSECURE);
}

static void count_walk(void *self, const struct tlb_entry *entry, struct va va, struct access a)
{
	struct events *e = self;
	(void)entry, (void)a;
	e->stats.walks_after_switch += pollution_walk(&e->running->left, va.raw);
}

/* Who runs is switched away from. Walks are counted from the first time on: one process alone costs nothing. */
static void leave_running(struct events *e)
{
	if (!e->walks.self) {
		e->walks = (struct mmu_observer){.self = e, .walked = count_walk};
		mmu_observe(e->mmu, &e->walks);
	}
	pollution_leave(&e->running->left, e->mmu, e->mmu->tag);
}

static enum status switch_to(struct events *e, uint64_t name, struct err *err)
{
	struct process *p;
	TRY(find_or_make(e, name, &p, err));
	if (p != e->running) leave_running(e);
	make_present(e, p);
	e->stats.switches++;
	return OK;
}

void events_start(struct events *e, struct os_aspace *first)
{
	os_on_break(e->os, &(struct pgtable_break){e, flush_broken});
	make_present(e, add_process(e, os_aspace_asid(first), first));
}

void events_rewind(struct events *e)
{
	if (e->running != e->processes[0]) make_present(e, e->processes[0]);
}

void events_fini(struct events *e)
{
	for (size_t i = 0; i < e->process_count; i++) {
		pollution_fini(&e->processes[i]->left);
		free(e->processes[i]);
	}
	free(e->processes);
}

enum status events_execute(struct events *e, const struct record *rec, struct err *err)
{
	switch (rec->kind) {
	case REC_TLBI: tlbi_record(e, rec); return OK;
	case REC_DSB:
	case REC_ISB: barrier_record(e, rec); return OK;
	case REC_DESC: return write_descriptor(e, rec, err);
	case REC_SWITCH: return switch_to(e, rec->arg, err);
	case REC_MAP:
	case REC_UNMAP: unmap(e, rec); return OK;
	default: e->stats.ignored++; return OK;
	}
}
