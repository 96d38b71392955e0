/* rrip.h - re-reference interval prediction: a 2-bit value per way says how far its next use is thought to be.
 *
 * A hit makes a way NEAR, a fill makes it LONG or DISTANT, the first DISTANT way goes, and all ways age together until
 * there is one. One byte per way, in 64-bit words, eight ways looked at together. What a policy decides is where it fills.
 * Source: Jaleel, Theobald, Steely, Emer, ISCA 2010: SRRIP-HP, M = 2.
 */
#ifndef REPL_RRIP_H
#define REPL_RRIP_H

#include <stddef.h>
#include <stdint.h>

enum rrip_value { RRIP_NEAR = 0, RRIP_LONG = 2, RRIP_DISTANT = 3 };
enum { RRIP_WAYS_PER_WORD = 8 };
#define RRIP_EACH UINT64_C(0x0101010101010101)

static inline size_t rrip_bytes(unsigned ways) { return (ways + 7u) & ~7u; }

static inline void rrip_set(uint64_t *rrpv, unsigned way, enum rrip_value value)
{
	((uint8_t *)rrpv)[way] = (uint8_t)value;
}

/* Which bytes of a word belong to ways: those of way `first` and the next ones, lowest byte first. */
static inline uint64_t rrip_present(unsigned ways, unsigned first)
{
	unsigned left = ways - first;
	return left >= RRIP_WAYS_PER_WORD ? RRIP_EACH : RRIP_EACH >> (8 * (RRIP_WAYS_PER_WORD - left));
}

/* The first distant way, or `ways`; *oldest gets the largest value there is. */
static inline unsigned rrip_find_distant(const uint64_t *rrpv, unsigned ways, unsigned *oldest)
{
	uint64_t low = 0, high = 0;
	for (unsigned first = 0; first < ways; first += RRIP_WAYS_PER_WORD, rrpv++) {
		uint64_t here = rrip_present(ways, first), distant = *rrpv & *rrpv >> 1 & here;
		if (distant) return first + (unsigned)__builtin_ctzll(distant) / 8;
		low |= *rrpv & here;
		high |= *rrpv >> 1 & here;
	}
	*oldest = high ? 2 : low ? 1 : 0;
	return ways;
}

static inline __attribute__((always_inline)) unsigned rrip_victim(uint64_t *rrpv, unsigned ways)
{
	unsigned oldest = 0, way = rrip_find_distant(rrpv, ways, &oldest);
	if (way < ways) return way;
	uint64_t *word = rrpv;
	for (unsigned first = 0; first < ways; first += RRIP_WAYS_PER_WORD)
		*word++ += rrip_present(ways, first) * (RRIP_DISTANT - oldest);
	return rrip_find_distant(rrpv, ways, &oldest);
}

/* The same where only the ways of `allowed` may go, a bit each: the first of those that are the most distant; all ways age
 * by what it lacks to DISTANT. */
static inline unsigned rrip_victim_among(uint64_t *rrpv, unsigned ways, uint64_t allowed)
{
	const uint8_t *value = (const uint8_t *)rrpv;
	unsigned best = (unsigned)__builtin_ctzll(allowed);
	for (uint64_t left = allowed; left; left &= left - 1) {
		unsigned way = (unsigned)__builtin_ctzll(left);
		if (value[way] > value[best]) best = way;
	}
	unsigned age = RRIP_DISTANT - value[best];
	for (unsigned way = 0; age && way < ways; way++)
		rrip_set(rrpv, way, value[way] + age < RRIP_DISTANT ? value[way] + age : RRIP_DISTANT);
	return best;
}

/* Bimodal filling: DISTANT, but LONG once in 32 fills. `fills` counts them. */
static inline enum rrip_value rrip_bimodal(uint64_t *fills)
{
	return ++*fills % 32 ? RRIP_DISTANT : RRIP_LONG;
}

#endif
