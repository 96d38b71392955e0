#include "stats/hist.h"

#include <assert.h>

enum { SUB_COUNT = 1 << HIST_SUB_BITS };

/* The inverse of hist_index: below 2 * SUB_COUNT a bucket holds one value; above, 2^shift of them. */
static unsigned bucket_shift(unsigned index) { return index < SUB_COUNT ? 0 : (index >> HIST_SUB_BITS) - 1; }

uint64_t hist_bucket_low(unsigned index)
{
	assert(index < HIST_BUCKETS);
	if (index < SUB_COUNT) return index;
	return (uint64_t)(SUB_COUNT + index % SUB_COUNT) << bucket_shift(index);
}

uint64_t hist_bucket_high(unsigned index)
{
	return hist_bucket_low(index) + ((UINT64_C(1) << bucket_shift(index)) - 1);
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	assert(q >= 0 && q <= 1);
	if (!h->count) return 0;
	double wanted = q * (double)h->count;
	uint64_t seen = 0;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (!h->bucket[i] || (double)seen < wanted) continue;
		uint64_t high = hist_bucket_high(i);
		return high < h->max ? high : h->max;
	}
	return h->max; /* rounding of `wanted` above 2^53 samples */
}

void hist_merge(struct hist *into, const struct hist *from)
{
	if (!from->count) return;
	if (!into->count || from->min < into->min) into->min = from->min;
	if (from->max > into->max) into->max = from->max;
	into->count += from->count;
	into->sum += from->sum;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) into->bucket[i] += from->bucket[i];
}
