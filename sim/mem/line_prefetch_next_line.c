/* Tagged sequential prefetching: the `degree` lines behind one that missed, and behind one that was brought so when it is first used. */
#include "mem/line_prefetch.h"

static void next_line_train(void *state, const struct line_prefetch_params *p,
			    const struct line_prefetch_use *u, struct line_prefetch_list *out)
{
	(void)state;
	if (!line_prefetch_would_miss(u)) return;
	for (uint64_t i = 1; i <= line_prefetch_or(p->degree, 1); i++)
		line_prefetch_propose(out, u, u->line + i);
}

const struct line_prefetcher line_prefetch_next_line = {
	.name = "next_line",
	.source = "Smith, Cache Memories, ACM Computing Surveys 14(3), 1982 (tagged prefetch)",
	.train = next_line_train,
};
