/* Least squares over whole numbers: recovery, errors, bounds, and what is refused. tests/test_calibrate.c fits the simulator itself. */
#include <math.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "check/fit.h"

enum { ROWS = 4 };

/* residual = design * value - wanted, or what `kind` says. */
struct world {
	double design[ROWS][3], wanted[ROWS];
	size_t keys;
	enum { LINEAR, PRODUCT, STAIRS, EVEN_ONLY, POWERS, FIXED, BROKEN } kind;
	unsigned calls;
};

static enum status model(void *ctx, const uint64_t *value, double *residual, struct err *err)
{
	struct world *w = ctx;
	w->calls++;
	if (w->kind == BROKEN) return err_set(err, ERR_INPUT, "torn");
	if (w->kind == EVEN_ONLY && value[0] % 2) return err_set(err, ERR_CONFIG, "odd");
	if (w->kind == POWERS && value[0] & (value[0] - 1))
		return err_set(err, ERR_CONFIG, "no power of two");
	if (w->kind == FIXED && value[1] != 10) return err_set(err, ERR_CONFIG, "b must be 10");
	for (size_t row = 0; row < ROWS; row++) {
		double sum = 0;
		for (size_t i = 0; i < w->keys; i++) {
			double x = (double)(w->kind == STAIRS ? value[i] / 16 * 16 : value[i]);
			sum += w->design[row][i] * x;
		}
		if (w->kind == PRODUCT) sum = (double)value[0] * (double)value[1] / (double)(row + 1) + sum;
		residual[row] = sum - w->wanted[row];
	}
	return OK;
}

static const struct fit_key two_keys[] = {{"a", 10, 0, 1000}, {"b", 10, 0, 1000}};

static enum status run(struct world *w, const struct fit_key *key, size_t rows, struct fit_result *r,
		       struct err *err)
{
	struct fit_problem p = {.key = key, .keys = w->keys, .rows = rows, .model = model, .ctx = w};
	enum status st = fit_run(&p, r, err);
	return st == OK ? fit_identifies(&p, r, err) : st;
}

/* The figures that `a` and `b` would give. */
static void want(struct world *w, uint64_t a, uint64_t b)
{
	uint64_t truth[3] = {a, b, 0};
	struct err err;
	memset(w->wanted, 0, sizeof(w->wanted));
	double residual[ROWS];
	model(w, truth, residual, &err);
	memcpy(w->wanted, residual, sizeof(residual));
}

static struct world straight(void)
{
	return (struct world){.design = {{1, 0}, {0, 1}, {1, 1}, {2, 1}}, .keys = 2};
}

Test(fit, the_numbers_that_made_the_figures_are_found)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	want(&w, 437, 3);
	cr_assert(eq(int, run(&w, two_keys, ROWS, &r, &err), OK), "%s", err.text);
	cr_assert(eq(u64, r.value[0], 437));
	cr_assert(eq(u64, r.value[1], 3));
	cr_assert(eq(dbl, r.chi2, 0));
	cr_assert(lt(dbl, 0, r.chi2_before));
}

Test(fit, a_model_that_is_not_linear_is_followed)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	w.kind = PRODUCT;
	want(&w, 120, 7);
	cr_assert(eq(int, run(&w, two_keys, ROWS, &r, &err), OK), "%s", err.text);
	cr_assert(eq(u64, r.value[0], 120));
	cr_assert(eq(u64, r.value[1], 7));
}

/* No whole numbers fit: the result is the best of all pairs around. */
Test(fit, of_whole_numbers_the_best_is_chosen)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	memcpy(w.wanted, (double[]){20.4, 31.7, 53.2, 71.1}, sizeof(w.wanted));
	cr_assert(eq(int, run(&w, two_keys, ROWS, &r, &err), OK), "%s", err.text);
	for (uint64_t a = 0; a < 60; a++)
		for (uint64_t b = 0; b < 60; b++) {
			double residual[ROWS], chi2 = 0;
			model(&w, (uint64_t[]){a, b}, residual, &err);
			for (int i = 0; i < ROWS; i++) chi2 += residual[i] * residual[i];
			cr_assert(le(dbl, r.chi2, chi2), "%llu %llu", (unsigned long long)a,
				  (unsigned long long)b);
		}
}

/* J'J of the design is [[6,3],[3,3]], its inverse [[1/3,-1/3],[-1/3,2/3]]. */
Test(fit, standard_errors_and_correlation_are_those_of_the_normal_equations)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	want(&w, 50, 60);
	cr_assert(eq(int, run(&w, two_keys, ROWS, &r, &err), OK), "%s", err.text);
	cr_assert(epsilon_eq(dbl, r.error[0], sqrt(1.0 / 3), 1e-9));
	cr_assert(epsilon_eq(dbl, r.error[1], sqrt(2.0 / 3), 1e-9));
	cr_assert(epsilon_eq(dbl, r.correlation[0][1], -sqrt(0.5), 1e-9));
	double cosine = 3 / sqrt(18);
	cr_assert(epsilon_eq(dbl, r.condition, sqrt((1 + cosine) / (1 - cosine)), 1e-9));
}

/* With 4 rows, 2 keys and a chi2 of 2 * 100, errors grow by a factor of 10. */
Test(fit, a_bad_fit_has_larger_errors)
{
	struct world good = straight(), bad = straight();
	struct fit_result r, s;
	struct err err = {0};
	want(&good, 50, 60);
	bad = good;
	static const double off[ROWS] = {1, 0, 1, -1}; /* at right angles to both columns */
	for (int i = 0; i < ROWS; i++) bad.wanted[i] += off[i] * sqrt(200.0 / 3);
	cr_assert(eq(int, run(&good, two_keys, ROWS, &r, &err), OK), "%s", err.text);
	cr_assert(eq(int, run(&bad, two_keys, ROWS, &s, &err), OK), "%s", err.text);
	cr_assert(epsilon_eq(dbl, s.chi2, 200, 1e-6));
	cr_assert(epsilon_eq(dbl, s.error[0], 10 * r.error[0], 1e-6));
}

Test(fit, numbers_stay_within_their_bounds)
{
	static const struct fit_key narrow[] = {{"a", 10, 5, 20}, {"b", 10, 8, 1000}};
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	want(&w, 437, 3);
	cr_assert(eq(int, run(&w, narrow, ROWS, &r, &err), OK), "%s", err.text);
	cr_assert(eq(u64, r.value[0], 20));
	cr_assert(ge(u64, r.value[1], 8));
}

/* Seen over a step of 1, nothing changes; the step is made wider until something does. */
Test(fit, a_key_that_acts_in_stairs_is_seen)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	w.kind = STAIRS;
	want(&w, 160, 64);
	cr_assert(eq(int, run(&w, two_keys, ROWS, &r, &err), OK), "%s", err.text);
	cr_assert(eq(u64, r.value[0] / 16, 10));
	cr_assert(eq(u64, r.value[1] / 16, 4));
}

Test(fit, numbers_that_the_model_refuses_are_gone_around)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	w.kind = EVEN_ONLY;
	want(&w, 38, 41);
	cr_assert(eq(int, run(&w, two_keys, ROWS, &r, &err), OK), "%s", err.text);
	cr_assert(eq(u64, r.value[0] % 2, 0));
	cr_assert(lt(dbl, r.chi2, r.chi2_before));
}

Test(fit, numbers_that_must_be_powers_of_two_are_doubled_and_halved)
{
	static const struct fit_key keys[] = {{"a", 64, 1, 1 << 20}, {"b", 10, 0, 1000}};
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	w.kind = POWERS;
	want(&w, 1024, 41);
	cr_assert(eq(int, run(&w, keys, ROWS, &r, &err), OK), "%s", err.text);
	cr_assert(eq(u64, r.value[0], 1024));
	cr_assert(eq(u64, r.value[1], 41));
}

Test(fit, a_key_that_can_have_no_other_value_is_named_with_the_reason)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	w.kind = FIXED;
	cr_assert(eq(int, run(&w, two_keys, ROWS, &r, &err), ERR_CONFIG));
	cr_assert(eq(str, err.text, "b: no other value near 10 is allowed: b must be 10"));
}

Test(fit, a_start_that_the_model_refuses_is_an_error_with_its_words)
{
	static const struct fit_key odd[] = {{"a", 11, 0, 1000}, {"b", 10, 0, 1000}};
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	w.kind = EVEN_ONLY;
	cr_assert(eq(int, run(&w, odd, ROWS, &r, &err), ERR_CONFIG));
	cr_assert(eq(str, err.text, "odd"));
}

Test(fit, a_failure_of_the_model_ends_the_fit)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	w.kind = BROKEN;
	cr_assert(eq(int, run(&w, two_keys, ROWS, &r, &err), ERR_INPUT));
	cr_assert(eq(str, err.text, "torn"));
	cr_assert(eq(uint, w.calls, 1));
}

Test(fit, fewer_rows_than_keys_are_refused)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	cr_assert(eq(int, run(&w, two_keys, 1, &r, &err), ERR_CONFIG));
	cr_assert(eq(str, err.text, "2 keys need 2 rows at least to be fitted to; there is 1"));
}

Test(fit, a_key_without_influence_is_named)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	for (int i = 0; i < ROWS; i++) w.design[i][1] = 0;
	cr_assert(eq(int, run(&w, two_keys, ROWS, &r, &err), ERR_CONFIG));
	cr_assert(eq(str, err.text, "b: has no influence on any of the 4 rows, near 10"));
}

/* b and c only ever act as their sum. */
Test(fit, keys_that_the_rows_do_not_tell_apart_are_named)
{
	static const struct fit_key three[] = {{"a", 10, 0, 1000}, {"b", 10, 0, 1000}, {"c", 10, 0, 1000}};
	struct world w = {.design = {{1, 0, 0}, {0, 1, 1}, {1, 1, 1}, {2, 1, 1}}, .keys = 3};
	struct fit_result r;
	struct err err = {0};
	want(&w, 40, 50);
	cr_assert(eq(int, run(&w, three, ROWS, &r, &err), ERR_CHECK));
	cr_assert(strstr(err.text, "b and c: the rows do not tell them apart") != NULL, "%s", err.text);
}

Test(fit, no_point_is_computed_twice)
{
	struct world w = straight();
	struct fit_result r;
	struct err err = {0};
	want(&w, 437, 3);
	w.calls = 0;
	cr_assert(eq(int, run(&w, two_keys, ROWS, &r, &err), OK), "%s", err.text);
	cr_assert(eq(sz, r.points, w.calls));
}
