/* rrip.h - re-reference interval prediction: a 2-bit value per way says how far its next use is thought to be.
 *
 * A hit makes a way NEAR, a fill makes it LONG or DISTANT, the first DISTANT way goes, and all ways age together until
 * there is one. Two bits per way, in 64-bit words, 32 ways looked at together. What a policy decides is where it fills.
 * Source: Jaleel, Theobald, Steely, Emer, ISCA 2010: SRRIP-HP, M = 2.
 */
#ifndef REPL_RRIP_H
#define REPL_RRIP_H

#include <stddef.h>
#include <stdint.h>

enum rrip_value { RRIP_NEAR = 0, RRIP_LONG = 2, RRIP_DISTANT = 3 };
enum { RRIP_WAYS_PER_WORD = 32 };
#define RRIP_EACH UINT64_C(0x5555555555555555)

static inline size_t rrip_bytes(unsigned ways)
{
	return (ways + RRIP_WAYS_PER_WORD - 1) / RRIP_WAYS_PER_WORD * sizeof(uint64_t);
}

static inline unsigned rrip_get(const uint64_t *rrpv, unsigned way)
{
	return rrpv[way / RRIP_WAYS_PER_WORD] >> (2 * (way % RRIP_WAYS_PER_WORD)) & RRIP_DISTANT;
}

/* Of a word, of way 0..31 in it. */
static inline void rrip_set_in(uint64_t *word, unsigned way, enum rrip_value value)
{
	unsigned shift = 2 * way;
	*word = (*word & ~((uint64_t)RRIP_DISTANT << shift)) | (uint64_t)value << shift;
}

static inline void rrip_set(uint64_t *rrpv, unsigned way, enum rrip_value value)
{
	rrip_set_in(&rrpv[way / RRIP_WAYS_PER_WORD], way % RRIP_WAYS_PER_WORD, value);
}

/* The low bits of the ways of a word, from way `first` on. */
static inline uint64_t rrip_present(unsigned ways, unsigned first)
{
	unsigned left = ways - first;
	return left >= RRIP_WAYS_PER_WORD ? RRIP_EACH : RRIP_EACH >> (2 * (RRIP_WAYS_PER_WORD - left));
}

/* The first distant way, or `ways`; *oldest gets the largest value there is. */
static inline unsigned rrip_find_distant(const uint64_t *rrpv, unsigned ways, unsigned *oldest)
{
	uint64_t low = 0, high = 0;
	for (unsigned first = 0; first < ways; first += RRIP_WAYS_PER_WORD, rrpv++) {
		uint64_t here = rrip_present(ways, first), distant = *rrpv & *rrpv >> 1 & here;
		if (distant) return first + (unsigned)__builtin_ctzll(distant) / 2;
		low |= *rrpv & here;
		high |= *rrpv >> 1 & here;
	}
	*oldest = high ? 2 : low ? 1 : 0;
	return ways;
}

/* The low bits of a word's most distant ways, of which there are always some: all ways age until those are DISTANT. Nobody can predict
 * how old the oldest is, but that it is LONG or DISTANT. */
static inline uint64_t rrip_age(uint64_t *word, uint64_t present)
{
	uint64_t low = *word & present, high = *word >> 1 & present, distant = low & high;
	if (__builtin_expect(!high, 0)) {
		*word += present * (low ? 2 : 3);
		return low ? low : present;
	}
	*word += distant ? 0 : present;
	return distant ? distant : high;
}

/* rrip_victim() of a single word. */
static inline unsigned rrip_victim_of_word(uint64_t *word, uint64_t present)
{
	return (unsigned)__builtin_ctzll(rrip_age(word, present)) / 2;
}

/* The same, and what goes is filled at once: DISTANT without its low bit is LONG. */
static inline unsigned rrip_turn_of_word(uint64_t *word, uint64_t present)
{
	uint64_t oldest = rrip_age(word, present);
	*word -= oldest & -oldest;
	return (unsigned)__builtin_ctzll(oldest) / 2;
}

static inline __attribute__((always_inline)) unsigned rrip_victim(uint64_t *rrpv, unsigned ways)
{
	if (ways <= RRIP_WAYS_PER_WORD) return rrip_victim_of_word(rrpv, rrip_present(ways, 0));
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
	unsigned best = (unsigned)__builtin_ctzll(allowed);
	for (uint64_t left = allowed; left; left &= left - 1) {
		unsigned way = (unsigned)__builtin_ctzll(left);
		if (rrip_get(rrpv, way) > rrip_get(rrpv, best)) best = way;
	}
	unsigned age = RRIP_DISTANT - rrip_get(rrpv, best);
	for (unsigned way = 0; age && way < ways; way++) {
		unsigned older = rrip_get(rrpv, way) + age;
		rrip_set(rrpv, way, older < RRIP_DISTANT ? (enum rrip_value)older : RRIP_DISTANT);
	}
	return best;
}

/* Bimodal filling: DISTANT, but LONG once in 32 fills. `fills` counts them. */
static inline enum rrip_value rrip_bimodal(uint64_t *fills)
{
	return ++*fills % 32 ? RRIP_DISTANT : RRIP_LONG;
}

#endif
