/* SHiP-Mem: SRRIP whose fills are "distant" for signatures of which nothing was used again before it went.
 *
 * The signature is the region of memory: 256 keys, which is the paper's 16 KiB for a cache of 64-byte lines, and 1 MiB
 * for a TLB of 4 KiB pages. Counters per signature go up with each hit, and down when a way goes that had none.
 * IMPDEF: the paper does not say where counters start; here at 1, so that a region is given one chance.
 * Not modelled: SHiP-PC and SHiP-ISeq, whose signatures are instructions.
 */
#include <stdbool.h>

#include "repl/repl.h"
#include "repl/rrip.h"

enum { REGION_BITS = 8, SIGNATURE_BITS = 14, COUNTER_MAX = 7, COUNTER_START = 1 };

struct ship_shared {
	struct repl_shared base;
	uint8_t counter[1
			<< SIGNATURE_BITS]; /* XORed with COUNTER_START, so that zeroed memory is the start */
};
struct ship_way {
	uint16_t signature : SIGNATURE_BITS, used : 1, valid : 1;
};
struct ship_set {
	struct repl_member member;
	uint64_t words[]; /* prediction values, then struct ship_way */
};

static size_t ship_state_bytes(unsigned ways)
{
	return sizeof(struct ship_set) + rrip_bytes(ways) + ((ways + 1u) & ~1u) * sizeof(struct ship_way);
}
static size_t ship_shared_bytes(unsigned sets, unsigned ways)
{
	(void)sets, (void)ways;
	return sizeof(struct ship_shared);
}

static struct ship_way *way_at(struct ship_set *s, unsigned ways, unsigned way)
{
	return (struct ship_way *)(void *)((char *)s->words + rrip_bytes(ways)) + way;
}

static uint16_t signature_of(uint64_t key)
{
	return (uint16_t)((key >> REGION_BITS) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SIGNATURE_BITS));
}

static void count(struct ship_shared *all, unsigned signature, int step)
{
	int value = (all->counter[signature] ^ COUNTER_START) + step;
	if (value >= 0 && value <= COUNTER_MAX) all->counter[signature] = (uint8_t)(value ^ COUNTER_START);
}

static inline void ship_touch(void *set, unsigned ways, unsigned way)
{
	struct ship_set *s = set;
	struct ship_way *w = way_at(s, ways, way);
	rrip_set(s->words, way, RRIP_NEAR);
	w->used = 1;
	count(s->member.shared, w->signature, 1);
}

static void ship_fill(void *set, unsigned ways, unsigned way)
{
	struct ship_set *s = set;
	struct ship_shared *all = s->member.shared;
	uint16_t signature = signature_of(all->base.key);
	bool hopeless = all->counter[signature] == (0 ^ COUNTER_START);
	rrip_set(s->words, way, hopeless ? RRIP_DISTANT : RRIP_LONG);
	*way_at(s, ways, way) = (struct ship_way){.signature = signature, .valid = 1};
}

static unsigned leave(struct ship_set *s, unsigned ways, unsigned way)
{
	struct ship_way *w = way_at(s, ways, way);
	if (w->valid && !w->used) count(s->member.shared, w->signature, -1);
	w->valid = 0; /* it has gone: asking again does not count it again */
	return way;
}

static unsigned ship_victim(void *set, unsigned ways)
{
	struct ship_set *s = set;
	return leave(s, ways, rrip_victim(s->words, ways));
}

static unsigned ship_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	struct ship_set *s = set;
	return leave(s, ways, rrip_victim_among(s->words, ways, allowed));
}

const struct repl_policy repl_ship = {
	.name = "ship",
	.source =
		"Wu, Jaleel, Hasenplaugh, Martonosi, Steely, Emer, MICRO 2011: SHiP-Mem, 16 K counters of 3 bits",
	.max_ways = 65534,
	.state_bytes = ship_state_bytes,
	.touch = ship_touch,
	.fill = ship_fill,
	.victim = ship_victim,
	.victim_among = ship_victim_among,
	.shared_bytes = ship_shared_bytes,
};
