/* verb_run.c - `strata run`: a workload on a machine under a stack, into the results database. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/explain_access.h"
#include "cli/mistakes.h"
#include "cli/numbers.h"
#include "cli/results.h"
#include "cli/sampling_options.h"
#include "cli/texts.h"
#include "cli/verbs.h"
#include "machine/run.h"
#include "stats/series.h"
#include "trace/ahead.h"

struct options {
	struct run_request req;
	struct texts overlays, sets;
	uint64_t *at; /* of --explain-at */
	bool json, no_db, quiet;
};

enum {
	OPT_SET = 256,
	OPT_SEED,
	OPT_DB,
	OPT_NO_DB,
	OPT_NAME,
	OPT_WARMUP,
	OPT_LIMIT,
	OPT_STREAM,
	OPT_DECODE,
	OPT_POPULATE,
	OPT_FIDELITY,
	OPT_JSON,
	OPT_EXPLAIN,
	OPT_EXPLAIN_AT,
	OPT_EXPORT_KVM,
	OPT_EXPORT_PERFETTO,
	OPT_EXPORT_LIMIT,
	OPT_INTERVAL,
	OPT_INTERVAL_LIMIT,
	OPT_CHECK
};

static const struct argp_option run_options[] = {
	{"machine", 'm', "FILE", 0, "hardware: a file of configs/machines/ or one of your own", 0},
	{"stack", 's', "FILE", 0, "software: kernel and hypervisors, as in configs/stacks/ (default: native)",
	 0},
	{"workload", 'w', "FILE", 0, "a trace of any known format, or a generator described in YAML", 0},
	{"overlay", 'o', "FILE", 0, "a file on top of the machine; may be repeated", 0},
	{"set", OPT_SET, "KEY=VALUE", 0,
	 "one value on top of all files, such as tlbs.l2.entries=2048, stack.os.thp=always or "
	 "workload.footprint_bytes=1G; may be repeated",
	 0},
	{"seed", OPT_SEED, "N", 0, "seed of everything random (1)", 0},
	{"db", OPT_DB, "FILE", 0, "results database that the run is appended to (results.db)", 0},
	{"no-db", OPT_NO_DB, NULL, 0, "store nothing", 0},
	{"name", OPT_NAME, "NAME", 0, "name of the run (machine/stack/workload)", 0},
	{"warmup", OPT_WARMUP, "N", 0, "loads and stores before the measured region (0); counted apart", 0},
	{"limit", OPT_LIMIT, "N", 0, "loads and stores of the measured region (0: to the end)", 0},
	{"populate", OPT_POPULATE, NULL, 0,
	 "first map every page that the workload touches, at no cost: nothing measured is a page fault", 0},
	{"fidelity", OPT_FIDELITY, "NAME", 0,
	 "full, or translation: no core model, and loads, stores and fetches take the time of a first-level hit (full)",
	 0},
	{"stream", OPT_STREAM, "N", 0, "which thread of the workload runs (0)", 0},
	{"decode-thread", OPT_DECODE, "WHEN", 0,
	 "decode the workload on a thread of its own: on, off, or auto: where there is a second processor (auto)",
	 0},
	{"explain", OPT_EXPLAIN, "N", 0,
	 "print of the N slowest accesses of the measured region where each of their cycles went; of several threads, those of the first",
	 0},
	{"explain-at", OPT_EXPLAIN_AT, "ACCESS,...", 0,
	 "the same for given ones: numbers of loads and stores, 1 is the first of the measured region", 0},
	{"export-kvm", OPT_EXPORT_KVM, "FILE", 0,
	 "write the exits of the measured region as the kernel's trace text has them: kvm_exit, kvm_entry and others",
	 0},
	{"export-perfetto", OPT_EXPORT_PERFETTO, "FILE", 0,
	 "write the measured region as Trace Event JSON, for ui.perfetto.dev: exception levels, paths, steps, walks",
	 0},
	{"export-limit", OPT_EXPORT_LIMIT, "N", 0,
	 "events that each export has at most (1000000); later ones are left out, and the file says so", 0},
	{"interval", OPT_INTERVAL, "CYCLES", 0,
	 "store every counter of the measured region by intervals of so many cycles (tables interval and series)",
	 0},
	{"interval-limit", OPT_INTERVAL_LIMIT, "N", 0,
	 "intervals at most (256): when they are full, each two become one, and all are twice as long from then on",
	 0},
	{"check-maintenance", OPT_CHECK, NULL, 0,
	 "compare every TLB hit with the tables, and print which TLBI, DSB or break-before-make is missing (exit code 1)",
	 0},
	{"json", OPT_JSON, NULL, 0, "print every counter of the measured region, keyed by path", 0},
	{"quiet", 'q', NULL, 0, "no summary line", 0},
	{0},
};

enum { EXPLAIN_MAX = 100000, EXPORT_LIMIT = 1000000, INTERVAL_LIMIT = 256 };

/* "3,17,200". */
static void parse_numbers(struct options *o, char *text, struct argp_state *state)
{
	o->req.explain = 0;
	for (char *rest = text, *one; (one = strsep(&rest, ","));) {
		o->at = xrealloc(o->at, o->req.explain + 1, sizeof(*o->at));
		o->at[o->req.explain++] = need_number(state, "--explain-at", one, INT64_MAX);
		if (!o->at[o->req.explain - 1]) argp_error(state, "--explain-at: 0; the first access is 1");
	}
}

static void parse_decode(struct options *o, const char *arg, struct argp_state *state)
{
	bool is_auto = strcmp(arg, "auto") == 0;
	if (!is_auto && strcmp(arg, "on") != 0 && strcmp(arg, "off") != 0)
		argp_error(state, "--decode-thread: '%s' is none of auto, on, off", arg);
	o->req.decode_thread = is_auto ? trace_host_cpus() > 1 : strcmp(arg, "on") == 0;
}

static void parse_interval(struct options *o, const char *arg, struct argp_state *state)
{
	o->req.interval = need_number(state, "--interval", arg, INT64_MAX / SERIES_LIMIT_MAX);
	if (!o->req.interval) argp_error(state, "--interval: an interval has at least 1 cycle");
}

static void parse_interval_limit(struct options *o, const char *arg, struct argp_state *state)
{
	o->req.interval_limit = need_number(state, "--interval-limit", arg, SERIES_LIMIT_MAX);
	if (o->req.interval_limit < SERIES_LIMIT_MIN || o->req.interval_limit % 2)
		argp_error(state, "--interval-limit: '%s' is no even number from %d on", arg,
			   SERIES_LIMIT_MIN);
}

/* What one option says and another takes back would otherwise be lost without a word. */
static void refuse_contradictions(const struct run_request *q, bool json, struct argp_state *state)
{
	if (q->explain && q->translation_only)
		argp_error(state, "--explain needs the core model, which --fidelity=translation leaves out");
	if (q->explain && json)
		argp_error(state, "--explain prints text where --json prints JSON; one of them, please");
}

static void need_files(const struct run_request *q, struct argp_state *state)
{
	if (q->name && !*q->name) argp_error(state, "--name: the name is empty");
	if (q->db && !*q->db) argp_error(state, "--db: the name is empty; --no-db stores nothing");
	if (!q->machine)
		argp_error(state, "-m FILE is needed: a machine, such as configs/machines/neoverse-n1.yaml");
	if (!q->workload) argp_error(state, "-w FILE is needed: a trace, or a generator in YAML");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case ARGP_KEY_INIT: state->child_inputs[0] = &o->req.sampling; return 0;
	case 'm': o->req.machine = arg; return 0;
	case 's': o->req.stack = arg; return 0;
	case 'w': o->req.workload = arg; return 0;
	case 'o': texts_add(&o->overlays, arg); return 0;
	case OPT_SET: texts_add(&o->sets, arg); return 0;
	case OPT_SEED: o->req.seed = need_number(state, "--seed", arg, INT64_MAX); return 0;
	case OPT_DB: o->req.db = arg; return 0;
	case OPT_NO_DB: o->no_db = true; return 0;
	case OPT_NAME: o->req.name = arg; return 0;
	case OPT_WARMUP: o->req.warmup = need_number(state, "--warmup", arg, INT64_MAX); return 0;
	case OPT_LIMIT: o->req.limit = need_number(state, "--limit", arg, INT64_MAX); return 0;
	case OPT_STREAM: o->req.stream = need_number(state, "--stream", arg, UINT32_MAX); return 0;
	case OPT_DECODE: parse_decode(o, arg, state); return 0;
	case OPT_POPULATE: o->req.populate = true; return 0;
	case OPT_FIDELITY:
		if (strcmp(arg, "full") != 0 && strcmp(arg, "translation") != 0)
			argp_error(state, "--fidelity: '%s' is neither full nor translation", arg);
		o->req.translation_only = strcmp(arg, "translation") == 0;
		return 0;
	case OPT_JSON: o->json = true; return 0;
	case OPT_EXPLAIN:
		o->req.explain = (size_t)need_number(state, "--explain", arg, EXPLAIN_MAX);
		if (!o->req.explain) argp_error(state, "--explain: at least 1 access");
		return 0;
	case OPT_EXPORT_KVM: o->req.exports.kvm = arg; return 0;
	case OPT_EXPORT_PERFETTO: o->req.exports.perfetto = arg; return 0;
	case OPT_EXPORT_LIMIT:
		o->req.exports.limit = need_number(state, "--export-limit", arg, INT64_MAX);
		return 0;
	case OPT_INTERVAL: parse_interval(o, arg, state); return 0;
	case OPT_INTERVAL_LIMIT: parse_interval_limit(o, arg, state); return 0;
	case OPT_CHECK: o->req.on_mistake = mistake_print; return 0;
	case OPT_EXPLAIN_AT: parse_numbers(o, arg, state); return 0;
	case 'q': o->quiet = true; return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option; files are named by -m, -s and -w", arg);
		return EINVAL;
	case ARGP_KEY_END:
		need_files(&o->req, state);
		refuse_contradictions(&o->req, o->json, state);
		sampling_check(&o->req, state);
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static void show_progress(void *ctx, uint64_t records)
{
	(void)ctx;
	fprintf(stderr, "\r%" PRIu64 " million records ", records / 1000000);
}

static void print_summary(const struct run *run, const struct run_report *r, const char *db, int64_t id)
{
	fprintf(stderr,
		"%s: %" PRIu64 " accesses, %" PRIu64 " instructions, %" PRIu64
		" cycles; replayed at %.1f M records/s",
		run_name(run), r->accesses, r->instructions, r->cycles,
		r->host_ns ? (double)r->records * 1e3 / (double)r->host_ns : 0.0);
	if (db) fprintf(stderr, "; run %" PRId64 " of %s", id, db);
	if (*run_lacks(run)) fprintf(stderr, "; the trace lacks: %s", run_lacks(run));
	uint32_t streams, left = run_streams_left(run, &streams);
	if (left)
		fprintf(stderr,
			"; %" PRIu32 " of its %" PRIu32 " streams did not run (--stream, stack.threads)",
			left, streams);
	fputc('\n', stderr);
}

static enum status execute(const struct options *o, struct run *run, struct err *err)
{
	struct run_report report;
	bool terminal = isatty(STDERR_FILENO) && !o->quiet;
	int64_t id = 0;
	enum status st = run_execute(run, terminal ? show_progress : NULL, NULL, &report, err);
	if (terminal) fputs("\r                        \r", stderr);
	if (st != OK) return st;
	if (o->req.db) TRY(run_commit(run, &id, err));
	if (!o->quiet) print_summary(run, &report, o->req.db, id);
	if (run_sampling(run)) sampling_print(o->json ? stderr : stdout, run_sampling(run));
	if (run_watched(run)) explain_accesses(stdout, run_watched(run));
	if (o->json) TRY(run_json(run, stdout, err));
	if (!o->req.on_mistake || !run_mistakes(run)) return OK;
	return err_set(err, ERR_CHECK, "%" PRIu64 " mistakes of TLB maintenance", run_mistakes(run));
}

int verb_run(int argc, char **argv)
{
	static const struct argp_child children[] = {{&sampling_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		run_options,
		parse_option,
		"-m MACHINE -w WORKLOAD",
		"Replays a workload on a machine under a software stack, and appends what was counted to a results database."
		"\v`strata report` shows stored runs side by side. --set keys beginning with stack. and workload. go there, "
		"all others to the machine; `strata params` lists them.",
		children,
		NULL,
		NULL};
	struct options o = {.req = {.seed = 1,
				    .db = "results.db",
				    .exports.limit = EXPORT_LIMIT,
				    .interval_limit = INTERVAL_LIMIT,
				    .decode_thread = trace_host_cpus() > 1}};
	struct err err = {0};
	struct run *run = NULL;
	results_parse(&argp, argc, argv, &o);
	if (o.no_db) o.req.db = NULL;
	o.req.overlays = o.overlays.item;
	o.req.sets = o.sets.item;
	o.req.explain_at = o.at;
	o.req.mistake_owner = o.json ? stderr : stdout;
	enum status st = run_new(&o.req, &run, &err);
	if (st == OK) st = execute(&o, run, &err);
	run_free(run);
	free(o.overlays.item);
	free(o.sets.item);
	free(o.at);
	return st == OK ? 0 : results_fail(st, &err);
}
