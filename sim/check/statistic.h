/* statistic.h - what a row's words "statistic" and "over" mean after a run.
 *
 * Words with blanks between are added, with a '-' before them taken off: "cycles", "cpu0.l1d.misses",
 * "cpu0.walker.walk_cycles -cpu0.walker.read_cycles.s2_final". A word is a total (cycles, instructions, accesses, ns, ms) or a path or
 * pattern of counters, whose sum it means; of a distribution the sum of its samples is meant.
 */
#ifndef CHECK_STATISTIC_H
#define CHECK_STATISTIC_H

#include "machine/run.h"

/* ERR_CONFIG: a word names nothing, or there is none. */
enum status statistic_read(const struct run *run, const struct run_report *total, const char *text,
			   double *out, struct err *err);

#endif
