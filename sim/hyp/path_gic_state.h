/* path_gic_state.h - what path_gic.h keeps. For path_gic*.c and path_irq.c only. */
#ifndef HYP_PATH_GIC_STATE_H
#define HYP_PATH_GIC_STATE_H

#include "gic/cpu_if.h"
#include "gic/gate.h"
#include "hyp/path_device.h"
#include "hyp/path_gic.h"
#include "hyp/path_its.h"

struct path_gic_pe {
	unsigned core;
	cycles_t now, deadline;
	cycles_t left;    /* when its guest was last left */
	unsigned waiting; /* physical interrupts sent to it and not yet acknowledged */
	cycles_t hidden;  /* until then its physical interrupts are not signalled */
	cycles_t vhidden; /* the same of virtual ones that came without software */
	cycles_t maintenance_from,
		maintenance; /* since when that interrupt is wanted, and when it is signalled */
	bool maintained;     /* it is wanted */
	uint32_t timer;      /* INTID of the wire that is high; 0: none */
	bool kicked;         /* another core wants its vCPU to leave its guest */
	bool changed;        /* its signals may have, in the access that is going on */
	struct gic_gate redistributor;
};

struct path_gic {
	struct path_gic_params params;
	struct gic_timing timing;
	struct gic *gic;
	struct vgic *vgic;
	struct path_guest_its *its;     /* NULL: the guest has not used it */
	struct path_host_its *host_its; /* NULL: a GICv2 has none */
	struct path_devices *devices;
	struct path_gic_pe *pe;
	struct irq_book *book[2]; /* physical, virtual */
	struct gic_gate distributor, its_gate;
	struct gic_gate_stats gates[GIC_PART_COUNT];
	bool counts_messages;  /* their counters are registered */
	enum gic_source cause; /* of what is being injected */
	cycles_t cause_at;
	cycles_t cause_now; /* when it is injected */
	path_gic_others_fn *others;
	void *others_ctx;
	path_gic_sent_fn *sent;
	void *sent_ctx;
	struct {
		unsigned count; /* of signals since it was forgotten */
		unsigned pe;    /* of the latest, at */
		cycles_t at;
	} flag[PATH_GIC_FLAGS];
};

/* Puts an interrupt from core of `from` under way to `to`, at `now`; returns when it is signalled there. */
cycles_t path_gic_send(struct path_gic *g, unsigned from, unsigned to, uint32_t intid, enum gic_source source,
		       cycles_t now);
/* The maintenance interrupt of `pe` is wanted from `now` on: returns when that is signalled. It is in no book: a hypervisor that leaves
 * its guest takes the reason away before it acknowledges anything. */
cycles_t path_gic_send_maintenance(struct path_gic *g, unsigned pe, cycles_t now);
/* Tells who has asked for it (path_gic_on_sent) that this is signalled at `at`. */
void path_gic_tell_sent(const struct path_gic *g, unsigned to, cycles_t at);
/* A virtual SGI that the GIC delivers by itself: from the core of `from`, whose guest asked for it at `cause`. */
void path_gic_send_virtual(struct path_gic *g, unsigned from, unsigned to, uint32_t sgi, cycles_t cause);

/* What a device has asserted. */
struct path_device_way {
	unsigned to; /* PE */
	uint32_t intid;
	enum gic_source source;
	struct path_its_sent sent; /* of a message */
	bool waits;                /* a virtual interrupt was signalled to that PE before */
};
/* As path_gic_send() and path_gic_send_virtual(), from where devices are, at `now`. */
cycles_t path_gic_send_device(struct path_gic *g, const struct path_device_way *d, cycles_t now);
void path_gic_send_device_virtual(struct path_gic *g, const struct path_device_way *d, cycles_t now);
bool path_gic_virtual_waits(struct path_gic *g, unsigned pe);

/* What is injected from here on, at `now`, was caused by `source` at `at`. */
void path_gic_cause(struct path_gic *g, enum gic_source source, cycles_t at, cycles_t now);
/* The guest's ITS, made when it is first used. */
struct path_guest_its *path_gic_guest_its(struct path_gic *g);

#endif
