/* least.h - values that change one at a time, and which is the first that is small enough: a tree of minima.
 *
 *   least_first: the first place whose value is small enough, or else has the least      least_put: a place's new value
 * O(log n).
 * Source: Knuth, The Art of Computer Programming 3, 5.2.3 (tree selection).
 */
#ifndef BASE_LEAST_H
#define BASE_LEAST_H

#include <stdint.h>

struct least {
	uint64_t *least; /* root 1, node i has the children 2i and 2i + 1; the last level are the values */
	unsigned places; /* a power of two; those beyond the asked-for ones never win */
};

/* All `count` values are 0. Free with least_free. */
struct least least_new(unsigned count);
void least_free(struct least *l);

static inline uint64_t least_value(const struct least *l, unsigned place)
{
	return l->least[l->places + place];
}

/* The first place whose value is at most `most`; where there is none, the first of those with the least value. */
static inline unsigned least_first(const struct least *l, uint64_t most)
{
	const uint64_t *least = l->least;
	unsigned node = 1, places = l->places;
	if (least[places] <= most) return 0;
	if (least[1] > most) most = least[1];
	while (node < places) {
		node *= 2;
		node += least[node] > most;
	}
	return node - places;
}

static inline void least_put(struct least *l, unsigned place, uint64_t value)
{
	uint64_t *least = l->least;
	unsigned node = l->places + place;
	least[node] = value;
	while (node > 1) {
		uint64_t other = least[node ^ 1];
		node /= 2;
		value = value < other ? value : other;
		if (least[node] == value) return;
		least[node] = value;
	}
}

#endif
