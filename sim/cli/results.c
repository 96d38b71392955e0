#include "cli/results.h"

#include <stdio.h>
#include <string.h>

enum { OPT_DB = 256, OPT_REGION, OPT_JSON, OPT_CSV };

static const struct argp_option results_options[] = {
	{"db", OPT_DB, "FILE", 0, "Results database (results.db)", 0},
	{"region", OPT_REGION, "NAME", 0, "Part of the run: measured (the default) or warmup", 0},
	{"json", OPT_JSON, NULL, 0, "Print JSON", 0},
	{"csv", OPT_CSV, NULL, 0, "Print comma-separated values", 0},
	{0},
};

static void choose_format(struct results_args *args, enum table_format format, struct argp_state *state)
{
	if (args->format != TABLE_TEXT && args->format != format)
		argp_error(state, "--json and --csv: one of them, please");
	args->format = format;
}

static error_t parse_results_option(int key, char *arg, struct argp_state *state)
{
	struct results_args *args = state->input;
	switch (key) {
	case OPT_DB: args->db = arg; return 0;
	case OPT_JSON:
	case OPT_CSV: choose_format(args, key == OPT_JSON ? TABLE_JSON : TABLE_CSV, state); return 0;
	case OPT_REGION:
		if (strcmp(arg, "measured") != 0 && strcmp(arg, "warmup") != 0)
			argp_error(state, "--region: '%s' is neither measured nor warmup", arg);
		args->query.region = arg;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

const struct argp results_argp = {.options = results_options, .parser = parse_results_option};

void results_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	char name[64], *verb = argv[0];
	snprintf(name, sizeof(name), "strata %s", verb);
	argv[0] = name;
	argp_err_exit_status = 2;
	argp_parse(argp, argc, argv, 0, NULL, input);
	argv[0] = verb;
}

int results_fail(enum status status, const struct err *err)
{
	fprintf(stderr, "strata: %s\n", err->text);
	return status_exit_code(status);
}

int results_print(const struct results_args *args, results_make_fn *make)
{
	struct err err;
	struct store *st;
	struct table *t = NULL;
	enum status status = store_open(args->db, STORE_READ, &st, &err);
	if (status == OK) status = make(st, &args->query, &t, &err);
	if (status == OK) status = table_print(t, args->format, stdout, &err);
	if (status == OK && args->if_empty && args->format == TABLE_TEXT && table_row_count(t) == 0)
		fprintf(stderr, "strata: %s\n", args->if_empty);
	table_free(t);
	store_close(st);
	return status == OK ? 0 : results_fail(status, &err);
}
