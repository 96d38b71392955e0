/* Automatic NUMA balancing: who migrates where, how often tasks are sampled, and what becomes of a run. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "checked_run.h"
#include "os/balancing.h"

/* --- what is decided --------------------------------------------------------------------------------------------------- */

enum { NODES = 2, TASKS = 2, PAGE_BITS = 12, MHZ = 1000, ON_0 = 0, ON_1 = 1 };
static const uint64_t ms = 1000 * MHZ;
#define MOVED (UINT64_C(1) << 40) /* to the number of a page that has another frame now */

/* Two tasks, task n on node n. Linux's defaults. */
static struct balancing_params defaults(void)
{
	return (struct balancing_params){.enabled = 1,
					 .scan_delay_us = 1000000,
					 .scan_period_min_us = 1000000,
					 .scan_period_max_us = 60000000,
					 .scan_size_bytes = UINT64_C(256) << 20};
}

static struct balancing *open_balancing(const struct balancing_params *p)
{
	return balancing_new(&(struct balancing_setup){p, NODES, TASKS, PAGE_BITS, MHZ});
}

/* Task `task`, on a core of node `near`, touches a page that is on node `at`; whether it is to come to the task. It moves if so. */
static bool touch_from(struct balancing *b, unsigned task, unsigned near, uint64_t page, unsigned at,
		       cycles_t now)
{
	int node = balancing_fault(b, task, near, page << PAGE_BITS, PAGE_BITS, at, now);
	uint64_t moved = (MOVED + page) << PAGE_BITS;
	balancing_settled(b, node < 0 ? page << PAGE_BITS : moved, node < 0 ? at : (unsigned)node, node >= 0);
	return node >= 0;
}

static bool touch(struct balancing *b, unsigned task, uint64_t page, unsigned at, cycles_t now)
{
	return touch_from(b, task, task, page, at, now);
}

/* So many passes of scans, in each of which each task touches a page of its own node. */
static void pass(struct balancing *b, unsigned passes)
{
	for (unsigned i = 0; i < passes; i++) {
		balancing_scanned(b, 0, i * ms, i * ms, 1 << PAGE_BITS, true);
		for (unsigned t = 0; t < TASKS; t++) touch(b, t, 1000 + t, t, i * ms);
	}
}

Test(balancing, a_page_that_nobody_has_touched_before_goes_to_who_touches_it)
{
	struct balancing_params p = defaults();
	struct balancing *b = open_balancing(&p);
	cr_expect(touch(b, ON_0, 1, 1, 0));
	cr_expect(not(touch(b, ON_1, 2, 1, 0)), "it is there already");
	cr_expect(eq(u64, balancing_stats(b)->numa_hint_faults, 2));
	cr_expect(eq(u64, balancing_stats(b)->numa_hint_faults_local, 1));
	cr_expect(eq(u64, balancing_stats(b)->numa_pages_migrated, 1));
	balancing_free(b);
}

Test(balancing, a_page_touched_from_another_node_last_time_goes_only_at_the_second_touch_in_a_row)
{
	struct balancing_params p = defaults();
	struct balancing *b = open_balancing(&p);
	pass(b, 6);
	cr_expect(not(touch(b, ON_1, 7, 1, 0)));
	cr_expect(not(touch(b, ON_0, 7, 1, 0)), "the last sample was from node 1");
	cr_expect(touch(b, ON_0, 7, 1, 0), "the same task twice");
	balancing_free(b);
}

Test(balancing, in_its_first_passes_a_task_takes_what_it_touched_last_at_once)
{
	struct balancing_params p = defaults();
	struct balancing *b = open_balancing(&p);
	pass(b, 3);
	cr_expect(touch(b, ON_0, 7, 1, 0), "nobody touched it before");
	cr_expect(not(touch(b, ON_1, 8, 1, 0)));
	cr_expect(not(touch(b, ON_0, 8, 1, 0)), "but not what another one touched");
	balancing_free(b);
}

Test(balancing, the_last_touch_goes_with_a_page_that_migrates)
{
	struct balancing_params p = defaults();
	struct balancing *b = open_balancing(&p);
	pass(b, 6);
	cr_assert(touch(b, ON_0, 7, 1, 0));
	cr_expect(not(touch(b, ON_1, MOVED + 7, 0, 0)), "task 0 was the last one, of node 0");
	balancing_free(b);
}

Test(balancing, the_period_shrinks_while_faults_are_remote_and_shared_and_grows_while_they_are_local)
{
	struct balancing_params p = defaults();
	struct balancing *b = open_balancing(&p);
	balancing_begin(b, 0);
	cycles_t period = balancing_period(b, 0);
	pass(b, 8);
	cr_expect(lt(u64, period, balancing_period(b, 0)), "local and private");
	period = balancing_period(b, 0);
	for (unsigned i = 0; i < 8; i++) { /* pages of node 1 that another task of node 0 has just touched */
		balancing_scanned(b, 0, (100 + i) * ms, (100 + i) * ms, 1 << PAGE_BITS, true);
		for (uint64_t n = 0; n < 10; n++) {
			touch_from(b, 1, 0, 2000 + 10 * i + n, 1, 0);
			touch_from(b, 0, 0, MOVED + 2000 + 10 * i + n, 1, 0);
		}
	}
	cr_expect(lt(u64, balancing_period(b, 0), period));
	balancing_free(b);
}

/* Less than 256 MiB of memory: one window of the whole period; twice as much: two of half of it. No faster than 2560 MiB a second. */
Test(balancing, all_of_the_memory_is_scanned_in_the_least_period)
{
	struct balancing_params p = defaults();
	struct balancing *b = open_balancing(&p);
	balancing_begin(b, 0);
	cr_expect(eq(u64, balancing_period(b, 0), 1000 * ms));
	balancing_scanned(b, 0, 0, 0, UINT64_C(512) << 20, true);
	balancing_begin(b, 0);
	cr_expect(eq(u64, balancing_period(b, 0), 500 * ms));
	balancing_scanned(b, 0, 0, 0, UINT64_C(64) << 30, true);
	balancing_begin(b, 0);
	cr_expect(eq(u64, balancing_period(b, 0), 100 * ms));
	balancing_free(b);
}

Test(balancing, scans_wait_for_the_delay_and_then_for_the_period_and_take_a_small_share_of_time)
{
	struct balancing_params p = defaults();
	struct balancing *b = balancing_new(&(struct balancing_setup){&p, NODES, 1, PAGE_BITS, MHZ});
	cr_expect(eq(u64, balancing_next(b), UINT64_MAX), "not before it begins");
	balancing_begin(b, 5);
	cr_expect(eq(u64, balancing_next(b), 5 + 1000 * ms));
	balancing_scanned(b, 0, 1000 * ms, 1010 * ms, 1 << PAGE_BITS, false);
	cr_expect(eq(u64, balancing_next(b), 2000 * ms + 32 * 10 * ms));
	balancing_free(b);
}

Test(balancing, no_more_than_the_limit_migrates_to_a_node_in_each_window)
{
	struct balancing_params p = defaults();
	p.rate_limit_MBps = 1;
	struct balancing *b = open_balancing(&p);
	unsigned first = 0, second = 0;
	for (unsigned i = 0; i < 100; i++) first += touch(b, ON_0, 100 + i, 1, 200 * ms);
	for (unsigned i = 0; i < 100; i++) second += touch(b, ON_0, 300 + i, 1, 301 * ms);
	cr_expect(eq(uint, first, 25), "%u: 100 ms of 1 MB/s are 100,000 bytes", first);
	cr_expect(eq(uint, second, 25));
	cr_expect(eq(u64, balancing_stats(b)->rate_limited, 150));
	balancing_free(b);
}

/* --- runs ---------------------------------------------------------------------------------------------------------------- */

struct result {
	struct run *run;
	struct run_report report;
};

static const char *const small[] = {"workload.footprint_bytes=16M", "workload.accesses=400000", NULL};

/* GUPS on a Kunpeng 920, whose pages were on node 1 when it began, with maintenance checked; sets end with NULL. */
static struct result run_under(const char *stack, const char *const *sets)
{
	struct result r = {0};
	struct run_request q = {.machine = "configs/machines/kunpeng-920.yaml",
				.stack = stack,
				.workload = "workloads/gups.yaml",
				.sets = sets,
				.seed = 1,
				.populate = true};
	r.run = checked_run(&q, &r.report);
	return r;
}

static uint64_t counter(const struct result *r, const char *path)
{
	const uint64_t *value = stats_find(run_stats(r->run), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

/* 16 MiB are 4096 pages. A thread alone leaves those of its own node alone, so each is unmapped once. */
Test(balancing, a_thread_away_from_its_memory_comes_to_have_all_of_it)
{
	struct result r = run_under("configs/stacks/numa-balancing.yaml", small);
	cr_expect(eq(u64, counter(&r, "numa_balancing.numa_pages_migrated"), 4096));
	cr_expect(eq(u64, counter(&r, "numa_balancing.numa_pte_updates"), 4096));
	cr_expect(lt(u64, 1, counter(&r, "numa_balancing.passes")));
	cr_expect(eq(u64, counter(&r, "numa_balancing.tlbi"), 1), "4096 pages: by ASID");
	cr_expect(eq(u64, counter(&r, "os.upgrades"), 4096), "a fault each");
	run_free(r.run);
}

Test(balancing, the_host_unmaps_a_vm_at_stage_2_and_moves_what_it_touches)
{
	struct result r = run_under("configs/stacks/kvm-numa-balancing.yaml", small);
	uint64_t faults = counter(&r, "vm0.numa_balancing.numa_hint_faults");
	cr_expect(lt(u64, 4096, faults), "16 MiB and the guest's tables");
	cr_expect(eq(u64, counter(&r, "vm0.hyp.faults"), faults));
	cr_expect(eq(u64, counter(&r, "vm0.os.faults"), 0), "nothing is lost");
	cr_expect(eq(u64, counter(&r, "vm0.numa_balancing.numa_pages_migrated"),
		     faults - counter(&r, "vm0.numa_balancing.numa_hint_faults_local")));
	cr_expect(eq(u64, counter(&r, "vm0.numa_balancing.tlbi"),
		     2 * counter(&r, "vm0.numa_balancing.numa_pte_updates")),
		  "without ranges IPAS2E1IS and VMALLE1IS for each leaf");
	run_free(r.run);
}

Test(balancing, huge_pages_migrate_whole)
{
	static const char *const sets[] = {"workload.footprint_bytes=16M", "workload.accesses=400000",
					   "stack.os.thp=always", NULL};
	struct result r = run_under("configs/stacks/numa-balancing.yaml", sets);
	cr_expect(eq(u64, counter(&r, "numa_balancing.numa_huge_pte_updates"), 8));
	cr_expect(eq(u64, counter(&r, "numa_balancing.numa_hint_faults"), 8));
	cr_expect(eq(u64, counter(&r, "numa_balancing.numa_pages_migrated"), 4096));
	run_free(r.run);
}

Test(balancing, blocks_of_stage_2_migrate_whole)
{
	static const char *const sets[] = {"workload.footprint_bytes=16M", "workload.accesses=400000",
					   "stack.hypervisors.0.mapping=block", NULL};
	struct result r = run_under("configs/stacks/kvm-numa-balancing.yaml", sets);
	uint64_t faults = counter(&r, "vm0.numa_balancing.numa_hint_faults") -
			  counter(&r, "vm0.numa_balancing.numa_hint_faults_local");
	cr_expect(lt(u64, 7, faults));
	cr_expect(lt(u64, faults, 20), "one for a block");
	cr_expect(eq(u64, counter(&r, "vm0.numa_balancing.numa_pages_migrated"), 512 * faults));
	run_free(r.run);
}

Test(balancing, pages_stay_where_they_are_when_the_node_has_no_memory)
{
	static const char *const sets[] = {"workload.footprint_bytes=16M", "workload.accesses=400000",
					   "memory.nodes.node0.size=8M", NULL};
	struct result r = run_under("configs/stacks/numa-balancing.yaml", sets);
	uint64_t moved = counter(&r, "numa_balancing.numa_pages_migrated");
	cr_expect(lt(u64, 1800, moved), "8 MiB but for tables: %lu", (unsigned long)moved);
	cr_expect(lt(u64, moved, 2049));
	cr_expect(lt(u64, 2047, counter(&r, "numa_balancing.pgmigrate_fail")));
	run_free(r.run);
}

Test(balancing, memory_that_is_bound_goes_to_nodes_of_the_list_alone)
{
	static const char *const sets[] = {"workload.footprint_bytes=16M", "workload.accesses=400000",
					   "stack.os.numa.policy=bind", "stack.os.numa.nodes=1-3", NULL};
	struct result r = run_under("configs/stacks/numa-balancing.yaml", sets);
	cr_expect(lt(u64, 0, counter(&r, "numa_balancing.numa_hint_faults")));
	cr_expect(eq(u64, counter(&r, "numa_balancing.numa_pages_migrated"), 0), "the core is of node 0");
	run_free(r.run);
}

static void refused(const char *stack, const char *set, const char *text)
{
	const char *const sets[] = {set, NULL};
	struct run *run = NULL;
	struct err err = {0};
	struct run_request q = {.machine = "configs/machines/kunpeng-920.yaml",
				.stack = stack,
				.workload = "workloads/gups.yaml",
				.sets = sets,
				.seed = 1};
	cr_expect(eq(int, run_new(&q, &run, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, text), NULL), "%s", err.text);
}

Test(balancing, what_cannot_be_beside_it_is_refused)
{
	refused("configs/stacks/numa-balancing.yaml", "stack.os.numa.policy=interleave",
		"numa.policy: interleave");
	refused("configs/stacks/kvm-numa-balancing.yaml", "stack.hypervisors.0.dirty_log=yes", "dirty_log");
}
