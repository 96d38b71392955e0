/* Inverted page tables: one entry per frame, and what shared frames cost. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "design_world.h"
#include "mmu/prefetch.h"

static struct page_table_stats *inverted_stats(struct design_world *d)
{
	return &d->world.mmu->design->stats;
}

/* Pages PAGE and ALIAS of one frame. */
#define ALIAS (PAGE + 0x40000)

static void open_aliases(struct design_world *d, bool two_stages)
{
	struct mmu_setup s = design_setup_4k(two_stages);
	design_open(d, &s, PAGE_TABLE_inverted);
	d->walker.page_table.remap_cycles = 5000;
	mmu_world_map_page(&d->world, 0, 0, PAGE, FRAME);
	mmu_world_map_page(&d->world, 0, 0, ALIAS, FRAME);
}

/* What a walk behind a flush takes; *reads are those that it made. */
static cycles_t walk_cold(struct design_world *d, uint64_t va, cycles_t now, uint64_t *reads)
{
	struct mmu_done done;
	design_flush(d);
	*reads = mmu_world_reads(&d->world);
	cr_assert(mmu_translate(d->world.mmu, va, ACCESS_READ, 1, now, &done));
	*reads = mmu_world_reads(&d->world) - *reads;
	return done.cycle - now;
}

Test(page_design, each_page_of_a_shared_frame_faults_for_its_only_entry_when_its_turn_comes)
{
	struct design_world d;
	uint64_t reads;
	open_aliases(&d, false);
	design_build(&d, NULL);
	cr_expect(eq(u64, walk_cold(&d, PAGE, 0, &reads), 2 * MEMORY_CYCLES), "the frame was nobody's");
	cr_expect(eq(u64, walk_cold(&d, PAGE, 100000, &reads), 2 * MEMORY_CYCLES));
	for (unsigned turn = 1; turn < 5; turn++) {
		cycles_t took = walk_cold(&d, turn % 2 ? ALIAS : PAGE, turn * 200000, &reads);
		/* A search that finds nothing: its chain is empty, or has the other page. Then the one that finds it. */
		cr_expect(ge(u64, reads, 1 + 2));
		cr_expect(eq(u64, took, reads * MEMORY_CYCLES + 5000), "turn %u", turn);
		cr_expect(eq(u64, inverted_stats(&d)->remaps, turn));
		cr_expect(eq(u64, inverted_stats(&d)->remap_cycles, turn * 5000));
	}
	cr_expect(eq(u64, walk_cold(&d, PAGE, 2000000, &reads), 2 * MEMORY_CYCLES), "its turn was the last");
	design_close(&d);
}

Test(page_design, a_prefetch_takes_no_frame_from_another_page)
{
	struct design_world d;
	struct mmu_done done;
	open_aliases(&d, false);
	mmu_world_map_page(&d.world, 0, 0, ALIAS - 0x1000, FRAME + 0x1000);
	d.walker.walkers = 4;
	d.walker.prefetch = (struct prefetch_params){
		.kind = PREFETCH_next_page, .buffer_entries = 4, .degree = 1, .table_entries = 1};
	design_build(&d, NULL);
	cr_assert(mmu_translate(d.world.mmu, PAGE, ACCESS_READ, 1, 0, &done));
	uint64_t refused = d.world.mmu->prefetch->stats.refused;
	cr_assert(mmu_translate(d.world.mmu, ALIAS - 0x1000, ACCESS_READ, 1, 100000, &done));
	cr_expect(eq(u64, d.world.mmu->prefetch->stats.refused, refused + 1));
	cr_expect(eq(u64, inverted_stats(&d)->remaps, 0));
	design_expect_same(&d, ALIAS, 200000);
	cr_expect(eq(u64, inverted_stats(&d)->remaps, 1), "the program takes it");
	design_close(&d);
}

/* A page that Linux has in every address space, by TTBR1. */
static void map_kernel_page(struct design_world *d, unsigned vm, uint64_t ipa)
{
	struct mmu_mapping m = {.va = UINT64_C(0xffff800000001000), .ipa = ipa, .bits = DESC_AF, .level = 3};
	mmu_world_map(&d->world, &d->world.vm[vm].kernel, &m);
}

Test(page_design, a_kernels_page_has_one_entry_for_all_asids)
{
	struct mmu_setup s = design_setup_4k(false);
	struct design_world d;
	uint64_t reads;
	design_open(&d, &s, PAGE_TABLE_inverted);
	map_kernel_page(&d, 0, FRAME);
	design_build(&d, NULL);
	for (unsigned i = 0; i < 4; i++) {
		mmu_world_switch(&d.world, 0, i % MMU_PROCESSES, 1, false);
		design_flush(&d);
		reads = mmu_world_reads(&d.world);
		design_expect_same(&d, UINT64_C(0xffff800000001000), i * 10000);
		cr_expect(eq(u64, mmu_world_reads(&d.world) - reads, 2));
	}
	cr_expect(eq(u64, inverted_stats(&d)->inserts, 1));
	cr_expect(eq(u64, inverted_stats(&d)->remaps, 0));
	design_close(&d);
}

Test(page_design, each_guest_has_a_table_of_its_own_frames_and_the_machine_one_for_all)
{
	struct mmu_setup s = design_setup_4k(true);
	struct design_world d;
	design_open(&d, &s, PAGE_TABLE_inverted);
	for (unsigned vm = 0; vm < MMU_VMS; vm++)
		for (unsigned process = 0; process < MMU_PROCESSES; process++)
			mmu_world_map_page(&d.world, vm, process, PAGE, FRAME + process * 0x1000);
	design_build(&d, NULL);
	for (unsigned i = 0; i < 12; i++) {
		mmu_world_switch(&d.world, i % MMU_VMS, i / 2 % MMU_PROCESSES, 0, false);
		design_flush(&d);
		design_expect_same(&d, PAGE, i * 100000);
	}
	cr_expect(eq(u64, inverted_stats(&d)->remaps, 0), "the same IPA of another guest is another frame");
	cr_expect(eq(uint, d.world.mmu->design->tables->count, MMU_VMS + 1));
	design_close(&d);
}

Test(page_design, a_guests_shared_frame_takes_turns_at_stage_1_alone)
{
	struct design_world d;
	uint64_t reads;
	open_aliases(&d, true);
	design_build(&d, NULL);
	walk_cold(&d, PAGE, 0, &reads);
	cycles_t took = walk_cold(&d, ALIAS, 100000, &reads);
	cr_expect(eq(u64, took, reads * MEMORY_CYCLES + 5000));
	cr_expect(ge(u64, reads, 3 + 8), "a search through stage 2 that finds nothing, and a walk");
	cr_expect(eq(u64, inverted_stats(&d)->remaps, 1));
	design_close(&d);
}

Test(page_design, an_inverted_walk_computes_one_hash_a_look_up)
{
	static const struct design_case nested = {PAGE_TABLE_inverted, true, 1, 8, 8};
	struct design_world d;
	uint64_t reads;
	design_open_pages(&d, &nested);
	d.walker.page_table.hash_cycles = 7;
	design_build(&d, NULL);
	/* One of stage 1, and of stage 2 for the anchor, the entry and the page. */
	cr_expect(eq(u64, design_walk_again(&d, &reads), 8 * MEMORY_CYCLES + 4 * 7));
	design_close(&d);
}
