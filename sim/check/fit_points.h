/* fit_points.h - a model and the points where it was computed, each once; and its derivatives by differences. For fit.c alone. */
#ifndef CHECK_FIT_POINTS_H
#define CHECK_FIT_POINTS_H

#include <stdbool.h>

#include <gsl/gsl_matrix.h>

#include "check/fit.h"

struct fit_point {
	uint64_t *value;  /* one per key */
	double *residual; /* one per row; NULL: the model does not allow these numbers */
	double chi2;      /* INFINITY where it does not */
};

struct fit_points {
	const struct fit_problem *problem;
	struct fit_point *point; /* in the order in which they were computed */
	size_t count;
	struct err refusal; /* the latest ERR_CONFIG of the model */
};

void fit_points_init(struct fit_points *p, const struct fit_problem *problem);
void fit_points_fini(struct fit_points *p);

/* The point at `value`, computed now if it was not before; *out is its index. Only what ends the fit is an error. */
enum status fit_points_at(struct fit_points *p, const uint64_t *value, size_t *out, struct err *err);
/* The point with the least chi2, the earliest of several. */
const struct fit_point *fit_points_best(const struct fit_points *p);

/* d residual / d key at `value` into `j`, rows by keys. A key whose every step leaves all residuals as they are gets a column of 0. */
enum status fit_points_derive(struct fit_points *p, const uint64_t *value, gsl_matrix *j, struct err *err);

#endif
