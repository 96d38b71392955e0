/* Tables of page-table designs by themselves: every kind holds what it was given, however it grows. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/alloc.h"
#include "table_world.h"

enum { PAGES = 4096, OPERATIONS = 20000, OWNERS = 2 };

/* A table with nothing in it, for 48-bit inputs in 4 KiB pages. */
struct bench {
	struct table_world world;
	struct page_table_params params;
	struct page_table_stats stats;
	const struct table_kind *kind;
	void *table;
};

static void open_bench(struct bench *b, enum page_table_kind design)
{
	memset(b, 0, sizeof(*b));
	table_world_init(&b->world, NULL);
	b->params = table_world_params(design);
	b->kind = page_table_designs[design]->table;
}

static void make_table(struct bench *b)
{
	struct table_site site = {
		.memory = &b->world.memory,
		.params = &b->params,
		.stats = &b->stats,
		.space = 2,
		.s = {.stage = 2, .granule_bits = 12, .ia_bits = 48, .start_level = 0, .on = true}};
	b->table = b->kind->make(&site);
}

static void close_bench(struct bench *b) { b->kind->free(b->table); }

/* What a look-up comes to; *reads and *steps count what it wanted to read. */
static bool look_up(struct bench *b, uint64_t input, tlb_tag_t tag, struct mapping *out, unsigned *reads,
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

static uint64_t page_input(uint64_t i) { return i * UINT64_C(0x9e3779b97f4a7) % (UINT64_C(1) << 34) << 12; }
static uint64_t page_output(uint64_t i) { return (i * 7919 + 5) << 12; }

static struct mapping page_mapping(uint64_t i)
{
	return (struct mapping){page_input(i) | 0x123, page_output(i) | 0x123, 12};
}

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

static uint64_t naive_input(uint64_t i) { return page_input(i / 16) + (i % 16 << 12); }

static void expect_naive(struct bench *b, const struct naive *n, unsigned owner, uint64_t i)
{
	struct mapping found, again;
	unsigned reads, steps;
	uint64_t want = n->out[owner][i];
	bool is_found = look_up(b, naive_input(i), owner, &found, &reads, &steps);
	cr_assert(is_found == (want != 0), "page %lu of owner %u: found %d", i, owner, is_found);
	if (want) cr_assert(eq(u64, found.out, want - 1), "page %lu of owner %u", i, owner);
	cr_assert(b->kind->find(b->table, naive_input(i), owner, &again) == is_found);
}

static void change_naive(struct bench *b, struct naive *n, struct rng *r, unsigned owner, uint64_t i)
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
	struct bench b;
	struct rng r;
	open_bench(&b, (enum page_table_kind)c->design);
	make_table(&b);
	rng_init(&r, 7, "page_table");
	for (unsigned op = 0; op < OPERATIONS; op++) {
		unsigned owner = b.kind->shared ? (unsigned)rng_below(&r, OWNERS) : 0;
		change_naive(&b, n, &r, owner, rng_below(&r, PAGES));
		expect_naive(&b, n, owner, rng_below(&r, PAGES));
	}
	for (uint64_t i = 0; i < PAGES; i++) expect_naive(&b, n, 0, i);
	cr_expect(eq(u64, b.stats.homeless, 0));
	close_bench(&b);
	free(n);
}

ParameterizedTestParameters(page_table, each_kind_gives_back_no_more_than_it_took) { return KINDS; }

ParameterizedTest(struct kind_case *c, page_table, each_kind_gives_back_no_more_than_it_took)
{
	struct bench b;
	open_bench(&b, (enum page_table_kind)c->design);
	make_table(&b);
	for (uint64_t i = 0; i < PAGES; i++) {
		struct mapping m = page_mapping(i);
		cr_assert(b.kind->insert(b.table, &m, 0));
		cr_assert(eq(u64, b.stats.taken_bytes - b.stats.given_bytes, b.world.held));
	}
	close_bench(&b);
}

ParameterizedTestParameters(page_table, each_kind_tells_a_block_from_the_pages_beside_it) { return KINDS; }

ParameterizedTest(struct kind_case *c, page_table, each_kind_tells_a_block_from_the_pages_beside_it)
{
	const struct mapping block = {0x40200000, 0x80600000, 21}, page = {0x40400000, 0x3000, 12};
	struct mapping found;
	struct bench b;
	unsigned reads, steps;
	open_bench(&b, (enum page_table_kind)c->design);
	make_table(&b);
	cr_assert(b.kind->insert(b.table, &block, 0) && b.kind->insert(b.table, &page, 0));
	for (uint64_t at = 0; at < 1 << 21; at += 1 << 12) {
		cr_assert(look_up(&b, block.input + at, 0, &found, &reads, &steps));
		cr_assert(eq(u64, found.out, block.out + at));
		cr_assert(eq(int, found.bits, 21));
	}
	cr_expect(look_up(&b, page.input, 0, &found, &reads, &steps));
	cr_expect(eq(u64, found.out, page.out));
	cr_expect(not(look_up(&b, page.input + 0x1000, 0, &found, &reads, &steps)));
	b.kind->remove(b.table, block.input + 0x5000, 0x1000, 0);
	cr_expect(not(look_up(&b, block.input, 0, &found, &reads, &steps)), "a block goes as a whole");
	cr_expect(look_up(&b, page.input, 0, &found, &reads, &steps));
	close_bench(&b);
}

ParameterizedTestParameters(page_table, each_kind_without_memory_finds_nothing_and_says_so) { return KINDS; }

ParameterizedTest(struct kind_case *c, page_table, each_kind_without_memory_finds_nothing_and_says_so)
{
	struct mapping m = page_mapping(1), found;
	struct bench b;
	unsigned reads, steps;
	open_bench(&b, (enum page_table_kind)c->design);
	b.world.left = 0;
	make_table(&b);
	cr_expect(not(b.kind->insert(b.table, &m, 0)));
	cr_expect(not(look_up(&b, m.input, 0, &found, &reads, &steps)));
	cr_expect(eq(uint, reads, 0));
	close_bench(&b);
}

/* --- elastic cuckoo ------------------------------------------------------------------------------------------------ */

Test(page_table, a_cuckoo_page_is_in_one_of_as_many_places_as_there_are_ways_while_the_table_grows)
{
	for (unsigned ways = 2; ways <= 4; ways++) {
		struct mapping found;
		struct bench b;
		unsigned reads, steps;
		open_bench(&b, PAGE_TABLE_ecpt);
		b.params.cuckoo_ways = ways;
		b.params.most_load_percent = ways == 2 ? 40 : 60;
		make_table(&b);
		for (uint64_t i = 0; i < PAGES; i++) {
			struct mapping m = page_mapping(i);
			cr_assert(b.kind->insert(b.table, &m, 0));
			uint64_t old = i / 2;
			cr_assert(look_up(&b, page_input(old), 0, &found, &reads, &steps), "%lu of %lu", old,
				  i);
			cr_assert(eq(u64, found.out, page_output(old)));
			cr_assert(eq(uint, reads, ways));
			cr_assert(eq(uint, steps, 1));
		}
		cr_expect(ge(u64, b.stats.resizes, 7), "4096 lines do not fit in what began with %u times 8",
			  ways);
		cr_expect(ge(u64, b.stats.moves, PAGES), "each growth moves what was there");
		close_bench(&b);
	}
}

Test(page_table, a_cuckoo_table_never_fills_beyond_its_share)
{
	struct bench b;
	open_bench(&b, PAGE_TABLE_ecpt);
	b.params.most_load_percent = 50;
	make_table(&b);
	for (uint64_t i = 0; i < 1000; i++) {
		struct mapping m = page_mapping(i);
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	uint64_t lines = (b.world.held - (1 << 18)) / 64; /* without the walk table */
	cr_expect(ge(u64, lines, 2000));
	cr_expect(le(u64, lines, 3 * 2048 + 3 * 1024), "a table in growth, and the one that it leaves");
	close_bench(&b);
}

Test(page_table, a_cuckoo_look_up_reads_each_size_that_is_in_use_until_it_knows_the_region)
{
	const struct mapping page = {0x1000, 0x5000, 12}, block = {0x40000000, 0x80000000, 21};
	struct bench b;
	open_bench(&b, PAGE_TABLE_ecpt);
	make_table(&b);
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
	close_bench(&b);
}

/* A walk cache of the smallest size knows the ways of 512 pages, and the right ones. */
Test(page_table, a_second_cuckoo_walk_cache_names_the_ways_of_the_smallest_pages)
{
	struct bench b;
	unsigned first = 0;
	open_bench(&b, PAGE_TABLE_ecpt);
	b.params.walk_table_small_entries = 1;
	make_table(&b);
	for (uint64_t i = 0; i < 1024; i++) {
		struct mapping m = {i << 12, page_output(i), 12};
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	for (uint64_t i = 0; i < 1024; i++) {
		struct lookup l = {.input = i << 12};
		b.kind->begin(b.table, &l);
		first += l.behinds != 0;
		cr_assert(eq(uint, l.reads, l.behinds ? 3 : 1), "page %lu", i);
		cr_assert(eq(int, b.kind->next(b.table, &l), LOOKUP_FOUND), "page %lu", i);
		cr_assert(eq(u64, l.found.out, page_output(i)), "page %lu", i);
	}
	cr_expect(eq(uint, first, 2), "512 pages of 4 KiB are a region, for both caches");
	struct lookup l = {.input = 1023 << 12};
	b.kind->remove(b.table, 1016 << 12, 8 << 12, 0);
	cr_expect(eq(int, b.kind->begin(b.table, &l), LOOKUP_ABSENT), "no way has it, and it is known");
	close_bench(&b);
}

Test(page_table, a_cuckoo_walk_cache_forgets_the_region_used_least_recently)
{
	const struct mapping page = {0x1000, 0x5000, 12};
	struct bench b;
	open_bench(&b, PAGE_TABLE_ecpt);
	b.params.walk_table_entries = 2;
	make_table(&b);
	b.kind->insert(b.table, &page, 0);
	static const uint64_t region[] = {0, 1, 0, 2, 0, 1};
	static const bool fetched[] = {true, true, false, true, false, true};
	for (unsigned i = 0; i < 6; i++) {
		struct lookup l = {.input = region[i] << 21};
		b.kind->begin(b.table, &l);
		cr_expect(eq(int, l.behinds != 0, fetched[i]), "look-up %u", i);
	}
	close_bench(&b);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

Test(page_table, a_cuckoo_look_up_names_the_line_that_answered_and_no_two_pages_have_the_same)
{
	static uint64_t line[PAGES];
	struct bench b;
	open_bench(&b, PAGE_TABLE_ecpt);
	make_table(&b);
	for (uint64_t i = 0; i < PAGES; i++) {
		struct mapping m = {i << 15, page_output(i), 12};
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
	close_bench(&b);
}

/* --- hashed -------------------------------------------------------------------------------------------------------- */

Test(page_table, a_hashed_table_keeps_its_searches_short_as_it_grows)
{
	struct mapping found;
	struct bench b;
	unsigned reads, steps;
	uint64_t all = 0;
	open_bench(&b, PAGE_TABLE_hashed);
	make_table(&b);
	for (uint64_t i = 0; i < PAGES; i++) {
		struct mapping m = page_mapping(i);
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	for (uint64_t i = 0; i < PAGES; i++) {
		cr_assert(look_up(&b, page_input(i), 0, &found, &reads, &steps));
		cr_assert(eq(uint, reads, steps), "one after the other");
		all += reads;
	}
	cr_expect(ge(u64, b.stats.resizes, 9));
	/* Linear probing at load 1/2: (1 + 1 / (1 - 1/2)) / 2 = 1.5 lines (Knuth, volume 3, 6.4). */
	cr_expect(ge(u64, all, PAGES * 130 / 100));
	cr_expect(le(u64, all, PAGES * 170 / 100));
	close_bench(&b);
}

/* --- inverted ------------------------------------------------------------------------------------------------------ */

enum { FRAMES_OF_A_SECTION = (1 << 12) / 16 };

static void open_inverted(struct bench *b, unsigned anchors_per_frame)
{
	open_bench(b, PAGE_TABLE_inverted);
	b->params.anchors_per_frame = anchors_per_frame;
	make_table(b);
}

/* Frames 0 .. PAGES - 1 hold pages anywhere, so that parts of the table are full. */
static struct mapping in_frame(uint64_t frame)
{
	return (struct mapping){page_input(frame), frame << 12, 12};
}

Test(page_table, an_inverted_look_up_reads_an_anchor_and_half_of_the_load_of_a_chain_more_than_its_entry)
{
	for (unsigned anchors = 1; anchors <= 4; anchors *= 2) {
		struct bench b;
		uint64_t all = 0;
		open_inverted(&b, anchors);
		for (uint64_t i = 0; i < PAGES; i++) {
			struct mapping m = in_frame(i);
			cr_assert(b.kind->insert(b.table, &m, 0));
		}
		for (uint64_t i = 0; i < PAGES; i++) {
			struct mapping found;
			unsigned reads, steps;
			cr_assert(look_up(&b, page_input(i), 0, &found, &reads, &steps));
			cr_assert(eq(u64, found.out, i << 12));
			cr_assert(eq(uint, reads, steps), "one after the other");
			all += reads;
		}
		/* Separate chains at load 1 / anchors: 1 + load / 2 (Knuth, volume 3, 6.4), and the anchor. */
		uint64_t theory = 2 * PAGES + PAGES / (2 * anchors);
		cr_expect(ge(u64, all * 100, theory * 98), "%u anchors a frame: %lu reads", anchors, all);
		cr_expect(le(u64, all * 100, theory * 102), "%u anchors a frame: %lu reads", anchors, all);
		/* 16 bytes a frame, in chunks of 1, 2, 4, 8 and 16 parts where 16 are needed; 8 an anchor. */
		cr_expect(eq(u64, b.world.held, 31 * FRAMES_OF_A_SECTION * 16 + PAGES * 8 * anchors));
		close_bench(&b);
	}
}

Test(page_table, entries_of_an_inverted_table_stand_in_the_order_of_frames)
{
	uint64_t address[2 * FRAMES_OF_A_SECTION];
	struct bench b;
	open_inverted(&b, 1);
	for (uint64_t i = 0; i < 2 * FRAMES_OF_A_SECTION; i++) {
		struct mapping m = in_frame(i);
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	for (uint64_t i = 0; i < 2 * FRAMES_OF_A_SECTION; i++) {
		struct lookup l = {.input = page_input(i)};
		b.kind->begin(b.table, &l);
		while (b.kind->next(b.table, &l) == LOOKUP_READ) address[i] = l.read[0];
		uint64_t place = i % FRAMES_OF_A_SECTION;
		cr_assert(eq(u64, address[i], address[i - place] + 16 * place), "frame %lu", i);
	}
	close_bench(&b);
}

static bool holds(struct bench *b, uint64_t input, tlb_tag_t tag)
{
	struct mapping found;
	return b->kind->find(b->table, input, tag, &found);
}

Test(page_table, of_two_pages_of_one_frame_an_inverted_table_holds_the_one_that_came_last)
{
	const struct mapping one = {0x1000, 0x5000, 12}, two = {0x8000, 0x5000, 12};
	struct bench b;
	open_inverted(&b, 2);
	cr_expect(not(b.kind->displaces(b.table, &one, 0)), "nobody has it");
	cr_assert(b.kind->insert(b.table, &one, 0));
	cr_expect(not(b.kind->displaces(b.table, &one, 0)), "it has it itself");
	cr_expect(b.kind->displaces(b.table, &two, 0));
	cr_expect(b.kind->displaces(b.table, &one, 1), "the same page of another address space");
	cr_assert(b.kind->insert(b.table, &two, 0));
	cr_expect(not(holds(&b, 0x1000, 0)));
	cr_expect(holds(&b, 0x8000, 0));
	cr_assert(b.kind->insert(b.table, &one, 1));
	cr_expect(not(holds(&b, 0x8000, 0)));
	cr_expect(holds(&b, 0x1000, 1));
	cr_expect(eq(u64, b.stats.remaps, 2));
	close_bench(&b);
}

/* Random pages in few frames: whoever came last has the frame, and nobody has two. */
Test(page_table, an_inverted_table_is_a_map_from_frames_to_pages)
{
	enum { FRAMES = 300, INPUTS = 500 };
	uint64_t page_of[FRAMES] = {0}, remaps = 0; /* input + 1 */
	struct bench b;
	struct rng r;
	open_inverted(&b, 1);
	rng_init(&r, 5, "page_table");
	for (unsigned op = 0; op < OPERATIONS; op++) {
		uint64_t input = page_input(rng_below(&r, INPUTS)), frame = rng_below(&r, FRAMES);
		struct mapping m = {input, frame << 12, 12}, found;
		for (unsigned f = 0; f < FRAMES; f++)
			if (page_of[f] == input + 1 && f != frame) page_of[f] = 0;
		bool taken = page_of[frame] && page_of[frame] != input + 1;
		cr_assert(eq(int, b.kind->displaces(b.table, &m, 3), taken));
		remaps += page_of[frame] != 0;
		page_of[frame] = input + 1;
		cr_assert(b.kind->insert(b.table, &m, 3));
		uint64_t seen = rng_below(&r, FRAMES);
		if (!page_of[seen]) continue;
		cr_assert(b.kind->find(b.table, page_of[seen] - 1, 3, &found));
		cr_assert(eq(u64, found.out, seen << 12));
	}
	cr_expect(eq(u64, b.stats.remaps, remaps));
	close_bench(&b);
}

Test(page_table, a_block_has_an_entry_for_each_of_its_frames_and_they_go_together)
{
	const struct mapping block = {0x40200000, 0x80600000, 21}, page = {0x1000, 0x80645000, 12};
	struct bench b;
	open_inverted(&b, 2);
	cr_assert(b.kind->insert(b.table, &block, 0));
	cr_expect(eq(u64, b.stats.replicas, 511));
	cr_expect(eq(u64, b.world.held, (1 + 2) * FRAMES_OF_A_SECTION * 16 + 2 * 512 * 8));
	cr_expect(b.kind->displaces(b.table, &page, 0), "one of its frames");
	cr_assert(b.kind->insert(b.table, &page, 0));
	cr_expect(eq(u64, b.stats.remaps, 1));
	for (uint64_t at = 0; at < 1 << 21; at += 1 << 12) cr_assert(not(holds(&b, block.input + at, 0)));
	cr_expect(b.kind->displaces(b.table, &block, 0));
	cr_assert(b.kind->insert(b.table, &block, 0));
	cr_expect(not(holds(&b, page.input, 0)));
	cr_expect(holds(&b, block.input + 0x45000, 0));
	b.kind->remove(b.table, block.input + 0x5000, 0x1000, 0);
	cr_expect(eq(u64, b.stats.removed, 1));
	for (uint64_t at = 0; at < 1 << 21; at += 1 << 12) cr_assert(not(holds(&b, block.input + at, 0)));
	close_bench(&b);
}

Test(page_table, a_block_takes_the_place_of_the_pages_that_it_was_split_into)
{
	const struct mapping block = {0x40200000, 0x80600000, 21};
	struct mapping found;
	struct bench b;
	unsigned reads, steps;
	open_inverted(&b, 2);
	for (uint64_t i = 0; i < 512; i += 3) {
		struct mapping m = {block.input + (i << 12), (i + 7) << 12, 12};
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	cr_assert(b.kind->insert(b.table, &block, 0));
	cr_expect(eq(u64, b.stats.remaps, 0), "its frames were nobody's");
	for (uint64_t at = 0; at < 1 << 21; at += 1 << 12) {
		cr_assert(look_up(&b, block.input + at, 0, &found, &reads, &steps));
		cr_assert(eq(u64, found.out, block.out + at));
	}
	for (uint64_t i = 0; i < 512; i += 3) {
		struct mapping again = {0x1000, (i + 7) << 12, 12};
		cr_assert(not(b.kind->displaces(b.table, &again, 0)), "frame %lu is free", i + 7);
	}
	close_bench(&b);
}

Test(page_table, what_is_larger_than_a_gigabyte_is_held_as_gigabytes)
{
	const struct mapping huge = {UINT64_C(5) << 39 | 0x87654321, UINT64_C(3) << 39 | 0x87654321, 39};
	struct mapping found;
	struct bench b;
	open_inverted(&b, 1);
	cr_assert(b.kind->insert(b.table, &huge, 0));
	cr_assert(b.kind->find(b.table, huge.input, 0, &found));
	cr_expect(eq(u64, found.out, huge.out));
	cr_expect(eq(int, found.bits, 30));
	cr_expect(eq(u64, b.stats.replicas, (1 << 18) - 1));
	cr_expect(holds(&b, UINT64_C(5) << 39 | 0x80000000, 0));
	cr_expect(not(holds(&b, UINT64_C(5) << 39 | 0x7ffff000, 0)));
	close_bench(&b);
}

Test(page_table, removing_a_large_range_takes_what_removing_its_pages_takes)
{
	struct bench b[2];
	for (unsigned i = 0; i < 2; i++) {
		open_inverted(&b[i], 2);
		for (uint64_t f = 0; f < PAGES; f++) {
			struct mapping m = {(f * 3) << 12, f << 12, 12};
			cr_assert(b[i].kind->insert(b[i].table, &m, f % 2));
		}
	}
	const uint64_t first = 100 << 12, end = 9000 << 12;
	b[0].kind->remove(b[0].table, first, end - first, 1);
	for (uint64_t at = first; at < end; at += 1 << 12) b[1].kind->remove(b[1].table, at, 1 << 12, 1);
	cr_expect(eq(u64, b[0].stats.removed, b[1].stats.removed));
	for (uint64_t f = 0; f < PAGES; f++) {
		uint64_t input = (f * 3) << 12;
		bool stays = f % 2 == 0 || input < first || input >= end;
		for (unsigned i = 0; i < 2; i++) cr_assert(eq(int, holds(&b[i], input, f % 2), stays));
	}
	close_bench(&b[0]);
	close_bench(&b[1]);
}

Test(page_table, with_too_few_anchors_chains_are_longer_and_right)
{
	struct mapping found;
	struct bench b;
	unsigned reads, steps, most = 0;
	open_inverted(&b, 1);
	for (uint64_t i = 0; i < PAGES; i++) {
		struct mapping m = in_frame(i);
		/* From the second part on, memory has a granule for each part, and none for anchors. */
		if (i % FRAMES_OF_A_SECTION == 0 && i) b.world.left = 1 << 12;
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	cr_expect(eq(u64, b.stats.resizes, 0));
	for (uint64_t i = 0; i < PAGES; i++) {
		cr_assert(look_up(&b, page_input(i), 0, &found, &reads, &steps));
		cr_assert(eq(u64, found.out, i << 12));
		if (reads > most) most = reads;
	}
	cr_expect(ge(uint, most, PAGES / 512));
	close_bench(&b);
}

/* --- flattened ----------------------------------------------------------------------------------------------------- */

Test(page_table, merged_levels_are_one_read_each_and_levels_without_large_memory_are_two)
{
	static const struct {
		unsigned most_bits, steps;
		uint64_t small;
	} cases[] = {{32, 2, 0}, {20, 4, 2}};
	for (unsigned i = 0; i < 2; i++) {
		struct mapping m = page_mapping(3), found;
		struct bench b;
		unsigned reads, steps;
		open_bench(&b, PAGE_TABLE_flattened);
		b.world.most_bits = cases[i].most_bits;
		make_table(&b);
		cr_assert(b.kind->insert(b.table, &m, 0));
		cr_assert(look_up(&b, m.input, 0, &found, &reads, &steps));
		cr_expect(eq(uint, steps, cases[i].steps));
		cr_expect(eq(u64, b.stats.small_nodes, cases[i].small));
		close_bench(&b);
	}
}

Test(page_table, a_block_in_a_merged_node_is_written_once_for_each_page)
{
	const struct mapping block = {0x40200000, 0x80600000, 21}, giant = {0x80000000, 0x40000000, 30};
	struct bench b;
	open_bench(&b, PAGE_TABLE_flattened);
	make_table(&b);
	cr_assert(b.kind->insert(b.table, &block, 0));
	cr_expect(eq(u64, b.stats.replicas, 511));
	cr_assert(b.kind->insert(b.table, &giant, 0));
	cr_expect(eq(u64, b.stats.replicas, 511), "a level 1 block is at the lower level of its pair");
	close_bench(&b);
}
