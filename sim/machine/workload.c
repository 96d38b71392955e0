#include "machine/workload.h"

#include <stdlib.h>

#include <string.h>

#include "base/alloc.h"
#include "machine/schemas.h"
#include "trace/interleave.h"

static bool is_yaml(const char *path)
{
	const char *dot = strrchr(path, '.');
	return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static enum status open_yaml(struct workload *w, struct conf *c, const char *path, const char *const *sets,
			     uint64_t seed, uint32_t stream, struct err *err)
{
	w->bound = (struct bound){.name = "workload", .schema = &gen_schema, .params = &w->gen};
	TRY(conf_load(c, path, &w->bound.file, err));
	if (!is_scenario(w->bound.file.root) && !is_stage2_workload(w->bound.file.root))
		TRY(schemas_check_kind(w->bound.file.root, &gen_schema, err));
	for (size_t i = 0; sets[i]; i++) TRY(conf_set(c, &w->bound.file, "workload", sets[i], err));
	if (is_scenario(w->bound.file.root)) {
		w->bound.schema = &scenario_schema;
		w->bound.params = &w->scenario;
		return schema_bind(c, &scenario_schema, w->bound.file.root, &w->scenario, err);
	}
	if (is_stage2_workload(w->bound.file.root)) {
		w->bound.schema = &stage2_workload_schema;
		w->bound.params = &w->stage2;
		return schema_bind(c, &stage2_workload_schema, w->bound.file.root, &w->stage2, err);
	}
	TRY(schema_bind(c, &gen_schema, w->bound.file.root, &w->gen, err));
	return gen_open(path, &w->gen, seed, stream, &w->source, err);
}

enum status workload_open(struct workload *w, struct conf *c, const char *path, const char *const *sets,
			  uint64_t seed, uint32_t stream, struct err *err)
{
	*w = (struct workload){0};
	if (is_yaml(path)) return open_yaml(w, c, path, sets, seed, stream, err);
	if (sets[0])
		return err_set(err, ERR_USAGE, "--set %s: %s is a trace, which has no parameters", sets[0],
			       path);
	return trace_open(path, stream, &w->source, err);
}

enum status workload_open_stream(struct workload *w, struct conf *c, const char *path,
				 const char *const *sets, uint64_t seed, uint32_t stream, struct err *err)
{
	TRY(workload_open(w, c, path, sets, seed, stream, err));
	if (w->source) return OK;
	return err_set(err, ERR_CONFIG, "%s: is a scenario, whose operations have no stream of accesses",
		       path);
}

const struct trace_info *workload_info(const struct workload *w)
{
	static const struct trace_info none = {.format = "scenario", .meta = "", .streams = 1};
	return w->source ? trace_source_info(w->source) : &none;
}

/* One more of the streams of the workload that `w` has open; again from the first where it has no more. */
static enum status open_other(const struct workload *w, const char *path, uint64_t seed, uint32_t stream,
			      struct trace_source **out, struct err *err)
{
	stream %= trace_source_info(w->source)->streams;
	if (w->bound.schema) return gen_open(path, &w->gen, seed, stream, out, err);
	return trace_open(path, stream, out, err);
}

/* Has `*source`, which is open with stream `stream`, share its core with the other processes. */
static enum status add_processes(const struct workload *w, const char *path, uint64_t seed, uint32_t stream,
				 struct time_share share, struct trace_source **source, struct err *err)
{
	if (share.processes == 1 || !*source) return OK;
	struct trace_source **parts = xcalloc(share.processes, sizeof(*parts));
	enum status st = OK;
	size_t opened = 0;
	for (parts[opened++] = *source; st == OK && opened < share.processes; opened += st == OK)
		st = open_other(w, path, seed, stream + (uint32_t)opened, &parts[opened], err);
	if (st == OK) {
		*source = trace_interleave(parts, opened, share.switch_every);
		return OK;
	}
	for (size_t i = 1; i < opened; i++) trace_close(parts[i]);
	free(parts);
	return st;
}

enum status workload_open_shared(struct workload *w, struct conf *c, const char *path,
				 const char *const *sets, uint64_t seed, uint32_t stream,
				 struct time_share share, struct err *err)
{
	TRY(workload_open(w, c, path, sets, seed, stream, err));
	return add_processes(w, path, seed, stream, share, &w->source, err);
}

/* Thread t of those that are open already, from 1 on. */
static enum status open_thread(struct workload *w, const char *path, uint64_t seed, uint32_t first,
			       struct time_share share, struct err *err)
{
	uint32_t stream = first + w->threads * (uint32_t)share.processes;
	struct trace_source **source = &w->thread[w->threads];
	TRY(open_other(w, path, seed, stream, source, err));
	w->threads++;
	return add_processes(w, path, seed, stream, share, source, err);
}

enum status workload_open_threads(struct workload *w, struct conf *c, const char *path,
				  const char *const *sets, uint64_t seed, uint32_t stream,
				  struct time_share share, unsigned threads, struct err *err)
{
	TRY(workload_open_shared(w, c, path, sets, seed, stream, share, err));
	uint32_t streams = workload_info(w)->streams;
	if (threads == 1 || !w->source) return OK; /* a scenario has no streams */
	if (stream + threads > streams)
		return err_set(err, ERR_USAGE, "stack.threads: %u, but %s has %u streams from stream %u on%s",
			       threads, path, streams - stream, stream,
			       w->bound.schema ? " (workload.threads)" : "");
	w->thread = xcalloc(threads, sizeof(struct trace_source *));
	w->thread[0] = w->source;
	for (w->threads = 1; w->threads < threads;) TRY(open_thread(w, path, seed, stream, share, err));
	return OK;
}

/* --- several VMs --------------------------------------------------------------------------------------------------- */

static enum status open_own(struct workload *w, struct conf *c, const struct workload_part *p, uint64_t seed,
			    struct err *err)
{
	static const char *const no_sets[] = {NULL};
	struct workload *own = &w->own[w->owns++];
	TRY(workload_open_threads(own, c, p->path, no_sets, seed, 0, p->share, p->threads, err));
	if (!own->source)
		return err_set(err, ERR_CONFIG,
			       "stack.vms.%s.workload: %s: a scenario is no stream of accesses", p->name,
			       p->path);
	char *name = xasprintf("workload.%s", p->name);
	own->bound.name = conf_strdup(c, name);
	free(name);
	return OK;
}

/* Puts the threads of all parts one behind the other. */
static void line_up(struct workload *w, const struct workload_part *part, unsigned parts)
{
	unsigned own = 0, shared = 0, all = 0;
	for (unsigned i = 0; i < parts; i++) {
		const struct workload *from = part[i].path ? &w->own[own++] : w;
		unsigned first = part[i].path ? 0 : shared;
		for (unsigned k = 0; k < part[i].threads; k++)
			w->all[all++] = from->thread ? from->thread[first + k] : from->source;
		if (!part[i].path) shared += part[i].threads;
	}
}

enum status workload_open_parts(struct workload *w, struct conf *c, const char *path, const char *const *sets,
				uint64_t seed, uint32_t stream, const struct workload_part *part,
				unsigned parts, struct err *err)
{
	struct time_share share = part[0].share;
	unsigned threads = 0, shared = 0, owns = 0;
	for (unsigned i = 0; i < parts; i++) {
		threads += part[i].threads;
		if (part[i].path)
			owns++;
		else if (shared += part[i].threads, shared == part[i].threads)
			share = part[i].share;
	}
	*w = (struct workload){0};
	if (!shared) return err_set(err, ERR_USAGE, "%s: each of stack.vms runs a workload of its own", path);
	TRY(workload_open_threads(w, c, path, sets, seed, stream, share, shared, err));
	if (!owns) return OK;
	if (!w->source) return err_set(err, ERR_USAGE, "%s: a scenario runs in one VM alone", path);
	w->own = xcalloc(owns, sizeof(*w->own));
	for (unsigned i = 0; i < parts; i++)
		if (part[i].path) TRY(open_own(w, c, &part[i], seed, err));
	w->all = xcalloc(threads, sizeof(struct trace_source *));
	line_up(w, part, parts);
	return OK;
}

struct trace_source *const *workload_streams(const struct workload *w)
{
	return w->all ? w->all : w->thread ? w->thread : &w->source;
}

uint32_t workload_lacks(const struct workload *w)
{
	uint32_t lacks = workload_info(w)->lacks;
	for (unsigned i = 0; i < w->owns; i++) lacks |= workload_info(&w->own[i])->lacks;
	return lacks;
}

void workload_close(struct workload *w)
{
	for (unsigned i = 0; i < w->owns; i++) workload_close(&w->own[i]);
	free(w->own);
	free(w->all);
	for (unsigned t = 1; t < w->threads; t++) trace_close(w->thread[t]);
	free(w->thread);
	trace_close(w->source);
}
