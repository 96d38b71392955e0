/* test_least.c - base/least.h: the first place that is small enough, against looking at all of them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/least.h"
#include "base/rng.h"

static unsigned naive_first(const uint64_t *value, unsigned n, uint64_t most)
{
	unsigned least = 0;
	for (unsigned i = 0; i < n; i++) {
		if (value[i] <= most) return i;
		if (value[i] < value[least]) least = i;
	}
	return least;
}

/* Values of the next 50 and questions of the next 60 after a time that moves by at most `jump`, forth and sometimes back. */
static void compare(unsigned places, uint64_t jump)
{
	uint64_t value[200] = {0}, time = 0;
	struct least l = least_new(places);
	struct rng r;
	rng_init(&r, places, "least");
	for (unsigned step = 0; step < 5000; step++) {
		uint64_t back = rng_below(&r, 4) ? 0 : rng_below(&r, jump);
		time = time > back ? time - back : 0;
		uint64_t most = time + rng_below(&r, 60);
		unsigned found = least_first(&l, most), put = (unsigned)rng_below(&r, places);
		cr_assert(eq(uint, found, naive_first(value, places, most)));
		cr_assert(eq(u64, least_value(&l, found), value[found]));
		value[put] = time + rng_below(&r, 50) + 5;
		least_put(&l, put, value[put]);
		time += rng_below(&r, jump);
	}
	least_free(&l);
}

Test(least, the_first_place_that_is_small_enough_or_the_first_of_the_least)
{
	static const unsigned counts[] = {1, 2, 3, 8, 20, 46, 128, 200};
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) compare(counts[i], 1);
}

Test(least, values_far_apart_are_told_from_each_other)
{
	static const uint64_t jumps[] = {20, 1000, 30000, 100000, UINT64_C(1) << 40};
	for (unsigned i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) compare(46, jumps[i]);
}
