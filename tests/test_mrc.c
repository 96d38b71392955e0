/* Miss-ratio curves: stack distances, curves against one simulation per size, OPT. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "analysis/opt.h"
#include "analysis/stack.h"
#include "base/bits.h"
#include "base/rng.h"
#include "mrc_world.h"
#include "tlb/tlb.h"

/* --- streams ----------------------------------------------------------------------------------------------------- */

static struct record_list file_stream(const char *path)
{
	struct record_list list;
	struct err err;
	cr_assert(eq(int, read_file(path, 0, &list, &err), OK), "%s", err.text);
	return list;
}

static struct record_list stream(struct record *r, size_t n) { return (struct record_list){r, n}; }

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

Test(mrc, more_address_spaces_than_keys_can_name_are_told)
{
	struct mrc_spec spec = {.side = PAGES_DATA, .page_bits = 12, .sets = 1, .rate = MRC_RATE_ONE};
	struct mrc *m;
	struct err err;
	cr_assert(eq(int, mrc_new(&spec, 1, &m, &err), OK));
	for (uint64_t asid = 1; asid <= KEY_SPACES_MAX; asid++)
		mrc_add(m, &(struct record){.kind = REC_SWITCH, .arg = asid}, 1);
	cr_expect(not(mrc_overflows(m)));
	mrc_add(m, &(struct record){.kind = REC_SWITCH, .arg = KEY_SPACES_MAX + 1}, 1);
	cr_expect(mrc_overflows(m));
	mrc_free(m);
}
