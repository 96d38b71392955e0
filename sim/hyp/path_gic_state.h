/* path_gic_state.h - what path_gic.h keeps. For path_gic*.c and path_irq.c only. */
#ifndef HYP_PATH_GIC_STATE_H
#define HYP_PATH_GIC_STATE_H

#include "gic/cpu_if.h"
#include "hyp/path_gic.h"
#include "hyp/path_its.h"

struct path_gic_pe {
	unsigned core;
	cycles_t now, deadline;
	cycles_t left;    /* when its guest was last left */
	unsigned waiting; /* physical interrupts sent to it and not yet acknowledged */
	cycles_t hidden;  /* until then its physical interrupts are not signalled */
	cycles_t vhidden; /* the same of virtual ones that came without software */
	uint32_t timer;   /* INTID of the wire that is high; 0: none */
	bool kicked;      /* another core wants its vCPU to leave its guest */
	bool changed;     /* its signals may have, in the access that is going on */
};

struct path_gic {
	struct path_gic_params params;
	struct gic_timing timing;
	struct gic *gic;
	struct vgic *vgic;
	struct path_guest_its *its; /* NULL: the guest has not used it */
	struct path_vpes *vpes;     /* NULL: no GICv4.1 */
	struct path_gic_pe *pe;
	struct irq_book *book[2]; /* physical, virtual */
	enum gic_source cause;    /* of what is being injected */
	cycles_t cause_at;
	cycles_t cause_now; /* when it is injected */
	path_gic_others_fn *others;
	void *others_ctx;
	struct {
		unsigned count; /* of signals since it was forgotten */
		unsigned pe;    /* of the latest, at */
		cycles_t at;
	} flag[PATH_GIC_FLAGS];
};

/* Puts an interrupt from core of `from` under way to `to`, at `now`; returns when it is signalled there. */
cycles_t path_gic_send(struct path_gic *g, unsigned from, unsigned to, uint32_t intid, enum gic_source source,
		       cycles_t now);
/* A virtual SGI that the GIC delivers by itself: from the core of `from`, whose guest asked for it at `cause`. */
void path_gic_send_virtual(struct path_gic *g, unsigned from, unsigned to, uint32_t sgi, cycles_t cause);

#endif
