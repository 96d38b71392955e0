/* Not recently used: a use sets the way's bit; the lowest way with a clear bit goes; when a victim is sought and there
 * is none, all are cleared first, that of the latest use included.
 */
#include "repl/repl.h"
#include "repl/used_bits.h"

static inline void nru_touch(void *set, unsigned ways, unsigned way)
{
	(void)ways;
	used_set(set, way);
}

static bool nru_touch_mask(unsigned ways, unsigned way, struct repl_mask *out)
{
	*out = (struct repl_mask){UINT64_MAX, UINT64_C(1) << way % 64};
	return ways <= 64;
}

static unsigned nru_victim(void *set, unsigned ways)
{
	unsigned way = used_first_clear(set, ways);
	if (way < ways) return way;
	used_clear(set, ways);
	return 0;
}

/* Only the bits of allowed ways are cleared: the others do not lose theirs to who may not replace them. */
static unsigned nru_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	uint64_t *used = set;
	(void)ways;
	if (!(~*used & allowed)) *used &= ~allowed;
	return (unsigned)__builtin_ctzll(~*used & allowed);
}

const struct repl_policy repl_nru = {
	.name = "nru",
	.source = "as described by Jaleel, Theobald, Steely, Emer, ISCA 2010, section 2",
	.max_ways = 65534,
	.state_bytes = used_bytes,
	.touch = nru_touch,
	.touch_mask = nru_touch_mask,
	.fill = nru_touch,
	.victim = nru_victim,
	.victim_among = nru_victim_among,
};
