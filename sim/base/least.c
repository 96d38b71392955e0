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

/* The first place of the least value. */
static unsigned least_of_all(const struct least *l)
{
	unsigned first = 0;
	int16_t least = lanes_least_i16(l->above, l->places);
	if (least < LEAST_FAR) {
		unsigned equal;
		while (!(equal = lanes_equal_2u16((const uint16_t *)l->above + first, (uint16_t)least)))
			first += LEAST_GROUP;
		return first + (unsigned)__builtin_ctz(equal);
	}
	for (unsigned i = 1; i < l->places; i++)
		if (l->value[i] < l->value[first]) first = i;
	return first;
}

unsigned least_beyond(const struct least *l, uint64_t most)
{
	int16_t bound = (int16_t)(most - l->base);
	for (unsigned i = LEAST_GROUP; i < l->places; i += LEAST_GROUP) {
		unsigned small = ~lanes_above_2i16(l->above + i, bound) & 0xffff;
		if (small) return i + (unsigned)__builtin_ctz(small);
	}
	return least_of_all(l);
}
