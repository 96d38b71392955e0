/* timer_soft.c - see timer_soft.h. */
#include "gic/timer_soft.h"

#define EL1_TIMERS (1u << TIMER_V | 1u << TIMER_P)
#define EL2_TIMERS (1u << TIMER_HV | 1u << TIMER_HP)

struct soft_timer_map soft_timer_map(enum soft_timer_mode mode)
{
	static const struct soft_timer_map maps[SOFT_TIMER_MODES] = {
		[SOFT_TIMER_VHE] = {EL1_TIMERS, 0},
		[SOFT_TIMER_NVHE] = {1u << TIMER_V, 1u << TIMER_P},
		[SOFT_TIMER_NESTED_GUEST] = {EL1_TIMERS, EL2_TIMERS},
		[SOFT_TIMER_NESTED_HYP] = {EL2_TIMERS, EL1_TIMERS},
	};
	return maps[mode];
}

enum { NS_PER_S = 1000000000 };

/* Nanoseconds, rounded down, until the counter has advanced by `counts`. */
static uint64_t counts_to_ns(const struct timer_clock *c, uint64_t counts)
{
	u128_t ns = (u128_t)counts * NS_PER_S / c->counter_hz;
	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

static cycles_t after_ns(const struct timer_clock *c, cycles_t now, uint64_t ns)
{
	u128_t cycles = ((u128_t)ns * c->core_hz + NS_PER_S - 1) / NS_PER_S;
	return cycles >= TIMER_NEVER - now ? TIMER_NEVER : now + (cycles_t)cycles;
}

/* Counts until the timer fires; UINT64_MAX: it cannot. */
static uint64_t counts_left(const struct timers *t, enum timer_id id, cycles_t now)
{
	cycles_t at = timers_expiry(t, id, now);
	if (at == TIMER_NEVER || (t->ctl[id] & TIMER_IMASK)) return UINT64_MAX;
	return timer_count(t->clock, at) - timer_count(t->clock, now);
}

static uint64_t earliest(const struct soft_timer *s, cycles_t now)
{
	uint64_t least = UINT64_MAX;
	for (unsigned i = 0; i < TIMER_COUNT; i++) {
		uint64_t left = s->set >> i & 1 ? counts_left(s->timers, (enum timer_id)i, now) : UINT64_MAX;
		if (left < least) least = left;
	}
	return least;
}

static cycles_t schedule(struct soft_timer *s, struct event_queue *q, uint64_t counts, cycles_t now)
{
	const struct timer_clock *clock = s->timers->clock;
	cycles_t at = counts == UINT64_MAX ? TIMER_NEVER : after_ns(clock, now, counts_to_ns(clock, counts));
	if (at == TIMER_NEVER)
		event_drop(q, &s->event);
	else
		event_at(q, &s->event, at);
	return at;
}

cycles_t soft_timer_arm(struct soft_timer *s, struct event_queue *q, const struct timers *t, unsigned set,
			cycles_t now)
{
	s->timers = t;
	s->set = set;
	cycles_t at = schedule(s, q, earliest(s, now), now);
	s->armed += at != TIMER_NEVER;
	return at;
}

bool soft_timer_expired(struct soft_timer *s, struct event_queue *q, cycles_t now)
{
	uint64_t left = earliest(s, now);
	if (left == UINT64_MAX || !counts_to_ns(s->timers->clock, left)) return true;
	s->early++;
	schedule(s, q, left, now);
	return false;
}

void soft_timer_cancel(struct soft_timer *s, struct event_queue *q) { event_drop(q, &s->event); }
