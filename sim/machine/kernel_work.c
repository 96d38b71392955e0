#include "machine/kernel_work.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"

enum { INSTRUCTION_BYTES = 4, KILO = 1000 };

static const char *const entry_names[] = {
#define X(name, text, doc) #text,
	KERNEL_ENTRIES(X)
#undef X
		NULL};
static const char *const handler_names[] = {
#define X(name, text, doc) #text,
	KERNEL_HANDLERS(X)
#undef X
		NULL};
enum { KERNEL_HANDLER_COUNT = KERNEL_WORK_COUNT - KERNEL_ENTRY_COUNT };

struct kernel_stats {
	uint64_t entries[KERNEL_ENTRY_COUNT], cycles[KERNEL_ENTRY_COUNT], memory_cycles[KERNEL_ENTRY_COUNT];
};

#define F struct kernel_stats
static const struct stat_desc stat_rows[] = {
	STAT_BY(F, entries, entry_names, "count", "how often the kernel was entered"),
	STAT_BY(F, cycles, entry_names, "cycles", "from the exception to the return"),
	STAT_BY(F, memory_cycles, entry_names, "cycles",
		"of them, waiting for the kernel's lines and their translation"),
};
#undef F

struct handler_stats {
	uint64_t runs[KERNEL_HANDLER_COUNT], cycles[KERNEL_HANDLER_COUNT],
		memory_cycles[KERNEL_HANDLER_COUNT];
};

#define F struct handler_stats
static const struct stat_desc handler_rows[] = {
	STAT_BY(F, runs, handler_names, "count", "how often the kernel did that work"),
	STAT_BY(F, cycles, handler_names, "cycles", "that it took"),
	STAT_BY(F, memory_cycles, handler_names, "cycles",
		"of them, waiting for the kernel's lines and their translation"),
};
#undef F

struct kpti_stats {
	uint64_t crossings, cycles, memory_cycles;
};

#define F struct kpti_stats
static const struct stat_desc kpti_rows[] = {
	STAT(F, crossings, "count", "ways through the trampoline into the kernel and back"),
	STAT(F, cycles, "cycles", "that its registers and barrier took"),
	STAT(F, memory_cycles, "cycles", "waiting for its lines and their translation"),
};
#undef F

enum { TRAMPOLINE_IN, TRAMPOLINE_OUT, TRAMPOLINE_LINES }; /* lines of its code */

/* Lines of one kind of work: of the code that all cores have in common, and of the core's own data. */
struct work {
	struct os_work_params p;
	uint64_t code, code_lines, data;
	uint64_t next; /* of the data, the line that comes first the next time */
};

struct area {
	uint64_t va; /* of its line 0 */
	struct pa *page;
};

struct kernel_work {
	struct kernel_work_parts parts;
	struct work work[KERNEL_WORK_COUNT];
	struct area code, data, trampoline;
	unsigned line_bits;
	cycles_t fetch_hit, data_hit; /* of the first-level caches: hidden */
	struct kernel_stats stats;
	struct handler_stats handlers;
	struct kpti_stats kpti;
};

/* --- building ---------------------------------------------------------------------------------------------------- */

/* Handlers' work is that of a kernel that ticks. */
static struct os_work_params params_of(const struct os_params *p, enum kernel_entry e)
{
	const struct os_work_params all[] = {[KERNEL_SYSCALL] = p->syscall,
					     [KERNEL_PAGE_FAULT] = p->page_fault,
					     [KERNEL_PROCESS_SWITCH] = p->process_switch,
					     [KERNEL_TICK] = p->tick,
					     [KERNEL_INTERRUPT] = p->interrupt,
					     [KERNEL_SOFTIRQ] = p->softirq};
	return e < KERNEL_ENTRY_COUNT || p->tick_hz ? all[e] : (struct os_work_params){0};
}

bool kernel_work_wanted(const struct os_params *p)
{
	bool wanted = false;
	for (unsigned e = 0; e < KERNEL_WORK_COUNT; e++) wanted |= params_of(p, e).instructions != 0;
	return wanted;
}

/* One kind behind the other; returns how many lines all have of code and data. */
static void place_lines(struct kernel_work *w, uint64_t *code, uint64_t *data)
{
	uint64_t line_bytes = UINT64_C(1) << w->line_bits;
	*code = *data = 0;
	for (unsigned e = 0; e < KERNEL_WORK_COUNT; e++) {
		struct work *k = &w->work[e];
		k->p = params_of(w->parts.params, e);
		if (k->p.span_lines < k->p.lines) k->p.span_lines = k->p.lines;
		k->code_lines = (k->p.instructions * INSTRUCTION_BYTES + line_bytes - 1) / line_bytes;
		k->code = *code;
		k->data = *data;
		*code += k->code_lines;
		*data += k->p.span_lines;
	}
}

/* Where a mapped page is. A guest's is backed from the beginning, as its kernel has long run. */
static bool find_page(const struct kernel_work *w, const struct os_fault *f, uint64_t va, struct pa *out)
{
	uint64_t offset = va & bits_ones(f->size_bits);
	out->raw = f->frame + offset;
	return !w->parts.vm || hyp_populate(w->parts.vm, (struct ipa){f->frame + offset}, out);
}

static enum status map_lines(struct kernel_work *w, struct area *area, uint64_t va, uint64_t lines,
			     enum access_kind kind, struct err *err)
{
	unsigned page_bits = os_page_bits(w->parts.params);
	uint64_t pages = ((lines << w->line_bits) + bits_ones(page_bits)) >> page_bits;
	area->va = va;
	area->page = xcalloc(pages, sizeof(*area->page));
	for (uint64_t i = 0; i < pages; i++, va += UINT64_C(1) << page_bits) {
		struct os_fault f = os_handle_fault(w->parts.os, w->parts.aspace, (struct va){va}, kind);
		if (f.outcome >= OS_BAD_ADDRESS || !find_page(w, &f, va, &area->page[i]))
			return err_set(err, ERR_CONFIG, "memory: too small for the kernel's code and data");
	}
	return OK;
}

/* As TRAMP_VALIAS, near the end of the address space. */
enum { TRAMPOLINE_FROM_END_BITS = 22 };

static enum status map_all(struct kernel_work *w, struct err *err)
{
	uint64_t code, data, page = UINT64_C(1) << os_page_bits(w->parts.params);
	place_lines(w, &code, &data);
	uint64_t code_bytes = bits_align_down((code << w->line_bits) + page - 1, log2_floor(page));
	uint64_t data_bytes = bits_align_down((data << w->line_bits) + page - 1, log2_floor(page));
	uint64_t base = ~bits_ones((unsigned)w->parts.params->va_bits);
	TRY(map_lines(w, &w->code, base, code, ACCESS_FETCH, err));
	TRY(map_lines(w, &w->data, base + code_bytes + w->parts.cpu * data_bytes, data, ACCESS_WRITE, err));
	if (w->parts.params->kpti)
		TRY(map_lines(w, &w->trampoline, ~bits_ones(TRAMPOLINE_FROM_END_BITS), TRAMPOLINE_LINES,
			      ACCESS_FETCH, err));
	if (w->parts.vm) hyp_take_populated(w->parts.vm); /* no time has passed */
	return OK;
}

enum status kernel_work_new(const struct kernel_work_parts *parts, struct kernel_work **out, struct err *err)
{
	struct kernel_work *w = xcalloc(1, sizeof(*w));
	w->parts = *parts;
	w->line_bits = parts->mem->data.line_bits;
	w->fetch_hit = mem_first_hit(&parts->mem->fetch);
	w->data_hit = mem_first_hit(&parts->mem->data);
	enum status st = map_all(w, err);
	if (st != OK) {
		kernel_work_free(w);
		return st;
	}
	*out = w;
	return OK;
}

void kernel_work_free(struct kernel_work *w)
{
	if (!w) return;
	free(w->code.page);
	free(w->data.page);
	free(w->trampoline.page);
	free(w);
}

void kernel_work_register_stats(struct kernel_work *w, struct stats *s, const char *path)
{
	stats_add(s, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]), &w->stats, "%s", path);
	if (w->parts.params->tick_hz)
		stats_add(s, handler_rows, sizeof(handler_rows) / sizeof(handler_rows[0]), &w->handlers,
			  "%s.handlers", path);
	if (w->parts.params->kpti)
		stats_add(s, kpti_rows, sizeof(kpti_rows) / sizeof(kpti_rows[0]), &w->kpti, "%s.kpti", path);
}

/* --- work -------------------------------------------------------------------------------------------------------- */

/* Where a line is, and when that is known. Other page-table designs than Arm's keep the program's half alone; there, at once. */
static struct mmu_done locate(struct kernel_work *w, const struct area *area, uint64_t line,
			      enum access_kind kind, cycles_t now)
{
	unsigned page_bits = os_page_bits(w->parts.params);
	uint64_t offset = line << w->line_bits;
	struct mmu_done done = {now, area->page[offset >> page_bits].raw | (offset & bits_ones(page_bits))};
	if (w->parts.mmu->design) return done;
	bool mapped = mmu_translate(w->parts.mmu, area->va + offset, kind, 1, now, &done);
	assert(mapped); /* by map_all() */
	return done;
}

/* How much longer than a first-level hit an access takes. */
static cycles_t touch(struct kernel_work *w, const struct area *area, uint64_t line, enum access_kind kind,
		      cycles_t now)
{
	bool fetch = kind == ACCESS_FETCH;
	struct mmu_done known = locate(w, area, line, kind, now);
	struct mem_req r = {.pa.raw = known.pa,
			    .kind = (uint8_t)kind,
			    .cause = fetch ? CAUSE_IFETCH : CAUSE_DATA,
			    .el = (uint8_t)w->parts.el,
			    .partid = w->parts.mem->label.partid,
			    .pmg = w->parts.mem->label.pmg,
			    .security = SEC_NONSECURE};
	unsigned served;
	cycles_t done = mem_access(fetch ? &w->parts.mem->fetch : &w->parts.mem->data, &r, known.cycle, 0,
				   &served);
	cycles_t hidden = now + (fetch ? w->fetch_hit : w->data_hit);
	return done > hidden ? done - hidden : 0;
}

/* Code comes line by line. */
static cycles_t fetch_code(struct kernel_work *w, const struct work *k, cycles_t now)
{
	cycles_t waited = 0;
	for (uint64_t i = 0; i < k->code_lines; i++)
		waited += touch(w, &w->code, k->code + i, ACCESS_FETCH, now + waited);
	return waited;
}

/* Data is asked for at once; the last line counts. */
static cycles_t touch_data(struct kernel_work *w, struct work *k, cycles_t now)
{
	cycles_t longest = 0;
	for (uint64_t i = 0; i < k->p.lines; i++) {
		cycles_t waited = touch(w, &w->data, k->data + k->next, ACCESS_READ, now);
		if (waited > longest) longest = waited;
		if (++k->next == k->p.span_lines) k->next = 0;
	}
	return longest;
}

static cycles_t work_at(struct kernel_work *w, struct work *k, cycles_t now)
{
	cycles_t waited = fetch_code(w, k, now);
	return waited + touch_data(w, k, now + waited);
}

/* One line of the trampoline with the program's ASID, the work with the kernel's, another line with the program's. */
static cycles_t work_behind_trampoline(struct kernel_work *w, struct work *k, cycles_t now)
{
	const struct kernel_work_parts *p = &w->parts;
	struct sysregs regs = *p->regs;
	os_enter_kernel(p->os, p->el == 2 ? REGIME_EL20 : REGIME_EL10, &regs);
	cycles_t crossing = touch(w, &w->trampoline, TRAMPOLINE_IN, ACCESS_FETCH, now);
	mmu_set_context(p->mmu, &regs, p->features, p->el, true, SEC_NONSECURE);
	cycles_t waited = work_at(w, k, now + crossing);
	mmu_set_context(p->mmu, p->regs, p->features, p->el, true, SEC_NONSECURE);
	crossing += touch(w, &w->trampoline, TRAMPOLINE_OUT, ACCESS_FETCH, now + crossing + waited);
	w->kpti.memory_cycles += crossing;
	return crossing + waited;
}

/* The kernel's lines, at its exception level and in its name. */
static cycles_t touch_all(struct kernel_work *w, struct work *k, cycles_t now)
{
	const struct kernel_work_parts *p = &w->parts;
	struct why *why = p->mmu->why; /* explains accesses of the program */
	struct agent program = p->mem->agent;
	p->mmu->why = p->mmu->port->why = NULL;
	p->mem->agent.kind = AGENT_KERNEL;
	mmu_set_context(p->mmu, p->regs, p->features, p->el, true, SEC_NONSECURE);
	cycles_t waited = p->params->kpti ? work_behind_trampoline(w, k, now) : work_at(w, k, now);
	mmu_set_context(p->mmu, p->regs, p->features, 0, false, SEC_NONSECURE);
	p->mem->agent = program;
	p->mmu->why = p->mmu->port->why = why;
	return waited;
}

static cycles_t exception_cycles(const struct kernel_work *w)
{
	const struct primitive_params *p = w->parts.primitives;
	return w->parts.el == 2 ? p->entry_el2_cycles + p->return_el2_cycles
				: p->entry_el1_cycles + p->return_el1_cycles;
}

/* tramp_ventry: TTBR1 is read and written, VBAR written, ISB; tramp_exit: the same without. */
static cycles_t cross_trampoline(struct kernel_work *w)
{
	const struct primitive_params *p = w->parts.primitives;
	if (!w->parts.params->kpti) return 0;
	cycles_t cycles = 2 * p->sysreg_read_cycles + 4 * p->control_write_cycles + p->isb_cycles;
	w->kpti.crossings++;
	w->kpti.cycles += cycles;
	return cycles;
}

void kernel_work_move(struct kernel_work *w, struct mmu *mmu, struct mem_cpu *mem)
{
	w->parts.mmu = mmu;
	w->parts.mem = mem;
}

static cycles_t instruction_cycles(const struct kernel_work *w, const struct work *k)
{
	uint64_t rate = w->parts.primitives->instructions_per_kilocycle;
	return (k->p.instructions * KILO + rate - 1) / rate;
}

cycles_t kernel_work_handle(struct kernel_work *w, enum kernel_entry why, cycles_t now)
{
	struct work *k = &w->work[why];
	unsigned h = why - KERNEL_TICK;
	if (!k->p.instructions) return 0;
	cycles_t memory = touch_all(w, k, now), all = instruction_cycles(w, k) + memory;
	if (why != KERNEL_SOFTIRQ) all += cross_trampoline(w); /* that runs behind the others */
	w->handlers.runs[h]++;
	w->handlers.cycles[h] += all;
	w->handlers.memory_cycles[h] += memory;
	return all;
}

bool kernel_work_do(struct kernel_work *w, enum kernel_entry why, cycles_t now, struct core_spent *spent)
{
	struct work *k = &w->work[why];
	if (!k->p.instructions) return false;
	cycles_t memory = touch_all(w, k, now);
	cycles_t all = exception_cycles(w) + cross_trampoline(w) + instruction_cycles(w, k) + memory;
	w->stats.entries[why]++;
	w->stats.cycles[why] += all;
	w->stats.memory_cycles[why] += memory;
	spent->cycles[BUCKET_EXCEPTION][w->parts.el] += all;
	return true;
}
