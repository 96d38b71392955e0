/* Counters of TLB prefetching against a recount that shares nothing with the model, and the sums that they must keep. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "mmu/prefetch.h"
#include "mmu/tlbi.h"
#include "mmu_world.h"

#define AREA UINT64_C(0x123400000)
#define FRAMES UINT64_C(0x345600000)
#define BLOCKS UINT64_C(0x200000000)

/* Pages 0 to MAPPED - 1 are there; the last READ_ONLY of them may not be written. */
enum { MAPPED = 64, READ_ONLY = 8, TLB_ENTRIES = 6, BUFFER_MAX = 16, LOST = 64 /* of the latest */ };

static uint64_t page_va(uint64_t i) { return AREA + (i << 12); }

static void map_pages(struct mmu_world *w)
{
	for (uint64_t i = 0; i < MAPPED - READ_ONLY; i++)
		mmu_world_map_page(w, 0, 0, page_va(i), FRAMES + (i << 14));
	for (uint64_t i = MAPPED - READ_ONLY; i < MAPPED; i++)
		mmu_world_map(
			w, &w->vm[0].user[0],
			&(struct mmu_mapping){.va = page_va(i),
					      .ipa = FRAMES + (i << 14),
					      .bits = DESC_AF | DESC_AP_USER | DESC_NG | DESC_AP_READ_ONLY,
					      .level = LAST_LEVEL});
}

static void map_blocks(struct mmu_world *w)
{
	for (uint64_t i = 0; i < 8; i++)
		mmu_world_map(w, &w->vm[0].user[0],
			      &(struct mmu_mapping){.va = BLOCKS + (i << 21),
						    .ipa = BLOCKS + (i << 21),
						    .bits = DESC_AF | DESC_AP_USER | DESC_NG,
						    .level = 2});
}

static void open_world(struct mmu_world *w, struct param_list *tlbs, const struct prefetch_params *p,
		       uint64_t walkers)
{
	static struct walker_params walker;
	struct mmu_setup s = {.user = {12, 48, 0}, .kernel = {12, 48, 0}, .stage2 = {12, 40, 1}};
	walker = (struct walker_params){.walkers = walkers, .first_cache = 1, .prefetch = *p};
	mmu_world_init(w, &s);
	map_pages(w);
	map_blocks(w);
	mmu_world_machine(w, tlbs, &walker, NULL);
}

static struct tlb_params lru(const char *name, uint64_t level, uint64_t entries, uint64_t pages)
{
	return (struct tlb_params){.name = name,
				   .level = level,
				   .side = SIDE_UNIFIED,
				   .entries = entries,
				   .ways = entries,
				   .pages = pages,
				   .policy = REPL_lru};
}

static bool access_at(struct mmu_world *w, uint64_t va, enum access_kind kind, cycles_t now)
{
	struct mmu_done done;
	return mmu_translate(w->mmu, va, kind, 1, now, &done);
}

static unsigned forget_all(struct mmu_world *w)
{
	struct tlbi_scope all = {.translations = true,
				 .match = {.tag = w->mmu->tag, .tag_mask = TLB_TAG_ALL}};
	return mmu_tlbi(w->mmu, &all);
}

static unsigned forget_page(struct mmu_world *w, uint64_t va)
{
	struct tlbi_scope one = {.translations = true,
				 .match = {.by_address = true,
					   .first = va,
					   .last = va | 0xfff,
					   .tag = w->mmu->tag,
					   .tag_mask = TLB_TAG_ALL}};
	return mmu_tlbi(w->mmu, &one);
}

/* --- recount ------------------------------------------------------------------------------------------------------ */

/* Pages in the order of their use or coming, the latest last. */
struct row {
	int64_t page[BUFFER_MAX];
	unsigned count, max;
};

static int place_in(const struct row *r, int64_t page)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->page[i] == page) return (int)i;
	return -1;
}

static bool take_from(struct row *r, int64_t page)
{
	int at = place_in(r, page);
	if (at < 0) return false;
	r->count--;
	memmove(&r->page[at], &r->page[at + 1], (r->count - (unsigned)at) * sizeof(r->page[0]));
	return true;
}

/* The page that it pushes out, or -1. */
static int64_t put_into(struct row *r, int64_t page)
{
	int64_t out = r->count == r->max ? r->page[0] : -1;
	if (out >= 0) take_from(r, out);
	r->page[r->count++] = page;
	return out;
}

struct recount {
	struct row tlb, buffer;
	uint64_t losses,
		lost_at[MAPPED]; /* which loss was a page's, while it is neither back nor walked for; 0: none */
	int64_t step[4];         /* what the prefetcher proposes; 0: no more */
	struct prefetch_stats s;
	uint64_t walks;
};

static void recount_prefetch(struct recount *c, int64_t page)
{
	c->s.proposed++;
	if (place_in(&c->tlb, page) >= 0 || place_in(&c->buffer, page) >= 0) {
		c->s.held++;
	} else if (page < 0 || page >= MAPPED) {
		c->s.refused++;
	} else {
		int64_t out = put_into(&c->buffer, page);
		c->s.walked++;
		c->lost_at[page] = 0;
		if (out < 0) return;
		c->s.unused++;
		c->lost_at[out] = ++c->losses;
	}
}

static void recount_access(struct recount *c, int64_t page)
{
	if (take_from(&c->tlb, page)) {
		put_into(&c->tlb, page);
		return;
	}
	bool had = take_from(&c->buffer, page);
	c->s.used += had;
	c->walks += !had;
	put_into(&c->tlb, page);
	c->s.misses++;
	c->s.early += c->lost_at[page] && c->losses - c->lost_at[page] < LOST;
	c->lost_at[page] = 0;
	for (unsigned i = 0; i < 4 && c->step[i]; i++) recount_prefetch(c, page + c->step[i]);
}

static int64_t next_page_of(struct rng *r, int64_t page)
{
	static const int64_t steps[] = {1, 1, 2, -1, 3, 0};
	uint64_t how = rng_below(r, 8);
	if (how >= 6) return (int64_t)rng_below(r, MAPPED);
	return (page + steps[how] + MAPPED) % MAPPED;
}

static void expect_counters(const struct mmu_world *w, const struct recount *c, unsigned at)
{
	const struct prefetch_stats *s = &w->mmu->prefetch->stats;
	cr_assert(eq(u64, w->mmu->stats.walks, c->walks), "access %u", at);
	cr_assert(eq(u64, s->misses, c->s.misses), "access %u", at);
	cr_assert(eq(u64, s->proposed, c->s.proposed), "access %u", at);
	cr_assert(eq(u64, s->held, c->s.held), "access %u", at);
	cr_assert(eq(u64, s->refused, c->s.refused), "access %u", at);
	cr_assert(eq(u64, s->walked, c->s.walked), "access %u", at);
	cr_assert(eq(u64, s->filled, c->s.walked), "access %u", at);
	cr_assert(eq(u64, s->used, c->s.used), "access %u", at);
	cr_assert(eq(u64, s->unused, c->s.unused), "access %u", at);
	cr_assert(eq(u64, s->early, c->s.early), "access %u", at);
	cr_assert(eq(u64, s->late + s->no_walker + s->neighbours, 0), "access %u", at);
}

struct recount_case {
	unsigned kind;
	uint64_t degree, buffer;
	int64_t step[4];
};
static struct recount_case recount_cases[] = {
	{PREFETCH_next_page, 1, 2, {1}},
	{PREFETCH_next_page, 3, 4, {1, 2, 3}},
	{PREFETCH_next_page, 2, BUFFER_MAX, {1, 2}},
	{PREFETCH_stride, 1, 3, {1, -1, 2, -2}},
	{PREFETCH_stride, 1, BUFFER_MAX, {1, -1, 2, -2}},
};

ParameterizedTestParameters(prefetch_sums, every_counter_is_what_a_recount_by_lists_of_pages_says)
{
	return cr_make_param_array(struct recount_case, recount_cases,
				   sizeof(recount_cases) / sizeof(recount_cases[0]));
}
ParameterizedTest(struct recount_case *c, prefetch_sums,
		  every_counter_is_what_a_recount_by_lists_of_pages_says)
{
	struct tlb_params tlb = lru("l1", 1, TLB_ENTRIES, UINT64_MAX);
	struct param_list list = {&tlb, 1};
	struct prefetch_params p = {
		.kind = c->kind, .degree = c->degree, .buffer_entries = c->buffer, .table_entries = 64};
	for (uint64_t seed = 0; seed < 4; seed++) {
		struct recount n = {.tlb = {.max = TLB_ENTRIES}, .buffer = {.max = (unsigned)c->buffer}};
		struct mmu_world w;
		struct rng r;
		int64_t page = 0;
		memcpy(n.step, c->step, sizeof(n.step));
		open_world(&w, &list, &p, 8);
		rng_init(&r, seed, "pages");
		for (unsigned i = 0; i < 2000; i++) {
			page = next_page_of(&r, page);
			cr_assert(access_at(&w, page_va((uint64_t)page), ACCESS_READ, 10000 * (i + 1)));
			recount_access(&n, page);
			if (!rng_below(&r, 300)) {
				forget_all(&w);
				n.tlb.count = n.buffer.count = 0;
			}
			expect_counters(&w, &n, i);
		}
		cr_expect(lt(u64, 0, n.s.used));
		cr_expect(lt(u64, 0, n.s.refused));
		mmu_world_fini(&w);
	}
}

/* --- sums --------------------------------------------------------------------------------------------------------- */

static uint64_t pages_in(const struct tlb *t)
{
	uint64_t n = 0;
	for (unsigned s = 0; s < t->sets; s++) n += t->valid[s];
	return n;
}

static void expect_sums(const struct mmu_world *w)
{
	const struct prefetch_stats *s = &w->mmu->prefetch->stats;
	const struct tlb *b = w->mmu->prefetch->buffer;
	cr_assert(eq(u64, s->proposed, s->held + s->no_walker + s->refused + s->walked));
	cr_assert(eq(u64, s->filled, s->walked + s->neighbours));
	cr_assert(eq(u64, s->filled,
		     s->used + s->unused + b->stats.invalidated + b->stats.permission_misses + pages_in(b)),
		  "a page of the buffer was used, replaced, invalidated, not allowed, or is there");
	cr_assert(eq(u64, s->used, b->stats.hits + b->stats.merged));
	cr_assert(eq(u64, s->late, b->stats.merged));
	cr_assert(le(u64, s->early, s->unused));
}

/* One random thing that happens to the machine; time may stand still, so that walks overlap. */
static void happen(struct mmu_world *w, struct rng *r, cycles_t now, struct repl_flow *flow)
{
	static const enum access_kind kinds[] = {ACCESS_READ, ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH};
	uint64_t va = rng_below(r, 4) ? page_va(rng_below(r, MAPPED + 2))
				      : BLOCKS + (rng_below(r, 8 << 4) << 17);
	flow->pc = 0x400000 + 4 * rng_below(r, 6);
	switch (rng_below(r, 40)) {
	case 0: forget_all(w); return;
	case 1: forget_page(w, va & ~UINT64_C(0xfff)); return;
	default: access_at(w, va, kinds[rng_below(r, 4)], now);
	}
}

struct sums_case {
	unsigned kind, neighbours;
};
static struct sums_case sums_cases[(PREFETCH_COUNT - 1) * 2];

ParameterizedTestParameters(prefetch_sums, each_page_of_the_buffer_is_accounted_for_once)
{
	for (unsigned i = 0; i < (PREFETCH_COUNT - 1) * 2; i++)
		sums_cases[i] = (struct sums_case){1 + i / 2, i % 2 ? 1 + NEIGHBOURS_ALL : 0};
	return cr_make_param_array(struct sums_case, sums_cases, (PREFETCH_COUNT - 1) * 2);
}
ParameterizedTest(struct sums_case *c, prefetch_sums, each_page_of_the_buffer_is_accounted_for_once)
{
	struct tlb_params tlb = lru("l1", 1, TLB_ENTRIES, UINT64_MAX);
	struct param_list list = {&tlb, 1};
	for (uint64_t seed = 0; seed < 4; seed++) {
		struct prefetch_params p = {.kind = c->kind,
					    .neighbours = c->neighbours,
					    .degree = 2,
					    .buffer_entries = seed % 2 ? 3 : BUFFER_MAX,
					    .table_entries = 64};
		struct repl_flow flow = {.pc = 0};
		struct mmu_world w;
		struct rng r;
		cycles_t now = 0;
		open_world(&w, &list, &p, 1 + seed);
		mmu_follow(w.mmu, &flow);
		rng_init(&r, seed, "sums");
		for (unsigned i = 0; i < 3000; i++) {
			happen(&w, &r, now += rng_below(&r, 800), &flow);
			expect_sums(&w);
		}
		mmu_world_fini(&w);
	}
}

/* --- what a prefetcher is told ------------------------------------------------------------------------------------ */

static void read_blocks(struct mmu_world *w, unsigned from, unsigned to, cycles_t *now)
{
	for (; from < to; from++)
		cr_assert(access_at(w, BLOCKS + ((uint64_t)from << 21), ACCESS_READ, *now += 10000));
}

/* One TLB of the last level for pages, one for blocks: recency's stack has what left either, at the time that it left. */
Test(prefetch_sums, recency_is_told_what_left_whichever_tlb_of_the_last_level)
{
	struct tlb_params tlb[] = {lru("l1", 1, 1, UINT64_MAX), lru("l2_pages", 2, 2, 1),
				   lru("l2_blocks", 2, 2, UINT64_MAX & ~UINT64_C(1))};
	struct param_list list = {tlb, 3};
	struct prefetch_params p = {
		.kind = PREFETCH_recency, .degree = 1, .buffer_entries = 8, .table_entries = 1024};
	struct mmu_world w;
	cycles_t now = 0;
	open_world(&w, &list, &p, 4);
	const struct prefetch_stats *s = &w.mmu->prefetch->stats;
	for (unsigned i = 0; i < 3; i++)
		cr_assert(access_at(&w, page_va(i), ACCESS_READ, now += 10000)); /* page 0 leaves */
	read_blocks(&w, 0, 4, &now); /* blocks 0 and 1 leave, and no page */
	cr_expect(eq(u64, s->proposed, 0));
	read_blocks(&w, 0, 1, &now);
	cr_expect(eq(u64, s->proposed, 2),
		  "block 1, which left behind block 0, and the number of page 0, which left before it");
	cr_expect(eq(u64, s->walked, 1));
	cr_assert(access_at(&w, BLOCKS + (1 << 21), ACCESS_READ, now += 10000));
	cr_expect(eq(u64, s->used, 1));
	mmu_world_fini(&w);
}
