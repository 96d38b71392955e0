#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>

#include "base/alloc.h"
#include "report/report.h"
#include "sample_results.h"

typedef enum status make_fn(struct store *st, const struct report_query *q, struct table **out,
			    struct err *err);

static char *print_table(const struct table *t, enum table_format format)
{
	char *text = NULL;
	size_t bytes;
	struct err err = {0};
	FILE *out = open_memstream(&text, &bytes);
	cr_assert(eq(int, table_print(t, format, out, &err), OK), "%s", err.text);
	fclose(out);
	return text;
}

/* What the query prints; the region is "measured" unless it says otherwise. */
static char *printed(const char *path, make_fn *make, struct report_query q, enum table_format format)
{
	struct store *st;
	struct table *t;
	struct err err = {0};
	if (!q.region) q.region = "measured";
	cr_assert(eq(int, store_open(path, STORE_READ, &st, &err), OK), "%s", err.text);
	cr_assert(eq(int, make(st, &q, &t, &err), OK), "%s", err.text);
	char *text = print_table(t, format);
	table_free(t);
	store_close(st);
	return text;
}

static void expect_text(char *found, const char *expected)
{
	cr_expect(strcmp(found, expected) == 0, "--- expected\n%s--- found\n%s", expected, found);
	free(found);
}

/* bare metal, 2000 cycles; kvm, 3000; both of one CPU. */
static char *two_runs(void)
{
	char *path = sample_path();
	sample_append(path, "bare metal", 1, 2000);
	sample_append(path, "kvm, 4K", 1, 3000);
	return path;
}

/* ---- tables ---- */

static const struct column plain[] = {
	{.name = "key", .title = "key", .unit = ""},
	{.name = "value", .title = "value", .unit = "cycles", .decimals = 2},
};

static struct table *table_of_kinds(void)
{
	struct table *t = table_new(plain, 2);
	struct cell *row = table_add_row(t);
	cell_set_text(&row[0], "Zürich, \"ZRH\"");
	row[1] = (struct cell){.kind = CELL_REAL, .real = -1234567.125};
	row = table_add_row(t);
	cell_set_text(&row[0], "n");
	row[1] = (struct cell){.kind = CELL_INT, .integer = 999};
	row = table_add_row(t);
	cell_set_text(&row[0], "missing");
	row = table_add_row(t);
	cell_set_text(&row[0], "no number");
	row[1] = (struct cell){.kind = CELL_REAL, .real = __builtin_nan("")};
	return t;
}

Test(table, text_aligns_numbers_to_the_right_and_counts_characters_not_bytes)
{
	struct table *t = table_of_kinds();
	expect_text(print_table(t, TABLE_TEXT), "key                    value\n"
						"                      cycles\n"
						"Zürich, \"ZRH\"  -1,234,567.12\n"
						"n                        999\n"
						"missing                    -\n"
						"no number                  -\n");
	table_free(t);
}

Test(table, csv_quotes_commas_and_quotes_and_leaves_missing_values_empty)
{
	struct table *t = table_of_kinds();
	expect_text(print_table(t, TABLE_CSV), "key,value\r\n"
					       "\"Zürich, \"\"ZRH\"\"\",-1234567.125\r\n"
					       "n,999\r\n"
					       "missing,\r\n"
					       "no number,\r\n");
	table_free(t);
}

Test(table, json_has_null_for_what_is_missing_or_no_number)
{
	struct table *t = table_of_kinds();
	char *text = print_table(t, TABLE_JSON);
	json_t *rows = json_loads(text, 0, NULL);
	cr_assert(eq(sz, json_array_size(rows), 4));
	cr_expect(eq(int, json_is_null(json_object_get(json_array_get(rows, 2), "value")), 1));
	cr_expect(eq(int, json_is_null(json_object_get(json_array_get(rows, 3), "value")), 1));
	cr_expect(eq(i64, json_integer_value(json_object_get(json_array_get(rows, 1), "value")), 999));
	json_decref(rows);
	free(text);
	table_free(t);
}

/* ---- summary ---- */

/* clang-format off */
static const char summary_of_two[] =
	"#  run         accesses  L1D TLB misses  L2 TLB misses  walks  reads  walk mean  walk p99   cycles  slow-down\n"
	"                           /1000 instr.   /1000 instr.         /walk     cycles    cycles  /instr.      times\n"
	"1  bare metal       400           30.00          10.00     10   4.00       55.0       100    2.000      1.000\n"
	"2  kvm, 4K          400           30.00          10.00     10   4.00       55.0       100    2.000      1.500\n";
/* clang-format on */

Test(report, summary_shows_each_run_against_the_first)
{
	char *path = two_runs();
	expect_text(printed(path, report_summary, (struct report_query){0}, TABLE_TEXT), summary_of_two);
	sample_remove(path);
}

Test(report, slow_down_is_against_the_baseline_named)
{
	char *path = two_runs();
	const struct report_query q = {.baseline = "kvm, 4K"};
	char *text = printed(path, report_summary, q, TABLE_JSON);
	json_t *rows = json_loads(text, 0, NULL);
	cr_assert(eq(sz, json_array_size(rows), 2));
	json_t *first = json_object_get(json_array_get(rows, 0), "slow_down");
	json_t *second = json_object_get(json_array_get(rows, 1), "slow_down");
	cr_expect(epsilon_eq(dbl, json_number_value(first), 2.0 / 3, 1e-9));
	cr_expect(epsilon_eq(dbl, json_number_value(second), 1, 1e-9));
	json_decref(rows);
	free(text);
	sample_remove(path);
}

static int rows_of(const char *path, struct report_query q)
{
	struct store *st;
	struct table *t;
	struct err err = {0};
	q.region = "measured";
	cr_assert(eq(int, store_open(path, STORE_READ, &st, &err), OK), "%s", err.text);
	cr_assert(eq(int, report_summary(st, &q, &t, &err), OK), "%s", err.text);
	int rows = table_row_count(t);
	table_free(t);
	store_close(st);
	return rows;
}

Test(report, of_repeated_names_only_the_latest_run_is_shown_unless_all_are_asked_for)
{
	static const char *const named[] = {"bare metal"}, *const numbered[] = {"1", "2"};
	char *path = two_runs();
	sample_append(path, "bare metal", 1, 4000);
	cr_expect(eq(int, rows_of(path, (struct report_query){0}), 2));
	cr_expect(eq(int, rows_of(path, (struct report_query){.all = true}), 3));
	cr_expect(eq(int, rows_of(path, (struct report_query){.runs = numbered, .run_count = 2}), 2));
	char *text = printed(path, report_summary, (struct report_query){.runs = named, .run_count = 1},
			     TABLE_CSV);
	cr_expect(strstr(text, "\r\n3,bare metal,") != NULL, "%s", text);
	free(text);
	sample_remove(path);
}

Test(report, another_workload_has_no_slow_down)
{
	char *path = two_runs();
	struct store *st = sample_open(path);
	sqlite3_exec(store_connection(st), "UPDATE run SET workload = 'other' WHERE id = 2", NULL, NULL,
		     NULL);
	store_close(st);
	char *text = printed(path, report_summary, (struct report_query){0}, TABLE_CSV);
	cr_expect(strstr(text, ",2,\r\n") != NULL, "%s", text); /* CPI 2, then nothing */
	free(text);
	sample_remove(path);
}

Test(report, a_run_that_is_not_there_is_an_error_that_lists_those_that_are)
{
	char *path = two_runs();
	int64_t run;
	struct err err = {0};
	struct store *st = sample_open(path);
	cr_expect(eq(int, report_find_run(st, "kvm", &run, &err), ERR_USAGE));
	cr_expect(eq(int, strcmp(err.text, "no run 'kvm'; there is: 'bare metal', 'kvm, 4K'"), 0), "%s",
		  err.text);
	for (int i = 0; i < 9; i++) {
		char name[] = "many 0";
		name[5] = (char)('0' + i);
		sample_gather(st, name, 1, 1);
		store_run_commit(st, NULL, &err);
	}
	cr_expect(eq(int, report_find_run(st, "12", &run, &err), ERR_USAGE));
	cr_expect(strstr(err.text, "'many 5' and 3 more") != NULL, "%s", err.text);
	store_close(st);
	sample_remove(path);
}

static int count_call(void *calls)
{
	++*(int *)calls;
	return 0;
}

/* Hundreds of steps of SQLite's machine that the summary of `runs` runs takes. */
static int work_of_summary(int runs)
{
	int calls = 0;
	char *path = sample_path();
	struct err err;
	struct table *t;
	struct store *st = sample_open(path);
	for (int i = 0; i < runs; i++) {
		sample_gather(st, "again", 2, 2000);
		cr_assert(eq(int, store_run_commit(st, NULL, &err), OK));
	}
	sqlite3_progress_handler(store_connection(st), 100, count_call, &calls);
	cr_assert(eq(int,
		     report_summary(st, &(struct report_query){.region = "measured", .all = true}, &t, &err),
		     OK));
	cr_expect(eq(int, table_row_count(t), runs));
	table_free(t);
	store_close(st);
	sample_remove(path);
	return calls;
}

Test(report, summary_takes_work_in_proportion_to_the_runs)
{
	int few = work_of_summary(10), many = work_of_summary(40);
	cr_expect(many < 6 * few, "%d steps for 10 runs, %d for 40", few, many);
}

/* ---- compare ---- */

/* A second run whose counters differ in three places: more, none, only there. */
static void append_different(const char *path)
{
	struct store *st;
	sample_append(path, "different", 1, 3000);
	st = sample_open(path);
	cr_assert(sqlite3_exec(store_connection(st),
			       "UPDATE stat SET value = 60 WHERE run = 2 AND path = 'cpu0.l1d_tlb.misses';"
			       "UPDATE stat SET value = 0 WHERE run = 2 AND path = 'cpu0.l2_tlb.misses';"
			       "UPDATE hist SET sum = 660 WHERE run = 2;"
			       "INSERT INTO stat VALUES (2, 'measured', 'cpu0.l3_tlb.hits', 'lookups', 5)",
			       NULL, NULL, NULL) == SQLITE_OK);
	store_close(st);
}

Test(report, compare_puts_the_largest_relative_difference_first)
{
	static const char *const runs[] = {"one", "different"};
	char *path = sample_path();
	sample_append(path, "one", 1, 2000);
	append_different(path);
	expect_text(
		printed(path, report_compare, (struct report_query){.runs = runs, .run_count = 2}, TABLE_CSV),
		"counter,unit,a,b,difference,ratio\r\n"
		"cpu0.l2_tlb.misses,lookups,10,0,-10,0\r\n"
		"cpu0.l1d_tlb.misses,lookups,30,60,30,2\r\n"
		"cpu0.walker.walk_cycles.mean,cycles,55,66,11,1.2\r\n"
		"cpu0.l3_tlb.hits,lookups,,5,,\r\n");
	sample_remove(path);
}

Test(report, compare_shows_what_the_pattern_wants_equal_values_on_request_and_sums)
{
	static const char *const runs[] = {"1", "2"};
	char *path = sample_path();
	sample_append(path, "one", 1, 2000);
	sample_append(path, "two", 2, 2000);
	struct report_query q = {.runs = runs, .run_count = 2, .counters = "*l2_tlb.hits", .total = true};
	expect_text(printed(path, report_compare, q, TABLE_CSV), "counter,unit,a,b,difference,ratio\r\n"
								 "cpu.l2_tlb.hits,lookups,20,40,20,2\r\n");
	q.counters = "cpu0.l2_tlb.hits";
	q.total = false;
	expect_text(printed(path, report_compare, q, TABLE_CSV), "counter,unit,a,b,difference,ratio\r\n");
	q.all = true;
	expect_text(printed(path, report_compare, q, TABLE_CSV), "counter,unit,a,b,difference,ratio\r\n"
								 "cpu0.l2_tlb.hits,lookups,20,20,0,1\r\n");
	sample_remove(path);
}

Test(report, compare_of_a_pattern_that_matches_nothing_is_an_error)
{
	static const char *const runs[] = {"1", "1"};
	char *path = sample_path();
	struct err err = {0};
	struct store *st;
	struct table *t;
	sample_append(path, "one", 1, 2000);
	cr_assert(eq(int, store_open(path, STORE_READ, &st, &err), OK), "%s", err.text);
	struct report_query q = {.runs = runs, .run_count = 2, .counters = "*l3_tlb*", .region = "measured"};
	cr_expect(eq(int, report_compare(st, &q, &t, &err), ERR_INPUT));
	cr_expect(eq(str, err.text,
		     (char *)"neither run has a counter that matches '*l3_tlb*' in region measured"));
	cr_expect(eq(ptr, t, NULL));
	store_close(st);
	sample_remove(path);
}
