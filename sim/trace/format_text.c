/* format_text.c - reads the text form of a trace (text.h).
 *
 * Words are separated by blanks; "#" begins a comment. Numbers are decimal or 0x. Every line is checked in full:
 * errors name the line and the byte where it begins.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "trace/format.h"
#include "trace/native.h"
#include "trace/wire.h"

enum { TEXT_VERSION = 1, WORDS_MAX = 8, LINE_MAX_BYTES = NATIVE_META_MAX + 64 };

struct text_source {
	struct trace_source base;
	struct input in;
	struct byte_stream bytes;
	uint32_t stream, current; /* wanted; of the lines being read */
	uint64_t lines, records;  /* read so far, records of all streams */
	uint64_t line_offset;
	bool begun, ended; /* a record or stream line was seen; the end line was */
	struct wire_buffer meta;
	char line[LINE_MAX_BYTES + 1];
	char *word[WORDS_MAX];
	size_t words;
};

static enum status bad_line(const struct text_source *s, const char *what, const char *found, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s:%" PRIu64 ": at byte %" PRIu64 ": %s, found \"%.60s\"", s->in.name,
		       s->lines, s->line_offset, what, found);
}

/* -- Lines and words -- */

/* The next line without its end, in s->line; *more is false at the end of the file. */
static enum status read_line(struct text_source *s, bool *more, struct err *err)
{
	struct byte_stream *b = &s->bytes;
	const uint8_t *stop;
	while (!(stop = memchr(b->at, '\n', (size_t)(b->end - b->at))) && !b->eof &&
	       b->end - b->at <= LINE_MAX_BYTES)
		TRY(byte_stream_fill(b, err));
	size_t n = (size_t)((stop ? stop : b->end) - b->at);
	s->line_offset = b->offset + (uint64_t)(b->at - b->window);
	s->lines++;
	*more = stop || n;
	if (n > LINE_MAX_BYTES) return bad_line(s, "line too long", "", err);
	if (memchr(b->at, 0, n)) return bad_line(s, "zero byte in a text file", "", err);
	memcpy(s->line, b->at, n);
	s->line[n] = 0;
	b->at += n + (stop != NULL);
	return OK;
}

static enum status split_line(struct text_source *s, struct err *err)
{
	char *p = s->line;
	p[strcspn(p, "#\r")] = 0;
	for (s->words = 0;; s->words++) {
		p += strspn(p, " \t");
		if (!*p) return OK;
		if (s->words == WORDS_MAX) return bad_line(s, "expected no more words", p, err);
		s->word[s->words] = p;
		p += strcspn(p, " \t");
		if (*p) *p++ = 0;
	}
}

static enum status get_number(const struct text_source *s, const char *text, uint64_t max, uint64_t *out,
			      struct err *err)
{
	char *end, allowed[64];
	bool hex = text[0] == '0' && text[1] == 'x';
	errno = 0;
	*out = strtoull(text, &end, hex ? 16 : 10);
	if (isxdigit((unsigned char)text[hex ? 2 : 0]) && !*end && !errno && *out <= max) return OK;
	snprintf(allowed, sizeof(allowed), "expected a number in 0..%" PRIu64, max);
	return bad_line(s, allowed, text, err);
}

/* -- Lines that describe -- */

static enum status take_lacks(struct text_source *s, struct err *err)
{
	for (size_t w = 1; w < s->words; w++) {
		int i = 0;
		while (stream_lack_names[i] && strcmp(stream_lack_names[i], s->word[w]) != 0) i++;
		if (!stream_lack_names[i])
			return bad_line(s, "expected no_fetch, no_instructions, no_sizes or no_dependence",
					s->word[w], err);
		s->base.info.lacks |= 1u << i;
	}
	return OK;
}

/* "meta" takes the rest of its line as it stands, comment signs included. */
static enum status take_meta(struct text_source *s, struct err *err)
{
	const char *text = s->line + strspn(s->line, " \t") + 5;
	size_t n = strlen(text);
	if (s->begun) return bad_line(s, "expected \"meta\" before the first record", text, err);
	if (s->meta.size + n + 1 > NATIVE_META_MAX)
		return bad_line(s, "expected at most 64 KiB of metadata", text, err);
	wire_put(&s->meta, text, n);
	wire_put(&s->meta, "\n", 1);
	return OK;
}

static enum status take_header_line(struct text_source *s, struct err *err)
{
	uint64_t v = 0;
	if (s->begun) return bad_line(s, "expected this line before the first record", s->word[0], err);
	if (!strcmp(s->word[0], "lacks")) return take_lacks(s, err);
	if (s->words != 2) return bad_line(s, "expected one number", s->word[0], err);
	if (!strcmp(s->word[0], "streams")) {
		TRY(get_number(s, s->word[1], TRACE_STREAMS_MAX, &v, err));
		s->base.info.streams = (uint32_t)v;
		return v ? OK : bad_line(s, "expected at least one stream", s->word[1], err);
	}
	TRY(get_number(s, s->word[1], UINT64_MAX, &v, err));
	s->base.info.page_bytes = v;
	return is_power_of_2(v) ? OK : bad_line(s, "expected a power of two", s->word[1], err);
}

static enum status take_stream(struct text_source *s, struct err *err)
{
	uint64_t v = 0;
	if (s->words != 2) return bad_line(s, "expected \"stream N\"", s->word[0], err);
	TRY(get_number(s, s->word[1], s->base.info.streams - 1, &v, err));
	s->begun = true;
	s->current = (uint32_t)v;
	return OK;
}

static enum status take_end(struct text_source *s, struct err *err)
{
	uint64_t v = s->records;
	if (s->words > 2) return bad_line(s, "expected \"end N\"", s->word[2], err);
	if (s->words == 2) TRY(get_number(s, s->word[1], UINT64_MAX, &v, err));
	if (v != s->records) return bad_line(s, "the number of records above is another", s->word[1], err);
	s->ended = true;
	return OK;
}

/* -- Records -- */

static int kind_of(const char *word)
{
	for (int kind = 0; kind < 256; kind++) {
		const char *text = record_kind_text((unsigned)kind);
		if (text && !strcmp(text, word)) return kind;
	}
	return -1;
}

static enum status take_option(const struct text_source *s, const char *word, struct record *r,
			       struct err *err)
{
	uint64_t v = 0;
	if (!strcmp(word, "dep")) {
		r->flags |= REC_DEPENDENT;
	} else if (!strncmp(word, "arg=", 4)) {
		TRY(get_number(s, word + 4, UINT64_MAX, &r->arg, err));
	} else if (!strncmp(word, "gap=", 4)) {
		TRY(get_number(s, word + 4, UINT16_MAX, &v, err));
		r->gap = (uint16_t)v;
	} else if (!strncmp(word, "flags=", 6)) {
		TRY(get_number(s, word + 6, UINT8_MAX, &v, err));
		r->flags |= (uint8_t)v;
	} else {
		return bad_line(s, "expected arg=, gap=, flags= or dep", word, err);
	}
	return OK;
}

static enum status take_record(struct text_source *s, struct record *r, struct err *err)
{
	uint64_t count = 0;
	int kind = kind_of(s->word[0]);
	if (kind < 0)
		return bad_line(s, "expected a kind of record (F, L, S, svc, ...) or a directive", s->word[0],
				err);
	if (s->words < 3)
		return bad_line(s, "expected an address and a count behind the kind", s->word[0], err);
	*r = (struct record){.kind = (uint8_t)kind};
	TRY(get_number(s, s->word[1], UINT64_MAX, &r->addr, err));
	TRY(get_number(s, s->word[2], UINT32_MAX, &count, err));
	r->count = (uint32_t)count;
	for (size_t w = 3; w < s->words; w++) TRY(take_option(s, s->word[w], r, err));
	s->begun = true;
	s->records++;
	return OK;
}

/* Takes one line; *is_record says whether it gave a record of the wanted stream. */
static enum status take_line(struct text_source *s, struct record *r, bool *is_record, struct err *err)
{
	const char *p = s->line + strspn(s->line, " \t");
	*is_record = false;
	if (!strncmp(p, "meta ", 5) && !s->ended) return take_meta(s, err);
	TRY(split_line(s, err));
	if (!s->words) return OK;
	const char *word = s->word[0];
	if (s->ended) return bad_line(s, "expected nothing behind \"end\"", word, err);
	if (!strcmp(word, "lacks") || !strcmp(word, "streams") || !strcmp(word, "page"))
		return take_header_line(s, err);
	if (!strcmp(word, "stream")) return take_stream(s, err);
	if (!strcmp(word, "end")) return take_end(s, err);
	TRY(take_record(s, r, err));
	*is_record = s->current == s->stream;
	return OK;
}

static enum status text_next(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
			     struct err *err)
{
	struct text_source *s = (struct text_source *)src;
	bool more = true, is_record = false;
	for (*n = 0; *n < cap && more; *n += is_record) {
		TRY(read_line(s, &more, err));
		if (more)
			TRY(take_line(s, &buf[*n], &is_record, err));
		else
			is_record = false;
	}
	if (!more && !s->ended)
		return bad_line(s, "truncated: expected \"end N\" as the last line", "end of file", err);
	return OK;
}

/* -- Opening -- */

/* Whether the next line can still belong to the description. */
static bool header_goes_on(const struct text_source *s)
{
	static const char *const words[] = {"#", "streams", "page", "lacks", "meta", "\n", "\r", NULL};
	const uint8_t *p = s->bytes.at;
	while (*p == ' ' || *p == '\t') p++; /* the padding behind the window is no blank */
	for (int i = 0; words[i]; i++)
		if (!strncmp((const char *)p, words[i], strlen(words[i])) &&
		    (strlen(words[i]) == 1 || isspace(p[strlen(words[i])])))
			return true;
	return false;
}

static enum status read_description(struct text_source *s, struct err *err)
{
	struct record unused;
	bool more = true, is_record;
	TRY(read_line(s, &more, err));
	TRY(split_line(s, err));
	uint64_t version = 0;
	if (s->words == 2) TRY(get_number(s, s->word[1], UINT64_MAX, &version, err));
	if (s->words != 2 || version != TEXT_VERSION)
		return bad_line(s, "expected \"strata-text 1\"", s->line, err);
	while (more) {
		if (s->bytes.end - s->bytes.at < BYTE_STREAM_PAD) TRY(byte_stream_fill(&s->bytes, err));
		if (!header_goes_on(s)) break;
		TRY(read_line(s, &more, err));
		if (more) TRY(take_line(s, &unused, &is_record, err));
	}
	wire_put(&s->meta, "", 1);
	s->base.info.meta = (const char *)s->meta.bytes;
	s->begun = true;
	return trace_check_stream(s->in.name, s->stream, s->base.info.streams, err);
}

static void text_close(struct trace_source *src)
{
	struct text_source *s = (struct text_source *)src;
	byte_stream_close(&s->bytes);
	input_close(&s->in);
	free(s->meta.bytes);
	free(s);
}

static const struct source_ops text_ops = {.next = text_next, .close = text_close};

static bool text_detect(const uint8_t *head, size_t n)
{
	return n >= 12 && memcmp(head, "strata-text ", 12) == 0;
}

static enum status text_open(struct input *in, uint32_t stream, struct trace_source **out, struct err *err)
{
	struct text_source *s = xcalloc(1, sizeof(*s));
	s->base.ops = &text_ops;
	s->base.info = (struct trace_info){.format = "text",
					   .meta = "",
					   .streams = 1,
					   .page_bytes = 4096,
					   .records = TRACE_UNKNOWN,
					   .instructions = TRACE_UNKNOWN,
					   .file_records = TRACE_UNKNOWN};
	s->in = *in;
	s->stream = stream;
	enum status st = input_hash(&s->in, &s->base.info.hash, err);
	if (st == OK) st = byte_stream_open(&s->bytes, &s->in, err);
	if (st == OK) st = read_description(s, err);
	if (st == OK) {
		*out = &s->base;
		return OK;
	}
	s->in = (struct input){.fd = -1}; /* stays with the caller */
	text_close(&s->base);
	return st;
}

const struct trace_format trace_format_text = {.name = "text", .detect = text_detect, .open = text_open};
