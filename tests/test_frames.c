#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/bits.h"
#include "base/rng.h"
#include "mem/frames.h"

static struct frames_params region_4k(uint64_t base, uint64_t bytes, bool scattered)
{
	return (struct frames_params){.base = base,
				      .bytes = bytes,
				      .page_bits = 12,
				      .block_bits = 21,
				      .scattered = scattered,
				      .seed = 1,
				      .path = "test"};
}

static struct frames *new_4k(uint64_t base, uint64_t bytes, bool scattered)
{
	struct frames_params p = region_4k(base, bytes, scattered);
	return frames_new(&p);
}

static uint64_t page(struct frames *f)
{
	uint64_t addr = UINT64_MAX;
	cr_assert(frames_take_page(f, &addr));
	return addr;
}

Test(frames, in_order_pages_follow_each_other)
{
	struct frames *f = new_4k(0x40000000, 1 << 30, false);
	for (uint64_t i = 0; i < 5000; i++) cr_assert(eq(u64, page(f), 0x40000000 + i * 0x1000));
	frames_free(f);
}

Test(frames, scattered_pages_leave_order_and_spread_over_the_region)
{
	struct frames *f = new_4k(0, 1 << 30, true);
	uint64_t neighbours = 0, in_upper_half = 0, last = page(f);
	for (int i = 0; i < 10000; i++) {
		uint64_t now = page(f);
		neighbours += now == last + 0x1000;
		in_upper_half += now >= 1 << 29;
		last = now;
	}
	cr_assert(le(u64, neighbours, 10));
	cr_assert(ge(u64, in_upper_half, 4800));
	cr_assert(le(u64, in_upper_half, 5200));
	frames_free(f);
}

Test(frames, a_scattered_region_still_has_whole_pageblocks_beside_its_pages)
{
	struct frames *f = new_4k(0, 1 << 30, true);
	uint64_t block, blocks = 0;
	for (int i = 0; i < 1000; i++) page(f);
	while (frames_take_huge(f, FRAMES_LOCAL, &block)) {
		cr_assert(eq(u64, block & bits_ones(21), 0));
		blocks++;
	}
	cr_assert(eq(u64, blocks, 256)); /* every other one of 512 */
	frames_free(f);
}

Test(frames, tables_stand_together_apart_from_pages)
{
	struct frames *f = new_4k(0, 1 << 30, false);
	uint64_t first, table;
	cr_assert(frames_take_table(f, &first));
	for (uint64_t i = 1; i < 512; i++) {
		cr_assert(ne(u64, page(f) >> 21, first >> 21));
		cr_assert(frames_take_table(f, &table));
		cr_assert(eq(u64, table, first + i * 0x1000));
	}
	frames_free(f);
}

Test(frames, blocks_are_aligned_to_their_size_and_waste_nothing)
{
	struct frames *f = new_4k(0x1000, UINT64_C(4) << 30, false);
	uint64_t giant, small, pages = 0, addr;
	cr_assert(frames_take_block(f, 30, &giant));
	cr_assert(eq(u64, giant, 1 << 30));
	cr_assert(frames_take_block(f, 16, &small));
	cr_assert(eq(u64, small & 0xffff, 0));
	while (frames_take_page(f, &addr)) pages++;
	cr_assert(eq(u64, pages, (3 << 18) - 16));
	frames_free(f);
}

Test(frames, a_share_of_huge_pages_fails_and_no_other_request)
{
	struct frames_params p = region_4k(0, UINT64_C(1) << 40, false);
	p.fail_percent = 30;
	struct frames *f = frames_new(&p);
	uint64_t failed = 0, addr;
	for (int i = 0; i < 10000; i++) {
		failed += !frames_take_huge(f, FRAMES_LOCAL, &addr);
		cr_assert(frames_take_block(f, 21, &addr));
		cr_assert(frames_take_table(f, &addr));
	}
	cr_assert(ge(u64, failed, 2800));
	cr_assert(le(u64, failed, 3200));
	frames_free(f);
}

Test(frames, same_seed_same_pages_and_another_seed_others)
{
	struct frames_params p = region_4k(0, 1 << 30, true), q = p;
	q.seed = 2;
	struct frames *a = frames_new(&p), *b = frames_new(&p), *c = frames_new(&q);
	uint64_t same = 0;
	for (int i = 0; i < 1000; i++) {
		uint64_t addr = page(a);
		cr_assert(eq(u64, page(b), addr));
		same += page(c) == addr;
	}
	cr_assert(le(u64, same, 5));
	frames_free(a);
	frames_free(b);
	frames_free(c);
}

Test(frames, what_is_given_back_is_taken_again)
{
	struct frames *f = new_4k(0, 1 << 22, false);
	uint64_t block, addr;
	cr_assert(frames_take_huge(f, FRAMES_LOCAL, &block));
	cr_assert(frames_take_huge(f, FRAMES_LOCAL, &addr));
	cr_assert(not(frames_take_page(f, &addr)));
	frames_give(f, block, 21);
	cr_assert(eq(u64, frames_used_bytes(f), 1 << 21));
	cr_assert(frames_take_huge(f, FRAMES_LOCAL, &addr));
	cr_assert(eq(u64, addr, block));
	frames_give(f, block, 21);
	for (uint64_t i = 0; i < 512; i++) cr_assert(eq(u64, page(f), block + i * 0x1000));
	cr_assert(not(frames_take_page(f, &addr)));
	frames_free(f);
}

/* ---- every frame of a region goes to exactly one taker, whatever is asked for --------------- */

struct region {
	uint64_t base, bytes;
	unsigned page_bits, block_bits, scattered;
};

static struct region regions[] = {
	{0x40000000, 0x8000000, 12, 21, 0}, {0x40000000, 0x8000000, 12, 21, 1},
	{0x1000, 0x4321000, 12, 21, 0},     {0x1000, 0x4321000, 12, 21, 1},
	{0x5000, 0x100000, 12, 21, 0},      {0x5000, 0x100000, 12, 21, 1},
	{0, 0x30000000, 14, 25, 0},         {0, 0x30000000, 14, 25, 1},
	{0x10000, 0x40000000, 16, 29, 0},   {0x10000, 0x40000000, 16, 29, 1},
	{0x30000, 0x5000, 12, 21, 1},
};

static void mark(const struct region *r, bool *taken, uint64_t addr, unsigned bits)
{
	cr_assert(ge(u64, addr, r->base));
	cr_assert(le(u64, addr + (UINT64_C(1) << bits), r->base + r->bytes));
	cr_assert(eq(u64, addr & bits_ones(bits), 0));
	for (uint64_t i = 0; i >> (bits - r->page_bits) == 0; i++) {
		bool *frame = &taken[((addr - r->base) >> r->page_bits) + i];
		cr_assert(eq(int, *frame, false), "%#llx was taken twice", (unsigned long long)addr);
		*frame = true;
	}
}

/* One request of a random kind; its size, or 0 when it could not be met. */
static unsigned take_something(struct frames *f, const struct region *r, struct rng *rng, uint64_t *addr)
{
	switch (rng_below(rng, 40)) {
	case 0: return frames_take_huge(f, FRAMES_LOCAL, addr) ? r->block_bits : 0;
	case 1: return frames_take_block(f, r->page_bits + 4, addr) ? r->page_bits + 4 : 0;
	case 2:
	case 3: return frames_take_table(f, addr) ? r->page_bits : 0;
	default: return frames_take_page(f, addr) ? r->page_bits : 0;
	}
}

ParameterizedTestParameters(frames, a_region_is_handed_out_whole_and_once)
{
	return cr_make_param_array(struct region, regions, sizeof(regions) / sizeof(regions[0]));
}

ParameterizedTest(struct region *r, frames, a_region_is_handed_out_whole_and_once)
{
	struct frames_params p = {.base = r->base,
				  .bytes = r->bytes,
				  .page_bits = r->page_bits,
				  .block_bits = r->block_bits,
				  .scattered = r->scattered,
				  .seed = 3,
				  .path = "test"};
	struct frames *f = frames_new(&p);
	uint64_t pages = r->bytes >> r->page_bits, addr;
	bool *taken = calloc(pages, sizeof(*taken));
	struct rng rng;
	rng_init(&rng, 4, "requests");
	for (uint64_t i = 0; i < pages / 2; i++) {
		unsigned bits = take_something(f, r, &rng, &addr);
		if (bits) mark(r, taken, addr, bits);
	}
	while (frames_take_page(f, &addr)) mark(r, taken, addr, r->page_bits);
	cr_assert(not(frames_take_table(f, &addr)));
	for (uint64_t i = 0; i < pages; i++)
		cr_assert(taken[i], "page %llu was never taken", (unsigned long long)i);
	cr_assert(eq(u64, frames_used_bytes(f), pages << r->page_bits));
	free(taken);
	frames_free(f);
}

/* Two regions of 64 pages at 1 and 2 GiB, the second tried first. */
static struct frames *joined(void)
{
	struct frames **region = calloc(2, sizeof(struct frames *));
	for (unsigned i = 0; i < 2; i++)
		region[i] = frames_new(&(struct frames_params){.base = (uint64_t)(i + 1) << 30,
							       .bytes = 64 << 12,
							       .page_bits = 12,
							       .block_bits = 21,
							       .path = "test"});
	struct frames *f = frames_join(region, 2);
	frames_prefer(f, (const unsigned[]){1, 0}, 2);
	return f;
}

Test(frames, regions_that_are_joined_are_tried_in_the_order_preferred)
{
	struct frames *f = joined();
	uint64_t addr;
	for (unsigned i = 0; i < 128; i++) {
		cr_assert(frames_take_page(f, &addr));
		cr_expect(eq(u64, addr >> 30, i < 64 ? 2 : 1), "page %u", i);
	}
	cr_expect(not(frames_take_page(f, &addr)));
	cr_expect(eq(u64, frames_used_bytes(f), 128 << 12));
	frames_give(f, UINT64_C(1) << 30, 12);
	cr_expect(eq(u64, frames_used_bytes(f), 127 << 12));
	cr_assert(frames_take_page(f, &addr));
	cr_expect(eq(u64, addr, UINT64_C(1) << 30), "given back to the region that it is of");
	frames_free(f);
}

Test(frames, a_region_that_is_not_in_the_order_gives_nothing)
{
	struct frames *f = joined();
	uint64_t addr;
	frames_prefer(f, (const unsigned[]){1}, 1);
	cr_expect(frames_take_block(f, 17, &addr) && addr >> 30 == 2);
	cr_expect(frames_take_block(f, 17, &addr) && addr >> 30 == 2);
	cr_expect(not(frames_take_block(f, 17, &addr)), "though the other region has them");
	cr_expect(not(frames_take_page(f, &addr)));
	frames_free(f);
}

Test(frames, blocks_and_runs_come_from_the_next_region_when_one_has_none)
{
	struct frames *f = joined();
	uint64_t addr;
	for (unsigned i = 0; i < 4; i++) {
		cr_assert(i % 2 ? frames_take_block(f, 17, &addr) : frames_take_run(f, 17, 0, &addr));
		cr_expect(eq(u64, addr >> 30, i < 2 ? 2 : 1), "block %u", i);
	}
	cr_expect(not(frames_take_block(f, 17, &addr)));
	cr_expect(eq(u64, frames_used_bytes(f), 4 << 17));
	frames_free(f);
}

/* alloc_pages_mpol(): __GFP_THISNODE first, and more only for who lets it reclaim. */
Test(frames, a_huge_page_is_of_the_first_region_unless_it_may_be_anywhere)
{
	struct frames **region = calloc(2, sizeof(struct frames *));
	for (unsigned i = 0; i < 2; i++)
		region[i] = frames_new(&(struct frames_params){.base = (uint64_t)(i + 1) << 30,
							       .bytes = 2 << 21,
							       .page_bits = 12,
							       .block_bits = 21,
							       .path = "test"});
	struct frames *f = frames_join(region, 2);
	uint64_t addr;
	cr_expect(frames_take_huge(f, FRAMES_LOCAL, &addr) && addr >> 30 == 1);
	cr_expect(frames_take_huge(f, FRAMES_ANYWHERE, &addr) && addr >> 30 == 1);
	cr_expect(not(frames_take_huge(f, FRAMES_LOCAL, &addr)));
	cr_expect(frames_take_huge(f, FRAMES_ANYWHERE, &addr) && addr >> 30 == 2);
	frames_free(f);
}
