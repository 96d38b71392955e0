#include "machine/run_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "machine/engine.h"
#include "machine/machine_host.h"
#include "trace/ahead.h"

/* Decodes on a thread of its own from now on, if that is asked for; where cores wait for each other, decoding bounds nothing. */
static void read_ahead(const struct run *r, struct workload *w)
{
	bool alone = machine_threads(r->machine) == 1 && !machine_has_operations(r->machine);
	if (r->req.decode_thread && alone) w->source = trace_ahead(w->source);
}

static bool is_data(const struct record *rec) { return rec->kind == REC_LOAD || rec->kind == REC_STORE; }

/* How many of rec[0..n-1] belong to the present region: up to its last load or store. */
static size_t within_region(struct run *r, const struct record *rec, size_t n)
{
	if (r->left == UINT64_MAX) return n;
	for (size_t i = 0; i < n; i++)
		if (is_data(&rec[i]) && --r->left == 0) return i + 1;
	return n;
}

static enum status end_region(struct run *r, const char *name, struct err *err)
{
	machine_finish(r->machine);
	TRY(machine_check_sums(r->machine, err));
	struct machine_totals t = machine_totals(r->machine);
	struct store_region region = {name, t.accesses, t.instructions, t.cycles};
	return r->store ? store_region(r->store, &region, machine_stats(r->machine), err) : OK;
}

static enum status perform(void *machine, const char *operation, struct err *err)
{
	return machine_perform(machine, operation, err);
}

/* The warm-up is over: what follows is measured. */
static enum status begin_measured(struct run *r, struct err *err)
{
	TRY(end_region(r, "warmup", err));
	machine_reset_stats(r->machine);
	if (r->exports) export_begin(r->exports);
	run_series_begin(r);
	r->left = r->req.limit ? r->req.limit : UINT64_MAX;
	return OK;
}

static enum status ended_in_warmup(const struct run *r, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s: ends within the warm-up of %" PRIu64 " loads and stores",
		       r->req.workload, r->req.warmup);
}

/* One turn of several threads. */
static enum status turn(struct run *r, struct engine *e, bool measured, uint64_t *records, bool *more,
			struct err *err)
{
	if (!measured || !r->sampling) return engine_turn(e, &r->left, records, more, err);
	TRY(sampling_turn(r->sampling, e, &r->left, records, more, err));
	if (sampling_is_over(r->sampling)) r->left = 0;
	return OK;
}

/* As replay(), of several threads: regions are so many loads and stores of all together as each thread has on average. */
static enum status replay_threads(struct run *r, run_progress_fn *progress, void *ctx,
				  struct run_report *report, struct err *err)
{
	static const uint64_t records_per_report = 1 << 20;
	uint64_t threads = machine_threads(r->machine);
	struct engine *e = engine_new(r->machine, workload_streams(&r->workload));
	bool measured = r->req.warmup == 0, more = true;
	enum status st = OK;
	if (r->left != UINT64_MAX) r->left *= threads;
	if (measured) engine_begin_operations(e);
	for (uint64_t next = 0; st == OK && r->left && more;) {
		st = turn(r, e, measured, &report->records, &more, err);
		if (st == OK && !r->left && !measured) {
			st = begin_measured(r, err);
			if (r->left != UINT64_MAX) r->left *= threads;
			engine_begin_operations(e);
			measured = true;
		}
		if (measured && r->series && more) run_series_at(r, engine_now(e));
		if (!progress || report->records < next) continue;
		progress(ctx, report->records);
		next = report->records + records_per_report;
	}
	engine_free(e);
	return st == OK && !measured ? ended_in_warmup(r, err) : st;
}

static enum status repeat(struct run *r, uint64_t times, struct run_report *report, struct err *err)
{
	for (uint64_t i = 0; i < times; i++, report->records++) {
		TRY(scenario_repeat(&r->workload.scenario, perform, r->machine, err));
		if (r->series) run_series_at(r, machine_now(r->machine, 0));
	}
	return OK;
}

static enum status repeat_stage2(struct run *r, struct run_report *report, struct err *err)
{
	for (uint64_t i = 0; i < r->workload.stage2.repetitions; i++, report->records++)
		TRY(stage2_workload_repeat(&r->workload.stage2, r->machine, err));
	return OK;
}

/* Repetitions of a scenario: its own warm-up, then what is measured. */
static enum status replay_scenario(struct run *r, struct run_report *report, struct err *err)
{
	const struct scenario_params *p = &r->workload.scenario;
	bool stage2 = r->workload.bound.schema == &stage2_workload_schema;
	if (r->req.warmup || r->req.limit)
		return err_set(err, ERR_USAGE,
			       "%s: a scenario counts its own repetitions (--set workload.warmup, "
			       "workload.repetitions); --warmup and --limit count loads and stores",
			       r->req.workload);
	if (stage2) return repeat_stage2(r, report, err);
	if (*p->others) TRY(machine_start_others(r->machine, p->others, err));
	TRY(repeat(r, p->warmup, report, err));
	TRY(begin_measured(r, err));
	return repeat(r, p->repetitions, report, err);
}

/* Executes records of one region. */
static enum status execute(struct run *r, const struct record *rec, size_t n, bool measured, struct err *err)
{
	if (measured && r->series) return run_by_intervals(r, rec, n, err);
	if (!measured || !r->sampling) return machine_run(r->machine, rec, n, err);
	TRY(sampling_run(r->sampling, rec, n, err));
	if (sampling_is_over(r->sampling)) r->left = 0;
	return OK;
}

static enum status store_estimates(struct run *r, struct err *err)
{
	for (size_t i = 0; i < sampling_results(r->sampling); i++) {
		struct sampling_result e = sampling_result(r->sampling, i);
		struct store_estimate row = {.metric = e.metric,
					     .unit = e.unit,
					     .units = e.units,
					     .value = e.estimate.value,
					     .low = e.estimate.low,
					     .high = e.estimate.high};
		if (e.estimate.has_interval) row.confidence = SAMPLING_CONFIDENCE_PERCENT;
		if (e.estimate.known) TRY(store_estimate(r->store, &row, err));
	}
	return OK;
}

static enum status finish_sampling(struct run *r, struct err *err)
{
	if (!r->sampling) return OK;
	TRY(sampling_finish(r->sampling, err));
	return r->store ? store_estimates(r, err) : OK;
}

static enum status begin_sampling(struct run *r, struct err *err)
{
	if (r->req.sampling.kind == SAMPLING_NONE) return OK;
	if (machine_has_operations(r->machine))
		return err_set(
			err, ERR_USAGE,
			"stack.memory_operations, numa.balancing: --sample, --roi and --simpoints measure parts of a program alone");
	if (!r->workload.source)
		return err_set(
			err, ERR_USAGE,
			"%s: a scenario has no parts that --sample, --roi and --simpoints could measure",
			r->req.workload);
	if (machine_schedules(r->machine))
		return err_set(
			err, ERR_USAGE,
			"stack.scheduler: threads share cores by time, which does not pass as it would while --sample, --roi "
			"and --simpoints warm them");
	return sampling_new(&r->req.sampling, r->machine, trace_source_info(r->workload.source)->lacks,
			    r->req.seed, &r->sampling, err);
}

static enum status replay(struct run *r, run_progress_fn *progress, void *ctx, struct run_report *report,
			  struct err *err)
{
	static const unsigned batches_per_report = 1024;
	struct record *buf = xcalloc(TRACE_BATCH, sizeof(*buf));
	const struct record *rec;
	bool measured = r->req.warmup == 0;
	enum status st = OK;
	for (uint64_t batch = 0; st == OK && r->left; batch++) {
		size_t n = 0;
		st = trace_borrow(r->workload.source, buf, &rec, &n, err);
		if (st != OK || n == 0) break;
		for (size_t done = 0, take; st == OK && done < n && r->left; done += take) {
			take = within_region(r, rec + done, n - done);
			st = execute(r, rec + done, take, measured, err);
			report->records += take;
			if (st != OK || r->left || measured) continue;
			st = begin_measured(r, err);
			measured = true;
		}
		if (progress && batch % batches_per_report == 0) progress(ctx, report->records);
	}
	free(buf);
	return st == OK && !measured ? ended_in_warmup(r, err) : st;
}

/* Maps what thread `t` touches, whose stream is `source`. */
static enum status populate_thread(struct run *r, unsigned t, struct trace_source *source, struct err *err)
{
	struct record *buf = xcalloc(TRACE_BATCH, sizeof(*buf));
	const struct record *rec;
	size_t n = 1;
	enum status st = OK;
	while (st == OK && n) {
		st = trace_borrow(source, buf, &rec, &n, err);
		if (st == OK) st = machine_populate(r->machine, t, rec, n, err);
	}
	free(buf);
	return st;
}

/* Reads the streams once ahead, and maps what they touch. */
enum status run_populate(struct run *r, struct err *err)
{
	struct workload w;
	enum status st = run_open_workload(r, &w, err);
	if (st == OK) read_ahead(r, &w);
	for (unsigned t = 0; st == OK && t < machine_threads(r->machine); t++)
		st = populate_thread(r, t, workload_streams(&w)[t], err);
	workload_close(&w);
	machine_populate_end(r->machine);
	machine_reset_stats(r->machine);
	return st;
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum status run_execute(struct run *r, run_progress_fn *progress, void *ctx, struct run_report *report,
			struct err *err)
{
	*report = (struct run_report){0};
	if (r->req.populate && r->workload.source) TRY(run_populate(r, err));
	TRY(begin_sampling(r, err));
	if (r->workload.source) read_ahead(r, &r->workload);
	uint64_t limit = r->req.warmup ? r->req.warmup : r->req.limit, begin = now_ns();
	r->left = limit ? limit : UINT64_MAX;
	bool one = machine_threads(r->machine) == 1 && !machine_schedules(r->machine) &&
		   !machine_has_operations(r->machine);
	if (r->exports && !r->req.warmup && r->workload.source) export_begin(r->exports);
	run_series_begin(r);
	if (!r->workload.source) {
		TRY(replay_scenario(r, report, err));
	} else {
		TRY(one ? replay(r, progress, ctx, report, err)
			: replay_threads(r, progress, ctx, report, err));
	}
	report->host_ns = now_ns() - begin;
	TRY(finish_sampling(r, err));
	TRY(end_region(r, "measured", err));
	TRY(run_series_finish(r, err));
	if (r->exports) TRY(export_commit(r->exports, err));
	watch_sort(&r->watch);
	struct machine_totals t = machine_totals(r->machine);
	if (r->req.warmup && !t.accesses)
		return err_set(err, ERR_INPUT,
			       "%s: ends with the warm-up of %" PRIu64
			       " loads and stores: none is left to measure",
			       r->req.workload, r->req.warmup);
	struct physmem_usage usage = machine_memory(r->machine);
	report->accesses = t.accesses;
	report->instructions = t.instructions;
	report->cycles = t.cycles;
	report->table_pages = usage.compact_pages + usage.raw_pages;
	report->table_host_bytes = usage.host_bytes;
	return OK;
}
