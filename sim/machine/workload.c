#include "machine/workload.h"

#include <stdlib.h>

#include <string.h>

#include "base/alloc.h"
#include "trace/interleave.h"

static bool is_yaml(const char *path)
{
	const char *dot = strrchr(path, '.');
	return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static enum status open_generator(struct workload *w, struct conf *c, const char *path,
				  const char *const *sets, uint64_t seed, uint32_t stream, struct err *err)
{
	w->bound = (struct bound){.name = "workload", .schema = &gen_schema, .params = &w->gen};
	TRY(conf_load(c, path, &w->bound.file, err));
	for (size_t i = 0; sets[i]; i++) TRY(conf_set(c, &w->bound.file, "workload", sets[i], err));
	TRY(schema_bind(c, &gen_schema, w->bound.file.root, &w->gen, err));
	return gen_open(path, &w->gen, seed, stream, &w->source, err);
}

enum status workload_open(struct workload *w, struct conf *c, const char *path, const char *const *sets,
			  uint64_t seed, uint32_t stream, struct err *err)
{
	*w = (struct workload){0};
	if (is_yaml(path)) return open_generator(w, c, path, sets, seed, stream, err);
	if (sets[0])
		return err_set(err, ERR_USAGE, "--set %s: %s is a trace, which has no parameters", sets[0],
			       path);
	return trace_open(path, stream, &w->source, err);
}

/* One more process of the workload that `w` has open: the next of its streams. */
static enum status open_other(const struct workload *w, const char *path, uint64_t seed, uint32_t stream,
			      struct trace_source **out, struct err *err)
{
	stream %= trace_source_info(w->source)->streams;
	if (w->bound.schema) return gen_open(path, &w->gen, seed, stream, out, err);
	return trace_open(path, stream, out, err);
}

enum status workload_open_shared(struct workload *w, struct conf *c, const char *path,
				 const char *const *sets, uint64_t seed, uint32_t stream,
				 struct time_share share, struct err *err)
{
	TRY(workload_open(w, c, path, sets, seed, stream, err));
	if (share.processes == 1) return OK;
	struct trace_source **parts = xcalloc(share.processes, sizeof(*parts));
	enum status st = OK;
	size_t opened = 0;
	for (parts[opened++] = w->source; st == OK && opened < share.processes; opened += st == OK)
		st = open_other(w, path, seed, stream + (uint32_t)opened, &parts[opened], err);
	if (st == OK) {
		w->source = trace_interleave(parts, opened, share.switch_every);
		return OK;
	}
	for (size_t i = 1; i < opened; i++) trace_close(parts[i]);
	free(parts);
	return st;
}

void workload_close(struct workload *w) { trace_close(w->source); }
