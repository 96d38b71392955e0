/* vpe_table.c - see vpe_table.h. */
#include "base/bits.h"
#include "gic/vpe_table.h"

static uint64_t word_at(const struct physmem *mem, struct pa at, unsigned i)
{
	return physmem_read64(mem, (struct pa){at.raw + 8 * i});
}

void vpe_entry_read(struct vpe_entry *e, const struct physmem *mem, struct pa at, bool v41)
{
	uint64_t state = word_at(mem, at, 0), table = word_at(mem, at, 1);
	*e = (struct vpe_entry){
		.valid = bit_get(state, 63),
		.wanted = bit_get(state, 62),
		.group1 = bit_get(state, 61),
		.group0 = bit_get(state, 60),
		.redist = (unsigned)bits_get(state, 15, 0),
		.vpt.raw = bits_put(bits_get(table, 51, 16), 51, 16),
		.vpt_bits = (unsigned)bits_get(table, 4, 0) + 1,
		.doorbell = (uint32_t)bits_get(state, 39, 16),
	};
	if (!v41) return;
	uint64_t config = word_at(mem, at, 2), priority = word_at(mem, at, 3);
	e->vconf.raw = bits_put(bits_get(config, 51, 16), 51, 16);
	for (unsigned i = 0; i < VPE_SGIS; i++)
		e->sgi[i] = (uint8_t)(bits_get(priority, 4 * i + 3, 4 * i) << 4 | bit_get(config, i) << 1 |
				      bit_get(state, 40 + i));
}

void vpe_entry_write(const struct vpe_entry *e, struct physmem *mem, struct pa at, bool v41)
{
	uint64_t word[4] = {
		bits_put(e->valid, 63, 63) | bits_put(e->wanted, 62, 62) | bits_put(e->group1, 61, 61) |
			bits_put(e->group0, 60, 60) | bits_put(e->doorbell, 39, 16) |
			bits_put(e->redist, 15, 0),
		e->vpt.raw | bits_put(e->vpt_bits - 1, 4, 0),
		e->vconf.raw,
	};
	for (unsigned i = 0; i < VPE_SGIS; i++) {
		word[0] |= bits_put(e->sgi[i], 40 + i, 40 + i);
		word[2] |= bits_put(e->sgi[i] >> 1, i, i);
		word[3] |= bits_put(e->sgi[i] >> 4, 4 * i + 3, 4 * i);
	}
	for (unsigned i = 0; i < (v41 ? 4 : 2); i++)
		physmem_write64(mem, (struct pa){at.raw + 8 * i}, word[i]);
}
