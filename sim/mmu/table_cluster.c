#include "mmu/table_cluster.h"

unsigned cluster_clear(struct cluster *c, uint64_t first, uint64_t last, unsigned page_bits)
{
	uint64_t from = (c->key.number - 1) << (page_bits + CLUSTER_PAGES_BITS);
	unsigned cleared = 0;
	for (unsigned i = 0; c->valid && i < CLUSTER_PAGES; i++) {
		uint64_t page = from + ((uint64_t)i << page_bits);
		if (!bit_get(c->valid, i) || page > last || first > (page | bits_ones(page_bits))) continue;
		c->valid &= (uint8_t) ~(1u << i);
		cleared++;
	}
	return cleared;
}
