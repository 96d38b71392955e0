#include "check/fit.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_blas.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_multifit_nlinear.h>

#include "check/fit_points.h"

/* --- Levenberg-Marquardt -------------------------------------------------------------------------------------------- */

struct descent {
	struct fit_points *points;
	enum status status; /* of the first failure of the model, with its text */
	struct err *err;
};

/* The whole numbers within bounds that are nearest to x. */
static void round_to_keys(const struct fit_problem *p, const gsl_vector *x, uint64_t *out)
{
	for (size_t i = 0; i < p->keys; i++) {
		double whole = round(gsl_vector_get(x, i));
		const struct fit_key *k = &p->key[i];
		out[i] = whole <= (double)k->min   ? k->min
			 : whole >= (double)k->max ? k->max
						   : (uint64_t)whole;
	}
}

static int residuals_of(const gsl_vector *x, void *ctx, gsl_vector *f)
{
	static const double refused =
		1e6; /* where the model allows nothing: far worse than any figure is wrong */
	struct descent *d = ctx;
	const struct fit_problem *p = d->points->problem;
	uint64_t value[FIT_MAX_KEYS];
	size_t at;
	round_to_keys(p, x, value);
	if (d->status == OK) d->status = fit_points_at(d->points, value, &at, d->err);
	if (d->status != OK) return GSL_EFAILED;
	const double *residual = d->points->point[at].residual;
	for (size_t i = 0; i < p->rows; i++) gsl_vector_set(f, i, residual ? residual[i] : refused);
	return GSL_SUCCESS;
}

static int derivatives_of(const gsl_vector *x, void *ctx, gsl_matrix *j)
{
	struct descent *d = ctx;
	uint64_t value[FIT_MAX_KEYS];
	round_to_keys(d->points->problem, x, value);
	if (d->status == OK) d->status = fit_points_derive(d->points, value, j, d->err);
	return d->status == OK ? GSL_SUCCESS : GSL_EFAILED;
}

/* Goes downhill from the start; what it finds is in the points. That it cannot go on is no failure: whole numbers stop it. */
static enum status descend(struct fit_points *points, struct err *err)
{
	static const size_t max_iterations = 20;
	static const double x_tolerance = 1e-4, gradient_tolerance = 1e-8;
	const struct fit_problem *p = points->problem;
	struct descent d = {points, OK, err};
	gsl_multifit_nlinear_fdf fdf = {
		.f = residuals_of, .df = derivatives_of, .n = p->rows, .p = p->keys, .params = &d};
	gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
	gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how,
								       p->rows, p->keys);
	gsl_vector *x = gsl_vector_alloc(p->keys);
	int info;
	for (size_t i = 0; i < p->keys; i++) gsl_vector_set(x, i, (double)p->key[i].start);
	if (gsl_multifit_nlinear_init(x, &fdf, w) == GSL_SUCCESS)
		gsl_multifit_nlinear_driver(max_iterations, x_tolerance, gradient_tolerance, 0, NULL, NULL,
					    &info, w);
	gsl_vector_free(x);
	gsl_multifit_nlinear_free(w);
	return d.status;
}

/* --- the last steps --------------------------------------------------------------------------------------------------- */

/* The best point with key `i` at `value`, computed; it is the best one then, if it is better. */
static enum status try_value(struct fit_points *points, size_t i, uint64_t value, struct err *err)
{
	uint64_t there[FIT_MAX_KEYS];
	size_t at;
	memcpy(there, fit_points_best(points)->value, points->problem->keys * sizeof(*there));
	there[i] = value;
	return fit_points_at(points, there, &at, err);
}

/* One key up and down by a step, as far as its bounds let it. */
static enum status try_step(struct fit_points *points, size_t i, unsigned shift, struct err *err)
{
	const struct fit_key *k = &points->problem->key[i];
	uint64_t value = fit_points_best(points)->value[i], step = value >> shift;
	if (!step) step = 1;
	if (k->max - value >= step) TRY(try_value(points, i, value + step, err));
	value = fit_points_best(points)->value[i];
	return value - k->min >= step ? try_value(points, i, value - step, err) : OK;
}

static enum status try_steps(struct fit_points *points, unsigned shift, struct err *err)
{
	for (size_t i = 0; i < points->problem->keys; i++) TRY(try_step(points, i, shift, err));
	return OK;
}

/* One key doubled and halved: some parameters must be powers of two. */
static enum status try_octave(struct fit_points *points, size_t i, struct err *err)
{
	const struct fit_key *k = &points->problem->key[i];
	uint64_t value = fit_points_best(points)->value[i];
	if (value <= k->max / 2) TRY(try_value(points, i, 2 * value, err));
	value = fit_points_best(points)->value[i];
	return value / 2 >= k->min ? try_value(points, i, value / 2, err) : OK;
}

static enum status try_octaves(struct fit_points *points, struct err *err)
{
	double before;
	do {
		before = fit_points_best(points)->chi2;
		for (size_t i = 0; i < points->problem->keys; i++) TRY(try_octave(points, i, err));
	} while (fit_points_best(points)->chi2 < before);
	return OK;
}

/* Steps of a sixteenth of each value, halved until all are 1 and none helps. */
static enum status refine(struct fit_points *points, struct err *err)
{
	static const size_t max_points = 2000;
	unsigned shift = 4;
	TRY(try_octaves(points, err));
	while (points->count < max_points) {
		double before = fit_points_best(points)->chi2;
		TRY(try_steps(points, shift, err));
		if (fit_points_best(points)->chi2 < before) continue;
		bool last = true;
		for (size_t i = 0; i < points->problem->keys; i++)
			last &= fit_points_best(points)->value[i] >> shift <= 1;
		if (last) return OK;
		shift++;
	}
	return OK;
}

/* --- how well the numbers are known ------------------------------------------------------------------------------------ */

/* Divides each column by its length, which goes to `length`. */
static void normalise(gsl_matrix *j, double *length)
{
	for (size_t i = 0; i < j->size2; i++) {
		gsl_vector_view column = gsl_matrix_column(j, i);
		length[i] = gsl_blas_dnrm2(&column.vector);
		if (length[i] > 0) gsl_vector_scale(&column.vector, 1 / length[i]);
	}
}

/* Element (a, b) of (J'J)^-1 from J = U S V'. */
static double inverse_element(const gsl_matrix *v, const gsl_vector *s, size_t a, size_t b)
{
	double sum = 0;
	for (size_t i = 0; i < s->size; i++) {
		double w = gsl_vector_get(s, i);
		sum += gsl_matrix_get(v, a, i) * gsl_matrix_get(v, b, i) / (w * w);
	}
	return sum;
}

static void read_covariance(const gsl_matrix *v, const gsl_vector *s, double scale, struct fit_result *r)
{
	size_t keys = s->size;
	double variance[FIT_MAX_KEYS];
	for (size_t i = 0; i < keys; i++) variance[i] = inverse_element(v, s, i, i);
	for (size_t i = 0; i < keys; i++) {
		r->error[i] = scale * sqrt(variance[i]) / r->influence[i];
		for (size_t k = 0; k < keys; k++)
			r->correlation[i][k] = inverse_element(v, s, i, k) / sqrt(variance[i] * variance[k]);
	}
}

/* The two keys that a move along the last column of V changes most. */
static void find_weakest(const gsl_matrix *v, struct fit_result *r)
{
	size_t last = v->size2 - 1, first = 0, second = 0;
	for (size_t i = 1; i < v->size1; i++)
		if (fabs(gsl_matrix_get(v, i, last)) > fabs(gsl_matrix_get(v, first, last))) first = i;
	for (size_t i = 0; i < v->size1; i++) {
		double part = i == first ? 0 : fabs(gsl_matrix_get(v, i, last));
		if (second == first || part > fabs(gsl_matrix_get(v, second, last))) second = i;
	}
	r->weakest[0] = first < second ? first : second;
	r->weakest[1] = first < second ? second : first;
}

/* Everything of `r` that the derivatives at the result give. */
static void judge(gsl_matrix *j, size_t rows, struct fit_result *r)
{
	size_t keys = j->size2;
	gsl_matrix *v = gsl_matrix_alloc(keys, keys);
	gsl_vector *s = gsl_vector_alloc(keys), *work = gsl_vector_alloc(keys);
	double scale = rows > keys ? sqrt(r->chi2 / (double)(rows - keys)) : 1;
	normalise(j, r->influence);
	gsl_linalg_SV_decomp(j, v, s, work);
	double least = gsl_vector_get(s, keys - 1), most = gsl_vector_get(s, 0);
	r->condition = least > most * 1e-12 ? most / least : (double)INFINITY;
	find_weakest(v, r);
	if (isfinite(r->condition)) read_covariance(v, s, scale > 1 ? scale : 1, r);
	for (size_t i = 0; i < keys && !isfinite(r->condition); i++) r->error[i] = (double)INFINITY;
	gsl_matrix_free(v);
	gsl_vector_free(s);
	gsl_vector_free(work);
}

/* --- the whole ----------------------------------------------------------------------------------------------------------- */

static enum status check_start(struct fit_points *points, struct err *err)
{
	const struct fit_problem *p = points->problem;
	uint64_t start[FIT_MAX_KEYS];
	size_t at;
	if (p->rows < p->keys)
		return err_set(err, ERR_CONFIG,
			       "%zu keys need %zu rows at least to be fitted to; there %s %zu", p->keys,
			       p->keys, p->rows == 1 ? "is" : "are", p->rows);
	for (size_t i = 0; i < p->keys; i++) start[i] = p->key[i].start;
	TRY(fit_points_at(points, start, &at, err));
	if (points->point[at].residual) return OK;
	*err = points->refusal;
	return ERR_CONFIG;
}

/* Whether the model allowed no point that has another value of key `i`. */
static bool is_alone(const struct fit_points *points, size_t i)
{
	for (size_t n = 0; n < points->count; n++) {
		const struct fit_point *p = &points->point[n];
		if (p->residual && p->value[i] != points->problem->key[i].start) return false;
	}
	return true;
}

static enum status check_influence(struct fit_points *points, gsl_matrix *j, struct err *err)
{
	const struct fit_problem *p = points->problem;
	TRY(fit_points_derive(points, points->point[0].value, j, err));
	for (size_t i = 0; i < p->keys; i++) {
		gsl_vector_view column = gsl_matrix_column(j, i);
		if (gsl_blas_dnrm2(&column.vector) > 0) continue;
		if (is_alone(points, i))
			return err_set(err, ERR_CONFIG, "%s: no other value near %llu is allowed: %.300s",
				       p->key[i].name, (unsigned long long)p->key[i].start,
				       points->refusal.text);
		return err_set(err, ERR_CONFIG, "%s: has no influence on any of the %zu rows, near %llu",
			       p->key[i].name, p->rows, (unsigned long long)p->key[i].start);
	}
	return OK;
}

static enum status fit(struct fit_points *points, gsl_matrix *j, struct fit_result *out, struct err *err)
{
	TRY(check_start(points, err));
	TRY(check_influence(points, j, err));
	TRY(descend(points, err));
	TRY(refine(points, err));
	const struct fit_point *best = fit_points_best(points);
	memcpy(out->value, best->value, points->problem->keys * sizeof(*best->value));
	out->chi2_before = points->point[0].chi2;
	out->chi2 = best->chi2;
	TRY(fit_points_derive(points, out->value, j, err));
	judge(j, points->problem->rows, out);
	out->points = points->count;
	return OK;
}

enum status fit_run(const struct fit_problem *p, struct fit_result *out, struct err *err)
{
	struct fit_points points;
	*out = (struct fit_result){0};
	fit_points_init(&points, p);
	gsl_matrix *j = gsl_matrix_calloc(p->rows > p->keys ? p->rows : p->keys, p->keys);
	enum status st = fit(&points, j, out, err);
	gsl_matrix_free(j);
	fit_points_fini(&points);
	return st;
}

enum status fit_identifies(const struct fit_problem *p, const struct fit_result *r, struct err *err)
{
	for (size_t i = 0; i < p->keys; i++) {
		if (!(r->influence[i] > 0))
			return err_set(err, ERR_CHECK, "%s: has no influence on any row at the result, %llu",
				       p->key[i].name, (unsigned long long)r->value[i]);
		for (size_t k = 0; k < i; k++)
			if (fabs(r->correlation[i][k]) > FIT_MAX_CORRELATION)
				return err_set(
					err, ERR_CHECK,
					"%s and %s: the rows do not tell them apart (correlation %.4f)",
					p->key[k].name, p->key[i].name, r->correlation[i][k]);
	}
	if (r->condition <= FIT_MAX_CONDITION) return OK;
	return err_set(err, ERR_CHECK,
		       "%s and %s: the rows do not tell them apart (condition number %.3g, allowed: %g)",
		       p->key[r->weakest[0]].name, p->key[r->weakest[1]].name, r->condition,
		       FIT_MAX_CONDITION);
}
