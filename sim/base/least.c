#include "base/least.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { LEAST_BEHIND = 4000 }; /* how far one may ask for less than before without another base */

struct least least_new(unsigned count)
{
	struct least l = {.places = (count + LEAST_GROUP - 1) / LEAST_GROUP * LEAST_GROUP};
	l.value = xcalloc(l.places, sizeof(*l.value));
	l.above = xcalloc_lines(l.places, sizeof(*l.above));
	for (unsigned i = count; i < l.places; i++) least_put(&l, i, UINT64_MAX);
	return l;
}

void least_free(struct least *l)
{
	free(l->value);
	free(l->above);
}

void least_rebase(struct least *l, uint64_t most)
{
	l->base = most > LEAST_BEHIND ? most - LEAST_BEHIND : 0;
	for (unsigned i = 0; i < l->places; i++) l->above[i] = least_above(l, l->value[i]);
}

/* Where all are too far from the base to be told apart by l->above. */
static unsigned first_of_far(const struct least *l)
{
	unsigned first = 0;
	for (unsigned i = 1; i < l->places; i++)
		if (l->value[i] < l->value[first]) first = i;
	return first;
}

/* Which places of the group have just this. */
static unsigned least_equal(const struct least *l, unsigned group, lanes_i16 least)
{
	lanes_i16 low = lanes_group_i16(l->above, 2 * group), high = lanes_group_i16(l->above, 2 * group + 1);
	return lanes_bits_2u16((lanes_u16)(low == least), (lanes_u16)(high == least));
}

static lanes_i16 least_of_group(const struct least *l, unsigned group)
{
	return lanes_less_i16(lanes_group_i16(l->above, 2 * group), lanes_group_i16(l->above, 2 * group + 1));
}

static unsigned beyond_of_many(const struct least *l, lanes_i16 limit)
{
	lanes_i16 least = least_of_group(l, 0);
	for (unsigned group = 1; group < l->places / LEAST_GROUP; group++) {
		unsigned small = least_small(l, group, limit);
		if (small) return group * LEAST_GROUP + (unsigned)__builtin_ctz(small);
		least = lanes_less_i16(least, least_of_group(l, group));
	}
	least = lanes_least_i16(least);
	if (least[0] == LEAST_FAR) return first_of_far(l);
	for (unsigned group = 0;; group++) {
		unsigned equal = least_equal(l, group, least);
		if (equal) return group * LEAST_GROUP + (unsigned)__builtin_ctz(equal);
	}
}

/* Of two groups, both are found out before any branch: which it is, nobody can predict. */
static unsigned beyond_of_two(const struct least *l, lanes_i16 limit)
{
	unsigned small = least_small(l, 1, limit) << LEAST_GROUP;
	lanes_i16 least = lanes_least_i16(lanes_less_i16(least_of_group(l, 0), least_of_group(l, 1)));
	if (__builtin_expect(least[0] == LEAST_FAR, 0)) return first_of_far(l);
	unsigned equal = least_equal(l, 0, least) | least_equal(l, 1, least) << LEAST_GROUP;
	return (unsigned)__builtin_ctz(small ? small : equal);
}

unsigned least_beyond(const struct least *l, uint64_t most)
{
	lanes_i16 limit = least_limit(l, most);
	return l->places == 2 * LEAST_GROUP ? beyond_of_two(l, limit) : beyond_of_many(l, limit);
}
