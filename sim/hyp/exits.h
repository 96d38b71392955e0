/* exits.h - replays the exceptions and returns of an event trace on the level machine.
 *
 *   exits_replay: (state, record) -> what it did: name, levels, vector - or that it could not have been
 * The trace says which exceptions were taken; the machine decides what they do to its state, and whether
 * they could be: an exception comes from the level that the machine is at, a return leads where SPSR may
 * lead. Where a trace begins in the middle or lost events, the machine is moved to the level that the
 * record names, and that is counted.
 * Source: records of base/record.h, kinds EXC, ERET, SVC, HVC, SMC.
 * Not modelled: registers that a trace does not carry - HCR_EL2 is 0, so returns to EL1 are never refused
 * for TGE.
 */
#ifndef HYP_EXITS_H
#define HYP_EXITS_H

#include "base/record.h"
#include "el/exception.h"

struct exits {
	struct el_state el;
	bool begun;
	uint64_t entries, returns;
	uint64_t moved;   /* events at another level than the machine was at, the first one left out */
	uint64_t illegal; /* returns that the architecture refuses */
};

struct exit_event {
	bool is_entry;
	const char *name; /* "hvc", "irq", "ret"; "ec_unknown" for a class that has no name */
	struct el_transfer transfer;
	uint64_t pc, esr; /* where it left or returned to; the syndrome of a synchronous exception */
};

void exits_init(struct exits *x);

/* Replays one record. False: it is no exception and no return. */
bool exits_replay(struct exits *x, const struct record *r, struct exit_event *out);

#endif
