/* `make bench`: what counts as slower than the baseline, and the file that the baseline is kept in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "../bench/baseline.h"

Test(bench, a_rate_more_than_20_percent_below_its_baseline_fails)
{
	struct cost then = {.steps = 10, .hops = 1};
	cr_expect(baseline_holds(then, then));
	cr_expect(baseline_holds((struct cost){5, 0.5}, then));
	cr_expect(baseline_holds((struct cost){12.4, 1.24}, then), "19.4 %% below");
	cr_expect(not(baseline_holds((struct cost){12.6, 1.26}, then)), "20.6 %% below");
	cr_expect(not(baseline_holds((struct cost){100, 10}, then)));
}

/* A host whose memory is slow beside its core takes more steps for the same hops, and the other way round. */
Test(bench, a_row_is_slower_only_if_it_is_by_steps_and_by_hops)
{
	struct cost then = {.steps = 10, .hops = 1};
	cr_expect(baseline_holds((struct cost){90, 1.1}, then));
	cr_expect(baseline_holds((struct cost){11, 9}, then));
	cr_expect(not(baseline_holds((struct cost){13, 9}, then)));
	cr_expect(epsilon_eq(dbl, baseline_fall((struct cost){20, 1.25}, then), 0.2, 1e-12));
	cr_expect(epsilon_eq(dbl, baseline_fall((struct cost){5, 1}, then), -1.0, 1e-12));
}

Test(bench, one_repetition_out_of_three_does_not_count)
{
	const double odd[] = {7, 1, 100}, even[] = {4, 1, 3, 2};
	const struct cost cost[] = {{10, 3}, {99, 1}, {11, 2}};
	cr_expect(epsilon_eq(dbl, bench_median(odd, 3), 7, 0));
	cr_expect(epsilon_eq(dbl, bench_median(even, 4), 2.5, 0));
	cr_expect(epsilon_eq(dbl, bench_median_cost(cost, 3).steps, 11, 0));
	cr_expect(epsilon_eq(dbl, bench_median_cost(cost, 3).hops, 2, 0));
}

static enum status load_text(const char *text, json_t **out, struct err *err)
{
	char path[] = "/tmp/strata-baseline-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
	enum status st = baseline_load(path, out, err);
	unlink(path);
	return st;
}

Test(bench, a_baseline_that_is_saved_is_what_is_loaded)
{
	char path[] = "/tmp/strata-baseline-XXXXXX";
	json_t *rows = json_object(), *again = NULL;
	struct cost cost = {0};
	struct err err;
	close(mkstemp(path));
	baseline_put(rows, "hits", (struct cost){99, 99});
	baseline_put(rows, "hits", (struct cost){12.5, 0.25});
	cr_assert(eq(int, baseline_save(path, rows, &err), OK));
	cr_assert(eq(int, baseline_load(path, &again, &err), OK), "%s", err.text);
	cr_assert(baseline_find(again, "hits", &cost));
	cr_expect(epsilon_eq(dbl, cost.steps, 12.5, 1e-9));
	cr_expect(epsilon_eq(dbl, cost.hops, 0.25, 1e-9));
	cr_expect(not(baseline_find(again, "misses", &cost)));
	json_decref(rows);
	json_decref(again);
	unlink(path);
}

Test(bench, a_baseline_that_cannot_be_compared_with_is_named)
{
	static const struct {
		const char *text, *reason;
	} row[] = {{"{", "end of file"},
		   {"[]", "not an object of rows"},
		   {"{\"hits\": {\"steps\": 1}}", "hits: needs"},
		   {"{\"hits\": {\"steps\": 0, \"hops\": 1}}", "hits: needs"},
		   {"{\"hits\": {\"steps\": 1, \"hops\": \"1\"}}", "hits: needs"}};
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		json_t *rows = NULL;
		struct err err;
		cr_expect(eq(int, load_text(row[i].text, &rows, &err), ERR_INPUT), "%s", row[i].text);
		cr_expect(ne(ptr, strstr(err.text, row[i].reason), NULL), "%s", err.text);
	}
}
