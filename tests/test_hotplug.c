/* Memory and vCPUs that come and go while a VM runs. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/memops.h"
#include "machine/run.h"
#include "mem/frames.h"

/* --- regions that grow and shrink ------------------------------------------------------------------------------------- */

enum { PAGE = 4096, BLOCK = 1 << 21, BLOCKS = 4 };

static struct frames *open_region(void)
{
	const struct frames_params p = {
		.bytes = BLOCKS * BLOCK, .page_bits = 12, .block_bits = 21, .path = "test"};
	return frames_new(&p);
}

/* Takes all that is left; returns how many pages, and the last one's end. */
static uint64_t take_all(struct frames *f, uint64_t *end)
{
	uint64_t addr, pages = 0;
	for (*end = 0; frames_take_page(f, &addr); pages++)
		if (addr + PAGE > *end) *end = addr + PAGE;
	return pages;
}

Test(hotplug, a_region_that_has_grown_hands_out_what_it_got)
{
	struct frames *f = open_region();
	uint64_t end;
	cr_assert(eq(u64, take_all(f, &end), BLOCKS * BLOCK / PAGE));
	frames_grow(f, 0, (BLOCKS + 2) * BLOCK);
	cr_expect(eq(u64, take_all(f, &end), 2 * BLOCK / PAGE));
	cr_expect(eq(u64, end, (BLOCKS + 2) * BLOCK));
	frames_free(f);
}

Test(hotplug, isolated_memory_is_not_handed_out_and_comes_back_if_it_stays)
{
	struct frames *f = open_region();
	uint64_t end, from = (BLOCKS - 1) * BLOCK;
	cr_assert(eq(u64, take_all(f, &end), BLOCKS * BLOCK / PAGE));
	frames_give(f, from + 5 * PAGE, 12);
	frames_give(f, 7 * PAGE, 12);
	frames_isolate(f, 0, from);
	cr_expect(eq(u64, take_all(f, &end), 1));
	cr_expect(eq(u64, end, 8 * PAGE));
	frames_give(f, from + 6 * PAGE, 12);
	cr_expect(eq(u64, take_all(f, &end), 0), "what is given back there is isolated, too");
	frames_end_isolation(f, 0, from, false);
	cr_expect(eq(u64, take_all(f, &end), 2));
	frames_free(f);
}

Test(hotplug, memory_that_is_gone_comes_back_when_the_region_grows_again)
{
	struct frames *f = open_region();
	uint64_t end, from = (BLOCKS - 1) * BLOCK;
	frames_isolate(f, 0, from);
	frames_end_isolation(f, 0, from, true);
	cr_expect(eq(u64, frames_end(f, 0), from));
	cr_expect(eq(u64, take_all(f, &end), (BLOCKS - 1) * BLOCK / PAGE));
	frames_grow(f, 0, BLOCKS * BLOCK);
	cr_expect(eq(u64, take_all(f, &end), BLOCK / PAGE));
	cr_expect(eq(u64, end, BLOCKS * BLOCK));
	frames_free(f);
}

/* --- runs ---------------------------------------------------------------------------------------------------------------- */

struct result {
	struct run *run;
	const struct memops *ops;
};

enum { PLUG, INFLATE, LATE, DEFLATE, UNPLUG };

static void mistake(void *owner, const struct mistake *m) { (void)owner, (void)m; }

static enum status start(const char *const *sets, struct run **run, struct err *err)
{
	struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				.stack = "configs/stacks/kvm-hotplug.yaml",
				.workload = "workloads/page-writes.yaml",
				.sets = sets,
				.seed = 1,
				.on_mistake = mistake};
	return run_new(&q, run, err);
}

/* Two threads that write each page of 16 MiB, with maintenance checked; sets end with NULL. */
static struct result run_with(const char *const *sets)
{
	struct result r = {0};
	struct run_report report;
	struct err err = {0};
	cr_assert(eq(int, start(sets, &r.run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(r.run, NULL, NULL, &report, &err), OK), "%s", err.text);
	cr_expect(eq(u64, run_mistakes(r.run), 0), "maintenance");
	r.ops = machine_operations(run_machine(r.run));
	return r;
}

static uint64_t counter(const struct result *r, const char *path)
{
	const uint64_t *value = stats_find(run_stats(r->run), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

#define THREADS "workload.threads=2"

Test(hotplug, what_is_plugged_can_be_used_and_is_taken_back_once_its_pages_have_moved)
{
	static const char *const sets[] = {THREADS, NULL};
	struct result r = run_with(sets);
	const struct memop_stats *plug = memops_stats(r.ops, PLUG), *unplug = memops_stats(r.ops, UNPLUG);
	cr_expect(eq(u64, plug->pages, 32768), "128 MiB");
	cr_expect(eq(u64, plug->exits, 1), "one section");
	cr_expect(eq(u64, unplug->pages, 32768), "all of it");
	cr_expect(lt(u64, 2000, unplug->copied), "of 4096 pages, those beyond the first 64 MiB");
	cr_expect(eq(u64, unplug->freed_bytes, unplug->copied * 4096), "the host had nothing else there");
	cr_expect(eq(u64, counter(&r, "vm0.os.faults"), 4096), "no page is lost");
	run_free(r.run);
}

Test(hotplug, without_it_the_guest_runs_out_of_memory)
{
	static const char *const sets[] = {THREADS, "stack.memory_operations.plug.bytes=2M", NULL};
	struct run *run = NULL;
	struct run_report report;
	struct err err = {0};
	cr_assert(eq(int, start(sets, &run, &err), OK), "%s", err.text);
	cr_expect(eq(int, run_execute(run, NULL, NULL, &report, &err), ERR_INPUT));
	cr_expect(ne(ptr, strstr(err.text, "no memory left"), NULL), "%s", err.text);
	run_free(run);
}

Test(hotplug, blocks_of_stage_2_go_back_to_the_host_whole)
{
	static const char *const sets[] = {THREADS, "stack.hypervisors.0.mapping=block", NULL};
	struct result r = run_with(sets);
	const struct memop_stats *s = memops_stats(r.ops, UNPLUG);
	cr_expect(eq(u64, s->pages, 32768));
	cr_expect(lt(u64, 0, s->freed_bytes));
	cr_expect(eq(u64, s->freed_bytes % BLOCK, 0));
	cr_expect(eq(u64, s->changed, s->freed_bytes / BLOCK));
	run_free(r.run);
}

/* The balloon gives single pages back, so no huge page has another place. */
Test(hotplug, a_block_whose_pages_have_nowhere_to_go_stays)
{
	static const char *const sets[] = {THREADS, "stack.os.thp=always", NULL};
	struct result r = run_with(sets);
	const struct memop_stats *s = memops_stats(r.ops, UNPLUG);
	cr_expect(eq(u64, s->done, 1));
	cr_expect(lt(u64, s->pages, 32768));
	cr_expect(eq(u64, s->copied, 0));
	cr_expect(eq(u64, counter(&r, "vm0.os.faults"), 8), "and is not lost");
	run_free(r.run);
}

Test(hotplug, a_vcpu_that_is_off_does_nothing_while_others_run)
{
	static const char *const sets[] = {THREADS, NULL};
	struct result r = run_with(sets);
	uint64_t off = 5000 * 3000, idle = counter(&r, "cpu1.cycles_by_bucket.idle");
	cr_expect(eq(u64, memops_stats(r.ops, LATE)->down_cycles, off));
	cr_expect(lt(u64, off * 99 / 100, idle));
	cr_expect(lt(u64, idle, off + 60000));
	cr_expect(eq(u64, counter(&r, "cpu0.cycles_by_bucket.idle"), 0));
	run_free(r.run);
}

static void refused(const char *set, const char *text)
{
	const char *const sets[] = {THREADS, set, NULL};
	struct run *run = NULL;
	struct err err = {0};
	cr_expect(eq(int, start(sets, &run, &err), ERR_CONFIG), "%s", set);
	cr_expect(ne(ptr, strstr(err.text, text), NULL), "%s", err.text);
}

Test(hotplug, what_is_not_there_is_refused)
{
	refused("stack.memory_operations.late.vcpu=2", "late.vcpu: 2, but the VM has 2");
	refused("stack.memory_operations.plug.node=1", "plug.node: 1, but the guest sees 1");
	refused("stack.hypervisors.0.hotplug_bytes=192M", "hyp.hotplug_bytes: 201326592");
	refused("stack.os.placement=scattered", "needs os.placement: in_order");
}
