/* state.h - what a GIC holds. For the files of sim/gic only.
 *
 * 32 interrupts are a `struct gic_bank`: a word per kind of bit, so that a register of one bit per interrupt is a word, too. A PE
 * has a bank of SGIs and PPIs and up to two of extended PPIs; the distributor has banks of SPIs.
 * A PE's highest pending interrupt is kept until something that it depends on has changed (`stale`).
 */
#ifndef GIC_STATE_H
#define GIC_STATE_H

#include "gic/cpu_if.h"

struct gic_route {
	uint64_t irouter; /* GICD_IROUTER<n> */
	int target; /* the PE that its affinity names; -1: there is none; not used with Interrupt_Routing_Mode */
	uint8_t cpus; /* GICD_ITARGETSR<n> of a GICv2, in place of both */
};

struct gic_bank {
	uint32_t enable, latch, line, active, edge, group, grpmod, nmi;
	uint32_t first; /* INTID of bit 0 */
	uint64_t nsacr; /* two bits per interrupt */
	uint8_t priority[32];
	struct gic_route *route; /* of 32 SPIs; NULL: private interrupts */
};

/* Of a physical interface, the fields per group are by enum gic_group; the virtual one uses GIC_G0 and GIC_G1NS. */
struct gic_interface {
	uint8_t pmr;
	uint8_t bpr[GIC_GROUPS]; /* as written, at least the minimum of its group */
	bool enable[GIC_GROUPS];
	bool nmi_active[GIC_GROUPS];    /* ICC_AP1R0_EL1.NMI */
	uint32_t active[GIC_GROUPS][4]; /* ICC_AP<n>R<m>: one bit per group priority */
	bool eoi_mode[3];               /* by enum eoi_of */
	uint8_t nmi_floor; /* Non-secure superpriority counts as 0x80 with two Security states, else as 0 */
	bool cbpr[2];      /* [0] Secure Group 1, or the only one; [1] Non-secure Group 1 */
};
enum eoi_of { EOI_SECURE, EOI_NONSECURE, EOI_EL3 };

struct gic_virtual {
	struct gic_interface cif;
	bool maintenance;
	uint64_t lr[GIC_MAX_LRS];
	uint32_t hcr;
	bool ack_ctl, fiq_en; /* ICH_VMCR_EL2.VAckCtl, VFIQEn */
};

struct gic_pe {
	unsigned index;
	bool asleep;        /* GICR_WAKER.ProcessorSleep */
	uint32_t gicr_ctlr; /* DPG1S, DPG1NS, DPG0 */
	struct gic_bank bank;
	struct gic_bank extended[2];
	struct gic_interface cif;
	bool ack_ctl, fiq_en; /* GICC_CTLR.AckCtl, FIQEn (v2.h) */
	/* Of a GICv2: PEs whose SGI is pending here, and the one whose SGI was acknowledged last. */
	uint8_t sgi_from[GIC_SGIS], sgi_source[GIC_SGIS];
	struct gic_virtual virt;
	bool stale;
	uint64_t epoch; /* of gic.epoch, when `highest` was found */
	bool has_highest;
	struct gic_pending highest; /* among the groups that the CPU interface enables */
};

struct gic {
	struct gic_params params;
	unsigned prio_bits, vprio_bits;
	unsigned kept_bits;  /* of GICD_ and GICR_IPRIORITYR */
	bool range_selector; /* some Aff0 needs ICC_SGI<n>R_EL1.RS */
	uint32_t *affinity;  /* ascending */
	uint32_t ctlr;       /* GICD_CTLR: EnableGrp0, EnableGrp1NS, EnableGrp1S, DS */
	unsigned spi_banks, ext_banks;
	struct gic_bank **spi; /* spi_banks + ext_banks pointers; NULL: untouched */
	struct gic_pe **pe;    /* NULL: untouched */
	uint64_t epoch;        /* counts what may change the answer of many PEs */
	bool any_1_of_n;       /* some SPI has ever had Interrupt_Routing_Mode = 1 */
	struct gic_lpi_source lpi, vlpi;
	void (*changed)(void *self, unsigned pe);
	void *changed_self;
};

enum gicd_ctlr {
	CTLR_GRP0 = 1,
	CTLR_GRP1NS = 2,
	CTLR_GRP1S = 4,
	CTLR_ARE = 0x30,
	CTLR_DS = 0x40,
	CTLR_E1NWF = 0x80
};
enum gicr_ctlr_dpg { GICR_DPG0 = 1 << 24, GICR_DPG1NS = 1 << 25, GICR_DPG1S = 1 << 26 };

/* The PE's state, made at its first use. */
struct gic_pe *gic_pe(struct gic *g, unsigned pe);
/* A PE's answer may be another one; all PEs' answers. */
void gic_touch(struct gic *g, struct gic_pe *pe);
void gic_touch_all(struct gic *g);
/* After SPIs `mask` of `b` have changed: the PEs that they may go to. */
void gic_touch_spis(struct gic *g, const struct gic_bank *b, uint32_t mask);

static inline bool gic_forwards(const struct gic *g, const struct gic_pe *pe)
{
	return !pe->asleep || g->params.forwards_asleep;
}

static inline bool gic_one_state(const struct gic *g) { return g->ctlr & CTLR_DS; }

/* The bank that holds `intid`, made at its first use; *bit is its place. NULL: there is no such interrupt. `pe` NULL: SPIs only. */
struct gic_bank *gic_find(struct gic *g, struct gic_pe *pe, uint32_t intid, unsigned *bit);
/* As gic_find, but NULL for one that was never touched. */
struct gic_bank *gic_peek(struct gic *g, struct gic_pe *pe, uint32_t intid, unsigned *bit);
/* SPIs 32n.. of the ordinary range, or with `extended` 4096 + 32n; made at first use. NULL: not implemented. */
struct gic_bank *gic_spi_bank(struct gic *g, unsigned n, bool extended);
/* The same without making it. */
struct gic_bank *gic_private_bank(struct gic *g, struct gic_pe *pe, unsigned n);

static inline uint32_t bank_pending(const struct gic_bank *b) { return b->latch | (b->line & ~b->edge); }
/* Interrupts of a group. */
uint32_t bank_group(const struct gic *g, const struct gic_bank *b, enum gic_group group);
enum gic_group bank_group_of(const struct gic *g, const struct gic_bank *b, unsigned bit);
void bank_set_line(struct gic_bank *b, unsigned bit, bool level);

/* The PE that an SPI goes to now, or -1; of a GICv2, where there may be several, the first. */
int gic_spi_target(struct gic *g, const struct gic_bank *b, unsigned bit);
bool gic_spi_goes_to(struct gic *g, const struct gic_bank *b, unsigned bit, unsigned pe);
/* The highest pending interrupt of the groups in `groups` (1 << enum gic_group). */
bool gic_find_highest(struct gic *g, struct gic_pe *pe, unsigned groups, struct gic_pending *out);
/* The same of the groups that the CPU interface enables. */
bool gic_find_enabled(struct gic *g, struct gic_pe *pe, struct gic_pending *out);
/* What the CPU interface sees: cached. NULL: none. */
const struct gic_pending *gic_highest(struct gic *g, struct gic_pe *pe);

/* An acknowledge makes the interrupt active, a deactivation inactive. LPIs lose their pending state only. */
void gic_activate(struct gic *g, struct gic_pe *pe, const struct gic_pending *irq);
void gic_deactivate(struct gic *g, struct gic_pe *pe, uint32_t intid);
/* The group of an interrupt as the distributor has it; LPIs are of GIC_G1NS. False: there is no such interrupt. */
bool gic_group_of(struct gic *g, struct gic_pe *pe, uint32_t intid, enum gic_group *out);

void gic_interface_reset(struct gic_interface *c, unsigned bits);
/* The virtual part of the PE may have changed: drives the maintenance interrupt. */
void gic_virtual_changed(struct gic *g, struct gic_pe *pe);

#endif
