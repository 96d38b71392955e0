/* vpe.h - GICv4: the part of a redistributor that holds the virtual interrupts of the vPE that runs on its PE.
 *
 *   resident       the vPE that GICR_VPENDBASER names; its virtual LPIs and SGIs are here and are offered to the virtual
 *                  CPU interface (vpe_best)
 *   not resident   pending bits are set in its virtual pending table in memory, and a physical LPI, the doorbell, tells the
 *                  hypervisor
 * To schedule a vPE in, the hypervisor programs GICR_VPENDBASER with Valid = 1. The redistributor reads the pending table;
 * GICR_VPENDBASER.Dirty stays 1, and nothing is offered, until vpe_settle(): a timed machine calls it when the words that
 * `struct vpe_work` counts have been read. Out is Valid = 0: the table is written back under Dirty, then PendingLast says
 * whether an interrupt waits. What arrives under Dirty is not lost.
 *
 * GICv4.0: VPENDBASER and VPROPBASER hold the addresses of the tables, each virtual LPI has its own doorbell (in its ITE). GICv4.1:
 * they hold vPEID and vPE table; one default doorbell per vPE, sent once, and only when it was asked for with
 * VPENDBASER.Doorbell and nothing was pending then; virtual SGIs.
 * Source: IHI 0069, 6 (GICv4 and GICv4.1: residency, doorbells, virtual SGIs), 12.12 (GICR_VPROPBASER, GICR_VPENDBASER,
 * GICR_VSGIR, GICR_VSGIPENDR); use by Linux: drivers/irqchip/irq-gic-v3-its.c (its_vpe_schedule, its_vpe_4_1_deschedule).
 * IMPDEF: a GICv4.0 doorbell does not look at the virtual configuration, which nothing names while the vPE is not resident. A pending
 * bit that says "cannot be pending" at schedule-in (PendingLast = 0, IDAI) is not trusted: the table is always read. A
 * write of Valid = 1 over Valid = 1 is ignored. Writes while Dirty wait for it.
 * Not modelled: MPAM of vPEs, memory attributes.
 */
#ifndef GIC_VPE_H
#define GIC_VPE_H

#include "gic/lpi.h"
#include "gic/vpe_table.h"

struct vpe_params {
	bool v41;
	unsigned id_bits; /* of virtual INTIDs, 14..24 */
};

struct vpe_stats {
	uint64_t scheduled, descheduled, pending_last;
	uint64_t direct, waiting, merged, dropped, acknowledged;
	uint64_t doorbells, words_loaded, bits_stored;
};
extern const struct stat_desc vpe_stat_rows[];
extern const size_t vpe_stat_count;

/* A vPE as an ITS speaks of it. */
struct vpe_target {
	uint32_t vpeid;
	struct pa at; /* its entry */
	struct vpe_entry entry;
};

struct vpe_outcome {
	bool taken;    /* pending now, or already */
	bool resident; /* straight to the virtual CPU interface */
	bool doorbell; /* a doorbell was sent */
};

/* What making a vPE resident, or not, has cost; counted from the write of GICR_VPENDBASER. */
struct vpe_work {
	uint64_t table_reads; /* doublewords of the vPE table */
	uint64_t words_read;  /* non-zero words of the virtual pending table */
	uint64_t bits_written;
	uint64_t config_reads;
};

struct vpe_offer {
	bool any, group1;
	uint32_t intid;
	uint8_t priority;
};

struct vpe_redist;

/* `mem` and `lpi`, the physical LPIs of the same redistributor, are borrowed. Free with vpe_redist_free(). */
struct vpe_redist *vpe_redist_new(const struct vpe_params *p, struct physmem *mem, struct lpi *lpi);
void vpe_redist_free(struct vpe_redist *v);
void vpe_on_change(struct vpe_redist *v, lpi_change_fn *fn, void *self);
struct vpe_stats *vpe_stats(struct vpe_redist *v);
size_t vpe_bytes(const struct vpe_redist *v);

/* An access to the VLPI_base frame (offset 0 is its first register). False: no such register. */
bool vpe_read(const struct vpe_redist *v, unsigned offset, unsigned bytes, uint64_t *value);
bool vpe_write(struct vpe_redist *v, unsigned offset, unsigned bytes, uint64_t value);
/* GICR_INVLPIR and GICR_INVALLR with V = 1 (GICv4.1). */
void vpe_write_invalidate(struct vpe_redist *v, uint64_t value, bool all);

/* Ends what GICR_VPENDBASER.Dirty and GICR_VSGIPENDR.Busy say: interrupts are offered from here on. Returns what was done since. */
struct vpe_work vpe_settle(struct vpe_redist *v);

bool vpe_resident(const struct vpe_redist *v, const struct vpe_target *t);
/* A virtual LPI or SGI becomes pending; `doorbell` is the ITE's of GICv4.0. Writes the vPE's entry when its doorbell is spent. */
struct vpe_outcome vpe_set_pending(struct vpe_redist *v, struct vpe_target *t, uint32_t intid,
				   uint32_t doorbell);
/* Returns whether it was pending. */
bool vpe_clear_pending(struct vpe_redist *v, const struct vpe_target *t, uint32_t intid);
bool vpe_is_pending(const struct vpe_redist *v, const struct vpe_target *t, uint32_t intid);
/* INV and VINVALL; a virtual SGI after VSGI. What is not resident has nothing to forget. */
void vpe_invalidate(struct vpe_redist *v, const struct vpe_target *t, uint32_t intid);
void vpe_invalidate_all(struct vpe_redist *v, const struct vpe_target *t);

/* The enabled virtual interrupt of highest priority of the resident vPE. */
struct vpe_offer vpe_best(const struct vpe_redist *v);
void vpe_acknowledge(struct vpe_redist *v, uint32_t intid);

const char *vpe_check(const struct vpe_redist *v);

#endif
