/* TLBs: random use against a naive model, TLBI scopes, and what theory says of LRU. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/bits.h"
#include "base/rng.h"
#include "tlb/tlb.h"

/* --- TLBs under test -------------------------------------------------------------------------------------------- */

static uint64_t sizes(unsigned a, unsigned b, unsigned c)
{
	uint64_t set = 0;
	for (unsigned i = 0; i < TLB_SIZE_COUNT; i++)
		if (tlb_size_bits[i] == a || tlb_size_bits[i] == b || tlb_size_bits[i] == c)
			set |= UINT64_C(1) << i;
	return set;
}

static struct tlb *open_tlb(uint64_t entries, uint64_t ways, uint64_t pages, uint64_t index, bool contiguous)
{
	struct tlb_params p = {.name = "test",
			       .level = 1,
			       .side = SIDE_UNIFIED,
			       .entries = entries,
			       .ways = ways,
			       .pages = pages,
			       .policy = REPL_lru,
			       .index = index,
			       .contiguous = contiguous};
	struct tlb *t;
	struct err err;
	cr_assert(eq(int, tlb_new(&p, &t, &err), OK), "%s", err.text);
	return t;
}

static const char *refusal(uint64_t entries, uint64_t ways, uint64_t pages, uint64_t policy)
{
	static struct err err;
	struct tlb_params p = {
		.name = "l2", .entries = entries, .ways = ways, .pages = pages, .policy = policy};
	struct tlb *t;
	cr_assert(eq(int, tlb_new(&p, &t, &err), ERR_CONFIG));
	return err.text;
}

Test(tlb, what_does_not_fit_together_is_refused_by_name)
{
	cr_expect(eq(str, (char *)refusal(48, 5, 1, REPL_lru),
		     "tlbs.l2: entries 48 is not a multiple of ways 5"));
	cr_expect(eq(str, (char *)refusal(128, 128, 1, REPL_tree_plru),
		     "tlbs.l2: policy tree_plru serves at most 64 ways, not 128"));
	cr_expect(
		eq(str, (char *)refusal(48, 48, 0, REPL_lru), "tlbs.l2.pages: at least one size is needed"));
}

static tlb_tag_t user(uint16_t vmid, uint16_t asid)
{
	return tlb_tag(REGIME_EL10, SEC_NONSECURE, vmid, asid);
}

static struct tlb_entry *fill(struct tlb *t, uint64_t va, uint64_t pa, unsigned bits, tlb_tag_t tag,
			      bool global)
{
	struct tlb_fill f = {.va = va, .pa = pa, .bits = bits, .run_bits = bits};
	f.like = (struct tlb_entry){
		.tag = tag, .tag_mask = global ? TLB_TAG_GLOBAL : TLB_TAG_ALL, .level = 4};
	return tlb_fill(t, &f);
}

/* --- random operations against a naive model --------------------------------------------------------------------- */

/* What each gigabyte of the address space is mapped with, so that entries never overlap. */
struct kind {
	unsigned bits, run_bits;
	bool global;
};
static const struct kind kinds[] = {{12, 12, false}, {12, 16, false}, {12, 12, true},  {21, 21, false},
				    {21, 25, true},  {30, 30, false}, {14, 21, false}, {16, 16, true}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const struct kind *kind_of(uint64_t va) { return &kinds[(va >> 30) % KINDS]; }

struct naive_entry {
	bool valid;
	uint64_t va, pa, stamp;
	unsigned bits, level;
	tlb_tag_t tag;
	bool global;
};

struct naive {
	struct naive_entry *entry;
	unsigned sets, ways;
	uint64_t clock;
};

struct tlb_case {
	unsigned entries, ways, index, contiguous;
	unsigned sizes[3];
};

static struct tlb_case geometries[] = {
	{48, 48, TLB_INDEX_LOW, 0, {12, 21, 30}},  {1, 1, TLB_INDEX_LOW, 0, {12, 21, 30}},
	{3, 3, TLB_INDEX_LOW, 1, {12, 16, 21}},    {1280, 5, TLB_INDEX_LOW, 0, {12, 14, 16}},
	{1280, 5, TLB_INDEX_XOR, 1, {12, 16, 21}}, {60, 5, TLB_INDEX_LOW, 1, {12, 25, 30}},
	{60, 5, TLB_INDEX_XOR, 0, {12, 21, 30}},   {36, 12, TLB_INDEX_LOW, 1, {16, 21, 30}},
	{64, 1, TLB_INDEX_XOR, 0, {12, 12, 12}},   {20, 20, TLB_INDEX_LOW, 1, {12, 16, 25}},
};

static uint64_t address_of(uint64_t va, tlb_tag_t tag, bool global)
{
	uint64_t who = global ? tag & TLB_TAG_GLOBAL : tag;
	return va ^ (who * UINT64_C(0x9e3779b97f4a7c15) >> 20 << 34 & bits_ones(48));
}

/* log2 of the piece that this TLB holds around va; 0: none. */
static unsigned naive_bits(const struct tlb_case *c, uint64_t va)
{
	unsigned limit = c->contiguous ? kind_of(va)->run_bits : kind_of(va)->bits, best = 0;
	for (unsigned i = 0; i < 3; i++)
		if (c->sizes[i] <= limit && c->sizes[i] > best) best = c->sizes[i];
	return best;
}

static unsigned naive_set(const struct naive *n, const struct tlb_case *c, uint64_t page)
{
	unsigned bits = 0;
	while (2u << bits <= n->sets) bits++;
	if (c->index == TLB_INDEX_XOR) page ^= page >> bits;
	return (unsigned)(page % n->sets);
}

static bool naive_matches(const struct naive_entry *e, uint64_t va, tlb_tag_t tag)
{
	if (!e->valid || va >> e->bits != e->va >> e->bits) return false;
	return e->global ? tag >> 16 == e->tag >> 16 : tag == e->tag;
}

static struct naive_entry *naive_find(struct naive *n, uint64_t va, tlb_tag_t tag)
{
	for (unsigned i = 0; i < n->sets * n->ways; i++)
		if (naive_matches(&n->entry[i], va, tag)) return &n->entry[i];
	return NULL;
}

static void naive_fill(struct naive *n, const struct tlb_case *c, uint64_t va, tlb_tag_t tag)
{
	unsigned bits = naive_bits(c, va);
	if (!bits) return;
	struct naive_entry *row = &n->entry[naive_set(n, c, va >> bits) * n->ways], *to = row;
	for (unsigned w = 1; w < n->ways && to->valid; w++)
		if (!row[w].valid || row[w].stamp < to->stamp) to = &row[w];
	bool global = kind_of(va)->global;
	*to = (struct naive_entry){.valid = true,
				   .va = va >> bits << bits,
				   .pa = address_of(va, tag, global) >> bits << bits,
				   .stamp = ++n->clock,
				   .bits = bits,
				   .level = 1 + (va >> 30) % 4,
				   .tag = tag,
				   .global = global};
}

/* Everything that a random program of two VMs, three processes and two regimes may touch. */
static uint64_t random_va(struct rng *r)
{
	uint64_t region = rng_below(r, KINDS),
		 within = rng_below(r, 3) ? rng_below(r, 64) << 12 : rng_below(r, 1 << 30);
	return region << 30 | (rng_below(r, 8) ? within : within & 0x3fe00000);
}

static tlb_tag_t random_tag(struct rng *r)
{
	return tlb_tag(rng_below(r, 4) ? REGIME_EL10 : REGIME_EL20,
		       rng_below(r, 8) ? SEC_NONSECURE : SEC_SECURE, (uint16_t)rng_below(r, 2),
		       (uint16_t)rng_below(r, 3));
}

static void look_up(struct tlb *t, struct naive *n, uint64_t va, tlb_tag_t tag, bool predicted_first)
{
	struct naive_entry *want = naive_find(n, va, tag);
	struct tlb_entry *e = predicted_first ? tlb_hit(t, va, tag) : NULL;
	cr_assert(not(e && !want), "a hit on what is not there: va 0x%lx", va);
	if (!e) e = predicted_first ? tlb_find_again(t, va, tag) : tlb_find(t, va, tag);
	cr_assert(eq(int, e != NULL, want != NULL), "va 0x%lx tag 0x%lx", va, tag);
	if (!want) return;
	want->stamp = ++n->clock;
	cr_assert(eq(u64, e->pa | (va & ~e->va_mask), want->pa | (va & bits_ones(want->bits))));
	cr_assert(eq(u32, e->bits, want->bits));
}

static void use(struct tlb *t, struct naive *n, const struct tlb_case *c, struct rng *r)
{
	uint64_t va = random_va(r);
	tlb_tag_t tag = random_tag(r);
	look_up(t, n, va, tag, rng_below(r, 4));
	if (naive_find(n, va, tag)) return;
	const struct kind *k = kind_of(va);
	struct tlb_fill f = {
		.va = va, .pa = address_of(va, tag, k->global), .bits = k->bits, .run_bits = k->run_bits};
	f.like.tag = tag;
	f.like.tag_mask = k->global ? TLB_TAG_GLOBAL : TLB_TAG_ALL;
	f.like.level = (uint8_t)(1 + (va >> 30) % 4);
	struct tlb_entry *e = tlb_fill(t, &f);
	naive_fill(n, c, va, tag);
	cr_assert(eq(int, e != NULL, naive_bits(c, va) != 0));
}

/* TLBI by the manual's words on one side, as a tlb_match on the other. */
static void invalidate(struct tlb *t, struct naive *n, struct rng *r)
{
	uint64_t va = random_va(r);
	tlb_tag_t tag = random_tag(r), context = TLB_TAG_GLOBAL;
	unsigned op = (unsigned)rng_below(r, 5), level = 1 + (unsigned)rng_below(r, 4), taken = 0;
	struct tlb_match m = {.tag = tag, .tag_mask = context};
	m.first = va & ~UINT64_C(0xfff), m.last = va | 0xfff;
	m.by_address = op == 0 || op == 1 || op == 3;               /* 1: VAAE1 */
	if (op == 0) m.tag_mask = TLB_TAG_ALL;                      /* VAE1 */
	if (op == 2) m.tag_mask = TLB_TAG_ALL, m.not_global = true; /* ASIDE1 */
	if (op == 3) m.levels = (uint8_t)(1u << level);             /* TTL hint */
	for (unsigned i = 0; i < n->sets * n->ways; i++) {
		struct naive_entry *e = &n->entry[i];
		if (!e->valid || e->tag >> 16 != tag >> 16) continue;
		if ((op == 0 || op == 1 || op == 3) && va >> e->bits != e->va >> e->bits) continue;
		if (op == 0 && !e->global && e->tag != tag) continue;
		if (op == 2 && (e->global || e->tag != tag)) continue;
		if (op == 3 && e->level != level) continue;
		e->valid = false;
		taken++;
	}
	cr_assert(eq(u32, tlb_invalidate(t, &m), taken), "operation %u", op);
}

ParameterizedTestParameters(tlb, behaves_as_an_array_of_entries_with_stamps)
{
	return cr_make_param_array(struct tlb_case, geometries, sizeof(geometries) / sizeof(geometries[0]));
}

static void behave(const struct tlb_case *c, bool first)
{
	uint64_t pages = sizes(c->sizes[0], c->sizes[1], c->sizes[2]);
	struct tlb *t = open_tlb(c->entries, c->ways, pages, c->index, c->contiguous);
	if (first) tlb_expect_hits(t);
	struct naive n = {.sets = c->entries / c->ways, .ways = c->ways};
	struct rng r;
	n.entry = calloc(c->entries, sizeof(*n.entry));
	rng_init(&r, c->entries, "tlb");
	for (unsigned i = 0; i < 6000; i++) {
		use(t, &n, c, &r);
		if (rng_below(&r, 40) == 0) invalidate(t, &n, &r);
		if (i < 600 || i % 16 == 0) tlb_check(t);
	}
	free(n.entry);
	tlb_free(t);
}

ParameterizedTest(struct tlb_case *c, tlb, behaves_as_an_array_of_entries_with_stamps)
{
	behave(c, true);
	behave(c, false);
}

/* Walk caches hold tables of several levels for one address: the one that leads furthest down answers. */
Test(tlb, the_smallest_entry_answers_even_where_a_larger_one_is_the_most_recent)
{
	struct tlb *t = open_tlb(16, 16, sizes(12, 21, 30), TLB_INDEX_LOW, false);
	uint64_t va = 0x40200000, other = 0x40600000;
	struct tlb_entry *large = fill(t, va, 0, 30, 0, false), *small = fill(t, other, 0, 21, 0, false);
	cr_expect(eq(ptr, tlb_find_again(t, va, 0), large));
	cr_expect(eq(ptr, tlb_find_again(t, other, 0), small));
	cr_expect(eq(ptr, tlb_find_again(t, other, 0), small));
	cr_expect(eq(ptr, tlb_find_again(t, other, 1), NULL));
	tlb_free(t);
}

/* --- tags ---------------------------------------------------------------------------------------------------------- */

Test(tlb, a_global_entry_ignores_the_asid_but_not_the_vmid)
{
	struct tlb *t = open_tlb(48, 48, sizes(12, 12, 12), TLB_INDEX_LOW, false);
	fill(t, 0x1000, 0x81000, 12, user(1, 7), true);
	cr_expect(ne(ptr, tlb_find(t, 0x1000, user(1, 8)), NULL));
	cr_expect(eq(ptr, tlb_find(t, 0x1000, user(2, 7)), NULL));
	cr_expect(eq(ptr, tlb_hit(t, 0x1000, user(2, 7)), NULL));
	tlb_free(t);
}

Test(tlb, regimes_and_security_states_do_not_see_each_other)
{
	struct tlb *t = open_tlb(48, 48, sizes(12, 12, 12), TLB_INDEX_LOW, false);
	fill(t, 0x1000, 0x81000, 12, tlb_tag(REGIME_EL2, SEC_NONSECURE, 0, 0), true);
	for (unsigned regime = REGIME_EL10; regime <= REGIME_EL3; regime++)
		for (unsigned s = SEC_NONSECURE; s <= SEC_ROOT; s++) {
			tlb_tag_t tag = tlb_tag((enum regime)regime, (enum security)s, 0, 0);
			bool own = regime == REGIME_EL2 && s == SEC_NONSECURE;
			cr_expect(eq(int, tlb_find(t, 0x1000, tag) != NULL, own), "regime %u, state %u",
				  regime, s);
		}
	tlb_free(t);
}

Test(tlb, all_sixteen_bits_of_asid_and_vmid_count)
{
	struct tlb *t = open_tlb(48, 48, sizes(12, 12, 12), TLB_INDEX_LOW, false);
	fill(t, 0x1000, 0x81000, 12, user(0x8001, 0x8001), false);
	for (unsigned b = 0; b < 16; b++) {
		uint16_t other = (uint16_t)(0x8001 ^ 1u << b);
		cr_expect(eq(ptr, tlb_find(t, 0x1000, user(0x8001, other)), NULL), "ASID bit %u", b);
		cr_expect(eq(ptr, tlb_find(t, 0x1000, user(other, 0x8001)), NULL), "VMID bit %u", b);
	}
	tlb_free(t);
}

/* --- sizes --------------------------------------------------------------------------------------------------------- */

Test(tlb, a_block_is_held_as_the_largest_piece_that_fits)
{
	struct tlb *t = open_tlb(48, 48, sizes(12, 16, 16), TLB_INDEX_LOW, false);
	struct tlb_entry *e = fill(t, 0x40345678, 0x80345678, 21, user(0, 1), false);
	cr_assert(ne(ptr, e, NULL));
	cr_expect(eq(u32, e->bits, 16));
	cr_expect(eq(u64, e->pa, 0x80340000));
	cr_expect(ne(ptr, tlb_find(t, 0x4034ffff, user(0, 1)), NULL));
	cr_expect(eq(ptr, tlb_find(t, 0x40350000, user(0, 1)), NULL));
	tlb_free(t);
}

Test(tlb, a_page_smaller_than_all_sizes_held_is_not_held)
{
	struct tlb *t = open_tlb(48, 48, sizes(21, 30, 30), TLB_INDEX_LOW, false);
	cr_expect(eq(ptr, fill(t, 0x1000, 0x81000, 12, user(0, 1), false), NULL));
	cr_expect(eq(u64, t->stats.fills, 0));
	tlb_check(t);
	tlb_free(t);
}

static unsigned bits_of_run(bool contiguous)
{
	struct tlb *t = open_tlb(48, 48, sizes(12, 16, 16), TLB_INDEX_LOW, contiguous);
	struct tlb_fill f = {.va = 0x12345000, .pa = 0x92345000, .bits = 12, .run_bits = 16};
	f.like = (struct tlb_entry){.tag = user(0, 1), .tag_mask = TLB_TAG_ALL};
	unsigned bits = tlb_fill(t, &f)->bits;
	tlb_free(t);
	return bits;
}

Test(tlb, a_contiguous_run_is_one_entry_only_where_the_tlb_says_so)
{
	cr_expect(eq(u32, bits_of_run(true), 16));
	cr_expect(eq(u32, bits_of_run(false), 12));
}

/* A TLBI by VA takes the whole entry around the address, whatever its size. */
Test(tlb, an_invalidation_by_address_takes_the_block_that_covers_it)
{
	struct tlb *t = open_tlb(48, 48, sizes(12, 21, 21), TLB_INDEX_LOW, false);
	struct tlb_match m = {.by_address = true,
			      .first = 0x403ff000,
			      .last = 0x403fffff,
			      .tag = user(0, 1),
			      .tag_mask = TLB_TAG_ALL};
	fill(t, 0x40200000, 0x80200000, 21, user(0, 1), false);
	fill(t, 0x40400000, 0x80400000, 12, user(0, 1), false);
	cr_expect(eq(u32, tlb_invalidate(t, &m), 1));
	cr_expect(eq(ptr, tlb_hit(t, 0x40200000, user(0, 1)), NULL));
	cr_expect(ne(ptr, tlb_find(t, 0x40400000, user(0, 1)), NULL));
	cr_expect(eq(u64, t->stats.invalidated, 1));
	tlb_free(t);
}

/* --- theory -------------------------------------------------------------------------------------------------------- */

/* Depth of `page` in a stack in order of use, then moved to its top; `depth` of a page never seen: UINT32_MAX. */
static unsigned stack_distance(uint64_t *stack, unsigned *depth, uint64_t page)
{
	unsigned at = 0;
	while (at < *depth && stack[at] != page) at++;
	bool found = at < *depth;
	if (!found) (*depth)++;
	memmove(&stack[1], &stack[0], at * sizeof(*stack));
	stack[0] = page;
	return found ? at : UINT32_MAX;
}

/* One access: predicted, found, or filled. True when it hit. */
static bool access_page(struct tlb *t, uint64_t page)
{
	uint64_t va = page << 12;
	if (tlb_hit(t, va, user(0, 1)) || tlb_find(t, va, user(0, 1))) return true;
	fill(t, va, va, 12, user(0, 1), false);
	return false;
}

struct stream_case {
	unsigned entries, pages, skew; /* page = pages * u^skew: 1 is uniform, more is as skewed as Zipf */
};

static struct stream_case streams[] = {{48, 64, 1}, {48, 400, 3}, {1, 3, 1},
				       {3, 10, 2},  {64, 200, 4}, {1280, 2000, 2}};

ParameterizedTestParameters(tlb, hits_of_full_associativity_under_lru_are_stack_distances_below_the_size)
{
	return cr_make_param_array(struct stream_case, streams, sizeof(streams) / sizeof(streams[0]));
}

ParameterizedTest(struct stream_case *c, tlb,
		  hits_of_full_associativity_under_lru_are_stack_distances_below_the_size)
{
	static uint64_t stack[4096];
	unsigned depth = 0;
	uint64_t hits = 0, want = 0;
	struct tlb *t = open_tlb(c->entries, c->entries, sizes(12, 12, 12), TLB_INDEX_LOW, false);
	struct rng r;
	rng_init(&r, c->pages, "mattson");
	for (unsigned i = 0; i < 20000; i++) {
		double u = rng_unit(&r), x = u;
		for (unsigned k = 1; k < c->skew; k++) x *= u;
		uint64_t page = (uint64_t)(x * c->pages);
		want += stack_distance(stack, &depth, page) < c->entries;
		hits += access_page(t, page);
	}
	cr_expect(eq(u64, hits, want));
	cr_expect(lt(u64, 0, want));
	cr_expect(lt(u64, want, 20000));
	tlb_free(t);
}

static uint64_t sweep_misses(struct tlb *t, uint64_t pages, unsigned rounds)
{
	uint64_t misses = 0;
	for (unsigned round = 0; round < rounds; round++)
		for (uint64_t p = 0; p < pages; p++) misses += !access_page(t, p);
	return misses;
}

Test(tlb, a_cyclic_sweep_misses_always_from_one_page_more_than_the_size_on)
{
	static const unsigned entries[] = {1, 2, 3, 16, 17, 48, 1280};
	for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		unsigned n = entries[i];
		struct tlb *t = open_tlb(n, n, sizes(12, 12, 12), TLB_INDEX_LOW, false);
		cr_expect(eq(u64, sweep_misses(t, n, 5), n), "%u pages in %u entries", n, n);
		tlb_free(t);
		t = open_tlb(n, n, sizes(12, 12, 12), TLB_INDEX_LOW, false);
		cr_expect(eq(u64, sweep_misses(t, n + 1, 5), 5 * (n + 1)), "%u pages in %u entries", n + 1,
			  n);
		tlb_free(t);
	}
}

/* 5 ways of 256 sets under the low bits: 1280 consecutive pages fit, and the next 256 push each set over. */
Test(tlb, a_set_associative_tlb_holds_its_size_in_consecutive_pages)
{
	struct tlb *t = open_tlb(1280, 5, sizes(12, 12, 12), TLB_INDEX_LOW, false);
	cr_expect(eq(u64, sweep_misses(t, 1280, 4), 1280));
	tlb_free(t);
	t = open_tlb(1280, 5, sizes(12, 12, 12), TLB_INDEX_LOW, false);
	cr_expect(eq(u64, sweep_misses(t, 1280 + 256, 4), 4 * (1280 + 256)));
	tlb_free(t);
}

/* Pages a number of sets apart share one set under the low bits, and spread under the XOR index. */
Test(tlb, the_xor_index_spreads_a_stride_of_all_sets)
{
	for (unsigned index = TLB_INDEX_LOW; index <= TLB_INDEX_XOR; index++) {
		struct tlb *t = open_tlb(1280, 5, sizes(12, 12, 12), index, false);
		uint64_t misses = 0;
		for (unsigned round = 0; round < 4; round++)
			for (uint64_t p = 0; p < 64; p++) misses += !access_page(t, p << 8);
		cr_expect(eq(u64, misses, index == TLB_INDEX_LOW ? 4 * 64 : 64));
		tlb_free(t);
	}
}
