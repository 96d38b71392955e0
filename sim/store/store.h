/* store.h - the results database: runs with their configuration, counters and distributions, in SQLite.
 *
 *   store_open -> store_run_begin -> store_param ..., store_region ... -> store_run_commit -> store_close
 *
 * A run is gathered in memory and written in one transaction by store_run_commit. Until then the file is not
 * touched and not locked: a run that is interrupted leaves no trace, a kill or a full disk during the commit is undone
 * by SQLite's journal, and processes that append to one file wait for each other only for that moment.
 * The tables and views are listed in store/schema.h and explained in docs/statistics.md.
 * Not modelled: deletion and change of stored runs (use SQL); write-ahead logging (it needs shared memory, which
 * network file systems lack; a rollback journal works everywhere and leaves one file).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdint.h>

#include <sqlite3.h>

#include "base/status.h"
#include "stats/stats.h"

enum store_mode {
	STORE_READ,   /* the file must exist; nothing is changed */
	STORE_APPEND, /* the file is made by the first commit, if it does not exist or is empty */
};

struct store; /* an open database, and the run being gathered, if any */

/* Who and what a run was. All text is copied. */
struct store_run_meta {
	const char *name;                     /* of the run, chosen by the user; need not be unique */
	const char *machine, *stack;          /* files or names; stack "native" for none */
	const char *workload;                 /* trace or generator */
	const char *version;                  /* of this program */
	const char *config_hash, *trace_hash; /* hexadecimal; trace_hash NULL: generated */
	const char *lacks;                    /* what the stream cannot say, as text; NULL or "": nothing */
	uint64_t seed;                        /* below 2^63 */
};

/* One row of the effective configuration. Text is copied; NULL is stored as NULL. */
struct store_param {
	const char *path;   /* "machine.tlbs.l2.ways" */
	const char *text;   /* the value; NULL: `number` is the value */
	uint64_t number;    /* below 2^63 */
	const char *unit;   /* "ways" */
	const char *origin; /* file:line, "--set" or "default" */
	const char *tag;    /* documented, measured, fitted, estimated; NULL: not a number of hardware */
	const char *source; /* where the number is from */
};

/* The totals of one region of a run. `cycles` is elapsed time: from its start to the end of its last CPU. */
struct store_region {
	const char *name; /* "warmup" or "measured" */
	uint64_t accesses, instructions, cycles;
};

/* What a sampled run says of the whole program. */
struct store_estimate {
	const char *metric, *unit;
	uint64_t units; /* measured */
	double value, low, high;
	double confidence; /* percent; 0: no interval is known */
};

/* Opens `path`. ERR_INPUT: no such file (READ), not a database, another program's, or a newer schema.
 * ERR_HOST: the file or its folder cannot be read or written. On failure *out is NULL. */
enum status store_open(const char *path, enum store_mode mode, struct store **out, struct err *err);
/* Drops a run that was not committed. NULL is allowed. */
void store_close(struct store *st);

/* Starts gathering a run; at most one at a time (assert). Takes the time and the host as metadata. */
enum status store_run_begin(struct store *st, const struct store_run_meta *meta, struct err *err);
enum status store_param(struct store *st, const struct store_param *p, struct err *err);
/* Adds a region and a copy of every counter and histogram as they are now: call it before stats_reset(). */
enum status store_region(struct store *st, const struct store_region *region, const struct stats *s,
			 struct err *err);
enum status store_estimate(struct store *st, const struct store_estimate *e, struct err *err);
/* An interval of the series of the measured region, and what a counter that is not 0 has in it. */
enum status store_interval(struct store *st, uint64_t number, uint64_t begin, uint64_t end, struct err *err);
enum status store_series(struct store *st, const char *path, uint64_t interval, int64_t value,
			 struct err *err);
/* Writes the run, durably, and gives its number (run_id may be NULL). After an error the file is as it was before
 * and the run is still gathered: commit again or drop. Waits up to a minute for other writers. */
enum status store_run_commit(struct store *st, int64_t *run_id, struct err *err);
/* Forgets the gathered run, if there is one. */
void store_run_drop(struct store *st);

/* The connection, for reports; owned by the store, and another one after the commit that makes the file. */
sqlite3 *store_connection(struct store *st);

#endif
