/* TLB shootdowns on machines of several cores: who is reached, who waits for whom, and what each way costs. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/machine.h"
#include "mmu/tlbi.h"

enum { PAGE = 4096, DSB_ISH = 11 };
static const uint64_t va = 0x10000;

struct rig {
	struct machine_config config;
	struct hyp_params hyp;
	struct stack_params stack;
	struct machine *machine;
};

static struct rig g;

static void setup(void)
{
	memset(&g, 0, sizeof(g));
	schema_defaults(&stack_schema, &g.stack);
	schema_defaults(&hyp_schema, &g.hyp);
}

static void shut(void)
{
	struct err err = {0};
	machine_finish(g.machine);
	cr_expect(eq(int, machine_check_sums(g.machine, &err), OK), "%s", err.text);
	machine_free(g.machine);
	machine_config_free(&g.config);
}

TestSuite(shootdown, .init = setup);

/* Threads on the cores of `pin` of a Kunpeng 920, whose dies have 24 cores each; `sets` end with NULL. */
static void build(unsigned threads, const char *pin, const char *const *sets)
{
	struct machine_request q = {.path = "configs/machines/kunpeng-920.yaml", .sets = sets};
	struct err err = {0};
	cr_assert(eq(int, machine_config_load(&g.config, &q, &err), OK), "%s", err.text);
	g.stack.threads = threads;
	g.stack.pin = pin;
	cr_assert(eq(int, machine_new(&g.config.params, &g.stack, 1, &g.machine, &err), OK), "%s", err.text);
}

static void execute(unsigned thread, struct record rec)
{
	struct err err = {0};
	struct core_turn turn;
	cr_assert(eq(int, machine_run_until(g.machine, thread, &rec, 1, UINT64_MAX, &turn, &err), OK), "%s",
		  err.text);
}

static void load(unsigned thread, uint64_t at)
{
	execute(thread, (struct record){.kind = REC_LOAD, .addr = at, .count = 8, .gap = 1});
}

static void tlbi(unsigned thread, const char *name, uint64_t operand)
{
	struct tlbi_op op;
	cr_assert(tlbi_named(name, &op));
	execute(thread, (struct record){.kind = REC_TLBI, .count = tlbi_encoding(op), .arg = operand});
}

static void dsb(unsigned thread) { execute(thread, (struct record){.kind = REC_DSB, .count = DSB_ISH}); }

static void unmap(unsigned thread, uint64_t bytes)
{
	execute(thread, (struct record){.kind = REC_UNMAP, .addr = va, .arg = bytes});
}

static uint64_t counter(const char *path)
{
	machine_finish(g.machine);
	const uint64_t *value = stats_find(machine_stats(g.machine), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

static const struct hist *distribution(const char *path)
{
	const struct hist *h = stats_find_hist(machine_stats(g.machine), path);
	cr_assert(ne(ptr, (void *)h, NULL), "no distribution %s", path);
	return h;
}

/* --- messages ------------------------------------------------------------------------------------------------------- */

static const char *const messages[] = {"dvm.outstanding=4", NULL};
static const char *const of_a_die[] = {"dvm.outstanding=4", "dvm.inner=die", "features.tlbios=yes", NULL};

/* Die 0 hears die 3 answer 102 ns later than itself: 570 - 305 cycles of 2.6 GHz. */
Test(shootdown, a_dsb_waits_for_the_slowest_core)
{
	uint64_t waited[2];
	for (unsigned limited = 0; limited < 2; limited++) {
		setup();
		build(2, "0,1", limited ? of_a_die : messages);
		tlbi(0, "VMALLE1IS", 0);
		dsb(0);
		waited[limited] = counter("cpu0.cycles_by_bucket.tlb_maintenance");
		cr_expect(eq(u64, distribution("tlbi.vmid.latency")->count, 1));
		cr_expect(eq(u64, counter("shootdown.count"), 1));
		if (!limited) shut();
	}
	uint64_t round_trip = g.config.params.primitives.tlbi_broadcast_cycles;
	cr_expect(eq(u64, waited[1], g.config.params.primitives.tlbi_cycles + round_trip));
	cr_expect(eq(u64, waited[0] - waited[1], 265));
	shut();
}

/* Whether a load of `va` by the thread has to walk. */
static bool walks(unsigned thread, unsigned core)
{
	char path[32];
	snprintf(path, sizeof(path), "cpu%u.walker.walks", core);
	uint64_t before = counter(path);
	load(thread, va);
	return counter(path) != before;
}

Test(shootdown, a_tlbi_of_the_inner_domain_leaves_the_tlbs_of_other_domains)
{
	build(3, "0,1,24", of_a_die);
	for (unsigned t = 0; t < 3; t++) load(t, va);
	tlbi(0, "VMALLE1IS", 0);
	cr_expect(walks(0, 0));
	cr_expect(walks(1, 1));
	cr_expect(not(walks(2, 24)));
	tlbi(0, "VMALLE1OS", 0);
	cr_expect(walks(1, 1));
	cr_expect(walks(2, 24), "the outer domain holds all");
	shut();
}

Test(shootdown, a_core_that_accepts_a_message_loses_cycles_at_its_next_turn)
{
	build(2, "0,1", messages);
	uint64_t before = counter("cpu1.cycles_by_bucket.tlb_maintenance");
	for (int i = 0; i < 3; i++) tlbi(0, "VMALLE1IS", 0);
	cr_expect(not(machine_accept(g.machine, 1)), "they have not come yet");
	for (int i = 0; i < 20; i++) load(1, va + (uint64_t)(i + 1) * PAGE);
	cr_expect(machine_accept(g.machine, 1));
	uint64_t lost = counter("cpu1.cycles_by_bucket.tlb_maintenance") - before;
	cr_expect(eq(u64, lost, 3 * g.config.params.dvm.accept_cycles));
	cr_expect(eq(u64, counter("cpu1.dvm.lost_cycles"), lost));
	cr_expect(eq(u64, counter("cpu0.dvm.lost_cycles"), 0));
	shut();
}

/* Three messages of 300 cycles, one after the other, and a fourth that is the barrier's. */
Test(shootdown, a_dsb_that_sends_a_message_waits_behind_the_tlbis)
{
	static const char *const one[] = {"dvm.outstanding=1", "dvm.trip_cycles=300", "dvm.inner=die", NULL};
	static const char *const synced[] = {"dvm.outstanding=1", "dvm.trip_cycles=300", "dvm.inner=die",
					     "dvm.sync=yes", NULL};
	uint64_t waited[2];
	for (unsigned sync = 0; sync < 2; sync++) {
		setup();
		build(2, "0,1", sync ? synced : one);
		for (int i = 0; i < 3; i++) tlbi(0, "VMALLE1IS", 0);
		dsb(0);
		dsb(0);
		waited[sync] = counter("cpu0.cycles_by_bucket.tlb_maintenance");
		cr_expect(eq(u64, counter("dvm.syncs"), sync), "the second has nothing to wait for");
		shut();
	}
	uint64_t all = g.config.params.primitives.tlbi_broadcast_cycles;
	uint64_t last = all > 600 ? all - 300 : 300, without = all > 300 ? all : 300;
	cr_expect(eq(u64, waited[1] - waited[0], 300 + last - without), "%lu, %lu", waited[0], waited[1]);
}

/* Four cores, each with as many TLBIs as one alone: who is throttled waits longer. */
Test(shootdown, cores_that_issue_at_once_wait_for_each_other)
{
	uint64_t latency[2];
	for (unsigned i = 0; i < 2; i++) {
		unsigned cores = i ? 4 : 1;
		setup();
		build(cores, "0-3", messages);
		for (unsigned n = 0; n < 64; n++)
			for (unsigned t = 0; t < cores; t++) tlbi(t, "VALE1IS", n);
		for (unsigned t = 0; t < cores; t++) dsb(t);
		latency[i] = distribution("shootdown.latency")->max;
		if (!i) shut();
	}
	cr_expect(lt(u64, 3 * latency[0], latency[1]));
	shut();
}

/* --- interrupts --------------------------------------------------------------------------------------------------- */

static void build_with_interrupts(unsigned threads)
{
	g.stack.os.shootdown = OS_SHOOTDOWN_IPI;
	build(threads, "0-7", NULL);
	for (unsigned t = 0; t < threads; t++)
		for (unsigned i = 0; i < 16; i++) load(t, va + i * PAGE);
}

static uint64_t handler_cycles(unsigned operations)
{
	const struct primitive_params *p = &g.config.params.primitives;
	return p->entry_el1_cycles + p->gic_read_cycles + operations * p->tlbi_cycles + p->tlbi_local_cycles +
	       p->dsb_cycles + p->atomic_cycles + p->gic_write_cycles + p->return_el1_cycles;
}

Test(shootdown, an_interrupt_takes_the_same_entries_as_a_broadcast)
{
	uint64_t entries[2];
	for (unsigned ipi = 0; ipi < 2; ipi++) {
		setup();
		if (ipi)
			build_with_interrupts(4);
		else
			build(4, "0-7", NULL);
		for (unsigned t = 0; t < 4 && !ipi; t++)
			for (unsigned i = 0; i < 16; i++) load(t, va + i * PAGE);
		unmap(0, 16 * PAGE);
		entries[ipi] = counter("events.tlbi_entries");
		if (!ipi) shut();
	}
	cr_expect(eq(u64, entries[0], entries[1]));
	cr_expect(lt(u64, 0, entries[0]));
	shut();
}

Test(shootdown, one_interrupt_tells_a_core_of_all_tlbis_before_a_dsb)
{
	build_with_interrupts(4);
	unmap(0, 16 * PAGE);
	cr_expect(eq(u64, counter("shootdown.interrupts"), 3));
	cr_expect(eq(u64, counter("shootdown.operations"), 16));
	cr_expect(eq(u64, counter("shootdown.interrupt_cycles"), 3 * handler_cycles(16)));
	cr_expect(eq(u64, counter("tlbi.address.broadcast"), 0));
	shut();
}

Test(shootdown, its_sender_waits_for_the_last_handler)
{
	const struct primitive_params *p = &g.config.params.primitives;
	build_with_interrupts(4);
	unmap(0, PAGE);
	cr_expect(
		eq(u64, distribution("shootdown.latency")->max,
		   p->tlbi_cycles + p->gic_write_cycles + p->sgi_cycles + handler_cycles(1) + p->dsb_cycles));
	shut();
}

Test(shootdown, its_targets_lose_the_handler)
{
	build_with_interrupts(2);
	uint64_t before = counter("cpu1.cycles_by_bucket.exception");
	unmap(0, PAGE);
	for (int i = 0; i < 20; i++) load(1, va + (uint64_t)(100 + i) * PAGE);
	uint64_t faults = counter("cpu1.cycles_by_bucket.exception") - before;
	cr_expect(machine_accept(g.machine, 1));
	cr_expect(eq(u64, counter("cpu1.cycles_by_bucket.exception") - before, faults + handler_cycles(1)));
	shut();
}

Test(shootdown, a_guests_interrupt_leaves_it_at_both_ends)
{
	const struct primitive_params *p = &g.config.params.primitives;
	g.stack.hypervisors = (struct param_list){&g.hyp, 1};
	build_with_interrupts(2);
	unmap(0, PAGE);
	uint64_t exit = p->entry_el2_cycles + p->return_el2_cycles;
	cr_expect(eq(u64, counter("shootdown.interrupt_cycles"), handler_cycles(1) + exit));
	cr_expect(eq(u64, distribution("shootdown.latency")->max,
		     p->tlbi_cycles + p->gic_write_cycles + p->sgi_cycles + handler_cycles(1) +
			     p->dsb_cycles + 2 * exit));
	shut();
}

/* A trace's own TLBIs are what a kernel with broadcasts has done. */
Test(shootdown, tlbis_of_the_workload_stay_broadcasts)
{
	build_with_interrupts(2);
	tlbi(0, "VMALLE1IS", 0);
	dsb(0);
	cr_expect(eq(u64, counter("shootdown.interrupts"), 0));
	cr_expect(eq(u64, counter("tlbi.vmid.broadcast"), 1));
	shut();
}
