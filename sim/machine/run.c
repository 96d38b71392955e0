#include "machine/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "base/version.h"
#include "machine/engine.h"
#include "machine/stack_book.h"
#include "machine/machine.h"
#include "machine/workload.h"
#include "stats/json.h"
#include "store/store.h"
#include "trace/ahead.h"

/* --set by where it goes: what its first word says, or to the machine. */
enum target { TO_MACHINE, TO_STACK, TO_WORKLOAD, TARGETS };

struct run {
	struct run_request req;
	char *name, *lacks;
	const char **sets[TARGETS]; /* NULL at the end */
	struct conf *conf;          /* of stack and workload */
	struct machine_config machine_config;
	struct stack_params stack;
	struct bound stack_bound;
	struct path_book *book;   /* of the stack; NULL: it names no paths */
	const struct node *paths; /* the tree that it was made of */
	struct workload workload;
	struct machine *machine;
	struct watch watch;
	struct export *exports;    /* NULL: none are asked for */
	struct sampling *sampling; /* of the measured region; NULL: all of it is measured */
	struct store *store;       /* NULL: the run is not stored */
	uint64_t left;             /* loads and stores until the present region ends; UINT64_MAX: no limit */
};

/* --- set-up ---------------------------------------------------------------------------------------------------- */

static void sort_sets(struct run *r)
{
	static const char *const prefix[TARGETS] = {"machine.", "stack.", "workload."};
	size_t count = 0, used[TARGETS] = {0};
	while (r->req.sets && r->req.sets[count]) count++;
	for (int t = 0; t < TARGETS; t++) r->sets[t] = xcalloc(count + 1, sizeof(*r->sets[t]));
	for (size_t i = 0; i < count; i++) {
		int target = TO_MACHINE;
		const char *text = r->req.sets[i];
		for (int t = 0; t < TARGETS; t++)
			if (strncmp(text, prefix[t], strlen(prefix[t])) == 0) target = t;
		r->sets[target][used[target]++] = text;
	}
}

static enum status read_stack(struct run *r, struct err *err)
{
	struct bound *b = &r->stack_bound;
	*b = (struct bound){.name = "stack", .schema = &stack_schema, .params = &r->stack};
	if (r->req.stack) {
		TRY(conf_load(r->conf, r->req.stack, &b->file, err));
	} else {
		struct place nowhere = {.file = "(native)"};
		b->file.root = node_new(r->conf, NODE_MAP, nowhere);
		b->file.sources = node_new(r->conf, NODE_MAP, nowhere);
	}
	for (size_t i = 0; r->req.overlays && r->req.overlays[i]; i++)
		TRY(conf_overlay_part(r->conf, &b->file, r->req.overlays[i], "stack", err));
	for (size_t i = 0; r->sets[TO_STACK][i]; i++)
		TRY(conf_set(r->conf, &b->file, "stack", r->sets[TO_STACK][i], err));
	return schema_bind(r->conf, &stack_schema, b->file.root, &r->stack, err);
}

static const char *base_name(const char *path) { return strrchr(path, '/') ? strrchr(path, '/') + 1 : path; }

static char *lacks_text(uint32_t lacks)
{
	char *text = xstrdup("");
	for (unsigned i = 0; stream_lack_names[i]; i++) {
		if (!(lacks >> i & 1)) continue;
		const char *name = stream_lack_names[i] + strlen("no_");
		char *longer = xasprintf("%s%s%s", text, *text ? " " : "", name);
		free(text);
		text = longer;
	}
	return text;
}

static enum status open_workload(struct run *r, struct workload *w, struct err *err)
{
	struct time_share share = {r->stack.os.processes, r->stack.os.switch_every};
	return workload_open_threads(w, r->conf, r->req.workload, r->sets[TO_WORKLOAD], r->req.seed,
				     (uint32_t)r->req.stream, share, (unsigned)r->stack.threads, err);
}

/* Decodes on a thread of its own from now on, if that is asked for; where cores wait for each other, decoding bounds nothing. */
static void read_ahead(const struct run *r, struct workload *w)
{
	if (r->req.decode_thread && machine_threads(r->machine) == 1) w->source = trace_ahead(w->source);
}

static enum status read_files(struct run *r, struct err *err)
{
	const struct run_request *q = &r->req;
	struct machine_request machine = {q->machine, q->overlays, r->sets[TO_MACHINE]};
	TRY(machine_config_load(&r->machine_config, &machine, err));
	TRY(read_stack(r, err));
	TRY(stack_check(&r->stack_bound, &r->machine_config.params.features, err));
	TRY(open_workload(r, &r->workload, err));
	r->lacks = lacks_text(workload_info(&r->workload)->lacks);
	r->name = q->name ? xstrdup(q->name)
			  : xasprintf("%s/%s/%s", r->machine_config.params.name, r->stack.name,
				      base_name(q->workload));
	TRY(stack_book_load(r->conf, r->stack_bound.file.root, &r->machine_config.params.features, &r->book,
			    &r->paths, err));
	TRY(machine_new(&r->machine_config.params, &r->stack, q->seed, &r->machine, err));
	if (r->book) TRY(machine_use_paths(r->machine, r->book, err));
	if (q->translation_only) machine_only_translate(r->machine);
	if (machine_threads(r->machine) > 1 && (q->explain || q->on_mistake))
		return err_set(
			err, ERR_USAGE,
			"stack.threads: accesses are explained and maintenance is checked of one thread alone");
	return OK;
}

/* --- what is stored of the configuration ------------------------------------------------------------------------ */

static enum status store_value(void *ctx, const struct config_value *v, struct err *err)
{
	bool tagged = v->param->hardware;
	struct store_param p = {.path = v->path,
				.text = v->text,
				.unit = v->unit,
				.origin = v->origin,
				.tag = tagged ? v->provenance : NULL,
				.source = tagged && *v->source_text ? v->source_text : NULL};
	return store_param(ctx, &p, err);
}

static void hash_config(XXH64_state_t *state, const struct bound *b)
{
	char *text = config_text(b);
	XXH64_update(state, text, strlen(text));
	free(text);
}

/* Everything that a tree says, as text without places. */
static void hash_tree(XXH64_state_t *state, const struct node *n)
{
	const uint8_t kind = (uint8_t)n->kind;
	XXH64_update(state, &kind, sizeof(kind));
	if (n->kind == NODE_SCALAR) XXH64_update(state, n->text, strlen(n->text) + 1);
	for (size_t i = 0; (n->kind == NODE_MAP || n->kind == NODE_LIST) && i < n->count; i++) {
		if (n->kind == NODE_MAP) XXH64_update(state, n->key[i], strlen(n->key[i]) + 1);
		hash_tree(state, n->item[i]);
	}
}

static const char *fidelity_name(const struct run *r)
{
	return r->req.translation_only ? "translation" : "full";
}

/* What the command line decides beside the files. */
static enum status store_options(const struct run *r, struct err *err)
{
	const struct store_param rows[] = {
		{.path = "run.warmup", .number = r->req.warmup, .unit = "accesses", .origin = "--warmup"},
		{.path = "run.limit", .number = r->req.limit, .unit = "accesses", .origin = "--limit"},
		{.path = "run.populate",
		 .text = r->req.populate ? "yes" : "no",
		 .unit = "yes/no",
		 .origin = "--populate"},
		{.path = "run.fidelity", .text = fidelity_name(r), .unit = "name", .origin = "--fidelity"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) TRY(store_param(r->store, &rows[i], err));
	return OK;
}

static void hash_sampling(XXH64_state_t *state, const struct sampling_request *q)
{
	const uint64_t numbers[] = {q->kind, q->unit,   q->interval, q->from,
				    q->to,   q->warmup, q->warming,  q->point_instructions};
	if (q->kind == SAMPLING_NONE) return;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char text[32];
		snprintf(text, sizeof(text), " %" PRIu64, numbers[i]);
		XXH64_update(state, text, strlen(text));
	}
}

/* Nothing where all of the region is measured. */
static enum status store_sampling(const struct run *r, struct err *err)
{
	const struct sampling_request *q = &r->req.sampling;
	const char *unit = q->kind == SAMPLING_POINTS ? "instructions" : "accesses";
	const struct store_param rows[] = {
		{.path = "run.sampling",
		 .text = sampling_names[q->kind],
		 .unit = "name",
		 .origin = "--sample, --roi, --simpoints"},
		{.path = "run.sampling.unit", .number = q->unit, .unit = unit, .origin = "--sample"},
		{.path = "run.sampling.interval", .number = q->interval, .unit = unit, .origin = "--sample"},
		{.path = "run.sampling.warmup",
		 .number = q->warmup,
		 .unit = unit,
		 .origin = "--sample-warmup"},
	};
	if (q->kind == SAMPLING_NONE) return OK;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) TRY(store_param(r->store, &rows[i], err));
	return OK;
}

/* Everything that decides the results but the seed, the trace, and what files of points say: machine, stack, generator,
 * regions. */
static void config_hash_text(const struct run *r, char out[20])
{
	XXH64_state_t *state = XXH64_createState();
	char regions[128];
	XXH64_reset(state, 0);
	hash_config(state, &r->machine_config.bound);
	hash_config(state, &r->stack_bound);
	if (r->paths) hash_tree(state, r->paths);
	if (r->workload.bound.schema) hash_config(state, &r->workload.bound);
	snprintf(regions, sizeof(regions), "warmup=%" PRIu64 " limit=%" PRIu64 " populate=%d fidelity=%s",
		 r->req.warmup, r->req.limit, r->req.populate, fidelity_name(r));
	XXH64_update(state, regions, strlen(regions));
	hash_sampling(state, &r->req.sampling);
	snprintf(out, 20, "%016" PRIx64, (uint64_t)XXH64_digest(state));
	XXH64_freeState(state);
}

static enum status begin_stored_run(struct run *r, struct err *err)
{
	char config[20], trace[20];
	config_hash_text(r, config);
	snprintf(trace, sizeof(trace), "%016" PRIx64, workload_info(&r->workload)->hash);
	struct store_run_meta meta = {.name = r->name,
				      .machine = r->machine_config.params.name,
				      .stack = r->stack.name,
				      .workload = base_name(r->req.workload),
				      .version = STRATA_VERSION,
				      .config_hash = config,
				      .trace_hash = r->workload.bound.schema ? NULL : trace,
				      .lacks = r->lacks,
				      .seed = r->req.seed};
	TRY(store_open(r->req.db, STORE_APPEND, &r->store, err));
	TRY(store_run_begin(r->store, &meta, err));
	TRY(store_options(r, err));
	TRY(store_sampling(r, err));
	TRY(config_visit(&r->machine_config.bound, store_value, r->store, err));
	TRY(config_visit(&r->stack_bound, store_value, r->store, err));
	if (r->workload.bound.schema) TRY(config_visit(&r->workload.bound, store_value, r->store, err));
	return OK;
}

static enum status open_exports(struct run *r, struct err *err)
{
	const struct export_request *q = &r->req.exports;
	struct export_parts parts = {r->machine, r->book != NULL, r->machine_config.params.clock_mhz};
	if (!q->kvm && !q->perfetto) return OK;
	if (r->req.sampling.kind != SAMPLING_NONE)
		return err_set(
			err, ERR_USAGE,
			"--export-kvm and --export-perfetto show all of a run, --sample, --roi and --simpoints parts of one");
	return export_new(q, &parts, &r->exports, err);
}

enum status run_new(const struct run_request *request, struct run **out, struct err *err)
{
	struct run *r = xcalloc(1, sizeof(*r));
	r->req = *request;
	r->conf = conf_new();
	sort_sets(r);
	enum status st = read_files(r, err);
	watch_init(&r->watch, request->explain_at, request->explain);
	if (st == OK && request->on_mistake)
		machine_check_maintenance(r->machine, request->on_mistake, request->mistake_owner);
	if (st == OK && request->explain) machine_watch(r->machine, &r->watch);
	if (st == OK) st = open_exports(r, err);
	if (st == OK && r->req.db) st = begin_stored_run(r, err);
	if (st != OK) {
		run_free(r);
		return st;
	}
	*out = r;
	return OK;
}

void run_free(struct run *r)
{
	if (!r) return;
	store_close(r->store);
	sampling_free(r->sampling);
	export_free(r->exports);
	machine_free(r->machine);
	workload_close(&r->workload);
	machine_config_free(&r->machine_config);
	conf_free(r->conf);
	watch_fini(&r->watch);
	for (int t = 0; t < TARGETS; t++) free(r->sets[t]);
	free(r->lacks);
	free(r->name);
	free(r);
}

const struct machine *run_machine(const struct run *r) { return r->machine; }
uint64_t run_mistakes(const struct run *r) { return machine_mistakes(r->machine); }
const struct watch *run_watched(const struct run *r) { return r->req.explain ? &r->watch : NULL; }
const struct sampling *run_sampling(const struct run *r) { return r->sampling; }
const char *run_lacks(const struct run *r) { return r->lacks; }
const char *run_name(const struct run *r) { return r->name; }
const struct stats *run_stats(const struct run *r) { return machine_stats(r->machine); }
bool run_fitted_to(const struct run *r, const char *row)
{
	return fits_have(&r->machine_config.params.fits, row) || fits_have(&r->stack.fits, row);
}

enum status run_visit_config(const struct run *r, config_visit_fn *visit, void *ctx, struct err *err)
{
	TRY(config_visit(&r->machine_config.bound, visit, ctx, err));
	return config_visit(&r->stack_bound, visit, ctx, err);
}

uint64_t run_clock_mhz(const struct run *r) { return r->machine_config.params.clock_mhz; }

/* --- replay ---------------------------------------------------------------------------------------------------- */

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
	r->left = r->req.limit ? r->req.limit : UINT64_MAX;
	return OK;
}

static enum status ended_in_warmup(const struct run *r, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s: ends within the warm-up of %" PRIu64 " loads and stores",
		       r->req.workload, r->req.warmup);
}

/* As replay(), of several threads: regions are so many loads and stores of all together as each thread has on average. */
static enum status replay_threads(struct run *r, run_progress_fn *progress, void *ctx,
				  struct run_report *report, struct err *err)
{
	static const uint64_t records_per_report = 1 << 20;
	uint64_t threads = machine_threads(r->machine);
	struct engine *e = engine_new(r->machine, r->workload.thread);
	bool measured = r->req.warmup == 0, more = true;
	enum status st = OK;
	if (r->left != UINT64_MAX) r->left *= threads;
	for (uint64_t next = 0; st == OK && r->left && more;) {
		st = engine_turn(e, &r->left, &report->records, &more, err);
		if (st == OK && !r->left && !measured) {
			st = begin_measured(r, err);
			if (r->left != UINT64_MAX) r->left *= threads;
			measured = true;
		}
		if (!progress || report->records < next) continue;
		progress(ctx, report->records);
		next = report->records + records_per_report;
	}
	engine_free(e);
	return st == OK && !measured ? ended_in_warmup(r, err) : st;
}

static enum status repeat(struct run *r, uint64_t times, struct run_report *report, struct err *err)
{
	for (uint64_t i = 0; i < times; i++, report->records++)
		TRY(scenario_repeat(&r->workload.scenario, perform, r->machine, err));
	return OK;
}

/* Repetitions of a scenario: its own warm-up, then what is measured. */
static enum status replay_scenario(struct run *r, struct run_report *report, struct err *err)
{
	const struct scenario_params *p = &r->workload.scenario;
	if (r->req.warmup || r->req.limit)
		return err_set(err, ERR_USAGE,
			       "%s: a scenario counts its own repetitions (--set workload.warmup, "
			       "workload.repetitions); --warmup and --limit count loads and stores",
			       r->req.workload);
	TRY(repeat(r, p->warmup, report, err));
	TRY(begin_measured(r, err));
	return repeat(r, p->repetitions, report, err);
}

/* Executes records of one region. */
static enum status execute(struct run *r, const struct record *rec, size_t n, bool measured, struct err *err)
{
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
	if (!r->workload.source)
		return err_set(
			err, ERR_USAGE,
			"%s: a scenario has no parts that --sample, --roi and --simpoints could measure",
			r->req.workload);
	if (machine_threads(r->machine) != 1)
		return err_set(
			err, ERR_USAGE,
			"stack.threads: %u, but --sample, --roi and --simpoints measure parts of one thread",
			machine_threads(r->machine));
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
	enum status st = open_workload(r, &w, err);
	if (st == OK) read_ahead(r, &w);
	for (unsigned t = 0; st == OK && t < machine_threads(r->machine); t++)
		st = populate_thread(r, t, t ? w.thread[t] : w.source, err);
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
	bool one = machine_threads(r->machine) == 1;
	if (r->exports && !r->req.warmup && r->workload.source) export_begin(r->exports);
	if (!r->workload.source) {
		TRY(replay_scenario(r, report, err));
	} else {
		TRY(one ? replay(r, progress, ctx, report, err)
			: replay_threads(r, progress, ctx, report, err));
	}
	report->host_ns = now_ns() - begin;
	TRY(finish_sampling(r, err));
	TRY(end_region(r, "measured", err));
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

enum status run_commit(struct run *r, int64_t *id, struct err *err)
{
	return store_run_commit(r->store, id, err);
}

enum status run_json(struct run *r, FILE *out, struct err *err)
{
	json_t *json = NULL;
	TRY(stats_to_json(machine_stats(r->machine), &json, err));
	enum status st = json_print(out, json, err);
	json_decref(json);
	return st;
}
