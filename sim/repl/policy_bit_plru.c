/* Bit pseudo-LRU: a use sets the way's bit; when that leaves none clear, all others are cleared. The lowest way with a
 * clear bit goes.
 */
#include "repl/repl.h"
#include "repl/used_bits.h"

static inline void bit_plru_touch(void *set, unsigned ways, unsigned way)
{
	used_set(set, way);
	if (used_first_clear(set, ways) < ways) return;
	used_clear(set, ways);
	used_set(set, way);
}

static unsigned bit_plru_victim(void *set, unsigned ways)
{
	return ways == 1 ? 0 : used_first_clear(set, ways); /* of several ways, one is always clear */
}

/* Where all allowed ways are used, the lowest of them goes. */
static unsigned bit_plru_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	uint64_t clear = ~*(const uint64_t *)set & allowed;
	(void)ways;
	return (unsigned)__builtin_ctzll(clear ? clear : allowed);
}

const struct repl_policy repl_bit_plru = {
	.name = "bit_plru",
	.source = "Malamy, Patel, Hayes, US patent 5353425, 1994; MRU bits: Al-Zoubi et al., ACM-SE 2004",
	.max_ways = 65534,
	.state_bytes = used_bytes,
	.touch = bit_plru_touch,
	.fill = bit_plru_touch,
	.victim = bit_plru_victim,
	.victim_among = bit_plru_victim_among,
};
