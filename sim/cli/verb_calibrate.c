/* verb_calibrate.c - `strata calibrate`: parameters fitted to published measurements. */
#include <argp.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/outfile.h"
#include "check/calibrate.h"
#include "cli/results.h"
#include "cli/texts.h"
#include "cli/verbs.h"

struct options {
	char **file; /* of argv, NULL at the end */
	struct texts keys, rows, overlays;
	const char *output;
	bool json;
};

enum { OPT_FIT = 256, OPT_ROWS, OPT_JSON, OPT_OVERLAY };

static const struct argp_option calibrate_options[] = {
	{"fit", OPT_FIT, "KEY,...", 0, "numbers of machine or stack to fit, by their paths; may be repeated",
	 0},
	{"rows", OPT_ROWS, "NAME,...", 0, "rows to fit to, by name or pattern (all but those from memory)",
	 0},
	{"output", 'o', "FILE", 0, "write what was fitted as an overlay", 0},
	{"overlay", OPT_OVERLAY, "FILE", 0,
	 "begin with this file on top of the machine of the name that it says; may be repeated", 0},
	{"json", OPT_JSON, NULL, 0, "print the keys and rows as JSON, and the sums on standard error", 0},
	{0},
};

/* Adds the words of a list with commas, cut in place. */
static void add_words(struct texts *t, char *list)
{
	for (char *rest, *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
		texts_add(t, word);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case OPT_FIT: add_words(&o->keys, arg); return 0;
	case OPT_ROWS: add_words(&o->rows, arg); return 0;
	case OPT_OVERLAY: texts_add(&o->overlays, arg); return 0;
	case 'o': o->output = arg; return 0;
	case OPT_JSON: o->json = true; return 0;
	case ARGP_KEY_ARGS: o->file = state->argv + state->next; return 0;
	case ARGP_KEY_NO_ARGS: argp_error(state, "FILE is needed, such as references/memory.yaml"); return 0;
	case ARGP_KEY_END:
		if (!o->keys.count) argp_error(state, "--fit KEY is needed, such as caches.l2.hit_cycles");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* --- tables ---------------------------------------------------------------------------------------------------------- */

static const struct column key_columns[] = {
	{"key", "key", "", 0, "path of the number"},
	{"before", "before", "", 0, "what the files say"},
	{"after", "after", "", 0, "what was fitted"},
	{"standard_error", "error", "", 2, "standard error of the latter"},
	{"unit", "unit", "", 0, "of all three"},
	{"allowed", "allowed", "", 0, "bounds of the key"},
	{"note", "note", "", 0, "at a bound"},
};
enum { KEY_COLUMNS = sizeof(key_columns) / sizeof(key_columns[0]) };

static const struct column row_columns[] = {
	{"row", "row", "", 0, "name of the row in its file"},
	{"published", "measured", "", 0, "number or range"},
	{"before", "before", "", 2, "what the model gave"},
	{"after", "after", "", 2, "what it gives with the fitted numbers"},
	{"unit", "unit", "", 0, "of all three"},
	{"error_percent", "error", "%", 1, "after, against the published number"},
	{"residual", "residual", "sigma", 2, "after, in units of how well the figure is known"},
	{"use", "use", "", 0, "fitted, check, from memory, another machine"},
	{"verdict", "verdict", "", 0, "after: pass, FAIL, fitted"},
};
enum { ROW_COLUMNS = sizeof(row_columns) / sizeof(row_columns[0]) };

static struct table *key_table(const struct calibration *c)
{
	struct table *t = table_new(key_columns, KEY_COLUMNS);
	for (size_t i = 0; i < c->keys; i++) {
		const struct calibrated_key *k = &c->key[i];
		struct cell *cell = table_add_row(t);
		char *allowed = xasprintf("%" PRIu64 "..%" PRIu64, k->min, k->max);
		cell_set_text(&cell[0], k->path);
		cell_set_integer(&cell[1], k->before);
		cell_set_integer(&cell[2], k->after);
		cell_set_real(&cell[3], k->error);
		cell_set_text(&cell[4], k->unit);
		cell_set_text(&cell[5], allowed);
		cell_set_text(&cell[6], k->after == k->min || k->after == k->max ? "at its bound" : "");
		free(allowed);
	}
	return t;
}

static void fill_row(struct cell *cell, const struct calibrated_row *r)
{
	const struct reference *ref = &r->row->ref;
	cell_set_text(&cell[0], ref->name);
	cell_set_text(&cell[1], ref->published);
	cell_set_text(&cell[4], ref->unit);
	cell_set_text(&cell[7], row_use_names[r->use]);
	if (r->use != USE_FITTED && r->use != USE_CHECK) return;
	cell_set_real(&cell[2], r->before.model);
	cell_set_real(&cell[3], r->after.model);
	cell_set_real(&cell[5], r->after.error_percent);
	cell_set_real(&cell[6], calibrated_residual(r, r->after.model));
	cell_set_text(&cell[8], verdict_names[r->after.verdict]);
}

static struct table *row_table(const struct calibration *c)
{
	struct table *t = table_new(row_columns, ROW_COLUMNS);
	for (size_t i = 0; i < c->rows; i++) fill_row(table_add_row(t), &c->row[i]);
	return t;
}

/* --- sums ------------------------------------------------------------------------------------------------------------ */

static void print_pairs(const struct calibration *c, FILE *out)
{
	static const double worth_saying = 0.9;
	for (size_t i = 0; i < c->keys; i++)
		for (size_t k = 0; k < i; k++)
			if (fabs(c->fit.correlation[i][k]) >= worth_saying)
				fprintf(out, "hard to tell apart: %s and %s, correlation %.3f\n",
					c->key[k].path, c->key[i].path, c->fit.correlation[i][k]);
}

static void print_not_fitted(const struct calibration *c, FILE *out)
{
	for (size_t i = 0; i < c->rows; i++) {
		const struct calibrated_row *r = &c->row[i];
		if (r->use != USE_FITTED || r->after.verdict != VERDICT_FAIL) continue;
		fprintf(out, "not fitted: %s stays %.1f %% off, allowed are %s\n", r->row->ref.name,
			r->after.error_percent, r->row->ref.tolerance);
	}
}

static void print_sums(const struct calibration *c, FILE *out)
{
	fprintf(out,
		"%zu key%s fitted to %zu row%s; chi2 %.4g before, %.4g after; condition number %.3g; %zu points\n",
		c->keys, c->keys == 1 ? "" : "s", c->used, c->used == 1 ? "" : "s", c->fit.chi2_before,
		c->fit.chi2, c->fit.condition, c->fit.points);
	print_pairs(c, out);
	print_not_fitted(c, out);
}

static enum status print_tables(const struct table *keys, const struct table *rows, bool json,
				struct err *err)
{
	enum table_format format = json ? TABLE_JSON : TABLE_TEXT;
	if (json) fputs("{\"keys\": ", stdout);
	TRY(table_print(keys, format, stdout, err));
	fputs(json ? ", \"rows\": " : "\n", stdout);
	TRY(table_print(rows, format, stdout, err));
	fputs(json ? "}\n" : "\n", stdout);
	return OK;
}

static enum status show(const struct options *o, const struct calibration *c, struct err *err)
{
	struct table *keys = key_table(c), *rows = row_table(c);
	enum status st = print_tables(keys, rows, o->json, err);
	table_free(keys);
	table_free(rows);
	print_sums(c, o->json ? stderr : stdout);
	return st;
}

/* What cannot be told apart is shown all the same, and not written. */
static enum status calibrate(const struct options *o, struct conf *conf, struct references *refs,
			     struct err *err)
{
	if (o->output) TRY(outfile_check(o->output, err));
	for (char **file = o->file; *file; file++) TRY(references_load(conf, *file, refs, err));
	struct calibration_request q = {o->keys.item, o->rows.item, o->overlays.item};
	struct calibration c;
	enum status st = calibration_run(refs, &q, &c, err);
	if (st == OK || st == ERR_CHECK) {
		struct err printing;
		enum status shown = show(o, &c, &printing);
		if (st == OK && shown != OK) *err = printing, st = shown;
	}
	if (st == OK && o->output) st = calibration_write(&c, o->output, err);
	calibration_fini(&c);
	return st;
}

int verb_calibrate(int argc, char **argv)
{
	static const struct argp argp = {
		calibrate_options,
		parse_option,
		"FILE...",
		"Fits numbers of a machine or stack to published figures, by nonlinear least squares. FILE is a file of references, or a "
		"folder of them."
		"\vExit code 1: the rows do not tell the keys apart; nothing is written then. Rows that were not fitted to are run "
		"before and after, as a check. `strata check --overlay` reports the rows of an overlay as fitted.",
		NULL,
		NULL,
		NULL};
	struct options o = {0};
	struct err err = {0};
	struct references refs = {0};
	struct conf *c = conf_new();
	results_parse(&argp, argc, argv, &o);
	enum status st = calibrate(&o, c, &refs, &err);
	references_fini(&refs);
	conf_free(c);
	free(o.keys.item);
	free(o.rows.item);
	free(o.overlays.item);
	return st == OK ? 0 : results_fail(st, &err);
}
