/* debug.h - debug exceptions: whether an event of self-hosted debug makes one, and which level takes it.
 *
 *   debug_decide: (state, event) -> nothing | exception, with the rule that decided
 * A BRK always is an exception. A breakpoint and a watchpoint need MDSCR_EL1.MDE, a software step MDSCR_EL1.SS; the
 * level that takes them must be above the present one, or be the same with MDSCR_EL1.KDE set and PSTATE.D clear.
 * MDCR_EL2.TDE, or HCR_EL2.TGE, has EL2 take those of EL0 and EL1: so a hypervisor lets a debugger outside of the VM
 * see them.
 * Source: Arm ARM DDI 0487, D2.3 and D2.4 (enable and routing), shared pseudocode
 * AArch64.GenerateDebugExceptionsFrom, AArch64.SoftwareBreakpoint.
 * Not modelled: which addresses breakpoints and watchpoints match, the states of software step beyond the
 * exception, the OS Lock (it is open), external debug and Halting, AArch32.
 */
#ifndef EL_DEBUG_H
#define EL_DEBUG_H

#include "el/trap.h"

#define DEBUG_EVENTS(X) \
	X(brk, "a BRK instruction") \
	X(breakpoint, "a hardware breakpoint at this instruction") \
	X(watchpoint, "a watchpoint at what it accesses") \
	X(step, "a software step behind it")

enum debug_event {
#define X(name, doc) DEBUG_##name,
	DEBUG_EVENTS(X)
#undef X
		DEBUG_KINDS
};

extern const char *const debug_names[DEBUG_KINDS + 1]; /* NULL at the end */

/* What `event` at the present instruction does. TRAP_NO: nothing; else TRAP_TAKEN. Pure. */
struct trap_result debug_decide(const struct el_state *s, enum debug_event event);

#endif
