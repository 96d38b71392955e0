/* writer.h - writes a trace in the native format (docs/trace-format.md).
 *
 *   trace_writer_open -> trace_write ... -> trace_writer_commit    (or trace_writer_abort at any time)
 * The file appears under its name only on commit, complete and flushed to disk; until then it is a temporary file
 * beside it. The bytes depend on the records and the description alone.
 */
#ifndef TRACE_WRITER_H
#define TRACE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/record.h"
#include "base/status.h"

struct trace_writer;

struct trace_description {
	uint32_t streams;    /* 1..TRACE_STREAMS_MAX */
	uint32_t lacks;      /* enum stream_lack bits */
	uint64_t page_bytes; /* power of two */
	const char *meta;    /* lines "key=value\n", at most 64 KiB; NULL: none */
};

enum status trace_writer_open(const char *path, const struct trace_description *d, struct trace_writer **out,
			      struct err *err);
/* Appends n records to a stream. */
enum status trace_write(struct trace_writer *w, uint32_t stream, const struct record *r, size_t n,
			struct err *err);
/* Both end the writer, whatever they return. */
enum status trace_writer_commit(struct trace_writer *w, struct err *err);
void trace_writer_abort(struct trace_writer *w);

#endif
