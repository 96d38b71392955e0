/* mmio.h - registers of GICD and GICR as rows, and the one way in which both are accessed. For sim/gic only.
 *
 * A row is a register, or an array with so many bits for each interrupt. Arrays of bits go through a `field`, which reads and
 * changes one word of a bank under a mask of interrupts that the access may reach.
 * Source: IHI 0069H 12.8 (access sizes), 12.9 and 12.11 (registers), 4.6 and 12.9.26 (Non-secure access, NSACR).
 */
#ifndef GIC_MMIO_H
#define GIC_MMIO_H

#include "gic/priority.h"
#include "gic/state.h"

struct gic_mmio {
	struct gic *g;
	struct gic_pe *
		pe; /* NULL: the distributor; of a GICv2 who accesses it, whose private interrupts it shows */
	bool secure;
	uint32_t offset; /* from the row's */
	unsigned bytes;
};

/* What of a bank an array of one or two bits per interrupt is about. */
enum gic_field {
	FIELD_NONE,
	FIELD_GROUP,
	FIELD_GRPMOD,
	FIELD_ENABLE_SET,
	FIELD_ENABLE_CLEAR,
	FIELD_PENDING_SET,
	FIELD_PENDING_CLEAR,
	FIELD_ACTIVE_SET,
	FIELD_ACTIVE_CLEAR,
	FIELD_NMI,
	FIELD_CONFIG,
	FIELD_NSACR,
	FIELD_PRIORITY,
	FIELD_ROUTER,
	FIELD_TARGET, /* of a GICv2 */
};

enum { SIZE_1 = 1, SIZE_4 = 4, SIZE_8 = 8 }; /* access sizes in bytes, ORed together */
enum mmio_who {
	ANYONE,
	SECURE_ONLY /* with two states */,
	TWO_STATES /* Secure only, and RES0 with one state */
};

struct mmio_row {
	const char *name;
	uint32_t offset, length; /* bytes */
	uint8_t sizes;
	uint8_t who;   /* enum mmio_who */
	uint8_t field; /* enum gic_field: an array over interrupts */
	bool extended; /* of SPIs from 4096 */
	uint64_t (*read)(const struct gic_mmio *m);
	void (*write)(const struct gic_mmio *m, uint64_t value);
};

/* The row at `offset` among `n` rows in ascending order of offsets, or NULL. */
const struct mmio_row *mmio_find(const struct mmio_row *rows, unsigned n, uint32_t offset);
uint64_t mmio_read(const struct mmio_row *r, struct gic_mmio m);
void mmio_write(const struct mmio_row *r, struct gic_mmio m, uint64_t value);

/* Interrupts of a bank that the access reaches: all, or of Non-secure software those of Group 1 and those that GICD_NSACR opens to at least
 * `nsacr_level` (0: none). */
uint32_t mmio_visible(const struct gic_mmio *m, const struct gic_bank *b, unsigned nsacr_level);

/* Non-secure software among two Security states. */
static inline bool mmio_restricted(const struct gic_mmio *m) { return !m->secure && !gic_one_state(m->g); }

/* A 64-bit register that is accessed whole or by halves. */
uint64_t mmio_half(const struct gic_mmio *m, uint64_t whole);
uint64_t mmio_merge(const struct gic_mmio *m, uint64_t old, uint64_t value);

#endif
