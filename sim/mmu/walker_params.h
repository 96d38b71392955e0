/* walker_params.h - what a machine file says of its translation table walkers and their caches. */
#ifndef MMU_WALKER_PARAMS_H
#define MMU_WALKER_PARAMS_H

#include "config/schema.h"
#include "mmu/page_table_params.h"
#include "tlb/prefetch.h"

/* A cache of walk positions: it holds where the table of the next level is. */
struct walk_cache_params {
	uint64_t levels; /* set of descriptor levels cached here: bit l + 1 for level l (-1..2) */
	uint64_t entries, ways, cycles, policy;
	uint64_t ipa_only, tables_only; /* bools, of a stage 1 and of a stage 2 cache */
};

struct ipa_cache_params {
	uint64_t entries, ways, cycles, policy;
};

/* range_tlb.h */
enum range_source { RANGE_TABLE, RANGE_COLT_FA };
struct range_tlb_params {
	uint64_t entries, hit_cycles, min_pages;
	uint64_t source; /* enum range_source */
};

struct walker_params {
	uint64_t walkers;
	uint64_t first_cache;      /* cache level where descriptor reads begin: 1 or 2 */
	uint64_t cycles_per_level; /* work of the walker per descriptor, beyond the read */
	uint64_t descriptor_reads_cached;
	struct param_list s1_caches, s2_caches; /* of struct walk_cache_params */
	struct ipa_cache_params ipa_cache;
	struct prefetch_params prefetch;
	struct range_tlb_params range_tlb;
	struct page_table_params page_table;
};

extern const char *const walk_level_names[];
extern const struct schema walk_cache_schema, ipa_cache_schema, range_tlb_schema, walker_schema;

#endif
