#include <inttypes.h>

#include "cli/mrc_report.h"

enum column_id {
	COL_WORKLOAD,
	COL_SIDE,
	COL_PAGE,
	COL_POLICY,
	COL_SETS,
	COL_WAYS,
	COL_ENTRIES,
	COL_ACCESSES,
	COL_MISSES,
	COL_RATIO,
	COL_ERROR,
	COLUMNS
};

static const struct column columns[COLUMNS] = {
	[COL_WORKLOAD] = {"workload", "workload", "", 0, "the file that was read"},
	[COL_SIDE] = {"side", "side", "", 0, "data, instruction, or both in one TLB"},
	[COL_PAGE] = {"page_bytes", "page", "bytes", 0, "page size"},
	[COL_POLICY] = {"policy", "policy", "", 0, "lru, or opt: the fewest that any policy can have"},
	[COL_SETS] = {"sets", "sets", "", 0, "sets"},
	[COL_WAYS] = {"ways", "ways", "per set", 0, "ways of each set"},
	[COL_ENTRIES] = {"entries", "entries", "", 0, "sets x ways"},
	[COL_ACCESSES] = {"accesses", "accesses", "", 0, "look-ups of such a TLB"},
	[COL_MISSES] = {"misses", "misses", "", 0, "of them, those that miss"},
	[COL_RATIO] = {"miss_ratio", "misses", "% of accesses", 4, "percentage of the accesses that miss"},
	[COL_ERROR] = {"standard_error", "+-", "% of accesses", 4,
		       "standard error of the percentage; missing where it is exact"},
};

static struct cell *add_row(struct table *t, const struct mrc_series *s, const char *policy, uint64_t ways)
{
	const struct mrc_spec *spec = &s->curve->spec;
	struct cell *row = table_add_row(t);
	cell_set_text(&row[COL_WORKLOAD], s->workload);
	cell_set_text(&row[COL_SIDE], page_side_names[spec->side]);
	cell_set_text(&row[COL_POLICY], policy);
	cell_set_integer(&row[COL_PAGE], UINT64_C(1) << spec->page_bits);
	cell_set_integer(&row[COL_WAYS], ways);
	cell_set_integer(&row[COL_ACCESSES], s->curve->accesses);
	return row;
}

static void add_lru(struct table *t, const struct mrc_series *s, uint64_t ways)
{
	const struct mrc_curve *c = s->curve;
	struct cell *row = add_row(t, s, "lru", ways);
	cell_set_integer(&row[COL_SETS], c->spec.sets);
	cell_set_integer(&row[COL_ENTRIES], c->spec.sets * ways);
	if (!mrc_resolves(c, ways)) return;
	cell_set_integer(&row[COL_MISSES], mrc_misses(c, ways));
	cell_set_real(&row[COL_RATIO], 100 * mrc_miss_ratio(c, ways));
	if (c->spec.rate < MRC_RATE_ONE) cell_set_real(&row[COL_ERROR], 100 * mrc_standard_error(c, ways));
}

static void add_opt(struct table *t, const struct mrc_series *s, const struct opt_point *p)
{
	struct cell *row = add_row(t, s, "opt", p->entries / s->curve->spec.sets);
	cell_set_integer(&row[COL_SETS], s->curve->spec.sets);
	cell_set_integer(&row[COL_ENTRIES], p->entries);
	cell_set_integer(&row[COL_MISSES], p->misses);
	cell_set_real(&row[COL_RATIO],
		      s->curve->accesses ? 100.0 * (double)p->misses / (double)s->curve->accesses : 0);
}

static void add_steps(struct table *t, const struct mrc_series *s)
{
	for (uint64_t ways = 1; ways; ways = mrc_next_step(s->curve, ways))
		if (mrc_resolves(s->curve, ways)) add_lru(t, s, ways);
}

/* 1, 2, 4, ... ways, to the first power of two that holds everything. */
static void add_powers(struct table *t, const struct mrc_series *s)
{
	uint64_t ways = 1;
	while (mrc_next_step(s->curve, ways)) {
		if (mrc_resolves(s->curve, ways)) add_lru(t, s, ways);
		ways *= 2;
	}
	add_lru(t, s, ways);
}

static void add_curve(struct table *t, const struct mrc_report *r, const struct mrc_series *s)
{
	uint32_t sets = s->curve->spec.sets;
	for (size_t i = 0; i < r->size_count; i++)
		if (r->sizes[i] % sets == 0) add_lru(t, s, r->sizes[i] / sets);
	if (r->sizes) return;
	if (r->format == TABLE_TEXT)
		add_powers(t, s);
	else
		add_steps(t, s);
}

enum status mrc_print_table(const struct mrc_report *r, FILE *out, struct err *err)
{
	struct table *t = table_new(columns, COLUMNS);
	for (size_t i = 0; i < r->count; i++) {
		const struct mrc_series *s = &r->series[i];
		add_curve(t, r, s);
		for (size_t k = 0; k < s->opt.count; k++) add_opt(t, s, &s->opt.point[k]);
	}
	enum status st = table_print(t, r->format, out, err);
	table_free(t);
	return st;
}
