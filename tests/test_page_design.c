/* Page-table designs in an MMU: the same translations as Arm's tables give, after the reads and the time that each design's
 * paper says. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "mmu/pom_tlb.h"
#include "mmu/prefetch.h"
#include "mmu/tlbi.h"
#include "table_world.h"

enum { MEMORY_CYCLES = 100, SITES = 96, ACCESSES = 3000 };
#define PAGE UINT64_C(0x123456000)
#define FRAME UINT64_C(0x345678000)

static struct tlb_params tlbs[] = {
	{.name = "l1i", .level = 1, .side = SIDE_INSTRUCTION, .entries = 4, .ways = 4, .pages = UINT64_MAX},
	{.name = "l1d", .level = 1, .side = SIDE_DATA, .entries = 4, .ways = 4, .pages = UINT64_MAX},
};
static const struct param_list tlb_list = {tlbs, 2};

struct design_world {
	struct mmu_world world;
	struct table_world tables;
	struct walker_params walker;
};

static void open_world(struct design_world *d, const struct mmu_setup *s, enum page_table_kind design)
{
	d->walker = (struct walker_params){
		.walkers = 1, .first_cache = 1, .page_table = table_world_params(design)};
	d->walker.page_table.hash_cycles = 0;
	mmu_world_init(&d->world, s);
	table_world_init(&d->tables, &d->world);
}

static void build_machine(struct design_world *d)
{
	mmu_world_machine(&d->world, &tlb_list, &d->walker, NULL);
	mmu_set_table_memory(d->world.mmu, &d->tables.memory);
}

static void close_world(struct design_world *d) { mmu_world_fini(&d->world); }

static struct mmu_setup setup_of(struct mmu_shape stage1, struct mmu_shape stage2, bool two_stages)
{
	return (struct mmu_setup){
		.user = stage1, .kernel = stage1, .stage2 = stage2, .two_stages = two_stages};
}

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

static void expect_same(struct design_world *d, uint64_t va, cycles_t now)
{
	struct translation want;
	struct mmu_done done;
	mmu_world_expect(&d->world, va, ACCESS_READ, &want);
	bool mapped = mmu_translate(d->world.mmu, va, ACCESS_READ, 1, now, &done);
	cr_assert(mapped == (want.fault.kind == FAULT_NONE), "VA 0x%lx", va);
	if (mapped)
		cr_assert(eq(u64, done.pa, want.pa.raw), "VA 0x%lx", va);
	else
		cr_assert(eq(int, d->world.mmu->fault.fault.kind, want.fault.kind), "VA 0x%lx", va);
	cr_assert(ge(u64, done.cycle, now));
}

ParameterizedTest(struct plane_case *c, page_design, each_design_translates_as_arms_tables_say)
{
	struct mmu_setup s = setup_of(c->stage1, c->stage2, c->two_stages);
	struct design_world d;
	struct rng r;
	uint64_t va[SITES];
	open_world(&d, &s, (enum page_table_kind)c->design);
	rng_init(&r, 11, "page_design");
	for (unsigned i = 0; i < SITES; i++) map_site(&d, &r, &va[i]);
	build_machine(&d);
	for (unsigned i = 0; i < ACCESSES; i++) {
		if (rng_below(&r, 16) == 0)
			mmu_world_switch(&d.world, (unsigned)rng_below(&r, MMU_VMS),
					 (unsigned)rng_below(&r, MMU_PROCESSES), 0, false);
		expect_same(&d, va[rng_below(&r, SITES)] + rng_below(&r, 1 << 12), i * 10000);
	}
	cr_expect(ge(u64, d.world.mmu->stats.walks, ACCESSES / 4));
	cr_expect(ge(u64, d.world.mmu->stats.faults, 1), "other processes' pages are not mapped");
	cr_expect(eq(u64, d.world.mmu->design->stats.homeless, 0));
	cr_expect(eq(u64, d.world.mmu->design->stats.corrected, 0),
		  "one process took another's page for its own");
	close_world(&d);
}

/* --- reads and steps ----------------------------------------------------------------------------------------------- */

/* What one walk reads when the tables hold the page already, and how many of the reads come one after the other. */
struct count_case {
	int design;
	bool two_stages;
	int stage2_start; /* of 40-bit IPAs: 1, or 0 */
	unsigned reads, steps;
};

static struct count_case counts[] = {
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
#define COUNTS cr_make_param_array(struct count_case, counts, sizeof(counts) / sizeof(counts[0]))

/* Walks for PAGE again after five other pages, which are all that the TLB holds. */
static cycles_t walk_again(struct design_world *d, uint64_t *reads)
{
	struct mmu_done done;
	for (uint64_t i = 0; i < 6; i++)
		cr_assert(mmu_translate(d->world.mmu, PAGE + (i << 12), ACCESS_READ, 1, i * 100000, &done));
	*reads = mmu_world_reads(&d->world);
	cr_assert(mmu_translate(d->world.mmu, PAGE, ACCESS_READ, 1, 1000000, &done));
	*reads = mmu_world_reads(&d->world) - *reads;
	return done.cycle - 1000000;
}

static void open_counts(struct design_world *d, const struct count_case *c)
{
	struct mmu_setup s = setup_of((struct mmu_shape){12, 48, 0},
				      (struct mmu_shape){12, 40, c->stage2_start}, c->two_stages);
	open_world(d, &s, (enum page_table_kind)c->design);
	for (uint64_t i = 0; i < 6; i++)
		mmu_world_map_page(&d->world, 0, 0, PAGE + (i << 12), FRAME + (i << 14));
}

ParameterizedTestParameters(page_design, a_walk_makes_the_reads_that_theory_says) { return COUNTS; }

ParameterizedTest(struct count_case *c, page_design, a_walk_makes_the_reads_that_theory_says)
{
	struct design_world d;
	uint64_t reads;
	open_counts(&d, c);
	build_machine(&d);
	cycles_t took = walk_again(&d, &reads);
	cr_expect(eq(u64, reads, c->reads), "%s", page_table_names[c->design]);
	cr_expect(eq(u64, took, (uint64_t)c->steps * MEMORY_CYCLES), "%s", page_table_names[c->design]);
	close_world(&d);
}

enum { SPREAD_PAGES = 3000 };

/* Pages of lines of their own, so that a small cuckoo table has them in all of its ways. */
static void open_spread(struct design_world *d, const struct param_list *caches)
{
	struct mmu_setup s = setup_of((struct mmu_shape){12, 48, 0}, (struct mmu_shape){12, 40, 1}, false);
	struct mmu_done done;
	open_world(d, &s, PAGE_TABLE_ecpt);
	d->walker.descriptor_reads_cached = caches != NULL;
	for (uint64_t i = 0; i < SPREAD_PAGES; i++)
		mmu_world_map_page(&d->world, 0, 0, PAGE + (i << 15), FRAME + (i << 12));
	mmu_world_machine(&d->world, &tlb_list, &d->walker, caches);
	mmu_set_table_memory(d->world.mmu, &d->tables.memory);
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
	close_world(&d);
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
	close_world(&d);
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
	struct count_case how = {.design = PAGE_TABLE_asap, .two_stages = two_stages, .stage2_start = 1};
	struct cache_params cache = wide_cache();
	const struct param_list caches = {&cache, 1};
	struct design_world d;
	struct mmu_done done;
	open_counts(&d, &how);
	mmu_world_map_page(&d.world, 0, 0, PAGE + (UINT64_C(1) << 30), FRAME + (UINT64_C(1) << 32));
	d.walker.descriptor_reads_cached = 1;
	d.walker.page_table.asap_s1_levels = s1_levels;
	d.walker.page_table.asap_s2_levels = s2_levels;
	mmu_world_machine(&d.world, &tlb_list, &d.walker, &caches);
	cr_assert(mmu_translate(d.world.mmu, PAGE, ACCESS_READ, 1, 0, &done));
	*reads = mmu_world_reads(&d.world);
	*steps = d.world.mmu->design->stats.steps;
	cr_assert(mmu_translate(d.world.mmu, PAGE + (UINT64_C(1) << 30), ACCESS_READ, 1, 10000, &done));
	*reads = mmu_world_reads(&d.world) - *reads;
	*steps = d.world.mmu->design->stats.steps - *steps;
	close_world(&d);
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
	static const struct count_case nested = {PAGE_TABLE_ecpt, true, 1, 15, 3};
	struct design_world d;
	uint64_t reads;
	open_counts(&d, &nested);
	d.walker.page_table.hash_cycles = 7;
	build_machine(&d);
	cr_expect(eq(u64, walk_again(&d, &reads), 3 * (MEMORY_CYCLES + 7)));
	close_world(&d);
}

Test(page_design, a_line_of_the_walk_table_is_read_and_not_waited_for)
{
	static const struct count_case native = {PAGE_TABLE_ecpt, false, 1, 3, 1};
	struct design_world d;
	uint64_t reads;
	open_counts(&d, &native);
	d.walker.page_table.walk_table_entries = 0;
	build_machine(&d);
	cr_expect(eq(u64, walk_again(&d, &reads), MEMORY_CYCLES));
	cr_expect(eq(u64, reads, 3 + 1));
	cr_expect(eq(u64, d.world.mmu->design->stats.background_reads, 7), "one for each walk");
	close_world(&d);
}

Test(page_design, a_nested_cuckoo_walk_reads_one_way_of_each_table_whose_ways_are_known)
{
	static const struct count_case nested = {PAGE_TABLE_ecpt, true, 1, 15, 3};
	struct design_world d;
	uint64_t reads;
	open_counts(&d, &nested);
	d.walker.page_table.walk_table_small_entries = 16;
	build_machine(&d);
	cr_expect(eq(u64, walk_again(&d, &reads), 3 * MEMORY_CYCLES), "the steps stay");
	cr_expect(eq(u64, reads, 3), "where the way is; the way; stage 2 of the page");
	close_world(&d);
	open_counts(&d, &nested);
	d.walker.page_table.walk_table_small_entries = 16;
	d.walker.page_table.small_tables_only = 1;
	build_machine(&d);
	cr_expect(eq(u64, walk_again(&d, &reads), 3 * MEMORY_CYCLES), "the steps stay");
	cr_expect(eq(u64, reads, 9), "where each of 3 ways is; the 3 ways; 3 of stage 2 of the page");
	close_world(&d);
}

Test(page_design, walk_caches_shorten_trees_and_nothing_else)
{
	static const struct {
		int design;
		unsigned reads;
	} cases[] = {{PAGE_TABLE_flattened, 1}, {PAGE_TABLE_shadow, 1}, {PAGE_TABLE_ecpt, 3}};
	for (unsigned i = 0; i < 3; i++) {
		struct count_case native = {.design = cases[i].design, .stage2_start = 1};
		struct walk_cache_params cache = {.levels = 0xf, .entries = 16, .ways = 16};
		struct design_world d;
		uint64_t reads;
		open_counts(&d, &native);
		d.walker.s1_caches = (struct param_list){&cache, 1};
		build_machine(&d);
		walk_again(&d, &reads);
		cr_expect(eq(u64, reads, cases[i].reads), "%s", page_table_names[cases[i].design]);
		close_world(&d);
	}
}

Test(page_design, an_ipa_cache_spares_the_last_step_of_a_nested_walk)
{
	static const struct count_case nested = {PAGE_TABLE_hashed, true, 1, 3, 3};
	struct design_world d;
	uint64_t reads;
	open_counts(&d, &nested);
	d.walker.ipa_cache = (struct ipa_cache_params){.entries = 64, .ways = 64};
	build_machine(&d);
	walk_again(&d, &reads);
	cr_expect(eq(u64, reads, 1), "the IPAs of the line and of the page are known");
	close_world(&d);
}

/* --- prefetchers and neighbours ------------------------------------------------------------------------------------ */

Test(page_design, prefetchers_walk_by_each_design_and_trap_for_none)
{
	for (int design = 0; design < PAGE_TABLE_COUNT; design++) {
		struct count_case nested = {.design = design, .two_stages = true, .stage2_start = 1};
		struct design_world d;
		open_counts(&d, &nested);
		d.walker.walkers = 4;
		d.walker.prefetch = (struct prefetch_params){
			.kind = PREFETCH_next_page, .buffer_entries = 4, .degree = 1, .table_entries = 1};
		build_machine(&d);
		for (unsigned round = 0; round < 2; round++)
			for (uint64_t i = 0; i < 6; i++)
				expect_same(&d, PAGE + (i << 12), round * 1000000 + i * 100000);
		const struct prefetch_stats *s = &d.world.mmu->prefetch->stats;
		cr_expect(lt(u64, 4, s->used), "%s", page_table_names[design]);
		/* One behind the last page is not mapped, in each round. */
		cr_expect(eq(int, s->refused > 2, design == PAGE_TABLE_shadow), "%s",
			  page_table_names[design]);
		if (design == PAGE_TABLE_shadow || design == PAGE_TABLE_agile)
			cr_expect(
				eq(u64, d.world.mmu->design->stats.traps, design == PAGE_TABLE_agile ? 1 : 6),
				"what the program touched first");
		close_world(&d);
	}
}

/* Pages 6 and 7 of a line of 8. */
Test(page_design, lines_with_pages_side_by_side_tell_of_neighbours)
{
	for (int design = 0; design < PAGE_TABLE_COUNT; design++) {
		struct count_case nested = {.design = design, .two_stages = true, .stage2_start = 1};
		struct design_world d;
		open_counts(&d, &nested);
		d.walker.prefetch = (struct prefetch_params){
			.kind = PREFETCH_free_pte, .buffer_entries = 4, .degree = 1, .table_entries = 1};
		build_machine(&d);
		expect_same(&d, PAGE, 0);
		bool told = design != PAGE_TABLE_shadow && design != PAGE_TABLE_inverted;
		cr_expect(eq(u64, d.world.mmu->prefetch->stats.neighbours, told), "%s",
			  page_table_names[design]);
		expect_same(&d, PAGE + (1 << 12), 100000);
		cr_expect(eq(u64, d.world.mmu->prefetch->stats.used, told), "%s", page_table_names[design]);
		for (uint64_t i = 2; i < 6; i++) expect_same(&d, PAGE + (i << 12), 100000 + i * 100000);
		close_world(&d);
	}
}

/* --- change -------------------------------------------------------------------------------------------------------- */

static uint64_t reads_of(struct design_world *d, uint64_t va, cycles_t now)
{
	struct mmu_done done;
	uint64_t before = mmu_world_reads(&d->world);
	cr_assert(mmu_translate(d->world.mmu, va, ACCESS_READ, 1, now, &done));
	return mmu_world_reads(&d->world) - before;
}

/* Clears the leaf of a page of the first process, natively. */
static void unmap_page(struct mmu_world *w, uint64_t va)
{
	struct pa at = {w->vm[0].user[0].root};
	for (int level = 0;; level++) {
		at.raw += bits_get(va, level_entry_bits(12, level - 1) - 1, level_entry_bits(12, level)) << 3;
		if (level == LAST_LEVEL) break;
		at.raw = desc_address(physmem_read64(w->memory, at), DESC_OA_48, 12);
	}
	cr_assert(ne(u64, physmem_read64(w->memory, at), 0));
	physmem_write64(w->memory, at, 0);
}

/* Leaves the TLBs without any entry. */
static void flush(struct design_world *d)
{
	static const struct tlbi_scope everything = {.translations = true};
	mmu_tlbi(d->world.mmu, &everything);
}

Test(page_design, a_shadow_entry_costs_one_trap_when_it_is_first_needed)
{
	static const struct count_case nested = {PAGE_TABLE_shadow, true, 1, 4, 4};
	struct design_world d;
	struct mmu_done done;
	open_counts(&d, &nested);
	d.walker.page_table.trap_cycles = 5000;
	build_machine(&d);
	cr_assert(mmu_translate(d.world.mmu, PAGE, ACCESS_READ, 1, 0, &done));
	/* The root says that nothing is there: one read. Then the trap, and the walk. */
	cr_expect(eq(u64, done.cycle, MEMORY_CYCLES + 5000 + 4 * MEMORY_CYCLES));
	flush(&d);
	cr_expect(eq(u64, reads_of(&d, PAGE, 100000), 4));
	cr_expect(eq(u64, d.world.mmu->design->stats.traps, 1));
	page_design_forget(d.world.mmu, (struct va){PAGE}, 1 << 12);
	cr_expect(eq(u64, d.world.mmu->design->stats.traps, 2), "the guest's unmapping is a write, too");
	close_world(&d);
}

Test(page_design, agile_paging_traps_once_for_all_pages_of_a_last_level_table)
{
	static const struct count_case nested = {PAGE_TABLE_agile, true, 1, 7, 7};
	struct design_world d;
	uint64_t reads;
	open_counts(&d, &nested);
	build_machine(&d);
	walk_again(&d, &reads);
	cr_expect(eq(u64, d.world.mmu->design->stats.traps, 1));
	close_world(&d);
}

Test(page_design, without_a_hypervisor_nothing_traps)
{
	static const struct count_case native = {PAGE_TABLE_shadow, false, 1, 4, 4};
	struct design_world d;
	uint64_t reads;
	open_counts(&d, &native);
	build_machine(&d);
	walk_again(&d, &reads);
	cr_expect(eq(u64, d.world.mmu->design->stats.traps, 0));
	close_world(&d);
}

Test(page_design, a_tlbi_takes_entries_of_the_pom_tlb)
{
	static const struct count_case native = {PAGE_TABLE_pom_tlb, false, 1, 1, 1};
	struct design_world d;
	uint64_t reads;
	open_counts(&d, &native);
	build_machine(&d);
	walk_again(&d, &reads);
	cr_assert(eq(u64, reads, 1));
	flush(&d);
	cr_expect(eq(u64, reads_of(&d, PAGE, 2000000), 2 + 4), "both arrays, then Arm's tables");
	close_world(&d);
}

Test(page_design, an_entry_of_the_pom_tlb_that_is_no_longer_so_is_not_used)
{
	static const struct count_case native = {PAGE_TABLE_pom_tlb, false, 1, 1, 1};
	struct design_world d;
	uint64_t reads;
	open_counts(&d, &native);
	build_machine(&d);
	walk_again(&d, &reads);
	mmu_world_map_page(&d.world, 0, 0, PAGE, FRAME + 0x50000);
	tlb_invalidate(d.world.mmu->level[1][0], &(struct tlb_match){0});
	cr_expect(eq(u64, reads_of(&d, PAGE, 2000000), 2 + 4));
	close_world(&d);
}

Test(page_design, the_pom_tlb_reads_first_where_the_region_was_last)
{
	struct mmu_setup s = setup_of((struct mmu_shape){12, 48, 0}, (struct mmu_shape){12, 40, 1}, false);
	const struct mmu_mapping block = {
		.va = 0x40000000, .ipa = 0x80000000, .bits = DESC_AF | DESC_AP_USER | DESC_NG, .level = 2};
	struct design_world d;
	open_world(&d, &s, PAGE_TABLE_pom_tlb);
	mmu_world_map(&d.world, &d.world.vm[0].user[0], &block);
	build_machine(&d);
	cr_expect(eq(u64, reads_of(&d, 0x40000000, 0), 2 + 3), "both arrays, then three levels");
	cr_assert(eq(u64, reads_of(&d, 0x40100000, 1000), 0), "in the TLB");
	struct tlb *const *arrays = pom_tlb_arrays(d.world.mmu->design->pom);
	cr_expect(eq(u64, arrays[1]->stats.fills, 1), "as a large page");
	tlb_invalidate(d.world.mmu->level[1][0], &(struct tlb_match){0});
	cr_expect(eq(u64, reads_of(&d, 0x40100000, 2000), 1), "the array for large pages first");
	close_world(&d);
}

Test(page_design, what_was_mapped_beforehand_needs_no_insertion_in_a_walk)
{
	for (int design = PAGE_TABLE_flattened; design < PAGE_TABLE_COUNT; design++) {
		struct count_case nested = {.design = design, .two_stages = true, .stage2_start = 1};
		struct design_world d;
		struct translation t;
		if (!page_table_designs[design]->note) continue;
		open_counts(&d, &nested);
		build_machine(&d);
		mmu_world_expect(&d.world, PAGE, ACCESS_READ, &t);
		page_design_note(d.world.mmu, &t);
		uint64_t inserts = d.world.mmu->design->stats.inserts;
		cr_expect(ge(u64, inserts, 1));
		reads_of(&d, PAGE, 0);
		const struct page_table_stats *stats = &d.world.mmu->design->stats;
		bool nested_tables = page_table_designs[design]->walk == page_design_walk_stages;
		cr_expect(nested_tables || stats->inserts == inserts, "%s", page_table_names[design]);
		cr_expect(eq(u64, stats->traps, 0), "%s", page_table_names[design]);
		close_world(&d);
	}
}

Test(page_design, a_page_that_is_unmapped_is_found_no_more)
{
	for (int design = PAGE_TABLE_flattened; design < PAGE_TABLE_COUNT; design++) {
		struct count_case native = {.design = design, .stage2_start = 1};
		struct design_world d;
		struct mmu_done done;
		if (!page_table_designs[design]->table) continue;
		open_counts(&d, &native);
		build_machine(&d);
		reads_of(&d, PAGE, 0);
		unmap_page(&d.world, PAGE);
		page_design_forget(d.world.mmu, (struct va){PAGE}, 1 << 12);
		flush(&d);
		cr_expect(eq(u64, d.world.mmu->design->stats.removed, 1), "%s", page_table_names[design]);
		uint64_t absent = d.world.mmu->design->stats.absent;
		cr_expect(not(mmu_translate(d.world.mmu, PAGE, ACCESS_READ, 1, 100000, &done)));
		cr_expect(eq(u64, d.world.mmu->design->stats.absent, absent + 1), "%s",
			  page_table_names[design]);
		close_world(&d);
	}
}

Test(page_design, a_mapping_that_changed_is_corrected_by_the_next_walk)
{
	for (int design = PAGE_TABLE_flattened; design < PAGE_TABLE_COUNT; design++) {
		struct count_case nested = {.design = design, .two_stages = true, .stage2_start = 1};
		struct design_world d;
		if (!page_table_designs[design]->table || design == PAGE_TABLE_agile) continue;
		open_counts(&d, &nested);
		build_machine(&d);
		expect_same(&d, PAGE, 0);
		mmu_world_map_page(&d.world, 0, 0, PAGE, FRAME + 0x50000);
		flush(&d);
		expect_same(&d, PAGE, 100000);
		cr_expect(eq(u64, d.world.mmu->design->stats.corrected, 1), "%s", page_table_names[design]);
		close_world(&d);
	}
}

/* --- tables by frame ----------------------------------------------------------------------------------------------- */

static struct page_table_stats *inverted_stats(struct design_world *d)
{
	return &d->world.mmu->design->stats;
}

/* Pages PAGE and ALIAS of one frame. */
#define ALIAS (PAGE + 0x40000)

static void open_aliases(struct design_world *d, bool two_stages)
{
	struct mmu_setup s = setup_of((struct mmu_shape){12, 48, 0}, (struct mmu_shape){12, 40, 1},
				      two_stages);
	open_world(d, &s, PAGE_TABLE_inverted);
	d->walker.page_table.remap_cycles = 5000;
	mmu_world_map_page(&d->world, 0, 0, PAGE, FRAME);
	mmu_world_map_page(&d->world, 0, 0, ALIAS, FRAME);
}

/* What a walk behind a flush takes; *reads are those that it made. */
static cycles_t walk_cold(struct design_world *d, uint64_t va, cycles_t now, uint64_t *reads)
{
	struct mmu_done done;
	flush(d);
	*reads = mmu_world_reads(&d->world);
	cr_assert(mmu_translate(d->world.mmu, va, ACCESS_READ, 1, now, &done));
	*reads = mmu_world_reads(&d->world) - *reads;
	return done.cycle - now;
}

Test(page_design, each_page_of_a_shared_frame_faults_for_its_only_entry_when_its_turn_comes)
{
	struct design_world d;
	uint64_t reads;
	open_aliases(&d, false);
	build_machine(&d);
	cr_expect(eq(u64, walk_cold(&d, PAGE, 0, &reads), 2 * MEMORY_CYCLES), "the frame was nobody's");
	cr_expect(eq(u64, walk_cold(&d, PAGE, 100000, &reads), 2 * MEMORY_CYCLES));
	for (unsigned turn = 1; turn < 5; turn++) {
		cycles_t took = walk_cold(&d, turn % 2 ? ALIAS : PAGE, turn * 200000, &reads);
		/* A search that finds nothing: its chain is empty, or has the other page. Then the one that finds it. */
		cr_expect(ge(u64, reads, 1 + 2));
		cr_expect(eq(u64, took, reads * MEMORY_CYCLES + 5000), "turn %u", turn);
		cr_expect(eq(u64, inverted_stats(&d)->remaps, turn));
		cr_expect(eq(u64, inverted_stats(&d)->remap_cycles, turn * 5000));
	}
	cr_expect(eq(u64, walk_cold(&d, PAGE, 2000000, &reads), 2 * MEMORY_CYCLES), "its turn was the last");
	close_world(&d);
}

Test(page_design, a_prefetch_takes_no_frame_from_another_page)
{
	struct design_world d;
	struct mmu_done done;
	open_aliases(&d, false);
	mmu_world_map_page(&d.world, 0, 0, ALIAS - 0x1000, FRAME + 0x1000);
	d.walker.walkers = 4;
	d.walker.prefetch = (struct prefetch_params){
		.kind = PREFETCH_next_page, .buffer_entries = 4, .degree = 1, .table_entries = 1};
	build_machine(&d);
	cr_assert(mmu_translate(d.world.mmu, PAGE, ACCESS_READ, 1, 0, &done));
	uint64_t refused = d.world.mmu->prefetch->stats.refused;
	cr_assert(mmu_translate(d.world.mmu, ALIAS - 0x1000, ACCESS_READ, 1, 100000, &done));
	cr_expect(eq(u64, d.world.mmu->prefetch->stats.refused, refused + 1));
	cr_expect(eq(u64, inverted_stats(&d)->remaps, 0));
	expect_same(&d, ALIAS, 200000);
	cr_expect(eq(u64, inverted_stats(&d)->remaps, 1), "the program takes it");
	close_world(&d);
}

/* A page that Linux has in every address space, by TTBR1. */
static void map_kernel_page(struct design_world *d, unsigned vm, uint64_t ipa)
{
	struct mmu_mapping m = {.va = UINT64_C(0xffff800000001000), .ipa = ipa, .bits = DESC_AF, .level = 3};
	mmu_world_map(&d->world, &d->world.vm[vm].kernel, &m);
}

Test(page_design, a_kernels_page_has_one_entry_for_all_asids)
{
	struct mmu_setup s = setup_of((struct mmu_shape){12, 48, 0}, (struct mmu_shape){12, 40, 1}, false);
	struct design_world d;
	uint64_t reads;
	open_world(&d, &s, PAGE_TABLE_inverted);
	map_kernel_page(&d, 0, FRAME);
	build_machine(&d);
	for (unsigned i = 0; i < 4; i++) {
		mmu_world_switch(&d.world, 0, i % MMU_PROCESSES, 1, false);
		flush(&d);
		reads = mmu_world_reads(&d.world);
		expect_same(&d, UINT64_C(0xffff800000001000), i * 10000);
		cr_expect(eq(u64, mmu_world_reads(&d.world) - reads, 2));
	}
	cr_expect(eq(u64, inverted_stats(&d)->inserts, 1));
	cr_expect(eq(u64, inverted_stats(&d)->remaps, 0));
	close_world(&d);
}

Test(page_design, each_guest_has_a_table_of_its_own_frames_and_the_machine_one_for_all)
{
	struct mmu_setup s = setup_of((struct mmu_shape){12, 48, 0}, (struct mmu_shape){12, 40, 1}, true);
	struct design_world d;
	open_world(&d, &s, PAGE_TABLE_inverted);
	for (unsigned vm = 0; vm < MMU_VMS; vm++)
		for (unsigned process = 0; process < MMU_PROCESSES; process++)
			mmu_world_map_page(&d.world, vm, process, PAGE, FRAME + process * 0x1000);
	build_machine(&d);
	for (unsigned i = 0; i < 12; i++) {
		mmu_world_switch(&d.world, i % MMU_VMS, i / 2 % MMU_PROCESSES, 0, false);
		flush(&d);
		expect_same(&d, PAGE, i * 100000);
	}
	cr_expect(eq(u64, inverted_stats(&d)->remaps, 0), "the same IPA of another guest is another frame");
	cr_expect(eq(uint, d.world.mmu->design->tables, MMU_VMS + 1));
	close_world(&d);
}

Test(page_design, a_guests_shared_frame_takes_turns_at_stage_1_alone)
{
	struct design_world d;
	uint64_t reads;
	open_aliases(&d, true);
	build_machine(&d);
	walk_cold(&d, PAGE, 0, &reads);
	cycles_t took = walk_cold(&d, ALIAS, 100000, &reads);
	cr_expect(eq(u64, took, reads * MEMORY_CYCLES + 5000));
	cr_expect(ge(u64, reads, 3 + 8), "a search through stage 2 that finds nothing, and a walk");
	cr_expect(eq(u64, inverted_stats(&d)->remaps, 1));
	close_world(&d);
}

Test(page_design, an_inverted_walk_computes_one_hash_a_look_up)
{
	static const struct count_case nested = {PAGE_TABLE_inverted, true, 1, 8, 8};
	struct design_world d;
	uint64_t reads;
	open_counts(&d, &nested);
	d.walker.page_table.hash_cycles = 7;
	build_machine(&d);
	/* One of stage 1, and of stage 2 for the anchor, the entry and the page. */
	cr_expect(eq(u64, walk_again(&d, &reads), 8 * MEMORY_CYCLES + 4 * 7));
	close_world(&d);
}

/* --- lack of memory ------------------------------------------------------------------------------------------------ */

Test(page_design, without_memory_for_tables_translations_are_still_right)
{
	for (int design = PAGE_TABLE_flattened; design < PAGE_TABLE_COUNT; design++) {
		struct count_case nested = {.design = design, .two_stages = true, .stage2_start = 1};
		struct design_world d;
		open_counts(&d, &nested);
		d.tables.left = 0;
		build_machine(&d);
		for (uint64_t i = 0; i < 6; i++) expect_same(&d, PAGE + (i << 12), i * 100000);
		bool none = !page_table_designs[design]->table; /* of its own */
		cr_expect(none || d.world.mmu->design->stats.homeless > 0, "%s", page_table_names[design]);
		close_world(&d);
	}
}
