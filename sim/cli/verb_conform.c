/* verb_conform.c - `strata conform`: translation against vectors, snapshots and recorded events; interrupts
 * against logs. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/conform.h"
#include "cli/conform_arch.h"
#include "cli/conform_gic.h"
#include "cli/results.h"
#include "cli/verbs.h"
#include "machine/machine_config.h"

struct words {
	const char *file, *snapshot, *arch, *gic, *machine;
};

static const struct argp_option options[] = {
	{"snapshot", 's', "DIR", 0,
	 "check every line of DIR/truth.txt.zst against DIR/tables.bin.zst and DIR/regs.json", 0},
	{"arch", 'a', "DIR", 0,
	 "replay the recorded registers, TLB maintenance and references of DIR/arch.txt.zst; no TLB entry may "
	 "answer with another page than the recorded one",
	 0},
	{"gic", 'g', "LOG|DIR", 0,
	 "replay the recorded wires and register writes of an interrupt controller (LOG, or DIR/int_gic.1.log.zst); "
	 "acknowledged interrupts, registers read and asserted lines must be the recorded ones",
	 0},
	{"machine", 'm', "MACHINE.yaml", 0,
	 "with --arch: the TLBs of this machine (default: one that is never full)", 0},
	{0},
};

static error_t parse_word(int key, char *arg, struct argp_state *state)
{
	struct words *w = state->input;
	switch (key) {
	case 's': w->snapshot = arg; return 0;
	case 'a': w->arch = arg; return 0;
	case 'g': w->gic = arg; return 0;
	case 'm': w->machine = arg; return 0;
	case ARGP_KEY_ARG:
		if (w->file) argp_error(state, "one FILE at a time");
		w->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!!w->file + !!w->snapshot + !!w->arch + !!w->gic != 1)
			argp_error(state, "give one of FILE.jsonl, --snapshot DIR, --arch DIR and --gic LOG");
		if (w->machine && !w->arch) argp_error(state, "--machine goes with --arch");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_word,
	.args_doc = "FILE.jsonl\n--snapshot DIR\n--arch DIR [-m MACHINE.yaml]\n--gic LOG|DIR",
	.doc = "Checks address translation and interrupts against recorded answers.\v"
	       "Closes with 'N passed, M failed', under --arch with references, hits, misses, invalidations and "
	       "conflicts, under --gic with statements and differences. A failing case prints the walk. Exit: 0 all agree, 1 some differ, 2 the input is malformed.",
};

static int print_arch(const struct arch_totals *t)
{
	printf("%" PRIu64 " lines; %" PRIu64 " references to devices and %" PRIu64
	       " with stage 1 off not looked up; %" PRIu64 " entries evicted, %" PRIu64
	       " invalidated; %" PRIu64 " undefined operations; %u registers differ at the end\n",
	       t->lines, t->devices, t->untranslated, t->evictions, t->invalidated, t->undefined,
	       t->register_differences);
	printf("%" PRIu64 " references, %" PRIu64 " hits, %" PRIu64 " misses, %" PRIu64
	       " invalidations, %" PRIu64 " conflicts\n",
	       t->references, t->hits, t->misses, t->invalidations, t->conflicts);
	return t->conflicts ? 1 : 0;
}

static bool holds_nothing(const struct arch_totals *t)
{
	return t->references + t->devices + t->untranslated == 0;
}

static int conform_events(const struct words *w)
{
	struct machine_config machine = {0};
	struct arch_options how = {0};
	struct arch_totals totals;
	struct err err;
	enum status st = OK;
	if (w->machine) {
		st = machine_config_load(&machine, &(struct machine_request){.path = w->machine}, &err);
		how.tlbs = &machine.params.tlbs;
	}
	if (st == OK) st = conform_arch(w->arch, &how, stdout, &totals, &err);
	if (w->machine) machine_config_free(&machine);
	if (st == OK && holds_nothing(&totals))
		st = err_set(&err, ERR_INPUT, "%s/arch.txt.zst: holds no references", w->arch);
	if (st == OK) return print_arch(&totals);
	fprintf(stderr, "strata conform: %s\n", err.text);
	return status_exit_code(st);
}

static int print_gic(const struct gic_totals *t)
{
	printf("%" PRIu64 " lines, %" PRIu64 " of kinds that are not known; %" PRIu64
	       " wires, SGIs and writes done, %" PRIu64 " arrivals implied\n",
	       t->lines, t->skipped, t->done, t->untold);
	for (unsigned k = 0; k < LOG_KINDS; k++)
		if (t->compared[k])
			printf("%-28s %8" PRIu64 " compared, %" PRIu64 " different\n", conform_gic_kind(k),
			       t->compared[k], t->different[k]);
	printf("%" PRIu64 " statements, %" PRIu64 " differences\n", t->all_compared, t->all_different);
	return t->all_different ? 1 : 0;
}

static int conform_interrupts(const char *path)
{
	struct gic_totals totals;
	struct err err;
	enum status st = conform_gic(path, stdout, &totals, &err);
	if (st == OK) return print_gic(&totals);
	fprintf(stderr, "strata conform: %s\n", err.text);
	return status_exit_code(st);
}

int verb_conform(int argc, char **argv)
{
	struct words w = {0};
	struct tally tally = {0};
	struct err err;
	results_parse(&argp, argc, argv, &w);
	if (w.arch) return conform_events(&w);
	if (w.gic) return conform_interrupts(w.gic);
	enum status st = w.snapshot ? conform_snapshot(w.snapshot, stdout, &tally, &err)
				    : conform_vectors(w.file, stdout, &tally, &err);
	if (st != OK) {
		fprintf(stderr, "strata conform: %s\n", err.text);
		return status_exit_code(st);
	}
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", tally.passed, tally.failed);
	return tally.failed ? 1 : 0;
}
