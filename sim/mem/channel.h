/* channel.h - what carries so many bytes per cycle: a node's memory channels, or one direction of a link.
 *
 *   channel_book: (now, bytes) -> the cycle at which the transfer begins
 * Bandwidth is booked in windows of time, not in order of arrival, because a core that overlaps its misses asks for later
 * cycles before earlier ones. A request starts in the first window from `now` on that has bytes left.
 * Not modelled: order within a window; what is booked more than CHANNEL_WINDOWS windows ahead pushes the oldest out, and
 * requests for those find the channel free.
 */
#ifndef MEM_CHANNEL_H
#define MEM_CHANNEL_H

#include "base/types.h"

enum { CHANNEL_WINDOW_BITS = 8, CHANNEL_WINDOWS = 1024 };

struct mem_channel_window {
	uint64_t number;
	uint64_t used_bytes;
};

struct mem_channel {
	uint64_t window_bytes; /* what it carries in one window */
	struct mem_channel_window window[CHANNEL_WINDOWS];
};

/* Bandwidth becomes bytes per window of a clock of clock_mhz, rounded down, at least 1. */
void channel_init(struct mem_channel *c, uint64_t bandwidth_MBps, uint64_t clock_mhz);
/* channel_book() where the bytes do not all fit into the window of `now`, or where it is another one's so far. */
cycles_t channel_book_on(struct mem_channel *c, cycles_t now, uint64_t bytes);

/* Whether the bytes fit into the window of `now`, as most do: they are booked then. */
static inline bool channel_take(struct mem_channel *c, cycles_t now, uint64_t bytes)
{
	uint64_t number = now >> CHANNEL_WINDOW_BITS;
	struct mem_channel_window *w = &c->window[number % CHANNEL_WINDOWS];
	if (__builtin_expect(w->number != number || w->used_bytes + bytes > c->window_bytes, 0)) return false;
	w->used_bytes += bytes;
	return true;
}

static inline cycles_t channel_book(struct mem_channel *c, cycles_t now, uint64_t bytes)
{
	return channel_take(c, now, bytes) ? now : channel_book_on(c, now, bytes);
}

#endif
