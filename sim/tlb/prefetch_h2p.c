/* History of two distances: after misses on A, B and C the next may be as far from C as C is from B, or as B is from A. */
#include "tlb/prefetch.h"

struct h2p_state {
	uint64_t page, misses;
	int64_t distance; /* to it, from the one before */
};

static size_t h2p_state_bytes(const struct prefetch_params *p)
{
	(void)p;
	return sizeof(struct h2p_state);
}

static void h2p_miss(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
		     struct prefetch_list *out)
{
	struct h2p_state *s = state;
	int64_t now = (int64_t)(m->page - s->page);
	(void)p;
	if (s->misses >= 1 && now) prefetch_propose(out, m->page + (uint64_t)now);
	if (s->misses >= 2 && s->distance && s->distance != now)
		prefetch_propose(out, m->page + (uint64_t)s->distance);
	s->distance = now;
	s->page = m->page;
	s->misses++;
}

const struct prefetcher prefetch_h2p = {
	.name = "h2p",
	.source =
		"Vavouliotis et al., Exploiting Page Table Locality for Agile TLB Prefetching, ISCA 2021 (H2P)",
	.state_bytes = h2p_state_bytes,
	.miss = h2p_miss,
};
