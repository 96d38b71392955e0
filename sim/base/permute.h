/* permute.h - a random permutation of 0..n-1 without a table.
 *
 *   permute(p, i) -> where i goes; distinct i give distinct results, and all of 0..n-1 occur
 * A Feistel network on the smallest power of two >= n; results outside 0..n-1 are sent through again ("cycle
 * walking"), at most 4 times in the mean. Constant memory, so a terabyte of pages costs what one page does.
 * Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002. Not for cryptography.
 */
#ifndef BASE_PERMUTE_H
#define BASE_PERMUTE_H

#include <assert.h>

#include "base/bits.h"
#include "base/rng.h"

enum { PERMUTE_ROUNDS = 4 };

struct permutation {
	uint64_t n;
	unsigned low_bits;
	uint64_t low_mask, high_mask;
	uint64_t key[2 * PERMUTE_ROUNDS];
};

/* Draws a permutation of 0..n-1 (1 <= n <= 2^63) from `r`. */
static inline void permute_init(struct permutation *p, uint64_t n, struct rng *r)
{
	assert(n >= 1 && n <= UINT64_C(1) << 63);
	unsigned bits = n <= 4 ? 2 : log2_floor(n - 1) + 1;
	p->n = n;
	p->low_bits = bits - bits / 2;
	p->low_mask = bits_ones(p->low_bits);
	p->high_mask = bits_ones(bits / 2);
	for (int i = 0; i < 2 * PERMUTE_ROUNDS; i++) p->key[i] = rng_next(r);
}

static inline uint64_t permute_mix(uint64_t x, uint64_t key)
{
	x = (x ^ key) * UINT64_C(0x9e3779b97f4a7c15);
	return x >> 32;
}

static inline uint64_t permute(const struct permutation *p, uint64_t i)
{
	assert(i < p->n);
	do {
		uint64_t low = i & p->low_mask, high = i >> p->low_bits;
#pragma GCC unroll 4
		for (int k = 0; k < 2 * PERMUTE_ROUNDS; k += 2) {
			high ^= permute_mix(low, p->key[k]) & p->high_mask;
			low ^= permute_mix(high, p->key[k + 1]) & p->low_mask;
		}
		i = high << p->low_bits | low;
	} while (i >= p->n);
	return i;
}

#endif
