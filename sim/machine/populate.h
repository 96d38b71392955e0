/* populate.h - maps what a thread touches, before time begins.
 *
 * Walks without time until nothing faults any more: tables fill, TLBs and caches see nothing.
 */
#ifndef MACHINE_POPULATE_H
#define MACHINE_POPULATE_H

#include "cpu/core.h"

enum { POPULATED_SLOTS = 4096 };

struct populator { /* zero it, then set what is borrowed: all but `done` */
	struct mmu *mmu;
	struct physmem *mem;
	core_fault_fn *on_fault;
	void *fault_owner;
	struct va done[3][POPULATED_SLOTS]; /* by kind: pages + 1 that were done lately */
};

/* Maps what a fetch, load or store touches. Errors of on_fault. */
enum status populate_access(struct populator *p, const struct record *rec, struct err *err);
/* The address space is another: what was done lately counts no more. */
void populate_switch(struct populator *p);

#endif
