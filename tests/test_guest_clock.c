/* test_guest_clock.c - when a kernel's tick and its timer are due, and how long haltpoll polls. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/guest_clock.h"

Test(guest_clock, ticks_come_at_multiples_of_the_period)
{
	struct guest_clock c;
	clock_start(&c, 1000, 0);
	cr_expect(eq(u64, c.next, 1000));
	clock_start(&c, 1000, 1000);
	cr_expect(eq(u64, c.next, 2000), "not at the very time of its start");
	clock_start(&c, 0, 5);
	cr_expect(eq(u64, c.next, CLOCK_NEVER), "a kernel without a tick");
}

Test(guest_clock, the_handler_sets_up_the_next_tick_behind_its_own_time)
{
	struct guest_clock c;
	clock_start(&c, 1000, 0);
	clock_fire(&c, 1005, 1100);
	cr_expect(eq(u64, c.next, 1100), "what has fired is signalled then");
	clock_handled(&c, 1999);
	cr_expect(eq(u64, c.tick, 2000));
	cr_expect(eq(u64, c.stats.ticks, 1));
	cr_expect(eq(u64, c.stats.ticks_merged, 0));
	clock_fire(&c, 2000, 2000);
	clock_handled(&c, 4000);
	cr_expect(eq(u64, c.tick, 5000));
	cr_expect(eq(u64, c.stats.ticks_merged, 2), "3000 and 4000");
}

Test(guest_clock, one_interrupt_serves_what_has_expired_and_nothing_else)
{
	struct guest_clock c;
	clock_start(&c, 1000, 0);
	clock_set_timer(&c, 1001);
	clock_fire(&c, 1000, 1000);
	cr_expect(c.tick_fired && !c.timer_fired);
	clock_put_back(&c);
	clock_fire(&c, 1001, 1001);
	cr_expect(c.tick_fired && c.timer_fired);
	clock_handled(&c, 1200);
	cr_expect(eq(u64, c.stats.ticks, 1));
	cr_expect(eq(u64, c.stats.timers, 1));
	cr_expect(eq(u64, c.next, 2000));
}

Test(guest_clock, a_tick_stops_for_a_timer_behind_it_alone)
{
	struct guest_clock c;
	clock_start(&c, 1000, 0);
	clock_set_timer(&c, 999);
	clock_stop_tick(&c);
	cr_expect(eq(u64, c.tick, 1000));
	clock_set_timer(&c, 5500);
	clock_stop_tick(&c);
	cr_expect(eq(u64, c.next, 5500));
	clock_fire(&c, 5500, CLOCK_NEVER);
	clock_handled(&c, 5600);
	cr_expect(eq(u64, c.tick, 6000), "it goes on");
	cr_expect(eq(u64, c.stats.ticks, 0));
	cr_expect(eq(u64, c.stats.ticks_stopped, 1));
}

Test(guest_clock, haltpoll_grows_after_halts_that_it_could_have_caught_and_shrinks_after_longer_ones)
{
	struct haltpoll_limits l = {
		.most = 200, .grow_start = 50, .grow = 2, .shrink = 2, .allow_shrink = true};
	cr_expect(eq(u64, haltpoll_after(&l, 0, 10), 50));
	cr_expect(eq(u64, haltpoll_after(&l, 50, 50), 50), "it was caught");
	cr_expect(eq(u64, haltpoll_after(&l, 50, 51), 100));
	cr_expect(eq(u64, haltpoll_after(&l, 150, 200), 200), "the most");
	cr_expect(eq(u64, haltpoll_after(&l, 200, 201), 100));
	l.shrink = 0;
	cr_expect(eq(u64, haltpoll_after(&l, 200, 201), 0));
	l.allow_shrink = false;
	cr_expect(eq(u64, haltpoll_after(&l, 200, 201), 200));
}
