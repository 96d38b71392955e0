/* redist.c - the registers of a redistributor: RD_base at 0, SGI_base at 0x10000. Source: IHI 0069H 12.11. */
#include "gic/mmio.h"

#include "base/bits.h"

enum { RD_CTLR = 0x0, SGI_BASE = 0x10000 };
enum { WAKER_SLEEP = 1 << 1, WAKER_CHILDREN = 1 << 2, GICR_DPG = GICR_DPG0 | GICR_DPG1NS | GICR_DPG1S };

static uint64_t from_source(const struct gic_mmio *m, uint32_t offset)
{
	uint64_t value = 0;
	const struct gic_lpi_source *l = &m->g->lpi;
	return l->read && l->read(l->self, m->pe->index, offset, m->bytes, &value) ? value : 0;
}

static void to_source(const struct gic_mmio *m, uint32_t offset, uint64_t value)
{
	const struct gic_lpi_source *l = &m->g->lpi;
	if (l->write && l->write(l->self, m->pe->index, offset, m->bytes, value)) gic_touch(m->g, m->pe);
}

static uint64_t ctlr_read(const struct gic_mmio *m)
{
	uint32_t secure = mmio_restricted(m) ? GICR_DPG0 | GICR_DPG1S : 0;
	return (m->pe->gicr_ctlr & ~secure) | from_source(m, RD_CTLR);
}

/* DPG: no 1 of N interrupts of the group for this PE. */
static void ctlr_write(const struct gic_mmio *m, uint64_t value)
{
	uint32_t may = mmio_restricted(m)    ? GICR_DPG1NS
		       : gic_one_state(m->g) ? GICR_DPG0 | GICR_DPG1NS
					     : GICR_DPG;
	m->pe->gicr_ctlr = (m->pe->gicr_ctlr & ~may) | ((uint32_t)value & may);
	to_source(m, RD_CTLR, value);
	gic_touch(m->g, m->pe);
}

static uint64_t iidr_read(const struct gic_mmio *m) { return (void)m, 0x43b; }

/* Affinity <63:32>, PPInum <31:27>, Processor_Number <23:8>, DPGS <5>, Last <4>. */
static uint64_t typer_read(const struct gic_mmio *m)
{
	const struct gic *g = m->g;
	bool last = m->pe->index + 1 == g->params.pes;
	uint64_t typer = (uint64_t)g->affinity[m->pe->index] << 32 |
			 bits_put(g->params.extended_ppis / 32, 31, 27) | bits_put(m->pe->index, 23, 8) |
			 bits_put(1, 5, 5) | bits_put(last, 4, 4) | g->lpi.gicr_typer;
	return mmio_half(m, typer);
}

/* ChildrenAsleep follows ProcessorSleep at once. */
static uint64_t waker_read(const struct gic_mmio *m)
{
	return m->pe->asleep ? WAKER_SLEEP | WAKER_CHILDREN : 0;
}
static void waker_write(const struct gic_mmio *m, uint64_t value)
{
	m->pe->asleep = value & WAKER_SLEEP;
	gic_touch(m->g, m->pe);
}

static uint64_t pidr2_read(const struct gic_mmio *m) { return m->g->vlpi.highest ? 0x40 : 0x30; }

#define BITS(f) .sizes = SIZE_4, .field = (f)
#define AT(offset) (SGI_BASE + (offset))

/* In ascending order of offsets. Words 1 and 2 of each array are of extended PPIs. */
static const struct mmio_row rows[] = {
	{"GICR_CTLR", RD_CTLR, 4, .sizes = SIZE_4, .read = ctlr_read, .write = ctlr_write},
	{"GICR_IIDR", 0x4, 4, .sizes = SIZE_4, .read = iidr_read},
	{"GICR_TYPER", 0x8, 8, .sizes = SIZE_4 | SIZE_8, .read = typer_read},
	{"GICR_WAKER", 0x14, 4, .sizes = SIZE_4, .who = SECURE_ONLY, .read = waker_read,
	 .write = waker_write},
	{"GICR_PIDR2", 0xffe8, 4, .sizes = SIZE_4, .read = pidr2_read},
	{"GICR_IGROUPR", AT(0x80), 12, .who = SECURE_ONLY, BITS(FIELD_GROUP)},
	{"GICR_ISENABLER", AT(0x100), 12, BITS(FIELD_ENABLE_SET)},
	{"GICR_ICENABLER", AT(0x180), 12, BITS(FIELD_ENABLE_CLEAR)},
	{"GICR_ISPENDR", AT(0x200), 12, BITS(FIELD_PENDING_SET)},
	{"GICR_ICPENDR", AT(0x280), 12, BITS(FIELD_PENDING_CLEAR)},
	{"GICR_ISACTIVER", AT(0x300), 12, BITS(FIELD_ACTIVE_SET)},
	{"GICR_ICACTIVER", AT(0x380), 12, BITS(FIELD_ACTIVE_CLEAR)},
	{"GICR_IPRIORITYR", AT(0x400), 96, .sizes = SIZE_1 | SIZE_4, .field = FIELD_PRIORITY},
	{"GICR_ICFGR", AT(0xc00), 24, BITS(FIELD_CONFIG)},
	{"GICR_IGRPMODR", AT(0xd00), 12, .who = TWO_STATES, BITS(FIELD_GRPMOD)},
	{"GICR_NSACR", AT(0xe00), 4, .who = TWO_STATES, BITS(FIELD_NSACR)},
	{"GICR_INMIR", AT(0xf80), 12, BITS(FIELD_NMI)},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct gic_mmio access_of(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes)
{
	return (struct gic_mmio){.g = g, .pe = gic_pe(g, pe), .offset = offset, .bytes = bytes};
}

uint64_t gic_redist_read(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, bool secure)
{
	const struct mmio_row *r = mmio_find(rows, ROWS, offset);
	struct gic_mmio m = access_of(g, pe, offset, bytes);
	m.secure = secure;
	return r ? mmio_read(r, m) : from_source(&m, offset);
}

void gic_redist_write(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, uint64_t value,
		      bool secure)
{
	const struct mmio_row *r = mmio_find(rows, ROWS, offset);
	struct gic_mmio m = access_of(g, pe, offset, bytes);
	m.secure = secure;
	if (r) {
		mmio_write(r, m, value);
	} else {
		to_source(&m, offset, value);
	}
}
