/* test_el.c - PSTATE, exception entry and return, routing of interrupts, and random programs under the
 * level machine. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "el/async.h"
#include "el/debug.h"
#include "el/exception.h"
#include "el/trap.h"

static const struct el_features full = {.el2 = true,
					.el3 = true,
					.vhe = true,
					.pan = true,
					.sve = true,
					.ssbs = true,
					.fgt = true,
					.hcx = true,
					.sel2 = true};

/* A Non-secure machine at `el` with EL3's usual settings. */
static struct el_state at(unsigned el)
{
	struct el_state s;
	el_reset(&s, &full);
	s.reg[R_SCR_EL3] = bits_ones(1) | UINT64_C(1) << 8 | UINT64_C(1) << 27 | UINT64_C(1) << 38;
	s.pstate = pstate_mode(el);
	for (unsigned i = 1; i <= 3; i++) s.reg[el_vbar(i)] = UINT64_C(0x10000) * i;
	return s;
}

static void set_hcr(struct el_state *s, enum hcr_bit bit) { s->reg[R_HCR_EL2] |= UINT64_C(1) << bit; }

static struct el_exception exception(enum el_kind kind, unsigned to)
{
	return (struct el_exception){
		.kind = kind, .to = (uint8_t)to, .esr = esr_make(EC_HVC, 7), .preferred_pc = 0x404};
}

/* --- registers --------------------------------------------------------------------------------------- */

Test(el_regs, every_encoding_is_unique_and_decodes_to_its_own_row)
{
	for (uint16_t i = 0; i < R_COUNT; i++) {
		struct reg_name found, name = {.reg = i};
		cr_assert(reg_decode(reg_encode(name), &found));
		cr_assert(eq(int, found.reg, i), "%s decodes to %s", reg_rows[i].name,
			  reg_rows[found.reg].name);
	}
}

Test(el_regs, el12_names_are_the_el1_encoding_with_op1_5)
{
	struct reg_name el1, el12;
	cr_assert(reg_find("TCR_EL1", &el1) && reg_find("TCR_EL12", &el12));
	cr_assert(eq(u32, reg_encode(el12), reg_encode(el1) | 5u << 11));
	cr_assert(reg_find("CNTV_CTL_EL02", &el12));
	cr_assert(eq(u32, reg_encode(el12), 0xef19)); /* S3_5_C14_C3_1 */
	cr_assert(not(reg_find("HCR_EL22", &el12)));
}

Test(el_regs, e2h_redirects_el1_names_at_el2_only)
{
	struct reg_name tcr, tcr12;
	cr_assert(reg_find("TCR_EL1", &tcr) && reg_find("TCR_EL12", &tcr12));
	cr_assert(eq(int, reg_resolve(tcr, 2, false), R_TCR_EL1));
	cr_assert(eq(int, reg_resolve(tcr, 2, true), R_TCR_EL2));
	cr_assert(eq(int, reg_resolve(tcr, 1, true), R_TCR_EL1));
	cr_assert(eq(int, reg_resolve(tcr12, 2, true), R_TCR_EL1));
	cr_assert(eq(int, reg_resolve(tcr12, 2, false), R_NONE));
	cr_assert(eq(int, reg_resolve(tcr12, 1, true), R_NONE));
}

/* --- entry and return -------------------------------------------------------------------------------- */

Test(el_entry, vector_depends_on_kind_level_and_stack_pointer)
{
	struct el_state low = at(1), same = at(2), sp0 = at(2);
	sp0.pstate &= ~PSTATE_SP;
	cr_assert(eq(int, el_vector(&low, EXC_SYNC, 2), 0x400));
	cr_assert(eq(int, el_vector(&low, EXC_SERROR, 2), 0x580));
	cr_assert(eq(int, el_vector(&same, EXC_IRQ, 2), 0x280));
	cr_assert(eq(int, el_vector(&sp0, EXC_FIQ, 2), 0x100));
}

Test(el_entry, saves_pstate_and_pc_and_masks_everything)
{
	struct el_state s = at(1);
	s.pstate |= PSTATE_NZCV | PSTATE_SS;
	s.pc = 0x400;
	uint64_t before = s.pstate;
	struct el_exception x = exception(EXC_SYNC, 2);
	struct el_transfer t = el_take(&s, &x);
	cr_assert(eq(u64, s.reg[R_SPSR_EL2], before));
	cr_assert(eq(u64, s.reg[R_ELR_EL2], 0x404));
	cr_assert(eq(u64, s.reg[R_ESR_EL2], 0x5a000007));
	cr_assert(eq(u64, s.pstate, PSTATE_NZCV | PSTATE_DAIF | 9));
	cr_assert(eq(u64, t.to_pc, 0x20400));
}

Test(el_entry, interrupts_leave_the_syndrome_alone)
{
	struct el_state s = at(1);
	struct el_exception x = exception(EXC_IRQ, 2);
	s.reg[R_ESR_EL2] = 0x1234;
	el_take(&s, &x);
	cr_assert(eq(u64, s.reg[R_ESR_EL2], 0x1234));
}

Test(el_entry, span_0_sets_pan_at_el1_and_at_el2_only_for_a_host_kernel)
{
	struct el_state s = at(0), host = at(0), hyp = at(1);
	struct el_exception to1 = exception(EXC_SYNC, 1), to2 = exception(EXC_SYNC, 2);
	el_take(&s, &to1);
	cr_assert(bit_get(s.pstate, 22));
	set_hcr(&host, HCR_E2H), set_hcr(&host, HCR_TGE);
	el_take(&host, &to2);
	cr_assert(bit_get(host.pstate, 22));
	el_take(&hyp, &to2);
	cr_assert(not(bit_get(hyp.pstate, 22)));
}

Test(el_return, goes_where_spsr_and_elr_say)
{
	struct el_state s = at(2);
	s.reg[R_SPSR_EL2] = PSTATE_I | pstate_mode(1);
	s.reg[R_ELR_EL2] = 0x8000;
	struct el_transfer t = el_return(&s);
	cr_assert(not(t.illegal));
	cr_assert(eq(u64, s.pstate, PSTATE_I | 5));
	cr_assert(eq(u64, s.pc, 0x8000));
}

struct illegal_case {
	unsigned from;
	uint64_t spsr, hcr, scr;
};

ParameterizedTestParameters(el_return, illegal_ones_keep_the_level_and_set_il)
{
	static struct illegal_case cases[] = {
		{2, 0x10, 0, 1},                      /* to AArch32 */
		{2, 0x0d, 0, 1},                      /* to EL3 */
		{2, 0x01, 0, 1},                      /* EL0 with SP_ELx */
		{2, 0x07, 0, 1},                      /* M[1] */
		{2, 0x05, UINT64_C(1) << HCR_TGE, 1}, /* EL1 under TGE */
		{3, 0x09, 0, 0},                      /* Secure EL2 that is off */
		{1, 0x09, 0, 1},                      /* up */
	};
	return cr_make_param_array(struct illegal_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct illegal_case *c, el_return, illegal_ones_keep_the_level_and_set_il)
{
	struct el_state s = at(c->from);
	s.reg[R_HCR_EL2] = c->hcr;
	s.reg[R_SCR_EL3] = c->scr;
	s.reg[el_spsr(c->from)] = c->spsr;
	s.reg[el_elr(c->from)] = 0x42;
	struct el_transfer t = el_return(&s);
	cr_assert(t.illegal);
	cr_assert(ne(ptr, (void *)t.why, NULL));
	cr_assert(eq(u32, el_level(&s), c->from));
	cr_assert(ne(u64, s.pstate & PSTATE_IL, 0));
	cr_assert(eq(u64, s.pc, 0x42));
}

/* --- security states --------------------------------------------------------------------------------- */

Test(el_security, follows_scr_el3)
{
	struct el_state s = at(1);
	cr_assert(eq(int, el_security(&s, 1), SEC_NONSECURE));
	cr_assert(eq(int, el_security(&s, 3), SEC_SECURE));
	s.has.rme = true;
	s.reg[R_SCR_EL3] |= UINT64_C(1) << SCR_NSE;
	cr_assert(eq(int, el_security(&s, 1), SEC_REALM));
	cr_assert(eq(int, el_security(&s, 3), SEC_ROOT));
	s.reg[R_SCR_EL3] = 0;
	cr_assert(eq(int, el_security(&s, 2), SEC_SECURE));
	cr_assert(not(el2_enabled(&s)));
	s.reg[R_SCR_EL3] = UINT64_C(1) << SCR_EEL2;
	cr_assert(el2_enabled(&s));
}

/* --- routing ----------------------------------------------------------------------------------------- */

struct route_case {
	unsigned el, line, hcr_bits[2], scr, masked, state, to;
};
enum { NONE = 63 };

ParameterizedTestParameters(el_async, lines_go_where_scr_and_hcr_route_them)
{
	static struct route_case cases[] = {
		/* Nothing routes: EL1, maskable from EL0 and EL1, pending at EL2. */
		{0, ASYNC_IRQ, {NONE, NONE}, 1, 0, ASYNC_TAKEN, 1},
		{0, ASYNC_IRQ, {NONE, NONE}, 1, 1, ASYNC_MASKED, 1},
		{1, ASYNC_IRQ, {NONE, NONE}, 1, 1, ASYNC_MASKED, 1},
		{2, ASYNC_IRQ, {NONE, NONE}, 1, 0, ASYNC_LOWER, 1},
		/* IMO: EL2, not maskable from below, maskable there. */
		{1, ASYNC_IRQ, {HCR_IMO, NONE}, 1, 1, ASYNC_TAKEN, 2},
		{2, ASYNC_IRQ, {HCR_IMO, NONE}, 1, 1, ASYNC_MASKED, 2},
		{1, ASYNC_FIQ, {HCR_IMO, NONE}, 1, 0, ASYNC_TAKEN, 1},
		/* TGE acts as if all were routed; a host's EL0 masks. */
		{0, ASYNC_FIQ, {HCR_TGE, NONE}, 1, 1, ASYNC_TAKEN, 2},
		{0, ASYNC_FIQ, {HCR_TGE, HCR_E2H}, 1, 1, ASYNC_MASKED, 2},
		{0, ASYNC_SERROR, {HCR_TGE, HCR_E2H}, 1, 0, ASYNC_TAKEN, 2},
		/* SCR_EL3 wins, from everywhere below unmaskably. */
		{1, ASYNC_FIQ, {HCR_FMO, NONE}, 1 | 1u << SCR_FIQ, 1, ASYNC_TAKEN, 3},
		{2, ASYNC_SERROR, {HCR_AMO, NONE}, 1 | 1u << SCR_EA, 1, ASYNC_TAKEN, 3},
		{3, ASYNC_IRQ, {HCR_IMO, NONE}, 1, 0, ASYNC_LOWER, 2},
		/* Virtual lines: only with xMO, not under TGE, never at EL2. */
		{1, ASYNC_VIRQ, {HCR_IMO, NONE}, 1, 0, ASYNC_TAKEN, 1},
		{1, ASYNC_VIRQ, {HCR_IMO, NONE}, 1, 1, ASYNC_MASKED, 1},
		{1, ASYNC_VIRQ, {NONE, NONE}, 1, 0, ASYNC_OFF, 1},
		{0, ASYNC_VIRQ, {HCR_IMO, HCR_TGE}, 1, 0, ASYNC_OFF, 1},
		{2, ASYNC_VIRQ, {HCR_IMO, NONE}, 1, 0, ASYNC_LOWER, 1},
	};
	return cr_make_param_array(struct route_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct route_case *c, el_async, lines_go_where_scr_and_hcr_route_them)
{
	struct el_state s = at(c->el);
	s.reg[R_SCR_EL3] = c->scr;
	for (int i = 0; i < 2; i++)
		if (c->hcr_bits[i] != NONE) set_hcr(&s, (enum hcr_bit)c->hcr_bits[i]);
	if (c->masked) s.pstate |= PSTATE_DAIF;
	struct async_route r = async_route(&s, (enum el_async)c->line);
	cr_assert(eq(u32, r.state, c->state), "%s at EL%u", async_name((enum el_async)c->line), c->el);
	cr_assert(eq(u32, r.to, c->to));
}

Test(el_async, hcr_vi_asserts_the_virtual_irq)
{
	struct el_state s = at(1);
	struct el_exception x;
	struct async_route route;
	cr_assert(not(async_pending(&s, &x, &route)));
	set_hcr(&s, HCR_VI), set_hcr(&s, HCR_IMO);
	cr_assert(async_pending(&s, &x, &route));
	cr_assert(x.virtual_line && x.to == 1 && x.kind == EXC_IRQ);
}

/* --- debug exceptions -------------------------------------------------------------------------------- */

static struct el_state debugged(unsigned el, uint64_t mdscr, uint64_t mdcr_el2)
{
	struct el_state s = at(el);
	s.pstate &= ~PSTATE_D;
	s.reg[R_MDSCR_EL1] = mdscr;
	s.reg[R_MDCR_EL2] = mdcr_el2;
	s.pc = 0x1000;
	return s;
}

enum { MDE_KDE_SS = 0xa001, TDE = 0x100 };

Test(el_debug, without_its_enable_only_brk_is_an_exception)
{
	struct el_state s = debugged(0, 0, TDE);
	cr_expect(eq(int, debug_decide(&s, DEBUG_brk).outcome, TRAP_TAKEN));
	for (int e = DEBUG_breakpoint; e < DEBUG_KINDS; e++)
		cr_expect(eq(int, debug_decide(&s, (enum debug_event)e).outcome, TRAP_NO), "%s",
			  debug_names[e]);
	s = debugged(0, 0x8000, 0); /* MDE without SS */
	cr_expect(eq(int, debug_decide(&s, DEBUG_watchpoint).outcome, TRAP_TAKEN));
	cr_expect(eq(int, debug_decide(&s, DEBUG_step).outcome, TRAP_NO));
}

Test(el_debug, tde_and_tge_give_those_of_el0_and_el1_to_el2)
{
	for (unsigned el = 0; el < 2; el++)
		for (int e = 0; e < DEBUG_KINDS; e++) {
			struct el_state s = debugged(el, MDE_KDE_SS, 0);
			cr_expect(eq(u8, debug_decide(&s, (enum debug_event)e).x.to, 1));
			s = debugged(el, MDE_KDE_SS, TDE);
			cr_expect(eq(u8, debug_decide(&s, (enum debug_event)e).x.to, 2));
			s = debugged(el, MDE_KDE_SS, 0);
			set_hcr(&s, HCR_TGE);
			cr_expect(eq(u8, debug_decide(&s, (enum debug_event)e).x.to, 2));
		}
}

Test(el_debug, the_same_level_needs_kde_and_pstate_d_clear)
{
	struct el_state s = debugged(1, 0x8001, 0);
	cr_expect(eq(int, debug_decide(&s, DEBUG_breakpoint).outcome, TRAP_NO));
	s = debugged(1, MDE_KDE_SS, 0);
	cr_expect(eq(u32, esr_ec(debug_decide(&s, DEBUG_breakpoint).x.esr), EC_BREAKPOINT_CUR));
	s.pstate |= PSTATE_D;
	cr_expect(eq(int, debug_decide(&s, DEBUG_breakpoint).outcome, TRAP_NO));
	cr_expect(eq(u32, esr_ec(debug_decide(&s, DEBUG_brk).x.esr), EC_BRK)); /* BRK asks nobody */
	s = debugged(1, 0x8001, TDE);
	s.pstate |= PSTATE_D;
	cr_expect(eq(u32, esr_ec(debug_decide(&s, DEBUG_breakpoint).x.esr), EC_BREAKPOINT_LOW));
}

Test(el_debug, a_level_above_the_target_has_none_but_its_own_brk)
{
	struct el_state s = debugged(2, MDE_KDE_SS, 0), monitor = debugged(3, MDE_KDE_SS, TDE);
	cr_expect(eq(int, debug_decide(&s, DEBUG_watchpoint).outcome, TRAP_NO));
	cr_expect(eq(u8, debug_decide(&s, DEBUG_brk).x.to, 2));
	cr_expect(eq(int, debug_decide(&monitor, DEBUG_step).outcome, TRAP_NO));
	cr_expect(eq(u8, debug_decide(&monitor, DEBUG_brk).x.to, 3));
	s = debugged(2, MDE_KDE_SS, TDE); /* EL2 debugs itself */
	cr_expect(eq(u32, esr_ec(debug_decide(&s, DEBUG_step).x.esr), EC_STEP_CUR));
}

Test(el_debug, a_step_returns_behind_the_instruction_and_the_others_to_it)
{
	struct el_state s = debugged(0, MDE_KDE_SS, TDE);
	for (int e = 0; e < DEBUG_KINDS; e++)
		cr_expect(eq(u64, debug_decide(&s, (enum debug_event)e).x.preferred_pc,
			     e == DEBUG_step ? 0x1004 : 0x1000));
}

Test(el_debug, secure_state_has_none_where_mdcr_el3_sdd_says_so)
{
	struct el_state s = debugged(1, MDE_KDE_SS, 0);
	s.reg[R_SCR_EL3] &= ~UINT64_C(1);
	cr_expect(eq(int, debug_decide(&s, DEBUG_breakpoint).outcome, TRAP_TAKEN));
	s.reg[R_MDCR_EL3] = UINT64_C(1) << 16;
	cr_expect(eq(int, debug_decide(&s, DEBUG_breakpoint).outcome, TRAP_NO));
}

/* --- random legal programs --------------------------------------------------------------------------- */

/* One random instruction: a trap, an exception, a return, an access, or a line that rises or falls. */
static void random_exception(struct el_state *s, struct rng *r)
{
	const struct trap_op ops[] = {trap_svc(1), trap_hvc(2), trap_smc(3), trap_wfi(),
				      trap_fp(),   trap_sve(),  trap_eret()};
	struct trap_op op = ops[rng_below(r, sizeof(ops) / sizeof(ops[0]))];
	struct trap_result t = trap_decide(s, &op);
	if (t.outcome != TRAP_NO) el_take(s, &t.x);
}

static void random_access(struct el_state *s, struct rng *r)
{
	struct reg_name name = {.reg = (uint16_t)rng_below(r, R_COUNT)};
	struct trap_op op = trap_reg(name, rng_below(r, 2), 0);
	struct trap_result t = trap_decide(s, &op);
	if (t.outcome != TRAP_NO) {
		el_take(s, &t.x);
	} else if (op.write) {
		/* Software that turns EL2 off below itself, or TGE on at EL1's level, is not legal: it writes neither. */
		uint64_t value = rng_next(r);
		if (t.reg == R_SCR_EL3) value = (value & ~UINT64_C(0x40000)) | 1;
		if (t.reg == R_HCR_EL2 && el_level(s) < 2) return;
		s->reg[t.reg] = value;
	}
}

/* Half of them to a level that software may choose, the others wherever SPSR happens to point. */
static void random_return(struct el_state *s, struct rng *r)
{
	unsigned el = el_level(s);
	if (!el) return;
	if (rng_below(r, 2)) s->reg[el_spsr(el)] = pstate_mode((unsigned)rng_below(r, el + 1));
	el_return(s);
}

static void random_step(struct el_state *s, struct rng *r)
{
	struct el_exception x;
	struct async_route route;
	switch (rng_below(r, 4)) {
	case 0: random_exception(s, r); return;
	case 1: random_access(s, r); return;
	case 2: random_return(s, r); return;
	default: s->lines = (uint32_t)rng_below(r, 1u << ASYNC_COUNT);
	}
	if (async_pending(s, &x, &route)) el_take(s, &x);
}

Test(el_contract, random_programs_keep_the_state_legal_and_conserve_pstate)
{
	struct rng r;
	struct el_state s;
	uint64_t seen[4] = {0};
	rng_init(&r, 7, "el.random");
	el_reset(&s, &full);
	for (int i = 0; i < 400000; i++) {
		random_step(&s, &r);
		seen[el_level(&s)]++;
		cr_assert(zero(ptr, (void *)el_check(&s)), "step %d: %s", i, el_check(&s));
	}
	for (int el = 0; el < 4; el++) cr_assert(lt(u64, 1000, seen[el]), "EL%d", el);
}

Test(el_contract, an_entry_followed_by_a_return_changes_nothing)
{
	struct rng r;
	rng_init(&r, 11, "el.roundtrip");
	for (int i = 0; i < 20000; i++) {
		unsigned from = (unsigned)rng_below(&r, 4), to = (unsigned)rng_below(&r, 4);
		if (to < from || to == 0) continue;
		struct el_state s = at(from);
		s.pstate |= rng_next(&r) & (PSTATE_NZCV | PSTATE_DAIF | PSTATE_PAN);
		s.pc = rng_next(&r) & ~UINT64_C(3);
		uint64_t pstate = s.pstate, pc = s.pc;
		struct el_exception x = {
			.kind = (uint8_t)rng_below(&r, 4), .to = (uint8_t)to, .preferred_pc = pc};
		el_take(&s, &x);
		cr_assert(eq(u32, el_level(&s), to));
		cr_assert(not(el_return(&s).illegal));
		cr_assert(eq(u64, s.pstate, pstate));
		cr_assert(eq(u64, s.pc, pc));
	}
}
