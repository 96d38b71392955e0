/* shared.h - what the software below several vCPUs shares: locks by their names.
 *
 *   lock_set_new(names and kinds) -> set      lock_set_find: name -> lock
 * One set for each VM: its vCPUs' paths (hyp/path_cost.h) take the same locks.
 */
#ifndef LOCK_SHARED_H
#define LOCK_SHARED_H

#include "lock/lock.h"

struct named_lock {
	const char *name; /* borrowed */
	struct lock lock;
	struct lock_counters *counters;
};

struct lock_set {
	struct named_lock *item;
	size_t count;
};

/* A set without locks. */
struct lock_set *lock_set_new(void);
void lock_set_free(struct lock_set *s); /* NULL is allowed */
/* Before the first lock_set_find(): locks move. `c` is borrowed. */
void lock_set_add(struct lock_set *s, const char *name, enum lock_kind kind, const struct coherence *c,
		  const struct lock_costs *costs);
/* NULL: there is none of that name. */
struct lock *lock_set_find(const struct lock_set *s, const char *name);
/* Under "<prefix>.locks.<name>". */
void lock_set_register_stats(struct lock_set *s, struct stats *stats, const char *prefix);
/* lock_check() of each. */
enum status lock_set_check(const struct lock_set *s, struct err *err);

#endif
