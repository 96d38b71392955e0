#include "stats/stats.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct stats {
	struct stat_group *group;
	size_t count, capacity;
};

struct stats *stats_new(void) { return xcalloc(1, sizeof(struct stats)); }

void stats_free(struct stats *s)
{
	if (!s) return;
	free(s->group);
	free(s);
}

static bool has_row(const struct stat_group *g, const char *name)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->desc[i].name, name) == 0) return true;
	return false;
}

/* Several groups may share a path (a core and its window, say) as long as their rows differ. */
static bool is_new(const struct stats *s, const struct stat_group *added)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->group[i].path, added->path) != 0) continue;
		for (size_t row = 0; row < added->count; row++)
			if (has_row(&s->group[i], added->desc[row].name)) return false;
	}
	return true;
}

void stats_add(struct stats *s, const struct stat_desc *desc, size_t count, void *base, const char *path, ...)
{
	struct stat_group g = {.desc = desc, .count = count, .base = base};
	va_list args;
	va_start(args, path);
	int length = vsnprintf(g.path, sizeof(g.path), path, args);
	va_end(args);
	assert(length > 0 && (size_t)length < sizeof(g.path));
	assert(is_new(s, &g));
	if (s->count == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 16;
		s->group = xrealloc(s->group, s->capacity, sizeof(*s->group));
	}
	s->group[s->count++] = g;
}

static size_t label_count(const char *const *labels)
{
	size_t n = 0;
	while (labels && labels[n]) n++;
	return labels ? n : 1;
}

static size_t element_count(const struct stat_desc *d)
{
	return label_count(d->labels) * label_count(d->labels2);
}

static void *element(const struct stat_group *g, const struct stat_desc *d, size_t i)
{
	size_t bytes = d->kind == STAT_HIST ? sizeof(struct hist) : sizeof(uint64_t);
	return (char *)g->base + d->offset + i * bytes;
}

/* Calls `fn` with the storage of each row but levels; `image` moves on by as much. */
typedef void row_fn(void *row, char *image, size_t bytes);

static size_t each_row(const struct stats *s, row_fn *fn, char *image)
{
	size_t at = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct stat_group *g = &s->group[i];
		for (const struct stat_desc *d = g->desc; d < g->desc + g->count; d++) {
			size_t one = d->kind == STAT_HIST ? sizeof(struct hist) : sizeof(uint64_t);
			if (d->kind == STAT_LEVEL) continue;
			size_t bytes = element_count(d) * one;
			fn(element(g, d, 0), image ? image + at : NULL, bytes);
			at += bytes;
		}
	}
	return at;
}

static void clear_row(void *row, char *image, size_t bytes)
{
	(void)image;
	memset(row, 0, bytes);
}

static void save_row(void *row, char *image, size_t bytes) { memcpy(image, row, bytes); }
static void load_row(void *row, char *image, size_t bytes) { memcpy(row, image, bytes); }
static void pass_row(void *row, char *image, size_t bytes) { (void)row, (void)image, (void)bytes; }

void stats_reset(struct stats *s) { each_row(s, clear_row, NULL); }
size_t stats_image_bytes(const struct stats *s) { return each_row(s, pass_row, NULL); }
void stats_save(const struct stats *s, void *image) { each_row(s, save_row, image); }
void stats_load(struct stats *s, const void *image) { each_row(s, load_row, (char *)(uintptr_t)image); }

/* group.name[.label[.label2]] of element `i`, with labels2 varying fastest, as in a C array. */
static void complete_path(char *path, size_t bytes, const struct stat_group *g, const struct stat_desc *d,
			  size_t i)
{
	size_t inner = label_count(d->labels2);
	const char *first = d->labels ? d->labels[i / inner] : NULL;
	const char *second = d->labels2 ? d->labels2[i % inner] : NULL;
	int length = snprintf(path, bytes, "%s.%s%s%s%s%s", g->path, d->name, first ? "." : "",
			      first ? first : "", second ? "." : "", second ? second : "");
	assert(length > 0 && (size_t)length < bytes);
}

static struct stat_value value_of(const struct stat_group *g, const struct stat_desc *d, size_t i)
{
	struct stat_value v = {.unit = d->unit, .doc = d->doc};
	if (d->kind == STAT_HIST) {
		v.hist = element(g, d, i);
		return v;
	}
	v.at = element(g, d, i);
	v.value = *v.at;
	v.level = d->kind == STAT_LEVEL;
	return v;
}

static enum status visit_row(const struct stat_group *g, const struct stat_desc *d, stats_visit_fn *visit,
			     void *ctx, struct err *err)
{
	char path[192];
	for (size_t i = 0, n = element_count(d); i < n; i++) {
		complete_path(path, sizeof(path), g, d, i);
		struct stat_value v = value_of(g, d, i);
		v.path = path;
		TRY(visit(ctx, &v, err));
	}
	return OK;
}

enum status stats_visit(const struct stats *s, stats_visit_fn *visit, void *ctx, struct err *err)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct stat_group *g = &s->group[i];
		for (const struct stat_desc *d = g->desc; d < g->desc + g->count; d++)
			TRY(visit_row(g, d, visit, ctx, err));
	}
	return OK;
}

static void *find(const struct stats *s, const char *path, bool hist)
{
	char candidate[192];
	for (size_t i = 0; i < s->count; i++) {
		const struct stat_group *g = &s->group[i];
		for (const struct stat_desc *d = g->desc; d < g->desc + g->count; d++) {
			if ((d->kind == STAT_HIST) != hist) continue;
			for (size_t e = 0, n = element_count(d); e < n; e++) {
				complete_path(candidate, sizeof(candidate), g, d, e);
				if (strcmp(candidate, path) == 0) return element(g, d, e);
			}
		}
	}
	return NULL;
}

const uint64_t *stats_find(const struct stats *s, const char *path) { return find(s, path, false); }

const struct hist *stats_find_hist(const struct stats *s, const char *path) { return find(s, path, true); }
