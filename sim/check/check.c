#include "check/check.h"

#include <inttypes.h>
#include <math.h>

const char *const verdict_names[] = {"pass", "FAIL", "fitted", "not gated", NULL};

struct outcome check_judge(const struct check_row *row, double model)
{
	struct outcome o = {.row = row,
			    .model = model,
			    .error_percent = figure_error_percent(row->figure, model),
			    .fitted = row->ref.kind == REF_FITTED,
			    .verdict = VERDICT_PASS};
	if (row->ref.confidence == CONF_M)
		o.verdict = VERDICT_NOT_GATED;
	else if (!figure_within(row->figure, row->tolerance, model))
		o.verdict = VERDICT_FAIL;
	else if (o.fitted)
		o.verdict = VERDICT_FITTED;
	return o;
}

void check_mark_fitted(struct outcome *o)
{
	o->fitted = true;
	if (o->verdict == VERDICT_PASS) o->verdict = VERDICT_FITTED;
}

static void count_verdict(struct check_summary *s, enum verdict v)
{
	switch (v) {
	case VERDICT_PASS: s->passed++; break;
	case VERDICT_FAIL: s->failed++; break;
	case VERDICT_FITTED: s->fitted++; break;
	case VERDICT_NOT_GATED: s->not_gated++; break;
	}
}

struct check_summary check_summarise(const struct outcome *outcomes, size_t count)
{
	struct check_summary s = {0};
	double sum = 0, weights = 0;
	for (size_t i = 0; i < count; i++) {
		const struct outcome *o = &outcomes[i];
		const struct reference *ref = &o->row->ref;
		count_verdict(&s, o->verdict);
		if (o->fitted || ref->confidence == CONF_M || !isfinite(o->error_percent)) continue;
		sum += (double)ref->weight * fabs(o->error_percent);
		weights += (double)ref->weight;
		s.averaged++;
	}
	s.mean_error_percent = weights > 0 ? sum / weights : (double)NAN;
	return s;
}

static const struct column columns[] = {
	{"row", "row", "", 0, "name of the row in its file"},
	{"published", "measured", "", 0, "number or range"},
	{"model", "model", "", 2, "what the model gives"},
	{"unit", "unit", "", 0, "of both"},
	{"error_percent", "error", "%", 1, "against the published number, or the nearer end of the range"},
	{"tolerance", "tolerance", "", 0, "percent, or in the unit"},
	{"verdict", "verdict", "", 0, "pass, FAIL, fitted, not gated"},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

struct table *check_table(const struct outcome *outcomes, size_t count)
{
	struct table *t = table_new(columns, COLUMNS);
	for (size_t i = 0; i < count; i++) {
		const struct reference *ref = &outcomes[i].row->ref;
		struct cell *cell = table_add_row(t);
		cell_set_text(&cell[0], ref->name);
		cell_set_text(&cell[1], ref->published);
		cell_set_real(&cell[2], outcomes[i].model);
		cell_set_text(&cell[3], ref->unit);
		cell_set_real(&cell[4], outcomes[i].error_percent);
		cell_set_text(&cell[5], ref->tolerance);
		cell_set_text(&cell[6], verdict_names[outcomes[i].verdict]);
	}
	return t;
}
