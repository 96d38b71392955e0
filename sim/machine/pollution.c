#include "machine/pollution.h"

#include <stdlib.h>

#include "base/alloc.h"

static int compare_ranges(const void *a, const void *b)
{
	uint64_t x = ((const struct held_range *)a)->first, y = ((const struct held_range *)b)->first;
	return (x > y) - (x < y);
}

static void add(struct pollution *p, const struct tlb_entry *e)
{
	if (p->count == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->range = xrealloc(p->range, p->room, sizeof(*p->range));
	}
	p->range[p->count++] = (struct held_range){e->va, e->va | ~e->va_mask, false};
}

static void add_all(struct pollution *p, const struct tlb *t, tlb_tag_t tag)
{
	for (size_t i = 0; i < (size_t)t->sets * t->ways; i++) {
		const struct tlb_entry *e = &t->entry[i];
		if (e->bits && e->tag_mask == TLB_TAG_ALL && e->tag == tag) add(p, e);
	}
}

void pollution_leave(struct pollution *p, struct mmu *m, tlb_tag_t tag)
{
	struct tlb *fetch = m->level[0][m->levels[0] - 1], *data = m->level[1][m->levels[1] - 1];
	p->count = 0;
	add_all(p, data, tag);
	if (fetch != data) add_all(p, fetch, tag);
	if (p->count) qsort(p->range, p->count, sizeof(*p->range), compare_ranges);
}

bool pollution_walk(struct pollution *p, uint64_t va)
{
	size_t low = 0, high = p->count;
	while (low < high) { /* the first range that begins behind va */
		size_t middle = (low + high) / 2;
		if (p->range[middle].first <= va)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || va > p->range[low - 1].last || p->range[low - 1].taken) return false;
	return p->range[low - 1].taken = true;
}

void pollution_fini(struct pollution *p) { free(p->range); }
