/* bits.h - fields of 64-bit words, in the architecture's <hi:lo> notation. Depends on nothing. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* A word with bits [n-1:0] set; n is 0..64. */
static inline uint64_t bits_ones(unsigned n) { return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1; }

/* word<hi:lo>, right aligned. */
static inline uint64_t bits_get(uint64_t word, unsigned hi, unsigned lo)
{
	return (word >> lo) & bits_ones(hi - lo + 1);
}

static inline bool bit_get(uint64_t word, unsigned n) { return (word >> n) & 1; }

/* `value` placed at <hi:lo>; bits of `value` that do not fit are dropped. */
static inline uint64_t bits_put(uint64_t value, unsigned hi, unsigned lo)
{
	return (value & bits_ones(hi - lo + 1)) << lo;
}

/* `word` with bits [n-1:0] cleared. */
static inline uint64_t bits_align_down(uint64_t word, unsigned n) { return word & ~bits_ones(n); }

static inline bool is_power_of_2(uint64_t v) { return v && !(v & (v - 1)); }

/* floor(log2(v)); v is not 0. */
static inline unsigned log2_floor(uint64_t v) { return 63 - (unsigned)__builtin_clzll(v); }

#endif
