/* Free prefetching: the walk has read whole lines of descriptors, and the neighbours on them cost nothing
 * more. All of them go to the buffer; prefetch_sbfp.c learns which of them are worth their place.
 */
#include "tlb/prefetch.h"

static void free_pte_miss(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
			  struct prefetch_list *out)
{
	(void)state, (void)p, (void)m, (void)out;
}

const struct prefetcher prefetch_free_pte = {
	.name = "free_pte",
	.source =
		"Vavouliotis et al., Exploiting Page Table Locality for Agile TLB Prefetching, ISCA 2021 (NaiveFP)",
	.neighbours = NEIGHBOURS_ALL,
	.miss = free_pte_miss,
};
