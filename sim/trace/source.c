#include "trace/source.h"

#include <string.h>

#include "trace/format.h"

static const struct trace_format *const formats[] = {
#define X(name, doc) &trace_format_##name,
	TRACE_FORMATS(X)
#undef X
};
enum { FORMAT_COUNT = sizeof(formats) / sizeof(formats[0]) };

#define X(name, doc) " " #name
static const char format_names[] = TRACE_FORMATS(X);
#undef X

const char *const stream_lack_names[] = {"no_fetch", "no_instructions", "no_sizes", "no_dependence", NULL};

const char *record_kind_text(unsigned kind)
{
	switch (kind) {
#define X(name, number, text, doc) \
	case number: return text;
		RECORD_KINDS(X)
#undef X
	default: return NULL;
	}
}

enum status trace_check_stream(const char *where, uint32_t stream, uint32_t streams, struct err *err)
{
	if (stream < streams) return OK;
	return err_set(err, ERR_INPUT, "%s: stream %u is outside 0..%u", where, stream, streams - 1);
}

/* The first decoded bytes of the input. */
static enum status read_head(struct input *in, uint8_t head[TRACE_HEAD_BYTES], size_t *n, struct err *err)
{
	struct byte_stream s;
	enum status st = byte_stream_open(&s, in, err);
	if (st == OK) st = byte_stream_fill(&s, err);
	size_t got = (size_t)(s.end - s.at);
	*n = got < TRACE_HEAD_BYTES ? got : TRACE_HEAD_BYTES;
	memcpy(head, s.at, *n);
	byte_stream_close(&s);
	return st;
}

/* What users have that is no trace of a known format, or not yet. */
static const struct {
	const char *magic;
	size_t bytes;
	const char *advice;
} foreign[] = {
	{"\x1f\x8b", 2, "compressed by gzip, and only zstd is read; say gzip -dc FILE | zstd -o FILE.zst"},
	{"\xfd\x37zXZ", 5, "compressed by xz, and only zstd is read; say xz -dc FILE | zstd -o FILE.zst"},
	{"BZh", 3, "compressed by bzip2, and only zstd is read; say bzip2 -dc FILE | zstd -o FILE.zst"},
	{"PK\3\4", 4, "a zip archive; of drmemtrace, say unzip -p FILE 'chunk.*' | zstd -o FILE.zst"},
	{"gem5", 4, "a trace of gem5 (protobuf), which is not read; text can be (docs/trace-format.md)"},
	{"PERFILE2", 8, "a file of perf; of kvm events, say perf script -i FILE, whose text is read"},
};

static enum status unknown_format(const char *name, const uint8_t *head, size_t n, struct err *err)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (n >= foreign[i].bytes && !memcmp(head, foreign[i].magic, foreign[i].bytes))
			return err_set(err, ERR_INPUT, "%s: at byte 0: %s", name, foreign[i].advice);
	return err_set(err, ERR_INPUT, "%s: at byte 0: not a trace of a known format:%s", name, format_names);
}

static enum status detect(struct input *in, const struct trace_format **out, struct err *err)
{
	uint8_t head[TRACE_HEAD_BYTES];
	size_t n = 0;
	if (!in->size) return err_set(err, ERR_INPUT, "%s: at byte 0: the file is empty", in->name);
	TRY(read_head(in, head, &n, err));
	for (int i = 0; i < FORMAT_COUNT; i++) {
		*out = formats[i];
		if (formats[i]->detect(head, n)) return OK;
	}
	return unknown_format(in->name, head, n, err);
}

static enum status open_input(struct input *in, uint32_t stream, struct trace_source **out, struct err *err)
{
	const struct trace_format *format = NULL;
	enum status st = detect(in, &format, err);
	if (st == OK) st = format->open(in, stream, out, err);
	if (st != OK) input_close(in);
	return st;
}

enum status trace_open(const char *path, uint32_t stream, struct trace_source **out, struct err *err)
{
	struct input in;
	*out = NULL;
	TRY(input_open(&in, path, err));
	return open_input(&in, stream, out, err);
}

enum status trace_open_memory(const char *name, const void *bytes, size_t size, uint32_t stream,
			      struct trace_source **out, struct err *err)
{
	struct input in;
	*out = NULL;
	input_borrow(&in, name, bytes, size);
	return open_input(&in, stream, out, err);
}

void trace_close(struct trace_source *src)
{
	if (src) src->ops->close(src);
}

const struct trace_info *trace_source_info(const struct trace_source *src) { return &src->info; }

enum status trace_next(struct trace_source *src, struct record *buf, size_t cap, size_t *n, struct err *err)
{
	return src->ops->next(src, buf, cap, n, err);
}

enum status trace_borrow(struct trace_source *src, struct record *own, const struct record **rec, size_t *n,
			 struct err *err)
{
	if (src->ops->borrow) return src->ops->borrow(src, rec, n, err);
	*rec = own;
	return trace_next(src, own, TRACE_BATCH, n, err);
}

enum status trace_skip(struct trace_source *src, uint64_t count, struct err *err)
{
	struct record buf[256];
	uint64_t skipped = 0;
	size_t n = 1;
	if (src->ops->skip) TRY(src->ops->skip(src, count, &skipped, err));
	for (count -= skipped; count && n; count -= n)
		TRY(trace_next(src, buf, count < 256 ? (size_t)count : 256, &n, err));
	return OK;
}
