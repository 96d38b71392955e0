/* interleave.h - several streams that share one core: slices of each in turn, with SWITCH records between them.
 *
 * The process that stream i stands for is called i + 1, in `arg` of its SWITCH records. A slice ends after `every` loads
 * and stores; a stream that has ended takes no more turns. The first stream begins without a SWITCH.
 * Not modelled: priorities, and processes that wait: every slice is used up.
 */
#ifndef TRACE_INTERLEAVE_H
#define TRACE_INTERLEAVE_H

#include "trace/source.h"

/* Takes over the sources and the array (freed with free()). */
struct trace_source *trace_interleave(struct trace_source **sources, size_t count, uint64_t every);

#endif
