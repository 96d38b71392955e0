/* dist.c - the registers of the distributor. Source: IHI 0069H 12.9. */
#include "gic/mmio.h"

#include "base/bits.h"

enum { CTLR_NS_ARE = 1 << 4, GICD_CTLR_WRITABLE_ONE = CTLR_GRP0 | CTLR_GRP1NS | CTLR_E1NWF };
enum { GICD_CTLR_WRITABLE_TWO = CTLR_GRP0 | CTLR_GRP1NS | CTLR_GRP1S | CTLR_DS | CTLR_E1NWF };

/* Three views: Secure among two states; Non-secure among two (EnableGrp1A and ARE_NS only); one state (ARE, DS). */
static uint64_t ctlr_read(const struct gic_mmio *m)
{
	uint32_t ctlr = m->g->ctlr;
	if (mmio_restricted(m)) return (ctlr & CTLR_GRP1NS) | CTLR_NS_ARE;
	return ctlr | (gic_one_state(m->g) ? CTLR_NS_ARE : CTLR_ARE);
}

static void superpriority_of_states(struct gic *g)
{
	for (unsigned i = 0; i < g->params.pes; i++)
		if (g->pe[i]) g->pe[i]->cif.nmi_floor = gic_one_state(g) ? 0 : 0x80;
}

/* DS can be set and not cleared again; with it, Secure Group 1 is no more. */
static void ctlr_write(const struct gic_mmio *m, uint64_t value)
{
	uint32_t may = gic_one_state(m->g) ? GICD_CTLR_WRITABLE_ONE : GICD_CTLR_WRITABLE_TWO;
	if (mmio_restricted(m)) may = CTLR_GRP1NS;
	m->g->ctlr = (m->g->ctlr & ~may) | ((uint32_t)value & may);
	if (gic_one_state(m->g)) m->g->ctlr &= ~(uint32_t)CTLR_GRP1S;
	superpriority_of_states(m->g);
	gic_touch_all(m->g);
}

/* ITLinesNumber, ESPI, NMI, SecurityExtn, MBIS, A3V, RSS, ESPI_range; without LPIs 10 bits of INTID. */
static uint64_t typer_read(const struct gic_mmio *m)
{
	const struct gic *g = m->g;
	bool wide = g->ext_banks > 0 || g->params.extended_ppis;
	uint64_t id_bits = g->lpi.gicd_typer ? 0 : wide ? 12 : 9;
	return g->spi_banks | bits_put(g->ext_banks > 0, 8, 8) | bits_put(g->params.nmi, 9, 9) |
	       bits_put(!gic_one_state(g), 10, 10) | bits_put(1, 16, 16) | bits_put(id_bits, 23, 19) |
	       bits_put(1, 24, 24) | bits_put(g->range_selector, 26, 26) |
	       bits_put(g->ext_banks ? g->ext_banks - 1 : 0, 31, 27) | g->lpi.gicd_typer;
}

static uint64_t iidr_read(const struct gic_mmio *m) { return (void)m, 0x43b; /* JEP106: Arm */ }

/* GICD_SETSPI_NSR and CLRSPI_NSR: a message with an INTID. Secure interrupts ask GICD_NSACR. */
static void message(const struct gic_mmio *m, uint64_t value, bool set)
{
	unsigned bit;
	uint32_t intid = value & 0x1fff;
	struct gic_bank *b = gic_find(m->g, NULL, intid, &bit);
	if (!b) return;
	unsigned level = b->nsacr >> (2 * bit) & 3;
	if (mmio_restricted(m) && bank_group_of(m->g, b, bit) != GIC_G1NS && level < (set ? 1u : 2u)) return;
	gic_message_spi(m->g, intid, set);
}

static void setspi_write(const struct gic_mmio *m, uint64_t value) { message(m, value, true); }
static void clrspi_write(const struct gic_mmio *m, uint64_t value) { message(m, value, false); }
static uint64_t pidr2_read(const struct gic_mmio *m)
{
	return m->g->vlpi.highest ? 0x40 : 0x30; /* ArchRev */
}

#define BITS(f) .sizes = SIZE_4, .field = (f)
#define EXT_BITS(f) .sizes = SIZE_4, .field = (f), .extended = true

/* In ascending order of offsets. GICD_ITARGETSR, SGIR and SPENDSGIR are RES0 with affinity routing. */
static const struct mmio_row rows[] = {
	{"GICD_CTLR", 0x0, 4, .sizes = SIZE_4, .read = ctlr_read, .write = ctlr_write},
	{"GICD_TYPER", 0x4, 4, .sizes = SIZE_4, .read = typer_read},
	{"GICD_IIDR", 0x8, 4, .sizes = SIZE_4, .read = iidr_read},
	{"GICD_SETSPI_NSR", 0x40, 4, .sizes = SIZE_4 | 2, .write = setspi_write},
	{"GICD_CLRSPI_NSR", 0x48, 4, .sizes = SIZE_4 | 2, .write = clrspi_write},
	{"GICD_SETSPI_SR", 0x50, 4, .sizes = SIZE_4 | 2, .who = TWO_STATES, .write = setspi_write},
	{"GICD_CLRSPI_SR", 0x58, 4, .sizes = SIZE_4 | 2, .who = TWO_STATES, .write = clrspi_write},
	{"GICD_IGROUPR", 0x80, 0x80, .who = SECURE_ONLY, BITS(FIELD_GROUP)},
	{"GICD_ISENABLER", 0x100, 0x80, BITS(FIELD_ENABLE_SET)},
	{"GICD_ICENABLER", 0x180, 0x80, BITS(FIELD_ENABLE_CLEAR)},
	{"GICD_ISPENDR", 0x200, 0x80, BITS(FIELD_PENDING_SET)},
	{"GICD_ICPENDR", 0x280, 0x80, BITS(FIELD_PENDING_CLEAR)},
	{"GICD_ISACTIVER", 0x300, 0x80, BITS(FIELD_ACTIVE_SET)},
	{"GICD_ICACTIVER", 0x380, 0x80, BITS(FIELD_ACTIVE_CLEAR)},
	{"GICD_IPRIORITYR", 0x400, 0x400, .sizes = SIZE_1 | SIZE_4, .field = FIELD_PRIORITY},
	{"GICD_ICFGR", 0xc00, 0x100, BITS(FIELD_CONFIG)},
	{"GICD_IGRPMODR", 0xd00, 0x80, .who = TWO_STATES, BITS(FIELD_GRPMOD)},
	{"GICD_NSACR", 0xe00, 0x100, .who = TWO_STATES, BITS(FIELD_NSACR)},
	{"GICD_INMIR", 0xf80, 0x80, BITS(FIELD_NMI)},
	{"GICD_IGROUPR<n>E", 0x1000, 0x80, .who = SECURE_ONLY, EXT_BITS(FIELD_GROUP)},
	{"GICD_ISENABLER<n>E", 0x1200, 0x80, EXT_BITS(FIELD_ENABLE_SET)},
	{"GICD_ICENABLER<n>E", 0x1400, 0x80, EXT_BITS(FIELD_ENABLE_CLEAR)},
	{"GICD_ISPENDR<n>E", 0x1600, 0x80, EXT_BITS(FIELD_PENDING_SET)},
	{"GICD_ICPENDR<n>E", 0x1800, 0x80, EXT_BITS(FIELD_PENDING_CLEAR)},
	{"GICD_ISACTIVER<n>E", 0x1a00, 0x80, EXT_BITS(FIELD_ACTIVE_SET)},
	{"GICD_ICACTIVER<n>E", 0x1c00, 0x80, EXT_BITS(FIELD_ACTIVE_CLEAR)},
	{"GICD_IPRIORITYR<n>E", 0x2000, 0x400, .sizes = SIZE_1 | SIZE_4, .field = FIELD_PRIORITY,
	 .extended = true},
	{"GICD_ICFGR<n>E", 0x3000, 0x100, EXT_BITS(FIELD_CONFIG)},
	{"GICD_IGRPMODR<n>E", 0x3400, 0x80, .who = TWO_STATES, EXT_BITS(FIELD_GRPMOD)},
	{"GICD_NSACR<n>E", 0x3600, 0x100, .who = TWO_STATES, EXT_BITS(FIELD_NSACR)},
	{"GICD_INMIR<n>E", 0x3b00, 0x80, EXT_BITS(FIELD_NMI)},
	{"GICD_IROUTER", 0x6000, 0x1fe0, .sizes = SIZE_4 | SIZE_8, .field = FIELD_ROUTER},
	{"GICD_IROUTER<n>E", 0x8000, 0x2000, .sizes = SIZE_4 | SIZE_8, .field = FIELD_ROUTER,
	 .extended = true},
	{"GICD_PIDR2", 0xffe8, 4, .sizes = SIZE_4, .read = pidr2_read},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

uint64_t gic_dist_read(struct gic *g, uint32_t offset, unsigned bytes, bool secure)
{
	const struct mmio_row *r = mmio_find(rows, ROWS, offset);
	return r ? mmio_read(r, (struct gic_mmio){.g = g, .secure = secure, .offset = offset, .bytes = bytes})
		 : 0;
}

void gic_dist_write(struct gic *g, uint32_t offset, unsigned bytes, uint64_t value, bool secure)
{
	const struct mmio_row *r = mmio_find(rows, ROWS, offset);
	if (r)
		mmio_write(r, (struct gic_mmio){.g = g, .secure = secure, .offset = offset, .bytes = bytes},
			   value);
}
