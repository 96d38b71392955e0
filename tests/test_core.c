/* Cores: cycle counts that theory gives, buckets, splitting, faults. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "core_world.h"
#include "cpu/barrier.h"
#include "mmu_world.h"

enum { HIT = 4, DRAM = 100 };
#define DATA UINT64_C(0x1000000)
#define CODE UINT64_C(0x2000000)

/* First-level caches of 64 KiB, a TLB of 48 entries, and memory 100 cycles away. */
static void describe(struct rig *g, enum core_model model)
{
	memset(g, 0, sizeof(*g));
	g->cache[0] = (struct cache_params){.name = "l1i",
					    .level = 1,
					    .side = CACHE_INSTRUCTION,
					    .size = 65536,
					    .ways = 4,
					    .line = 64,
					    .hit_cycles = HIT,
					    .mshrs = 1024,
					    .write_back = 1,
					    .write_allocate = 1};
	g->cache[1] = g->cache[0];
	g->cache[1].name = "l1d";
	g->cache[1].side = CACHE_DATA;
	g->caches = (struct param_list){g->cache, 2};
	g->node = (struct node_params){"node", UINT64_C(1) << 30, DRAM, 10000000};
	g->memory = (struct memory_params){.nodes = {&g->node, 1}};
	g->tlb[0] = (struct tlb_params){.name = "l1",
					.level = 1,
					.side = SIDE_UNIFIED,
					.entries = 48,
					.ways = 48,
					.pages = UINT64_MAX};
	g->tlbs = (struct param_list){g->tlb, 1};
	g->walker = (struct walker_params){.walkers = 1, .first_cache = 1};
	g->params = (struct core_params){
		.model = model, .width = 1, .rob = 64, .store_buffer = 4, .split_pages = 1};
}

static void run_one(struct rig *g, struct record r)
{
	size_t executed;
	struct err err = {0};
	cr_assert(eq(int, core_run(&g->core, &r, 1, &executed, &err), OK), "%s", err.text);
	cr_assert(eq(sz, executed, 1));
}

/* `n` accesses of 8 bytes, one instruction each, `stride` bytes apart. */
static void run_accesses(struct rig *g, unsigned kind, unsigned flags, uint64_t va, uint64_t stride,
			 unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		run_one(g, (struct record){.addr = va + i * stride,
					   .count = 8,
					   .gap = 1,
					   .kind = (uint8_t)kind,
					   .flags = (uint8_t)flags});
}

/* Cycles since the counters were last reset. */
static uint64_t cycles(struct rig *g)
{
	core_finish(&g->core);
	return g->core.stats.cycles;
}

static uint64_t bucket(struct rig *g, enum core_bucket b)
{
	core_finish(&g->core);
	return g->core.stats.cycles_by_bucket[b];
}

/* --- hits ---------------------------------------------------------------------------------------------------------- */

struct width_case {
	unsigned model, width;
};

static struct width_case widths[] = {{CORE_IN_ORDER, 1}, {CORE_IN_ORDER, 2}, {CORE_IN_ORDER, 8},
				     {CORE_WINDOW, 1},   {CORE_WINDOW, 2},   {CORE_WINDOW, 4},
				     {CORE_WINDOW, 16}};

ParameterizedTestParameters(core, independent_hits_pass_at_the_width)
{
	return cr_make_param_array(struct width_case, widths, sizeof(widths) / sizeof(widths[0]));
}

ParameterizedTest(struct width_case *c, core, independent_hits_pass_at_the_width)
{
	struct rig g;
	describe(&g, (enum core_model)c->model);
	g.params.width = c->width;
	g.params.rob = 256;
	build_rig(&g);
	run_accesses(&g, REC_LOAD, 0, DATA, 0, 512);
	core_reset_stats(&g.core);
	run_accesses(&g, REC_LOAD, 0, DATA, 0, 1600);
	cr_expect(eq(u64, cycles(&g), 1600 / c->width));
	cr_expect(eq(u64, bucket(&g, BUCKET_BASE), 1600 / c->width));
	close_rig(&g);
}

ParameterizedTestParameters(core, instructions_without_accesses_pass_at_the_width)
{
	return cr_make_param_array(struct width_case, widths, sizeof(widths) / sizeof(widths[0]));
}

ParameterizedTest(struct width_case *c, core, instructions_without_accesses_pass_at_the_width)
{
	struct rig g;
	describe(&g, (enum core_model)c->model);
	g.params.width = c->width;
	build_rig(&g);
	run_accesses(&g, REC_LOAD, 0, DATA, 0, 16);
	uint64_t before = core_now(&g.core);
	run_one(&g, (struct record){.addr = DATA, .count = 8, .gap = 1600, .kind = REC_LOAD});
	cr_expect(ge(u64, core_now(&g.core) - before, 1600 / c->width));
	cr_expect(le(u64, core_now(&g.core) - before, 1600 / c->width + HIT));
	close_rig(&g);
}

/* --- dependent and overlapping loads ------------------------------------------------------------------------------- */

struct model_case {
	unsigned model;
};
static struct model_case models[] = {{CORE_IN_ORDER}, {CORE_WINDOW}};

ParameterizedTestParameters(core, dependent_loads_take_their_latencies_one_after_the_other)
{
	return cr_make_param_array(struct model_case, models, 2);
}

ParameterizedTest(struct model_case *c, core, dependent_loads_take_their_latencies_one_after_the_other)
{
	struct rig g;
	describe(&g, (enum core_model)c->model);
	g.params.width = 4;
	build_rig(&g);
	run_accesses(&g, REC_LOAD, REC_DEPENDENT, DATA, 64, 20);
	core_reset_stats(&g.core);
	run_accesses(&g, REC_LOAD, REC_DEPENDENT, DATA, 64, 20);
	cr_expect(eq(u64, cycles(&g), 20 * HIT), "hits");
	core_reset_stats(&g.core);
	run_accesses(&g, REC_LOAD, REC_DEPENDENT, DATA + 65536, 64, 20);
	uint64_t hidden = c->model == CORE_IN_ORDER ? HIT : 0;
	cr_expect(ge(u64, cycles(&g) + hidden, 20 * DRAM), "misses");
	cr_expect(le(u64, cycles(&g), 20 * DRAM + 1), "misses");
	close_rig(&g);
}

/* Instruction i enters when i - rob has retired: misses all, `rob` of them overlap. */
struct rob_case {
	unsigned rob, mshrs, overlap;
};

ParameterizedTestParameters(core, misses_overlap_as_far_as_window_and_miss_registers_let_them)
{
	static struct rob_case cases[] = {{1, 64, 1}, {10, 64, 10}, {50, 64, 50},
					  {64, 5, 5}, {64, 20, 20}, {20, 20, 20}};
	return cr_make_param_array(struct rob_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct rob_case *c, core, misses_overlap_as_far_as_window_and_miss_registers_let_them)
{
	struct rig g;
	describe(&g, CORE_WINDOW);
	g.params.rob = c->rob;
	g.cache[1].mshrs = c->mshrs;
	build_rig(&g);
	run_accesses(&g, REC_LOAD, 0, DATA, 64, 400);
	core_reset_stats(&g.core);
	run_accesses(&g, REC_LOAD, 0, DATA + (1 << 20), 64, 1000);
	cr_expect(eq(u64, cycles(&g), 1000 / c->overlap * DRAM));
	close_rig(&g);
}

Test(core, in_order_misses_do_not_overlap)
{
	struct rig g;
	describe(&g, CORE_IN_ORDER);
	build_rig(&g);
	run_accesses(&g, REC_LOAD, 0, DATA, 64, 50);
	cr_expect(eq(u64, cycles(&g), 50 * (1 + DRAM - HIT)));
	cr_expect(eq(u64, bucket(&g, BUCKET_DATA_MEMORY), 50 * (DRAM - HIT)));
	cr_expect(eq(u64, bucket(&g, BUCKET_BASE), 50));
	close_rig(&g);
}

/* --- stores -------------------------------------------------------------------------------------------------------- */

Test(core, stores_wait_only_for_room_in_the_store_buffer)
{
	struct rig g;
	describe(&g, CORE_WINDOW);
	build_rig(&g);
	run_accesses(&g, REC_STORE, 0, DATA, 64, 4);
	cr_expect(eq(u64, cycles(&g), 4), "four entries");
	run_accesses(&g, REC_STORE, 0, DATA + 4096, 64, 1);
	cr_expect(eq(u64, cycles(&g), 1 + DRAM), "the fifth waits for the first, which left at 1");
	core_reset_stats(&g.core);
	run_accesses(&g, REC_STORE, 0, DATA + 8192, 64, 400);
	cr_expect(ge(u64, cycles(&g), 400 / 4 * DRAM - DRAM));
	cr_expect(le(u64, cycles(&g), 400 / 4 * DRAM + 4));
	cr_expect(eq(u64, bucket(&g, BUCKET_STORE_BUFFER) + bucket(&g, BUCKET_BASE), cycles(&g)));
	close_rig(&g);
}

/* --- fetches ------------------------------------------------------------------------------------------------------- */

ParameterizedTestParameters(core, a_fetch_that_misses_stops_the_core)
{
	return cr_make_param_array(struct model_case, models, 2);
}

ParameterizedTest(struct model_case *c, core, a_fetch_that_misses_stops_the_core)
{
	struct rig g;
	describe(&g, (enum core_model)c->model);
	build_rig(&g);
	run_one(&g, (struct record){.addr = CODE, .count = 320, .kind = REC_FETCH});
	cr_expect(eq(u64, cycles(&g), 20 * (DRAM - HIT) + 320));
	cr_expect(eq(u64, bucket(&g, BUCKET_FETCH_MEMORY), 20 * (DRAM - HIT)));
	cr_expect(eq(u64, g.core.stats.fetches, 20));
	core_reset_stats(&g.core);
	run_one(&g, (struct record){.addr = CODE, .count = 320, .kind = REC_FETCH});
	cr_expect(eq(u64, cycles(&g), 320), "again, from the cache");
	cr_expect(eq(u64, g.core.stats.instructions, 320));
	close_rig(&g);
}

Test(core, a_run_is_fetched_by_lines_of_the_machine)
{
	for (uint64_t line = 16; line <= 256; line *= 2) {
		struct rig g;
		describe(&g, CORE_IN_ORDER);
		g.cache[0].line = g.cache[1].line = line;
		build_rig(&g);
		run_one(&g, (struct record){.addr = CODE + 8, .count = 128, .kind = REC_FETCH});
		cr_expect(eq(u64, g.core.stats.fetches, 512 / line + 1), "lines of %lu bytes", line);
		cr_expect(eq(u64, g.mem.fetch.level[0]->stats.misses, 512 / line + 1), "lines of %lu bytes",
			  line);
		cr_expect(eq(u64, g.core.stats.instructions, 128));
		close_rig(&g);
	}
}

/* Memory may be nearer than the first-level cache, in a made-up machine: nothing goes back in time. */
Test(core, a_memory_faster_than_the_cache_costs_no_more_than_a_hit)
{
	for (unsigned model = CORE_IN_ORDER; model <= CORE_WINDOW; model++) {
		struct rig g;
		describe(&g, (enum core_model)model);
		g.node.latency_ns = 1;
		build_rig(&g);
		run_one(&g, (struct record){.addr = CODE, .count = 16, .kind = REC_FETCH});
		run_accesses(&g, REC_LOAD, 0, DATA, 64, 4);
		cr_expect(le(u64, cycles(&g), 20 + HIT));
		close_rig(&g);
	}
}

/* --- splitting ----------------------------------------------------------------------------------------------------- */

static void expect_pieces(uint64_t split, uint64_t va, uint32_t bytes, uint64_t pieces)
{
	struct rig g;
	describe(&g, CORE_WINDOW);
	g.params.split_pages = split;
	build_rig(&g);
	run_one(&g, (struct record){.addr = va, .count = bytes, .gap = 1, .kind = REC_LOAD});
	cr_expect(eq(u64, g.core.stats.loads, pieces), "%u bytes at 0x%lx", bytes, va);
	cr_expect(eq(u64, g.core.stats.splits, pieces - 1));
	cr_expect(eq(u64, g.mmu->first[ACCESS_READ]->stats.lookups, pieces));
	cr_expect(eq(u64, g.mem.data.level[0]->stats.accesses, pieces));
	close_rig(&g);
}

Test(core, an_access_that_crosses_a_line_is_as_many_accesses_as_lines)
{
	expect_pieces(1, DATA, 64, 1);
	expect_pieces(1, DATA + 56, 8, 1);
	expect_pieces(1, DATA + 57, 8, 2);
	expect_pieces(1, DATA + 4092, 8, 2);
	expect_pieces(1, DATA + 1, 256, 5);
	expect_pieces(1, DATA + 63, 0, 1);
	expect_pieces(0, DATA + 57, 8, 1);
	expect_pieces(0, DATA + 4092, 256, 1);
}

/* --- buckets ------------------------------------------------------------------------------------------------------- */

static struct record random_record(struct rng *r)
{
	struct record rec = {.kind = (uint8_t)rng_below(r, 3)};
	if (rec.kind == REC_FETCH) {
		rec.addr = CODE + 4 * rng_below(r, 1 << 14);
		rec.count = 1 + (uint32_t)rng_below(r, 40);
		return rec;
	}
	rec.addr = DATA + rng_below(r, 1 << 18);
	rec.count = 1u << rng_below(r, 5);
	rec.gap = (uint16_t)rng_below(r, 8);
	rec.flags = (uint8_t)(rng_below(r, 2) ? REC_DEPENDENT : 0);
	return rec;
}

struct bucket_case {
	unsigned model, width, rob;
};

ParameterizedTestParameters(core, buckets_add_up_to_the_cycles_whatever_happens)
{
	static struct bucket_case cases[] = {{CORE_IN_ORDER, 1, 1}, {CORE_IN_ORDER, 3, 1},
					     {CORE_WINDOW, 1, 1},   {CORE_WINDOW, 3, 7},
					     {CORE_WINDOW, 6, 224}, {CORE_WINDOW, 16, 4096}};
	return cr_make_param_array(struct bucket_case, cases, sizeof(cases) / sizeof(cases[0]));
}

static void expect_whole(struct rig *g)
{
	uint64_t sum = 0;
	struct err err;
	core_finish(&g->core);
	for (unsigned b = 0; b < BUCKET_COUNT; b++) sum += g->core.stats.cycles_by_bucket[b];
	cr_assert(eq(u64, sum, g->core.stats.cycles));
	cr_assert(eq(int, core_check_sums(&g->core, &err), OK), "%s", err.text);
}

ParameterizedTest(struct bucket_case *c, core, buckets_add_up_to_the_cycles_whatever_happens)
{
	struct rig g;
	struct rng r;
	describe(&g, (enum core_model)c->model);
	g.params.width = c->width;
	g.params.rob = c->rob;
	build_rig(&g);
	rng_init(&r, c->rob, "buckets");
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t before = g.core.retire;
		run_one(&g, random_record(&r));
		cr_assert(ge(u64, g.core.retire, before), "time goes on");
		if (i % 1000 == 0) expect_whole(&g);
		if (i == 10000) core_reset_stats(&g.core);
	}
	expect_whole(&g);
	cr_expect(lt(u64, 0, g.core.stats.cycles));
	close_rig(&g);
}

/* --- what a core does not know, and faults ------------------------------------------------------------------------- */

Test(core, a_record_that_is_no_access_stops_the_run_before_it)
{
	struct record rec[3] = {{.addr = DATA, .count = 8, .gap = 1, .kind = REC_LOAD},
				{.kind = REC_MARKER, .count = 1},
				{.addr = DATA, .count = 8, .gap = 1, .kind = REC_LOAD}};
	struct rig g;
	struct err err;
	size_t executed;
	describe(&g, CORE_WINDOW);
	build_rig(&g);
	cr_expect(eq(int, core_run(&g.core, rec, 3, &executed, &err), OK));
	cr_expect(eq(sz, executed, 1));
	cr_expect(eq(u64, g.core.stats.loads, 1));
	close_rig(&g);
}

static enum status map_it(void *owner, const struct mmu_fault *f, cycles_t now, struct core_spent *spent,
			  struct err *err)
{
	(void)now;
	if (f->va.raw >> 40) return err_set(err, ERR_INPUT, "no such address");
	mmu_world_map_page(owner, 0, 0, f->va.raw, 0x345678000);
	spent->cycles[BUCKET_EXCEPTION][1] = 1000;
	spent->cycles[BUCKET_HYPERVISOR][2] = 500;
	return OK;
}

/* A world with an empty address space: a load walks one level and faults. */
static void open_faulting(struct mmu_world *w, struct core *c, const struct core_params *p)
{
	static struct tlb_params tlb = {.name = "l1",
					.level = 1,
					.side = SIDE_UNIFIED,
					.entries = 48,
					.ways = 48,
					.pages = UINT64_MAX};
	struct param_list tlbs = {&tlb, 1};
	struct walker_params walker = {.walkers = 1, .first_cache = 1};
	struct mmu_setup s = {.user = {12, 48, 0}, .kernel = {12, 48, 0}, .stage2 = {12, 40, 1}};
	mmu_world_init(w, &s);
	mmu_world_machine(w, &tlbs, &walker, NULL);
	core_init(c, p, w->mmu, &w->mem);
	c->on_fault = map_it;
	c->fault_owner = w;
}

ParameterizedTestParameters(core, a_fault_costs_its_handler_and_the_access_goes_on)
{
	return cr_make_param_array(struct model_case, models, 2);
}

ParameterizedTest(struct model_case *m, core, a_fault_costs_its_handler_and_the_access_goes_on)
{
	struct core_params p = {
		.model = m->model, .width = 1, .rob = 64, .store_buffer = 4, .split_pages = 1};
	struct record load = {.addr = 0x5000, .count = 8, .gap = 1, .kind = REC_LOAD};
	struct mmu_world w;
	struct core c;
	struct err err;
	size_t executed;
	open_faulting(&w, &c, &p);
	cr_assert(eq(int, core_run(&c, &load, 1, &executed, &err), OK));
	core_finish(&c);
	cr_expect(eq(u64, c.stats.faults, 1));
	cr_expect(eq(u64, c.stats.cycles_by_bucket[BUCKET_EXCEPTION], 1000));
	cr_expect(eq(u64, c.stats.cycles_by_bucket[BUCKET_HYPERVISOR], 500));
	cr_expect(eq(u64, c.stats.cycles_by_bucket[BUCKET_DATA_TRANSLATION], 5 * DRAM),
		  "one descriptor, then four");
	cr_expect(eq(u64, c.stats.cycles_by_bucket[BUCKET_DATA_MEMORY], DRAM));
	cr_expect(eq(u64, c.stats.cycles, 1 + 1500 + 6 * DRAM));
	core_fini(&c);
	mmu_world_fini(&w);
}

Test(core, a_fault_that_cannot_be_handled_ends_the_run_at_its_record)
{
	struct core_params p = {
		.model = CORE_WINDOW, .width = 1, .rob = 64, .store_buffer = 4, .split_pages = 1};
	struct record rec[2] = {{.addr = 0x5000, .count = 8, .gap = 1, .kind = REC_LOAD},
				{.addr = UINT64_C(1) << 41, .count = 8, .gap = 1, .kind = REC_LOAD}};
	struct mmu_world w;
	struct core c;
	struct err err;
	size_t executed;
	open_faulting(&w, &c, &p);
	cr_expect(eq(int, core_run(&c, rec, 2, &executed, &err), ERR_INPUT));
	cr_expect(eq(sz, executed, 1));
	cr_expect(eq(str, err.text, (char *)"no such address"));
	core_fini(&c);
	mmu_world_fini(&w);
}

/* --- barriers and TLB maintenance ------------------------------------------------------------------------------------ */

enum { TLBI_ISSUE = 3, TLBI_HERE = 50, TLBI_EVERYWHERE = 700, BARRIER = 9 };
enum { CRM_NSHST = 6, CRM_NSH = 7, CRM_ISHLD = 9, CRM_ISHST = 10, CRM_ISH = 11 };

static void build_with_maintenance(struct rig *g)
{
	describe(g, CORE_WINDOW);
	build_rig(g);
	core_set_maintenance(&g->core, &(struct primitive_params){.tlbi_cycles = TLBI_ISSUE,
								  .tlbi_local_cycles = TLBI_HERE,
								  .tlbi_broadcast_cycles = TLBI_EVERYWHERE,
								  .dsb_cycles = BARRIER});
}

struct dsb_case {
	unsigned broadcast, crm;
	uint64_t waits; /* for one TLBI */
};
static struct dsb_case dsb_cases[] = {
	{1, CRM_ISH, TLBI_EVERYWHERE}, {0, CRM_ISH, TLBI_HERE}, {1, CRM_NSH, TLBI_HERE},
	{0, CRM_NSH, TLBI_HERE},       {1, CRM_ISHST, 0},       {1, CRM_ISHLD, 0}};

ParameterizedTestParameters(core, a_dsb_waits_for_the_tlbis_of_its_domain)
{
	return cr_make_param_array(struct dsb_case, dsb_cases, sizeof(dsb_cases) / sizeof(dsb_cases[0]));
}

ParameterizedTest(struct dsb_case *c, core, a_dsb_waits_for_the_tlbis_of_its_domain)
{
	struct rig g;
	build_with_maintenance(&g);
	core_tlbi(&g.core, c->broadcast);
	core_dsb(&g.core, c->crm);
	cr_expect(eq(u64, bucket(&g, BUCKET_TLB_MAINTENANCE), TLBI_ISSUE + c->waits));
	cr_expect(eq(u64, bucket(&g, BUCKET_BARRIER), BARRIER));
	core_dsb(&g.core, c->crm);
	cr_expect(eq(u64, cycles(&g), TLBI_ISSUE + c->waits + 2 * BARRIER),
		  "a second DSB has nothing to wait for");
	close_rig(&g);
}

Test(core, tlbis_complete_beside_each_other_and_beside_what_the_core_does)
{
	enum { TLBIS = 10, WORK = 200 };
	struct rig g;
	build_with_maintenance(&g);
	run_accesses(&g, REC_LOAD, 0, DATA, 0, 1);
	core_dsb(&g.core, CRM_ISH);
	core_reset_stats(&g.core);
	for (int i = 0; i < TLBIS; i++) core_tlbi(&g.core, true);
	run_accesses(&g, REC_LOAD, 0, DATA, 0, WORK);
	core_dsb(&g.core, CRM_ISH);
	cr_expect(eq(u64, cycles(&g), TLBIS * TLBI_ISSUE + TLBI_EVERYWHERE + BARRIER));
	cr_expect(eq(u64, bucket(&g, BUCKET_BASE), WORK));
	close_rig(&g);
}

Test(core, a_dsb_waits_for_stores_that_have_left_the_core_unless_it_is_for_loads)
{
	struct rig g;
	build_with_maintenance(&g);
	run_accesses(&g, REC_STORE, 0, DATA, 0, 1);
	core_dsb(&g.core, CRM_ISHLD);
	cr_expect(eq(u64, bucket(&g, BUCKET_BARRIER), BARRIER));
	core_dsb(&g.core, CRM_ISHST);
	cr_expect(ge(u64, core_now(&g.core), DRAM), "the line came from memory");
	cr_expect(eq(u64, bucket(&g, BUCKET_TLB_MAINTENANCE), 0));
	close_rig(&g);
}
