/* verb_check.c - `strata check`: the model against published measurements. */
#include <argp.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/outfile.h"
#include "check/junit.h"
#include "cli/results.h"
#include "cli/texts.h"
#include "cli/verbs.h"

struct options {
	char **file; /* of argv, NULL at the end */
	const char *junit;
	struct texts overlays;
	bool json;
};

enum { OPT_JUNIT = 256, OPT_JSON };

static const struct argp_option check_options[] = {
	{"junit", OPT_JUNIT, "FILE", 0, "also write the verdicts as JUnit XML", 0},
	{"overlay", 'o', "FILE", 0, "a file on top of the machine of the name that it says; may be repeated",
	 0},
	{"json", OPT_JSON, NULL, 0, "print the rows as JSON, and the sums on standard error", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case OPT_JUNIT: o->junit = arg; return 0;
	case OPT_JSON: o->json = true; return 0;
	case 'o': texts_add(&o->overlays, arg); return 0;
	case ARGP_KEY_ARGS: o->file = state->argv + state->next; return 0;
	case ARGP_KEY_NO_ARGS: argp_error(state, "FILE is needed, such as references/"); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static void print_sums(const struct check_summary *s, FILE *out)
{
	if (isfinite(s->mean_error_percent))
		fprintf(out, "mean error %.1f %% over %u validation rows; ", s->mean_error_percent,
			s->averaged);
	fprintf(out, "%u fitted, %u not gated\n%u passed, %u failed\n", s->fitted, s->not_gated, s->passed,
		s->failed);
}

static enum status show(const struct options *o, const struct outcome *outcomes, size_t count,
			struct err *err)
{
	struct check_summary s = check_summarise(outcomes, count);
	struct table *t = check_table(outcomes, count);
	enum status st = table_print(t, o->json ? TABLE_JSON : TABLE_TEXT, stdout, err);
	table_free(t);
	TRY(st);
	print_sums(&s, o->json ? stderr : stdout);
	if (o->junit) TRY(junit_write(o->junit, outcomes, count, err));
	if (!s.failed) return OK;
	return err_set(err, ERR_CHECK, "%u of %zu rows are outside their tolerance", s.failed, count);
}

static enum status warn_of_overlays(const struct options *o, const struct references *refs, struct err *err)
{
	const char *unused;
	TRY(check_unused_overlay(refs->row, refs->count, o->overlays.item, &unused, err));
	if (unused)
		fprintf(stderr,
			"strata: %s: is not used: no row runs on a machine of the name that it says\n",
			unused);
	return OK;
}

static enum status check(const struct options *o, struct conf *c, struct references *refs, struct err *err)
{
	if (o->junit) TRY(outfile_check(o->junit, err));
	for (char **file = o->file; *file; file++) TRY(references_load(c, *file, refs, err));
	TRY(warn_of_overlays(o, refs, err));
	struct outcome *outcomes = xcalloc(refs->count, sizeof(*outcomes));
	struct check_how how = {.overlays = o->overlays.item, .last = check_last_new()};
	enum status st = OK;
	for (size_t i = 0; st == OK && i < refs->count; i++)
		st = check_row_run(&refs->row[i], &how, &outcomes[i], err);
	check_last_free(how.last);
	if (st == OK) st = show(o, outcomes, refs->count, err);
	free(outcomes);
	return st;
}

int verb_check(int argc, char **argv)
{
	static const struct argp argp = {
		check_options,
		parse_option,
		"FILE...",
		"Runs the scenario of each published figure, and compares. FILE is a file of references, or a folder of them."
		"\vExit code 1: a row is outside its tolerance. Rows that a parameter was set from are `fitted`: "
		"within their tolerance they are neither counted as passed nor part of the mean error.",
		NULL,
		NULL,
		NULL};
	struct options o = {0};
	struct err err = {0};
	struct references refs = {0};
	struct conf *c = conf_new();
	results_parse(&argp, argc, argv, &o);
	enum status st = check(&o, c, &refs, &err);
	references_fini(&refs);
	free(o.overlays.item);
	conf_free(c);
	return st == OK ? 0 : results_fail(st, &err);
}
