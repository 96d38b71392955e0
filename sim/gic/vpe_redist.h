/* vpe_redist.h - inside of vpe.c and vpe_regs.c. */
#ifndef GIC_VPE_REDIST_H
#define GIC_VPE_REDIST_H

#include "gic/vpe.h"

struct vpe_redist {
	struct vpe_params p;
	struct lpi *lpi;
	uint64_t vpropbaser;
	uint64_t vpendbaser; /* as written, without what reads compute */
	bool resident, dirty, pending_last;
	bool sgi_busy;
	uint16_t sgi_pending;     /* of GICR_VSGIPENDR */
	uint32_t vpeid;           /* resident one; GICv4.1 */
	struct pa at;             /* its entry */
	struct lpi_tables tables; /* its tables */
	struct lpi_set set;       /* its interrupts */
	struct vpe_work work;
	struct vpe_stats stats;
	lpi_change_fn *on_change;
	void *on_change_self;
};

/* The entry of a vPEID through GICR_VPROPBASER. False: not mapped. */
bool vpe_find_entry(const struct vpe_redist *v, uint32_t vpeid, struct vpe_target *out);
void vpe_schedule(struct vpe_redist *v);
void vpe_deschedule(struct vpe_redist *v, bool doorbell);

#endif
