#include "timing.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lpis.h"
#include "machine/run.h"
#include "reference.h"

enum { PIECES_MAX = 256, SETS = ROW_SETS + 3 };

struct timing {
	const struct row *row;
	struct reference *reference;
	struct reference_speed before; /* the piece that is being timed, if .step_ns */
	uint64_t begin_ns, begin_records;
	unsigned pieces;
	double access_ns[PIECES_MAX], steps[PIECES_MAX], hops[PIECES_MAX];
};

/* Ends a piece at `records`, begins the next. */
static void on_progress(void *ctx, uint64_t records)
{
	struct timing *t = ctx;
	uint64_t end_ns = host_cpu_ns();
	struct reference_speed after = reference_sample(t->reference), *before = &t->before;
	if (before->step_ns > 0 && records > t->begin_records && t->pieces < PIECES_MAX) {
		double ns = (double)(end_ns - t->begin_ns) / (double)(records - t->begin_records);
		t->access_ns[t->pieces] = ns;
		t->steps[t->pieces] = 2 * ns / (before->step_ns + after.step_ns);
		t->hops[t->pieces++] = 2 * ns / (before->hop_ns + after.hop_ns);
	}
	if (records < t->row->warm) return;
	*before = after;
	t->begin_records = records;
	t->begin_ns = host_cpu_ns();
}

static enum status replay(const struct row *row, run_progress_fn *progress, struct timing *t, struct err *err)
{
	struct run *run = NULL;
	struct run_report report;
	const char *sets[SETS] = {NULL};
	char streams[32], threads[32];
	unsigned n = 0;
	for (; n < ROW_SETS && row->set[n]; n++) sets[n] = row->set[n];
	snprintf(streams, sizeof(streams), "workload.threads=%u", row->threads);
	snprintf(threads, sizeof(threads), "stack.threads=%u", row->threads);
	if (row->threads > 1) sets[n++] = streams, sets[n++] = threads;
	struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				.stack = row->stack,
				.workload = row->workload,
				.sets = sets,
				.seed = 1,
				.translation_only = row->translation_only,
				.populate = true};
	enum status st = run_new(&q, &run, err);
	if (st == OK) st = run_execute(run, progress, t, &report, err);
	if (st == OK && t) on_progress(t, report.records);
	run_free(run);
	return st;
}

/* A record is the message of a device and the LPI that its PE takes. */
static enum status deliver(struct timing *t)
{
	enum { MESSAGES = 6000000, CHUNK = 1000000 };
	struct bench_lpis *lpis = bench_lpis_new();
	for (uint64_t records = 0; records < MESSAGES; bench_lpis_deliver(lpis, CHUNK), records += CHUNK)
		on_progress(t, records);
	on_progress(t, MESSAGES);
	bench_lpis_free(lpis);
	return OK;
}

static uint64_t peak_bytes(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_maxrss * 1024;
}

static void time_row(const struct row *row, void *out)
{
	struct timing t = {.row = row, .reference = reference_new()};
	struct result *result = out;
	struct err err;
	if ((row->workload ? replay(row, on_progress, &t, &err) : deliver(&t)) != OK)
		fprintf(stderr, "bench: %s: %s\n", row->name, err.text);
	else if (!t.pieces)
		fprintf(stderr, "bench: %s: nothing left to time after the warm-up\n", row->name);
	else
		*result = (struct result){
			.cost = {bench_median(t.steps, t.pieces), bench_median(t.hops, t.pieces)},
			.access_ns = bench_median(t.access_ns, t.pieces),
			.step_ns = reference_step_ns(t.reference),
			.hop_ns = reference_hop_ns(t.reference),
			.peak_mib = (double)(peak_bytes() - REFERENCE_CHASE_BYTES) / (1 << 20),
			.good = true};
	reference_free(t.reference);
}

static void find_peak(const struct row *row, void *out)
{
	struct err err;
	if (replay(row, NULL, NULL, &err) == OK)
		*(uint64_t *)out = peak_bytes();
	else
		fprintf(stderr, "bench: %s: %s\n", row->name, err.text);
}

/* Calls `fn` in a child; `out` gets what it wrote there, or zeros. */
static void call_apart(void (*fn)(const struct row *, void *), const struct row *row, void *out, size_t bytes)
{
	int ends[2];
	if (pipe(ends)) return;
	pid_t child = fork();
	if (child == 0) {
		fn(row, out);
		_exit(write(ends[1], out, bytes) != (ssize_t)bytes);
	}
	close(ends[1]);
	if (child > 0 && read(ends[0], out, bytes) != (ssize_t)bytes)
		fprintf(stderr, "bench: %s: the process died\n", row->name);
	close(ends[0]);
	if (child > 0) waitpid(child, NULL, 0);
}

struct result time_row_apart(const struct row *row)
{
	struct result result = {0};
	call_apart(time_row, row, &result, sizeof(result));
	return result;
}

uint64_t peak_bytes_apart(const struct row *row)
{
	uint64_t bytes = 0;
	call_apart(find_peak, row, &bytes, sizeof(bytes));
	return bytes;
}
