#include "el/state.h"

bool el_exists(const struct el_state *s, unsigned el)
{
	return el < 2 || (el == 2 && s->has.el2) || (el == 3 && s->has.el3);
}

void el_reset(struct el_state *s, const struct el_features *has)
{
	unsigned top = has->el3 ? 3 : has->el2 ? 2 : 1;
	*s = (struct el_state){.has = *has, .pstate = PSTATE_DAIF | pstate_mode(top)};
}

/* SCR_EL3.{NSE, NS}; without EL3 the PE is Non-secure. IMPDEF: NSE:NS = 0b10 is reserved, taken as Secure. */
enum security el_security(const struct el_state *s, unsigned el)
{
	uint64_t scr = s->reg[R_SCR_EL3];
	if (!s->has.el3) return SEC_NONSECURE;
	if (el == 3) return s->has.rme ? SEC_ROOT : SEC_SECURE;
	if (!bit_get(scr, SCR_NS)) return SEC_SECURE;
	return s->has.rme && bit_get(scr, SCR_NSE) ? SEC_REALM : SEC_NONSECURE;
}

bool el2_enabled(const struct el_state *s)
{
	if (!s->has.el2) return false;
	if (el_security(s, 1) != SEC_SECURE) return true;
	return s->has.sel2 && bit_get(s->reg[R_SCR_EL3], SCR_EEL2);
}

bool el_e2h(const struct el_state *s) { return s->has.vhe && el2_enabled(s) && el_hcr(s, HCR_E2H); }
bool el_tge(const struct el_state *s) { return el2_enabled(s) && el_hcr(s, HCR_TGE); }
bool el_host_user(const struct el_state *s) { return el_e2h(s) && el_tge(s); }

enum el_reg el_stack_reg(const struct el_state *s)
{
	static const uint16_t sp[4] = {R_SP_EL0, R_SP_EL1, R_SP_EL2, R_NONE};
	return s->pstate & PSTATE_SP ? sp[el_level(s)] : R_SP_EL0;
}

const char *el_check(const struct el_state *s)
{
	unsigned el = el_level(s);
	if (!el_exists(s, el)) return "the level is not implemented";
	if (s->pstate & PSTATE_NRW) return "AArch32 is not implemented";
	if (el == 0 && s->pstate & PSTATE_SP) return "EL0 uses SP_EL0 only";
	if (s->pstate & PSTATE_RES1) return "M[1] is 0 in AArch64";
	if (el == 2 && !el2_enabled(s)) return "EL2 is disabled in this security state";
	if (el == 1 && el_tge(s)) return "with HCR_EL2.TGE = 1 nothing runs at EL1";
	if (s->lines >> ASYNC_COUNT) return "a line that does not exist is asserted";
	return NULL;
}
