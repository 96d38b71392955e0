/* tlb_params.h - what a machine file says of one TLB. */
#ifndef TLB_TLB_PARAMS_H
#define TLB_TLB_PARAMS_H

#include "mem/topology.h"

enum side { SIDE_INSTRUCTION, SIDE_DATA, SIDE_UNIFIED };
extern const char *const side_names[];

enum tlb_index { TLB_INDEX_LOW, TLB_INDEX_XOR };

/* How pages that are neighbours share an entry. name, config name, meaning */
#define TLB_COALESCE(X) \
	X(NONE, none, "each translation has an entry of its own") \
	X(COLT, colt, "neighbours whose addresses continue, with equal attributes, are one entry") \
	X(PARTIAL, partial_subblock, \
	  "one tag and frame for an aligned group; pages that lie in place have a valid bit") \
	X(COMPLETE, complete_subblock, \
	  "one tag for an aligned group; each page has its own frame and attributes")

enum tlb_coalesce {
#define X(id, name, doc) TLB_##id,
	TLB_COALESCE(X)
#undef X
		TLB_COALESCE_COUNT
};

/* Towards the levels nearer to the core; mmu/levels.h. */
enum tlb_inclusion { TLB_NINE, TLB_INCLUSIVE, TLB_EXCLUSIVE };

/* Translation sizes that exist in VMSAv8-64: pages, contiguous runs and blocks of the three granules. */
#define TLB_SIZES(X) \
	X(4K, 12) \
	X(16K, 14) \
	X(64K, 16) X(2M, 21) X(32M, 25) X(512M, 29) X(1G, 30) X(64G, 36) X(512G, 39) X(4T, 42) X(16T, 44)

enum {
	TLB_SIZE_COUNT = 0
#define X(name, bits) +1
	TLB_SIZES(X)
#undef X
};
extern const char *const tlb_size_names[];
extern const uint8_t tlb_size_bits[];

struct tlb_params {
	uint64_t hit_cycles, contiguous; /* what a look-up and a fill ask, beside what they count (tlb.h) */
	uint64_t coalesce, coalesce_pages, inclusion;
	const char *
		name; /* "l1d": counters are under cpu<n>.<name>_tlb, shared ones under die<n>.<name>_tlb or <name>_tlb */
	uint64_t shared; /* enum share */
	uint64_t level, side, entries, ways, pages, policy, index;
	uint64_t banks, ports, port_cycles; /* tlb/ports.h; ports 0: without a limit */
};
extern const struct schema tlb_schema;

#endif
