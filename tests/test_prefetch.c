/* TLB prefetchers: what each proposes, what all must keep to, and what the buffer and the walkers make of it.
 * */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "mmu/prefetch.h"
#include "mmu/tlbi.h"
#include "mmu_world.h"

/* --- a prefetcher alone ------------------------------------------------------------------------------------------- */

struct trained {
	const struct prefetcher *how;
	struct prefetch_params params;
	void *state;
	struct prefetch_list list; /* of the latest miss */
};

static struct trained open_prefetcher(unsigned kind, uint64_t degree, uint64_t table)
{
	struct trained t = {.how = prefetchers[kind],
			    .params = {.kind = kind, .degree = degree, .table_entries = table}};
	if (t.how->state_bytes) t.state = calloc(1, t.how->state_bytes(&t.params));
	return t;
}

static void miss(struct trained *t, uint64_t pc, uint64_t page, uint64_t evicted)
{
	struct prefetch_miss m = {.page = page, .pc = pc, .evicted = evicted};
	t->list = (struct prefetch_list){.count = 0};
	t->how->miss(t->state, &t->params, &m, &t->list);
}

static bool proposes(const struct trained *t, uint64_t page)
{
	for (unsigned i = 0; i < t->list.count; i++)
		if (t->list.page[i] == page) return true;
	return false;
}

/* --- contract ----------------------------------------------------------------------------------------------------- */

struct contract_case {
	unsigned kind;
	uint64_t degree, table;
};

static struct contract_case contract_cases[(PREFETCH_COUNT - 1) * 4];

static struct criterion_test_params all_prefetchers(void)
{
	static const uint64_t sizes[4][2] = {{1, 1}, {2, 3}, {8, 64}, {4, 1000}};
	unsigned n = 0;
	for (unsigned kind = 1; kind < PREFETCH_COUNT; kind++)
		for (unsigned i = 0; i < 4; i++)
			contract_cases[n++] = (struct contract_case){kind, sizes[i][0], sizes[i][1]};
	return cr_make_param_array(struct contract_case, contract_cases, n);
}

#define CONTRACT(sentence) \
	ParameterizedTestParameters(prefetch, sentence) { return all_prefetchers(); } \
	ParameterizedTest(struct contract_case *c, prefetch, sentence)

CONTRACT(each_has_the_name_of_its_row_and_a_source)
{
	cr_expect(eq(str, (char *)prefetchers[c->kind]->name, (char *)prefetch_names[c->kind]));
	cr_expect(lt(sz, 10, strlen(prefetchers[c->kind]->source)));
}

static void random_miss(struct trained *t, struct rng *r)
{
	uint64_t page = rng_below(r, 8) ? 1000 + rng_below(r, 64) : rng_next(r) >> 12;
	miss(t, 0x400000 + 4 * rng_below(r, 100), page,
	     rng_below(r, 2) ? 1000 + rng_below(r, 64) : PREFETCH_NO_PAGE);
}

/* Bytes behind the state stay as they are. */
CONTRACT(each_stays_within_its_state)
{
	struct trained t = open_prefetcher(c->kind, c->degree, c->table);
	size_t bytes = t.how->state_bytes ? t.how->state_bytes(&t.params) : 0;
	struct rng r;
	cr_expect(eq(sz, bytes % 8, 0));
	rng_init(&r, c->table, "prefetch");
	t.state = realloc(t.state, bytes + 64);
	memset((char *)t.state + bytes, 0x5a, 64);
	for (unsigned i = 0; i < 5000; i++) random_miss(&t, &r);
	for (unsigned i = 0; i < 64; i++) cr_assert(eq(chr, ((char *)t.state)[bytes + i], 0x5a));
	free(t.state);
}

CONTRACT(each_proposes_the_same_after_the_same_misses)
{
	struct trained a = open_prefetcher(c->kind, c->degree, c->table), b = a;
	struct rng r, s;
	if (a.how->state_bytes) b.state = calloc(1, a.how->state_bytes(&a.params));
	rng_init(&r, c->table, "prefetch");
	s = r;
	for (unsigned i = 0; i < 2000; i++) {
		random_miss(&a, &r);
		random_miss(&b, &s);
		cr_assert(eq(u32, a.list.count, b.list.count));
		for (unsigned k = 0; k < a.list.count; k++)
			cr_assert(eq(u64, a.list.page[k], b.list.page[k]));
	}
	free(a.state);
	free(b.state);
}

CONTRACT(none_proposes_the_page_that_missed_or_one_twice)
{
	struct trained t = open_prefetcher(c->kind, c->degree, c->table);
	struct rng r;
	rng_init(&r, c->table + 1, "prefetch");
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t page = 1000 + rng_below(&r, 40);
		miss(&t, 4 * rng_below(&r, 4), page, 1000 + rng_below(&r, 40));
		cr_assert(not(proposes(&t, page)));
		for (unsigned k = 0; k < t.list.count; k++)
			for (unsigned l = 0; l < k; l++) cr_assert(ne(u64, t.list.page[k], t.list.page[l]));
	}
	free(t.state);
}

/* --- the rules ---------------------------------------------------------------------------------------------------- */

Test(prefetch, next_page_goes_as_far_as_its_degree)
{
	struct trained t = open_prefetcher(PREFETCH_next_page, 3, 1);
	miss(&t, 0, 100, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 3));
	cr_expect(proposes(&t, 101) && proposes(&t, 102) && proposes(&t, 103));
}

Test(prefetch, stride_takes_two_pages_on_each_side)
{
	struct trained t = open_prefetcher(PREFETCH_stride, 1, 1);
	miss(&t, 0, 100, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 4));
	cr_expect(proposes(&t, 98) && proposes(&t, 99) && proposes(&t, 101) && proposes(&t, 102));
}

Test(prefetch, asp_follows_a_stride_once_it_repeats_and_each_instruction_has_its_own)
{
	struct trained t = open_prefetcher(PREFETCH_asp, 1, 64);
	miss(&t, 0x1000, 100, PREFETCH_NO_PAGE);
	miss(&t, 0x2000, 900, PREFETCH_NO_PAGE);
	miss(&t, 0x1000, 107, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 0), "seen once");
	miss(&t, 0x2000, 899, PREFETCH_NO_PAGE);
	miss(&t, 0x1000, 114, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 1));
	cr_expect(proposes(&t, 121));
	miss(&t, 0x2000, 898, PREFETCH_NO_PAGE);
	cr_expect(proposes(&t, 897));
	miss(&t, 0x1000, 300, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 0), "the stride is broken");
	free(t.state);
}

Test(prefetch, masp_follows_the_stored_stride_and_the_present_one_at_once)
{
	struct trained t = open_prefetcher(PREFETCH_masp, 1, 64);
	miss(&t, 0x1000, 100, PREFETCH_NO_PAGE);
	miss(&t, 0x1000, 105, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 1));
	cr_expect(proposes(&t, 110));
	miss(&t, 0x1000, 112, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 2));
	cr_expect(proposes(&t, 117) && proposes(&t, 119));
	free(t.state);
}

/* The paper's example: 1, 2, 4, 5, 7, 8 has distances 1, 2, 1, 2, 1. */
Test(prefetch, distance_predicts_the_distance_that_followed_this_one)
{
	struct trained t = open_prefetcher(PREFETCH_distance, 2, 64);
	static const uint64_t pages[] = {1, 2, 4, 5};
	for (unsigned i = 0; i < 4; i++) miss(&t, 0, pages[i], PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 1));
	cr_expect(proposes(&t, 7), "after a distance of 1 comes one of 2");
	miss(&t, 0, 7, PREFETCH_NO_PAGE);
	cr_expect(proposes(&t, 8));
	miss(&t, 0, 27, PREFETCH_NO_PAGE); /* a distance of 2 was followed by one of 20 */
	miss(&t, 0, 29, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 2));
	cr_expect(proposes(&t, 49) && proposes(&t, 30));
	free(t.state);
}

Test(prefetch, recency_brings_the_pages_that_left_before_and_after)
{
	struct trained t = open_prefetcher(PREFETCH_recency, 1, 100003);
	for (uint64_t page = 10; page < 15; page++) miss(&t, 0, 100 + page, page); /* 10, 11, ... 14 leave */
	miss(&t, 0, 12, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 2));
	cr_expect(proposes(&t, 11) && proposes(&t, 13));
	miss(&t, 0, 13, PREFETCH_NO_PAGE);
	cr_expect(proposes(&t, 11) && proposes(&t, 14), "12 is no more between them");
	free(t.state);
}

Test(prefetch, h2p_goes_as_far_as_the_last_two_distances)
{
	struct trained t = open_prefetcher(PREFETCH_h2p, 1, 1);
	miss(&t, 0, 100, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 0));
	miss(&t, 0, 110, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 1));
	cr_expect(proposes(&t, 120));
	miss(&t, 0, 113, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 2));
	cr_expect(proposes(&t, 116) && proposes(&t, 123));
	free(t.state);
}

/* Misses far apart, of which no candidate knows any. */
static void miss_at_random(struct trained *t, unsigned n)
{
	struct rng r;
	rng_init(&r, 1, "prefetch");
	for (unsigned i = 0; i < n; i++) miss(t, 0x4000 + 4 * i, rng_next(&r) >> 14, PREFETCH_NO_PAGE);
}

Test(prefetch, atp_takes_the_candidate_that_would_have_had_the_misses)
{
	struct trained t = open_prefetcher(PREFETCH_atp, 1, 64);
	for (uint64_t i = 0; i < 200; i++) miss(&t, 0x1000, 5000 + 2 * i, PREFETCH_NO_PAGE);
	cr_expect(eq(u32, t.list.count, 4), "any of the three has a stride of two: that of stride");
	/* Two instructions with strides of their own in turns: no distance repeats but per instruction. */
	for (uint64_t i = 0; i < 200; i++) {
		miss(&t, 0x1000, 10000 + 7 * i, PREFETCH_NO_PAGE);
		miss(&t, 0x2000, 90000 + 11 * i * i, PREFETCH_NO_PAGE);
	}
	miss(&t, 0x1000, 10000 + 7 * 200, PREFETCH_NO_PAGE);
	cr_expect(proposes(&t, 10000 + 7 * 201), "masp's");
	cr_expect(not(proposes(&t, 10001 + 7 * 200)), "not stride's");
	free(t.state);
}

Test(prefetch, atp_rests_while_none_of_its_candidates_would_have_had_the_misses)
{
	struct trained t = open_prefetcher(PREFETCH_atp, 1, 64);
	miss_at_random(&t, 1);
	cr_expect(eq(u32, t.list.count, 0));
	for (uint64_t i = 0; i < 100; i++) miss(&t, 0x1000, 5000 + i, PREFETCH_NO_PAGE);
	cr_expect(lt(u32, 0, t.list.count));
	miss_at_random(&t, 300);
	cr_expect(eq(u32, t.list.count, 0));
	for (uint64_t i = 0; i < 300; i++) miss(&t, 0x1000, 5000 + i, PREFETCH_NO_PAGE);
	cr_expect(lt(u32, 0, t.list.count), "and begins again");
	free(t.state);
}

Test(prefetch, neighbours_are_chosen_once_their_distance_has_been_worth_it)
{
	struct free_pages f = {.next = 0};
	for (uint64_t i = 0; i <= FREE_THRESHOLD; i++) {
		uint64_t va = i << 16;
		cr_assert(not(free_pages_choose(&f, va + 0x1000, 12, 1)));
		cr_assert(not(free_pages_choose(&f, va + 0x2000, 12, 2)));
		free_pages_missed(&f, va + 0x1abc);
	}
	cr_expect(free_pages_choose(&f, 0x1000, 12, 1));
	cr_expect(not(free_pages_choose(&f, 0x2000, 12, 2)), "never missed");
	cr_expect(not(free_pages_choose(&f, 0x1000, 12, -1)));
}

Test(prefetch, a_sample_counts_once_and_64_later_ones_push_it_out)
{
	struct free_pages f = {.next = 0};
	free_pages_choose(&f, 0x1000, 12, 3);
	free_pages_missed(&f, 0x1000);
	free_pages_missed(&f, 0x1000);
	cr_expect(eq(u16, f.count[3 + FREE_DISTANCE_MAX], 1));
	free_pages_choose(&f, 0x1000, 12, 3);
	for (unsigned i = 0; i < FREE_SAMPLES; i++) free_pages_choose(&f, 0x100000 + (i << 12), 12, 4);
	free_pages_missed(&f, 0x1000);
	cr_expect(eq(u16, f.count[3 + FREE_DISTANCE_MAX], 1));
}

Test(prefetch, a_full_counter_halves_all)
{
	struct free_pages f = {.next = 0};
	free_pages_used(&f, -7);
	free_pages_used(&f, -7);
	for (unsigned i = 0; i <= FREE_COUNT_MAX; i++) free_pages_used(&f, 7);
	cr_expect(eq(u16, f.count[2 * FREE_DISTANCE_MAX], (FREE_COUNT_MAX + 1) / 2));
	cr_expect(eq(u16, f.count[0], 1));
}

/* --- in the MMU --------------------------------------------------------------------------------------------------- */

#define AREA UINT64_C(0x123400000)
#define FRAMES UINT64_C(0x345600000)

enum { WALK_CYCLES = 400, PAGES = 48, MAPPED = 64 };

static uint64_t page_va(uint64_t i) { return AREA + (i << 12); }

static void open_world(struct mmu_world *w, unsigned kind, uint64_t walkers, uint64_t buffer)
{
	static struct tlb_params tlb = {
		.name = "l1", .level = 1, .side = SIDE_UNIFIED, .entries = 4, .ways = 4, .pages = UINT64_MAX};
	static struct walker_params walker;
	struct mmu_setup s = {.user = {12, 48, 0}, .kernel = {12, 48, 0}, .stage2 = {12, 40, 1}};
	struct param_list list = {&tlb, 1};
	walker = (struct walker_params){
		.walkers = walkers,
		.first_cache = 1,
		.prefetch = {.kind = kind, .buffer_entries = buffer, .degree = 1, .table_entries = 64}};
	mmu_world_init(w, &s);
	for (uint64_t i = 0; i < MAPPED; i++) mmu_world_map_page(w, 0, 0, page_va(i), FRAMES + (i << 14));
	mmu_world_machine(w, &list, &walker, NULL);
}

static cycles_t read_page(struct mmu_world *w, uint64_t i, cycles_t now)
{
	struct mmu_done done;
	cr_assert(mmu_translate(w->mmu, page_va(i), ACCESS_READ, 1, now, &done));
	cr_assert(eq(u64, done.pa, FRAMES + (i << 14)));
	return done.cycle;
}

Test(prefetch, a_page_in_the_buffer_needs_no_walk_and_no_time)
{
	struct mmu_world w;
	open_world(&w, PREFETCH_next_page, 1, 8);
	cr_expect(eq(u64, read_page(&w, 0, 1000), 1000 + WALK_CYCLES));
	cr_expect(eq(u64, read_page(&w, 1, 100000), 100000));
	const struct prefetch_stats *s = &w.mmu->prefetch->stats;
	cr_expect(eq(u64, w.mmu->stats.walks, 1));
	cr_expect(eq(u64, s->used, 1));
	cr_expect(eq(u64, s->late, 0));
	cr_expect(eq(u64, s->misses, 2), "the hit in the buffer trains, too");
	mmu_world_fini(&w);
}

/* The prefetch begins when the walk that caused it ends, and takes as long. */
Test(prefetch, an_access_before_the_prefetch_is_done_waits_for_the_rest_of_it)
{
	for (cycles_t early = 0; early < 2; early++) {
		struct mmu_world w;
		open_world(&w, PREFETCH_next_page, 1, 8);
		cycles_t end = read_page(&w, 0, 0) + WALK_CYCLES;
		cr_expect(eq(u64, read_page(&w, 1, end - early), end));
		cr_expect(eq(u64, w.mmu->prefetch->stats.late, early));
		cr_expect(eq(u64, w.mmu->prefetch->stats.late_cycles, early));
		mmu_world_fini(&w);
	}
}

Test(prefetch, a_prefetch_is_dropped_where_no_walker_is_free)
{
	for (uint64_t walkers = 1; walkers <= 2; walkers++) {
		struct mmu_world w;
		struct err err;
		open_world(&w, PREFETCH_stride, walkers, 8);
		read_page(&w, 10, 0);
		const struct prefetch_stats *s = &w.mmu->prefetch->stats;
		cr_expect(eq(u64, s->proposed, 4));
		cr_expect(eq(u64, s->walked, walkers));
		cr_expect(eq(u64, s->no_walker, 4 - walkers));
		cr_expect(eq(u64, w.mmu->prefetch->walks.walks, walkers));
		cr_expect(eq(int, mmu_check_sums(w.mmu, &err), OK));
		mmu_world_fini(&w);
	}
}

Test(prefetch, what_is_not_mapped_is_not_prefetched_and_no_fault)
{
	struct mmu_world w;
	open_world(&w, PREFETCH_next_page, 1, 8);
	read_page(&w, MAPPED - 1, 0);
	cr_expect(eq(u64, w.mmu->prefetch->stats.refused, 1));
	cr_expect(eq(u64, w.mmu->stats.faults, 0));
	cr_expect(eq(u64, w.mmu->prefetch->walks.faults, 1));
	mmu_world_fini(&w);
}

/* Hardware management of the access flag: a prefetch must not say that a page was accessed. */
Test(prefetch, a_page_never_accessed_stays_so)
{
	struct mmu_world w;
	struct mmu_mapping m = {
		.va = page_va(1), .ipa = FRAMES, .bits = DESC_AP_USER | DESC_NG, .level = LAST_LEVEL};
	struct translation t;
	open_world(&w, PREFETCH_next_page, 1, 8);
	mmu_world_map(&w, &w.vm[0].user[0], &m);
	w.vm[0].regs.TCR_EL1 |= UINT64_C(1) << 39;
	mmu_world_switch(&w, 0, 0, 0, false);
	read_page(&w, 0, 0);
	cr_expect(eq(u64, w.mmu->prefetch->stats.refused, 1));
	w.vm[0].regs.TCR_EL1 &= ~(UINT64_C(1) << 39);
	mmu_world_switch(&w, 0, 0, 0, false);
	mmu_world_expect(&w, page_va(1), ACCESS_READ, &t);
	cr_expect(eq(u8, t.fault.kind, FAULT_ACCESS_FLAG));
	mmu_world_fini(&w);
}

Test(prefetch, neighbours_on_the_descriptor_line_come_without_walks)
{
	struct mmu_world w;
	open_world(&w, PREFETCH_free_pte, 1, 16);
	cycles_t now = 0;
	for (uint64_t i = 0; i < PAGES; i++) now = read_page(&w, i, now);
	cr_expect(eq(u64, w.mmu->stats.walks, PAGES / 8), "eight descriptors on a line");
	cr_expect(eq(u64, w.mmu->prefetch->walks.walks, 0));
	cr_expect(eq(u64, w.mmu->prefetch->stats.neighbours, PAGES - PAGES / 8));
	cr_expect(eq(u64, w.mmu->prefetch->stats.used, PAGES - PAGES / 8));
	mmu_world_fini(&w);
}

Test(prefetch, what_leaves_the_buffer_unused_is_counted_and_so_is_missing_it_then)
{
	struct mmu_world w;
	open_world(&w, PREFETCH_next_page, 1, 2);
	read_page(&w, 0, 0);
	read_page(&w, 20, 10000);
	read_page(&w, 30, 20000); /* 31 takes the place of 1 */
	const struct prefetch_stats *s = &w.mmu->prefetch->stats;
	cr_expect(eq(u64, s->unused, 1));
	cr_expect(eq(u64, s->early, 0));
	read_page(&w, 1, 30000);
	cr_expect(eq(u64, s->early, 1));
	mmu_world_fini(&w);
}

Test(prefetch, maintenance_reaches_the_buffer)
{
	struct mmu_world w;
	open_world(&w, PREFETCH_next_page, 1, 8);
	read_page(&w, 0, 0);
	struct tlbi_scope all = {.translations = true, .match = {.tag = w.mmu->tag, .tag_mask = TLB_TAG_ALL}};
	cr_expect(eq(u32, mmu_tlbi(w.mmu, &all), 2), "the page and the one prefetched");
	read_page(&w, 1, 10000);
	cr_expect(eq(u64, w.mmu->prefetch->stats.used, 0));
	mmu_world_fini(&w);
}

/* Every n-th page, by one instruction: how many walks the program waits for. */
static uint64_t demand_walks(unsigned kind, uint64_t stride)
{
	static struct repl_flow flow = {.pc = 0x400000};
	struct mmu_world w;
	cycles_t now = 0;
	struct err err;
	open_world(&w, kind, 4, 16);
	mmu_follow(w.mmu, &flow);
	for (uint64_t i = 0; i < PAGES; i += stride) now = read_page(&w, i, now + 10000);
	uint64_t walks = w.mmu->stats.walks;
	cr_expect(eq(int, mmu_check_sums(w.mmu, &err), OK), "%s", err.text);
	mmu_world_fini(&w);
	return walks;
}

Test(prefetch, each_covers_the_streams_that_it_is_for)
{
	cr_expect(eq(u64, demand_walks(PREFETCH_none, 1), PAGES));
	cr_expect(eq(u64, demand_walks(PREFETCH_next_page, 1), 1));
	cr_expect(eq(u64, demand_walks(PREFETCH_next_page, 3), PAGES / 3), "no use for strides");
	cr_expect(eq(u64, demand_walks(PREFETCH_stride, 2), 1));
	cr_expect(eq(u64, demand_walks(PREFETCH_asp, 3), 3), "to see the stride twice");
	cr_expect(eq(u64, demand_walks(PREFETCH_masp, 3), 2));
	cr_expect(eq(u64, demand_walks(PREFETCH_distance, 3), 4), "to see that distance follow itself");
}

static struct walker_params sampled_walker = {
	.walkers = 1,
	.first_cache = 1,
	.prefetch = {.kind = PREFETCH_sbfp, .buffer_entries = 16, .degree = 1, .table_entries = 64}};

/* Page 0 of each group of eight, then page 5 of it, which no walk ahead would know. */
Test(prefetch, sbfp_learns_which_neighbour_follows)
{
	static struct tlb_params tlb = {
		.name = "l1", .level = 1, .side = SIDE_UNIFIED, .entries = 4, .ways = 4, .pages = UINT64_MAX};
	struct mmu_setup s = {.user = {12, 48, 0}, .kernel = {12, 48, 0}, .stage2 = {12, 40, 1}};
	struct param_list list = {&tlb, 1};
	struct mmu_world w;
	cycles_t now = 0;
	mmu_world_init(&w, &s);
	for (uint64_t i = 0; i < MAPPED; i++) mmu_world_map_page(&w, 0, 0, page_va(i), FRAMES + (i << 14));
	mmu_world_machine(&w, &list, &sampled_walker, NULL);
	for (unsigned round = 0; round < 40; round++)
		for (uint64_t group = 0; group < PAGES; group += 8) {
			now = read_page(&w, group, now + 10000);
			now = read_page(&w, group + 5, now + 10000);
		}
	const struct mmu_prefetch *p = w.mmu->prefetch;
	uint64_t rounds = 40 * PAGES / 8;
	cr_expect(eq(u64, p->stats.used, rounds - FREE_THRESHOLD - 1),
		  "after so many misses that the sampler knew");
	cr_expect(eq(u64, w.mmu->stats.walks, 2 * rounds - p->stats.used));
	cr_expect(eq(u64, p->stats.neighbours, p->stats.used), "no other neighbour took a place");
	cr_expect(eq(u64, p->walks.walks, 0));
	mmu_world_fini(&w);
}

Test(prefetch, neighbours_of_a_prefetch_come_with_its_walk)
{
	struct mmu_world w;
	open_world(&w, PREFETCH_next_page, 1, 16);
	w.mmu->prefetch->neighbours = NEIGHBOURS_ALL;
	w.mmu->wants_neighbours = true;
	mmu_settle(w.mmu);
	read_page(&w, 7, 0); /* the last of its line: 8 is walked for, and 9 to 15 come along */
	cr_expect(eq(u64, w.mmu->prefetch->walks.walks, 1));
	cr_expect(eq(u64, w.mmu->prefetch->stats.neighbours, 14));
	for (uint64_t i = 8; i < 16; i++) read_page(&w, i, 10000 * i);
	cr_expect(eq(u64, w.mmu->stats.walks, 1));
	mmu_world_fini(&w);
}
