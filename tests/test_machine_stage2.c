/* A hypervisor works on stage 2 between accesses of its guest: TLBs, faults, time, and whether maintenance is complete. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/machine.h"

enum { PAGE = 4096, MEBI = 1 << 20, PAGES = 32 };
static const uint64_t va = 0x10000;

static struct machine_config config;
static struct hyp_params hyp;
static struct stack_params stack;
static struct machine *m;
static uint64_t mistakes;

static void note(void *owner, const struct mistake *mistake)
{
	(void)owner, (void)mistake;
	mistakes++;
}

static void setup(void)
{
	schema_defaults(&stack_schema, &stack);
	schema_defaults(&hyp_schema, &hyp);
	m = NULL;
	mistakes = 0;
}

static void shut(void)
{
	struct err err = {0};
	machine_finish(m);
	cr_expect(eq(int, machine_check_sums(m, &err), OK), "%s", err.text);
	cr_expect(eq(u64, mistakes, 0), "maintenance is complete");
	machine_free(m);
	machine_config_free(&config);
}

TestSuite(machine_stage2, .init = setup);

/* One vCPU on a Neoverse V2, whose maintenance is checked. */
static void boot(void)
{
	struct machine_request q = {.path = "configs/machines/neoverse-v2.yaml"};
	struct err err = {0};
	cr_assert(eq(int, machine_config_load(&config, &q, &err), OK), "%s", err.text);
	stack.hypervisors = (struct param_list){&hyp, 1};
	cr_assert(eq(int, machine_new(&config.params, &stack, 1, &m, &err), OK), "%s", err.text);
	machine_check_maintenance(m, note, NULL);
}

static void access_pages(enum record_kind kind, unsigned pages)
{
	struct err err = {0};
	for (unsigned i = 0; i < pages; i++) {
		struct record rec = {.kind = (uint8_t)kind, .addr = va + i * PAGE, .count = 8, .gap = 1};
		cr_assert(eq(int, machine_run(m, &rec, 1, &err), OK), "%s", err.text);
	}
}

static void perform(enum stage2_op op, uint64_t offset, uint64_t bytes)
{
	struct err err = {0};
	struct stage2_area area = {offset, bytes, PAGE};
	cr_assert(eq(int, machine_stage2(m, op, area, true, &err), OK), "%s", err.text);
}

static uint64_t counter(const char *path)
{
	machine_finish(m);
	const uint64_t *value = stats_find(machine_stats(m), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

/* The guest's tables fill the first 2 MiB of its memory, its data the next. */
static void unmap_data(void)
{
	uint64_t before = counter("vm0.hyp.unmapped");
	perform(STAGE2_UNMAP, 2 * MEBI, 2 * MEBI);
	cr_assert(le(u64, PAGES, counter("vm0.hyp.unmapped") - before));
}

Test(machine_stage2, what_is_unmapped_is_in_no_tlb_and_faults_again)
{
	for (unsigned flush = STAGE2_FLUSH_PAGE; flush <= STAGE2_FLUSH_VMID; flush++) {
		setup();
		hyp.stage2.unmap_flush = flush;
		boot();
		access_pages(REC_STORE, PAGES);
		uint64_t faults = counter("vm0.hyp.faults");
		access_pages(REC_STORE, PAGES);
		cr_assert(eq(u64, counter("vm0.hyp.faults"), faults));
		unmap_data();
		access_pages(REC_STORE, PAGES);
		cr_expect(eq(u64, counter("vm0.hyp.faults"), faults + PAGES), "flush %u", flush);
		if (flush < STAGE2_FLUSH_VMID) shut();
	}
	shut();
}

Test(machine_stage2, what_is_write_protected_may_be_read_and_faults_when_it_is_written)
{
	boot();
	access_pages(REC_STORE, PAGES);
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	uint64_t faults = counter("vm0.hyp.faults");
	access_pages(REC_LOAD, PAGES);
	cr_expect(eq(u64, counter("vm0.hyp.faults"), faults));
	access_pages(REC_STORE, PAGES / 2);
	cr_expect(eq(u64, counter("vm0.hyp.upgrades"), PAGES / 2));
	perform(STAGE2_DIRTY_LOG_COLLECT, 0, PAGE);
	cr_expect(eq(u64, counter("vm0.stage2.dirty_log_collect.dirty"), PAGES / 2));
	access_pages(REC_STORE, PAGES);
	cr_expect(eq(u64, counter("vm0.hyp.upgrades"), PAGES / 2 + PAGES), "they are protected again");
	shut();
}

Test(machine_stage2, a_written_block_is_broken_up_by_the_core_that_faulted)
{
	hyp.mapping = HYP_BLOCK;
	boot();
	access_pages(REC_STORE, PAGES);
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	uint64_t before = counter("cpu0.cycles_by_bucket.tlb_maintenance");
	access_pages(REC_STORE, 1);
	cr_expect(eq(u64, counter("vm0.dirty_log.blocks_split"), 1));
	uint64_t waited = counter("cpu0.cycles_by_bucket.tlb_maintenance") - before;
	cr_expect(eq(
		u64, waited,
		2 * (config.params.primitives.tlbi_broadcast_cycles + config.params.primitives.tlbi_cycles)));
	uint64_t mapped = counter("vm0.hyp.pages_mapped");
	access_pages(REC_LOAD, PAGES);
	cr_expect(eq(u64, counter("vm0.hyp.pages_mapped") - mapped, PAGES - 1), "the others come back");
	shut();
}

Test(machine_stage2, hardware_logs_without_a_fault)
{
	for (unsigned log = STAGE2_HARDWARE; log <= STAGE2_BUFFER; log++) {
		setup();
		hyp.stage2.dirty_log = log;
		boot();
		access_pages(REC_STORE, PAGES);
		perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
		uint64_t faults = counter("vm0.hyp.faults");
		access_pages(REC_STORE, PAGES / 2);
		cr_expect(eq(u64, counter("vm0.hyp.faults"), faults));
		perform(STAGE2_DIRTY_LOG_COLLECT, 0, PAGE);
		/* and the stage 1 tables, in which hardware has set flags */
		cr_expect(le(u64, PAGES / 2, counter("vm0.stage2.dirty_log_collect.dirty")));
		cr_expect(lt(u64, counter("vm0.stage2.dirty_log_collect.dirty"), PAGES));
		if (log < STAGE2_BUFFER) shut();
	}
	shut();
}

Test(machine_stage2, eager_splitting_takes_the_split_from_the_guests_writes)
{
	hyp.mapping = HYP_BLOCK;
	hyp.stage2.eager_split = 1;
	boot();
	access_pages(REC_STORE, PAGES);
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	cr_expect(lt(u64, 0, counter("vm0.stage2.dirty_log_start.tables")));
	access_pages(REC_STORE, PAGES);
	cr_expect(eq(u64, counter("vm0.dirty_log.blocks_split"), 0));
	cr_expect(eq(u64, counter("vm0.hyp.upgrades"), PAGES));
	shut();
}

/* A page of 2 MiB costs one visit, not 512. */
Test(machine_stage2, the_time_is_that_of_the_steps)
{
	uint64_t cycles[2];
	for (unsigned blocks = 0; blocks < 2; blocks++) {
		setup();
		hyp.mapping = blocks ? HYP_BLOCK : HYP_PAGE;
		boot();
		struct err err = {0};
		struct stage2_area all = {0, 64 * MEBI, PAGE};
		cr_assert(eq(int, machine_stage2(m, STAGE2_MAP, all, false, &err), OK), "%s", err.text);
		cr_assert(eq(u64, counter("cpu0.cycles"), 0), "before time begins");
		perform(STAGE2_UNMAP, 0, 64 * MEBI);
		cycles[blocks] = counter("vm0.stage2.unmap.cycles");
		cr_expect(eq(u64, counter("cpu0.cycles"), cycles[blocks]));
		cr_expect(eq(u64, counter("cpu0.cycles_by_el.el2"), cycles[blocks]));
		if (!blocks) shut();
	}
	cr_expect(lt(u64, 50 * cycles[1], cycles[0]));
	shut();
}

Test(machine_stage2, natively_there_is_none)
{
	struct err err = {0};
	struct stage2_area area = {0, PAGE, PAGE};
	struct machine_request q = {.path = "configs/machines/neoverse-v2.yaml"};
	cr_assert(eq(int, machine_config_load(&config, &q, &err), OK), "%s", err.text);
	cr_assert(eq(int, machine_new(&config.params, &stack, 1, &m, &err), OK), "%s", err.text);
	cr_expect(eq(int, machine_stage2(m, STAGE2_UNMAP, area, true, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, "no hypervisor"), NULL));
	shut();
}
