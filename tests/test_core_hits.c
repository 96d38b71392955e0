/* The loops that run hits in registers do what core.c does record by record: same clocks, counters and replacement state. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "core_world.h"
#include "cpu/core_hits.h"
#include "mmu_world.h"

enum { RECORDS = 20000, ROUNDS = 8 };
#define DATA UINT64_C(0x1000000)
#define CODE UINT64_C(0x2000000)

/* What decides which loop is chosen, and what can hold a hit. */
struct hits_case {
	unsigned model, tlb_policy, cache_policy, tlb_hit_cycles, write_back;
	unsigned ways, unified, split, dependent_percent, rob, store_buffer;
	unsigned first_prefetch, second_prefetch; /* enum line_prefetch_kind */
};

static struct hits_case cases[] = {
	{CORE_WINDOW, REPL_lru, REPL_tree_plru, 0, 1, 4, 0, 1, 10, 64, 4, 0, 0},
	{CORE_WINDOW, REPL_lru, REPL_tree_plru, 0, 1, 4, 1, 1, 0, 16, 2, 0, 0},
	{CORE_IN_ORDER, REPL_lru, REPL_random, 0, 1, 4, 0, 1, 10, 64, 4, 0, 0},
	{CORE_WINDOW, REPL_srrip, REPL_lru, 0, 1, 8, 0, 1, 10, 64, 1, 0, 0},
	{CORE_IN_ORDER, REPL_ship, REPL_chirp, 0, 1, 4, 1, 1, 30, 64, 4, 0, 0},
	{CORE_WINDOW, REPL_lfu, REPL_lfu, 0, 1, 4, 0, 1, 10, 64, 4, 0, 0},
	{CORE_WINDOW, REPL_lru, REPL_tree_plru, 0, 1, 4, 0, 1, 10, 64, 4, 0, LINE_PREFETCH_next_line},
	{CORE_WINDOW, REPL_bit_plru, REPL_nru, 2, 1, 4, 0, 1, 10, 64, 4, 0, 0},
	{CORE_WINDOW, REPL_lru, REPL_tree_plru, 1, 0, 4, 0, 0, 50, 8, 4, 0, 0},
	{CORE_IN_ORDER, REPL_tree_plru, REPL_bit_plru, 1, 0, 16, 1, 1, 0, 64, 4, 0, 0},
};

/* A core with translation off over two caches of 4 KiB and 16 KiB, so that hits, misses and lines under way mix. */
static void describe(struct rig *g, const struct hits_case *c)
{
	memset(g, 0, sizeof(*g));
	struct cache_params first = {.name = "l1d",
				     .level = 1,
				     .side = CACHE_DATA,
				     .size = 4096,
				     .ways = c->ways,
				     .line = 64,
				     .hit_cycles = 4,
				     .mshrs = 3,
				     .policy = c->cache_policy,
				     .prefetch = {.kind = c->first_prefetch, .table_entries = 4},
				     .write_back = c->write_back,
				     .write_allocate = 1};
	g->cache[0] = g->cache[1] = g->cache[2] = first;
	g->cache[1].name = "l1i";
	g->cache[1].side = CACHE_INSTRUCTION;
	g->cache[2] = (struct cache_params){.name = "l2",
					    .level = 2,
					    .side = CACHE_UNIFIED,
					    .size = 16384,
					    .ways = 4,
					    .line = 64,
					    .hit_cycles = 12,
					    .mshrs = 8,
					    .inclusion = INCL_INCLUSIVE,
					    .write_back = 1,
					    .write_allocate = 1};
	g->caches = (struct param_list){g->cache, 3};
	g->cache[2].prefetch.kind = c->second_prefetch;
	g->node = (struct node_params){"node", UINT64_C(1) << 30, 100, 10000000};
	g->memory = (struct memory_params){.nodes = {&g->node, 1}};
	g->tlb[0] = (struct tlb_params){.name = "l1d",
					.level = 1,
					.side = c->unified ? SIDE_UNIFIED : SIDE_DATA,
					.entries = 4,
					.ways = 4,
					.pages = 1,
					.hit_cycles = c->tlb_hit_cycles,
					.policy = c->tlb_policy};
	g->tlb[1] = g->tlb[0];
	g->tlb[1].name = "l1i";
	g->tlb[1].side = SIDE_INSTRUCTION;
	g->tlbs = (struct param_list){g->tlb, c->unified ? 1 : 2};
	g->walker = (struct walker_params){.walkers = 1, .first_cache = 1};
	g->params = (struct core_params){.model = c->model,
					 .width = 3,
					 .rob = c->rob,
					 .store_buffer = c->store_buffer,
					 .split_pages = c->split};
}

static void build(struct rig *g, const struct hits_case *c)
{
	describe(g, c);
	build_rig(g);
}

/* Loads and stores near to each other and far, some across a line, and runs of fetches. */
static void draw(struct record *r, const struct hits_case *c, struct rng *rng, uint64_t *near)
{
	uint64_t kind = rng_below(rng, 10), far = rng_below(rng, 8);
	if (rng_below(rng, 3) == 0) { /* back to where it was before */
		uint64_t before = near[1];
		near[1] = near[0];
		near[0] = before;
	}
	if (!far) *near = rng_below(rng, 6) << 12 | rng_below(rng, 512) << 3;
	*near += far < 4 ? 8 : rng_below(rng, 2) * 64;
	*r = (struct record){
		.addr = DATA + (*near & 0x7fff), .gap = (uint16_t)(1 + rng_below(rng, 5)), .count = 8};
	r->kind = kind < 2 ? REC_FETCH : kind < 4 ? REC_STORE : REC_LOAD;
	if (r->kind == REC_FETCH) {
		r->gap = 0;
		r->addr = CODE + rng_below(rng, 1500) * 4;
		r->count = 1 + (uint32_t)rng_below(rng, 40);
	} else if (rng_below(rng, 20) == 0) {
		r->addr += 4 * rng_below(rng, 4);
		r->count = 1 + (uint32_t)rng_below(rng, 100);
	}
	if (r->kind == REC_LOAD && rng_below(rng, 100) < c->dependent_percent) r->flags = REC_DEPENDENT;
}

static void run_all(struct rig *g, const struct record *rec, size_t n)
{
	size_t executed;
	struct err err = {0};
	cr_assert(eq(int, core_run(&g->core, rec, n, &executed, &err), OK), "%s", err.text);
	cr_assert(eq(sz, executed, n));
}

#define SAME(member) cr_assert(eq(u64, a->member, b->member), #member)

static void expect_same_tlb(const struct tlb *a, const struct tlb *b)
{
	cr_assert(eq(int, memcmp(&a->stats, &b->stats, sizeof(a->stats)), 0), "counters of TLB %s",
		  a->params.name);
	for (unsigned i = 0; i < a->sets * a->ways; i++) SAME(entry[i].va);
}

static void expect_same_cache(const struct cache *a, const struct cache *b)
{
	cr_assert(eq(int, memcmp(&a->stats, &b->stats, sizeof(a->stats)), 0), "counters of %s",
		  a->params.name);
	for (uint64_t i = 0; i <= a->set_mask; i++) {
		const struct cache_set *x = cache_set(a, i), *y = cache_set(b, i);
		for (unsigned way = 0; way < a->ways; way++) {
			cr_assert(eq(u32, cache_tags(x)[way], cache_tags(y)[way]), "lines of %s",
				  a->params.name);
			cr_assert(eq(u16, cache_marks(a, x)[way] & CACHE_DIRTY,
				     cache_marks(b, y)[way] & CACHE_DIRTY),
				  "lines of %s", a->params.name);
		}
	}
}

static void expect_same(struct rig *x, struct rig *y)
{
	const struct core *a = &x->core, *b = &y->core;
	SAME(dispatch);
	SAME(retire);
	SAME(instruction);
	SAME(last_load_done);
	SAME(flow.pc);
	SAME(flow.branches);
	for (int i = 0; i < BUCKET_COUNT; i++) SAME(bucket[i]);
	cr_assert(eq(int, memcmp(&a->stats, &b->stats, sizeof(a->stats)), 0), "counters of the core");
	for (int side = 0; side < 2; side++) expect_same_tlb(x->mmu->level[side][0], y->mmu->level[side][0]);
	expect_same_cache(x->mem.data.level[0], y->mem.data.level[0]);
	expect_same_cache(x->mem.fetch.level[0], y->mem.fetch.level[0]);
	expect_same_cache(x->mem.data.level[1], y->mem.data.level[1]);
}

ParameterizedTestParameters(core_hits, a_run_of_hits_does_what_its_records_do_one_by_one)
{
	return cr_make_param_array(struct hits_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct hits_case *c, core_hits, a_run_of_hits_does_what_its_records_do_one_by_one)
{
	static struct rig fast, plain;
	struct record *rec = calloc(RECORDS, sizeof(*rec));
	struct rng rng;
	uint64_t near[2] = {0};
	rng_init(&rng, 1, "test.core_hits");
	build(&fast, c);
	build(&plain, c);
	cr_assert(ne(ptr, (void *)(uintptr_t)fast.core.hits, (void *)(uintptr_t)core_no_hits));
	plain.core.hits = core_no_hits;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < RECORDS; i++) draw(&rec[i], c, &rng, near);
		run_all(&fast, rec, RECORDS);
		run_all(&plain, rec, RECORDS);
		expect_same(&fast, &plain);
	}
	cr_expect(lt(u64, RECORDS, fast.core.stats.loads), "too few loads to say anything");
	cr_expect(lt(u64, 1000, fast.mem.data.level[0]->stats.merged), "too few loads of lines under way");
	close_rig(&fast);
	close_rig(&plain);
	free(rec);
}

/* Hits that train it, and first uses of what it brought, are told; a loop over hits tells nobody. */
Test(core_hits, hits_are_followed_one_by_one_where_a_first_cache_has_a_prefetcher)
{
	struct hits_case c = cases[0];
	static struct rig g;
	c.first_prefetch = LINE_PREFETCH_next_line;
	build(&g, &c);
	cr_expect(eq(ptr, (void *)(uintptr_t)g.core.hits, (void *)(uintptr_t)core_no_hits));
	close_rig(&g);
}
