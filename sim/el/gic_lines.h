/* gic_lines.h - a PE and its GIC: what the CPU interface must know of the PE, and which lines it asserts.
 *
 * Before an instruction: gic_lines_update(), then async_pending(). An access to ICC_* or ICH_* that no trap rule takes goes to
 * cpu_if_read() or cpu_if_write() with gic_lines_context().
 * Source: Arm IHI 0069H 4.6.2, 12.2 (accessibility); DDI 0487, D1.3.
 * Not modelled: SCTLR_ELx.NMI (the level machine has no FEAT_NMI).
 */
#ifndef EL_GIC_LINES_H
#define EL_GIC_LINES_H

#include "el/state.h"
#include "gic/cpu_if.h"

/* Level, Security state, SCR_EL3 and HCR_EL2 as they route now. */
struct gic_context gic_lines_context(const struct el_state *s);
/* IRQ, FIQ, vIRQ and vFIQ of `s` become those that the GIC asserts for `pe`; other lines stay. */
void gic_lines_update(struct el_state *s, struct gic *g, unsigned pe);

#endif
