/* Operations on a VM's memory while it runs: what they must leave behind, and what theory says of their numbers. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "memops_run.h"

/* Clark et al.: each round sends what was written while the one before was sent. Pages are written at a constant rate, one after the
 * other, so rounds are a geometric series of the rate of writing to that of the link. */
Test(memops, rounds_of_precopy_are_a_geometric_series)
{
	struct memops_result r = memops_run("configs/stacks/kvm-precopy.yaml", NULL);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	uint64_t page_cycles = 4096 * 3000 / 1250,
		 sum = s->last_round_pages; /* of the link: N1 runs at 3 GHz */
	uint64_t write_cycles = r.report.cycles - memops_counter(&r, "cpu0.cycles_by_bucket.idle");
	double rate = (double)page_cycles / ((double)write_cycles / (double)r.report.accesses);
	cr_assert(eq(u64, s->done, 1));
	cr_assert(lt(u64, 2, s->rounds));
	for (unsigned i = 1; i < s->rounds; i++) {
		double expected = rate * (double)memops_round_pages(r.ops, 0, i - 1);
		double came = (double)memops_round_pages(r.ops, 0, i);
		cr_expect(lt(dbl, 0.95 * expected, came), "round %u: %f of %f", i, came, expected);
		cr_expect(lt(dbl, came, 1.05 * expected), "round %u: %f of %f", i, came, expected);
	}
	for (unsigned i = 0; i < s->rounds; i++) sum += memops_round_pages(r.ops, 0, i);
	cr_expect(eq(u64, s->pages, sum));
	run_free(r.run);
}

/* The rest is sent while the VM stands still, then its registers and devices, then the link's latency passes. */
Test(memops, down_time_is_the_rest_over_the_bandwidth_and_within_the_limit)
{
	struct memops_result r = memops_run("configs/stacks/kvm-precopy.yaml", NULL);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	uint64_t sent = (s->last_round_pages * 4096 + 65536) * 3000 / 1250, latency = 15 * 3000;
	cr_expect(le(u64, s->last_round_pages * 4096 * 3000 / 1250, 1000 * 3000), "1 ms");
	cr_expect(le(u64, sent + latency, s->down_cycles));
	cr_expect(lt(u64, s->down_cycles, (sent + latency) * 21 / 20), "%lu of %lu",
		  (unsigned long)s->down_cycles, (unsigned long)(sent + latency));
	cr_expect(le(u64, memops_counter(&r, "cpu0.cycles_by_bucket.idle"), s->down_cycles));
	run_free(r.run);
}

Test(memops, precopy_that_does_not_converge_is_stopped_after_its_last_round)
{
	static const char *const sets[] = {"workload.instruction_gap=6000", "workload.accesses=40000",
					   "workload.footprint_bytes=4M",
					   "stack.memory_operations.precopy.rounds_max=3", NULL};
	struct memops_result r = memops_run("configs/stacks/kvm-precopy.yaml", sets);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	cr_expect(eq(u64, s->rounds, 3));
	cr_expect(lt(u64, 1000, s->last_round_pages), "all of what it writes");
	run_free(r.run);
}

/* A page is logged by one fault per round, whatever else is written to it. */
Test(memops, a_page_faults_once_per_round_that_it_is_written_in)
{
	struct memops_result r = memops_run("configs/stacks/kvm-precopy.yaml", NULL);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	uint64_t logged = s->exits - s->landed, written = s->last_round_pages;
	for (unsigned i = 1; i < s->rounds; i++) written += memops_round_pages(r.ops, 0, i);
	cr_expect(eq(u64, logged, written));
	run_free(r.run);
}

/* `at` counts from where measuring begins: the migration takes longer than what is measured, and would be over within the warm-up. */
Test(memops, an_operation_begins_so_many_cycles_after_measuring_has_begun)
{
	static const char *const sets[] = {"workload.accesses=8000",
					   "stack.memory_operations.precopy.at=1000000", NULL};
	struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				.stack = "configs/stacks/kvm-precopy.yaml",
				.workload = "workloads/page-writes.yaml",
				.sets = sets,
				.seed = 1,
				.warmup = 7000,
				.populate = true};
	struct run *run = NULL;
	struct run_report report;
	struct err err = {0};
	cr_assert(eq(int, run_new(&q, &run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(run, NULL, NULL, &report, &err), OK), "%s", err.text);
	const struct memop_stats *s = memops_stats(machine_operations(run_machine(run)), 0);
	cr_expect(eq(u64, s->begun, 1000000));
	cr_expect(eq(u64, s->done, 0));
	run_free(run);
}

/* At the other end stage 2 is empty: each page is mapped anew when it is touched, and is where it was. */
Test(memops, a_migrated_vm_takes_a_fault_for_each_page_that_it_touches_again)
{
	struct memops_result r = memops_run("configs/stacks/kvm-precopy.yaml", NULL);
	cr_expect(eq(u64, memops_counter(&r, "vm0.hyp.pages_mapped"), memops_stats(r.ops, 0)->landed));
	cr_expect(eq(u64, memops_counter(&r, "vm0.os.faults"), 0), "nothing is lost");
	run_free(r.run);
}

Test(memops, compression_sends_fewer_bytes_and_its_engine_may_be_slower_than_the_link)
{
	static const char *const half[] = {"stack.memory_operations.precopy.compressed_percent=50",
					   "stack.memory_operations.precopy.compress_MBps=10000",
					   "workload.accesses=6000", NULL};
	static const char *const slow[] = {"stack.memory_operations.precopy.compressed_percent=50",
					   "stack.memory_operations.precopy.compress_MBps=1250",
					   "workload.accesses=6000", NULL};
	struct memops_result a = memops_run("configs/stacks/kvm-precopy.yaml", half),
			     b = memops_run("configs/stacks/kvm-precopy.yaml", slow);
	const struct memop_stats *s = memops_stats(a.ops, 0), *t = memops_stats(b.ops, 0);
	cr_expect(eq(u64, s->bytes, s->pages * 2048 + 65536));
	cr_expect(lt(u64, s->cycles * 3 / 2, t->cycles), "%lu, %lu", (unsigned long)s->cycles,
		  (unsigned long)t->cycles);
	run_free(a.run);
	run_free(b.run);
}

Test(memops, postcopy_fetches_what_is_touched_and_pushes_the_rest_each_page_once)
{
	struct memops_result r = memops_run("configs/stacks/kvm-postcopy.yaml", NULL);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	cr_assert(eq(u64, s->done, 1));
	cr_expect(eq(u64, s->bytes, s->pages * 4096 + 65536));
	cr_expect(le(u64, 4096, s->pages));
	cr_expect(lt(u64, s->pages, 4200), "16 MiB, and tables");
	cr_expect(lt(u64, 0, s->fetched));
	cr_expect(eq(u64, memops_counter(&r, "vm0.hyp.pages_mapped"), s->fetched + s->landed));
	cr_expect(lt(u64, s->down_cycles, 65536 * 3000 / 1250 + 15 * 3000 + 100), "state and latency alone");
	run_free(r.run);
}

/* Each page that was there when it began is saved once, by its thread or because it is about to be written. */
Test(memops, a_snapshot_saves_each_page_once)
{
	struct memops_result r = memops_run("configs/stacks/kvm-snapshot.yaml", NULL);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	cr_assert(eq(u64, s->done, 1));
	cr_expect(eq(u64, s->pages, memops_round_pages(r.ops, 0, 0)));
	cr_expect(eq(u64, s->bytes, s->pages * 4096 + 65536));
	cr_expect(lt(u64, 0, s->copied));
	run_free(r.run);
}

/* Reads alone: nothing that was merged is copied again. */
Test(memops, merged_pages_have_one_frame_for_each_content)
{
	static const char *const sets[] = {"workload.read_percent=100", "workload.accesses=4000", NULL};
	struct memops_result r = memops_run("configs/stacks/kvm-ksm.yaml", sets);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	cr_assert(eq(u64, s->done, 1));
	cr_expect(lt(u64, 1000, s->shared), "40 %% of 4096 pages");
	cr_expect(lt(u64, s->shared, 2200));
	cr_expect(eq(u64, s->freed_bytes, (s->shared - 32) * 4096), "32 contents");
	cr_expect(eq(u64, s->copied, 0));
	run_free(r.run);
}

Test(memops, a_write_to_a_merged_page_copies_it_once)
{
	static const char *const sets[] = {"workload.accesses=9000", NULL};
	struct memops_result r = memops_run("configs/stacks/kvm-ksm.yaml", sets);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	cr_expect(lt(u64, 1000, s->copied));
	cr_expect(le(u64, s->copied, s->pages), "what has been written is like no other any more");
	cr_expect(eq(u64, memops_counter(&r, "vm0.os.faults"), 0));
	run_free(r.run);
}

Test(memops, a_balloon_gives_what_it_takes_back_to_the_host)
{
	static const char *const sets[] = {"workload.accesses=6000", NULL};
	struct memops_result r = memops_run("configs/stacks/kvm-balloon.yaml", sets);
	cr_expect(eq(u64, memops_stats(r.ops, 1)->pages, 4096));
	cr_expect(eq(u64, memops_stats(r.ops, 1)->freed_bytes, 16 << 20), "all of it was mapped before");
	cr_expect(eq(u64, memops_stats(r.ops, 1)->exits, 16), "256 pages each");
	cr_expect(eq(u64, memops_stats(r.ops, 2)->pages, 4096));
	run_free(r.run);
}

/* --- several VMs -------------------------------------------------------------------------------------------------------- */

Test(memops, a_vm_migrates_while_its_neighbour_takes_no_faults_and_no_down_time)
{
	static const char *const sets[] = {"workload.threads=2", NULL};
	struct memops_result r = memops_run("configs/stacks/kvm-neighbour.yaml", sets);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	cr_assert(eq(u64, s->done, 1));
	cr_expect(lt(u64, 4096, s->exits));
	cr_expect(eq(u64, memops_counter(&r, "vm1.hyp.faults"), s->exits));
	cr_expect(eq(u64, memops_counter(&r, "vm0.hyp.faults"), 0));
	cr_expect(eq(u64, memops_counter(&r, "cpu0.cycles_by_bucket.idle"), 0));
	uint64_t idle = memops_counter(&r, "cpu1.cycles_by_bucket.idle");
	cr_expect(lt(u64, idle, s->down_cycles + 60000), "and the gap between two stores at most");
	cr_expect(lt(u64, s->down_cycles * 9 / 10, idle));
	run_free(r.run);
}

/* Both on one core: while one stands still, the other has the core. */
Test(memops, a_scheduled_vm_that_stands_still_leaves_its_core_to_others)
{
	static const char *const sets[] = {"workload.threads=2", "stack.vms.stays.cpus=0",
					   "stack.vms.moves.cpus=0", NULL};
	struct memops_result r = memops_run("configs/stacks/kvm-neighbour.yaml", sets);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	uint64_t idle = memops_counter(&r, "vm1.vcpu0.sched.cycles.idle");
	cr_assert(eq(u64, s->done, 1));
	cr_expect(le(u64, idle, s->down_cycles));
	cr_expect(lt(u64, s->down_cycles * 9 / 10, idle));
	cr_expect(eq(u64, memops_counter(&r, "vm1.vcpu0.sched.wakeups"), 0), "it did not sleep by itself");
	cr_expect(eq(u64, memops_counter(&r, "vm0.vcpu0.sched.cycles.idle"), 0));
	cr_expect(lt(u64, memops_counter(&r, "cpu0.cycles_by_bucket.idle"), s->down_cycles / 100));
	run_free(r.run);
}

Test(memops, each_operation_is_of_the_vm_that_it_names)
{
	static const char *const sets[] = {"workload.threads=2", "workload.accesses=6000",
					   "stack.memory_operations.precopy.kind=inflate",
					   "stack.memory_operations.precopy.bytes=4M", NULL};
	struct memops_result r = memops_run("configs/stacks/kvm-neighbour.yaml", sets);
	cr_expect(eq(u64, memops_stats(r.ops, 0)->pages, 1024));
	cr_expect(lt(u64, memops_counter(&r, "cpu0.cycles_by_bucket.hypervisor"),
		     memops_counter(&r, "cpu1.cycles_by_bucket.hypervisor")),
		  "the exits are those of the second VM");
	run_free(r.run);
}

/* A TLB may hold the pages of a contiguous run one by one, so each is taken before they change. */
Test(memops, a_contiguous_run_is_flushed_page_by_page_before_it_is_broken_up)
{
	static const char *const sets[] = {"stack.hypervisors.0.contiguous=yes",
					   "workload.generator=uniform",
					   "workload.read_percent=50",
					   "workload.instruction_gap=600",
					   "workload.accesses=200000",
					   "stack.memory_operations.ksm.scan_pages=1000",
					   NULL};
	struct memops_result r = memops_run("configs/stacks/kvm-ksm.yaml", sets);
	cr_expect(lt(u64, 1000, memops_stats(r.ops, 0)->pages));
	run_free(r.run);
}

static const char *refusal(const char *stack, const char *const *sets)
{
	static struct err err;
	struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				.stack = stack,
				.workload = "workloads/page-writes.yaml",
				.sets = sets,
				.seed = 1};
	struct run *run = NULL;
	err.text[0] = 0;
	if (run_new(&q, &run, &err) == OK) run_free(run);
	return err.text;
}

Test(memops, operations_without_a_core_or_of_more_than_the_vm_has_are_refused)
{
	static const char *const core[] = {"cores=1", NULL};
	static const char *const more[] = {"stack.memory_operations.ksm.bytes=8G", NULL};
	static const char *const logs[] = {"stack.hypervisors.0.stage2.dirty_log=hardware", NULL};
	static const char *const nobody[] = {"stack.memory_operations.ksm.vm=x", NULL};
	static const char *const native[] = {"stack.hypervisors=~", NULL};
	cr_expect(ne(ptr, strstr(refusal("configs/stacks/kvm-ksm.yaml", core), "needs a core"), NULL));
	cr_expect(ne(ptr, strstr(refusal("configs/stacks/kvm-ksm.yaml", more), "memory_operations.ksm.bytes"),
		     NULL));
	cr_expect(ne(ptr, strstr(refusal("configs/stacks/kvm-precopy.yaml", logs), "dirty_log"), NULL));
	cr_expect(ne(ptr, strstr(refusal("configs/stacks/kvm-ksm.yaml", native), "no hypervisor"), NULL));
	cr_expect(ne(ptr, strstr(refusal("configs/stacks/kvm-ksm.yaml", nobody), "x is no VM of stack.vms"),
		     NULL));
}
