#include "trace/interleave.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "trace/format.h"

enum { PART_BATCH = 256 };

/* One process: its stream, and what was read of it ahead. */
struct part {
	struct trace_source *source;
	struct record buf[PART_BATCH];
	size_t at, count;
	bool ended;
};

struct interleaved {
	struct trace_source base;
	struct trace_source **sources;
	struct part *part;
	size_t parts, live;
	size_t present, announced; /* whose slice it is; whose the last record was */
	uint64_t every, left;      /* loads and stores of a slice; until its end */
};

static enum status fill(struct part *p, struct err *err)
{
	if (p->at < p->count || p->ended) return OK;
	p->at = 0;
	TRY(trace_next(p->source, p->buf, PART_BATCH, &p->count, err));
	p->ended = p->count == 0;
	return OK;
}

/* The next process that has records left. */
static void end_slice(struct interleaved *s)
{
	s->left = s->every;
	do s->present = (s->present + 1) % s->parts;
	while (s->live && s->part[s->present].ended);
}

/* The next record; false at the end of all streams. */
static enum status next_record(struct interleaved *s, struct record *out, bool *more, struct err *err)
{
	for (;;) {
		struct part *p = &s->part[s->present];
		TRY(fill(p, err));
		*more = s->live > 0;
		if (!p->ended) break;
		if (!s->live || --s->live == 0) return *more = false, OK;
		end_slice(s);
	}
	struct part *p = &s->part[s->present];
	if (s->present != s->announced) {
		*out = (struct record){
			.kind = REC_SWITCH, .count = (uint32_t)s->present, .arg = s->present + 1};
		s->announced = s->present;
		return OK;
	}
	*out = p->buf[p->at++];
	if ((out->kind == REC_LOAD || out->kind == REC_STORE) && --s->left == 0) end_slice(s);
	return OK;
}

static enum status next(struct trace_source *src, struct record *buf, size_t cap, size_t *n, struct err *err)
{
	struct interleaved *s = (struct interleaved *)src;
	bool more = true;
	for (*n = 0; *n < cap; ++*n) {
		TRY(next_record(s, &buf[*n], &more, err));
		if (!more) break;
	}
	return OK;
}

static void close_all(struct trace_source *src)
{
	struct interleaved *s = (struct interleaved *)src;
	for (size_t i = 0; i < s->parts; i++) trace_close(s->part[i].source);
	free(s->part);
	free(s->sources);
	free(s);
}

static const struct source_ops ops = {.next = next, .close = close_all};

struct trace_source *trace_interleave(struct trace_source **sources, size_t count, uint64_t every)
{
	struct interleaved *s = xcalloc(1, sizeof(*s));
	s->base = (struct trace_source){&ops, *trace_source_info(sources[0])};
	s->base.info.records = s->base.info.instructions = TRACE_UNKNOWN;
	s->sources = sources;
	s->part = xcalloc(count, sizeof(*s->part));
	s->parts = s->live = count;
	s->every = s->left = every;
	for (size_t i = 0; i < count; i++) s->part[i].source = sources[i];
	return &s->base;
}
