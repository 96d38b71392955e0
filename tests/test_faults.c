/* Faults of several vCPUs: who takes which lock, what dirty logging does to stage 2, and that order does not decide results. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "machine/run.h"

enum { PAGES = 1024 };

struct done {
	struct run *run;
	struct run_report report;
};

/* Each of `vcpus` writes PAGES pages under the design's lock. */
static struct done dirty(const char *design, unsigned vcpus, const char *more)
{
	char *stack = xasprintf("configs/stacks/dirty-%s.yaml", design);
	char *threads = xasprintf("stack.threads=%u", vcpus),
	     *streams = xasprintf("workload.threads=%u", vcpus);
	const char *sets[] = {threads, streams, "workload.accesses=1024", more, NULL};
	struct run_request q = {.machine = "configs/machines/altra-64.yaml",
				.stack = stack,
				.workload = "workloads/dirty.yaml",
				.sets = sets,
				.populate = true,
				.seed = 1};
	struct err err = {0};
	struct done d;
	cr_assert(eq(int, run_new(&q, &d.run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(d.run, NULL, NULL, &d.report, &err), OK), "%s", err.text);
	free(stack);
	free(threads);
	free(streams);
	return d;
}

static uint64_t count(const struct done *d, const char *path)
{
	const uint64_t *value = stats_find(run_stats(d->run), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

static cycles_t per_fault(const struct done *d) { return d->report.cycles / PAGES; }

/* --- locks --------------------------------------------------------------------------------------------------------- */

static void check_lock(const char *design, const char *more, bool shared)
{
	struct done d = dirty(design, 4, more);
	uint64_t faults = count(&d, "vm0.hyp.faults");
	cr_expect(eq(u64, faults, 4 * PAGES));
	cr_expect(eq(u64, count(&d, "vm0.locks.mmu_lock.taken"), faults), "%s", design);
	cr_expect(eq(u64, count(&d, "vm0.locks.mmu_lock.released"), faults));
	cr_expect(eq(u64, count(&d, "vm0.locks.mmu_lock.shared"), shared ? faults : 0), "%s", design);
	cr_expect(eq(u64, count(&d, "vm0.locks.mmap_lock.shared"), faults));
	if (shared) cr_expect(eq(u64, count(&d, "vm0.locks.mmu_lock.contended"), 0));
	if (!shared) cr_expect(lt(u64, faults / 2, count(&d, "vm0.locks.mmu_lock.contended")));
	run_free(d.run);
}

Test(faults, each_takes_the_mmu_lock_once_as_its_design_says)
{
	check_lock("spinlock", NULL, false);
	check_lock("rwlock", NULL, true);
	check_lock("rwlock-split", NULL, false);
	check_lock("parallel", NULL, true);
	check_lock("spinlock", "stack.hypervisors.0.mmu_lock=mutex", false);
	check_lock("spinlock", "stack.hypervisors.0.mmu_lock=paths", true);
}

static void check_host(const char *host)
{
	char *stack = xasprintf("configs/stacks/%s.yaml", host);
	const char *sets[] = {"stack.threads=4", "workload.threads=4", "workload.accesses=512", NULL};
	struct run_request q = {.machine = "configs/machines/altra-64.yaml",
				.stack = stack,
				.workload = "workloads/gups.yaml",
				.sets = sets,
				.seed = 1};
	struct err err = {0};
	struct done d;
	cr_assert(eq(int, run_new(&q, &d.run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(d.run, NULL, NULL, &d.report, &err), OK), "%s", err.text);
	uint64_t taken = count(&d, "vm0.locks.mmu_lock.taken");
	cr_expect(eq(u64, taken, count(&d, "vm0.hyp.faults")), "%s", host);
	cr_expect(lt(u64, 0, count(&d, "vm0.locks.mmu_lock.contended")), "%s", host);
	run_free(d.run);
	free(stack);
}

Test(faults, of_several_vcpus_wait_for_the_mmu_lock_wherever_the_host_kernel_runs)
{
	static const char *const hosts[] = {"kvm-vhe", "kvm-nvhe", "kvm-2015", "kvm-protected", "el2linux"};
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) check_host(hosts[i]);
}

Test(faults, one_vcpu_has_no_locks_to_wait_for)
{
	struct done d = dirty("spinlock", 1, NULL);
	cr_expect(eq(ptr, (void *)stats_find(run_stats(d.run), "vm0.locks.mmu_lock.taken"), NULL));
	cr_expect(eq(u64, count(&d, "vm0.hyp.faults"), PAGES));
	run_free(d.run);
}

/* Under a spin lock the time of a fault grows with the vCPUs; parallel faults scale. */
Test(faults, a_spin_lock_serves_one_after_the_other_and_parallel_faults_do_not)
{
	struct done two = dirty("spinlock", 2, NULL), eight = dirty("spinlock", 8, NULL);
	cr_expect(lt(u64, 39 * per_fault(&two), 10 * per_fault(&eight)));
	cr_expect(lt(u64, 10 * per_fault(&eight), 42 * per_fault(&two)));
	run_free(two.run);
	run_free(eight.run);
	two = dirty("parallel", 2, NULL);
	eight = dirty("parallel", 8, NULL);
	cr_expect(lt(u64, per_fault(&eight), per_fault(&two) * 5 / 4));
	cr_expect(lt(u64, per_fault(&two), per_fault(&eight)));
	run_free(two.run);
	run_free(eight.run);
}

/* Two messages for each of two TLBIs; so many of them bound the rate of faults that add a permission. */
Test(faults, messages_of_tlbis_bound_the_faults_that_a_reader_writer_lock_lets_through)
{
	struct done d = dirty("rwlock", 16, NULL);
	const cycles_t message = 240; /* 80 ns at 3 GHz */
	cr_expect(eq(u64, count(&d, "dvm.messages"), UINT64_C(16) * PAGES * 2));
	cr_expect(eq(u64, count(&d, "dvm.syncs"), UINT64_C(16) * PAGES * 2));
	cr_expect(lt(u64, 16 * 4 * message * 98 / 100, per_fault(&d)));
	cr_expect(lt(u64, per_fault(&d), 16 * 4 * message * 110 / 100));
	run_free(d.run);
}

Test(faults, a_farther_core_makes_shared_locks_dearer)
{
	struct done near = dirty("parallel", 4, NULL), far = dirty("parallel", 4, "coherence.die_ns=120");
	cr_expect(lt(u64, per_fault(&near), per_fault(&far)));
	run_free(near.run);
	run_free(far.run);
}

/* --- order --------------------------------------------------------------------------------------------------------- */

static const char *const functional[] = {
	"vm0.hyp.faults",      "vm0.hyp.upgrades",           "vm0.hyp.pages_mapped",      "vm0.hyp.tables",
	"vm0.os.pages_mapped", "vm0.dirty_log.pages_logged", "vm0.dirty_log.blocks_split"};
/* Waiting for what is taken most of the time changes more than what is waited for. */
static const struct {
	const char *path;
	unsigned percent;
} timed[] = {{"cpu0.cycles", 1},
	     {"cpu3.cycles", 1},
	     {"vm0.locks.mmu_lock.hold_cycles", 1},
	     {"vm0.locks.mmu_lock.line.transfers.die", 1},
	     {"vm0.locks.mmu_lock.wait_cycles", 5}};

Test(faults, strict_order_and_lookahead_agree)
{
	static const char *const designs[] = {"spinlock", "rwlock", "rwlock-split", "parallel"};
	for (size_t i = 0; i < 4; i++) {
		struct done ahead = dirty(designs[i], 4, NULL), strict = dirty(designs[i], 4, "order=strict");
		for (size_t k = 0; k < sizeof(functional) / sizeof(functional[0]); k++)
			cr_expect(eq(u64, count(&ahead, functional[k]), count(&strict, functional[k])),
				  "%s: %s", designs[i], functional[k]);
		for (size_t k = 0; k < sizeof(timed) / sizeof(timed[0]); k++) {
			uint64_t a = count(&ahead, timed[k].path), b = count(&strict, timed[k].path);
			uint64_t apart = a > b ? a - b : b - a;
			cr_expect(lt(u64, 100 * apart, (b + 2000) * timed[k].percent),
				  "%s: %s: %lu, strictly %lu", designs[i], timed[k].path, (unsigned long)a,
				  (unsigned long)b);
		}
		run_free(ahead.run);
		run_free(strict.run);
	}
}

/* --- dirty logging ------------------------------------------------------------------------------------------------- */

Test(faults, the_first_write_of_each_page_adds_its_permission)
{
	struct done d = dirty("rwlock", 2, NULL);
	cr_expect(eq(u64, count(&d, "vm0.hyp.upgrades"), 2 * PAGES));
	cr_expect(eq(u64, count(&d, "vm0.hyp.pages_mapped"), 0));
	cr_expect(eq(u64, count(&d, "vm0.dirty_log.pages_logged"), 2 * PAGES));
	run_free(d.run);
	d = dirty("rwlock", 2, "workload.footprint_bytes=2M"); /* twice around */
	cr_expect(eq(u64, count(&d, "vm0.dirty_log.pages_logged"), PAGES),
		  "the second write finds it writable");
	run_free(d.run);
}

Test(faults, a_block_gives_way_to_pages_as_they_are_written)
{
	struct done d = dirty("parallel", 2, NULL);
	uint64_t blocks = 2 * PAGES * 4096 >> 21;
	cr_expect(eq(u64, count(&d, "vm0.dirty_log.blocks_split"), blocks));
	cr_expect(eq(u64, count(&d, "vm0.hyp.tables"), blocks), "a table for each");
	cr_expect(eq(u64, count(&d, "vm0.hyp.pages_mapped"), 2 * PAGES));
	cr_expect(eq(u64, count(&d, "vm0.hyp.upgrades"), 0));
	run_free(d.run);
}
