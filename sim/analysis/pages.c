#include "analysis/pages.h"

#include <assert.h>

const char *const page_side_names[] = {"data", "instruction", "both", NULL};

void page_stream_flush(struct page_stream *s)
{
	if (s->held) s->sink(s->ctx, s->block, s->held);
	s->held = 0;
}

/* HALF_BIT tells the halves of the address space; bits above it are copies of it, or a tag. */
enum { HALF_BIT = 55, FIRST_ASID = 1 };
#define TAG_MASK (UINT64_MAX << (HALF_BIT + 1))

static inline uint64_t key_of(const struct page_stream *s, uint64_t page)
{
	uint64_t va = page << s->page_bits;
	bool upper = va >> (s->page_bits > HALF_BIT ? 63 : HALF_BIT) & 1;
	if (upper) return (va | TAG_MASK) >> s->page_bits | UINT64_C(1) << KEY_UPPER;
	return (va & ~TAG_MASK) >> s->page_bits | s->space;
}

static inline void pass(struct page_stream *s, uint64_t page)
{
	if (page + 1 == s->last) return;
	s->last = page + 1;
	s->block[s->held++] = key_of(s, page);
	if (s->held == PAGE_BLOCK) page_stream_flush(s);
}

/* From one page to another, which may be below it: a run may wrap at the top of the address space. */
static inline void pass_pages(struct page_stream *s, uint64_t page, uint64_t last)
{
	pass(s, page);
	while (page != last) {
		page = (page + 1) & (UINT64_MAX >> s->page_bits);
		pass(s, page);
	}
}

static inline void pass_run(struct page_stream *s, const struct record *r)
{
	if (!r->count) return;
	s->accesses += r->count;
	pass_pages(s, r->addr >> s->page_bits, (r->addr + UINT64_C(4) * r->count - 4) >> s->page_bits);
}

static __attribute__((noinline)) void pass_split(struct page_stream *s, const struct record *r)
{
	uint64_t pages = UINT64_MAX >> s->page_bits, first = r->addr >> s->page_bits,
		 last = (r->addr + r->count - 1) >> s->page_bits;
	s->accesses += ((last - first) & pages) + 1;
	pass_pages(s, first, last);
}

static inline void pass_data(struct page_stream *s, const struct record *r)
{
	if (__builtin_expect(s->split && r->count > 1, 0)) {
		pass_split(s, r);
		return;
	}
	s->accesses++;
	pass(s, r->addr >> s->page_bits);
}

/* The address space that a stream begins in is the first. */
static void enter_space(struct page_stream *s, uint64_t asid)
{
	if (!s->spaces.count) page_id(&s->spaces, FIRST_ASID);
	uint32_t space = page_id(&s->spaces, asid);
	s->overflows |= space >= KEY_SPACES_MAX;
	s->space = (uint64_t)(space % KEY_SPACES_MAX) << KEY_SPACE;
	s->last = 0;
}

/* What is no fetch, load or store. */
static __attribute__((noinline)) void add_other(struct page_stream *s, const struct record *r, bool data)
{
	switch (r->kind) {
	case REC_LDXR:
	case REC_STXR:
	case REC_ATOMIC:
		if (data) pass_data(s, r);
		return;
	case REC_SWITCH: enter_space(s, r->arg); return;
	default: return;
	}
}

static inline __attribute__((always_inline)) void add(struct page_stream *s, const struct record *r, size_t n,
						      bool data, bool instructions)
{
	for (size_t i = 0; i < n; i++) {
		if (r[i].kind == REC_FETCH) {
			if (instructions) pass_run(s, &r[i]);
		} else if (__builtin_expect(r[i].kind > REC_STORE, 0)) {
			add_other(s, &r[i], data);
		} else if (data) {
			pass_data(s, &r[i]);
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

void page_stream_restart(struct page_stream *s)
{
	page_stream_flush(s);
	s->accesses = 0;
}

void page_stream_fini(struct page_stream *s) { page_ids_free(&s->spaces); }
