/* test_guest_device.c - interrupts of devices: to which CPU, through the host or past it, and into an idle guest. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "guest_world.h"

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
		guest_open(&w, yaml);
		unsigned cpus = 0;
		for (unsigned k = 0; k < 4; k++) {
			source[k] = script_source(&load, 1, 40000);
			cpus += rows[i].gets[k];
		}
		vm_world_run(&w, source, 0);
		for (unsigned k = 0; k < 4; k++) {
			uint64_t all = guest_ticks(vm_world_counter(&w, "cpu%u.cycles", k), 4 * 20000),
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
		guest_run_loads(&w, 60000);
		uint64_t elapsed = vm_world_counter(&w, "cpu0.cycles"), ticks = guest_ticks(elapsed, 100);
		uint64_t messages = vm_world_counter(&w, rows[i].virtual ? "vm0.vcpu0.clock.messages"
									 : "cpu0.clock.messages");
		cr_expect(lt(u64, 20, messages), "%zu", i);
		cr_expect(le(u64, guest_ticks(elapsed, 20000), messages + 1), "%zu: in time", i);
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

Test(guest_irq, a_device_wakes_an_idle_guest_which_sleeps_on)
{
	struct vm_world w;
	guest_open(&w, GUEST("tick_hz: 100, device_irq_hz: 1000, interrupt: {instructions: 200}"));
	guest_run_sleeps(&w, 10000, 10);
	uint64_t messages = vm_world_counter(&w, "vm0.vcpu0.clock.messages");
	cr_expect(eq(u64, messages, guest_ticks(vm_world_counter(&w, "cpu0.cycles"), 1000)));
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
		guest_run_sleeps(&w, 10000, 10);
		uint64_t messages = vm_world_counter(&w, "vm0.vcpu0.clock.messages");
		cr_expect(eq(u64, messages, guest_ticks(vm_world_counter(&w, "cpu0.cycles"), 1000)), "%s",
			  kinds[i]);
		cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.exits.WFx.count"), messages + 10), "%s",
			  kinds[i]);
		cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.clock.timers"), 10), "%s", kinds[i]);
		cr_expect(eq(u64, vm_world_counter(&w, "vm0.virqs.lpi.count"), messages), "%s", kinds[i]);
		vm_world_close(&w);
	}
}
