/* sched_params.h - configuration rows of the host's scheduler of vCPUs (machine/sched.h, machine/halt_poll.h). */
#ifndef MACHINE_SCHED_PARAMS_H
#define MACHINE_SCHED_PARAMS_H

#include "config/schema.h"

enum sched_when { SCHED_SHARED, SCHED_ALWAYS };
enum { SCHED_VMIDS_FIXED }; /* and the allocators of os/contexts.h behind it */

struct sched_params {
	uint64_t when; /* enum sched_when */
	uint64_t slice_ns, tick_hz;
	uint64_t switch_cycles, wfe_exits;
	uint64_t vmids,
		vmid_bits; /* SCHED_VMIDS_FIXED, or 1 + enum ctx_kind; 0: as many as the machine has */
	uint64_t task_period_ns, task_run_ns, task_weight; /* of a task of the host on each core */
	uint64_t halt_poll_ns, halt_poll_grow, halt_poll_grow_start_ns, halt_poll_shrink;
};
extern const struct schema sched_schema;

#endif
