/* Naive models of the replacement policies that keep a bit per way, and of those of the RRIP family: BRRIP, DRRIP, SHiP.
 * Each is written from its paper, without regard to cost, and must name the same victims over random use. */
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "repl_world.h"

/* --- a bit per way ----------------------------------------------------------------------------------------------- */

struct naive_bits {
	bool used[WAYS_MAX];
	unsigned ways;
};

static bool all_used(const struct naive_bits *n)
{
	for (unsigned w = 0; w < n->ways; w++)
		if (!n->used[w]) return false;
	return true;
}

static void forget_all(struct naive_bits *n)
{
	for (unsigned w = 0; w < n->ways; w++) n->used[w] = false;
}

static unsigned lowest_unused(const struct naive_bits *n)
{
	for (unsigned w = 0; w < n->ways; w++)
		if (!n->used[w]) return w;
	return 0;
}

static void use(struct naive_bits *n, unsigned way, bool clear_at_once)
{
	n->used[way] = true;
	if (!clear_at_once || !all_used(n)) return;
	forget_all(n);
	n->used[way] = true;
}

static void expect_bits(struct set *s, struct rng *r, bool clear_at_once)
{
	static struct naive_bits n;
	n = (struct naive_bits){.ways = s->ways};
	for (unsigned w = 0; w < s->ways; w++) {
		fill(s, w);
		use(&n, w, clear_at_once);
	}
	for (unsigned i = 0; i < 300; i++) {
		unsigned way = (unsigned)rng_below(r, s->ways);
		if (rng_below(r, 2)) {
			touch(s, way);
		} else {
			if (!clear_at_once && all_used(&n)) forget_all(&n);
			way = victim(s);
			cr_assert(eq(u32, way, lowest_unused(&n)), "%s with %u ways", s->policy->name,
				  s->ways);
			fill(s, way);
		}
		use(&n, way, clear_at_once);
	}
}

static void check_bit_plru(struct set *s, struct rng *r) { expect_bits(s, r, true); }
static void check_nru(struct set *s, struct rng *r) { expect_bits(s, r, false); }

Test(repl, bit_plru_clears_all_other_bits_when_the_last_clear_one_is_set)
{
	for_every_shape(REPL_bit_plru, check_bit_plru);
}
Test(repl, nru_clears_all_bits_when_a_victim_is_sought_and_none_is_clear)
{
	for_every_shape(REPL_nru, check_nru);
}

/* --- values of re-reference -------------------------------------------------------------------------------------- */

/* Figure 4 of the paper: look for a 3 from way 0 on; while there is none, age all by one. */
static unsigned naive_victim(unsigned *rrpv, unsigned ways)
{
	for (;;) {
		for (unsigned w = 0; w < ways; w++)
			if (rrpv[w] == 3) return w;
		for (unsigned w = 0; w < ways; w++) rrpv[w]++;
	}
}

static void check_brrip(struct set *s, struct rng *r)
{
	static unsigned rrpv[WAYS_MAX];
	unsigned fills = 0;
	for (unsigned w = 0; w < s->ways; w++) {
		fill(s, w);
		rrpv[w] = ++fills % 32 == 0 ? 2 : 3;
	}
	for (unsigned i = 0; i < 400; i++) {
		unsigned way = (unsigned)rng_below(r, s->ways);
		if (rng_below(r, 3) == 0) {
			touch(s, way);
			rrpv[way] = 0;
			continue;
		}
		way = victim(s);
		cr_assert(eq(u32, way, naive_victim(rrpv, s->ways)), "%u ways", s->ways);
		fill(s, way);
		rrpv[way] = ++fills % 32 == 0 ? 2 : 3;
	}
}

Test(repl, brrip_replaces_as_the_paper_says) { for_every_shape(REPL_brrip, check_brrip); }

/* A cycle over one page more than fits never hits under LRU and SRRIP; BRRIP keeps most of it. */
static unsigned cycle_hits(unsigned kind, unsigned ways)
{
	struct set s;
	unsigned page_of[WAYS_MAX], hits = 0;
	set_init(&s, kind, ways);
	for (unsigned w = 0; w < ways; w++) {
		fill(&s, w);
		page_of[w] = w;
	}
	for (unsigned i = 0; i < 100 * (ways + 1); i++) {
		unsigned page = (i + ways) % (ways + 1), w = 0;
		while (w < ways && page_of[w] != page) w++;
		if (w < ways) {
			touch(&s, w);
			hits++;
			continue;
		}
		w = victim(&s);
		fill(&s, w);
		page_of[w] = page;
	}
	set_fini(&s);
	return hits;
}

Test(repl, a_cycle_that_does_not_fit_thrashes_lru_and_srrip_but_not_brrip)
{
	cr_expect(eq(u32, cycle_hits(REPL_lru, 16), 0));
	cr_expect(eq(u32, cycle_hits(REPL_srrip, 16), 0));
	cr_expect(lt(u32, 100 * 17 / 2, cycle_hits(REPL_brrip, 16)));
}

/* --- many sets --------------------------------------------------------------------------------------------------- */

enum { WAYS = 4, SETS_MAX = 256, REGIONS = 12 };

/* A whole cache of a policy with shared state, and what a naive model knows of each way. */
struct world {
	const struct repl_policy *policy;
	struct repl_state state;
	unsigned sets, rrpv[SETS_MAX][WAYS], region[SETS_MAX][WAYS];
	bool used[SETS_MAX][WAYS];
};

static void *set_at(struct world *w, unsigned set) { return w->state.set + set * w->state.stride; }

static void world_init(struct world *w, unsigned kind, unsigned sets)
{
	*w = (struct world){.policy = repl_policies[kind], .sets = sets};
	w->state = repl_state_new(w->policy, sets, WAYS);
}

/* A hit on a random way, or a miss: returns the way that is to be filled, WAYS after a hit. */
static unsigned hit_or_miss(struct world *w, unsigned set, struct rng *r, unsigned *hit)
{
	*hit = (unsigned)rng_below(r, WAYS);
	if (rng_below(r, 2)) {
		w->policy->touch(set_at(w, set), WAYS, *hit);
		w->rrpv[set][*hit] = 0;
		return WAYS;
	}
	unsigned way = w->policy->victim(set_at(w, set), WAYS);
	cr_assert(eq(u32, way, naive_victim(w->rrpv[set], WAYS)), "set %u of %u", set, w->sets);
	return way;
}

struct duel_case {
	unsigned sets, spacing; /* leaders of SRRIP are the multiples of `spacing`, BRRIP's halfway between */
};
static const struct duel_case duels[] = {{1, 0}, {2, 2}, {16, 2}, {64, 2}, {128, 4}, {256, 8}};

/* Set duelling, section 4.2: each leader's miss moves the selector, whose top bit the followers obey. */
static bool bimodal(const struct duel_case *d, unsigned set, unsigned *selector)
{
	bool srrip_leads = d->spacing ? set % d->spacing == 0 : true;
	bool brrip_leads = d->spacing && set % d->spacing == d->spacing / 2;
	if (srrip_leads && *selector < 1023) ++*selector;
	if (brrip_leads && *selector > 0) --*selector;
	return brrip_leads || (!srrip_leads && *selector >= 512);
}

static void check_duel(const struct duel_case *d)
{
	static struct world w;
	struct rng r;
	unsigned selector = 512, fills = 0;
	world_init(&w, REPL_drrip, d->sets);
	rng_init(&r, d->sets, "duel");
	for (unsigned i = 0; i < WAYS * d->sets + 20000; i++) {
		bool empty = i < WAYS * d->sets;
		unsigned set = empty ? i / WAYS : (unsigned)rng_below(&r, d->sets), hit;
		unsigned way = empty ? i % WAYS : hit_or_miss(&w, set, &r, &hit);
		if (way == WAYS) continue;
		w.policy->fill(set_at(&w, set), WAYS, way);
		w.rrpv[set][way] = !bimodal(d, set, &selector) ? 2 : ++fills % 32 == 0 ? 2 : 3;
	}
	repl_state_free(&w.state);
}

Test(repl, drrip_fills_as_the_side_whose_leaders_miss_less)
{
	for (unsigned i = 0; i < sizeof(duels) / sizeof(duels[0]); i++) check_duel(&duels[i]);
}

/* Figure 3 of the SHiP paper with counters per region or instruction, which a hash into 16 K keeps apart here. */
struct naive_ship {
	int counter[REGIONS];
	struct repl_flow flow;
	bool by_pc;
};

static void ship_evict(struct world *w, unsigned set, unsigned way, struct naive_ship *n)
{
	int *c = &n->counter[w->region[set][way]];
	if (!w->used[set][way] && *c > 0) --*c;
}

/* What the signature does not look at is drawn apart from it. */
static void ship_fill(struct world *w, unsigned set, unsigned way, struct rng *r, struct naive_ship *n)
{
	unsigned region = (unsigned)rng_below(r, REGIONS), other = (unsigned)rng_below(r, REGIONS);
	w->state.shared->key = (n->by_pc ? other : region) * UINT64_C(256) + rng_below(r, 256);
	n->flow.pc = 0x400000 + 4 * (n->by_pc ? region : other);
	w->policy->fill(set_at(w, set), WAYS, way);
	w->rrpv[set][way] = n->counter[region] ? 2 : 3;
	w->region[set][way] = region;
	w->used[set][way] = false;
}

static void ship_hit(struct world *w, unsigned set, unsigned way, struct naive_ship *n)
{
	int *c = &n->counter[w->region[set][way]];
	if (*c < 7) ++*c;
	w->used[set][way] = true;
}

static void check_ship(unsigned kind, bool by_pc, uint64_t seed)
{
	static struct world w;
	struct rng r;
	struct naive_ship n = {.by_pc = by_pc};
	unsigned zeros = 0;
	world_init(&w, kind, 16);
	w.state.shared->flow = &n.flow;
	rng_init(&r, seed, "ship");
	for (unsigned i = 0; i < REGIONS; i++) n.counter[i] = 1;
	for (unsigned i = 0; i < WAYS * 16; i++) ship_fill(&w, i / WAYS, i % WAYS, &r, &n);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned set = (unsigned)rng_below(&r, 16), hit, way;
		n.flow.pc = 4 * rng_below(&r, 1 << 20); /* of who hits, or misses */
		way = hit_or_miss(&w, set, &r, &hit);
		if (way == WAYS) {
			ship_hit(&w, set, hit, &n);
			continue;
		}
		ship_evict(&w, set, way, &n);
		ship_fill(&w, set, way, &r, &n);
		zeros += n.counter[w.region[set][way]] == 0;
	}
	cr_expect(lt(u32, 0, zeros), "no counter ever was zero: nothing was tested");
	repl_state_free(&w.state);
}

Test(repl, ship_gives_no_stay_to_regions_whose_counter_is_zero)
{
	for (uint64_t seed = 0; seed < 4; seed++) check_ship(REPL_ship, false, seed);
}

Test(repl, ship_pc_gives_no_stay_to_what_instructions_bring_whose_counter_is_zero)
{
	for (uint64_t seed = 0; seed < 4; seed++) check_ship(REPL_ship_pc, true, seed);
}
