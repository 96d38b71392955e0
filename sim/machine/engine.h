/* engine.h - several cores in one order: conservative run-ahead with a stated lookahead.
 *
 *   engine_turn: the thread whose next record begins first executes it, and what follows up to the horizon
 * The horizon is the time at which the next of the other threads would go on, plus the lookahead (machine_lookahead()): the
 * latency of the nearest thing that two cores share. Up to the next thread's time a core executes everything; within the lookahead
 * only what is private to it, hits of its first levels (core_goes_on()). So what is shared sees requests in strict order of time
 * whatever the lookahead is, and a core that is ahead misses at most what others take away from it in that time: a broadcast
 * TLBI, or an eviction by an inclusive cache. Without lookahead hits are in strict order, too. A record is executed
 * as a whole, with all the descriptors that its walk reads; its time is that at which it begins. Of equal times the threads
 * are first in turn, by the time. All in one host thread: the order depends on nothing but the inputs.
 * Not modelled: events between the reads of one access.
 */
#ifndef MACHINE_ENGINE_H
#define MACHINE_ENGINE_H

#include "event/event.h"
#include "machine/machine.h"
#include "trace/source.h"

struct engine;

/* `source`: one stream for each thread of `m`. Everything is borrowed. */
struct engine *engine_new(struct machine *m, struct trace_source *const *source);
void engine_free(struct engine *e);

/* The clock of operations on memory begins; without it there are none. */
void engine_begin_operations(struct engine *e);

/* One turn of one thread, of at most *left loads and stores (UINT64_MAX: no limit), which is counted down; *records is counted
 * up. *more is false when all streams have ended. Errors as machine_run() and trace_next(). */
enum status engine_turn(struct engine *e, uint64_t *left, uint64_t *records, bool *more, struct err *err);

/* The cycle before which no thread will begin anything any more; 0 when all streams have ended. */
cycles_t engine_now(const struct engine *e);

#endif
