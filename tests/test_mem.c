/* The memory side: latencies, lines under way, inclusion, writes, nodes. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "mem/mem.h"

enum { L1 = 4, L2 = 11, DRAM = 100 };
static const uint64_t base = 0x80000000;

/* A memory side with one core. */
struct side {
	struct cache_params cache[4];
	struct param_list caches;
	struct node_params node[2];
	struct memory_params memory;
	struct mem_side *mem;
	struct mem_cpu cpu;
};

static struct cache_params cache_of(const char *name, uint64_t level, uint64_t size, uint64_t ways,
				    uint64_t hit_cycles)
{
	return (struct cache_params){.name = name,
				     .level = level,
				     .side = CACHE_UNIFIED,
				     .size = size,
				     .ways = ways,
				     .line = 64,
				     .hit_cycles = hit_cycles,
				     .mshrs = 16,
				     .write_back = 1,
				     .write_allocate = 1};
}

/* 8 lines in 4 sets over 32 lines in 8 sets over 100 cycles of memory, at 1 GHz. */
static void describe(struct side *s)
{
	memset(s, 0, sizeof(*s));
	s->cache[0] = cache_of("l1", 1, 512, 2, L1);
	s->cache[1] = cache_of("l2", 2, 2048, 4, L2);
	s->caches = (struct param_list){s->cache, 2};
	for (unsigned i = 0; i < 2; i++)
		s->node[i] = (struct node_params){"node", 1 << 21, DRAM + 50 * i, 10000000};
	s->memory = (struct memory_params){.base = base, .nodes = {s->node, 2}};
}

static void build(struct side *s)
{
	struct err err;
	cr_assert(eq(int, mem_new(&s->memory, &s->caches, 1000, &s->mem, &err), OK), "%s", err.text);
	cr_assert(eq(int, mem_cpu_init(&s->cpu, s->mem, 0, &err), OK), "%s", err.text);
}

static void close_side(struct side *s)
{
	struct err err;
	cr_expect(eq(int, mem_check_sums(s->mem, &err), OK), "%s", err.text);
	for (unsigned i = 0; i < s->cpu.owned_count; i++) cache_check(s->cpu.owned[i]);
	mem_cpu_fini(&s->cpu);
	mem_free(s->mem);
}

/* Completion of an access to line `n` of memory, less `now`. */
static cycles_t latency(struct side *s, uint64_t n, enum access_kind kind, cycles_t now)
{
	unsigned served;
	struct mem_req r = {.pa = {base + 64 * n}, .kind = (uint8_t)kind};
	return mem_access(&s->cpu.data, &r, now, 0, &served) - now;
}

static const struct mem_node *node(struct side *s, unsigned n)
{
	return &mem_nodes(s->mem, &(unsigned){0})[n];
}

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

/* Split first level, private second, shared third. */
static void make_three(struct side *s, enum inclusion second, enum inclusion third)
{
	s->cache[2] = s->cache[1];
	s->cache[1] = s->cache[0];
	s->cache[0].name = "l1i";
	s->cache[0].side = CACHE_INSTRUCTION;
	s->cache[1].name = "l1d";
	s->cache[1].side = CACHE_DATA;
	s->cache[2].inclusion = second;
	s->cache[3] = cache_of("l3", 3, 4096, 4, 30);
	s->cache[3].shared = 1;
	s->cache[3].inclusion = third;
	s->caches.count = 4;
}

static void build_three(struct side *s, enum inclusion second, enum inclusion third)
{
	make_three(s, second, third);
	build(s);
}

static void describe_three(struct side *s, enum inclusion second, enum inclusion third)
{
	describe(s);
	build_three(s, second, third);
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

static void expect_same_counters(const struct side *a, const struct side *b)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct mem_port *p = i ? &a->cpu.fetch : &a->cpu.data,
				      *q = i ? &b->cpu.fetch : &b->cpu.data;
		for (unsigned l = 0; l < p->levels; l++)
			cr_assert(not(memcmp(&p->level[l]->stats, &q->level[l]->stats,
					     sizeof(struct cache_stats))),
				  "level %u", l + 1);
	}
	cr_assert(not(memcmp(&node((struct side *)a, 0)->stats, &node((struct side *)b, 0)->stats,
			     sizeof(struct mem_node_stats))));
}

static void set_plain(struct side *s, bool plain)
{
	s->cpu.data.plain = s->cpu.fetch.plain = plain;
	mem_settle(&s->cpu.data);
	mem_settle(&s->cpu.fetch);
}

/* The levels of a side: both nearest caches, the second and the third. */
struct levels {
	uint64_t policy[3], ways[3];
	enum inclusion second, third;
};

static void set_shape(struct cache_params *c, const struct levels *l, unsigned level, uint64_t sets)
{
	c->policy = l->policy[level];
	c->ways = l->ways[level];
	c->size = sets * c->ways * 64;
}

/* Requests that overlap, of two sides of which one never has plain misses, and the other not always; some begin at the second level. */
static void compare_plain(const struct levels *l)
{
	struct side side[2];
	struct rng r;
	for (unsigned i = 0; i < 2; i++) {
		describe(&side[i]);
		set_shape(&side[i].cache[0], l, 0, 4);
		set_shape(&side[i].cache[1], l, 1, 8);
		side[i].cache[0].mshrs = 3;
		make_three(&side[i], l->second, l->third);
		set_shape(&side[i].cache[3], l, 2, 16);
		build(&side[i]);
	}
	cr_assert(side[0].cpu.data.plain && side[0].cpu.fetch.plain);
	set_plain(&side[1], false);
	rng_init(&r, l->policy[0], "plain");
	for (uint64_t i = 0; i < 4000; i++) {
		struct mem_req q = {.pa = {base + 64 * rng_below(&r, i % 3 ? 300 : 3000)},
				    .kind = (uint8_t)rng_below(&r, 3),
				    .cause = (uint8_t)rng_below(&r, CAUSE_COUNT)};
		cycles_t now = i * 10 + rng_below(&r, 300), done[2];
		unsigned served[2], first = (unsigned)rng_below(&r, 2);
		set_plain(&side[0], i / 200 % 4);
		for (unsigned k = 0; k < 2; k++)
			done[k] = mem_access(q.kind == ACCESS_FETCH ? &side[k].cpu.fetch : &side[k].cpu.data,
					     &q, now, first, &served[k]);
		cr_assert(eq(u64, done[0], done[1]));
		cr_assert(eq(uint, served[0], served[1]));
		expect_same_counters(&side[0], &side[1]);
	}
	cr_expect(lt(u64, 0, side[0].cpu.data.level[0]->stats.merged));
	cr_expect(lt(u64, 0, side[0].cpu.data.level[0]->stats.mshr_wait_cycles));
	for (unsigned i = 0; i < 2; i++) close_side(&side[i]);
}

Test(mem, a_miss_where_nothing_looks_on_does_what_every_miss_does)
{
	for (uint64_t p = 0; p < REPL_COUNT; p++) {
		if (repl_policies[p]->shared_bytes) continue; /* not plain */
		compare_plain(&(struct levels){{p, p, 0}, {2, 4, 4}, INCL_INCLUSIVE, INCL_NINE});
		compare_plain(&(struct levels){{p, p, 0}, {2, 4, 4}, INCL_NINE, INCL_INCLUSIVE});
	}
}

Test(mem, a_level_compiled_for_its_shape_does_what_any_level_does)
{
	static const uint64_t ways[] = {3, 8, 12, 16};
	static const uint64_t policy[] = {REPL_lru, REPL_tree_plru, REPL_srrip};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		for (size_t k = 0; k < sizeof(policy) / sizeof(policy[0]); k++)
			compare_plain(&(struct levels){
				{policy[k], policy[k], 0}, {2, ways[i], 4}, INCL_INCLUSIVE, INCL_NINE});
}

Test(mem, levels_compiled_together_do_what_each_of_them_does)
{
	static const struct levels levels[] = {
		{{REPL_tree_plru, REPL_srrip, REPL_srrip}, {4, 8, 16}, INCL_INCLUSIVE, INCL_NINE},
		{{REPL_tree_plru, REPL_srrip, REPL_srrip}, {4, 8, 18}, INCL_INCLUSIVE, INCL_INCLUSIVE},
		{{REPL_tree_plru, REPL_tree_plru, REPL_srrip}, {4, 8, 24}, INCL_NINE, INCL_NINE},
		{{REPL_tree_plru, REPL_srrip, REPL_srrip}, {8, 12, 16}, INCL_INCLUSIVE, INCL_NINE},
	};
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) compare_plain(&levels[i]);
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
