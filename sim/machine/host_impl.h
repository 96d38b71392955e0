#ifndef STRATA_MACHINE_HOST_IMPL_H
#define STRATA_MACHINE_HOST_IMPL_H

/* Inside the host's scheduler (machine_host.h): for machine_host.c, machine_switch.c, host_build.c and host_task.c alone. */

#include "machine/halt_poll.h"
#include "machine/machine_host.h"
#include "machine/machine_impl.h"
#include "machine/sched.h"

/* What a vCPU does; its time goes to one of them. */
enum vcpu_state { VCPU_RUNS, VCPU_WAITS, VCPU_IDLE, VCPU_ENDED, VCPU_STATES };

struct host_vcpu_stats {
	uint64_t cycles[VCPU_ENDED]; /* by state */
	uint64_t elapsed;
	uint64_t switches, preemptions, migrations, wakeups, tlb_flushes, yields;
	uint64_t halts, polls_hit, polls_missed, poll_cycles;
};

struct host_vcpu {
	struct sched_task task;
	enum vcpu_state state;
	cycles_t since, begin; /* of the state; of what is counted */
	cycles_t poll;         /* how long its next halt is polled for */
	cycles_t halted_at, deadline;
	bool polling;
	bool held; /* it stands still until `deadline` */
	struct host_vcpu_stats stats;
};

struct host_core {
	struct vcpu *loaded;  /* whose registers it has; NULL: nobody's yet */
	uint16_t vmid;        /* that they had when they were loaded, where VMIDs are allocated */
	cycles_t charged;     /* until when the present task has been charged */
	cycles_t stop;        /* when it has to make way */
	cycles_t begin, idle; /* of what is counted; how much of it nobody ran */
	cycles_t tasks;       /* and tasks of the host did */
};

struct host {
	struct machine *machine;
	const struct sched_params *params;
	struct sched *sched;
	struct halt_poll_limits poll;
	struct machine_turns turns;
	struct host_vcpu *vcpu; /* by thread */
	struct host_core *core; /* by place in machine->cpu */
	struct contexts *vmids; /* who gives VMs their VMIDs; NULL: each keeps its own */
	uint64_t vmid_entries;  /* that its TLBIs took */
	struct host_task *task; /* host_task.h: by core; none where the stack has none */
	unsigned tasks;
	cycles_t now; /* of the latest wake-up */
	bool started;
};

static inline struct host_vcpu *host_vcpu(const struct host *h, const struct vcpu *v)
{
	return &h->vcpu[vcpu_thread(v)];
}

static inline unsigned cpu_index(const struct cpu *c) { return (unsigned)(c - c->machine->cpu); }

static inline struct vcpu *vcpu_of(const struct host *h, const struct sched_task *t)
{
	return &h->machine->vcpu[t->number];
}

/* Whether it is a task of the host, and which: they are numbered behind the vCPUs. */
static inline bool is_host_task(const struct host *h, const struct sched_task *t)
{
	return t && t->number >= h->machine->vcpus;
}

/* Nobody wants the core until `until`. */
void host_idle_until(struct host *h, struct cpu *c, cycles_t until);
/* Time of `v` up to `now` goes to its state; from then on it is in `next`. */
void host_account(struct host *h, struct vcpu *v, enum vcpu_state next, cycles_t now);

/* The core spends what it takes to leave the guest of `v`, and to enter it, on its behalf: by the stack's paths, or switch_cycles. */
enum status host_leave_guest(struct host *h, struct vcpu *v, struct err *err);
enum status host_resume_guest(struct host *h, struct vcpu *v, struct err *err);
/* Has `v` go on at core `c`, which is idle until then: its context, and the TLB maintenance that it needs. */
enum status host_enter_guest(struct host *h, struct vcpu *v, struct cpu *c, struct err *err);

#endif
