/* its_table.c - see its_table.h. */
#include "base/bits.h"
#include "gic/its_table.h"

struct gic_table gic_table_of_baser(uint64_t baser, unsigned entry_bits)
{
	static const uint8_t page_bits[4] = {12, 14, 16, 16}; /* the reserved value means 64 KiB */
	struct gic_table t = {
		.valid = bit_get(baser, 63),
		.indirect = bit_get(baser, 62),
		.page_bits = page_bits[bits_get(baser, 9, 8)],
		.entry_bits = entry_bits,
		.pages = (unsigned)bits_get(baser, 7, 0) + 1,
	};
	uint64_t low = bits_align_down(bits_get(baser, 47, 0), t.page_bits);
	t.base.raw = low | (t.page_bits == 16 ? bits_put(bits_get(baser, 15, 12), 51, 48) : 0);
	return t;
}

struct gic_table gic_table_of_vpropbaser(uint64_t vpropbaser, unsigned entry_bits)
{
	static const uint8_t page_bits[4] = {12, 14, 16, 16};
	struct gic_table t = {
		.valid = bit_get(vpropbaser, 63),
		.indirect = bit_get(vpropbaser, 55),
		.page_bits = page_bits[bits_get(vpropbaser, 54, 53)],
		.entry_bits = entry_bits,
		.pages = (unsigned)bits_get(vpropbaser, 6, 0) + 1,
	};
	t.base.raw = bits_put(bits_get(vpropbaser, 51, 12), 51, 12);
	return t;
}

enum { LEVEL1_BITS = 3 }; /* 8 bytes per entry */

uint64_t gic_table_reach(const struct gic_table *t)
{
	uint64_t bytes = (uint64_t)t->pages << t->page_bits;
	if (!t->valid) return 0;
	if (!t->indirect) return bytes >> t->entry_bits;
	return (bytes >> LEVEL1_BITS) << (t->page_bits - t->entry_bits);
}

static struct pa in_memory(uint64_t raw) { return (struct pa){raw & bits_ones(PHYSMEM_PA_BITS)}; }

enum gic_found gic_table_find(const struct gic_table *t, const struct physmem *mem, uint64_t id,
			      struct pa *entry, struct pa *level1)
{
	level1->raw = UINT64_MAX;
	if (id >= gic_table_reach(t)) return GIC_OUT_OF_RANGE;
	if (!t->indirect) {
		*entry = in_memory(t->base.raw + (id << t->entry_bits));
		return GIC_FOUND;
	}
	unsigned per_page_bits = t->page_bits - t->entry_bits;
	*level1 = in_memory(t->base.raw + (id >> per_page_bits << LEVEL1_BITS));
	uint64_t word = physmem_read64(mem, *level1);
	if (!bit_get(word, 63)) return GIC_NO_LEVEL2;
	uint64_t page = bits_align_down(word & bits_ones(PHYSMEM_PA_BITS), t->page_bits);
	*entry = in_memory(page + ((id & bits_ones(per_page_bits)) << t->entry_bits));
	return GIC_FOUND;
}
