/* sched.h - the run queues of a host: which vCPU a core runs, until when, and where one goes that wakes up.
 *
 *   sched_wake: a task that may run -> the core that it waits for      sched_next: the core's next task
 *   sched_stop_at: until when the present one may stay                  sched_leave: it does not
 *
 * Each core has a queue and runs the task of it that is eligible - it has not had more than its share - with the earliest
 * virtual deadline (EEVDF). Time passes for a task the slower the more weight it has, so shares go by weight; a slice is over
 * when the deadline is reached, and what waits has its turn at the next tick. A task that sleeps keeps its lag, what it
 * has had too little or too much. A task that wakes up goes to the core that it was on if that is idle, else to the nearest by
 * number that is idle and allowed, else to where it was; it takes the core from a task that has had more than its share.
 * A core without work takes the task that has waited longest from the queue with most of them. Virtual time is in
 * 1/1024 cycles of a task of weight 1024. All is integers, and equals go by number: results depend on nothing else.
 * Source: Linux 6.6 kernel/sched/fair.c (pick_eevdf with RUN_TO_PARITY, place_entity, update_deadline, check_preempt_wakeup,
 * select_idle_sibling, newidle_balance); Stoica and Abdel-Wahab, "Earliest Eligible Virtual Deadline First", 1996.
 * Not modelled: groups of tasks (a weight is a vCPU's, not its VM's), periodic balancing but for that at the end of a slice,
 * cache domains (all allowed cores are as near as their numbers), slices of different lengths.
 */
#ifndef MACHINE_SCHED_H
#define MACHINE_SCHED_H

#include <stdbool.h>

#include "base/types.h"

enum { SCHED_CORES_MAX = 1024, SCHED_WEIGHT_UNIT = 1024 };

struct sched_task { /* zero it, then set what is the owner's */
	uint64_t weight;
	const uint64_t *allowed; /* bit n: core n; borrowed */
	unsigned number;         /* orders equals */
	unsigned core;           /* that it runs on, waits for, or was on last; first: where it begins */
	bool queued;             /* it runs or waits */
	int64_t vruntime, deadline, lag;
	cycles_t since; /* when it began to wait */
};

struct sched;

/* Queues of `cores`, with slices of `slice` cycles that end at multiples of `tick` (0: at once). */
struct sched *sched_new(unsigned cores, cycles_t slice, cycles_t tick);
void sched_free(struct sched *s);

/* Has `t` wait from `now` on; returns the core. Where that is idle the owner has to let it go on (sched_next()). */
unsigned sched_wake(struct sched *s, struct sched_task *t, cycles_t now);
/* Whether `t`, which waits for its core, takes it from the task that runs there. */
bool sched_preempts(const struct sched *s, const struct sched_task *t);

/* The core's present task; NULL: it is idle. */
struct sched_task *sched_current(const struct sched *s, unsigned core);
/* `cycles` have passed for the present task. */
void sched_charge(struct sched *s, unsigned core, cycles_t cycles);
/* The present task gives the core up: `runnable`: it waits from `now` on for its next turn. */
void sched_leave(struct sched *s, unsigned core, bool runnable, cycles_t now);
/* A task that waits does so no longer. */
void sched_drop(struct sched *s, struct sched_task *t);
/* Lets an idle core run what is best, of its queue or of another's; NULL: there is nothing. The task's `since` says from when on it can. */
struct sched_task *sched_next(struct sched *s, unsigned core);

/* When the present task of a core that runs since `now` has had its slice and another one waits; UINT64_MAX: nobody waits. */
cycles_t sched_stop_at(const struct sched *s, unsigned core, cycles_t now);
/* At that time: whether another task has its turn now; the present one has a new slice in any case. One that waits may go to a busy
 * core that has two tasks less: the times of all cores to stop at are to be asked for anew. */
bool sched_expire(struct sched *s, unsigned core);

/* The present task gives its turn away to one that waits, to have another a slice later (yield_task_fair(), but that several in a row are
 * one). False: it would be the next all the same, and keeps its turn; *later is in how many cycles it would not. */
bool sched_give_way(struct sched *s, unsigned core, cycles_t *later);

/* An idle core without work where `t` may run, nearest to where it is; the number of cores: there is none. */
unsigned sched_idle_core(const struct sched *s, const struct sched_task *t);

/* How many tasks wait for the core, the present one not counted. */
unsigned sched_waiting(const struct sched *s, unsigned core);

#endif
