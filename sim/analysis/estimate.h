/* estimate.h - a ratio estimated from sampled units, with its confidence interval.
 *
 *   estimate_add(y, x) per unit ... estimate_ratio -> sum of y / sum of x, low .. high
 *
 * Each unit gives a numerator and a denominator (cycles and instructions, say). The ratio of the sums is the estimate; its
 * variance is that of the units' deviations from it (linearisation), and the interval is Student's t with n - 1 degrees
 * of freedom. Systematic units count as random ones: that is right unless the program repeats itself with the period of
 * the sample. The numerator of `events` counts such as may be rare: where units saw less than one each, their spread tells
 * too little, and the interval is at least that of a Poisson count of so many.
 * Source: W. G. Cochran, "Sampling Techniques", 3rd edition, 2.11 and 6.3 (ratio estimates); Wunderlich et al. (SMARTS),
 * ISCA 2003; F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936.
 * Not modelled: the finite population correction, without which intervals are wider than they need be where a large
 * part of the program is in the sample; the bias of a ratio estimate, of order 1/n; rare events that come in bursts.
 */
#ifndef ANALYSIS_ESTIMATE_H
#define ANALYSIS_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero it at first. */
struct estimate {
	double *y, *x, *weight; /* by unit */
	size_t units, room;
	bool events; /* y counts events */
	bool chosen; /* the units are no sample but were chosen, and have weights: no interval */
};

struct estimated {
	bool known;        /* false: the denominators are 0 */
	double value;      /* weighted sum of y / weighted sum of x */
	bool has_interval; /* of a sample, from two units on, where something was seen or events are counted */
	/* Never below 0, as no numerator is. */
	double low, high;
};

/* One more unit; `weight` is 1 in a sample, and the share that it stands for among chosen units. */
void estimate_add(struct estimate *e, uint64_t y, uint64_t x, double weight);
/* `percent` is the confidence of the interval, above 0 and below 100. */
struct estimated estimate_ratio(const struct estimate *e, double percent);
void estimate_fini(struct estimate *e);

#endif
