/* hist.h - a mergeable log-linear histogram of unsigned samples (cycles, counts).
 *
 * Samples below 2^HIST_SUB_BITS are kept exactly; above, each power of two has 2^HIST_SUB_BITS equal buckets, so a
 * quantile is within 1/2^HIST_SUB_BITS (3.1 %) of the true one. Sum, minimum and maximum are exact.
 * Source: the layout of HdrHistogram (G. Tene).
 */
#ifndef STATS_HIST_H
#define STATS_HIST_H

#include <stdint.h>

enum { HIST_SUB_BITS = 5, HIST_BUCKETS = (64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS };

struct hist {
	uint64_t count, sum, min, max; /* min and max are meaningful when count > 0 */
	uint64_t bucket[HIST_BUCKETS];
};

static inline unsigned hist_index(uint64_t v)
{
	if (v < (1u << HIST_SUB_BITS)) return (unsigned)v;
	unsigned msb = 63 - (unsigned)__builtin_clzll(v), shift = msb - HIST_SUB_BITS;
	return ((shift + 1) << HIST_SUB_BITS) + (unsigned)((v >> shift) - (1u << HIST_SUB_BITS));
}

/* Adds one sample. A zeroed struct is an empty histogram. */
static inline void hist_add(struct hist *h, uint64_t v)
{
	if (!h->count || v < h->min) h->min = v;
	if (v > h->max) h->max = v;
	h->count++;
	h->sum += v;
	h->bucket[hist_index(v)]++;
}

/* Smallest value that falls into bucket `index`, and largest. */
uint64_t hist_bucket_low(unsigned index);
uint64_t hist_bucket_high(unsigned index);
/* The value at quantile q (0..1): the upper edge of its bucket, at most max; 0 when empty. */
uint64_t hist_quantile(const struct hist *h, double q);
void hist_merge(struct hist *into, const struct hist *from);

#endif
