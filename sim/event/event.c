#include "event/event.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

static bool before(const struct event *a, const struct event *b)
{
	if (a->when != b->when) return a->when < b->when;
	if (a->phase != b->phase) return a->phase < b->phase;
	return a->order < b->order;
}

static void put(struct event_queue *q, size_t i, struct event *e)
{
	q->heap[i] = e;
	e->place = (uint32_t)i + 1;
}

static void sift_up(struct event_queue *q, size_t i, struct event *e)
{
	while (i && before(e, q->heap[(i - 1) / 2])) {
		put(q, i, q->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(q, i, e);
}

static void sift_down(struct event_queue *q, size_t i, struct event *e)
{
	for (size_t child; (child = 2 * i + 1) < q->count; i = child) {
		if (child + 1 < q->count && before(q->heap[child + 1], q->heap[child])) child++;
		if (!before(q->heap[child], e)) break;
		put(q, i, q->heap[child]);
	}
	put(q, i, e);
}

void event_queue_fini(struct event_queue *q) { free(q->heap); }

void event_at(struct event_queue *q, struct event *e, cycles_t when)
{
	event_drop(q, e);
	e->when = when;
	e->order = q->scheduled++;
	if (q->count == q->room) {
		q->room = q->room ? 2 * q->room : 16;
		q->heap = xrealloc(q->heap, q->room, sizeof(struct event *));
	}
	sift_up(q, q->count++, e);
}

void event_drop(struct event_queue *q, struct event *e)
{
	if (!e->place) return;
	size_t i = e->place - 1;
	struct event *last = q->heap[--q->count];
	assert(i <= q->count);
	e->place = 0;
	if (last == e) return;
	if (i && before(last, q->heap[(i - 1) / 2]))
		sift_up(q, i, last);
	else
		sift_down(q, i, last);
}

struct event *event_take(struct event_queue *q)
{
	struct event *e = q->count ? q->heap[0] : NULL;
	if (e) event_drop(q, e);
	return e;
}

void event_queue_check(const struct event_queue *q)
{
	for (size_t i = 0; i < q->count; i++) {
		assert(q->heap[i]->place == i + 1);
		assert(!i || !before(q->heap[i], q->heap[(i - 1) / 2]));
	}
}
