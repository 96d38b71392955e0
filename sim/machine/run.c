#include "machine/run_impl.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "machine/schemas.h"
#include "stats/json.h"

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

/* A key without `stack.` or `workload.` in front would be looked for in the machine. */
static enum status check_prefixes(const struct run *r, struct err *err)
{
	for (size_t i = 0; r->sets[TO_MACHINE][i]; i++) {
		const char *text = r->sets[TO_MACHINE][i], *prefix = schemas_missing_prefix(text);
		if (prefix)
			return err_set(err, ERR_CONFIG, "--set %s: no key of a machine; did you mean '%s%s'?",
				       text, prefix, text);
	}
	return OK;
}

static enum status read_stack(struct run *r, struct err *err)
{
	struct bound *b = &r->stack_bound;
	*b = (struct bound){.name = "stack", .schema = &stack_schema, .params = &r->stack};
	if (r->req.stack) {
		TRY(conf_load(r->conf, r->req.stack, &b->file, err));
		TRY(schemas_check_kind(b->file.root, &stack_schema, err));
	} else {
		struct place nowhere = {.file = "(native)"};
		b->file.root = node_new(r->conf, NODE_MAP, nowhere);
		b->file.sources = node_new(r->conf, NODE_MAP, nowhere);
	}
	for (size_t i = 0; r->req.overlays && r->req.overlays[i]; i++)
		TRY(conf_overlay_part(r->conf, &b->file, r->req.overlays[i], "stack", err));
	for (size_t i = 0; r->sets[TO_STACK][i]; i++)
		TRY(conf_set(r->conf, &b->file, "stack", r->sets[TO_STACK][i], err));
	return stack_bind(r->conf, b->file.root, &r->stack, err);
}

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

enum status run_open_workload(struct run *r, struct workload *w, struct err *err)
{
	unsigned vms = stack_vms(&r->stack);
	const struct node *root = r->stack_bound.file.root, *list = node_get(root, "vms");
	struct workload_part *part = xcalloc(vms, sizeof(*part));
	enum status st = OK;
	for (unsigned i = 0; st == OK && i < vms; i++) {
		struct vm_params p = stack_vm(&r->stack, i);
		part[i] = (struct workload_part){.name = p.name,
						 .threads = (unsigned)p.vcpus,
						 .share = {p.os.processes, p.os.switch_every}};
		if (list && list->kind == NODE_LIST)
			st = stack_file(r->conf, root->at.file, list->item[i], "workload", &part[i].path,
					err);
	}
	if (st == OK)
		st = workload_open_parts(w, r->conf, r->req.workload, r->sets[TO_WORKLOAD], r->req.seed,
					 (uint32_t)r->req.stream, part, vms, err);
	free(part);
	return st;
}

static enum status read_files(struct run *r, struct err *err)
{
	const struct run_request *q = &r->req;
	struct machine_request machine = {q->machine, q->overlays, r->sets[TO_MACHINE]};
	TRY(check_prefixes(r, err));
	TRY(machine_config_load(&r->machine_config, &machine, err));
	TRY(read_stack(r, err));
	TRY(stack_check(&r->stack_bound, &r->machine_config.params.features, err));
	TRY(run_open_workload(r, &r->workload, err));
	r->lacks = lacks_text(workload_lacks(&r->workload));
	r->name = q->name ? xstrdup(q->name)
			  : xasprintf("%s/%s/%s", r->machine_config.params.name, r->stack.name,
				      base_name(q->workload));
	TRY(stack_book_load(r->conf, r->stack_bound.file.root, &r->machine_config.params.features, &r->book,
			    &r->paths, err));
	TRY(machine_new(&r->machine_config.params, &r->stack, q->seed, &r->machine, err));
	TRY(r->book ? machine_use_paths(r->machine, r->book, err) : machine_without_paths(r->machine, err));
	if (r->book && r->workload.scenario.operations) machine_count_messages(r->machine);
	if (q->translation_only) machine_only_translate(r->machine);
	return OK;
}

/* --- whole runs ------------------------------------------------------------------------------------------------ */

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
	if (st == OK) st = run_series_new(r, err);
	if (st == OK && r->req.db) st = run_begin_stored(r, err);
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
	series_free(r->series);
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

uint32_t run_streams_left(const struct run *r, uint32_t *of)
{
	uint64_t used = r->stack.threads;
	*of = workload_info(&r->workload)->streams;
	return r->stack.vms.count || r->stack.os.processes > 1 || used >= *of ? 0 : *of - (uint32_t)used;
}
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
