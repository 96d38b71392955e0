#include "mmu/neighbours.h"

#include "base/order.h"
enum { LINE_DESCRIPTOR_BITS = 3, LINE_BITS = LINE_DESCRIPTOR_BITS + DESC_BYTES_BITS };

/* The leaf of `input` beside the one that the walk of this stage ended at; false: not known. */
static bool leaf_beside(const struct mmu *m, const struct stage_info *s, const struct walk_end *end,
			uint64_t input, struct leaf *out)
{
	if (!end->known) return false;
	unsigned bits = end->leaf.bits;
	uint64_t away = (input ^ end->input) >> bits;
	*out = end->leaf;
	out->out = bits_align_down(end->leaf.out, bits) | (input & bits_ones(bits));
	if (!away) return true;
	if (!end->read || away >> LINE_DESCRIPTOR_BITS || !stage_in_range(s, input, ACCESS_READ))
		return false;
	struct walk_pos pos = end->pos;
	uint64_t slot = input >> bits & bits_ones(LINE_DESCRIPTOR_BITS);
	struct pa pa = {bits_align_down(end->pa.raw, LINE_BITS) | slot << DESC_BYTES_BITS};
	uint64_t desc = physmem_read64(m->memory, pa);
	if (walk_step(s, &pos, desc) != WALK_LEAF) return false;
	leaf_read(s, &pos, input, desc, out);
	return out->af;
}

static bool translate_beside(const struct mmu *m, struct va va, struct access a, struct translation *t)
{
	const struct stage_info *s1 = regime_stage1(&m->regime, va), *s2 = &m->regime.s2;
	struct leaf leaf1, leaf2;
	if (!leaf_beside(m, s1, &m->end[0], va.raw, &leaf1)) return false;
	if (s2->on && !leaf_beside(m, s2, &m->end[1], leaf1.out, &leaf2)) return false;
	t->va = va;
	translation_combine(&m->regime, &leaf1, s2->on ? &leaf2 : NULL, a, t);
	return true;
}

unsigned mmu_neighbours(const struct mmu *m, const struct translation *t, struct access a, cycles_t ready,
			struct tlb_entry *near)
{
	unsigned unit = (unsigned)u64_min(t->s1_bits, t->s2_bits), count = 0;
	if (unit + LINE_DESCRIPTOR_BITS > 48) return 0;
	uint64_t first = bits_align_down(t->va.raw, unit + LINE_DESCRIPTOR_BITS);
	for (uint64_t i = 0; i < 1 << LINE_DESCRIPTOR_BITS; i++) {
		struct va va = {first + (i << unit)};
		struct translation beside;
		if ((va.raw ^ t->va.raw) >> unit == 0 || !translate_beside(m, va, a, &beside)) continue;
		if (u64_min(beside.s1_bits, beside.s2_bits) < unit) continue;
		struct tlb_entry *e = &near[count++];
		*e = mmu_entry_of(m, &beside, ready);
		e->va = va.raw;
		e->va_mask = ~bits_ones(unit);
		e->pa = bits_align_down(beside.pa.raw, unit);
		e->bits = (uint8_t)unit;
	}
	return count;
}
