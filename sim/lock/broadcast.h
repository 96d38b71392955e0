/* broadcast.h - messages to all cores of the machine (DVM): TLBIs, and the DSBs that wait for them.
 *
 *   broadcast_send: now -> the cycle at which the interconnect takes the message
 * The interconnect passes them on one after the other, each for so long (coherence.broadcast_message_ns), so that cores which
 * send at the same time hold each other up. Calls come in order of time, up to the lookahead of the engine.
 * Source: Arm IHI 0050, AMBA 5 CHI, DVM operations: a DVMOp is snooped at every node with a TLB, a Sync after it too.
 * Not modelled: filters that leave out nodes; more than one message under way.
 */
#ifndef LOCK_BROADCAST_H
#define LOCK_BROADCAST_H

#include "mem/coherence.h"
#include "stats/stats.h"

struct broadcast_stats {
	uint64_t messages, wait_cycles;
};
extern const struct stat_desc broadcast_stat_rows[];
extern const size_t broadcast_stat_row_count;

struct broadcast {
	cycles_t message; /* how long one takes */
	cycles_t free;    /* when the next can go */
	struct broadcast_stats stats;
};

cycles_t broadcast_send(struct broadcast *b, cycles_t now);

#endif
