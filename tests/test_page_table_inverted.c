/* The inverted page table by itself: an entry per frame, chains from anchors, blocks, shared frames. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "table_bench.h"

enum { PAGES = 4096, OPERATIONS = 20000 };

enum { FRAMES_OF_A_SECTION = (1 << 12) / 16 };

static void open_inverted(struct table_bench *b, unsigned anchors_per_frame)
{
	table_open(b, PAGE_TABLE_inverted);
	b->params.anchors_per_frame = anchors_per_frame;
	table_make(b);
}

/* Frames 0 .. PAGES - 1 hold pages anywhere, so that parts of the table are full. */
static struct mapping in_frame(uint64_t frame)
{
	return (struct mapping){table_page_input(frame), frame << 12, 12};
}

Test(page_table, an_inverted_look_up_reads_an_anchor_and_half_of_the_load_of_a_chain_more_than_its_entry)
{
	for (unsigned anchors = 1; anchors <= 4; anchors *= 2) {
		struct table_bench b;
		uint64_t all = 0;
		open_inverted(&b, anchors);
		for (uint64_t i = 0; i < PAGES; i++) {
			struct mapping m = in_frame(i);
			cr_assert(b.kind->insert(b.table, &m, 0));
		}
		for (uint64_t i = 0; i < PAGES; i++) {
			struct mapping found;
			unsigned reads, steps;
			cr_assert(table_look_up(&b, table_page_input(i), 0, &found, &reads, &steps));
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
		table_close(&b);
	}
}

Test(page_table, entries_of_an_inverted_table_stand_in_the_order_of_frames)
{
	uint64_t address[2 * FRAMES_OF_A_SECTION];
	struct table_bench b;
	open_inverted(&b, 1);
	for (uint64_t i = 0; i < 2 * FRAMES_OF_A_SECTION; i++) {
		struct mapping m = in_frame(i);
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	for (uint64_t i = 0; i < 2 * FRAMES_OF_A_SECTION; i++) {
		struct lookup l = {.input = table_page_input(i)};
		b.kind->begin(b.table, &l);
		while (b.kind->next(b.table, &l) == LOOKUP_READ) address[i] = l.read[0];
		uint64_t place = i % FRAMES_OF_A_SECTION;
		cr_assert(eq(u64, address[i], address[i - place] + 16 * place), "frame %lu", i);
	}
	table_close(&b);
}

static bool holds(struct table_bench *b, uint64_t input, tlb_tag_t tag)
{
	struct mapping found;
	return b->kind->find(b->table, input, tag, &found);
}

Test(page_table, of_two_pages_of_one_frame_an_inverted_table_holds_the_one_that_came_last)
{
	const struct mapping one = {0x1000, 0x5000, 12}, two = {0x8000, 0x5000, 12};
	struct table_bench b;
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
	table_close(&b);
}

/* Random pages in few frames: whoever came last has the frame, and nobody has two. */
Test(page_table, an_inverted_table_is_a_map_from_frames_to_pages)
{
	enum { FRAMES = 300, INPUTS = 500 };
	uint64_t page_of[FRAMES] = {0}, remaps = 0; /* input + 1 */
	struct table_bench b;
	struct rng r;
	open_inverted(&b, 1);
	rng_init(&r, 5, "page_table");
	for (unsigned op = 0; op < OPERATIONS; op++) {
		uint64_t input = table_page_input(rng_below(&r, INPUTS)), frame = rng_below(&r, FRAMES);
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
	table_close(&b);
}

Test(page_table, a_block_has_an_entry_for_each_of_its_frames_and_they_go_together)
{
	const struct mapping block = {0x40200000, 0x80600000, 21}, page = {0x1000, 0x80645000, 12};
	struct table_bench b;
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
	table_close(&b);
}

Test(page_table, a_block_takes_the_place_of_the_pages_that_it_was_split_into)
{
	const struct mapping block = {0x40200000, 0x80600000, 21};
	struct mapping found;
	struct table_bench b;
	unsigned reads, steps;
	open_inverted(&b, 2);
	for (uint64_t i = 0; i < 512; i += 3) {
		struct mapping m = {block.input + (i << 12), (i + 7) << 12, 12};
		cr_assert(b.kind->insert(b.table, &m, 0));
	}
	cr_assert(b.kind->insert(b.table, &block, 0));
	cr_expect(eq(u64, b.stats.remaps, 0), "its frames were nobody's");
	for (uint64_t at = 0; at < 1 << 21; at += 1 << 12) {
		cr_assert(table_look_up(&b, block.input + at, 0, &found, &reads, &steps));
		cr_assert(eq(u64, found.out, block.out + at));
	}
	for (uint64_t i = 0; i < 512; i += 3) {
		struct mapping again = {0x1000, (i + 7) << 12, 12};
		cr_assert(not(b.kind->displaces(b.table, &again, 0)), "frame %lu is free", i + 7);
	}
	table_close(&b);
}

Test(page_table, what_is_larger_than_a_gigabyte_is_held_as_gigabytes)
{
	const struct mapping huge = {UINT64_C(5) << 39 | 0x87654321, UINT64_C(3) << 39 | 0x87654321, 39};
	struct mapping found;
	struct table_bench b;
	open_inverted(&b, 1);
	cr_assert(b.kind->insert(b.table, &huge, 0));
	cr_assert(b.kind->find(b.table, huge.input, 0, &found));
	cr_expect(eq(u64, found.out, huge.out));
	cr_expect(eq(int, found.bits, 30));
	cr_expect(eq(u64, b.stats.replicas, (1 << 18) - 1));
	cr_expect(holds(&b, UINT64_C(5) << 39 | 0x80000000, 0));
	cr_expect(not(holds(&b, UINT64_C(5) << 39 | 0x7ffff000, 0)));
	table_close(&b);
}

Test(page_table, removing_a_large_range_takes_what_removing_its_pages_takes)
{
	struct table_bench b[2];
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
	table_close(&b[0]);
	table_close(&b[1]);
}

Test(page_table, with_too_few_anchors_chains_are_longer_and_right)
{
	struct mapping found;
	struct table_bench b;
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
		cr_assert(table_look_up(&b, table_page_input(i), 0, &found, &reads, &steps));
		cr_assert(eq(u64, found.out, i << 12));
		if (reads > most) most = reads;
	}
	cr_expect(ge(uint, most, PAGES / 512));
	table_close(&b);
}
