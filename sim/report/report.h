/* report.h - stored runs as tables: a summary of runs, and two runs counter by counter.
 *
 * Both give a `struct table`, which prints itself as text, CSV or JSON (report/table.h).
 * A run is named by its number or by its name; of several runs with one name the latest is meant.
 * Not modelled: confidence intervals (a run is deterministic; intervals need repeated seeds).
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "report/table.h"
#include "store/store.h"

struct report_query {
	const char *const *runs; /* numbers or names, in the order of the rows */
	int run_count;           /* 0: the latest run of every name, oldest first */
	const char *baseline;    /* slow-down is against it; NULL: the first row */
	const char *region;      /* "measured" or "warmup" */
	const char *counters;    /* compare: only paths that match this shell pattern; NULL: all */
	bool all;                /* summary: every run, repeated names too; compare: equal counters too */
	bool total;              /* compare: sums over CPUs ("cpu.") instead of each CPU */
};

/* The number of the run that `text` means. ERR_USAGE, with the runs there are, when there is none. */
enum status report_find_run(struct store *st, const char *text, int64_t *run, struct err *err);

/* One row per run; the columns are the rows of report_columns. table_free() it. */
enum status report_summary(struct store *st, const struct report_query *q, struct table **out,
			   struct err *err);

/* What the columns of the summary mean: title, key, unit, meaning. */
struct table *report_explain_columns(void);

/* One row per counter or number of a histogram of runs[0] and runs[1], largest relative difference first. */
enum status report_compare(struct store *st, const struct report_query *q, struct table **out,
			   struct err *err);

/* Everything stored except the columns of view metadata_column, in canonical order, as text: equal inputs give
 * equal bytes. */
enum status report_dump(struct store *st, FILE *out, struct err *err);

#endif
