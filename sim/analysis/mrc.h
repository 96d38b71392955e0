/* mrc.h - miss-ratio curves: the misses of every LRU TLB of a family, from one reading of a stream.
 *
 *   mrc_new(specs) -> mrc      mrc_add(records) ... [mrc_restart, mrc_add ...]      mrc_finish -> curves      mrc_misses(curve, ways)
 * One curve is for one side, page size and number of sets; it answers for every number of ways, so that one set gives
 * every fully associative size. Results are exact: what a simulation of that one TLB would count, filled on each miss.
 *
 * With a sampling rate R < 1 only pages whose hash falls below R are followed (SHARDS, fixed rate), and a distance of k
 * among them stands for 1 + (k - 1) / R pages. Misses are scaled by 1 / R and divided by all accesses, which is
 * the paper's SHARDS-adj. The standard error has two parts: which pages were drawn, from the spread between
 * MRC_GROUPS random groups of them; and what a distance stands for, which is uncertain by sqrt((1 - R) / (R ways)) of itself,
 * as the curve's larger difference over so many ways down or up. Both are of the same draw - a page too many adds its misses, and
 * lengthens distances - so they are added, not their squares. A size that holds fewer than MRC_LEAST_HELD followed pages, or a
 * sample of fewer than MRC_LEAST_PAGES, tells nothing, not even its error: it is not resolved.
 *
 * Source: stack distances: stack.h. Sampling: Waldspurger, Park, Garthwaite, Ahmad, FAST 2015. Random groups: Wolter,
 * Introduction to Variance Estimation, 2nd ed., chapter 2.
 * Not modelled: what pages.h lists; replacement other than LRU; sampled curves of several sets.
 */
#ifndef ANALYSIS_MRC_H
#define ANALYSIS_MRC_H

#include "analysis/pages.h"
#include "base/status.h"
#include "base/types.h"

enum {
	MRC_GROUPS = 32,
	MRC_LEAST_HELD = 8,
	MRC_LEAST_PAGES = 64,
	MRC_SETS_MAX = 1 << 20,
	MRC_RATE_ONE = 1 << 24
};

struct mrc_spec {
	enum page_side side;
	unsigned page_bits; /* 12..63 */
	uint32_t sets;      /* 1..MRC_SETS_MAX, chosen by page % sets */
	uint32_t rate;      /* of sampling, in 1 / MRC_RATE_ONE; MRC_RATE_ONE: exact. Below: sets is 1 */
	bool split;         /* a load or store that crosses a page is an access to each */
};

/* Distances of one stack or of all sets of one TLB. */
struct mrc_counts {
	uint64_t cold;        /* first uses, of those that count */
	uint64_t *at, *above; /* [d]: uses at distance d; and after mrc_finish, at distances > d and cold */
	uint32_t cap, max;    /* max: the largest distance seen */
};

struct mrc_curve {
	struct mrc_spec spec;
	uint64_t accesses;                        /* of the stream, repetitions included */
	uint64_t pages;                           /* different pages followed */
	struct mrc_counts all, group[MRC_GROUPS]; /* groups: when sampled */
};

struct mrc;

/* Copies `spec`. ERR_USAGE for one out of range. */
enum status mrc_new(const struct mrc_spec *spec, size_t count, struct mrc **out, struct err *err);
void mrc_free(struct mrc *m);
void mrc_add(struct mrc *m, const struct record *r, size_t n);
/* Whether the stream had more than KEY_SPACES_MAX address spaces (pages.h): then no curve is right. */
bool mrc_overflows(const struct mrc *m);
/* What was read so far was the warm-up: it stays in the TLBs, and counts no more. */
void mrc_restart(struct mrc *m);
/* Ends the reading. */
void mrc_finish(struct mrc *m);
/* Curve i, in the order of the specs, complete after mrc_finish; lives as long as `m`. */
const struct mrc_curve *mrc_curve(const struct mrc *m, size_t i);

/* Misses with `ways` per set (1 or more); when sampled an estimate, rounded, and at most all accesses. */
uint64_t mrc_misses(const struct mrc_curve *c, uint64_t ways);
/* Misses per access; 0 without accesses. */
double mrc_miss_ratio(const struct mrc_curve *c, uint64_t ways);
/* Whether a sampled curve can tell the misses with `ways`; an exact one always can. */
bool mrc_resolves(const struct mrc_curve *c, uint64_t ways);
/* Standard error of that ratio, where it is resolved; 0 when exact. */
double mrc_standard_error(const struct mrc_curve *c, uint64_t ways);
/* The smallest number of ways above `ways` whose misses differ from those with `ways`; 0: there is none. */
uint64_t mrc_next_step(const struct mrc_curve *c, uint64_t ways);

#endif
