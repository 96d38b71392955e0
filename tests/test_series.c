/* Counters by intervals of simulated time: which interval has what, how intervals merge, and that they add up. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "stats/series.h"

struct pump {
	uint64_t poured, held;
	struct hist size;
};
static const struct stat_desc rows[] = {
	STAT(struct pump, poured, "litres", "what came"),
	{.name = "held",
	 .unit = "litres",
	 .doc = "what is there",
	 .offset = offsetof(struct pump, held),
	 .kind = STAT_LEVEL},
	STAT_DIST(struct pump, size, "litres", "how much at once"),
};

struct rig {
	struct pump *pump;
	struct stats *stats;
	struct series *series;
};

static struct rig rig_of(cycles_t cycles, size_t limit)
{
	struct rig g = {xcalloc(1, sizeof(struct pump)), stats_new(), NULL};
	stats_add(g.stats, rows, 3, g.pump, "pump");
	g.series = series_new(g.stats, cycles, limit);
	series_begin(g.series, 0);
	return g;
}

static void close_rig(struct rig *g)
{
	struct err err = {0};
	cr_expect(eq(int, series_check(g->series, &err), OK), "%s", err.text);
	series_free(g->series);
	stats_free(g->stats);
	free(g->pump);
}

static void pour(struct rig *g, cycles_t now, uint64_t litres)
{
	series_advance(g->series, now);
	g->pump->poured += litres;
	g->pump->held = litres;
	hist_add(&g->pump->size, litres);
}

struct wanted {
	const char *path;
	size_t interval;
	int64_t value;
};

static enum status look(void *ctx, const struct series_value *v, struct err *err)
{
	struct wanted *w = ctx;
	(void)err;
	if (!strcmp(v->path, w->path) && v->interval == w->interval) w->value = v->value;
	return OK;
}

static int64_t value(const struct rig *g, const char *path, size_t interval)
{
	struct wanted w = {path, interval, 0};
	struct err err;
	series_visit(g->series, look, &w, &err);
	return w.value;
}

Test(series, an_interval_has_what_was_counted_before_its_end)
{
	struct rig g = rig_of(100, 8);
	pour(&g, 0, 1);
	pour(&g, 99, 2);
	pour(&g, 100, 4);
	pour(&g, 350, 8);
	series_end(g.series, 360);
	cr_assert(eq(sz, series_count(g.series), 4));
	cr_expect(eq(i64, value(&g, "pump.poured", 0), 3));
	cr_expect(eq(i64, value(&g, "pump.poured", 1), 4));
	cr_expect(eq(i64, value(&g, "pump.poured", 2), 0), "nothing came");
	cr_expect(eq(i64, value(&g, "pump.poured", 3), 8));
	cr_expect(eq(u64, series_interval(g.series, 3).begin, 300));
	cr_expect(eq(u64, series_interval(g.series, 3).end, 360), "the last is shorter");
	close_rig(&g);
}

Test(series, of_a_histogram_there_are_count_and_sum_and_of_a_level_its_last_value)
{
	struct rig g = rig_of(100, 8);
	pour(&g, 0, 5);
	pour(&g, 10, 7);
	pour(&g, 110, 9);
	series_end(g.series, 120);
	cr_expect(eq(i64, value(&g, "pump.size.count", 0), 2));
	cr_expect(eq(i64, value(&g, "pump.size.sum", 0), 12));
	cr_expect(eq(i64, value(&g, "pump.held", 0), 7));
	cr_expect(eq(i64, value(&g, "pump.held", 1), 9));
	close_rig(&g);
}

Test(series, when_the_limit_is_reached_each_two_become_one)
{
	struct rig g = rig_of(100, 4);
	for (unsigned i = 0; i < 4; i++) pour(&g, 100 * i, (uint64_t)1 << i);
	cr_expect(eq(sz, series_count(g.series), 3));
	pour(&g, 400, 16);
	cr_expect(eq(sz, series_count(g.series), 2));
	cr_expect(eq(u64, series_next(g.series), 600), "twice as long");
	series_end(g.series, 500);
	cr_expect(eq(i64, value(&g, "pump.poured", 0), 3));
	cr_expect(eq(i64, value(&g, "pump.poured", 1), 12));
	cr_expect(eq(i64, value(&g, "pump.poured", 2), 16));
	cr_expect(eq(i64, value(&g, "pump.held", 0), 2), "a level has the later value");
	cr_expect(eq(u64, series_interval(g.series, 1).begin, 200));
	cr_expect(eq(u64, series_interval(g.series, 1).end, 400));
	close_rig(&g);
}

Test(series, what_counters_have_when_it_begins_is_in_the_first_interval_and_time_begins_anew)
{
	struct rig g = rig_of(100, 4);
	pour(&g, 50, 3);
	memset(g.pump, 0, sizeof(*g.pump));
	g.pump->poured = 2;
	series_begin(g.series, 1000);
	cr_expect(eq(u64, series_next(g.series), 1100));
	pour(&g, 1099, 5);
	series_end(g.series, 1150);
	cr_expect(eq(sz, series_count(g.series), 2));
	cr_expect(eq(i64, value(&g, "pump.poured", 0), 7));
	close_rig(&g);
}

Test(series, what_is_counted_behind_the_last_cycle_is_in_the_last_interval)
{
	struct rig g = rig_of(100, 4);
	pour(&g, 100, 3);
	pour(&g, 200, 4);
	series_end(g.series, 200);
	cr_expect(eq(sz, series_count(g.series), 2));
	cr_expect(eq(i64, value(&g, "pump.poured", 1), 7));
	close_rig(&g);
}

Test(series, intervals_add_up_and_stay_within_the_limit_whatever_comes)
{
	struct rng r;
	rng_init(&r, 7, "series");
	for (unsigned run = 0; run < 50; run++) {
		size_t limit = 2 * (1 + rng_below(&r, 20));
		struct rig g = rig_of(1 + rng_below(&r, 50), limit);
		cycles_t now = 0;
		for (unsigned i = 0; i < 500; i++) {
			now += rng_below(&r, 10) ? rng_below(&r, 30) : rng_below(&r, 5000);
			pour(&g, now, rng_below(&r, 100));
			cr_assert(lt(sz, series_count(g.series), limit));
		}
		series_end(g.series, now + rng_below(&r, 3));
		cr_assert(le(sz, series_count(g.series), limit));
		for (size_t i = 1; i < series_count(g.series); i++)
			cr_assert(eq(u64, series_interval(g.series, i).begin,
				     series_interval(g.series, i - 1).end));
		close_rig(&g);
	}
}

Test(series, a_sum_that_does_not_hold_is_named)
{
	struct rig g = rig_of(100, 4);
	struct err err = {0};
	pour(&g, 10, 3);
	series_end(g.series, 20);
	g.pump->poured++;
	cr_expect(eq(int, series_check(g.series, &err), ERR_CHECK));
	cr_expect(ne(ptr, strstr(err.text, "pump.poured add up to 3, but it is 4"), NULL), "%s", err.text);
	g.pump->poured--;
	close_rig(&g);
}
