/* lpi_source.h - the LPIs of all redistributors of a GIC: what gic.h calls a source of LPIs and of virtual LPIs.
 *
 *   lpi_source_new -> lpi_source_redists: what its_new() takes
 * It makes the LPI part of each redistributor, and with GICv4 the virtual one, tells the GIC when what they offer changes, and serves
 * the registers of GICR that are about LPIs: GICR_CTLR.EnableLPIs, RD_base from GICR_SETLPIR to GICR_SYNCR, and the VLPI frame.
 * Source: IHI 0069, 12.11 (GICR_CTLR, GICR_TYPER), 4.8 (with two Security states the priority of an LPI, a Non-secure
 * interrupt of group 1, is in the lower half of the range).
 */
#ifndef GIC_LPI_SOURCE_H
#define GIC_LPI_SOURCE_H

#include "gic/gic.h"
#include "gic/its.h"

struct lpi_source_params {
	unsigned id_bits;     /* of physical and virtual INTIDs, 14..24 */
	bool direct;          /* see struct lpi_params */
	bool v4, v41;         /* v41 needs v4 */
	const unsigned *node; /* of each PE; NULL: all on node 0 */
};

struct lpi_source;

/* Gives `g`, which must not have been accessed yet, its sources. `g` and `mem` are borrowed and outlive it. Free with
 * lpi_source_free(). */
struct lpi_source *lpi_source_new(const struct lpi_source_params *p, struct gic *g, struct physmem *mem);
void lpi_source_free(struct lpi_source *s);
/* One per PE, in their order. */
const struct its_redist *lpi_source_redists(const struct lpi_source *s);
/* Host memory of all of them. */
size_t lpi_source_bytes(const struct lpi_source *s);

#endif
