/* fill.h - how a translation comes into a TLB without lines, to be compiled into who fills.
 *
 *   tlb_fill_inline: tlb_fill() of tlb.h
 * In a full set the entry of the way that goes is overwritten in its place; the books of free ways and of sizes change only where the new one
 * differs in that.
 */
#ifndef TLB_FILL_H
#define TLB_FILL_H

#include "base/bits.h"
#include "tlb/array.h"

#define TLB_INLINE static inline __attribute__((always_inline))

/* For tlb_fill_inline() alone. A free way of `set`, which is one no more; another size in the place of a full set; any policy's victim; a fill of a
 * TLB that is not plain. */
unsigned tlb_use_free_way(struct tlb *t, unsigned set, unsigned bits);
void tlb_count_other_size(struct tlb *t, unsigned from, unsigned to);
unsigned tlb_victim_way(struct tlb *t, unsigned set);
struct tlb_entry *tlb_fill_noted(struct tlb *t, const struct tlb_fill *f);

/* The way of a full set that goes. Under `recency` it is the most recent from now on. */
TLB_INLINE unsigned tlb_way_that_goes(struct tlb *t, unsigned set)
{
	if (t->recency) return recency_nibbles_turn(&t->recency[set], t->ways);
	if (t->order && tlb_order_pays(t->order, t->touches))
		return tlb_order_oldest(t->order, set, t->touched + (size_t)set * t->ways, t->touches);
	return tlb_victim_way(t, set);
}

typedef void tlb_gone_fn(struct tlb *t, const struct tlb_entry *e);

/* A way of `set` for an entry of 2^bits bytes; what is there is shown to `gone`. */
TLB_INLINE unsigned tlb_make_place(struct tlb *t, unsigned set, unsigned bits, tlb_gone_fn *gone)
{
	if (__builtin_expect(t->valid[set] < t->ways, 0)) return tlb_use_free_way(t, set, bits);
	unsigned way = tlb_way_that_goes(t, set);
	const struct tlb_entry *e = &t->entry[(size_t)set * t->ways + way];
	t->stats.evictions++;
	if (gone) gone(t, e);
	if (__builtin_expect(e->bits != bits, 0)) tlb_count_other_size(t, e->bits, bits);
	return way;
}

/* Writes the piece of 2^bits bytes that a fill brings. */
TLB_INLINE struct tlb_entry *tlb_put(struct tlb *t, const struct tlb_fill *f, unsigned bits,
				     tlb_gone_fn *gone)
{
	uint64_t page = f->va >> bits, mask = UINT64_MAX << bits;
	unsigned set = tlb_set_of(t, page), way = tlb_make_place(t, set, bits, gone);
	size_t index = (size_t)set * t->ways + way;
	struct tlb_entry *e = &t->entry[index];
	*e = f->like;
	e->set = set;
	e->way = (uint16_t)way;
	e->bits = (uint8_t)bits;
	e->va_mask = mask;
	e->va = f->va & mask;
	e->pa = f->pa & mask;
	t->sig[(size_t)set * t->sig_stride + way] = tlb_signature(page, bits);
	t->stats.fills++;
	if (t->touched)
		t->touched[index] = ++t->touches;
	else if (!t->recency)
		tlb_note_fill(t, e, page);
	t->predict[tlb_slot(f->va)] = (uint32_t)index;
	return e;
}

TLB_INLINE struct tlb_entry *tlb_fill_inline(struct tlb *t, const struct tlb_fill *f)
{
	unsigned bits = t->params.contiguous ? f->run_bits : f->bits;
	bool usual = t->plain && bit_get(t->sizes_held, bits);
	return __builtin_expect(usual, 1) ? tlb_put(t, f, bits, NULL) : tlb_fill_noted(t, f);
}

#endif
