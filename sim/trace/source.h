/* source.h - one stream of records, read in batches from a file of any known format or from a generator.
 *
 *   trace_open(path, stream) | gen_open(params, seed, stream) -> source; trace_next(source) -> records ... 0
 * A file may hold the streams of several threads; a source is one of them, and every vCPU opens its own. What a
 * stream lacks (instruction fetches, sizes, ...) is part of its description. The end of a stream is reported only
 * after its totals and checksums agreed, so a short file is never taken for a short program.
 * Not modelled: time stamps, and any order between the streams of a file; when each thread runs is the scheduler's.
 */
#ifndef TRACE_SOURCE_H
#define TRACE_SOURCE_H

#include <stdint.h>

#include "base/record.h"
#include "base/status.h"
#include "base/types.h"

enum { TRACE_BATCH = 1024, TRACE_STREAMS_MAX = 65536 };
#define TRACE_UNKNOWN UINT64_MAX /* a total that the format does not store */

/* What is known of a stream before it is read. Strings live as long as the source. */
struct trace_info {
	const char *format;    /* name of the importer or generator */
	const char *meta;      /* free text of the file, lines "key=value\n"; never NULL */
	uint32_t streams;      /* threads in the file; streams are numbered from 0 */
	uint32_t lacks;        /* enum stream_lack bits */
	uint64_t page_bytes;   /* of the system the trace was taken on */
	uint64_t records;      /* of this stream, or TRACE_UNKNOWN */
	uint64_t instructions; /* of this stream, or TRACE_UNKNOWN */
	uint64_t file_records; /* of all streams, or TRACE_UNKNOWN */
	uint64_t frames;       /* independent parts of the file, 0 where there are none */
	uint64_t hash;         /* xxHash64 that identifies the content: what a run stores as its trace */
};

struct trace_source; /* opaque: position, decoder and buffers of one stream */

/* Opens stream `stream` of a file, whose format is recognised by its first bytes; "-" is standard input.
 * On success *out is to be closed with trace_close. Errors: ERR_INPUT (place and what was expected), ERR_HOST. */
enum status trace_open(const char *path, uint32_t stream, struct trace_source **out, struct err *err);
/* The same from memory, which is borrowed until trace_close; `name` stands for the path in messages. */
enum status trace_open_memory(const char *name, const void *bytes, size_t size, uint32_t stream,
			      struct trace_source **out, struct err *err);
void trace_close(struct trace_source *src); /* NULL is allowed */

const struct trace_info *trace_source_info(const struct trace_source *src);

/* Fills buf with the next records, at most `cap`; *n = 0 only at the verified end of the stream. After an error
 * the source can only be closed. Kinds unknown to this version are left out of the stream. */
enum status trace_next(struct trace_source *src, struct record *buf, size_t cap, size_t *n, struct err *err);

/* As trace_next with a batch that the source keeps where it can, valid until the next call; `own` is room for TRACE_BATCH
 * records where it cannot. */
enum status trace_borrow(struct trace_source *src, struct record *own, const struct record **rec, size_t *n,
			 struct err *err);

/* Leaves out the next `count` records (fewer at the end); whole frames of the native format are not read. */
enum status trace_skip(struct trace_source *src, uint64_t count, struct err *err);

/* The text name of a kind ("L", "svc"), or NULL for a number that is none. */
const char *record_kind_text(unsigned kind);
/* Instructions that a record stands for. */
static inline uint64_t record_instructions(const struct record *r)
{
	return r->kind == REC_FETCH ? r->count : r->gap;
}

/* Text names of the stream_lack bits, lowest bit first, NULL at the end. */
extern const char *const stream_lack_names[];

#endif
