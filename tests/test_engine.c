/* Several cores: whose turn it is, what they share of a kernel, maintenance that is broadcast, placement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/engine.h"
#include "machine/run.h"
#include "mmu/tlbi.h"
#include "trace/generator.h"

/* --- machines, record by record ------------------------------------------------------------------------------------- */

struct rig {
	struct machine_config config;
	struct hyp_params hyp;
	struct stack_params stack;
	struct machine *machine;
};

/* `threads` on a Neoverse N1; sets end with NULL. */
static void build(struct rig *g, unsigned threads, bool vm, const char *const *sets)
{
	struct machine_request q = {.path = "configs/machines/neoverse-n1.yaml", .sets = sets};
	struct err err = {0};
	memset(g, 0, sizeof(*g));
	cr_assert(eq(int, machine_config_load(&g->config, &q, &err), OK), "%s", err.text);
	schema_defaults(&stack_schema, &g->stack);
	schema_defaults(&hyp_schema, &g->hyp);
	g->stack.threads = threads;
	if (vm) g->stack.hypervisors = (struct param_list){&g->hyp, 1};
	cr_assert(eq(int, machine_new(&g->config.params, &g->stack, 1, &g->machine, &err), OK), "%s",
		  err.text);
}

static void close_rig(struct rig *g)
{
	struct err err = {0};
	machine_finish(g->machine);
	cr_expect(eq(int, machine_check_sums(g->machine, &err), OK), "%s", err.text);
	machine_free(g->machine);
	machine_config_free(&g->config);
}

static void execute(struct rig *g, unsigned thread, struct record rec)
{
	struct err err = {0};
	struct core_turn turn;
	cr_assert(eq(int, machine_run_until(g->machine, thread, &rec, 1, UINT64_MAX, &turn, &err), OK), "%s",
		  err.text);
	cr_assert(eq(sz, turn.executed, 1));
}

static void load(struct rig *g, unsigned thread, uint64_t va)
{
	execute(g, thread, (struct record){.kind = REC_LOAD, .addr = va, .count = 8, .gap = 1});
}

static void tlbi(struct rig *g, unsigned thread, const char *name, uint64_t operand)
{
	struct tlbi_op op;
	cr_assert(tlbi_named(name, &op));
	execute(g, thread, (struct record){.kind = REC_TLBI, .count = tlbi_encoding(op), .arg = operand});
}

static uint64_t counter(const struct rig *g, const char *path)
{
	const uint64_t *value = stats_find(machine_stats(g->machine), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

static const char *const two_cores[] = {"cores=2", NULL};
static const uint64_t page = 0x10000;

Test(engine, threads_share_an_address_space_and_have_a_tlb_each)
{
	struct rig g;
	build(&g, 2, false, two_cores);
	load(&g, 0, page);
	load(&g, 1, page);
	load(&g, 1, page);
	cr_expect(eq(u64, counter(&g, "os.pages_mapped"), 1), "what one has touched is there for the other");
	cr_expect(eq(u64, counter(&g, "cpu0.faults"), 1));
	cr_expect(eq(u64, counter(&g, "cpu1.faults"), 0));
	cr_expect(eq(u64, counter(&g, "cpu1.l1d_tlb.misses"), 1));
	cr_expect(eq(u64, counter(&g, "cpu1.l1d_tlb.lookups"), 2));
	cr_expect(eq(u64, counter(&g, "cpu1.accesses"), 2));
	close_rig(&g);
}

Test(engine, vcpus_of_a_vm_share_its_memory)
{
	struct rig g;
	build(&g, 2, true, two_cores);
	load(&g, 0, page);
	uint64_t faults = counter(&g, "vm0.hyp.faults");
	load(&g, 1, page);
	cr_expect(eq(u64, counter(&g, "vm0.hyp.faults"), faults));
	cr_expect(eq(u64, counter(&g, "cpu1.walker.walks"), 1));
	close_rig(&g);
}

/* Whether a load of `page` by the thread has to walk. */
static bool walks(struct rig *g, unsigned thread)
{
	char path[32];
	snprintf(path, sizeof(path), "cpu%u.walker.walks", thread);
	uint64_t before = counter(g, path);
	load(g, thread, page);
	return counter(g, path) != before;
}

Test(engine, a_tlbi_for_one_core_leaves_the_others_and_a_broadcast_one_reaches_all)
{
	static const struct {
		const char *name;
		bool broadcast;
	} operations[] = {{"VMALLE1", false},
			  {"VMALLE1IS", true},
			  {"VMALLE1OS", true},
			  {"VAAE1IS", true},
			  {"VAAE1", false}};
	static const char *const sets[] = {"cores=2", "features.tlbios=yes", "features.vhe=no", NULL};
	struct rig g;
	build(&g, 2, false, sets);
	for (unsigned i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		load(&g, 0, page);
		load(&g, 1, page);
		cr_expect(eq(int, walks(&g, 0) + walks(&g, 1), 0));
		tlbi(&g, 0, operations[i].name, page >> 12);
		cr_expect(walks(&g, 0), "%s", operations[i].name);
		cr_expect(eq(int, walks(&g, 1), operations[i].broadcast), "%s", operations[i].name);
	}
	close_rig(&g);
}

Test(engine, unmapping_on_one_core_makes_the_other_fault)
{
	struct rig g;
	build(&g, 2, false, two_cores);
	load(&g, 0, page);
	load(&g, 1, page);
	execute(&g, 0, (struct record){.kind = REC_UNMAP, .addr = page, .arg = 4096});
	load(&g, 1, page);
	cr_expect(eq(u64, counter(&g, "cpu1.faults"), 1));
	close_rig(&g);
}

/* --- TLBs that cores share ------------------------------------------------------------------------------------------ */

static const char *const shared_l2[] = {"cores=4", "topology.cluster_cores=2", "tlbs.l2.shared=cluster",
					NULL};

Test(engine, cores_of_a_cluster_find_each_others_translations_in_the_tlb_that_they_share)
{
	struct rig g;
	build(&g, 4, false, shared_l2);
	cr_expect(eq(int, walks(&g, 0), 1));
	cr_expect(eq(int, walks(&g, 1), 0), "of the same cluster");
	cr_expect(eq(int, walks(&g, 2), 1), "of the other");
	cr_expect(eq(int, walks(&g, 3), 0));
	cr_expect(eq(u64, counter(&g, "cluster0.l2_tlb.lookups"), 2));
	cr_expect(eq(u64, counter(&g, "cluster0.l2_tlb.misses"), 1));
	cr_expect(eq(u64, counter(&g, "cluster1.l2_tlb.misses"), 1));
	cr_expect(eq(ptr, (void *)stats_find(machine_stats(g.machine), "cpu0.l2_tlb.lookups"), NULL));
	close_rig(&g);
}

Test(engine, a_broadcast_tlbi_reaches_every_shared_tlb_and_one_for_a_core_the_one_that_it_uses)
{
	struct rig g;
	build(&g, 4, false, shared_l2);
	for (unsigned t = 0; t < 4; t++) load(&g, t, page);
	tlbi(&g, 0, "VMALLE1IS", 0);
	cr_expect(eq(int, walks(&g, 3), 1));
	load(&g, 0, page);
	tlbi(&g, 0, "VMALLE1", 0);
	cr_expect(eq(int, walks(&g, 0), 1), "out of the TLB that it shares, too");
	cr_expect(eq(int, walks(&g, 2), 0), "the other cluster keeps its own");
	close_rig(&g);
}

Test(engine, an_inclusive_shared_tlb_takes_what_it_evicts_from_all_its_cores)
{
	static const char *const sets[] = {"cores=2",
					   "tlbs.l2.shared=yes",
					   "tlbs.l2.inclusion=inclusive",
					   "tlbs.l2.entries=5",
					   "tlbs.l2.ways=5",
					   "tlbs.l2.contiguous=yes",
					   NULL};
	struct rig g;
	build(&g, 2, false, sets);
	load(&g, 1, page);
	for (uint64_t i = 1; i <= 5; i++) load(&g, 0, page + (i << 12));
	cr_expect(lt(u64, 0, counter(&g, "l2_tlb.dropped_above")));
	cr_expect(eq(int, walks(&g, 1), 1), "core 1 lost its entry to what core 0 asked for");
	close_rig(&g);
}

Test(engine, the_lookahead_is_the_look_up_time_of_a_shared_tlb_where_that_is_nearest)
{
	static const char *const sets[] = {"cores=2", "tlbs.l2.shared=yes", "tlbs.l2.hit_cycles=7", NULL};
	struct rig g;
	build(&g, 2, false, sets);
	cr_expect(eq(u64, machine_lookahead(g.machine), 7));
	close_rig(&g);
	build(&g, 2, false, two_cores);
	cr_expect(eq(u64, machine_lookahead(g.machine), 94), "else that of the system cache");
	close_rig(&g);
}

/* --- turns ------------------------------------------------------------------------------------------------------------ */

static const uint64_t GIGABYTE = UINT64_C(1) << 30;

static void open_streams(struct trace_source **source, unsigned threads, uint64_t accesses,
			 uint64_t footprint_bytes, bool update)
{
	struct gen_params p;
	struct err err = {0};
	schema_defaults(&gen_schema, &p);
	p.generator = GEN_uniform;
	p.accesses = accesses;
	p.threads = threads;
	p.footprint_bytes = footprint_bytes;
	p.update = update;
	for (unsigned t = 0; t < threads; t++)
		cr_assert(eq(int, gen_open("test", &p, 1, t, &source[t], &err), OK), "%s", err.text);
}

static uint64_t cycles_of(const struct rig *g, unsigned thread)
{
	const struct record rec = {.kind = REC_DSB};
	return machine_next(g->machine, thread, &rec);
}

/* Runs both threads to their ends. Returns the number of turns. */
static unsigned run_turns(struct rig *g, struct trace_source *const *source)
{
	struct engine *e = engine_new(g->machine, source);
	struct err err = {0};
	uint64_t left = UINT64_MAX, records = 0;
	unsigned turns = 0;
	bool more = true;
	for (; more; turns++)
		cr_assert(eq(int, engine_turn(e, &left, &records, &more, &err), OK), "%s", err.text);
	engine_free(e);
	cr_expect(eq(u64, records, 2 * 3000));
	return turns;
}

static unsigned turns_with(const char *set, const char *other, uint64_t footprint_bytes, bool update)
{
	const char *const sets[] = {"cores=2", set, other, NULL};
	struct trace_source *source[2];
	struct rig g;
	build(&g, 2, false, sets);
	open_streams(source, 2, 3000, footprint_bytes, update);
	unsigned turns = run_turns(&g, source);
	uint64_t a = cycles_of(&g, 0), b = cycles_of(&g, 1);
	cr_expect(lt(u64, a > b ? a - b : b - a, a / 20), "both took about as long");
	for (unsigned t = 0; t < 2; t++) trace_close(source[t]);
	close_rig(&g);
	return turns;
}

static unsigned turns_of(const char *set, uint64_t footprint_bytes, bool update)
{
	return turns_with(set, NULL, footprint_bytes, update);
}

static unsigned turns_under(const char *set, uint64_t footprint_bytes)
{
	return turns_of(set, footprint_bytes, false);
}

Test(engine, the_lookahead_makes_turns_of_hits_longer)
{
	enum { LINES = 4096 }; /* bytes: one page, and few lines */
	unsigned strict = turns_under("order=strict", LINES),
		 near = turns_under("lookahead_cycles=100", LINES),
		 far = turns_under("lookahead_cycles=100000", LINES);
	cr_expect(lt(uint, 5 * near, strict));
	cr_expect(lt(uint, far, near));
}

Test(engine, what_is_shared_is_reached_in_strict_order_whatever_the_lookahead)
{
	unsigned strict = turns_under("order=strict", GIGABYTE);
	cr_expect(eq(uint, turns_under("lookahead_cycles=100", GIGABYTE), strict), "every access misses");
	cr_expect(eq(uint, turns_under("lookahead_cycles=100000", GIGABYTE), strict));
}

/* The store goes where the load before it went, whose walk and line are under way. */
Test(engine, what_waits_for_the_walk_of_the_access_before_is_of_the_same_turn)
{
	enum { PAGES = 256 << 12 }; /* that the first TLB does not hold */
	unsigned strict = turns_of("order=strict", PAGES, true);
	cr_expect(lt(uint, 5 * turns_of("lookahead_cycles=100", PAGES, true), 4 * strict));
}

/* Another core may ask for the line before the walk has ended. */
Test(engine, under_a_directory_what_waits_for_a_walk_has_a_turn_of_its_own)
{
	enum { PAGES = 256 << 12 };
	unsigned alone = turns_of("lookahead_cycles=100", PAGES, true),
		 shared = turns_with("lookahead_cycles=100", "coherence.protocol=directory", PAGES, true);
	cr_expect(lt(uint, alone, shared));
}

static uint64_t next_load(const struct rig *g, uint8_t flags)
{
	struct record rec = {.kind = REC_LOAD, .addr = page, .count = 8, .gap = 1, .flags = flags};
	return machine_next(g->machine, 0, &rec);
}

/* A load that depends on the one before begins when that one is done; one behind a full window when there is room. */
Test(engine, a_record_has_its_turn_when_its_access_begins)
{
	enum { ROB = 128, LINES = 1024 };
	struct rig g;
	struct err err = {0};
	build(&g, 2, false, two_cores);
	for (uint64_t i = 0; i < LINES; i++) {
		struct record rec = {.kind = REC_LOAD, .addr = page + 64 * i, .count = 8, .gap = 1};
		cr_assert(eq(int, machine_populate(g.machine, 0, &rec, 1, &err), OK), "%s", err.text);
	}
	machine_populate_end(g.machine);
	load(&g, 0, page);
	uint64_t miss = next_load(&g, REC_DEPENDENT);
	cr_expect(lt(u64, 300, miss), "a walk and a line from memory");
	cr_expect(lt(u64, next_load(&g, 0), 4));
	for (uint64_t i = 1; i < ROB / 2; i++) load(&g, 0, page + 64 * i);
	cr_expect(lt(u64, next_load(&g, 0), ROB), "the window has room");
	for (uint64_t i = ROB / 2; i < ROB; i++) load(&g, 0, page + 64 * i);
	cr_expect(le(u64, miss, next_load(&g, 0)), "until the first load is done");
	close_rig(&g);
}

/* Threads keep abreast: none is further ahead than the lookahead and one access. */
static void expect_abreast(const struct rig *g, unsigned threads)
{
	uint64_t low = UINT64_MAX, high = 0;
	for (unsigned t = 0; t < threads; t++) {
		uint64_t now = cycles_of(g, t);
		low = now < low ? now : low;
		high = now > high ? now : high;
	}
	/* One access of this machine takes less than 5000 cycles: its walk, its fault and its line. */
	cr_assert(lt(u64, high - low, 50 + 5000));
}

Test(engine, no_thread_is_further_ahead_than_the_lookahead_and_one_access)
{
	static const char *const sets[] = {"cores=3", "lookahead_cycles=50", NULL};
	struct trace_source *source[3];
	struct rig g;
	struct err err = {0};
	build(&g, 3, false, sets);
	open_streams(source, 3, 2000, GIGABYTE, false);
	struct engine *e = engine_new(g.machine, source);
	uint64_t left = UINT64_MAX, records = 0;
	for (bool more = true; records < 5000;) {
		cr_assert(eq(int, engine_turn(e, &left, &records, &more, &err), OK), "%s", err.text);
		expect_abreast(&g, 3);
	}
	engine_free(e);
	for (unsigned t = 0; t < 3; t++) trace_close(source[t]);
	close_rig(&g);
}

/* --- runs -------------------------------------------------------------------------------------------------------------- */

struct counted {
	struct run *run;
	struct run_report report;
};

static struct counted run_with(const char *machine, const char *stack, const char *const *sets)
{
	struct counted c = {0};
	struct err err = {0};
	struct run_request q = {.machine = machine,
				.stack = stack,
				.workload = "workloads/gups.yaml",
				.sets = sets,
				.seed = 1};
	cr_assert(eq(int, run_new(&q, &c.run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(c.run, NULL, NULL, &c.report, &err), OK), "%s", err.text);
	return c;
}

struct comparison {
	const struct stats *other;
	unsigned compared;
};

/* Functional results do not depend on the order at all; the rest agrees within a hundredth. */
static bool is_functional(const char *path)
{
	static const char *const names[] = {".accesses",    ".instructions", ".loads",
					    ".stores",      ".lookups",      "os.faults",
					    "pages_mapped", "os.tables",     "hyp.faults"};
	const char *core = strncmp(path, "cpu", 3) == 0 ? strchr(path, '.') : path;
	for (unsigned i = 0; i < 4; i++)
		if (strcmp(core, names[i]) == 0) return true;
	for (unsigned i = 5; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(path, names[i])) return true;
	return false;
}

static enum status compare(void *ctx, const struct stat_value *v, struct err *err)
{
	struct comparison *c = ctx;
	(void)err;
	if (v->hist || strchr(v->path, '[')) return OK;
	const uint64_t *other = stats_find(c->other, v->path);
	if (!other) return OK;
	uint64_t apart = v->value > *other ? v->value - *other : *other - v->value;
	uint64_t most = is_functional(v->path) ? 0 : v->value / 100;
	c->compared++;
	cr_expect(le(u64, apart, most), "%s: %lu and %lu", v->path, v->value, *other);
	return OK;
}

static void expect_agreement(const char *machine, const char *stack, const char *set)
{
	const char *strict[] = {set,
				"topology.cluster_cores=2",
				"stack.threads=4",
				"workload.threads=4",
				"workload.footprint_bytes=4M",
				"workload.accesses=20000",
				"order=strict",
				NULL};
	const char *ahead[8];
	memcpy(ahead, strict, sizeof(ahead));
	ahead[6] = "order=lookahead";
	struct counted a = run_with(machine, stack, strict), b = run_with(machine, stack, ahead);
	struct comparison c = {run_stats(b.run), 0};
	struct err err = {0};
	stats_visit(run_stats(a.run), compare, &c, &err);
	cr_expect(lt(uint, 100, c.compared));
	cr_expect(eq(u64, a.report.accesses, 4 * 20000));
	run_free(a.run);
	run_free(b.run);
}

Test(engine, strict_order_and_lookahead_agree_natively)
{
	expect_agreement("configs/machines/neoverse-n1.yaml", NULL, "cores=8");
}

Test(engine, strict_order_and_lookahead_agree_under_a_hypervisor)
{
	expect_agreement("configs/machines/neoverse-n1.yaml", "configs/stacks/kvm-4k.yaml", "cores=8");
}

Test(engine, strict_order_and_lookahead_agree_with_a_shared_tlb)
{
	expect_agreement("configs/machines/neoverse-n1.yaml", "configs/stacks/kvm-4k.yaml",
			 "tlbs.l2.shared=cluster");
}

Test(engine, a_thread_may_run_on_any_core_and_counts_there)
{
	const char *at_0[] = {"cores=8", "workload.accesses=5000", NULL};
	const char *at_5[] = {"cores=8", "workload.accesses=5000", "stack.pin=5", NULL};
	struct counted a = run_with("configs/machines/neoverse-n1.yaml", NULL, at_0),
		       b = run_with("configs/machines/neoverse-n1.yaml", NULL, at_5);
	cr_expect(eq(u64, a.report.cycles, b.report.cycles));
	cr_expect(eq(u64, *stats_find(run_stats(a.run), "cpu0.l1d.misses"),
		     *stats_find(run_stats(b.run), "cpu5.l1d.misses")));
	cr_expect(eq(ptr, (void *)stats_find(run_stats(b.run), "cpu0.cycles"), NULL),
		  "an idle core is not built");
	run_free(a.run);
	run_free(b.run);
}

Test(engine, regions_end_where_all_threads_together_have_had_their_share)
{
	const char *sets[] = {"cores=4", "stack.threads=4", "workload.threads=4", NULL};
	struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				.workload = "workloads/gups.yaml",
				.sets = sets,
				.seed = 1,
				.warmup = 1000,
				.limit = 500};
	struct err err = {0};
	struct run *run;
	struct run_report report;
	cr_assert(eq(int, run_new(&q, &run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(run, NULL, NULL, &report, &err), OK), "%s", err.text);
	cr_expect(eq(u64, report.accesses, 4 * 500));
	cr_expect(eq(u64, report.records, 4 * 1500));
	run_free(run);
}

static const char *refusal(const char *const *sets)
{
	static struct err err;
	struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				.workload = "workloads/gups.yaml",
				.sets = sets,
				.seed = 1};
	struct run *run = NULL;
	err.text[0] = 0;
	if (run_new(&q, &run, &err) == OK) run_free(run);
	return err.text;
}

Test(engine, threads_without_a_core_or_a_stream_are_refused)
{
	const char *cores[] = {"cores=2", "stack.threads=3", "workload.threads=3", NULL};
	cr_expect(eq(str, (char *)refusal(cores),
		     (char *)"stack.threads: 3, but there are 2 cores in the machine (cores)"));
	const char *pins[] = {"cores=8", "stack.threads=3", "workload.threads=3", "stack.pin=1-2", NULL};
	cr_expect(eq(str, (char *)refusal(pins),
		     (char *)"stack.threads: 3, but there are 2 cores in stack.pin"));
	const char *far[] = {"cores=8", "stack.pin=8", NULL};
	cr_expect(eq(str, (char *)refusal(far), (char *)"stack.pin: '8': 8 is outside 0..7"));
	const char *streams[] = {"cores=8", "stack.threads=2", NULL};
	cr_expect(eq(
		str, (char *)refusal(streams),
		(char *)"stack.threads: 2, but workloads/gups.yaml has 1 streams from stream 0 on (workload.threads)"));
}
