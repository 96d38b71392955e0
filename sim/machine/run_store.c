#include "machine/run_impl.h"

#include <inttypes.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/version.h"

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

/* Nothing where there is no series. */
static enum status store_series_options(const struct run *r, struct err *err)
{
	const struct store_param rows[] = {
		{.path = "run.interval", .number = r->req.interval, .unit = "cycles", .origin = "--interval"},
		{.path = "run.interval_limit",
		 .number = r->req.interval_limit,
		 .unit = "intervals",
		 .origin = "--interval-limit"},
	};
	if (!r->req.interval) return OK;
	TRY(store_param(r->store, &rows[0], err));
	return store_param(r->store, &rows[1], err);
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

/* What a VM runs of its own: a generator, or a trace by its content. */
static void hash_own(XXH64_state_t *state, const struct workload *own)
{
	const uint64_t trace = workload_info(own)->hash;
	if (own->bound.schema)
		hash_config(state, &own->bound);
	else
		XXH64_update(state, &trace, sizeof(trace));
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
	for (unsigned i = 0; i < r->workload.owns; i++) hash_own(state, &r->workload.own[i]);
	snprintf(regions, sizeof(regions), "warmup=%" PRIu64 " limit=%" PRIu64 " populate=%d fidelity=%s",
		 r->req.warmup, r->req.limit, r->req.populate, fidelity_name(r));
	XXH64_update(state, regions, strlen(regions));
	hash_sampling(state, &r->req.sampling);
	snprintf(out, 20, "%016" PRIx64, (uint64_t)XXH64_digest(state));
	XXH64_freeState(state);
}

enum status run_begin_stored(struct run *r, struct err *err)
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
	TRY(store_series_options(r, err));
	TRY(config_visit(&r->machine_config.bound, store_value, r->store, err));
	TRY(config_visit(&r->stack_bound, store_value, r->store, err));
	if (r->workload.bound.schema) TRY(config_visit(&r->workload.bound, store_value, r->store, err));
	for (unsigned i = 0; i < r->workload.owns; i++)
		if (r->workload.own[i].bound.schema)
			TRY(config_visit(&r->workload.own[i].bound, store_value, r->store, err));
	return OK;
}
