/* program_locks.h - the locks that the threads of a program take: LOCK and UNLOCK records of its streams.
 *
 *   program_locks_take: (who, record, now) -> it has the lock at a cycle, or it waits
 *   program_locks_give: (who, record, now) -> when it goes on; who gets the lock is told of it
 * Threads of a VM share its locks, natively all threads; a lock is known by the address of its word, and is of the kind of the record
 * that first takes it. What they cost is lock/lock.h's: their lines are apart from those of the caches. A thread may have up to
 * PROGRAM_LOCKS_HELD at once.
 * Not modelled: the translation of a lock's word; the kernel's way to sleep at a mutex and to wake up (the stack says how long).
 */
#ifndef MACHINE_PROGRAM_LOCKS_H
#define MACHINE_PROGRAM_LOCKS_H

#include "base/record.h"
#include "lock/lock.h"

enum { PROGRAM_LOCKS_HELD = 8 };

struct program_locks;

/* One thread. Zero it, then set `owner`. */
struct lock_user {
	void *owner; /* of its waiters: the caller's */
	struct lock_hold {
		uint64_t word;
		struct lock *lock; /* NULL: this place is free */
		struct lock_waiter waiter;
	} hold[PROGRAM_LOCKS_HELD];
	struct lock_hold *waits; /* NULL: it waits for none */
	cycles_t granted_at;     /* it has the lock that it waited for from then on */
};

/* `c` is borrowed. */
struct program_locks *program_locks_new(const struct coherence *c, const struct lock_costs *costs);
void program_locks_free(struct program_locks *l); /* NULL is allowed */
/* Under "<prefix>program_locks.<kind>", those of all locks of the kind together, from the first one on. */
void program_locks_register_stats(struct program_locks *l, struct stats *s, const char *prefix);

/* `u`, on core `core`, takes the lock of `rec`. *done is when it has it; UINT64_MAX: u->waits. ERR_INPUT: no such kind, or another than
 * the lock's; it has the lock already, or too many. */
enum status program_locks_take(struct program_locks *l, struct lock_user *u, unsigned core,
			       const struct record *rec, cycles_t now, cycles_t *done, struct err *err);
/* And gives it back. ERR_INPUT: it does not have it. */
enum status program_locks_give(struct program_locks *l, struct lock_user *u, const struct record *rec,
			       cycles_t now, lock_granted_fn *granted, void *ctx, cycles_t *done,
			       struct err *err);
/* The thread is on another core from now on. */
void lock_user_move(struct lock_user *u, unsigned core);
/* Its lock was granted (lock_granted_fn), and it has it at `at`. */
void lock_user_granted(struct lock_user *u, cycles_t at);

/* lock_check() of each. */
enum status program_locks_check(const struct program_locks *l, struct err *err);

#endif
