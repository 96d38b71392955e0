#include "trace/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>
#include <zstd.h>

#include "base/alloc.h"
#include "trace/wire.h"

enum { WINDOW_BYTES = 256 << 10, PACKED_BYTES = 128 << 10 };

static enum status host_error(const struct input *in, const char *what, struct err *err)
{
	return err_set(err, ERR_HOST, "%s: %s: %s", in->name, what, strerror(errno));
}

/* What cannot seek is read into memory. */
static enum status read_pipe(struct input *in, int fd, struct err *err)
{
	struct wire_buffer all = {0};
	ssize_t got;
	do {
		got = read(fd, wire_reserve(&all, WINDOW_BYTES), WINDOW_BYTES);
		all.size += got > 0 ? (size_t)got : 0;
	} while (got > 0 && all.size <= INPUT_PIPE_MAX);
	in->owned = all.bytes;
	in->mem = all.bytes;
	in->size = all.size;
	if (got < 0) return host_error(in, "read", err);
	if (got > 0)
		return err_set(err, ERR_INPUT, "%s: more than %d bytes from a pipe; give a file", in->name,
			       INPUT_PIPE_MAX);
	return OK;
}

static enum status open_regular(struct input *in, int fd, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st)) return host_error(in, "fstat", err);
	if (S_ISDIR(st.st_mode)) return err_set(err, ERR_INPUT, "%s: is a directory", in->name);
	if (!S_ISREG(st.st_mode)) return read_pipe(in, fd, err);
	in->size = (uint64_t)st.st_size;
	in->fd = fd;
	return OK;
}

enum status input_open(struct input *in, const char *path, struct err *err)
{
	bool standard = strcmp(path, "-") == 0;
	*in = (struct input){.name = xstrdup(standard ? "standard input" : path), .fd = -1};
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum status st = OK;
	if (fd < 0)
		st = err_set(err, ERR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
	else
		st = standard ? read_pipe(in, fd, err) : open_regular(in, fd, err);
	if (fd > STDIN_FILENO && in->fd < 0) close(fd);
	if (st != OK) input_close(in);
	return st;
}

void input_borrow(struct input *in, const char *name, const void *bytes, size_t size)
{
	*in = (struct input){.name = xstrdup(name), .size = size, .fd = -1, .mem = bytes};
}

void input_close(struct input *in)
{
	if (in->fd >= 0) close(in->fd);
	free(in->owned);
	free(in->name);
	*in = (struct input){.fd = -1};
}

static enum status read_file(const struct input *in, uint64_t offset, uint8_t *to, size_t n, struct err *err)
{
	while (n) {
		ssize_t got = pread(in->fd, to, n, (off_t)offset);
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return host_error(in, "read", err);
		if (got == 0)
			return err_set(err, ERR_INPUT,
				       "%s: ends at byte %llu, where more was expected (cut while read?)",
				       in->name, (unsigned long long)offset);
		offset += (uint64_t)got;
		to += got;
		n -= (size_t)got;
	}
	return OK;
}

enum status input_read(const struct input *in, uint64_t offset, void *to, size_t n, struct err *err)
{
	if (offset > in->size || n > in->size - offset)
		return err_set(err, ERR_INPUT,
			       "%s: at byte %llu: expected %zu more bytes, but the file ends at byte %llu",
			       in->name, (unsigned long long)offset, n, (unsigned long long)in->size);
	if (in->fd >= 0) return read_file(in, offset, to, n, err);
	if (n) memcpy(to, in->mem + offset, n);
	return OK;
}

enum status input_hash(const struct input *in, uint64_t *out, struct err *err)
{
	XXH64_state_t *state = XXH64_createState();
	uint8_t *chunk = xcalloc(WINDOW_BYTES, 1);
	XXH64_reset(state, 0);
	enum status st = OK;
	for (uint64_t at = 0; st == OK && at < in->size;) {
		size_t n = in->size - at < WINDOW_BYTES ? (size_t)(in->size - at) : WINDOW_BYTES;
		st = input_read(in, at, chunk, n, err);
		if (st == OK) XXH64_update(state, chunk, n);
		at += n;
	}
	*out = XXH64_digest(state);
	XXH64_freeState(state);
	free(chunk);
	return st;
}

enum status byte_stream_open(struct byte_stream *s, struct input *in, struct err *err)
{
	uint8_t head[4] = {0};
	*s = (struct byte_stream){.in = in, .window = xcalloc(WINDOW_BYTES + BYTE_STREAM_PAD, 1)};
	s->at = s->end = s->window;
	if (in->size >= sizeof(head)) TRY(input_read(in, 0, head, sizeof(head), err));
	if (wire_get32(head) != ZSTD_FRAME_MAGIC) return OK;
	s->zstd = ZSTD_createDCtx();
	s->packed = xcalloc(PACKED_BYTES, 1);
	if (!s->zstd) return err_set(err, ERR_HOST, "%s: no memory for decompression", in->name);
	return OK;
}

void byte_stream_close(struct byte_stream *s)
{
	ZSTD_freeDCtx(s->zstd);
	free(s->packed);
	free(s->window);
	*s = (struct byte_stream){0};
}

static enum status next_bytes(struct byte_stream *s, uint8_t *to, size_t room, size_t *n, struct err *err)
{
	uint64_t left = s->in->size - s->file_offset;
	*n = left < room ? (size_t)left : room;
	TRY(input_read(s->in, s->file_offset, to, *n, err));
	s->file_offset += *n;
	return OK;
}

/* One call of the decompressor; frames that follow each other are one stream. */
static enum status unpack(struct byte_stream *s, ZSTD_outBuffer *out, struct err *err)
{
	ZSTD_inBuffer in = {.src = s->packed, .size = s->packed_size, .pos = s->packed_at};
	size_t before = out->pos, rest = ZSTD_decompressStream(s->zstd, out, &in);
	uint64_t at = s->file_offset - (s->packed_size - in.pos);
	if (ZSTD_isError(rest))
		return err_set(err, ERR_INPUT, "%s: at byte %llu: damaged zstd data: %s", s->in->name,
			       (unsigned long long)at, ZSTD_getErrorName(rest));
	/* No progress at a frame's end with nothing left to read must not count as a frame that has begun. */
	if (in.pos != s->packed_at || out->pos != before) s->mid_frame = rest != 0;
	s->packed_at = in.pos;
	return OK;
}

static enum status fill_packed(struct byte_stream *s, size_t used, size_t *total, struct err *err)
{
	ZSTD_outBuffer out = {.dst = s->window, .size = WINDOW_BYTES, .pos = used};
	while (out.pos < out.size) {
		bool drained = s->packed_at == s->packed_size;
		if (drained) {
			TRY(next_bytes(s, s->packed, PACKED_BYTES, &s->packed_size, err));
			s->packed_at = 0;
		}
		size_t before = out.pos;
		bool dry = s->packed_size == 0;
		if (!dry || s->mid_frame) TRY(unpack(s, &out, err));
		if (!dry || out.pos > before) continue;
		s->eof = true;
		if (s->mid_frame)
			return err_set(err, ERR_INPUT,
				       "%s: at byte %llu: truncated: the zstd frame does not end here",
				       s->in->name, (unsigned long long)s->in->size);
		break;
	}
	*total = out.pos;
	return OK;
}

static enum status fill_plain(struct byte_stream *s, size_t used, size_t *total, struct err *err)
{
	size_t n = 0;
	TRY(next_bytes(s, s->window + used, WINDOW_BYTES - used, &n, err));
	s->eof = s->file_offset == s->in->size;
	*total = used + n;
	return OK;
}

enum status byte_stream_fill(struct byte_stream *s, struct err *err)
{
	size_t unread = (size_t)(s->end - s->at), total = unread;
	if (s->eof) return OK;
	assert(unread < WINDOW_BYTES);
	s->offset += (uint64_t)(s->at - s->window);
	memmove(s->window, s->at, unread);
	s->at = s->window;
	enum status st = s->zstd ? fill_packed(s, unread, &total, err) : fill_plain(s, unread, &total, err);
	s->end = s->window + total;
	memset(s->window + total, 0, BYTE_STREAM_PAD);
	return st;
}

struct trace_place byte_stream_place(const struct byte_stream *s, const uint8_t *at)
{
	struct trace_place place;
	unsigned long long offset = s->offset + (uint64_t)(at - s->window);
	snprintf(place.text, sizeof(place.text), "%.100s: at byte %llu%s", s->in->name, offset,
		 s->zstd ? " after decompression" : "");
	return place;
}
