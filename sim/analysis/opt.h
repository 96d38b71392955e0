/* opt.h - Belady's OPT: the fewest misses that any replacement can have, known only after the fact.
 *
 *   opt_new -> opt_add(pages) ... -> opt_misses(entries)
 * A bound for fully associative TLBs that fill on each miss: the page whose next use is farthest goes. The stream is
 * recorded (4 bytes per access) and replayed once per size. A resident page is a bit at the time of its next use, so
 * that "resident" is the bit of the present and the victim the last bit set.
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
/* A page_sink_fn with `opt` as its context. */
void opt_add(void *opt, const uint64_t *page, size_t n);
/* Misses of a fully associative TLB of `entries` (1 or more). ERR_INPUT when the stream was longer than 2^32 - 2. */
enum status opt_misses(struct opt *o, uint64_t entries, uint64_t *out, struct err *err);

#endif
