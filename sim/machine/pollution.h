/* pollution.h - which walks are the price of sharing a core: translations that the last TLB level held when their
 * process was switched away from, and no longer when it came back.
 *
 *   pollution_leave (at the switch) -> pollution_walk (at each walk) -> true: it was held before
 * Each translation counts once per absence. What the process itself would have evicted meanwhile cannot be told apart,
 * as it did not run.
 * Not modelled: caches.
 */
#ifndef MACHINE_POLLUTION_H
#define MACHINE_POLLUTION_H

#include "mmu/mmu.h"

struct held_range {
	uint64_t first, last; /* VAs */
	bool taken;
};

/* What one process left behind. Zero it at first. */
struct pollution {
	struct held_range *range; /* by address */
	size_t count, room;
};

/* The process under `tag` stops running: remembers what the last level of `m` holds of it. O(entries log entries). */
void pollution_leave(struct pollution *p, struct mmu *m, tlb_tag_t tag);
/* A walk of the process for `va`: whether it was held when the process left. */
bool pollution_walk(struct pollution *p, uint64_t va);
void pollution_fini(struct pollution *p);

#endif
