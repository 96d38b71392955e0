/* table_bench.h - one table of a page-table design by itself, for tests of what it holds and how it is searched.
 *
 * table_open(), then changes of b->params and b->world, then table_make(); table_close() ends it.
 */
#ifndef TESTS_TABLE_BENCH_H
#define TESTS_TABLE_BENCH_H

#include "table_world.h"

/* A table with nothing in it, for 48-bit inputs in 4 KiB pages. */
struct table_bench {
	struct table_world world;
	struct page_table_params params;
	struct page_table_stats stats;
	const struct table_kind *kind;
	void *table;
};

void table_open(struct table_bench *b, enum page_table_kind design);
void table_make(struct table_bench *b);
void table_close(struct table_bench *b);

/* What a look-up comes to; *reads and *steps count what it wanted to read. */
bool table_look_up(struct table_bench *b, uint64_t input, tlb_tag_t tag, struct mapping *out, unsigned *reads,
		   unsigned *steps);

/* Page i of many, anywhere, and where it goes. */
uint64_t table_page_input(uint64_t i);
uint64_t table_page_output(uint64_t i);
struct mapping table_page_mapping(uint64_t i);

#endif
