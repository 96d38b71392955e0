/* verb_conform.c - `strata conform`: the functional plane against vectors and snapshots. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/conform.h"
#include "cli/verbs.h"

struct words {
	const char *file, *snapshot;
};

static const struct argp_option options[] = {
	{"snapshot", 's', "DIR", 0,
	 "check every line of DIR/truth.txt.zst against DIR/tables.bin.zst and DIR/regs.json", 0},
	{0},
};

static error_t parse_word(int key, char *arg, struct argp_state *state)
{
	struct words *w = state->input;
	switch (key) {
	case 's': w->snapshot = arg; return 0;
	case ARGP_KEY_ARG:
		if (w->file) argp_error(state, "one FILE at a time");
		w->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!w->file == !w->snapshot) argp_error(state, "give either FILE.jsonl or --snapshot DIR");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_word,
	.args_doc = "FILE.jsonl\n--snapshot DIR",
	.doc = "Checks address translation against recorded answers.\v"
	       "Closes with 'N passed, M failed'. A failing case prints the walk. "
	       "Exit: 0 all agree, 1 some differ, 2 the input is malformed.",
};

int verb_conform(int argc, char **argv)
{
	struct words w = {0};
	struct tally tally = {0};
	struct err err;
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &w);
	enum status st = w.snapshot ? conform_snapshot(w.snapshot, stdout, &tally, &err)
				    : conform_vectors(w.file, stdout, &tally, &err);
	if (st != OK) {
		fprintf(stderr, "strata conform: %s\n", err.text);
		return status_exit_code(st);
	}
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", tally.passed, tally.failed);
	return tally.failed ? 1 : 0;
}
