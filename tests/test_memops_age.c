/* Which pages of a VM are in use: the access flag, who sets it again, and what TLBs hide of it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "memops_run.h"

/* Writes to one page after the other, and three looks at them, each a period of 1 ms after the one before has ended. */
static struct memops_result aged(const char *machine, const char *footprint, const char *flush)
{
	char pages[64], how[64];
	snprintf(pages, sizeof(pages), "workload.footprint_bytes=%s", footprint);
	snprintf(how, sizeof(how), "stack.memory_operations.age.age_flush=%s", flush);
	const char *sets[] = {pages,
			      how,
			      "cores=2",
			      "workload.instruction_gap=3000",
			      "workload.accesses=30000",
			      "stack.memory_operations.age.bytes=32M",
			      "stack.memory_operations.age.scan_sleep_us=1000",
			      "stack.memory_operations.age.scans=3",
			      NULL};
	struct memops_result r = memops_run_on(machine, "configs/stacks/kvm-age.yaml", sets);
	cr_assert(eq(u64, memops_stats(r.ops, 0)->done, 1));
	return r;
}

/* 8 MiB are more than an L2 TLB holds, so pages are walked to in each period. */
Test(memops_age, hardware_sets_the_flag_again_without_an_exit)
{
	struct memops_result r = aged("configs/machines/neoverse-n1.yaml", "8M", "no");
	cr_expect(eq(u64, memops_stats(r.ops, 0)->exits, 0));
	for (unsigned round = 1; round < 3; round++)
		cr_expect(lt(u64, 100, memops_round_pages(r.ops, 0, round)));
	run_free(r.run);
}

Test(memops_age, without_hardware_each_page_that_is_touched_again_is_one_exit)
{
	struct memops_result r = aged("configs/machines/cortex-a72.yaml", "8M", "no");
	const struct memop_stats *s = memops_stats(r.ops, 0);
	uint64_t again = 0;
	for (unsigned round = 1; round < 3; round++) again += memops_round_pages(r.ops, 0, round);
	cr_expect(lt(u64, 100, again));
	cr_expect(le(u64, again, s->exits));
	cr_expect(lt(u64, 0, s->guest_cycles));
	run_free(r.run);
}

/* 16 pages stay in the TLBs: nobody walks to them, so they look unused from the second look on, until TLBs must forget them. */
Test(memops_age, pages_that_tlbs_hold_look_unused_unless_they_are_flushed)
{
	struct memops_result kept = aged("configs/machines/neoverse-n1.yaml", "64K", "no");
	struct memops_result flushed = aged("configs/machines/neoverse-n1.yaml", "64K", "yes");
	cr_expect(lt(u64, memops_round_pages(kept.ops, 0, 2), 16));
	cr_expect(le(u64, 16, memops_round_pages(flushed.ops, 0, 2)));
	cr_expect(eq(u64, memops_stats(kept.ops, 0)->tlbi, 0));
	cr_expect(lt(u64, 0, memops_stats(flushed.ops, 0)->tlbi));
	run_free(kept.run);
	run_free(flushed.run);
}

/* Under KVM's paths the syndrome says which it is, and handle_access_fault() costs less than user_mem_abort(). */
Test(memops_age, an_exit_for_the_flag_takes_less_than_one_that_maps_a_page)
{
	char stack[] = "/tmp/strata-age-XXXXXX", *here = realpath("configs/stacks", NULL);
	uint64_t mean[2];
	FILE *f = fdopen(mkstemp(stack), "w");
	fprintf(f,
		"extends: %s/kvm-nvhe.yaml\nmemory_operations:\n  - {name: age, kind: age, bytes: 32M, scan_pages: 8192, "
		"scans: 2, scan_sleep_us: 500}\n",
		here);
	fclose(f);
	for (int populate = 0; populate < 2; populate++) {
		static const char *const sets[] = {"cores=2", "workload.footprint_bytes=8M",
						   "workload.instruction_gap=3000", "workload.accesses=6000",
						   NULL};
		struct run *run;
		struct run_report report;
		struct err err = {0};
		struct run_request q = {.machine = "configs/machines/cortex-a72.yaml",
					.stack = stack,
					.workload = "workloads/page-writes.yaml",
					.sets = sets,
					.seed = 1,
					.populate = populate};
		cr_assert(eq(int, run_new(&q, &run, &err), OK), "%s", err.text);
		cr_assert(eq(int, run_execute(run, NULL, NULL, &report, &err), OK), "%s", err.text);
		const uint64_t *count = stats_find(run_stats(run), "vm0.vcpu0.exits.DABT_LOW.count");
		const uint64_t *cycles = stats_find(run_stats(run), "vm0.vcpu0.exits.DABT_LOW.cycles");
		cr_assert(lt(u64, 100, *count));
		mean[populate] = *cycles / *count;
		run_free(run);
	}
	cr_expect(lt(u64, mean[1] * 5 / 4, mean[0]), "%lu, %lu", (unsigned long)mean[1],
		  (unsigned long)mean[0]);
	remove(stack);
	free(here);
}
