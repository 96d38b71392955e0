/* SRRIP-HP with 2-bit re-reference prediction values: filled as "long" (2), a hit makes "near" (0), the first "distant"
 * (3) way goes, and all ways age together until there is one. One byte per way.
 */
#include <string.h>

#include "repl/repl.h"

enum { NEAR = 0, LONG = 2, DISTANT = 3 };

static size_t srrip_state_bytes(unsigned ways) { return (ways + 3u) & ~3u; }
static inline void srrip_touch(void *set, unsigned ways, unsigned way)
{
	(void)ways;
	((uint8_t *)set)[way] = NEAR;
}
static void srrip_fill(void *set, unsigned ways, unsigned way)
{
	(void)ways;
	((uint8_t *)set)[way] = LONG;
}

static unsigned srrip_victim(void *set, unsigned ways)
{
	uint8_t *rrpv = set, oldest = 0;
	for (unsigned w = 0; w < ways; w++)
		if (rrpv[w] > oldest) oldest = rrpv[w];
	for (unsigned w = 0; w < ways; w++) rrpv[w] = (uint8_t)(rrpv[w] + DISTANT - oldest);
	return (unsigned)((uint8_t *)memchr(rrpv, DISTANT, ways) - rrpv);
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
