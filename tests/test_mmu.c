/* What translation costs: descriptor reads, walkers, merging, walk caches and the IPA cache, cycle by cycle. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "mmu_world.h"

enum { MEMORY_CYCLES = 100, L2_CYCLES = 5 };
#define PAGE UINT64_C(0x123456000)
#define FRAME UINT64_C(0x345678000)

/* A level 1 TLB of 4 entries for each side, a level 2 of 64 that takes 5 cycles; memory is 100 cycles away. */
static struct tlb_params tlbs[] = {
	{.name = "l1i", .level = 1, .side = SIDE_INSTRUCTION, .entries = 4, .ways = 4, .pages = UINT64_MAX},
	{.name = "l1d", .level = 1, .side = SIDE_DATA, .entries = 4, .ways = 4, .pages = UINT64_MAX},
	{.name = "l2",
	 .level = 2,
	 .side = SIDE_UNIFIED,
	 .entries = 64,
	 .ways = 4,
	 .pages = UINT64_MAX,
	 .hit_cycles = L2_CYCLES},
};
static const struct param_list tlb_list = {tlbs, 3};

static struct walker_params bare_walker(void)
{
	return (struct walker_params){.walkers = 1, .first_cache = 1};
}

static struct mmu_setup kvm_4k(void)
{
	return (struct mmu_setup){
		.user = {12, 48, 0}, .kernel = {12, 48, 0}, .stage2 = {12, 40, 1}, .two_stages = true};
}

static void open_world(struct mmu_world *w, const struct mmu_setup *s, const struct walker_params *walker)
{
	mmu_world_init(w, s);
	for (uint64_t i = 0; i < 16; i++) mmu_world_map_page(w, 0, 0, PAGE + (i << 12), FRAME + (i << 14));
	mmu_world_machine(w, &tlb_list, walker, NULL);
}

/* Reads `va` at `now`: the cycle at which its translation was known. */
static cycles_t read_at(struct mmu_world *w, uint64_t va, cycles_t now)
{
	struct mmu_done done;
	cr_assert(mmu_translate(w->mmu, va, ACCESS_READ, 1, now, &done), "a fault at 0x%lx", va);
	return done.cycle;
}

/* Descriptors that a read of `va` takes, in a walk of its own. */
static uint64_t reads_of(struct mmu_world *w, uint64_t va, cycles_t now)
{
	uint64_t before = mmu_world_reads(w);
	read_at(w, va, now);
	return mmu_world_reads(w) - before;
}

/* --- walks without caches ------------------------------------------------------------------------------------------ */

struct shapes_case {
	struct mmu_shape stage1, stage2;
};

static struct shapes_case all_shapes[] = {
	{{12, 48, 0}, {12, 40, 1}}, {{12, 48, 0}, {12, 48, 0}}, {{12, 39, 1}, {12, 39, 1}},
	{{12, 30, 2}, {14, 40, 2}}, {{12, 48, 0}, {16, 40, 2}}, {{14, 47, 1}, {12, 40, 1}},
	{{14, 36, 2}, {14, 47, 1}}, {{14, 25, 3}, {16, 42, 2}}, {{16, 48, 1}, {12, 48, 0}},
	{{16, 42, 2}, {14, 40, 2}}, {{16, 29, 3}, {16, 42, 2}}, {{16, 42, 2}, {16, 29, 3}},
};

ParameterizedTestParameters(mmu, a_walk_without_caches_reads_n_plus_1_times_m_plus_1_minus_1_descriptors)
{
	return cr_make_param_array(struct shapes_case, all_shapes,
				   sizeof(all_shapes) / sizeof(all_shapes[0]));
}

ParameterizedTest(struct shapes_case *c, mmu,
		  a_walk_without_caches_reads_n_plus_1_times_m_plus_1_minus_1_descriptors)
{
	for (unsigned both = 0; both < 2; both++) {
		struct mmu_setup s = {
			.user = c->stage1, .kernel = c->stage1, .stage2 = c->stage2, .two_stages = both};
		struct walker_params walker = bare_walker();
		struct mmu_world w;
		uint64_t n = (uint64_t)(4 - c->stage1.start), m = both ? (uint64_t)(4 - c->stage2.start) : 0;
		uint64_t reads = (n + 1) * (m + 1) - 1;
		walker.cycles_per_level = 3;
		mmu_world_init(&w, &s);
		mmu_world_map_page(&w, 0, 0, 0x1230000, 0x1450000);
		mmu_world_machine(&w, &tlb_list, &walker, NULL);
		cr_expect(eq(u64, read_at(&w, 0x1230000, 1000),
			     1000 + L2_CYCLES + reads * (MEMORY_CYCLES + 3)));
		cr_expect(eq(u64, mmu_world_reads(&w), reads), "n %lu m %lu", n, m);
		cr_expect(eq(u64, w.mmu->stats.descriptor_reads[0], n));
		cr_expect(eq(u64, w.mmu->stats.descriptor_reads[1], n * m));
		cr_expect(eq(u64, w.mmu->stats.descriptor_reads[2], m));
		mmu_world_fini(&w);
	}
}

/* --- TLB levels ----------------------------------------------------------------------------------------------------- */

Test(mmu, a_hit_takes_the_time_of_the_level_that_has_it)
{
	struct mmu_world w;
	struct mmu_setup s = kvm_4k();
	struct walker_params walker = bare_walker();
	open_world(&w, &s, &walker);
	for (uint64_t i = 0; i < 5; i++) read_at(&w, PAGE + (i << 12), 0);
	cr_expect(eq(u64, read_at(&w, PAGE + (4 << 12), 100000), 100000), "first level");
	cr_expect(eq(u64, read_at(&w, PAGE, 100000), 100000 + L2_CYCLES), "second level");
	cr_expect(eq(u64, read_at(&w, PAGE, 100000 + L2_CYCLES), 100000 + L2_CYCLES), "first level again");
	mmu_world_fini(&w);
}

/* The first level's own latency counts whether or not the predictor knew the entry. */
Test(mmu, the_first_levels_latency_does_not_depend_on_the_predictor)
{
	struct mmu_world w;
	struct mmu_setup s = kvm_4k();
	struct walker_params walker = bare_walker();
	struct tlb_params slow = {.name = "l1",
				  .level = 1,
				  .side = SIDE_UNIFIED,
				  .entries = 8,
				  .ways = 8,
				  .pages = UINT64_MAX,
				  .hit_cycles = 2};
	struct param_list list = {&slow, 1};
	uint64_t rival = PAGE + (UINT64_C(1) << 22); /* in the same slot of the predictor */
	mmu_world_init(&w, &s);
	mmu_world_map_page(&w, 0, 0, PAGE, FRAME);
	mmu_world_map_page(&w, 0, 0, rival, FRAME + 0x4000);
	mmu_world_machine(&w, &list, &walker, NULL);
	read_at(&w, PAGE, 0);
	cr_expect(eq(u64, read_at(&w, PAGE, 100000), 100002), "predicted");
	read_at(&w, rival, 110000);
	cr_expect(eq(u64, read_at(&w, PAGE, 120000), 120002), "not predicted");
	mmu_world_fini(&w);
}

Test(mmu, each_level_counts_its_own_look_ups)
{
	struct mmu_world w;
	struct mmu_setup s = kvm_4k();
	struct walker_params walker = bare_walker();
	struct err err;
	open_world(&w, &s, &walker);
	for (unsigned round = 0; round < 3; round++)
		for (uint64_t i = 0; i < 5; i++) read_at(&w, PAGE + (i << 12), round * 100000);
	const struct tlb_stats *l1 = &w.mmu->first[ACCESS_READ]->stats, *l2 = &w.mmu->level[1][1]->stats;
	cr_expect(eq(u64, l1->lookups, 15));
	cr_expect(eq(u64, l1->misses, 15), "five pages in turn through four entries");
	cr_expect(eq(u64, l2->lookups, 15));
	cr_expect(eq(u64, l2->misses, 5));
	cr_expect(eq(u64, w.mmu->stats.walks, 5));
	cr_expect(eq(int, mmu_check_sums(w.mmu, &err), OK));
	mmu_world_fini(&w);
}

Test(mmu, a_run_of_fetches_counts_once_per_instruction)
{
	struct mmu_world w;
	struct mmu_setup s = kvm_4k();
	struct walker_params walker = bare_walker();
	struct mmu_done done;
	open_world(&w, &s, &walker);
	cr_assert(mmu_translate(w.mmu, PAGE, ACCESS_FETCH, 16, 0, &done));
	cr_assert(mmu_translate(w.mmu, PAGE + 64, ACCESS_FETCH, 16, 100000, &done));
	const struct tlb_stats *l1 = &w.mmu->first[ACCESS_FETCH]->stats;
	cr_expect(eq(u64, l1->lookups, 32));
	cr_expect(eq(u64, l1->hits, 31));
	cr_expect(eq(u64, l1->misses, 1));
	mmu_world_fini(&w);
}

/* --- walkers and merging ------------------------------------------------------------------------------------------- */

enum { NATIVE_WALK = 4 * MEMORY_CYCLES };

static void open_native(struct mmu_world *w, uint64_t walkers)
{
	struct mmu_setup s = kvm_4k();
	struct walker_params walker = bare_walker();
	s.two_stages = false;
	walker.walkers = walkers;
	open_world(w, &s, &walker);
}

Test(mmu, misses_wait_for_the_only_walker)
{
	struct mmu_world w;
	open_native(&w, 1);
	cycles_t first = L2_CYCLES + NATIVE_WALK;
	cr_expect(eq(u64, read_at(&w, PAGE, 0), first));
	cr_expect(eq(u64, read_at(&w, PAGE + 0x1000, 0), first + NATIVE_WALK));
	cr_expect(eq(u64, w.mmu->stats.queue_cycles, NATIVE_WALK));
	mmu_world_fini(&w);
}

Test(mmu, two_walkers_walk_at_once_and_a_third_miss_waits)
{
	struct mmu_world w;
	open_native(&w, 2);
	cycles_t first = L2_CYCLES + NATIVE_WALK;
	cr_expect(eq(u64, read_at(&w, PAGE, 0), first));
	cr_expect(eq(u64, read_at(&w, PAGE + 0x1000, 10), first + 10));
	cr_expect(eq(u64, read_at(&w, PAGE + 0x2000, 20), first + NATIVE_WALK));
	cr_expect(eq(u64, w.mmu->stats.queue_cycles, NATIVE_WALK - 20));
	mmu_world_fini(&w);
}

Test(mmu, a_walker_is_free_at_the_end_of_its_walk_and_not_a_cycle_before)
{
	for (cycles_t early = 0; early < 2; early++) {
		struct mmu_world w;
		open_native(&w, 1);
		cycles_t end = read_at(&w, PAGE, 0);
		read_at(&w, PAGE + 0x1000, end - L2_CYCLES - early);
		cr_expect(eq(u64, w.mmu->stats.queue_cycles, early));
		mmu_world_fini(&w);
	}
}

/* A core that runs ahead asks for later walks first; those do not hold up one that begins before them. */
Test(mmu, a_walk_asked_for_later_but_begun_earlier_does_not_wait)
{
	struct mmu_world w;
	open_native(&w, 1);
	read_at(&w, PAGE, 100000);
	cr_expect(eq(u64, read_at(&w, PAGE + 0x1000, 0), L2_CYCLES + NATIVE_WALK));
	cr_expect(eq(u64, w.mmu->stats.queue_cycles, 0));
	mmu_world_fini(&w);
}

Test(mmu, a_miss_on_a_page_being_walked_waits_for_that_walk)
{
	struct mmu_world w;
	open_native(&w, 4);
	cycles_t end = read_at(&w, PAGE, 0);
	cr_expect(eq(u64, read_at(&w, PAGE + 8, 0), end), "at once");
	cr_expect(eq(u64, read_at(&w, PAGE + 16, end - 1), end), "a cycle before it ends");
	cr_expect(eq(u64, w.mmu->first[ACCESS_READ]->stats.merged, 2));
	cr_expect(eq(u64, read_at(&w, PAGE + 24, end), end), "when it ends");
	cr_expect(eq(u64, w.mmu->first[ACCESS_READ]->stats.merged, 2));
	cr_expect(eq(u64, w.mmu->first[ACCESS_READ]->stats.hits, 1));
	cr_expect(eq(u64, w.mmu->stats.walks, 1));
	mmu_world_fini(&w);
}

/* The other side misses its first level, and finds the walk in the second. */
Test(mmu, a_fetch_and_a_load_of_one_page_share_a_walk)
{
	struct mmu_world w;
	struct mmu_done done;
	open_native(&w, 4);
	cycles_t end = read_at(&w, PAGE, 0);
	cr_assert(mmu_translate(w.mmu, PAGE, ACCESS_FETCH, 1, 0, &done));
	cr_expect(eq(u64, done.cycle, end));
	cr_expect(eq(u64, w.mmu->level[0][1]->stats.merged, 1));
	cr_assert(mmu_translate(w.mmu, PAGE, ACCESS_FETCH, 1, end - 1, &done));
	cr_expect(eq(u64, done.cycle, end), "the first level waits for the same walk");
	cr_expect(eq(u64, w.mmu->stats.walks, 1));
	mmu_world_fini(&w);
}

/* --- walk caches --------------------------------------------------------------------------------------------------- */

static struct walk_cache_params big_cache(uint64_t levels, uint64_t cycles)
{
	return (struct walk_cache_params){.levels = levels, .entries = 64, .ways = 64, .cycles = cycles};
}

Test(mmu, a_stage_1_walk_cache_leaves_the_levels_below_it)
{
	for (uint64_t level = 0; level < 3; level++) {
		struct walk_cache_params c = big_cache(UINT64_C(2) << level, 1);
		struct walker_params walker = bare_walker();
		struct mmu_setup s = kvm_4k();
		struct mmu_world w;
		s.two_stages = false;
		walker.s1_caches = (struct param_list){&c, 1};
		open_world(&w, &s, &walker);
		cr_expect(eq(u64, reads_of(&w, PAGE, 0), 4));
		cr_expect(eq(u64, reads_of(&w, PAGE + 0x1000, 10000), 3 - level), "level %lu", level);
		cr_expect(eq(u64, read_at(&w, PAGE + 0x2000, 20000),
			     20000 + L2_CYCLES + 1 + (3 - level) * MEMORY_CYCLES));
		mmu_world_fini(&w);
	}
}

/* A position behind stage 2 knows where its table is in memory, once that was read: KVM sets HCR_EL2.PTW. */
static uint64_t reads_behind_stage2(uint64_t hcr, bool ipa_only)
{
	struct walk_cache_params c = big_cache(0xf, 0);
	c.ipa_only = ipa_only;
	struct walker_params walker = bare_walker();
	struct mmu_setup s = kvm_4k();
	struct mmu_world w;
	walker.s1_caches = (struct param_list){&c, 1};
	mmu_world_init(&w, &s);
	w.vm[0].regs.HCR_EL2 |= hcr;
	for (uint64_t i = 0; i < 2; i++) mmu_world_map_page(&w, 0, 0, PAGE + (i << 12), FRAME + (i << 14));
	mmu_world_machine(&w, &tlb_list, &walker, NULL);
	read_at(&w, PAGE, 0);
	uint64_t reads = reads_of(&w, PAGE + 0x1000, 10000);
	mmu_world_fini(&w);
	return reads;
}

Test(mmu, a_stage_1_walk_cache_spares_stage_2_of_the_table_it_leads_to)
{
	cr_expect(eq(u64, reads_behind_stage2(0, false), 1 + 3));
	cr_expect(eq(u64, reads_behind_stage2(HCR_PTW, false), 1 + 3),
		  "tables in Normal memory are not protected");
	cr_expect(eq(u64, reads_behind_stage2(HCR_PTW | HCR_FWB, false), 1 + 3));
}

Test(mmu, a_stage_1_walk_cache_of_ipas_alone_leaves_stage_2_of_the_table)
{
	cr_expect(eq(u64, reads_behind_stage2(0, true), 3 + 1 + 3));
}

Test(mmu, a_stage_2_walk_cache_leaves_one_descriptor_of_each_stage_2_walk)
{
	struct walk_cache_params c = big_cache(0xf, 0);
	struct walker_params walker = bare_walker();
	struct mmu_setup s = kvm_4k();
	struct mmu_world w;
	walker.s2_caches = (struct param_list){&c, 1};
	open_world(&w, &s, &walker);
	read_at(&w, PAGE, 0);
	cr_expect(eq(u64, reads_of(&w, PAGE + 0x1000, 10000), 4 + 4 + 1));
	mmu_world_fini(&w);
}

/* The walk to the first table fills it, 4 x 3 descriptors; the page's own is not held. */
Test(mmu, a_stage_2_walk_cache_for_tables_alone_does_nothing_for_the_page)
{
	struct walk_cache_params c = big_cache(0xf, 0);
	struct walker_params walker = bare_walker();
	struct mmu_setup s = kvm_4k();
	struct mmu_world w;
	c.tables_only = 1;
	walker.s2_caches = (struct param_list){&c, 1};
	open_world(&w, &s, &walker);
	read_at(&w, PAGE, 0);
	cr_expect(eq(u64, reads_of(&w, PAGE + 0x1000, 10000), 4 + 4 + 3));
	mmu_world_fini(&w);
}

Test(mmu, cycles_of_descriptors_are_counted_by_stage_and_level)
{
	struct walker_params walker = bare_walker();
	struct mmu_setup s = kvm_4k();
	struct mmu_world w;
	open_world(&w, &s, &walker);
	read_at(&w, PAGE, 0);
	const struct walker_stats *n = &w.mmu->stats;
	for (unsigned level = 0; level <= 3; level++) { /* stage 2 begins at level 1 */
		uint64_t by_stage2 = level ? MEMORY_CYCLES : 0;
		cr_expect(eq(u64, n->level_cycles[0][level + 1], MEMORY_CYCLES));
		cr_expect(eq(u64, n->level_cycles[1][level + 1], 4 * by_stage2));
		cr_expect(eq(u64, n->level_cycles[2][level + 1], by_stage2));
	}
	for (unsigned cause = 0; cause < MMU_WALK_CAUSES; cause++) {
		uint64_t sum = 0;
		for (unsigned level = 0; level < MMU_WALK_LEVELS; level++)
			sum += n->level_cycles[cause][level];
		cr_expect(eq(u64, sum, n->read_cycles[cause]));
	}
	mmu_world_fini(&w);
}

Test(mmu, an_ipa_cache_leaves_stage_1_and_what_it_has_not_seen)
{
	struct walker_params walker = bare_walker();
	struct mmu_setup s = kvm_4k();
	struct mmu_world w;
	walker.ipa_cache = (struct ipa_cache_params){.entries = 64, .ways = 64, .cycles = 0};
	open_world(&w, &s, &walker);
	cr_expect(eq(u64, reads_of(&w, PAGE, 0), 4 * 4 + 3));
	cr_expect(eq(u64, reads_of(&w, PAGE + 0x1000, 10000), 4 + 3), "tables known, the page not");
	mmu_world_fini(&w);
}

Test(mmu, caches_of_both_stages_leave_one_descriptor_each)
{
	struct walk_cache_params c = big_cache(0xf, 0);
	struct walker_params walker = bare_walker();
	struct mmu_setup s = kvm_4k();
	struct mmu_world w;
	walker.s1_caches = walker.s2_caches = (struct param_list){&c, 1};
	open_world(&w, &s, &walker);
	read_at(&w, PAGE, 0);
	cr_expect(eq(u64, reads_of(&w, PAGE + 0x1000, 10000), 2));
	mmu_world_fini(&w);
}

/* --- contexts and faults ------------------------------------------------------------------------------------------- */

static uint64_t pa_of(struct mmu_world *w, uint64_t va)
{
	struct mmu_done done;
	cr_assert(mmu_translate(w->mmu, va, ACCESS_READ, 1, 0, &done));
	return done.pa;
}

Test(mmu, another_asid_or_vmid_finds_no_entry_and_its_own_comes_back_to_it)
{
	struct walk_cache_params c = big_cache(0xf, 0);
	struct walker_params walker = bare_walker();
	struct mmu_setup s = kvm_4k();
	struct mmu_world w;
	unsigned unit;
	walker.s1_caches = walker.s2_caches = (struct param_list){&c, 1};
	walker.ipa_cache = (struct ipa_cache_params){.entries = 64, .ways = 64};
	mmu_world_init(&w, &s);
	for (unsigned i = 0; i < 4; i++) mmu_world_map_page(&w, i / 2, i % 2, PAGE, FRAME + (i << 14));
	mmu_world_machine(&w, &tlb_list, &walker, NULL);
	for (unsigned i = 0; i < 8; i++) {
		mmu_world_switch(&w, i / 2 % 2, i % 2, 0, false);
		uint64_t walks = w.mmu->stats.walks;
		cr_expect(
			eq(u64, pa_of(&w, PAGE), mmu_world_pa(&w, i / 2 % 2, FRAME + (i % 4 << 14), &unit)));
		cr_expect(eq(u64, w.mmu->stats.walks - walks, i < 4));
	}
	mmu_world_fini(&w);
}

Test(mmu, the_sums_hold_after_a_fault_that_nobody_resolves)
{
	struct mmu_world w;
	struct mmu_done done;
	struct err err;
	open_native(&w, 1);
	cr_expect(not(mmu_translate(w.mmu, 0x5000, ACCESS_READ, 1, 0, &done)));
	cr_expect(eq(u8, w.mmu->fault.fault.kind, FAULT_TRANSLATION));
	cr_expect(eq(u64, w.mmu->stats.faults, 1));
	cr_expect(eq(int, mmu_check_sums(w.mmu, &err), OK), "%s", err.text);
	mmu_world_fini(&w);
}

/* Maps what is missing, and takes 1000 cycles for it. */
static bool map_and_go_on(void *owner, const struct mmu_fault *f, cycles_t *now)
{
	mmu_world_map_page(owner, 0, 0, f->va.raw & ~UINT64_C(0xfff), FRAME + 0x100000);
	*now += 1000;
	return true;
}

Test(mmu, a_resolved_fault_restarts_the_walk_and_counts_one_miss)
{
	struct mmu_world w;
	struct err err;
	open_native(&w, 1);
	w.mmu->resolve = map_and_go_on;
	w.mmu->resolve_owner = &w;
	cycles_t first = MEMORY_CYCLES, again = NATIVE_WALK;
	cr_expect(eq(u64, read_at(&w, UINT64_C(5) << 39, 0), L2_CYCLES + first + 1000 + again));
	cr_expect(eq(u64, w.mmu->first[ACCESS_READ]->stats.misses, 1));
	cr_expect(eq(u64, w.mmu->stats.restarts, 1));
	cr_expect(eq(u64, w.mmu->stats.walks, 2));
	cr_expect(eq(int, mmu_check_sums(w.mmu, &err), OK), "%s", err.text);
	mmu_world_fini(&w);
}

/* --- sizes --------------------------------------------------------------------------------------------------------- */

/* log2 of the entry that holds a 2 MiB block of stage 1 over stage 2 pages, or a run where runs are held. */
static unsigned entry_bits(bool two_stages, int level, bool run, bool runs_held)
{
	struct tlb_params t = {.name = "l1",
			       .level = 1,
			       .side = SIDE_UNIFIED,
			       .entries = 8,
			       .ways = 8,
			       .pages = UINT64_MAX,
			       .contiguous = runs_held};
	struct mmu_mapping m = {.va = 0x40000000,
				.ipa = 0x80000000,
				.bits = DESC_AF | DESC_AP_USER,
				.level = level,
				.run = run};
	struct param_list list = {&t, 1};
	struct walker_params walker = bare_walker();
	struct mmu_setup s = kvm_4k();
	struct mmu_world w;
	s.two_stages = two_stages;
	mmu_world_init(&w, &s);
	mmu_world_map(&w, &w.vm[0].user[0], &m);
	mmu_world_machine(&w, &list, &walker, NULL);
	read_at(&w, 0x40001000, 0);
	unsigned bits = tlb_find(w.mmu->first[ACCESS_READ], 0x40001000, w.mmu->tag)->bits;
	mmu_world_fini(&w);
	return bits;
}

Test(mmu, an_entry_is_as_large_as_the_smaller_of_both_stages)
{
	cr_expect(eq(u32, entry_bits(false, 2, false, false), 21), "a block natively");
	cr_expect(eq(u32, entry_bits(true, 2, false, false), 12), "a block over pages of stage 2");
	cr_expect(eq(u32, entry_bits(false, 3, true, true), 16), "a run");
	cr_expect(eq(u32, entry_bits(false, 3, true, false), 12), "a run in a TLB that holds none");
	cr_expect(eq(u32, entry_bits(true, 3, true, true), 12), "a run over pages of stage 2");
	cr_expect(eq(u32, entry_bits(false, 2, true, true), 25), "a run of blocks");
}
