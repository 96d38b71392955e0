/* placement.h - the memory of all nodes as a kernel or hypervisor hands it out: the machine's, or the virtual ones of a guest.
 *
 *   placement_init -> p.frames, for os_new or hyp_new      placement_enter: a task takes memory next
 * With one node this is that node's frames and nothing more. With several, each has frames and a random stream of its own, and
 * a policy (mem/numa.h) says at each fault which are tried.
 */
#ifndef MACHINE_PLACEMENT_H
#define MACHINE_PLACEMENT_H

#include "mem/frames.h"
#include "mem/numa.h"

struct placement {
	struct frames *frames;
	unsigned nodes;
	struct numa_task *last; /* who took memory last, by a policy that takes turns; NULL: nobody */
	uint64_t takes;         /* of the frames, when it began to */
	char **path;            /* names of the nodes' random streams */
};

struct placement_region {
	uint64_t base, limit; /* addresses base..limit-1 */
};

/* `p`: everything of the frames but their region and seed. placement_fini() it. */
void placement_init(struct placement *pl, const struct mem_side *mem, const struct frames_params *p,
		    uint64_t seed);
/* The same over `count` regions that need not be nodes of hardware. */
void placement_init_over(struct placement *pl, const struct placement_region *region, unsigned count,
			 const struct frames_params *p, uint64_t seed);
void placement_fini(struct placement *pl);

/* What is taken from now on is taken for `t`, by a policy for as many nodes (numa_init()). A turn that was not used is not lost. */
void placement_enter(struct placement *pl, const struct numa *policy, struct numa_task *t);

#endif
