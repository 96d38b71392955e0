/* v2.h - the memory-mapped CPU interfaces of a GICv2: GICC of a host, GICV of a guest, GICH of its hypervisor.
 *
 * The same interfaces as those behind ICC_*, ICV_* and ICH_* (cpu_if.h), reached by loads and stores: masks, active priorities and
 * list registers are one state. What system registers have no place for is here: AckCtl and FIQEn, the 32-bit layout of list registers,
 * and the CPUID of an SGI.
 * Source: Arm IHI 0048B: 4.4 (GICC), 5.3 (GICH), 5.5 (GICV).
 * Interrupts come through either distributor: v2_dist.h's, or that of gic.h.
 * Not modelled: bypass of the interface; ends that name the CPUID of another source than the active one; GICC_APR<n> and GICC_NSAPR<n> of
 * Non-secure software.
 */
#ifndef GIC_V2_H
#define GIC_V2_H

#include "gic/cpu_if.h"

/* One access of 4 bytes at `offset` of a frame. What is not there, or of another size, reads as zero and ignores writes. `secure` does
 * not matter without Security Extensions (struct gic_params.security). */
uint32_t gicc_read(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, bool secure);
void gicc_write(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, uint32_t value, bool secure);
uint32_t gicv_read(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes);
void gicv_write(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, uint32_t value);
uint32_t gich_read(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes);
void gich_write(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, uint32_t value);

/* As gic_signals(), for a PE that uses these frames: Group 0 is IRQ unless GICC_CTLR.FIQEn (GICV_CTLR.FIQEn) is 1. */
struct gic_signals gicv2_signals(struct gic *g, unsigned pe);

#endif
