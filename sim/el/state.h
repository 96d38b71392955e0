/* state.h - the exception state of one PE: PSTATE, PC, system registers, asynchronous lines.
 *
 * A plain struct; everything about it is a pure function of it. PSTATE is kept in the layout of SPSR_ELx,
 * so that an exception saves it as it is. Security states follow from SCR_EL3 and the level.
 * Source: Arm ARM DDI 0487, D1.3 (PSTATE), D1.2 (security states), C5.2 (SPSR_ELx).
 * Not modelled: AArch32 at any level, debug state, the halting and trace parts of PSTATE.
 */
#ifndef EL_STATE_H
#define EL_STATE_H

#include "base/bits.h"
#include "base/types.h"
#include "el/regs.h"

/* SPSR_ELx as PSTATE. */
#define PSTATE_SP (UINT64_C(1) << 0) /* SP_ELx, not SP_EL0 */
#define PSTATE_RES1 (UINT64_C(1) << 1)
#define PSTATE_NRW (UINT64_C(1) << 4) /* AArch32 */
#define PSTATE_F (UINT64_C(1) << 6)
#define PSTATE_I (UINT64_C(1) << 7)
#define PSTATE_A (UINT64_C(1) << 8)
#define PSTATE_D (UINT64_C(1) << 9)
#define PSTATE_DAIF (PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F)
#define PSTATE_BTYPE (UINT64_C(3) << 10)
#define PSTATE_SSBS (UINT64_C(1) << 12)
#define PSTATE_IL (UINT64_C(1) << 20)
#define PSTATE_SS (UINT64_C(1) << 21)
#define PSTATE_PAN (UINT64_C(1) << 22)
#define PSTATE_UAO (UINT64_C(1) << 23)
#define PSTATE_DIT (UINT64_C(1) << 24)
#define PSTATE_TCO (UINT64_C(1) << 25)
#define PSTATE_NZCV (UINT64_C(15) << 28)

/* Fields of HCR_EL2 and SCR_EL3 that decide regimes and routing. Arm ARM D19.2. */
enum hcr_bit {
	HCR_VM = 0,
	HCR_FMO = 3,
	HCR_IMO = 4,
	HCR_AMO = 5,
	HCR_VF = 6,
	HCR_VI = 7,
	HCR_VSE = 8,
	HCR_TGE = 27,
	HCR_E2H = 34
};
enum scr_bit {
	SCR_NS = 0,
	SCR_IRQ = 1,
	SCR_FIQ = 2,
	SCR_EA = 3,
	SCR_HCE = 8,
	SCR_EEL2 = 18,
	SCR_FGTEn = 27,
	SCR_HXEn = 38,
	SCR_FGTEn2 = 59,
	SCR_NSE = 62
};

/* What the level machine must know of the processor; el3 and el2 say whether the levels exist. */
struct el_features {
	bool el2, el3, vhe, pan, sve, ssbs, mte, uao, fgt, fgt2, hcx, rme, sel2, nv2, idst;
};

/* Lines that the interrupt controller and devices drive. */
enum el_async { ASYNC_SERROR, ASYNC_IRQ, ASYNC_FIQ, ASYNC_VSERROR, ASYNC_VIRQ, ASYNC_VFIQ, ASYNC_COUNT };

struct el_state {
	struct el_features has;
	uint64_t pstate, pc;
	uint32_t lines; /* set of enum el_async that are asserted */
	uint64_t reg[R_COUNT];
};

/* The state after a reset into the highest implemented level: all masked, SP_ELx, pc 0. */
void el_reset(struct el_state *s, const struct el_features *has);

static inline unsigned pstate_el(uint64_t pstate) { return (unsigned)bits_get(pstate, 3, 2); }
static inline unsigned el_level(const struct el_state *s) { return pstate_el(s->pstate); }
/* M[3:0] of a level with SP_ELx (EL0: SP_EL0). */
static inline uint64_t pstate_mode(unsigned el) { return (uint64_t)el << 2 | (el ? PSTATE_SP : 0); }
static inline bool el_hcr(const struct el_state *s, enum hcr_bit bit)
{
	return bit_get(s->reg[R_HCR_EL2], bit);
}

/* Whether the level is implemented. */
bool el_exists(const struct el_state *s, unsigned el);
/* The security state of software at `el`. EL3 is Root where FEAT_RME is, otherwise Secure. */
enum security el_security(const struct el_state *s, unsigned el);
/* EL2 is implemented and enabled in the security state of the levels below EL3. Arm ARM: EL2Enabled(). */
bool el2_enabled(const struct el_state *s);
/* HCR_EL2.E2H, and E2H and TGE together, where EL2 is enabled. */
bool el_e2h(const struct el_state *s);
bool el_host_user(const struct el_state *s);
bool el_tge(const struct el_state *s);

/* SP_ELx that the selected stack pointer of the present level is stored in (SP_EL3 is not a register row:
 * R_NONE). */
enum el_reg el_stack_reg(const struct el_state *s);

/* What must hold between any two steps; NULL, or which law is broken. */
const char *el_check(const struct el_state *s);

#endif
