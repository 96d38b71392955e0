/* bandwidth.h - MPAM's partitioning of a channel's bandwidth, and monitors of what each label uses.
 *
 *   bandwidth_book: (channel, now, bytes, monitor) -> the cycle at which the transfer begins
 * As channel_book(), but in each window a request takes only what is left when others get what they come before it with. A
 * call cannot be taken back, so a partition's claim is what it asked for in the last period of PERIOD windows, spread evenly;
 * what came late counts twice, since who waits would ask for more:
 *   within its minimum (MBW_MIN)                 nobody but the minimum of others comes before it
 *   above                                        the minimum of others, what a larger priority asks for, and
 *                                                their share by proportional stride, where they compete
 *   above its maximum (MBW_MAX), soft limit      all that others ask for
 *   above its maximum, hard limit                nothing is left in this window
 * What is claimed and not used is lost in that window; claims hold within a period from `now`, so that nobody waits longer for them.
 * Source: Arm IHI 0099, memory bandwidth minimum, maximum and proportional-stride partitioning, priority partitioning,
 * memory bandwidth usage monitors.
 * IMPDEF: accounting windows, here the channel's own, for use, and a period of them for claims.
 */
#ifndef MEM_BANDWIDTH_H
#define MEM_BANDWIDTH_H

#include "mem/channel.h"
#include "mem/mpam.h"
#include "stats/stats.h"

struct bandwidth_stats { /* by monitor */
	uint64_t mbwu_read_bytes[MPAM_MONITORS], mbwu_write_bytes[MPAM_MONITORS];
	uint64_t queue_cycles[MPAM_MONITORS];
};

struct bandwidth;

/* Of a channel that carries window_bytes in a window; `name` as settings call it. `m` is borrowed. */
struct bandwidth *bandwidth_new(const struct mpam *m, const char *name, uint64_t window_bytes);
void bandwidth_free(struct bandwidth *b);
void bandwidth_register_stats(struct bandwidth *b, struct stats *s, unsigned node);
const struct bandwidth_stats *bandwidth_stats(const struct bandwidth *b);

/* In place of channel_book(); counted. */
cycles_t bandwidth_read(struct bandwidth *b, cycles_t now, uint64_t bytes, unsigned monitor);
cycles_t bandwidth_write(struct bandwidth *b, cycles_t now, uint64_t bytes, unsigned monitor);

#endif
