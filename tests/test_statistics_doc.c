/* docs/statistics.md against the database: its queries run, and it names every table and view. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "sample_results.h"
#include "store/schema.h"

static char *read_doc(void)
{
	FILE *f = fopen("docs/statistics.md", "r");
	cr_assert(f != NULL, "docs/statistics.md: tests run in the root of the project");
	char *text = xcalloc(1 << 16, 1);
	size_t bytes = fread(text, 1, (1 << 16) - 1, f);
	cr_assert(bytes > 0 && feof(f));
	fclose(f);
	return text;
}

/* Runs one query; it must compile and give a row, as the doc promises something to see. */
static void expect_rows(sqlite3 *db, const char *sql, int length)
{
	sqlite3_stmt *stmt;
	cr_assert(sqlite3_prepare_v2(db, sql, length, &stmt, NULL) == SQLITE_OK, "%.*s: %s", length, sql,
		  sqlite3_errmsg(db));
	cr_expect(sqlite3_step(stmt) == SQLITE_ROW, "no row: %.*s", length, sql);
	sqlite3_finalize(stmt);
}

Test(statistics_doc, every_query_runs_and_gives_rows)
{
	static const char opening[] = "```sql\n";
	char *path = sample_path(), *doc = read_doc();
	struct err err;
	struct store *st = sample_open(path);
	const struct store_param estimate = {.path = "machine.dram.latency_ns",
					     .number = 90,
					     .unit = "ns",
					     .origin = "tiny.yaml:30",
					     .tag = "estimated",
					     .source = "guess"};
	sample_gather(st, "bare metal", 1, 2000);
	cr_assert(eq(int, store_param(st, &estimate, &err), OK));
	cr_assert(eq(int, store_interval(st, 0, 0, 1000, &err), OK));
	cr_assert(eq(int, store_series(st, "node0.reads", 0, 7, &err), OK));
	cr_assert(eq(int, store_run_commit(st, NULL, &err), OK));
	int blocks = 0;
	for (const char *at = doc; (at = strstr(at, opening)); blocks++) {
		at += strlen(opening);
		const char *end = strstr(at, "```");
		cr_assert(end != NULL);
		expect_rows(store_connection(st), at, (int)(end - at));
		at = end + 3;
	}
	cr_expect(ge(int, blocks, 10));
	store_close(st);
	free(doc);
	sample_remove(path);
}

Test(statistics_doc, every_table_and_view_is_explained)
{
	char *doc = read_doc();
	for (size_t i = 0; i < store_object_count; i++) {
		char *quoted = xasprintf("`%s`", store_objects[i].name);
		cr_expect(strstr(doc, quoted) != NULL, "%s is not in docs/statistics.md", quoted);
		free(quoted);
	}
	free(doc);
}
