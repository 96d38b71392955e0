/* watch.h - picks accesses out of a run, and keeps of each where its cycles went.
 *
 *   watch_init(how many, or which) -> core_watch() -> picks, slowest first
 * Loads and stores are numbered from 1, as the counter `accesses` counts them (pieces of a split access apart), from the
 * last reset on. What an access costs is counted from issue to completion, as in `access_cycles`, but without a store's
 * wait for its turn behind older instructions. Of two that cost the same the earlier one is kept. Every access of a watched run is recorded and its sums are checked; those that are not picked are
 * forgotten. Watching changes no result and no cycle.
 */
#ifndef CPU_WATCH_H
#define CPU_WATCH_H

#include <stdbool.h>

#include "base/why.h"

struct watched {
	uint64_t number, va;
	cycles_t issue, done, cost;
	uint8_t kind; /* enum access_kind */
	struct why why;
};

struct watch {
	struct why why; /* of the present access */
	uint64_t *at;   /* numbers that the user asked for, ascending; NULL: the slowest */
	size_t want;    /* how many are picked at most */
	struct watched *pick;
	size_t count;
};

/* `at` may be NULL; else `want` numbers in any order. Copied. */
void watch_init(struct watch *w, const uint64_t *at, size_t want);
void watch_fini(struct watch *w);
/* Forgets all picks: the warm-up has ended. */
void watch_reset(struct watch *w);

/* The present access is complete, w->why holds its spans. ERR_CHECK where they do not add up. */
enum status watch_access(struct watch *w, const struct watched *a, struct err *err);
/* Puts the picks in order: by number where they were asked for, else slowest first. */
void watch_sort(struct watch *w);

#endif
