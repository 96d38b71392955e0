#include <signal.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "mem/physmem.h"

static struct pa at(uint64_t raw) { return (struct pa){raw}; }

Test(physmem, memory_never_written_reads_zero_and_costs_nothing)
{
	struct physmem *m = physmem_new();
	uint64_t bytes = physmem_usage(m).host_bytes;
	for (uint64_t pa = 0; pa < UINT64_C(1) << 52; pa += UINT64_C(1) << 40) {
		cr_assert(eq(u64, physmem_read64(m, at(pa)), 0));
		physmem_write64(m, at(pa), 0);
		cr_assert(physmem_cas64(m, at(pa), 0, 0));
		physmem_clear(m, at(pa), UINT64_C(1) << 30);
	}
	cr_assert(eq(u64, physmem_usage(m).host_bytes, bytes));
	physmem_free(m);
}

Test(physmem, a_full_table_of_leaves_takes_half_of_its_size)
{
	struct physmem *m = physmem_new();
	enum { TABLES = 1024 };
	for (uint64_t i = 0; i < TABLES * 512; i++)
		physmem_write64(m, at(i * 8), 0x0060000000000fc3 | (i * 7919 % (1 << 20)) << 12);
	struct physmem_usage u = physmem_usage(m);
	cr_assert(eq(u64, u.compact_pages, TABLES));
	cr_assert(eq(u64, u.raw_pages, 0));
	cr_assert(eq(u64, u.template_sets, 1));
	cr_assert(le(u64, u.host_bytes, UINT64_C(6) * TABLES * 512));
	physmem_free(m);
}

Test(physmem, page_with_too_many_templates_turns_raw_and_keeps_every_word)
{
	struct physmem *m = physmem_new();
	for (uint64_t i = 0; i < 512; i++) physmem_write64(m, at(0x5000 + i * 8), i * 0x0010000000000001);
	for (uint64_t i = 0; i < 512; i++)
		cr_assert(eq(u64, physmem_read64(m, at(0x5000 + i * 8)), i * 0x0010000000000001));
	cr_assert(eq(u64, physmem_usage(m).raw_pages, 1));
	cr_assert(eq(u64, physmem_usage(m).compact_pages, 0));
	physmem_free(m);
}

Test(physmem, compact_page_used_again_starts_empty)
{
	struct physmem *m = physmem_new();
	for (uint64_t i = 0; i < 512; i++) physmem_write64(m, at(i * 8), 0x7ff003);
	for (uint64_t i = 0; i < 20; i++) physmem_write64(m, at(i * 8), i << 57 | 1);
	cr_assert(eq(u64, physmem_usage(m).raw_pages, 1));
	physmem_write64(m, at(0x2000), 3);
	for (uint64_t i = 1; i < 512; i++) cr_assert(eq(u64, physmem_read64(m, at(0x2000 + i * 8)), 0));
	physmem_free(m);
}

/* 64 pages, each with 4 of 64 templates in changing company: more than a set holds, a page needs few. */
Test(physmem, pages_of_few_templates_stay_compact_however_many_there_are_in_all)
{
	struct physmem *m = physmem_new();
	for (uint64_t i = 0; i < 64 * 512; i++)
		physmem_write64(m, at(i * 8), ((i / 512 + i % 4 * 5) % 64) << 56 | i << 12 | 3);
	for (uint64_t i = 0; i < 64 * 512; i++)
		cr_assert(eq(u64, physmem_read64(m, at(i * 8)),
			     ((i / 512 + i % 4 * 5) % 64) << 56 | i << 12 | 3));
	cr_assert(eq(u64, physmem_usage(m).raw_pages, 0));
	physmem_free(m);
}

Test(physmem, compare_and_swap_stores_only_over_the_expected_word)
{
	struct physmem *m = physmem_new();
	physmem_write64(m, at(0x1008), 0x8000000000000403);
	cr_assert(not(physmem_cas64(m, at(0x1008), 0x8000000000000003, 1)));
	cr_assert(eq(u64, physmem_read64(m, at(0x1008)), 0x8000000000000403));
	cr_assert(physmem_cas64(m, at(0x1008), 0x8000000000000403, 0x8000000000000483));
	cr_assert(eq(u64, physmem_read64(m, at(0x1008)), 0x8000000000000483));
	physmem_free(m);
}

Test(physmem, clearing_spares_the_neighbours)
{
	struct physmem *m = physmem_new();
	const uint64_t base = UINT64_C(0xfff000);
	for (uint64_t i = 0; i < 4 * 512; i++) physmem_write64(m, at(base + i * 8), (i + 1) << (i % 50));
	physmem_clear(m, at(base + 0x1000), 0x2000);
	for (uint64_t i = 0; i < 4 * 512; i++) {
		bool cleared = i >= 512 && i < 3 * 512;
		cr_assert(eq(u64, physmem_read64(m, at(base + i * 8)), cleared ? 0 : (i + 1) << (i % 50)));
	}
	physmem_free(m);
}

Test(physmem, unaligned_write_is_a_bug, .signal = SIGABRT) { physmem_write64(physmem_new(), at(0x1004), 1); }

Test(physmem, address_beyond_52_bits_is_a_bug, .signal = SIGABRT)
{
	physmem_read64(physmem_new(), at(UINT64_C(1) << 52));
}

/* ---- against a naive model: an array of (address, word), searched from slot to slot --------- */

enum { CELLS = 1 << 15, OPERATIONS = 60000 };

struct naive {
	uint64_t address[CELLS], word[CELLS]; /* address + 1; 0: free */
};

static uint64_t *naive_word(struct naive *n, uint64_t address)
{
	uint64_t i = address / 8 * 2654435761u % CELLS;
	while (n->address[i] && n->address[i] != address + 1) i = (i + 1) % CELLS;
	n->address[i] = address + 1;
	return &n->word[i];
}

/* How the words of a run look: descriptors of `templates` kinds, and `wild_percent` of any bits at all. */
struct word_mix {
	char name[24];
	uint64_t templates, wild_percent, regions;
};

static struct word_mix mixes[] = {{"descriptors", 12, 0, 3},
				  {"many kinds", 200, 0, 3},
				  {"a few wild words", 8, 1, 1},
				  {"anything", 1, 100, 3}};

static uint64_t draw_address(struct rng *r, const struct word_mix *mix)
{
	static const uint64_t base[] = {0, UINT64_C(0x3fffffe000), UINT64_C(0xfffffffff0000)};
	return base[rng_below(r, mix->regions)] + rng_below(r, 16 * 512) * 8;
}

static uint64_t draw_word(struct rng *r, const struct word_mix *mix)
{
	if (rng_below(r, 100) < mix->wild_percent) return rng_next(r);
	if (rng_below(r, 8) == 0) return 0;
	return rng_below(r, mix->templates) * 0x0101000000000041 | rng_below(r, 1 << 28) << 12 | 3;
}

ParameterizedTestParameters(physmem, random_operations_agree_with_a_naive_model)
{
	return cr_make_param_array(struct word_mix, mixes, sizeof(mixes) / sizeof(mixes[0]));
}

ParameterizedTest(struct word_mix *mix, physmem, random_operations_agree_with_a_naive_model)
{
	struct physmem *m = physmem_new();
	struct naive *n = calloc(1, sizeof(*n));
	struct rng r;
	rng_init(&r, 1, mix->name);
	for (int i = 0; i < OPERATIONS; i++) {
		uint64_t pa = draw_address(&r, mix), word = draw_word(&r, mix), *expected = naive_word(n, pa);
		switch (rng_below(&r, 3)) {
		case 0:
			physmem_write64(m, at(pa), word);
			*expected = word;
			break;
		case 1:
			cr_assert(physmem_cas64(m, at(pa), *expected, word));
			*expected = word;
			break;
		default: cr_assert(eq(u64, physmem_read64(m, at(pa)), *expected), "%s", mix->name);
		}
	}
	for (uint64_t i = 0; i < CELLS; i++)
		if (n->address[i]) cr_assert(eq(u64, physmem_read64(m, at(n->address[i] - 1)), n->word[i]));
	free(n);
	physmem_free(m);
}
