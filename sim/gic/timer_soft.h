/* timer_soft.h - the host's timer for a vCPU that does not run: KVM's hrtimer, as an event.
 *
 *   soft_timer_arm when the vCPU blocks    soft_timer_expired when its event is taken    soft_timer_cancel when it runs again
 * While a vCPU is loaded its timers are in the PE's registers. When it blocks in WFI, the hypervisor keeps them in memory and
 * asks the host to wake it when the earliest of them fires. The host counts nanoseconds, rounded down, so it may wake too
 * early: it then looks again and sleeps on. A timer that a hypervisor emulates altogether (the physical one of a guest of nVHE) is
 * kept in the same way while the vCPU runs, with a set of one.
 * Source: Linux arch/arm64/kvm/arch_timer.c (kvm_timer_blocking, kvm_timer_earliest_exp, kvm_bg_timer_expire, timer_emulate).
 */
#ifndef GIC_TIMER_SOFT_H
#define GIC_TIMER_SOFT_H

#include "event/event.h"
#include "gic/timer.h"

/* How a hypervisor gives timers to a vCPU. */
enum soft_timer_mode {
	SOFT_TIMER_VHE,          /* the EL1 timers are the guest's: the host has those of EL2 */
	SOFT_TIMER_NVHE,         /* the host uses the physical timer */
	SOFT_TIMER_NESTED_GUEST, /* the vCPU has a virtual EL2, and is below it */
	SOFT_TIMER_NESTED_HYP,   /* it is in its virtual EL2 */
	SOFT_TIMER_MODES
};
/* Sets of 1 << enum timer_id: those in hardware while the vCPU runs (each through the EL1 timer of its kind), and those that the host
 * emulates; a vCPU that does not run has all of them emulated. Source: get_timer_map(). */
struct soft_timer_map {
	unsigned direct, emulated;
};
struct soft_timer_map soft_timer_map(enum soft_timer_mode mode);

struct soft_timer {
	struct event event; /* owner and phase are the owner's to set */
	const struct timers *timers;
	unsigned set;          /* of 1 << enum timer_id */
	uint64_t armed, early; /* counts: armed, and woken before a timer had fired */
};

/* Schedules the event for the earliest timer of `set` that is enabled and not masked. Returns its cycle, `now` when one has
 * fired already, TIMER_NEVER (and no event) when none can. `t` is borrowed until soft_timer_cancel(). */
cycles_t soft_timer_arm(struct soft_timer *s, struct event_queue *q, const struct timers *t, unsigned set,
			cycles_t now);
/* The event was taken at `now`. True: the vCPU wakes; false: too early, it is scheduled again. */
bool soft_timer_expired(struct soft_timer *s, struct event_queue *q, cycles_t now);
void soft_timer_cancel(struct soft_timer *s, struct event_queue *q);

#endif
