/* One cache against a naive model, and its miss registers. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "mem/cache.h"

enum { LINE_LIMIT = 1 << 20 };

static struct cache *open_cache(uint64_t sets, uint64_t ways, uint64_t policy, uint64_t mshrs)
{
	struct cache_params p = {.name = "l1",
				 .level = 1,
				 .size = sets * ways * 64,
				 .ways = ways,
				 .line = 64,
				 .hit_cycles = 4,
				 .mshrs = mshrs,
				 .policy = policy,
				 .write_back = 1,
				 .write_allocate = 1};
	struct cache *c;
	struct err err;
	cr_assert(eq(int, cache_new(&p, LINE_LIMIT, &c, &err), OK), "%s", err.text);
	return c;
}

static void expect_refusal(uint64_t size, uint64_t ways, uint64_t policy, uint64_t limit, const char *text)
{
	struct cache_params p = {.name = "l2", .size = size, .ways = ways, .line = 64, .policy = policy};
	struct cache *c;
	struct err err;
	cr_expect(eq(int, cache_new(&p, limit, &c, &err), ERR_CONFIG));
	cr_expect(eq(str, err.text, (char *)text));
}

Test(cache, what_does_not_fit_together_is_refused_by_name)
{
	expect_refusal(
		3 * 64 * 4, 4, REPL_lru, LINE_LIMIT,
		"caches.l2: size 768 = sets x ways 4 x line 64 must give a number of sets and a line that are "
		"powers of two");
	expect_refusal(
		64, 2, REPL_lru, LINE_LIMIT,
		"caches.l2: size 64 = sets x ways 2 x line 64 must give a number of sets and a line that are "
		"powers of two");
	expect_refusal(64 * 4, 4, REPL_lru, UINT64_C(1) << 32,
		       "caches.l2: 1 sets are too few to tag memory up to 0x4000000000");
}

/* --- against a naive model ----------------------------------------------------------------------------------------- */

struct naive_line {
	uint64_t line, stamp;
	bool valid, dirty;
};

struct naive {
	struct naive_line *line;
	uint64_t sets, ways, clock;
};

static struct naive_line *naive_find(struct naive *n, uint64_t line)
{
	struct naive_line *row = &n->line[line % n->sets * n->ways];
	for (uint64_t w = 0; w < n->ways; w++)
		if (row[w].valid && row[w].line == line) return &row[w];
	return NULL;
}

static struct naive_line naive_install(struct naive *n, uint64_t line, bool dirty)
{
	struct naive_line *row = &n->line[line % n->sets * n->ways], *to = row, out;
	for (uint64_t w = 1; w < n->ways && to->valid; w++)
		if (!row[w].valid || row[w].stamp < to->stamp) to = &row[w];
	out = *to;
	*to = (struct naive_line){line, ++n->clock, true, dirty};
	return out;
}

struct cache_case {
	unsigned sets, ways;
};

ParameterizedTestParameters(cache, behaves_as_an_array_of_lines_with_stamps)
{
	static struct cache_case cases[] = {{1, 1}, {1, 64}, {64, 1}, {16, 2}, {16, 3},
					    {4, 5}, {8, 16}, {2, 17}, {4, 33}};
	return cr_make_param_array(struct cache_case, cases, sizeof(cases) / sizeof(cases[0]));
}

static void expect_victim(struct cache_victim have, struct naive_line want)
{
	cr_assert(eq(int, have.valid, want.valid));
	if (!want.valid) return;
	cr_assert(eq(u64, have.line, want.line));
	cr_assert(eq(int, have.dirty, want.dirty));
}

static void one_step(struct cache *c, struct naive *n, struct rng *r)
{
	uint64_t line = rng_below(r, 3 * n->sets * n->ways) * (rng_below(r, 16) ? 1 : 97) % LINE_LIMIT;
	struct naive_line *want = naive_find(n, line);
	cr_assert(eq(int, cache_holds(c, line), want != NULL));
	if (rng_below(r, 16) == 0) {
		struct naive_line gone = want ? *want : (struct naive_line){0};
		expect_victim(cache_drop(c, line), gone);
		if (want) want->valid = false;
		return;
	}
	cr_assert(eq(int, cache_find(c, line) != CACHE_MISS, want != NULL));
	bool dirty = rng_below(r, 3) == 0;
	if (want)
		want->stamp = ++n->clock;
	else
		expect_victim(cache_install(c, line, dirty, 0), naive_install(n, line, dirty));
}

ParameterizedTest(struct cache_case *p, cache, behaves_as_an_array_of_lines_with_stamps)
{
	struct cache *c = open_cache(p->sets, p->ways, REPL_lru, 1);
	struct naive n = {.sets = p->sets, .ways = p->ways};
	struct rng r;
	n.line = calloc(n.sets * n.ways, sizeof(*n.line));
	rng_init(&r, p->ways, "cache");
	for (unsigned i = 0; i < 20000; i++) {
		one_step(c, &n, &r);
		if (i % 64 == 0) cache_check(c);
	}
	free(n.line);
	cache_free(c);
}

struct policy_case {
	unsigned kind;
};

ParameterizedTestParameters(cache, every_policy_holds_its_size_and_no_line_twice)
{
	static struct policy_case cases[REPL_COUNT];
	for (unsigned k = 0; k < REPL_COUNT; k++) cases[k].kind = k;
	return cr_make_param_array(struct policy_case, cases, REPL_COUNT);
}

ParameterizedTest(struct policy_case *p, cache, every_policy_holds_its_size_and_no_line_twice)
{
	struct cache *c = open_cache(8, 12, p->kind, 1);
	struct rng r;
	rng_init(&r, p->kind, "policy");
	for (unsigned i = 0; i < 5000; i++) {
		uint64_t line = rng_below(&r, 300);
		if (cache_find(c, line) == CACHE_MISS) cache_install(c, line, false, 0);
		cr_assert(ne(int, cache_find(c, line), CACHE_MISS), "a line just filled is there");
	}
	cache_check(c);
	unsigned held = 0;
	for (uint64_t line = 0; line < 300; line++) held += cache_holds(c, line);
	cr_expect(eq(u32, held, 8 * 12));
	cr_expect(eq(u64, c->stats.fills - c->stats.evictions, 8 * 12));
	cache_free(c);
}

/* --- miss registers ------------------------------------------------------------------------------------------------ */

static cycles_t reserve(struct cache *c, cycles_t now, cycles_t ends)
{
	unsigned slot;
	cycles_t start = cache_mshr_reserve(c, now, &slot);
	cache_mshr_take(c, slot, 0, ends);
	return start;
}

Test(cache, a_miss_waits_for_the_first_register_to_be_free_and_not_longer)
{
	struct cache *c = open_cache(8, 2, REPL_lru, 2);
	cr_expect(eq(u64, reserve(c, 10, 110), 10));
	cr_expect(eq(u64, reserve(c, 10, 60), 10));
	cr_expect(eq(u64, reserve(c, 20, 160), 60), "the second ends first");
	cr_expect(eq(u64, c->stats.mshr_wait_cycles, 40));
	cr_expect(eq(u64, reserve(c, 109, 300), 110), "one cycle before one is free");
	cr_expect(eq(u64, reserve(c, 160, 400), 160), "the cycle at which it is");
	cr_expect(eq(u64, c->stats.mshr_wait_cycles, 41));
	cache_free(c);
}

/* The first register that is free, or else the one that is free first. */
static unsigned naive_choice(const cycles_t *done, unsigned n, cycles_t now)
{
	unsigned first = 0;
	for (unsigned i = 0; i < n; i++) {
		if (done[i] <= now) return i;
		if (done[i] < done[first]) first = i;
	}
	return first;
}

Test(cache, many_miss_registers_are_chosen_as_few_are)
{
	enum { REGISTERS = 100 };
	struct cache *c = open_cache(4, 2, REPL_lru, REGISTERS);
	cycles_t done[REGISTERS] = {0}, now = 0;
	struct rng r;
	rng_init(&r, 1, "registers");
	for (unsigned step = 0; step < 20000; step++) {
		unsigned slot, want;
		now += rng_below(&r, 8);
		want = naive_choice(done, REGISTERS, now);
		cycles_t from = cache_mshr_reserve(c, now, &slot);
		cr_assert(eq(uint, slot, want));
		cr_assert(eq(u64, from, done[want] > now ? done[want] : now));
		done[slot] = from + 1 + rng_below(&r, 700);
		cache_mshr_take(c, slot, step, done[slot]);
	}
	cr_expect(lt(u64, 0, c->stats.mshr_wait_cycles), "they were all taken at times");
	cache_free(c);
}
