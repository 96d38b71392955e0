/* stats.h - named, described, unit-carrying counters; storage stays in the model.
 *
 * A model counts with plain `stats->hits++`. It describes its counters once in a const table and registers one
 * instance of it, under a path, at build time. Where they go (SQLite, JSON, text) is a back end's business.
 * A row may describe an array of counters: `labels` names its elements, and `labels2` those of a second dimension.
 * Ratios are never counters: they are SQL views.
 */
#ifndef STATS_STATS_H
#define STATS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "stats/hist.h"

/* A level is what there is now, such as lines held: it is neither reset nor put aside, and its value is that of the end. */
enum stat_kind { STAT_COUNTER, STAT_HIST, STAT_LEVEL };

struct stat_desc {
	const char *name, *unit, *doc;
	size_t offset;
	enum stat_kind kind;
	const char *const *labels, *const *labels2; /* NULL-terminated; NULL: no such dimension */
};

/* Rows: a uint64_t member; an array of them named by labels; a two-dimensional one; a struct hist. */
#define STAT(T, m, unit_, doc_) \
	{ \
		.name = #m, .unit = unit_, .doc = doc_, .offset = offsetof(T, m) \
	}
#define STAT_BY(T, m, labels_, unit_, doc_) \
	{ \
		.name = #m, .unit = unit_, .doc = doc_, .offset = offsetof(T, m), .labels = labels_ \
	}
#define STAT_BY2(T, m, labels_, labels2_, unit_, doc_) \
	{ \
		.name = #m, .unit = unit_, .doc = doc_, .offset = offsetof(T, m), .labels = labels_, \
		.labels2 = labels2_ \
	}
#define STAT_LEVEL_BY(T, m, labels_, unit_, doc_) \
	{ \
		.name = #m, .unit = unit_, .doc = doc_, .offset = offsetof(T, m), .kind = STAT_LEVEL, \
		.labels = labels_ \
	}
#define STAT_DIST(T, m, unit_, doc_) \
	{ \
		.name = #m, .unit = unit_, .doc = doc_, .offset = offsetof(T, m), .kind = STAT_HIST \
	}

struct stat_group {
	char path[64]; /* "cpu0.mmu.l2" */
	const struct stat_desc *desc;
	size_t count;
	void *base; /* borrowed: the model outlives the registry */
};

struct stats; /* the registry of one machine */

struct stats *stats_new(void);
void stats_free(struct stats *s);

/* Adds `count` rows over `base` under a printf-style path. A path used twice is a bug (assert). */
void stats_add(struct stats *s, const struct stat_desc *desc, size_t count, void *base, const char *path, ...)
	__attribute__((format(printf, 5, 6)));

/* Sets every registered counter and histogram to zero (levels stay): the end of the warm-up. */
void stats_reset(struct stats *s);

/* Bytes of an image of all counters and histograms; stats_save() writes one, stats_load() sets everything to it. An image is
 * good until the next stats_add(). */
size_t stats_image_bytes(const struct stats *s);
void stats_save(const struct stats *s, void *image);
void stats_load(struct stats *s, const void *image);

/* One visited value. For a counter or level `hist` is NULL; for a histogram `at` is. `path` is complete: group path, row name, labels, joined by '.'. */
struct stat_value {
	const char *path, *unit, *doc;
	uint64_t value;
	const uint64_t *at; /* where it is counted */
	bool level;
	const struct hist *hist;
};
typedef enum status stats_visit_fn(void *ctx, const struct stat_value *v, struct err *err);

/* Calls `visit` for every counter and histogram in registration order; stops at the first non-OK status. */
enum status stats_visit(const struct stats *s, stats_visit_fn *visit, void *ctx, struct err *err);

/* The counter or level at a complete path, or NULL. O(number of counters): for tests and reports. */
const uint64_t *stats_find(const struct stats *s, const char *path);
/* The histogram at a complete path, or NULL. As stats_find(). */
const struct hist *stats_find_hist(const struct stats *s, const char *path);

#endif
