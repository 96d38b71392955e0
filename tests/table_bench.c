#include "table_bench.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

void table_open(struct table_bench *b, enum page_table_kind design)
{
	memset(b, 0, sizeof(*b));
	table_world_init(&b->world, NULL);
	b->params = table_world_params(design);
	b->kind = page_table_designs[design]->table;
}

void table_make(struct table_bench *b)
{
	struct table_site site = {
		.memory = &b->world.memory,
		.params = &b->params,
		.stats = &b->stats,
		.space = 2,
		.s = {.stage = 2, .granule_bits = 12, .ia_bits = 48, .start_level = 0, .on = true}};
	b->table = b->kind->make(&site);
}

void table_close(struct table_bench *b) { b->kind->free(b->table); }

bool table_look_up(struct table_bench *b, uint64_t input, tlb_tag_t tag, struct mapping *out, unsigned *reads,
		   unsigned *steps)
{
	struct lookup l = {.input = input, .tag = tag};
	enum lookup_step step = b->kind->begin(b->table, &l);
	for (*reads = *steps = 0; step == LOOKUP_READ; ++*steps) {
		cr_assert(l.reads > 0 && l.reads <= LOOKUP_READS_MAX);
		*reads += l.reads;
		step = b->kind->next(b->table, &l);
	}
	*out = l.found;
	return step == LOOKUP_FOUND;
}

uint64_t table_page_input(uint64_t i) { return i * UINT64_C(0x9e3779b97f4a7) % (UINT64_C(1) << 34) << 12; }
uint64_t table_page_output(uint64_t i) { return (i * 7919 + 5) << 12; }

struct mapping table_page_mapping(uint64_t i)
{
	return (struct mapping){table_page_input(i) | 0x123, table_page_output(i) | 0x123, 12};
}
