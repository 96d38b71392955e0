/* mistakes.h - `strata run --check-maintenance`: one mistake of TLB maintenance in words. */
#ifndef CLI_MISTAKES_H
#define CLI_MISTAKES_H

#include "mmu/maintenance.h"

/* A mistake_fn whose owner is a FILE. */
void mistake_print(void *file, const struct mistake *m);

#endif
