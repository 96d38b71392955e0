/* timing.h - how long an interrupt is under way in the interrupt controller, before any software sees it.
 *
 *   gic_route: (source, from where, to which core) -> time of each stage until the CPU interface signals it
 * The GIC has a clock of its own, so its stages are in nanoseconds; accesses to its registers take cycles of the core that makes
 * them. Interconnects between dies and sockets are passed by whatever goes from one to another: from a core or device
 * to the ITS or distributor, and from there to the redistributor of the core.
 * Source: stages: Arm IHI 0069H, 2.2 (distributor, redistributors, CPU interfaces, ITS) and figure 2-1; a SGI passes the sender's
 * redistributor and the distributor (CoreLink GIC-600 TRM 100336, 1.3). Times are no part of the architecture.
 * Messages that wait for others: gate.h. Not modelled: SPIs of a distributor on another chip than their device.
 */
#ifndef GIC_TIMING_H
#define GIC_TIMING_H

#include "base/types.h"
#include "config/schema.h"
#include "mem/topology.h"

enum gic_version { GIC_UNTIMED, GIC_V2, GIC_V3, GIC_V4, GIC_V41 };

/* What a machine's GIC is like (key gic). */
struct gic_timing {
	uint64_t version; /* enum gic_version */
	uint64_t nmi;     /* FEAT_GICv3_NMI */
	uint64_t list_registers, priority_bits;
	uint64_t assert_ns, distributor_ns, redistributor_ns, interface_ns;
	uint64_t die_ns, socket_ns; /* between two dies of a socket, between sockets */
	uint64_t its_core;          /* a core of the die on which the ITS stands */
	uint64_t device_core;       /* of the die to which devices are attached */
	uint64_t its_ns, its_read_ns;
	uint64_t its_cached; /* entries of each of its caches; 0: none */
	uint64_t its_write_ns;
	uint64_t vpe_schedule_ns, doorbell_ns;
	uint64_t distributor_gap_ns, its_gap_ns, redistributor_gap_ns; /* by enum gic_part (gate.h) */
	uint64_t ack_cycles, eoi_cycles, dir_cycles, lr_read_cycles, lr_write_cycles;
};
extern const struct schema gic_schema;

/* Who asserts it. X(name, what) */
#define GIC_SOURCES(X) \
	X(sgi, "software on a core") \
	X(ppi, "a wire of the core itself") \
	X(spi, "a wire of a device") \
	X(lpi, "a message of a device, through the ITS") \
	X(vsgi, "a virtual SGI that the ITS delivers (GICv4.1)") \
	X(doorbell, "the LPI that tells of an interrupt for a vPE that is not resident")
enum gic_source {
#define X(name, doc) GIC_FROM_##name,
	GIC_SOURCES(X)
#undef X
		GIC_SOURCE_COUNT
};
extern const char *const gic_source_names[]; /* NULL at the end */

/* What it passes in hardware, in order. X(name, what) */
#define GIC_HOPS(X) \
	X(assert, "from its source to the distributor, the ITS, or of a PPI the redistributor") \
	X(translate, "in the ITS") \
	X(distributor, "in the distributor") \
	X(redistributor, "to the redistributor of its core, and in it") \
	X(interface, "from there to the CPU interface, which signals it")
enum gic_hop {
#define X(name, doc) GIC_HOP_##name,
	GIC_HOPS(X)
#undef X
		GIC_HOP_COUNT
};

struct gic_route_request {
	enum gic_source source;
	unsigned from, to;  /* cores; `from` of a device: a core of the die that it is on */
	bool by_device;     /* not by software on `from` */
	unsigned its_reads; /* doublewords that the ITS has to read from its tables */
};

/* The cycles that each stage takes on a machine of `clock_mhz`. Returns their sum. All 0 where t->version is GIC_UNTIMED. */
cycles_t gic_route(const struct gic_timing *t, const struct topology_params *topology, uint64_t clock_mhz,
		   const struct gic_route_request *r, cycles_t hop[GIC_HOP_COUNT]);

/* Nanoseconds as cycles, rounded up. */
cycles_t gic_ns(uint64_t ns, uint64_t clock_mhz);

#endif
