/* Sequential prefetching on misses: the `degree` lines behind one that missed; of a sequence every second line misses. */
#include "mem/line_prefetch.h"

static void next_line_on_miss_train(void *state, const struct line_prefetch_params *p,
				    const struct line_prefetch_use *u, struct line_prefetch_list *out)
{
	(void)state;
	if (u->hit) return;
	for (uint64_t i = 1; i <= line_prefetch_or(p->degree, 1); i++)
		line_prefetch_propose(out, u, u->line + i);
}

const struct line_prefetcher line_prefetch_next_line_on_miss = {
	.name = "next_line_on_miss",
	.source =
		"Smith, Cache Memories, ACM Computing Surveys 14(3), 1982 (prefetch on misses); DynamoRIO drcachesim, prefetcher.cpp "
		"(nextline)",
	.train = next_line_on_miss_train,
};
