#include "trace/summary.h"

#include <stdlib.h>

#include "base/alloc.h"

/* -- A set of page numbers -- */

enum { PAGE_CODE = 1, PAGE_DATA = 2, PAGE_BITS = 12 };

struct page_slot {
	uint64_t page; /* shifted left by two, with PAGE_CODE and PAGE_DATA below; 0: free */
};

struct page_set {
	struct page_slot *slot;
	uint64_t slots, used; /* a power of two; at most half are used */
};

static struct page_slot *find_page(const struct page_set *set, uint64_t page)
{
	uint64_t at = page * UINT64_C(0x9e3779b97f4a7c15) >> 20;
	while (set->slot[at & (set->slots - 1)].page && set->slot[at & (set->slots - 1)].page >> 2 != page)
		at++;
	return &set->slot[at & (set->slots - 1)];
}

static void grow(struct page_set *set)
{
	struct page_set bigger = {.slots = set->slots ? set->slots * 2 : 1024, .used = set->used};
	bigger.slot = xcalloc(bigger.slots, sizeof(*bigger.slot));
	for (uint64_t i = 0; i < set->slots; i++)
		if (set->slot[i].page) *find_page(&bigger, set->slot[i].page >> 2) = set->slot[i];
	free(set->slot);
	*set = bigger;
}

static void touch(struct page_set *set, uint64_t page, unsigned use)
{
	if (set->used * 2 >= set->slots) grow(set);
	struct page_slot *slot = find_page(set, page);
	set->used += !slot->page;
	slot->page |= page << 2 | use;
}

static void count_pages(const struct page_set *set, struct trace_summary *out)
{
	for (uint64_t i = 0; i < set->slots; i++) {
		out->code_pages += (set->slot[i].page & PAGE_CODE) != 0;
		out->data_pages += (set->slot[i].page & PAGE_DATA) != 0;
	}
	out->all_pages = set->used;
}

/* -- Adding up -- */

/* The last page of each use; most records touch it again. */
struct recent {
	uint64_t code, data;
};

static void add_run(struct page_set *set, struct recent *recent, const struct record *r)
{
	uint64_t first = r->addr >> PAGE_BITS, last = (r->addr + UINT64_C(4) * r->count - 4) >> PAGE_BITS;
	uint64_t pages = (last - first) & (UINT64_MAX >> PAGE_BITS); /* a run may wrap at the top */
	if (!r->count || (!pages && first == recent->code)) return;
	for (uint64_t i = 0; i <= pages; i++) touch(set, (first + i) & (UINT64_MAX >> PAGE_BITS), PAGE_CODE);
	recent->code = last;
}

static void add_data(struct page_set *set, struct recent *recent, const struct record *r)
{
	uint64_t page = r->addr >> PAGE_BITS;
	if (page == recent->data) return;
	touch(set, page, PAGE_DATA);
	recent->data = page;
}

static void add_record(struct page_set *set, struct recent *recent, const struct record *r,
		       struct trace_summary *out)
{
	out->by_kind[r->kind]++;
	out->instructions += record_instructions(r);
	if (r->kind == REC_FETCH) {
		out->fetches += r->count;
		add_run(set, recent, r);
	} else if (r->kind == REC_LOAD || r->kind == REC_STORE) {
		add_data(set, recent, r);
	}
}

enum status trace_summarize(struct trace_source *src, struct trace_summary *out, struct err *err)
{
	struct record *batch = xcalloc(TRACE_BATCH, sizeof(*batch));
	struct page_set set = {0};
	struct recent recent = {UINT64_MAX, UINT64_MAX};
	enum status st;
	size_t n;
	*out = (struct trace_summary){0};
	while ((st = trace_next(src, batch, TRACE_BATCH, &n, err)) == OK && n) {
		for (size_t i = 0; i < n; i++) add_record(&set, &recent, &batch[i], out);
		out->records += n;
	}
	out->loads = out->by_kind[REC_LOAD];
	out->stores = out->by_kind[REC_STORE];
	count_pages(&set, out);
	free(set.slot);
	free(batch);
	return st;
}
