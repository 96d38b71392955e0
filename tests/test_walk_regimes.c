/* Which registers decide: regimes, decoding of their fields, security states. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "walk_world.h"

static const uint64_t va = 0x12345000, out = 0x180000;
static const struct access read2 = {ACCESS_READ, 2, false, false}, write2 = {ACCESS_WRITE, 2, false, false};
static const struct access fetch2 = {ACCESS_FETCH, 2, false, false}, read3 = {ACCESS_READ, 3, false, false};

#define GOOD "ok"
#define EXPECT(w, address, access, text) \
	cr_expect(eq(str, (char *)world_try(&(w), (address), (access)), (char *)(text)), #access)

static enum regime regime_at(uint64_t hcr, unsigned el)
{
	struct sysregs regs = {.HCR_EL2 = hcr};
	return regime_of_el(&regs, features_of_cpu("max"), el, SEC_NONSECURE);
}

Test(walk_regimes, e2h_and_tge_decide_where_el0_and_el2_translate)
{
	cr_expect(eq(int, regime_at(0, 0), REGIME_EL10));
	cr_expect(eq(int, regime_at(0, 2), REGIME_EL2));
	cr_expect(eq(int, regime_at(HCR_E2H, 2), REGIME_EL20));
	cr_expect(eq(int, regime_at(HCR_E2H, 0), REGIME_EL10));
	cr_expect(eq(int, regime_at(HCR_E2H | HCR_TGE, 0), REGIME_EL20));
	cr_expect(eq(int, regime_at(HCR_TGE, 0), REGIME_EL10));
	cr_expect(eq(int, regime_at(HCR_E2H, 3), REGIME_EL3));
}

Test(walk_regimes, e2h_is_ignored_without_vhe)
{
	struct sysregs regs = {.HCR_EL2 = HCR_E2H | HCR_TGE};
	const struct features *a72 = features_of_cpu("cortex-a72");
	cr_expect(eq(int, regime_of_el(&regs, a72, 2, SEC_NONSECURE), REGIME_EL2));
	cr_expect(eq(int, regime_of_el(&regs, a72, 0, SEC_NONSECURE), REGIME_EL10));
}

/* The tables of stage 1 of `w`, used by EL2 or EL3 through a TCR of the short form. */
static void use_single_range(struct world *w)
{
	world_map1(w, va, out, DESC_AF);
	uint64_t tcr = (64 - 39) | 5 << 16;
	w->regs.TCR_EL2 = w->regs.TCR_EL3 = tcr;
	w->regs.TTBR0_EL2 = w->regs.TTBR0_EL3 = w->root1;
	w->regs.SCTLR_EL2 = w->regs.SCTLR_EL3 = 1 | 1 << 2 | 1 << 12;
	w->regs.MAIR_EL2 = w->regs.MAIR_EL3 = 0xff;
}

Test(walk_regimes, el2_and_el3_have_one_range_and_one_execute_never)
{
	struct world w;
	world_init(&w);
	use_single_range(&w);
	uint64_t *leaf = world_entry(&w, &w.s1, w.root1, 1, va);
	EXPECT(w, va, read2, GOOD);
	EXPECT(w, va, read3, GOOD);
	EXPECT(w, va | UINT64_C(0xff) << 56, read2, "trans L0 S1");
	EXPECT(w, ~bits_ones(39) | va, read2, "trans L0 S1");
	leaf = world_reach(&w, &w.s1, w.root1, &w.next1, 3, va);
	*leaf |= DESC_PXN;
	EXPECT(w, va, fetch2, GOOD);
	*leaf |= DESC_UXN | DESC_AP_READ_ONLY;
	EXPECT(w, va, fetch2, "perm L3 S1");
	EXPECT(w, va, write2, "perm L3 S1");
}

Test(walk_regimes, ap_user_and_pan_mean_nothing_to_el2_without_e2h)
{
	struct world w;
	struct access guarded = read2;
	guarded.pan = true;
	world_init(&w);
	use_single_range(&w);
	*world_reach(&w, &w.s1, w.root1, &w.next1, 3, va) |= DESC_AP_USER;
	EXPECT(w, va, guarded, GOOD);
	EXPECT(w, va, fetch2, GOOD);
}

Test(walk_regimes, the_host_with_e2h_has_two_ranges_and_pan)
{
	struct world w;
	struct access guarded = read2;
	guarded.pan = true;
	world_init(&w);
	use_single_range(&w);
	*world_reach(&w, &w.s1, w.root1, &w.next1, 3, va) |= DESC_AP_USER;
	w.regs.HCR_EL2 = HCR_E2H;
	w.regs.TCR_EL2 = w.regs.TCR_EL1;
	EXPECT(w, va, read2, GOOD);
	EXPECT(w, va, guarded, "perm L3 S1");
	EXPECT(w, va, fetch2, "perm L3 S1");
}

Test(walk_regimes, tge_without_e2h_switches_stage_1_of_el0_off)
{
	struct world w;
	world_init(&w);
	world_map1(&w, va, out, DESC_AF);
	w.regs.HCR_EL2 = HCR_TGE;
	cr_expect(eq(u64, world_translate(&w, va, read0).pa.raw, va));
}

Test(walk_regimes, reserved_and_missing_granules_act_as_one_that_exists)
{
	struct world w;
	world_init(&w);
	world_map1(&w, va, out, DESC_AF);
	w.regs.TCR_EL1 |= 3 << 14;
	EXPECT(w, va, read1, GOOD);
	w.regs.TCR_EL1 ^= 1 << 14; /* 16K, which a Cortex-A72 has not */
	w.f = *features_of_cpu("cortex-a72");
	EXPECT(w, va, read1, GOOD);
}

Test(walk_regimes, asid_comes_from_the_ttbr_that_a1_names_and_as_widens_it)
{
	struct sysregs regs = {.TTBR0_EL1 = UINT64_C(0x1234) << 48, .TTBR1_EL1 = UINT64_C(0x5678) << 48};
	const struct features *f = features_of_cpu("max");
	struct regime_info r;
	regs.VTTBR_EL2 = UINT64_C(0x0907) << 48;
	regime_decode(&regs, f, REGIME_EL10, SEC_NONSECURE, &r);
	cr_expect(eq(u16, r.asid, 0x34));
	cr_expect(eq(u16, r.vmid, 0x07));
	regs.TCR_EL1 = UINT64_C(1) << 36 | 1 << 22;
	regs.VTCR_EL2 = 1 << 19;
	regime_decode(&regs, f, REGIME_EL10, SEC_NONSECURE, &r);
	cr_expect(eq(u16, r.asid, 0x5678));
	cr_expect(eq(u16, r.vmid, 0x0907));
}

static struct translation translate_secure(struct world *w, struct access a)
{
	struct regime_info r;
	struct translation t;
	struct walk_mem mem = {.self = w, .read = world_read, .update = world_update};
	regime_decode(&w->regs, &w->f, REGIME_EL10, SEC_SECURE, &r);
	translate(&r, (struct va){va}, a, &mem, &t);
	return t;
}

Test(walk_regimes, secure_descriptors_choose_the_address_space)
{
	struct world w;
	world_init(&w);
	uint64_t *leaf = world_map1(&w, va, out, DESC_AF);
	cr_expect(eq(int, translate_secure(&w, read1).security, SEC_SECURE));
	*leaf |= DESC_NS;
	cr_expect(eq(int, translate_secure(&w, read1).security, SEC_NONSECURE));
	w.regs.SCR_EL3 = 1 << 9; /* SIF */
	cr_expect(eq(int, translate_secure(&w, fetch1).fault.kind, FAULT_PERMISSION));
	*leaf &= ~DESC_NS;
	cr_expect(eq(int, translate_secure(&w, fetch1).fault.kind, FAULT_NONE));
}

Test(walk_regimes, nstable_moves_everything_below_to_non_secure_and_out_of_the_globals)
{
	struct world w;
	world_init(&w);
	world_map1(&w, va, out, DESC_AF);
	cr_expect(translate_secure(&w, read1).global);
	*world_entry(&w, &w.s1, w.root1, 1, va) |= DESC_NS_TABLE;
	cr_expect(eq(int, translate_secure(&w, read1).security, SEC_NONSECURE));
	cr_expect(not(translate_secure(&w, read1).global));
}

Test(walk_regimes, secure_state_ignores_hcr)
{
	struct world w;
	world_init(&w);
	world_map1(&w, va, out, DESC_AF);
	w.regs.HCR_EL2 = HCR_VM | HCR_TGE | HCR_E2H;
	cr_expect(eq(u64, translate_secure(&w, read1).pa.raw, out));
}

Test(walk_regimes, features_follow_the_id_registers)
{
	struct features f;
	features_from_id(0x1124, 0, 0, &f);
	cr_expect(eq(u64, f.granules, FEAT_GRANULE_4K | FEAT_GRANULE_64K));
	cr_expect(eq(u64, f.granules_stage2, f.granules));
	cr_expect(eq(u64, f.pa_bits, 44));
	cr_expect(eq(u64, f.vhe + f.hafdbs + f.lpa + f.e0pd, 0));
	features_from_id(0x32310201126, 0x11010211122, 0x1021011010011011, &f);
	cr_expect(eq(u64, f.granules, 7));
	cr_expect(eq(u64, f.pa_bits, 52));
	cr_expect(eq(u64, f.vhe & f.hafdbs & f.lpa & f.lva & f.lpa2 & f.xnx & f.e0pd & f.s2fwb & f.ttst, 1));
	features_from_id(UINT64_C(1) << 40, 0, 0, &f); /* TGran4_2: not at stage 2 */
	cr_expect(eq(u64, f.granules_stage2, FEAT_GRANULE_64K));
}

/* ID_AA64MMFR0/1/2_EL1 as the emulated cores of QEMU have them, from the manuals of the cores. */
Test(walk_regimes, named_cores_have_the_features_of_their_id_registers)
{
	static const struct {
		const char *name;
		uint64_t mmfr[3];
	} cores[] = {
		{"cortex-a35", {0x101122}},
		{"cortex-a53", {0x1122}},
		{"cortex-a57", {0x1124}},
		{"cortex-a72", {0x1124}},
		{"cortex-a55", {0x101122, 0x10212122, 0x1011}},
		{"cortex-a76", {0x101122, 0x10212122, 0x1011}},
		{"neoverse-n1", {0x101125, 0x10212122, 0x1011}},
		{"neoverse-v1", {0x101125, 0x10212122, 0x0220011102101011}},
		{"neoverse-n2", {0x22200101125, 0x10212122, 0x1221011112101011}},
		{"a64fx", {0x1122, 0x11212100, 0x1011}},
	};
	for (size_t i = 0; i < sizeof(cores) / sizeof(cores[0]); i++) {
		struct features want, named = *features_of_cpu(cores[i].name);
		features_from_id(cores[i].mmfr[0], cores[i].mmfr[1], cores[i].mmfr[2], &want);
		named.pauth = named.tlbios = named.tlbirange = 0; /* those are in ID_AA64ISAR0/1_EL1 */
		cr_expect(zero(int, memcmp(&want, &named, sizeof(want))), "%s", cores[i].name);
	}
	cr_expect(eq(ptr, (void *)features_of_cpu("cortex-a1"), NULL));
}
