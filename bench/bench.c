/* bench.c - `make bench`: how many accesses per second the simulator replays, and in how much memory.
 *
 * Each row is a workload on one core of a Neoverse N1, or on many, with 4 KiB pages, run in a process of its own, so that its
 * peak memory is its own. All pages are mapped beforehand, and what is timed begins behind `warm` records, when host caches
 * are full. While a workload runs, every million records the reference loops are timed (reference.h) and their time is taken
 * off. A row is scaled to the reference machine by the loop that bounds it: hits by the core, misses by the memory.
 * Not modelled: the time to start, to read the configuration and to store results.
 */
#include <argp.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "machine/run.h"
#include "lpis.h"
#include "reference.h"

enum limit { BY_CORE, BY_MEMORY };

struct row {
	const char *name, *workload, *stack; /* workload NULL: messages to an ITS; stack NULL: bare metal */
	uint64_t warm;                       /* records before timing */
	const char *count;                   /* setting of the number of accesses; NULL: all of a trace */
	enum limit bound;
	unsigned threads; /* on a core each */
};

static const char kvm_4k[] = "configs/stacks/kvm-4k.yaml";
static const struct row rows[] = {
	{"tlb hits, two stages", "workloads/tlb-hits.yaml", kvm_4k, 1000000, "workload.accesses=20000000",
	 BY_CORE, 1},
	{"sequential, two stages", "workloads/sequential.yaml", kvm_4k, 1000000, "workload.accesses=10000000",
	 BY_CORE, 1},
	{"zipf 4 GiB, two stages", "workloads/zipf.yaml", kvm_4k, 1000000, "workload.accesses=4000000",
	 BY_MEMORY, 1},
	{"gups 1 GiB, bare metal", "workloads/gups.yaml", NULL, 1000000, "workload.accesses=5000000",
	 BY_MEMORY, 1},
	{"gups 1 GiB, two stages", "workloads/gups.yaml", kvm_4k, 1000000, "workload.accesses=5000000",
	 BY_MEMORY, 1},
	{"gups 1 GiB, 128 cores", "workloads/gups.yaml", NULL, 2000000, "workload.accesses=40000", BY_MEMORY,
	 128},
	{"chase 64 MiB, two stages", "workloads/chase.yaml", kvm_4k, 1000000, "workload.accesses=4000000",
	 BY_MEMORY, 1},
	{"sqlite, bare metal", "workloads/sqlite_lookup.stt", NULL, 0, NULL, BY_CORE, 1},
	{"sqlite, two stages", "workloads/sqlite_lookup.stt", kvm_4k, 0, NULL, BY_CORE, 1},
	{"LPIs, 1 M over 256 PEs", NULL, NULL, 1000000, NULL, BY_MEMORY, 1},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* The machine that the issues state their speeds for. */
static const double reference_machine_ns[] = {[BY_CORE] = 1.35, [BY_MEMORY] = 12.5};

struct result {
	double access_ns, xorshift_ns, chase_ns, peak_mib;
	bool good;
};

/* --- one row, in the child ------------------------------------------------------------------------------------- */

struct timing {
	const struct row *row;
	struct reference *reference;
	uint64_t begin_ns, end_ns, begin_records, reference_ns; /* begin_ns 0: still warming up */
};

static void on_progress(void *ctx, uint64_t records)
{
	struct timing *t = ctx;
	uint64_t before = host_cpu_ns();
	reference_sample(t->reference);
	uint64_t after = host_cpu_ns();
	if (t->begin_ns) {
		t->reference_ns += after - before;
	} else if (records >= t->row->warm) {
		t->begin_ns = after;
		t->begin_records = records;
	}
}

static enum status replay(const struct row *row, struct timing *t, struct run_report *report, struct err *err)
{
	struct run *run = NULL;
	char streams[32], threads[32];
	snprintf(streams, sizeof(streams), "workload.threads=%u", row->threads);
	snprintf(threads, sizeof(threads), "stack.threads=%u", row->threads);
	const char *const all[] = {row->count, streams, threads, NULL}, *const plain[] = {row->count, NULL};
	struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				.stack = row->stack,
				.workload = row->workload,
				.sets = row->threads > 1 ? all : plain,
				.seed = 1,
				.populate = true};
	enum status st = run_new(&q, &run, err);
	if (st == OK) st = run_execute(run, on_progress, t, report, err);
	t->end_ns = host_cpu_ns();
	run_free(run);
	return st;
}

/* A record is the message of a device and the LPI that its PE takes. */
static enum status deliver(const struct row *row, struct timing *t, struct run_report *report,
			   struct err *err)
{
	enum { MESSAGES = 5000000, CHUNK = 1000000 };
	struct bench_lpis *lpis = bench_lpis_new();
	(void)err;
	for (report->records = 0; report->records < row->warm + MESSAGES; report->records += CHUNK) {
		on_progress(t, report->records);
		bench_lpis_deliver(lpis, CHUNK);
	}
	t->end_ns = host_cpu_ns();
	bench_lpis_free(lpis);
	return OK;
}

static struct result time_row(const struct row *row)
{
	struct timing t = {.row = row, .reference = reference_new()};
	struct run_report report;
	struct result result = {0};
	struct rusage usage;
	struct err err;
	if ((row->workload ? replay : deliver)(row, &t, &report, &err) != OK) {
		fprintf(stderr, "bench: %s: %s\n", row->name, err.text);
	} else if (!t.begin_ns || report.records <= t.begin_records) {
		fprintf(stderr, "bench: %s: nothing left to time after the warm-up\n", row->name);
	} else {
		uint64_t ns = t.end_ns - t.begin_ns - t.reference_ns;
		getrusage(RUSAGE_SELF, &usage);
		result = (struct result){.access_ns = (double)ns / (double)(report.records - t.begin_records),
					 .xorshift_ns = reference_xorshift_ns(t.reference),
					 .chase_ns = reference_chase_ns(t.reference),
					 .peak_mib = (double)usage.ru_maxrss / 1024 -
						     (double)REFERENCE_CHASE_BYTES / (1 << 20),
					 .good = true};
	}
	reference_free(t.reference);
	return result;
}

/* --- all rows -------------------------------------------------------------------------------------------------- */

static struct result time_row_apart(const struct row *row)
{
	struct result result = {0};
	int ends[2];
	if (pipe(ends)) return result;
	pid_t child = fork();
	if (child == 0) {
		result = time_row(row);
		_exit(write(ends[1], &result, sizeof(result)) != sizeof(result));
	}
	close(ends[1]);
	if (child < 0 || read(ends[0], &result, sizeof(result)) != sizeof(result)) result.good = false;
	close(ends[0]);
	if (child > 0) waitpid(child, NULL, 0);
	return result;
}

static double bound_ns(const struct row *row, const struct result *r)
{
	return row->bound == BY_CORE ? r->xorshift_ns : r->chase_ns;
}

/* Millions of accesses per second, here and as they would be on the reference machine. */
static double rate(const struct result *r) { return 1e3 / r->access_ns; }
static double scaled_rate(const struct row *row, const struct result *r)
{
	return rate(r) * bound_ns(row, r) / reference_machine_ns[row->bound];
}

static void print_heading(void)
{
	printf("%-24s %10s %10s %10s %10s %9s %9s %12s\n", "workload", "M acc./s", "peak MiB", "/xorshift",
	       "/chase", "xorshift", "chase", "M acc./s on");
	printf("%-24s %10s %10s %10s %10s %9s %9s %12s\n", "", "", "", "steps", "hops", "ns", "ns",
	       "ref. machine");
}

static void print_row(const struct row *row, const struct result *r)
{
	printf("%-24s %10.2f %10.1f %10.1f %10.2f %9.2f %9.2f %8.2f %s\n", row->name, rate(r), r->peak_mib,
	       r->access_ns / r->xorshift_ns, r->access_ns / r->chase_ns, r->xorshift_ns, r->chase_ns,
	       scaled_rate(row, r), row->bound == BY_CORE ? "(x)" : "(c)");
	fflush(stdout);
}

static void print_legend(void)
{
	printf("\nAn access is a record: a load, a store, a run of fetches, or a device's message until its LPI is taken. "
	       "Steps and hops: time\nof an access in those of the reference loops, timed meanwhile. Reference machine: "
	       "%.2f ns a step, %.1f ns a hop; (x) scaled by\nthe step, (c) by the hop.\n",
	       reference_machine_ns[BY_CORE], reference_machine_ns[BY_MEMORY]);
}

static json_t *row_json(const struct row *row, const struct result *r)
{
	return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:f}", "workload", row->name,
			 "accesses_per_us", rate(r), "peak_MiB", r->peak_mib, "xorshift_steps_per_access",
			 r->access_ns / r->xorshift_ns, "chase_hops_per_access", r->access_ns / r->chase_ns,
			 "xorshift_ns", r->xorshift_ns, "chase_ns", r->chase_ns, "bound",
			 row->bound == BY_CORE ? "core" : "memory", "accesses_per_us_on_reference_machine",
			 scaled_rate(row, r));
}

struct options {
	bool json;
	const char *only;
};

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "print JSON", 0},
	{"only", 'o', "TEXT", 0, "only workloads whose name contains TEXT", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case 'j': o->json = true; return 0;
	case 'o': o->only = arg; return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* Returns how many rows failed. */
static int run_rows(const struct options *o, json_t *list)
{
	int failed = 0;
	for (int i = 0; i < ROWS; i++) {
		if (o->only && !strstr(rows[i].name, o->only)) continue;
		struct result r = time_row_apart(&rows[i]);
		failed += !r.good;
		if (r.good && o->json)
			json_array_append_new(list, row_json(&rows[i], &r));
		else if (r.good)
			print_row(&rows[i], &r);
	}
	return failed;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Times fixed workloads; start it at the root of the project."};
	struct options o = {0};
	json_t *list = json_array();
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!o.json) print_heading();
	fflush(stdout); /* or each child would print it again */
	int failed = run_rows(&o, list);
	if (o.json && json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0) putchar('\n');
	if (!o.json) print_legend();
	json_decref(list);
	return failed ? 1 : 0;
}
