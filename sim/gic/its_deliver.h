/* its_deliver.h - inside of the ITS: an event that has been translated goes to its redistributor. */
#ifndef GIC_ITS_DELIVER_H
#define GIC_ITS_DELIVER_H

#include "gic/its_entries.h"

/* Fills in `d` but for the reads. */
void its_deliver(struct its *t, const struct its_ite *ite, struct its_delivery *d);

#endif
