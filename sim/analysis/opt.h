/* opt.h - Belady's OPT: the fewest misses that any replacement can have, known only after the fact.
 *
 *   opt_new -> opt_add(pages) ... -> opt_misses(entries)
 * A bound for TLBs that fill on each miss: the page of a set whose next use is farthest goes. The stream is recorded (4 bytes per
 * access), sorted by sets, and replayed once per size, set by set. A resident page is a bit at the time of its next use, so
 * that "resident" is the bit of the present and the victim the last bit set. Time is that of the set: its own accesses.
 * Source: Belady, IBM Systems Journal 5(2), 1966; Mattson et al., 1970, prove that it is the optimum.
 */
#ifndef ANALYSIS_OPT_H
#define ANALYSIS_OPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct opt;

struct opt *opt_new(void);
void opt_free(struct opt *o);
/* A page_sink_fn with `opt` as its context: keys of pages (pages.h). */
void opt_add(void *opt, const uint64_t *page, size_t n);
/* What was added so far was the warm-up: its misses do not count. */
void opt_restart(struct opt *o);
/* Misses of a TLB of `sets` (1 or more; chosen by the page number modulo their number) of `ways` (1 or more). ERR_INPUT when the stream was
 * longer than 2^32 - 2. The first call for another number of sets sorts the stream anew. */
enum status opt_misses(struct opt *o, uint32_t sets, uint64_t ways, uint64_t *out, struct err *err);

#endif
