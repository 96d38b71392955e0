/* permute.h - a random permutation of 0..n-1 without a table.
 *
 *   permute(p, i)      -> where i goes; distinct i give distinct results, and all of 0..n-1 occur
 *   permute_four(p, i) -> the same for four at a time
 * A Feistel network on the smallest power of two >= n; results outside 0..n-1 are sent through again ("cycle
 * walking"), at most 4 times in the mean. Constant memory, so a terabyte of pages costs what one page does.
 * Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002. Not for cryptography.
 */
#ifndef BASE_PERMUTE_H
#define BASE_PERMUTE_H

#include <assert.h>
#include <string.h>

#include "base/bits.h"
#include "base/lanes.h"
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

/* The network, once through, for a number or a vector of them. */
#define PERMUTE_MIX(x, key) ((((x) ^ (key)) * UINT64_C(0x9e3779b97f4a7c15)) >> 32)
#define PERMUTE_ROUND(k) \
	(high ^= PERMUTE_MIX(low, p->key[2 * (k)]) & p->high_mask, \
	 low ^= PERMUTE_MIX(high, p->key[2 * (k) + 1]) & p->low_mask)
#define PERMUTE_NETWORK(type) \
	type low = i & p->low_mask, high = i >> p->low_bits; \
	PERMUTE_ROUND(0), PERMUTE_ROUND(1), PERMUTE_ROUND(2), PERMUTE_ROUND(3); \
	return high << p->low_bits | low
_Static_assert(PERMUTE_ROUNDS == 4, "PERMUTE_NETWORK has four");

static inline uint64_t permute_once(const struct permutation *p, uint64_t i) { PERMUTE_NETWORK(uint64_t); }

LANES_INLINE lanes_four_u64 permute_four_once(const struct permutation *p, lanes_four_u64 i)
{
	PERMUTE_NETWORK(lanes_four_u64);
}

static inline uint64_t permute(const struct permutation *p, uint64_t i)
{
	assert(i < p->n);
	do i = permute_once(p, i);
	while (i >= p->n);
	return i;
}

/* Permutes four numbers in place. */
LANES_INLINE void permute_four(const struct permutation *p, uint64_t i[static 4])
{
	lanes_four_u64 four;
	memcpy(&four, i, sizeof(four));
	four = permute_four_once(p, four);
	memcpy(i, &four, sizeof(four));
	for (int k = 0; k < 4; k++)
		while (__builtin_expect(i[k] >= p->n, 0)) i[k] = permute_once(p, i[k]);
}

#endif
