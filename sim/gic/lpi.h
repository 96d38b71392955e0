/* lpi.h - the physical LPIs of one redistributor: tables in memory, cached configuration, the best pending one.
 *
 *   lpi_new -> program GICR_PROPBASER and GICR_PENDBASER -> lpi_enable -> lpi_set_pending ... lpi_best -> lpi_acknowledge
 * The ITS makes LPIs pending (its.h), or software through GICR_SETLPIR where there is no ITS; the redistributor offers
 * lpi_best() to its CPU interface beside its SGIs, PPIs and SPIs. LPIs have no active state: to acknowledge one is to clear
 * its pending state. While LPIs are enabled the pending state is here; memory has it before and after (as the
 * architecture permits, nobody may look at the table meanwhile).
 *
 * Configuration is read from memory when an LPI becomes pending for the first time and then kept: a change by software
 * shows only after INV or INVALL, by command or register. The architecture allows an implementation to forget it earlier.
 * Source: IHI 0069, 5.1 (LPIs), 12.11 (GICR_CTLR, GICR_PROPBASER, GICR_PENDBASER, GICR_SETLPIR, GICR_CLRLPIR, GICR_INVLPIR,
 * GICR_INVALLR, GICR_SYNCR).
 * IMPDEF: GICR_PROPBASER and GICR_PENDBASER ignore writes while LPIs are enabled. EnableLPIs can be cleared again.
 * Not modelled: memory attributes of the tables (kept in the registers, without effect); time.
 */
#ifndef GIC_LPI_H
#define GIC_LPI_H

#include "gic/lpi_set.h"
#include "stats/stats.h"

struct lpi_params {
	unsigned id_bits; /* GICD_TYPER.IDbits + 1, 14..24 */
	bool direct;      /* GICR_TYPER.DirectLPI: GICR_SETLPIR and GICR_CLRLPIR exist */
	bool invalidate;  /* GICR_CTLR.IR or DirectLPI: GICR_INVLPIR, GICR_INVALLR and GICR_SYNCR exist */
};

struct lpi_stats {
	uint64_t pended, merged, acknowledged, cleared, moved, dropped;
	uint64_t config_reads, config_hits, invalidated;
	uint64_t words_loaded, bits_stored;
};
extern const struct stat_desc lpi_stat_rows[];
extern const size_t lpi_stat_count;

/* What the CPU interface is offered. */
struct lpi_offer {
	bool any;
	uint32_t intid;
	uint8_t priority; /* as the table has it: <7:2>, Non-secure view when GICD_CTLR.DS = 0 */
};

struct lpi;
/* Told after the answer of lpi_best() may have changed. */
typedef void lpi_change_fn(void *self);

/* `mem` is borrowed. Never NULL; free with lpi_free(). */
struct lpi *lpi_new(const struct lpi_params *p, struct physmem *mem);
void lpi_free(struct lpi *l);
void lpi_on_change(struct lpi *l, lpi_change_fn *fn, void *self);
struct lpi_stats *lpi_stats(struct lpi *l);
/* Host memory that it holds now. */
size_t lpi_bytes(const struct lpi *l);

/* GICR_CTLR.EnableLPIs. Setting it reads the pending table, unless GICR_PENDBASER.PTZ says that it is zero; clearing it
 * writes the table back. */
void lpi_enable(struct lpi *l, bool on);
bool lpi_enabled(const struct lpi *l);

/* An access of 4 or 8 bytes to the LPI registers of the RD_base frame. False: no such register here, and nothing happened.
 * Write-only registers read 0. */
bool lpi_read(const struct lpi *l, unsigned offset, unsigned bytes, uint64_t *value);
bool lpi_write(struct lpi *l, unsigned offset, unsigned bytes, uint64_t value);

/* Messages of the ITS. An INTID that the tables do not hold, and everything while LPIs are disabled, is ignored and
 * counted. Returns whether it took effect. */
bool lpi_set_pending(struct lpi *l, uint32_t intid);
bool lpi_clear_pending(struct lpi *l, uint32_t intid);
bool lpi_is_pending(const struct lpi *l, uint32_t intid);
/* INV and INVALL: configuration of one LPI, or of all, is read again before it is next used. */
void lpi_invalidate(struct lpi *l, uint32_t intid);
void lpi_invalidate_all(struct lpi *l);
/* MOVI and MOVALL: pending state goes from one redistributor to another; lost when `to` has LPIs disabled. */
void lpi_move(struct lpi *from, struct lpi *to, uint32_t intid);
void lpi_move_all(struct lpi *from, struct lpi *to);

/* The pending and enabled LPI of highest priority. */
struct lpi_offer lpi_best(const struct lpi *l);
/* The CPU interface took it. */
void lpi_acknowledge(struct lpi *l, uint32_t intid);

/* NULL, or which invariant is broken. */
const char *lpi_check(const struct lpi *l);

#endif
