#include "trace/steps.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

/* -- What an item gives -- */

static void put(struct steps *s, const struct record *r)
{
	assert(s->count < STEPS_PENDING_MAX);
	s->pending[s->count++] = *r;
}

static void end_run(struct steps *s)
{
	if (s->run.count) put(s, &s->run);
	s->run.count = 0;
}

void steps_fetch(struct steps *s, uint64_t addr)
{
	uint64_t at = addr & ~UINT64_C(3);
	if (!s->run.count || at != s->run.addr + UINT64_C(4) * s->run.count || s->run.count == UINT32_MAX) {
		end_run(s);
		s->run = (struct record){.kind = REC_FETCH, .addr = at};
	}
	s->run.count++;
}

void steps_data(struct steps *s, uint8_t kind, uint64_t addr, uint32_t bytes)
{
	end_run(s);
	put(s, &(struct record){.kind = kind, .addr = addr, .count = bytes});
}

/* -- Binary items -- */

enum status steps_bad(const struct steps *s, size_t bytes, const char *what, struct err *err)
{
	const struct byte_stream *b = &s->lines.bytes;
	return err_set(err, ERR_INPUT, "%s: %s", byte_stream_place(b, b->at - bytes).text, what);
}

enum status steps_item(struct steps *s, size_t bytes, const uint8_t **item, struct err *err)
{
	struct byte_stream *b = &s->lines.bytes;
	assert(bytes <= BYTE_STREAM_PAD);
	while ((size_t)(b->end - b->at) < bytes && !b->eof) TRY(byte_stream_fill(b, err));
	*item = NULL;
	if (b->at == b->end) return OK;
	if ((size_t)(b->end - b->at) < bytes)
		return steps_bad(s, 0, "truncated: the file ends inside of an item", err);
	*item = b->at;
	b->at += bytes;
	return OK;
}

/* -- Source -- */

static enum status steps_next(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
			      struct err *err)
{
	struct steps *s = (struct steps *)src;
	for (*n = 0; *n < cap;) {
		if (s->at < s->count) {
			buf[(*n)++] = s->pending[s->at++];
			continue;
		}
		if (s->ended) break;
		bool more = true;
		s->at = s->count = 0;
		TRY(s->take(s, &more, err));
		if (!more) end_run(s);
		s->ended = !more;
	}
	return OK;
}

static void steps_close(struct trace_source *src)
{
	struct steps *s = (struct steps *)src;
	lines_close(&s->lines);
	input_close(&s->in);
	free(s);
}

static const struct source_ops steps_ops = {.next = steps_next, .close = steps_close};

enum status steps_open(const struct steps_kind *kind, struct input *in, uint32_t stream,
		       struct trace_source **out, struct err *err)
{
	assert(kind->bytes >= sizeof(struct steps));
	struct steps *s = xcalloc(1, kind->bytes);
	s->base.ops = &steps_ops;
	s->base.info = (struct trace_info){.format = kind->format,
					   .meta = "",
					   .streams = 1,
					   .lacks = kind->lacks,
					   .page_bytes = 4096,
					   .records = TRACE_UNKNOWN,
					   .instructions = TRACE_UNKNOWN,
					   .file_records = TRACE_UNKNOWN};
	s->in = *in;
	s->take = kind->take;
	enum status st = trace_check_stream(in->name, stream, 1, err);
	if (st == OK) st = input_hash(&s->in, &s->base.info.hash, err);
	if (st == OK) st = lines_open(&s->lines, &s->in, err);
	if (st == OK) {
		*out = &s->base;
		return OK;
	}
	s->in = (struct input){.fd = -1}; /* stays with the caller */
	steps_close(&s->base);
	return st;
}
