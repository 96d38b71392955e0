/* find.c - the whole look-up of a TLB.
 *
 * Most look-ups that come here miss. So a set is asked first whether it has the signature of what is sought, by a few comparisons of many ways
 * at a time; only where it has are entries looked at.
 */
#include "base/lanes.h"
#include "tlb/array.h"

/* --- entries ----------------------------------------------------------------------------------------------------- */

/* What answers `va` in a set, among the ways whose signature is right: an entry, or a page of a line. */
static struct tlb_entry *find_in(const struct tlb *t, unsigned set, uint16_t sig, uint64_t va, tlb_tag_t tag)
{
	const uint16_t *row = t->sig + (size_t)set * t->sig_stride;
	struct tlb_entry *first = t->entry + (size_t)set * t->ways;
	for (unsigned way = 0; way < t->ways; way += 2 * LANES_U16) {
		unsigned found = t->narrow ? lanes_equal_u16(row, sig) : lanes_equal_2u16(row + way, sig);
		for (; found; found &= found - 1) {
			struct tlb_entry *e = first + way + __builtin_ctz(found);
			if (t->slot_bits) e = tlb_page_of(t, e, va);
			if (tlb_matches(e, va, tag)) return e;
		}
	}
	return NULL;
}

/* The same for pages of any of `sizes`. */
static struct tlb_entry *find_among(const struct tlb *t, uint64_t va, tlb_tag_t tag, uint64_t sizes)
{
	for (; sizes; sizes &= sizes - 1) {
		unsigned bits = (unsigned)__builtin_ctzll(sizes);
		uint64_t page = va >> bits;
		struct tlb_entry *e = find_in(t, tlb_set_of(t, page), tlb_signature(page, bits), va, tag);
		if (e) return e;
	}
	return NULL;
}

static __attribute__((noinline)) struct tlb_entry *use(struct tlb *t, uint64_t va, struct tlb_entry *e)
{
	tlb_touch_found(t, e);
	tlb_predict(t, va, e);
	return e;
}

static __attribute__((noinline)) struct tlb_entry *find_among_and_use(struct tlb *t, uint64_t va,
								      tlb_tag_t tag, uint64_t sizes)
{
	struct tlb_entry *e = find_among(t, va, tag, sizes);
	return e ? use(t, va, e) : NULL;
}

/* --- look-ups ---------------------------------------------------------------------------------------------------- */

/* Sets of few ways: the first with the right signature is most likely the one. */
static inline struct tlb_entry *find_narrow(struct tlb *t, uint64_t va, tlb_tag_t tag)
{
	for (uint64_t sizes = t->sizes_present; sizes; sizes &= sizes - 1) {
		unsigned bits = (unsigned)__builtin_ctzll(sizes);
		uint64_t page = va >> bits, set = page & t->set_mask;
		unsigned found = lanes_equal_u16(t->sig + set * LANES_U16, tlb_signature(page, bits));
		if (__builtin_expect(!found, 1)) continue;
		struct tlb_entry *e = &t->entry[set * t->ways + (unsigned)__builtin_ctz(found)];
		return tlb_matches(e, va, tag) ? use(t, va, e) : find_among_and_use(t, va, tag, sizes);
	}
	return NULL;
}

/* Sets of more ways, or of lines. */
static inline struct tlb_entry *find_wide(struct tlb *t, uint64_t va, tlb_tag_t tag)
{
	for (uint64_t sizes = t->sizes_present; sizes; sizes &= sizes - 1) {
		unsigned bits = (unsigned)__builtin_ctzll(sizes);
		uint64_t page = va >> bits, set = page & t->set_mask;
		if (lanes_any_u16(t->sig + set * t->sig_stride, t->sig_stride, tlb_signature(page, bits)))
			return find_among_and_use(t, va, tag, sizes);
	}
	return NULL;
}

struct tlb_entry *tlb_find(struct tlb *t, uint64_t va, tlb_tag_t tag)
{
	if (__builtin_expect(t->narrow, 1)) return find_narrow(t, va, tag);
	return t->folded ? find_among_and_use(t, va, tag, t->sizes_present) : find_wide(t, va, tag);
}

const struct tlb_entry *tlb_peek(struct tlb *t, uint64_t va, tlb_tag_t tag)
{
	return find_among(t, va, tag, t->sizes_present);
}
