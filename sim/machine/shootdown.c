#include "machine/shootdown.h"

#include "base/order.h"
#include "mmu/dsb.h"

enum { SGI_TARGETS = 16 };

static const char *const kind_names[] = {
#define X(name, text, doc) #text,
	SHOOTDOWN_KINDS(X)
#undef X
};

#define F struct shootdown_kind_stats
static const struct stat_desc kind_rows[] = {
	STAT(F, local, "operations", "TLBI for the core alone that executed it"),
	STAT(F, broadcast, "operations", "TLBI for others, too"),
	STAT_DIST(F, latency, "cycles", "of each of those, from its issue until all have answered"),
};
#undef F
#define F struct shootdown_stats
static const struct stat_desc rows[] = {
	STAT(F, count, "shootdowns", "DSBs that waited for TLBIs of other cores"),
	STAT(F, operations, "operations", "TLBIs that they waited for"),
	STAT(F, interrupts, "interrupts", "sent to other cores for them"),
	STAT(F, interrupt_cycles, "cycles", "that those cores lost to them"),
	STAT_DIST(F, latency, "cycles", "of each, from its first TLBI to the end of its DSB"),
};
#undef F

void shootdowns_register_stats(struct shootdowns *s, struct stats *stats)
{
	stats_add(stats, rows, sizeof(rows) / sizeof(rows[0]), &s->stats, "shootdown");
	for (unsigned i = 0; i < SHOOTDOWN_KIND_COUNT; i++)
		stats_add(stats, kind_rows, sizeof(kind_rows) / sizeof(kind_rows[0]), &s->stats.kind[i],
			  "tlbi.%s", kind_names[i]);
}

static enum shootdown_kind kind_of(const struct tlbi_row *row)
{
	static const uint8_t kinds[] = {
		[TLBI_BY_REGIME] = SHOOTDOWN_REGIME, [TLBI_BY_VMID] = SHOOTDOWN_VMID,
		[TLBI_BY_VMID_S12] = SHOOTDOWN_VMID, [TLBI_BY_ASID] = SHOOTDOWN_ASID,
		[TLBI_BY_VA] = SHOOTDOWN_ADDRESS,    [TLBI_BY_VA_ANY] = SHOOTDOWN_ADDRESS,
		[TLBI_BY_IPA] = SHOOTDOWN_ADDRESS,   [TLBI_BY_GPT] = SHOOTDOWN_REGIME};
	return row->range ? SHOOTDOWN_RANGE : (enum shootdown_kind)kinds[row->by];
}

/* Whether `to` is told of the maintenance of `by` by an interrupt. */
static bool is_told(const struct shooter *by, const struct shooter *to)
{
	return to != by && to->kernel == by->kernel;
}

/* Whether a TLBI of `by` with that reach acts on `to`. */
static bool reaches(const struct shootdowns *s, const struct shooter *by, const struct shooter *to,
		    enum tlbi_share reach, bool told)
{
	if (to == by) return true;
	if (reach == TLBI_LOCAL) return false;
	if (told) return is_told(by, to);
	return !s->dvm ||
	       dvm_reaches(s->dvm, by->place, to->place, reach == TLBI_OUTER ? DVM_OUTER : DVM_INNER);
}

static void begin(struct shooter *by)
{
	if (!by->operations++ && by->core) by->began = core_now(by->core);
}

/* Its issue, and what it will have taken when all have answered. */
static void issue(struct shootdowns *s, struct shooter *by, struct tlbi_op op, enum tlbi_share reach,
		  bool told)
{
	struct shootdown_kind_stats *k = &s->stats.kind[kind_of(op.row)];
	bool local = reach == TLBI_LOCAL;
	if (!local) begin(by);
	by->told |= told;
	k->local += local || told;
	k->broadcast += !local && !told;
	if (!by->core) return;
	cycles_t at = core_now(by->core), done = core_tlbi(by->core, told ? TLBI_LOCAL : reach);
	if (!local && !told) hist_add(&k->latency, done - at);
}

/* As the checker numbers CPUs: those that share a TLB are one. */
static unsigned tlb_unit(const struct shooter *by)
{
	return by->mmu->shared_count ? 0 : by->mmu->port->cpu->agent.cpu;
}

struct tlbi_reach_of {
	const struct shootdowns *all;
	const struct shooter *by;
	enum tlbi_share reach;
	bool told;
};

static bool reaches_cpu(const void *ctx, unsigned cpu)
{
	const struct tlbi_reach_of *r = ctx;
	for (unsigned i = 0; i < r->all->count; i++) {
		const struct shooter *to = r->all->shooter[i];
		if (tlb_unit(to) == cpu && reaches(r->all, r->by, to, r->reach, r->told)) return true;
	}
	return false;
}

static void tell_checker(struct checker *c, const struct tlbi_scope *scope, struct tlbi_reach_of reach)
{
	checker_on(c, tlb_unit(reach.by));
	checker_tlbi(c, scope, (struct checker_reach){reaches_cpu, &reach});
}

enum tlbi_outcome shootdown_tlbi(struct shootdowns *s, struct shooter *by, const struct shootdown *what,
				 uint64_t *entries)
{
	enum tlbi_share reach = tlbi_reach(what->op, what->by);
	bool told = what->kernel && what->kernel->ipi && reach != TLBI_LOCAL && s->count > 1;
	struct tlbi_scope scope;
	enum tlbi_outcome outcome = tlbi_resolve(what->op, what->operand, what->by, &scope);
	if (outcome == TLBI_UNDEFINED) return outcome;
	issue(s, by, what->op, reach, told);
	if (outcome != TLBI_DONE) return outcome;
	for (unsigned i = 0; i < s->count; i++)
		if (reaches(s, by, s->shooter[i], reach, told))
			*entries += mmu_tlbi(s->shooter[i]->mmu, &scope);
	if (s->checker) tell_checker(s->checker, &scope, (struct tlbi_reach_of){s, by, reach, told});
	return outcome;
}

/* --- interrupts ---------------------------------------------------------------------------------------------------- */

/* A guest's interrupt is the hypervisor's first, and its sender's register access traps. */
static cycles_t exit_cycles(const struct shootdowns *s, const struct shooter *by)
{
	const struct primitive_params *p = s->primitives;
	return by->kernel->guest ? p->entry_el2_cycles + p->return_el2_cycles : 0;
}

/* The handler on another core: it acknowledges, does the same TLBIs for itself, says so, and ends the interrupt. */
static cycles_t handler_cycles(const struct shootdowns *s, const struct shooter *by)
{
	const struct primitive_params *p = s->primitives;
	return exit_cycles(s, by) + p->entry_el1_cycles + p->gic_read_cycles +
	       by->operations * p->tlbi_cycles + p->tlbi_local_cycles + p->dsb_cycles + p->atomic_cycles +
	       p->gic_write_cycles + p->return_el1_cycles;
}

static void owe(struct shooter *to, cycles_t at, cycles_t cycles)
{
	if (!to->owed || at < to->first) to->first = at;
	to->owed += cycles;
}

/* A write of ICC_SGI1R_EL1 names up to 16 cores; the sender then waits for the last answer. */
static void tell_others(struct shootdowns *s, struct shooter *by)
{
	const struct primitive_params *p = s->primitives;
	cycles_t handler = handler_cycles(s, by), last = 0;
	unsigned group = 0;
	for (unsigned i = 0; i < s->count; i++) {
		struct shooter *to = s->shooter[i];
		if (!is_told(by, to)) continue;
		if (group++ % SGI_TARGETS == 0)
			core_pass(by->core, p->gic_write_cycles + exit_cycles(s, by), BUCKET_EXCEPTION, 1);
		cycles_t at = core_now(by->core) + p->sgi_cycles;
		owe(to, at, handler);
		last = cycles_later(last, at + handler);
		s->stats.interrupts++;
		s->stats.interrupt_cycles += handler;
	}
	core_await_tlbi(by->core, last);
}

void shootdown_dsb(struct shootdowns *s, struct shooter *by, unsigned crm)
{
	bool waits = dsb_waits_for_tlbis(crm);
	if (by->core && waits && by->told) tell_others(s, by);
	if (by->core) core_dsb(by->core, crm);
	if (s->checker) {
		checker_on(s->checker, tlb_unit(by));
		checker_dsb(s->checker, crm);
	}
	if (!waits || !by->operations) return;
	s->stats.count++;
	s->stats.operations += by->operations;
	if (by->core) hist_add(&s->stats.latency, core_now(by->core) - by->began);
	by->operations = 0;
	by->told = false;
}

bool shootdown_accept(struct shooter *by)
{
	if (!by->core) return false;
	cycles_t lost = core_accept(by->core);
	if (by->owed && by->first <= core_now(by->core)) {
		core_pass(by->core, by->owed, BUCKET_EXCEPTION, 1);
		lost += by->owed;
		by->owed = 0;
	}
	return lost;
}
