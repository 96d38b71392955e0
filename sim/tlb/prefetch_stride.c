/* Fixed strides around the miss: pages -2, -1, +1, +2. Takes streams in both directions and misses none that
 * skip a page, at four prefetches for each miss.
 */
#include "tlb/prefetch.h"

static void stride_miss(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
			struct prefetch_list *out)
{
	(void)state, (void)p;
	static const int8_t strides[] = {1, -1, 2, -2};
	for (unsigned i = 0; i < 4; i++) prefetch_propose(out, m->page + (uint64_t)(int64_t)strides[i]);
}

const struct prefetcher prefetch_stride = {
	.name = "stride",
	.source =
		"Vavouliotis et al., Exploiting Page Table Locality for Agile TLB Prefetching, ISCA 2021 (STP)",
	.miss = stride_miss,
};
