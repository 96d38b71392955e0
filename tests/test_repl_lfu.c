/* LFU: against counts and stamps, its ties, its counters' end, and owners that leave no touch out. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mem/cache.h"
#include "repl_world.h"
#include "tlb/tlb.h"

struct used {
	uint64_t times, last;
};

/* The way used the fewest times, of these the one whose last use is the oldest; of `allowed` only. */
static unsigned naive_victim(const struct used *used, unsigned ways, uint64_t allowed)
{
	unsigned best = ways;
	for (unsigned w = 0; w < ways; w++) {
		if (w < 64 && !(allowed >> w & 1)) continue;
		bool less = best == ways || used[w].times < used[best].times ||
			    (used[w].times == used[best].times && used[w].last < used[best].last);
		if (less) best = w;
	}
	return best;
}

static void check_counts(struct set *s, struct rng *r)
{
	static struct used used[WAYS_MAX];
	uint64_t now = 0;
	for (unsigned w = 0; w < s->ways; w++) {
		fill(s, w);
		used[w] = (struct used){1, ++now};
	}
	for (unsigned i = 0; i < 400; i++) {
		unsigned way = (unsigned)rng_below(r, s->ways);
		if (rng_below(r, 3)) {
			touch(s, way);
			used[way] = (struct used){used[way].times + 1, ++now};
			continue;
		}
		cr_assert(eq(u32, way = victim(s), naive_victim(used, s->ways, UINT64_MAX)), "%u ways",
			  s->ways);
		if (s->ways <= 64) {
			uint64_t allowed = rng_next(r) | UINT64_C(1) << rng_below(r, s->ways);
			unsigned among = s->policy->victim_among(
				state(s), s->ways,
				s->ways < 64 ? allowed & ((UINT64_C(1) << s->ways) - 1) : allowed);
			cr_assert(eq(u32, among, naive_victim(used, s->ways, allowed)), "%u ways", s->ways);
		}
		fill(s, way);
		used[way] = (struct used){1, ++now};
	}
}

Test(repl_lfu, what_counts_and_stamps_say_goes) { for_every_shape(REPL_lfu, check_counts); }

Test(repl_lfu, of_ways_used_equally_often_the_least_recently_used_goes)
{
	struct set s;
	set_init(&s, REPL_lfu, 4);
	fill_all(&s);
	for (unsigned w = 0; w < 4; w++) touch(&s, (w + 2) % 4); /* in the order 2, 3, 0, 1 */
	cr_expect(eq(u32, victim(&s), 2));
	touch(&s, 2);
	cr_expect(eq(u32, victim(&s), 3));
	set_fini(&s);
}

Test(repl_lfu, what_was_used_often_stays_however_long_ago_that_was)
{
	struct set s;
	set_init(&s, REPL_lfu, 4);
	fill_all(&s);
	for (unsigned i = 0; i < 3; i++) touch(&s, 1);
	for (unsigned i = 0; i < 300; i++) {
		unsigned way = victim(&s);
		cr_assert(ne(u32, way, 1), "nothing ages");
		fill(&s, way);
		touch(&s, way);
	}
	set_fini(&s);
}

Test(repl_lfu, a_fill_begins_to_count_anew)
{
	struct set s;
	set_init(&s, REPL_lfu, 2);
	fill_all(&s);
	for (unsigned i = 0; i < 10; i++) touch(&s, 0);
	fill(&s, 0); /* its line was invalidated, and another comes */
	touch(&s, 1);
	cr_expect(eq(u32, victim(&s), 0), "used once, the other twice");
	set_fini(&s);
}

/* Way 0 is given the greatest count there is, where its count of 3 stands. */
Test(repl_lfu, a_counter_stays_at_its_greatest_value)
{
	struct set s;
	uint32_t *word, three = 3, most = UINT32_MAX;
	set_init(&s, REPL_lfu, 2);
	fill_all(&s);
	touch(&s, 0);
	touch(&s, 0);
	char *at = (char *)state(&s) + s.bytes - 2 * sizeof(*word);
	cr_assert(eq(int, memcmp(at, &three, sizeof(three)), 0), "counters are the last of the state");
	memcpy(at, &most, sizeof(most));
	touch(&s, 0);
	cr_expect(eq(int, memcmp(at, &most, sizeof(most)), 0));
	cr_expect(eq(u32, victim(&s), 1));
	set_fini(&s);
}

/* Three uses of line 0 in a row, then two of line 8: with one touch of those in a row left out, both would have two, and the older go. */
Test(repl_lfu, a_cache_counts_each_of_several_hits_in_a_row)
{
	struct cache_params p = {.name = "l1",
				 .level = 1,
				 .size = 1024,
				 .ways = 2,
				 .line = 64,
				 .hit_cycles = 4,
				 .mshrs = 1,
				 .policy = REPL_lfu,
				 .write_back = 1};
	struct cache *c;
	struct err err;
	cr_assert(eq(int, cache_new(&p, 1 << 20, &c, &err), OK), "%s", err.text);
	cache_install(c, 0, false, false);
	cache_find(c, 0);
	cache_find(c, 0);
	cache_install(c, 8, false, false);
	cache_find(c, 8);
	cr_expect(eq(u64, cache_install(c, 16, false, false).line, 8));
	cr_expect(not(c->plain), "what is compiled for misses leaves touches out");
	cache_free(c);
}

static tlb_tag_t tag(void) { return tlb_tag(REGIME_EL10, SEC_NONSECURE, 0, 1); }

static void fill_page(struct tlb *t, uint64_t page)
{
	struct tlb_fill f = {.va = page << 12, .pa = page << 12, .bits = 12, .run_bits = 12};
	f.like = (struct tlb_entry){.tag = tag(), .tag_mask = TLB_TAG_ALL, .level = 4};
	tlb_fill(t, &f);
}

Test(repl_lfu, a_tlb_counts_each_of_several_hits_in_a_row)
{
	struct tlb_params p = {.name = "l1",
			       .level = 1,
			       .side = SIDE_UNIFIED,
			       .entries = 2,
			       .ways = 2,
			       .pages = 1,
			       .policy = REPL_lfu};
	struct tlb *t;
	struct err err;
	cr_assert(eq(int, tlb_new(&p, &t, &err), OK), "%s", err.text);
	fill_page(t, 1);
	for (unsigned i = 0; i < 2; i++) cr_assert(tlb_find(t, 1 << 12, tag()) != NULL);
	fill_page(t, 2);
	cr_assert(tlb_find(t, 2 << 12, tag()) != NULL);
	fill_page(t, 3);
	cr_expect(tlb_peek(t, 1 << 12, tag()) != NULL);
	cr_expect(tlb_peek(t, 2 << 12, tag()) == NULL);
	tlb_free(t);
}
