/* v2_dist.h - the distributor of a GICv2: registers of GICD, SGIs with their sources, targets of SPIs.
 *
 * The same state as behind a GICv3 (gic.h), of a GIC made with `v2`. An SPI goes to all CPU interfaces of GICD_ITARGETSR<n>, and the first
 * to acknowledge it has it. An SGI is pending once for each PE that has sent it, and GICC_IAR tells whose it was. Registers of private
 * interrupts are banked: each PE sees its own.
 * Source: Arm IHI 0048B: 3.2 (states, SGIs), 4.2.3 and 4.6 (Security Extensions), 4.3 (registers).
 * IMPDEF: SGIs can be disabled; of several sources the lowest is acknowledged first; GICD_ITARGETSR<n> of SPIs reset to 0; one
 * active bit for an SGI, whatever its source.
 * Not modelled: GICD_PPISR and GICD_SPISR, power management, lockable SPIs (CFGSDISABLE).
 */
#ifndef GIC_V2_DIST_H
#define GIC_V2_DIST_H

#include "gic/gic.h"

/* One access of 1 or 4 bytes by PE `pe`. What is not there, of another size, or not for this Security state, reads as zero and ignores
 * writes. `secure` does not matter without Security Extensions (struct gic_params.security). */
uint64_t gicv2_dist_read(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, bool secure);
void gicv2_dist_write(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, uint64_t value,
		      bool secure);

/* SGI `sgi` of PE `from` becomes pending at PE `to`, whatever it is configured as. */
void gicv2_send_sgi(struct gic *g, unsigned from, unsigned to, unsigned sgi);

#endif
