#include "analysis/pages.h"

#include <assert.h>

const char *const page_side_names[] = {"data", "instruction", "both", NULL};

void page_stream_flush(struct page_stream *s)
{
	if (s->held) s->sink(s->ctx, s->block, s->held);
	s->held = 0;
}

static inline void pass(struct page_stream *s, uint64_t page)
{
	if (page + 1 == s->last) return;
	s->last = page + 1;
	s->block[s->held++] = page;
	if (s->held == PAGE_BLOCK) page_stream_flush(s);
}

/* A run of instructions may cross pages, and wrap at the top of the address space. */
static inline void pass_run(struct page_stream *s, const struct record *r)
{
	if (!r->count) return;
	uint64_t page = r->addr >> s->page_bits;
	uint64_t last = (r->addr + UINT64_C(4) * r->count - 4) >> s->page_bits;
	s->accesses += r->count;
	pass(s, page);
	while (page != last) {
		page = (page + 1) & (UINT64_MAX >> s->page_bits);
		pass(s, page);
	}
}

static inline __attribute__((always_inline)) void add(struct page_stream *s, const struct record *r, size_t n,
						      bool data, bool instructions)
{
	for (size_t i = 0; i < n; i++) {
		if (r[i].kind == REC_FETCH) {
			if (instructions) pass_run(s, &r[i]);
		} else if (data && r[i].kind <= REC_STORE) {
			s->accesses++;
			pass(s, r[i].addr >> s->page_bits);
		}
	}
}

void page_stream_add(struct page_stream *s, const struct record *r, size_t n)
{
	switch (s->side) {
	case PAGES_DATA: add(s, r, n, true, false); return;
	case PAGES_INSTRUCTION: add(s, r, n, false, true); return;
	case PAGES_BOTH: add(s, r, n, true, true); return;
	default: assert(!"a side");
	}
}
