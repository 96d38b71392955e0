/* Distance prefetching: a Markov table over distances between misses in a row. A row belongs to a distance
 * and holds the `degree` distances that followed it last, the latest first; they are added to the page that
 * missed.
 */
#include "tlb/prefetch.h"

enum { FOLLOWERS_MAX = 8 };

struct distance_row {
	int64_t distance, next[FOLLOWERS_MAX];
	uint64_t used; /* followers known; 0: the row is empty */
};

struct distance_state {
	uint64_t page;
	int64_t distance;
	uint64_t misses;
	struct distance_row row[];
};

static size_t distance_state_bytes(const struct prefetch_params *p)
{
	return sizeof(struct distance_state) + p->table_entries * sizeof(struct distance_row);
}

/* Puts `next` first among the followers of the row; it leaves its old place, or the last one goes. */
static void remember(struct distance_row *row, int64_t distance, int64_t next, uint64_t degree)
{
	if (!row->used || row->distance != distance) *row = (struct distance_row){.distance = distance};
	uint64_t at = 0;
	while (at < row->used && row->next[at] != next) at++;
	if (at == row->used && row->used < degree) row->used++;
	if (at == degree) at--;
	for (; at > 0; at--) row->next[at] = row->next[at - 1];
	row->next[0] = next;
}

static void distance_miss(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
			  struct prefetch_list *out)
{
	struct distance_state *s = state;
	int64_t now = (int64_t)(m->page - s->page);
	const struct distance_row *row = &s->row[prefetch_row((uint64_t)now, p->table_entries)];
	if (s->misses >= 1 && row->used && row->distance == now)
		for (uint64_t i = 0; i < row->used; i++)
			if (row->next[i]) prefetch_propose(out, m->page + (uint64_t)row->next[i]);
	if (s->misses >= 2)
		remember(&s->row[prefetch_row((uint64_t)s->distance, p->table_entries)], s->distance, now,
			 p->degree);
	s->distance = now;
	s->page = m->page;
	s->misses++;
}

const struct prefetcher prefetch_distance = {
	.name = "distance",
	.source =
		"Kandiraju and Sivasubramaniam, Going the Distance for TLB Prefetching: An Application-Driven Study, ISCA 2002 "
		"(DP)",
	.state_bytes = distance_state_bytes,
	.miss = distance_miss,
};
