/* BRRIP: as SRRIP, but a fill is "distant" except for one in 32 of the set's own, which is "long". A working set that
 * does not fit then keeps a part of itself instead of thrashing.
 */
#include "repl/repl.h"
#include "repl/rrip.h"

struct brrip_set {
	uint64_t fills;
	uint64_t rrpv[];
};

static size_t brrip_state_bytes(unsigned ways) { return sizeof(struct brrip_set) + rrip_bytes(ways); }
static inline void brrip_touch(void *set, unsigned ways, unsigned way)
{
	(void)ways;
	rrip_set(((struct brrip_set *)set)->rrpv, way, RRIP_NEAR);
}
static void brrip_fill(void *set, unsigned ways, unsigned way)
{
	struct brrip_set *s = set;
	(void)ways;
	rrip_set(s->rrpv, way, rrip_bimodal(&s->fills));
}
static unsigned brrip_victim(void *set, unsigned ways)
{
	return rrip_victim(((struct brrip_set *)set)->rrpv, ways);
}
static unsigned brrip_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	return rrip_victim_among(((struct brrip_set *)set)->rrpv, ways, allowed);
}

const struct repl_policy repl_brrip = {
	.name = "brrip",
	.source = "Jaleel, Theobald, Steely, Emer, ISCA 2010: epsilon 1/32",
	.max_ways = 65534,
	.state_bytes = brrip_state_bytes,
	.touch = brrip_touch,
	.fill = brrip_fill,
	.victim = brrip_victim,
	.victim_among = brrip_victim_among,
};
