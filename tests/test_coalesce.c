/* Entries of several pages: what is held together, and that no answer is other than the functional plane's.
 * */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "mmu_world.h"

enum { PAGES = 256, ACCESSES = 6000 };
#define AREA UINT64_C(0x123400000)
#define FRAMES UINT64_C(0x345600000)

static uint64_t page_va(uint64_t i) { return AREA + (i << 12); }

static struct tlb_params tlb_of(uint64_t coalesce, uint64_t pages)
{
	return (struct tlb_params){.name = "l1",
				   .level = 1,
				   .side = SIDE_UNIFIED,
				   .entries = 16,
				   .ways = 4,
				   .pages = UINT64_MAX,
				   .policy = REPL_lru,
				   .coalesce = coalesce,
				   .coalesce_pages = pages};
}

static void open_world(struct mmu_world *w, bool two_stages, unsigned seed)
{
	struct mmu_setup s = {.user = {12, 48, 0},
			      .kernel = {12, 48, 0},
			      .stage2 = {12, 40, 1},
			      .two_stages = two_stages,
			      .seed = seed};
	mmu_world_init(w, &s);
}

static void open_machine(struct mmu_world *w, struct tlb_params *tlb, size_t tlbs)
{
	static struct walker_params walker;
	static struct param_list list;
	list = (struct param_list){tlb, tlbs};
	walker = (struct walker_params){.walkers = 1, .first_cache = 1};
	mmu_world_machine(w, &list, &walker, NULL);
}

static void map(struct mmu_world *w, uint64_t i, uint64_t ipa, uint64_t bits)
{
	struct mmu_mapping m = {
		.va = page_va(i), .ipa = ipa, .bits = bits | DESC_AP_USER | DESC_NG, .level = LAST_LEVEL};
	mmu_world_map(w, &w->vm[0].user[0], &m);
}

static bool read_page(struct mmu_world *w, uint64_t i)
{
	struct mmu_done done;
	return mmu_translate(w->mmu, page_va(i) + 8, ACCESS_READ, 1, 0, &done);
}

static uint64_t walks(const struct mmu_world *w) { return w->mmu->stats.walks; }

/* --- which pages come along -------------------------------------------------------------------------------------- */

/* Maps pages 0..7 to frames[i], with bits[i]; reads page 3, then all: the pages whose read needs no walk, as
 * a mask. */
static unsigned held_after_reading_page_3(uint64_t coalesce, uint64_t pages, const uint8_t frames[8],
					  const uint64_t bits[8])
{
	struct tlb_params tlb = tlb_of(coalesce, pages);
	struct mmu_world w;
	unsigned held = 0;
	open_world(&w, false, 0);
	for (uint64_t i = 0; i < 8; i++) map(&w, i, FRAMES + ((uint64_t)frames[i] << 12), bits[i]);
	open_machine(&w, &tlb, 1);
	cr_assert(read_page(&w, 3));
	for (uint64_t i = 0; i < 8; i++)
		if (tlb_find(w.mmu->first[ACCESS_READ], page_va(i), w.mmu->tag)) held |= 1u << i;
	tlb_check(w.mmu->first[ACCESS_READ]);
	mmu_world_fini(&w);
	return held;
}

static const uint64_t plain[8] = {DESC_AF, DESC_AF, DESC_AF, DESC_AF, DESC_AF, DESC_AF, DESC_AF, DESC_AF};

Test(coalesce, colt_holds_the_run_around_the_page_and_no_more)
{
	static const uint8_t all[8] = {0, 1, 2, 3, 4, 5, 6, 7}, broken[8] = {9, 20, 21, 22, 23, 30, 25, 26};
	cr_expect(eq(u32, held_after_reading_page_3(TLB_COLT, 8, all, plain), 0xff));
	cr_expect(eq(u32, held_after_reading_page_3(TLB_COLT, 8, broken, plain), 0x1e), "pages 1 to 4");
	cr_expect(eq(u32, held_after_reading_page_3(TLB_COLT, 4, broken, plain), 0x0e),
		  "within the group of four");
	cr_expect(eq(u32, held_after_reading_page_3(TLB_NONE, 8, all, plain), 0x08));
}

Test(coalesce, pages_with_other_attributes_or_never_accessed_stay_away)
{
	static const uint8_t all[8] = {0, 1, 2, 3, 4, 5, 6, 7};
	uint64_t bits[8] = {DESC_AF, DESC_AF, DESC_AF, DESC_AF, DESC_AF, DESC_AF, DESC_AF, DESC_AF};
	bits[1] |= DESC_AP_READ_ONLY;
	bits[6] = 0;
	cr_expect(eq(u32, held_after_reading_page_3(TLB_COLT, 8, all, bits), 0x3c));
	cr_expect(eq(u32, held_after_reading_page_3(TLB_PARTIAL, 8, all, bits), 0xbd));
	cr_expect(eq(u32, held_after_reading_page_3(TLB_COMPLETE, 8, all, bits), 0xbf));
}

Test(coalesce, a_partial_sub_block_needs_pages_that_lie_in_place)
{
	static const uint8_t gaps[8] = {8, 1, 10, 11, 12, 3, 14, 15}, shifted[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	cr_expect(eq(u32, held_after_reading_page_3(TLB_PARTIAL, 8, gaps, plain), 0xdd));
	cr_expect(eq(u32, held_after_reading_page_3(TLB_PARTIAL, 8, shifted, plain), 0x08));
	cr_expect(eq(u32, held_after_reading_page_3(TLB_COLT, 8, shifted, plain), 0xff));
	cr_expect(eq(u32, held_after_reading_page_3(TLB_COMPLETE, 8, gaps, plain), 0xff));
}

/* Stage 2 of this world maps page i of a VM to frame i ^ 0x2a5: contiguous IPAs lie apart, and others beside
 * each other. */
static uint64_t walks_behind_stage2(uint64_t flip)
{
	struct tlb_params tlb = tlb_of(TLB_COLT, 4);
	struct mmu_world w;
	open_world(&w, true, 0);
	for (uint64_t i = 0; i < 4; i++) map(&w, i, FRAMES + ((i ^ flip) << 12), DESC_AF);
	open_machine(&w, &tlb, 1);
	for (uint64_t i = 0; i < 4; i++) cr_assert(read_page(&w, i));
	uint64_t count = walks(&w);
	mmu_world_fini(&w);
	return count;
}

Test(coalesce, under_two_stages_the_physical_addresses_must_continue)
{
	cr_expect(eq(u64, walks_behind_stage2(0x5), 1), "the stages' permutations cancel");
	cr_expect(eq(u64, walks_behind_stage2(0), 4), "contiguous IPAs, scattered PAs");
}

Test(coalesce, pieces_of_a_block_stand_together_without_descriptors_of_their_own)
{
	struct tlb_params tlb = tlb_of(TLB_COLT, 8);
	struct mmu_world w;
	struct mmu_mapping m = {.va = AREA, .ipa = FRAMES, .bits = DESC_AF | DESC_AP_USER, .level = 2};
	tlb.pages = 1; /* 4K */
	open_world(&w, false, 0);
	mmu_world_map(&w, &w.vm[0].user[0], &m);
	open_machine(&w, &tlb, 1);
	for (uint64_t i = 0; i < 64; i++) cr_assert(read_page(&w, i));
	cr_expect(eq(u64, walks(&w), 8));
	mmu_world_fini(&w);
}

Test(coalesce, a_page_mapped_later_joins_the_run_beside_it)
{
	struct tlb_params tlb = tlb_of(TLB_COLT, 8);
	struct mmu_world w;
	open_world(&w, false, 0);
	for (uint64_t i = 0; i < 3; i++) map(&w, i, FRAMES + (i << 12), DESC_AF);
	open_machine(&w, &tlb, 1);
	cr_assert(read_page(&w, 1));
	map(&w, 3, FRAMES + (3 << 12), DESC_AF);
	cr_assert(read_page(&w, 3));
	const struct tlb_stats *s = &w.mmu->first[ACCESS_READ]->stats;
	cr_expect(eq(u64, s->fills, 1), "one entry");
	cr_expect(eq(u64, s->joins, 1));
	cr_expect(eq(u64, s->neighbours, 2), "pages 0 and 2");
	tlb_check(w.mmu->first[ACCESS_READ]);
	mmu_world_fini(&w);
}

/* --- reach ------------------------------------------------------------------------------------------------------- */

static uint64_t walks_of_sweeps(uint64_t coalesce, uint64_t pages, uint64_t footprint)
{
	struct tlb_params tlb = tlb_of(coalesce, pages);
	struct mmu_world w;
	open_world(&w, false, 0);
	for (uint64_t i = 0; i < footprint; i++) map(&w, i, FRAMES + (i << 12), DESC_AF);
	open_machine(&w, &tlb, 1);
	for (unsigned round = 0; round < 3; round++)
		for (uint64_t i = 0; i < footprint; i++) cr_assert(read_page(&w, i));
	uint64_t count = walks(&w);
	mmu_world_fini(&w);
	return count;
}

Test(coalesce, reach_is_the_entries_times_the_pages_of_each)
{
	for (uint64_t pages = 2; pages <= 8; pages *= 2) {
		cr_expect(eq(u64, walks_of_sweeps(TLB_COLT, pages, 16 * pages), 16), "%lu pages fit", pages);
		cr_expect(eq(u64, walks_of_sweeps(TLB_COLT, pages, 20 * pages), 3 * 20),
			  "one more group per set misses always under LRU");
	}
	cr_expect(eq(u64, walks_of_sweeps(TLB_NONE, 8, 20), 3 * 20));
}

/* --- maintenance ------------------------------------------------------------------------------------------------- */

/* Pages of one line of eight that are left after a TLBI of page 3. */
static unsigned left_after_tlbi(uint64_t coalesce)
{
	struct tlb_params tlb = tlb_of(coalesce, 8);
	struct mmu_world w;
	unsigned left = 0;
	open_world(&w, false, 0);
	for (uint64_t i = 0; i < 8; i++) map(&w, i, FRAMES + (i << 12), DESC_AF);
	open_machine(&w, &tlb, 1);
	cr_assert(read_page(&w, 0));
	struct tlb *t = w.mmu->first[ACCESS_READ];
	for (uint64_t i = 0; i < 8; i++) cr_assert(read_page(&w, i));
	struct tlb_match m = {.by_address = true,
			      .first = page_va(3),
			      .last = page_va(3) | 0xfff,
			      .tag = w.mmu->tag,
			      .tag_mask = TLB_TAG_ALL};
	tlb_invalidate(t, &m);
	tlb_check(t);
	for (uint64_t i = 0; i < 8; i++)
		if (tlb_hit(t, page_va(i), w.mmu->tag) || tlb_find(t, page_va(i), w.mmu->tag))
			left |= 1u << i;
	mmu_world_fini(&w);
	return left;
}

Test(coalesce, a_tlbi_of_one_page_takes_the_whole_run_but_of_a_sub_block_only_that_page)
{
	cr_expect(eq(u32, left_after_tlbi(TLB_COLT), 0));
	cr_expect(eq(u32, left_after_tlbi(TLB_PARTIAL), 0xf7));
	cr_expect(eq(u32, left_after_tlbi(TLB_COMPLETE), 0xf7));
}

/* --- against the functional plane --------------------------------------------------------------------------------- */

struct random_case {
	unsigned coalesce, pages, two_stages, seed;
};

ParameterizedTestParameters(coalesce, every_answer_is_that_of_the_functional_plane)
{
	static struct random_case cases[72];
	for (unsigned i = 0; i < 72; i++)
		cases[i] = (struct random_case){1 + i % 3, 2u << i / 3 % 3, i / 9 % 2, i};
	return cr_make_param_array(struct random_case, cases, 72);
}

static uint64_t random_bits(struct rng *r)
{
	uint64_t bits = rng_below(r, 16) ? DESC_AF : 0;
	if (rng_below(r, 12) == 0) bits |= DESC_AP_READ_ONLY;
	if (rng_below(r, 24) == 0) bits |= DESC_UXN;
	return bits;
}

/* Frames that mostly continue, with breaks, and permuted as stage 2 permutes them. */
static void map_random(struct mmu_world *w, uint64_t from, uint64_t to, struct rng *r)
{
	uint64_t frame = rng_below(r, 4096);
	for (uint64_t i = from; i < to; i++, frame++) {
		if (rng_below(r, 6) == 0) frame = rng_below(r, 4096);
		map(w, i, FRAMES + ((frame ^ (w->setup.two_stages ? 0x2a5 : 0)) << 12), random_bits(r));
	}
}

/* Maps some pages anew as software must: break, TLBI, make. */
static void remap(struct mmu_world *w, struct rng *r)
{
	uint64_t from = rng_below(r, PAGES - 4), to = from + 1 + rng_below(r, 4);
	struct tlb_match m = {.by_address = true,
			      .first = page_va(from),
			      .last = page_va(to) - 1,
			      .tag = w->mmu->tag,
			      .tag_mask = TLB_TAG_ALL};
	tlb_invalidate(w->mmu->first[ACCESS_READ], &m);
	map_random(w, from, to, r);
}

static void compare(struct mmu_world *w, uint64_t va, enum access_kind kind)
{
	struct translation want;
	struct mmu_done done;
	mmu_world_expect(w, va, kind, &want);
	bool ok = mmu_translate(w->mmu, va, kind, 1, 0, &done);
	cr_assert(eq(int, ok, want.fault.kind == FAULT_NONE), "va 0x%lx kind %d", va, kind);
	if (ok) cr_assert(eq(u64, done.pa, want.pa.raw), "va 0x%lx", va);
}

ParameterizedTest(struct random_case *c, coalesce, every_answer_is_that_of_the_functional_plane)
{
	struct tlb_params tlb = tlb_of(c->coalesce, c->pages);
	struct mmu_world w;
	struct rng r;
	rng_init(&r, c->seed, "coalesce");
	tlb.policy = rng_below(&r, REPL_COUNT);
	tlb.index = rng_below(&r, 2);
	tlb.contiguous = rng_below(&r, 2);
	open_world(&w, c->two_stages, 0);
	map_random(&w, 0, PAGES, &r);
	open_machine(&w, &tlb, 1);
	for (unsigned i = 0; i < ACCESSES; i++) {
		mmu_world_switch(&w, 0, 0, (unsigned)rng_below(&r, 2), false);
		uint64_t va = page_va(rng_below(&r, 4) ? rng_below(&r, 96) : rng_below(&r, PAGES));
		compare(&w, va + rng_below(&r, 4096), (enum access_kind)rng_below(&r, 3));
		if (rng_below(&r, 50) == 0) remap(&w, &r);
		if (i % 64 == 0) tlb_check(w.mmu->first[ACCESS_READ]);
	}
	const struct tlb_stats *s = &w.mmu->first[ACCESS_READ]->stats;
	cr_expect(lt(u64, 0, s->neighbours));
	cr_expect(lt(u64, 0, s->hits + s->merged));
	mmu_world_fini(&w);
}
