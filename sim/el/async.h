/* async.h - where IRQ, FIQ and SError go, physical and virtual, and whether they are masked.
 *
 * Source: Arm ARM DDI 0487, D1.3 (asynchronous exception routing, masking, priority), table of target
 * levels; HCR_EL2.{IMO,FMO,AMO,TGE,E2H,VI,VF,VSE}, SCR_EL3.{IRQ,FIQ,EA}.
 * IMPDEF: of several unmasked ones SError is taken first, then FIQ, then IRQ, physical before virtual (the
 * architecture leaves the order open).
 * Not modelled: FEAT_NMI, SCTLR_ELx.SPINTMASK, delegated SErrors.
 */
#ifndef EL_ASYNC_H
#define EL_ASYNC_H

#include "el/exception.h"

enum async_state {
	ASYNC_TAKEN,  /* to `to`, now */
	ASYNC_MASKED, /* by PSTATE */
	ASYNC_LOWER,  /* its target is below the present level: it stays pending */
	ASYNC_OFF,    /* a virtual one that is not enabled here */
};

struct async_route {
	uint8_t state; /* enum async_state */
	uint8_t to;
	const char *why; /* the bits that decided it */
};

/* What would happen to an asserted line in this state. */
struct async_route async_route(const struct el_state *s, enum el_async line);

/* The lines asserted now: the controller's, and those of HCR_EL2.VI, VF, VSE. */
uint32_t async_lines(const struct el_state *s);

/* The exception to take before the next instruction, if any. */
bool async_pending(const struct el_state *s, struct el_exception *out, struct async_route *route);

/* "irq", "vserror". */
const char *async_name(enum el_async line);

#endif
