/* fill.h - how a translation comes into a TLB, to be compiled into who fills.
 *
 *   tlb_fill_inline: tlb_fill() of tlb.h
 * In a full set of a plain TLB, the entry that goes is overwritten in its place where the new one has its size: no books change then. For all
 * else there are functions.
 */
#ifndef TLB_FILL_H
#define TLB_FILL_H

#include "base/bits.h"
#include "tlb/array.h"

#define TLB_INLINE static inline __attribute__((always_inline))

/* For tlb_fill_inline() alone: a fill of any TLB; and of one without lines, by a piece of 2^bits bytes. */
struct tlb_entry *tlb_fill_any(struct tlb *t, const struct tlb_fill *f);
struct tlb_entry *tlb_fill_piece(struct tlb *t, const struct tlb_fill *f, unsigned bits);

/* Writes the piece of 2^bits bytes that a fill brings. The order of the set, and the prediction, are the caller's. */
TLB_INLINE struct tlb_entry *tlb_write(struct tlb *t, const struct tlb_fill *f, unsigned bits, unsigned set,
				       unsigned way)
{
	uint64_t mask = UINT64_MAX << bits;
	struct tlb_entry *e = &t->entry[(size_t)set * t->ways + way];
	*e = f->like;
	e->set = set;
	e->way = (uint16_t)way;
	e->bits = (uint8_t)bits;
	e->va_mask = mask;
	e->va = f->va & mask;
	e->pa = f->pa & mask;
	t->sig[(size_t)set * t->sig_stride + way] = tlb_signature(f->va >> bits, bits);
	t->stats.fills++;
	return e;
}

/* Whether the entry that goes from a full set has 2^bits bytes. */
TLB_INLINE bool tlb_replaces_equal(const struct tlb *t, unsigned set, unsigned way, unsigned bits)
{
	return t->valid[set] == t->ways && t->entry[(size_t)set * t->ways + way].bits == bits;
}

TLB_INLINE struct tlb_entry *tlb_fill_inline(struct tlb *t, const struct tlb_fill *f)
{
	unsigned bits = t->params.contiguous ? f->run_bits : f->bits, way;
	if (__builtin_expect(!t->plain || !bit_get(t->sizes_held, bits), 0)) return tlb_fill_any(t, f);
	unsigned set = tlb_set_of(t, f->va >> bits);
	if (t->recency) {
		way = recency_nibbles_last(&t->recency[set], t->ways);
		if (!tlb_replaces_equal(t, set, way, bits)) return tlb_fill_piece(t, f, bits);
		recency_nibbles_turn(&t->recency[set], way);
	} else {
		uint64_t *touched = t->touched + (size_t)set * t->ways;
		if (!t->order || !tlb_order_knows(t->order, set, touched, &way) ||
		    !tlb_replaces_equal(t, set, way, bits))
			return tlb_fill_piece(t, f, bits);
		tlb_order_take(t->order, set, t->touches);
		touched[way] = ++t->touches;
		t->predict[tlb_slot(f->va)] = (uint32_t)(set * t->ways + way);
	}
	t->stats.evictions++;
	return tlb_write(t, f, bits, set, way);
}

#endif
