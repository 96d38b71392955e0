/* turns.h - who goes on next: numbers in order of the cycles at which they do.
 *
 *   turns_put: (turns, number, cycle)      turns_take: -> the earliest      turns_at: those behind it      turns_drop
 * Of equal times each number is first in its turn, by the time alone: it does not matter who came when, or how often.
 * All stand in order in one array, and the one who comes pushes the shorter part of them aside: who has had its turn mostly goes on soon, or
 * behind nearly all others. So those who come next are known beforehand, too.
 */
#ifndef EVENT_TURNS_H
#define EVENT_TURNS_H

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/types.h"

enum { TURNS_NUMBERS = 1024 }; /* at equal times as many are told apart by the time; all, by their number */

struct turn {
	cycles_t when;
	uint32_t tie, number;
};

struct turns {
	struct turn *all; /* with room on both sides of those that are there */
	size_t first, count, room;
};

/* For numbers below `numbers`, none of which is there yet. */
void turns_init(struct turns *t, unsigned numbers);
void turns_fini(struct turns *t);

/* `number`, which is not there, goes on at `when`. O(numbers). */
void turns_put(struct turns *t, unsigned number, cycles_t when);
/* `number`, which is there at `when`, does not. O(numbers). */
void turns_drop(struct turns *t, unsigned number, cycles_t when);

/* The earliest but `behind`; NULL: there are not so many. */
static inline const struct turn *turns_at(const struct turns *t, size_t behind)
{
	return behind < t->count ? &t->all[t->first + behind] : NULL;
}

/* Takes out the earliest, which is there. */
static inline struct turn turns_take(struct turns *t)
{
	assert(t->count);
	t->count--;
	return t->all[t->first++];
}

/* Asserts that all are in order. O(numbers); for tests. */
void turns_check(const struct turns *t);

#endif
