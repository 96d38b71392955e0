#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "sample_results.h"
#include "stats/json.h"
#include "stats/stats.h"

/* ---- histograms ---- */

Test(hist, buckets_cover_all_values_without_gap_or_overlap)
{
	uint64_t next = 0;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		cr_assert(eq(u64, hist_bucket_low(i), next));
		cr_assert(eq(uint, hist_index(hist_bucket_low(i)), i));
		cr_assert(eq(uint, hist_index(hist_bucket_high(i)), i));
		next = hist_bucket_high(i) + 1;
	}
	cr_expect(eq(u64, next, 0)); /* the last bucket ends at 2^64 - 1 */
}

Test(hist, small_samples_are_kept_exactly)
{
	for (unsigned i = 0; i < 2u << HIST_SUB_BITS; i++) {
		cr_expect(eq(u64, hist_bucket_low(i), i));
		cr_expect(eq(u64, hist_bucket_high(i), i));
	}
}

Test(hist, an_empty_one_has_quantile_zero)
{
	struct hist *h = xcalloc(1, sizeof(*h));
	cr_expect(eq(u64, hist_quantile(h, 0.5), 0));
	free(h);
}

Test(hist, extremes_and_sum_are_exact)
{
	struct hist *h = xcalloc(1, sizeof(*h));
	hist_add(h, 1000003);
	hist_add(h, 0);
	hist_add(h, 77);
	cr_expect(eq(u64, h->count, 3));
	cr_expect(eq(u64, h->sum, 1000080));
	cr_expect(eq(u64, h->min, 0));
	cr_expect(eq(u64, h->max, 1000003));
	cr_expect(eq(u64, hist_quantile(h, 1.0), 1000003));
	free(h);
}

enum { SAMPLES = 20001 };

/* Samples over many powers of two: uniform bits, shifted by a uniform number of places. */
static void draw(double *sorted, struct hist *h, const char *path)
{
	struct rng r;
	rng_init(&r, 7, path);
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t v = rng_next(&r) >> (14 + rng_below(&r, 50));
		sorted[i] = (double)v;
		hist_add(h, v);
	}
	gsl_sort(sorted, 1, SAMPLES);
}

Test(hist, quantiles_are_at_most_one_part_in_32_above_those_of_the_sorted_samples)
{
	static const double q[] = {0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1};
	double *sorted = xcalloc(SAMPLES, sizeof(*sorted));
	struct hist *h = xcalloc(1, sizeof(*h));
	draw(sorted, h, "quantiles");
	for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		double rank = q[i] > 0 ? ceil(q[i] * SAMPLES) : 1;
		double truth = sorted[(size_t)rank - 1];
		double found = (double)hist_quantile(h, q[i]);
		cr_expect(found >= truth && found <= truth * (1 + 1.0 / 32), "q %g: %g for %g", q[i], found,
			  truth);
	}
	double median = gsl_stats_quantile_from_sorted_data(sorted, 1, SAMPLES, 0.5);
	cr_expect(ieee_ulp_eq(dbl, median, sorted[SAMPLES / 2], 1));
	double found = (double)hist_quantile(h, 0.5);
	cr_expect(found >= median && found <= median * 33 / 32, "%g for %g", found, median);
	free(sorted);
	free(h);
}

Test(hist, merging_equals_adding_the_samples_of_both)
{
	struct hist *one = xcalloc(1, sizeof(*one)), *two = xcalloc(1, sizeof(*two)),
		    *both = xcalloc(1, sizeof(*both));
	struct rng r;
	rng_init(&r, 7, "merge");
	for (int i = 0; i < 5000; i++) {
		uint64_t v = rng_next(&r) >> (20 + rng_below(&r, 40));
		hist_add(i % 3 ? one : two, v);
		hist_add(both, v);
	}
	hist_merge(one, two);
	cr_expect(memcmp(one, both, sizeof(*one)) == 0);
	free(one), free(two), free(both);
}

Test(hist, merging_into_an_empty_one_copies_and_merging_an_empty_one_changes_nothing)
{
	struct hist *full = xcalloc(1, sizeof(*full)), *empty = xcalloc(1, sizeof(*empty)),
		    *copy = xcalloc(1, sizeof(*copy));
	hist_add(full, 9);
	hist_merge(copy, full);
	cr_expect(memcmp(copy, full, sizeof(*full)) == 0);
	hist_merge(full, empty);
	cr_expect(memcmp(copy, full, sizeof(*full)) == 0);
	free(full), free(empty), free(copy);
}

/* ---- the registry ---- */

struct fixture {
	struct stats *stats;
	struct sample_cpu cpu[2];
};

static struct fixture *fixture_new(void)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->stats = stats_new();
	for (unsigned i = 0; i < 2; i++) {
		sample_fill(&f->cpu[i]);
		sample_register(f->stats, &f->cpu[i], i);
	}
	return f;
}

static void fixture_free(struct fixture *f)
{
	stats_free(f->stats);
	free(f);
}

struct tank {
	uint64_t poured, held[2];
};
static const char *const tank_names[] = {"left", "right", NULL};
static const struct stat_desc tank_rows[] = {
	STAT_LEVEL_BY(struct tank, held, tank_names, "litres", "what is there"),
	STAT(struct tank, poured, "litres", "what came"),
};

Test(stats, levels_are_neither_reset_nor_put_aside)
{
	struct tank t = {.poured = 5, .held = {2, 3}};
	struct stats *s = stats_new();
	stats_add(s, tank_rows, 2, &t, "tank");
	uint64_t *image = xcalloc(1, stats_image_bytes(s));
	stats_save(s, image);
	stats_reset(s);
	cr_expect(eq(u64, t.poured, 0));
	cr_expect(eq(u64, t.held[1], 3));
	t.held[1] = 7;
	stats_load(s, image);
	cr_expect(eq(u64, t.poured, 5));
	cr_expect(eq(u64, *stats_find(s, "tank.held.right"), 7));
	free(image);
	stats_free(s);
}

Test(stats, labels_of_two_dimensions_expand_to_paths)
{
	struct fixture *f = fixture_new();
	f->cpu[1].walker.reads_served[2][1] = 123;
	const uint64_t *counter = stats_find(f->stats, "cpu1.walker.reads_served.s2_final.dram");
	cr_assert(ne(ptr, (void *)counter, NULL));
	cr_expect(eq(u64, *counter, 123));
	cr_expect(eq(ptr, (void *)stats_find(f->stats, "cpu0.core.cycles_by_bucket"), NULL));
	cr_expect(eq(ptr, (void *)stats_find(f->stats, "cpu0.walker.walk_cycles"), NULL)); /* no counter */
	fixture_free(f);
}

static enum status join_paths(void *ctx, const struct stat_value *v, struct err *err)
{
	(void)err;
	strcat(ctx, v->path);
	strcat(ctx, v->hist ? "[hist] " : " ");
	return OK;
}

Test(stats, values_are_visited_in_the_order_of_registration)
{
	static const char *const labels[] = {"a", "b", NULL};
	static const struct {
		uint64_t x, by[2];
	} model;
	const struct stat_desc rows[] = {
		{.name = "x", .unit = "n", .doc = "x", .offset = 0},
		{.name = "by", .unit = "n", .doc = "by", .offset = sizeof(uint64_t), .labels = labels},
	};
	char paths[256] = "";
	struct err err;
	struct stats *s = stats_new();
	stats_add(s, rows, 2, (void *)&model, "z%d", 9);
	stats_add(s, rows, 1, (void *)&model, "a");
	cr_assert(eq(int, stats_visit(s, join_paths, paths, &err), OK));
	cr_expect(eq(str, paths, "z9.x z9.by.a z9.by.b a.x "));
	stats_free(s);
}

static enum status refuse(void *ctx, const struct stat_value *v, struct err *err)
{
	++*(int *)ctx;
	return err_set(err, ERR_HOST, "%s refused", v->path);
}

Test(stats, a_visit_stops_at_the_first_failure)
{
	struct fixture *f = fixture_new();
	struct err err;
	int visits = 0;
	cr_expect(eq(int, stats_visit(f->stats, refuse, &visits, &err), ERR_HOST));
	cr_expect(eq(int, visits, 1));
	cr_expect(eq(str, err.text, "cpu0.instructions refused"));
	fixture_free(f);
}

Test(stats, reset_clears_counters_arrays_and_histograms)
{
	struct fixture *f = fixture_new();
	static const struct sample_cpu zero;
	stats_reset(f->stats);
	cr_expect(memcmp(&f->cpu[0], &zero, sizeof(zero)) == 0);
	cr_expect(memcmp(&f->cpu[1], &zero, sizeof(zero)) == 0);
	fixture_free(f);
}

Test(stats, a_path_used_twice_is_a_bug, .signal = SIGABRT)
{
	struct fixture *f = fixture_new();
	sample_register(f->stats, &f->cpu[1], 0);
}

/* ---- JSON ---- */

Test(stats_json, counters_are_keyed_by_path_and_histograms_are_objects)
{
	struct fixture *f = fixture_new();
	struct err err;
	json_t *all, *walk;
	cr_assert(eq(int, stats_to_json(f->stats, &all, &err), OK));
	cr_expect(eq(i64, json_integer_value(json_object_get(all, "cpu1.l1d_tlb.misses")), 30));
	walk = json_object_get(all, "cpu0.walker.walk_cycles");
	cr_expect(eq(i64, json_integer_value(json_object_get(walk, "count")), 10));
	cr_expect(eq(i64, json_integer_value(json_object_get(walk, "p50")), 50));
	cr_expect(eq(i64, json_integer_value(json_object_get(walk, "p99")), 100));
	cr_expect(ieee_ulp_eq(dbl, json_real_value(json_object_get(walk, "mean")), 55.0, 1));
	json_decref(all);
	fixture_free(f);
}

Test(stats_json, a_counter_beyond_63_bits_is_an_error_that_names_it)
{
	struct fixture *f = fixture_new();
	struct err err;
	json_t *all;
	f->cpu[0].l2.hits = UINT64_MAX;
	cr_assert(eq(int, stats_to_json(f->stats, &all, &err), ERR_HOST));
	cr_expect(strstr(err.text, "cpu0.l2_tlb.hits") != NULL, "%s", err.text);
	cr_expect(eq(ptr, all, NULL));
	fixture_free(f);
}
