/* lock.h - locks in simulated time: a cache line, a queue, and how the lock is handed over.
 *
 *   lock_acquire: (waiter, now) -> granted at a cycle, or it waits      lock_release: (core, now) -> who goes on, and when
 * Taking a lock is an atomic on its line, which comes from the core that wrote it last. Who finds it taken queues; a release
 * hands over to the first of the queue, after the line, or the waiter's own line of the queue, has come to it. Calls come
 * in order of time, up to the lookahead of the engine: no lock is granted before it was released.
 *
 * | kind         | shared             | a waiter                                        | source |
 * | spinlock     | as exclusive       | spins on a line of its own (MCS)                | Linux 6.6 kernel/locking/qspinlock.c |
 * | rwlock       | beside each other  | the same, readers and writers in one queue      | kernel/locking/qrwlock.c |
 * | mutex        | as exclusive       | spins up to spin_limit, then sleeps (futex)     | kernel/locking/mutex.c, osq_lock.c |
 * | rcu          | free, no line      | updaters exclude each other as with a spinlock  | kernel/rcu |
 * | ticket       | as exclusive       | spins on the lock's own line, as all of them do | Mellor-Crummey and Scott 1991, 2.2 |
 * | test_and_set | as exclusive       | the same; whoever comes first has it            | the same, 2.1 |
 *
 * A release of a ticket lock takes the line from all who spin on it, and they read it again one after the other: half of them
 * before the one whose turn it is (Boyd-Wickizer et al., "Non-scalable locks are dangerous", OLS 2012, 3). A test-and-set lock goes to
 * the nearest of those who spin; the others come for the line, too, and keep the holder's next store waiting.
 * A waiter may be away: its vCPU has no core. Who stands in a queue gets its turn nevertheless, and holds the lock until it is back;
 * at a test-and-set lock nobody waits for who is away.
 *
 * Not modelled: the bounded wait of qspinlock's pending bit apart from its queue; priority inheritance; stealing of a mutex or
 * test-and-set lock by who comes in between; grace periods.
 */
#ifndef LOCK_LOCK_H
#define LOCK_LOCK_H

#include "lock/line.h"

#define LOCK_KINDS(X) \
	X(SPINLOCK, spinlock, "queued spin lock") \
	X(RWLOCK, rwlock, "queued reader-writer lock") \
	X(MUTEX, mutex, "mutex: optimistic spinning, then sleep") \
	X(RCU, rcu, "readers take nothing; updaters exclude each other") \
	X(TICKET, ticket, "ticket lock: in order, all spin on one line") \
	X(TEST_AND_SET, test_and_set, "test-and-set lock: whoever comes first, all spin on one line")

enum lock_kind {
#define X(name, text, doc) LOCK_##name,
	LOCK_KINDS(X)
#undef X
		LOCK_KIND_COUNT
};
extern const char *const lock_kind_names[]; /* NULL at the end */

/* What a sleeping waiter costs; 0 for who never sleeps. */
struct lock_costs {
	cycles_t spin_limit;  /* a mutex' waiter spins so long before it sleeps */
	cycles_t sleep_wake;  /* from the wake-up of a sleeping waiter until it runs */
	cycles_t wake_caller; /* of who wakes it */
};

struct lock_stats {
	uint64_t taken, shared;        /* shared: of them, beside others */
	uint64_t contended;            /* had to wait for a holder */
	uint64_t released, hand_overs; /* to a waiter */
	uint64_t sleeps;
	uint64_t wait_cycles, hold_cycles;
	struct hist wait;
};
/* Counters of one lock, or of several together. */
struct lock_counters {
	struct lock_stats lock;
	struct line_stats line;
};
/* Those of the lock under `path`, of its line under "<path>.line". */
void lock_counters_register(struct lock_counters *c, struct stats *s, const char *path);

/* Who takes a lock; the caller's, and stays where it is until it has released the lock. */
struct lock_waiter {
	unsigned core;
	bool shared;
	bool away;      /* its vCPU has no core: it does not look at the lock */
	void *owner;    /* the caller's */
	cycles_t since; /* when it asked */
	cycles_t taken; /* when it got it */
	struct lock_waiter *next;
};

struct lock {
	enum lock_kind kind;
	struct lock_costs costs;
	struct shared_line line;
	unsigned readers;                  /* that hold it beside each other */
	bool written;                      /* held exclusively */
	uint64_t grants, returns, holders; /* since ever; the counters begin anew with each region of a run */
	struct lock_waiter *first, *last;
	cycles_t head_ready; /* when the first of the queue has the queue's own line */
	struct lock_stats *stats;
};

/* All but `costs` is borrowed. */
void lock_init(struct lock *l, enum lock_kind kind, const struct coherence *c, const struct lock_costs *costs,
	       struct lock_counters *counters);

/* `w` (core, shared and owner are set) asks at `now`. True: *done is when it has the lock. False: it waits, and a release
 * will say. */
bool lock_acquire(struct lock *l, struct lock_waiter *w, cycles_t now, cycles_t *done);

/* Tells that `w` has the lock from `at` on; it slept `idle` of the time that it waited. */
typedef void lock_granted_fn(void *ctx, struct lock_waiter *w, cycles_t at, cycles_t idle);
/* `w` gives the lock back at `now`; returns when it can go on. Whoever gets it next is told before. */
cycles_t lock_release(struct lock *l, struct lock_waiter *w, cycles_t now, lock_granted_fn *granted,
		      void *ctx);

/* `w`, which waits, has been away, and looks at the lock again at `now`. True: it is free, and *done is when `w` has it. */
bool lock_come_back(struct lock *l, struct lock_waiter *w, cycles_t now, cycles_t *done);

/* What must hold at any time: each time that it was taken it was given back, or is held. ERR_CHECK names the lock `name`. */
enum status lock_check(const struct lock *l, const char *name, struct err *err);

#endif
