#include "stats/series.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct column {
	const uint64_t *at;
	bool level;
	char *path;
};

struct series {
	struct column *column;
	size_t columns, room;
	uint64_t *last;  /* of each column, at the end of the last interval */
	int64_t **value; /* of each interval, by column */
	size_t count, limit;
	cycles_t cycles, first,
		end; /* of an interval; when the first began; when the last ended, from then on */
};

/* --- columns ------------------------------------------------------------------------------------------------------------ */

static void add_column(struct series *r, const uint64_t *at, bool level, char *path)
{
	if (r->columns == r->room) {
		r->room = r->room ? 2 * r->room : 256;
		r->column = xrealloc(r->column, r->room, sizeof(*r->column));
	}
	r->column[r->columns++] = (struct column){at, level, path};
}

static enum status add_value(void *ctx, const struct stat_value *v, struct err *err)
{
	(void)err;
	if (!v->hist) {
		add_column(ctx, v->at, v->level, xstrdup(v->path));
		return OK;
	}
	add_column(ctx, &v->hist->count, false, xasprintf("%s.count", v->path));
	add_column(ctx, &v->hist->sum, false, xasprintf("%s.sum", v->path));
	return OK;
}

struct series *series_new(const struct stats *s, cycles_t cycles, size_t limit)
{
	struct series *r = xcalloc(1, sizeof(*r));
	struct err err;
	assert(cycles && limit >= SERIES_LIMIT_MIN && limit % 2 == 0);
	r->cycles = cycles;
	r->limit = limit;
	stats_visit(s, add_value, r, &err);
	r->last = xcalloc(r->columns, sizeof(*r->last));
	r->value = xcalloc(limit, sizeof(int64_t *));
	return r;
}

void series_free(struct series *r)
{
	if (!r) return;
	for (size_t i = 0; i < r->columns; i++) free(r->column[i].path);
	for (size_t i = 0; i < r->limit; i++) free(r->value[i]);
	free(r->column);
	free(r->last);
	free(r->value);
	free(r);
}

/* --- intervals ---------------------------------------------------------------------------------------------------------- */

void series_begin(struct series *r, cycles_t now)
{
	r->first = now;
	r->count = 0;
	r->end = 0;
	for (size_t i = 0; i < r->columns; i++) r->last[i] = 0;
}

cycles_t series_next(const struct series *r) { return r->first + r->end + r->cycles; }

/* Interval `into` takes what `from` has, which is the later one. */
static void join(const struct series *r, int64_t *into, const int64_t *from)
{
	for (size_t i = 0; i < r->columns; i++) into[i] = r->column[i].level ? from[i] : into[i] + from[i];
}

/* Two become one. The limit is even, so that the next interval begins where one of the new length would. */
static void halve(struct series *r)
{
	for (size_t i = 0; i < r->limit / 2; i++) {
		int64_t *pair = r->value[2 * i], *spare = r->value[i];
		join(r, pair, r->value[2 * i + 1]);
		r->value[i] = pair;
		if (i) r->value[2 * i] = spare;
	}
	r->count = r->limit / 2;
	r->cycles *= 2;
}

static void close_interval(struct series *r, cycles_t end)
{
	int64_t **value = &r->value[r->count++];
	if (!*value) *value = xcalloc(r->columns, sizeof(**value));
	for (size_t i = 0; i < r->columns; i++) {
		uint64_t now = *r->column[i].at;
		(*value)[i] = (int64_t)(r->column[i].level ? now : now - r->last[i]);
		r->last[i] = now;
	}
	r->end = end;
}

void series_advance(struct series *r, cycles_t now)
{
	while (series_next(r) <= now) {
		close_interval(r, r->end + r->cycles);
		if (r->count == r->limit) halve(r);
	}
}

void series_end(struct series *r, cycles_t now)
{
	series_advance(r, now);
	if (now > r->first + r->end) {
		close_interval(r, now - r->first);
	} else if (r->count) { /* counted behind its last cycle */
		int64_t *into = r->value[r->count - 1];
		for (size_t i = 0; i < r->columns; i++)
			into[i] = r->column[i].level ? (int64_t)*r->column[i].at
						     : into[i] + (int64_t)(*r->column[i].at - r->last[i]);
	}
}

size_t series_count(const struct series *r) { return r->count; }

struct series_interval series_interval(const struct series *r, size_t i)
{
	cycles_t begin = i * r->cycles;
	return (struct series_interval){begin, i + 1 == r->count ? r->end : begin + r->cycles};
}

/* --- results ------------------------------------------------------------------------------------------------------------ */

static enum status visit_column(const struct series *r, size_t c, series_visit_fn *visit, void *ctx,
				struct err *err)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct series_value v = {r->column[c].path, i, r->value[i][c]};
		if (v.value) TRY(visit(ctx, &v, err));
	}
	return OK;
}

enum status series_visit(const struct series *r, series_visit_fn *visit, void *ctx, struct err *err)
{
	for (size_t c = 0; c < r->columns; c++) TRY(visit_column(r, c, visit, ctx, err));
	return OK;
}

enum status series_check(const struct series *r, struct err *err)
{
	for (size_t c = 0; c < r->columns; c++) {
		uint64_t sum = 0;
		for (size_t i = 0; i < r->count; i++) sum += (uint64_t)r->value[i][c];
		if (r->column[c].level || sum == *r->column[c].at) continue;
		return err_set(err, ERR_CHECK,
			       "intervals: those of %s add up to %" PRIu64 ", but it is %" PRIu64,
			       r->column[c].path, sum, *r->column[c].at);
	}
	return OK;
}
