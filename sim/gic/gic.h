/* gic.h - a GICv3: distributor, redistributors and CPU interfaces, what they hold and whom they signal.
 *
 *   wires in        gic_set_line (PPIs, SPIs), gic_lpi_changed (LPIs, from an ITS)
 *   registers       gic_mmio_read/write (GICD, GICR); ICC_*, ICV_*, ICH_*: cpu_if.h
 *   signals out     gic_signals: which of IRQ, FIQ, vIRQ, vFIQ a PE sees asserted, and the maintenance interrupt
 * The functional plane only: it knows no time and schedules nothing. Every call leaves a consistent state; who wants to know
 * that a PE's signals may have changed hands over a callback, else asks gic_signals() before an instruction.
 *
 * LPIs live elsewhere: a `struct gic_lpi_source` tells the LPI of highest priority per PE, takes its pending
 * state when it is acknowledged, and serves the registers of GICR that are about LPIs. A second one of the same kind tells the
 * virtual LPI of highest priority of the resident vPE (GICv4).
 *
 * Memory: a redistributor is made when it is first touched, 32 SPIs when the first of them is.
 * Source: Arm IHI 0069H: chapter 2 (INTIDs), 4 (states, priority), 12.9 (GICD), 12.11 (GICR); GICv3.3 NMI: 4.9.
 * IMPDEF: affinity routing is always on (GICD_CTLR.ARE_S and ARE_NS are RAO/WI); a 1 of N interrupt goes to the awake PE of
 * lowest number that has its group enabled and prefers one with no active interrupt; both fields of a reserved
 * GRPMODR:GROUPR combination mean Group 1 Non-secure.
 * Not modelled: message-based SPIs of GICD_SETSPI by Secure aliases, SError generation, GICR_CTLR.RWP (writes are complete at
 * once), power-down of redistributors beyond GICR_WAKER.
 */
#ifndef GIC_GIC_H
#define GIC_GIC_H

#include "base/types.h"

enum gic_intid {
	GIC_SGIS = 16,
	GIC_PRIVATE = 32, /* SGIs and PPIs */
	GIC_SPI_END = 1020,
	GIC_EXT_PPI = 1056, /* ..1119 */
	GIC_EXT_SPI = 4096, /* ..5119 */
	GIC_LPI = 8192,
	/* What an acknowledge returns instead of an interrupt: 1020 and 1021: of Group 1 Secure or Non-secure, to
	 * EL3; 1022: has superpriority (GICv3.3); 1023: none. */
	GIC_INTID_SECURE = 1020,
	GIC_INTID_NONSECURE = 1021,
	GIC_INTID_NMI = 1022,
	GIC_SPURIOUS = 1023,
};

enum { GIC_EXT_PPIS = 64 }; /* at most, from GIC_EXT_PPI on */

/* An SGI or a PPI: each PE has its own of that number. */
static inline bool gic_is_private(uint64_t intid)
{
	return intid < GIC_PRIVATE || (intid >= GIC_EXT_PPI && intid < GIC_EXT_PPI + GIC_EXT_PPIS);
}

enum gic_group { GIC_G0, GIC_G1S, GIC_G1NS, GIC_GROUPS };

enum { GIC_IDLE_PRIORITY = 0xff, GIC_MAX_PES = 4096, GIC_MAX_LRS = 16, GIC_V2_PES = 8 };

struct gic_params {
	unsigned pes; /* 1..GIC_MAX_PES */
	const uint32_t
		*affinity; /* Aff3.Aff2.Aff1.Aff0 of each PE, ascending; NULL: 16 per Aff1, 256 per Aff2 */
	unsigned spis;     /* INTIDs from 32; rounded up to whole 32s, at most 988 */
	unsigned extended_ppis;      /* 0, 32 or 64 */
	unsigned extended_spis;      /* 0..1024 */
	unsigned priority_bits;      /* 4..8, 5..8 with security; 0: 5 */
	unsigned kept_priority_bits; /* that the distributor keeps, whatever is compared; 0: priority_bits */
	unsigned virtual_priority_bits; /* 5..8; 0: 5 */
	unsigned list_registers;        /* 0..16 */
	unsigned maintenance_intid;     /* the PPI that ICH_MISR drives; 0: not wired */
	bool security;        /* two Security states: GICD_CTLR.DS resets to 0 and may be set once */
	bool nmi;             /* FEAT_GICv3_NMI */
	bool awake;           /* as firmware leaves it: GICR_WAKER.ProcessorSleep starts at 0 */
	bool forwards_asleep; /* as QEMU's: GICR_WAKER keeps nothing from a PE */
	bool disabled_hides; /* as QEMU's: the highest pending interrupt hides others though its group is disabled */
	bool v2; /* a GICv2 of at most GIC_V2_PES PEs: its distributor is v2_dist.h's, and none sleeps */
};

/* An interrupt that wants to be taken. A lower priority value is more urgent. */
struct gic_pending {
	uint32_t intid;
	uint8_t priority;
	uint8_t group; /* enum gic_group */
	bool nmi;      /* superpriority */
	bool lpi;      /* came from a gic_lpi_source */
};

/* Where LPIs (or virtual LPIs and GICv4.1 virtual SGIs) wait. Callbacks may not call back into the gic. */
struct gic_lpi_source {
	void *self;
	/* The enabled pending one of highest priority at `pe`: INTID breaks ties, lowest first. False: none. Fills intid, priority
	 * (as the Secure view has it) and group; group is GIC_G1NS for physical LPIs, GIC_G0 or GIC_G1NS for virtual ones. */
	bool (*highest)(void *self, unsigned pe, struct gic_pending *out);
	/* It has been acknowledged: it is no longer pending. LPIs have no active state. */
	void (*acknowledge)(void *self, unsigned pe, uint32_t intid);
	/* A register of GICR at `offset` that gic does not have itself: all of RD_base that is about LPIs, and the VLPI frame from
	 * 0x20000. GICR_CTLR comes here as well: its bits about LPIs are ORed in. False: RAZ/WI. Any may be NULL. */
	bool (*read)(void *self, unsigned pe, uint32_t offset, unsigned bytes, uint64_t *value);
	bool (*write)(void *self, unsigned pe, uint32_t offset, unsigned bytes, uint64_t value);
	uint64_t gicr_typer; /* bits ORed into every GICR_TYPER: PLPIS, VLPIS, DirectLPI, CommonLPIAff ... */
	uint32_t gicd_typer; /* bits ORed into GICD_TYPER: LPIS, num_LPIs, IDbits */
};

struct gic;

/* Asserts on parameters out of range: the caller has checked them. The caller frees with gic_free(). */
struct gic *gic_new(const struct gic_params *p);
void gic_free(struct gic *g);
const struct gic_params *gic_params(const struct gic *g);

/* `changed(self, pe)` is called after whatever may have changed gic_signals() of that PE, inside of the call that did it: it
 * may note the PE, and not call the gic. */
void gic_on_change(struct gic *g, void (*changed)(void *self, unsigned pe), void *self);
/* The sources are copied; at most one of each, before the first access. */
void gic_set_lpi_source(struct gic *g, const struct gic_lpi_source *s);
void gic_set_vlpi_source(struct gic *g, const struct gic_lpi_source *s);
/* What the source would answer for `pe` may have changed. */
void gic_lpi_changed(struct gic *g, unsigned pe);

/* The PE with this affinity (Aff3.Aff2.Aff1.Aff0), or -1. O(log PEs). */
int gic_pe_of(const struct gic *g, uint32_t affinity);
uint32_t gic_affinity(const struct gic *g, unsigned pe);

/* A wire rises or falls: INTIDs 16..31 and extended PPIs at `pe`, SPIs anywhere (`pe` is not looked at). Others are ignored. */
void gic_set_line(struct gic *g, unsigned pe, uint32_t intid, bool level);
/* An SGI becomes pending at `pe`, whoever sent it. */
void gic_set_sgi(struct gic *g, unsigned pe, uint32_t intid);
/* A message (GICD_SETSPI_NSR, GICD_CLRSPI_NSR): an edge, or the level of a level-sensitive SPI. */
void gic_message_spi(struct gic *g, uint32_t intid, bool set);

/* One access of 1, 2, 4 or 8 bytes by a Secure or Non-secure requester. What is not implemented, of a size that the register does
 * not allow, or not for this Security state, reads as zero and ignores writes. GICR offsets: RD_base 0, SGI_base 0x10000. */
uint64_t gic_dist_read(struct gic *g, uint32_t offset, unsigned bytes, bool secure);
void gic_dist_write(struct gic *g, uint32_t offset, unsigned bytes, uint64_t value, bool secure);
uint64_t gic_redist_read(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, bool secure);
void gic_redist_write(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, uint64_t value,
		      bool secure);

/* What the redistributor of `pe` offers: the pending, enabled, inactive interrupt of highest priority whose group
 * GICD_CTLR enables, be the group enabled in the CPU interface or not. False: none. */
bool gic_offered(struct gic *g, unsigned pe, struct gic_pending *out);
/* A sleeping redistributor has something for its PE (the wake request to the power controller). */
bool gic_wake_request(struct gic *g, unsigned pe);

/* The state of one interrupt, for tests and `strata explain`. `pe` matters for private ones. */
struct gic_irq_state {
	bool enabled, pending, active, line, latched, edge, nmi;
	uint8_t priority, group;
	int target; /* PE that it would go to, -1: none */
};
/* False: there is no such interrupt. */
bool gic_irq_state(struct gic *g, unsigned pe, uint32_t intid, struct gic_irq_state *out);

#endif
