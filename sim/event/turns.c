#include "event/turns.h"

#include <stdlib.h>

#include "base/alloc.h"

static struct turn turn_of(unsigned number, cycles_t when)
{
	return (struct turn){when, number ^ (uint32_t)(when % TURNS_NUMBERS), number};
}

static inline bool before(const struct turn *a, const struct turn *b)
{
	return a->when < b->when || (a->when == b->when && a->tie < b->tie);
}

void turns_init(struct turns *t, unsigned numbers)
{
	*t = (struct turns){.room = 4 * (size_t)numbers + 4};
	t->all = xcalloc(t->room, sizeof(*t->all));
	t->first = t->room / 2;
}

void turns_fini(struct turns *t) { free(t->all); }

/* How many are before `one`. */
static size_t place_of(const struct turns *t, const struct turn *one)
{
	const struct turn *from = t->all + t->first;
	for (size_t n = t->count; n;) { /* it is among from[0..n] */
		size_t half = n / 2;
		bool later = before(&from[half], one);
		from += later ? half + 1 : 0;
		n = later ? n - half - 1 : half;
	}
	return (size_t)(from - (t->all + t->first));
}

static void move(struct turns *t, size_t from, size_t to, size_t count)
{
	memmove(&t->all[to], &t->all[from], count * sizeof(*t->all));
}

/* Those there have reached an end of the array: they go to its middle. */
static void centre(struct turns *t)
{
	size_t first = (t->room - t->count) / 2;
	move(t, t->first, first, t->count);
	t->first = first;
}

void turns_put(struct turns *t, unsigned number, cycles_t when)
{
	const struct turn one = turn_of(number, when);
	size_t at = place_of(t, &one);
	if (!t->first || t->first + t->count == t->room) centre(t);
	if (at < t->count / 2)
		move(t, t->first, t->first - 1, at), t->first--;
	else
		move(t, t->first + at, t->first + at + 1, t->count - at);
	t->count++;
	t->all[t->first + at] = one;
}

void turns_drop(struct turns *t, unsigned number, cycles_t when)
{
	const struct turn one = turn_of(number, when);
	size_t at = place_of(t, &one);
	assert(at < t->count && t->all[t->first + at].number == number);
	t->count--;
	move(t, t->first + at + 1, t->first + at, t->count - at);
}

void turns_check(const struct turns *t)
{
	assert(t->first + t->count <= t->room);
	for (size_t i = 1; i < t->count; i++)
		assert(before(&t->all[t->first + i - 1], &t->all[t->first + i]));
}
