/* compare.c - two runs, counter by counter, the largest relative difference first. */
#include "report/fill.h"
#include "report/report.h"
#include "store/sql.h"

static const struct column compare_columns[] = {
	{.name = "counter", .title = "counter", .unit = "", .doc = "complete path"},
	{.name = "unit", .title = "unit", .unit = "", .doc = "of the values"},
	{.name = "a", .title = "A", .unit = "", .decimals = 2, .doc = "value in the first run"},
	{.name = "b", .title = "B", .unit = "", .decimals = 2, .doc = "value in the second run"},
	{.name = "difference", .title = "B - A", .unit = "", .decimals = 2, .doc = "difference"},
	{.name = "ratio", .title = "B / A", .unit = "", .decimals = 3, .doc = "ratio; none when A is 0"},
};

/* What is compared of a histogram: the column of the view and its unit in SQL. */
#define HIST_NUMBERS(X, hist) \
	X(hist, "count", "'samples'") \
	X(hist, "mean", "unit") \
	X(hist, "p50", "unit") \
	X(hist, "p90", "unit") \
	X(hist, "p99", "unit") \
	X(hist, "max", "unit")
#define ONE_NUMBER(hist, column, unit) \
	" UNION ALL SELECT run, path || '." column "', " unit ", " column " FROM " hist \
	" WHERE region = ?3 AND run IN (?1, ?2)"

/* ?1, ?2 the runs, ?3 region, ?4 pattern or NULL, ?5 whether equal values are wanted. A relative difference is taken
 * against the larger value, so that swapping the runs keeps the order and 0 against 5 is 1, not infinite; a counter
 * that only one run has comes last. */
#define COMPARE_SQL(stat, hist) \
	"WITH v AS (SELECT run, path, unit, value FROM " stat \
	" WHERE region = ?3 AND run IN (?1, ?2)" HIST_NUMBERS( \
		ONE_NUMBER, \
		hist) "), pair AS (SELECT path, unit, a.value AS a, b.value AS b" \
		      "  FROM (SELECT * FROM v WHERE run = ?1) AS a FULL JOIN (SELECT * FROM v WHERE run = ?2) AS b" \
		      "  USING (path, unit))" \
		      " SELECT path, unit, a, b, b - a, 1.0 * b / nullif(a, 0) FROM pair" \
		      " WHERE (?4 IS NULL OR path GLOB ?4) AND (?5 OR a IS NOT b)" \
		      " ORDER BY 1.0 * abs(b - a) / nullif(max(abs(a), abs(b)), 0) DESC NULLS LAST," \
		      "  abs(b - a) DESC NULLS LAST, path"

static const char compare_each_cpu[] = COMPARE_SQL("stat", "distribution");
static const char compare_totals[] = COMPARE_SQL("stat_total", "distribution_total");

static enum status fill_comparison(sqlite3 *db, const struct report_query *q, const int64_t run[2],
				   struct table *t, struct err *err)
{
	sqlite3_stmt *stmt;
	TRY(sql_prepare(db, q->total ? compare_totals : compare_each_cpu, &stmt, err));
	sqlite3_bind_int64(stmt, 1, run[0]);
	sqlite3_bind_int64(stmt, 2, run[1]);
	sql_bind_text(stmt, 3, q->region);
	sql_bind_text(stmt, 4, q->counters);
	sqlite3_bind_int(stmt, 5, q->all);
	enum status status = table_fill(t, stmt, err);
	sqlite3_finalize(stmt);
	return status;
}

static struct table *new_table(void)
{
	return table_new(compare_columns, sizeof(compare_columns) / sizeof(compare_columns[0]));
}

/* Nothing differs: is there anything at all to compare? A pattern that matches nothing must not look like equality. */
static enum status check_any(sqlite3 *db, const struct report_query *q, const int64_t run[2], struct err *err)
{
	struct report_query all = *q;
	struct table *t = new_table();
	all.all = true;
	enum status status = fill_comparison(db, &all, run, t, err);
	if (status == OK && table_row_count(t) == 0)
		status = err_set(err, ERR_INPUT, "neither run has a counter that matches '%s' in region %s",
				 q->counters ? q->counters : "*", q->region);
	table_free(t);
	return status;
}

enum status report_compare(struct store *st, const struct report_query *q, struct table **out,
			   struct err *err)
{
	int64_t run[2];
	*out = NULL;
	if (q->run_count != 2) return err_set(err, ERR_USAGE, "compare needs two runs, not %d", q->run_count);
	for (int i = 0; i < 2; i++) TRY(report_find_run(st, q->runs[i], &run[i], err));
	*out = new_table();
	enum status status = fill_comparison(store_connection(st), q, run, *out, err);
	if (status == OK && table_row_count(*out) == 0) status = check_any(store_connection(st), q, run, err);
	if (status == OK) return OK;
	table_free(*out);
	*out = NULL;
	return status;
}
