/* test_path_files.c - files of software paths that are wrong, runs that lead nowhere, and random guests. */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "hyp/path_steps.h"

/* --- files that are wrong ----------------------------------------------------------------------------- */

struct wrong_case {
	char yaml[220];
	char message[120];
};

#define HEAD "start: {path: a, el: 2}\n"
ParameterizedTestParameters(path_files, what_is_wrong_is_named_with_its_place)
{
	static struct wrong_case cases[] = {
		{HEAD "paths:\n  a:\n    - bariers: dsb\n", ":4:7: bariers: no such step"},
		{HEAD "paths:\n  a:\n    - write: {HRC_EL2: 0}\n",
		 ":4:15: HRC_EL2: no register of that name"},
		{HEAD "paths:\n  a:\n    - write: {SCR_EL3: 0}\n",
		 ":4:15: write: SCR_EL3 is not accessible at this level (it runs at EL2)"},
		{HEAD "paths:\n  a:\n    - call: b\n", ":4:13: b: there is no such path"},
		{HEAD "paths:\n  b: ~\n  a:\n    - call: b\n", ":5:13: b: a path without steps ("},
		{HEAD "paths: {b: ~, a: [done]}\nvectors: {v: {el: 2, lower_sync: b}}\n",
		 ":3:34: v.lower_sync: a path is needed"},
		{HEAD "paths:\n  a:\n    - set: v\n", ":4:12: v: there is no such variable"},
		{HEAD "paths:\n  a:\n    - save: {c: d}\n", ":4:14: c: there is no such class of registers"},
		{HEAD "paths:\n  a:\n    - if: {fature: sve}\n      then: [eret]\n",
		 ":4:12: fature: no such condition"},
		{HEAD "paths:\n  a:\n    - if: {feature: svee}\n      then: [eret]\n",
		 ":4:21: svee: no such feature"},
		{HEAD "paths:\n  a:\n    - if: {fault: size}\n      then: [eret]\n",
		 ":4:19: size: translation, access_flag or permission is needed"},
		{HEAD "paths:\n  a:\n    - if: {service: psci}\n      then: [eret]\n",
		 ":4:21: service: psci: is none of arch cpu sip oem standard"},
		{HEAD "paths:\n  a:\n    - eret: 1\n", ":4:13: eret: takes no argument"},
		{HEAD "paths:\n  a: [eret]\n  b: [eret]\n", ":4:3: b: nothing leads to this path"},
		{HEAD "paths:\n  a: [done]\n", ":3:7: done: only an operation of the guest ends"},
		{HEAD "paths:\n  a: [{smc: PSCI_CPU_ONN}]\n", ":3:13: PSCI_CPU_ONN: no SMCCC or PSCI call"},
		{HEAD "vectors:\n  v: {el: 2, lower_snyc: a}\npaths: {a: [eret]}\n",
		 ":3:14: v: no key 'lower_snyc'; did you mean 'lower_sync'?"},
		{HEAD "paths:\n  a:\n    - write: {DAIF: 0}\n", ":4:15: DAIF: is a part of PSTATE"},
		{"start: {path: a, el: 0}\npaths: {a: [eret]}\n", ":2:13: eret: is undefined at EL0"},
		{"paths: {a: [eret]}\n", "start: {path, el, registers} is needed"},
		{"start: {path: a, el: 2, registers: [1]}\npaths: {a: [eret]}\n",
		 ":1:36: registers and their values are needed"},
		{HEAD "contexts: {c: 3}\npaths: {a: [eret]}\n",
		 ":2:15: registers and their values are needed"},
		{HEAD "contexts: {c: {}}\npaths:\n  a:\n    - spill: {registers: xp, count: 3, context: c}\n",
		 ":5:26: xp: gp, fp or sve is needed"},
		{HEAD "contexts: {c: {}}\npaths:\n  a:\n    - fill: {registers: gp, count: 33, context: c}\n",
		 ":5:7: fill: count: 1 to 32 registers"},
		{HEAD "contexts: {c: {}}\npaths:\n  a:\n    - fill: {registers: gp, count: 3}\n",
		 ":5:7: fill: registers and context are needed"},
		{HEAD "paths:\n  a:\n    - work: {name: x, instructions: 1000001}\n",
		 ":4:7: work: at most 1000000 instructions and 100000 lines in one step"},
	};
	return cr_make_param_array(struct wrong_case, cases, sizeof(cases) / sizeof(cases[0]));
}

static enum status load_for(const char *cpu, struct conf *c, const char *yaml, struct path_book **b,
			    struct err *err)
{
	char path[] = "/tmp/strata-path-XXXXXX";
	const struct features *f = features_of_cpu(cpu);
	FILE *out = fdopen(mkstemp(path), "w");
	fputs(yaml, out);
	fclose(out);
	enum status st = path_book_load(c, (const char *const[]){path, NULL}, f, b, err);
	remove(path);
	return st;
}

static enum status load_text(struct conf *c, const char *yaml, struct path_book **b, struct err *err)
{
	return load_for("neoverse-n1", c, yaml, b, err);
}

Test(path_files, a_host_at_el2_is_refused_where_there_is_no_vhe)
{
	const char *const yaml =
		"start: {path: a, el: 2, registers: {HCR_EL2: 0x400000000}}\npaths: {a: [eret]}\n";
	struct conf *c = conf_new();
	struct path_book *b;
	struct err err = {0};
	cr_expect(eq(int, load_text(c, yaml, &b, &err), OK), "%s", err.text);
	cr_expect(eq(int, load_for("cortex-a72", c, yaml, &b, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, ":1:46: HCR_EL2: E2H needs FEAT_VHE"), NULL), "%s", err.text);
	conf_free(c);
}

/* The places of paths a and b, where b has its steps from a file on top of `below`. */
static void load_two(const char *below, size_t *a, size_t *b)
{
	char path[] = "/tmp/strata-path-XXXXXX";
	struct conf *c = conf_new();
	struct path_book *book;
	struct err err = {0};
	FILE *out = fdopen(mkstemp(path), "w");
	fputs(below, out);
	fclose(out);
	char *top = xasprintf("extends: %s\npaths: {b: [eret]}\n", path);
	cr_assert(eq(int, load_text(c, top, &book, &err), OK), "%s", err.text);
	*a = book_path(book, "a");
	*b = book_path(book, "b");
	remove(path);
	free(top);
	conf_free(c);
}

Test(path_files, a_path_without_steps_keeps_its_place_for_a_file_on_top)
{
	size_t a, b;
	load_two(HEAD "paths: {a: [{call: b}]}\n", &a, &b);
	cr_expect(lt(sz, a, b));
	load_two(HEAD "paths: {b: ~, a: [{call: b}]}\n", &a, &b);
	cr_expect(lt(sz, b, a));
}

ParameterizedTest(struct wrong_case *w, path_files, what_is_wrong_is_named_with_its_place)
{
	struct conf *c = conf_new();
	struct path_book *b;
	struct err err = {0};
	cr_assert(eq(int, load_text(c, w->yaml, &b, &err), ERR_CONFIG));
	cr_assert(ne(ptr, strstr(err.text, w->message), NULL), "%s", err.text);
	conf_free(c);
}

/* --- paths that lead nowhere -------------------------------------------------------------------------- */

struct astray_case {
	char guest[96];
	char message[96];
};

#define WORLD \
	"contexts: {g: {ELR_EL2: operation, SPSR_EL2: 0x5}}\nregisters: {r: [ELR_EL2, SPSR_EL2]}\n" \
	"start: {path: a, el: 2, registers: {VBAR_EL2: v, SCR_EL3: 0x501}}\n" \
	"vectors:\n  v: {el: 2, same_sync: h}\npaths:\n  a: [{restore: {r: g}}, eret]\n  h: [repeat]\noperations:\n  o:\n    steps: "

ParameterizedTestParameters(path_astray, a_run_that_leads_nowhere_says_where)
{
	static struct astray_case cases[] = {
		{"[{hvc: x}, done]", "hvc to EL2: nothing stands at v.lower_sync"},
		{"[wfi, done]", "wfi: waits, and nothing will end that"},
		{"[{work: {instructions: 1}}]", "no caller on its stack"},
		{"[{svc: x}, done]", "svc to EL1: VBAR_EL1 = 0x0 is no vector table"},
		{"[repeat, done]", "does not end"},
		{"[eret, done]", "eret to EL0: no path is at address 0x0"},
	};
	return cr_make_param_array(struct astray_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct astray_case *w, path_astray, a_run_that_leads_nowhere_says_where)
{
	char yaml[1024];
	struct conf *c = conf_new();
	struct path_book *b;
	struct err err = {0};
	snprintf(yaml, sizeof(yaml), WORLD "%s\n", w->guest);
	cr_assert(eq(int, load_text(c, yaml, &b, &err), OK), "%s", err.text);
	cr_assert(eq(int, path_run(b, "o", NULL, NULL, NULL, &err), ERR_CONFIG));
	cr_assert(ne(ptr, strstr(err.text, w->message), NULL), "%s", err.text);
	conf_free(c);
}

/* The guest returns to EL3; the next instruction takes the exception, whose handler comes back properly. */
static const char illegal_world[] =
	"contexts: {g: {ELR_EL2: operation, SPSR_EL2: 0x5}}\n"
	"registers: {r: [ELR_EL2, SPSR_EL2]}\n"
	"variables: {back: no}\n"
	"start: {path: a, el: 2, registers: {SCR_EL3: 0x501}}\n"
	"vectors: {w: {el: 1, same_sync: il}}\n"
	"paths:\n"
	"  a: [{restore: {r: g}}, eret]\n"
	"  il: [{if: {ec: illegal}, then: [{set: back}]}, {write: {ELR_EL1: operation, SPSR_EL1: 0x5}}, eret]\n"
	"operations:\n"
	"  o:\n"
	"    steps:\n"
	"      - if: {var: back}\n"
	"        then: [done]\n"
	"      - write: {SPSR_EL1: 0xd, ELR_EL1: operation, VBAR_EL1: w}\n"
	"      - eret\n";

static void name_event(void *ctx, const struct path_event *e)
{
	if (e->kind != EVENT_ENTRY && e->kind != EVENT_RETURN) return;
	fprintf(ctx, " %s:%u>%u", e->kind == EVENT_ENTRY ? e->name : "ret", e->transfer.from, e->transfer.to);
}

Test(path_astray, an_illegal_return_is_an_outcome_and_the_next_instruction_takes_it)
{
	struct conf *c = conf_new();
	struct path_book *b;
	struct err err = {0};
	char *taken = NULL;
	size_t length;
	cr_assert(eq(int, load_text(c, illegal_world, &b, &err), OK), "%s", err.text);
	FILE *out = open_memstream(&taken, &length);
	enum status st = path_run(b, "o", name_event, out, NULL, &err);
	fclose(out);
	cr_assert(eq(int, st, OK), "%s", err.text);
	cr_assert(eq(str, taken, " ret:1>1 illegal:1>1 ret:1>1"));
	free(taken);
	conf_free(c);
}

static void ignore_event(void *ctx, const struct path_event *e) { (void)ctx, (void)e; }

/* A hypervisor that returns to the guest's first instruction, not to the one behind the call: for a machine that was started with no
 * operation nothing is there. */
Test(path_astray, a_return_to_where_the_guest_began_leads_nowhere)
{
	const char *const yaml =
		"contexts: {g: {ELR_EL2: operation, SPSR_EL2: 0x5}}\nregisters: {r: [ELR_EL2, SPSR_EL2]}\n"
		"start: {path: a, el: 2, registers: {VBAR_EL2: v, SCR_EL3: 0x501}}\n"
		"vectors: {v: {el: 2, lower_sync: h}}\n"
		"paths: {a: [{restore: {r: g}}, eret], h: [{write: {ELR_EL2: operation}}, eret]}\n"
		"operations: {o: {steps: [{hvc: x}, done]}}\n";
	struct conf *c = conf_new();
	struct path_book *b;
	struct path_machine *m;
	struct err err = {0};
	cr_assert(eq(int, load_text(c, yaml, &b, &err), OK), "%s", err.text);
	cr_assert(eq(int, path_machine_new(b, NULL, &m, &err), OK), "%s", err.text);
	path_machine_listen(m, ignore_event, NULL, NULL);
	cr_expect(eq(int, path_perform(m, "o", &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, "eret to EL1: no path is at address 0x30000000"), NULL), "%s",
		  err.text);
	path_machine_free(m);
	conf_free(c);
}

/* --- random programs ---------------------------------------------------------------------------------- */

/* What must hold along any run: levels follow on each other, guest and host change by exceptions only. */
struct chain {
	unsigned level, entries, returns;
	bool broken;
};

static void follow(void *ctx, const struct path_event *e)
{
	struct chain *c = ctx;
	if (e->kind == EVENT_STEP || e->kind == EVENT_WRITE) {
		c->broken |= e->el != c->level;
		return;
	}
	c->broken |= e->transfer.from != c->level || e->transfer.illegal;
	c->broken |= e->kind == EVENT_ENTRY ? e->transfer.to < e->transfer.from
					    : e->transfer.to > e->transfer.from;
	c->level = e->transfer.to;
	if (e->kind == EVENT_ENTRY) c->entries++;
	if (e->kind == EVENT_RETURN) c->returns++;
}

/* A guest that does `count` things in random order. */
static void write_random_guest(FILE *out, struct rng *r, unsigned count)
{
	static const char *const steps[] = {"{hvc: x}",
					    "{store: 0x9000000}",
					    "{load: 0x9000008}",
					    "{load: 0x8000008}",
					    "{read: ID_AA64MMFR0_EL1}",
					    "fp",
					    "{write: {ICC_SGI1R_EL1: 1}}",
					    "{timer: 27}, spin",
					    "{timer: 27}, wfi",
					    "{write: {TTBR0_EL1: 0}}"};
	fputs("operations:\n  random:\n    steps: [", out);
	for (unsigned i = 0; i < count; i++) {
		uint64_t pick = rng_below(r, 11);
		if (pick == 10)
			fprintf(out, "{load: 0x%x}, ", 0x80000000u + 0x1000u * (unsigned)rng_below(r, 64));
		if (pick < 10) fprintf(out, "%s, ", steps[pick]);
	}
	fputs("done]\n", out);
}

static void run_random_guest(const char *hypervisor, const char *cpu, struct rng *r)
{
	char path[] = "/tmp/strata-guest-XXXXXX";
	struct conf *c = conf_new();
	struct path_book *b;
	struct err err = {0};
	struct chain chain = {.level = 1};
	struct path_counts counts = {0};
	FILE *out = fdopen(mkstemp(path), "w");
	write_random_guest(out, r, 40);
	fclose(out);
	const char *files[] = {hypervisor, "configs/vmms/minimal.yaml", "configs/guests/operations.yaml",
			       path, NULL};
	enum status st = path_book_load(c, files, features_of_cpu(cpu), &b, &err);
	if (st == OK) st = path_run(b, "random", follow, &chain, &counts, &err);
	remove(path);
	cr_assert(eq(int, st, OK), "%s", err.text);
	cr_assert(not(chain.broken));
	cr_assert(eq(u32, chain.level, 1));
	cr_assert(eq(u32, chain.entries, chain.returns));
	cr_assert(eq(u64, counts.entries, chain.entries));
	cr_assert(ge(u32, chain.entries, 20));
	conf_free(c);
}

Test(path_contract, random_guests_come_back_to_where_they_left_and_levels_follow_on_each_other)
{
	struct rng r;
	rng_init(&r, 3, "path.random");
	for (int i = 0; i < 50; i++) {
		run_random_guest("configs/hypervisors/kvm-nvhe.yaml", "cortex-a72", &r);
		run_random_guest("configs/hypervisors/kvm-vhe.yaml", "neoverse-n1", &r);
	}
}
