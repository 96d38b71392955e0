#include "check/fit_points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void fit_points_init(struct fit_points *p, const struct fit_problem *problem)
{
	*p = (struct fit_points){.problem = problem};
}

void fit_points_fini(struct fit_points *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->point[i].value);
		free(p->point[i].residual);
	}
	free(p->point);
}

static bool find(const struct fit_points *p, const uint64_t *value, size_t *out)
{
	for (size_t i = 0; i < p->count; i++) {
		if (memcmp(p->point[i].value, value, p->problem->keys * sizeof(*value)) != 0) continue;
		*out = i;
		return true;
	}
	return false;
}

static double sum_of_squares(const double *v, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++) sum += v[i] * v[i];
	return sum;
}

static void add(struct fit_points *p, const uint64_t *value, double *residual)
{
	const struct fit_problem *q = p->problem;
	p->point = xrealloc(p->point, p->count + 1, sizeof(*p->point));
	struct fit_point *point = &p->point[p->count++];
	point->value = xcalloc(q->keys, sizeof(*value));
	memcpy(point->value, value, q->keys * sizeof(*value));
	point->residual = residual;
	point->chi2 = residual ? sum_of_squares(residual, q->rows) : (double)INFINITY;
}

enum status fit_points_at(struct fit_points *p, const uint64_t *value, size_t *out, struct err *err)
{
	if (find(p, value, out)) return OK;
	double *residual = xcalloc(p->problem->rows, sizeof(*residual));
	enum status st = p->problem->model(p->problem->ctx, value, residual, err);
	if (st != OK) {
		free(residual);
		residual = NULL;
	}
	if (st != OK && st != ERR_CONFIG) return st;
	if (st == ERR_CONFIG) p->refusal = *err;
	add(p, value, residual);
	*out = p->count - 1;
	return OK;
}

const struct fit_point *fit_points_best(const struct fit_points *p)
{
	const struct fit_point *best = &p->point[0];
	for (size_t i = 1; i < p->count; i++)
		if (p->point[i].chi2 < best->chi2) best = &p->point[i];
	return best;
}

/* --- derivatives --------------------------------------------------------------------------------------------------- */

/* `value` moved by `step` within the bounds of the key, as far as they let it. */
static uint64_t up(const struct fit_key *k, uint64_t value, uint64_t step)
{
	return k->max - value < step ? k->max : value + step;
}

static uint64_t down(const struct fit_key *k, uint64_t value, uint64_t step)
{
	return value - k->min < step ? k->min : value - step;
}

/* The point with key `i` at `moved`; the point at `value` itself where the model does not allow that. */
static enum status neighbour(struct fit_points *p, const uint64_t *value, size_t i, uint64_t moved,
			     size_t *out, struct err *err)
{
	uint64_t there[FIT_MAX_KEYS];
	memcpy(there, value, p->problem->keys * sizeof(*value));
	there[i] = moved;
	TRY(fit_points_at(p, there, out, err));
	return p->point[*out].residual ? OK : fit_points_at(p, value, out, err);
}

/* Differences over `step` to both sides into column `i`; *seen: some residual changed. */
static enum status difference(struct fit_points *p, const uint64_t *value, size_t i, uint64_t step,
			      gsl_matrix *j, bool *seen, struct err *err)
{
	const struct fit_key *k = &p->problem->key[i];
	size_t above, below;
	TRY(neighbour(p, value, i, up(k, value[i], step), &above, err));
	TRY(neighbour(p, value, i, down(k, value[i], step), &below, err));
	const struct fit_point *a = &p->point[above], *b = &p->point[below];
	double width = (double)(a->value[i] - b->value[i]);
	*seen = false;
	for (size_t row = 0; row < p->problem->rows; row++) {
		double change = a->residual[row] - b->residual[row];
		*seen |= change != 0;
		gsl_matrix_set(j, row, i, width > 0 ? change / width : 0);
	}
	return OK;
}

/* First a thirty-second of the value, which averages over the whole cycles that a model rounds to; then ever wider, up to twice the
 * value, as long as no row sees it. */
static enum status derive_key(struct fit_points *p, const uint64_t *value, size_t i, gsl_matrix *j,
			      struct err *err)
{
	uint64_t first = value[i] / 32 ? value[i] / 32 : 1, last = value[i] > 32 ? 2 * value[i] : 64;
	bool seen = false;
	for (uint64_t step = first; !seen && step <= last; step *= 4)
		TRY(difference(p, value, i, step, j, &seen, err));
	return OK;
}

enum status fit_points_derive(struct fit_points *p, const uint64_t *value, gsl_matrix *j, struct err *err)
{
	size_t here;
	TRY(fit_points_at(p, value, &here, err));
	if (!p->point[here].residual) {
		gsl_matrix_set_zero(j);
		return OK;
	}
	for (size_t i = 0; i < p->problem->keys; i++) TRY(derive_key(p, value, i, j, err));
	return OK;
}
