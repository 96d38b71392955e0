/* core_steps.h - single steps of a core, and what a watched core is told, for core*.c only.
 *
 *   core_watch.c calls core_step_fetch() and core_step_access(); core.c calls core_watch_fault()
 */
#ifndef CPU_CORE_STEPS_H
#define CPU_CORE_STEPS_H

#include "cpu/clocks.h"

/* Executes the REC_FETCH `r`. False: a fault handler failed, and c->err says how. */
bool core_step_fetch(struct core *c, const struct record *r);

/* Executes the piece at `va` of the load or store `r`, which lies within a line and whose gap has passed. False: as above. */
bool core_step_access(struct core *c, uint64_t va, const struct record *r);

/* The core is watched, and met at `now` a fault that took `spent`: it was taken when the retire clock says, and handled. Called
 * before the clocks know of `spent`. */
void core_watch_fault(struct core *c, const struct mmu_fault *fault, const struct core_spent *spent,
		      cycles_t now);

#endif
