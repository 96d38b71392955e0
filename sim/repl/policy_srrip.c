/* SRRIP-HP with 2-bit re-reference prediction values: every fill is "long". */
#include "repl/repl.h"
#include "repl/rrip.h"

static inline void srrip_touch(void *set, unsigned ways, unsigned way)
{
	(void)ways;
	rrip_set(set, way, RRIP_NEAR);
}
static bool srrip_touch_mask(unsigned ways, unsigned way, struct repl_mask *out)
{
	*out = (struct repl_mask){UINT64_MAX, 0};
	rrip_set(&out->keep, way % RRIP_WAYS_PER_WORD, RRIP_NEAR);
	return ways <= RRIP_WAYS_PER_WORD;
}

static void srrip_fill(void *set, unsigned ways, unsigned way)
{
	(void)ways;
	rrip_set(set, way, RRIP_LONG);
}
static unsigned srrip_victim(void *set, unsigned ways) { return rrip_victim(set, ways); }

static unsigned srrip_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	return rrip_victim_among(set, ways, allowed);
}

const struct repl_policy repl_srrip = {
	.name = "srrip",
	.source = "Jaleel, Theobald, Steely, Emer, ISCA 2010",
	.max_ways = 65534,
	.state_bytes = rrip_bytes,
	.touch = srrip_touch,
	.touch_mask = srrip_touch_mask,
	.fill = srrip_fill,
	.victim = srrip_victim,
	.victim_among = srrip_victim_among,
};
