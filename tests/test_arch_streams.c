/* `strata conform --arch` on streams like the recorded ones and unlike them: made here, by software that is right.
 *
 * Spaces of every kind - hosts with and without VHE, EL2 alone, guests of two VMs, EL3, Secure state - with the three
 * granules, pages and blocks, 8 and 16 bits of ASID and VMID, ASIDs in either TTBR, tags in addresses. Pages move by any
 * operation that takes them, executed locally or broadcast, at any level that may, and are looked at before, between
 * TLBI and DSB (where they may be gone elsewhere), and behind. Truth is a function of who and where, so the oracle knows no TLB. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch_recording.h"
#include "base/alloc.h"
#include "base/bits.h"
#include "base/rng.h"
#include "cli/conform_arch.h"
#include "repl/repl.h"

enum { CPUS = 3, SPACES = 10, LEAVES = 6, STEPS = 120, PAGE = 12, NO_STEP = STEPS };

#define CPU \
	"{\"SCTLR\": \"0x1\", \"SCTLR_EL2\": \"0x1\", \"SCTLR_EL3\": \"0x1\", \"SCR_EL3\": \"0x401\", " \
	"\"ID_AA64MMFR0_EL1\": \"0x101126\", \"ID_AA64MMFR1_EL1\": \"0x10212122\", " \
	"\"ID_AA64MMFR2_EL1\": \"0x1221011112101011\", \"cpsr\": \"0xd\"}"
static const char cpus[] = "[" CPU "," CPU "," CPU "]";

/* --- spaces ---------------------------------------------------------------------------------------------------- */

enum kind { HOST_VHE, HOST_EL1, HYP, GUEST, FIRMWARE, SECURE, KINDS };

struct space {
	enum kind kind;
	unsigned vmid, asid;
	bool a1;       /* the ASID is TTBR1's */
	bool tbi;      /* of the lower half */
	unsigned unit; /* granule, log2 */
	bool wide;     /* 16 bits of ASID and VMID */
};

/* A page or block of a space. `fragmented`: stage 2 maps each 4 KiB of it elsewhere. */
struct leaf {
	uint64_t va;
	unsigned space, bits;
	unsigned version;
	bool fragmented;
};

struct world {
	struct rng rng;
	FILE *out;
	uint64_t lines;
	struct space space[SPACES];
	struct leaf leaf[SPACES * LEAVES];
	/* What is left out, and what that must come to. */
	unsigned omit_step;
	bool omit_dsb;
	uint64_t tlbi_line,
		witness_line; /* of that step: the TLBI that awaits a DSB, and the look that must not hit */
};

static bool chance(struct world *w, unsigned of) { return rng_below(&w->rng, of) == 0; }

static void __attribute__((format(printf, 2, 3))) say(struct world *w, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vfprintf(w->out, format, args);
	va_end(args);
	fputc('\n', w->out);
	w->lines++;
}

static bool two_halves(const struct space *s) { return s->kind != HYP && s->kind != FIRMWARE; }

/* EL1&0 has a VMID where there is an EL2; a host's is 0. */
static void make_space(struct world *w, unsigned i)
{
	static const unsigned units[] = {12, 14, 16};
	struct space *s = &w->space[i];
	*s = (struct space){.kind = (enum kind)(i % KINDS),
			    .asid = 1 + (unsigned)rng_below(&w->rng, 0xff),
			    .a1 = chance(w, 2),
			    .tbi = chance(w, 2),
			    .unit = units[rng_below(&w->rng, 3)],
			    .wide = chance(w, 2)};
	if (s->kind == GUEST) s->vmid = 1 + (unsigned)rng_below(&w->rng, 0xfe);
	if (i < KINDS) return;
	/* Two of a kind, apart by ASID or VMID alone, or by what 16 bits of them say. */
	*s = w->space[i % KINDS];
	if (!two_halves(s))
		*s = (struct space){.kind = GUEST, .vmid = 0xff, .asid = 7, .unit = 12};
	else if (s->wide)
		s->asid ^= 0x4200;
	else
		s->asid ^= 1;
}

/* Two of a kind have their leaves at the same addresses. Those of the upper half belong to all ASIDs, so one space has
 * them. Block sizes are those of level 2. */
static void make_leaf(struct world *w, unsigned i)
{
	struct leaf *l = &w->leaf[i];
	unsigned space = i / LEAVES, unit = w->space[space].unit;
	bool block = i % LEAVES < 2, upper = i % LEAVES == 5 && two_halves(&w->space[space]) && space < KINDS;
	*l = (struct leaf){
		.space = space, .bits = block ? unit + unit - 3 : unit, .fragmented = chance(w, 2)};
	l->va = (uint64_t)(1 + i % LEAVES) << 30 | (block ? 0 : (UINT64_C(5) + i % LEAVES) << 18);
	if (upper) l->va |= UINT64_C(0xffff) << 48;
}

static uint64_t scramble(uint64_t x)
{
	x ^= x >> 31;
	x *= UINT64_C(0x7fb5d329728ea185);
	x ^= x >> 27;
	x *= UINT64_C(0x81dadef4bc2dd44d);
	return x ^ x >> 33;
}

/* Where it is: never the same for two versions of a page. */
static uint64_t truth(const struct world *w, const struct leaf *l, uint64_t va)
{
	uint64_t offset = va & bits_ones(l->bits), number = (uint64_t)(l - w->leaf) << 20 | l->version;
	uint64_t seed = l->fragmented ? number << 24 | offset >> PAGE : number << 24 | 0xffffff;
	uint64_t at = (scramble(seed) & bits_ones(19)) << 28 | (number & bits_ones(9)) << 19;
	if (l->fragmented) return bits_align_down(at, PAGE) & bits_ones(47);
	return (bits_align_down(at, l->bits < 28 ? 28 : l->bits) | (uint64_t)(number & 1) << 47) + offset;
}

/* --- registers -------------------------------------------------------------------------------------------------- */

enum { TCR_A1_BIT = 22, TCR_AS_BIT = 36, TCR_TBI0_BIT = 37, TCR_TBI_BIT = 20, VTCR_VS_BIT = 19 };

static uint64_t tcr_of(const struct space *s)
{
	static const uint8_t tg0[] = {0, 2, 1}, tg1[] = {2, 1, 3};
	unsigned g = (s->unit - 12) / 2;
	if (!two_halves(s)) return 16 | (uint64_t)tg0[g] << 14 | (uint64_t)s->tbi << TCR_TBI_BIT | 5u << 16;
	return 16 | 16 << 16 | (uint64_t)tg0[g] << 14 | (uint64_t)tg1[g] << 30 | (uint64_t)5 << 32 |
	       (uint64_t)s->a1 << TCR_A1_BIT | (uint64_t)s->wide << TCR_AS_BIT |
	       (uint64_t)s->tbi << TCR_TBI0_BIT;
}

static bool of_el2(const struct space *s) { return s->kind == HOST_VHE || s->kind == HYP; }

/* The TTBR that does not name the ASID has another one, and the upper half of an 8-bit one is anything. */
static void write_tables(struct world *w, const struct space *s, unsigned el)
{
	uint64_t junk = s->wide ? 0 : rng_below(&w->rng, 256) << 56;
	uint64_t used = (uint64_t)s->asid << 48 | junk, other = rng_below(&w->rng, 0xffff) << 48;
	say(w, "M TTBR0_EL%u %" PRIx64, el, s->a1 ? other : used);
	if (two_halves(s)) say(w, "M TTBR1_EL%u %" PRIx64, el, s->a1 ? used : other);
	say(w, "M TCR_EL%u %" PRIx64, el, tcr_of(s));
}

static uint64_t hcr_of(const struct space *s)
{
	if (s->kind == HOST_VHE) return UINT64_C(0x408000000);
	return s->kind == GUEST ? 1 : 0;
}

static unsigned level_of(struct world *w, const struct space *s)
{
	if (s->kind == FIRMWARE) return 3;
	if (s->kind == HYP) return 2;
	if (s->kind == HOST_VHE) return chance(w, 2) ? 2 : 0;
	return chance(w, 2) ? 1 : 0;
}

/* Firmware sets all up, and leaves to `el`. */
static void enter_at(struct world *w, unsigned cpu, unsigned space, unsigned el)
{
	const struct space *s = &w->space[space];
	uint64_t junk = s->wide ? 0 : rng_below(&w->rng, 256) << 56;
	say(w, "C %u", cpu);
	say(w, "E 3 0");
	say(w, "M SCR_EL3 %x", s->kind == SECURE ? 0x400 : 0x401);
	say(w, "M HCR_EL2 %" PRIx64, hcr_of(s));
	say(w, "M VTCR_EL2 %" PRIx64, (uint64_t)s->wide << VTCR_VS_BIT | 0x2001d);
	say(w, "M VTTBR_EL2 %" PRIx64, (uint64_t)s->vmid << 48 | junk);
	if (s->kind == FIRMWARE)
		write_tables(w, s, 3);
	else
		write_tables(w, s, of_el2(s) ? 2 : 1);
	if (el != 3) say(w, "E %x 0", el);
}

static void enter(struct world *w, unsigned cpu, unsigned space)
{
	enter_at(w, cpu, space, level_of(w, &w->space[space]));
}

/* --- references ------------------------------------------------------------------------------------------------- */

static uint64_t any_address(struct world *w, const struct leaf *l)
{
	return l->va + (rng_below(&w->rng, UINT64_C(1) << (l->bits - PAGE)) << PAGE);
}

static void refer(struct world *w, const struct leaf *l, uint64_t va)
{
	const struct space *s = &w->space[l->space];
	bool tagged = s->tbi && !bit_get(va, 55) && chance(w, 2);
	uint64_t tag = tagged ? rng_below(&w->rng, 256) << 56 : 0;
	say(w, "%c %" PRIx64 " %" PRIx64, "FLS"[rng_below(&w->rng, 3)], va | tag, truth(w, l, va));
}

/* --- maintenance ------------------------------------------------------------------------------------------------ */

enum form {
	BY_VA,
	BY_VA_LAST,
	BY_ANY,
	BY_ANY_LAST,
	BY_ASID,
	ALL,
	ALL_VMS,
	ALL_STAGES,
	RANGE,
	RANGE_ANY,
	FORMS
};

/* The name without shareability; NULL: this kind has none of that form. At EL1 it is the guest's own, else EL2's. */
static const char *name_of(const struct space *s, enum form form, bool upper)
{
	static const char *const el1[FORMS] = {"VAE1",    "VALE1", "VAAE1",      "VAALE1", "ASIDE1",
					       "VMALLE1", "ALLE1", "VMALLS12E1", "RVALE1", "RVAAE1"};
	static const char *const el2[FORMS] = {
		[BY_VA] = "VAE2", [BY_VA_LAST] = "VALE2", [ALL] = "ALLE2", [RANGE] = "RVALE2"};
	static const char *const el3[FORMS] = {
		[BY_VA] = "VAE3", [BY_VA_LAST] = "VALE3", [ALL] = "ALLE3", [RANGE] = "RVAE3"};
	if (form == BY_ASID && upper) return NULL; /* those are global */
	if (s->kind == FIRMWARE) return el3[form];
	if (s->kind == HYP) return el2[form];
	if (s->kind == HOST_VHE && (form == ALL_VMS || form == ALL_STAGES)) return el2[ALL];
	return el1[form];
}

static unsigned level_for(const struct space *s, enum form form)
{
	if (s->kind == FIRMWARE || (s->kind == SECURE && form == ALL_VMS)) return 3;
	if (of_el2(s) || form == ALL_VMS || form == ALL_STAGES) return 2;
	return 1;
}

static uint64_t asid_operand(struct world *w, const struct space *s)
{
	uint64_t junk = s->wide ? 0 : rng_below(&w->rng, 256) << 56;
	return two_halves(s) ? (uint64_t)s->asid << 48 | junk : 0;
}

static uint64_t tg_of(const struct space *s) { return (s->unit - 12) / 2 + 1; }

/* With a hint any address of the leaf will do; without one a block is named by its first. */
static uint64_t page_operand(struct world *w, const struct leaf *l)
{
	const struct space *s = &w->space[l->space];
	bool block = l->bits != s->unit, hinted = chance(w, 2);
	uint64_t va = hinted || !block ? any_address(w, l) : l->va;
	uint64_t ttl = hinted ? tg_of(s) << 2 | (block ? 2 : 3) : 0;
	return (va >> PAGE & bits_ones(44)) | ttl << 44;
}

/* A range of 2^k units that holds the leaf. */
static uint64_t range_operand(struct world *w, const struct leaf *l)
{
	const struct space *s = &w->space[l->space];
	uint64_t units = UINT64_C(1) << (l->bits - s->unit), scale = units > 64 ? 2 : units > 2 ? 1 : 0;
	uint64_t num = (units >> (5 * scale + 1)) + (chance(w, 2) ? 0 : rng_below(&w->rng, 3));
	uint64_t ttl = chance(w, 2) ? l->bits == s->unit ? 3 : 2 : 0;
	return (l->va >> s->unit & bits_ones(37)) | ttl << 37 | num << 39 | scale << 44 | tg_of(s) << 46;
}

static uint64_t operand_of(struct world *w, const struct leaf *l, enum form form)
{
	const struct space *s = &w->space[l->space];
	if (form == RANGE || form == RANGE_ANY) return asid_operand(w, s) | range_operand(w, l);
	if (form < BY_ASID) return asid_operand(w, s) | page_operand(w, l);
	return form == BY_ASID ? asid_operand(w, s) : 0;
}

struct move {
	struct leaf *leaf;
	enum form form;
	const char *name;
	unsigned witness; /* the CPU that has seen the page before, and looks again */
	uint64_t va;      /* where it looks */
	bool omit;
	bool gone; /* the new page has been seen */
};

static void tlbi(struct world *w, const struct move *m, const char *share)
{
	uint64_t operand = operand_of(w, m->leaf, m->form);
	const char *nxs = chance(w, 4) ? "NXS" : "";
	if (m->omit && !w->omit_dsb) return;
	say(w, "T %s%s%s %" PRIx64, m->name, share, nxs, operand);
	if (m->omit) w->tlbi_line = w->lines;
}

static void dsb(struct world *w, const struct move *m, char crm)
{
	if (m->omit && w->omit_dsb)
		say(w, "E 0 0"); /* it does not come any more */
	else
		say(w, "I dsb %c", crm);
}

/* On each CPU for itself; what the witness does is what may be left out. Between the two the old page is allowed. */
static void local_tlbis(struct world *w, const struct move *m, unsigned el)
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		struct move mine = *m;
		mine.omit = m->omit && cpu == m->witness;
		enter_at(w, cpu, m->leaf->space, el);
		tlbi(w, &mine, "");
		if (chance(w, 3)) refer(w, m->leaf, any_address(w, m->leaf));
		dsb(w, &mine, chance(w, 2) ? '7' : 'f');
	}
}

/* By one CPU for all; another may walk once more before the DSB, or find the page moved. */
static void broadcast_tlbi(struct world *w, struct move *m, unsigned el)
{
	unsigned by = (unsigned)rng_below(&w->rng, CPUS), other = (unsigned)rng_below(&w->rng, CPUS);
	enter_at(w, by, m->leaf->space, el);
	tlbi(w, m, chance(w, 2) ? "IS" : "OS");
	if (other != by && chance(w, 2)) {
		enter(w, other, m->leaf->space);
		m->gone = !m->omit && chance(w, 2);
		m->leaf->version += m->gone;
		refer(w, m->leaf, any_address(w, m->leaf));
		say(w, "C %u", by);
	}
	dsb(w, m, "bf3"[rng_below(&w->rng, 3)]);
}

static void choose_form(struct world *w, struct move *m)
{
	const struct space *s = &w->space[m->leaf->space];
	do {
		m->form = (enum form)rng_below(&w->rng, FORMS);
		m->name = name_of(s, m->form, bit_get(m->leaf->va, 55));
	} while (!m->name);
}

static void move_leaf(struct world *w, unsigned step)
{
	struct move m = {.leaf = &w->leaf[rng_below(&w->rng, SPACES * LEAVES)],
			 .witness = (unsigned)rng_below(&w->rng, CPUS),
			 .omit = step == w->omit_step};
	unsigned space = m.leaf->space;
	choose_form(w, &m);
	m.va = any_address(w, m.leaf);
	enter(w, m.witness, space);
	refer(w, m.leaf, m.va);
	if (m.form != ALL_VMS && m.form != ALL_STAGES && chance(w, 3))
		local_tlbis(w, &m, level_for(&w->space[space], m.form));
	else
		broadcast_tlbi(w, &m, level_for(&w->space[space], m.form));
	m.leaf->version += !m.gone;
	enter(w, m.witness, space);
	refer(w, m.leaf, m.va);
	if (m.omit) w->witness_line = w->lines;
}

/* --- streams ---------------------------------------------------------------------------------------------------- */

static void wander(struct world *w)
{
	unsigned space = (unsigned)rng_below(&w->rng, SPACES);
	enter(w, (unsigned)rng_below(&w->rng, CPUS), space);
	for (unsigned i = 0; i < 12; i++) {
		const struct leaf *l = &w->leaf[space * LEAVES + rng_below(&w->rng, LEAVES)];
		refer(w, l, any_address(w, l));
	}
}

/* Writes the stream of `seed`. Without `omit_step` (NO_STEP) it is right. */
static void make_stream(struct world *w, uint64_t seed, unsigned omit_step, bool omit_dsb)
{
	char *text = NULL;
	size_t bytes = 0;
	*w = (struct world){.omit_step = omit_step, .omit_dsb = omit_dsb};
	w->out = open_memstream(&text, &bytes);
	rng_init(&w->rng, seed, "arch_streams");
	for (unsigned i = 0; i < SPACES; i++) make_space(w, i);
	for (unsigned i = 0; i < SPACES * LEAVES; i++) make_leaf(w, i);
	for (unsigned step = 0; step < STEPS; step++) {
		wander(w);
		move_leaf(w, step);
	}
	fclose(w->out);
	arch_recording_write(text);
	free(text);
}

static void setup(void) { arch_recording_begin(cpus); }
TestSuite(arch_streams, .init = setup, .fini = arch_recording_end);

static struct arch_totals replay(const struct arch_options *o, FILE *report)
{
	struct arch_totals t;
	struct err err;
	enum status st = conform_arch(arch_recording_dir(), o, report, &t, &err);
	cr_assert(eq(int, st, OK), "%s", err.text);
	cr_assert(eq(u64, t.undefined, 0));
	return t;
}

static void expect_none(const struct arch_options *o, uint64_t seed)
{
	char *said = NULL;
	size_t bytes = 0;
	FILE *report = open_memstream(&said, &bytes);
	struct arch_totals t = replay(o, report);
	fclose(report);
	cr_assert(eq(u64, t.conflicts, 0), "seed %" PRIu64 ": %s", seed, said);
	cr_assert(lt(u64, 0, t.hits));
	free(said);
}

enum { SEEDS = 12, TLB_ROWS = 6, SHAPES = 8 };

Test(arch_streams, of_software_that_is_right_have_no_conflict)
{
	struct world w;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		make_stream(&w, seed, NO_STEP, false);
		expect_none(&(struct arch_options){0}, seed);
	}
}

/* --- any TLBs --------------------------------------------------------------------------------------------------- */

static struct tlb_params any_tlb(struct rng *r, unsigned level, unsigned side)
{
	struct tlb_params t = {.name = "any", .level = level, .side = side, .coalesce_pages = 2, .banks = 1};
	t.ways = UINT64_C(1) << rng_below(r, 5);
	t.entries = t.ways << rng_below(r, 5);
	t.pages = 1 | rng_below(r, 1u << TLB_SIZE_COUNT);
	t.policy = rng_below(r, REPL_COUNT);
	t.index = rng_below(r, 2);
	t.coalesce = rng_below(r, TLB_COALESCE_COUNT);
	t.coalesce_pages = UINT64_C(2) << rng_below(r, 3);
	t.inclusion = level == 1 ? TLB_NINE : rng_below(r, 3);
	t.contiguous = rng_below(r, 2);
	return t;
}

/* One to three levels, the first two perhaps apart for fetches and data. */
static unsigned any_tlbs(struct rng *r, struct tlb_params rows[TLB_ROWS])
{
	unsigned levels = 1 + (unsigned)rng_below(r, 3), n = 0;
	for (unsigned level = 1; level <= levels; level++) {
		bool apart = level < 3 && rng_below(r, 2);
		rows[n++] = any_tlb(r, level, apart ? SIDE_INSTRUCTION : SIDE_UNIFIED);
		if (apart) rows[n++] = any_tlb(r, level, SIDE_DATA);
	}
	return n;
}

Test(arch_streams, of_software_that_is_right_have_no_conflict_in_any_tlbs)
{
	struct world w;
	struct rng r;
	struct tlb_params rows[TLB_ROWS];
	rng_init(&r, 1, "arch_streams.tlbs");
	for (uint64_t seed = 100; seed < 100 + SEEDS; seed++) {
		make_stream(&w, seed, NO_STEP, false);
		for (unsigned i = 0; i < SHAPES; i++) {
			struct param_list tlbs = {rows, any_tlbs(&r, rows)};
			expect_none(&(struct arch_options){.tlbs = &tlbs}, seed);
		}
	}
}

/* --- what is left out ------------------------------------------------------------------------------------------- */

/* The first conflict is the witness's look, with what is missing. */
static void expect_named(const struct world *w, uint64_t seed)
{
	char *said = NULL, *line = xasprintf("line %" PRIu64 ": ", w->witness_line);
	char *missing = w->omit_dsb ? xasprintf(": the TLBI of line %" PRIu64 " awaits a DSB", w->tlbi_line)
				    : xstrdup(": no TLBI has taken it");
	size_t bytes = 0;
	FILE *report = open_memstream(&said, &bytes);
	struct arch_totals t = replay(&(struct arch_options){0}, report);
	fclose(report);
	cr_assert(lt(u64, 0, t.conflicts), "seed %" PRIu64 " without step %u", seed, w->omit_step);
	said[strcspn(said, "\n")] = 0;
	cr_assert(strncmp(said, line, strlen(line)) == 0 && strstr(said, missing),
		  "seed %" PRIu64 ": '%s' instead of '%s%s'", seed, said, line, missing);
	free(said);
	free(line);
	free(missing);
}

static void leave_out(bool omit_dsb)
{
	struct world w;
	struct rng r;
	rng_init(&r, 2, "arch_streams.omissions");
	for (uint64_t seed = 200; seed < 200 + 4 * SEEDS; seed++) {
		make_stream(&w, seed, (unsigned)rng_below(&r, STEPS), omit_dsb);
		expect_named(&w, seed);
	}
}

Test(arch_streams, without_a_tlbi_name_the_stale_page) { leave_out(false); }
Test(arch_streams, without_a_dsb_name_the_tlbi_that_awaits_it) { leave_out(true); }
