/* Range tables against an array of pages, over random maps, unmaps and changes of a tree. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "os/ranges.h"

enum { PAGES = 2048, PAGE_BITS = 12, BASE_PAGE = 512 * 7 }; /* four last-level tables */
#define READ_ONLY DESC_AP_READ_ONLY

struct world {
	struct physmem *mem;
	struct frames *frames;
	struct pgtable tree;
	struct ranges *ranges;
	uint64_t to[PAGES]; /* the naive table: where page i goes, 0: nowhere */
	uint64_t attributes[PAGES];
};

static void open_world(struct world *w)
{
	struct frames_params p = {.base = UINT64_C(1) << 30,
				  .bytes = UINT64_C(1) << 30,
				  .page_bits = PAGE_BITS,
				  .block_bits = 21,
				  .path = "ranges"};
	memset(w, 0, sizeof(*w));
	w->mem = physmem_new();
	w->frames = frames_new(&p);
	w->tree = (struct pgtable){.mem = w->mem,
				   .frames = w->frames,
				   .granule_bits = PAGE_BITS,
				   .input_bits = 48,
				   .layout = DESC_OA_48};
	cr_assert(eq(int, pgtable_create(&w->tree, 0), PGTABLE_OK));
	w->ranges = ranges_new();
}

static void close_world(struct world *w)
{
	ranges_free(w->ranges);
	frames_free(w->frames);
	physmem_free(w->mem);
}

static uint64_t address(size_t page) { return (uint64_t)(BASE_PAGE + page) << PAGE_BITS; }

static void set_page(struct world *w, size_t page, uint64_t to, uint64_t attributes)
{
	struct pgtable_slot s;
	cr_assert(eq(int, pgtable_find(&w->tree, address(page), &s), PGTABLE_OK));
	cr_assert(eq(int, pgtable_descend(&w->tree, address(page), LAST_LEVEL, &s), PGTABLE_OK));
	pgtable_set(&w->tree, &s, to ? desc_leaf(to, DESC_OA_48, LAST_LEVEL) | DESC_AF | attributes : 0);
	w->to[page] = to;
	w->attributes[page] = attributes;
}

static bool joined(const struct world *w, size_t a, size_t b)
{
	return w->to[a] && w->to[b] == w->to[a] + (UINT64_C(1) << PAGE_BITS) &&
	       w->attributes[a] == w->attributes[b];
}

/* The largest range around a page, and how many there are. */
static void expect_naive(struct world *w)
{
	size_t count = 0;
	ranges_check(w->ranges);
	for (size_t i = 0; i < PAGES; i++) {
		struct range found;
		struct range_path path;
		size_t first = i, last = i;
		bool is_there = ranges_find(w->ranges, address(i) + 5, &found, &path);
		cr_assert(eq(int, is_there, w->to[i] != 0), "page %zu", i);
		if (!w->to[i]) continue;
		while (first && joined(w, first - 1, first)) first--;
		while (last + 1 < PAGES && joined(w, last, last + 1)) last++;
		cr_assert(eq(u64, found.first, address(first)));
		cr_assert(eq(u64, found.last, address(last + 1) - 1));
		cr_assert(eq(u64, found.to, w->to[first]));
		count += first == i;
	}
	cr_expect(eq(sz, ranges_count(w->ranges), count));
}

/* Runs of pages come and go, by frames that often continue each other. */
Test(ranges, are_what_an_array_of_pages_says)
{
	enum { STEPS = 400 };
	struct world w;
	struct rng r;
	open_world(&w);
	rng_init(&r, 3, "ranges");
	for (int step = 0; step < STEPS; step++) {
		size_t first = rng_below(&r, PAGES), n = 1 + rng_below(&r, step % 10 ? 40 : 600);
		uint64_t shift = rng_below(&r, 2) << 40, attributes = rng_below(&r, 4) ? 0 : READ_ONLY;
		bool maps = rng_below(&r, 3) != 0;
		if (first + n > PAGES) n = PAGES - first;
		for (size_t i = first; i < first + n; i++)
			set_page(&w, i, maps ? shift + address(i) : 0, maps ? attributes : 0);
		ranges_update(w.ranges, &w.tree, address(first), (uint64_t)n << PAGE_BITS);
		if (step % 20 == 0) expect_naive(&w);
	}
	expect_naive(&w);
	close_world(&w);
}

/* Pages that never continue each other fill nodes of 124 ranges, under a directory. */
Test(ranges, a_look_up_reads_one_line_per_level)
{
	struct world w;
	struct range found;
	struct range_path path;
	open_world(&w);
	cr_expect(not(ranges_find(w.ranges, address(0), &found, &path)));
	for (size_t i = 0; i < PAGES; i++) {
		set_page(&w, i, address(PAGES - i), 0);
		ranges_update(w.ranges, &w.tree, address(i), 1 << PAGE_BITS);
		cr_assert(ranges_find(w.ranges, address(i), &found, &path));
		cr_assert(eq(uint, path.count, i < 124 ? 1 : 2), "%zu", i);
	}
	expect_naive(&w);
	struct pa root = path.at[0], leaf = path.at[1];
	cr_expect(ranges_find(w.ranges, address(0), &found, &path));
	cr_expect(eq(u64, path.at[0].raw >> PAGE_BITS, root.raw >> PAGE_BITS), "one directory node");
	cr_expect(ne(u64, path.at[1].raw >> PAGE_BITS, leaf.raw >> PAGE_BITS), "nodes of their own");
	close_world(&w);
}

Test(ranges, a_block_and_pages_beside_it_are_two)
{
	struct world w;
	struct pgtable_slot s;
	struct range found;
	struct range_path path;
	open_world(&w);
	set_page(&w, 511, address(511), 0);
	cr_assert(eq(int, pgtable_find(&w.tree, address(512), &s), PGTABLE_OK));
	cr_assert(eq(int, pgtable_descend(&w.tree, address(512), 2, &s), PGTABLE_OK));
	pgtable_set(&w.tree, &s, desc_leaf(address(512), DESC_OA_48, 2) | DESC_AF);
	ranges_update(w.ranges, &w.tree, address(511), 513 << PAGE_BITS);
	cr_expect(eq(sz, ranges_count(w.ranges), 2));
	cr_assert(ranges_find(w.ranges, address(700), &found, &path));
	cr_expect(eq(u64, found.first, address(512)));
	cr_expect(eq(u64, found.last, address(1024) - 1));
	cr_expect(eq(int, found.level, 2));
	close_world(&w);
}
