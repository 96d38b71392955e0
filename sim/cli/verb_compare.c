/* verb_compare.c - `strata compare`: two stored runs, counter by counter. */
#include "cli/results.h"
#include "cli/verbs.h"

enum { OPT_METRIC = 512, OPT_ALL, OPT_TOTAL };

static const struct argp_option compare_options[] = {
	{"metric", OPT_METRIC, "PATTERN", 0,
	 "Only counters whose path matches, as in '*l2_tlb*' or 'cpu0.walker.*'", 0},
	{"all", OPT_ALL, NULL, 0, "Equal counters too", 0},
	{"total", OPT_TOTAL, NULL, 0, "Add up over CPUs: cpu.x instead of cpu0.x, cpu1.x, ...", 0},
	{0},
};

static error_t parse_compare_option(int key, char *arg, struct argp_state *state)
{
	struct results_args *args = state->input;
	struct report_query *q = &args->query;
	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = args; return 0;
	case OPT_METRIC: q->counters = arg; return 0;
	case OPT_ALL: q->all = true; return 0;
	case OPT_TOTAL: q->total = true; return 0;
	case ARGP_KEY_ARGS:
		q->runs = (const char *const *)(state->argv + state->next);
		q->run_count = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		if (q->run_count != 2) argp_error(state, "two runs are needed: A B");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

int verb_compare(int argc, char **argv)
{
	static const struct argp_child children[] = {{&results_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		compare_options,
		parse_compare_option,
		"A B",
		"Prints the counters of two stored runs side by side, largest relative difference first."
		"\vA and B are numbers or names of runs; of several runs with one name the latest is meant. The "
		"relative difference is taken against the larger value. Of a histogram, the count, mean, "
		"quantiles and maximum are compared.",
		children,
		NULL,
		NULL};
	struct results_args args = RESULTS_DEFAULTS;
	args.if_empty = "no counter differs (--all prints equal ones)";
	results_parse(&argp, argc, argv, &args);
	return results_print(&args, report_compare);
}
