#include "el/exception.h"

#include <assert.h>
#include <string.h>

static const struct ec_row {
	uint8_t ec;
	const char *name, *doc;
} ec_rows[] = {
#define X(ident, number, text, doc) {number, text, doc},
	EXCEPTION_CLASSES(X)
#undef X
};
enum { EC_ROWS = sizeof(ec_rows) / sizeof(ec_rows[0]) };

static const struct ec_row *ec_row(unsigned ec)
{
	for (unsigned i = 0; i < EC_ROWS; i++)
		if (ec_rows[i].ec == ec) return &ec_rows[i];
	return NULL;
}

const char *ec_name(unsigned ec) { return ec_row(ec) ? ec_row(ec)->name : NULL; }
const char *ec_doc(unsigned ec) { return ec_row(ec) ? ec_row(ec)->doc : NULL; }

bool ec_find(const char *name, unsigned *ec)
{
	for (unsigned i = 0; i < EC_ROWS; i++)
		if (strcmp(ec_rows[i].name, name) == 0) return *ec = ec_rows[i].ec, true;
	return false;
}

static enum el_reg banked(unsigned el, enum el_reg el1, enum el_reg el2, enum el_reg el3)
{
	assert(el >= 1 && el <= 3);
	return el == 1 ? el1 : el == 2 ? el2 : el3;
}

enum el_reg el_spsr(unsigned el) { return banked(el, R_SPSR_EL1, R_SPSR_EL2, R_SPSR_EL3); }
enum el_reg el_elr(unsigned el) { return banked(el, R_ELR_EL1, R_ELR_EL2, R_ELR_EL3); }
enum el_reg el_esr(unsigned el) { return banked(el, R_ESR_EL1, R_ESR_EL2, R_ESR_EL3); }
enum el_reg el_far(unsigned el) { return banked(el, R_FAR_EL1, R_FAR_EL2, R_FAR_EL3); }
enum el_reg el_vbar(unsigned el) { return banked(el, R_VBAR_EL1, R_VBAR_EL2, R_VBAR_EL3); }

/* --- entry ------------------------------------------------------------------------------------------- */

uint16_t el_vector(const struct el_state *s, enum el_kind kind, unsigned to)
{
	unsigned group = to > el_level(s) ? 0x400 : s->pstate & PSTATE_SP ? 0x200 : 0;
	return (uint16_t)(group + 0x80 * (unsigned)kind);
}

static uint64_t sctlr(const struct el_state *s, unsigned el)
{
	return s->reg[banked(el, R_SCTLR_EL1, R_SCTLR_EL2, R_SCTLR_EL3)];
}

/* SCTLR_ELx.SPAN = 0 sets PAN on entry, where PAN means something: at EL1, and at EL2 as the host kernel's
 * level. */
static bool entry_sets_pan(const struct el_state *s, unsigned to)
{
	if (!s->has.pan || to == 3 || (to == 2 && !el_host_user(s))) return false;
	return !bit_get(sctlr(s, to), 23);
}

static uint64_t entry_pstate(const struct el_state *s, unsigned to)
{
	uint64_t kept = s->pstate & (PSTATE_NZCV | PSTATE_PAN | PSTATE_DIT);
	uint64_t p = kept | PSTATE_DAIF | pstate_mode(to);
	if (entry_sets_pan(s, to)) p |= PSTATE_PAN;
	if (s->has.ssbs && bit_get(sctlr(s, to), 44)) p |= PSTATE_SSBS; /* DSSBS */
	if (s->has.mte) p |= PSTATE_TCO;
	return p;
}

static void write_syndrome(struct el_state *s, const struct el_exception *x)
{
	if (x->kind == EXC_SYNC || x->kind == EXC_SERROR) s->reg[el_esr(x->to)] = x->esr;
	if (x->has_far) s->reg[el_far(x->to)] = x->far;
	if (x->has_hpfar && x->to == 2) s->reg[R_HPFAR_EL2] = x->hpfar;
}

struct el_transfer el_take(struct el_state *s, const struct el_exception *x)
{
	unsigned from = el_level(s);
	assert(x->to >= 1 && x->to >= from && el_exists(s, x->to));
	struct el_transfer t = {.from = (uint8_t)from, .to = x->to, .from_pc = s->pc};
	t.vector = el_vector(s, x->kind, x->to);
	uint64_t pstate = entry_pstate(s, x->to);
	write_syndrome(s, x);
	/* AArch64.TakeVirtualSErrorException: the pending one is gone. */
	if (x->virtual_line && x->kind == EXC_SERROR) s->reg[R_HCR_EL2] &= ~(UINT64_C(1) << HCR_VSE);
	s->reg[el_spsr(x->to)] = s->pstate;
	s->reg[el_elr(x->to)] = x->preferred_pc;
	s->pstate = pstate;
	s->pc = (s->reg[el_vbar(x->to)] & ~bits_ones(11)) + t.vector;
	t.to_pc = s->pc;
	return t;
}

/* --- return ------------------------------------------------------------------------------------------ */

const char *el_return_illegal(const struct el_state *s, uint64_t spsr)
{
	unsigned target = pstate_el(spsr);
	if (spsr & PSTATE_NRW) return "AArch32 is not implemented";
	if (spsr & PSTATE_RES1) return "SPSR.M[1] is 1";
	if (target == 0 && spsr & PSTATE_SP) return "SPSR.M is EL0 with SP_ELx";
	if (target > el_level(s)) return "SPSR.M is above the present level";
	if (!el_exists(s, target)) return "SPSR.M is a level that is not implemented";
	if (target == 2 && !el2_enabled(s)) return "EL2 is disabled in this security state";
	if (target == 1 && el_tge(s)) return "SPSR.M is EL1 and HCR_EL2.TGE is 1";
	bool reserved = !bit_get(s->reg[R_SCR_EL3], SCR_NS) && bit_get(s->reg[R_SCR_EL3], SCR_NSE);
	if (s->has.rme && el_level(s) == 3 && target < 3 && reserved) return "SCR_EL3.{NSE,NS} is {1,0}";
	return NULL;
}

/* What an illegal return takes from SPSR: flags and masks; level, stack pointer and execution state stay. */
static uint64_t illegal_pstate(uint64_t now, uint64_t spsr)
{
	uint64_t taken = PSTATE_NZCV | PSTATE_DAIF | PSTATE_PAN | PSTATE_DIT | PSTATE_TCO | PSTATE_UAO;
	return (now & ~taken) | (spsr & taken) | PSTATE_IL;
}

static uint64_t legal_pstate(const struct el_state *s, uint64_t spsr)
{
	uint64_t p = spsr &
		     (PSTATE_NZCV | PSTATE_DAIF | PSTATE_IL | PSTATE_SS | PSTATE_BTYPE | PSTATE_DIT | 0xd);
	if (s->has.pan) p |= spsr & PSTATE_PAN;
	if (s->has.uao) p |= spsr & PSTATE_UAO;
	if (s->has.ssbs) p |= spsr & PSTATE_SSBS;
	if (s->has.mte) p |= spsr & PSTATE_TCO;
	return p;
}

struct el_transfer el_return(struct el_state *s)
{
	unsigned from = el_level(s);
	assert(from >= 1);
	uint64_t spsr = s->reg[el_spsr(from)];
	struct el_transfer t = {.from = (uint8_t)from, .from_pc = s->pc};
	t.why = el_return_illegal(s, spsr);
	t.illegal = t.why != NULL;
	s->pc = s->reg[el_elr(from)];
	s->pstate = t.illegal ? illegal_pstate(s->pstate, spsr) : legal_pstate(s, spsr);
	t.to = (uint8_t)el_level(s);
	t.to_pc = s->pc;
	return t;
}
