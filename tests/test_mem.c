/* The memory side: latencies, lines under way, inclusion, writes, nodes. */
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "mem_world.h"

/* --- latency ------------------------------------------------------------------------------------------------------- */

Test(mem, a_request_takes_the_latency_of_the_level_that_has_its_line)
{
	struct side s;
	describe(&s);
	build(&s);
	cr_expect(eq(u64, latency(&s, 0, ACCESS_READ, 1000), DRAM));
	cr_expect(eq(u64, latency(&s, 0, ACCESS_READ, 2000), L1));
	latency(&s, 4, ACCESS_READ, 3000);
	latency(&s, 8, ACCESS_READ, 4000);
	cr_expect(eq(u64, latency(&s, 0, ACCESS_READ, 5000), L2),
		  "pushed out of the first level by two others");
	cr_expect(eq(u64, latency(&s, (1 << 21) / 64, ACCESS_READ, 6000), DRAM + 50), "the second node");
	cr_expect(eq(u64, node(&s, 0)->stats.reads, 3));
	cr_expect(eq(u64, node(&s, 1)->stats.reads, 1));
	close_side(&s);
}

Test(mem, a_request_that_begins_at_the_second_level_leaves_the_first_alone)
{
	struct side s;
	unsigned served;
	struct mem_req r = {.pa = {base}};
	describe(&s);
	build(&s);
	cr_expect(eq(u64, mem_access(&s.cpu.data, &r, 0, 1, &served), DRAM));
	cr_expect(eq(u32, served, 2));
	cr_expect(eq(u64, mem_access(&s.cpu.data, &r, 1000, 1, &served), 1000 + L2));
	cr_expect(eq(u32, served, 1));
	cr_expect(eq(u64, s.cpu.data.level[0]->stats.accesses, 0));
	cr_expect(eq(u64, latency(&s, 0, ACCESS_READ, 2000), L2));
	close_side(&s);
}

Test(mem, without_caches_every_read_takes_the_latency_of_its_node)
{
	struct side s;
	describe(&s);
	s.caches.count = 0;
	build(&s);
	for (uint64_t i = 0; i < 3; i++) cr_expect(eq(u64, latency(&s, 0, ACCESS_READ, 1000 * i), DRAM));
	cr_expect(eq(u64, latency(&s, 0, ACCESS_WRITE, 9000), 0), "nobody waits for a write");
	close_side(&s);
}

Test(mem, a_line_under_way_is_ready_when_it_arrives_and_not_a_cycle_before)
{
	struct side s;
	describe(&s);
	build(&s);
	latency(&s, 0, ACCESS_READ, 1000);
	const struct cache_stats *l1 = &s.cpu.data.level[0]->stats;
	cr_expect(eq(u64, latency(&s, 0, ACCESS_READ, 1000 + DRAM - L1 - 1), L1 + 1));
	cr_expect(eq(u64, l1->merged, 1));
	cr_expect(eq(u64, latency(&s, 0, ACCESS_READ, 1000 + DRAM - L1), L1));
	cr_expect(eq(u64, l1->merged, 1));
	cr_expect(eq(u64, l1->hits, 1));
	cr_expect(eq(u64, node(&s, 0)->stats.reads, 1));
	close_side(&s);
}

/* The first level misses a line that a walker, say, has on its way to the second. */
Test(mem, a_line_under_way_to_the_second_level_is_waited_for_there)
{
	for (cycles_t late = 0; late < 2; late++) {
		struct side s;
		unsigned served;
		struct mem_req r = {.pa = {base}};
		describe(&s);
		build(&s);
		mem_access(&s.cpu.data, &r, 1000, 1, &served);
		const struct cache_stats *l2 = &s.cpu.data.level[1]->stats;
		cr_expect(eq(u64, latency(&s, 0, ACCESS_READ, 1000 + DRAM - L2 - 1 + late), L2 + 1 - late));
		cr_expect(eq(u64, l2->merged, 1 - late));
		cr_expect(eq(u64, l2->hits, late));
		close_side(&s);
	}
}

Test(mem, misses_beyond_the_miss_registers_wait_for_one)
{
	struct side s;
	describe(&s);
	s.cache[0].mshrs = 2;
	build(&s);
	for (uint64_t i = 0; i < 6; i++)
		cr_expect(eq(u64, latency(&s, i, ACCESS_READ, 0), DRAM * (i / 2 + 1)), "miss %lu", i);
	cr_expect(eq(u64, s.cpu.data.level[0]->stats.mshr_wait_cycles, 2 * DRAM + 2 * 2 * DRAM));
	close_side(&s);
}

Test(mem, security_states_do_not_share_lines)
{
	struct side s;
	unsigned served;
	describe(&s);
	build(&s);
	for (unsigned state = SEC_NONSECURE; state <= SEC_ROOT; state++) {
		struct mem_req r = {.pa = {base}, .security = (uint8_t)state};
		mem_access(&s.cpu.data, &r, 1000 * state, 0, &served);
		cr_expect(eq(u32, served, 2), "state %u", state);
	}
	close_side(&s);
}

/* --- against a naive model ----------------------------------------------------------------------------------------- */

struct naive_line {
	uint64_t line, stamp;
	bool valid, dirty;
};

struct naive_cache {
	struct naive_line line[64];
	uint64_t sets, ways, hits, misses;
	bool write_back, write_allocate;
	unsigned inclusion;
};

struct naive {
	struct naive_cache level[2];
	uint64_t clock, reads, writes;
};

static struct naive_line *naive_find(struct naive *n, unsigned level, uint64_t line)
{
	struct naive_cache *c = &n->level[level];
	for (uint64_t i = 0; i < c->sets * c->ways; i++)
		if (c->line[i].valid && c->line[i].line == line) return &c->line[i];
	return NULL;
}

static struct naive_line *naive_use(struct naive *n, unsigned level, uint64_t line)
{
	struct naive_line *l = naive_find(n, level, line);
	if (l) l->stamp = ++n->clock;
	return l;
}

static struct naive_line *naive_insert(struct naive *n, unsigned level, uint64_t line, bool dirty);
static void naive_write_down(struct naive *n, unsigned level, uint64_t line);

/* What leaves a level: its copies above an inclusive one go, too; dirty lines move down, and clean ones into an
 * exclusive cache. */
static void naive_evict(struct naive *n, unsigned level, struct naive_line out)
{
	struct naive_line *above = level == 1 ? naive_find(n, 0, out.line) : NULL;
	if (above && n->level[1].inclusion == INCL_INCLUSIVE) {
		out.dirty |= above->dirty;
		above->valid = false;
	}
	if (out.dirty)
		naive_write_down(n, level + 1, out.line);
	else if (level == 0 && n->level[1].inclusion == INCL_EXCLUSIVE && !naive_find(n, 1, out.line))
		naive_insert(n, 1, out.line, false);
}

static struct naive_line *naive_insert(struct naive *n, unsigned level, uint64_t line, bool dirty)
{
	struct naive_cache *c = &n->level[level];
	struct naive_line *row = &c->line[line % c->sets * c->ways], *to = row, out;
	for (uint64_t w = 1; w < c->ways && to->valid; w++)
		if (!row[w].valid || row[w].stamp < to->stamp) to = &row[w];
	out = *to;
	*to = (struct naive_line){line, ++n->clock, true, dirty};
	if (out.valid) naive_evict(n, level, out);
	return to;
}

static void naive_write_down(struct naive *n, unsigned level, uint64_t line)
{
	if (level == 2 || !n->level[level].write_back) {
		n->writes++;
		return;
	}
	struct naive_line *l = naive_use(n, level, line);
	if (l)
		l->dirty = true;
	else
		naive_insert(n, level, line, true);
}

static void naive_written(struct naive *n, unsigned level, struct naive_line *l)
{
	if (n->level[level].write_back)
		l->dirty = true;
	else
		naive_write_down(n, level + 1, l->line);
}

static void naive_miss(struct naive *n, uint64_t line, bool write)
{
	bool first_takes = !write || n->level[0].write_allocate, dirty = false;
	bool second_takes = first_takes || n->level[1].write_allocate;
	struct naive_line *l = naive_use(n, 1, line);
	n->level[0].misses++;
	n->level[1].hits += l != NULL;
	n->level[1].misses += l == NULL;
	if (!l && second_takes) n->reads++;
	if (!first_takes && l) {
		naive_written(n, 1, l);
		return;
	}
	if (!first_takes && !second_takes) {
		n->writes++;
		return;
	}
	if (l && n->level[1].inclusion == INCL_EXCLUSIVE) {
		dirty = l->dirty;
		l->valid = false;
	}
	if (!l && (n->level[1].inclusion != INCL_EXCLUSIVE || !first_takes))
		l = naive_insert(n, 1, line, false);
	if (first_takes) l = naive_insert(n, 0, line, dirty);
	if (write) naive_written(n, first_takes ? 0 : 1, l);
}

static void naive_access(struct naive *n, uint64_t line, bool write)
{
	struct naive_line *l = naive_use(n, 0, line);
	if (!l) {
		naive_miss(n, line, write);
		return;
	}
	n->level[0].hits++;
	if (write) naive_written(n, 0, l);
}

struct model_case {
	unsigned inclusion, back1, allocate1, back2, allocate2;
};

ParameterizedTestParameters(mem, two_levels_behave_as_a_naive_model_of_them)
{
	static struct model_case cases[48];
	for (unsigned i = 0; i < 48; i++)
		cases[i] = (struct model_case){i / 16, i & 1, i >> 1 & 1, i >> 2 & 1, i >> 3 & 1};
	return cr_make_param_array(struct model_case, cases, 48);
}

static void expect_like(struct side *s, const struct naive *n)
{
	for (unsigned l = 0; l < 2; l++) {
		const struct cache_stats *have = &s->cpu.data.level[l]->stats;
		cr_assert(eq(u64, have->hits, n->level[l].hits), "level %u", l + 1);
		cr_assert(eq(u64, have->misses, n->level[l].misses), "level %u", l + 1);
	}
	cr_assert(eq(u64, node(s, 0)->stats.reads, n->reads));
	cr_assert(eq(u64, node(s, 0)->stats.writes, n->writes));
}

ParameterizedTest(struct model_case *c, mem, two_levels_behave_as_a_naive_model_of_them)
{
	static struct naive n;
	struct side s;
	struct rng r;
	describe(&s);
	s.cache[1].inclusion = c->inclusion;
	s.cache[0].write_back = c->back1, s.cache[0].write_allocate = c->allocate1;
	s.cache[1].write_back = c->back2, s.cache[1].write_allocate = c->allocate2;
	n.level[0] = (struct naive_cache){
		.sets = 4, .ways = 2, .write_back = c->back1, .write_allocate = c->allocate1};
	n.level[1] = (struct naive_cache){.sets = 8,
					  .ways = 4,
					  .write_back = c->back2,
					  .write_allocate = c->allocate2,
					  .inclusion = c->inclusion};
	build(&s);
	rng_init(&r, c->inclusion, "mem");
	for (uint64_t i = 0; i < 5000; i++) {
		uint64_t line = rng_below(&r, rng_below(&r, 2) ? 12 : 80);
		bool write = rng_below(&r, 3) == 0;
		latency(&s, line, write ? ACCESS_WRITE : ACCESS_READ, i * 1000);
		naive_access(&n, line, write);
		expect_like(&s, &n);
		for (unsigned l = 0; l < 2; l++)
			cr_assert(eq(int, cache_holds(s.cpu.data.level[l], base / 64 + line),
				     naive_find(&n, l, line) != NULL));
	}
	close_side(&s);
}

/* --- three levels, two ports --------------------------------------------------------------------------------------- */

static void describe_three(struct side *s, enum inclusion second, enum inclusion third)
{
	describe(s);
	make_three(s, second, third);
	build(s);
}

/* Every line that a first-level cache holds is in the level below. */
static void expect_included(const struct side *s, const struct cache *below)
{
	for (uint64_t line = base / 64; line < base / 64 + 300; line++) {
		bool above = cache_holds(s->cpu.data.level[0], line) ||
			     cache_holds(s->cpu.fetch.level[0], line);
		cr_assert(not(above && !cache_holds(below, line)), "line 0x%lx of %s", line,
			  below->params.name);
	}
}

static void use_both_ports(struct side *s, struct rng *r, cycles_t now)
{
	unsigned served;
	struct mem_req q = {.pa = {base + 64 * rng_below(r, 300)}, .kind = (uint8_t)rng_below(r, 3)};
	mem_access(q.kind == ACCESS_FETCH ? &s->cpu.fetch : &s->cpu.data, &q, now, 0, &served);
}

Test(mem, an_inclusive_cache_holds_what_the_caches_above_it_hold)
{
	struct side s;
	struct rng r;
	describe_three(&s, INCL_INCLUSIVE, INCL_INCLUSIVE);
	rng_init(&r, 1, "inclusive");
	for (uint64_t i = 0; i < 3000; i++) {
		use_both_ports(&s, &r, i * 100);
		if (i % 8) continue;
		expect_included(&s, s.cpu.data.level[1]);
		expect_included(&s, s.cpu.data.level[2]);
	}
	cr_expect(lt(u64, 0, s.cpu.data.level[0]->stats.invalidations));
	close_side(&s);
}

Test(mem, an_exclusive_cache_holds_nothing_that_the_cache_above_it_holds)
{
	struct side s;
	struct rng r;
	describe(&s);
	s.cache[1].inclusion = INCL_EXCLUSIVE;
	build(&s);
	rng_init(&r, 1, "exclusive");
	for (uint64_t i = 0; i < 3000; i++) {
		latency(&s, rng_below(&r, 60), rng_below(&r, 2) ? ACCESS_WRITE : ACCESS_READ, i * 100);
		for (uint64_t line = base / 64; line < base / 64 + 60; line++)
			cr_assert(not(cache_holds(s.cpu.data.level[0], line) &&
				      cache_holds(s.cpu.data.level[1], line)));
	}
	close_side(&s);
}

/* 8 lines and 32 lines: an exclusive pair holds 40, an inclusive one 32. */
Test(mem, exclusive_levels_hold_the_sum_of_their_sizes)
{
	for (unsigned inclusion = INCL_INCLUSIVE; inclusion <= INCL_EXCLUSIVE; inclusion++) {
		struct side s;
		describe(&s);
		s.cache[1].inclusion = inclusion;
		build(&s);
		for (uint64_t round = 0; round < 4; round++)
			for (uint64_t i = 0; i < 40; i++)
				latency(&s, i, ACCESS_READ, 100000 * round + 1000 * i);
		cr_expect(eq(u64, node(&s, 0)->stats.reads, inclusion == INCL_EXCLUSIVE ? 40 : 160));
		close_side(&s);
	}
}

/* An outer shared cache is inclusive of the shared cache above it as well. */
Test(mem, a_shared_inclusive_cache_takes_lines_out_of_a_shared_cache_above_it)
{
	struct side s;
	describe(&s);
	s.cache[1].shared = 1;
	s.cache[2] = cache_of("l3", 3, 512, 2, 30);
	s.cache[2].shared = 1;
	s.cache[2].inclusion = INCL_INCLUSIVE;
	s.caches.count = 3;
	build(&s);
	for (uint64_t i = 0; i < 3; i++) latency(&s, 4 * i, ACCESS_READ, 1000 * i);
	cr_expect(not(cache_holds(s.cpu.data.level[2], base / 64)));
	cr_expect(not(cache_holds(s.cpu.data.level[1], base / 64)));
	cr_expect(not(cache_holds(s.cpu.data.level[0], base / 64)));
	mem_cpu_fini(&s.cpu);
	mem_free(s.mem);
}

Test(mem, a_dirty_line_reaches_memory_once)
{
	struct side s;
	describe(&s);
	build(&s);
	latency(&s, 0, ACCESS_WRITE, 0);
	for (uint64_t i = 1; i < 20; i++) latency(&s, 8 * i, ACCESS_READ, 1000 * i);
	cr_expect(eq(u64, node(&s, 0)->stats.writes, 1));
	close_side(&s);
}

Test(mem, a_write_that_no_cache_takes_is_posted_and_reads_nothing)
{
	struct side s;
	describe(&s);
	s.cache[0].write_allocate = s.cache[1].write_allocate = 0;
	build(&s);
	cr_expect(eq(u64, latency(&s, 0, ACCESS_WRITE, 0), 0));
	cr_expect(eq(u64, node(&s, 0)->stats.reads, 0));
	cr_expect(eq(u64, node(&s, 0)->stats.writes, 1));
	close_side(&s);
}
