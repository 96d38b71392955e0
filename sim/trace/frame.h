/* frame.h - one frame of the native format: records to bytes and back.
 *
 *   encoder: frame_add ... -> frame_finish -> bytes          decoder: frame_open(bytes) -> frame_decode ...
 * The layout is in native.h. Opening checks everything that decoding relies on, so that the decoding loop, which
 * runs once per record of every simulation, has neither branches nor bounds checks.
 */
#ifndef TRACE_FRAME_H
#define TRACE_FRAME_H

#include <stdbool.h>

#include "base/record.h"
#include "base/status.h"
#include "trace/native.h"
#include "trace/wire.h"

/* A shape as it is decoded. */
struct shape {
	uint64_t mask[COLUMNS];
	uint64_t advance; /* all ones where the slot moves on by the instructions fetched */
	uint32_t count_base;
	uint8_t bytes[COLUMNS];
	uint8_t kind, flags, slot, known;
};

/* -- Encoding -- */

enum { SHAPE_HASH_SLOTS = 1024 };

struct frame_encoder {
	uint32_t records, shapes;
	uint64_t instructions;
	uint64_t last[SLOTS];
	uint64_t shape_key[NATIVE_SHAPES_MAX];
	uint16_t shape_hash[SHAPE_HASH_SLOTS]; /* 1 + number of the shape, 0: free */
	struct wire_buffer tags, column[COLUMNS];
	struct wire_buffer out;
};

void frame_encoder_init(struct frame_encoder *e); /* of zeroed or used memory */
void frame_encoder_free(struct frame_encoder *e);
/* False when the frame is full: finish it, start anew and add the record again. */
bool frame_add(struct frame_encoder *e, const struct record *r);
/* The raw bytes of the frame, in e->out; *hash is its checksum. The encoder is empty again. */
void frame_finish(struct frame_encoder *e, uint32_t stream, uint64_t *hash);

/* -- Decoding -- */

struct frame_decoder {
	uint32_t stream, records, done;
	uint64_t instructions, hash;
	uint64_t last[SLOTS];
	const uint8_t *tag, *column[COLUMNS]; /* into the raw bytes, which must stay */
	struct shape shape[NATIVE_SHAPES_MAX];
};

/* Checks the frame's checksum and structure. `where` names it in messages. */
enum status frame_open(struct frame_decoder *d, const uint8_t *raw, size_t size, const char *where,
		       struct err *err);
/* Decodes at most n further records; returns how many were written. Records of unknown kinds are dropped, so fewer
 * may come than remain; the frame has ended when d->done == d->records. */
size_t frame_decode(struct frame_decoder *d, struct record *out, size_t n);

#endif
