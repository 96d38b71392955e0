/* Sampling-based free prefetching alone: no page is walked for; neighbours on the descriptor lines come to the buffer as far as
 * those at their distance were worth it lately (tlb/free_pages.h).
 */
#include "tlb/prefetch.h"

static void sbfp_miss(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
		      struct prefetch_list *out)
{
	(void)state, (void)p, (void)m, (void)out;
}

const struct prefetcher prefetch_sbfp = {
	.name = "sbfp",
	.source =
		"Vavouliotis et al., Exploiting Page Table Locality for Agile TLB Prefetching, ISCA 2021 (SBFP)",
	.neighbours = NEIGHBOURS_SAMPLED,
	.miss = sbfp_miss,
};
