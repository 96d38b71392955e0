#include "machine/workload.h"

#include <string.h>

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

void workload_close(struct workload *w) { trace_close(w->source); }
