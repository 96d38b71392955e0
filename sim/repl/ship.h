/* ship.h - signature-based hit prediction: SRRIP whose fills are "distant" for signatures of which nothing was used again before it went.
 *
 * Counters per signature go up with each hit, and down when a way goes that had none. What a signature is, is the policy's: it calls
 * ship_fill_as() with one; all else is here.
 * IMPDEF: the paper does not say where counters start; here at 1, so that a signature is given one chance.
 * Source: Wu, Jaleel, Hasenplaugh, Martonosi, Steely, Emer, MICRO 2011: 16 K counters of 3 bits.
 * Not modelled: SHiP-ISeq, whose signatures are the loads and stores among the last instructions: nobody keeps those.
 */
#ifndef REPL_SHIP_H
#define REPL_SHIP_H

#include <stdbool.h>

#include "repl/repl.h"
#include "repl/rrip.h"

enum { SHIP_SIGNATURE_BITS = 14, SHIP_COUNTER_MAX = 7, SHIP_COUNTER_START = 1 };

struct ship_shared {
	struct repl_shared base;
	uint8_t counter
		[1
		 << SHIP_SIGNATURE_BITS]; /* XORed with SHIP_COUNTER_START, so that zeroed memory is the start */
};
struct ship_way {
	uint16_t signature : SHIP_SIGNATURE_BITS, used : 1, valid : 1;
};
struct ship_set {
	struct repl_member member;
	uint64_t words[]; /* prediction values, then struct ship_way */
};

static inline size_t ship_state_bytes(unsigned ways)
{
	return sizeof(struct ship_set) + rrip_bytes(ways) + ((ways + 1u) & ~1u) * sizeof(struct ship_way);
}
static inline size_t ship_shared_bytes(unsigned sets, unsigned ways)
{
	(void)sets, (void)ways;
	return sizeof(struct ship_shared);
}

static inline struct ship_way *ship_way_at(struct ship_set *s, unsigned ways, unsigned way)
{
	return (struct ship_way *)(void *)((char *)s->words + rrip_bytes(ways)) + way;
}

static inline void ship_count(struct ship_shared *all, unsigned signature, int step)
{
	int value = (all->counter[signature] ^ SHIP_COUNTER_START) + step;
	if (value >= 0 && value <= SHIP_COUNTER_MAX)
		all->counter[signature] = (uint8_t)(value ^ SHIP_COUNTER_START);
}

static inline void ship_touch(void *set, unsigned ways, unsigned way)
{
	struct ship_set *s = set;
	struct ship_way *w = ship_way_at(s, ways, way);
	rrip_set(s->words, way, RRIP_NEAR);
	w->used = 1;
	ship_count(s->member.shared, w->signature, 1);
}

/* A signature of what `value` tells apart. */
static inline uint16_t ship_signature(uint64_t value)
{
	return (uint16_t)(value * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SHIP_SIGNATURE_BITS));
}

static inline void ship_fill_as(void *set, unsigned ways, unsigned way, uint16_t signature)
{
	struct ship_set *s = set;
	const struct ship_shared *all = s->member.shared;
	bool hopeless = all->counter[signature] == (0 ^ SHIP_COUNTER_START);
	rrip_set(s->words, way, hopeless ? RRIP_DISTANT : RRIP_LONG);
	*ship_way_at(s, ways, way) = (struct ship_way){.signature = signature, .valid = 1};
}

static inline const struct repl_shared *ship_told(const void *set)
{
	return ((const struct ship_set *)set)->member.shared;
}

static inline unsigned ship_leave(struct ship_set *s, unsigned ways, unsigned way)
{
	struct ship_way *w = ship_way_at(s, ways, way);
	if (w->valid && !w->used) ship_count(s->member.shared, w->signature, -1);
	w->valid = 0; /* it has gone: asking again does not count it again */
	return way;
}

static inline unsigned ship_victim(void *set, unsigned ways)
{
	struct ship_set *s = set;
	return ship_leave(s, ways, rrip_victim(s->words, ways));
}

static inline unsigned ship_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	struct ship_set *s = set;
	return ship_leave(s, ways, rrip_victim_among(s->words, ways, allowed));
}

#endif
