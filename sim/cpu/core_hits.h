/* core_hits.h - runs of records that hit, kept in registers: where a core spends its host's time.
 *
 *   core_hits: records -> how many were executed before one that needs a proper look
 *
 * A record is a *hit* when the predicted TLB entry answers at once; besides, a store or fetch needs its line in the first-level
 * cache, and a store room to leave. It changes clocks, counters and replacement state exactly as core.c would, but counters
 * are added up and written once per run. Everything else is left to core.c, which goes on where the run ended. The loop
 * exists once per core model and per way of touching (touches in place or by the policies' functions), chosen when the core
 * is built.
 */
#ifndef CPU_CORE_HITS_H
#define CPU_CORE_HITS_H

#include "cpu/core.h"

/* The loop for this core. */
core_hits_fn *core_hits_choose(const struct core *c);

/* The loop that leaves every access to core.c: for a core without first-level caches, and to compare with. */
size_t core_no_hits(struct core *c, const struct record *rec, size_t n, uint32_t *fetched);

#endif
