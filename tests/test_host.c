/* vCPUs that share cores: preemption, steal, halts, migration, and the TLB maintenance that switches need. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "vm_world.h"

/* Slices of 1000 ns are 3000 cycles of this machine; a switch takes nothing, so that figures are exact. */
#define SCHEDULER "scheduler: {slice_ns: 1000, tick_hz: 0, switch_cycles: 0, halt_poll_ns: 0"
#define HEAD "hypervisors: [{}]\n" SCHEDULER "}\n"

enum { SLICE = 3000, VCPUS_MAX = 4 };

static void build(struct vm_world *w, const char *yaml)
{
	cr_assert(eq(int, vm_world_open(w, yaml, NULL), OK), "%s", w->err.text);
}

/* Each thread loads one word over and over: `times` of it, threads that have none end at once. */
static void run_loads(struct vm_world *w, const uint64_t *times)
{
	static const struct record load = {.kind = REC_LOAD, .addr = 0x10000, .count = 8, .gap = 100};
	struct trace_source *source[VCPUS_MAX];
	for (unsigned i = 0; i < machine_threads(w->machine); i++)
		source[i] = script_source(&load, 1, times[i]);
	vm_world_run(w, source, 0);
}

static uint64_t sched(const struct vm_world *w, unsigned vm, unsigned vcpu, const char *what)
{
	return vm_world_counter(w, "vm%u.vcpu%u.sched.%s", vm, vcpu, what);
}

static uint64_t apart(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

Test(host, a_vcpu_alone_on_its_core_is_never_preempted)
{
	struct vm_world w;
	build(&w, "hypervisors: [{}]\n" SCHEDULER ", when: always}\nthreads: 2\n");
	run_loads(&w, (uint64_t[]){5000, 5000});
	for (unsigned i = 0; i < 2; i++) {
		cr_expect(eq(u64, sched(&w, 0, i, "preemptions"), 0));
		cr_expect(eq(u64, sched(&w, 0, i, "switches"), 1));
		cr_expect(eq(u64, sched(&w, 0, i, "cycles.steal"), 0));
		cr_expect(lt(u64, 20 * SLICE, sched(&w, 0, i, "cycles.run")));
	}
	vm_world_close(&w);
}

Test(host, the_same_vcpu_takes_the_same_time_with_and_without_a_scheduler_that_has_no_one_else)
{
	struct vm_world a, b;
	build(&a, "hypervisors: [{}]\n" SCHEDULER ", when: always}\nthreads: 1\n");
	build(&b, "hypervisors: [{}]\n");
	run_loads(&a, (uint64_t[]){5000});
	run_loads(&b, (uint64_t[]){5000});
	cr_expect(eq(u64, vm_world_counter(&a, "cpu0.cycles"), vm_world_counter(&b, "cpu0.cycles")));
	vm_world_close(&a);
	vm_world_close(&b);
}

Test(host, run_steal_and_idle_of_each_vcpu_add_up_to_what_has_elapsed)
{
	static const struct record nap[] = {{.kind = REC_TIMER, .arg = 7000},
					    {.kind = REC_WFI},
					    {.kind = REC_LOAD, .addr = 0x10000, .count = 8, .gap = 4000}};
	static const struct record load = {.kind = REC_LOAD, .addr = 0x20000, .count = 8, .gap = 100};
	struct vm_world w;
	build(&w, HEAD "threads: 3\ncpus: 0-1\n");
	struct trace_source *source[] = {script_source(nap, 3, 50), script_source(&load, 1, 9000),
					 script_source(&load, 1, 9000)};
	vm_world_run(&w, source, 0);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t sum = sched(&w, 0, i, "cycles.run") + sched(&w, 0, i, "cycles.steal") +
			       sched(&w, 0, i, "cycles.idle");
		cr_expect(eq(u64, sum, sched(&w, 0, i, "elapsed")));
		cr_expect(lt(u64, 0, sched(&w, 0, i, "cycles.run")));
	}
	cr_expect(lt(u64, 49 * 4000, sched(&w, 0, 0, "cycles.idle")));
	cr_expect(eq(u64, sched(&w, 0, 1, "cycles.idle"), 0));
	cr_expect(lt(u64, 0, sched(&w, 0, 1, "cycles.steal") + sched(&w, 0, 2, "cycles.steal")));
	vm_world_close(&w);
}

Test(host, weights_share_a_core_within_a_slice)
{
	struct vm_world w;
	build(&w, HEAD "vms: [{name: a, pin: 0, weight: 2048}, {name: b, pin: 0}]\n");
	static const struct record load = {.kind = REC_LOAD, .addr = 0x10000, .count = 8, .gap = 100};
	struct trace_source *source[] = {script_source(&load, 1, 100000), script_source(&load, 1, 100000)};
	vm_world_run(&w, source, 10000);
	uint64_t a = sched(&w, 0, 0, "cycles.run"), b = sched(&w, 1, 0, "cycles.run");
	cr_expect(lt(u64, 30 * SLICE, a + b));
	cr_expect(le(u64, apart(a, 2 * b), 3 * SLICE), "%lu and %lu", a, b);
	vm_world_close(&w);
}

Test(host, a_switch_flushes_the_tlb_only_after_another_vcpu_of_the_same_vm)
{
	struct vm_world w;
	build(&w, HEAD "vms: [{name: a, pin: 0}, {name: b, pin: 0}]\n");
	run_loads(&w, (uint64_t[]){2000, 2000});
	cr_expect(lt(u64, 10, sched(&w, 0, 0, "switches")));
	cr_expect(eq(u64, sched(&w, 0, 0, "tlb_flushes") + sched(&w, 1, 0, "tlb_flushes"), 0));
	vm_world_close(&w);
	build(&w, HEAD "threads: 2\ncpus: 0\n");
	run_loads(&w, (uint64_t[]){2000, 2000});
	uint64_t switches = sched(&w, 0, 0, "switches") + sched(&w, 0, 1, "switches");
	uint64_t flushes = sched(&w, 0, 0, "tlb_flushes") + sched(&w, 0, 1, "tlb_flushes");
	cr_expect(lt(u64, 10, switches));
	cr_expect(eq(u64, flushes, switches - 1), "all but the first");
	vm_world_close(&w);
}

/* Two VMs have the same address in their TLB at once; one VM's vCPUs lose it at each switch. */
Test(host, a_vms_translations_outlive_the_slices_of_others)
{
	struct vm_world w;
	build(&w, HEAD "vms: [{name: a, pin: 0}, {name: b, pin: 0}]\n");
	run_loads(&w, (uint64_t[]){2000, 2000});
	uint64_t apart_ = vm_world_counter(&w, "cpu0.walker.walks");
	vm_world_close(&w);
	build(&w, HEAD "threads: 2\ncpus: 0\n");
	run_loads(&w, (uint64_t[]){2000, 2000});
	uint64_t flushes = sched(&w, 0, 0, "tlb_flushes") + sched(&w, 0, 1, "tlb_flushes");
	cr_expect(le(u64, flushes, vm_world_counter(&w, "cpu0.walker.walks")));
	cr_expect(lt(u64, apart_, 10), "%lu", apart_);
	vm_world_close(&w);
}

Test(host, a_switch_costs_what_the_stack_says_and_is_the_hypervisors)
{
	struct vm_world w;
	build(&w, "hypervisors: [{}]\nscheduler: {slice_ns: 1000, tick_hz: 0, switch_cycles: 1000}\n"
		  "vms: [{name: a, pin: 0}, {name: b, pin: 0}]\n");
	run_loads(&w, (uint64_t[]){1000, 1000});
	uint64_t entered = sched(&w, 0, 0, "switches") + sched(&w, 1, 0, "switches");
	uint64_t left = sched(&w, 0, 0, "preemptions") + sched(&w, 1, 0, "preemptions");
	uint64_t faults = 4600 * (vm_world_counter(&w, "vm0.hyp.faults") +
				  vm_world_counter(&w, "vm1.hyp.faults") - 2);
	uint64_t spent = vm_world_counter(&w, "cpu0.cycles_by_bucket.hypervisor");
	cr_expect(le(u64, 500 * (entered + left), spent));
	cr_expect(le(u64, spent, 500 * (entered + left) + faults + 4 * 4600));
	vm_world_close(&w);
}

Test(host, a_halted_vcpu_sleeps_until_its_timer_and_its_core_is_idle)
{
	static const struct record nap[] = {{.kind = REC_TIMER, .arg = 50000},
					    {.kind = REC_WFI},
					    {.kind = REC_LOAD, .addr = 0x10000, .count = 8, .gap = 1}};
	struct vm_world w;
	build(&w, "hypervisors: [{}]\n" SCHEDULER ", when: always}\n");
	struct trace_source *source[] = {script_source(nap, 3, 10)};
	vm_world_run(&w, source, 0);
	cr_expect(eq(u64, sched(&w, 0, 0, "halts"), 10));
	cr_expect(eq(u64, sched(&w, 0, 0, "wakeups"), 10));
	cr_expect(eq(u64, sched(&w, 0, 0, "cycles.idle"), 10 * 50000));
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.cycles_by_bucket.idle"), 10 * 50000));
	vm_world_close(&w);
}

Test(host, polling_catches_short_halts_once_it_has_grown)
{
	static const struct record nap[] = {{.kind = REC_TIMER, .arg = 60000}, /* 20 us */
					    {.kind = REC_WFI},
					    {.kind = REC_LOAD, .addr = 0x10000, .count = 8, .gap = 1}};
	struct vm_world w;
	build(&w, "hypervisors: [{}]\nscheduler: {when: always, switch_cycles: 0}\n");
	struct trace_source *source[] = {script_source(nap, 3, 10)};
	vm_world_run(&w, source, 0);
	cr_expect(eq(u64, sched(&w, 0, 0, "halts"), 10));
	cr_expect(eq(u64, sched(&w, 0, 0, "polls_missed"), 1), "0, 10 us, then 20 us");
	cr_expect(eq(u64, sched(&w, 0, 0, "polls_hit"), 8));
	cr_expect(eq(u64, sched(&w, 0, 0, "poll_cycles"), 30000 + 8 * 60000));
	cr_expect(eq(u64, sched(&w, 0, 0, "cycles.idle"), 60000 + 30000));
	vm_world_close(&w);
}

Test(host, nobody_polls_while_another_vcpu_wants_the_core)
{
	static const struct record nap[] = {{.kind = REC_TIMER, .arg = 60000},
					    {.kind = REC_WFI},
					    {.kind = REC_LOAD, .addr = 0x10000, .count = 8, .gap = 1}};
	static const struct record load = {.kind = REC_LOAD, .addr = 0x20000, .count = 8, .gap = 100};
	struct vm_world w;
	build(&w,
	      "hypervisors: [{}]\nscheduler: {switch_cycles: 0, slice_ns: 1000, tick_hz: 0}\nthreads: 2\ncpus: 0\n");
	struct trace_source *source[] = {script_source(nap, 3, 10), script_source(&load, 1, 100000)};
	vm_world_run(&w, source, 0);
	cr_expect(eq(u64, sched(&w, 0, 0, "poll_cycles"), 0));
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.cycles_by_bucket.idle"), 0));
	vm_world_close(&w);
}

Test(host, a_core_without_work_takes_a_vcpu_that_waits_and_finds_a_cold_tlb)
{
	struct vm_world w;
	build(&w, HEAD "threads: 3\ncpus: 0-1\n");
	run_loads(&w, (uint64_t[]){3000, 300, 3000});
	cr_expect(lt(u64, 0, sched(&w, 0, 0, "migrations") + sched(&w, 0, 2, "migrations")));
	cr_expect(lt(u64, 1, vm_world_counter(&w, "cpu1.walker.walks")));
	uint64_t longest = sched(&w, 0, 0, "elapsed");
	if (longest < sched(&w, 0, 2, "elapsed")) longest = sched(&w, 0, 2, "elapsed");
	cr_expect(lt(u64, longest, 2 * sched(&w, 0, 0, "cycles.run")), "they did not wait for each other");
	vm_world_close(&w);
}

Test(host, pinned_vcpus_stay_where_they_are)
{
	struct vm_world w;
	build(&w, HEAD "vms: [{name: a, pin: 0}, {name: b, pin: 0}, {name: c, pin: 1}]\n");
	run_loads(&w, (uint64_t[]){3000, 3000, 10});
	for (unsigned vm = 0; vm < 3; vm++) cr_expect(eq(u64, sched(&w, vm, 0, "migrations"), 0));
	cr_expect(lt(u64, 0, sched(&w, 1, 0, "cycles.steal")), "though core 1 has nothing to do");
	vm_world_close(&w);
}

Test(host, strict_order_and_lookahead_agree_on_shares_and_exactly_on_what_is_done)
{
	static const char *const strict[] = {"order=strict", NULL};
	struct vm_world w[2];
	for (unsigned i = 0; i < 2; i++) {
		const char *yaml = HEAD "threads: 4\ncpus: 0-1\n";
		cr_assert(eq(int, vm_world_open(&w[i], yaml, i ? strict : NULL), OK), "%s", w[i].err.text);
		run_loads(&w[i], (uint64_t[]){4000, 4000, 4000, 4000});
	}
	for (unsigned v = 0; v < 4; v++) {
		uint64_t a = sched(&w[0], 0, v, "cycles.run"), b = sched(&w[1], 0, v, "cycles.run");
		cr_expect(le(u64, apart(a, b), a / 100 + SLICE), "%lu %lu", a, b);
	}
	cr_expect(eq(u64, vm_world_counter(&w[0], "vm0.os.pages_mapped"),
		     vm_world_counter(&w[1], "vm0.os.pages_mapped")));
	uint64_t accesses[2] = {0};
	for (unsigned i = 0; i < 2; i++)
		for (unsigned c = 0; c < 2; c++) accesses[i] += vm_world_counter(&w[i], "cpu%u.accesses", c);
	cr_expect(eq(u64, accesses[0], 16000));
	cr_expect(eq(u64, accesses[1], 16000));
	vm_world_close(&w[0]);
	vm_world_close(&w[1]);
}

/* --- with software paths ------------------------------------------------------------------------------------------- */

#define PATHS \
	"hypervisors: [{paths: configs/hypervisors/kvm-vhe.yaml, vmm: configs/vmms/minimal.yaml}]\n" \
	"operations: configs/guests/operations.yaml\n"

Test(host, a_preemption_is_an_exit_by_irq_and_takes_the_paths_of_put_and_load)
{
	struct vm_world w;
	build(&w, PATHS "scheduler: {slice_ns: 10000, tick_hz: 0}\nthreads: 2\ncpus: 0\n");
	run_loads(&w, (uint64_t[]){60000, 60000});
	uint64_t preemptions = sched(&w, 0, 0, "preemptions");
	cr_expect(lt(u64, 3, preemptions));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.exits.IRQ.count"), preemptions));
	uint64_t each = vm_world_counter(&w, "vm0.vcpu0.exits.IRQ.cycles") / preemptions;
	cr_expect(lt(u64, 2000, each), "a thousand instructions of the scheduler twice, and registers: %lu",
		  each);
	cr_expect(lt(u64, each, 30000), "without the time of the other vCPU: %lu", each);
	vm_world_close(&w);
}

Test(host, a_halt_leaves_the_core_to_others_in_the_middle_of_its_path)
{
	static const struct record nap[] = {{.kind = REC_TIMER, .arg = 90000},
					    {.kind = REC_WFI},
					    {.kind = REC_LOAD, .addr = 0x10000, .count = 8, .gap = 1}};
	static const struct record load = {.kind = REC_LOAD, .addr = 0x20000, .count = 8, .gap = 100};
	struct vm_world w;
	build(&w, PATHS "scheduler: {slice_ns: 10000, tick_hz: 0, halt_poll_ns: 0}\nthreads: 2\ncpus: 0-1\n");
	struct trace_source *source[] = {script_source(nap, 3, 10), script_source(&load, 1, 10)};
	vm_world_run(&w, source, 0);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.exits.WFx.count"), 10));
	cr_expect(eq(u64, sched(&w, 0, 0, "wakeups"), 10));
	cr_expect(lt(u64, 10 * 70000, sched(&w, 0, 0, "cycles.idle")));
	cr_expect(lt(u64, sched(&w, 0, 0, "cycles.idle"), 10 * 90000), "the paths run while the timer does");
	cr_expect(lt(u64, vm_world_counter(&w, "vm0.vcpu0.exits.WFx.cycles"), 10 * 30000),
		  "sleep is no part of it");
	vm_world_close(&w);
}

static void add_spent(void *self, unsigned t, cycles_t at, const struct core_spent *spent)
{
	uint64_t *sum = self;
	(void)t, (void)at;
	for (unsigned b = 0; b < BUCKET_COUNT; b++)
		for (unsigned el = 0; el < CORE_LEVELS; el++) sum[b] += spent->cycles[b][el];
}

static void priced(void *self, unsigned t, const struct path_event *e, const struct path_price *price)
{
	(void)self, (void)t, (void)e, (void)price;
}

static void walked(void *self, unsigned t, cycles_t now, struct va va)
{
	(void)self, (void)t, (void)now, (void)va;
}

static void waited(void *self, unsigned t, cycles_t from, cycles_t to, bool goes_on)
{
	(void)self, (void)t, (void)from, (void)to, (void)goes_on;
}

/* Preemptions, the way back from them, halts and faults: who looks on is told of all that is below the guests. */
Test(host, what_leaving_and_entering_a_guest_takes_is_told_to_who_looks_on)
{
	uint64_t sum[BUCKET_COUNT] = {0};
	struct machine_observer o = {sum, priced, add_spent, walked, waited};
	struct vm_world w;
	build(&w, PATHS "scheduler: {slice_ns: 10000, tick_hz: 0}\nthreads: 2\ncpus: 0\n");
	machine_observe(w.machine, &o);
	run_loads(&w, (uint64_t[]){60000, 60000});
	cr_expect(lt(u64, 3, sched(&w, 0, 0, "preemptions")));
	cr_expect(eq(u64, sum[BUCKET_HYPERVISOR], vm_world_counter(&w, "cpu0.cycles_by_bucket.hypervisor")));
	cr_expect(eq(u64, sum[BUCKET_EXCEPTION], vm_world_counter(&w, "cpu0.cycles_by_bucket.exception")));
	vm_world_close(&w);
}

Test(host, vcpus_move_between_cores_with_paths_and_come_back_to_their_guest)
{
	struct vm_world w;
	build(&w, PATHS "scheduler: {slice_ns: 10000, tick_hz: 0}\nthreads: 3\ncpus: 0-1\n");
	run_loads(&w, (uint64_t[]){6000, 600, 6000});
	cr_expect(lt(u64, 0, sched(&w, 0, 0, "migrations") + sched(&w, 0, 2, "migrations")));
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.accesses") + vm_world_counter(&w, "cpu1.accesses"),
		     12600));
	vm_world_close(&w);
}

/* --- tasks of the host ----------------------------------------------------------------------------------------------- */

static uint64_t task(const struct vm_world *w, unsigned cpu, const char *what)
{
	return vm_world_counter(w, "cpu%u.host_task.%s", cpu, what);
}

Test(host_task, a_vcpu_alone_waits_for_the_core_while_a_task_of_the_host_has_it)
{
	struct vm_world w, alone;
	build(&w,
	      "hypervisors: [{}]\n" SCHEDULER ", task_period_ns: 100000, task_run_ns: 20000}\nthreads: 1\n");
	build(&alone, "hypervisors: [{}]\n" SCHEDULER "}\nthreads: 1\n");
	run_loads(&w, (uint64_t[]){60000});
	run_loads(&alone, (uint64_t[]){60000});
	uint64_t wakeups = task(&w, 0, "wakeups"), ran = task(&w, 0, "cycles");
	uint64_t all = vm_world_counter(&w, "cpu0.cycles");
	cr_expect(eq(u64, wakeups, all / 300000));
	cr_expect(lt(u64, 3, wakeups));
	cr_expect(eq(u64, ran, wakeups * 60000));
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.cycles_by_bucket.vmm"), ran));
	cr_expect(le(u64, sched(&w, 0, 0, "cycles.steal"), ran));
	cr_expect(lt(u64, ran - 60000, sched(&w, 0, 0, "cycles.steal")), "the rest is behind its end");
	/* And nothing else is longer but for what is under way when it is stopped. */
	cr_expect(lt(u64, apart(all, vm_world_counter(&alone, "cpu0.cycles") + ran), wakeups * 1000));
	vm_world_close(&w);
	vm_world_close(&alone);
}

Test(host_task, the_core_is_shared_by_weight_and_slices)
{
	struct vm_world equal, less;
	build(&equal, "hypervisors: [{}]\n" SCHEDULER
		      ", task_period_ns: 1000000, task_run_ns: 999000}\nthreads: 1\n");
	build(&less, "hypervisors: [{}]\n" SCHEDULER
		     ", task_period_ns: 1000000, task_run_ns: 999000, task_weight: 256}\nthreads: 1\n");
	run_loads(&equal, (uint64_t[]){600000});
	run_loads(&less, (uint64_t[]){600000});
	/* From the first wake-up on, at 3,000,000 cycles. */
	uint64_t run = sched(&equal, 0, 0, "cycles.run") - 3000000,
		 steal = sched(&equal, 0, 0, "cycles.steal");
	cr_expect(lt(u64, apart(run, steal), run / 10), "%lu and %lu", run, steal);
	run = sched(&less, 0, 0, "cycles.run") - 3000000;
	steal = sched(&less, 0, 0, "cycles.steal");
	cr_expect(lt(u64, apart(run, 4 * steal), run / 10), "%lu and %lu", run, steal);
	cr_expect(lt(u64, 0, task(&equal, 0, "merged")));
	cr_expect(lt(u64, 100, task(&equal, 0, "preemptions")));
	vm_world_close(&equal);
	vm_world_close(&less);
}

Test(host_task, each_preemption_for_it_is_an_exit_by_irq)
{
	struct vm_world w;
	build(&w, PATHS "scheduler: {slice_ns: 10000, tick_hz: 0, task_period_ns: 50000, task_run_ns: 5000}\n"
			"threads: 2\n");
	run_loads(&w, (uint64_t[]){60000, 30000});
	for (unsigned i = 0; i < 2; i++) {
		uint64_t preemptions = sched(&w, 0, i, "preemptions");
		cr_expect(lt(u64, 3, preemptions));
		cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu%u.exits.IRQ.count", i), preemptions));
		cr_expect(lt(u64, 0, sched(&w, 0, i, "cycles.steal")));
	}
	vm_world_close(&w);
}

Test(host_task, a_core_whose_vcpu_sleeps_runs_it_and_nobody_is_preempted)
{
	static const struct record nap[] = {{.kind = REC_TIMER, .arg = 3100000}, {.kind = REC_WFI}};
	struct vm_world w;
	build(&w,
	      "hypervisors: [{}]\n" SCHEDULER ", task_period_ns: 100000, task_run_ns: 20000}\nthreads: 1\n");
	struct trace_source *source = script_source(nap, 2, 1);
	vm_world_run(&w, &source, 0);
	cr_expect(eq(u64, task(&w, 0, "wakeups"), 10));
	cr_expect(eq(u64, task(&w, 0, "wait_cycles"), 0));
	cr_expect(eq(u64, sched(&w, 0, 0, "preemptions"), 0));
	vm_world_close(&w);
}

Test(host_task, one_that_never_sleeps_is_refused)
{
	struct vm_world w;
	cr_expect(eq(
		int,
		vm_world_open(&w, "hypervisors: [{}]\nscheduler: {task_period_ns: 1000, task_run_ns: 1000}\n",
			      NULL),
		ERR_CONFIG));
	cr_expect(ne(ptr, strstr(w.err.text, "stack.scheduler.task_run_ns: 1000"), NULL), "%s", w.err.text);
	vm_world_close(&w);
}
