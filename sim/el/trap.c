#include "el/trap.h"

#include <assert.h>
#include <stdio.h>

#include "el/nv.h"

/* --- operations and their syndromes ------------------------------------------------------------------ */

/* ISS of traps on a condition: CV = 1, COND = 0b1110 (always). DDI 0487, D19.2, ESR_EL2. */
static const uint32_t iss_always = 1u << 24 | 0xeu << 20;

static struct trap_op plain(trap_set classes, enum el_ec ec, uint32_t iss)
{
	return (struct trap_op){.classes = classes, .ec = ec, .iss = iss};
}

struct trap_op trap_svc(uint16_t imm) { return plain(TRAP_SET(SVC), EC_SVC, imm); }
struct trap_op trap_hvc(uint16_t imm) { return plain(TRAP_SET(HVC), EC_HVC, imm); }
struct trap_op trap_smc(uint16_t imm) { return plain(TRAP_SET(SMC), EC_SMC, imm); }
struct trap_op trap_wfi(void) { return plain(TRAP_SET(WFI), EC_WFX, iss_always); }
struct trap_op trap_wfe(void) { return plain(TRAP_SET(WFE), EC_WFX, iss_always | 1); }
struct trap_op trap_eret(void) { return plain(TRAP_SET(ERET), EC_ERET, 0); }
struct trap_op trap_fp(void) { return plain(TRAP_SET(FP), EC_FP, iss_always); }
struct trap_op trap_sve(void) { return plain(TRAP_SET(SVE), EC_SVE, 0); }
struct trap_op trap_sme(void) { return plain(TRAP_SET(SME), EC_SME, 0); }
struct trap_op trap_pauth(void) { return plain(TRAP_SET(PAUTH), EC_PAUTH, 0); }
struct trap_op trap_st64bv(void) { return plain(TRAP_SET(ST64BV), EC_LS64, 0); }
struct trap_op trap_st64bv0(void) { return plain(TRAP_SET(ST64BV0), EC_LS64, 1); }
struct trap_op trap_ls64(void) { return plain(TRAP_SET(LS64), EC_LS64, 2); }
struct trap_op trap_mops(void) { return plain(TRAP_SET(MOPS), EC_UNKNOWN, 0); }

/* Op0 <21:20>, Op2 <19:17>, Op1 <16:14>, CRn <13:10>, Rt <9:5>, CRm <4:1>, direction <0> (1 = read). */
static uint32_t reg_iss(struct reg_name name, bool write, unsigned rt)
{
	uint64_t e = reg_encode(name);
	return (uint32_t)(bits_put(bits_get(e, 15, 14), 21, 20) | bits_put(bits_get(e, 2, 0), 19, 17) |
			  bits_put(bits_get(e, 13, 11), 16, 14) | bits_put(bits_get(e, 10, 7), 13, 10) |
			  bits_put(rt, 9, 5) | bits_put(bits_get(e, 6, 3), 4, 1) | !write);
}

struct trap_op trap_reg(struct reg_name reg, bool write, unsigned rt)
{
	struct trap_op op = plain(reg_rows[reg.reg].classes, EC_SYSREG, reg_iss(reg, write, rt));
	op.is_reg = true;
	op.write = write;
	op.reg = reg;
	return op;
}

/* --- one rule ---------------------------------------------------------------------------------------- */

static bool holds(const struct el_state *s, enum trap_need need)
{
	unsigned el = el_level(s);
	switch (need) {
	case NEED_E2H0: return !el_e2h(s);
	case NEED_E2H1: return el_e2h(s);
	case NEED_GUEST: return !el_host_user(s);
	case NEED_HOST: return el_host_user(s);
	case NEED_TGE1: return el_tge(s);
	case NEED_HCX: return s->has.hcx;
	case NEED_NO_EL2: return !el2_enabled(s);
	case NEED_NO_EL3: return !s->has.el3;
	case NEED_PHYSICAL_IRQ: return el == 2 || !el2_enabled(s) || !el_hcr(s, HCR_IMO);
	case NEED_SECURE: return el_security(s, 1) == SEC_SECURE;
	case NEED_NOT_SECURE: return el_security(s, 1) != SEC_SECURE;
	case NEED_NV: return nv_traps(s);
	case NEED_PHYSICAL_FIQ: return el == 2 || !el2_enabled(s) || !el_hcr(s, HCR_FMO);
	}
	return false;
}

static bool needs_hold(const struct el_state *s, uint16_t need)
{
	for (unsigned bit = 1; need; bit <<= 1) {
		if (need & bit && !holds(s, (enum trap_need)bit)) return false;
		need &= (uint16_t)~bit;
	}
	return true;
}

/* A control counts only where the level that owns it exists and is enabled. */
static bool owner_enabled(const struct el_state *s, const struct trap_rule *r)
{
	unsigned owner = r->control == R_NONE ? 0 : reg_min_el((struct reg_name){.reg = r->control});
	if (r->to == 2 && !el2_enabled(s)) return false;
	if (r->to == 3 && !s->has.el3) return false;
	return owner == 2 ? el2_enabled(s) : owner == 3 ? s->has.el3 : true;
}

/* IsHCRXEL2Enabled(): without SCR_EL3.HXEn what HCRX_EL2 enables is off, and what it traps is not trapped. */
static uint64_t control_value(const struct el_state *s, unsigned control)
{
	bool off = control == R_HCRX_EL2 && s->has.el3 && !bit_get(s->reg[R_SCR_EL3], SCR_HXEn);
	return off ? 0 : s->reg[control];
}

static bool rule_applies(const struct el_state *s, const struct trap_op *op, const struct trap_rule *r)
{
	unsigned access = op->write ? TRAP_WRITE : TRAP_READ;
	if (!(r->classes & op->classes) || !(r->from >> el_level(s) & 1)) return false;
	if (op->is_reg && !(r->access & access)) return false;
	if (!owner_enabled(s, r) || !needs_hold(s, r->need)) return false;
	return r->control == R_NONE || r->values >> bits_get(control_value(s, r->control), r->hi, r->lo) & 1;
}

/* Fine-grained traps hold for EL1, and for a guest's EL0. */
static bool fgt_applies(const struct el_state *s)
{
	unsigned el = el_level(s);
	return s->has.fgt && el2_enabled(s) && el <= 1 && !(el == 0 && el_host_user(s));
}

static bool is_second(unsigned control)
{
	return control == R_HFGRTR2_EL2 || control == R_HFGWTR2_EL2 || control == R_HFGITR2_EL2 ||
	       control == R_HDFGRTR2_EL2 || control == R_HDFGWTR2_EL2;
}

/* While SCR_EL3.FGTEn = 0 nothing is trapped; while FGTEn2 = 0 the registers of FEAT_FGT2 are as if they were 0, and
 * all of their bits trap at 0. */
static bool fgt_bit_traps(const struct el_state *s, unsigned control, const struct fgt_row *r)
{
	bool second = is_second(control);
	if (second && !s->has.fgt2) return false;
	bool on = !s->has.el3 || bit_get(s->reg[R_SCR_EL3], second ? SCR_FGTEn2 : SCR_FGTEn);
	if (!on) return second;
	return bit_get(s->reg[control], r->bit) == r->traps_on;
}

/* HCRX_EL2.FGTnXS: HFGITR_EL2 leaves TLBIs of the nXS form alone. */
static bool fgt_spares(const struct el_state *s, const struct trap_op *op)
{
	return op->is_reg && reg_is_nxs(op->reg) && s->has.hcx && bit_get(control_value(s, R_HCRX_EL2), 4);
}

/* The control register whose bit traps `op`, or R_NONE. */
static unsigned fgt_control(const struct el_state *s, const struct trap_op *op, const struct fgt_row *r)
{
	bool same = r->reg == R_NONE ? (op->classes >> r->klass & 1) != 0
				     : op->is_reg && op->reg.reg == r->reg;
	if (!same || !(r->from >> el_level(s) & 1)) return R_NONE;
	unsigned control = op->is_reg && !op->write ? r->on_read : r->on_write;
	return control != R_NONE && fgt_bit_traps(s, control, r) ? control : R_NONE;
}

/* --- the decision ------------------------------------------------------------------------------------ */

/* D1.3: what goes to EL1 goes to EL2 while HCR_EL2.TGE is 1. */
static unsigned el1_or_tge(const struct el_state *s)
{
	unsigned el = el_level(s);
	if (el > 1) return el;
	return el_tge(s) ? 2 : 1;
}

/* SVC, HVC and SMC that are executed return to the instruction after them; everything trapped, to itself. */
static bool executed(const struct trap_op *op, const char *rule)
{
	return (op->ec == EC_SVC || op->ec == EC_HVC || op->ec == EC_SMC) && rule[3] == 0;
}

static struct trap_result taken(const struct el_state *s, const struct trap_op *op, unsigned to, unsigned ec,
				const char *rule)
{
	struct trap_result t = {.outcome = TRAP_TAKEN, .reg = R_NONE};
	snprintf(t.rule, sizeof(t.rule), "%s", rule);
	uint64_t iss = ec == op->ec ? op->iss : ec == EC_FP ? iss_always : 0;
	t.x = (struct el_exception){.kind = EXC_SYNC, .to = (uint8_t)to, .esr = esr_make(ec, iss)};
	t.x.preferred_pc = s->pc + (executed(op, rule) ? 4 : 0);
	return t;
}

static struct trap_result undefined(const struct el_state *s, const char *rule, const char *source)
{
	struct trap_result t = {.outcome = TRAP_UNDEFINED, .source = source, .reg = R_NONE};
	snprintf(t.rule, sizeof(t.rule), "%s", rule);
	t.x = (struct el_exception){.kind = EXC_SYNC, .to = (uint8_t)el1_or_tge(s), .preferred_pc = s->pc};
	t.x.esr = esr_make(EC_UNKNOWN, 0);
	return t;
}

static struct trap_result apply(const struct el_state *s, const struct trap_op *op, const struct trap_rule *r)
{
	unsigned el = el_level(s), to = r->to == TO_SAME ? el : r->to, ec = r->ec ? r->ec : op->ec;
	if (r->to == TO_UNDEFINED) return undefined(s, r->name, r->source);
	if (to == 1) to = el1_or_tge(s);
	/* AdvSIMDFPAccessTrap: redirected by TGE, the class is lost. */
	if (ec == EC_FP && r->to == 1 && to == 2) ec = EC_UNKNOWN;
	struct trap_result t = taken(s, op, to, ec, r->name);
	t.source = r->source;
	return t;
}

/* FEAT_NV2: the access is one of memory. */
static bool redirect(const struct el_state *s, const struct trap_op *op, struct trap_result *out)
{
	unsigned offset;
	if (!op->is_reg || !nv_to_memory(s, op->reg, &offset)) return false;
	*out = (struct trap_result){
		.outcome = TRAP_MEMORY, .rule = "HCR_EL2.NV2", .source = "DDI 0487, D8.11", .offset = offset};
	out->reg = R_NONE;
	return true;
}

/* FEAT_IDST: the feature ID space, op0 3, op1 0, 1 or 3, CRn 0 and CRm 0 to 7. */
static bool reads_feature_id(const struct trap_op *op)
{
	const struct reg_row *r = &reg_rows[op->reg.reg];
	return !op->write && r->op0 == 3 && r->op1 != 2 && r->op1 <= 3 && r->crn == 0 && r->crm <= 7;
}

/* Registers of EL2 named at EL1 under nested virtualization, otherwise undefined there. */
static struct trap_result no_access(const struct el_state *s, const struct trap_op *op)
{
	struct trap_result there = {.outcome = TRAP_NO, .source = "", .reg = nv_to_el1(s, op->reg)};
	if (there.reg != R_NONE || redirect(s, op, &there)) return there;
	bool el2_name = op->reg.el12 || reg_rows[op->reg.reg].classes & TRAP_SET(EL2_REG);
	if (el_level(s) == 1 && el2_name && el2_enabled(s) && bit_get(s->reg[R_HCR_EL2], 42)) {
		struct trap_result t = taken(s, op, 2, EC_SYSREG, "HCR_EL2.NV");
		t.source = "DDI 0487, D19.2, HCR_EL2";
		return t;
	}
	if (el_level(s) == 0 && s->has.idst && reads_feature_id(op)) {
		struct trap_result t = taken(s, op, el1_or_tge(s), EC_SYSREG, "FEAT_IDST");
		t.source = "DDI 0487, A2.2, FEAT_IDST";
		return t;
	}
	return undefined(s, "no access at this level", "DDI 0487, C5.1");
}

static bool wrong_direction(const struct trap_op *op)
{
	unsigned access = reg_rows[op->reg.reg].access;
	return op->is_reg && ((access == REG_RO && op->write) || (access == REG_WO && !op->write));
}

static struct trap_result fgt_trap(const struct el_state *s, const struct trap_op *op, unsigned control,
				   unsigned bit)
{
	char name[48];
	snprintf(name, sizeof(name), "%s[%u]", reg_rows[control].name, bit);
	struct trap_result t = taken(s, op, 2, op->ec, name);
	t.source = "DDI 0487, D19.2, fine-grained traps";
	return t;
}

static bool fgt_decide(const struct el_state *s, const struct trap_op *op, struct trap_result *out)
{
	if (!fgt_applies(s) || fgt_spares(s, op)) return false;
	for (size_t i = 0; i < fgt_row_count; i++) {
		unsigned control = fgt_control(s, op, &fgt_rows[i]);
		if (control == R_NONE) continue;
		*out = fgt_trap(s, op, control, fgt_rows[i].bit);
		return true;
	}
	return false;
}

/* Rows of EL3, and those that say what the instruction does anyway, come after fine-grained traps. */
static bool after_fgt(const struct trap_rule *r) { return r->to == 3 || r->control == R_NONE; }

struct trap_result trap_decide(const struct el_state *s, const struct trap_op *op)
{
	struct trap_result t = {.outcome = TRAP_NO, .source = "", .reg = R_NONE};
	if (op->is_reg) {
		t.reg = reg_resolve(op->reg, el_level(s), el_e2h(s));
		if (t.reg == R_NONE) return no_access(s, op);
		if (wrong_direction(op)) return undefined(s, "no such direction of access", "DDI 0487, C5.1");
	}
	for (size_t i = 0; i < trap_rule_count; i++) {
		const struct trap_rule *r = &trap_rules[i];
		if (!rule_applies(s, op, r)) continue;
		if (after_fgt(r) && fgt_decide(s, op, &t)) return t;
		return apply(s, op, r);
	}
	if (!fgt_decide(s, op, &t)) redirect(s, op, &t);
	return t;
}
