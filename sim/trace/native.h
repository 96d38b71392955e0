/* native.h - the layout of the native trace format, shared by its writer and reader (docs/trace-format.md).
 *
 *   header | frame ... | index          all numbers little-endian, all hashes xxHash64 with seed 0
 * Header and index are zstd skippable frames and frames are zstd frames (RFC 8878), so zstd's tools accept the file.
 * A frame decompresses to: hash of the rest, frame head, shapes, tags, four columns, padding. Each record has one
 * tag byte, the number of its shape; a shape says what kind of record it is and how many bytes of each column it
 * takes, so that a reader can walk over kinds that it does not know.
 * Not modelled: compression dictionaries, edits in place, files still being written.
 */
#ifndef TRACE_NATIVE_H
#define TRACE_NATIVE_H

#include <stdint.h>

#define NATIVE_HEADER_MAGIC "STRATRC1"
#define NATIVE_FOOTER_MAGIC "STRATEND"

enum {
	NATIVE_SKIPPABLE = 0x184D2A50, /* RFC 8878, 3.1.2 */
	NATIVE_VERSION = 1,
	NATIVE_SKIP_HEAD = 8, /* magic and size of a skippable frame */

	/* Header: magic 8, version 4, flags 4, streams 4, lacks 4, page_bytes 8, meta_bytes 4, zero 4, meta, hash 8 */
	NATIVE_HEADER_BYTES = 40,
	NATIVE_META_MAX = 64 << 10,

	/* Index entry: offset 8, packed 4, raw 4, stream 4, records 4, instructions 8, hash 8 */
	NATIVE_ENTRY_BYTES = 40,
	/* Footer: offset of the index 8, frames 8, records 8, instructions 8, content hash 8, index hash 8, magic 8.
	 * The content hash covers stream, records and hash of every frame; the index hash entries and footer so far. */
	NATIVE_FOOTER_BYTES = 56,

	/* Frame: hash 8, then stream 4, records 4, shapes 4, bytes of each column 4 x 4, zero 4, instructions 8 */
	NATIVE_FRAME_BYTES = 48,
	NATIVE_SHAPE_BYTES = 12, /* kind, flags, slot, zero, bytes taken of each column 4, count_base 4 */
	NATIVE_SHAPES_MAX = 256,
	NATIVE_PAD_BYTES = 8, /* so that a field is one 8-byte load */
	NATIVE_RAW_TARGET = 1 << 20,
	NATIVE_RAW_MAX = 2 << 20,
};

/* Columns: addr is the zigzag difference to the shape's slot, the others are plain; count adds to count_base. */
enum native_column { COLUMN_ADDR, COLUMN_ARG, COLUMN_COUNT, COLUMN_GAP, COLUMNS };

/* What an address is predicted from: the instruction after the last fetched one, the last data address, the last
 * address of any other record. All are 0 at the start of a frame. */
enum native_slot { SLOT_CODE, SLOT_DATA, SLOT_OTHER, SLOTS };

#endif
