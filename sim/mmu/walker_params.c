#include "mmu/walker_params.h"

#include "repl/repl.h"

const char *const walk_level_names[] = {"-1", "0", "1", "2", NULL};

#define F struct walk_cache_params
static const struct param walk_cache_rows[] = {
	HW_SET(F, levels, walk_level_names, 0xf, "levels whose table descriptors are held"),
	HW_U64(F, entries, "entries", 16, 0, 65536, "positions held; 0 switches the cache off"),
	HW_U64(F, ways, "ways", 16, 1, 4096, "associativity"),
	HW_U64(F, cycles, "cycles", 1, 0, 1000, "look-up time"),
	HW_ENUM(F, policy, repl_names, REPL_lru, "replacement policy"),
	HW_BOOL(F, ipa_only, 0,
		"of stage 1: the next table's IPA alone is held, so that stage 2 is walked for it each time; no: its PA as well"),
	HW_BOOL(F, tables_only, 0,
		"of stage 2: for walks on the way to a stage 1 table alone; that of the access's own address neither looks here "
		"nor is held"),
};
#undef F
SCHEMA(walk_cache_schema, "walk_cache", struct walk_cache_params, walk_cache_rows,
       "a walk cache: table descriptors of one stage, so that a walk starts further down");

#define F struct ipa_cache_params
static const struct param ipa_cache_rows[] = {
	HW_U64(F, entries, "entries", 0, 0, 65536, "stage 2 translations held; 0 switches the cache off"),
	HW_U64(F, ways, "ways", 4, 1, 4096, "associativity"),
	HW_U64(F, cycles, "cycles", 1, 0, 1000, "look-up time"),
	HW_ENUM(F, policy, repl_names, REPL_lru, "replacement policy"),
};
#undef F
SCHEMA(ipa_cache_schema, "ipa_cache", struct ipa_cache_params, ipa_cache_rows,
       "a cache of whole stage 2 translations, IPA to PA, used within a walk");

static const char *const range_sources[] = {"range_table", "colt_fa", NULL};

#define F struct range_tlb_params
static const struct param range_tlb_rows[] = {
	HW_U64(F, entries, "ranges", 0, 0, 1024, "ranges held, fully associative, LRU; 0 switches it off"),
	HW_U64(F, hit_cycles, "cycles", 5, 0, 1000,
	       "look-up time, beside the TLB levels behind the first; those are waited for, too"),
	HW_U64(F, min_pages, "pages", 16, 1, 16777216,
	       "range_table: pages of 4K that a range has at least to get an entry"),
	HW_ENUM(F, source, range_sources, RANGE_TABLE,
		"where ranges come from: range_table (a table of ranges that the kernel keeps), colt_fa (runs of pages, two at least, on "
		"the descriptor lines that walks read, joined to those that are there)"),
};
#undef F
SCHEMA(range_tlb_schema, "range_tlb", struct range_tlb_params, range_tlb_rows,
       "a range TLB: entries that translate ranges of any length, from a range table that the kernel keeps "
       "(Redundant Memory Mappings), or from what walks read (CoLT-FA)");

#define F struct walker_params
static const struct param walker_rows[] = {
	HW_U64(F, walkers, "walkers", 1, 1, 64, "walks in flight at once; more wait for the first to end"),
	HW_U64(F, first_cache, "level", 1, 1, 3, "data cache level that descriptor reads go to first"),
	HW_U64(F, cycles_per_level, "cycles", 1, 0, 1000,
	       "work of the walker for each descriptor, beyond the read"),
	P_BOOL(F, descriptor_reads_cached, 1,
	       "descriptor reads go through the data caches; no: straight to memory"),
	P_LIST(F, s1_caches, &walk_cache_schema, 0, 8, "stage 1 walk caches"),
	P_LIST(F, s2_caches, &walk_cache_schema, 0, 8, "stage 2 walk caches"),
	P_MAP(F, ipa_cache, &ipa_cache_schema, "IPA cache"),
	P_MAP(F, prefetch, &prefetch_schema, "prefetching of translations"),
	P_MAP(F, range_tlb, &range_tlb_schema, "range TLB"),
	P_MAP(F, page_table, &page_table_schema, "page-table design that they are built for"),
};
#undef F
SCHEMA(walker_schema, "walker", struct walker_params, walker_rows, "translation table walkers");
