/* summary.c - one row per run: the table that shows what translation cost. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "report/fill.h"
#include "report/report.h"
#include "store/sql.h"

/* name, title, unit, decimals, SQL over s (the run) and b (the baseline), meaning. */
#define SUMMARY_COLUMNS(X) \
	X("run", "#", "", 0, "s.run", "number of the run in the database") \
	X("name", "run", "", 0, "s.name", "name given to the run") \
	X("accesses", "accesses", "", 0, "s.accesses", "loads and stores of the workload in the region") \
	X("l1d_tlb_mpki", "L1D TLB misses", "/1000 instr.", 2, "s.l1d_tlb_mpki", \
	  "misses of the first-level data TLB per 1000 instructions") \
	X("l2_tlb_mpki", "L2 TLB misses", "/1000 instr.", 2, "s.l2_tlb_mpki", \
	  "misses of the second-level TLB per 1000 instructions") \
	X("walks", "walks", "", 0, "s.walks", "translation table walks") \
	X("reads_per_walk", "reads", "/walk", 2, "s.reads_per_walk", \
	  "descriptors read per walk; up to 4 with four levels, up to 24 under two stages of them") \
	X("walk_cycles_mean", "walk mean", "cycles", 1, "s.walk_cycles_mean", "mean duration of a walk") \
	X("walk_cycles_p99", "walk p99", "cycles", 0, "s.walk_cycles_p99", \
	  "99 of 100 walks took at most this long (within 3.1 %)") \
	X("cpi", "cycles", "/instr.", 3, "s.cpi", "cycles per instruction, over all CPUs") \
	X("slow_down", "slow-down", "times", 3, \
	  "CASE WHEN s.workload = b.workload THEN" \
	  " 1.0 * s.cycles / nullif(s.accesses, 0) / (1.0 * nullif(b.cycles, 0) / nullif(b.accesses, 0)) END", \
	  "elapsed cycles per access, relative to the baseline; only for the same workload")

static const struct column summary_columns[] = {
#define X(name_, title_, unit_, decimals_, sql_, doc_) \
	{.name = name_, .title = title_, .unit = unit_, .decimals = decimals_, .doc = doc_},
	SUMMARY_COLUMNS(X)
#undef X
};
enum { SUMMARY_COUNT = sizeof(summary_columns) / sizeof(summary_columns[0]) };

/* ?1 the runs in order as a JSON array, ?2 the baseline, ?3 the region. The view is evaluated once, for all runs: asked
 * for run by run it would add up every run each time. The last column ends the list and is not read. */
static const char summary_sql[] =
	"WITH every AS MATERIALIZED (SELECT * FROM summary WHERE region = ?3) SELECT "
#define X(name, title, unit, decimals, sql, doc) sql " AS " name ", "
	SUMMARY_COLUMNS(X)
#undef X
		"NULL FROM json_each(?1) AS wanted JOIN every AS s ON s.run = wanted.value LEFT JOIN every AS b ON b.run = ?2"
		" ORDER BY wanted.key";

static const char latest_of_each_name[] = "SELECT max(id) FROM run GROUP BY name ORDER BY 1";
static const char every_run[] = "SELECT id FROM run ORDER BY id";

struct run_list {
	int64_t *id;
	int count;
};

static void add_run(struct run_list *list, int64_t id)
{
	list->id = xrealloc(list->id, (size_t)list->count + 1, sizeof(*list->id));
	list->id[list->count++] = id;
}

static enum status list_stored_runs(struct store *st, bool all, struct run_list *list, struct err *err)
{
	sqlite3_stmt *stmt;
	bool has_row = false;
	TRY(sql_prepare(store_connection(st), all ? every_run : latest_of_each_name, &stmt, err));
	enum status status;
	while ((status = sql_next(stmt, &has_row, err)) == OK && has_row)
		add_run(list, sqlite3_column_int64(stmt, 0));
	sqlite3_finalize(stmt);
	return status;
}

static enum status list_runs(struct store *st, const struct report_query *q, struct run_list *list,
			     struct err *err)
{
	if (!q->run_count) return list_stored_runs(st, q->all, list, err);
	for (int i = 0; i < q->run_count; i++) {
		int64_t id;
		TRY(report_find_run(st, q->runs[i], &id, err));
		add_run(list, id);
	}
	return OK;
}

static enum status find_baseline(struct store *st, const struct report_query *q, const struct run_list *list,
				 int64_t *baseline, struct err *err)
{
	if (q->baseline) return report_find_run(st, q->baseline, baseline, err);
	*baseline = list->count ? list->id[0] : 0;
	return OK;
}

/* "[3,1,2]"; free() it. */
static char *json_list(const struct run_list *list)
{
	json_t *array = json_array();
	for (int i = 0; i < list->count; i++) json_array_append_new(array, json_integer(list->id[i]));
	char *text = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return text;
}

static enum status add_rows(struct store *st, const char *region, const struct run_list *list,
			    int64_t baseline, struct table *t, struct err *err)
{
	sqlite3_stmt *stmt;
	TRY(sql_prepare(store_connection(st), summary_sql, &stmt, err));
	char *runs = json_list(list);
	sql_bind_text(stmt, 1, runs);
	sqlite3_bind_int64(stmt, 2, baseline);
	sql_bind_text(stmt, 3, region);
	enum status status = table_fill(t, stmt, err);
	sqlite3_finalize(stmt);
	free(runs);
	return status;
}

enum status report_summary(struct store *st, const struct report_query *q, struct table **out,
			   struct err *err)
{
	struct run_list list = {0};
	int64_t baseline;
	*out = table_new(summary_columns, SUMMARY_COUNT);
	enum status status = list_runs(st, q, &list, err);
	if (status == OK) status = find_baseline(st, q, &list, &baseline, err);
	if (status == OK) status = add_rows(st, q->region, &list, baseline, *out, err);
	free(list.id);
	if (status == OK) return OK;
	table_free(*out);
	*out = NULL;
	return status;
}

struct table *report_explain_columns(void)
{
	static const struct column heading[] = {{.name = "column", .title = "column", .unit = ""},
						{.name = "key", .title = "key", .unit = ""},
						{.name = "unit", .title = "unit", .unit = ""},
						{.name = "meaning", .title = "meaning", .unit = ""}};
	struct table *t = table_new(heading, sizeof(heading) / sizeof(heading[0]));
	for (int i = 0; i < SUMMARY_COUNT; i++) {
		struct cell *row = table_add_row(t);
		cell_set_text(&row[0], summary_columns[i].title);
		cell_set_text(&row[1], summary_columns[i].name);
		cell_set_text(&row[2], summary_columns[i].unit);
		cell_set_text(&row[3], summary_columns[i].doc);
	}
	return t;
}
