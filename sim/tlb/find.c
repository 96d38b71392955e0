/* find.c - the whole look-up of a TLB.
 *
 * Most look-ups that come here miss. So a set is asked only whether it has the signature of what is sought: by a few comparisons of many ways
 * at a time. Where it has, the entries themselves are compared.
 */
#include "base/lanes.h"
#include "tlb/array.h"

/* --- signatures -------------------------------------------------------------------------------------------------- */

typedef bool seen_in_fn(const struct tlb *t, unsigned set, uint16_t sig);

static inline bool seen_in_narrow(const struct tlb *t, unsigned set, uint16_t sig)
{
	return lanes_any_u16(t->sig + (size_t)set * LANES_U16, LANES_U16, sig);
}

static inline bool seen_in_wide(const struct tlb *t, unsigned set, uint16_t sig)
{
	return lanes_any_u16(t->sig + (size_t)set * t->sig_stride, t->sig_stride, sig);
}

/* The sizes that are present, from the first on in which `va` may be here. */
static inline __attribute__((always_inline)) uint64_t sizes_seen(const struct tlb *t, uint64_t va,
								 seen_in_fn *seen_in)
{
	uint64_t sizes = t->sizes_present;
	for (; sizes; sizes &= sizes - 1) {
		unsigned bits = (unsigned)__builtin_ctzll(sizes);
		uint64_t page = va >> bits;
		if (seen_in(t, (unsigned)page & t->set_mask, tlb_signature(page, bits))) break;
	}
	return sizes;
}

static inline uint64_t sizes_to_look_for(const struct tlb *t, uint64_t va)
{
	if (__builtin_expect(t->narrow, 1)) return sizes_seen(t, va, seen_in_narrow);
	return t->folded ? t->sizes_present : sizes_seen(t, va, seen_in_wide);
}

/* --- entries ----------------------------------------------------------------------------------------------------- */

/* What answers `va` in a set, among the ways whose signature is right: an entry, or a page of a line. */
static struct tlb_entry *find_in(const struct tlb *t, unsigned set, uint16_t sig, uint64_t va, tlb_tag_t tag)
{
	const uint16_t *row = t->sig + (size_t)set * t->sig_stride;
	struct tlb_entry *first = t->entry + (size_t)set * t->ways;
	for (unsigned way = 0; way < t->ways; way += LANES_U16) {
		for (unsigned found = lanes_equal_u16(row + way, sig); found; found &= found - 1) {
			struct tlb_entry *e = first + way + __builtin_ctz(found);
			if (t->slot_bits) e = tlb_page_of(t, e, va);
			if (tlb_matches(e, va, tag)) return e;
		}
	}
	return NULL;
}

static inline struct tlb_entry *find_among(const struct tlb *t, uint64_t va, tlb_tag_t tag, uint64_t sizes)
{
	for (; sizes; sizes &= sizes - 1) {
		unsigned bits = (unsigned)__builtin_ctzll(sizes);
		uint64_t page = va >> bits;
		struct tlb_entry *e = find_in(t, tlb_set_of(t, page), tlb_signature(page, bits), va, tag);
		if (e) return e;
	}
	return NULL;
}

static __attribute__((noinline)) struct tlb_entry *find_and_touch(struct tlb *t, uint64_t va, tlb_tag_t tag,
								  uint64_t sizes)
{
	struct tlb_entry *e = find_among(t, va, tag, sizes);
	if (!e) return NULL;
	tlb_touch_found(t, e);
	tlb_predict(t, va, e);
	return e;
}

struct tlb_entry *tlb_find(struct tlb *t, uint64_t va, tlb_tag_t tag)
{
	uint64_t sizes = sizes_to_look_for(t, va);
	return sizes ? find_and_touch(t, va, tag, sizes) : NULL;
}

const struct tlb_entry *tlb_peek(struct tlb *t, uint64_t va, tlb_tag_t tag)
{
	return find_among(t, va, tag, t->sizes_present);
}
