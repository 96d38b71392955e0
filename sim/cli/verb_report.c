/* verb_report.c - `strata report`: one row per stored run. */
#include "cli/results.h"
#include "cli/verbs.h"

enum { OPT_BASELINE = 512, OPT_ALL, OPT_COLUMNS, OPT_DUMP };

struct report_args {
	struct results_args results;
	bool columns, dump;
};

static const struct argp_option report_options[] = {
	{"baseline", OPT_BASELINE, "RUN", 0, "Run that slow-down is relative to (the first row)", 0},
	{"all", OPT_ALL, NULL, 0, "Every run, not only the latest of each name", 0},
	{"columns", OPT_COLUMNS, NULL, 0, "Say what the columns mean, and stop", 0},
	{"dump", OPT_DUMP, NULL, 0,
	 "Print all content but the run's metadata, in canonical order: equal for equal inputs and seed", 0},
	{0},
};

static error_t parse_report_option(int key, char *arg, struct argp_state *state)
{
	struct report_args *args = state->input;
	struct report_query *q = &args->results.query;
	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = &args->results; return 0;
	case OPT_BASELINE: q->baseline = arg; return 0;
	case OPT_ALL: q->all = true; return 0;
	case OPT_COLUMNS: args->columns = true; return 0;
	case OPT_DUMP: args->dump = true; return 0;
	case ARGP_KEY_ARGS:
		q->runs = (const char *const *)(state->argv + state->next);
		q->run_count = state->argc - state->next;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static int print_columns(enum table_format format)
{
	struct err err;
	struct table *t = report_explain_columns();
	enum status status = table_print(t, format, stdout, &err);
	table_free(t);
	return status == OK ? 0 : results_fail(status, &err);
}

static int print_dump(const char *db)
{
	struct err err;
	struct store *st;
	enum status status = store_open(db, STORE_READ, &st, &err);
	if (status == OK) status = report_dump(st, stdout, &err);
	store_close(st);
	return status == OK ? 0 : results_fail(status, &err);
}

int verb_report(int argc, char **argv)
{
	static const struct argp_child children[] = {{&results_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		report_options,
		parse_report_option,
		"[RUN...]",
		"Prints one row per stored run: TLB misses, walks, cycles, and the slow-down against a baseline."
		"\vA RUN is a number or a name; of several runs with one name the latest is meant. Without RUN: the "
		"latest run of each name.",
		children,
		NULL,
		NULL};
	struct report_args args = {.results = RESULTS_DEFAULTS};
	results_parse(&argp, argc, argv, &args);
	if (args.columns) return print_columns(args.results.format);
	if (args.dump) return print_dump(args.results.db);
	return results_print(&args.results, report_summary);
}
