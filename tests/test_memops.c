/* Operations on a VM's memory while it runs: what they must leave behind, and what theory says of their numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "checked_run.h"
#include "machine/memops.h"
#include "machine/memops_impl.h"
#include "tables.h"
#include "vm_world.h"

/* --- runs ------------------------------------------------------------------------------------------------------------ */

struct result {
	struct run *run;
	struct run_report report;
	const struct memops *ops;
};

/* page-writes.yaml under a stack on a Neoverse N1, all pages mapped before, with maintenance checked; sets end with NULL. */
static struct result run_under(const char *stack, const char *const *sets)
{
	struct result r = {0};
	struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				.stack = stack,
				.workload = "workloads/page-writes.yaml",
				.sets = sets,
				.seed = 1,
				.populate = true};
	r.run = checked_run(&q, &r.report);
	r.ops = machine_operations(run_machine(r.run));
	return r;
}

static uint64_t counter(const struct result *r, const char *path)
{
	const uint64_t *value = stats_find(run_stats(r->run), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

/* Clark et al.: each round sends what was written while the one before was sent. Pages are written at a constant rate, one after the
 * other, so rounds are a geometric series of the rate of writing to that of the link. */
Test(memops, rounds_of_precopy_are_a_geometric_series)
{
	struct result r = run_under("configs/stacks/kvm-precopy.yaml", NULL);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	uint64_t page_cycles = 4096 * 3000 / 1250,
		 sum = s->last_round_pages; /* of the link: N1 runs at 3 GHz */
	uint64_t write_cycles = r.report.cycles - counter(&r, "cpu0.cycles_by_bucket.idle");
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
	struct result r = run_under("configs/stacks/kvm-precopy.yaml", NULL);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	uint64_t sent = (s->last_round_pages * 4096 + 65536) * 3000 / 1250, latency = 15 * 3000;
	cr_expect(le(u64, s->last_round_pages * 4096 * 3000 / 1250, 1000 * 3000), "1 ms");
	cr_expect(le(u64, sent + latency, s->down_cycles));
	cr_expect(lt(u64, s->down_cycles, (sent + latency) * 21 / 20), "%lu of %lu",
		  (unsigned long)s->down_cycles, (unsigned long)(sent + latency));
	cr_expect(le(u64, counter(&r, "cpu0.cycles_by_bucket.idle"), s->down_cycles));
	run_free(r.run);
}

Test(memops, precopy_that_does_not_converge_is_stopped_after_its_last_round)
{
	static const char *const sets[] = {"workload.instruction_gap=6000", "workload.accesses=40000",
					   "workload.footprint_bytes=4M",
					   "stack.memory_operations.precopy.rounds_max=3", NULL};
	struct result r = run_under("configs/stacks/kvm-precopy.yaml", sets);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	cr_expect(eq(u64, s->rounds, 3));
	cr_expect(lt(u64, 1000, s->last_round_pages), "all of what it writes");
	run_free(r.run);
}

/* A page is logged by one fault per round, whatever else is written to it. */
Test(memops, a_page_faults_once_per_round_that_it_is_written_in)
{
	struct result r = run_under("configs/stacks/kvm-precopy.yaml", NULL);
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
	struct result r = run_under("configs/stacks/kvm-precopy.yaml", NULL);
	cr_expect(eq(u64, counter(&r, "vm0.hyp.pages_mapped"), memops_stats(r.ops, 0)->landed));
	cr_expect(eq(u64, counter(&r, "vm0.os.faults"), 0), "nothing is lost");
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
	struct result a = run_under("configs/stacks/kvm-precopy.yaml", half),
		      b = run_under("configs/stacks/kvm-precopy.yaml", slow);
	const struct memop_stats *s = memops_stats(a.ops, 0), *t = memops_stats(b.ops, 0);
	cr_expect(eq(u64, s->bytes, s->pages * 2048 + 65536));
	cr_expect(lt(u64, s->cycles * 3 / 2, t->cycles), "%lu, %lu", (unsigned long)s->cycles,
		  (unsigned long)t->cycles);
	run_free(a.run);
	run_free(b.run);
}

Test(memops, postcopy_fetches_what_is_touched_and_pushes_the_rest_each_page_once)
{
	struct result r = run_under("configs/stacks/kvm-postcopy.yaml", NULL);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	cr_assert(eq(u64, s->done, 1));
	cr_expect(eq(u64, s->bytes, s->pages * 4096 + 65536));
	cr_expect(le(u64, 4096, s->pages));
	cr_expect(lt(u64, s->pages, 4200), "16 MiB, and tables");
	cr_expect(lt(u64, 0, s->fetched));
	cr_expect(eq(u64, counter(&r, "vm0.hyp.pages_mapped"), s->fetched + s->landed));
	cr_expect(lt(u64, s->down_cycles, 65536 * 3000 / 1250 + 15 * 3000 + 100), "state and latency alone");
	run_free(r.run);
}

/* Each page that was there when it began is saved once, by its thread or because it is about to be written. */
Test(memops, a_snapshot_saves_each_page_once)
{
	struct result r = run_under("configs/stacks/kvm-snapshot.yaml", NULL);
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
	struct result r = run_under("configs/stacks/kvm-ksm.yaml", sets);
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
	struct result r = run_under("configs/stacks/kvm-ksm.yaml", sets);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	cr_expect(lt(u64, 1000, s->copied));
	cr_expect(le(u64, s->copied, s->pages), "what has been written is like no other any more");
	cr_expect(eq(u64, counter(&r, "vm0.os.faults"), 0));
	run_free(r.run);
}

Test(memops, a_balloon_gives_what_it_takes_back_to_the_host)
{
	static const char *const sets[] = {"workload.accesses=6000", NULL};
	struct result r = run_under("configs/stacks/kvm-balloon.yaml", sets);
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
	struct result r = run_under("configs/stacks/kvm-neighbour.yaml", sets);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	cr_assert(eq(u64, s->done, 1));
	cr_expect(lt(u64, 4096, s->exits));
	cr_expect(eq(u64, counter(&r, "vm1.hyp.faults"), s->exits));
	cr_expect(eq(u64, counter(&r, "vm0.hyp.faults"), 0));
	cr_expect(eq(u64, counter(&r, "cpu0.cycles_by_bucket.idle"), 0));
	uint64_t idle = counter(&r, "cpu1.cycles_by_bucket.idle");
	cr_expect(lt(u64, idle, s->down_cycles + 60000), "and the gap between two stores at most");
	cr_expect(lt(u64, s->down_cycles * 9 / 10, idle));
	run_free(r.run);
}

/* Both on one core: while one stands still, the other has the core. */
Test(memops, a_scheduled_vm_that_stands_still_leaves_its_core_to_others)
{
	static const char *const sets[] = {"workload.threads=2", "stack.vms.stays.cpus=0",
					   "stack.vms.moves.cpus=0", NULL};
	struct result r = run_under("configs/stacks/kvm-neighbour.yaml", sets);
	const struct memop_stats *s = memops_stats(r.ops, 0);
	uint64_t idle = counter(&r, "vm1.vcpu0.sched.cycles.idle");
	cr_assert(eq(u64, s->done, 1));
	cr_expect(le(u64, idle, s->down_cycles));
	cr_expect(lt(u64, s->down_cycles * 9 / 10, idle));
	cr_expect(eq(u64, counter(&r, "vm1.vcpu0.sched.wakeups"), 0), "it did not sleep by itself");
	cr_expect(eq(u64, counter(&r, "vm0.vcpu0.sched.cycles.idle"), 0));
	cr_expect(lt(u64, counter(&r, "cpu0.cycles_by_bucket.idle"), s->down_cycles / 100));
	run_free(r.run);
}

Test(memops, each_operation_is_of_the_vm_that_it_names)
{
	static const char *const sets[] = {"workload.threads=2", "workload.accesses=6000",
					   "stack.memory_operations.precopy.kind=inflate",
					   "stack.memory_operations.precopy.bytes=4M", NULL};
	struct result r = run_under("configs/stacks/kvm-neighbour.yaml", sets);
	cr_expect(eq(u64, memops_stats(r.ops, 0)->pages, 1024));
	cr_expect(lt(u64, counter(&r, "cpu0.cycles_by_bucket.hypervisor"),
		     counter(&r, "cpu1.cycles_by_bucket.hypervisor")),
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
	struct result r = run_under("configs/stacks/kvm-ksm.yaml", sets);
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

/* --- single pages ------------------------------------------------------------------------------------------------------ */

static void no_step(void *self, enum stage2_step step, uint64_t operand)
{
	(void)self, (void)step, (void)operand;
}

static void no_tlbi(void *self, struct tlbi_op op, uint64_t operand) { (void)self, (void)op, (void)operand; }

static const struct stage2_clock nobody = {NULL, no_step, no_tlbi};

struct guest {
	struct tables *w;
	struct page_ops ops;
};

/* A VM whose first pages were written. */
static struct guest open_guest(unsigned pages)
{
	struct tables_setup s = tables_vm();
	struct features f = tables_features();
	struct guest g = {.w = tables_open(&s, &f)};
	hyp_pages_watch(g.w->vm);
	page_ops_init(&g.ops, g.w->vm, &nobody);
	for (unsigned i = 0; i < pages; i++)
		hyp_handle_stage2_fault(g.w->vm, hyp_pages_ipa(g.w->vm, 1000 + i), ACCESS_WRITE);
	return g;
}

static uint64_t frame_of(const struct guest *g, unsigned page)
{
	struct pa frame = {0};
	cr_assert(hyp_pages_frame(g->w->vm, 1000 + page, &frame));
	return frame.raw;
}

static struct hyp_fault fault(struct guest *g, unsigned page, enum access_kind kind)
{
	return hyp_handle_stage2_fault(g->w->vm, hyp_pages_ipa(g->w->vm, 1000 + page), kind);
}

Test(pages, two_merged_pages_have_one_frame_until_one_is_written)
{
	struct guest g = open_guest(2);
	uint64_t used = frames_used_bytes(g.w->host), frame = frame_of(&g, 0);
	page_ops_merge(&g.ops, 1000, frame);
	page_ops_merge(&g.ops, 1001, frame);
	cr_expect(eq(u64, frame_of(&g, 1), frame));
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used - 4096));
	struct hyp_fault f = fault(&g, 1, ACCESS_WRITE);
	cr_expect(eq(int, f.page, HYP_FAULT_COPIED));
	cr_expect(eq(u64, f.copied.raw, frame));
	cr_expect(ne(u64, frame_of(&g, 1), frame));
	cr_expect(eq(u64, frame_of(&g, 0), frame));
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used));
	tables_close(g.w);
}

Test(pages, the_last_page_that_leaves_a_shared_frame_gives_it_back)
{
	struct guest g = open_guest(2);
	uint64_t used = frames_used_bytes(g.w->host), frame = frame_of(&g, 0);
	page_ops_merge(&g.ops, 1000, frame);
	page_ops_merge(&g.ops, 1001, frame);
	cr_expect(page_ops_drop(&g.ops, 1000));
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used - 4096));
	cr_expect(hyp_pages_shares(g.w->vm, frame));
	cr_expect(page_ops_drop(&g.ops, 1001));
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used - 8192));
	cr_expect(not(hyp_pages_shares(g.w->vm, frame)));
	tables_close(g.w);
}

Test(pages, while_written_pages_are_logged_a_page_that_is_read_is_mapped_clean)
{
	struct guest g = open_guest(1);
	hyp_pages_log(g.w->vm, true);
	fault(&g, 5, ACCESS_READ);
	cr_expect(eq(int, hyp_pages_flags(g.w->vm, 1005) & HYP_PAGE_DIRTY, 0));
	cr_expect(eq(int, fault(&g, 5, ACCESS_WRITE).page, HYP_FAULT_LOGGED));
	cr_expect(ne(int, hyp_pages_flags(g.w->vm, 1005) & HYP_PAGE_DIRTY, 0));
	tables_close(g.w);
}

Test(pages, an_absent_page_comes_back_to_its_frame)
{
	struct guest g = open_guest(1);
	uint64_t frame = frame_of(&g, 0), used = frames_used_bytes(g.w->host);
	struct pa none;
	cr_expect(page_ops_leave(&g.ops, 1000, true));
	cr_expect(not(hyp_pages_frame(g.w->vm, 1000, &none)));
	cr_expect(eq(int, fault(&g, 0, ACCESS_READ).page, HYP_FAULT_FETCHED));
	cr_expect(eq(u64, frame_of(&g, 0), frame));
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used));
	cr_expect(page_ops_leave(&g.ops, 1000, false));
	cr_expect(eq(int, fault(&g, 0, ACCESS_READ).page, HYP_FAULT_LANDED));
	tables_close(g.w);
}

/* A page of a block is logged alone: the others of the block stay protected. */
Test(pages, a_write_to_a_protected_block_permits_one_page_of_it)
{
	struct tables_setup s = tables_vm();
	struct features f = tables_features();
	s.hyp.mapping = HYP_BLOCK;
	struct guest g = {.w = tables_open(&s, &f)};
	hyp_pages_watch(g.w->vm);
	page_ops_init(&g.ops, g.w->vm, &nobody);
	struct hyp_fault first = fault(&g, 0, ACCESS_WRITE);
	cr_assert(eq(int, first.outcome, HYP_MAPPED_BLOCK));
	cr_expect(page_ops_protect(&g.ops, 1000));
	hyp_pages_log(g.w->vm, true);
	cr_expect(eq(int, fault(&g, 0, ACCESS_WRITE).page, HYP_FAULT_LOGGED));
	cr_expect(eq(int, fault(&g, 0, ACCESS_WRITE).outcome, HYP_SPURIOUS));
	cr_expect(page_ops_protect(&g.ops, 1001), "its neighbour was not touched: it may be written still");
	tables_close(g.w);
}

Test(pages, a_block_that_is_protected_whole_is_split_by_the_first_write)
{
	struct tables_setup s = tables_vm();
	struct features f = tables_features();
	struct stage2_done done;
	struct err err = {0};
	s.hyp.mapping = HYP_BLOCK;
	struct guest g = {.w = tables_open(&s, &f)};
	const struct stage2_area all = {.bytes = s.hyp.memory_bytes};
	hyp_pages_watch(g.w->vm);
	cr_assert(eq(int, fault(&g, 0, ACCESS_WRITE).outcome, HYP_MAPPED_BLOCK));
	cr_assert(eq(int, stage2_perform(g.w->vm, STAGE2_DIRTY_LOG_START, all, &nobody, &done, &err), OK),
		  "%s", err.text);
	cr_assert(lt(u64, done.changed, 4), "descriptors of blocks");
	hyp_end_dirty_log(g.w->vm);
	hyp_pages_log(g.w->vm, true);
	cr_expect(eq(int, fault(&g, 0, ACCESS_WRITE).page, HYP_FAULT_LOGGED));
	cr_expect(eq(int, fault(&g, 0, ACCESS_WRITE).outcome, HYP_SPURIOUS));
	cr_expect(eq(int, fault(&g, 1, ACCESS_WRITE).page, HYP_FAULT_LOGGED),
		  "its neighbour is protected still");
	tables_close(g.w);
}

/* --- pages in use ---------------------------------------------------------------------------------------------------- */

/* Writes to one page after the other, and three looks at them, each a period of 1 ms after the one before has ended. */
static struct result aged(const char *machine, const char *footprint, const char *flush)
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
	struct result r = {0};
	struct run_request q = {.machine = machine,
				.stack = "configs/stacks/kvm-age.yaml",
				.workload = "workloads/page-writes.yaml",
				.sets = sets,
				.seed = 1,
				.populate = true};
	r.run = checked_run(&q, &r.report);
	r.ops = machine_operations(run_machine(r.run));
	cr_assert(eq(u64, memops_stats(r.ops, 0)->done, 1));
	return r;
}

/* 8 MiB are more than an L2 TLB holds, so pages are walked to in each period. */
Test(memops_age, hardware_sets_the_flag_again_without_an_exit)
{
	struct result r = aged("configs/machines/neoverse-n1.yaml", "8M", "no");
	cr_expect(eq(u64, memops_stats(r.ops, 0)->exits, 0));
	for (unsigned round = 1; round < 3; round++)
		cr_expect(lt(u64, 100, memops_round_pages(r.ops, 0, round)));
	run_free(r.run);
}

Test(memops_age, without_hardware_each_page_that_is_touched_again_is_one_exit)
{
	struct result r = aged("configs/machines/cortex-a72.yaml", "8M", "no");
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
	struct result kept = aged("configs/machines/neoverse-n1.yaml", "64K", "no");
	struct result flushed = aged("configs/machines/neoverse-n1.yaml", "64K", "yes");
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

/* split_huge_pmd() has KVM unmap all of the block, by one TLBI; the host knows of its pages, and the guest gets them back one by one. */
Test(pages, a_block_of_which_a_page_is_dropped_is_unmapped_whole)
{
	struct tables_setup s = tables_vm();
	struct features f = tables_features();
	s.hyp.mapping = HYP_BLOCK;
	struct guest g = {.w = tables_open(&s, &f)};
	hyp_pages_watch(g.w->vm);
	page_ops_init(&g.ops, g.w->vm, &nobody);
	hyp_handle_stage2_fault(g.w->vm, hyp_pages_ipa(g.w->vm, 1024), ACCESS_WRITE);
	uint64_t used = frames_used_bytes(g.w->host), before = g.ops.flusher.tlbi;
	struct pa first, second, dropped;
	cr_assert(hyp_pages_frame(g.w->vm, 1024, &first));
	cr_expect(page_ops_drop(&g.ops, 1030));
	cr_expect(page_ops_drop(&g.ops, 1031));
	cr_expect(eq(u64, g.ops.flusher.tlbi - before, 2), "of the block, and of stage 1");
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used - 2 * 4096));
	cr_expect(not(hyp_pages_frame(g.w->vm, 1030, &dropped)));
	cr_assert(hyp_pages_frame(g.w->vm, 1025, &second));
	cr_expect(eq(u64, second.raw, first.raw + 4096));
	struct hyp_fault again = hyp_handle_stage2_fault(g.w->vm, hyp_pages_ipa(g.w->vm, 1030), ACCESS_READ);
	cr_expect(eq(int, again.page, HYP_FAULT_PLAIN), "what was dropped is new");
	cr_expect(eq(int, again.outcome, HYP_MAPPED_PAGE), "no block over what is there");
	cr_expect(eq(int, hyp_handle_stage2_fault(g.w->vm, hyp_pages_ipa(g.w->vm, 1025), ACCESS_READ).page,
		     HYP_FAULT_LANDED));
	cr_expect(eq(u64, hyp_pages_frame(g.w->vm, 1025, &dropped) ? dropped.raw : 0, second.raw));
	tables_close(g.w);
}

/* --- the clock of steps ---------------------------------------------------------------------------------------------- */

static cycles_t page_cycles(struct op_clock *c, struct pa from, const struct pa *to)
{
	cycles_t before = c->now += 100000; /* all that was under way has come */
	op_clock_page(c, from, to);
	return c->now - before;
}

/* A page whose lines the first cache has, and must look for: a line per cycle, and the last one's latency behind that. */
Test(memops_clock, a_page_is_read_a_line_per_cycle_and_lasts_until_its_last_line)
{
	enum { PAGE = 4096 };
	struct vm_world w;
	struct op_clock c;
	struct pa from = {UINT64_C(0x80000000)}, to = {UINT64_C(0x80010000)};
	cr_assert(eq(int, vm_world_open(&w, "hypervisors: [{granule: 4K}]\n", NULL), OK), "%s", w.err.text);
	uint64_t lines = PAGE >> mem_line_bits(w.machine->mem),
		 hit = mem_first_hit(&w.machine->cpu[0].mem.data);
	op_clock_init(&c, &w.machine->vm[0], &w.machine->cpu[0].mem, 0);
	cycles_t cold = page_cycles(&c, from, NULL), warm = page_cycles(&c, from, NULL);
	cr_expect(eq(u64, warm, lines - 1 + hit));
	cr_expect(lt(u64, 2 * warm, cold));
	page_cycles(&c, from, &to);
	cycles_t copied = page_cycles(&c, from, &to);
	cr_expect(lt(u64, warm, copied), "it lasts until the copy is written");
	cr_expect(le(u64, copied, warm + 2 * hit));
	c.untimed = true;
	cr_expect(eq(u64, page_cycles(&c, from, &to), 0), "on another host");
	vm_world_close(&w);
}
