/* Belady's OPT against his rule, followed to the letter. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "analysis/opt.h"
#include "base/rng.h"

enum { OPT_PAGES = 40, OPT_LENGTH = 1500, OPT_WAYS_MAX = 45 };

static unsigned next_use(const uint64_t *page, unsigned from, uint64_t of)
{
	while (from < OPT_LENGTH && page[from] != of) from++;
	return from;
}

/* Belady's rule as it is told, counted from access `warm` on: of the resident pages of a set, the one whose next use is farthest goes. */
static uint64_t naive_opt_of_set(const uint64_t *page, unsigned sets, unsigned set, unsigned ways,
				 unsigned warm)
{
	uint64_t held[OPT_WAYS_MAX], misses = 0;
	unsigned n = 0;
	for (unsigned i = 0; i < OPT_LENGTH; i++) {
		unsigned w = 0, far = 0;
		if (page[i] % sets != set) continue;
		while (w < n && held[w] != page[i]) w++;
		if (w < n) continue;
		misses += i >= warm;
		if (n < ways) {
			held[n++] = page[i];
			continue;
		}
		for (w = 1; w < n; w++)
			if (next_use(page, i + 1, held[w]) > next_use(page, i + 1, held[far])) far = w;
		held[far] = page[i];
	}
	return misses;
}

static uint64_t naive_opt(const uint64_t *page, unsigned sets, unsigned ways, unsigned warm)
{
	uint64_t misses = 0;
	for (unsigned s = 0; s < sets; s++) misses += naive_opt_of_set(page, sets, s, ways, warm);
	return misses;
}

static void draw_pages(uint64_t *page, struct rng *r)
{
	for (unsigned i = 0; i < OPT_LENGTH; i++)
		page[i] = rng_below(r, 3) ? rng_below(r, OPT_PAGES) : i * UINT64_C(7) % OPT_PAGES;
}

Test(opt, opt_replaces_what_is_used_again_last)
{
	static uint64_t page[OPT_LENGTH];
	for (unsigned seed = 0; seed < 4; seed++) {
		struct rng r;
		struct opt *o = opt_new();
		struct err err;
		rng_init(&r, seed, "opt");
		draw_pages(page, &r);
		unsigned half = OPT_LENGTH / 2, warm = seed % 2 ? half : 0;
		opt_add(o, page, half);
		if (warm) opt_restart(o);
		opt_add(o, page + half, OPT_LENGTH - half);
		for (unsigned sets = 1; sets < 9; sets++)
			for (unsigned ways = 1; ways * sets < OPT_WAYS_MAX; ways++) {
				uint64_t misses;
				cr_assert(eq(int, opt_misses(o, sets, ways, &misses, &err), OK));
				cr_assert(eq(u64, misses, naive_opt(page, sets, ways, warm)),
					  "%u sets of %u ways", sets, ways);
			}
		opt_free(o);
	}
}

Test(opt, what_is_added_behind_an_answer_counts_in_the_next)
{
	static const uint64_t page[] = {8, 9, 8, 1, 8, 9};
	struct opt *o = opt_new();
	struct err err;
	uint64_t misses;
	opt_add(o, page, 3);
	cr_assert(eq(int, opt_misses(o, 1, 1, &misses, &err), OK));
	cr_expect(eq(u64, misses, 3));
	opt_add(o, page + 3, 3);
	cr_assert(eq(int, opt_misses(o, 1, 2, &misses, &err), OK));
	cr_expect(eq(u64, misses, 4));
	opt_free(o);
}

Test(opt, opt_of_nothing_misses_nothing)
{
	struct opt *o = opt_new();
	struct err err;
	uint64_t misses;
	cr_assert(eq(int, opt_misses(o, 2, 4, &misses, &err), OK));
	cr_expect(eq(u64, misses, 0));
	opt_free(o);
}
