/* SRRIP-HP with 2-bit re-reference prediction values: filled as "long" (2), a hit makes "near" (0), the first "distant"
 * (3) way goes, and all ways age together until there is one. One byte per way, eight ways looked at together.
 */
#include "repl/repl.h"

enum { NEAR = 0, LONG = 2, DISTANT = 3, WAYS_PER_WORD = 8 };
#define EACH UINT64_C(0x0101010101010101)

static size_t srrip_state_bytes(unsigned ways) { return (ways + 7u) & ~7u; }
static inline void srrip_touch(void *set, unsigned ways, unsigned way)
{
	(void)ways, ((uint8_t *)set)[way] = NEAR;
}
static void srrip_fill(void *set, unsigned ways, unsigned way) { (void)ways, ((uint8_t *)set)[way] = LONG; }

/* Which bytes of a word belong to ways: those of way `first` and the next ones, lowest byte first. */
static uint64_t present(unsigned ways, unsigned first)
{
	return ways - first >= WAYS_PER_WORD ? EACH : EACH >> (8 * (WAYS_PER_WORD - (ways - first)));
}

/* The first distant way, or `ways`; *oldest gets the largest value there is. */
static unsigned find_distant(const uint64_t *word, unsigned ways, unsigned *oldest)
{
	uint64_t low = 0, high = 0;
	for (unsigned first = 0; first < ways; first += WAYS_PER_WORD, word++) {
		uint64_t here = present(ways, first), distant = *word & *word >> 1 & here;
		if (distant) return first + (unsigned)__builtin_ctzll(distant) / 8;
		low |= *word & here;
		high |= *word >> 1 & here;
	}
	*oldest = high ? 2 : low ? 1 : 0;
	return ways;
}

static unsigned srrip_victim(void *set, unsigned ways)
{
	unsigned oldest = 0, way = find_distant(set, ways, &oldest);
	if (way < ways) return way;
	uint64_t *word = set;
	for (unsigned first = 0; first < ways; first += WAYS_PER_WORD)
		*word++ += present(ways, first) * (DISTANT - oldest);
	return find_distant(set, ways, &oldest);
}

REPL_TOUCH_ALL(srrip)

const struct repl_policy repl_srrip = {
	.name = "srrip",
	.source = "Jaleel, Theobald, Steely, Emer, ISCA 2010",
	.max_ways = 65534,
	.state_bytes = srrip_state_bytes,
	.touch = srrip_touch,
	.touch_all = srrip_touch_all,
	.fill = srrip_fill,
	.victim = srrip_victim,
};
