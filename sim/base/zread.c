#include "base/zread.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "base/alloc.h"

enum { CHUNK_BYTES = 1 << 16, LINE_BYTES = 1 << 20 };

struct zread {
	FILE *file;
	char *path;
	bool begun, plain; /* the first bytes have been looked at, and are no zstd frame's */
	ZSTD_DStream *stream;
	ZSTD_inBuffer in;
	size_t pending; /* what ZSTD_decompressStream said: 0 at the end of a frame */
	size_t taken;   /* compressed bytes read before the present chunk */
	size_t line_at, line_end;
	char chunk[CHUNK_BYTES], text[LINE_BYTES + 1];
};

/* `path`, or what stands there unpacked. *name is for the caller to free. */
static FILE *open_either(const char *path, char **name)
{
	static const char suffix[] = ".zst";
	size_t bytes = strlen(path), tail = strlen(suffix);
	FILE *file = fopen(path, "rb");
	*name = xstrdup(path);
	if (file || bytes <= tail || strcmp(path + bytes - tail, suffix) != 0) return file;
	(*name)[bytes - tail] = 0;
	file = fopen(*name, "rb");
	if (!file) (*name)[bytes - tail] = '.';
	return file;
}

enum status zread_open(const char *path, struct zread **out, struct err *err)
{
	char *name;
	FILE *file = open_either(path, &name);
	if (!file) {
		free(name);
		return err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
	}
	struct zread *z = xcalloc(1, sizeof(*z));
	z->file = file;
	z->path = name;
	z->stream = ZSTD_createDStream();
	z->in.src = z->chunk;
	*out = z;
	if (z->stream) return OK;
	zread_close(z);
	return err_set(err, ERR_HOST, "%s: no memory for zstd", path);
}

void zread_close(struct zread *z)
{
	if (!z) return;
	ZSTD_freeDStream(z->stream);
	fclose(z->file);
	free(z->path);
	free(z);
}

/* Reads the next chunk of the file; *end at its end. */
static enum status refill(struct zread *z, bool *end, struct err *err)
{
	z->taken += z->in.size;
	z->in.size = fread(z->chunk, 1, CHUNK_BYTES, z->file);
	z->in.pos = 0;
	*end = z->in.size == 0;
	if (ferror(z->file)) return err_set(err, ERR_INPUT, "%s: cannot be read", z->path);
	if (*end && z->pending)
		return err_set(err, ERR_INPUT, "%s: ends at offset %zu inside a zstd frame", z->path,
			       z->taken);
	return OK;
}

/* RFC 8878: 3.1.1 frames, 3.1.2 skippable ones. */
static bool is_zstd(const char *at, size_t bytes)
{
	const unsigned char *b = (const unsigned char *)at;
	if (bytes < 4) return false;
	return memcmp(b, "\x28\xb5\x2f\xfd", 4) == 0 ||
	       ((b[0] & 0xf0) == 0x50 && memcmp(b + 1, "\x2a\x4d\x18", 3) == 0);
}

static enum status begin(struct zread *z, struct err *err)
{
	bool end;
	z->begun = true;
	TRY(refill(z, &end, err));
	z->plain = !is_zstd(z->chunk, z->in.size);
	return OK;
}

static enum status copy_bytes(struct zread *z, char *to, size_t bytes, size_t *got, struct err *err)
{
	bool end = false;
	for (*got = 0; *got < bytes;) {
		if (z->in.pos == z->in.size) TRY(refill(z, &end, err));
		if (end) return OK;
		size_t left = z->in.size - z->in.pos, n = left < bytes - *got ? left : bytes - *got;
		memcpy(to + *got, z->chunk + z->in.pos, n);
		z->in.pos += n;
		*got += n;
	}
	return OK;
}

enum status zread_bytes(struct zread *z, void *to, size_t bytes, size_t *got, struct err *err)
{
	if (!z->begun) TRY(begin(z, err));
	if (z->plain) return copy_bytes(z, to, bytes, got, err);
	ZSTD_outBuffer out = {.dst = to, .size = bytes};
	bool end = false;
	while (out.pos < out.size) {
		if (z->in.pos == z->in.size && !z->pending) TRY(refill(z, &end, err));
		if (end) break;
		size_t before = out.pos, from = z->in.pos;
		size_t r = ZSTD_decompressStream(z->stream, &out, &z->in);
		if (ZSTD_isError(r))
			return err_set(err, ERR_INPUT, "%s: offset %zu: %s", z->path, z->taken + z->in.pos,
				       ZSTD_getErrorName(r));
		z->pending = r;
		if (out.pos == before && z->in.pos == from && out.pos < out.size) TRY(refill(z, &end, err));
	}
	*got = out.pos;
	return OK;
}

/* Moves the rest of the text to the front and fills up behind it. */
static enum status more_text(struct zread *z, size_t *got, struct err *err)
{
	size_t rest = z->line_end - z->line_at;
	memmove(z->text, z->text + z->line_at, rest);
	size_t room = rest < CHUNK_BYTES ? CHUNK_BYTES - rest : LINE_BYTES - rest;
	TRY(zread_bytes(z, z->text + rest, room, got, err));
	z->line_at = 0;
	z->line_end = rest + *got;
	return OK;
}

enum status zread_line(struct zread *z, const char **line, struct err *err)
{
	char *at = z->text + z->line_at, *newline = memchr(at, '\n', z->line_end - z->line_at);
	for (size_t got = 1; !newline && got;) {
		TRY(more_text(z, &got, err));
		at = z->text;
		newline = memchr(at, '\n', z->line_end);
		if (!newline && z->line_end == LINE_BYTES)
			return err_set(err, ERR_INPUT, "%s: a line is longer than %d bytes", z->path,
				       LINE_BYTES);
	}
	*line = z->line_at == z->line_end ? NULL : at;
	if (!newline) newline = z->text + z->line_end;
	*newline = 0;
	if (newline > at && newline[-1] == '\r') newline[-1] = 0;
	z->line_at = (size_t)(newline - z->text) + (newline < z->text + z->line_end);
	return OK;
}
