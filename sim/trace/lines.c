#include "trace/lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* -- Lines -- */

enum status lines_open(struct lines *l, struct input *in, struct err *err)
{
	l->in = in;
	l->number = 0;
	return byte_stream_open(&l->bytes, in, err);
}

void lines_close(struct lines *l) { byte_stream_close(&l->bytes); }

enum status lines_bad(const struct lines *l, const char *what, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s:%" PRIu64 ": %s, found \"%.80s\"", l->in->name, l->number, what,
		       l->text);
}

enum status lines_next(struct lines *l, bool *more, struct err *err)
{
	struct byte_stream *b = &l->bytes;
	const uint8_t *stop;
	while (!(stop = memchr(b->at, '\n', (size_t)(b->end - b->at))) && !b->eof &&
	       b->end - b->at <= LINES_MAX_BYTES)
		TRY(byte_stream_fill(b, err));
	size_t n = (size_t)((stop ? stop : b->end) - b->at);
	l->number++;
	l->text[0] = 0;
	*more = stop || n;
	if (n > LINES_MAX_BYTES) return lines_bad(l, "line too long", err);
	if (memchr(b->at, 0, n)) return lines_bad(l, "zero byte in a text file", err);
	memcpy(l->text, b->at, n);
	l->text[n && l->text[n - 1] == '\r' ? n - 1 : n] = 0;
	b->at += n + (stop != NULL);
	return OK;
}

bool lines_in_head(const uint8_t *head, size_t n, bool (*is)(const char *line))
{
	char line[TRACE_HEAD_BYTES + 1];
	for (size_t at = 0, bytes; at < n; at += bytes + 1) {
		const uint8_t *end = memchr(head + at, '\n', n - at);
		bytes = end ? (size_t)(end - (head + at)) : n - at;
		memcpy(line, head + at, bytes);
		line[bytes] = 0;
		if (is(line)) return true;
	}
	return false;
}

/* -- Streams -- */

void log_add(struct log_reader *r, uint32_t stream, const struct record *rec)
{
	for (; r->streams <= stream; r->streams++) {
		if (r->streams == r->room) {
			r->room = r->room ? 2 * r->room : 4;
			r->stream = xrealloc(r->stream, r->room, sizeof(*r->stream));
		}
		r->stream[r->streams] = (struct wire_buffer){0};
	}
	wire_put(&r->stream[stream], rec, sizeof(*rec));
}

struct log_source {
	struct trace_source base;
	struct input in;
	struct wire_buffer records;
	size_t at; /* bytes handed out */
};

static enum status log_next(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
			    struct err *err)
{
	struct log_source *s = (struct log_source *)src;
	size_t left = (s->records.size - s->at) / sizeof(*buf);
	(void)err;
	*n = left < cap ? left : cap;
	if (*n) memcpy(buf, s->records.bytes + s->at, *n * sizeof(*buf));
	s->at += *n * sizeof(*buf);
	return OK;
}

static void log_close(struct trace_source *src)
{
	struct log_source *s = (struct log_source *)src;
	input_close(&s->in);
	free(s->records.bytes);
	free(s);
}

static const struct source_ops log_ops = {.next = log_next, .close = log_close};

/* Reads all of it; what is kept is the one stream. */
static enum status gather(struct log_source *s, log_read_fn *read, uint32_t stream, struct err *err)
{
	struct lines *l = xcalloc(1, sizeof(*l));
	struct log_reader r = {0};
	enum status st = lines_open(l, &s->in, err);
	if (st == OK) {
		st = read(l, &r, err);
		lines_close(l);
	}
	s->base.info.streams = r.streams ? r.streams : 1;
	if (st == OK) st = trace_check_stream(s->in.name, stream, s->base.info.streams, err);
	for (uint32_t i = 0; i < r.streams; i++) {
		s->base.info.file_records += r.stream[i].size / sizeof(struct record);
		if (i == stream && st == OK) {
			s->records = r.stream[i];
		} else {
			free(r.stream[i].bytes);
		}
	}
	free(r.stream);
	free(l);
	s->base.info.records = s->records.size / sizeof(struct record);
	return st;
}

enum status log_open(const char *format, log_read_fn *read, struct input *in, uint32_t stream,
		     struct trace_source **out, struct err *err)
{
	struct log_source *s = xcalloc(1, sizeof(*s));
	s->base.ops = &log_ops;
	s->base.info = (struct trace_info){.format = format,
					   .meta = "",
					   .lacks = STREAM_NO_FETCH | STREAM_NO_INSTRUCTIONS |
						    STREAM_NO_SIZES | STREAM_NO_DEPENDENCE,
					   .page_bytes = 4096,
					   .instructions = 0};
	s->in = *in;
	enum status st = input_hash(&s->in, &s->base.info.hash, err);
	if (st == OK) st = gather(s, read, stream, err);
	if (st == OK) {
		*out = &s->base;
		return OK;
	}
	s->in = (struct input){.fd = -1}; /* stays with the caller */
	log_close(&s->base);
	return st;
}
