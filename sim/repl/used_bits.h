/* used_bits.h - one bit per way of a set, in 64-bit words: what bit_plru and nru keep. */
#ifndef REPL_USED_BITS_H
#define REPL_USED_BITS_H

#include <string.h>

#include "base/bits.h"

static inline unsigned used_words(unsigned ways) { return (ways + 63) / 64; }
static inline size_t used_bytes(unsigned ways) { return used_words(ways) * sizeof(uint64_t); }
static inline void used_set(uint64_t *used, unsigned way) { used[way / 64] |= UINT64_C(1) << way % 64; }
static inline void used_clear(uint64_t *used, unsigned ways) { memset(used, 0, used_bytes(ways)); }

/* The lowest way whose bit is clear; `ways` when there is none. */
static inline unsigned used_first_clear(const uint64_t *used, unsigned ways)
{
	for (unsigned i = 0; i < used_words(ways); i++) {
		unsigned here = ways - 64 * i < 64 ? ways - 64 * i : 64;
		uint64_t clear = ~used[i] & bits_ones(here);
		if (clear) return 64 * i + (unsigned)__builtin_ctzll(clear);
	}
	return ways;
}

#endif
