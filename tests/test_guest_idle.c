/* test_guest_idle.c - kernels that are idle: periodic ticks, tickless, haltpoll. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "guest_world.h"

static uint64_t wfx(const struct vm_world *w) { return vm_world_counter(w, "vm0.vcpu0.exits.WFx.count"); }

Test(guest_irq, an_idle_guest_leaves_at_each_tick_or_once)
{
	struct vm_world periodic, tickless;
	guest_open(&periodic, GUEST("tick_hz: 250, idle: periodic"));
	guest_open(&tickless, GUEST("tick_hz: 250, idle: tickless"));
	guest_run_sleeps(&periodic, 100001, 10);
	guest_run_sleeps(&tickless, 100001, 10);
	uint64_t ticks = guest_ticks(vm_world_counter(&periodic, "cpu0.cycles"), 250);
	cr_expect(eq(u64, ticks, 250));
	cr_expect(eq(u64, vm_world_counter(&periodic, "vm0.vcpu0.clock.ticks"), ticks));
	cr_expect(eq(u64, wfx(&periodic), ticks + 10), "at each tick, and to the end of each sleep");
	cr_expect(eq(u64, wfx(&tickless), 10));
	cr_expect(eq(u64, vm_world_counter(&tickless, "vm0.vcpu0.clock.ticks_stopped"), 10));
	cr_expect(eq(u64, vm_world_counter(&tickless, "vm0.vcpu0.clock.timers"), 10));
	cr_expect(eq(u64, vm_world_counter(&tickless, "vm0.vcpu0.clock.ticks"), 0));
	vm_world_close(&periodic);
	vm_world_close(&tickless);
}

Test(guest_irq, bare_metal_sleeps_as_long_as_a_guest)
{
	struct vm_world w;
	guest_open(&w, NATIVE("tick_hz: 250, idle: tickless"));
	guest_run_sleeps(&w, 10000, 10);
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.clock.halts"), 10));
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.clock.timers"), 10));
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.cycles") / (100000 * GUEST_MHZ), 1));
	cr_expect(lt(u64, 99000 * UINT64_C(3000), vm_world_counter(&w, "cpu0.cycles_by_bucket.idle")));
	vm_world_close(&w);
}

Test(guest_irq, haltpoll_keeps_a_guest_from_leaving_for_short_waits)
{
	struct vm_world polls, halts;
	guest_open(&polls, GUEST("tick_hz: 250, idle: haltpoll"));
	guest_open(&halts, GUEST("tick_hz: 250, idle: tickless"));
	guest_run_sleeps(&polls, 30, 100);
	guest_run_sleeps(&halts, 30, 100);
	cr_expect(eq(u64, wfx(&polls), 1), "the first wait, from which it learns");
	cr_expect(eq(u64, wfx(&halts), 100));
	cr_expect(eq(u64, vm_world_counter(&polls, "vm0.vcpu0.clock.polls_hit"), 99));
	cr_expect(lt(u64, vm_world_counter(&polls, "cpu0.cycles"), vm_world_counter(&halts, "cpu0.cycles")));
	vm_world_close(&polls);
	vm_world_close(&halts);
}

Test(guest_irq, haltpoll_does_not_poll_before_waits_that_are_too_long_for_it)
{
	struct vm_world w;
	guest_open(&w, GUEST("tick_hz: 250, idle: haltpoll"));
	guest_run_sleeps(&w, 500, 20);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.clock.polls"), 0));
	cr_expect(eq(u64, wfx(&w), 20));
	vm_world_close(&w);
}

Test(guest_irq, a_vcpu_that_shares_its_core_sleeps_from_tick_to_tick)
{
	struct vm_world w;
	guest_open(&w, GUEST("tick_hz: 1000, idle: periodic") "scheduler: {when: always}\n");
	guest_run_sleeps(&w, 10001, 5);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.clock.ticks"), 50));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.clock.timers"), 5));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.sched.halts"), 55));
	vm_world_close(&w);
}
