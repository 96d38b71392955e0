/* bench.c - `make bench`: how many accesses per second the simulator replays, and in how much memory.
 *
 * Rows are workloads on a Neoverse N1 with 4 KiB pages (timing.h). Each is printed as it is here and as it would be on the
 * reference machine, scaled by the loop that bounds it, and is compared with bench/baseline.json (baseline.h): one that has
 * become slower is timed twice again before it counts. Memory is what the host's process has at its peak.
 * Exit status: 0 all hold, 1 one does not, 2 wrong usage or a file that cannot be read.
 */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timing.h"

static const char kvm_4k[] = "configs/stacks/kvm-4k.yaml", hits[] = "workloads/tlb-hits.yaml",
		  sequential[] = "workloads/sequential.yaml", zipf[] = "workloads/zipf.yaml",
		  gups[] = "workloads/gups.yaml", shared_lock[] = "workloads/shared-lock.yaml",
		  four_vms[] = "configs/stacks/four-vms.yaml", sqlite[] = "workloads/sqlite_lookup.stt";
#define WARM 1000000
#define RECORDS(millions) "workload.accesses=" #millions "000000"
#define FOUR_VMS "workload.accesses=40000", "workload.threads=128"
#define RANDOM(millions) \
	{ \
		RECORDS(millions), "workload.update=no" \
	}

/* The promised rates are those of the project's table of streams. */
static const struct row rows[] = {
	{"hits, translation", hits, kvm_4k, WARM, {RECORDS(20)}, true, BY_CORE, 1, 150},
	{"hits", hits, kvm_4k, WARM, {RECORDS(16)}, false, BY_CORE, 1, 60},
	{"sequential, translation", sequential, kvm_4k, WARM, {RECORDS(20)}, true, BY_CORE, 1, 160},
	{"sequential", sequential, kvm_4k, WARM, {RECORDS(16)}, false, BY_CORE, 1, 60},
	{"zipf, translation", zipf, kvm_4k, WARM, {RECORDS(5)}, true, BY_MEMORY, 1, 5},
	{"zipf", zipf, kvm_4k, WARM, {RECORDS(5)}, false, BY_MEMORY, 1, 3},
	{"random, translation", gups, kvm_4k, WARM, RANDOM(5), true, BY_MEMORY, 1, 5},
	{"random", gups, kvm_4k, WARM, RANDOM(5), false, BY_MEMORY, 1, 3},
	{"random 1 stage, transl.", gups, NULL, WARM, RANDOM(5), true, BY_MEMORY, 1, 12},
	{"random 1 stage", gups, NULL, WARM, RANDOM(5), false, BY_MEMORY, 1, 6},
	{"gups, 128 cores", gups, NULL, 2000000, {"workload.accesses=40000"}, false, BY_MEMORY, 128, 0},
	/* The stack says how many vCPUs run. */
	{"gups, 128 cores, 4 VMs", gups, four_vms, 2000000, {FOUR_VMS}, false, BY_MEMORY, 1, 0},
	{"lock, 128 cores, 4 VMs",
	 shared_lock,
	 four_vms,
	 2000000,
	 {FOUR_VMS, "coherence.protocol=directory"},
	 false,
	 BY_MEMORY,
	 1,
	 0},
	{"chase 64 MiB", "workloads/chase.yaml", kvm_4k, WARM, {RECORDS(4)}, false, BY_MEMORY, 1, 0},
	{"sqlite, 1 stage", sqlite, NULL, 0, {NULL}, false, BY_CORE, 1, 0},
	{"sqlite", sqlite, kvm_4k, 0, {NULL}, false, BY_CORE, 1, 0},
	{"LPIs, 1 M over 256 PEs", NULL, NULL, WARM, {NULL}, false, BY_MEMORY, 1, 0},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), REPETITIONS = 3 };

/* The machine that the promised rates are stated for. */
static const double reference_machine_ns[] = {[BY_CORE] = 1.35, [BY_MEMORY] = 12.5};

struct options {
	bool json, update;
	const char *only, *baseline;
};

/* Millions of accesses per second, here and as they would be on the reference machine. */
static double rate(const struct result *r) { return 1e3 / r->access_ns; }
static double scaled_rate(const struct row *row, const struct result *r)
{
	double loops = row->bound == BY_CORE ? r->cost.steps : r->cost.hops;
	return 1e3 / (loops * reference_machine_ns[row->bound]);
}

/* --- output ---------------------------------------------------------------------------------------------------- */

static void print_heading(void)
{
	printf("%-24s %9s %9s %9s %9s %8s %8s %11s %9s %9s\n", "two stages unless said", "M acc./s",
	       "peak MiB", "/step", "/hop", "step ns", "hop ns", "reference", "at least", "baseline");
}

static void print_row(const struct row *row, const struct result *r, const char *verdict)
{
	char promise[16] = "-";
	if (row->at_least > 0) snprintf(promise, sizeof(promise), "%.0f", row->at_least);
	printf("%-24s %9.2f %9.1f %9.1f %9.2f %8.2f %8.2f %7.2f (%c) %9s %9s\n", row->name, rate(r),
	       r->peak_mib, r->cost.steps, r->cost.hops, r->step_ns, r->hop_ns, scaled_rate(row, r),
	       row->bound == BY_CORE ? 's' : 'h', promise, verdict);
	fflush(stdout);
}

static void print_legend(void)
{
	printf("\nAn access is a record: a load, a store, a run of fetches, or a device's message until its LPI is taken. "
	       "/step, /hop: its\ntime in steps and hops of the reference loops, timed in between; medians. reference: M "
	       "acc./s where a step takes %.2f ns\nand a hop %.1f ns, scaled by the step (s) or the hop (h); at least: "
	       "what is promised there. baseline: rate against\nbench/baseline.json.\n",
	       reference_machine_ns[BY_CORE], reference_machine_ns[BY_MEMORY]);
}

static json_t *row_json(const struct row *row, const struct result *r)
{
	return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:f, s:f}", "workload", row->name,
			 "accesses_per_us", rate(r), "peak_MiB", r->peak_mib, "xorshift_steps_per_access",
			 r->cost.steps, "chase_hops_per_access", r->cost.hops, "xorshift_ns", r->step_ns,
			 "chase_ns", r->hop_ns, "bound", row->bound == BY_CORE ? "core" : "memory",
			 "accesses_per_us_on_reference_machine", scaled_rate(row, r), "promised",
			 row->at_least);
}

/* --- speed ----------------------------------------------------------------------------------------------------- */

/* Times a row, and again where it seems to be slower than it was. */
static struct result time_row_surely(const struct row *row, const struct cost *then)
{
	struct cost cost[REPETITIONS];
	struct result r = {.good = true};
	for (unsigned n = 0; r.good && n < REPETITIONS;) {
		r = time_row_apart(row);
		cost[n++] = r.cost;
		if (!r.good || !then) break;
		r.cost = bench_median_cost(cost, n);
		if (baseline_holds(r.cost, *then)) break;
	}
	return r;
}

/* Whether the row ran and holds its baseline; without `update`, one without a baseline does not. */
static bool run_row(const struct row *row, const struct options *o, json_t *baseline, json_t *list)
{
	struct cost then;
	bool known = baseline_find(baseline, row->name, &then);
	struct result r = time_row_surely(row, known && !o->update ? &then : NULL);
	if (!r.good) return false;
	char verdict[16] = "none";
	if (known) snprintf(verdict, sizeof(verdict), "%+.0f %%", -100 * baseline_fall(r.cost, then));
	if (o->json)
		json_array_append_new(list, row_json(row, &r));
	else
		print_row(row, &r, verdict);
	if (o->update) baseline_put(baseline, row->name, r.cost);
	bool holds = o->update || (known && baseline_holds(r.cost, then));
	if (!holds)
		fprintf(stderr,
			known ? "bench: %s: more than %.0f %% slower than its baseline\n"
			      : "bench: %s: has no baseline (make bench BASELINE=update)\n",
			row->name, 100 * BASELINE_SLOWER);
	return holds;
}

/* --- memory ---------------------------------------------------------------------------------------------------- */

/* What `with` takes more than `without`, per unit. */
struct memory_row {
	const char *name;
	struct row with, without;
	double units, at_most_bytes;
};

#define STRIDE "workload.generator=stride"
static const struct memory_row memory_rows[] = {
	{"host bytes per 4 KiB page mapped at both stages",
	 {"1 GiB", sequential, kvm_4k, .set = {STRIDE, "workload.accesses=262144"}},
	 {"1 page", sequential, kvm_4k, .set = {STRIDE, "workload.accesses=1"}},
	 262144,
	 12},
	{"host bytes per GiB that is not touched",
	 {"65 GiB", sequential, kvm_4k, .set = {"workload.footprint_bytes=65G", "workload.accesses=1"}},
	 {"1 GiB", sequential, kvm_4k, .set = {"workload.footprint_bytes=1G", "workload.accesses=1"}},
	 64,
	 4096},
};
enum { MEMORY_ROWS = sizeof(memory_rows) / sizeof(memory_rows[0]) };

static bool run_memory_row(const struct memory_row *row, const struct options *o, json_t *list)
{
	uint64_t with = peak_bytes_apart(&row->with), without = peak_bytes_apart(&row->without);
	if (!with || !without) return false;
	double each = ((double)with - (double)without) / row->units;
	if (o->json)
		json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "memory", row->name, "bytes", each,
						      "at_most", row->at_most_bytes));
	else
		printf("%s: %.2f (at most %.0f)\n", row->name, each, row->at_most_bytes);
	if (each <= row->at_most_bytes) return true;
	fprintf(stderr, "bench: %s: %.2f is above %.0f\n", row->name, each, row->at_most_bytes);
	return false;
}

/* --- all of it ------------------------------------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "print JSON", 0},
	{"only", 'o', "TEXT", 0, "only rows whose name contains TEXT", 0},
	{"baseline", 'b', "FILE", 0, "compare with FILE (bench/baseline.json)", 0},
	{"update", 'u', NULL, 0, "write what is found to the baseline instead of comparing", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case 'j': o->json = true; return 0;
	case 'o': o->only = arg; return 0;
	case 'b': o->baseline = arg; return 0;
	case 'u': o->update = true; return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static bool chosen(const struct options *o, const char *name) { return !o->only || strstr(name, o->only); }

/* Returns how many rows failed. */
static int run_rows(const struct options *o, json_t *baseline, json_t *list)
{
	int failed = 0;
	for (int i = 0; i < ROWS; i++)
		if (chosen(o, rows[i].name)) failed += !run_row(&rows[i], o, baseline, list);
	if (!o->json) print_legend();
	for (int i = 0; i < MEMORY_ROWS; i++)
		if (chosen(o, memory_rows[i].name)) failed += !run_memory_row(&memory_rows[i], o, list);
	return failed;
}

/* A baseline that is to be written need not be there yet. */
static enum status load(const struct options *o, json_t **out, struct err *err)
{
	enum status st = baseline_load(o->baseline, out, err);
	if (st == OK || !o->update) return st;
	*out = json_object();
	return OK;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Times fixed workloads; start it at the root of the project."};
	struct options o = {.baseline = "bench/baseline.json"};
	json_t *list = json_array(), *baseline = NULL;
	struct err err;
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	enum status st = load(&o, &baseline, &err);
	if (st == OK && !o.json) print_heading();
	fflush(stdout); /* or each child would print it again */
	int failed = st == OK ? run_rows(&o, baseline, list) : 0;
	if (o.json && json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0) putchar('\n');
	if (st == OK && o.update) st = baseline_save(o.baseline, baseline, &err);
	if (st != OK) fprintf(stderr, "bench: %s\n", err.text);
	json_decref(list);
	json_decref(baseline);
	return st != OK ? 2 : failed ? 1 : 0;
}
