/* What software sees: memory types, ESR, HPFAR, PAR. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "walk_world.h"

static int combine(unsigned s1, unsigned s2, bool fwb)
{
	return memattr_combine((struct memattr){(uint8_t)s1, SH_NON}, s2, SH_NON, fwb, false).attr;
}

Test(walk_report, the_weaker_memory_type_of_both_stages_wins)
{
	cr_expect(eq(int, combine(0xff, S2_ATTR_NORMAL_WB, false), 0xff));
	cr_expect(eq(int, combine(0xff, S2_ATTR_NORMAL_NC, false), 0x44));
	cr_expect(eq(int, combine(0xff, S2_ATTR_DEVICE, false), 0x00));
	cr_expect(eq(int, combine(0x04, S2_ATTR_NORMAL_WB, false), 0x04));
	cr_expect(eq(int, combine(0x0c, 1, false), 0x04), "the stricter device type");
	cr_expect(eq(int, combine(0x04, 3, false), 0x04));
	cr_expect(eq(int, combine(0x4f, S2_ATTR_NORMAL_WB, false), 0x4f), "outer and inner apart");
}

Test(walk_report, write_through_at_stage_2_keeps_the_hints_of_stage_1)
{
	cr_expect(eq(int, combine(0xfe, 10, false), 0xba));
	cr_expect(eq(int, combine(0xbb, 15, false), 0xbb));
	cr_expect(eq(int, combine(0x77, 10, false), 0x33), "and its being transient");
}

Test(walk_report, fwb_replaces_the_combination)
{
	cr_expect(eq(int, combine(0x44, S2_FWB_NORMAL_WB, true), 0xff));
	cr_expect(eq(int, combine(0x00, S2_FWB_NORMAL_WB, true), 0xff));
	cr_expect(eq(int, combine(0xaa, S2_FWB_NORMAL_WB, true), 0xee), "hints stay");
	cr_expect(eq(int, combine(0xbb, S2_FWB_STAGE1, true), 0xbb));
	cr_expect(eq(int, combine(0xff, S2_FWB_NORMAL_NC, true), 0x44));
	cr_expect(eq(int, combine(0x08, S2_FWB_NORMAL_NC, true), 0x08));
	cr_expect(eq(int, combine(0xff, 2, true), 0x08));
}

Test(walk_report, cd_makes_normal_memory_non_cacheable_and_leaves_devices)
{
	struct memattr wb = {ATTR_NORMAL_WB, SH_INNER}, device = {0x08, SH_OUTER};
	cr_expect(
		eq(int, memattr_combine(wb, S2_ATTR_NORMAL_WB, SH_INNER, false, true).attr, ATTR_NORMAL_NC));
	cr_expect(eq(int, memattr_combine(wb, S2_FWB_STAGE1, SH_INNER, true, true).attr, ATTR_NORMAL_NC));
	cr_expect(eq(int, memattr_combine(device, S2_ATTR_NORMAL_WB, SH_INNER, false, true).attr, 0x08));
}

Test(walk_report, tagged_memory_stays_tagged_only_as_write_back)
{
	cr_expect(eq(int, combine(ATTR_TAGGED, S2_ATTR_NORMAL_WB, false), ATTR_TAGGED));
	cr_expect(eq(int, combine(ATTR_TAGGED, S2_ATTR_NORMAL_NC, false), ATTR_NORMAL_NC));
}

static int combined_sh(unsigned s1, unsigned s2)
{
	return memattr_combine((struct memattr){ATTR_NORMAL_WB, (uint8_t)s1}, S2_ATTR_NORMAL_WB, s2, false,
			       false)
		.sh;
}

Test(walk_report, the_wider_shareability_of_both_stages_wins)
{
	cr_expect(eq(int, combined_sh(SH_NON, SH_NON), SH_NON));
	cr_expect(eq(int, combined_sh(SH_NON, SH_INNER), SH_INNER));
	cr_expect(eq(int, combined_sh(SH_OUTER, SH_INNER), SH_OUTER));
	cr_expect(
		eq(int, memattr_combine((struct memattr){0xff, SH_INNER}, 5, 0, false, false).sh, SH_OUTER));
}

struct code_case {
	int kind, level, code;
};

ParameterizedTestParameters(walk_report, status_codes)
{
	static struct code_case cases[] = {{FAULT_ADDRESS_SIZE, 0, 0x00}, {FAULT_ADDRESS_SIZE, 3, 0x03},
					   {FAULT_TRANSLATION, 0, 0x04},  {FAULT_TRANSLATION, 2, 0x06},
					   {FAULT_ACCESS_FLAG, 1, 0x09},  {FAULT_PERMISSION, 3, 0x0f},
					   {FAULT_TRANSLATION, -1, 0x2b}, {FAULT_ADDRESS_SIZE, -1, 0x29}};
	return cr_make_param_array(struct code_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct code_case *c, walk_report, status_codes)
{
	struct fault f = {.kind = (uint8_t)c->kind, .level = (int8_t)c->level, .stage = 1};
	cr_expect(eq(u32, fault_status_code(&f), (unsigned)c->code));
}

static const struct syndrome_hint store8 = {.valid = true, .size_bits = 3, .reg = 1, .sf = true};

Test(walk_report, esr_tells_class_direction_and_walk)
{
	struct fault s1 = {.kind = FAULT_PERMISSION, .level = 3, .stage = 1};
	struct fault s2 = {.kind = FAULT_TRANSLATION, .level = 2, .stage = 2};
	cr_expect(eq(u64, fault_esr(&s1, write0, &store8, 0, 1), 0x9200004f), "no ISV at stage 1");
	cr_expect(eq(u64, fault_esr(&s1, read1, NULL, 1, 1), 0x9600000f));
	cr_expect(eq(u64, fault_esr(&s1, fetch0, NULL, 0, 1), 0x8200000f));
	cr_expect(eq(u64, fault_esr(&s1, fetch1, NULL, 1, 1), 0x8600000f));
	cr_expect(eq(u64, fault_esr(&s2, write0, &store8, 0, 2), 0x93c18046));
	s2.s1ptw = true;
	cr_expect(eq(u64, fault_esr(&s2, write0, &store8, 0, 2), 0x920000c6), "no ISV on a walk");
}

Test(walk_report, hpfar_is_unknown_after_a_stage_2_permission_fault_off_a_walk)
{
	struct fault f = {.kind = FAULT_TRANSLATION, .level = 3, .stage = 2, .ipa = {0x123456789abc}};
	uint64_t hpfar;
	cr_assert(fault_hpfar(&f, &hpfar));
	cr_expect(eq(u64, hpfar, 0x1234567890));
	f.kind = FAULT_PERMISSION;
	cr_expect(not(fault_hpfar(&f, &hpfar)));
	f.s1ptw = true;
	cr_expect(fault_hpfar(&f, &hpfar));
	f.stage = 1;
	cr_expect(not(fault_hpfar(&f, &hpfar)));
}

static int taken_to(uint64_t hcr, enum regime regime, unsigned stage, unsigned el)
{
	struct sysregs regs = {.HCR_EL2 = hcr};
	struct regime_info r;
	struct abort_report report;
	struct fault f = {.kind = FAULT_TRANSLATION, .stage = (uint8_t)stage};
	regime_decode(&regs, features_of_cpu("max"), regime, SEC_NONSECURE, &r);
	abort_report(&r, &f, (struct va){0}, read0, el, NULL, &report);
	return report.taken_to;
}

Test(walk_report, aborts_go_to_the_level_that_owns_the_tables)
{
	cr_expect(eq(int, taken_to(0, REGIME_EL10, 1, 0), 1));
	cr_expect(eq(int, taken_to(HCR_VM, REGIME_EL10, 2, 1), 2));
	cr_expect(eq(int, taken_to(HCR_TGE, REGIME_EL10, 1, 0), 2));
	cr_expect(eq(int, taken_to(HCR_TGE | HCR_E2H, REGIME_EL20, 1, 0), 2));
	cr_expect(eq(int, taken_to(0, REGIME_EL3, 1, 3), 3));
}

static uint64_t par_of(struct world *w, enum at_op op, uint64_t va)
{
	struct regime_info r;
	struct translation t;
	struct walk_mem mem = {.self = w, .read = world_read, .update = world_update};
	regime_decode(&w->regs, &w->f, at_regime(op, &w->regs, &w->f, SEC_NONSECURE), SEC_NONSECURE, &r);
	at_translate(op, &r, (struct va){va}, true, &mem, &t);
	return par_encode(&t);
}

Test(walk_report, par_holds_address_type_and_shareability_or_the_fault)
{
	struct world w;
	world_init(&w);
	world_map1(&w, 0x12345000, 0x180000, DESC_AF | desc_sh(SH_INNER));
	cr_expect(eq(u64, par_of(&w, AT_S1E1R, 0x12345678), 0xff00000000180b80));
	cr_expect(eq(u64, par_of(&w, AT_S1E0R, 0x12345678), 0x81f));
	cr_expect(eq(u64, par_of(&w, AT_S1E1R, 0), 0x80d));
}

Test(walk_report, only_the_p_forms_of_at_heed_pan)
{
	struct world w;
	world_init(&w);
	world_map1(&w, 0x12345000, 0x180000, DESC_AF | DESC_AP_USER);
	cr_expect(eq(u64, par_of(&w, AT_S1E1R, 0x12345000) & 1, 0));
	cr_expect(eq(u64, par_of(&w, AT_S1E1RP, 0x12345000) & 1, 1));
}

Test(walk_report, an_at_of_stage_1_gives_an_ipa_and_walks_through_stage_2)
{
	struct world w;
	world_init(&w);
	world_map1(&w, 0x12345000, 0x180000, DESC_AF);
	world_stage2(&w);
	cr_expect(eq(u64, par_of(&w, AT_S1E1R, 0x12345000), 0xb0b), "stage 2 fault at level 1 on the walk");
	world_map2_tables(&w);
	cr_expect(eq(u64, par_of(&w, AT_S1E1R, 0x12345000) & bits_ones(48) & ~UINT64_C(0xfff), 0x180000));
	cr_expect(eq(u64, par_of(&w, AT_S12E1R, 0x12345000), 0xa0d | 2), "and the page itself is not mapped");
}
