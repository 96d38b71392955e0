/* event.h - what starts by itself, in order of time: timers and device back ends. Whose turn it is says turns.h.
 *
 *   event_at: (queue, event, cycle)      event_take: -> the earliest      event_drop
 * An event is embedded in its owner, and is in at most one queue. The order is total: by time, then by phase, then by who was
 * scheduled first. So it does not depend on addresses or on how the queue is kept (a binary heap).
 * An event may be scheduled before the time of one that was taken already: a core that runs ahead meets it late, by at most
 * the lookahead that the engine states.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include <stddef.h>

#include "base/types.h"

/* At equal times what hardware does by itself comes before what a core does. */
enum event_phase { EVENT_HARDWARE, EVENT_CORE };

struct event { /* zero it; `phase` and `owner` are the owner's to set */
	cycles_t when;
	uint64_t order; /* of scheduling */
	void *owner;
	uint32_t phase; /* enum event_phase */
	uint32_t place; /* in the heap, from 1; 0: not scheduled */
};

struct event_queue { /* starts as {0} */
	struct event **heap;
	size_t count, room;
	uint64_t scheduled;
};

void event_queue_fini(struct event_queue *q);

/* Schedules `e` at `when`, or moves it there. O(log n). */
void event_at(struct event_queue *q, struct event *e, cycles_t when);
/* Takes `e` out; nothing happens where it is not scheduled. O(log n). */
void event_drop(struct event_queue *q, struct event *e);
/* Takes out the earliest; NULL: there is none. O(log n). */
struct event *event_take(struct event_queue *q);

/* The earliest, which stays; NULL: there is none. */
static inline const struct event *event_first(const struct event_queue *q)
{
	return q->count ? q->heap[0] : NULL;
}

/* Asserts that the heap is one. O(n); for tests. */
void event_queue_check(const struct event_queue *q);

#endif
