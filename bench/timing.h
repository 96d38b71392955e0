/* timing.h - how long an access of a fixed workload takes, and how much memory the run does.
 *
 *   time_row_apart: row -> result      peak_bytes_apart: row -> host memory at its peak
 *
 * A row runs in a process of its own, on a Neoverse N1, with all of its pages mapped beforehand. Every million records the
 * reference loops are timed (reference.h), and their time is taken off. What lies between two such samples is a piece of
 * its own, counted in steps and hops of the loops around it; the median over the pieces is what counts. So a host
 * that is slower for a while, or another host, says about the same.
 * Not modelled: the time to start, to read the configuration and to store results.
 */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "baseline.h"

enum limit {
	BY_CORE,
	BY_MEMORY
}; /* what bounds the row: which loop it is scaled by for the reference machine */
enum { ROW_SETS = 4 };

struct row {
	const char *name, *workload, *stack; /* workload NULL: messages to an ITS; stack NULL: bare metal */
	uint64_t warm;                       /* records before timing */
	const char *set[ROW_SETS];           /* "key=value" */
	bool translation_only;
	enum limit bound;
	unsigned threads; /* on a core each; 0: one */
	double at_least; /* millions of accesses per second on the reference machine; 0: nothing is promised */
};

struct result {
	struct cost cost;       /* of an access */
	double access_ns;       /* its median */
	double step_ns, hop_ns; /* of the reference loops: medians */
	double peak_mib;
	bool good;
};

/* Times one row; says on standard error what went wrong. */
struct result time_row_apart(const struct row *row);
/* Peak host memory of a process that runs the row; 0: it failed, and said why. */
uint64_t peak_bytes_apart(const struct row *row);

#endif
