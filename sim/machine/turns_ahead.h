/* turns_ahead.h - where many cores take turns: has the host fetch what the turns to come will look at.
 *
 *   turns_ahead_step: a thread whose turn comes in turns_ahead_distance[step] turns
 * Each core finds little of its own in the host's caches when its turn comes, as all the others had theirs in between. Whose turn comes is known
 * (event/turns.h), and what its records say; so each passes some places in the queue where a step of its next accesses is foreseen
 * (mmu_foresee_step()), and the next step finds what that one has asked for. Who comes back in front of a place had it foreseen before.
 * It changes nothing of the model.
 */
#ifndef MACHINE_TURNS_AHEAD_H
#define MACHINE_TURNS_AHEAD_H

#include "base/record.h"
#include "mmu/foresight.h"
#include "mmu/mmu.h"

enum {
	TURNS_AHEAD_RECORDS = 8, /* what a core mostly does before it waits, and once more */
	TURNS_AHEAD_TURN = 4,    /* who executes more records in a turn has hits, and nothing is foreseen */
};

/* By trial, as these two; half as far and twice as far are no better (docs/decisions/0460). */
extern const unsigned turns_ahead_distance[FORESIGHT_STEPS];

struct turns_ahead {                   /* of a thread */
	size_t until[FORESIGHT_STEPS]; /* the record of its batch that each step comes to next */
	struct foreseen_access access[TURNS_AHEAD_RECORDS]; /* by record */
};

/* It has a new batch. */
void turns_ahead_restart(struct turns_ahead *a);
/* rec[at..count-1] are left of its batch; the records of a core that looks them up in `m`. `data`: it also reads what they lead to. */
void turns_ahead_step(struct turns_ahead *a, unsigned step, struct mmu *m, const struct record *rec,
		      size_t at, size_t count, bool data);

#endif
