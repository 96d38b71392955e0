/* format_mtr1.c - reads MTR1: instruction fetches, loads and stores of one program, a few bytes each.
 *
 * 16-byte header: "MTR1", u32 version 1, u64 reserved. Then per record a tag T with kind T & 3:
 *   0 fetch run at the expected address   1 fetch run elsewhere   2 load   3 store
 * Runs: T >> 2 instructions, or where that is 0 a varint; kind 1 then has the zigzag distance in instructions from
 * the expected address. Data: 1 << (T >> 2 & 7) bytes, and the zigzag distance from the previous data address.
 * Source: the description beside the recordings (real/README.md).
 * The format has neither totals nor an end mark: a file cut between two records cannot be told from a short one,
 * except by the zstd frame around it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/format.h"
#include "trace/wire.h"

enum { MTR1_VERSION = 1, MTR1_HEADER_BYTES = 16, MTR1_RECORD_MAX = 21 };
_Static_assert((int)MTR1_RECORD_MAX <= (int)BYTE_STREAM_PAD,
	       "a record may be read past the end, then refused");

struct mtr1_source {
	struct trace_source base;
	struct input in;
	struct byte_stream bytes;
	uint64_t expected, last_data;
};

/* -- Records -- */

/* A little-endian base-128 number of at most 64 bits; NULL when it is longer. */
static inline const uint8_t *get_varint(const uint8_t *p, uint64_t *out)
{
	uint64_t v = *p & 0x7f;
	for (unsigned shift = 7; *p++ & 0x80; shift += 7) {
		if (shift > 63 || (shift == 63 && *p > 1)) return NULL;
		v |= (uint64_t)(*p & 0x7f) << shift;
	}
	*out = v;
	return p;
}

/* A fetch run; NULL when it is not valid. */
static inline const uint8_t *get_run(struct mtr1_source *s, const uint8_t *p, struct record *r)
{
	unsigned tag = *p++;
	uint64_t n = tag >> 2, z = 0;
	if (!n) p = get_varint(p, &n);
	if (p && (tag & 1)) p = get_varint(p, &z);
	if (!p || n == 0 || n > UINT32_MAX) return NULL;
	uint64_t start = s->expected + unzigzag(z) * 4;
	*r = (struct record){.kind = REC_FETCH, .addr = start, .count = (uint32_t)n};
	s->expected = start + n * 4;
	return p;
}

static inline const uint8_t *get_data(struct mtr1_source *s, const uint8_t *p, struct record *r)
{
	unsigned tag = *p++;
	uint64_t z = 0;
	p = get_varint(p, &z);
	s->last_data += unzigzag(z);
	*r = (struct record){
		.kind = tag & 1 ? REC_STORE : REC_LOAD, .addr = s->last_data, .count = 1u << (tag >> 2 & 7)};
	return p;
}

/* Decodes until `cap` records or the position `end`; NULL, with the bad record's place in *at, when one is bad. */
static const uint8_t *get_records(struct mtr1_source *s, const uint8_t **at, const uint8_t *end,
				  struct record *buf, size_t cap, size_t *n)
{
	const uint8_t *p = *at;
	while (*n < cap && p < end) {
		*at = p;
		p = *p & 2 ? get_data(s, p, &buf[*n]) : get_run(s, p, &buf[*n]);
		if (!p) return NULL;
		++*n;
	}
	return p;
}

/* -- Source -- */

static enum status bad_record(const struct mtr1_source *s, const uint8_t *at, const char *what,
			      struct err *err)
{
	return err_set(err, ERR_INPUT, "%s: %s", byte_stream_place(&s->bytes, at).text, what);
}

static enum status mtr1_next(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
			     struct err *err)
{
	struct mtr1_source *s = (struct mtr1_source *)src;
	struct byte_stream *b = &s->bytes;
	for (*n = 0; *n < cap;) {
		if (!b->eof && b->end - b->at < MTR1_RECORD_MAX) TRY(byte_stream_fill(b, err));
		if (b->at == b->end && b->eof) return OK;
		/* Before the end of the file only records that lie in the window as a whole are begun. */
		const uint8_t *end = b->eof ? b->end : b->end - (MTR1_RECORD_MAX - 1), *at = b->at;
		const uint8_t *after = get_records(s, &at, end, buf, cap, n);
		if (!after && b->end - at >= MTR1_RECORD_MAX)
			return bad_record(
				s, at,
				"not a record of MTR1 (a number of more than 64 bits, or a run of 0 or over 2^32 - 1 instructions)",
				err);
		if (!after || after > b->end)
			return bad_record(s, at, "truncated or damaged in the last record", err);
		b->at = after;
	}
	return OK;
}

static void mtr1_close(struct trace_source *src)
{
	struct mtr1_source *s = (struct mtr1_source *)src;
	byte_stream_close(&s->bytes);
	input_close(&s->in);
	free(s);
}

static const struct source_ops mtr1_ops = {.next = mtr1_next, .close = mtr1_close};

static bool mtr1_detect(const uint8_t *head, size_t n) { return n >= 4 && memcmp(head, "MTR1", 4) == 0; }

static enum status check_header(struct mtr1_source *s, struct err *err)
{
	struct byte_stream *b = &s->bytes;
	TRY(byte_stream_fill(b, err));
	if (b->end - b->at < MTR1_HEADER_BYTES)
		return bad_record(s, b->end, "truncated: the header of MTR1 has 16 bytes", err);
	uint32_t version = wire_get32(b->at + 4);
	if (version != MTR1_VERSION)
		return err_set(err, ERR_INPUT,
			       "%s: at byte 4: MTR1 version %" PRIu32 "; this program reads version %d",
			       s->in.name, version, MTR1_VERSION);
	b->at += MTR1_HEADER_BYTES;
	return OK;
}

static enum status mtr1_open(struct input *in, uint32_t stream, struct trace_source **out, struct err *err)
{
	struct mtr1_source *s = xcalloc(1, sizeof(*s));
	s->base.ops = &mtr1_ops;
	s->base.info = (struct trace_info){.format = "mtr1",
					   .meta = "",
					   .streams = 1,
					   .lacks = STREAM_NO_DEPENDENCE,
					   .page_bytes = 4096,
					   .records = TRACE_UNKNOWN,
					   .instructions = TRACE_UNKNOWN,
					   .file_records = TRACE_UNKNOWN};
	s->in = *in;
	enum status st = trace_check_stream(in->name, stream, 1, err);
	if (st == OK) st = input_hash(&s->in, &s->base.info.hash, err);
	if (st == OK) st = byte_stream_open(&s->bytes, &s->in, err);
	if (st == OK) st = check_header(s, err);
	if (st == OK) {
		*out = &s->base;
		return OK;
	}
	s->in = (struct input){.fd = -1}; /* stays with the caller */
	mtr1_close(&s->base);
	return st;
}

const struct trace_format trace_format_mtr1 = {.name = "mtr1", .detect = mtr1_detect, .open = mtr1_open};
