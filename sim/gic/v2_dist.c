#include "gic/v2_dist.h"

#include <assert.h>

#include "base/bits.h"
#include "gic/mmio.h"

/* Control ----------------------------------------------------------------------------------------------------- */

enum { CTLR_BOTH = CTLR_GRP0 | CTLR_GRP1NS };

/* To Non-secure software bit 0 enables its own Group 1. */
static uint64_t ctlr_read(const struct gic_mmio *m)
{
	uint32_t ctlr = m->g->ctlr & CTLR_BOTH;
	return mmio_restricted(m) ? ctlr >> 1 : ctlr;
}

static void ctlr_write(const struct gic_mmio *m, uint64_t value)
{
	uint32_t may = mmio_restricted(m) ? CTLR_GRP1NS : CTLR_BOTH;
	if (mmio_restricted(m)) value <<= 1;
	m->g->ctlr = (m->g->ctlr & ~may) | ((uint32_t)value & may);
	gic_touch_all(m->g);
}

/* ITLinesNumber <4:0>, CPUNumber <7:5>, SecurityExtn <10>. */
static uint64_t typer_read(const struct gic_mmio *m)
{
	const struct gic *g = m->g;
	return g->spi_banks | bits_put(g->params.pes - 1, 7, 5) | bits_put(!gic_one_state(g), 10, 10);
}

static uint64_t iidr_read(const struct gic_mmio *m) { return (void)m, 0x43b; /* JEP106: Arm */ }
static uint64_t pidr2_read(const struct gic_mmio *m) { return (void)m, 0x20; /* ArchRev: GICv2 */ }

/* SGIs --------------------------------------------------------------------------------------------------------- */

void gicv2_send_sgi(struct gic *g, unsigned from, unsigned to, unsigned sgi)
{
	assert(g->params.v2 && from < g->params.pes && sgi < GIC_SGIS);
	gic_pe(g, to)->sgi_from[sgi] |= (uint8_t)(1u << from);
	gic_set_sgi(g, to, sgi);
}

/* 4.3.15: with Security Extensions NSATT says which group Secure software means; Non-secure software sends Group 1, and what the
 * target's GICD_NSACR0 permits. */
static bool forwards(const struct gic_mmio *m, struct gic_pe *to, unsigned sgi, bool nsatt)
{
	bool group1 = to->bank.group >> sgi & 1;
	if (gic_one_state(m->g)) return true;
	if (mmio_restricted(m)) return group1 || (to->bank.nsacr >> (2 * sgi) & 3) >= 1;
	return group1 == nsatt;
}

enum sgi_filter { TO_LIST, TO_OTHERS, TO_SELF };

static uint32_t targets_of(const struct gic_mmio *m, uint64_t value)
{
	uint32_t self = 1u << m->pe->index, all = (1u << m->g->params.pes) - 1;
	switch (bits_get(value, 25, 24)) {
	case TO_LIST: return (uint32_t)bits_get(value, 23, 16) & all;
	case TO_OTHERS: return all & ~self;
	case TO_SELF: return self;
	default: return 0; /* reserved */
	}
}

/* GICD_SGIR: TargetListFilter <25:24>, CPUTargetList <23:16>, NSATT <15>, SGIINTID <3:0>. */
static void sgir_write(const struct gic_mmio *m, uint64_t value)
{
	unsigned sgi = value & 15;
	for (uint32_t left = targets_of(m, value); left; left &= left - 1) {
		unsigned to = (unsigned)__builtin_ctz(left);
		if (forwards(m, gic_pe(m->g, to), sgi, bit_get(value, 15)))
			gicv2_send_sgi(m->g, m->pe->index, to, sgi);
	}
}

/* GICD_SPENDSGIR<n> and GICD_CPENDSGIR<n>: a byte for each SGI with a bit for each source. */
static uint64_t pending_sgis_read(const struct gic_mmio *m)
{
	uint64_t value = 0;
	uint32_t reach = mmio_visible(m, &m->pe->bank, 1);
	for (unsigned i = 0; i < m->bytes; i++)
		if (reach >> (m->offset + i) & 1)
			value |= (uint64_t)m->pe->sgi_from[m->offset + i] << (8 * i);
	return value;
}

static void change_pending_sgis(const struct gic_mmio *m, uint64_t value, bool set)
{
	uint32_t reach = mmio_visible(m, &m->pe->bank, set ? 1 : 2), all = (1u << m->g->params.pes) - 1;
	for (unsigned i = 0; i < m->bytes; i++) {
		unsigned sgi = m->offset + i;
		uint8_t sources = (uint8_t)(value >> (8 * i) & all), *from = &m->pe->sgi_from[sgi];
		if (!(reach >> sgi & 1)) continue;
		*from = set ? *from | sources : *from & (uint8_t)~sources;
		m->pe->bank.latch &= ~(1u << sgi);
		if (*from) m->pe->bank.latch |= 1u << sgi;
	}
	gic_touch(m->g, m->pe);
}

static void spendsgir_write(const struct gic_mmio *m, uint64_t value) { change_pending_sgis(m, value, true); }
static void cpendsgir_write(const struct gic_mmio *m, uint64_t value)
{
	change_pending_sgis(m, value, false);
}

/* Rows --------------------------------------------------------------------------------------------------------- */

#define BITS(f) .sizes = SIZE_4, .field = (f)
#define BYTES(f) .sizes = SIZE_1 | SIZE_4, .field = (f)

/* In ascending order of offsets. */
static const struct mmio_row rows[] = {
	{"GICD_CTLR", 0x0, 4, .sizes = SIZE_4, .read = ctlr_read, .write = ctlr_write},
	{"GICD_TYPER", 0x4, 4, .sizes = SIZE_4, .read = typer_read},
	{"GICD_IIDR", 0x8, 4, .sizes = SIZE_4, .read = iidr_read},
	{"GICD_IGROUPR", 0x80, 0x80, .who = SECURE_ONLY, BITS(FIELD_GROUP)},
	{"GICD_ISENABLER", 0x100, 0x80, BITS(FIELD_ENABLE_SET)},
	{"GICD_ICENABLER", 0x180, 0x80, BITS(FIELD_ENABLE_CLEAR)},
	{"GICD_ISPENDR", 0x200, 0x80, BITS(FIELD_PENDING_SET)},
	{"GICD_ICPENDR", 0x280, 0x80, BITS(FIELD_PENDING_CLEAR)},
	{"GICD_ISACTIVER", 0x300, 0x80, BITS(FIELD_ACTIVE_SET)},
	{"GICD_ICACTIVER", 0x380, 0x80, BITS(FIELD_ACTIVE_CLEAR)},
	{"GICD_IPRIORITYR", 0x400, 0x400, BYTES(FIELD_PRIORITY)},
	{"GICD_ITARGETSR", 0x800, 0x400, BYTES(FIELD_TARGET)},
	{"GICD_ICFGR", 0xc00, 0x100, BITS(FIELD_CONFIG)},
	{"GICD_NSACR", 0xe00, 0x100, .who = TWO_STATES, BITS(FIELD_NSACR)},
	{"GICD_SGIR", 0xf00, 4, .sizes = SIZE_4, .write = sgir_write},
	{"GICD_CPENDSGIR", 0xf10, 0x10, .sizes = SIZE_1 | SIZE_4, .read = pending_sgis_read,
	 .write = cpendsgir_write},
	{"GICD_SPENDSGIR", 0xf20, 0x10, .sizes = SIZE_1 | SIZE_4, .read = pending_sgis_read,
	 .write = spendsgir_write},
	{"ICPIDR2", 0xfe8, 4, .sizes = SIZE_4, .read = pidr2_read},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct gic_mmio access_of(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, bool secure)
{
	assert(g->params.v2);
	return (struct gic_mmio){
		.g = g, .pe = gic_pe(g, pe), .secure = secure, .offset = offset, .bytes = bytes};
}

uint64_t gicv2_dist_read(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, bool secure)
{
	const struct mmio_row *r = mmio_find(rows, ROWS, offset);
	return r ? mmio_read(r, access_of(g, pe, offset, bytes, secure)) : 0;
}

void gicv2_dist_write(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, uint64_t value,
		      bool secure)
{
	const struct mmio_row *r = mmio_find(rows, ROWS, offset);
	if (r) mmio_write(r, access_of(g, pe, offset, bytes, secure), value);
}
