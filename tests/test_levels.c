/* TLB levels: inclusive, exclusive, neither; victim TLBs; several TLBs of one level for different page sizes.
 * */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "mmu_world.h"

#define AREA UINT64_C(0x123400000)
#define FRAMES UINT64_C(0x345600000)
#define BLOCK UINT64_C(0x200000000)

enum { L1_ENTRIES = 4, L2_ENTRIES = 8, L2_CYCLES = 5, PAGES_MAPPED = 64 };

static uint64_t page_va(uint64_t i) { return AREA + (i << 12); }

static uint64_t size_set(unsigned bits)
{
	uint64_t set = 0;
	for (unsigned i = 0; i < TLB_SIZE_COUNT; i++)
		if (tlb_size_bits[i] == bits) set |= UINT64_C(1) << i;
	return set;
}

static struct tlb_params full(const char *name, uint64_t level, uint64_t entries, uint64_t inclusion)
{
	return (struct tlb_params){.name = name,
				   .level = level,
				   .side = SIDE_UNIFIED,
				   .entries = entries,
				   .ways = entries,
				   .pages = UINT64_MAX,
				   .hit_cycles = level > 1 ? L2_CYCLES : 0,
				   .policy = REPL_lru,
				   .inclusion = inclusion};
}

static void open_world(struct mmu_world *w, struct tlb_params *tlb, size_t tlbs)
{
	struct mmu_setup s = {.user = {12, 48, 0}, .kernel = {12, 48, 0}, .stage2 = {12, 40, 1}};
	struct walker_params walker = {.walkers = 1, .first_cache = 1};
	struct param_list list = {tlb, tlbs};
	struct mmu_mapping block = {
		.va = BLOCK, .ipa = BLOCK, .bits = DESC_AF | DESC_AP_USER | DESC_NG, .level = 2};
	mmu_world_init(w, &s);
	for (uint64_t i = 0; i < PAGES_MAPPED; i++)
		mmu_world_map_page(w, 0, 0, page_va(i), FRAMES + (i << 12));
	for (; block.va < BLOCK + (16 << 21); block.va += 1 << 21, block.ipa += 1 << 21)
		mmu_world_map(w, &w->vm[0].user[0], &block);
	mmu_world_machine(w, &list, &walker, NULL);
}

static void read_va(struct mmu_world *w, uint64_t va)
{
	struct mmu_done done;
	cr_assert(mmu_translate(w->mmu, va, ACCESS_READ, 1, 0, &done));
}

static void read_pages(struct mmu_world *w, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) read_va(w, page_va(i));
}

static bool holds(const struct mmu_world *w, unsigned level, uint64_t va)
{
	const struct tlb *t = w->mmu->level[1][level];
	for (size_t i = 0; i < (size_t)t->sets * t->ways; i++)
		if (t->entry[i].bits && tlb_matches(&t->entry[i], va, w->mmu->tag)) return true;
	return false;
}

/* --- the first --------------------------------------------------------------------------------------------------- */

Test(levels, the_level_that_is_asked_first_predicts_its_hits_whatever_its_number)
{
	for (uint64_t number = 1; number <= 2; number++) {
		struct tlb_params tlb = full("only", number, L2_ENTRIES, TLB_NINE);
		struct mmu_world w;
		open_world(&w, &tlb, 1);
		read_pages(&w, 3, 6);
		const struct tlb *t = w.mmu->first[ACCESS_READ];
		cr_expect(ne(ptr, (void *)mmu_predicted(w.mmu, t, page_va(5), ACCESS_READ, 1 << 20), NULL));
		cr_expect(eq(ptr, (void *)mmu_predicted(w.mmu, t, page_va(6), ACCESS_READ, 1 << 20), NULL));
		mmu_world_fini(&w);
	}
}

/* --- exclusive --------------------------------------------------------------------------------------------------- */

Test(levels, an_exclusive_level_adds_its_entries_to_those_above)
{
	for (uint64_t inclusion = TLB_NINE; inclusion <= TLB_EXCLUSIVE; inclusion++) {
		struct tlb_params tlb[2] = {full("l1", 1, L1_ENTRIES, TLB_NINE),
					    full("l2", 2, L2_ENTRIES, inclusion)};
		unsigned reach = inclusion == TLB_EXCLUSIVE ? L1_ENTRIES + L2_ENTRIES : L2_ENTRIES;
		struct mmu_world w;
		open_world(&w, tlb, 2);
		for (unsigned round = 0; round < 5; round++) read_pages(&w, 0, reach);
		cr_expect(eq(u64, w.mmu->stats.walks, reach), "%lu: a sweep of what fits", inclusion);
		for (unsigned round = 0; round < 5; round++) read_pages(&w, 20, 20 + reach + 1);
		cr_expect(eq(u64, w.mmu->stats.walks, reach + 5 * (reach + 1)), "%lu: one page more",
			  inclusion);
		mmu_world_fini(&w);
	}
}

Test(levels, a_page_is_in_an_exclusive_level_or_above_never_in_both)
{
	struct tlb_params tlb[2] = {full("l1", 1, L1_ENTRIES, TLB_NINE),
				    full("l2", 2, L2_ENTRIES, TLB_EXCLUSIVE)};
	struct mmu_world w;
	struct rng r;
	uint64_t in_second = 0;
	rng_init(&r, 1, "levels");
	open_world(&w, tlb, 2);
	for (unsigned i = 0; i < 2000; i++) {
		read_va(&w, page_va(rng_below(&r, 16)));
		for (uint64_t p = 0; p < 16; p++) {
			cr_assert(not(holds(&w, 0, page_va(p)) && holds(&w, 1, page_va(p))));
			in_second += holds(&w, 1, page_va(p));
		}
	}
	cr_expect(lt(u64, 2000, in_second));
	mmu_world_fini(&w);
}

/* Four pages of one set of a direct-mapped TLB: three misses in a row give way to a swap with four entries
 * behind it. */
Test(levels, a_victim_tlb_spares_the_walks_of_conflicts)
{
	struct tlb_params tlb[2] = {full("l1", 1, 16, TLB_NINE), full("victim", 2, 4, TLB_EXCLUSIVE)};
	tlb[0].ways = 1;
	for (size_t levels = 1; levels <= 2; levels++) {
		struct mmu_world w;
		open_world(&w, tlb, levels);
		for (unsigned round = 0; round < 10; round++)
			for (uint64_t i = 0; i < 4; i++) read_va(&w, page_va(16 * i));
		cr_expect(eq(u64, w.mmu->stats.walks, levels == 1 ? 40 : 4));
		mmu_world_fini(&w);
	}
}

Test(levels, walks_fill_the_level_behind_a_victim_tlb_and_not_that_one)
{
	struct tlb_params tlb[3] = {full("l1", 1, L1_ENTRIES, TLB_NINE), full("victim", 2, 2, TLB_EXCLUSIVE),
				    full("l2", 3, 16, TLB_NINE)};
	struct mmu_world w;
	open_world(&w, tlb, 3);
	read_pages(&w, 0, 1);
	cr_expect(holds(&w, 0, page_va(0)));
	cr_expect(not(holds(&w, 1, page_va(0))));
	cr_expect(holds(&w, 2, page_va(0)));
	read_pages(&w, 1, 1 + L1_ENTRIES);
	cr_expect(holds(&w, 1, page_va(0)), "evicted from the first level");
	mmu_world_fini(&w);
}

/* --- inclusive --------------------------------------------------------------------------------------------------- */

/* A first level larger than the second holds more than that only where it may. */
Test(levels, an_inclusive_level_takes_what_it_evicts_from_above)
{
	for (uint64_t inclusion = TLB_NINE; inclusion <= TLB_INCLUSIVE; inclusion++) {
		struct tlb_params tlb[2] = {full("l1", 1, 16, TLB_NINE),
					    full("l2", 2, L2_ENTRIES, inclusion)};
		struct mmu_world w;
		unsigned held = 0;
		open_world(&w, tlb, 2);
		read_pages(&w, 0, 16);
		for (uint64_t i = 0; i < 16; i++) held += holds(&w, 0, page_va(i));
		cr_expect(eq(u32, held, inclusion == TLB_INCLUSIVE ? L2_ENTRIES : 16));
		cr_expect(eq(u64, w.mmu->level[1][1]->stats.dropped_above,
			     inclusion == TLB_INCLUSIVE ? 16 - L2_ENTRIES : 0));
		mmu_world_fini(&w);
	}
}

Test(levels, what_the_first_level_holds_is_in_an_inclusive_second)
{
	struct tlb_params tlb[2] = {full("l1", 1, 16, TLB_NINE), full("l2", 2, 16, TLB_INCLUSIVE)};
	struct mmu_world w;
	struct rng r;
	tlb[1].ways = 2;
	rng_init(&r, 1, "levels");
	open_world(&w, tlb, 2);
	for (unsigned i = 0; i < 2000; i++) {
		read_va(&w, page_va(rng_below(&r, 40)));
		for (uint64_t p = 0; p < 40; p++)
			cr_assert(holds(&w, 1, page_va(p)) || !holds(&w, 0, page_va(p)));
	}
	cr_expect(lt(u64, 100, w.mmu->level[1][1]->stats.dropped_above));
	mmu_world_fini(&w);
}

/* --- arrays ------------------------------------------------------------------------------------------------------ */

Test(levels, arrays_of_one_level_hold_each_its_sizes)
{
	struct tlb_params tlb[2] = {full("pages", 1, L1_ENTRIES, TLB_NINE), full("blocks", 1, 8, TLB_NINE)};
	struct mmu_world w;
	struct err err;
	tlb[0].pages = size_set(12);
	tlb[1].pages = size_set(21);
	open_world(&w, tlb, 2);
	for (unsigned round = 0; round < 4; round++) {
		read_pages(&w, 0, L1_ENTRIES);
		for (uint64_t i = 0; i < 8; i++) read_va(&w, BLOCK + (i << 21) + (round << 12));
	}
	cr_expect(eq(u64, w.mmu->stats.walks, L1_ENTRIES + 8), "neither takes the other's room");
	const struct tlb_stats *pages = &w.mmu->array[1][0][0]->stats,
			       *blocks = &w.mmu->array[1][0][1]->stats;
	cr_expect(eq(u64, pages->lookups, 4 * L1_ENTRIES));
	cr_expect(eq(u64, pages->misses, L1_ENTRIES));
	cr_expect(eq(u64, blocks->lookups, 4 * 8));
	cr_expect(eq(u64, blocks->misses, 8));
	cr_expect(eq(int, mmu_check_sums(w.mmu, &err), OK), "%s", err.text);
	mmu_world_fini(&w);
}

Test(levels, a_block_goes_as_pieces_where_no_array_holds_it_whole)
{
	struct tlb_params tlb[2] = {full("pages", 1, L1_ENTRIES, TLB_NINE), full("runs", 1, 8, TLB_NINE)};
	struct mmu_world w;
	tlb[0].pages = size_set(12);
	tlb[1].pages = size_set(16);
	open_world(&w, tlb, 2);
	read_va(&w, BLOCK);
	read_va(&w, BLOCK + 0xf000);
	cr_expect(eq(u64, w.mmu->stats.walks, 1), "64 KiB of it");
	read_va(&w, BLOCK + 0x10000);
	cr_expect(eq(u64, w.mmu->stats.walks, 2));
	mmu_world_fini(&w);
}

Test(levels, tlbs_of_one_level_with_a_size_in_common_are_refused)
{
	struct tlb_params tlb[2] = {full("a", 1, 4, TLB_NINE), full("b", 1, 4, TLB_NINE)};
	struct param_list list = {tlb, 2};
	struct walker_params walker = {.walkers = 1, .first_cache = 1};
	struct mem_cpu mem = {0};
	struct mmu *m;
	struct err err;
	cr_assert(eq(int, mmu_new(&list, &walker, &mem, NULL, &m, &err), ERR_CONFIG));
	cr_expect(eq(str, err.text, "tlbs.b: holds pages of a size that a of level 1 holds"));
}
