/* format_native.c - reads the native trace format (native.h, docs/trace-format.md).
 *
 * Everything in the file is under a checksum: the header under its own, the frames under theirs, the index under the
 * footer's. Opening checks header, index and totals; each frame is checked when it is read. Allocation is bounded by
 * the size of the file and by NATIVE_RAW_MAX, whatever the file says.
 */
#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>
#include <zstd.h>

#include "base/bits.h"
#include "trace/format.h"
#include "trace/frame.h"

struct frame_entry {
	uint64_t offset, instructions, hash;
	uint32_t packed, raw, stream, records;
};

struct native_source {
	struct trace_source base;
	struct input in;
	uint32_t stream;
	char *meta;
	uint64_t first_frame, end_of_frames; /* offsets */
	struct frame_entry *entry;           /* of this stream */
	size_t entries, next_entry;
	struct frame_decoder frame;
	uint8_t *packed, *raw;
	size_t packed_cap, raw_cap;
	ZSTD_DCtx *zstd;
};

static enum status bad_at(const struct native_source *s, uint64_t offset, const char *what, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s: at byte %llu: %s", s->in.name, (unsigned long long)offset, what);
}

/* -- Header -- */

static enum status check_header(struct native_source *s, const uint8_t *h, uint32_t size, struct err *err)
{
	struct trace_info *info = &s->base.info;
	uint32_t known_lacks = STREAM_NO_FETCH | STREAM_NO_INSTRUCTIONS | STREAM_NO_SIZES |
			       STREAM_NO_DEPENDENCE;
	uint32_t version = wire_get32(h + 8), meta = wire_get32(h + 32);
	if (XXH64(h, size - 8, 0) != wire_get64(h + size - 8))
		return bad_at(s, NATIVE_SKIP_HEAD, "checksum of the header is wrong", err);
	if (version != NATIVE_VERSION || wire_get32(h + 12))
		return err_set(err, ERR_INPUT,
			       "%s: at byte 16: version %u flags %#x; this program reads version %d flags 0",
			       s->in.name, version, wire_get32(h + 12), NATIVE_VERSION);
	info->streams = wire_get32(h + 16);
	info->lacks = wire_get32(h + 20);
	info->page_bytes = wire_get64(h + 24);
	if (meta != size - NATIVE_HEADER_BYTES - 8 || memchr(h + NATIVE_HEADER_BYTES, 0, meta))
		return bad_at(s, 40, "metadata does not fill the header or holds a zero byte", err);
	if (info->streams < 1 || info->streams > TRACE_STREAMS_MAX)
		return bad_at(s, 24, "number of streams is outside 1..65536", err);
	if (info->lacks & ~known_lacks) return bad_at(s, 28, "unknown bits in what the streams lack", err);
	if (!is_power_of_2(info->page_bytes)) return bad_at(s, 32, "page size is no power of two", err);
	s->meta = xcalloc(meta + 1, 1);
	memcpy(s->meta, h + NATIVE_HEADER_BYTES, meta);
	info->meta = s->meta;
	return trace_check_stream(s->in.name, s->stream, info->streams, err);
}

static enum status read_header(struct native_source *s, struct err *err)
{
	uint8_t head[NATIVE_SKIP_HEAD];
	TRY(input_read(&s->in, 0, head, sizeof(head), err));
	uint32_t size = wire_get32(head + 4);
	if (size < NATIVE_HEADER_BYTES + 8 || size > NATIVE_HEADER_BYTES + 8 + NATIVE_META_MAX)
		return bad_at(s, 4, "size of the header is not possible", err);
	uint8_t *header = xcalloc(size, 1);
	enum status st = input_read(&s->in, NATIVE_SKIP_HEAD, header, size, err);
	if (st == OK) st = check_header(s, header, size, err);
	free(header);
	s->first_frame = NATIVE_SKIP_HEAD + (uint64_t)size;
	return st;
}

/* -- Index -- */

struct footer {
	uint64_t index, frames, records, instructions, content, hash;
};

static enum status read_footer(struct native_source *s, struct footer *f, struct err *err)
{
	uint8_t raw[NATIVE_FOOTER_BYTES];
	uint64_t least = s->first_frame + NATIVE_SKIP_HEAD + NATIVE_FOOTER_BYTES;
	if (s->in.size < least)
		return bad_at(s, s->in.size, "truncated: the file ends before its index", err);
	uint64_t at = s->in.size - NATIVE_FOOTER_BYTES;
	TRY(input_read(&s->in, at, raw, sizeof(raw), err));
	if (memcmp(raw + 48, NATIVE_FOOTER_MAGIC, 8) != 0)
		return bad_at(s, at + 48, "truncated or torn: expected the end mark \"STRATEND\"", err);
	*f = (struct footer){wire_get64(raw),      wire_get64(raw + 8),  wire_get64(raw + 16),
			     wire_get64(raw + 24), wire_get64(raw + 32), wire_get64(raw + 40)};
	uint64_t frames = (s->in.size - least) / NATIVE_ENTRY_BYTES; /* no more fit */
	if (f->frames > frames || f->index != at - f->frames * NATIVE_ENTRY_BYTES - NATIVE_SKIP_HEAD)
		return bad_at(s, at, "number of frames and place of the index do not fit the file", err);
	s->end_of_frames = f->index;
	return OK;
}

static struct frame_entry get_entry(const uint8_t *p)
{
	return (struct frame_entry){.offset = wire_get64(p),
				    .packed = wire_get32(p + 8),
				    .raw = wire_get32(p + 12),
				    .stream = wire_get32(p + 16),
				    .records = wire_get32(p + 20),
				    .instructions = wire_get64(p + 24),
				    .hash = wire_get64(p + 32)};
}

static enum status check_entry(const struct native_source *s, const struct frame_entry *e, uint64_t expected,
			       struct err *err)
{
	if (e->offset != expected || e->packed > s->end_of_frames - expected)
		return bad_at(s, expected, "the index has no frame that begins here and fits", err);
	if (e->packed == 0 || e->packed > ZSTD_compressBound(NATIVE_RAW_MAX) || e->raw > NATIVE_RAW_MAX)
		return bad_at(s, expected, "size of the frame is not possible", err);
	if (e->stream >= s->base.info.streams || e->records == 0 || e->records > e->raw)
		return bad_at(s, expected, "stream or number of records of the frame is not possible", err);
	return OK;
}

static void add_entry(struct native_source *s, const struct frame_entry *e)
{
	if (e->stream != s->stream) return;
	s->entry[s->entries++] = *e;
	s->base.info.records += e->records;
	s->base.info.instructions += e->instructions;
}

/* Frames must fill the file from header to index without a gap, and their totals be the footer's. */
static enum status take_entries(struct native_source *s, const uint8_t *index, const struct footer *f,
				struct err *err)
{
	XXH64_state_t *content = XXH64_createState();
	uint64_t at = s->first_frame, records = 0, instructions = 0;
	enum status st = OK;
	XXH64_reset(content, 0);
	s->entry = xcalloc(f->frames, sizeof(*s->entry));
	for (uint64_t i = 0; st == OK && i < f->frames; i++) {
		struct frame_entry e = get_entry(index + i * NATIVE_ENTRY_BYTES);
		st = check_entry(s, &e, at, err);
		XXH64_update(content, index + i * NATIVE_ENTRY_BYTES + 16, 8);
		XXH64_update(content, &e.hash, sizeof(e.hash));
		at += e.packed;
		records += e.records;
		instructions += e.instructions;
		if (st == OK) add_entry(s, &e);
	}
	uint64_t hash = XXH64_digest(content);
	XXH64_freeState(content);
	if (st != OK) return st;
	if (at != f->index) return bad_at(s, at, "bytes between the last frame and the index", err);
	if (hash != f->content || records != f->records || instructions != f->instructions)
		return bad_at(s, s->in.size - NATIVE_FOOTER_BYTES,
			      "totals of the footer and of the index differ", err);
	return OK;
}

static enum status read_index(struct native_source *s, struct err *err)
{
	struct footer f = {0};
	TRY(read_footer(s, &f, err));
	size_t size = (size_t)(s->in.size - f.index); /* with its skippable head and the footer */
	uint8_t *bytes = xcalloc(size, 1), *index = bytes + NATIVE_SKIP_HEAD;
	enum status st = input_read(&s->in, f.index, bytes, size, err);
	if (st == OK &&
	    (wire_get32(bytes) != NATIVE_SKIPPABLE || wire_get32(bytes + 4) != size - NATIVE_SKIP_HEAD))
		st = bad_at(s, f.index, "expected the head of the index", err);
	if (st == OK && XXH64(index, size - NATIVE_SKIP_HEAD - 16, 0) != f.hash)
		st = bad_at(s, f.index, "checksum of the index is wrong", err);
	if (st == OK) st = take_entries(s, index, &f, err);
	free(bytes);
	s->base.info.frames = s->entries;
	s->base.info.file_records = f.records;
	s->base.info.hash = f.content;
	return st;
}

/* -- Frames -- */

static void make_room(uint8_t **buffer, size_t *cap, size_t need)
{
	if (need <= *cap) return;
	*buffer = xrealloc(*buffer, need, 1);
	*cap = need;
}

static enum status unpack_frame(struct native_source *s, const struct frame_entry *e, struct err *err)
{
	make_room(&s->packed, &s->packed_cap, e->packed);
	make_room(&s->raw, &s->raw_cap, e->raw);
	TRY(input_read(&s->in, e->offset, s->packed, e->packed, err));
	size_t got = ZSTD_decompressDCtx(s->zstd, s->raw, e->raw, s->packed, e->packed);
	if (ZSTD_isError(got))
		return err_set(err, ERR_INPUT, "%s: at byte %llu: damaged zstd frame: %s", s->in.name,
			       (unsigned long long)e->offset, ZSTD_getErrorName(got));
	return got == e->raw ? OK : bad_at(s, e->offset, "frame is shorter than the index says", err);
}

static enum status next_frame(struct native_source *s, struct err *err)
{
	const struct frame_entry *e = &s->entry[s->next_entry++];
	char where[256];
	TRY(unpack_frame(s, e, err));
	snprintf(where, sizeof(where), "%.200s: at byte %llu", s->in.name, (unsigned long long)e->offset);
	TRY(frame_open(&s->frame, s->raw, e->raw, where, err));
	if (s->frame.stream != e->stream || s->frame.records != e->records || s->frame.hash != e->hash ||
	    s->frame.instructions != e->instructions)
		return bad_at(s, e->offset, "the frame is not the one that the index means", err);
	return OK;
}

static enum status native_next(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
			       struct err *err)
{
	struct native_source *s = (struct native_source *)src;
	*n = 0;
	while (*n < cap) {
		if (s->frame.done < s->frame.records) {
			*n += frame_decode(&s->frame, buf + *n, cap - *n);
			continue;
		}
		if (s->next_entry == s->entries) return OK;
		TRY(next_frame(s, err));
	}
	return OK;
}

/* Jumps over whole frames; the rest is left to be read. Counts stored records, as the index does. */
static enum status native_skip(struct trace_source *src, uint64_t count, uint64_t *skipped, struct err *err)
{
	struct native_source *s = (struct native_source *)src;
	uint64_t in_frame = s->frame.records - s->frame.done;
	*skipped = 0;
	(void)err;
	if (count < in_frame) return OK;
	*skipped = in_frame;
	s->frame.done = s->frame.records;
	while (s->next_entry < s->entries && s->entry[s->next_entry].records <= count - *skipped)
		*skipped += s->entry[s->next_entry++].records;
	return OK;
}

static void native_close(struct trace_source *src)
{
	struct native_source *s = (struct native_source *)src;
	input_close(&s->in);
	ZSTD_freeDCtx(s->zstd);
	free(s->meta);
	free(s->entry);
	free(s->packed);
	free(s->raw);
	free(s);
}

static const struct source_ops native_ops = {.next = native_next, .skip = native_skip, .close = native_close};

static bool native_detect(const uint8_t *head, size_t n)
{
	return n >= 16 && wire_get32(head) == NATIVE_SKIPPABLE &&
	       memcmp(head + 8, NATIVE_HEADER_MAGIC, 8) == 0;
}

static enum status native_open(struct input *in, uint32_t stream, struct trace_source **out, struct err *err)
{
	struct native_source *s = xcalloc(1, sizeof(*s));
	s->base = (struct trace_source){.ops = &native_ops, .info = {.format = "native", .meta = ""}};
	s->in = *in;
	s->stream = stream;
	s->zstd = ZSTD_createDCtx();
	enum status st = s->zstd ? OK : err_set(err, ERR_HOST, "%s: no memory for decompression", in->name);
	if (st == OK) st = read_header(s, err);
	if (st == OK) st = read_index(s, err);
	if (st == OK) {
		*out = &s->base;
		return OK;
	}
	s->in = (struct input){.fd = -1}; /* stays with the caller */
	native_close(&s->base);
	return st;
}

const struct trace_format trace_format_native = {
	.name = "native", .detect = native_detect, .open = native_open};
