#include "analysis/estimate.h"

#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_cdf.h>

#include "base/alloc.h"

void estimate_add(struct estimate *e, uint64_t y, uint64_t x, double weight)
{
	if (e->units == e->room) {
		e->room = e->room ? 2 * e->room : 64;
		e->y = xrealloc(e->y, e->room, sizeof(*e->y));
		e->x = xrealloc(e->x, e->room, sizeof(*e->x));
		e->weight = xrealloc(e->weight, e->room, sizeof(*e->weight));
	}
	e->y[e->units] = (double)y;
	e->x[e->units] = (double)x;
	e->weight[e->units++] = weight;
}

static double weighted_sum(const double *value, const double *weight, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++) sum += value[i] * weight[i];
	return sum;
}

/* Half of the interval's width. */
static double half_width(const struct estimate *e, double ratio, double x_sum, double percent)
{
	double squares = 0, n = (double)e->units;
	for (size_t i = 0; i < e->units; i++) {
		double d = e->y[i] - ratio * e->x[i];
		squares += d * d;
	}
	double t = gsl_cdf_tdist_Pinv(0.5 + percent / 200, n - 1);
	return t * sqrt(squares / (n - 1) / n) / (x_sum / n);
}

/* Widens the interval to that of a Poisson count of `y` events. */
static void hold_poisson(struct estimated *r, double y, double x, double percent)
{
	double tail = 0.5 - percent / 200;
	double low = y > 0 ? gsl_cdf_chisq_Pinv(tail, 2 * y) / 2 / x : 0;
	double high = gsl_cdf_chisq_Qinv(tail, 2 * y + 2) / 2 / x;
	if (low < r->low) r->low = low;
	if (high > r->high) r->high = high;
}

struct estimated estimate_ratio(const struct estimate *e, double percent)
{
	double y = weighted_sum(e->y, e->weight, e->units), x = weighted_sum(e->x, e->weight, e->units);
	if (x <= 0) return (struct estimated){0};
	struct estimated r = {.known = true, .value = y / x};
	if (e->units < 2 || e->chosen || (y <= 0 && !e->events)) return r;
	double half = half_width(e, r.value, x, percent);
	r.has_interval = true;
	r.low = half < r.value ? r.value - half : 0;
	r.high = r.value + half;
	if (e->events && y < (double)e->units) hold_poisson(&r, y, x, percent);
	return r;
}

void estimate_fini(struct estimate *e)
{
	free(e->y);
	free(e->x);
	free(e->weight);
}
