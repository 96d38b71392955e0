/* guest_clock.h - what interrupts a kernel: its tick, the timer that its program has set, devices, and other cores.
 *
 *   clock.next: when the next of them is due      clock_fire, clock_handled: its interrupt is under way; the handler has run
 * All CPUs of a kernel tick at the same multiples of the period. The handler sets up the next tick, behind its own time: ticks that
 * passed before that are merged, and counted. Both may be due at once; then one interrupt serves both.
 * A kernel that idles may stop its tick, and may poll before it halts, for a time that follows what earlier halts have lasted.
 * Source: Linux 6.6 kernel/time/tick-sched.c (tick_sched_timer, tick_nohz_stop_tick, tick_nohz_restart), kernel/time/hrtimer.c
 * (hrtimer_forward), drivers/cpuidle/governors/haltpoll.c (adjust_poll_limit).
 * Not modelled: CONFIG_NO_HZ_FULL, skew_tick; the granularity of the counter: times are cycles; what stopping and starting the tick
 * takes the kernel.
 */
#ifndef MACHINE_GUEST_CLOCK_H
#define MACHINE_GUEST_CLOCK_H

#include "base/types.h"
#include "stats/stats.h"

#define CLOCK_NEVER UINT64_MAX

/* Times in cycles. */
struct haltpoll_limits {
	cycles_t most, grow_start;
	uint64_t grow, shrink;
	bool allow_shrink;
};

struct clock_stats {
	uint64_t ticks, ticks_merged, ticks_stopped, timers;
	uint64_t taken, cycles, handler_cycles, softirqs, softirq_cycles;
	uint64_t messages;
	uint64_t halts, polls, polls_hit, poll_cycles;
	struct hist latency;
};
extern const struct stat_desc clock_stat_rows[];
extern const size_t clock_stat_row_count;

struct guest_clock {
	cycles_t period;              /* of the tick; 0: none */
	cycles_t tick, timer;         /* when they are due; CLOCK_NEVER: they are not, or stopped */
	bool tick_fired, timer_fired; /* the handler has not run yet */
	cycles_t fired_at;            /* when the first of these was due; and each of them */
	cycles_t tick_fired_at, timer_fired_at;
	cycles_t arrival; /* when that is signalled; CLOCK_NEVER: nothing is under way */
	cycles_t next;  /* when the program is to be interrupted next, or to be asked whether; CLOCK_NEVER */
	cycles_t until; /* the WFI of the program that goes on lasts until then; 0: there is none */
	cycles_t message, message_arrival; /* of a device, as tick and arrival; CLOCK_NEVER */
	cycles_t message_fired_at;
	cycles_t signal;    /* when the first interrupt comes that another core has sent; CLOCK_NEVER */
	cycles_t halted_at; /* of the present halt; 0: none */
	struct haltpoll_limits limits;
	cycles_t poll_limit; /* of haltpoll */
	cycles_t halt_due;   /* when the timer is due that ends a halt whose path has stopped; 0: none */
	bool polled;         /* in vain, before the halt that comes */
	bool taking;         /* the interrupt of a running program has paused on its way */
	struct clock_stats stats;
};

/* A clock whose first tick is one period from `now`; 0: none ticks. */
void clock_start(struct guest_clock *c, cycles_t period, cycles_t now);
/* The program's timer is due at `when`. */
void clock_set_timer(struct guest_clock *c, cycles_t when);
/* The earlier of tick and timer. */
cycles_t clock_due(const struct guest_clock *c);
/* What is due at `at` or before has fired, and its interrupt is signalled at `arrival`. */
void clock_fire(struct guest_clock *c, cycles_t at, cycles_t arrival);
/* The handler has run; the tick goes on. Nothing where nothing has fired. */
void clock_handled(struct guest_clock *c, cycles_t now);

/* A device's next message is due at `when`; one is signalled at `arrival`; CLOCK_NEVER: none is. */
void clock_set_message(struct guest_clock *c, cycles_t when, cycles_t arrival);
/* An interrupt from another core, or a device, will be signalled at `at`; of several the first counts. And what has come is looked at. */
void clock_signal(struct guest_clock *c, cycles_t at);
void clock_signalled(struct guest_clock *c);
/* A handler has run, whatever it served: a halt is over. */
void clock_woken(struct guest_clock *c, cycles_t now);
/* Whether something has fired that no handler has served; and it has not fired after all. */
bool clock_has_fired(const struct guest_clock *c);
void clock_put_back(struct guest_clock *c);
/* The CPU halts until the program's timer is due: the tick stops until the next handler has run, unless it comes before that timer. */
void clock_stop_tick(struct guest_clock *c);

/* What follows on `limit` after a halt of `halted` cycles. */
cycles_t haltpoll_after(const struct haltpoll_limits *l, cycles_t limit, cycles_t halted);

#endif
