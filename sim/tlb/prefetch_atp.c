/* Agile TLB prefetching: three prefetchers learn from each miss, and one or none of them prefetches. What each would have prefetched lately is
 * in a queue of its own, and whether misses are found there decides: enable counts misses that any queue had against those that none had,
 * stride counts those that only that of stride had against those that others had, masp those that masp's had against h2p's.
 * Neighbours on the descriptor lines come as far as sampling finds them worth it, as in the paper's ATP+SBFP.
 * UNSURE: which prefetcher is at which leaf; all counters begin in the middle, so that prefetching is tried at first.
 * Not modelled: neighbours in the queues of the three.
 */
#include "tlb/prefetch.h"

enum { ATP_STRIDE, ATP_H2P, ATP_MASP, ATP_CANDIDATES, QUEUE_PAGES = 16 };

static const struct prefetcher *const candidates[ATP_CANDIDATES] = {&prefetch_stride, &prefetch_h2p,
								    &prefetch_masp};

/* Counters of 8, 6 and 2 bits, as what they are above the middle: the top bit is set from 0 on. */
enum { ENABLE_MAX = 127, STRIDE_MAX = 31, MASP_MAX = 1 };

struct atp_queue { /* the latest pages, page + 1 each; 0: none */
	uint64_t page[QUEUE_PAGES], next;
};

struct atp_state {
	int64_t enable, stride, masp;
	struct atp_queue queue[ATP_CANDIDATES];
	uint64_t candidate[]; /* states of the three, one behind the other */
};

static size_t bytes_of(unsigned i, const struct prefetch_params *p)
{
	return candidates[i]->state_bytes ? candidates[i]->state_bytes(p) : 0;
}

static size_t atp_state_bytes(const struct prefetch_params *p)
{
	size_t bytes = sizeof(struct atp_state);
	for (unsigned i = 0; i < ATP_CANDIDATES; i++) bytes += bytes_of(i, p);
	return bytes;
}

static bool queue_has(const struct atp_queue *q, uint64_t page)
{
	for (unsigned i = 0; i < QUEUE_PAGES; i++)
		if (q->page[i] == page + 1) return true;
	return false;
}

static void queue_add(struct atp_queue *q, const struct prefetch_list *list)
{
	for (unsigned i = 0; i < list->count; i++) {
		q->page[q->next] = list->page[i] + 1;
		q->next = (q->next + 1) % QUEUE_PAGES;
	}
}

static void count(int64_t *counter, bool up, int64_t most)
{
	if (up && *counter < most) ++*counter;
	if (!up && *counter > -most - 1) --*counter;
}

/* What the miss says of the three. */
static void judge(struct atp_state *s, uint64_t page)
{
	bool had[ATP_CANDIDATES];
	for (unsigned i = 0; i < ATP_CANDIDATES; i++) had[i] = queue_has(&s->queue[i], page);
	bool others = had[ATP_H2P] || had[ATP_MASP];
	count(&s->enable, had[ATP_STRIDE] || others, ENABLE_MAX);
	if (had[ATP_STRIDE] != others) count(&s->stride, had[ATP_STRIDE], STRIDE_MAX);
	if (had[ATP_H2P] != had[ATP_MASP]) count(&s->masp, had[ATP_MASP], MASP_MAX);
}

static unsigned chosen(const struct atp_state *s)
{
	if (s->enable < 0) return ATP_CANDIDATES;
	if (s->stride >= 0) return ATP_STRIDE;
	return s->masp >= 0 ? ATP_MASP : ATP_H2P;
}

static void atp_miss(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
		     struct prefetch_list *out)
{
	struct atp_state *s = state;
	char *own = (char *)s->candidate;
	judge(s, m->page);
	for (unsigned i = 0; i < ATP_CANDIDATES; i++) {
		struct prefetch_list list = {.count = 0};
		candidates[i]->miss(own, p, m, &list);
		queue_add(&s->queue[i], &list);
		if (i == chosen(s)) *out = list;
		own += bytes_of(i, p);
	}
}

const struct prefetcher prefetch_atp = {
	.name = "atp",
	.source =
		"Vavouliotis et al., Exploiting Page Table Locality for Agile TLB Prefetching, ISCA 2021 (ATP+SBFP)",
	.neighbours = NEIGHBOURS_SAMPLED,
	.state_bytes = atp_state_bytes,
	.miss = atp_miss,
};
