#include "el/debug.h"

#include <stdio.h>

const char *const debug_names[] = {
#define X(name, doc) #name,
	DEBUG_EVENTS(X)
#undef X
		NULL};

enum { MDSCR_SS = 0, MDSCR_KDE = 13, MDSCR_MDE = 15, MDCR_EL2_TDE = 8, MDCR_EL3_SDD = 16 };
enum { ALWAYS = 64, STATUS_DEBUG = 0x22 }; /* xFSC of a debug exception */

static const struct row {
	uint8_t enable; /* bit of MDSCR_EL1 */
	uint8_t ec;     /* from a lower level; from the same one it is the next */
	uint8_t next;   /* bytes from the instruction to where the exception returns to */
	uint64_t iss;
} rows[DEBUG_KINDS] = {
	[DEBUG_brk] = {ALWAYS, EC_BRK, 0, 0},
	[DEBUG_breakpoint] = {MDSCR_MDE, EC_BREAKPOINT_LOW, 0, STATUS_DEBUG},
	[DEBUG_watchpoint] = {MDSCR_MDE, EC_WATCHPOINT_LOW, 0, STATUS_DEBUG},
	[DEBUG_step] = {MDSCR_SS, EC_STEP_LOW, 4, UINT64_C(1) << 24 | STATUS_DEBUG}, /* ISV */
};

/* Why EL2 takes them; NULL: EL1 does. */
static const char *routed_to_el2(const struct el_state *s)
{
	if (!el2_enabled(s)) return NULL;
	if (bit_get(s->reg[R_MDCR_EL2], MDCR_EL2_TDE)) return "MDCR_EL2.TDE";
	return el_tge(s) ? "HCR_EL2.TGE" : NULL;
}

/* AArch64.GenerateDebugExceptionsFrom(). */
static bool enabled(const struct el_state *s, const struct row *r, unsigned target)
{
	unsigned el = el_level(s);
	uint64_t mdscr = s->reg[R_MDSCR_EL1];
	bool secure = s->has.el3 && el_security(s, el) == SEC_SECURE;
	if (!bit_get(mdscr, r->enable) || el == 3) return false;
	if (secure && bit_get(s->reg[R_MDCR_EL3], MDCR_EL3_SDD)) return false;
	if (el == target) return bit_get(mdscr, MDSCR_KDE) && !(s->pstate & PSTATE_D);
	return target > el;
}

struct trap_result debug_decide(const struct el_state *s, enum debug_event event)
{
	const struct row *r = &rows[event];
	struct trap_result t = {.outcome = TRAP_NO, .source = "", .reg = R_NONE};
	unsigned el = el_level(s), target;
	const char *rule = routed_to_el2(s);
	target = rule ? 2 : 1;
	if (r->enable == ALWAYS && el > target) target = el;
	if (r->enable != ALWAYS && !enabled(s, r, target)) return t;
	unsigned ec = r->ec + (r->ec != EC_BRK && el == target);
	t.outcome = TRAP_TAKEN;
	snprintf(t.rule, sizeof(t.rule), "%s", rule && el < 2 ? rule : debug_names[event]);
	t.source = "DDI 0487, D2.4";
	t.x = (struct el_exception){.kind = EXC_SYNC,
				    .to = (uint8_t)target,
				    .has_far = event == DEBUG_watchpoint,
				    .esr = esr_make(ec, r->iss),
				    .preferred_pc = s->pc + r->next};
	return t;
}
