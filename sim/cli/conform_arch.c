#include "cli/conform_arch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/zread.h"
#include "cli/arch_pending.h"
#include "cli/arch_regs.h"
#include "cli/json.h"
#include "mmu/dsb.h"
#include "mmu/levels.h"

enum { MAX_CPUS = 64, MAX_REPORTS = 10, PAGE_BITS = 12 };

struct cpu {
	struct arch_regs regs;
	struct features features;
	struct mmu *mmu;
	unsigned el;
	bool decoded; /* the MMU's context is that of regs and el */
	struct arch_pendings pending;
};

struct replay {
	const struct arch_options *options;
	FILE *report;
	struct cpu cpus[MAX_CPUS];
	unsigned cpu_count, current;
	struct mem_cpu no_memory; /* the recorded page is the walk's result: no descriptor is read */
	struct arch_totals totals;
};

/* --- state of a CPU -------------------------------------------------------------------------------------------- */

static enum security lower_security(const struct cpu *c)
{
	return c->regs.has_el3 && !(c->regs.sys.SCR_EL3 & SCR_NS) ? SEC_SECURE : SEC_NONSECURE;
}

static void decode(struct cpu *c)
{
	enum security security = c->el == 3 ? SEC_SECURE : lower_security(c);
	mmu_set_context(c->mmu, &c->regs.sys, &c->features, c->el, false, security);
	c->decoded = true;
}

/* The ID registers of the recording; what they cannot say is there, since the recorded code used it. */
static enum status load_features(const json_t *object, struct features *out, struct err *err)
{
	uint64_t mmfr[3];
	TRY(json_get_u64(object, "ID_AA64MMFR0_EL1", &mmfr[0], err));
	TRY(json_get_u64(object, "ID_AA64MMFR1_EL1", &mmfr[1], err));
	TRY(json_get_u64(object, "ID_AA64MMFR2_EL1", &mmfr[2], err));
	features_from_id(mmfr[0], mmfr[1], mmfr[2], out);
	out->tlbios = out->tlbirange = out->xs = 1;
	out->sel2 = out->ttst; /* which FEAT_SEL2 requires */
	return OK;
}

/* Large enough for every page that a recording touches, and with ways for as many processes and VMs as use one address:
 * neither ASID nor VMID chooses the set. totals.evictions tells if it was not. */
static const struct tlb_params never_full = {.name = "unbounded",
					     .level = 1,
					     .side = SIDE_UNIFIED,
					     .entries = 1u << 18,
					     .ways = 4096,
					     .pages = UINT64_MAX,
					     .policy = REPL_lru,
					     .index = TLB_INDEX_XOR};

static enum status start_cpu(struct replay *r, const json_t *object, struct cpu *c, struct err *err)
{
	static const struct walker_params walker = {.walkers = 1, .first_cache = 1};
	const struct param_list unbounded = {(void *)&never_full, 1};
	uint64_t cpsr;
	TRY(arch_regs_load(object, &c->regs, err));
	TRY(load_features(object, &c->features, err));
	TRY(json_get_u64(object, "cpsr", &cpsr, err));
	c->el = (unsigned)bits_get(cpsr, 3, 2);
	return mmu_new(r->options->tlbs ? r->options->tlbs : &unbounded, &walker, &r->no_memory, NULL,
		       &c->mmu, err);
}

static struct cpu *current(struct replay *r) { return &r->cpus[r->current]; }

/* --- references ------------------------------------------------------------------------------------------------ */

/* The oldest TLBI that would have taken `e` from CPU `cpu`, had a DSB followed; *by is whose it is. */
static struct arch_pending *awaited(const struct replay *r, const struct tlb_entry *e, unsigned cpu,
				    unsigned *by)
{
	struct arch_pending *oldest = NULL;
	for (unsigned i = 0; i < r->cpu_count; i++) {
		struct arch_pending *p = arch_pending_awaited(&r->cpus[i].pending, e, i == cpu);
		if (!p || (oldest && oldest->line < p->line)) continue;
		oldest = p;
		*by = i;
	}
	return oldest;
}

/* `n` references; the first of them is printed. */
static void report_conflict(struct replay *r, const struct arch_conflict *c, uint64_t n)
{
	const struct tlb_entry *e = &c->held;
	unsigned by = 0;
	uint64_t before = r->totals.conflicts;
	r->totals.conflicts += n;
	if (before >= MAX_REPORTS) return;
	fprintf(r->report,
		"line %" PRIu64 ": cpu %u at EL%u: VA 0x%" PRIx64 " is page 0x%" PRIx64
		", but its TLB holds 0x%" PRIx64 " since line %" PRIu64 " (regime %u, VMID %u, ASID %u%s)",
		c->line, c->cpu, c->el, c->va, c->pa, e->pa, e->ready, (unsigned)bits_get(e->tag, 33, 32),
		(unsigned)bits_get(e->tag, 31, 16), (unsigned)bits_get(e->tag, 15, 0),
		e->tag_mask == TLB_TAG_ALL ? "" : ", global");
	const struct arch_pending *p = awaited(r, e, c->cpu, &by);
	if (p)
		fprintf(r->report, ": the TLBI of line %" PRIu64 " awaits a DSB on cpu %u\n", p->line, by);
	else
		fprintf(r->report, ": no TLBI has taken it\n");
}

static void report_forgotten(void *ctx, const struct arch_pending *p)
{
	report_conflict(ctx, &p->first, p->doubts);
}

/* The TLB has `e` where the recording goes to `pa`: right only where another CPU's TLBI may have been done already. */
static void judge(struct replay *r, uint64_t va, uint64_t pa, const struct tlb_entry *e)
{
	unsigned by = 0;
	const struct arch_conflict c = {.line = r->totals.lines,
					.va = va,
					.pa = pa,
					.cpu = r->current,
					.el = current(r)->el,
					.held = *e};
	struct arch_pending *p = awaited(r, e, r->current, &by);
	if (p && by != r->current && arch_pending_doubt(p, &c)) return;
	report_conflict(r, &c, 1);
}

/* The first TLB that has it; level counts those above, which do not. */
static struct levels_place look_up(struct mmu *m, unsigned side, uint64_t va, tlb_tag_t tag)
{
	struct levels_place at = {0};
	for (; at.level < m->levels[side]; at.level++) {
		for (unsigned k = 0; (at.tlb = m->array[side][at.level][k]); k++) {
			at.entry = tlb_hit(at.tlb, va, tag);
			if (!at.entry) at.entry = tlb_find(at.tlb, va, tag);
			if (at.entry) return at;
		}
	}
	return at;
}

/* What the present context makes of `pa`: a piece of a stage 1 page, whose size is the granule. */
static struct tlb_fill fill_of(const struct mmu *m, uint64_t va, uint64_t pa, tlb_tag_t tag, uint64_t line)
{
	bool global = !m->regime.two_ranges || bit_get(va, 55);
	return (struct tlb_fill){.va = va,
				 .pa = pa,
				 .bits = PAGE_BITS,
				 .run_bits = PAGE_BITS,
				 .like = {.tag = tag,
					  .tag_mask = global ? TLB_TAG_GLOBAL : TLB_TAG_ALL,
					  .ready = line,
					  .s1_bits = regime_stage1(&m->regime, (struct va){va})->granule_bits,
					  .s2_bits = PAGE_BITS,
					  .level = TLB_LEVEL_ANY}};
}

/* The address without what the top byte may carry. */
static uint64_t untagged_address(const struct stage_info *s, uint64_t va)
{
	return s->check >> 56 ? va : (va & bits_ones(56)) | (s->upper & ~bits_ones(56));
}

static void refer(struct replay *r, unsigned side, uint64_t va, uint64_t pa)
{
	struct cpu *c = current(r);
	struct mmu *m = c->mmu;
	if (!c->decoded) decode(c);
	const struct stage_info *s = regime_stage1(&m->regime, (struct va){va});
	if (!s->on) {
		r->totals.untranslated++;
		return;
	}
	va = untagged_address(s, va);
	tlb_tag_t tag = m->tag & ~r->options->untagged;
	struct levels_place at = look_up(m, side, va, tag);
	struct tlb_entry *e = at.entry;
	struct tlb_fill f = fill_of(m, va, pa, tag, e ? e->ready : r->totals.lines);
	r->totals.references++;
	++*(e ? &r->totals.hits : &r->totals.misses);
	if (e && e->pa != pa) {
		judge(r, va, pa, e);
		e->pa = pa;
		f.like.ready = e->ready = r->totals.lines;
	}
	if (e && at.tlb->params.inclusion == TLB_EXCLUSIVE) tlb_drop(at.tlb, e);
	if (at.level) levels_fill(m, side, at.level, 1, &f);
}

/* --- maintenance ----------------------------------------------------------------------------------------------- */

enum { TTL_TG_LOW = 46, TTL_TG_HIGH = 47 }; /* the granule of a hint, in operands of pages and of ranges */

/* The size of the block that an operation by address may be of, log2. A hint names the leaf's level and granule. Without
 * one it may be any block that begins there: operating systems give the first address of what they have unmapped. */
static unsigned block_bits(const struct replay *r, const struct tlb_match *m, uint64_t operand)
{
	static const uint8_t hinted[] = {PAGE_BITS, GRANULE_4K, GRANULE_16K, GRANULE_64K};
	const struct cpu *c = &r->cpus[r->current];
	struct regime_info info;
	if (m->levels)
		return level_entry_bits(hinted[bits_get(operand, TTL_TG_HIGH, TTL_TG_LOW)],
					(int)log2_floor(m->levels) - 1);
	regime_decode(&c->regs.sys, &c->features, (enum regime)bits_get(m->tag, 33, 32), lower_security(c),
		      &info);
	const struct stage_info *s = regime_stage1(&info, (struct va){m->first});
	if (!s->on) return PAGE_BITS;
	int level = s->first_block_level;
	while (level < LAST_LEVEL && m->first & bits_ones(level_entry_bits(s->granule_bits, level))) level++;
	return level_entry_bits(s->granule_bits, level);
}

/* The recording's pages do not know their blocks: all that the block may have held goes. */
static void widen_to_block(const struct replay *r, struct tlbi_op op, uint64_t operand, struct tlb_match *m)
{
	if (!m->by_address || (op.row->range && !m->levels)) return;
	unsigned bits = block_bits(r, m, operand);
	m->first = bits_align_down(m->first, bits);
	m->last |= bits_ones(bits);
}

static void invalidate(struct replay *r, struct tlbi_op op, uint64_t operand)
{
	struct cpu *c = current(r);
	struct tlbi_context context = {&c->regs.sys, &c->features, c->el, lower_security(c)};
	struct tlbi_scope scope;
	r->totals.invalidations++;
	if (r->options->without && strcmp(r->options->without, op.row->name) == 0) return;
	enum tlbi_outcome outcome = tlbi_resolve(op, operand, &context, &scope);
	r->totals.undefined += outcome == TLBI_UNDEFINED;
	if (outcome != TLBI_DONE) return;
	widen_to_block(r, op, operand, &scope.match);
	scope.match.tag_mask &= ~r->options->untagged;
	arch_pending_note(&c->pending,
			  &(struct arch_pending){.scope = scope,
						 .line = r->totals.lines,
						 .el = c->el,
						 .here = true,
						 .elsewhere = tlbi_reach(op, &context) != TLBI_LOCAL});
}

static void complete(struct replay *r, const struct arch_pending *p, bool others)
{
	for (unsigned i = 0; i < r->cpu_count; i++)
		if (i == r->current ? p->here : p->elsewhere && others)
			r->totals.invalidated += mmu_tlbi(r->cpus[i].mmu, &p->scope);
}

/* What waits for loads and stores waits for TLBIs of its own CPU; they are done where its domain reaches. */
static void barrier(struct replay *r, unsigned crm)
{
	struct cpu *c = current(r);
	const struct tlbi_context context = {&c->regs.sys, &c->features, c->el, lower_security(c)};
	unsigned executed = dsb_as_executed(crm, &context), kept = 0;
	bool others = dsb_domain(executed) != DSB_NON_SHAREABLE;
	if (!dsb_waits_for_tlbis(executed)) return;
	for (unsigned k = 0; k < c->pending.count; k++) {
		struct arch_pending *p = &c->pending.list[k];
		complete(r, p, others);
		p->here = false;
		if (p->elsewhere && !others) c->pending.list[kept++] = *p;
	}
	c->pending.count = kept;
	c->pending.forgotten = 0;
	arch_pending_forget(&c->pending, 0, report_forgotten,
			    r); /* a DSB for this CPU alone was not enough */
}

/* --- lines ----------------------------------------------------------------------------------------------------- */

/* A hexadecimal number at *at, which moves behind it and one space. False: there is none. */
static bool take_hex(const char **at, uint64_t *out)
{
	const char *p = *at;
	unsigned digits = 0;
	for (*out = 0; digits <= 16; p++, digits++) {
		int digit = *p >= '0' && *p <= '9' ? *p - '0' : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10 : -1;
		if (digit < 0) break;
		*out = *out << 4 | (uint64_t)digit;
	}
	if (!digits || digits > 16 || (*p && *p != ' ')) return false;
	*at = p + (*p == ' ');
	return true;
}

/* A word of less than `bytes` characters and the space behind it. */
static bool take_word(const char **at, char *out, size_t bytes)
{
	size_t n = strcspn(*at, " ");
	if (!n || n >= bytes || !(*at)[n]) return false;
	memcpy(out, *at, n);
	out[n] = 0;
	*at += n + 1;
	return true;
}

static bool take_reference(struct replay *r, unsigned side, const char *p)
{
	uint64_t va, pa;
	if (!take_hex(&p, &va)) return false;
	if (strcmp(p, "-") == 0) {
		r->totals.devices++;
		return true;
	}
	if (!take_hex(&p, &pa) || *p) return false;
	refer(r, side, bits_align_down(va, PAGE_BITS), bits_align_down(pa, PAGE_BITS));
	return true;
}

static bool take_cpu(struct replay *r, const char *p)
{
	char *end;
	if (*p < '0' || *p > '9') return false;
	unsigned long number = strtoul(p, &end, 10);
	if (*end || number >= r->cpu_count) return false;
	r->current = (unsigned)number;
	return true;
}

static bool take_level(struct replay *r, const char *p)
{
	uint64_t el, pc;
	if (!take_hex(&p, &el) || el > 3 || !take_hex(&p, &pc)) return false;
	arch_pending_forget(&current(r)->pending, (unsigned)el, report_forgotten, r);
	current(r)->el = (unsigned)el;
	current(r)->decoded = false;
	return true;
}

static bool take_write(struct replay *r, const char *p)
{
	char name[40];
	uint64_t value;
	struct cpu *c = current(r);
	if (!take_word(&p, name, sizeof(name)) || !take_hex(&p, &value) || *p) return false;
	arch_regs_write(&c->regs, c->el, name, value);
	c->decoded = false;
	return true;
}

static bool take_tlbi(struct replay *r, const char *p)
{
	char name[TLBI_NAME_BYTES];
	uint64_t operand;
	struct tlbi_op op;
	if (!take_word(&p, name, sizeof(name)) || !take_hex(&p, &operand) || *p) return false;
	if (!tlbi_named(name, &op)) return false;
	invalidate(r, op, operand);
	return true;
}

/* Of the instructions of interest, only DSB does something that a TLB depends on. */
static bool take_instruction(struct replay *r, const char *p)
{
	uint64_t imm;
	if (strncmp(p, "dsb", 3) != 0) return true;
	p += 3;
	if (*p++ != ' ' || !take_hex(&p, &imm) || *p || imm > 15) return false;
	barrier(r, (unsigned)imm);
	return true;
}

static bool take_line(struct replay *r, const char *line)
{
	if (!line[0] || line[1] != ' ') return false;
	switch (line[0]) {
	case 'F': return take_reference(r, 0, line + 2);
	case 'L':
	case 'S': return take_reference(r, 1, line + 2);
	case 'C': return take_cpu(r, line + 2);
	case 'E': return take_level(r, line + 2);
	case 'M': return take_write(r, line + 2);
	case 'T': return take_tlbi(r, line + 2);
	case 'I': return take_instruction(r, line + 2);
	case 'N': return true; /* a count */
	default: return false;
	}
}

static enum status replay_lines(struct replay *r, struct zread *z, const char *path, struct err *err)
{
	const char *line;
	while (true) {
		TRY(zread_line(z, &line, err));
		if (!line) return OK;
		r->totals.lines++;
		if (take_line(r, line)) continue;
		return err_set(err, ERR_INPUT,
			       "%s:%" PRIu64 ": '%.60s' is none of C cpu, E el pc, M register value, "
			       "T operation operand, I instruction imm, N, F|L|S va pa (cpu below %u)",
			       path, r->totals.lines, line, r->cpu_count);
	}
}

static enum status replay_file(struct replay *r, const char *dir, struct err *err)
{
	struct zread *z;
	char *path = xasprintf("%s/arch.txt.zst", dir);
	enum status st = zread_open(path, &z, err);
	if (st == OK) {
		st = replay_lines(r, z, path, err);
		zread_close(z);
	}
	free(path);
	return st;
}

/* --- a whole recording ----------------------------------------------------------------------------------------- */

static enum status load_json(const char *dir, const char *name, json_t **out, struct err *err)
{
	char *path = xasprintf("%s/%s", dir, name);
	enum status st = json_parse_file(path, out, err);
	if (st == OK &&
	    (!json_is_array(*out) || !json_array_size(*out) || json_array_size(*out) > MAX_CPUS)) {
		st = err_set(err, ERR_INPUT, "%s: not an array of 1 to %d CPUs", path, MAX_CPUS);
		json_decref(*out);
	}
	free(path);
	return st;
}

static enum status start(struct replay *r, const char *dir, struct err *err)
{
	json_t *cpus;
	enum status st = load_json(dir, "regs_start.json", &cpus, err);
	if (st != OK) return st;
	size_t count = json_array_size(cpus);
	for (size_t i = 0; st == OK && i < count; i++) {
		st = start_cpu(r, json_array_get(cpus, i), &r->cpus[i], err);
		r->cpu_count++;
	}
	json_decref(cpus);
	return st;
}

static enum status compare_end(struct replay *r, const char *dir, struct err *err)
{
	json_t *cpus;
	TRY(load_json(dir, "regs_end.json", &cpus, err));
	enum status st = OK;
	if (json_array_size(cpus) != r->cpu_count)
		st = err_set(err, ERR_INPUT, "%s/regs_end.json: has %zu CPUs, regs_start.json %u", dir,
			     json_array_size(cpus), r->cpu_count);
	for (unsigned i = 0; st == OK && i < r->cpu_count; i++)
		st = arch_regs_compare(&r->cpus[i].regs, json_array_get(cpus, i), i, r->report,
				       &r->totals.register_differences, err);
	json_decref(cpus);
	return st;
}

static void add_evictions(void *ctx, struct tlb *t, int stage)
{
	(void)stage;
	*(uint64_t *)ctx += t->stats.evictions;
}

static enum status replay(struct replay *r, const char *dir, struct err *err)
{
	TRY(start(r, dir, err));
	TRY(replay_file(r, dir, err));
	TRY(compare_end(r, dir, err));
	for (unsigned i = 0; i < r->cpu_count; i++)
		mmu_each_tlb(r->cpus[i].mmu, add_evictions, &r->totals.evictions);
	return OK;
}

enum status conform_arch(const char *dir, const struct arch_options *o, FILE *report,
			 struct arch_totals *totals, struct err *err)
{
	struct replay *r = xcalloc(1, sizeof(*r));
	r->options = o;
	r->report = report;
	enum status st = replay(r, dir, err);
	*totals = r->totals;
	for (unsigned i = 0; i < r->cpu_count; i++) {
		mmu_free(r->cpus[i].mmu);
		free(r->cpus[i].pending.list);
	}
	free(r);
	return st;
}
