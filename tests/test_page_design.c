/* Page-table designs in an MMU: the same translations as Arm's tables give, after the reads and the time that each design's
 * paper says. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "design_world.h"
#include "mmu/prefetch.h"

enum { SITES = 96, ACCESSES = 3000 };

/* --- the same answers ---------------------------------------------------------------------------------------------- */

struct plane_case {
	int design;
	struct mmu_shape stage1, stage2;
	bool two_stages;
};

enum { SHAPES = 6, DESIGNS = PAGE_TABLE_COUNT - 1, PLANE_CASES = SHAPES * DESIGNS };

static struct plane_case plane_case(int design, unsigned shape)
{
	static const struct {
		struct mmu_shape stage1, stage2;
		bool two_stages;
	} shapes[SHAPES] = {
		{{12, 48, 0}, {12, 40, 1}, false}, {{12, 48, 0}, {12, 40, 1}, true},
		{{12, 39, 1}, {16, 40, 2}, true},  {{14, 47, 1}, {12, 48, 0}, true},
		{{16, 48, 1}, {14, 40, 2}, true},  {{16, 42, 2}, {12, 40, 1}, true},
	};
	return (struct plane_case){design, shapes[shape].stage1, shapes[shape].stage2,
				   shapes[shape].two_stages};
}

ParameterizedTestParameters(page_design, each_design_translates_as_arms_tables_say)
{
	static struct plane_case cases[PLANE_CASES];
	for (unsigned i = 0; i < PLANE_CASES; i++) cases[i] = plane_case(1 + (int)(i / SHAPES), i % SHAPES);
	return cr_make_param_array(struct plane_case, cases, PLANE_CASES);
}

/* Pages and blocks anywhere, in both halves, for every process. */
static void map_site(struct design_world *d, struct rng *r, uint64_t *va)
{
	const struct mmu_shape *s = &d->world.setup.user;
	unsigned vm = (unsigned)rng_below(r, MMU_VMS), process = (unsigned)rng_below(r, MMU_PROCESSES);
	bool kernel = rng_below(r, 4) == 0, block = s->granule_bits == 12 && rng_below(r, 4) == 0;
	/* Few addresses, blocks and pages apart, so that processes and halves have the same ones. */
	struct mmu_mapping m = {.va = rng_below(r, 24) << 33 | (uint64_t)block << 32 | rng_below(r, 8) << 21,
				.ipa = UINT64_C(0x40000000) + rng_below(r, UINT64_C(1) << 38),
				.bits = DESC_AF | DESC_AP_USER | DESC_NG,
				.level = block ? 2 : 3};
	if (kernel) m.va |= ~bits_ones(s->ia_bits);
	m.va = bits_align_down(m.va, block ? 21 : s->granule_bits);
	struct mmu_vm *v = &d->world.vm[vm];
	mmu_world_map(&d->world, kernel ? &v->kernel : &v->user[process], &m);
	*va = m.va;
}

ParameterizedTest(struct plane_case *c, page_design, each_design_translates_as_arms_tables_say)
{
	struct mmu_setup s = design_setup(c->stage1, c->stage2, c->two_stages);
	struct design_world d;
	struct rng r;
	uint64_t va[SITES];
	design_open(&d, &s, (enum page_table_kind)c->design);
	rng_init(&r, 11, "page_design");
	for (unsigned i = 0; i < SITES; i++) map_site(&d, &r, &va[i]);
	design_build(&d, NULL);
	for (unsigned i = 0; i < ACCESSES; i++) {
		if (rng_below(&r, 16) == 0)
			mmu_world_switch(&d.world, (unsigned)rng_below(&r, MMU_VMS),
					 (unsigned)rng_below(&r, MMU_PROCESSES), 0, false);
		design_expect_same(&d, va[rng_below(&r, SITES)] + rng_below(&r, 1 << 12), i * 10000);
	}
	cr_expect(ge(u64, d.world.mmu->stats.walks, ACCESSES / 4));
	cr_expect(ge(u64, d.world.mmu->stats.faults, 1), "other processes' pages are not mapped");
	cr_expect(eq(u64, d.world.mmu->design->stats.homeless, 0));
	cr_expect(eq(u64, d.world.mmu->design->stats.corrected, 0),
		  "one process took another's page for its own");
	design_close(&d);
}

/* --- reads and steps ----------------------------------------------------------------------------------------------- */

static struct design_case counts[] = {
	{PAGE_TABLE_radix, false, 1, 4, 4},
	{PAGE_TABLE_radix, true, 0, 24, 24},
	{PAGE_TABLE_radix, true, 1, 19, 19},
	{PAGE_TABLE_flattened, false, 1, 2, 2}, /* levels 0 and 1, 2 and 3 */
	{PAGE_TABLE_flattened, true, 0, 8, 8},  /* (2 + 1)(2 + 1) - 1 */
	{PAGE_TABLE_flattened, true, 1, 8, 8},  /* stage 2: level 1, levels 2 and 3 */
	{PAGE_TABLE_ecpt, false, 1, 3, 1},      /* 3 ways at once */
	{PAGE_TABLE_ecpt, true, 1, 15, 3},      /* 3 places x 3 ways of stage 2; the 3 places; 3 ways */
	{PAGE_TABLE_hashed, false, 1, 1, 1},
	{PAGE_TABLE_hashed, true, 1, 3, 3},    /* where its line is; the line; stage 2 */
	{PAGE_TABLE_inverted, false, 1, 2, 2}, /* the anchor and the frame's entry */
	{PAGE_TABLE_inverted, true, 1, 8, 8},  /* (2 + 1)(2 + 1) - 1 */
	{PAGE_TABLE_pom_tlb, false, 1, 1, 1},
	{PAGE_TABLE_pom_tlb, true, 1, 1, 1},
	{PAGE_TABLE_shadow, false, 1, 4, 4},
	{PAGE_TABLE_shadow, true, 0, 4, 4},
	{PAGE_TABLE_agile, true, 0, 8, 8}, /* 3 of the shadow, the guest's leaf, 4 of stage 2 */
	{PAGE_TABLE_agile, true, 1, 7, 7},
	{PAGE_TABLE_asap, false, 1, 4, 4}, /* without a cache there is nothing to fetch into */
	{PAGE_TABLE_asap, true, 0, 24, 24},
};
#define COUNTS cr_make_param_array(struct design_case, counts, sizeof(counts) / sizeof(counts[0]))

ParameterizedTestParameters(page_design, a_walk_makes_the_reads_that_theory_says) { return COUNTS; }

ParameterizedTest(struct design_case *c, page_design, a_walk_makes_the_reads_that_theory_says)
{
	struct design_world d;
	uint64_t reads;
	design_open_pages(&d, c);
	design_build(&d, NULL);
	cycles_t took = design_walk_again(&d, &reads);
	cr_expect(eq(u64, reads, c->reads), "%s", page_table_names[c->design]);
	cr_expect(eq(u64, took, (uint64_t)c->steps * MEMORY_CYCLES), "%s", page_table_names[c->design]);
	design_close(&d);
}

enum { SPREAD_PAGES = 3000 };

/* Pages of lines of their own, so that a small cuckoo table has them in all of its ways. */
static void open_spread(struct design_world *d, const struct param_list *caches)
{
	struct mmu_setup s = design_setup_4k(false);
	struct mmu_done done;
	design_open(d, &s, PAGE_TABLE_ecpt);
	d->walker.descriptor_reads_cached = caches != NULL;
	for (uint64_t i = 0; i < SPREAD_PAGES; i++)
		mmu_world_map_page(&d->world, 0, 0, PAGE + (i << 15), FRAME + (i << 12));
	design_build(d, caches);
	for (uint64_t i = 0; i < SPREAD_PAGES; i++)
		cr_assert(mmu_translate(d->world.mmu, PAGE + (i << 15), ACCESS_READ, 1, i * 1000, &done));
}

static struct cache_params wide_cache(void)
{
	return (struct cache_params){.name = "l1d",
				     .level = 1,
				     .side = SIDE_DATA,
				     .size = 4096 * 64,
				     .ways = 1,
				     .line = 64,
				     .hit_cycles = 5,
				     .mshrs = 16,
				     .policy = REPL_lru,
				     .write_back = 1,
				     .write_allocate = 1};
}

Test(page_design, whichever_way_has_a_page_its_walk_takes_one_step)
{
	struct design_world d;
	struct mmu_done done;
	open_spread(&d, NULL);
	for (uint64_t i = 0; i < SPREAD_PAGES; i++) {
		cycles_t now = 10000000 + i * 1000;
		cr_assert(mmu_translate(d.world.mmu, PAGE + (i << 15), ACCESS_READ, 1, now, &done));
		cr_assert(eq(u64, done.cycle - now, MEMORY_CYCLES), "page %lu", i);
	}
	design_close(&d);
}

Test(page_design, a_walk_ends_with_the_line_that_has_the_page_while_others_are_under_way)
{
	struct cache_params cache = wide_cache();
	const struct param_list caches = {&cache, 1};
	struct design_world d;
	struct mmu_done done;
	unsigned early = 0, late = 0;
	open_spread(&d, &caches);
	const uint64_t *missed = &d.world.mmu->stats.reads_served[0][1];
	const uint64_t *background = &d.world.mmu->design->stats.background_reads;
	for (uint64_t i = 0; i < SPREAD_PAGES; i++) {
		cycles_t now = 10000000 + i * 1000;
		uint64_t before = *missed, behind = *background;
		cr_assert(mmu_translate(d.world.mmu, PAGE + (i << 15), ACCESS_READ, 1, now, &done));
		if (*background > behind) continue;
		early += *missed > before && done.cycle - now == 5;
		late += *missed > before && done.cycle - now >= MEMORY_CYCLES;
	}
	cr_expect(ge(uint, early, 1), "the cache had the line, and not all others");
	cr_expect(ge(uint, late, 1), "the cache had not the line");
	design_close(&d);
}

/* --- levels fetched ahead ------------------------------------------------------------------------------------------ */

struct ahead_case {
	unsigned s1_levels;
	cycles_t cycles;
	unsigned reads;
};

/* The page lies in a gigabyte of its own: the lines of its descriptors of levels 0 and 1 are in the cache, those of levels 2 and 3 are not. */
enum { HIT = 5, MISS = MEMORY_CYCLES };
static struct ahead_case aheads[] = {
	{0, 2 * HIT + 2 * MISS, 4},
	{1, 2 * HIT + MISS + HIT, 5}, /* level 3 came while level 2 was waited for */
	{2, MISS + HIT, 6},           /* level 2 was on its way when levels 0 and 1 were read */
	{3, MISS + HIT, 7},
};
#define AHEADS cr_make_param_array(struct ahead_case, aheads, sizeof(aheads) / sizeof(aheads[0]))

ParameterizedTestParameters(page_design, asap_waits_for_one_of_the_levels_that_it_fetches) { return AHEADS; }

/* A walk by asap behind one for another page; `reads` and `steps` are its own. */
static cycles_t walk_ahead(bool two_stages, unsigned s1_levels, unsigned s2_levels, uint64_t *reads,
			   uint64_t *steps)
{
	struct design_case how = {.design = PAGE_TABLE_asap, .two_stages = two_stages, .stage2_start = 1};
	struct cache_params cache = wide_cache();
	const struct param_list caches = {&cache, 1};
	struct design_world d;
	struct mmu_done done;
	design_open_pages(&d, &how);
	mmu_world_map_page(&d.world, 0, 0, PAGE + (UINT64_C(1) << 30), FRAME + (UINT64_C(1) << 32));
	d.walker.descriptor_reads_cached = 1;
	d.walker.page_table.asap_s1_levels = s1_levels;
	d.walker.page_table.asap_s2_levels = s2_levels;
	design_build(&d, &caches);
	cr_assert(mmu_translate(d.world.mmu, PAGE, ACCESS_READ, 1, 0, &done));
	*reads = mmu_world_reads(&d.world);
	*steps = d.world.mmu->design->stats.steps;
	cr_assert(mmu_translate(d.world.mmu, PAGE + (UINT64_C(1) << 30), ACCESS_READ, 1, 10000, &done));
	*reads = mmu_world_reads(&d.world) - *reads;
	*steps = d.world.mmu->design->stats.steps - *steps;
	design_close(&d);
	return done.cycle - 10000;
}

ParameterizedTest(struct ahead_case *c, page_design, asap_waits_for_one_of_the_levels_that_it_fetches)
{
	uint64_t reads, steps;
	cycles_t took = walk_ahead(false, c->s1_levels, 0, &reads, &steps);
	cr_expect(eq(u64, took, c->cycles), "%u levels", c->s1_levels);
	cr_expect(eq(u64, reads, c->reads), "%u levels", c->s1_levels);
	cr_expect(eq(u64, steps, 4), "the walk goes on as ever");
}

Test(page_design, asap_fetches_ahead_at_both_stages)
{
	uint64_t reads[4], steps[4];
	cycles_t none = walk_ahead(true, 0, 0, &reads[0], &steps[0]);
	cycles_t stage1 = walk_ahead(true, 2, 0, &reads[1], &steps[1]);
	cycles_t stage2 = walk_ahead(true, 0, 2, &reads[2], &steps[2]);
	cycles_t both = walk_ahead(true, 2, 2, &reads[3], &steps[3]);
	cr_expect(lt(u64, stage1, none));
	cr_expect(lt(u64, stage2, none));
	cr_expect(lt(u64, both, stage1));
	cr_expect(lt(u64, both, stage2));
	cr_expect(eq(u64, reads[1] - reads[0], 2), "levels 2 and 3 of stage 1");
	cr_expect(eq(u64, reads[2] - reads[0], 10), "two levels of each of five walks of stage 2");
	cr_expect(eq(u64, reads[3] - reads[0], 12));
	for (unsigned i = 0; i < 4; i++) cr_expect(eq(u64, steps[i], 19));
}

Test(page_design, each_step_of_a_hashed_design_computes_its_hashes_first)
{
	static const struct design_case nested = {PAGE_TABLE_ecpt, true, 1, 15, 3};
	struct design_world d;
	uint64_t reads;
	design_open_pages(&d, &nested);
	d.walker.page_table.hash_cycles = 7;
	design_build(&d, NULL);
	cr_expect(eq(u64, design_walk_again(&d, &reads), 3 * (MEMORY_CYCLES + 7)));
	design_close(&d);
}

Test(page_design, a_line_of_the_walk_table_is_read_and_not_waited_for)
{
	static const struct design_case native = {PAGE_TABLE_ecpt, false, 1, 3, 1};
	struct design_world d;
	uint64_t reads;
	design_open_pages(&d, &native);
	d.walker.page_table.walk_table_entries = 0;
	design_build(&d, NULL);
	cr_expect(eq(u64, design_walk_again(&d, &reads), MEMORY_CYCLES));
	cr_expect(eq(u64, reads, 3 + 1));
	cr_expect(eq(u64, d.world.mmu->design->stats.background_reads, 7), "one for each walk");
	design_close(&d);
}

Test(page_design, a_nested_cuckoo_walk_reads_one_way_of_each_table_whose_ways_are_known)
{
	static const struct design_case nested = {PAGE_TABLE_ecpt, true, 1, 15, 3};
	struct design_world d;
	uint64_t reads;
	design_open_pages(&d, &nested);
	d.walker.page_table.walk_table_small_entries = 16;
	design_build(&d, NULL);
	cr_expect(eq(u64, design_walk_again(&d, &reads), 3 * MEMORY_CYCLES), "the steps stay");
	cr_expect(eq(u64, reads, 3), "where the way is; the way; stage 2 of the page");
	design_close(&d);
	design_open_pages(&d, &nested);
	d.walker.page_table.walk_table_small_entries = 16;
	d.walker.page_table.small_tables_only = 1;
	design_build(&d, NULL);
	cr_expect(eq(u64, design_walk_again(&d, &reads), 3 * MEMORY_CYCLES), "the steps stay");
	cr_expect(eq(u64, reads, 9), "where each of 3 ways is; the 3 ways; 3 of stage 2 of the page");
	design_close(&d);
}

Test(page_design, walk_caches_shorten_trees_and_nothing_else)
{
	static const struct {
		int design;
		unsigned reads;
	} cases[] = {{PAGE_TABLE_flattened, 1}, {PAGE_TABLE_shadow, 1}, {PAGE_TABLE_ecpt, 3}};
	for (unsigned i = 0; i < 3; i++) {
		struct design_case native = {.design = cases[i].design, .stage2_start = 1};
		struct walk_cache_params cache = {.levels = 0xf, .entries = 16, .ways = 16};
		struct design_world d;
		uint64_t reads;
		design_open_pages(&d, &native);
		d.walker.s1_caches = (struct param_list){&cache, 1};
		design_build(&d, NULL);
		design_walk_again(&d, &reads);
		cr_expect(eq(u64, reads, cases[i].reads), "%s", page_table_names[cases[i].design]);
		design_close(&d);
	}
}

Test(page_design, an_ipa_cache_spares_the_last_step_of_a_nested_walk)
{
	static const struct design_case nested = {PAGE_TABLE_hashed, true, 1, 3, 3};
	struct design_world d;
	uint64_t reads;
	design_open_pages(&d, &nested);
	d.walker.ipa_cache = (struct ipa_cache_params){.entries = 64, .ways = 64};
	design_build(&d, NULL);
	design_walk_again(&d, &reads);
	cr_expect(eq(u64, reads, 1), "the IPAs of the line and of the page are known");
	design_close(&d);
}

/* --- prefetchers and neighbours ------------------------------------------------------------------------------------ */

Test(page_design, prefetchers_walk_by_each_design_and_trap_for_none)
{
	for (int design = 0; design < PAGE_TABLE_COUNT; design++) {
		struct design_case nested = {.design = design, .two_stages = true, .stage2_start = 1};
		struct design_world d;
		design_open_pages(&d, &nested);
		d.walker.walkers = 4;
		d.walker.prefetch = (struct prefetch_params){
			.kind = PREFETCH_next_page, .buffer_entries = 4, .degree = 1, .table_entries = 1};
		design_build(&d, NULL);
		for (unsigned round = 0; round < 2; round++)
			for (uint64_t i = 0; i < 6; i++)
				design_expect_same(&d, PAGE + (i << 12), round * 1000000 + i * 100000);
		const struct prefetch_stats *s = &d.world.mmu->prefetch->stats;
		cr_expect(lt(u64, 4, s->used), "%s", page_table_names[design]);
		/* One behind the last page is not mapped, in each round. */
		cr_expect(eq(int, s->refused > 2, design == PAGE_TABLE_shadow), "%s",
			  page_table_names[design]);
		if (design == PAGE_TABLE_shadow || design == PAGE_TABLE_agile)
			cr_expect(
				eq(u64, d.world.mmu->design->stats.traps, design == PAGE_TABLE_agile ? 1 : 6),
				"what the program touched first");
		design_close(&d);
	}
}

/* Pages 6 and 7 of a line of 8. */
Test(page_design, lines_with_pages_side_by_side_tell_of_neighbours)
{
	for (int design = 0; design < PAGE_TABLE_COUNT; design++) {
		struct design_case nested = {.design = design, .two_stages = true, .stage2_start = 1};
		struct design_world d;
		design_open_pages(&d, &nested);
		d.walker.prefetch = (struct prefetch_params){
			.kind = PREFETCH_free_pte, .buffer_entries = 4, .degree = 1, .table_entries = 1};
		design_build(&d, NULL);
		design_expect_same(&d, PAGE, 0);
		bool told = design != PAGE_TABLE_shadow && design != PAGE_TABLE_inverted;
		cr_expect(eq(u64, d.world.mmu->prefetch->stats.neighbours, told), "%s",
			  page_table_names[design]);
		design_expect_same(&d, PAGE + (1 << 12), 100000);
		cr_expect(eq(u64, d.world.mmu->prefetch->stats.used, told), "%s", page_table_names[design]);
		for (uint64_t i = 2; i < 6; i++)
			design_expect_same(&d, PAGE + (i << 12), 100000 + i * 100000);
		design_close(&d);
	}
}

/* --- lack of memory ------------------------------------------------------------------------------------------------ */

Test(page_design, without_memory_for_tables_translations_are_still_right)
{
	for (int design = PAGE_TABLE_flattened; design < PAGE_TABLE_COUNT; design++) {
		struct design_case nested = {.design = design, .two_stages = true, .stage2_start = 1};
		struct design_world d;
		design_open_pages(&d, &nested);
		d.tables.left = 0;
		design_build(&d, NULL);
		for (uint64_t i = 0; i < 6; i++) design_expect_same(&d, PAGE + (i << 12), i * 100000);
		bool none = !page_table_designs[design]->table; /* of its own */
		cr_expect(none || d.world.mmu->design->stats.homeless > 0, "%s", page_table_names[design]);
		design_close(&d);
	}
}
