/* wire.h - little-endian numbers in byte buffers, and the growing buffer that they are written to. */
#ifndef TRACE_WIRE_H
#define TRACE_WIRE_H

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "traces are read by plain loads: little-endian hosts");

static inline uint32_t wire_get32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t wire_get64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* Small differences of either sign as small numbers: 0, -1, 1, -2, ... <-> 0, 1, 2, 3, ... */
static inline uint64_t zigzag(uint64_t d) { return d << 1 ^ (d >> 63 ? UINT64_MAX : 0); }
static inline uint64_t unzigzag(uint64_t z) { return z >> 1 ^ (0 - (z & 1)); }

/* A zeroed struct is an empty buffer; free(bytes) ends it. */
struct wire_buffer {
	uint8_t *bytes;
	size_t size, cap;
};

/* Room for n more bytes; returns where they go, never NULL, even for none. */
static inline uint8_t *wire_reserve(struct wire_buffer *b, size_t n)
{
	if (!b->bytes || b->size + n > b->cap) {
		b->cap = (b->size + n) * 2 + 16;
		b->bytes = xrealloc(b->bytes, b->cap, 1);
	}
	return b->bytes + b->size;
}

static inline void wire_put(struct wire_buffer *b, const void *bytes, size_t n)
{
	uint8_t *to = wire_reserve(b, n);
	if (n) memcpy(to, bytes, n);
	b->size += n;
}

/* The low `n` bytes of v, n <= 8. */
static inline void wire_put_low(struct wire_buffer *b, uint64_t v, unsigned n)
{
	memcpy(wire_reserve(b, sizeof(v)), &v, sizeof(v));
	b->size += n;
}

static inline void wire_put32(struct wire_buffer *b, uint32_t v) { wire_put(b, &v, sizeof(v)); }
static inline void wire_put64(struct wire_buffer *b, uint64_t v) { wire_put(b, &v, sizeof(v)); }

#endif
