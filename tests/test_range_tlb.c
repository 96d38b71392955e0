/* Range TLBs: what they answer, when, and what takes it from them. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "mmu/range_tlb.h"
#include "mmu/tlbi.h"
#include "mmu_world.h"

#define AREA UINT64_C(0x123400000)
#define FRAMES UINT64_C(0x345600000)
#define TABLE UINT64_C(0x7000)

enum { PAGES = 64, L1_ENTRIES = 2, L2_CYCLES = 5, MEMORY = 100, READS = 2, RANGE_CYCLES = 9 };

static uint64_t page_va(uint64_t i) { return AREA + (i << 12); }

/* Ranges of 16 pages each, in which no page is left out. */
struct source {
	unsigned asked;
	uint64_t wrong; /* added to where a range goes */
};

static bool find(void *owner, uint64_t va, struct range_found *found)
{
	struct source *s = owner;
	uint64_t i = (va - AREA) >> 12;
	s->asked++;
	if (va < AREA || i >= PAGES) return false;
	*found = (struct range_found){.first = page_va(i / 16 * 16),
				      .last = page_va(i / 16 * 16 + 16) - 1,
				      .first_pa = FRAMES + (i / 16 << 16) + s->wrong,
				      .read = {{TABLE}, {TABLE + 64}},
				      .reads = READS};
	return true;
}

static void open_machine(struct mmu_world *w, const struct range_tlb_params *ranges,
			 uint64_t (*frame_of)(uint64_t page))
{
	struct mmu_setup setup = {.user = {12, 48, 0}, .kernel = {12, 48, 0}, .stage2 = {12, 40, 1}};
	struct tlb_params tlb[2] = {{.name = "l1",
				     .level = 1,
				     .side = SIDE_UNIFIED,
				     .entries = L1_ENTRIES,
				     .ways = L1_ENTRIES,
				     .pages = UINT64_MAX,
				     .policy = REPL_lru}};
	struct walker_params walker = {.walkers = 2, .first_cache = 1, .range_tlb = *ranges};
	tlb[1] = tlb[0];
	tlb[1].name = "l2";
	tlb[1].level = 2;
	tlb[1].hit_cycles = L2_CYCLES;
	struct param_list list = {tlb, 2};
	mmu_world_init(w, &setup);
	for (uint64_t i = 0; i < PAGES; i++)
		mmu_world_map_page(w, 0, 0, page_va(i), FRAMES + (frame_of(i) << 12));
	mmu_world_machine(w, &list, &walker, NULL);
	mmu_world_switch(w, 0, 0, 0, false);
}

static uint64_t in_order(uint64_t page) { return page; }

static void open_world(struct mmu_world *w, struct source *s, uint64_t entries, uint64_t min_pages)
{
	const struct range_tlb_params ranges = {entries, RANGE_CYCLES, min_pages, RANGE_TABLE};
	open_machine(w, &ranges, in_order);
	*s = (struct source){0};
	range_tlb_set_source(w->mmu->ranges, find, s);
}

static cycles_t read_page(struct mmu_world *w, uint64_t i, cycles_t now)
{
	struct mmu_done done;
	struct translation t;
	cr_assert(mmu_translate(w->mmu, page_va(i) + 8, ACCESS_READ, 1, now, &done));
	mmu_world_expect(w, page_va(i) + 8, ACCESS_READ, &t);
	cr_assert(eq(u64, done.pa, t.pa.raw), "page %d", (int)i);
	return done.cycle - now;
}

static void close_world(struct mmu_world *w)
{
	struct err err;
	cr_expect(eq(int, mmu_check_sums(w->mmu, &err), OK), "%s", err.text);
	mmu_world_fini(w);
}

Test(range_tlb, one_walk_brings_all_pages_of_its_range)
{
	struct mmu_world w;
	struct source s;
	open_world(&w, &s, 2, 16);
	cycles_t walk = read_page(&w, 3, 0);
	for (uint64_t i = 0; i < 16; i++)
		if (i != 3) cr_expect(eq(u64, read_page(&w, i, 10000 + 100 * i), RANGE_CYCLES));
	cr_expect(eq(u64, w.mmu->stats.walks, 1));
	cr_expect(eq(u64, w.mmu->ranges->stats.hits, 15));
	cr_expect(eq(u64, w.mmu->ranges->stats.filled_pages, 16));
	cr_expect(eq(u64, walk, L2_CYCLES + 4 * MEMORY), "nobody waits for the range table");
	read_page(&w, 16, 20000);
	cr_expect(eq(u64, w.mmu->stats.walks, 2), "the next range has an entry of its own");
	close_world(&w);
}

Test(range_tlb, an_entry_is_ready_when_the_range_table_has_been_read_and_not_before)
{
	struct mmu_world w;
	struct source s;
	open_world(&w, &s, 2, 16);
	cycles_t walked = read_page(&w, 0, 0), ready = walked + READS * MEMORY;
	cr_expect(eq(u64, read_page(&w, 1, ready - RANGE_CYCLES - 1), RANGE_CYCLES + 1));
	cr_expect(eq(u64, w.mmu->ranges->stats.merged, 1));
	cr_expect(eq(u64, read_page(&w, 2, ready - RANGE_CYCLES), RANGE_CYCLES));
	cr_expect(eq(u64, w.mmu->ranges->stats.hits, 1));
	close_world(&w);
}

Test(range_tlb, a_busy_range_walker_brings_nothing)
{
	struct mmu_world w;
	struct source s;
	open_world(&w, &s, 2, 16);
	cycles_t walked = read_page(&w, 0, 0);
	read_page(&w, 16, walked - L2_CYCLES - 4 * MEMORY + READS * MEMORY - 1);
	cr_expect(eq(u64, w.mmu->ranges->stats.busy, 1));
	read_page(&w, 32, 5000);
	cr_expect(eq(u64, w.mmu->ranges->stats.busy, 1));
	cr_expect(eq(u64, w.mmu->ranges->stats.table_walks, 2));
	close_world(&w);
}

Test(range_tlb, short_ranges_and_those_that_say_something_else_get_no_entry)
{
	struct mmu_world w;
	struct source s;
	open_world(&w, &s, 2, 17);
	read_page(&w, 0, 0);
	read_page(&w, 1, 1000);
	cr_expect(eq(u64, w.mmu->ranges->stats.short_ranges, 2));
	close_world(&w);
	open_world(&w, &s, 2, 16);
	s.wrong = 1 << 12;
	read_page(&w, 0, 0);
	read_page(&w, 1, 1000);
	cr_expect(eq(u64, w.mmu->ranges->stats.fills, 0));
	close_world(&w);
}

Test(range_tlb, replaces_the_range_that_was_used_longest_ago)
{
	struct mmu_world w;
	struct source s;
	open_world(&w, &s, 2, 16);
	read_page(&w, 0, 0);
	read_page(&w, 16, 1000);
	read_page(&w, 1, 2000);
	read_page(&w, 32, 3000);
	cr_expect(eq(u64, w.mmu->ranges->stats.evictions, 1));
	uint64_t walks = w.mmu->stats.walks;
	read_page(&w, 2, 4000);
	cr_expect(eq(u64, w.mmu->stats.walks, walks), "the first range is there");
	read_page(&w, 17, 5000);
	cr_expect(eq(u64, w.mmu->stats.walks, walks + 1), "the second is not");
	close_world(&w);
}

static unsigned tlbi(struct mmu_world *w, const char *name, uint64_t operand)
{
	struct tlbi_op op;
	struct tlbi_scope scope;
	struct tlbi_context c = {&w->vm[0].regs, &w->features, 1, SEC_NONSECURE};
	cr_assert(tlbi_named(name, &op));
	cr_assert(eq(int, tlbi_resolve(op, operand, &c, &scope), TLBI_DONE));
	uint64_t before = w->mmu->ranges->stats.invalidated;
	mmu_tlbi(w->mmu, &scope);
	return (unsigned)(w->mmu->ranges->stats.invalidated - before);
}

Test(range_tlb, tlbi_takes_a_range_if_it_takes_any_of_its_pages)
{
	struct mmu_world w;
	struct source s;
	open_world(&w, &s, 4, 16);
	uint64_t asid = (uint64_t)w.mmu->regime.asid << 48, other = (uint64_t)(w.mmu->regime.asid ^ 1) << 48;
	read_page(&w, 0, 0);
	read_page(&w, 16, 1000);
	cr_expect(eq(uint, tlbi(&w, "VAE1IS", other | page_va(5) >> 12), 0), "another ASID's");
	cr_expect(eq(uint, tlbi(&w, "VAE1IS", asid | page_va(32) >> 12), 0), "the page behind them");
	cr_expect(eq(uint, tlbi(&w, "VALE1IS", asid | page_va(15) >> 12), 1), "the last page of the first");
	cr_expect(eq(uint, tlbi(&w, "VAE1IS", asid | page_va(16) >> 12), 1), "the first page of the second");
	read_page(&w, 1, 2000);
	read_page(&w, 17, 3000);
	cr_expect(eq(uint, tlbi(&w, "ASIDE1", other), 0));
	cr_expect(eq(uint, tlbi(&w, "ASIDE1", asid), 2));
	read_page(&w, 0, 4000);
	cr_expect(eq(uint, tlbi(&w, "VMALLE1", 0), 1));
	close_world(&w);
}

Test(range_tlb, ranges_of_another_process_answer_nothing)
{
	struct mmu_world w;
	struct source s;
	struct mmu_done done;
	open_world(&w, &s, 4, 16);
	for (uint64_t i = 0; i < PAGES; i++)
		mmu_world_map_page(&w, 0, 1, page_va(i), FRAMES + ((PAGES + i) << 12));
	read_page(&w, 0, 0);
	mmu_world_switch(&w, 0, 1, 0, false);
	cr_assert(mmu_translate(w.mmu, page_va(1), ACCESS_READ, 1, 1000, &done));
	cr_expect(eq(u64, done.pa, FRAMES + ((PAGES + 1) << 12)));
	cr_expect(eq(u64, w.mmu->ranges->stats.hits, 0));
	close_world(&w);
}

/* --- runs that walks see (CoLT-FA) ---------------------------------------------------------------------------------- */

static void open_runs(struct mmu_world *w, uint64_t entries, uint64_t (*frame_of)(uint64_t page))
{
	const struct range_tlb_params ranges = {entries, RANGE_CYCLES, 16, RANGE_COLT_FA};
	open_machine(w, &ranges, frame_of);
}

Test(colt_fa, a_walk_brings_the_run_on_its_descriptor_line)
{
	struct mmu_world w;
	open_runs(&w, 4, in_order);
	cycles_t walk = read_page(&w, 3, 0);
	for (uint64_t i = 0; i < 8; i++)
		if (i != 3) cr_expect(eq(u64, read_page(&w, i, 10000 + 100 * i), RANGE_CYCLES));
	cr_expect(eq(u64, w.mmu->stats.walks, 1));
	cr_expect(eq(u64, walk, L2_CYCLES + 4 * MEMORY));
	cr_expect(eq(u64, mmu_world_reads(&w), 4), "the line was read anyway");
	read_page(&w, 8, 20000);
	cr_expect(eq(u64, w.mmu->stats.walks, 2), "what other lines say is not known");
	close_world(&w);
}

Test(colt_fa, runs_that_continue_each_other_are_one_entry)
{
	struct mmu_world w;
	open_runs(&w, 1, in_order);
	read_page(&w, 20, 0);
	read_page(&w, 4, 1000);
	cr_expect(eq(u64, w.mmu->ranges->stats.evictions, 1), "pages 8 to 15 lie between them");
	read_page(&w, 12, 2000);
	read_page(&w, 20, 3000);
	cr_expect(eq(u64, w.mmu->ranges->stats.joins, 2));
	cr_expect(eq(u64, w.mmu->ranges->stats.evictions, 1));
	uint64_t walks = w.mmu->stats.walks;
	for (uint64_t i = 0; i < 24; i++) read_page(&w, i, 10000 + 1000 * i);
	cr_expect(eq(u64, w.mmu->stats.walks, walks), "one entry holds 24 pages");
	close_world(&w);
}

/* Page 5 lies elsewhere, and 6 and 7 continue it. */
static uint64_t broken_at_5(uint64_t page) { return page < 5 ? page : page + 100; }

Test(colt_fa, a_run_ends_where_addresses_do_not_continue)
{
	struct mmu_world w;
	open_runs(&w, 4, broken_at_5);
	read_page(&w, 2, 0);
	cr_expect(eq(u64, w.mmu->ranges->stats.filled_pages, 5));
	read_page(&w, 6, 1000);
	cr_expect(eq(u64, w.mmu->ranges->stats.filled_pages, 5 + 3));
	cr_expect(eq(u64, w.mmu->ranges->stats.joins, 0));
	for (uint64_t i = 0; i < 8; i++) read_page(&w, i, 10000 + 1000 * i);
	cr_expect(eq(u64, w.mmu->stats.walks, 2));
	close_world(&w);
}

static uint64_t backwards(uint64_t page) { return PAGES - page; }

Test(colt_fa, a_page_alone_gets_no_entry)
{
	struct mmu_world w;
	open_runs(&w, 4, backwards);
	for (uint64_t i = 0; i < 8; i++) read_page(&w, i, 1000 * i);
	cr_expect(eq(u64, w.mmu->ranges->stats.short_ranges, 8));
	cr_expect(eq(u64, w.mmu->ranges->stats.fills, 0));
	close_world(&w);
}

/* Runs of 1 to 11 pages, each a frame further away than it would be. */
static uint64_t broken_often(uint64_t page)
{
	static const uint64_t ends[] = {1, 12, 14, 20, 29, 30, 31, 36, 47, 50};
	uint64_t gaps = 0;
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) gaps += page >= ends[i];
	return page + gaps;
}

static bool continues(uint64_t page) { return broken_often(page + 1) == broken_often(page) + 1; }

/* What a naive reading says that the walk for `page` makes known: its run, within its line. */
static void learn(bool known[PAGES], uint64_t page)
{
	uint64_t first = page, last = page, line = page / 8;
	while (first > line * 8 && continues(first - 1)) first--;
	while (last < line * 8 + 7 && continues(last)) last++;
	for (uint64_t i = first; i <= last && first != last; i++) known[i] = true;
}

Test(colt_fa, what_is_known_is_never_walked_for_again)
{
	struct mmu_world w;
	struct rng r;
	bool known[PAGES] = {false};
	unsigned hits = 0;
	open_runs(&w, PAGES, broken_often);
	rng_init(&r, 5, "colt_fa");
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t page = rng_below(&r, PAGES), walks = w.mmu->stats.walks;
		read_page(&w, page, i * 1000);
		bool walked = w.mmu->stats.walks != walks;
		cr_assert(eq(int, walked &&known[page], 0), "page %lu", page);
		hits += !walked;
		if (walked) learn(known, page);
	}
	cr_expect(eq(u64, w.mmu->ranges->stats.evictions, 0));
	cr_expect(lt(uint, 1000, hits));
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t hit = w.mmu->ranges->stats.hits, next = (page + 32) % PAGES;
		for (uint64_t i = 0; i < 4; i++)
			read_page(&w, (next + 2 * i) % PAGES, 3000000 + 9000 * page + 1000 * i);
		hit = w.mmu->ranges->stats.hits;
		read_page(&w, page, 3000000 + 9000 * page + 5000);
		cr_expect(eq(int, w.mmu->ranges->stats.hits != hit, known[page]), "page %lu", page);
	}
	close_world(&w);
}

Test(colt_fa, tlbi_of_one_page_takes_its_run)
{
	struct mmu_world w;
	open_runs(&w, 4, in_order);
	read_page(&w, 3, 0);
	read_page(&w, 40, 1000);
	uint64_t asid = (uint64_t)w.mmu->regime.asid << 48;
	cr_expect(eq(uint, tlbi(&w, "VAE1IS", asid | page_va(8) >> 12), 0), "the page behind it");
	cr_expect(eq(uint, tlbi(&w, "VAE1IS", asid | page_va(7) >> 12), 1), "its last page");
	uint64_t walks = w.mmu->stats.walks;
	read_page(&w, 4, 2000);
	cr_expect(eq(u64, w.mmu->stats.walks, walks + 1));
	read_page(&w, 41, 3000);
	cr_expect(eq(u64, w.mmu->stats.walks, walks + 1), "the other run stays");
	close_world(&w);
}
