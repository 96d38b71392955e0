/* steps.h - importers of foreign traces that are read item by item: a line, or so many bytes.
 *
 *   steps_open(take) -> source; take() reads one item and says what it is by steps_fetch() and steps_data()
 * Instructions that follow each other become one fetch run, which ends where data are accessed, so that a load stands
 * behind the instruction that does it. An instruction that is not 4 bytes long (of another architecture) counts as one of
 * 4 bytes at its address rounded down to 4: pages and lines of code are right, and runs short.
 */
#ifndef TRACE_STEPS_H
#define TRACE_STEPS_H

#include "trace/lines.h"

enum { STEPS_PENDING_MAX = 16 }; /* records that one item may give, the run before it included */

struct steps;
/* Reads the next item; *more = false at the end of the file. */
typedef enum status steps_take_fn(struct steps *s, bool *more, struct err *err);

struct steps {
	struct trace_source base;
	struct input in;
	struct lines lines; /* importers of binary items use its `bytes` alone, through steps_item() */
	steps_take_fn *take;
	struct record run; /* of fetches; count 0: none */
	struct record pending[STEPS_PENDING_MAX];
	size_t at, count; /* of pending */
	bool ended;
};

/* What an importer is. Its own state, of which struct steps is the first member, has `bytes` bytes and begins as zeros. */
struct steps_kind {
	const char *format;
	size_t bytes;
	uint32_t lacks; /* enum stream_lack bits */
	steps_take_fn *take;
};

/* Opens `in` as one stream. As trace_format.open; `kind` lives on. */
enum status steps_open(const struct steps_kind *kind, struct input *in, uint32_t stream,
		       struct trace_source **out, struct err *err);
/* The next `bytes` bytes, at most BYTE_STREAM_PAD, valid until the next call; *item = NULL at the end of the file. A part of
 * an item at the end is an ERR_INPUT. */
enum status steps_item(struct steps *s, size_t bytes, const uint8_t **item, struct err *err);
/* ERR_INPUT "FILE: at byte N: WHAT", N of the item that steps_item() gave last and that had `bytes` bytes. */
enum status steps_bad(const struct steps *s, size_t bytes, const char *what, struct err *err);

/* One instruction at `addr`. */
void steps_fetch(struct steps *s, uint64_t addr);
/* A load or store (REC_LOAD, REC_STORE) of the instruction fetched last. */
void steps_data(struct steps *s, uint8_t kind, uint64_t addr, uint32_t bytes);

#endif
