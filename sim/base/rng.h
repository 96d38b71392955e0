/* rng.h - seeded random streams, one per component path.
 *
 * A stream is named by (run seed, path), so adding a component disturbs no other. It is inline
 * because generators draw once per access; for variates with a distribution use GSL.
 * Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (xoshiro256**),
 * seeded by SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

#include "base/types.h"

struct rng {
	uint64_t s[4];
};

/* Starts the stream `path` of the run with `seed`. */
void rng_init(struct rng *r, uint64_t seed, const char *path);

static inline uint64_t rng_rotl(uint64_t x, unsigned k) { return (x << k) | (x >> (64 - k)); }

/* 64 uniform bits. */
static inline uint64_t rng_next(struct rng *r)
{
	uint64_t *s = r->s, result = rng_rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rng_rotl(s[3], 45);
	return result;
}

/* Uniform in 0..n-1 (n > 0), by the high half of a product: bias below n / 2^64, no division. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return (uint64_t)(((u128_t)rng_next(r) * n) >> 64);
}

/* Uniform in [0, 1) with 53 bits. */
static inline double rng_unit(struct rng *r) { return (double)(rng_next(r) >> 11) * 0x1p-53; }

#endif
