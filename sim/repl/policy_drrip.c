/* DRRIP: SRRIP and BRRIP duel in some sets each, and all other sets fill as the one that misses less there.
 *
 * 32 sets lead for each side, evenly spread; where there are fewer than 64 sets, half of them lead for each, and a
 * single set leads for SRRIP. A fill follows a miss, so fills of leaders move the 10-bit selector.
 */
#include <stdbool.h>

#include "repl/repl.h"
#include "repl/rrip.h"

enum { LEADERS = 32, SELECT_MAX = 1023, SELECT_MIDDLE = 512 };

struct drrip_shared {
	struct repl_shared base;
	int32_t brrip_better; /* misses of SRRIP's leaders less those of BRRIP's, saturating at +-512 */
	uint64_t fills;       /* of BRRIP's kind */
};
struct drrip_set {
	struct repl_member member;
	uint64_t rrpv[];
};

static size_t drrip_state_bytes(unsigned ways) { return sizeof(struct drrip_set) + rrip_bytes(ways); }
static size_t drrip_shared_bytes(unsigned sets, unsigned ways)
{
	(void)sets, (void)ways;
	return sizeof(struct drrip_shared);
}

/* 0: leads for SRRIP, 1: leads for BRRIP, 2: follows. */
static unsigned role(const struct drrip_set *s, unsigned sets)
{
	unsigned spacing = sets < 2 * LEADERS ? 2 : sets / LEADERS;
	uint64_t at = s->member.set % spacing;
	return at == 0 ? 0 : at == spacing / 2 ? 1 : 2;
}

/* Counts the miss that a fill stands for, and says whether the fill is BRRIP's. */
static bool fills_bimodally(const struct drrip_set *s, struct drrip_shared *all)
{
	unsigned r = role(s, all->base.sets);
	if (r == 0 && all->brrip_better < SELECT_MAX - SELECT_MIDDLE) all->brrip_better++;
	if (r == 1 && all->brrip_better > -SELECT_MIDDLE) all->brrip_better--;
	return r == 1 || (r == 2 && all->brrip_better >= 0);
}

static inline void drrip_touch(void *set, unsigned ways, unsigned way)
{
	(void)ways;
	rrip_set(((struct drrip_set *)set)->rrpv, way, RRIP_NEAR);
}
static void drrip_fill(void *set, unsigned ways, unsigned way)
{
	struct drrip_set *s = set;
	struct drrip_shared *all = s->member.shared;
	(void)ways;
	rrip_set(s->rrpv, way, fills_bimodally(s, all) ? rrip_bimodal(&all->fills) : RRIP_LONG);
}
static unsigned drrip_victim(void *set, unsigned ways)
{
	return rrip_victim(((struct drrip_set *)set)->rrpv, ways);
}
static unsigned drrip_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	return rrip_victim_among(((struct drrip_set *)set)->rrpv, ways, allowed);
}

const struct repl_policy repl_drrip = {
	.name = "drrip",
	.source = "Jaleel, Theobald, Steely, Emer, ISCA 2010: 32 leaders each, 10-bit selector, epsilon 1/32",
	.max_ways = 65534,
	.state_bytes = drrip_state_bytes,
	.touch = drrip_touch,
	.fill = drrip_fill,
	.victim = drrip_victim,
	.victim_among = drrip_victim_among,
	.shared_bytes = drrip_shared_bytes,
};
