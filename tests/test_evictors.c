/* Whose doing misses are: counts against a second TLB or cache that the program has for itself. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "mem/cache.h"
#include "repl/evictors.h"
#include "tlb/tlb.h"

enum { AGENTS = 6, LINE_LIMIT = 1 << 20 };

static const struct agent agents[AGENTS] = {{AGENT_PROGRAM, 0, 0},    {AGENT_KERNEL, 0, 0},
					    {AGENT_HYPERVISOR, 0, 0}, {AGENT_VMM, 0, 0},
					    {AGENT_FIRMWARE, 0, 0},   {AGENT_PROGRAM, 0, 1}};

static uint64_t sum(const struct evictors_stats *s)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < EVICTOR_COUNT; i++) sum += s->misses_by_evictor[i];
	return sum;
}

/* --- caches -------------------------------------------------------------------------------------------------------- */

static struct cache *open_cache(uint64_t sets, uint64_t ways, bool counts)
{
	struct cache_params p = {.name = "l1",
				 .level = 1,
				 .size = sets * ways * 64,
				 .ways = ways,
				 .line = 64,
				 .hit_cycles = 4,
				 .mshrs = 1,
				 .policy = REPL_lru};
	struct cache *c;
	struct err err;
	cr_assert(eq(int, cache_new(&p, LINE_LIMIT, &c, &err), OK), "%s", err.text);
	if (counts) cache_count_evictors(c);
	return c;
}

/* True: a miss. */
static bool access_cache(struct cache *c, struct agent a, uint64_t line)
{
	if (cache_find(c, line) != CACHE_MISS) return false;
	if (c->evictors) {
		evictors_act(c->evictors, a);
		cache_ask_evictors(c, line);
	}
	cache_install(c, line, false, false);
	return true;
}

struct interference {
	unsigned sets, ways, agents, percent; /* of accesses that are the first program's */
};

static struct interference interferences[] = {{1, 4, 2, 50},  {4, 2, 2, 90}, {16, 8, 5, 70}, {8, 4, 5, 20},
					      {4, 4, 1, 100}, {2, 1, 2, 50}, {32, 16, 2, 95}};

ParameterizedTestParameters(evictors, misses_of_a_cache_are_anothers_doing_iff_it_would_hit_alone)
{
	return cr_make_param_array(struct interference, interferences,
				   sizeof(interferences) / sizeof(interferences[0]));
}

/* Lines come again soon, or late, or never: half of them are among a few. */
static uint64_t any_line(struct rng *r, unsigned agent, uint64_t capacity)
{
	uint64_t span = rng_below(r, 2) ? capacity / 2 + 1 : 2 * capacity;
	return (uint64_t)agent << 16 | rng_below(r, span);
}

ParameterizedTest(struct interference *p, evictors,
		  misses_of_a_cache_are_anothers_doing_iff_it_would_hit_alone)
{
	struct cache *all = open_cache(p->sets, p->ways, true), *alone = open_cache(p->sets, p->ways, false);
	uint64_t anothers = 0, misses = 0;
	struct rng r;
	rng_init(&r, 3, "evictors");
	for (unsigned i = 0; i < 200000; i++) {
		unsigned who = rng_below(&r, 100) < p->percent || p->agents == 1
				       ? 0
				       : 1 + (unsigned)rng_below(&r, p->agents - 1);
		uint64_t line = any_line(&r, who, p->sets * p->ways);
		bool missed = access_cache(all, agents[who], line);
		bool would = who == 0 ? access_cache(alone, agents[0], line) : true;
		misses += who == 0 && missed;
		anothers += missed && !would;
		cr_assert(missed || would || who == 0, "a cache for itself misses less");
	}
	cr_expect(eq(u64, sum(evictors_stats(all->evictors)), anothers), "of %llu",
		  (unsigned long long)misses);
	cr_expect(eq(int, anothers == 0, p->agents == 1));
	cr_expect(eq(u64, evictors_stats(all->evictors)->forgotten, 0));
	cache_free(all);
	cache_free(alone);
}

/* Two processes: each has a cache of its own to be compared with. */
Test(evictors, of_two_processes_each_is_the_others_evictor)
{
	enum { SETS = 16, WAYS = 8, SLICE = 50 };
	struct cache *all = open_cache(SETS, WAYS, true);
	struct cache *alone[2] = {open_cache(SETS, WAYS, false), open_cache(SETS, WAYS, false)};
	const struct agent process[2] = {agents[0], agents[5]};
	uint64_t anothers = 0;
	struct rng r;
	rng_init(&r, 4, "evictors");
	for (unsigned i = 0; i < 200000; i++) {
		unsigned who = i / SLICE % 2;
		uint64_t line = any_line(&r, who, SETS * WAYS);
		bool missed = access_cache(all, process[who], line);
		anothers += !access_cache(alone[who], process[who], line) && missed;
	}
	const struct evictors_stats *s = evictors_stats(all->evictors);
	cr_expect(eq(u64, s->misses_by_evictor[EVICTOR_PROCESS], anothers));
	cr_expect(eq(u64, sum(s), s->misses_by_evictor[EVICTOR_PROCESS]));
	cr_expect(eq(u64, s->forgotten, 0), "two programs have room for what both would hold");
	for (unsigned i = 0; i < 2; i++) cache_free(alone[i]);
	cache_free(all);
}

Test(evictors, who_took_the_way_is_to_blame)
{
	static const enum evictor expected[AGENTS] = {[1] = EVICTOR_KERNEL,
						      [2] = EVICTOR_HYPERVISOR,
						      [3] = EVICTOR_VMM,
						      [4] = EVICTOR_FIRMWARE,
						      [5] = EVICTOR_PROCESS};
	for (unsigned who = 1; who < AGENTS; who++) {
		struct cache *c = open_cache(1, 2, true);
		access_cache(c, agents[0], 1);
		access_cache(c, agents[0], 2);
		access_cache(c, agents[who], 77); /* in place of 1 */
		access_cache(c, agents[0], 1);    /* in place of 2, which it would have beside 1 */
		access_cache(c, agents[0], 2);
		const struct evictors_stats *s = evictors_stats(c->evictors);
		cr_expect(eq(u64, s->misses_by_evictor[expected[who]], 2));
		cr_expect(eq(u64, sum(s), 2));
		cache_free(c);
	}
}

Test(evictors, what_a_program_would_have_pushed_out_itself_is_its_own_doing)
{
	struct cache *c = open_cache(1, 2, true);
	access_cache(c, agents[0], 1);
	access_cache(c, agents[0], 2);
	access_cache(c, agents[1], 77); /* in place of 1 */
	access_cache(c, agents[0], 3);
	access_cache(c, agents[0], 1); /* alone, 3 had pushed it out */
	cr_expect(eq(u64, sum(evictors_stats(c->evictors)), 0));
	cache_free(c);
}

Test(evictors, a_program_on_another_core_is_named)
{
	struct cache *c = open_cache(1, 1, true);
	access_cache(c, (struct agent){AGENT_PROGRAM, 0, 0}, 1);
	access_cache(c, (struct agent){AGENT_PROGRAM, 1, 0}, 2);
	access_cache(c, (struct agent){AGENT_PROGRAM, 0, 0}, 1);
	cr_expect(eq(u64, evictors_stats(c->evictors)->misses_by_evictor[EVICTOR_CORE], 1));
	cache_free(c);
}

/* --- TLBs ---------------------------------------------------------------------------------------------------------- */

static struct tlb *open_tlb(unsigned sets, unsigned ways, uint64_t coalesce, bool counts)
{
	struct tlb_params p = {.name = "l2",
			       .level = 2,
			       .side = SIDE_UNIFIED,
			       .entries = sets * ways,
			       .ways = ways,
			       .pages = UINT64_MAX,
			       .policy = REPL_lru,
			       .coalesce = coalesce,
			       .coalesce_pages = 4};
	struct tlb *t;
	struct err err;
	cr_assert(eq(int, tlb_new(&p, &t, &err), OK), "%s", err.text);
	if (counts) tlb_count_evictors(t);
	return t;
}

static tlb_tag_t tag_of(unsigned agent) { return tlb_tag(REGIME_EL10, SEC_NONSECURE, 1, (uint16_t)agent); }

static bool access_tlb(struct tlb *t, unsigned agent, uint64_t page)
{
	uint64_t va = page << 12;
	if (tlb_find(t, va, tag_of(agent))) return false;
	struct tlb_fill f = {
		.va = va,
		.pa = va,
		.bits = 12,
		.run_bits = 12,
		.like = {.tag = tag_of(agent), .tag_mask = TLB_TAG_ALL, .s1_bits = 12, .level = 4}};
	if (t->evictors) {
		evictors_act(t->evictors, agents[agent]);
		tlb_ask_evictors(t, &f);
	}
	tlb_fill(t, &f);
	return true;
}

static void invalidate(struct tlb *t, uint64_t page)
{
	struct tlb_match m = {.by_address = true,
			      .first = page << 12,
			      .last = page << 12,
			      .tag = tag_of(0),
			      .tag_mask = TLB_TAG_ALL};
	tlb_invalidate(t, &m);
}

ParameterizedTestParameters(evictors, misses_of_a_tlb_are_anothers_doing_iff_it_would_hit_alone)
{
	return cr_make_param_array(struct interference, interferences,
				   sizeof(interferences) / sizeof(interferences[0]));
}

/* A page that a TLBI took would be missing alone, too. */
ParameterizedTest(struct interference *p, evictors, misses_of_a_tlb_are_anothers_doing_iff_it_would_hit_alone)
{
	struct tlb *all = open_tlb(p->sets, p->ways, 0, true);
	struct tlb *alone = open_tlb(p->sets, p->ways, 0, false);
	uint64_t anothers = 0;
	struct rng r;
	rng_init(&r, 5, "evictors");
	for (unsigned i = 0; i < 100000; i++) {
		unsigned who = rng_below(&r, 100) < p->percent || p->agents == 1
				       ? 0
				       : 1 + (unsigned)rng_below(&r, p->agents - 1);
		uint64_t page = any_line(&r, who, p->sets * p->ways);
		bool missed = access_tlb(all, who, page);
		anothers += who == 0 && !access_tlb(alone, 0, page) && missed;
		if (rng_below(&r, 20)) continue;
		page = any_line(&r, 0, p->sets * p->ways);
		invalidate(all, page);
		invalidate(alone, page);
	}
	cr_expect(eq(u64, sum(evictors_stats(all->evictors)), anothers));
	cr_expect(eq(int, anothers == 0, p->agents == 1));
	tlb_free(all);
	tlb_free(alone);
}

Test(evictors, lines_of_a_tlb_count_as_a_whole)
{
	struct tlb *t = open_tlb(1, 2, TLB_COMPLETE, true);
	access_tlb(t, 0, 0);
	access_tlb(t, 0, 4);
	access_tlb(t, 1, 8);
	access_tlb(t, 1, 12);
	access_tlb(t, 0, 0);
	access_tlb(t, 0, 1); /* it stands beside 0 in a line that is the program's again */
	cr_expect(eq(u64, evictors_stats(t->evictors)->misses_by_evictor[EVICTOR_KERNEL], 1));
	tlb_free(t);
}
