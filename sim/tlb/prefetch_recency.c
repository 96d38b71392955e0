/* Recency prefetching: pages that left the TLB form a stack in the order of leaving. Pages that are used
 * together leave together, so a miss on one prefetches its two neighbours on the stack, and takes it off. The
 * paper keeps the links in the page table; here they are in a table of `table_entries` rows, where a page may
 * push out another one's links.
 */
#include "tlb/prefetch.h"

struct recency_row {
	uint64_t page, up, down; /* page + 1 each; 0: none */
};

struct recency_state {
	uint64_t top; /* page + 1 */
	struct recency_row row[];
};

static size_t recency_state_bytes(const struct prefetch_params *p)
{
	return sizeof(struct recency_state) + p->table_entries * sizeof(struct recency_row);
}

/* The row of `page` + 1, or NULL where it has none. */
static struct recency_row *find(struct recency_state *s, const struct prefetch_params *p, uint64_t page)
{
	struct recency_row *row = &s->row[prefetch_row(page, p->table_entries)];
	return page && row->page == page ? row : NULL;
}

static void unlink_row(struct recency_state *s, const struct prefetch_params *p, struct recency_row *row)
{
	struct recency_row *up = find(s, p, row->up), *down = find(s, p, row->down);
	if (up) up->down = row->down;
	if (down) down->up = row->up;
	if (s->top == row->page) s->top = row->down;
	*row = (struct recency_row){0};
}

static void push(struct recency_state *s, const struct prefetch_params *p, uint64_t page)
{
	struct recency_row *row = &s->row[prefetch_row(page, p->table_entries)];
	if (row->page) unlink_row(s, p, row);
	struct recency_row *top = find(s, p, s->top);
	*row = (struct recency_row){.page = page, .down = top ? s->top : 0};
	if (top) top->up = page;
	s->top = page;
}

static void recency_miss(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
			 struct prefetch_list *out)
{
	struct recency_state *s = state;
	struct recency_row *row = find(s, p, m->page + 1);
	if (row) {
		if (row->up) prefetch_propose(out, row->up - 1);
		if (row->down) prefetch_propose(out, row->down - 1);
		unlink_row(s, p, row);
	}
	if (m->evicted != PREFETCH_NO_PAGE) push(s, p, m->evicted + 1);
}

const struct prefetcher prefetch_recency = {
	.name = "recency",
	.source = "Saulsbury, Dahlgren and Stenstrom, Recency-Based TLB Preloading, ISCA 2000",
	.state_bytes = recency_state_bytes,
	.miss = recency_miss,
};
