/* Sequential prefetching: the `degree` pages behind the one that missed. */
#include "tlb/prefetch.h"

static void next_page_miss(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
			   struct prefetch_list *out)
{
	(void)state;
	for (uint64_t i = 1; i <= p->degree; i++) prefetch_propose(out, m->page + i);
}

const struct prefetcher prefetch_next_page = {
	.name = "next_page",
	.source =
		"Smith, Cache Memories, ACM Computing Surveys 14(3), 1982 (one block lookahead); for TLBs: Kandiraju and "
		"Sivasubramaniam, Going the Distance for TLB Prefetching, ISCA 2002 (SP)",
	.miss = next_page_miss,
};
