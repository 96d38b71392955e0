/* fit.h - whole numbers within bounds that make the residuals of a model least, and how well they are known.
 *
 *   fit_run: problem -> the best numbers, their standard errors, how they hang together
 * A parameter is a whole number, so derivatives are differences over steps of 1 at least, wider where a step of 1 shows nothing.
 * Levenberg and Marquardt's method with trust regions (GSL's gsl_multifit_nlinear) goes from the start to near the minimum; then each
 * parameter is doubled and halved, and moved by ever smaller steps down to 1, until none of that helps. Every point is computed once. No randomness: the
 * same problem gives the same result.
 * Residuals are in units of how well the figure is known, so that chi2 of about rows - keys is a fit as good as the figures are.
 * Not modelled: more than the local minimum that the start leads to.
 */
#ifndef CHECK_FIT_H
#define CHECK_FIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { FIT_MAX_KEYS = 16 };

struct fit_key {
	const char *name;
	uint64_t start, min, max; /* min <= start <= max */
};

/* Residuals at `value` (one number per key) into `residual`. ERR_CONFIG: these numbers do not go together; anything else ends the fit. */
typedef enum status fit_model_fn(void *ctx, const uint64_t *value, double *residual, struct err *err);

struct fit_problem {
	const struct fit_key *key; /* 1..FIT_MAX_KEYS */
	size_t keys, rows;
	fit_model_fn *model;
	void *ctx;
};

struct fit_result {
	uint64_t value[FIT_MAX_KEYS];
	double error[FIT_MAX_KEYS]; /* standard; see fit_run() */
	double influence
		[FIT_MAX_KEYS]; /* length of the column of derivatives: residuals per unit; 0: no row sees the key */
	double correlation[FIT_MAX_KEYS][FIT_MAX_KEYS];
	double condition; /* of the derivatives with columns of length 1: 1 is best; INFINITY: some direction has no influence */
	size_t weakest
		[2]; /* the keys with the largest parts in the direction that the rows see least; the same one where there is one key */
	double chi2_before, chi2; /* sums of squared residuals */
	size_t points;            /* where the model was computed */
};

/* Beyond these a fit says nothing of its single keys. estimated: one part in a thousand of independent influence. */
#define FIT_MAX_CONDITION 1000.0
#define FIT_MAX_CORRELATION 0.999

/* Fits. A standard error is the root of the diagonal of (J'J)^-1 at the result, times the root of chi2 / (rows - keys) where that is above
 * 1 (the scale factor of the Particle Data Group's reviews, section "Procedures"). ERR_CONFIG: fewer rows than keys, a key without influence
 * on any row near its start, or the model refuses the start; the message names the key. What cannot be told apart at the result is
 * not an error here: see fit_identifies(). Errors of the model are handed on. */
enum status fit_run(const struct fit_problem *p, struct fit_result *out, struct err *err);

/* ERR_CHECK with the pair of keys, where the rows do not tell them apart at the result. */
enum status fit_identifies(const struct fit_problem *p, const struct fit_result *r, struct err *err);

#endif
