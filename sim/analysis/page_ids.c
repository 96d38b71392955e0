#include "analysis/page_ids.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

static size_t slot_of(const struct page_ids *ids, uint64_t page)
{
	size_t at = (page * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (ids->slots - 1);
	while (ids->page[at] && ids->page[at] != page + 1) at = (at + 1) & (ids->slots - 1);
	return at;
}

static void grow(struct page_ids *ids)
{
	struct page_ids bigger = *ids;
	bigger.slots = ids->slots ? 2 * ids->slots : 1024;
	bigger.page = xcalloc(bigger.slots, sizeof(*bigger.page));
	bigger.id = xcalloc(bigger.slots, sizeof(*bigger.id));
	for (size_t i = 0; i < ids->slots; i++) {
		if (!ids->page[i]) continue;
		size_t at = slot_of(&bigger, ids->page[i] - 1);
		bigger.page[at] = ids->page[i];
		bigger.id[at] = ids->id[i];
	}
	page_ids_free(ids);
	*ids = bigger;
}

static uint32_t add(struct page_ids *ids, size_t at, uint64_t page)
{
	if (ids->count >= UINT32_MAX - 1) {
		fprintf(stderr, "strata: more than 2^32 - 2 pages\n");
		exit(3);
	}
	ids->page[at] = page + 1;
	ids->id[at] = (uint32_t)ids->count++;
	return ids->id[at];
}

uint32_t page_id(struct page_ids *ids, uint64_t page)
{
	if (page + 1 == ids->last_page_plus) return ids->last_id;
	if (2 * ids->count >= ids->slots) grow(ids);
	size_t at = slot_of(ids, page);
	ids->last_id = ids->page[at] ? ids->id[at] : add(ids, at, page);
	ids->last_page_plus = page + 1;
	return ids->last_id;
}

void page_ids_free(struct page_ids *ids)
{
	free(ids->page);
	free(ids->id);
}
