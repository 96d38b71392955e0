/* lines.h - importers of logs: lines of a text, and a stream of records that was gathered from them.
 *
 * A log interleaves its streams, so it is read as a whole when a stream is opened; memory is that stream's
 * records.
 */
#ifndef TRACE_LINES_H
#define TRACE_LINES_H

#include "trace/format.h"
#include "trace/wire.h"

enum { LINES_MAX_BYTES = 4096 };

struct lines {
	struct input *in; /* borrowed */
	struct byte_stream bytes;
	uint64_t number; /* of the line, from 1 */
	char text[LINES_MAX_BYTES + 1];
};

enum status lines_open(struct lines *l, struct input *in, struct err *err);
void lines_close(struct lines *l);
/* The next line, without its end (LF or CR LF), in l->text; *more = false at the end. Over-long lines and zero bytes are
 * errors. */
enum status lines_next(struct lines *l, bool *more, struct err *err);
/* ERR_INPUT "FILE:LINE: WHAT, found ...". */
enum status lines_bad(const struct lines *l, const char *what, struct err *err);

/* For trace_format.detect: whether one of the lines that begin in the first bytes of a file is `is` - logs begin
 * with lines of many kinds. */
bool lines_in_head(const uint8_t *head, size_t n, bool (*is)(const char *line));

/* What an importer of a log fills: the records of all streams. */
struct log_reader {
	struct wire_buffer *stream; /* of struct record, by stream */
	uint32_t streams, room;
};
/* Adds a record; streams come into being as they are named. */
void log_add(struct log_reader *r, uint32_t stream, const struct record *rec);

typedef enum status log_read_fn(struct lines *l, struct log_reader *out, struct err *err);
/* Opens a log as a source: reads it with `read`, keeps the records of `stream`. As trace_format.open. */
enum status log_open(const char *format, log_read_fn *read, struct input *in, uint32_t stream,
		     struct trace_source **out, struct err *err);

#endif
