/* Page-table designs whose tables change: entries made, taken back, out of date, and who traps for it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "design_world.h"
#include "mmu/pom_tlb.h"

static uint64_t reads_of(struct design_world *d, uint64_t va, cycles_t now)
{
	struct mmu_done done;
	uint64_t before = mmu_world_reads(&d->world);
	cr_assert(mmu_translate(d->world.mmu, va, ACCESS_READ, 1, now, &done));
	return mmu_world_reads(&d->world) - before;
}

/* Clears the leaf of a page of the first process, natively. */
static void unmap_page(struct mmu_world *w, uint64_t va)
{
	struct pa at = {w->vm[0].user[0].root};
	for (int level = 0;; level++) {
		at.raw += bits_get(va, level_entry_bits(12, level - 1) - 1, level_entry_bits(12, level)) << 3;
		if (level == LAST_LEVEL) break;
		at.raw = desc_address(physmem_read64(w->memory, at), DESC_OA_48, 12);
	}
	cr_assert(ne(u64, physmem_read64(w->memory, at), 0));
	physmem_write64(w->memory, at, 0);
}

Test(page_design, a_shadow_entry_costs_one_trap_when_it_is_first_needed)
{
	static const struct design_case nested = {PAGE_TABLE_shadow, true, 1, 4, 4};
	struct design_world d;
	struct mmu_done done;
	design_open_pages(&d, &nested);
	d.walker.page_table.trap_cycles = 5000;
	design_build(&d, NULL);
	cr_assert(mmu_translate(d.world.mmu, PAGE, ACCESS_READ, 1, 0, &done));
	/* The root says that nothing is there: one read. Then the trap, and the walk. */
	cr_expect(eq(u64, done.cycle, MEMORY_CYCLES + 5000 + 4 * MEMORY_CYCLES));
	design_flush(&d);
	cr_expect(eq(u64, reads_of(&d, PAGE, 100000), 4));
	cr_expect(eq(u64, d.world.mmu->design->stats.traps, 1));
	page_design_forget(d.world.mmu, d.world.mmu->tag, (struct va){PAGE}, 1 << 12);
	cr_expect(eq(u64, d.world.mmu->design->stats.traps, 2), "the guest's unmapping is a write, too");
	design_close(&d);
}

Test(page_design, agile_paging_traps_once_for_all_pages_of_a_last_level_table)
{
	static const struct design_case nested = {PAGE_TABLE_agile, true, 1, 7, 7};
	struct design_world d;
	uint64_t reads;
	design_open_pages(&d, &nested);
	design_build(&d, NULL);
	design_walk_again(&d, &reads);
	cr_expect(eq(u64, d.world.mmu->design->stats.traps, 1));
	design_close(&d);
}

/* The guest writes the last level as it likes (ISCA 2016, section 3). */
Test(page_design, agile_paging_traps_no_unmapping_of_less_than_a_last_level_table)
{
	static const struct design_case nested = {PAGE_TABLE_agile, true, 1, 7, 7};
	const uint64_t table = bits_align_down(PAGE, 21);
	struct design_world d;
	design_open_pages(&d, &nested);
	design_build(&d, NULL);
	const struct page_table_stats *stats = &d.world.mmu->design->stats;
	reads_of(&d, PAGE, 0);
	page_design_forget(d.world.mmu, d.world.mmu->tag, (struct va){PAGE}, 1 << 12);
	page_design_forget(d.world.mmu, d.world.mmu->tag, (struct va){table + (1 << 12)}, 1 << 21);
	cr_expect(eq(u64, stats->traps, 1));
	page_design_forget(d.world.mmu, d.world.mmu->tag, (struct va){table}, 1 << 21);
	cr_expect(eq(u64, stats->traps, 2));
	design_close(&d);
}

Test(page_design, without_a_hypervisor_nothing_traps)
{
	static const struct design_case native = {PAGE_TABLE_shadow, false, 1, 4, 4};
	struct design_world d;
	uint64_t reads;
	design_open_pages(&d, &native);
	design_build(&d, NULL);
	design_walk_again(&d, &reads);
	cr_expect(eq(u64, d.world.mmu->design->stats.traps, 0));
	design_close(&d);
}

Test(page_design, a_tlbi_takes_entries_of_the_pom_tlb)
{
	static const struct design_case native = {PAGE_TABLE_pom_tlb, false, 1, 1, 1};
	struct design_world d;
	uint64_t reads;
	design_open_pages(&d, &native);
	design_build(&d, NULL);
	design_walk_again(&d, &reads);
	cr_assert(eq(u64, reads, 1));
	design_flush(&d);
	cr_expect(eq(u64, reads_of(&d, PAGE, 2000000), 2 + 4), "both arrays, then Arm's tables");
	design_close(&d);
}

Test(page_design, an_entry_of_the_pom_tlb_that_is_no_longer_so_is_not_used)
{
	static const struct design_case native = {PAGE_TABLE_pom_tlb, false, 1, 1, 1};
	struct design_world d;
	uint64_t reads;
	design_open_pages(&d, &native);
	design_build(&d, NULL);
	design_walk_again(&d, &reads);
	mmu_world_map_page(&d.world, 0, 0, PAGE, FRAME + 0x50000);
	tlb_invalidate(d.world.mmu->level[1][0], &(struct tlb_match){0});
	cr_expect(eq(u64, reads_of(&d, PAGE, 2000000), 2 + 4));
	design_close(&d);
}

Test(page_design, the_pom_tlb_reads_first_where_the_region_was_last)
{
	struct mmu_setup s = design_setup_4k(false);
	const struct mmu_mapping block = {
		.va = 0x40000000, .ipa = 0x80000000, .bits = DESC_AF | DESC_AP_USER | DESC_NG, .level = 2};
	struct design_world d;
	design_open(&d, &s, PAGE_TABLE_pom_tlb);
	mmu_world_map(&d.world, &d.world.vm[0].user[0], &block);
	design_build(&d, NULL);
	cr_expect(eq(u64, reads_of(&d, 0x40000000, 0), 2 + 3), "both arrays, then three levels");
	cr_assert(eq(u64, reads_of(&d, 0x40100000, 1000), 0), "in the TLB");
	struct tlb *const *arrays = pom_tlb_arrays(d.world.mmu->design->pom);
	cr_expect(eq(u64, arrays[1]->stats.fills, 1), "as a large page");
	tlb_invalidate(d.world.mmu->level[1][0], &(struct tlb_match){0});
	cr_expect(eq(u64, reads_of(&d, 0x40100000, 2000), 1), "the array for large pages first");
	design_close(&d);
}

Test(page_design, what_was_mapped_beforehand_needs_no_insertion_in_a_walk)
{
	for (int design = PAGE_TABLE_flattened; design < PAGE_TABLE_COUNT; design++) {
		struct design_case nested = {.design = design, .two_stages = true, .stage2_start = 1};
		struct design_world d;
		struct translation t;
		if (!page_table_designs[design]->note) continue;
		design_open_pages(&d, &nested);
		design_build(&d, NULL);
		mmu_world_expect(&d.world, PAGE, ACCESS_READ, &t);
		page_design_note(d.world.mmu, &t);
		uint64_t inserts = d.world.mmu->design->stats.inserts;
		cr_expect(ge(u64, inserts, 1));
		reads_of(&d, PAGE, 0);
		const struct page_table_stats *stats = &d.world.mmu->design->stats;
		bool nested_tables = page_table_designs[design]->walk == page_design_walk_stages;
		cr_expect(nested_tables || stats->inserts == inserts, "%s", page_table_names[design]);
		cr_expect(eq(u64, stats->traps, 0), "%s", page_table_names[design]);
		design_close(&d);
	}
}

Test(page_design, a_page_that_is_unmapped_is_found_no_more)
{
	for (int design = PAGE_TABLE_flattened; design < PAGE_TABLE_COUNT; design++) {
		struct design_case native = {.design = design, .stage2_start = 1};
		struct design_world d;
		struct mmu_done done;
		if (!page_table_designs[design]->table) continue;
		design_open_pages(&d, &native);
		design_build(&d, NULL);
		reads_of(&d, PAGE, 0);
		unmap_page(&d.world, PAGE);
		page_design_forget(d.world.mmu, d.world.mmu->tag, (struct va){PAGE}, 1 << 12);
		design_flush(&d);
		cr_expect(eq(u64, d.world.mmu->design->stats.removed, 1), "%s", page_table_names[design]);
		uint64_t absent = d.world.mmu->design->stats.absent;
		cr_expect(not(mmu_translate(d.world.mmu, PAGE, ACCESS_READ, 1, 100000, &done)));
		cr_expect(eq(u64, d.world.mmu->design->stats.absent, absent + 1), "%s",
			  page_table_names[design]);
		design_close(&d);
	}
}

/* Another core runs another process when a page goes, which has one at the same address. */
Test(page_design, an_unmapped_page_of_another_address_space_is_that_ones)
{
	for (int design = PAGE_TABLE_flattened; design < PAGE_TABLE_COUNT; design++) {
		struct design_case native = {.design = design, .stage2_start = 1};
		struct design_world d;
		if (!page_table_designs[design]->table) continue;
		design_open_pages(&d, &native);
		design_build(&d, NULL);
		reads_of(&d, PAGE, 0);
		const struct page_table_stats *stats = &d.world.mmu->design->stats;
		page_design_forget(d.world.mmu, d.world.mmu->tag ^ 1, (struct va){PAGE}, 1 << 12);
		cr_expect(eq(u64, stats->removed, 0), "%s", page_table_names[design]);
		page_design_forget(d.world.mmu, d.world.mmu->tag, (struct va){PAGE}, 1 << 12);
		cr_expect(eq(u64, stats->removed, 1), "%s", page_table_names[design]);
		design_close(&d);
	}
}

Test(page_design, a_mapping_that_changed_is_corrected_by_the_next_walk)
{
	for (int design = PAGE_TABLE_flattened; design < PAGE_TABLE_COUNT; design++) {
		struct design_case nested = {.design = design, .two_stages = true, .stage2_start = 1};
		struct design_world d;
		if (!page_table_designs[design]->table || design == PAGE_TABLE_agile) continue;
		design_open_pages(&d, &nested);
		design_build(&d, NULL);
		design_expect_same(&d, PAGE, 0);
		mmu_world_map_page(&d.world, 0, 0, PAGE, FRAME + 0x50000);
		design_flush(&d);
		design_expect_same(&d, PAGE, 100000);
		cr_expect(eq(u64, d.world.mmu->design->stats.corrected, 1), "%s", page_table_names[design]);
		design_close(&d);
	}
}
