/* explain_walk.c - `strata explain walk VA`: one translation, in the tables that a workload leaves behind, or in
 * those of a snapshot. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/explain.h"
#include "cli/numbers.h"
#include "cli/results.h"
#include "cli/snapshot.h"
#include "cli/walk_text.h"
#include "machine/machine.h"
#include "machine/run.h"

struct options {
	struct run_request run;
	const char **sets, *snapshot;
	size_t set_count;
	unsigned cpu;
	bool has_va, pan;
	struct va va;
	struct access access;
};

enum { OPT_SET = 256, OPT_SNAPSHOT, OPT_CPU, OPT_EL, OPT_PAN, OPT_WRITE, OPT_FETCH };

static const struct argp_option option_rows[] = {
	{"machine", 'm', "FILE", 0, "hardware: a file of configs/machines/ or one of your own", 0},
	{"stack", 's', "FILE", 0, "software, as in configs/stacks/ (default: native)", 0},
	{"workload", 'w', "FILE", 0, "whose pages are mapped", 0},
	{"set", OPT_SET, "KEY=VALUE", 0, "one value on top of all files; may be repeated", 0},
	{"snapshot", OPT_SNAPSHOT, "DIR", 0,
	 "tables and registers of a real machine, instead of -m, -s and -w", 0},
	{"cpu", OPT_CPU, "N", 0, "of the snapshot (0)", 0},
	{"el", OPT_EL, "N", 0, "exception level of the access in a snapshot (0); a workload is at EL0", 0},
	{"pan", OPT_PAN, NULL, 0, "PSTATE.PAN is set", 0},
	{"write", OPT_WRITE, NULL, 0, "a write instead of a read", 0},
	{"fetch", OPT_FETCH, NULL, 0, "an instruction fetch instead of a read", 0},
	{0},
};

static void push_set(struct options *o, const char *text)
{
	o->sets = xrealloc(o->sets, o->set_count + 2, sizeof(*o->sets));
	o->sets[o->set_count++] = text;
	o->sets[o->set_count] = NULL;
}

static void take_va(struct options *o, const char *text, struct argp_state *state)
{
	if (o->has_va) argp_error(state, "one VA at a time");
	o->va.raw = need_number(state, "VA", text, UINT64_MAX);
	o->has_va = true;
}

static void need_arguments(const struct options *o, struct argp_state *state)
{
	if (!o->has_va) argp_error(state, "a VA is needed, such as 0x4000001000");
	if (o->snapshot && (o->run.machine || o->run.stack || o->run.workload || o->sets))
		argp_error(state, "--snapshot has machine, stack and tables of its own");
	if (!o->snapshot && (!o->run.machine || !o->run.workload))
		argp_error(state, "-m FILE and -w FILE are needed, or --snapshot DIR");
	if (!o->snapshot && (o->access.el || o->cpu))
		argp_error(state, "--el and --cpu belong to --snapshot");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case 'm': o->run.machine = arg; return 0;
	case 's': o->run.stack = arg; return 0;
	case 'w': o->run.workload = arg; return 0;
	case OPT_SET: push_set(o, arg); return 0;
	case OPT_SNAPSHOT: o->snapshot = arg; return 0;
	case OPT_CPU: o->cpu = (unsigned)need_number(state, "--cpu", arg, SNAPSHOT_MAX_CPUS - 1); return 0;
	case OPT_EL: o->access.el = (uint8_t)need_number(state, "--el", arg, 3); return 0;
	case OPT_PAN: o->access.pan = true; return 0;
	case OPT_WRITE: o->access.kind = ACCESS_WRITE; return 0;
	case OPT_FETCH: o->access.kind = ACCESS_FETCH; return 0;
	case ARGP_KEY_ARG: take_va(o, arg, state); return 0;
	case ARGP_KEY_END: need_arguments(o, state); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static uint64_t word_of_machine(const void *self, struct pa pa, bool *held)
{
	*held = true;
	return machine_word(self, pa);
}

static uint64_t word_of_snapshot(const void *self, struct pa pa, bool *held)
{
	return snapshot_word(self, pa, held);
}

static enum status explain_in_machine(const struct options *o, struct err *err)
{
	struct run *run;
	TRY(run_new(&o->run, &run, err));
	enum status st = run_populate(run, err);
	const struct machine *m = run_machine(run);
	struct walk_question q = {machine_regime(m), o->va, o->access, word_of_machine, m};
	if (st == OK) walk_explain(stdout, &q);
	run_free(run);
	return st;
}

static enum status explain_in_snapshot(const struct options *o, struct err *err)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));
	struct regime_info regime;
	struct walk_question q = {&regime, o->va, o->access, word_of_snapshot, s};
	enum status st = snapshot_load(s, o->snapshot, err);
	if (st == OK && o->cpu >= s->cpu_count)
		st = err_set(err, ERR_INPUT, "%s: --cpu %u is outside 0..%u", o->snapshot, o->cpu,
			     s->cpu_count - 1);
	if (st == OK) {
		snapshot_regime(s, o->cpu, o->access.el, &regime);
		walk_explain(stdout, &q);
	}
	snapshot_fini(s);
	free(s);
	return st;
}

int explain_walk(int argc, char **argv)
{
	static const struct argp argp = {
		option_rows,
		parse_option,
		"VA -m MACHINE [-s STACK] -w WORKLOAD\nVA --snapshot DIR",
		"How VA is translated: each descriptor, where it is, what its bits say, and what follows from them."
		"\vThe tables are those that the kernel and hypervisor of STACK build for every page that WORKLOAD touches, or the "
		"recorded ones of a snapshot. No time passes; `strata run --explain` tells where cycles go.",
		NULL,
		NULL,
		NULL};
	struct options o = {.run = {.seed = 1}, .access = {.probe = true}};
	struct err err = {0};
	results_parse(&argp, argc, argv, &o);
	o.run.sets = o.sets;
	enum status st = o.snapshot ? explain_in_snapshot(&o, &err) : explain_in_machine(&o, &err);
	free(o.sets);
	return st == OK ? 0 : results_fail(st, &err);
}
