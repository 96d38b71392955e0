/* explain_exits.c - `strata explain exits TRACE`: recorded exceptions and returns, replayed on the level
 * machine. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/explain.h"
#include "cli/numbers.h"
#include "cli/results.h"
#include "hyp/exits.h"
#include "trace/source.h"

struct options {
	const char *trace;
	uint64_t stream;
	bool brief, summary;
};

enum { OPT_BRIEF = 256, OPT_STREAM, OPT_SUMMARY };

static const struct argp_option option_rows[] = {
	{"brief", OPT_BRIEF, NULL, 0, "one line of exceptions and returns: hvc:1>2 ret:2>1", 0},
	{"stream", OPT_STREAM, "N", 0, "which CPU or vCPU of the trace (0)", 0},
	{"summary", OPT_SUMMARY, NULL, 0, "how often each exception was taken, and nothing else", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case OPT_BRIEF: o->brief = true; return 0;
	case OPT_STREAM: o->stream = need_number(state, "--stream", arg, UINT32_MAX); return 0;
	case OPT_SUMMARY: o->summary = true; return 0;
	case ARGP_KEY_ARG:
		if (o->trace) argp_error(state, "one trace at a time");
		o->trace = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->trace)
			argp_error(
				state,
				"a trace is needed: a log of qemu -d int, a kernel's trace text, or what was imported");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* --- counts by name and levels ------------------------------------------------------------------------ */

enum { KINDS_MAX = 256 };
struct tally {
	struct {
		const char *name;
		uint8_t from, to;
		uint64_t count;
	} row[KINDS_MAX];
	size_t rows;
};

static void count(struct tally *t, const struct exit_event *e)
{
	for (size_t i = 0; i < t->rows; i++) {
		if (strcmp(t->row[i].name, e->name) || t->row[i].from != e->transfer.from ||
		    t->row[i].to != e->transfer.to)
			continue;
		t->row[i].count++;
		return;
	}
	if (t->rows == KINDS_MAX) return; /* classes times levels are fewer */
	t->row[t->rows].name = e->name;
	t->row[t->rows].from = e->transfer.from;
	t->row[t->rows].to = e->transfer.to;
	t->row[t->rows++].count = 1;
}

static void print_tally(const struct tally *t)
{
	for (size_t i = 0; i < t->rows; i++)
		printf("%-12s EL%u > EL%u %10" PRIu64 "\n", t->row[i].name, t->row[i].from, t->row[i].to,
		       t->row[i].count);
}

/* --- the replay --------------------------------------------------------------------------------------- */

static void print_event(const struct options *o, const struct exit_event *e, bool first)
{
	const struct el_transfer *t = &e->transfer;
	if (o->summary) return;
	if (o->brief) {
		printf("%s%s:%u>%u", first ? "" : " ", e->name, t->from, t->to);
	} else if (e->is_entry) {
		printf("%s:%u>%u pc=0x%" PRIx64 " esr=0x%" PRIx64 " vector=0x%03x\n", e->name, t->from, t->to,
		       e->pc, e->esr, t->vector);
	} else {
		printf("%s:%u>%u pc=0x%" PRIx64 "%s%s\n", e->name, t->from, t->to, e->pc,
		       t->why ? " illegal: " : "", t->why ? t->why : "");
	}
}

static enum status replay(const struct options *o, struct trace_source *src, struct exits *x,
			  struct tally *tally, struct err *err)
{
	static struct record batch[TRACE_BATCH];
	struct exit_event e;
	for (size_t n;;) {
		TRY(trace_next(src, batch, TRACE_BATCH, &n, err));
		if (!n) return OK;
		for (size_t i = 0; i < n; i++) {
			bool first = x->entries + x->returns == 0;
			if (!exits_replay(x, &batch[i], &e)) continue;
			count(tally, &e);
			print_event(o, &e, first);
		}
	}
}

static enum status answer(const struct options *o, struct err *err)
{
	struct trace_source *src;
	struct exits x;
	struct tally tally = {0};
	TRY(trace_open(o->trace, (uint32_t)o->stream, &src, err));
	exits_init(&x);
	uint32_t streams = trace_source_info(src)->streams;
	enum status st = replay(o, src, &x, &tally, err);
	trace_close(src);
	if (st != OK) return st;
	if (o->brief) putchar('\n');
	if (o->summary) print_tally(&tally);
	fprintf(stderr,
		"%" PRIu64 " exceptions, %" PRIu64 " returns, %" PRIu64 " of them illegal; %" PRIu64
		" events at another level than the one before led to\n",
		x.entries, x.returns, x.illegal, x.moved);
	if (streams > 1)
		fprintf(stderr, "stream %" PRIu64 " of %" PRIu32 ", counted from 0 (--stream)\n", o->stream,
			streams);
	return OK;
}

int explain_exits(int argc, char **argv)
{
	static const struct argp argp = {
		option_rows,
		parse_option,
		"TRACE",
		"Replays the exceptions and returns of one CPU or vCPU of TRACE on the level machine, and prints them in order."
		"\vTRACE is a log of qemu -d int, the trace text of a kernel with kvm events, or what `strata trace import` made of one.",
		NULL,
		NULL,
		NULL};
	struct options o = {0};
	struct err err = {0};
	results_parse(&argp, argc, argv, &o);
	enum status st = answer(&o, &err);
	return st == OK ? 0 : results_fail(st, &err);
}
