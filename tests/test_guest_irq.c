/* test_guest_irq.c - what interrupts a kernel while its program runs: ticks, timers, other cores. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "guest_world.h"

/* --- programs that run ----------------------------------------------------------------------------------------------- */

Test(guest_irq, a_guest_leaves_as_often_as_its_kernel_ticks)
{
	struct vm_world w;
	guest_open(&w, GUEST("tick_hz: 10000"));
	guest_run_loads(&w, 60000);
	uint64_t elapsed = vm_world_counter(&w, "cpu0.cycles"), ticks = guest_ticks(elapsed, 10000);
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
	guest_open(&with, NATIVE("tick_hz: 10000"));
	guest_open(&without, NATIVE("tick_hz: 0"));
	guest_run_loads(&with, 60000);
	guest_run_loads(&without, 60000);
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
	guest_open(&native, NATIVE("tick_hz: 10000"));
	guest_open(&guest, GUEST("tick_hz: 10000"));
	guest_run_loads(&native, 60000);
	guest_run_loads(&guest, 60000);
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
	guest_open(&w, GUEST("tick_hz: 0"));
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
	guest_open(&turns, GUEST("tick_hz: 20000"));
	guest_open(&batch, GUEST("tick_hz: 20000"));
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
		guest_open(&w, rows[i].yaml);
		guest_run_loads(&w, 60000);
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
	guest_open(&w, GUEST("tick_hz: 10000") "vms: [{name: a, vcpus: 3}]\n");
	for (unsigned i = 0; i < 3; i++) source[i] = script_source(&load, 1, 40000);
	vm_world_run(&w, source, 0);
	for (unsigned i = 0; i < 3; i++)
		cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu%u.clock.ticks", i),
			     guest_ticks(vm_world_counter(&w, "cpu%u.cycles", i), 10000)));
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
