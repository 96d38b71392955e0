/* figure.h - a published figure against a computed one: texts into numbers, distance, verdict.
 *
 * A published figure is a number, or a range "LOW..HIGH" where the source gives one; a tolerance is "N%" of it, or a
 * plain number in its unit. Within a range the error is 0; outside it counts from the nearer end.
 */
#ifndef CHECK_FIGURE_H
#define CHECK_FIGURE_H

#include <stdbool.h>

struct figure {
	double low, high; /* equal: one number */
};

struct tolerance {
	double amount; /* not negative */
	bool percent;
};

/* "1.33", "35..36.5". False: not that, or LOW above HIGH. Digits and one dot; no sign, no exponent. */
bool figure_parse(const char *text, struct figure *out);
/* "15%", "0.5". */
bool tolerance_parse(const char *text, struct tolerance *out);

/* How far `model` is from the figure, in its unit; negative: below. */
double figure_distance(struct figure f, double model);
/* The same in percent of the nearer end; NAN where that end is 0 and the distance is not. */
double figure_error_percent(struct figure f, double model);
/* Whether the distance is at most the tolerance. A model that is no number is never within. */
bool figure_within(struct figure f, struct tolerance t, double model);

#endif
