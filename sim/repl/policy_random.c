/* Any way, from a 32-bit xorshift sequence of the set's own, so that runs repeat; hits change nothing. */
#include "repl/repl.h"

static size_t random_state_bytes(unsigned ways)
{
	(void)ways;
	return sizeof(uint32_t);
}
static void random_touch(void *set, unsigned ways, unsigned way) { (void)set, (void)ways, (void)way; }
static uint32_t next(void *set)
{
	uint32_t x = *(uint32_t *)set ? *(uint32_t *)set : 2463534242u;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*(uint32_t *)set = x;
	return x;
}

static unsigned random_victim(void *set, unsigned ways)
{
	return (unsigned)((uint64_t)next(set) * ways >> 32);
}

static unsigned random_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	unsigned skip = (unsigned)((uint64_t)next(set) * (unsigned)__builtin_popcountll(allowed) >> 32);
	(void)ways;
	for (; skip; skip--) allowed &= allowed - 1;
	return (unsigned)__builtin_ctzll(allowed);
}

const struct repl_policy repl_random = {
	.name = "random",
	.source = "sequence: Marsaglia, Xorshift RNGs, J. Stat. Software 8(14), 2003",
	.max_ways = 65534,
	.state_bytes = random_state_bytes,
	.touch = random_touch,
	.touch_mask = repl_no_change,
	.fill = random_touch,
	.victim = random_victim,
	.victim_among = random_victim_among,
};
