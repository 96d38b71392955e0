/* Replacement policies: the contract of repl.h for every policy and associativity, and models from the papers. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/bits.h"
#include "repl/recency.h"
#include "repl_world.h"

/* --- contract -------------------------------------------------------------------------------------------------- */

struct repl_case {
	unsigned kind;
};

static struct repl_case every_policy[] = {
#define X(n, doc) {REPL_##n},
	REPL_POLICIES(X)
#undef X
};

#define CONTRACT(name) \
	ParameterizedTestParameters(repl, name) \
	{ \
		return cr_make_param_array(struct repl_case, every_policy, REPL_COUNT); \
	} \
	ParameterizedTest(struct repl_case *c, repl, name)

static void check_range(struct set *s, struct rng *r)
{
	fill_all(s);
	for (unsigned i = 0; i < 200; i++) step(s, r);
}

CONTRACT(victims_are_ways_of_the_set_and_state_stays_within_its_bytes)
{
	for_every_shape(c->kind, check_range);
}

/* The others are meant to do just that: what was never used again goes before what was. */
static bool order_decides(unsigned kind)
{
	return kind == REPL_lru || kind == REPL_fifo || kind == REPL_tree_plru || kind == REPL_bit_plru;
}

static void check_keeps_last(struct set *s, struct rng *r)
{
	if (s->ways == 1 || !order_decides(s->kind)) return;
	fill_all(s);
	for (unsigned i = 0; i < 200; i++) {
		unsigned way = victim(s);
		fill(s, way);
		cr_assert(ne(u32, victim(s), way), "%s with %u ways", s->policy->name, s->ways);
		touch(s, (unsigned)rng_below(r, s->ways));
	}
}

CONTRACT(a_way_just_filled_is_not_the_next_victim_where_order_decides)
{
	for_every_shape(c->kind, check_keeps_last);
}

static void check_twice_is_once(struct set *s, struct rng *r)
{
	struct set twin;
	if (s->policy->shared_bytes) return; /* owners tell such policies of every touch */
	set_init(&twin, s->kind, s->ways);
	fill_all(s);
	for (unsigned i = 0; i < 50; i++) {
		unsigned way = step(s, r);
		touch(s, way);
		set_copy(&twin, s);
		touch(&twin, way);
		expect_same_state(s, &twin);
	}
	set_fini(&twin);
}

CONTRACT(touching_twice_is_touching_once) { for_every_shape(c->kind, check_twice_is_once); }

static unsigned oldest(const uint64_t *used, unsigned ways)
{
	unsigned way = 0;
	for (unsigned w = 1; w < ways; w++)
		if (used[w] < used[way]) way = w;
	return way;
}

static void check_oldest(struct set *s, struct rng *r)
{
	if (!s->policy->oldest_goes) return;
	uint64_t *used = calloc(s->ways, sizeof(*used)), now = 0;
	for (unsigned w = 0; w < s->ways; w++) fill(s, w), used[w] = ++now;
	for (unsigned i = 0; i < 200; i++) {
		unsigned way = (unsigned)rng_below(r, s->ways);
		touch(s, way), used[way] = ++now;
		cr_assert(eq(u32, victim(s), way = oldest(used, s->ways)), "%s with %u ways", s->policy->name,
			  s->ways);
		if (i % 3 == 0) fill(s, way), used[way] = ++now;
	}
	free(used);
}

CONTRACT(the_oldest_touch_or_fill_goes_where_the_policy_says_so) { for_every_shape(c->kind, check_oldest); }

static void check_touch_masks(struct set *s, struct rng *r)
{
	struct set twin;
	struct repl_mask *mask = repl_touch_masks(s->policy, s->ways);
	if (!mask) return;
	set_init(&twin, s->kind, s->ways);
	fill_all(s);
	for (unsigned i = 0; i < 50; i++) {
		step(s, r);
		set_copy(&twin, s);
		unsigned way = (unsigned)rng_below(r, s->ways);
		uint64_t word;
		memcpy(&word, state(&twin), sizeof(word)); /* up to 4 bytes of it may lie in the guard */
		word = (word & mask[way].keep) | mask[way].set;
		memcpy(state(&twin), &word, sizeof(word));
		touch(s, way);
		expect_same_state(s, &twin);
	}
	set_fini(&twin);
	free(mask);
}

CONTRACT(a_touch_is_what_its_mask_says) { for_every_shape(c->kind, check_touch_masks); }

/* At least one way of the first 64. */
static uint64_t some_ways(const struct set *s, struct rng *r)
{
	uint64_t ways = rng_next(r) & rng_next(r) & bits_ones(s->ways);
	return ways ? ways : UINT64_C(1) << rng_below(r, s->ways);
}

static void check_among(struct set *s, struct rng *r)
{
	if (s->ways > 64) return;
	fill_all(s);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t allowed = some_ways(s, r);
		unsigned way = s->policy->victim_among(state(s), s->ways, allowed);
		cr_assert(lt(u32, way, s->ways), "%s with %u ways", s->policy->name, s->ways);
		cr_assert(allowed >> way & 1, "%s with %u ways: %u of 0x%lx", s->policy->name, s->ways, way,
			  (unsigned long)allowed);
		fill(s, way);
		step(s, r);
	}
}

CONTRACT(a_victim_among_some_ways_is_one_of_them) { for_every_shape(c->kind, check_among); }

static void check_among_all(struct set *s, struct rng *r)
{
	struct set twin;
	if (s->ways > 64) return;
	set_init(&twin, s->kind, s->ways);
	fill_all(s);
	for (unsigned i = 0; i < 50; i++) {
		step(s, r);
		set_copy(&twin, s);
		cr_assert(eq(u32, s->policy->victim_among(state(s), s->ways, bits_ones(s->ways)),
			     victim(&twin)),
			  "%s with %u ways", s->policy->name, s->ways);
		expect_same_state(s, &twin);
	}
	set_fini(&twin);
}

CONTRACT(a_victim_among_all_ways_is_the_victim) { for_every_shape(c->kind, check_among_all); }

static void check_victim_of(struct set *s, struct rng *r)
{
	struct set twin;
	repl_victim_fn *victim_of_ways = repl_victim_of(s->policy, s->ways);
	set_init(&twin, s->kind, s->ways);
	fill_all(s);
	for (unsigned i = 0; i < 200; i++) {
		step(s, r);
		set_copy(&twin, s);
		cr_assert(eq(u32, victim_of_ways(state(s), s->ways), victim(&twin)), "%s with %u ways",
			  s->policy->name, s->ways);
		expect_same_state(s, &twin);
	}
	set_fini(&twin);
}

CONTRACT(the_victim_of_a_number_of_ways_is_the_victim) { for_every_shape(c->kind, check_victim_of); }

static void check_oldest_among(struct set *s, struct rng *r)
{
	uint64_t used[64], now = 0;
	if (!s->policy->oldest_goes || s->ways > 64) return;
	for (unsigned w = 0; w < s->ways; w++) fill(s, w), used[w] = ++now;
	for (unsigned i = 0; i < 200; i++) {
		uint64_t allowed = some_ways(s, r);
		unsigned way = (unsigned)rng_below(r, s->ways), expected = (unsigned)__builtin_ctzll(allowed);
		touch(s, way), used[way] = ++now;
		for (unsigned w = 0; w < s->ways; w++)
			if (allowed >> w & 1 && used[w] < used[expected]) expected = w;
		cr_assert(eq(u32, s->policy->victim_among(state(s), s->ways, allowed), expected),
			  "%s with %u ways", s->policy->name, s->ways);
	}
}

CONTRACT(of_some_ways_the_oldest_goes_where_the_policy_says_so)
{
	for_every_shape(c->kind, check_oldest_among);
}

Test(repl, masks_are_there_where_one_word_says_it_all)
{
	static const struct {
		unsigned kind, most_ways; /* 0: never; the largest number of ways with masks */
	} row[] = {{REPL_lru, 2},    {REPL_tree_plru, 64}, {REPL_fifo, 128},   {REPL_random, 128},
		   {REPL_srrip, 32}, {REPL_nru, 64},       {REPL_bit_plru, 0}, {REPL_drrip, 0}};
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const struct repl_policy *policy = repl_policies[row[i].kind];
		for (unsigned ways = 1; ways <= policy->max_ways && ways <= 128; ways++) {
			struct repl_mask *mask = repl_touch_masks(policy, ways);
			cr_expect(eq(int, mask != NULL, ways <= row[i].most_ways), "%s with %u ways",
				  policy->name, ways);
			free(mask);
		}
	}
}

static void check_deterministic(struct set *s, struct rng *r)
{
	struct set twin;
	struct rng again = *r;
	set_init(&twin, s->kind, s->ways);
	fill_all(s);
	fill_all(&twin);
	for (unsigned i = 0; i < 300; i++) cr_assert(eq(u32, step(s, r), step(&twin, &again)));
	expect_same_state(s, &twin);
	set_fini(&twin);
}

CONTRACT(the_same_history_gives_the_same_victims) { for_every_shape(c->kind, check_deterministic); }

/* A policy that never replaces some way would shrink the cache. BRRIP takes up to 64 fills per way, by
 * design, which is too slow to watch for the largest sets. */
static void check_every_way(struct set *s, struct rng *r)
{
	(void)r;
	unsigned seen = 0;
	if (s->ways > 1280) return;
	bool *was = calloc(s->ways, sizeof(*was));
	fill_all(s);
	for (unsigned i = 0; i < 66 * s->ways; i++) {
		unsigned way = victim(s);
		fill(s, way);
		seen += !was[way];
		was[way] = true;
	}
	free(was);
	cr_assert(eq(u32, seen, s->ways), "%s with %u ways", s->policy->name, s->ways);
}

CONTRACT(every_way_is_replaced_sooner_or_later) { for_every_shape(c->kind, check_every_way); }

Test(repl, names_of_the_configuration_are_those_of_the_policies)
{
	for (unsigned k = 0; k < REPL_COUNT; k++) {
		cr_expect(eq(str, (char *)repl_names[k], (char *)repl_policies[k]->name));
		cr_expect(lt(sz, 0, strlen(repl_policies[k]->source)), "%s: no source", repl_names[k]);
	}
	cr_expect(eq(ptr, (void *)repl_names[REPL_COUNT], NULL));
}

/* --- models ---------------------------------------------------------------------------------------------------- */

/* The ways in order, the one to be replaced last. */
struct order {
	unsigned way[WAYS_MAX], count;
};

static void order_front(struct order *o, unsigned way)
{
	unsigned i = 0;
	while (i < o->count && o->way[i] != way) i++;
	if (i == o->count) o->count++;
	memmove(&o->way[1], &o->way[0], i * sizeof(o->way[0]));
	o->way[0] = way;
}

static void expect_order(struct set *s, struct rng *r, bool touches_count)
{
	static struct order o;
	o.count = 0;
	for (unsigned w = 0; w < s->ways; w++) {
		fill(s, w);
		order_front(&o, w);
	}
	for (unsigned i = 0; i < 400; i++) {
		unsigned way = (unsigned)rng_below(r, s->ways);
		if (rng_below(r, 2)) {
			touch(s, way);
			if (touches_count) order_front(&o, way);
			continue;
		}
		way = victim(s);
		cr_assert(eq(u32, way, o.way[s->ways - 1]), "%s with %u ways", s->policy->name, s->ways);
		fill(s, way);
		order_front(&o, way);
	}
}

static void check_lru(struct set *s, struct rng *r) { expect_order(s, r, true); }
static void check_fifo(struct set *s, struct rng *r) { expect_order(s, r, false); }

Test(repl, lru_replaces_what_a_list_in_order_of_use_has_last) { for_every_shape(REPL_lru, check_lru); }
Test(repl, fifo_replaces_what_a_list_in_order_of_filling_has_last) { for_every_shape(REPL_fifo, check_fifo); }

/* An LRU set may be filled in any order, not only upwards: invalidated ways are filled again one by one. */
Test(repl, lru_order_is_that_of_the_fills_whatever_their_order)
{
	for (unsigned ways = 1; ways <= 64; ways++) {
		struct set s;
		set_init(&s, REPL_lru, ways);
		for (unsigned w = ways; w-- > 0;) fill(&s, w);
		for (unsigned w = ways; w-- > 0;) {
			cr_assert(eq(u32, victim(&s), w), "%u ways", ways);
			fill(&s, w);
		}
		set_fini(&s);
	}
}

Test(repl, an_order_in_a_word_turns_as_if_its_last_way_were_touched)
{
	for (unsigned ways = 1; ways <= RECENCY_NIBBLE_WAYS; ways++) {
		uint64_t turned = 0, touched = 0;
		struct rng r;
		rng_init(&r, ways, "turn");
		for (unsigned i = 0; i < 500; i++) {
			unsigned way = (unsigned)rng_below(&r, ways), last = recency_last(&touched, ways);
			recency_front(&touched, ways, last);
			cr_assert(eq(uint, recency_nibbles_last(&turned, ways), last));
			recency_nibbles_turn(&turned, last);
			cr_assert(eq(uint, recency_nibbles_first(&turned), last));
			if (rng_below(&r, 3)) continue;
			recency_front(&touched, ways, way);
			recency_front(&turned, ways, way);
		}
	}
}

/* With a power of two of ways, each victim is in the half, quarter, ... not touched last: replacing n times in a row
 * takes every way once, and log2(n) touches later a way can be the victim at the earliest. */
Test(repl, tree_plru_of_a_power_of_two_replaces_every_way_once_per_round)
{
	for (unsigned ways = 1; ways <= 64; ways *= 2) {
		struct set s;
		struct rng r;
		set_init(&s, REPL_tree_plru, ways);
		rng_init(&r, ways, "tree");
		for (unsigned i = 0; i < 100; i++) touch(&s, (unsigned)rng_below(&r, ways));
		uint64_t seen = 0;
		for (unsigned i = 0; i < ways; i++) {
			unsigned way = victim(&s);
			seen |= UINT64_C(1) << way;
			fill(&s, way);
		}
		cr_assert(eq(u64, seen, bits_ones(ways)), "%u ways", ways);
		set_fini(&s);
	}
}

Test(repl, tree_plru_spares_a_way_for_as_many_victims_as_its_tree_has_levels)
{
	for (unsigned ways = 2; ways <= 64; ways *= 2) {
		struct set s;
		struct rng r;
		set_init(&s, REPL_tree_plru, ways);
		rng_init(&r, ways, "levels");
		for (unsigned i = 0; i < 200; i++) {
			unsigned spared = (unsigned)rng_below(&r, ways);
			touch(&s, spared);
			for (unsigned k = 0; k < log2_floor(ways); k++) {
				unsigned way = victim(&s);
				cr_assert(ne(u32, way, spared), "%u ways", ways);
				fill(&s, way);
			}
		}
		set_fini(&s);
	}
}

Test(repl, tree_plru_of_two_ways_is_lru)
{
	struct set s;
	struct rng r;
	set_init(&s, REPL_tree_plru, 2);
	rng_init(&r, 2, "two");
	check_lru(&s, &r);
	set_fini(&s);
}

/* SRRIP-HP, figure 4 of the paper: look for a 3 from way 0 on; while there is none, age all by one. */
static unsigned naive_srrip(unsigned *rrpv, unsigned ways)
{
	for (;;) {
		for (unsigned w = 0; w < ways; w++)
			if (rrpv[w] == 3) return w;
		for (unsigned w = 0; w < ways; w++) rrpv[w]++;
	}
}

static void check_srrip(struct set *s, struct rng *r)
{
	static unsigned rrpv[WAYS_MAX];
	fill_all(s);
	for (unsigned w = 0; w < s->ways; w++) rrpv[w] = 2;
	for (unsigned i = 0; i < 400; i++) {
		unsigned way = (unsigned)rng_below(r, s->ways);
		if (rng_below(r, 3)) {
			touch(s, way);
			rrpv[way] = 0;
			continue;
		}
		way = victim(s);
		cr_assert(eq(u32, way, naive_srrip(rrpv, s->ways)), "%u ways", s->ways);
		fill(s, way);
		rrpv[way] = 2;
	}
}

Test(repl, srrip_replaces_as_the_paper_says) { for_every_shape(REPL_srrip, check_srrip); }

/* A scan longer than the set pushes a way that is in use out under LRU, and not under SRRIP. */
Test(repl, srrip_keeps_a_way_in_use_through_a_scan)
{
	struct set s;
	set_init(&s, REPL_srrip, 8);
	fill_all(&s);
	touch(&s, 5);
	for (unsigned i = 0; i < 7; i++) {
		unsigned way = victim(&s);
		cr_assert(ne(u32, way, 5));
		fill(&s, way);
	}
	set_fini(&s);
}

/* 4096 victims over 16 ways: each is expected 256 times, with a standard deviation of 15.5. */
Test(repl, random_takes_all_ways_about_equally_often)
{
	struct set s;
	unsigned count[16] = {0};
	set_init(&s, REPL_random, 16);
	for (unsigned i = 0; i < 4096; i++) count[victim(&s)]++;
	for (unsigned w = 0; w < 16; w++) {
		cr_expect(lt(u32, 256 - 78, count[w]), "way %u", w);
		cr_expect(lt(u32, count[w], 256 + 78), "way %u", w);
	}
	set_fini(&s);
}
