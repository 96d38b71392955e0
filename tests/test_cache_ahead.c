/* Prefetchers in caches: when lines arrive, what they cost others, how they are counted, and what must hold with them as without. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "mem/cache_ahead.h"
#include "mem/coherence.h"
#include "mem/mem.h"

enum { L1 = 4, L2 = 11, L3 = 30, DRAM = 100, FRAME = 64, CORES = 2 };
static const uint64_t base = 0x80000000;

/* Two cores; l1i, l1d, l2 of their own over an l3 that they share. */
struct side {
	struct cache_params cache[4];
	struct param_list caches;
	struct node_params node;
	struct memory_params memory;
	struct coherence_params sharing;
	struct coherence coherence;
	struct mem_side *mem;
	struct mem_cpu cpu[CORES];
	struct repl_flow flow;
};

static struct cache_params cache_of(const char *name, uint64_t level, uint64_t side, uint64_t size,
				    uint64_t hit_cycles)
{
	return (struct cache_params){
		.name = name,
		.level = level,
		.side = side,
		.size = size,
		.ways = 4,
		.line = 64,
		.hit_cycles = hit_cycles,
		.mshrs = 16,
		.write_back = 1,
		.write_allocate = 1,
		.prefetch = {.degree = 1, .distance = 4, .confirm = 2, .table_entries = 16}};
}

/* 32 lines each over 64 and 128. */
static void describe(struct side *s)
{
	memset(s, 0, sizeof(*s));
	s->cache[0] = cache_of("l1i", 1, CACHE_INSTRUCTION, 2048, L1);
	s->cache[1] = cache_of("l1d", 1, CACHE_DATA, 2048, L1);
	s->cache[2] = cache_of("l2", 2, CACHE_UNIFIED, 4096, L2);
	s->cache[3] = cache_of("l3", 3, CACHE_UNIFIED, 8192, L3);
	s->cache[3].shared = SHARE_ALL;
	s->caches = (struct param_list){s->cache, 4};
	s->node = (struct node_params){"node", 1 << 21, DRAM, 10000000};
	s->memory = (struct memory_params){.base = base, .nodes = {&s->node, 1}};
	s->sharing = (struct coherence_params){
		.cluster_ns = 40, .die_ns = 60, .socket_ns = 80, .machine_ns = 200, .far_atomic_ns = 5};
}

static void build(struct side *s, bool directory)
{
	static const struct topology_params one_die;
	struct err err;
	cr_assert(eq(int, mem_new(&s->memory, &s->caches, 1000, &s->mem, &err), OK), "%s", err.text);
	coherence_init(&s->coherence, &s->sharing, &one_die, 1000, L1);
	if (directory) mem_use_directory(s->mem, &s->coherence);
	for (unsigned i = 0; i < CORES; i++) {
		cr_assert(eq(int, mem_cpu_init(&s->cpu[i], s->mem, i, &err), OK), "%s", err.text);
		s->cpu[i].flow = &s->flow;
	}
}

static void describe_with(struct side *s, unsigned level, unsigned kind)
{
	describe(s);
	s->cache[level].prefetch.kind = kind;
}

static void open_side(struct side *s, unsigned level, unsigned kind)
{
	describe_with(s, level, kind);
	build(s, false);
}

static void check_all(struct side *s)
{
	struct err err;
	cr_assert(eq(int, mem_check_sums(s->mem, &err), OK), "%s", err.text);
	for (unsigned n = 0; n < CORES; n++)
		for (unsigned i = 0; i < s->cpu[n].owned_count; i++) cache_check(s->cpu[n].owned[i]);
	cache_check(s->cpu[0].data.level[2]);
}

static void close_side(struct side *s)
{
	check_all(s);
	for (unsigned i = 0; i < CORES; i++) mem_cpu_fini(&s->cpu[i]);
	mem_free(s->mem);
}

/* Completion of an access of the first core to line `n` of memory, less `now`. */
static cycles_t latency_for(struct side *s, uint64_t n, enum access_kind kind, enum req_cause cause,
			    cycles_t now)
{
	unsigned served;
	struct mem_req r = {.pa = {base + 64 * n}, .kind = (uint8_t)kind, .cause = (uint8_t)cause};
	return mem_access(&s->cpu[0].data, &r, now, 0, &served) - now;
}

static cycles_t latency(struct side *s, uint64_t n, cycles_t now)
{
	return latency_for(s, n, ACCESS_READ, CAUSE_DATA, now);
}

static struct cache *level(const struct side *s, unsigned n) { return s->cpu[0].data.level[n]; }
static const struct cache_ahead_stats *ahead(const struct side *s, unsigned n)
{
	return &level(s, n)->ahead->stats;
}
static bool holds(const struct side *s, unsigned n, uint64_t line)
{
	return cache_holds(level(s, n), base / 64 + line);
}

/* --- time ---------------------------------------------------------------------------------------------------------- */

Test(cache_ahead, a_line_arrives_when_it_was_asked_for_and_its_latency_has_passed_and_not_a_cycle_before)
{
	for (unsigned early = 0; early < 2; early++) {
		struct side s;
		open_side(&s, 1, LINE_PREFETCH_next_line);
		cr_expect(eq(u64, latency(&s, 0, 1000), DRAM));
		cr_expect(eq(u64, latency(&s, 1, 1000 + DRAM - L1 - early), L1 + early));
		cr_expect(eq(u64, ahead(&s, 0)->used, 1));
		cr_expect(eq(u64, ahead(&s, 0)->late, early));
		cr_expect(eq(u64, ahead(&s, 0)->late_cycles, early));
		cr_expect(eq(u64, level(&s, 0)->stats.merged, early));
		cr_expect(eq(u64, level(&s, 0)->stats.hits, 1 - early));
		close_side(&s);
	}
}

Test(cache_ahead, a_line_that_a_farther_cache_has_comes_from_there)
{
	struct side s;
	open_side(&s, 1, LINE_PREFETCH_next_line);
	struct mem_req r = {.pa = {base + 64}};
	unsigned served;
	mem_access(&s.cpu[1].data, &r, 0, 0, &served); /* the other core: lines 1 and 2 are in the l3 now */
	latency(&s, 0, 1000);
	cr_expect(eq(u64, latency(&s, 1, 1000 + L3 - L1 - 1), L1 + 1));
	close_side(&s);
}

/* 64 bytes in 40 cycles; windows are of 256 cycles. */
Test(cache_ahead, prefetches_take_the_bandwidth_that_others_then_lack)
{
	cycles_t last[2];
	for (unsigned on = 0; on < 2; on++) {
		struct side s;
		describe_with(&s, 1, on ? LINE_PREFETCH_next_line : LINE_PREFETCH_none);
		s.cache[1].prefetch.degree = 8;
		s.node.bandwidth_MBps = 1600;
		build(&s, false);
		latency(&s, 0, 0);
		last[on] = latency(&s, 1000, 1);
		close_side(&s);
	}
	cr_expect(eq(u64, last[0], DRAM));
	cr_expect(lt(u64, DRAM + 100, last[1]));
}

Test(cache_ahead, a_request_goes_before_what_it_makes_a_prefetcher_ask_for)
{
	struct side s;
	describe_with(&s, 1, LINE_PREFETCH_next_line);
	s.cache[1].prefetch.degree = 8;
	s.cache[1].mshrs = 1;
	s.node.bandwidth_MBps = 1600;
	build(&s, false);
	cr_expect(eq(u64, latency(&s, 0, 0), DRAM));
	close_side(&s);
}

Test(cache_ahead, a_prefetch_that_finds_no_miss_register_free_is_dropped)
{
	struct side s;
	describe_with(&s, 1, LINE_PREFETCH_next_line);
	s.cache[1].prefetch.degree = 4;
	s.cache[1].mshrs = 3;
	build(&s, false);
	latency(&s, 0, 1000);
	cr_expect(eq(u64, ahead(&s, 0)->proposed, 4));
	cr_expect(eq(u64, ahead(&s, 0)->filled, 2), "the request has one of three");
	cr_expect(eq(u64, ahead(&s, 0)->no_register, 2));
	cr_expect(eq(u64, level(&s, 0)->stats.mshr_wait_cycles, 0));
	latency(&s, 16, 1000 + DRAM);
	cr_expect(eq(u64, ahead(&s, 0)->filled, 4), "they are free again");
	close_side(&s);
}

Test(cache_ahead, where_nothing_takes_time_lines_come_at_once)
{
	struct side s;
	open_side(&s, 1, LINE_PREFETCH_next_line);
	s.cpu[0].data.untimed = true;
	mem_settle(&s.cpu[0].data);
	latency(&s, 0, 0);
	cr_expect(holds(&s, 0, 1));
	s.cpu[0].data.untimed = false;
	mem_settle(&s.cpu[0].data);
	cr_expect(eq(u64, latency(&s, 1, 0), L1));
	cr_expect(eq(u64, ahead(&s, 0)->late, 0));
	close_side(&s);
}

/* --- which lines --------------------------------------------------------------------------------------------------- */

Test(cache_ahead, prefetches_stop_at_the_end_of_the_frame)
{
	struct side s;
	describe_with(&s, 1, LINE_PREFETCH_next_line);
	s.cache[1].prefetch.degree = 4;
	build(&s, false);
	latency(&s, FRAME - 3, 0);
	cr_expect(holds(&s, 0, FRAME - 2) && holds(&s, 0, FRAME - 1));
	cr_expect(not(holds(&s, 0, FRAME) || holds(&s, 0, FRAME + 1)));
	cr_expect(eq(u64, ahead(&s, 0)->outside, 2));
	cr_expect(eq(u64, ahead(&s, 0)->filled, 2));
	close_side(&s);
}

Test(cache_ahead, a_prefetch_fills_its_cache_and_those_behind_it)
{
	struct side s;
	open_side(&s, 2, LINE_PREFETCH_next_line);
	latency(&s, 0, 0);
	cr_expect(not(holds(&s, 0, 1)));
	cr_expect(holds(&s, 1, 1) && holds(&s, 2, 1));
	close_side(&s);
}

Test(cache_ahead, what_is_there_or_on_its_way_is_not_asked_for_again)
{
	struct side s;
	open_side(&s, 1, LINE_PREFETCH_next_line);
	latency(&s, 1, 0);
	latency(&s, 0, 0);
	cr_expect(eq(u64, ahead(&s, 0)->held, 1));
	cr_expect(eq(u64, ahead(&s, 0)->filled, 1), "line 2");
	close_side(&s);
}

Test(cache_ahead, what_a_nearer_cache_has_is_not_asked_for)
{
	struct side s;
	open_side(&s, 2, LINE_PREFETCH_next_line);
	latency(&s, 1, 0);
	cache_drop(level(&s, 1), base / 64 + 1);
	latency(&s, 0, 1000);
	cr_expect(eq(u64, ahead(&s, 1)->held, 1));
	cr_expect(not(holds(&s, 1, 1)));
	close_side(&s);
}

Test(cache_ahead, descriptor_reads_use_lines_but_train_only_where_walks_says_so)
{
	for (unsigned walks = 0; walks < 2; walks++) {
		struct side s;
		describe_with(&s, 1, LINE_PREFETCH_next_line);
		s.cache[1].prefetch.walks = walks;
		build(&s, false);
		latency_for(&s, 100, ACCESS_READ, CAUSE_S1_WALK, 0);
		latency_for(&s, 120, ACCESS_READ, CAUSE_S2_FINAL, 0);
		cr_expect(eq(u64, ahead(&s, 0)->trained, 2 * walks));
		cr_expect(eq(int, holds(&s, 0, 101), walks));
		latency(&s, 0, 1000);
		latency_for(&s, 1, ACCESS_READ, CAUSE_S1_WALK, 2000);
		cr_expect(eq(u64, ahead(&s, 0)->used, 1));
		cr_expect(eq(int, holds(&s, 0, 2), walks), "its first use trains as it does");
		close_side(&s);
	}
}

Test(cache_ahead, devices_train_nobody)
{
	struct side s;
	open_side(&s, 1, LINE_PREFETCH_next_line);
	latency_for(&s, 0, ACCESS_READ, CAUSE_DEVICE, 0);
	cr_expect(eq(u64, ahead(&s, 0)->trained, 0));
	close_side(&s);
}

Test(cache_ahead, stride_sees_hits_and_whose_instructions_they_are)
{
	struct side s;
	describe_with(&s, 1, LINE_PREFETCH_stride);
	s.cache[1].prefetch.distance = 1;
	build(&s, false);
	for (uint64_t i = 0; i < 8; i++) { /* two instructions in turns, each within a line at first */
		struct mem_req r = {.pa = {base + 16 * i}};
		unsigned served;
		s.flow.pc = 0x1000;
		mem_access(&s.cpu[0].data, &r, 1000 * i, 0, &served);
		s.flow.pc = 0x2000;
		r.pa.raw = base + 2048 - 16 * i;
		mem_access(&s.cpu[0].data, &r, 1000 * i + 500, 0, &served);
	}
	cr_expect(eq(u64, ahead(&s, 0)->trained, 16));
	cr_expect(holds(&s, 0, 2), "0x1000 goes up: line 2 is next after 112");
	cr_expect(eq(u64, ahead(&s, 0)->late, 0));
	cr_expect(eq(u64, ahead(&s, 0)->filled, ahead(&s, 0)->used + 1));
	close_side(&s);
}

/* --- counters ------------------------------------------------------------------------------------------------------ */

Test(cache_ahead, a_prefetch_is_no_access_of_any_level)
{
	struct side s;
	open_side(&s, 1, LINE_PREFETCH_next_line);
	latency(&s, 0, 0);
	for (unsigned n = 0; n < 3; n++) {
		cr_expect(eq(u64, level(&s, n)->stats.accesses, 1), "level %u", n);
		cr_expect(eq(u64, level(&s, n)->stats.misses, 1), "level %u", n);
		cr_expect(eq(u64, level(&s, n)->stats.fills, 2), "level %u", n);
	}
	cr_expect(eq(u64, mem_nodes(s.mem, &(unsigned){0})->stats.reads, 2));
	close_side(&s);
}

Test(cache_ahead, a_line_is_used_once_and_unused_if_it_leaves_before)
{
	struct side s;
	open_side(&s, 1, LINE_PREFETCH_next_line_on_miss);
	latency(&s, 0, 0);
	latency(&s, 1, 1000);
	latency(&s, 1, 1010);
	cr_expect(eq(u64, ahead(&s, 0)->used, 1));
	latency(&s, 8, 2000); /* brings 9, which nobody uses; then four lines push it out of its set */
	cr_expect(eq(u64, ahead(&s, 0)->pending, 1));
	for (uint64_t i = 2; i < 6; i++) latency(&s, 8 * i + 1, 1000 * i + 1000);
	cr_expect(not(holds(&s, 0, 9)));
	cr_expect(eq(u64, ahead(&s, 0)->unused, 1));
	close_side(&s);
}

/* Lines 1, 9, 17 and 25 fill a set, which a prefetch of 33 then enters. */
Test(cache_ahead, a_miss_on_what_a_prefetch_pushed_out_is_pollution_and_counted_once)
{
	struct side s;
	open_side(&s, 1, LINE_PREFETCH_next_line_on_miss);
	for (uint64_t i = 0; i < 4; i++) latency(&s, 8 * i + 1, 1000 * i);
	cr_expect(eq(u64, ahead(&s, 0)->polluting, 0));
	latency(&s, 32, 10000);
	cr_expect(not(holds(&s, 0, 1)));
	latency(&s, 1, 20000);
	cr_expect(eq(u64, ahead(&s, 0)->polluting, 1));
	for (uint64_t i = 1; i < 6; i++) latency(&s, 64 * i + 1, 30000 + 1000 * i);
	latency(&s, 1, 40000);
	cr_expect(eq(u64, ahead(&s, 0)->polluting, 1), "requests pushed it out the second time");
	close_side(&s);
}

Test(cache_ahead, what_a_prefetch_has_brought_back_is_no_pollution_any_more)
{
	struct side s;
	open_side(&s, 1, LINE_PREFETCH_next_line_on_miss);
	for (uint64_t i = 0; i < 4; i++) latency(&s, 8 * i + 1, 1000 * i);
	latency(&s, 32, 10000); /* pushes line 1 out */
	latency(&s, 0, 20000);  /* and this brings it back */
	cr_assert(holds(&s, 0, 1));
	for (uint64_t i = 1; i < 6; i++) latency(&s, 64 * i + 1, 30000 + 1000 * i);
	cr_assert(not(holds(&s, 0, 1)));
	latency(&s, 1, 40000);
	cr_expect(eq(u64, ahead(&s, 0)->polluting, 0), "requests pushed it out");
	close_side(&s);
}

Test(cache_ahead, a_nearer_caches_prefetch_uses_what_was_brought)
{
	struct side s;
	describe_with(&s, 2, LINE_PREFETCH_next_line);
	s.cache[1].prefetch.kind = LINE_PREFETCH_next_line;
	build(&s, false);
	struct mem_req r = {.pa = {base}};
	unsigned served;
	mem_access(&s.cpu[0].data, &r, 0, 1, &served); /* a walk's way: the l2 first, which brings line 1 */
	cr_expect(eq(u64, ahead(&s, 1)->pending, 1));
	latency(&s, 0, 1000); /* the l1d brings line 1 from there */
	cr_expect(eq(u64, ahead(&s, 1)->used, 1));
	cr_expect(eq(u64, ahead(&s, 1)->trained, 1), "but nobody is trained by it");
	close_side(&s);
}

Test(cache_ahead, an_exclusive_cache_has_no_prefetcher)
{
	struct side s;
	struct err err;
	describe_with(&s, 3, LINE_PREFETCH_next_line);
	s.cache[3].inclusion = INCL_EXCLUSIVE;
	cr_assert(eq(int, mem_new(&s.memory, &s.caches, 1000, &s.mem, &err), OK), "%s", err.text);
	cr_expect(eq(int, mem_cpu_init(&s.cpu[0], s.mem, 0, &err), ERR_CONFIG));
	cr_expect(eq(
		str, err.text,
		"caches.l3.prefetch.kind: next_line, but an exclusive cache holds only what was evicted above it"));
	mem_free(s.mem);
}

Test(cache_ahead, who_asks_where_cycles_go_sees_the_request_alone)
{
	struct side s;
	struct why why = {0};
	struct err err;
	open_side(&s, 1, LINE_PREFETCH_next_line);
	s.cpu[0].data.why = &why;
	mem_settle(&s.cpu[0].data);
	for (uint64_t i = 0; i < 3; i++) {
		cycles_t begin = 1000 + 50 * i;
		why_reset(&why);
		size_t all = why_add(&why, &(struct why_span){.begin = begin, .kind = WHY_MEMORY});
		why.depth = 1;
		cycles_t took = latency(&s, i, begin);
		why.depth = 0;
		why.span[all].end = begin + took;
		cr_expect(eq(int, why_check(&why, &err), OK), "%s", err.text);
		cr_expect(eq(u8, why.span[why.count - 1].kind, i ? WHY_ARRIVAL : WHY_DRAM));
	}
	why_fini(&why);
	s.cpu[0].data.why = NULL;
	close_side(&s);
}

/* --- what holds with prefetchers as without ------------------------------------------------------------------------ */

struct kind_case {
	unsigned kind, inclusion, directory;
};

static struct criterion_test_params all_kinds(void)
{
	static struct kind_case cases[(LINE_PREFETCH_COUNT - 1) * 4];
	unsigned n = 0;
	for (unsigned kind = 1; kind < LINE_PREFETCH_COUNT; kind++)
		for (unsigned i = 0; i < 4; i++) cases[n++] = (struct kind_case){kind, i & 1, i >> 1};
	return cr_make_param_array(struct kind_case, cases, n);
}

static void open_random(struct side *s, const struct kind_case *c)
{
	describe(s);
	for (unsigned i = 0; i < 4; i++) {
		s->cache[i].prefetch.kind = c->kind;
		s->cache[i].prefetch.degree = 3;
		s->cache[i].prefetch.walks = 1;
		if (i > 1) s->cache[i].inclusion = c->inclusion ? INCL_INCLUSIVE : INCL_NINE;
	}
	s->cache[1].mshrs = 6;
	s->cache[1].policy = REPL_srrip;
	build(s, c->directory);
}

/* Both cores' three instructions, each with a stride of its own, and strays; of data of both, and of code that nobody writes. */
struct programs {
	uint64_t at[3];
};

static void random_access(struct side *s, struct rng *r, struct programs *p, cycles_t now)
{
	static const uint64_t stride[3] = {16, 64, 192};
	unsigned served, core = (unsigned)rng_below(r, CORES), which = (unsigned)rng_below(r, 3);
	p->at[which] = rng_below(r, 20) ? p->at[which] + stride[which] : 64 * rng_below(r, 500);
	struct mem_req q = {.pa = {base + p->at[which] % 32000},
			    .kind = (uint8_t)rng_below(r, 3),
			    .cause = rng_below(r, 4) ? CAUSE_DATA : (uint8_t)rng_below(r, CAUSE_COUNT)};
	bool fetch = q.kind == ACCESS_FETCH;
	if (fetch) q.pa.raw += 32000;
	s->flow.pc = 4 * which;
	mem_access(fetch ? &s->cpu[core].fetch : &s->cpu[core].data, &q, now, rng_below(r, 8) == 0, &served);
}

static void expect_included(const struct side *s)
{
	for (uint64_t line = 0; line < 1000; line++)
		for (unsigned core = 0; core < CORES; core++) {
			const struct mem_port *data = &s->cpu[core].data, *fetch = &s->cpu[core].fetch;
			uint64_t at = base / 64 + line;
			bool near = cache_holds(data->level[0], at) || cache_holds(fetch->level[0], at);
			bool second = cache_holds(data->level[1], at),
			     third = cache_holds(data->level[2], at);
			cr_assert(not(near && !second), "line %lu", line);
			cr_assert(not(second && !third), "line %lu", line);
		}
}

#define ALL_KINDS(sentence) \
	ParameterizedTestParameters(cache_ahead, sentence) { return all_kinds(); } \
	ParameterizedTest(struct kind_case *c, cache_ahead, sentence)

ALL_KINDS(inclusive_caches_hold_what_is_above_them_and_every_line_is_accounted_for)
{
	struct side s;
	struct rng r;
	struct programs p = {0};
	open_random(&s, c);
	rng_init(&r, c->kind, "cache_ahead");
	for (uint64_t i = 0; i < 6000; i++) {
		random_access(&s, &r, &p, 20 * i);
		if (i % 50) continue;
		check_all(&s);
		if (c->inclusion) expect_included(&s);
		for (unsigned n = 0; n < 3; n++) {
			const struct cache_ahead_stats *a = ahead(&s, n);
			cr_assert(eq(u64, a->filled, a->used + a->unused + a->pending), "level %u", n);
			cr_assert(le(u64, a->late, a->used));
		}
	}
	cr_expect(lt(u64, 0, ahead(&s, 0)->used));
	cr_expect(lt(u64, 0, ahead(&s, 0)->unused));
	close_side(&s);
}

static bool is_dirty(const struct cache *c, uint64_t line)
{
	int way = cache_way_of(c, line);
	return way != CACHE_MISS && (cache_marks(c, cache_set_of(c, line))[way] & CACHE_DIRTY);
}

static bool core_has(const struct side *s, unsigned core, uint64_t line, bool dirty)
{
	bool has = false;
	for (unsigned n = 0; n < 2; n++) {
		const struct cache *c = s->cpu[core].data.level[n];
		has |= dirty ? is_dirty(c, line) : cache_holds(c, line);
	}
	return has;
}

/* Data only: fetches are not kept coherent. */
ALL_KINDS(of_a_line_that_one_core_has_written_no_prefetch_leaves_another_core_a_copy)
{
	struct side s;
	struct rng r;
	uint64_t at = 0;
	if (!c->directory) return;
	open_random(&s, c);
	rng_init(&r, c->kind, "coherent");
	for (uint64_t i = 0; i < 6000; i++) {
		unsigned served, core = (unsigned)rng_below(&r, CORES);
		at = rng_below(&r, 8) ? at + 32 : 64 * rng_below(&r, 100);
		struct mem_req q = {.pa = {base + at % 6400},
				    .kind = rng_below(&r, 3) ? ACCESS_READ : ACCESS_WRITE};
		mem_access(&s.cpu[core].data, &q, 30 * i, 0, &served);
		for (uint64_t line = base / 64; line < base / 64 + 110; line++)
			cr_assert(not(core_has(&s, 0, line, true) && core_has(&s, 1, line, false)));
		for (uint64_t line = base / 64; line < base / 64 + 110; line++)
			cr_assert(not(core_has(&s, 1, line, true) && core_has(&s, 0, line, false)));
	}
	close_side(&s);
}

ALL_KINDS(the_same_accesses_end_at_the_same_cycles)
{
	static struct side s[2];
	struct rng r[2];
	struct programs p[2] = {0};
	for (unsigned k = 0; k < 2; k++) {
		open_random(&s[k], c);
		rng_init(&r[k], c->kind, "twice");
	}
	for (uint64_t i = 0; i < 3000; i++)
		for (unsigned k = 0; k < 2; k++) random_access(&s[k], &r[k], &p[k], 25 * i);
	for (unsigned n = 0; n < 3; n++) {
		cr_expect(eq(
			int,
			memcmp(&level(&s[0], n)->stats, &level(&s[1], n)->stats, sizeof(struct cache_stats)),
			0));
		cr_expect(eq(int, memcmp(ahead(&s[0], n), ahead(&s[1], n), sizeof(struct cache_ahead_stats)),
			     0));
	}
	for (unsigned k = 0; k < 2; k++) close_side(&s[k]);
}
