/* Descriptor reads of a walk without any cache: (n+1)(m+1)-1 for n levels at stage 1 and m at stage 2. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "walk_world.h"

static const uint64_t page = 0x180000, user = DESC_AF | DESC_AP_USER;

/* Reads for one page behind both stages; `with2` false: stage 1 alone. */
static unsigned count_reads(struct shape s1, struct shape s2, bool with2)
{
	struct world w;
	world_init(&w);
	w.s1 = s1;
	w.s2 = s2;
	uint64_t va = bits_ones(s1.ia_bits) & 0xaaaaaaaaaaaa0000;
	world_map1(&w, va, page, user);
	if (with2) {
		world_map2_tables(&w);
		world_map2(&w, page, s2_all);
	}
	struct translation t = world_translate(&w, va, read0);
	cr_assert(eq(int, t.fault.kind, FAULT_NONE), "%d.%d over %d.%d: level %d stage %d", s1.granule_bits,
		  s1.start, s2.granule_bits, s2.start, t.fault.level, t.fault.stage);
	return w.reads;
}

static struct shape shape_of(unsigned granule_bits, int start, int leaf)
{
	unsigned bits = level_entry_bits(granule_bits, start - 1);
	enum desc_layout layout = DESC_OA_48;
	if (granule_bits == GRANULE_64K) layout = DESC_OA_LPA;
	if ((granule_bits == GRANULE_4K && start < 0) || (granule_bits == GRANULE_16K && start < 1))
		layout = DESC_OA_DS;
	unsigned most = layout == DESC_OA_48 ? 48 : 52;
	return (struct shape){.granule_bits = (uint8_t)granule_bits,
			      .ia_bits = (uint8_t)(bits > most ? most : bits),
			      .start = (int8_t)start,
			      .leaf = (int8_t)leaf,
			      .layout = (uint8_t)layout};
}

struct reads_case {
	int granule1, granule2;
};

ParameterizedTestParameters(walk_references, every_start_level)
{
	static struct reads_case cases[] = {{12, 12}, {12, 14}, {12, 16}, {14, 12}, {14, 14},
					    {14, 16}, {16, 12}, {16, 14}, {16, 16}};
	return cr_make_param_array(struct reads_case, cases, sizeof(cases) / sizeof(cases[0]));
}

static int first_level(int granule_bits) { return granule_bits == 12 ? -1 : granule_bits == 14 ? 0 : 1; }

ParameterizedTest(struct reads_case *c, walk_references, every_start_level)
{
	for (int n0 = first_level(c->granule1); n0 <= 3; n0++)
		for (int m0 = first_level(c->granule2); m0 <= 3; m0++) {
			unsigned n = 4u - (unsigned)n0, m = 4u - (unsigned)m0;
			struct shape s1 = shape_of((unsigned)c->granule1, n0, 3);
			struct shape s2 = shape_of((unsigned)c->granule2, m0, 3);
			cr_expect(eq(u32, count_reads(s1, s2, true), (n + 1) * (m + 1) - 1),
				  "levels %u and %u", n, m);
			cr_expect(eq(u32, count_reads(s1, s2, false), n));
		}
}

/* ../shared/references/hardware.yaml, walk_references. */
Test(walk_references, published_figures)
{
	struct shape s48 = shape_of(12, 0, 3), s39 = shape_of(12, 1, 3), blocks = shape_of(12, 0, 2);
	struct shape ipa40 = {.granule_bits = 12, .ia_bits = 40, .start = 1, .leaf = 3};
	struct shape s64k = {.granule_bits = 16, .ia_bits = 42, .start = 2, .leaf = 3, .layout = DESC_OA_LPA};
	struct shape lpa2 = shape_of(12, -1, 3);
	cr_expect(eq(u32, count_reads(s48, s48, false), 4), "native_4K_48");
	cr_expect(eq(u32, count_reads(s48, s48, true), 24), "s1_4x_s2_4");
	cr_expect(eq(u32, count_reads(s48, ipa40, true), 19), "kvm_default_40bit_ipa_concatenated");
	cr_expect(eq(u32, count_reads(s39, s39, true), 15), "s1_39bit_3x_s2_3");
	cr_expect(eq(u32, count_reads(blocks, blocks, true), 15), "2M_leaf_both");
	cr_expect(eq(u32, count_reads(s64k, s64k, true), 8), "64K_42x42");
	cr_expect(eq(u32, count_reads(lpa2, lpa2, true), 35), "lpa2_5x5");
}

/* A walk cache may hold any position: from there the rest of the walk is the same. */
Test(walk_references, a_walk_resumes_from_any_position)
{
	struct world w;
	struct regime_info r;
	struct walk_pos pos;
	world_init(&w);
	world_map1(&w, 0x12345000, page, user);
	world_map1(&w, 0x12346000, page + 0x1000, user);
	regime_decode(&w.regs, &w.f, REGIME_EL10, SEC_NONSECURE, &r);
	const struct stage_info *s = regime_stage1(&r, (struct va){0x12345678});
	cr_assert(eq(int, walk_begin(s, 0x12345678, read0, &pos), FAULT_NONE));
	while (pos.level < 3) {
		uint64_t at = walk_descriptor(s, &pos, 0x12345678);
		cr_assert(eq(int, walk_step(s, &pos, *world_word(&w, at)), WALK_TABLE));
	}
	struct leaf leaf;
	uint64_t desc = *world_word(&w, walk_descriptor(s, &pos, 0x12346678));
	cr_assert(eq(int, walk_step(s, &pos, desc), WALK_LEAF));
	leaf_read(s, &pos, 0x12346678, desc, &leaf);
	cr_expect(eq(u64, leaf.out, page + 0x1678));
}
