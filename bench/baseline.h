/* baseline.h - what `make bench` found earlier, and whether a row has become slower since.
 *
 *   baseline_load(path) -> what was, per row      baseline_compare(now, then) -> fast enough or not
 *
 * A row's cost is kept in steps and in hops of the reference loops (reference.h). Between hosts the two differ in their
 * ratio, and no row is bound by one of them alone; a row is slower than it was only if it is so by either measure.
 */
#ifndef BENCH_BASELINE_H
#define BENCH_BASELINE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/status.h"

/* Of one access. */
struct cost {
	double steps, hops;
};

#define BASELINE_SLOWER 0.20 /* a rate that is more than this share below its baseline fails */

/* Reads the file. ERR_INPUT with place and reason: not JSON, or not of the form that baseline_save() writes. The caller
 * owns *out (json_decref). */
enum status baseline_load(const char *path, json_t **out, struct err *err);
/* Writes `rows`, an object of name -> cost. ERR_HOST. */
enum status baseline_save(const char *path, const json_t *rows, struct err *err);
/* Puts a row's cost into `rows`, in place of an earlier one. */
void baseline_put(json_t *rows, const char *name, struct cost cost);
/* A row's cost; false: there is none. */
bool baseline_find(const json_t *rows, const char *name, struct cost *cost);

/* How far the rate has fallen: 0.25 is a quarter less; below 0 it has grown. By steps or by hops, whichever is kinder. */
double baseline_fall(struct cost now, struct cost then);
static inline bool baseline_holds(struct cost now, struct cost then)
{
	return baseline_fall(now, then) <= BASELINE_SLOWER;
}

/* Median of `count` values, at least one; of an even number, the mean of both in the middle. */
double bench_median(const double *values, unsigned count);
/* The medians of several repetitions. */
struct cost bench_median_cost(const struct cost *costs, unsigned count);

#endif
