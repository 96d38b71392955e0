/* Tables of page-table designs by themselves: every kind holds what it was given, however it grows. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/alloc.h"
#include "table_bench.h"

enum { PAGES = 4096, OPERATIONS = 20000, OWNERS = 2 };

/* --- every kind against an array ---------------------------------------------------------------------------------- */

struct kind_case {
	int design;
};

static struct kind_case kinds[] = {{PAGE_TABLE_flattened},
				   {PAGE_TABLE_ecpt},
				   {PAGE_TABLE_hashed},
				   {PAGE_TABLE_inverted},
				   {PAGE_TABLE_shadow}};
#define KINDS cr_make_param_array(struct kind_case, kinds, sizeof(kinds) / sizeof(kinds[0]))

/* The naive table: where page i of each owner goes, + 1; 0 nowhere. Pages are neighbours in groups of 16. */
struct naive {
	uint64_t out[OWNERS][PAGES];
};

static uint64_t naive_input(uint64_t i) { return table_page_input(i / 16) + (i % 16 << 12); }

static void expect_naive(struct table_bench *b, const struct naive *n, unsigned owner, uint64_t i)
{
	struct mapping found, again;
	unsigned reads, steps;
	uint64_t want = n->out[owner][i];
	bool is_found = table_look_up(b, naive_input(i), owner, &found, &reads, &steps);
	cr_assert(is_found == (want != 0), "page %lu of owner %u: found %d", i, owner, is_found);
	if (want) cr_assert(eq(u64, found.out, want - 1), "page %lu of owner %u", i, owner);
	cr_assert(b->kind->find(b->table, naive_input(i), owner, &again) == is_found);
}

static void change_naive(struct table_bench *b, struct naive *n, struct rng *r, unsigned owner, uint64_t i)
{
	struct mapping m = {naive_input(i), rng_below(r, UINT64_C(1) << 35) << 12, 12};
	uint64_t pages = 1 + rng_below(r, 16 - i % 16);
	if (!n->out[owner][i]) {
		cr_assert(b->kind->insert(b->table, &m, owner));
		n->out[owner][i] = m.out + 1;
		return;
	}
	b->kind->remove(b->table, m.input, pages << 12, owner);
	memset(&n->out[owner][i], 0, pages * sizeof(uint64_t));
}

ParameterizedTestParameters(page_table, each_kind_holds_what_an_array_holds_through_insertions_and_removals)
{
	return KINDS;
}

ParameterizedTest(struct kind_case *c, page_table,
		  each_kind_holds_what_an_array_holds_through_insertions_and_removals)
{
	struct naive *n = xcalloc(1, sizeof(*n));
	struct table_bench b;
	struct rng r;
	table_open(&b, (enum page_table_kind)c->design);
	table_make(&b);
	rng_init(&r, 7, "page_table");
	for (unsigned op = 0; op < OPERATIONS; op++) {
		unsigned owner = b.kind->shared ? (unsigned)rng_below(&r, OWNERS) : 0;
		change_naive(&b, n, &r, owner, rng_below(&r, PAGES));
		expect_naive(&b, n, owner, rng_below(&r, PAGES));
	}
	for (uint64_t i = 0; i < PAGES; i++) expect_naive(&b, n, 0, i);
	cr_expect(eq(u64, b.stats.homeless, 0));
	table_close(&b);
	free(n);
}

ParameterizedTestParameters(page_table, each_kind_gives_back_no_more_than_it_took) { return KINDS; }

ParameterizedTest(struct kind_case *c, page_table, each_kind_gives_back_no_more_than_it_took)
{
	struct table_bench b;
	table_open(&b, (enum page_table_kind)c->design);
	table_make(&b);
	for (uint64_t i = 0; i < PAGES; i++) {
		struct mapping m = table_page_mapping(i);
		cr_assert(b.kind->insert(b.table, &m, 0));
		cr_assert(eq(u64, b.stats.taken_bytes - b.stats.given_bytes, b.world.held));
	}
	table_close(&b);
}

ParameterizedTestParameters(page_table, each_kind_tells_a_block_from_the_pages_beside_it) { return KINDS; }

ParameterizedTest(struct kind_case *c, page_table, each_kind_tells_a_block_from_the_pages_beside_it)
{
	const struct mapping block = {0x40200000, 0x80600000, 21}, page = {0x40400000, 0x3000, 12};
	struct mapping found;
	struct table_bench b;
	unsigned reads, steps;
	table_open(&b, (enum page_table_kind)c->design);
	table_make(&b);
	cr_assert(b.kind->insert(b.table, &block, 0) && b.kind->insert(b.table, &page, 0));
	for (uint64_t at = 0; at < 1 << 21; at += 1 << 12) {
		cr_assert(table_look_up(&b, block.input + at, 0, &found, &reads, &steps));
		cr_assert(eq(u64, found.out, block.out + at));
		cr_assert(eq(int, found.bits, 21));
	}
	cr_expect(table_look_up(&b, page.input, 0, &found, &reads, &steps));
	cr_expect(eq(u64, found.out, page.out));
	cr_expect(not(table_look_up(&b, page.input + 0x1000, 0, &found, &reads, &steps)));
	b.kind->remove(b.table, block.input + 0x5000, 0x1000, 0);
	cr_expect(not(table_look_up(&b, block.input, 0, &found, &reads, &steps)), "a block goes as a whole");
	cr_expect(table_look_up(&b, page.input, 0, &found, &reads, &steps));
	table_close(&b);
}

ParameterizedTestParameters(page_table, each_kind_without_memory_finds_nothing_and_says_so) { return KINDS; }

ParameterizedTest(struct kind_case *c, page_table, each_kind_without_memory_finds_nothing_and_says_so)
{
	struct mapping m = table_page_mapping(1), found;
	struct table_bench b;
	unsigned reads, steps;
	table_open(&b, (enum page_table_kind)c->design);
	b.world.left = 0;
	table_make(&b);
	cr_expect(not(b.kind->insert(b.table, &m, 0)));
	cr_expect(not(table_look_up(&b, m.input, 0, &found, &reads, &steps)));
	cr_expect(eq(uint, reads, 0));
	table_close(&b);
}

/* --- elastic cuckoo ------------------------------------------------------------------------------------------------ */

Test(page_table, a_cuckoo_page_is_in_one_of_as_many_places_as_there_are_ways_while_the_table_grows)
{
	for (unsigned ways = 2; ways <= 4; ways++) {
		struct mapping found;
		struct table_bench b;
		unsigned reads, steps;
		table_open(&b, PAGE_TABLE_ecpt);
		b.params.cuckoo_ways = ways;
		b.params.most_load_percent = ways == 2 ? 40 : 60;
		table_make(&b);
		for (uint64_t i = 0; i < PAGES; i++) {
			struct mapping m = table_page_mapping(i);
			cr_assert(b.kind->insert(b.table, &m, 0));
			uint64_t old = i / 2;
			cr_assert(table_look_up(&b, table_page_input(old), 0, &found, &reads, &steps),
				  "%lu of %lu", old, i);
			cr_assert(eq(u64, found.out, table_page_output(old)));
			cr_assert(eq(uint, reads, ways));
			cr_assert(eq(uint, steps, 1));
		}
		cr_expect(ge(u64, b.stats.resizes, 7), "4096 lines do not fit in what began with %u times 8",
			  ways);
		cr_expect(ge(u64, b.stats.moves, PAGES), "each growth moves what was there");
		table_close(&b);
	}
}

Test(page_table, a_cuckoo_table_never_fills_beyond_its_share)
{
	struct table_bench b;
	table_open(&b, PAGE_TABLE_ecpt);
	b.params.most_load_percent = 50;
	table_make(&b);
	for (uint64_t i = 0; i < 1000; i++) {
		struct mapping m = table_page_mapping(i);
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	uint64_t lines = (b.world.held - (1 << 18)) / 64; /* without the walk table */
	cr_expect(ge(u64, lines, 2000));
	cr_expect(le(u64, lines, 3 * 2048 + 3 * 1024), "a table in growth, and the one that it leaves");
	table_close(&b);
}

Test(page_table, a_cuckoo_look_up_reads_each_size_that_is_in_use_until_it_knows_the_region)
{
	const struct mapping page = {0x1000, 0x5000, 12}, block = {0x40000000, 0x80000000, 21};
	struct table_bench b;
	table_open(&b, PAGE_TABLE_ecpt);
	table_make(&b);
	struct lookup l = {.input = page.input};
	b.kind->insert(b.table, &page, 0);
	b.kind->begin(b.table, &l);
	cr_expect(eq(uint, l.reads, 3), "nothing but pages");
	b.kind->insert(b.table, &block, 0);
	l = (struct lookup){.input = block.input};
	b.kind->begin(b.table, &l);
	cr_expect(eq(uint, l.reads, 6), "pages and blocks, in a region not seen before");
	cr_expect(eq(uint, l.behinds, 1), "its line of the walk table is fetched");
	b.kind->begin(b.table, &l);
	cr_expect(eq(uint, l.reads, 1), "a region known to have a block, and in which way");
	cr_expect(eq(uint, l.behinds, 0));
	l = (struct lookup){.input = page.input};
	b.kind->begin(b.table, &l);
	cr_expect(eq(uint, l.reads, 3), "of pages the way is not known");
	table_close(&b);
}

/* A walk cache of the smallest size knows the ways of 512 pages, and the right ones. */
Test(page_table, a_second_cuckoo_walk_cache_names_the_ways_of_the_smallest_pages)
{
	struct table_bench b;
	unsigned first = 0;
	table_open(&b, PAGE_TABLE_ecpt);
	b.params.walk_table_small_entries = 1;
	table_make(&b);
	for (uint64_t i = 0; i < 1024; i++) {
		struct mapping m = {i << 12, table_page_output(i), 12};
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	for (uint64_t i = 0; i < 1024; i++) {
		struct lookup l = {.input = i << 12};
		b.kind->begin(b.table, &l);
		first += l.behinds != 0;
		cr_assert(eq(uint, l.reads, l.behinds ? 3 : 1), "page %lu", i);
		cr_assert(eq(int, b.kind->next(b.table, &l), LOOKUP_FOUND), "page %lu", i);
		cr_assert(eq(u64, l.found.out, table_page_output(i)), "page %lu", i);
	}
	cr_expect(eq(uint, first, 2), "512 pages of 4 KiB are a region, for both caches");
	struct lookup l = {.input = 1023 << 12};
	b.kind->remove(b.table, 1016 << 12, 8 << 12, 0);
	cr_expect(eq(int, b.kind->begin(b.table, &l), LOOKUP_ABSENT), "no way has it, and it is known");
	table_close(&b);
}

Test(page_table, a_cuckoo_walk_cache_forgets_the_region_used_least_recently)
{
	const struct mapping page = {0x1000, 0x5000, 12};
	struct table_bench b;
	table_open(&b, PAGE_TABLE_ecpt);
	b.params.walk_table_entries = 2;
	table_make(&b);
	b.kind->insert(b.table, &page, 0);
	static const uint64_t region[] = {0, 1, 0, 2, 0, 1};
	static const bool fetched[] = {true, true, false, true, false, true};
	for (unsigned i = 0; i < 6; i++) {
		struct lookup l = {.input = region[i] << 21};
		b.kind->begin(b.table, &l);
		cr_expect(eq(int, l.behinds != 0, fetched[i]), "look-up %u", i);
	}
	table_close(&b);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

Test(page_table, a_cuckoo_look_up_names_the_line_that_answered_and_no_two_pages_have_the_same)
{
	static uint64_t line[PAGES];
	struct table_bench b;
	table_open(&b, PAGE_TABLE_ecpt);
	table_make(&b);
	for (uint64_t i = 0; i < PAGES; i++) {
		struct mapping m = {i << 15, table_page_output(i), 12};
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	for (uint64_t i = 0; i < PAGES; i++) {
		struct lookup l = {.input = i << 15};
		b.kind->begin(b.table, &l);
		cr_assert(eq(int, b.kind->next(b.table, &l), LOOKUP_FOUND));
		cr_assert(lt(uint, l.match, l.reads));
		line[i] = l.read[l.match];
	}
	qsort(line, PAGES, sizeof(line[0]), compare_u64);
	for (unsigned i = 1; i < PAGES; i++) cr_assert(ne(u64, line[i], line[i - 1]));
	table_close(&b);
}

/* --- hashed -------------------------------------------------------------------------------------------------------- */

Test(page_table, a_hashed_table_keeps_its_searches_short_as_it_grows)
{
	struct mapping found;
	struct table_bench b;
	unsigned reads, steps;
	uint64_t all = 0;
	table_open(&b, PAGE_TABLE_hashed);
	table_make(&b);
	for (uint64_t i = 0; i < PAGES; i++) {
		struct mapping m = table_page_mapping(i);
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	for (uint64_t i = 0; i < PAGES; i++) {
		cr_assert(table_look_up(&b, table_page_input(i), 0, &found, &reads, &steps));
		cr_assert(eq(uint, reads, steps), "one after the other");
		all += reads;
	}
	cr_expect(ge(u64, b.stats.resizes, 9));
	/* Linear probing at load 1/2: (1 + 1 / (1 - 1/2)) / 2 = 1.5 lines (Knuth, volume 3, 6.4). */
	cr_expect(ge(u64, all, PAGES * 130 / 100));
	cr_expect(le(u64, all, PAGES * 170 / 100));
	table_close(&b);
}

/* --- flattened ----------------------------------------------------------------------------------------------------- */

Test(page_table, merged_levels_are_one_read_each_and_levels_without_large_memory_are_two)
{
	static const struct {
		unsigned most_bits, steps;
		uint64_t small;
	} cases[] = {{32, 2, 0}, {20, 4, 2}};
	for (unsigned i = 0; i < 2; i++) {
		struct mapping m = table_page_mapping(3), found;
		struct table_bench b;
		unsigned reads, steps;
		table_open(&b, PAGE_TABLE_flattened);
		b.world.most_bits = cases[i].most_bits;
		table_make(&b);
		cr_assert(b.kind->insert(b.table, &m, 0));
		cr_assert(table_look_up(&b, m.input, 0, &found, &reads, &steps));
		cr_expect(eq(uint, steps, cases[i].steps));
		cr_expect(eq(u64, b.stats.small_nodes, cases[i].small));
		table_close(&b);
	}
}

Test(page_table, a_block_in_a_merged_node_is_written_once_for_each_page)
{
	const struct mapping block = {0x40200000, 0x80600000, 21}, giant = {0x80000000, 0x40000000, 30};
	struct table_bench b;
	table_open(&b, PAGE_TABLE_flattened);
	table_make(&b);
	cr_assert(b.kind->insert(b.table, &block, 0));
	cr_expect(eq(u64, b.stats.replicas, 511));
	cr_assert(b.kind->insert(b.table, &giant, 0));
	cr_expect(eq(u64, b.stats.replicas, 511), "a level 1 block is at the lower level of its pair");
	table_close(&b);
}
