/* cut.h - a window of a stream, counted in accesses: instructions fetched + loads + stores.
 *
 * A fetch run across an edge is split. Other records belong to the window when they stand between its accesses.
 */
#ifndef TRACE_CUT_H
#define TRACE_CUT_H

#include "trace/source.h"

struct trace_cut {
	uint64_t skip, count; /* accesses still to leave out, then still to keep; count TRACE_UNKNOWN: all */
};

/* Keeps of buf[0..n-1] what is in the window, in place; returns how many. The window has passed when c->count is 0. */
size_t trace_cut_batch(struct trace_cut *c, struct record *buf, size_t n);

#endif
