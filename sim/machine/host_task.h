/* host_task.h - tasks of the host that are no vCPUs: one on each core, which wakes up regularly and wants to run for a while.
 *
 *   host_tasks_start     host_task_run: a core takes it     host_task_settle: time has passed for it     host_task_wake: its time has come
 * They stand in the run queues beside the vCPUs (sched.h), so a vCPU that shares its core with one is preempted for it and waits: its
 * exit is the one of any preemption, IRQ under the names of kvm_exit. A task never leaves its core. Its time is the host's user space:
 * bucket `vmm`, EL0. A wake-up that comes while it has not done what the one before asked for is merged with that.
 * To the engine a task is a thread behind those of the workload that has wake-ups alone.
 * Not modelled: what its code and data push out of TLBs and caches (noisy-neighbour.yaml does that with a VM); tasks that sleep at
 * locks, or move.
 */
#ifndef MACHINE_HOST_TASK_H
#define MACHINE_HOST_TASK_H

#include "machine/host_impl.h"

struct host_task_stats {
	uint64_t wakeups, merged, switches, preemptions, cycles, wait_cycles;
};

struct host_task {
	struct sched_task task;
	uint64_t allowed[SCHED_CORES_MAX / 64];
	cycles_t woken; /* when it woke up last */
	cycles_t left;  /* to run until it sleeps again */
	struct host_task_stats stats;
};

/* ERR_CONFIG: a task that would never sleep. */
enum status host_tasks_check(const struct sched_params *p, struct err *err);
/* None where the stack has no period for them. */
void host_tasks_new(struct host *h);
void host_tasks_free(struct host *h);
void host_tasks_register_stats(struct host *h, struct stats *s);
/* They sleep for a period from cycle 0 on. */
void host_tasks_start(struct host *h);

/* The core has just taken it; what it does next is asked for (host_task_arm()). */
void host_task_run(struct host *h, struct host_task *t);
void host_task_arm(struct host *h, struct host_task *t);
/* It has run up to `at`, if its core is not beyond that, and if it had so much to do. */
void host_task_settle(struct host *h, struct host_task *t, cycles_t at);
/* It gives up its core: as it is preempted, or to sleep until its next period. */
void host_task_leave(struct host *h, struct host_task *t, bool runnable);
/* It wakes up at `at` and has something to do from now on. */
void host_task_rouse(struct host_task *t, const struct host *h, cycles_t at);

#endif
