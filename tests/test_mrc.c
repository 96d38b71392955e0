/* Miss-ratio curves: stack distances, curves against one simulation per size, OPT, and sampling with its error. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "analysis/mrc.h"
#include "analysis/opt.h"
#include "analysis/stack.h"
#include "base/bits.h"
#include "base/rng.h"
#include "tlb/tlb.h"
#include "trace/generator.h"
#include "trace_help.h"

/* --- streams ----------------------------------------------------------------------------------------------------- */

/* Loads of pages drawn by `theta` from a Zipf law; 0 is uniform. `base` moves them to other addresses. */
static struct record_list zipf_stream(uint64_t pages, uint64_t accesses, uint64_t theta_milli, uint64_t base)
{
	struct gen_params p;
	struct trace_source *src;
	struct record_list list;
	struct err err;
	schema_defaults(&gen_schema, &p);
	p.generator = GEN_zipf;
	p.base_address = base;
	p.footprint_bytes = pages * 4096;
	p.item_bytes = 4096;
	p.theta_milli = theta_milli;
	p.accesses = accesses;
	cr_assert(eq(int, gen_open("test", &p, base + theta_milli, 0, &src, &err), OK), "%s", err.text);
	cr_assert(eq(int, read_all(src, 4096, &list, &err), OK));
	trace_close(src);
	return list;
}

static struct record_list file_stream(const char *path)
{
	struct record_list list;
	struct err err;
	cr_assert(eq(int, read_file(path, 0, &list, &err), OK), "%s", err.text);
	return list;
}

static struct record_list stream(struct record *r, size_t n) { return (struct record_list){r, n}; }

static struct mrc *read_curves(const struct mrc_spec *spec, size_t count, const struct record_list *list)
{
	struct mrc *m;
	struct err err;
	cr_assert(eq(int, mrc_new(spec, count, &m, &err), OK), "%s", err.text);
	for (size_t i = 0; i < list->n; i += 1000)
		mrc_add(m, list->r + i, list->n - i < 1000 ? list->n - i : 1000);
	mrc_finish(m);
	return m;
}

static struct mrc *read_curve(struct mrc_spec spec, const struct record_list *list)
{
	return read_curves(&spec, 1, list);
}

#define EXACT(side_, sets_) \
	(struct mrc_spec) { .side = side_, .page_bits = 12, .sets = sets_, .rate = MRC_RATE_ONE }

/* --- one simulation per size ------------------------------------------------------------------------------------- */

static struct tlb *lru_tlb(uint64_t sets, uint64_t ways)
{
	struct tlb_params p = {.name = "one",
			       .level = 1,
			       .entries = sets * ways,
			       .ways = ways,
			       .pages = 1,
			       .policy = REPL_lru};
	struct tlb *t;
	struct err err;
	cr_assert(eq(int, tlb_new(&p, &t, &err), OK), "%s", err.text);
	return t;
}

static uint64_t look_up(struct tlb *t, uint64_t va)
{
	tlb_tag_t tag = tlb_tag(REGIME_EL10, SEC_NONSECURE, 0, 0);
	if (tlb_hit(t, va, tag) || tlb_find(t, va, tag)) return 0;
	struct tlb_fill f = {.va = va,
			     .pa = va,
			     .bits = 12,
			     .run_bits = 12,
			     .like = {.tag = tag, .tag_mask = TLB_TAG_ALL}};
	tlb_fill(t, &f);
	return 1;
}

static uint64_t simulate(enum page_side side, uint64_t sets, uint64_t ways, const struct record_list *list)
{
	struct tlb *t = lru_tlb(sets, ways);
	uint64_t misses = 0;
	for (size_t i = 0; i < list->n; i++) {
		const struct record *r = &list->r[i];
		bool fetch = r->kind == REC_FETCH;
		if (r->kind > REC_STORE || (side != PAGES_BOTH && fetch != (side == PAGES_INSTRUCTION)))
			continue;
		for (uint32_t k = 0; k < (fetch ? r->count : 1); k++) misses += look_up(t, r->addr + 4 * k);
	}
	tlb_free(t);
	return misses;
}

static const uint64_t set_counts[] = {1, 2, 7, 16, 64, 100, 256};
static const uint64_t way_counts[] = {1, 2, 3, 4, 5, 7, 8, 9, 10, 16, 33, 48, 64, 100, 300, 1280};
enum {
	SET_COUNTS = sizeof(set_counts) / sizeof(set_counts[0]),
	WAY_COUNTS = sizeof(way_counts) / sizeof(way_counts[0])
};

/* Every number of ways at every number of sets, as far as the TLB has at most 4096 entries. */
static void expect_simulations(enum page_side side, const struct record_list *list)
{
	struct mrc_spec spec[SET_COUNTS];
	for (unsigned s = 0; s < SET_COUNTS; s++) spec[s] = EXACT(side, (uint32_t)set_counts[s]);
	struct mrc *m = read_curves(spec, SET_COUNTS, list);
	for (unsigned s = 0; s < SET_COUNTS; s++) {
		for (unsigned w = 0; w < WAY_COUNTS; w++) {
			uint64_t sets = set_counts[s], ways = way_counts[w];
			if (sets * ways > 4096) continue;
			cr_expect(
				eq(u64, mrc_misses(mrc_curve(m, s), ways), simulate(side, sets, ways, list)),
				"%" PRIu64 " sets of %" PRIu64 " ways", sets, ways);
		}
	}
	mrc_free(m);
}

Test(mrc, curves_of_a_zipf_stream_agree_with_one_simulation_per_size)
{
	struct record_list list = zipf_stream(3000, 60000, 800, 0x10000000);
	expect_simulations(PAGES_DATA, &list);
	free(list.r);
}

Test(mrc, curves_of_a_uniform_stream_agree_with_one_simulation_per_size)
{
	struct record_list list = zipf_stream(1500, 40000, 0, 0x7000000);
	expect_simulations(PAGES_DATA, &list);
	free(list.r);
}

static void expect_simulations_of_a_program(enum page_side side)
{
	struct record_list all = file_stream("workloads/sqlite_lookup.stt"), part = {all.r, 60000};
	expect_simulations(side, &part);
	free(all.r);
}

Test(mrc, data_curves_of_a_real_program_agree_with_one_simulation_per_size)
{
	expect_simulations_of_a_program(PAGES_DATA);
}
Test(mrc, instruction_curves_of_a_real_program_agree_with_one_simulation_per_size)
{
	expect_simulations_of_a_program(PAGES_INSTRUCTION);
}
Test(mrc, unified_curves_of_a_real_program_agree_with_one_simulation_per_size)
{
	expect_simulations_of_a_program(PAGES_BOTH);
}

/* --- stack distances --------------------------------------------------------------------------------------------- */

enum { NAIVE_PAGES = 700 };

/* The list as Mattson has it: the distance is the place in it. */
static uint32_t naive_distance(uint64_t *list, uint32_t *depth, uint64_t page)
{
	uint32_t at = 0;
	while (at < *depth && list[at] != page) at++;
	uint32_t distance = at < *depth ? at + 1 : 0;
	if (!distance) ++*depth;
	memmove(list + 1, list, at * sizeof(*list));
	list[0] = page;
	return distance;
}

/* Working sets that grow and shrink, so that the line of time is closed up at every size. */
static uint64_t wandering_page(struct rng *r, unsigned i)
{
	uint64_t span = 1 + (uint64_t)(i / 500) * 37 % NAIVE_PAGES;
	return rng_below(r, span) * UINT64_C(0x10001) + (rng_below(r, 8) ? 0 : 1);
}

Test(mrc, stack_distances_are_places_in_a_list_ordered_by_use)
{
	static uint64_t list[2 * NAIVE_PAGES];
	uint32_t depth = 0;
	struct page_ids ids = {0};
	struct stack_pages pages = {.ids = &ids};
	struct lru_stack s;
	struct rng r;
	lru_stack_init(&s);
	rng_init(&r, 1, "wander");
	for (unsigned i = 0; i < 60000; i++) {
		uint64_t page = wandering_page(&r, i);
		cr_assert(eq(u32, lru_stack_access(&s, &pages, page), naive_distance(list, &depth, page)),
			  "access %u", i);
	}
	lru_stack_free(&s);
	free(pages.slot);
	page_ids_free(&ids);
}

/* The sums over 512 words come into play beyond 32768 pages. */
Test(mrc, a_cycle_over_many_pages_is_at_a_distance_of_all_of_them)
{
	enum { PAGES = 100000 };
	struct page_ids ids = {0};
	struct stack_pages pages = {.ids = &ids};
	struct lru_stack s;
	lru_stack_init(&s);
	for (uint64_t i = 0; i < 4 * PAGES; i++)
		cr_assert(eq(u32, lru_stack_access(&s, &pages, i % PAGES), i < PAGES ? 0 : PAGES));
	for (uint64_t i = PAGES; i-- > 0;)
		cr_assert(eq(u32, lru_stack_access(&s, &pages, i), (uint32_t)(PAGES - i)));
	lru_stack_free(&s);
	free(pages.slot);
	page_ids_free(&ids);
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

Test(mrc, instructions_count_one_each_and_their_pages_once)
{
	struct record r[] = {
		{.addr = 0x0ff8, .count = 4, .kind = REC_FETCH}, /* two on page 0, two on page 1 */
		{.addr = 0x5000, .count = 8, .kind = REC_LOAD},
		{.addr = 0x1008, .count = 2000, .kind = REC_FETCH}, /* pages 1 and 2 */
		{.addr = 0, .count = 1, .kind = REC_MARKER},
		{.addr = 0x5fff, .count = 8, .kind = REC_STORE}, /* by its first byte */
	};
	struct mrc_spec spec[] = {EXACT(PAGES_DATA, 1), EXACT(PAGES_INSTRUCTION, 1), EXACT(PAGES_BOTH, 1)};
	struct record_list list = stream(r, sizeof(r) / sizeof(r[0]));
	struct mrc *m = read_curves(spec, 3, &list);
	static const uint64_t accesses[] = {2, 2004, 2006}, pages[] = {1, 3, 4}, one_entry[] = {1, 3, 6};
	for (unsigned i = 0; i < 3; i++) {
		cr_expect(eq(u64, mrc_curve(m, i)->accesses, accesses[i]), "curve %u", i);
		cr_expect(eq(u64, mrc_curve(m, i)->pages, pages[i]), "curve %u", i);
		cr_expect(eq(u64, mrc_misses(mrc_curve(m, i), 1), one_entry[i]), "curve %u", i);
	}
	mrc_free(m);
}

Test(mrc, a_run_of_instructions_may_wrap_at_the_top_of_the_address_space)
{
	struct record r = {.addr = UINT64_MAX - 7, .count = 4, .kind = REC_FETCH};
	struct record_list list = stream(&r, 1);
	struct mrc *m = read_curve(EXACT(PAGES_INSTRUCTION, 1), &list);
	cr_expect(eq(u64, mrc_curve(m, 0)->pages, 2));
	cr_expect(eq(u64, mrc_curve(m, 0)->accesses, 4));
	mrc_free(m);
}

Test(mrc, larger_pages_are_other_pages)
{
	struct record_list list = zipf_stream(4096, 20000, 500, 0);
	struct mrc_spec spec[] = {EXACT(PAGES_DATA, 1), EXACT(PAGES_DATA, 1)};
	spec[1].page_bits = 21;
	struct mrc *m = read_curves(spec, 2, &list);
	cr_expect(eq(u64, mrc_curve(m, 1)->pages, 8));
	cr_expect(eq(u64, mrc_misses(mrc_curve(m, 1), 8), 8));
	cr_expect(lt(u64, 8, mrc_misses(mrc_curve(m, 0), 8)));
	mrc_free(m);
	free(list.r);
}

Test(mrc, steps_are_all_the_sizes_at_which_misses_change)
{
	struct record_list list = zipf_stream(300, 5000, 900, 0);
	struct mrc *m = read_curve(EXACT(PAGES_DATA, 4), &list);
	const struct mrc_curve *c = mrc_curve(m, 0);
	uint64_t step = mrc_next_step(c, 1);
	for (uint64_t ways = 2; ways <= 400; ways++) {
		bool changes = mrc_misses(c, ways) != mrc_misses(c, ways - 1);
		cr_assert(eq(int, changes, ways == step), "%" PRIu64 " ways", ways);
		if (changes) step = mrc_next_step(c, ways);
	}
	cr_expect(eq(u64, step, 0));
	cr_expect(eq(u64, mrc_misses(c, 400), c->pages), "what is left are first uses");
	mrc_free(m);
	free(list.r);
}

Test(mrc, an_empty_stream_has_no_misses)
{
	struct record_list list = {0};
	struct mrc *m = read_curve(EXACT(PAGES_DATA, 1), &list);
	cr_expect(eq(u64, mrc_misses(mrc_curve(m, 0), 1), 0));
	cr_expect(eq(dbl, mrc_miss_ratio(mrc_curve(m, 0), 1), 0));
	cr_expect(eq(u64, mrc_next_step(mrc_curve(m, 0), 1), 0));
	mrc_free(m);
}

static const char *refusal(struct mrc_spec spec)
{
	static struct err err;
	struct mrc *m;
	cr_assert(eq(int, mrc_new(&spec, 1, &m, &err), ERR_USAGE));
	return err.text;
}

Test(mrc, what_is_out_of_range_is_refused_by_name)
{
	struct mrc_spec page = EXACT(PAGES_DATA, 1), rate = EXACT(PAGES_DATA, 1),
			sampled = EXACT(PAGES_DATA, 4);
	page.page_bits = 11;
	rate.rate = 0;
	sampled.rate = MRC_RATE_ONE / 2;
	cr_expect(contains(refusal(page), "page size: 2^11 bytes is outside 2^12..2^63"));
	cr_expect(contains(refusal(EXACT(PAGES_DATA, 0)), "sets: 0 is outside 1..1048576"));
	cr_expect(contains(refusal(rate), "sampling rate: 0/2^24 is outside"));
	cr_expect(contains(refusal(sampled), "sampled curves are fully associative"));
}

/* --- whose page it is -------------------------------------------------------------------------------------------- */

enum { ODD_RECORDS = 6000, ODD_WAYS = 6 };

/* Loads, stores, exclusives and atomics of up to 64 bytes at any byte, in three address spaces and the upper half, with tags. */
static struct record odd_record(struct rng *r)
{
	static const uint8_t kinds[] = {REC_LOAD, REC_STORE,  REC_LOAD, REC_LDXR,
					REC_STXR, REC_ATOMIC, REC_CLREX};
	struct record rec = {.kind = REC_SWITCH, .arg = 1 + rng_below(r, 3)};
	if (!rng_below(r, 50)) return rec;
	uint64_t page = rng_below(r, 2) ? rng_below(r, 8) : rng_below(r, 60),
		 tag = rng_below(r, 4) ? 0 : rng_below(r, 16);
	uint64_t half = rng_below(r, 3) ? tag << 56 : UINT64_C(0xffff000000000000);
	rec = (struct record){.addr = half | page << 12 | (rng_below(r, 2) ? rng_below(r, 4096) : 4090),
			      .count = 1u << rng_below(r, 7),
			      .kind = kinds[rng_below(r, sizeof(kinds))]};
	return rec;
}

/* One LRU TLB as a list per set, of pages with their address space; 0 for the upper half. */
struct naive_tlb {
	unsigned sets, ways;
	uint64_t page[128][ODD_WAYS], space[128][ODD_WAYS];
	uint64_t accesses, misses;
};

static void naive_access(struct naive_tlb *t, uint64_t va, uint64_t space)
{
	bool upper = va >> 55 & 1;
	uint64_t page = (upper ? va : va & (UINT64_MAX >> 8)) >> 12, set = page % t->sets, w = 0;
	if (upper) space = 0;
	while (w < t->ways - 1 && (t->page[set][w] != page + 1 || t->space[set][w] != space)) w++;
	t->accesses++;
	t->misses += t->page[set][w] != page + 1 || t->space[set][w] != space;
	memmove(&t->page[set][1], &t->page[set][0], w * sizeof(uint64_t));
	memmove(&t->space[set][1], &t->space[set][0], w * sizeof(uint64_t));
	t->page[set][0] = page + 1;
	t->space[set][0] = space;
}

static void naive_run(struct naive_tlb *t, const struct record_list *list, bool split)
{
	uint64_t space = 1;
	for (size_t i = 0; i < list->n; i++) {
		const struct record *r = &list->r[i];
		if (r->kind == REC_SWITCH) space = r->arg;
		if (r->kind == REC_SWITCH || r->kind == REC_CLREX) continue;
		naive_access(t, r->addr, space);
		if (split && (r->addr & 4095) + r->count > 4096)
			naive_access(t, r->addr + r->count - 1, space);
	}
}

static void expect_naive(const struct record_list *list, unsigned sets, bool split)
{
	struct mrc_spec spec = EXACT(PAGES_DATA, sets);
	spec.split = split;
	struct mrc *m = read_curve(spec, list);
	for (unsigned ways = 1; ways <= ODD_WAYS; ways++) {
		struct naive_tlb *t = calloc(1, sizeof(*t));
		t->sets = sets;
		t->ways = ways;
		naive_run(t, list, split);
		cr_expect(eq(u64, mrc_misses(mrc_curve(m, 0), ways), t->misses), "%u sets of %u ways", sets,
			  ways);
		cr_expect(eq(u64, mrc_curve(m, 0)->accesses, t->accesses));
		free(t);
	}
	mrc_free(m);
}

Test(mrc, a_page_is_one_of_its_address_space_whatever_kind_of_access_comes_to_it)
{
	static const unsigned sets[] = {1, 4, 7, 100};
	static struct record rec[ODD_RECORDS];
	struct record_list list = {rec, ODD_RECORDS};
	for (uint64_t seed = 0; seed < 6; seed++) {
		struct rng r;
		rng_init(&r, seed, "odd");
		for (unsigned i = 0; i < ODD_RECORDS; i++) rec[i] = odd_record(&r);
		for (unsigned s = 0; s < 4; s++) expect_naive(&list, sets[s], seed % 2);
	}
}

/* What a TLB misses behind a warm-up is what it misses in all, less what it misses in the warm-up alone. */
Test(mrc, behind_a_warm_up_misses_are_all_but_those_of_the_warm_up)
{
	struct record_list all = zipf_stream(800, 30000, 700, 0), begin = {all.r, 12345};
	struct mrc_spec spec[] = {EXACT(PAGES_DATA, 1), EXACT(PAGES_DATA, 16)};
	struct mrc *m, *whole = read_curves(spec, 2, &all), *warm = read_curves(spec, 2, &begin);
	struct err err;
	cr_assert(eq(int, mrc_new(spec, 2, &m, &err), OK));
	mrc_add(m, all.r, begin.n);
	mrc_restart(m);
	mrc_add(m, all.r + begin.n, all.n - begin.n);
	mrc_finish(m);
	for (unsigned i = 0; i < 2; i++) {
		cr_expect(eq(u64, mrc_curve(m, i)->accesses, all.n - begin.n));
		cr_expect(eq(u64, mrc_curve(m, i)->pages, mrc_curve(whole, i)->pages));
		for (uint64_t ways = 1; ways < 900; ways++)
			cr_assert(eq(u64, mrc_misses(mrc_curve(m, i), ways),
				     mrc_misses(mrc_curve(whole, i), ways) -
					     mrc_misses(mrc_curve(warm, i), ways)));
	}
	mrc_free(m);
	mrc_free(whole);
	mrc_free(warm);
	free(all.r);
}

/* --- OPT --------------------------------------------------------------------------------------------------------- */

Test(mrc, opt_bounds_lru_from_below)
{
	struct record_list list = zipf_stream(2000, 40000, 700, 0);
	struct mrc *m = read_curve(EXACT(PAGES_DATA, 1), &list);
	struct opt *o = opt_new();
	struct page_stream *s = calloc(1, sizeof(*s));
	*s = (struct page_stream){.page_bits = 12, .sink = opt_add, .ctx = o};
	page_stream_add(s, list.r, list.n);
	page_stream_flush(s);
	for (uint64_t ways = 1; ways <= 2048; ways *= 2) {
		uint64_t misses;
		struct err err;
		cr_assert(eq(int, opt_misses(o, 1, ways, &misses, &err), OK));
		cr_expect(le(u64, misses, mrc_misses(mrc_curve(m, 0), ways)), "%" PRIu64 " entries", ways);
		cr_expect(ge(u64, misses, mrc_curve(m, 0)->pages), "%" PRIu64 " entries", ways);
	}
	free(s);
	opt_free(o);
	mrc_free(m);
	free(list.r);
}

/* --- sampling ---------------------------------------------------------------------------------------------------- */

static struct mrc_spec sampled(double rate)
{
	struct mrc_spec spec = EXACT(PAGES_DATA, 1);
	spec.rate = (uint32_t)(rate * MRC_RATE_ONE);
	return spec;
}

/* Estimates at many sizes and places: how many are resolved, and how many of them within 1, 1.96 and 3 standard errors. */
struct coverage {
	unsigned resolved, within_one, within_two, within_three;
};

static void judge(const struct mrc *m, struct coverage *c)
{
	const struct mrc_curve *exact = mrc_curve(m, 0), *sample = mrc_curve(m, 1);
	for (uint64_t ways = 1; ways <= 16384; ways *= 2) {
		if (!mrc_resolves(sample, ways)) continue;
		double off = fabs(mrc_miss_ratio(exact, ways) - mrc_miss_ratio(sample, ways));
		double error = mrc_standard_error(sample, ways);
		c->resolved++;
		c->within_one += off <= error;
		c->within_two += off <= 1.96 * error;
		c->within_three += off <= 3 * error;
	}
}

static void compare(const struct record_list *list, double rate, struct coverage *c)
{
	struct mrc_spec spec[] = {EXACT(PAGES_DATA, 1), sampled(rate)};
	struct mrc *m = read_curves(spec, 2, list);
	judge(m, c);
	mrc_free(m);
}

/* The same for a trace that is too long to be held. */
static void compare_trace(const char *path, double rate, struct coverage *c)
{
	static struct record batch[TRACE_BATCH];
	struct mrc_spec spec[] = {EXACT(PAGES_DATA, 1), sampled(rate)};
	struct trace_source *src;
	struct mrc *m;
	struct err err;
	size_t n;
	cr_assert(eq(int, mrc_new(spec, 2, &m, &err), OK));
	cr_assert(eq(int, trace_open(path, 0, &src, &err), OK), "%s", err.text);
	do {
		cr_assert(eq(int, trace_next(src, batch, TRACE_BATCH, &n, &err), OK), "%s", err.text);
		mrc_add(m, batch, n);
	} while (n);
	trace_close(src);
	mrc_finish(m);
	judge(m, c);
	mrc_free(m);
}

/* Streams that pull the two parts of the error apart: a few pages have most misses, all have as many, distances are all the same, and one
 * half of each. */
enum sampled_stream {
	SAMPLED_ZIPF,
	SAMPLED_SKEWED,
	SAMPLED_UNIFORM,
	SAMPLED_LOOP,
	SAMPLED_MIXED,
	SAMPLED_STREAMS
};
static const char *const sampled_names[] = {"zipf 0.5", "zipf 1.3", "uniform", "loop",
					    "a hot tenth and a loop"};

static uint64_t mixed_page(struct rng *r, uint64_t i)
{
	if (i % 2) return 100000 + i / 2 % 6000;
	return rng_below(r, 10) ? rng_below(r, 2000) : 2000 + rng_below(r, 18000);
}

static struct record_list loads_of_pages(enum sampled_stream kind, uint64_t accesses, uint64_t base)
{
	struct record_list list = {malloc(accesses * sizeof(*list.r)), accesses};
	struct rng r;
	rng_init(&r, kind, "pages");
	for (uint64_t i = 0; i < accesses; i++) {
		uint64_t page = kind == SAMPLED_LOOP ? i % 5000 : mixed_page(&r, i);
		list.r[i] = (struct record){.addr = base + page * 4096, .count = 8, .kind = REC_LOAD};
	}
	return list;
}

static struct record_list sampled_list(enum sampled_stream kind, uint64_t base)
{
	switch (kind) {
	case SAMPLED_ZIPF: return zipf_stream(20000, 100000, 500, base);
	case SAMPLED_SKEWED: return zipf_stream(20000, 100000, 1300, base);
	case SAMPLED_UNIFORM: return zipf_stream(8000, 100000, 0, base);
	default: return loads_of_pages(kind, 100000, base);
	}
}

struct sampled_case {
	enum sampled_stream kind;
	double rate;
};
static struct sampled_case sampled_cases[SAMPLED_STREAMS * 2];

ParameterizedTestParameters(mrc, sampled_curves_are_within_196_standard_errors_nineteen_times_in_twenty)
{
	for (unsigned i = 0; i < SAMPLED_STREAMS * 2; i++)
		sampled_cases[i] = (struct sampled_case){i / 2, i % 2 ? 0.1 : 0.02};
	return cr_make_param_array(struct sampled_case, sampled_cases, SAMPLED_STREAMS * 2);
}
/* Which pages are sampled depends on their numbers: other places of one stream are independent samples of it. A normal law would have
 * 68 %, 95 % and 99.7 % within 1, 1.96 and 3. Sizes of one sample are not independent: 40 places are 40 to 400 draws. */
ParameterizedTest(struct sampled_case *c, mrc,
		  sampled_curves_are_within_196_standard_errors_nineteen_times_in_twenty)
{
	struct coverage got = {0};
	for (uint64_t place = 0; place < 40; place++) {
		struct record_list list = sampled_list(c->kind, place << 40);
		compare(&list, c->rate, &got);
		free(list.r);
	}
	const char *name = sampled_names[c->kind];
	cr_expect(le(u32, 80, got.resolved), "%s: %u", name, got.resolved);
	cr_expect(ge(u32, got.within_two * 100, got.resolved * 93), "%s at %g: %u of %u within 1.96", name,
		  c->rate, got.within_two, got.resolved);
	cr_expect(ge(u32, got.within_three * 100, got.resolved * 98), "%s at %g: %u of %u within 3", name,
		  c->rate, got.within_three, got.resolved);
	cr_expect(le(u32, got.within_one * 100, got.resolved * 93),
		  "%s at %g: the error is overstated: %u of %u", name, c->rate, got.within_one, got.resolved);
}

struct real_case {
	char path[64];
	double rate;
	unsigned resolved; /* sizes, at least */
};
static struct real_case real_cases[] = {
	{"../shared/real/user/mawk_random.mtr.zst", 0.1, 8},
	{"../shared/real/user/mawk_random.mtr.zst", 0.02, 6},
	{"../shared/real/user/sort.mtr.zst", 0.2, 8},
	{"../shared/real/user/sqlite_lookup.mtr.zst", 0.1, 8},
	{"../shared/real/user/sqlite_lookup.mtr.zst", 0.3, 8},
};

ParameterizedTestParameters(mrc, sampled_curves_of_real_programs_are_within_three_standard_errors)
{
	return cr_make_param_array(struct real_case, real_cases, sizeof(real_cases) / sizeof(real_cases[0]));
}
ParameterizedTest(struct real_case *real, mrc,
		  sampled_curves_of_real_programs_are_within_three_standard_errors)
{
	struct coverage c = {0};
	compare_trace(real->path, real->rate, &c);
	cr_expect(ge(u32, c.resolved, real->resolved));
	cr_expect(eq(u32, c.within_three, c.resolved), "%s at rate %g", real->path, real->rate);
}

Test(mrc, a_sample_below_its_resolution_tells_nothing)
{
	struct record_list few = zipf_stream(100, 10000, 500, 0), many = zipf_stream(20000, 100000, 500, 0);
	struct mrc *small = read_curve(sampled(0.1), &few), *large = read_curve(sampled(0.1), &many);
	cr_expect(not(mrc_resolves(mrc_curve(small, 0), 4096)), "too few pages");
	cr_expect(not(mrc_resolves(mrc_curve(large, 0), 60)), "too few of them held");
	cr_expect(mrc_resolves(mrc_curve(large, 0), 80));
	mrc_free(small);
	mrc_free(large);
	free(few.r);
	free(many.r);
}
