#include "base/rng.h"

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void rng_init(struct rng *r, uint64_t seed, const char *path)
{
	uint64_t state = UINT64_C(0xcbf29ce484222325); /* FNV-1a of the path */
	for (; *path; path++) state = (state ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
	state ^= seed * UINT64_C(0x9e3779b97f4a7c15);
	for (int i = 0; i < 4; i++) r->s[i] = splitmix64(&state);
}
