/* run.h - one run from its files to the results database: machine, stack and workload read, replayed, checked, stored.
 *
 *   run_new(request) -> run      run_execute -> report      run_commit / run_json      run_free
 *
 * The warm-up is the first `warmup` loads and stores; the measured region is the rest, at most `limit` of them. Both are
 * recorded, the counters of each apart. Of several threads a region is as many of all together as that is for each. The conservation laws are checked at the end of both: a run whose sums do
 * not hold fails and is not stored.
 */
#ifndef MACHINE_RUN_H
#define MACHINE_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"
#include "config/effective.h"
#include "cpu/watch.h"
#include "machine/export.h"
#include "machine/sampling.h"
#include "mmu/maintenance.h"
#include "stats/stats.h"

struct run_request {
	const char *name; /* NULL: "machine/stack/workload" */
	const char *machine, *stack,
		*workload; /* paths; stack NULL: native. A workload is YAML, or a trace of any format */
	const char *const
		*overlays;       /* on top of the machine, and under `stack` of the stack; NULL at the end */
	const char *const *sets; /* "key=value"; stack.* and workload.* go there, the rest to the machine */
	uint64_t seed, stream;
	uint64_t warmup, limit; /* loads and stores; limit 0: to the end */
	bool translation_only;  /* fidelity: no core model, no data caches for the program's own accesses */
	bool populate;          /* map all pages before time begins: nothing measured is a page fault */
	bool decode_thread;     /* read the workload ahead on a thread of its own; changes no result */
	struct sampling_request sampling; /* which parts are measured; zero: all */
	uint64_t interval,
		interval_limit; /* cycles of an interval of the series, at most so many, even; interval 0: none */
	const char *db;         /* results database to append to; NULL: none */
	mistake_fn *on_mistake; /* checks TLB maintenance and is told of mistakes; NULL: unchecked */
	void *mistake_owner;
	struct export_request exports; /* of the measured region; zero: none */
	size_t explain;                /* how many accesses of the measured region are explained; 0: none */
	const uint64_t *explain_at;    /* their numbers, `explain` of them; NULL: the slowest */
};

struct run_report {                              /* for who prints or times it */
	uint64_t records;                        /* replayed, warm-up included */
	uint64_t accesses, instructions, cycles; /* of the measured region */
	uint64_t host_ns;                        /* real time of the replay, set-up excluded */
	uint64_t table_pages, table_host_bytes;  /* simulated physical memory that translation tables took */
};

struct run;
struct machine;

/* Called now and then with the number of records replayed so far. */
typedef void run_progress_fn(void *ctx, uint64_t records);

/* Reads and checks everything; opens the database. */
enum status run_new(const struct run_request *request, struct run **out, struct err *err);
void run_free(struct run *r);
/* Replays. `progress` may be NULL. */
enum status run_execute(struct run *r, run_progress_fn *progress, void *ctx, struct run_report *report,
			struct err *err);
/* Maps what the workload touches, and no more: the machine is there to be looked at, not to run. */
enum status run_populate(struct run *r, struct err *err);
const struct machine *run_machine(const struct run *r);
/* Appends the run to its database in one transaction; until then nothing of it is there. */
enum status run_commit(struct run *r, int64_t *id, struct err *err);
/* Prints the counters of the measured region as one JSON object keyed by path. */
enum status run_json(struct run *r, FILE *out, struct err *err);

/* After run_execute(): how many mistakes of maintenance the measured region has. */
uint64_t run_mistakes(const struct run *r);
/* After run_execute(): the accesses that are explained, in order; NULL where none were asked for. */
const struct watch *run_watched(const struct run *r);

/* After run_execute(): what the measured parts say of the whole program; NULL where all of it was measured. */
const struct sampling *run_sampling(const struct run *r);

/* What the stream of a run cannot say, as text ("fetch sizes"); "" when it says all. Lives as long as the run. */
const char *run_lacks(const struct run *r);
const char *run_name(const struct run *r);
/* How many streams of the workload nobody runs, of how many; 0 where VMs or processes share them out. */
uint32_t run_streams_left(const struct run *r, uint32_t *of);
/* The counters, of the measured region after run_execute(), and the core clock. */
const struct stats *run_stats(const struct run *r);
uint64_t run_clock_mhz(const struct run *r);
/* Whether a number of machine or stack was fitted to the reference row of that name (config/fits.h). */
bool run_fitted_to(const struct run *r, const char *row);
/* Calls `visit` for every value of machine and stack, paths beginning with "machine." and "stack.". */
enum status run_visit_config(const struct run *r, config_visit_fn *visit, void *ctx, struct err *err);

#endif
