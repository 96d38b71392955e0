/* table_cluster.h - what hashed tables share: a cluster is one line of memory with 8 neighbouring pages of one size.
 *
 * The tag is spread over spare bits of the 8 descriptors, so that a cluster is no larger than they are.
 * Source: M. Talluri, M. Hill, Y. Khalidi, "A New Page Table for 64-bit Address Spaces", SOSP 1995 (clustered tables);
 * I. Yaniv, D. Tsafrir, "Hash, Don't Cache (the Page Table)", SIGMETRICS 2016 (tags in spare bits).
 */
#ifndef MMU_TABLE_CLUSTER_H
#define MMU_TABLE_CLUSTER_H

#include "mmu/page_table.h"

enum {
	CLUSTER_PAGES_BITS = 3,
	CLUSTER_PAGES = 1 << CLUSTER_PAGES_BITS,
	CLUSTER_LINE_BITS = 6,
	TABLE_SIZES = 4 /* of pages: the leaves of levels 3, 2, 1 and 0 */
};

/* Which pages a cluster is of. `number` is input >> (page bits + 3), + 1 so that 0 is no cluster. */
struct cluster_key {
	uint64_t number;
	tlb_tag_t tag;
};

struct cluster {
	struct cluster_key key;
	uint64_t out[CLUSTER_PAGES];
	uint8_t valid; /* bit i: page i is mapped */
};

static inline struct cluster_key cluster_key(uint64_t input, unsigned page_bits, tlb_tag_t tag)
{
	return (struct cluster_key){(input >> (page_bits + CLUSTER_PAGES_BITS)) + 1, tag};
}

static inline bool cluster_is(const struct cluster *c, struct cluster_key key)
{
	return c->key.number == key.number && c->key.tag == key.tag;
}

static inline unsigned cluster_page(uint64_t input, unsigned page_bits)
{
	return (unsigned)(input >> page_bits) & (CLUSTER_PAGES - 1);
}

/* The page around `input`, if the cluster is of it and has it. */
static inline bool cluster_find(const struct cluster *c, struct cluster_key key, uint64_t input,
				unsigned page_bits, struct mapping *out)
{
	unsigned page = cluster_page(input, page_bits);
	if (!cluster_is(c, key) || !bit_get(c->valid, page)) return false;
	*out = (struct mapping){input, c->out[page] | (input & bits_ones(page_bits)), (uint8_t)page_bits};
	return true;
}

static inline void cluster_set(struct cluster *c, uint64_t input, uint64_t out, unsigned page_bits)
{
	unsigned page = cluster_page(input, page_bits);
	c->out[page] = bits_align_down(out, page_bits);
	c->valid |= (uint8_t)(1u << page);
}

/* Takes out the pages that overlap [first, last]; returns how many. */
unsigned cluster_clear(struct cluster *c, uint64_t first, uint64_t last, unsigned page_bits);

/* A hash of `bits` bits, one of many: a murmur3 finalizer over number, tag and seed. */
static inline uint64_t cluster_hash(struct cluster_key key, uint64_t seed, unsigned bits)
{
	uint64_t x = key.number ^ key.tag * UINT64_C(0x9e3779b97f4a7c15) ^
		     seed * UINT64_C(0xd6e8feb86659fd93);
	x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (x ^ x >> 33) >> (64 - bits);
}

/* log2 of the page size `size`, 0 the smallest. */
static inline unsigned size_page_bits(const struct stage_info *s, unsigned size)
{
	return level_entry_bits(s->granule_bits, LAST_LEVEL - (int)size);
}

/* The largest size that 2^bits bytes hold a page of. */
static inline unsigned size_of_bits(const struct stage_info *s, unsigned bits)
{
	unsigned size = 0;
	while (size + 1 < TABLE_SIZES && size_page_bits(s, size + 1) <= bits) size++;
	return size;
}

#endif
