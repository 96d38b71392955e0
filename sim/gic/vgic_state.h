/* vgic_state.h - what a vGIC holds. For vgic.c, vgic_entry.c and vgic_mmio.c only. */
#ifndef GIC_VGIC_STATE_H
#define GIC_VGIC_STATE_H

#include "gic/vgic.h"

struct vgic_irq {
	uint32_t intid, pintid; /* pintid 0: not mapped to a physical interrupt */
	bool enabled, latch, line, active, edge, group1;
	uint8_t priority;
	int target; /* vCPU that takes it; -1: GICD_IROUTER names none */
	uint64_t irouter;
	int queued; /* vCPU whose ap_list it is on; -1: none */
	struct vgic_irq *next, *previous;
};

struct vgic_vcpu {
	struct vgic_irq irq[GIC_PRIVATE];
	struct vgic_irq *first, *last; /* the ap_list */
	unsigned length;
	uint64_t lr[GIC_MAX_LRS]; /* as last written or read */
	unsigned used;            /* list registers that hold something */
	uint64_t hcr, vmcr, ap0r, ap1r;
	struct gic *g; /* NULL: not loaded */
	unsigned pe;
};

struct vgic {
	struct vgic_params params;
	struct vgic_host host;
	uint32_t *affinity;
	bool enabled; /* GICD_CTLR.EnableGrp1 or EnableGrp0 */
	uint32_t ctlr;
	struct vgic_vcpu **vcpu; /* made at first use */
	struct vgic_irq **spis;  /* 32 each, made at first use */
	struct vgic_irq **lpi;   /* of each LPI that was ever injected */
	size_t lpis;
	struct vgic_counts counts;
};

struct vgic_vcpu *vgic_vcpu(struct vgic *v, unsigned vcpu);
/* NULL: there is no such interrupt. */
struct vgic_irq *vgic_irq(struct vgic *v, unsigned vcpu, uint32_t intid);
static inline bool vgic_is_pending(const struct vgic_irq *q) { return q->latch || (!q->edge && q->line); }

/* The vCPU that should hold the interrupt now: -1: none. */
int vgic_wants(const struct vgic *v, const struct vgic_irq *q);
/* Onto the ap_list where it belongs, if it is on none; the vCPU is kicked. */
void vgic_queue(struct vgic *v, struct vgic_irq *q);
void vgic_unqueue(struct vgic *v, struct vgic_irq *q);
/* The vCPU that a GICD_IROUTER or an SGI names, or -1. */
int vgic_vcpu_of(const struct vgic *v, uint32_t affinity);

#endif
