/* array.h - the sets and ways behind a TLB, for the files of this folder only. */
#ifndef TLB_ARRAY_H
#define TLB_ARRAY_H

#include "base/bits.h"
#include "tlb/tlb.h"

static inline unsigned tlb_set_of(const struct tlb *t, uint64_t page)
{
	if (__builtin_expect(!t->folded, 1)) return (unsigned)page & t->set_mask;
	if (t->params.index == TLB_INDEX_XOR) page ^= page >> t->set_bits;
	return (unsigned)(page % t->sets);
}

/* 16 bits that two entries rarely share; never 0. The ASID and VMID are left out: global ones match many. */
static inline uint16_t tlb_signature(uint64_t page, unsigned bits)
{
	uint64_t mixed = (page + bits) * UINT64_C(0x9e3779b97f4a7c15) >> 48;
	return (uint16_t)(mixed | 1);
}

static inline uint16_t *tlb_sig_of(struct tlb *t, const struct tlb_entry *e)
{
	return &t->sig[(size_t)e->set * t->sig_stride + e->way];
}

static inline size_t tlb_capacity(const struct tlb *t) { return (size_t)t->sets * t->ways; }

static inline void tlb_predict(struct tlb *t, uint64_t va, const struct tlb_entry *e)
{
	if (!t->recency) t->predict[tlb_slot(va)] = (uint32_t)(e - t->entry);
}

/* Notes a fill of an entry or a line, whose key the policy may look at. */
static inline void tlb_note_fill(struct tlb *t, const struct tlb_entry *e, uint64_t key)
{
	if (t->touched) {
		tlb_touch(t, e);
		return;
	}
	if (t->state.shared) t->state.shared->key = key;
	t->policy->fill(tlb_state_of(t, e->set), t->ways, e->way);
}

/* Empties the place of an entry or page. No request's tag has bit 63. */
static inline void tlb_make_invalid(struct tlb_entry *e)
{
	*e = (struct tlb_entry){
		.tag = UINT64_C(1) << 63, .tag_mask = UINT64_C(1) << 63, .set = e->set, .way = e->way};
}

/* Only where the TLB counts evictors: an entry or line gives way to what is filled next; what `m` takes would be missing in any case. */
void tlb_note_evicted(struct tlb *t, const struct tlb_entry *e);
void tlb_forget_evicted(struct tlb *t, const struct tlb_match *m);
/* A fill has brought an entry, or a line with its pages; only where the TLB counts evictors. */
void tlb_note_brought(struct tlb *t, const struct tlb_entry *e);
/* An invalid line of `set`: a free way, or the victim's, which is evicted. */
struct tlb_entry *tlb_choose(struct tlb *t, unsigned set);
/* Counts `e`, whose place, address and size are known, as valid. */
void tlb_add(struct tlb *t, struct tlb_entry *e);
/* Makes an entry, or a line whose pages are gone, invalid. */
void tlb_remove(struct tlb *t, struct tlb_entry *e);

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* Pages of line `line`, slot by slot. */
static inline struct tlb_entry *tlb_pages(const struct tlb *t, const struct tlb_entry *line)
{
	return t->entry + tlb_capacity(t) + ((size_t)(line - t->entry) << t->slot_bits);
}

/* The page of `line` that va would be; it may be invalid. */
static inline struct tlb_entry *tlb_page_of(const struct tlb *t, const struct tlb_entry *line, uint64_t va)
{
	return tlb_pages(t, line) + (va >> (line->bits - t->slot_bits) & bits_ones(t->slot_bits));
}

/* The line that a page, or a line itself, is of. */
static inline struct tlb_entry *tlb_line_of(const struct tlb *t, const struct tlb_entry *e)
{
	return &t->entry[(size_t)e->set * t->ways + e->way];
}

/* As the functions of tlb.h, for TLBs that coalesce. `unit_bits` is the size of a page of the line. */
struct tlb_entry *lines_fill(struct tlb *t, const struct tlb_fill *f, unsigned unit_bits);
void lines_drop(struct tlb *t, struct tlb_entry *e);
void lines_check(const struct tlb *t, const struct tlb_entry *line);

#endif
