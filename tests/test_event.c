/* The event queue and the order of turns against naive ones, and their equal times; lists of numbers. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/ranges.h"
#include "base/rng.h"
#include "event/event.h"
#include "event/turns.h"

Test(event, equal_times_go_by_phase_and_then_by_who_was_scheduled_first)
{
	struct event_queue q = {0};
	struct event a = {.phase = EVENT_CORE}, b = {.phase = EVENT_CORE}, timer = {.phase = EVENT_HARDWARE};
	event_at(&q, &b, 10);
	event_at(&q, &a, 10);
	event_at(&q, &timer, 10);
	cr_expect(eq(ptr, event_take(&q), &timer));
	cr_expect(eq(ptr, event_take(&q), &b));
	cr_expect(eq(ptr, event_take(&q), &a));
	cr_expect(eq(ptr, event_take(&q), NULL));
	event_queue_fini(&q);
}

Test(event, scheduling_again_moves_an_event_behind_its_equals)
{
	struct event_queue q = {0};
	struct event a = {0}, b = {0};
	event_at(&q, &a, 5);
	event_at(&q, &b, 10);
	event_at(&q, &a, 10);
	cr_expect(eq(sz, q.count, 2));
	cr_expect(eq(ptr, event_take(&q), &b));
	cr_expect(eq(ptr, event_take(&q), &a));
	event_queue_fini(&q);
}

enum { EVENTS = 60 };

/* The earliest by looking at all of them. */
static struct event *earliest(struct event *e)
{
	struct event *best = NULL;
	for (unsigned i = 0; i < EVENTS; i++) {
		if (!e[i].place) continue;
		if (!best || e[i].when < best->when ||
		    (e[i].when == best->when &&
		     (e[i].phase < best->phase || (e[i].phase == best->phase && e[i].order < best->order))))
			best = &e[i];
	}
	return best;
}

Test(event, random_operations_agree_with_a_list)
{
	struct event_queue q = {0};
	struct event e[EVENTS] = {0};
	struct rng r;
	rng_init(&r, 1, "events");
	for (unsigned i = 0; i < EVENTS; i++) e[i].phase = i % 2;
	for (unsigned step = 0; step < 20000; step++) {
		struct event *one = &e[rng_below(&r, EVENTS)];
		switch (rng_below(&r, 4)) {
		case 0: event_drop(&q, one); break;
		case 1: {
			struct event *first = earliest(e);
			cr_assert(eq(ptr, (void *)event_first(&q), first));
			cr_assert(eq(ptr, event_take(&q), first));
			break;
		}
		default: event_at(&q, one, rng_below(&r, 30));
		}
		event_queue_check(&q);
	}
	event_queue_fini(&q);
}

/* --- turns --------------------------------------------------------------------------------------------------------- */

enum { THREADS = 40 };
#define AWAY UINT64_MAX

/* Who is to be at this place, by the rule; AWAY in `when`: not there. */
static unsigned at_place(const cycles_t *when, size_t place)
{
	for (unsigned i = 0; i < THREADS; i++) {
		size_t before = 0;
		for (unsigned j = 0; j < THREADS; j++) {
			unsigned tie_i = i ^ (unsigned)(when[i] & 1023),
				 tie_j = j ^ (unsigned)(when[j] & 1023);
			before += when[j] < when[i] || (when[j] == when[i] && tie_j < tie_i);
		}
		if (when[i] != AWAY && before == place) return i;
	}
	return THREADS;
}

static void expect_order(const struct turns *t, const cycles_t *when, size_t count)
{
	turns_check(t);
	cr_assert(eq(sz, t->count, count));
	cr_assert(eq(ptr, (void *)turns_at(t, count), NULL));
	for (size_t i = 0; i < count; i++) {
		cr_assert(eq(uint, turns_at(t, i)->number, at_place(when, i)));
		cr_assert(eq(u64, turns_at(t, i)->when, when[turns_at(t, i)->number]));
	}
}

Test(turns, random_operations_agree_with_a_list)
{
	struct turns t;
	cycles_t when[THREADS];
	size_t count = 0;
	struct rng r;
	rng_init(&r, 1, "turns");
	turns_init(&t, THREADS);
	for (unsigned i = 0; i < THREADS; i++) when[i] = AWAY;
	for (unsigned step = 0; step < 5000; step++) {
		unsigned one = (unsigned)rng_below(&r, THREADS);
		if (when[one] == AWAY) {
			turns_put(&t, one, when[one] = step / 8 + rng_below(&r, 30));
			count++;
		} else if (rng_below(&r, 4)) {
			when[turns_take(&t).number] = AWAY;
			count--;
		} else {
			turns_drop(&t, one, when[one]);
			when[one] = AWAY;
			count--;
		}
		expect_order(&t, when, count);
	}
	turns_fini(&t);
}

Test(turns, of_equal_times_each_is_first_in_its_turn_by_the_time)
{
	struct turns t;
	unsigned first[4] = {0};
	turns_init(&t, 4);
	for (cycles_t now = 0; now < 400; now++) {
		for (unsigned i = 0; i < 4; i++) turns_put(&t, i, now);
		first[turns_at(&t, 0)->number]++;
		while (t.count) turns_take(&t);
	}
	for (unsigned i = 0; i < 4; i++) cr_expect(eq(uint, first[i], 100));
	turns_fini(&t);
}

/* --- lists of numbers ------------------------------------------------------------------------------------------------ */

static const char *parse(const char *text, unsigned *count)
{
	static struct err err;
	static unsigned out[4];
	err.text[0] = 0;
	ranges_parse(text, 9, out, 4, count, &err);
	return err.text;
}

Test(ranges, numbers_and_ranges_keep_their_order)
{
	unsigned out[8], count;
	struct err err;
	cr_assert(eq(int, ranges_parse("7,0-2,9", 9, out, 8, &count, &err), OK), "%s", err.text);
	cr_assert(eq(uint, count, 5));
	const unsigned want[] = {7, 0, 1, 2, 9};
	for (unsigned i = 0; i < 5; i++) cr_expect(eq(uint, out[i], want[i]));
	cr_assert(eq(int, ranges_parse("", 9, out, 8, &count, &err), OK));
	cr_expect(eq(uint, count, 0));
}

Test(ranges, what_is_no_list_is_refused_with_the_reason)
{
	unsigned count;
	cr_expect(eq(str, (char *)parse("10", &count), (char *)"'10': 10 is outside 0..9"));
	cr_expect(eq(str, (char *)parse("1,0-1", &count), (char *)"'1,0-1': 1 is there twice"));
	cr_expect(eq(str, (char *)parse("0-4", &count), (char *)"'0-4': more than 4 numbers"));
	static const char *const bad[] = {"a", "1,", "3-1", "-1", "1 2", "1-", ",1", "1--2"};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *said = parse(bad[i], &count);
		cr_expect(ne(ptr, strstr(said, "is no list like 0-3,8"), NULL), "%s: %s", bad[i], said);
	}
}
