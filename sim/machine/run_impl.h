#ifndef STRATA_MACHINE_RUN_IMPL_H
#define STRATA_MACHINE_RUN_IMPL_H

/* Inside a run (run.h): for run.c, run_store.c and run_replay.c alone. */

#include <string.h>

#include "machine/machine.h"
#include "machine/run.h"
#include "machine/stack_book.h"
#include "machine/workload.h"
#include "stats/series.h"
#include "store/store.h"

/* --set by where it goes: what its first word says, or to the machine. */
enum target { TO_MACHINE, TO_STACK, TO_WORKLOAD, TARGETS };

struct run {
	struct run_request req;
	char *name, *lacks;
	const char **sets[TARGETS]; /* NULL at the end */
	struct conf *conf;          /* of stack and workload */
	struct machine_config machine_config;
	struct stack_params stack;
	struct bound stack_bound;
	struct path_book *book;   /* of the stack; NULL: it names no paths */
	const struct node *paths; /* the tree that it was made of */
	struct workload workload;
	struct machine *machine;
	struct watch watch;
	struct export *exports;    /* NULL: none are asked for */
	struct sampling *sampling; /* of the measured region; NULL: all of it is measured */
	struct series *series;     /* of the measured region; NULL: none is asked for */
	struct store *store;       /* NULL: the run is not stored */
	uint64_t left;             /* loads and stores until the present region ends; UINT64_MAX: no limit */
};

static inline const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Opens one more reading of the run's streams. */
enum status run_open_workload(struct run *r, struct workload *w, struct err *err);

/* Makes the interval series that is asked for. */
enum status run_series_new(struct run *r, struct err *err);
/* The measured region begins, and its first interval, where there is a series. */
void run_series_begin(struct run *r);
/* Nothing begins before `now` any more. Only with a series. */
void run_series_at(struct run *r, cycles_t now);
/* As machine_run(), with a series. */
enum status run_by_intervals(struct run *r, const struct record *rec, size_t n, struct err *err);
/* The region has ended and counters are up to date: checks that intervals add up to them, and stores. */
enum status run_series_finish(struct run *r, struct err *err);

/* Begins the stored run of r->req.db: its options, and the effective configuration. */
enum status run_begin_stored(struct run *r, struct err *err);

#endif
