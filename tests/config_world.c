#include "config_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEMP_FILES = 32 };

static const char *const colours[] = {"red", "green", "blue", NULL};
static const char *const sizes[] = {"4K", "16K", "64K", NULL};

#define P struct part_params
static const struct param part_rows[] = {
	P_STR(P, name, NULL, "name of the part"),
	HW_U64(P, size, "bytes", 1024, 64, 1 << 30, "size"),
	HW_U64(P, ways, "ways", 4, 1, 64, "ways"),
};
#undef P
static SCHEMA(part_schema, "part", struct part_params, part_rows, "a part");

#define W struct world_params
static const struct param world_rows[] = {
	P_STR(W, name, "world", "a name"),
	P_U64(W, count, "things", 7, 1, 100, "how many"),
	P_BOOL(W, fast, 1, "whether fast"),
	P_ENUM(W, colour, colours, 1, "a colour"),
	HW_SET(W, sizes, sizes, 3, "some sizes"),
	P_U64(W, bytes, "bytes", 65536, 0, UINT64_MAX, "a size"),
	P_MAP(W, main, &part_schema, "the main part"),
	P_LIST(W, parts, &part_schema, 0, 3, "more parts"),
	{.name = "weights",
	 .unit = "grams",
	 .doc = "weights",
	 .kind = PARAM_U64_LIST,
	 .offset = offsetof(W, weights),
	 .min = 1,
	 .max = 9},
};
#undef W
SCHEMA(world_schema, "world", struct world_params, world_rows, "a world");

void world_read(struct world *w, const char *yaml)
{
	*w = (struct world){.conf = conf_new()};
	w->bound = (struct bound){.name = "w", .schema = &world_schema, .params = &w->params};
	w->status = conf_parse(w->conf, "w.yaml", yaml, strlen(yaml), &w->bound.file.root, &w->err);
	if (w->status != OK) return;
	w->status = schema_bind(w->conf, &world_schema, w->bound.file.root, &w->params, &w->err);
}

void world_free(struct world *w) { conf_free(w->conf); }

const char *world_error(const char *yaml)
{
	static char text[512];
	struct world w;
	world_read(&w, yaml);
	snprintf(text, sizeof(text), "%s", w.status == OK ? "" : w.err.text);
	world_free(&w);
	return text;
}

/* Files of one test; each test is a process of its own. */
static char temp_folder[64], temp_path[TEMP_FILES][96];
static size_t temp_count;

const char *temp_file(const char *name, const char *text)
{
	if (!*temp_folder) {
		snprintf(temp_folder, sizeof(temp_folder), "/tmp/strata_test_XXXXXX");
		if (!mkdtemp(temp_folder)) abort();
	}
	if (temp_count == TEMP_FILES) abort();
	char *path = temp_path[temp_count++];
	snprintf(path, sizeof(temp_path[0]), "%.60s/%.30s", temp_folder, name);
	FILE *f = fopen(path, "w");
	if (!f) abort();
	fputs(text, f);
	fclose(f);
	return path;
}

void temp_clean(void)
{
	while (temp_count) unlink(temp_path[--temp_count]);
	if (*temp_folder) rmdir(temp_folder);
	temp_folder[0] = 0;
}
