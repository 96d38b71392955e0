#include "machine/halt_poll.h"

static cycles_t grown(const struct halt_poll_limits *l, cycles_t poll)
{
	if (!l->grow) return poll;
	cycles_t next = poll * l->grow;
	if (next < l->grow_start) next = l->grow_start;
	return next < l->most ? next : l->most;
}

static cycles_t shrunk(const struct halt_poll_limits *l, cycles_t poll)
{
	cycles_t next = l->shrink ? poll / l->shrink : 0;
	return next < l->grow_start ? 0 : next;
}

cycles_t halt_poll_after(const struct halt_poll_limits *l, cycles_t poll, cycles_t halted)
{
	if (!l->most) return 0;
	if (halted <= poll) return poll;
	if (halted > l->most) return shrunk(l, poll);
	return poll < l->most && halted < l->most ? grown(l, poll) : poll;
}
