#include "gic/timing.h"

static const char *const version_names[] = {"untimed", "2", "3", "4", "4.1", NULL};

const char *const gic_source_names[] = {
#define X(name, doc) #name,
	GIC_SOURCES(X)
#undef X
		NULL};

#define F struct gic_timing
static const struct param rows[] = {
	HW_ENUM(F, version, version_names, GIC_UNTIMED,
		"architecture version; untimed: interrupts reach their core at once, and nothing is counted"),
	HW_BOOL(F, nmi, 0, "FEAT_GICv3_NMI: interrupts with superpriority"),
	HW_U64(F, list_registers, "registers", 4, 1, 16,
	       "list registers of each core (ICH_VTR_EL2.ListRegs + 1)"),
	HW_U64(F, priority_bits, "bits", 5, 5, 8, "of a priority that are implemented"),
	HW_U64(F, assert_ns, "ns", 10, 0, 1000000, "from a wire or a message to the GIC"),
	HW_U64(F, distributor_ns, "ns", 30, 0, 1000000, "in the distributor: route and priority"),
	HW_U64(F, redistributor_ns, "ns", 20, 0, 1000000, "between distributor and redistributor, and in it"),
	HW_U64(F, interface_ns, "ns", 10, 0, 1000000,
	       "between redistributor and CPU interface, either way; of a GICv2 between distributor and interface"),
	HW_U64(F, die_ns, "ns", 0, 0, 1000000, "more where a message goes to another die of the socket"),
	HW_U64(F, socket_ns, "ns", 0, 0, 1000000, "more where a message goes to another socket"),
	HW_U64(F, its_core, "core", 0, 0, 1023, "a core of the die on which the ITS stands"),
	HW_U64(F, device_core, "core", 0, 0, 1023,
	       "a core of the die to which devices are attached whose interrupts a scenario waits for"),
	HW_U64(F, its_ns, "ns", 40, 0, 1000000, "a translation whose entries the ITS has at hand"),
	HW_U64(F, its_read_ns, "ns", 100, 0, 1000000,
	       "more for each doubleword that the ITS reads from its tables"),
	HW_U64(F, its_cached, "entries", 64, 0, 65536,
	       "of each cache of the ITS, a power of 2 from 4; 0: none"),
	HW_U64(F, its_write_ns, "ns", 50, 0, 1000000,
	       "a core's store to a register of the ITS or distributor on its own die, until it is there"),
	HW_U64(F, vpe_schedule_ns, "ns", 500, 0, 1000000,
	       "until a vPE is resident: GICR_VPENDBASER.Dirty is polled that long (GICv4.1)"),
	HW_U64(F, doorbell_ns, "ns", 20, 0, 1000000, "more for a doorbell than for another LPI (GICv4.1)"),
	HW_U64(F, distributor_gap_ns, "ns", 0, 0, 1000000,
	       "between two SGIs or SPIs that the distributor takes; 0: as many at once as there are"),
	HW_U64(F, its_gap_ns, "ns", 0, 0, 1000000, "between two messages that the ITS takes; 0: the same"),
	HW_U64(F, redistributor_gap_ns, "ns", 0, 0, 1000000,
	       "between two interrupts that a redistributor takes; 0: the same"),
	HW_U64(F, ack_cycles, "cycles", 0, 0, 1000000, "a read of IAR; 0: primitives.gic_read_cycles"),
	HW_U64(F, eoi_cycles, "cycles", 0, 0, 1000000, "a write of EOIR; 0: primitives.gic_write_cycles"),
	HW_U64(F, dir_cycles, "cycles", 0, 0, 1000000, "a write of DIR; 0: primitives.gic_write_cycles"),
	HW_U64(F, lr_read_cycles, "cycles", 0, 0, 1000000,
	       "a read of a list register; 0: primitives.gic_read_cycles"),
	HW_U64(F, lr_write_cycles, "cycles", 0, 0, 1000000,
	       "a write of a list register; 0: primitives.gic_write_cycles"),
};
#undef F
SCHEMA(gic_schema, "gic", struct gic_timing, rows,
       "the interrupt controller, and how long interrupts are under way in it");

cycles_t gic_ns(uint64_t ns, uint64_t clock_mhz) { return cycles_of_ns(ns, clock_mhz); }

/* Of the interconnect between the dies of two cores. */
static uint64_t between_ns(const struct gic_timing *t, const struct topology_params *p, unsigned a,
			   unsigned b)
{
	if (topology_unit(p, p->socket_cores ? SHARE_SOCKET : SHARE_ALL, a) !=
	    topology_unit(p, p->socket_cores ? SHARE_SOCKET : SHARE_ALL, b))
		return t->socket_ns;
	enum share die = p->die_cores ? SHARE_DIE : SHARE_ALL;
	return topology_unit(p, die, a) == topology_unit(p, die, b) ? 0 : t->die_ns;
}

/* A vSGI begins with a store of the hypervisor to GITS_SGIR, a device's interrupt with its message. */
static void through_its(const struct gic_timing *t, const struct topology_params *p,
			const struct gic_route_request *r, uint64_t ns[GIC_HOP_COUNT])
{
	unsigned its = (unsigned)t->its_core;
	ns[GIC_HOP_assert] = (r->by_device ? t->assert_ns : t->its_write_ns) + between_ns(t, p, r->from, its);
	ns[GIC_HOP_translate] = t->its_ns + r->its_reads * t->its_read_ns;
	if (r->source == GIC_FROM_doorbell) ns[GIC_HOP_translate] += t->doorbell_ns;
	ns[GIC_HOP_redistributor] = between_ns(t, p, its, r->to) + t->redistributor_ns;
}

cycles_t gic_route(const struct gic_timing *t, const struct topology_params *topology, uint64_t clock_mhz,
		   const struct gic_route_request *r, cycles_t hop[GIC_HOP_COUNT])
{
	uint64_t ns[GIC_HOP_COUNT] = {[GIC_HOP_interface] = t->interface_ns};
	cycles_t sum = 0;
	switch (r->source) {
	case GIC_FROM_sgi:
		ns[GIC_HOP_assert] = t->interface_ns + t->redistributor_ns;
		ns[GIC_HOP_distributor] = t->distributor_ns;
		ns[GIC_HOP_redistributor] = between_ns(t, topology, r->from, r->to) + t->redistributor_ns;
		break;
	case GIC_FROM_ppi:
		ns[GIC_HOP_assert] = t->assert_ns;
		ns[GIC_HOP_redistributor] = t->redistributor_ns;
		break;
	case GIC_FROM_spi:
		ns[GIC_HOP_assert] = t->assert_ns;
		ns[GIC_HOP_distributor] = t->distributor_ns;
		ns[GIC_HOP_redistributor] = between_ns(t, topology, r->from, r->to) + t->redistributor_ns;
		break;
	default: through_its(t, topology, r, ns); break;
	}
	if (t->version == GIC_V2) ns[GIC_HOP_redistributor] = 0; /* it has none */
	for (unsigned i = 0; i < GIC_HOP_COUNT; i++) {
		hop[i] = t->version == GIC_UNTIMED ? 0 : gic_ns(ns[i], clock_mhz);
		sum += hop[i];
	}
	return sum;
}
