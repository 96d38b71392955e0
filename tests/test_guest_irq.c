/* test_guest_irq.c - what interrupts a kernel by itself, while its program runs and while it is idle: ticks, timers, haltpoll. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/guest_clock.h"
#include "vm_world.h"

enum { MHZ = 3000, PAGE = 4096 }; /* of a Neoverse N1 */

/* --- the clock ------------------------------------------------------------------------------------------------------- */

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

/* --- programs that run ----------------------------------------------------------------------------------------------- */

#define GUEST(os) \
	"os: {" os "}\n" \
	"hypervisors: [{paths: configs/hypervisors/kvm-vhe.yaml, vmm: configs/vmms/minimal.yaml}]\n" \
	"operations: configs/guests/operations.yaml\n"
#define NATIVE(os) "os: {" os "}\nhypervisors: []\noperations: configs/guests/linux-native.yaml\n"

static void open_world(struct vm_world *w, const char *yaml)
{
	cr_assert(eq(int, vm_world_open(w, yaml, NULL), OK), "%s", w->err.text);
}

/* Loads of one page, with instructions between. */
static void run_loads(struct vm_world *w, uint64_t loads)
{
	static const struct record load = {.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 400};
	struct trace_source *source = script_source(&load, 1, loads);
	vm_world_run(w, &source, 0);
}

static uint64_t ticks_of(uint64_t cycles, uint64_t hz) { return cycles * hz / (MHZ * UINT64_C(1000000)); }

Test(guest_irq, a_guest_leaves_as_often_as_its_kernel_ticks)
{
	struct vm_world w;
	open_world(&w, GUEST("tick_hz: 10000"));
	run_loads(&w, 60000);
	uint64_t elapsed = vm_world_counter(&w, "cpu0.cycles"), ticks = ticks_of(elapsed, 10000);
	cr_expect(lt(u64, 15, ticks));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.clock.ticks"), ticks));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.exits.IRQ.count"), ticks));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.irqs.ppi.count"), ticks));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.virqs.ppi.count"), ticks));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.kernel.handlers.runs.tick"), ticks));
	vm_world_close(&w);
}

Test(guest_irq, ticks_lengthen_a_program_by_what_they_are_said_to_take)
{
	struct vm_world with, without;
	open_world(&with, NATIVE("tick_hz: 10000"));
	open_world(&without, NATIVE("tick_hz: 0"));
	run_loads(&with, 60000);
	run_loads(&without, 60000);
	uint64_t more = vm_world_counter(&with, "cpu0.cycles"),
		 less = vm_world_counter(&without, "cpu0.cycles");
	uint64_t taken = vm_world_counter(&with, "cpu0.clock.cycles");
	cr_expect(lt(u64, 0, taken));
	cr_expect(le(u64, taken, more - less));
	cr_expect(le(u64, more - less - taken, (more - less) / 20), "and some misses of its own: %lu of %lu",
		  more - less - taken, more - less);
	vm_world_close(&with);
	vm_world_close(&without);
}

Test(guest_irq, the_same_ticks_cost_a_guest_more_than_bare_metal)
{
	struct vm_world native, guest;
	open_world(&native, NATIVE("tick_hz: 10000"));
	open_world(&guest, GUEST("tick_hz: 10000"));
	run_loads(&native, 60000);
	run_loads(&guest, 60000);
	uint64_t here = vm_world_counter(&native, "cpu0.clock.cycles") /
			vm_world_counter(&native, "cpu0.clock.taken"),
		 there = vm_world_counter(&guest, "vm0.vcpu0.clock.cycles") /
			 vm_world_counter(&guest, "vm0.vcpu0.clock.taken");
	cr_expect(lt(u64, here, there));
	vm_world_close(&native);
	vm_world_close(&guest);
}

static const struct record timer_then_loads[] = {
	{.kind = REC_TIMER, .arg = 100000},
	{.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 40},
};

/* One record at a time, until the clock of the core has passed `until`. */
static void load_until(struct vm_world *w, cycles_t until)
{
	while (machine_now(w->machine, 0) < until)
		cr_assert(eq(int, machine_run(w->machine, &timer_then_loads[1], 1, &w->err), OK), "%s",
			  w->err.text);
}

Test(guest_irq, a_timer_interrupts_a_program_when_it_is_due_and_not_before)
{
	struct vm_world w;
	open_world(&w, GUEST("tick_hz: 0"));
	load_until(&w, 1000000);
	cr_assert(eq(int, machine_run(w.machine, timer_then_loads, 1, &w.err), OK));
	cycles_t due = machine_now(w.machine, 0) + 100000;
	load_until(&w, due - 100);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.exits.IRQ.count"), 0));
	load_until(&w, due + 1500);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.exits.IRQ.count"), 1));
	load_until(&w, due + 1000000);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.exits.IRQ.count"), 1), "once");
	vm_world_close(&w);
}

static void run_both(struct vm_world *turns, struct vm_world *batch, const struct record *rec, size_t n)
{
	struct trace_source *source = script_source(rec, n, 1);
	vm_world_run(turns, &source, 0);
	cr_assert(eq(int, machine_run(batch->machine, rec, n, &batch->err), OK), "%s", batch->err.text);
	machine_finish(batch->machine);
}

Test(guest_irq, one_thread_in_batches_is_interrupted_as_one_that_takes_turns)
{
	enum { N = 40000 };
	struct record *rec = calloc(N, sizeof(*rec));
	struct vm_world turns, batch;
	for (size_t i = 0; i < N; i++)
		rec[i] = (struct record){
			.addr = 0x100000 + i * 7919 % 300 * PAGE, .count = 8, .kind = REC_LOAD, .gap = 100};
	open_world(&turns, GUEST("tick_hz: 20000"));
	open_world(&batch, GUEST("tick_hz: 20000"));
	run_both(&turns, &batch, rec, N);
	static const char *const same[] = {"cpu0.cycles", "vm0.vcpu0.clock.ticks", "vm0.vcpu0.clock.cycles",
					   "vm0.vcpu0.exits.IRQ.cycles", "vm0.virqs.ppi.cycles"};
	cr_expect(lt(u64, 5, vm_world_counter(&turns, "vm0.vcpu0.clock.ticks")));
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		cr_expect(eq(u64, vm_world_counter(&turns, "%s", same[i]),
			     vm_world_counter(&batch, "%s", same[i])),
			  "%s", same[i]);
	vm_world_close(&turns);
	vm_world_close(&batch);
	free(rec);
}

Test(guest_irq, soft_interrupts_follow_the_share_of_handlers_that_raises_them)
{
	static const struct {
		const char *yaml;
		uint64_t least, most; /* percent of ticks */
	} rows[] = {
		{GUEST("tick_hz: 20000, softirq: {instructions: 500}, softirq_percent: 0"), 0, 0},
		{GUEST("tick_hz: 20000, softirq: {instructions: 500}, softirq_percent: 50"), 25, 75},
		{GUEST("tick_hz: 20000, softirq: {instructions: 500}"), 100, 100},
		{GUEST("tick_hz: 20000"), 0, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vm_world w;
		open_world(&w, rows[i].yaml);
		run_loads(&w, 60000);
		uint64_t ticks = vm_world_counter(&w, "vm0.vcpu0.clock.ticks"),
			 soft = vm_world_counter(&w, "vm0.vcpu0.clock.softirqs") * 100;
		cr_expect(le(u64, rows[i].least * ticks, soft), "%zu", i);
		cr_expect(le(u64, soft, rows[i].most * ticks), "%zu", i);
		vm_world_close(&w);
	}
}

Test(guest_irq, several_vcpus_tick_each_on_its_own_core)
{
	struct vm_world w;
	struct trace_source *source[3];
	static const struct record load = {.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 400};
	open_world(&w, GUEST("tick_hz: 10000") "vms: [{name: a, vcpus: 3}]\n");
	for (unsigned i = 0; i < 3; i++) source[i] = script_source(&load, 1, 40000);
	vm_world_run(&w, source, 0);
	for (unsigned i = 0; i < 3; i++)
		cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu%u.clock.ticks", i),
			     ticks_of(vm_world_counter(&w, "cpu%u.cycles", i), 10000)));
	vm_world_close(&w);
}

/* --- what other cores send ------------------------------------------------------------------------------------------- */

enum { SENDS = 8, BETWEEN = 2500 };

/* The first thread sends SGI 5 to the second one, now and then; the others compute. */
static void run_senders(struct vm_world *w, unsigned threads)
{
	static const struct record load = {.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 100};
	struct record sender[BETWEEN + 1];
	struct trace_source *source[4];
	for (unsigned i = 0; i < BETWEEN; i++) sender[i] = load;
	sender[BETWEEN] = (struct record){.kind = REC_SGI, .count = 5, .arg = 1 << 1};
	source[0] = script_source(sender, BETWEEN + 1, SENDS);
	for (unsigned i = 1; i < threads; i++)
		source[i] = script_source(&load, 1, (uint64_t)BETWEEN * 3 * SENDS);
	vm_world_run(w, source, 0);
}

Test(guest_irq, an_sgi_interrupts_the_program_of_another_vcpu_when_it_comes)
{
	static const char *const gicv3[] = {"gic.version=3", NULL};
	struct vm_world w;
	cr_assert(eq(int, vm_world_open(&w, GUEST("tick_hz: 0") "vms: [{name: a, vcpus: 3}]\n", gicv3), OK),
		  "%s", w.err.text);
	run_senders(&w, 3);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.exits.SYS64.count"), SENDS));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu1.exits.IRQ.count"), SENDS));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu2.exits.IRQ.count"), 0));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.virqs.sgi.count"), SENDS));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.virqs.merged"), 0));
	/* From its signal to the exit for it: no longer than a record and that entry. */
	cr_expect(le(u64, vm_world_counter(&w, "vm0.irqs.sgi.stage_cycles.exception"), SENDS * 400));
	vm_world_close(&w);
}

Test(guest_irq, an_sgi_interrupts_a_program_on_bare_metal)
{
	static const char *const gicv3[] = {"gic.version=3", NULL};
	struct vm_world w;
	cr_assert(eq(int, vm_world_open(&w, NATIVE("tick_hz: 0") "threads: 2\n", gicv3), OK), "%s",
		  w.err.text);
	run_senders(&w, 2);
	cr_expect(eq(u64, vm_world_counter(&w, "irqs.sgi.count"), SENDS));
	cr_expect(le(u64, vm_world_counter(&w, "irqs.sgi.stage_cycles.exception"), SENDS * 400));
	vm_world_close(&w);
}

enum { HALT = 4000000 };

/* The first thread computes, and sends SGI 5 to the second one, which waits in WFI for a timer that is due long after. Between two of
 * them is time enough for a host whose caches are cold. */
static void run_sender_to_halt(struct vm_world *w)
{
	static const struct record load = {.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 400};
	static const struct record halt[] = {
		{.kind = REC_TIMER, .arg = HALT},
		{.kind = REC_WFI},
		{.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 100},
	};
	struct record sender[BETWEEN + 1];
	for (unsigned i = 0; i < BETWEEN; i++) sender[i] = load;
	sender[BETWEEN] = (struct record){.kind = REC_SGI, .count = 5, .arg = 1 << 1};
	struct trace_source *source[] = {script_source(sender, BETWEEN + 1, SENDS),
					 script_source(halt, 3, 1)};
	vm_world_run(w, source, 0);
}

Test(guest_irq, an_sgi_ends_the_halt_of_another_cpu_and_its_timer_the_wait_of_its_program)
{
	static const char *const ahead[] = {"gic.version=3", NULL}, *const strict[] = {"gic.version=3",
										       "order=strict", NULL};
	static const struct {
		const char *yaml, *sgi, *clock;
	} rows[] = {
		{NATIVE("tick_hz: 100") "threads: 2\n", "irqs.sgi", "cpu1.clock"},
		{GUEST("tick_hz: 100") "vms: [{name: a, vcpus: 2}]\n", "vm0.irqs.sgi", "vm0.vcpu1.clock"}};
	for (size_t k = 0; k < 2 * sizeof(rows) / sizeof(rows[0]); k++) {
		struct vm_world w;
		size_t i = k / 2;
		cr_assert(eq(int, vm_world_open(&w, rows[i].yaml, k % 2 ? strict : ahead), OK), "%s",
			  w.err.text);
		run_sender_to_halt(&w);
		uint64_t end = vm_world_counter(&w, "cpu1.cycles");
		cr_expect(lt(u64, vm_world_counter(&w, "cpu0.cycles"), HALT), "all are sent before that");
		cr_expect(eq(u64, vm_world_counter(&w, "%s.count", rows[i].sgi), SENDS), "%zu", i);
		/* Taken when it is there, not when the timer has fired. */
		cr_expect(
			le(u64, vm_world_counter(&w, "%s.stage_cycles.exception", rows[i].sgi), SENDS * 1000),
			"%zu", i);
		cr_expect(eq(u64, vm_world_counter(&w, "%s.halts", rows[i].clock), SENDS + 1), "%zu", i);
		cr_expect(eq(u64, vm_world_counter(&w, "%s.timers", rows[i].clock), 1), "%zu", i);
		cr_expect(le(u64, HALT, end), "the program waits for its timer");
		cr_expect(lt(u64, end, HALT + HALT / 100));
		vm_world_close(&w);
	}
}

Test(guest_irq, the_order_of_cores_does_not_change_who_is_interrupted)
{
	static const char *const strict[] = {"gic.version=3", "order=strict", NULL}, *const ahead[] = {
											     "gic.version=3",
											     NULL};
	const char *const *const sets[] = {strict, ahead};
	uint64_t exits[2];
	for (unsigned i = 0; i < 2; i++) {
		struct vm_world w;
		cr_assert(
			eq(int,
			   vm_world_open(&w, GUEST("tick_hz: 1000") "vms: [{name: a, vcpus: 4}]\n", sets[i]),
			   OK),
			"%s", w.err.text);
		run_senders(&w, 4);
		cr_expect(eq(u64, vm_world_counter(&w, "vm0.virqs.sgi.count"), SENDS));
		exits[i] = vm_world_counter(&w, "vm0.vcpu1.exits.IRQ.count");
		vm_world_close(&w);
	}
	cr_expect(eq(u64, exits[0], exits[1]));
}

/* --- devices ---------------------------------------------------------------------------------------------------------- */

#define DEVICE "tick_hz: 100, device_irq_hz: 20000, interrupt: {instructions: 200}, "

Test(guest_irq, interrupts_of_a_device_go_to_one_cpu_to_those_of_its_queues_or_to_who_asked)
{
	static const struct {
		const char *yaml;
		bool gets[4];
	} rows[] = {
		{GUEST(DEVICE "irq_affinity: one, device_queues: 4"), {true}},
		{GUEST(DEVICE "irq_affinity: spread, device_queues: 1"), {true}},
		{GUEST(DEVICE "irq_affinity: spread, device_queues: 2"), {true, true}},
		{GUEST(DEVICE "irq_affinity: spread, device_queues: 4"), {true, true, true, true}},
		{GUEST(DEVICE "irq_affinity: requester, device_queues: 1"), {true, true, true, true}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const struct record load = {
			.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 400};
		struct vm_world w;
		struct trace_source *source[4];
		char yaml[512];
		snprintf(yaml, sizeof(yaml), "%svms: [{name: a, vcpus: 4}]\n", rows[i].yaml);
		open_world(&w, yaml);
		unsigned cpus = 0;
		for (unsigned k = 0; k < 4; k++) {
			source[k] = script_source(&load, 1, 40000);
			cpus += rows[i].gets[k];
		}
		vm_world_run(&w, source, 0);
		for (unsigned k = 0; k < 4; k++) {
			uint64_t all = ticks_of(vm_world_counter(&w, "cpu%u.cycles", k), 4 * 20000),
				 wanted = rows[i].gets[k] ? all / cpus : 0,
				 messages = vm_world_counter(&w, "vm0.vcpu%u.clock.messages", k),
				 exits = vm_world_counter(&w, "vm0.vcpu%u.exits.IRQ.count", k);
			cr_expect(le(u64, wanted, messages + 1), "%zu: vCPU %u", i, k);
			cr_expect(le(u64, messages, wanted + 1), "%zu: vCPU %u: %lu of %lu", i, k, messages,
				  all);
			cr_expect(le(u64, messages, exits + 1), "%zu: vCPU %u", i, k);
			cr_expect(le(u64, exits, messages), "%zu: vCPU %u", i, k);
		}
		vm_world_close(&w);
	}
}

/* Interrupts of each kind that end while a program runs, for each message of a device. */
Test(guest_irq, messages_interrupt_the_host_of_a_guest_or_the_guest_or_the_kernel_itself)
{
#define QUICK \
	"tick_hz: 100, device_irq_hz: 20000, device_queues: 3, interrupt: {instructions: 200}, device_kind: "
	static const struct {
		const char *yaml, *set, *exits, *physical, *virtual;
		bool leaves, is_host, is_guest;
	} rows[] = {
		{GUEST(QUICK "emulated"), "gic.version=3", "vm0.vcpu0.exits.IRQ.count", "vm0.irqs.lpi.count",
		 "vm0.virqs.lpi.count", true, false, true},
		{GUEST(QUICK "assigned"), "gic.version=3", "vm0.vcpu0.exits.IRQ.count", "vm0.irqs.lpi.count",
		 "vm0.virqs.lpi.count", true, true, true},
		{GUEST(QUICK "direct"), "gic.version=4.1", "vm0.vcpu0.exits.IRQ.count", "vm0.irqs.lpi.count",
		 "vm0.virqs.lpi.count", false, false, true},
		{NATIVE(QUICK "assigned"), "gic.version=3", NULL, "irqs.lpi.count", NULL, false, true, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const sets[] = {rows[i].set, NULL};
		struct vm_world w;
		cr_assert(eq(int, vm_world_open(&w, rows[i].yaml, sets), OK), "%s", w.err.text);
		run_loads(&w, 60000);
		uint64_t elapsed = vm_world_counter(&w, "cpu0.cycles"), ticks = ticks_of(elapsed, 100);
		uint64_t messages = vm_world_counter(&w, rows[i].virtual ? "vm0.vcpu0.clock.messages"
									 : "cpu0.clock.messages");
		cr_expect(lt(u64, 20, messages), "%zu", i);
		cr_expect(le(u64, ticks_of(elapsed, 20000), messages + 1), "%zu: in time", i);
		const char *handlers = rows[i].virtual ? "vm0.vcpu0.kernel.handlers.runs.interrupt"
						       : "cpu0.kernel.handlers.runs.interrupt";
		const char *const names[] = {rows[i].exits, rows[i].physical, rows[i].virtual, handlers};
		const uint64_t wanted[] = {ticks + rows[i].leaves * messages, rows[i].is_host * messages,
					   rows[i].is_guest * messages, messages};
		for (unsigned k = 0; k < 4; k++) {
			if (!names[k]) continue;
			uint64_t n = vm_world_counter(&w, "%s", names[k]);
			cr_expect(le(u64, n, wanted[k]), "%zu: %s", i, names[k]);
			cr_expect(le(u64, wanted[k], n + 1), "%zu: %s: the last may be under way", i,
				  names[k]);
		}
		vm_world_close(&w);
	}
#undef QUICK
}

Test(guest_irq, a_gicv3_gives_no_messages_to_guests_itself)
{
	static const char *const gicv3[] = {"gic.version=3", NULL};
	struct vm_world w;
	cr_expect(eq(int,
		     vm_world_open(&w, GUEST("tick_hz: 100, device_irq_hz: 10, device_kind: direct"), gicv3),
		     ERR_CONFIG));
	cr_expect(ne(ptr, strstr(w.err.text, "os.device_kind: needs gic.version 4"), NULL), "%s", w.err.text);
	vm_world_close(&w);
}

static void run_sleeps(struct vm_world *w, uint64_t microseconds, uint64_t times);

Test(guest_irq, a_device_wakes_an_idle_guest_which_sleeps_on)
{
	struct vm_world w;
	open_world(&w, GUEST("tick_hz: 100, device_irq_hz: 1000, interrupt: {instructions: 200}"));
	run_sleeps(&w, 10000, 10);
	uint64_t messages = vm_world_counter(&w, "vm0.vcpu0.clock.messages");
	cr_expect(eq(u64, messages, ticks_of(vm_world_counter(&w, "cpu0.cycles"), 1000)));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.exits.WFx.count"), messages + 10));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.clock.timers"), 10));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.virqs.lpi.count"), messages));
	vm_world_close(&w);
}

Test(guest_irq, messages_that_the_its_delivers_wake_an_idle_guest_too)
{
	static const char *const kinds[] = {"assigned", "direct"};
	static const char *const gicv41[] = {"gic.version=4.1", NULL};
	for (unsigned i = 0; i < 2; i++) {
		struct vm_world w;
		char yaml[512];
		snprintf(yaml, sizeof(yaml), GUEST("tick_hz: 100, device_irq_hz: 1000, device_kind: %s"),
			 kinds[i]);
		cr_assert(eq(int, vm_world_open(&w, yaml, gicv41), OK), "%s", w.err.text);
		run_sleeps(&w, 10000, 10);
		uint64_t messages = vm_world_counter(&w, "vm0.vcpu0.clock.messages");
		cr_expect(eq(u64, messages, ticks_of(vm_world_counter(&w, "cpu0.cycles"), 1000)), "%s",
			  kinds[i]);
		cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.exits.WFx.count"), messages + 10), "%s",
			  kinds[i]);
		cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.clock.timers"), 10), "%s", kinds[i]);
		cr_expect(eq(u64, vm_world_counter(&w, "vm0.virqs.lpi.count"), messages), "%s", kinds[i]);
		vm_world_close(&w);
	}
}

/* --- kernels that are idle --------------------------------------------------------------------------------------------- */

/* `times` sleeps of so many microseconds each, with a load between. */
static void run_sleeps(struct vm_world *w, uint64_t microseconds, uint64_t times)
{
	struct record rec[] = {{.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 400},
			       {.kind = REC_TIMER, .arg = microseconds * MHZ},
			       {.kind = REC_WFI}};
	struct trace_source *source = script_source(rec, 3, times);
	vm_world_run(w, &source, 0);
}

static uint64_t wfx(const struct vm_world *w) { return vm_world_counter(w, "vm0.vcpu0.exits.WFx.count"); }

Test(guest_irq, an_idle_guest_leaves_at_each_tick_or_once)
{
	struct vm_world periodic, tickless;
	open_world(&periodic, GUEST("tick_hz: 250, idle: periodic"));
	open_world(&tickless, GUEST("tick_hz: 250, idle: tickless"));
	run_sleeps(&periodic, 100001, 10);
	run_sleeps(&tickless, 100001, 10);
	uint64_t ticks = ticks_of(vm_world_counter(&periodic, "cpu0.cycles"), 250);
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
	open_world(&w, NATIVE("tick_hz: 250, idle: tickless"));
	run_sleeps(&w, 10000, 10);
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.clock.halts"), 10));
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.clock.timers"), 10));
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.cycles") / (100000 * MHZ), 1));
	cr_expect(lt(u64, 99000 * UINT64_C(3000), vm_world_counter(&w, "cpu0.cycles_by_bucket.idle")));
	vm_world_close(&w);
}

Test(guest_irq, haltpoll_keeps_a_guest_from_leaving_for_short_waits)
{
	struct vm_world polls, halts;
	open_world(&polls, GUEST("tick_hz: 250, idle: haltpoll"));
	open_world(&halts, GUEST("tick_hz: 250, idle: tickless"));
	run_sleeps(&polls, 30, 100);
	run_sleeps(&halts, 30, 100);
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
	open_world(&w, GUEST("tick_hz: 250, idle: haltpoll"));
	run_sleeps(&w, 500, 20);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.clock.polls"), 0));
	cr_expect(eq(u64, wfx(&w), 20));
	vm_world_close(&w);
}

Test(guest_irq, a_vcpu_that_shares_its_core_sleeps_from_tick_to_tick)
{
	struct vm_world w;
	open_world(&w, GUEST("tick_hz: 1000, idle: periodic") "scheduler: {when: always}\n");
	run_sleeps(&w, 10001, 5);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.clock.ticks"), 50));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.clock.timers"), 5));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.sched.halts"), 55));
	vm_world_close(&w);
}

/* --- what is refused ---------------------------------------------------------------------------------------------------- */

Test(guest_irq, ticks_need_paths_that_say_how_an_interrupt_is_taken)
{
	static const char *const yaml[] = {
		"os: {tick_hz: 100}\nhypervisors: []\n",
		"os: {tick_hz: 100}\nhypervisors: [{granule: 4K}]\n",
	};
	for (size_t i = 0; i < sizeof(yaml) / sizeof(yaml[0]); i++) {
		struct vm_world w;
		cr_expect(eq(int, vm_world_open(&w, yaml[i], NULL), ERR_CONFIG));
		cr_expect(ne(ptr, strstr(w.err.text, "os.tick_hz"), NULL), "%s", w.err.text);
		vm_world_close(&w);
	}
}

Test(guest_irq, messages_of_a_device_are_for_guests_with_cores_of_their_own)
{
	static const char *const yaml[] = {
		NATIVE("tick_hz: 100, device_irq_hz: 10"),
		GUEST("tick_hz: 100, device_irq_hz: 10") "scheduler: {when: always}\n",
	};
	for (size_t i = 0; i < sizeof(yaml) / sizeof(yaml[0]); i++) {
		struct vm_world w;
		cr_expect(eq(int, vm_world_open(&w, yaml[i], NULL), ERR_CONFIG));
		cr_expect(ne(ptr, strstr(w.err.text, "os.device_irq_hz"), NULL), "%s", w.err.text);
		vm_world_close(&w);
	}
}
