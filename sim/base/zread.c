#include "base/zread.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "base/alloc.h"

enum { CHUNK_BYTES = 1 << 16 };

struct zread {
	FILE *file;
	char *path;
	ZSTD_DStream *stream;
	ZSTD_inBuffer in;
	size_t pending; /* what ZSTD_decompressStream said: 0 at the end of a frame */
	size_t taken;   /* compressed bytes read before the present chunk */
	size_t line_at, line_end;
	char chunk[CHUNK_BYTES], text[CHUNK_BYTES + 1];
};

enum status zread_open(const char *path, struct zread **out, struct err *err)
{
	FILE *file = fopen(path, "rb");
	if (!file) return err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
	struct zread *z = xcalloc(1, sizeof(*z));
	z->file = file;
	z->path = xstrdup(path);
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

enum status zread_bytes(struct zread *z, void *to, size_t bytes, size_t *got, struct err *err)
{
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
	TRY(zread_bytes(z, z->text + rest, CHUNK_BYTES - rest, got, err));
	z->line_at = 0;
	z->line_end = rest + *got;
	return OK;
}

enum status zread_line(struct zread *z, const char **line, struct err *err)
{
	char *at = z->text + z->line_at, *newline = memchr(at, '\n', z->line_end - z->line_at);
	if (!newline) {
		size_t got = 0;
		TRY(more_text(z, &got, err));
		at = z->text;
		newline = memchr(at, '\n', z->line_end);
		if (!newline && z->line_end == CHUNK_BYTES)
			return err_set(err, ERR_INPUT, "%s: a line is longer than %d bytes", z->path,
				       CHUNK_BYTES);
	}
	*line = z->line_at == z->line_end ? NULL : at;
	if (!newline) newline = z->text + z->line_end;
	*newline = 0;
	z->line_at = (size_t)(newline - z->text) + (newline < z->text + z->line_end);
	return OK;
}
