/* ahead.h - a stream that a thread of its own reads ahead, so that decoding and simulating take place at the same time.
 *
 *   trace_ahead(source) -> a source with the same records in the same order, and at their place the same error
 *
 * The thread fills a ring of batches and waits when it is full; the reader borrows one after the other and waits when
 * none is there. Which thread was faster changes nothing but time. Nobody else may use the inner source meanwhile.
 * Not modelled: skipping of whole frames: trace_skip() reads what it leaves out.
 */
#ifndef TRACE_AHEAD_H
#define TRACE_AHEAD_H

#include "trace/source.h"

/* Takes over `inner`, which is closed with the result. Where the host gives no thread, the result is `inner`. */
struct trace_source *trace_ahead(struct trace_source *inner);

/* Processors that this process may run on. */
unsigned trace_host_cpus(void);

#endif
