/* least.h - values that change one at a time, and which is the first that is small enough: looked at sixteen at a time.
 *
 *   least_first: the first place whose value is small enough, or else has the least      least_put: a place's new value
 * Beside its value each place has what it is above `base`, in 16 bits, which are compared by lanes. Values below the base
 * count as it, and those too far above as LEAST_FAR: `base` follows what is asked for, so that both can be told from it.
 * O(n / 16). Values are below 2^63.
 */
#ifndef BASE_LEAST_H
#define BASE_LEAST_H

#include "base/lanes.h"

enum { LEAST_GROUP = 2 * LANES_U16, LEAST_FAR = INT16_MAX, LEAST_SPAN = 24000 };

struct least {
	uint64_t *value;
	int16_t *above; /* the base */
	uint64_t base;
	unsigned places; /* whole groups; those beyond the asked-for ones never win */
};

/* All `count` values are 0. Free with least_free. */
struct least least_new(unsigned count);
void least_free(struct least *l);

/* Moves the base to where `most` can be told. O(n). */
void least_rebase(struct least *l, uint64_t most);
static inline uint64_t least_value(const struct least *l, unsigned place) { return l->value[place]; }

static inline int16_t least_above(const struct least *l, uint64_t value)
{
	uint64_t above = value > l->base ? value - l->base : 0;
	return (int16_t)(above < LEAST_FAR ? above : LEAST_FAR);
}

static inline void least_put(struct least *l, unsigned place, uint64_t value)
{
	l->value[place] = value;
	l->above[place] = least_above(l, value);
}

/* Of a place whose value is at most `most`, l->above is below that in each lane. */
static inline lanes_i16 least_limit(const struct least *l, uint64_t most)
{
	return lanes_all_i16((int16_t)(most - l->base + 1));
}

/* Which places of a group are so small, a bit each. */
static inline unsigned least_small(const struct least *l, unsigned group, lanes_i16 limit)
{
	lanes_i16 low = lanes_group_i16(l->above, 2 * group), high = lanes_group_i16(l->above, 2 * group + 1);
	return lanes_bits_2u16((lanes_u16)(low < limit), (lanes_u16)(high < limit));
}

/* Which places of the first group have values of at most `most`, a bit each. */
static inline unsigned least_near(struct least *l, uint64_t most)
{
	if (__builtin_expect(most - l->base >= LEAST_SPAN, 0)) least_rebase(l, most);
	return least_small(l, 0, least_limit(l, most));
}

/* least_first() where those are none, asked just before. O(n). */
unsigned least_beyond(const struct least *l, uint64_t most);

/* The first place whose value is at most `most`; where there is none, the first of those with the least value. */
static inline unsigned least_first(struct least *l, uint64_t most)
{
	unsigned near = least_near(l, most);
	return __builtin_expect(near, 1) ? (unsigned)__builtin_ctz(near) : least_beyond(l, most);
}

#endif
