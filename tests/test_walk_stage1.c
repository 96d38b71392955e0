/* Stage 1, rule by rule. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "walk_world.h"

static const uint64_t va = 0x12345000, out = 0x180000;
static const uint64_t user = DESC_AF | DESC_AP_USER;

#define GOOD "ok"
#define EXPECT(w, address, access, text) \
	cr_expect(eq(str, (char *)world_try(&(w), (address), (access)), (char *)(text)), #access)

static struct access with_pan(struct access a)
{
	a.pan = true;
	return a;
}

Test(walk_stage1, ap_gives_el0_and_el1_their_rights)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, DESC_AF);
	EXPECT(w, va, read1, GOOD);
	EXPECT(w, va, write1, GOOD);
	EXPECT(w, va, read0, "perm L3 S1");
	EXPECT(w, va, fetch0, GOOD); /* execute-never is apart from AP */
	*leaf |= DESC_AP_READ_ONLY | DESC_AP_USER;
	EXPECT(w, va, write1, "perm L3 S1");
	EXPECT(w, va, write0, "perm L3 S1");
	EXPECT(w, va, read0, GOOD);
}

Test(walk_stage1, what_el0_may_write_el1_does_not_execute)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, user);
	EXPECT(w, va, fetch0, GOOD);
	EXPECT(w, va, fetch1, "perm L3 S1");
	*leaf |= DESC_AP_READ_ONLY;
	EXPECT(w, va, fetch1, GOOD);
}

Test(walk_stage1, uxn_and_pxn_are_apart)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, user | DESC_AP_READ_ONLY | DESC_UXN);
	EXPECT(w, va, fetch0, "perm L3 S1");
	EXPECT(w, va, fetch1, GOOD);
	*leaf ^= DESC_UXN | DESC_PXN;
	EXPECT(w, va, fetch0, GOOD);
	EXPECT(w, va, fetch1, "perm L3 S1");
}

Test(walk_stage1, wxn_forbids_execution_of_what_is_writable)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, DESC_AF);
	EXPECT(w, va, fetch1, GOOD);
	w.regs.SCTLR_EL1 |= 1 << 19;
	EXPECT(w, va, fetch1, "perm L3 S1");
	*leaf |= DESC_AP_READ_ONLY;
	EXPECT(w, va, fetch1, GOOD);
}

Test(walk_stage1, pan_guards_user_pages_against_el1_data_accesses_only)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, user | DESC_AP_READ_ONLY);
	EXPECT(w, va, with_pan(read1), "perm L3 S1");
	EXPECT(w, va, with_pan(fetch1), GOOD);
	EXPECT(w, va, with_pan(read0), GOOD);
	*leaf &= ~DESC_AP_USER;
	EXPECT(w, va, with_pan(read1), GOOD);
}

Test(walk_stage1, epan_guards_execute_only_user_pages_too)
{
	struct world w;
	world_init(&w);
	w.f.pan3 = 1;
	world_map1(&w, va, out, DESC_AF);
	EXPECT(w, va, with_pan(read1), GOOD);
	w.regs.SCTLR_EL1 |= UINT64_C(1) << 57;
	EXPECT(w, va, with_pan(read1), "perm L3 S1");
}

Test(walk_stage1, table_limits_hold_for_everything_below_unless_hpd)
{
	struct world w;
	world_init(&w);
	world_map1(&w, va, out, user);
	uint64_t *table = world_entry(&w, &w.s1, w.root1, 1, va);
	*table |= DESC_AP_TABLE_NO_USER;
	EXPECT(w, va, read0, "perm L3 S1");
	EXPECT(w, va, fetch1, GOOD); /* EL0 cannot write it any more */
	*table ^= DESC_AP_TABLE_NO_USER | DESC_AP_TABLE_READ_ONLY;
	EXPECT(w, va, write1, "perm L3 S1");
	*table ^= DESC_AP_TABLE_READ_ONLY | DESC_UXN_TABLE;
	EXPECT(w, va, fetch0, "perm L3 S1");
	w.regs.TCR_EL1 |= UINT64_C(1) << 41;
	EXPECT(w, va, fetch0, GOOD);
	w.f.hpds = 0;
	EXPECT(w, va, fetch0, "perm L3 S1");
}

Test(walk_stage1, addresses_outside_the_range_fault_at_level_0)
{
	struct world w;
	world_init(&w);
	world_map1(&w, va, out, user);
	EXPECT(w, va | UINT64_C(1) << 39, read0, "trans L0 S1");
	EXPECT(w, va | UINT64_C(1) << 63, read0, "trans L0 S1");
	EXPECT(w, va | UINT64_C(1) << 55, read0, "trans L0 S1"); /* EPD1 */
}

Test(walk_stage1, tbi_ignores_the_top_byte_and_tbid_restores_it_for_fetches)
{
	struct world w;
	world_init(&w);
	world_map1(&w, va, out, user);
	uint64_t tagged = va | UINT64_C(0xa5) << 56;
	w.regs.TCR_EL1 |= UINT64_C(1) << 37;
	EXPECT(w, tagged, read0, GOOD);
	EXPECT(w, tagged, fetch0, GOOD);
	w.regs.TCR_EL1 |= UINT64_C(1) << 51;
	EXPECT(w, tagged, read0, GOOD);
	EXPECT(w, tagged, fetch0, "trans L0 S1");
}

Test(walk_stage1, bit_55_picks_the_upper_half)
{
	struct world w;
	world_init(&w);
	world_map1(&w, va, out, user);
	uint64_t upper = ~bits_ones(39) | va;
	w.regs.TTBR1_EL1 = w.regs.TTBR0_EL1;
	w.regs.TCR_EL1 = (w.regs.TCR_EL1 & ~(UINT64_C(1) << 23)) | 25 << 16 | UINT64_C(2) << 30;
	struct translation t = world_translate(&w, upper, read0);
	cr_expect(eq(int, t.fault.kind, FAULT_NONE));
	cr_expect(eq(u64, t.pa.raw, out));
}

Test(walk_stage1, e0pd_denies_el0_and_not_el1)
{
	struct world w;
	world_init(&w);
	world_map1(&w, va, out, user);
	w.regs.TCR_EL1 |= UINT64_C(1) << 55;
	EXPECT(w, va, read0, "trans L0 S1");
	EXPECT(w, va, read1, GOOD);
	w.f.e0pd = 0;
	EXPECT(w, va, read0, GOOD);
}

Test(walk_stage1, invalid_and_reserved_descriptors_are_translation_faults)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, user);
	*leaf &= ~DESC_VALID;
	EXPECT(w, va, read0, "trans L3 S1");
	*leaf = (*leaf | DESC_VALID) & ~DESC_TABLE;
	EXPECT(w, va, read0, "trans L3 S1");
	EXPECT(w, va + (1 << 21), read0, "trans L2 S1");
}

Test(walk_stage1, blocks_exist_only_where_the_granule_has_them)
{
	struct world w;
	world_init(&w);
	w.s1 = (struct shape){.granule_bits = 12, .ia_bits = 48, .start = 0, .leaf = 1};
	world_map1(&w, va, out, user);
	struct translation t = world_translate(&w, va, read0);
	cr_expect(eq(int, t.s1_bits, 30));
	cr_expect(eq(u64, t.pa.raw, va)); /* 1 GiB block at 0 */
	w.s1.leaf = 0;
	*world_entry(&w, &w.s1, w.root1, 0, va) = DESC_VALID | user;
	EXPECT(w, va, read0, "trans L0 S1");
	w.regs.TCR_EL1 |= UINT64_C(1) << 59; /* DS: 512 GiB blocks */
	EXPECT(w, va, read0, GOOD);
}

Test(walk_stage1, level_1_blocks_of_64k_need_52_bit_addresses)
{
	struct world w;
	world_init(&w);
	w.s1 = (struct shape){.granule_bits = 16, .ia_bits = 48, .start = 1, .leaf = 1};
	world_map1(&w, va, 0, user);
	EXPECT(w, va, read0, GOOD);
	w.f.lpa = 0;
	w.f.pa_bits = 48;
	EXPECT(w, va, read0, "trans L1 S1");
}

Test(walk_stage1, outputs_beyond_ips_are_address_size_faults_at_the_level_that_gave_them)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, user);
	w.regs.TCR_EL1 &= ~(UINT64_C(7) << 32); /* 32 bits */
	*leaf |= UINT64_C(1) << 32;
	EXPECT(w, va, read0, "asize L3 S1");
	*world_entry(&w, &w.s1, w.root1, 1, va) |= UINT64_C(1) << 40;
	EXPECT(w, va, read0, "asize L1 S1");
	w.regs.TTBR0_EL1 |= UINT64_C(1) << 33;
	EXPECT(w, va, read0, "asize L0 S1");
}

/* The smallest block of this kind: 2^42 bytes, of which 36 bits are in the output range. */
Test(walk_stage1, a_block_larger_than_the_output_range_is_used_as_far_as_the_range_goes)
{
	struct world w;
	world_init(&w);
	w.s1 = (struct shape){
		.granule_bits = 16, .ia_bits = 48, .start = 1, .leaf = 1, .layout = DESC_OA_LPA};
	uint64_t *leaf = world_map1(&w, va, 0, DESC_AP_USER);
	w.regs.TCR_EL1 = (w.regs.TCR_EL1 & ~(UINT64_C(7) << 32)) | UINT64_C(1) << 32; /* 36 bits */
	EXPECT(w, va, read0, "af L1 S1");
	EXPECT(w, va | UINT64_C(1) << 36, read0, "asize L1 S1");
	*leaf |= DESC_AF;
	EXPECT(w, va | UINT64_C(1) << 41, read0, "asize L1 S1");
	struct translation t = world_translate(&w, va, read0);
	cr_expect(eq(u64, t.pa.raw, va));
	cr_expect(eq(int, t.s1_bits, 36));
}

Test(walk_stage1, ips_beyond_the_processor_means_what_the_processor_has)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, user);
	*leaf |= UINT64_C(1) << 45;
	EXPECT(w, va, read0, GOOD);
	w.f.pa_bits = 44;
	EXPECT(w, va, read0, "asize L3 S1");
}

Test(walk_stage1, the_high_output_bits_of_64k_descriptors_count_even_when_ips_is_small)
{
	struct world w;
	world_init(&w);
	w.s1 = (struct shape){
		.granule_bits = 16, .ia_bits = 42, .start = 2, .leaf = 3, .layout = DESC_OA_LPA};
	uint64_t high = UINT64_C(3) << 48 | out;
	world_map1(&w, va, high, user);
	cr_expect(eq(u64, world_translate(&w, va, read0).pa.raw, high | (va & 0xffff)));
	w.regs.TCR_EL1 = (w.regs.TCR_EL1 & ~(UINT64_C(7) << 32)) | UINT64_C(5) << 32;
	EXPECT(w, va, read0, "asize L3 S1");
}

Test(walk_stage1, small_tables_need_ttst)
{
	struct world w;
	world_init(&w);
	w.s1 = (struct shape){.granule_bits = 12, .ia_bits = 21, .start = 3, .leaf = 3};
	world_map1(&w, 0x5000, out, user);
	EXPECT(w, 0x5000, read0, GOOD);
	w.f.ttst = 0;
	EXPECT(w, 0x5000, read0, "trans L0 S1");
}

Test(walk_stage1, a_clear_access_flag_faults_unless_hardware_sets_it)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, DESC_AP_USER), before = *leaf;
	EXPECT(w, va, read0, "af L3 S1");
	w.regs.TCR_EL1 |= UINT64_C(1) << 39;
	EXPECT(w, va, read0, GOOD);
	cr_expect(eq(u64, *leaf, before | DESC_AF));
	*leaf = before | DESC_AP_READ_ONLY;
	EXPECT(w, va, write0, "perm L3 S1");
	cr_expect(eq(u64, *leaf, before | DESC_AP_READ_ONLY), "a refused access sets no flag");
	w.f.hafdbs = 0;
	EXPECT(w, va, read0, "af L3 S1");
}

Test(walk_stage1, a_write_makes_a_clean_page_dirty_and_a_read_or_probe_does_not)
{
	struct world w;
	struct access probe = write0;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, user | DESC_AP_READ_ONLY | DESC_DBM), before = *leaf;
	EXPECT(w, va, write0, "perm L3 S1");
	w.regs.TCR_EL1 |= UINT64_C(1) << 40; /* HD without HA has no effect */
	EXPECT(w, va, write0, "perm L3 S1");
	w.regs.TCR_EL1 |= UINT64_C(1) << 39;
	probe.probe = true;
	EXPECT(w, va, probe, GOOD);
	struct translation t = world_translate(&w, va, read0);
	cr_expect(eq(int, t.perm &(PERM_UW | PERM_PW), 0), "a TLB must not let the first write pass");
	cr_expect(eq(u64, *leaf, before));
	EXPECT(w, va, write0, GOOD);
	cr_expect(eq(u64, *leaf, before & ~DESC_AP_READ_ONLY));
	t = world_translate(&w, va, read0);
	cr_expect(eq(int, t.perm &PERM_UW, PERM_UW));
}

Test(walk_stage1, a_contiguous_run_is_reported_only_where_it_is_one_piece)
{
	struct world w;
	world_init(&w);
	world_map1(&w, 0x10000, 0x180000, user | DESC_CONTIGUOUS);
	world_map1(&w, 0x25000, 0x182000, user | DESC_CONTIGUOUS);
	struct translation t = world_translate(&w, 0x10000, read0);
	cr_expect(eq(int, t.s1_run_bits, 16));
	cr_expect(eq(int, t.s1_bits, 12));
	t = world_translate(&w, 0x25000, read0);
	cr_expect(eq(int, t.s1_run_bits, 12));
}

Test(walk_stage1, attributes_come_from_mair_and_device_is_outer_shareable)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, user | desc_sh(SH_INNER));
	struct translation t = world_translate(&w, va, read0);
	cr_expect(eq(int, t.attr, ATTR_NORMAL_WB));
	cr_expect(eq(int, t.sh, SH_INNER));
	*leaf |= desc_attr_index(2);
	t = world_translate(&w, va, read0);
	cr_expect(eq(int, t.attr, ATTR_DEVICE_nGnRnE));
	cr_expect(eq(int, t.sh, SH_OUTER));
}

Test(walk_stage1, sctlr_c_and_i_make_normal_memory_non_cacheable)
{
	struct world w;
	world_init(&w);
	world_map1(&w, va, out, user);
	w.regs.SCTLR_EL1 &= ~(UINT64_C(1) << 2);
	cr_expect(eq(int, world_translate(&w, va, read0).attr, ATTR_NORMAL_NC));
	cr_expect(eq(int, world_translate(&w, va, fetch0).attr, ATTR_NORMAL_WB));
	w.regs.SCTLR_EL1 &= ~(UINT64_C(1) << 12);
	cr_expect(eq(int, world_translate(&w, va, fetch0).attr, ATTR_NORMAL_NC));
}

Test(walk_stage1, ng_makes_an_entry_the_asids_own)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, user);
	cr_expect(world_translate(&w, va, read0).global);
	*leaf |= DESC_NG;
	cr_expect(not(world_translate(&w, va, read0).global));
}

Test(walk_stage1, off_maps_va_to_pa_and_refuses_what_is_too_large)
{
	struct world w;
	world_init(&w);
	w.f.pa_bits = 44;
	w.regs.SCTLR_EL1 = 0;
	struct translation t = world_translate(&w, va, read0);
	cr_expect(eq(u64, t.pa.raw, va));
	cr_expect(eq(int, t.attr, ATTR_DEVICE_nGnRnE));
	cr_expect(eq(int, world_translate(&w, va, fetch0).attr, ATTR_NORMAL_NC));
	EXPECT(w, UINT64_C(1) << 44, read0, "asize L0 S1");
	w.regs.TCR_EL1 = UINT64_C(1) << 37; /* TBI counts even now */
	EXPECT(w, va | UINT64_C(0x7f) << 56, read0, GOOD);
}
