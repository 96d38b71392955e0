/* series.h - every counter by intervals of simulated time, in bounded memory.
 *
 *   series_new(counters, cycles, limit) -> series     series_begin     series_advance(now)     series_end(now)     series_visit
 * When `limit` intervals are full, each two become one, and all are twice as long from then on: as in a round-robin database, old
 * and new keep one resolution. Who calls brings the counters up to date before. Of histograms there are two columns, PATH.count and PATH.sum. A level
 * has its value at the end of the interval.
 * Not modelled: histograms by interval.
 */
#ifndef STATS_SERIES_H
#define STATS_SERIES_H

#include <stdbool.h>

#include "base/types.h"
#include "stats/stats.h"

struct series;

enum { SERIES_LIMIT_MIN = 2, SERIES_LIMIT_MAX = 1 << 20 };

/* `s` is borrowed, and nothing may be added to it any more. `cycles` are those of an interval, not 0; `limit` intervals at most,
 * even. Memory: 8 bytes for each counter and interval of the limit, taken as intervals come. Free with series_free. */
struct series *series_new(const struct stats *s, cycles_t cycles, size_t limit);
void series_free(struct series *r);

/* The first interval begins at `now`; what counters have by then, such as tables of the kernel's start, is in it, too. */
void series_begin(struct series *r, cycles_t now);
/* When the present interval ends. */
cycles_t series_next(const struct series *r);
/* Ends the intervals that end at `now` or before: all that was counted since the last call is in the first of them. O(counters). */
void series_advance(struct series *r, cycles_t now);
/* Ends the last interval, which may be shorter, at `now`. */
void series_end(struct series *r, cycles_t now);

/* The intervals that have ended, counted from the beginning of the first. */
struct series_interval {
	cycles_t begin, end;
};
size_t series_count(const struct series *r);
struct series_interval series_interval(const struct series *r, size_t i);

/* A value that is not 0. Rounding of cycles to whole ones may make one of -1. */
struct series_value {
	const char *path;
	size_t interval;
	int64_t value;
};
typedef enum status series_visit_fn(void *ctx, const struct series_value *v, struct err *err);
/* By counter, then by interval; stops at the first non-OK status. */
enum status series_visit(const struct series *r, series_visit_fn *visit, void *ctx, struct err *err);

/* After series_end(): each counter is the sum of its intervals. ERR_CHECK names the first that is not. */
enum status series_check(const struct series *r, struct err *err);

#endif
