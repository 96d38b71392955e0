#include "mem/channel.h"

void channel_init(struct mem_channel *c, uint64_t bandwidth_MBps, uint64_t clock_mhz)
{
	*c = (struct mem_channel){.window_bytes = (bandwidth_MBps << CHANNEL_WINDOW_BITS) / clock_mhz};
	if (!c->window_bytes) c->window_bytes = 1;
}

cycles_t channel_book_on(struct mem_channel *c, cycles_t now, uint64_t bytes)
{
	cycles_t start = UINT64_MAX;
	for (uint64_t number = now >> CHANNEL_WINDOW_BITS; bytes; number++) {
		struct mem_channel_window *w = &c->window[number % CHANNEL_WINDOWS];
		if (w->number > number) break; /* so far in the past that its window is forgotten */
		if (w->number < number) *w = (struct mem_channel_window){.number = number};
		uint64_t left = c->window_bytes - w->used_bytes, take = bytes < left ? bytes : left;
		if (take && start == UINT64_MAX) start = number << CHANNEL_WINDOW_BITS;
		w->used_bytes += take;
		bytes -= take;
	}
	return start == UINT64_MAX || start < now ? now : start;
}
