/* explain_access.h - `strata run --explain`: where the cycles of single accesses went, as trees of text. */
#ifndef CLI_EXPLAIN_ACCESS_H
#define CLI_EXPLAIN_ACCESS_H

#include <stdio.h>

#include "cpu/watch.h"

/* One tree per picked access. Left the cycles of each step; those of the steps further in add up to it. */
void explain_accesses(FILE *out, const struct watch *w);

#endif
