/* Stage 2, and both stages together, rule by rule. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "walk_world.h"

static const uint64_t va = 0x12345000, out = 0x180000;
static const uint64_t user = DESC_AF | DESC_AP_USER;

#define GOOD "ok"
#define EXPECT(w, address, access, text) \
	cr_expect(eq(str, (char *)world_try(&(w), (address), (access)), (char *)(text)), #access)

/* va -> out through both stages; the stage 2 leaf of `out`. */
static uint64_t *two_stages(struct world *w)
{
	world_init(w);
	world_map1(w, va, out, user);
	world_map2_tables(w);
	return world_map2(w, out, s2_all);
}

/* The stage 2 leaf of the last stage 1 table. */
static uint64_t *leaf_of_table(struct world *w)
{
	uint64_t table = w->root1;
	for (int level = w->s1.start; level < 3; level++)
		table = desc_address(*world_entry(w, &w->s1, table, level, va), DESC_OA_48, 12);
	return world_reach(w, &w->s2, w->root2, &w->next2, 3, table);
}

Test(walk_stage2, s2ap_limits_what_stage_1_allows)
{
	struct world w;
	uint64_t *leaf = two_stages(&w);
	EXPECT(w, va, write0, GOOD);
	*leaf &= ~DESC_S2AP_WRITE;
	EXPECT(w, va, write0, "perm L3 S2");
	EXPECT(w, va, read0, GOOD);
	*leaf = (*leaf & ~DESC_S2AP_READ) | DESC_S2AP_WRITE;
	EXPECT(w, va, read0, "perm L3 S2");
	EXPECT(w, va, write0, GOOD);
}

Test(walk_stage2, stage_1_is_judged_before_stage_2)
{
	struct world w;
	uint64_t *leaf = two_stages(&w);
	*leaf = 0;
	*world_reach(&w, &w.s1, w.root1, &w.next1, 3, va) &= ~DESC_AP_USER;
	EXPECT(w, va, read0, "perm L3 S1");
	EXPECT(w, va, read1, "trans L3 S2");
}

Test(walk_stage2, xnx_tells_el0_and_el1_apart)
{
	struct world w;
	uint64_t *leaf = two_stages(&w);
	*world_reach(&w, &w.s1, w.root1, &w.next1, 3, va) |= DESC_AP_READ_ONLY;
	*leaf |= DESC_S2_XNX;
	EXPECT(w, va, fetch0, GOOD);
	EXPECT(w, va, fetch1, "perm L3 S2");
	*leaf |= DESC_S2_XN;
	EXPECT(w, va, fetch0, "perm L3 S2");
	EXPECT(w, va, fetch1, GOOD);
	w.f.xnx = 0;
	EXPECT(w, va, fetch1, "perm L3 S2");
}

Test(walk_stage2, a_stage_2_fault_on_a_stage_1_table_is_marked)
{
	struct world w;
	two_stages(&w);
	uint64_t *table = leaf_of_table(&w), before = *table;
	*table = before & ~DESC_AF;
	EXPECT(w, va, read0, "af L3 S2 ptw");
	*table = before & ~DESC_S2AP_READ;
	EXPECT(w, va, read0, "perm L3 S2 ptw");
	*table = 0;
	struct translation t = world_translate(&w, va, read0);
	cr_expect(t.fault.s1ptw);
	cr_expect(eq(u64, bits_align_down(t.fault.ipa.raw, 12), w.next1 - 0x1000));
}

Test(walk_stage2, hardware_sets_a_stage_1_flag_only_through_writable_stage_2)
{
	struct world w;
	two_stages(&w);
	uint64_t *leaf = world_reach(&w, &w.s1, w.root1, &w.next1, 3, va), *table = leaf_of_table(&w);
	w.regs.TCR_EL1 |= UINT64_C(1) << 39;
	*leaf &= ~DESC_AF;
	*table &= ~DESC_S2AP_WRITE;
	EXPECT(w, va, read0, "perm L3 S2 ptw");
	cr_expect(eq(u64, *leaf & DESC_AF, 0));
	*table |= DESC_S2AP_WRITE;
	EXPECT(w, va, read0, GOOD);
	cr_expect(eq(u64, *leaf & DESC_AF, DESC_AF));
}

Test(walk_stage2, writing_a_stage_1_flag_makes_its_table_dirty)
{
	struct world w;
	two_stages(&w);
	uint64_t *leaf = world_reach(&w, &w.s1, w.root1, &w.next1, 3, va), *table = leaf_of_table(&w);
	w.regs.TCR_EL1 |= UINT64_C(1) << 39;
	w.regs.VTCR_EL2 |= 3 << 21;
	*leaf &= ~DESC_AF;
	*table = (*table & ~DESC_S2AP_WRITE) | DESC_DBM;
	EXPECT(w, va, read0, GOOD);
	cr_expect(eq(u64, *table & DESC_S2AP_WRITE, DESC_S2AP_WRITE));
}

Test(walk_stage2, dirty_state_of_stage_2_follows_writes_only)
{
	struct world w;
	uint64_t *leaf = two_stages(&w);
	*leaf = (*leaf & ~DESC_S2AP_WRITE) | DESC_DBM;
	EXPECT(w, va, write0, "perm L3 S2");
	w.regs.VTCR_EL2 |= 3 << 21;
	EXPECT(w, va, read0, GOOD);
	cr_expect(eq(u64, *leaf & DESC_S2AP_WRITE, 0));
	EXPECT(w, va, write0, GOOD);
	cr_expect(eq(u64, *leaf & DESC_S2AP_WRITE, DESC_S2AP_WRITE));
}

Test(walk_stage2, ptw_refuses_tables_in_device_memory)
{
	struct world w;
	two_stages(&w);
	*leaf_of_table(&w) &= ~desc_s2_attr(15);
	EXPECT(w, va, read0, GOOD);
	w.regs.HCR_EL2 |= HCR_PTW;
	EXPECT(w, va, read0, "perm L3 S2 ptw");
}

Test(walk_stage2, ipas_outside_the_range_fault_at_level_0)
{
	struct world w;
	two_stages(&w);
	*world_reach(&w, &w.s1, w.root1, &w.next1, 3, va) |= UINT64_C(1) << 40;
	EXPECT(w, va, read0, "trans L0 S2");
	struct translation t = world_translate(&w, va, read0);
	cr_expect(eq(u64, t.fault.ipa.raw, UINT64_C(1) << 40 | out));
}

Test(walk_stage2, concatenation_takes_at_most_16_tables)
{
	struct world w;
	struct regime_info r;
	two_stages(&w);
	for (unsigned ia = 25; ia <= 48; ia++) {
		w.regs.VTCR_EL2 = (w.regs.VTCR_EL2 & ~UINT64_C(0x3f)) | (64 - ia);
		regime_decode(&w.regs, &w.f, REGIME_EL10, SEC_NONSECURE, &r);
		bool legal = ia >= 31 && ia <= 43; /* start at level 1: 1 bit to 9 + 4 bits above 30 */
		cr_expect(eq(int, r.s2.bad, legal ? FAULT_NONE : FAULT_TRANSLATION), "%u bits", ia);
	}
}

static bool start_is_legal(const struct features *f, unsigned ia, unsigned sl0, unsigned tg0, uint64_t more)
{
	struct sysregs regs = {.HCR_EL2 = HCR_VM};
	struct regime_info r;
	regs.VTCR_EL2 = (64 - ia) | sl0 << 6 | tg0 << 14 | 6 << 16 | more;
	regime_decode(&regs, f, REGIME_EL10, SEC_NONSECURE, &r);
	return !r.s2.bad;
}

Test(walk_stage2, start_levels_are_limited_by_granule_size_and_features)
{
	const struct features *max = features_of_cpu("max"), *a72 = features_of_cpu("cortex-a72");
	struct features small = *max;
	const uint64_t ds = UINT64_C(1) << 32, sl2 = UINT64_C(1) << 33;
	small.pa_bits = 40;
	cr_expect(start_is_legal(max, 44, 2, 0, 0));
	cr_expect(not(start_is_legal(&small, 40, 2, 0, 0))); /* level 0 needs 44 bits */
	cr_expect(start_is_legal(&small, 40, 1, 0, 0));
	cr_expect(start_is_legal(max, 21, 3, 0, 0)); /* level 3: FEAT_TTST */
	cr_expect(not(start_is_legal(a72, 25, 3, 0, 0)));
	cr_expect(start_is_legal(max, 52, 0, 0, ds | sl2));
	cr_expect(not(start_is_legal(max, 48, 1, 0, ds | sl2)));
	cr_expect(start_is_legal(max, 48, 2, 0, sl2), "SL2 counts only with DS");
	cr_expect(not(start_is_legal(max, 48, 3, 2, 0))); /* 16K at level 0 */
	cr_expect(start_is_legal(max, 52, 3, 2, ds));
	cr_expect(not(start_is_legal(max, 48, 3, 1, 0))); /* 64K has no level 0 */
	cr_expect(not(start_is_legal(a72, 48, 2, 0, 0))); /* more than the 44 bits of its addresses */
	cr_expect(start_is_legal(a72, 44, 2, 0, 0));
}

Test(walk_stage2, a_block_larger_than_the_output_range_is_used_as_far_as_the_range_goes)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, user);
	w.s2 = (struct shape){
		.granule_bits = 16, .ia_bits = 48, .start = 1, .leaf = 1, .layout = DESC_OA_LPA};
	world_map2(&w, 0, s2_all);
	w.regs.VTCR_EL2 = (w.regs.VTCR_EL2 & ~(UINT64_C(7) << 16)) | UINT64_C(1) << 16; /* 36 bits */
	EXPECT(w, va, write0, GOOD);
	cr_expect(eq(int, world_translate(&w, va, read0).s2_bits, 36));
	*leaf |= UINT64_C(1) << 36;
	EXPECT(w, va, write0, "asize L1 S2");
}

Test(walk_stage2, dc_turns_stage_1_off_and_stage_2_on)
{
	struct world w;
	two_stages(&w);
	w.regs.HCR_EL2 = HCR_DC;
	world_map2(&w, va, s2_all);
	w.regs.HCR_EL2 = HCR_DC;
	struct translation t = world_translate(&w, va, read0);
	cr_expect(eq(int, t.fault.kind, FAULT_NONE));
	cr_expect(eq(u64, t.pa.raw, va));
	cr_expect(eq(int, t.attr, ATTR_NORMAL_WB));
	cr_expect(eq(int, t.sh, SH_NON));
	EXPECT(w, va + 0x1000, read0, "trans L3 S2");
}

Test(walk_stage2, the_tlb_view_is_what_both_stages_allow)
{
	struct world w;
	uint64_t *leaf = two_stages(&w);
	*leaf &= ~DESC_S2AP_READ;
	struct translation t = world_translate(&w, va, write0);
	cr_expect(eq(int, t.perm &(PERM_UR | PERM_PR), 0));
	cr_expect(eq(int, t.perm &PERM_GUARDED, PERM_GUARDED), "PAN is a rule of stage 1 alone");
	struct access pan = write1;
	cr_expect(perm_allows(t.perm, pan));
	pan.pan = true;
	cr_expect(not(perm_allows(t.perm, pan)));
	EXPECT(w, va, pan, "perm L3 S1");
}

Test(walk_stage2, sizes_of_both_stages_are_reported)
{
	struct world w;
	two_stages(&w);
	struct translation t = world_translate(&w, va, read0);
	cr_expect(eq(int, t.s1_bits, 12));
	cr_expect(eq(int, t.s2_bits, 12));
	w.regs.HCR_EL2 = 0;
	t = world_translate(&w, va, read0);
	cr_expect(eq(int, t.s2_bits, 64));
}
