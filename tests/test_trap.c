/* test_trap.c - trap rules: each by itself, priorities, syndromes, and each against its control. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>

#include "el/nv.h"
#include "el/smccc.h"
#include "el/trap.h"

static const struct el_features full = {.el2 = true,
					.el3 = true,
					.vhe = true,
					.pan = true,
					.sve = true,
					.fgt = true,
					.fgt2 = true,
					.hcx = true,
					.sel2 = true};

enum world { GUEST, GUEST_E2H, HOST, WORLDS };

/* Sets the control of a rule to its smallest value that traps, or its largest that does not. */
static void set_control(struct el_state *s, const struct trap_rule *r, bool trap)
{
	if (r->control == R_NONE || r->control == R_COUNT) return;
	uint64_t top = bits_ones(r->hi - r->lo + 1u), field = top << r->lo;
	for (uint64_t i = 0; i <= top; i++) {
		uint64_t v = trap ? i : top - i;
		if ((r->values >> v & 1) != trap) continue;
		s->reg[r->control] = (s->reg[r->control] & ~field) | v << r->lo;
		return;
	}
}

static bool in_world(const struct trap_rule *r, enum world w)
{
	if (r->need & NEED_E2H0 && w != GUEST) return false;
	if (r->need & NEED_E2H1 && w == GUEST) return false;
	if (r->need & NEED_GUEST && w == HOST) return false;
	if (r->need & (NEED_HOST | NEED_TGE1) && w != HOST) return false;
	return !(r->need & NEED_NO_EL3);
}

/* What a rule needs beside the world. */
static void meet_needs(struct el_state *s, const struct trap_rule *r)
{
	if (r->need & NEED_NV) s->reg[R_HCR_EL2] |= UINT64_C(1) << 42;
	if (!(r->need & NEED_SECURE)) return;
	s->reg[R_SCR_EL3] &= ~UINT64_C(1);
	s->reg[R_SCR_EL3] |= UINT64_C(1) << SCR_EEL2;
}

/* A state in which no control traps anything. */
static struct el_state open_state(enum world w, unsigned el)
{
	struct el_state s;
	el_reset(&s, &full);
	s.reg[R_SCR_EL3] = 1;
	for (size_t i = trap_rule_count; i-- > 0;)
		if (in_world(&trap_rules[i], w)) set_control(&s, &trap_rules[i], false);
	s.reg[R_SCR_EL3] |= UINT64_C(1) << SCR_FGTEn | UINT64_C(1) << SCR_HXEn | UINT64_C(1) << SCR_FGTEn2 |
			    1;
	s.reg[R_HCR_EL2] |= (w != GUEST ? UINT64_C(1) << HCR_E2H : 0) |
			    (w == HOST ? UINT64_C(1) << HCR_TGE : 0);
	for (size_t i = 0; i < fgt_row_count; i++) {
		if (fgt_rows[i].traps_on) continue;
		const uint16_t controls[] = {fgt_rows[i].on_read, fgt_rows[i].on_write};
		for (int k = 0; k < 2; k++)
			if (controls[k] != R_NONE) s.reg[controls[k]] |= UINT64_C(1) << fgt_rows[i].bit;
	}
	s.pstate = pstate_mode(el);
	return s;
}

/* An instruction or register access that a rule speaks of, possible at `el`; false: there is none. */
static bool sample_op(const struct trap_rule *r, unsigned el, struct trap_op *op)
{
	const struct trap_op ops[] = {trap_svc(0), trap_hvc(0),   trap_smc(0),    trap_wfi(), trap_wfe(),
				      trap_eret(), trap_fp(),     trap_sve(),     trap_sme(), trap_pauth(),
				      trap_ls64(), trap_st64bv(), trap_st64bv0(), trap_mops()};
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (ops[i].classes & r->classes) return *op = ops[i], true;
	for (uint16_t i = 0; i < R_COUNT; i++) {
		struct reg_name name = {.reg = i};
		bool write = !(r->access & TRAP_READ) || reg_rows[i].access == REG_WO;
		if (!(reg_rows[i].classes & r->classes) || el < reg_min_el(name)) continue;
		if (write && (!(r->access & TRAP_WRITE) || reg_rows[i].access == REG_RO)) continue;
		return *op = trap_reg(name, write, 0), true;
	}
	return false;
}

static bool trapped_by(const struct trap_result *t, const struct trap_rule *r)
{
	return t->outcome != TRAP_NO && strcmp(t->rule, r->name) == 0;
}

static void check_rule(const struct trap_rule *r, enum world w, unsigned el, unsigned *checked)
{
	struct trap_op op;
	struct el_state s = open_state(w, el);
	if (!(r->from >> el & 1) || (w == HOST && el == 1) || !sample_op(r, el, &op)) return;
	/* At EL2 under E2H an EL1 name may mean a register of another class. */
	if (op.is_reg && reg_resolve(op.reg, el, w != GUEST) != op.reg.reg) return;
	meet_needs(&s, r);
	set_control(&s, r, false);
	struct trap_result open = trap_decide(&s, &op);
	if (w == HOST && open.outcome == TRAP_TAKEN && !trapped_by(&open, r)) return; /* TGE alone takes it */
	cr_assert(not(trapped_by(&open, r)),
		  "%s at EL%u in world %d traps though its control does not say so", r->name, el, w);
	set_control(&s, r, true);
	struct trap_result shut = trap_decide(&s, &op);
	cr_assert(trapped_by(&shut, r), "%s at EL%u in world %d: %s decided", r->name, el, w, shut.rule);
	cr_assert(ge(u32, shut.x.to, el));
	(*checked)++;
}

Test(trap_contract, every_control_traps_what_it_names_and_nothing_while_it_is_off)
{
	unsigned with_control = 0;
	for (size_t i = 0; i < trap_rule_count; i++) {
		const struct trap_rule *r = &trap_rules[i];
		unsigned checked = 0;
		if (r->control == R_NONE || r->need & NEED_NO_EL3) continue;
		for (int w = 0; w < WORLDS; w++)
			for (unsigned el = 0; in_world(r, (enum world)w) && el < 4; el++)
				check_rule(r, (enum world)w, el, &checked);
		cr_assert(lt(u32, 0, checked), "%s is reached by nothing", r->name);
		with_control++;
	}
	cr_assert(lt(u32, 100, with_control));
}

Test(trap_contract, every_fine_grained_row_traps_its_register_to_el2)
{
	for (size_t i = 0; i < fgt_row_count; i++) {
		const struct fgt_row *row = &fgt_rows[i];
		if (row->reg == R_NONE) continue;
		bool write = row->on_read == R_NONE;
		uint16_t control = write ? row->on_write : row->on_read;
		struct el_state s = open_state(GUEST, 1);
		struct trap_op op = trap_reg((struct reg_name){.reg = row->reg}, write, 0);
		struct trap_result open = trap_decide(&s, &op);
		s.reg[control] ^= UINT64_C(1) << row->bit;
		struct trap_result shut = trap_decide(&s, &op);
		cr_assert(eq(int, open.outcome, TRAP_NO), "%s: %s", reg_rows[row->reg].name, open.rule);
		cr_assert(eq(int, shut.outcome, TRAP_TAKEN), "%s", reg_rows[row->reg].name);
		cr_assert(eq(u32, shut.x.to, 2));
		cr_assert(eq(u32, esr_ec(shut.x.esr), EC_SYSREG));
	}
}

static struct trap_result decide(struct el_state s, struct trap_op op) { return trap_decide(&s, &op); }

static struct trap_op access_of(const char *name, bool write)
{
	struct reg_name reg;
	cr_assert(reg_find(name, &reg), "%s", name);
	return trap_reg(reg, write, 3);
}

/* --- syndromes ---------------------------------------------------------------------------------------- */

Test(trap_iss, of_a_register_read_is_its_encoding_rt_and_direction)
{
	struct el_state s = open_state(GUEST, 1);
	s.reg[R_HCR_EL2] |= UINT64_C(1) << 18;
	struct trap_result t = decide(s, access_of("ID_AA64PFR0_EL1", false));
	cr_assert(eq(u64, t.x.esr, 0x62300069)); /* Op0 3, CRm 4, Rt 3, read */
}

Test(trap_iss, of_fp_says_always_and_of_wfe_says_which)
{
	struct el_state s = open_state(GUEST, 1);
	s.reg[R_CPTR_EL2] |= UINT64_C(1) << 10;
	s.reg[R_HCR_EL2] |= UINT64_C(1) << 14;
	cr_assert(eq(u64, decide(s, trap_fp()).x.esr, 0x1fe00000));
	cr_assert(eq(u64, decide(s, trap_wfe()).x.esr, 0x07e00001));
	cr_assert(eq(u64, decide(s, trap_hvc(0x4b00)).x.esr, 0x5a004b00));
}

Test(trap_iss, of_streaming_priorities_names_the_register_and_of_smcr_only_sme)
{
	static const char *const names[] = {"SMPRI_EL1", "SMPRIMAP_EL2"};
	struct el_state s = open_state(GUEST, 2);
	s.reg[R_CPTR_EL3] &= ~(UINT64_C(1) << 12);
	for (int i = 0; i < 2; i++) {
		struct trap_op op = access_of(names[i], true);
		struct trap_result t = decide(s, op);
		cr_assert(eq(u32, t.x.to, 3));
		cr_assert(eq(u64, t.x.esr, esr_make(EC_SYSREG, op.iss)));
	}
	cr_assert(eq(u64, decide(s, access_of("SMCR_EL1", true)).x.esr, esr_make(EC_SME, 0)));
}

/* --- priorities and special cases ---------------------------------------------------------------------- */

Test(trap_priority, el1_controls_come_before_el2_and_el2_before_el3)
{
	struct el_state s = open_state(GUEST, 1);
	s.reg[R_CPTR_EL3] |= UINT64_C(1) << 10;
	cr_assert(eq(u32, decide(s, trap_fp()).x.to, 3));
	s.reg[R_CPTR_EL2] |= UINT64_C(1) << 10;
	cr_assert(eq(u32, decide(s, trap_fp()).x.to, 2));
	s.reg[R_CPACR_EL1] = 0;
	cr_assert(eq(u32, decide(s, trap_fp()).x.to, 1));
}

Test(trap_priority, smc_is_trapped_by_tsc_even_where_smd_makes_it_undefined)
{
	struct el_state s = open_state(GUEST, 1);
	s.reg[R_SCR_EL3] |= UINT64_C(1) << 7;
	cr_assert(eq(int, decide(s, trap_smc(0)).outcome, TRAP_UNDEFINED));
	s.reg[R_HCR_EL2] |= UINT64_C(1) << 19;
	struct trap_result t = decide(s, trap_smc(0));
	cr_assert(eq(int, t.outcome, TRAP_TAKEN));
	cr_assert(eq(u32, t.x.to, 2));
}

Test(trap_priority, sve_is_asked_of_zen_before_fpen)
{
	struct el_state s = open_state(GUEST, 1);
	s.reg[R_CPACR_EL1] = 0;
	cr_assert(eq(u32, esr_ec(decide(s, trap_sve()).x.esr), EC_SVE));
	s.reg[R_CPACR_EL1] = UINT64_C(3) << 16;
	cr_assert(eq(u32, esr_ec(decide(s, trap_sve()).x.esr), EC_FP));
}

Test(trap_priority, hvc_is_undefined_where_el2_is_off)
{
	struct el_state s = open_state(GUEST, 1);
	s.reg[R_SCR_EL3] &= ~UINT64_C(1); /* Secure, without EEL2 */
	struct trap_result t = decide(s, trap_hvc(0));
	cr_assert(eq(int, t.outcome, TRAP_UNDEFINED));
	cr_assert(eq(u32, t.x.to, 1));
	s.reg[R_SCR_EL3] |= UINT64_C(1) << SCR_EEL2;
	cr_assert(eq(int, decide(s, trap_hvc(0)).outcome, TRAP_TAKEN));
}

Test(trap_return, executed_calls_return_behind_themselves_trapped_ones_to_themselves)
{
	struct el_state s = open_state(GUEST, 1);
	s.pc = 0x100;
	cr_assert(eq(u64, decide(s, trap_hvc(0)).x.preferred_pc, 0x104));
	s.reg[R_HCR_EL2] |= UINT64_C(1) << 19;
	cr_assert(eq(u64, decide(s, trap_smc(0)).x.preferred_pc, 0x100));
}

Test(trap_tge, exceptions_of_el0_go_to_el2_and_fp_loses_its_class)
{
	struct el_state s = open_state(GUEST, 0);
	s.reg[R_HCR_EL2] |= UINT64_C(1) << HCR_TGE;
	cr_assert(eq(u32, decide(s, trap_svc(0)).x.to, 2));
	s.reg[R_CPACR_EL1] = 0;
	struct trap_result t = decide(s, trap_fp());
	cr_assert(eq(u32, t.x.to, 2));
	cr_assert(eq(u32, esr_ec(t.x.esr), EC_UNKNOWN));
}

Test(trap_host, sve_of_the_hosts_el0_obeys_cptr_el2_zen)
{
	struct el_state user = open_state(HOST, 0), kernel = open_state(HOST, 2);
	user.reg[R_CPTR_EL2] = kernel.reg[R_CPTR_EL2] = UINT64_C(3) << 20 | UINT64_C(1) << 16;
	struct trap_result t = decide(user, trap_sve());
	cr_assert(eq(u32, t.x.to, 2));
	cr_assert(eq(u32, esr_ec(t.x.esr), EC_SVE));
	cr_assert(eq(int, decide(kernel, trap_sve()).outcome, TRAP_NO));
}

Test(trap_nv, el2_registers_are_undefined_at_el1_unless_nested)
{
	struct el_state s = open_state(GUEST, 1);
	struct trap_result plain = decide(s, access_of("VTTBR_EL2", true));
	cr_assert(eq(int, plain.outcome, TRAP_UNDEFINED));
	cr_assert(eq(u32, plain.x.to, 1));
	s.reg[R_HCR_EL2] |= UINT64_C(1) << 42;
	struct trap_result nested = decide(s, access_of("VTTBR_EL2", true));
	cr_assert(eq(int, nested.outcome, TRAP_TAKEN));
	cr_assert(eq(u32, nested.x.to, 2));
}

enum { NV = 42, NV1 = 43, NV2 = 45 };

static struct trap_result nested(const char *name, bool write, uint64_t hcr_bits)
{
	struct el_state s = open_state(GUEST, 1);
	s.has.nv2 = true;
	s.reg[R_HCR_EL2] |= hcr_bits;
	return decide(s, access_of(name, write));
}
#define BIT_OF(n) (UINT64_C(1) << (n))

Test(trap_nv2, every_row_has_a_word_of_its_own_in_the_page)
{
	for (size_t i = 0; i < nv_row_count; i++) {
		cr_expect(zero(u32, nv_rows[i].offset % 8));
		cr_expect(lt(u32, nv_rows[i].offset, 4096));
		if (i) cr_expect(lt(u32, nv_rows[i - 1].offset, nv_rows[i].offset));
	}
}

/* An EL2 name, or an EL1 name that has no second one, whatever NV1 is; of the others NV1 says which of both names. */
Test(trap_nv2, each_register_is_memory_under_the_name_that_nv1_leaves)
{
	for (size_t i = 0; i < nv_row_count; i++) {
		const struct nv_row *r = &nv_rows[i];
		const char *name = reg_rows[r->reg].name;
		char other[32];
		struct reg_name found;
		snprintf(other, sizeof(other), "%s2", name);
		cr_expect(eq(int, reg_find(other, &found), r->by_nv1), "%s", other);
		for (int nv1 = 0; nv1 < 2; nv1++) {
			uint64_t hcr = BIT_OF(NV) | BIT_OF(NV2) | (nv1 ? BIT_OF(NV1) : 0);
			struct trap_result t = nested(r->by_nv1 && !nv1 ? other : name, true, hcr);
			cr_expect(eq(int, t.outcome, TRAP_MEMORY), "%s NV1 %d: %s", name, nv1, t.rule);
			cr_expect(eq(u32, t.offset, r->offset));
			if (!r->by_nv1) continue;
			t = nested(nv1 ? other : name, true, hcr);
			cr_expect(eq(int, t.outcome, nv1 ? TRAP_TAKEN : TRAP_NO), "the other name of %s",
				  name);
		}
	}
}

Test(trap_nv2, without_nv_or_nv2_nothing_is_memory)
{
	static const uint64_t off[] = {0, BIT_OF(NV), BIT_OF(NV2), BIT_OF(NV) | BIT_OF(NV1),
				       BIT_OF(NV1) | BIT_OF(NV2)};
	for (size_t k = 0; k < sizeof(off) / sizeof(off[0]); k++)
		for (size_t i = 0; i < nv_row_count; i++)
			cr_expect(ne(int, nested(reg_rows[nv_rows[i].reg].name, true, off[k]).outcome,
				     TRAP_MEMORY));
	struct el_state s = open_state(GUEST, 1);
	s.reg[R_HCR_EL2] |= BIT_OF(NV) | BIT_OF(NV2); /* a processor without FEAT_NV2 */
	cr_expect(eq(int, decide(s, access_of("VTTBR_EL2", true)).outcome, TRAP_TAKEN));
}

Test(trap_nv2, registers_of_exceptions_are_those_of_el1)
{
	static const struct {
		const char *name;
		enum el_reg reached;
	} rows[] = {{"ELR_EL2", R_ELR_EL1},
		    {"SPSR_EL2", R_SPSR_EL1},
		    {"ESR_EL2", R_ESR_EL1},
		    {"FAR_EL2", R_FAR_EL1}};
	for (size_t i = 0; i < 4; i++) {
		struct trap_result t = nested(rows[i].name, false, BIT_OF(NV) | BIT_OF(NV2));
		cr_expect(eq(int, t.outcome, TRAP_NO));
		cr_expect(eq(int, t.reg, rows[i].reached), "%s", rows[i].name);
		cr_expect(eq(int, nested(rows[i].name, false, BIT_OF(NV)).outcome, TRAP_TAKEN));
	}
}

Test(trap_nv2, what_has_no_word_still_traps_and_so_does_eret)
{
	uint64_t on = BIT_OF(NV) | BIT_OF(NV2);
	cr_expect(eq(int, nested("SCTLR_EL2", true, on).outcome, TRAP_TAKEN));
	cr_expect(eq(int, nested("CNTHCTL_EL2", true, on).outcome, TRAP_TAKEN));
	struct el_state s = open_state(GUEST, 1);
	s.has.nv2 = true;
	s.reg[R_HCR_EL2] |= on;
	cr_expect(eq(int, decide(s, trap_eret()).outcome, TRAP_TAKEN));
}

Test(trap_nv2, traps_come_before_memory_and_nv1_itself_traps_no_longer)
{
	uint64_t on = BIT_OF(NV) | BIT_OF(NV1) | BIT_OF(NV2);
	cr_expect(eq(int, nested("TTBR0_EL1", true, on).outcome, TRAP_MEMORY));
	cr_expect(eq(int, nested("TTBR0_EL1", true, on | BIT_OF(26)).outcome, TRAP_TAKEN)); /* TVM */
	cr_expect(eq(int, nested("VBAR_EL1", true, on & ~BIT_OF(NV2)).outcome, TRAP_TAKEN));
	cr_expect(eq(int, nested("VBAR_EL1", true, on).outcome, TRAP_MEMORY));
}

Test(trap_access, a_write_to_a_read_only_register_is_undefined)
{
	struct trap_result t = decide(open_state(GUEST, 1), access_of("MIDR_EL1", true));
	cr_assert(eq(int, t.outcome, TRAP_UNDEFINED));
}

Test(trap_access, el0_reads_of_the_feature_id_space_are_named_by_feat_idst)
{
	static const char *const inside[] = {"MIDR_EL1", "ID_AA64MMFR2_EL1", "CCSIDR_EL1"},
				 *const outside[] = {"CSSELR_EL1", "SCTLR_EL1"};
	for (int host = 0; host < 2; host++) {
		struct el_state s = open_state(host ? HOST : GUEST, 0);
		struct trap_op write = access_of("MIDR_EL1", true);
		s.has.idst = true;
		for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
			struct trap_op op = access_of(inside[i], false);
			struct trap_result t = decide(s, op);
			cr_assert(t.outcome == TRAP_TAKEN && t.x.to == 1 + host, "%s", inside[i]);
			cr_assert(eq(u64, t.x.esr, esr_make(EC_SYSREG, op.iss)));
		}
		for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
			cr_assert(eq(int, decide(s, access_of(outside[i], false)).outcome, TRAP_UNDEFINED));
		cr_assert(eq(int, decide(s, write).outcome, TRAP_UNDEFINED));
		s.has.idst = false;
		cr_assert(eq(int, decide(s, access_of("MIDR_EL1", false)).outcome, TRAP_UNDEFINED));
	}
}

Test(trap_access, vm_controls_trap_writes_by_tvm_and_reads_by_trvm)
{
	struct el_state s = open_state(GUEST, 1);
	s.reg[R_HCR_EL2] |= UINT64_C(1) << 26;
	cr_assert(eq(int, decide(s, access_of("TTBR0_EL1", true)).outcome, TRAP_TAKEN));
	cr_assert(eq(int, decide(s, access_of("TTBR0_EL1", false)).outcome, TRAP_NO));
}

/* --- calls by name ------------------------------------------------------------------------------------- */

Test(smccc, every_call_is_found_by_its_identifier_and_belongs_to_a_known_owner)
{
	static const struct {
		const char *name;
		uint32_t id;
		unsigned owner;
		bool is_64;
	} cases[] = {{"PSCI_CPU_ON", 0xc4000003, 4, true},
		     {"PSCI_VERSION", 0x84000000, 4, false},
		     {"SMCCC_ARCH_WORKAROUND_1", 0x80008000, 0, false},
		     {"PV_TIME_ST", 0xc5000021, 5, true},
		     {"KVM_FEATURES", 0x86000000, 6, false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct smccc_call *call = smccc_find(cases[i].name);
		cr_assert(ne(ptr, (void *)call, NULL), "%s", cases[i].name);
		cr_assert(eq(ptr, (void *)smccc_by_id(cases[i].id), (void *)call));
		cr_assert(eq(u32, smccc_owner(call->id), cases[i].owner));
		cr_assert(eq(int, smccc_is_64(call->id), cases[i].is_64));
		cr_assert(smccc_is_fast(call->id));
	}
	cr_assert(eq(ptr, (void *)smccc_find("PSCI_CPU_ONN"), NULL));
}

Test(smccc, calls_that_have_a_narrow_form_are_found_by_it_and_others_are_not)
{
	cr_assert(eq(ptr, (void *)smccc_by_id(0x84000003), (void *)smccc_find("PSCI_CPU_ON")));
	cr_assert(eq(ptr, (void *)smccc_by_id(0x84000053), (void *)smccc_find("TRNG_RND")));
	cr_assert(eq(ptr, (void *)smccc_by_id(0x85000021), NULL)); /* PV_TIME_ST is SMC64 only */
	cr_assert(eq(ptr, (void *)smccc_by_id(0xc4000000), NULL)); /* PSCI_VERSION is SMC32 only */
}

Test(smccc, owners_make_services)
{
	enum smccc_service s;
	cr_assert(eq(int, smccc_service_of(0x80008000), SERVICE_arch));
	cr_assert(eq(int, smccc_service_of(0xc4000003), SERVICE_standard));
	cr_assert(eq(int, smccc_service_of(0x82000000), SERVICE_sip));
	cr_assert(eq(int, smccc_service_of(0xb0000000), SERVICE_trusted_app));
	cr_assert(eq(int, smccc_service_of(0xb2000000), SERVICE_trusted_os));
	cr_assert(eq(int, smccc_service_of(0xbf000000), SERVICE_trusted_os));
	cr_assert(eq(int, smccc_service_of(0x87000000), SERVICE_COUNT)); /* reserved */
	cr_assert(smccc_service_find("vendor_hypervisor", &s) && s == SERVICE_vendor_hypervisor);
	cr_assert(not(smccc_service_find("psci", &s)));
}
