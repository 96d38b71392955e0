#include "machine/guest_clock.h"

#include "base/order.h"

#define F struct clock_stats
const struct stat_desc clock_stat_rows[] = {
	STAT(F, ticks, "ticks", "of the kernel that were handled"),
	STAT(F, ticks_merged, "ticks", "that passed before an earlier one was handled"),
	STAT(F, ticks_stopped, "count", "halts for which the kernel stopped its tick"),
	STAT(F, timers, "count", "timers of the program that were handled"),
	STAT(F, messages, "interrupts", "of devices for this CPU"),
	STAT(F, taken, "interrupts", "that interrupted the program, between two of its records"),
	STAT(F, cycles, "cycles", "that these took from it: whatever is below the program"),
	STAT(F, handler_cycles, "cycles", "in the kernel's handlers, of all interrupts"),
	STAT(F, softirqs, "count", "soft interrupts behind these handlers"),
	STAT(F, softirq_cycles, "cycles", "in them"),
	STAT(F, halts, "count", "WFI that the kernel executed when it had nothing to do"),
	STAT(F, polls, "count", "how often it polled before that"),
	STAT(F, polls_hit, "count", "of them, those that ended by an interrupt"),
	STAT(F, poll_cycles, "cycles", "that it polled"),
	STAT_DIST(F, latency, "cycles",
		  "from when it was due, or signalled by another core, until the program was interrupted"),
};
#undef F
const size_t clock_stat_row_count = sizeof(clock_stat_rows) / sizeof(clock_stat_rows[0]);

/* The first multiple of the period behind `now`. */
static cycles_t tick_after(const struct guest_clock *c, cycles_t now)
{
	return (now / c->period + 1) * c->period;
}

/* What fired without a handler is looked at again. */
static void find_next(struct guest_clock *c)
{
	cycles_t own = c->arrival != CLOCK_NEVER ? c->arrival
		       : clock_has_fired(c)      ? c->fired_at
						 : clock_due(c);
	cycles_t message = c->message_arrival != CLOCK_NEVER ? c->message_arrival : c->message;
	c->next = cycles_earlier(c->signal, cycles_earlier(own, message));
}

void clock_start(struct guest_clock *c, cycles_t period, cycles_t now)
{
	*c = (struct guest_clock){.period = period,
				  .tick = CLOCK_NEVER,
				  .timer = CLOCK_NEVER,
				  .arrival = CLOCK_NEVER,
				  .message = CLOCK_NEVER,
				  .message_arrival = CLOCK_NEVER,
				  .signal = CLOCK_NEVER};
	if (period) c->tick = tick_after(c, now);
	find_next(c);
}

void clock_set_timer(struct guest_clock *c, cycles_t when)
{
	c->timer = when;
	find_next(c);
}

void clock_set_message(struct guest_clock *c, cycles_t when, cycles_t arrival)
{
	c->message = when;
	c->message_arrival = arrival;
	find_next(c);
}

void clock_signal(struct guest_clock *c, cycles_t at)
{
	c->signal = cycles_earlier(c->signal, at);
	find_next(c);
}

void clock_signalled(struct guest_clock *c)
{
	c->signal = CLOCK_NEVER;
	find_next(c);
}

cycles_t clock_due(const struct guest_clock *c) { return cycles_earlier(c->tick, c->timer); }

bool clock_has_fired(const struct guest_clock *c) { return c->tick_fired || c->timer_fired; }

void clock_fire(struct guest_clock *c, cycles_t at, cycles_t arrival)
{
	c->fired_at = clock_due(c);
	c->arrival = arrival;
	if (c->tick <= at) {
		c->tick_fired = true;
		c->tick_fired_at = c->tick;
		c->tick = CLOCK_NEVER;
	}
	if (c->timer <= at) {
		c->timer_fired = true;
		c->timer_fired_at = c->timer;
		c->timer = CLOCK_NEVER;
	}
	find_next(c);
}

void clock_put_back(struct guest_clock *c)
{
	if (c->tick_fired) c->tick = c->tick_fired_at;
	if (c->timer_fired) c->timer = c->timer_fired_at;
	c->tick_fired = c->timer_fired = false;
	find_next(c);
}

void clock_woken(struct guest_clock *c, cycles_t now)
{
	if (c->halted_at) c->poll_limit = haltpoll_after(&c->limits, c->poll_limit, now - c->halted_at);
	c->halted_at = 0;
	c->polled = false;
}

void clock_handled(struct guest_clock *c, cycles_t now)
{
	c->arrival = CLOCK_NEVER;
	c->stats.timers += c->timer_fired;
	if (c->period && c->tick == CLOCK_NEVER) c->tick = tick_after(c, now);
	if (c->tick_fired) {
		c->stats.ticks++;
		c->stats.ticks_merged += (c->tick - c->tick_fired_at) / c->period - 1;
	}
	c->tick_fired = c->timer_fired = false;
	clock_woken(c, now);
	find_next(c);
}

void clock_stop_tick(struct guest_clock *c)
{
	if (!c->period || c->timer <= c->tick) return;
	c->tick = CLOCK_NEVER;
	c->stats.ticks_stopped++;
	find_next(c);
}

cycles_t haltpoll_after(const struct haltpoll_limits *l, cycles_t limit, cycles_t halted)
{
	if (halted > l->most) return !l->allow_shrink ? limit : l->shrink ? limit / l->shrink : 0;
	if (halted <= limit) return limit;
	cycles_t next = limit * l->grow;
	if (next < l->grow_start) next = l->grow_start;
	return cycles_earlier(next, l->most);
}
