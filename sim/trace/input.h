/* input.h - where trace readers get their bytes: by offset, or as one stream with a zstd layer taken off.
 *
 * An input is a regular file read with pread, standard input or a pipe (read into memory first), or borrowed memory.
 * A byte_stream hands out the decoded bytes in a window that its reader walks with plain pointers.
 */
#ifndef TRACE_INPUT_H
#define TRACE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define ZSTD_FRAME_MAGIC UINT32_C(0xFD2FB528) /* RFC 8878, 3.1.1 */

struct input {
	char *name; /* for messages */
	uint64_t size;
	int fd;             /* -1: in memory */
	const uint8_t *mem; /* when fd is -1 */
	uint8_t *owned;     /* mem, when it is to be freed */
};

/* "-" is standard input. What is no regular file is read whole, at most INPUT_PIPE_MAX bytes. */
enum { INPUT_PIPE_MAX = 1 << 30 };
enum status input_open(struct input *in, const char *path, struct err *err);
void input_borrow(struct input *in, const char *name, const void *bytes, size_t size);
void input_close(struct input *in);

/* Exactly n bytes at an offset; what the file does not hold is an ERR_INPUT naming the place. */
enum status input_read(const struct input *in, uint64_t offset, void *to, size_t n, struct err *err);
/* xxHash64 of all bytes of the input. */
enum status input_hash(const struct input *in, uint64_t *out, struct err *err);

enum { BYTE_STREAM_PAD = 64 }; /* zero bytes that may be read behind `end` */

struct byte_stream {
	struct input *in;
	void *zstd; /* ZSTD_DCtx, or NULL where the input is not compressed */
	uint8_t *packed;
	size_t packed_at, packed_size;
	uint64_t file_offset; /* of the input bytes consumed so far */
	uint8_t *window;
	const uint8_t *at, *end; /* unread decoded bytes */
	uint64_t offset;         /* decoded bytes before window[0] */
	bool mid_frame;          /* a zstd frame has begun and not ended */
	bool eof;                /* nothing follows `end` */
};

/* Starts at the beginning of `in`, which is borrowed; recognises zstd by its magic. One layer only. */
enum status byte_stream_open(struct byte_stream *s, struct input *in, struct err *err);
void byte_stream_close(struct byte_stream *s);

/* Moves the unread bytes to the front and fills up behind them. Afterwards eof is set, or there are more. Calls with
 * a full window (a reader that consumes nothing of it) are a bug. */
enum status byte_stream_fill(struct byte_stream *s, struct err *err);

/* "FILE: at byte N", with N counted after decompression where there is any; valid until the next call. */
struct trace_place {
	char text[160];
};
struct trace_place byte_stream_place(const struct byte_stream *s, const uint8_t *at);

#endif
