/* sampling.h - which parts of a program are measured, and what they say of all of it.
 *
 *   sampling_new(request) -> sampling      sampling_run(records) ...      sampling_finish
 *
 * The program passes through modes, by its position: it is passed over (only events that change address spaces and mappings are
 * executed), warms TLBs and caches without time (cpu/warm.h), runs in detail without being counted, or is measured. What is
 * counted is counted in measured parts alone, so the counters of the measured region are those of its units, and its sums hold.
 *   sample     a unit of every interval, at a random place that the seed decides: estimates with confidence intervals. Units
 *              are not quite at one distance, nor is detail that comes before them: pages, loops and the window have periods,
 *              too, and a sample in step with one would see one phase of it
 *   region     one part: from an access to another
 *   markers    what lies between MARKER 1 and MARKER 2 records of the workload
 *   points     the intervals that SimPoint chose: estimates with its weights, without intervals of confidence
 * Positions count loads and stores; those of points count instructions, as SimPoint does. A unit that the program ends in
 * is not counted in a sample.
 * Several threads run in the order of time throughout (engine.h), and change modes together: positions are those of all of them, so many for
 * each thread as the request says, on average. While they warm, time is that of warm.h, in which all threads are about equally fast: what a
 * thread does relative to others is right within a part and the detail before it only.
 * Not modelled: several threads passed over; markers and points of several threads.
 * Source: Wunderlich et al. (SMARTS), ISCA 2003; Sherwood et al. (SimPoint), ASPLOS 2002.
 */
#ifndef MACHINE_SAMPLING_H
#define MACHINE_SAMPLING_H

#include "analysis/estimate.h"
#include "base/record.h"
#include "machine/machine.h"
#include "machine/simpoints.h"

enum sampling_kind {
	SAMPLING_NONE,
	SAMPLING_SYSTEMATIC,
	SAMPLING_REGION,
	SAMPLING_MARKERS,
	SAMPLING_POINTS,
	SAMPLING_KINDS
};
extern const char *const sampling_names[]; /* "none", "systematic", ... */

#define SAMPLING_WARM_ALL UINT64_MAX
enum { SAMPLING_CONFIDENCE_PERCENT = 95 };

struct sampling_request {
	uint64_t kind;           /* enum sampling_kind */
	uint64_t unit, interval; /* systematic: loads and stores */
	uint64_t from, to;       /* region: the first access that is in it, and the first that is not */
	uint64_t warmup;         /* run in detail before each part, uncounted */
	uint64_t warming;        /* warmed before that; SAMPLING_WARM_ALL: all that is not measured */
	const char *simpoints, *weights; /* points: files */
	uint64_t point_instructions;     /* points: the length of SimPoint's intervals */
};

struct engine;
struct sampling;

/* For streams that lack `lacks` (enum stream_lack) on machine `m`, which is borrowed; its counters are zero. ERR_USAGE: what cannot be
 * measured of several threads; ERR_INPUT: points of a stream that lacks instruction counts; errors of simpoints_read(). */
enum status sampling_new(const struct sampling_request *q, struct machine *m, uint32_t lacks, uint64_t seed,
			 struct sampling **out, struct err *err);
void sampling_free(struct sampling *s);
/* Executes rec[0..n-1], each in the mode of its place. Errors as machine_run. */
enum status sampling_run(struct sampling *s, const struct record *rec, size_t n, struct err *err);
/* The same of all threads: one turn of `e`, of at most *left loads and stores, which is counted down where it is not UINT64_MAX. *records
 * and *more as engine_turn(). */
enum status sampling_turn(struct sampling *s, struct engine *e, uint64_t *left, uint64_t *records, bool *more,
			  struct err *err);
/* Whether all parts have been measured, and the rest of the program does not matter. */
bool sampling_is_over(const struct sampling *s);
/* Nothing more comes: the counters of the machine are those of the measured parts. ERR_INPUT: nothing was measured, or not
 * all points were. */
enum status sampling_finish(struct sampling *s, struct err *err);

/* What the measured units say: one per metric. */
struct sampling_result {
	const char *metric; /* "cpi", or the path of a counter */
	const char *unit;   /* "cycles/instruction", "misses/1000 instructions", ... */
	size_t units;
	struct estimated estimate;
};
size_t sampling_results(const struct sampling *s);
struct sampling_result sampling_result(const struct sampling *s, size_t i);

#endif
