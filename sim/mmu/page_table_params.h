/* page_table_params.h - which page-table design a machine's walkers are built for, and its sizes. */
#ifndef MMU_PAGE_TABLE_PARAMS_H
#define MMU_PAGE_TABLE_PARAMS_H

#include "config/schema.h"

struct page_table_params {
	uint64_t design; /* index into page_table_names */
	uint64_t hash_cycles, initial_lines, most_load_percent;
	uint64_t cuckoo_ways, walk_table_entries, walk_table_small_entries, small_tables_only;
	uint64_t anchors_per_frame, remap_cycles;
	uint64_t pom_bytes;
	uint64_t trap_cycles;
	uint64_t asap_s1_levels, asap_s2_levels;
};

extern const char *const page_table_names[];
extern const struct schema page_table_schema;

#endif
