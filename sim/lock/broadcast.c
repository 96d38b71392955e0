#include "lock/broadcast.h"

#define F struct broadcast_stats
const struct stat_desc broadcast_stat_rows[] = {
	STAT(F, messages, "messages", "TLBIs for all cores, and DSBs that wait for one"),
	STAT(F, wait_cycles, "cycles", "they waited for those of other cores"),
};
#undef F
const size_t broadcast_stat_row_count = sizeof(broadcast_stat_rows) / sizeof(broadcast_stat_rows[0]);

cycles_t broadcast_send(struct broadcast *b, cycles_t now)
{
	cycles_t start = b->free > now ? b->free : now;
	b->stats.messages++;
	b->stats.wait_cycles += start - now;
	b->free = start + b->message;
	return start;
}
