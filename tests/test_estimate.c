/* Ratio estimates and their confidence intervals, against arithmetic and against many samples of a known population. */
#include <math.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "analysis/estimate.h"
#include "base/rng.h"

static bool near(double a, double b) { return fabs(a - b) < 1e-9 * (1 + fabs(b)); }

Test(estimate, of_three_units_is_what_the_formulas_say)
{
	struct estimate e = {0};
	estimate_add(&e, 10, 5, 1);
	estimate_add(&e, 30, 10, 1);
	estimate_add(&e, 20, 15, 1);
	struct estimated r = estimate_ratio(&e, 95);
	/* ratio 60 / 30; deviations 0, 10, -10; t(0.975, 2) = 4.302652729911275; mean of x 10. */
	double half = 4.302652729911275 * sqrt(200.0 / 2 / 3) / 10;
	cr_expect(r.known && r.has_interval);
	cr_expect(near(r.value, 2));
	cr_expect(near(r.low, 0), "no rate is below 0, and half of the width is %g", half);
	cr_expect(near(r.high, 2 + half));
	estimate_fini(&e);
}

Test(estimate, without_spread_is_exact_and_of_one_unit_has_no_interval)
{
	struct estimate e = {0};
	cr_expect(not(estimate_ratio(&e, 95).known), "of no unit nothing is known");
	estimate_add(&e, 6, 4, 1);
	cr_expect(near(estimate_ratio(&e, 95).value, 1.5));
	cr_expect(not(estimate_ratio(&e, 95).has_interval));
	estimate_add(&e, 3, 2, 1);
	struct estimated r = estimate_ratio(&e, 95);
	cr_expect(r.has_interval && near(r.low, 1.5) && near(r.high, 1.5));
	estimate_fini(&e);
}

/* Garwood's limits of 0 and of 3 events, from his table: 3.689; 0.6187 and 8.767. */
Test(estimate, of_rare_events_is_no_narrower_than_a_poisson_count)
{
	struct estimate none = {.events = true}, few = {.events = true};
	for (int u = 0; u < 100; u++) {
		estimate_add(&none, 0, 10, 1);
		estimate_add(&few, u < 3, 10, 1);
	}
	struct estimated n = estimate_ratio(&none, 95), f = estimate_ratio(&few, 95);
	cr_expect(n.has_interval && near(n.low, 0) && fabs(n.high * 1000 - 3.689) < 0.001);
	cr_expect(f.has_interval && near(f.low, 0) && fabs(f.high * 1000 - 8.767) < 0.001);
	estimate_fini(&none);
	estimate_fini(&few);
}

Test(estimate, of_an_amount_that_was_never_seen_has_no_interval)
{
	struct estimate e = {0};
	estimate_add(&e, 0, 10, 1);
	estimate_add(&e, 0, 10, 1);
	cr_expect(estimate_ratio(&e, 95).known);
	cr_expect(not(estimate_ratio(&e, 95).has_interval));
	estimate_fini(&e);
}

/* A few events in a program of 20,000 units, of which 100 are sampled: most samples see none. */
Test(estimate, intervals_of_rare_events_hold_the_truth_as_often_as_they_say)
{
	enum { SAMPLES = 2000, UNITS = 100, ONE_IN = 200 };
	struct rng r;
	unsigned held = 0;
	rng_init(&r, 9, "estimate.rare");
	for (int s = 0; s < SAMPLES; s++) {
		struct estimate e = {.events = true};
		for (int u = 0; u < UNITS; u++) estimate_add(&e, rng_below(&r, ONE_IN) == 0, 1, 1);
		struct estimated t = estimate_ratio(&e, 95);
		held += t.low <= 1.0 / ONE_IN && 1.0 / ONE_IN <= t.high;
		estimate_fini(&e);
	}
	cr_expect(lt(dbl, 0.95 * SAMPLES, held), "%u of %d", held, SAMPLES);
}

Test(estimate, of_chosen_units_is_weighted_and_has_no_interval)
{
	struct estimate e = {.chosen = true};
	estimate_add(&e, 100, 100, 0.75);
	estimate_add(&e, 300, 100, 0.25);
	struct estimated r = estimate_ratio(&e, 95);
	cr_expect(near(r.value, 1.5));
	cr_expect(not(r.has_interval));
	estimate_fini(&e);
}

/* Of 2000 samples of 40 units, as many intervals as their confidence says hold the population's ratio. */
Test(estimate, intervals_hold_the_truth_as_often_as_they_say)
{
	enum { SAMPLES = 2000, UNITS = 40 };
	const double truth = 3.0;
	for (int percent = 80; percent <= 95; percent += 15) {
		struct rng r;
		unsigned held = 0;
		rng_init(&r, 7, "estimate");
		for (int s = 0; s < SAMPLES; s++) {
			struct estimate e = {0};
			for (int u = 0; u < UNITS; u++) {
				uint64_t x = 900 + rng_below(&r, 201);
				uint64_t y = x * 3 + rng_below(&r, 801) - 400;
				estimate_add(&e, y, x, 1);
			}
			struct estimated t = estimate_ratio(&e, percent);
			held += t.low <= truth && truth <= t.high;
			estimate_fini(&e);
		}
		double share = 100.0 * held / SAMPLES,
		       error = 4 * sqrt(percent * (100.0 - percent) / SAMPLES);
		cr_expect(fabs(share - percent) < error, "%d %%: %.1f %% of the intervals", percent, share);
	}
}
