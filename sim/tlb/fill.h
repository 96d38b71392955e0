/* fill.h - how a translation comes into a TLB, to be compiled into who fills.
 *
 *   tlb_fill_inline: tlb_fill() of tlb.h      tlb_prefetch_set, tlb_prefetch_place: what a miss and its fill will touch
 * Where all entries are valid and of the new one's size, the one that goes is overwritten in its place: no books change then. For all else
 * there is a function.
 */
#ifndef TLB_FILL_H
#define TLB_FILL_H

#include <stddef.h>
#include <string.h>

#include "base/bits.h"
#include "tlb/array.h"

#define TLB_INLINE static inline __attribute__((always_inline))

/* For tlb_fill_inline() alone: a fill of any TLB. */
struct tlb_entry *tlb_fill_any(struct tlb *t, const struct tlb_fill *f);

/* All from here on is what an entry is, apart from address, owner and time. */
enum { TRAITS = offsetof(struct tlb_entry, perm) };

/* Writes the piece of 2^bits bytes that a fill brings. The order of the set, and the prediction, are the caller's. Word by
 * word: some have just been written, and the host would have to wait for them if it read two at once. */
TLB_INLINE struct tlb_entry *tlb_write(struct tlb *t, const struct tlb_fill *f, unsigned bits, unsigned set,
				       unsigned way)
{
	uint64_t mask = UINT64_MAX << bits;
	struct tlb_entry *e = &t->entry[(size_t)set * t->ways + way];
	e->va = f->va & mask;
	e->va_mask = mask;
	e->tag = f->like.tag;
	e->tag_mask = f->like.tag_mask;
	e->pa = f->pa & mask;
	e->ready = f->like.ready;
	memcpy((char *)e + TRAITS, (const char *)&f->like + TRAITS, sizeof(*e) - TRAITS);
	e->set = set;
	e->way = (uint16_t)way;
	e->bits = (uint8_t)bits;
	t->sig[(size_t)set * t->sig_stride + way] = tlb_signature(f->va >> bits, bits);
	t->stats.fills++;
	return e;
}

TLB_INLINE struct tlb_entry *tlb_fill_inline(struct tlb *t, const struct tlb_fill *f)
{
	unsigned bits = t->params.contiguous ? f->run_bits : f->bits, way;
	if (__builtin_expect(bits != t->full_of, 0)) return tlb_fill_any(t, f);
	unsigned set = (unsigned)(f->va >> bits) & t->set_mask;
	if (t->recency) {
		way = recency_nibbles_last(&t->recency[set], t->ways);
		recency_nibbles_turn(&t->recency[set], way);
	} else if (t->order) {
		uint64_t *touched = t->touched + (size_t)set * t->ways;
		if (!tlb_order_knows(t->order, set, touched, &way)) return tlb_fill_any(t, f);
		tlb_order_take(t->order, set, t->touches);
		touched[way] = ++t->touches;
		t->predict[tlb_slot(f->va)] = (uint32_t)(set * t->ways + way);
	} else {
		return tlb_fill_any(t, f);
	}
	t->stats.evictions++;
	return tlb_write(t, f, bits, set, way);
}

/* --- what the host can fetch beforehand --------------------------------------------------------------------------- */

/* What a look-up of `va` reads first, where all entries are of one size. */
TLB_INLINE void tlb_prefetch_set(const struct tlb *t, uint64_t va)
{
	if (!t->full_of) return;
	size_t set = (va >> t->full_of) & t->set_mask;
	__builtin_prefetch(t->sig + set * t->sig_stride, 1);
	if (t->recency) __builtin_prefetch(&t->recency[set], 1);
}

/* Then the entry that a fill of `va` would write, which is returned; 0: it is not known. */
TLB_INLINE size_t tlb_prefetch_place(const struct tlb *t, uint64_t va)
{
	if (!t->full_of) return 0;
	unsigned way, set = (unsigned)(va >> t->full_of) & t->set_mask;
	if (t->recency)
		way = recency_nibbles_last(&t->recency[set], t->ways);
	else if (!t->order || !tlb_order_knows(t->order, set, t->touched + (size_t)set * t->ways, &way))
		return 0;
	size_t at = (size_t)set * t->ways + way;
	__builtin_prefetch(&t->entry[at], 1);
	return at;
}

#endif
