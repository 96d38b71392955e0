/* Whole runs: recorded programs against published miss counts, regions, seeds, addresses that nobody can map. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "machine/machine.h"
#include "machine/run.h"

/* --- runs ---------------------------------------------------------------------------------------------------------- */

/* Runs `q`; its counters by path. */
static json_t *counters_of(const struct run_request *q, struct run_report *report)
{
	struct run *run = NULL;
	struct err err = {0};
	char *text = NULL;
	size_t bytes;
	cr_assert(eq(int, run_new(q, &run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(run, NULL, NULL, report, &err), OK), "%s", err.text);
	FILE *out = open_memstream(&text, &bytes);
	cr_assert(eq(int, run_json(run, out, &err), OK), "%s", err.text);
	fclose(out);
	run_free(run);
	json_t *json = json_loads(text, 0, NULL);
	cr_assert(ne(ptr, json, NULL));
	free(text);
	return json;
}

static uint64_t counter(const json_t *counters, const char *path)
{
	const json_t *value = json_object_get(counters, path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	cr_assert(eq(int, json_typeof(value), JSON_INTEGER), "no counter %s", path);
	return (uint64_t)json_integer_value(value);
}

/* ../shared/real/README.md: a plain LRU model's misses. */
struct program {
	char name[16];
	uint64_t l1i, l1d, l2;
};

static struct program programs[] = {{"gzip", 10, 432, 81},
				    {"mawk_random", 9, 218539, 198017},
				    {"sort", 11, 33814, 1262},
				    {"sqlite_lookup", 35, 8846, 4794}};

ParameterizedTestParameters(machine, plain_lru_misses_as_published_on_recorded_programs)
{
	return cr_make_param_array(struct program, programs, sizeof(programs) / sizeof(programs[0]));
}

ParameterizedTest(struct program *p, machine, plain_lru_misses_as_published_on_recorded_programs)
{
	char path[64];
	struct run_report report;
	snprintf(path, sizeof(path), "../shared/real/user/%s.mtr.zst", p->name);
	struct run_request q = {.machine = "configs/machines/plain-lru.yaml", .workload = path, .seed = 1};
	json_t *c = counters_of(&q, &report);
	cr_expect(eq(u64, counter(c, "cpu0.l1i_tlb.misses"), p->l1i));
	cr_expect(eq(u64, counter(c, "cpu0.l1d_tlb.misses"), p->l1d));
	cr_expect(eq(u64, counter(c, "cpu0.l2_tlb.misses"), p->l2));
	cr_expect(eq(u64, counter(c, "cpu0.l1i_tlb.lookups"), report.instructions), "one per instruction");
	cr_expect(eq(u64, counter(c, "cpu0.l1d_tlb.lookups"), report.accesses), "one per access");
	json_decref(c);
}

static const char *const zipf_sets[] = {"workload.footprint_bytes=64M", "workload.accesses=40000", NULL};

static struct run_request zipf_under_kvm(uint64_t seed, uint64_t warmup, uint64_t limit)
{
	return (struct run_request){.machine = "configs/machines/neoverse-n1.yaml",
				    .stack = "configs/stacks/kvm-4k.yaml",
				    .workload = "workloads/zipf.yaml",
				    .sets = zipf_sets,
				    .seed = seed,
				    .warmup = warmup,
				    .limit = limit};
}

Test(machine, the_same_seed_gives_the_same_counters_and_another_seed_does_not)
{
	struct run_request q = zipf_under_kvm(7, 0, 20000), other = zipf_under_kvm(8, 0, 20000);
	struct run_report report;
	json_t *a = counters_of(&q, &report), *b = counters_of(&q, &report),
	       *c = counters_of(&other, &report);
	cr_expect(eq(int, json_equal(a, b), 1));
	cr_expect(eq(int, json_equal(a, c), 0));
	json_decref(a);
	json_decref(b);
	json_decref(c);
}

/* State goes on over the end of the warm-up: two regions count together what one run over both counts. */
Test(machine, warm_up_and_measured_region_add_up_to_the_whole)
{
	static const char *const additive[] = {
		"cpu0.accesses",       "cpu0.instructions",  "cpu0.faults",       "cpu0.l1d_tlb.lookups",
		"cpu0.l1d_tlb.misses", "cpu0.l2_tlb.misses", "cpu0.walker.walks", "cpu0.l1d.misses",
		"cpu0.l2.accesses",    "node0.reads",        "vm0.hyp.faults",    "vm0.os.faults"};
	struct run_request whole = zipf_under_kvm(1, 0, 9000), first = zipf_under_kvm(1, 0, 4000),
			   second = zipf_under_kvm(1, 4000, 5000);
	struct run_report all, one, two;
	json_t *w = counters_of(&whole, &all), *a = counters_of(&first, &one),
	       *b = counters_of(&second, &two);
	for (unsigned i = 0; i < sizeof(additive) / sizeof(additive[0]); i++)
		cr_expect(eq(u64, counter(w, additive[i]), counter(a, additive[i]) + counter(b, additive[i])),
			  "%s", additive[i]);
	cr_expect(eq(u64, two.accesses, 5000));
	cr_expect(eq(u64, two.records - two.accesses, 4000), "the warm-up was replayed");
	cr_expect(le(u64, all.cycles - one.cycles - two.cycles, 1));
	json_decref(w);
	json_decref(a);
	json_decref(b);
}

Test(machine, a_workload_that_ends_within_its_warm_up_is_refused)
{
	struct run_request q = zipf_under_kvm(1, 50000, 10);
	struct run_report report;
	struct run *run = NULL;
	struct err err = {0};
	cr_assert(eq(int, run_new(&q, &run, &err), OK), "%s", err.text);
	cr_expect(eq(int, run_execute(run, NULL, NULL, &report, &err), ERR_INPUT));
	cr_expect(eq(str, err.text,
		     (char *)"workloads/zipf.yaml: ends within the warm-up of 50000 loads and stores"));
	run_free(run);
}

/* --- machines, access by access ------------------------------------------------------------------------------------ */

struct rig {
	struct machine_config config;
	struct hyp_params hyp;
	struct stack_params stack;
	struct machine *machine;
};

static void describe(struct rig *g, const char *machine, const char *set)
{
	const char *sets[] = {set, NULL};
	struct machine_request q = {.path = machine, .sets = set ? sets : NULL};
	struct err err = {0};
	memset(g, 0, sizeof(*g));
	cr_assert(eq(int, machine_config_load(&g->config, &q, &err), OK), "%s", err.text);
	schema_defaults(&stack_schema, &g->stack);
	schema_defaults(&hyp_schema, &g->hyp);
}

static void build(struct rig *g)
{
	struct err err = {0};
	cr_assert(eq(int, machine_new(&g->config.params, &g->stack, 1, &g->machine, &err), OK), "%s",
		  err.text);
}

static void close_rig(struct rig *g)
{
	machine_free(g->machine);
	machine_config_free(&g->config);
}

/* What comes of one access; *err has the text. */
static enum status access_one(struct rig *g, enum record_kind kind, uint64_t va, struct err *err)
{
	struct record r = {.addr = va,
			   .count = kind == REC_FETCH ? 1 : 8,
			   .gap = kind == REC_FETCH ? 0 : 1,
			   .kind = (uint8_t)kind};
	return machine_run(g->machine, &r, 1, err);
}

static void expect_refusal(struct rig *g, enum record_kind kind, uint64_t va, const char *text)
{
	struct err err = {0};
	cr_expect(eq(int, access_one(g, kind, va, &err), ERR_INPUT));
	cr_expect(eq(str, err.text, (char *)text));
}

Test(machine, an_address_outside_of_the_address_space_is_named)
{
	struct rig g;
	describe(&g, "configs/machines/neoverse-n1.yaml", NULL);
	g.stack.os.va_bits = 39;
	build(&g);
	expect_refusal(
		&g, REC_LOAD, UINT64_C(1) << 39,
		"the workload's read of VA 0x8000000000 cannot go on: it is outside of the kernel's address space "
		"(os.va_bits)");
	close_rig(&g);
}

Test(machine, a_kernel_address_is_named)
{
	struct rig g;
	describe(&g, "configs/machines/neoverse-n1.yaml", NULL);
	build(&g);
	expect_refusal(
		&g, REC_STORE, 0xffff800000001000,
		"the workload's write of VA 0xffff800000001000 cannot go on: it is mapped, but EL0 may not access it "
		"(is it a kernel address?)");
	close_rig(&g);
}

Test(machine, a_kernel_without_memory_left_says_so)
{
	struct rig g;
	struct err err = {0};
	uint64_t page = 0;
	describe(&g, "configs/teaching/tiny.yaml", "memory.nodes.ram.size=2M");
	build(&g);
	while (page < 600 && access_one(&g, REC_LOAD, page << 12, &err) == OK) page++;
	cr_expect(lt(u64, 400, page));
	cr_expect(lt(u64, page, 512));
	cr_expect(ne(ptr,
		     strstr(err.text, "the kernel has no memory left (memory size of the machine or VM)"),
		     NULL),
		  "%s", err.text);
	close_rig(&g);
}

/* A stream that lacks sizes has accesses of 0 bytes. */
Test(machine, populate_maps_the_page_of_an_access_of_unknown_size)
{
	struct record r = {.addr = 0x400ffc, .gap = 1, .kind = REC_LOAD};
	struct rig g;
	struct err err = {0};
	describe(&g, "configs/machines/cortex-a55.yaml", NULL);
	build(&g);
	cr_assert(eq(int, machine_populate(g.machine, 0, &r, 1, &err), OK), "%s", err.text);
	machine_populate_end(g.machine);
	machine_reset_stats(g.machine);
	cr_assert(eq(int, machine_run(g.machine, &r, 1, &err), OK), "%s", err.text);
	machine_finish(g.machine);
	cr_expect(eq(u64, machine_totals(g.machine).accesses, 1));
	cr_expect(eq(u64, *stats_find(machine_stats(g.machine), "cpu0.faults"), 0));
	close_rig(&g);
}

Test(machine, events_of_a_workload_are_counted_and_have_no_effect)
{
	struct record rec[3] = {{.addr = 0x1000, .count = 8, .gap = 1, .kind = REC_LOAD},
				{.kind = REC_MARKER, .count = 1},
				{.addr = 0x1000, .count = 8, .gap = 1, .kind = REC_LOAD}};
	struct rig g;
	struct err err = {0};
	describe(&g, "configs/machines/cortex-a55.yaml", NULL);
	build(&g);
	cr_assert(eq(int, machine_run(g.machine, rec, 3, &err), OK), "%s", err.text);
	machine_finish(g.machine);
	cr_expect(eq(u64, machine_totals(g.machine).accesses, 2));
	cr_expect(eq(u64, *stats_find(machine_stats(g.machine), "events.ignored"), 1));
	close_rig(&g);
}

/* --- every machine under every stack ------------------------------------------------------------------------------- */

struct pair_case {
	unsigned machine, stack;
};

static const char *const machine_names[] = {"neoverse-n1", "neoverse-v2", "cortex-a72", "cortex-a55",
					    "kunpeng-920"};
static const char *const stack_names[] = {"native", "kvm-4k", "kvm-2m"};

ParameterizedTestParameters(machine, conservation_laws_hold_on_every_machine_under_every_stack)
{
	static struct pair_case cases[15];
	for (unsigned i = 0; i < 15; i++) cases[i] = (struct pair_case){i / 3, i % 3};
	return cr_make_param_array(struct pair_case, cases, 15);
}

ParameterizedTest(struct pair_case *p, machine, conservation_laws_hold_on_every_machine_under_every_stack)
{
	char machine[64], stack[64];
	struct run_report report;
	snprintf(machine, sizeof(machine), "configs/machines/%s.yaml", machine_names[p->machine]);
	snprintf(stack, sizeof(stack), "configs/stacks/%s.yaml", stack_names[p->stack]);
	struct run_request q = {.machine = machine,
				.stack = stack,
				.workload = "workloads/sqlite_lookup.stt",
				.seed = 1,
				.warmup = 20000,
				.limit = 60000};
	json_t *c = counters_of(&q, &report); /* a run whose sums do not hold fails */
	cr_expect(ge(u64, report.accesses, 60000));
	cr_expect(lt(u64, 0, report.cycles));
	cr_expect(eq(int, json_object_get(c, "vm0.hyp.faults") != NULL, p->stack != 0));
	if (p->stack == 0) cr_expect(eq(u64, counter(c, "cpu0.walker.descriptor_reads.s2_final"), 0));
	json_decref(c);
}
