#include "gic/mmio.h"

#include "base/bits.h"

/* Visibility ------------------------------------------------------------------------------------------- */

/* Interrupts whose GICD_NSACR field lets Non-secure software do at least `level`: 1 set pending, 2 clear pending and see
 * the active state, 3 route. GICR_NSACR is about who may send SGIs, and opens no register. */
static uint32_t permitted(const struct gic_bank *b, unsigned level)
{
	uint32_t mask = 0;
	for (unsigned i = 0; b->nsacr && i < 32; i++)
		mask |= (uint32_t)((b->nsacr >> (2 * i) & 3) >= level) << i;
	return mask;
}

uint32_t mmio_visible(const struct gic_mmio *m, const struct gic_bank *b, unsigned nsacr_level)
{
	if (!mmio_restricted(m)) return UINT32_MAX;
	bool opens = nsacr_level && (b->route || m->g->params.v2);
	return bank_group(m->g, b, GIC_G1NS) | (opens ? permitted(b, nsacr_level) : 0);
}

/* Fields of one bit ------------------------------------------------------------------------------------- */

enum { NO_NSACR = 0 };
enum write_kind { WRITE_VALUE, WRITE_ONES_SET, WRITE_ONES_CLEAR };

struct field {
	uint32_t (*get)(const struct gic_bank *b);
	size_t word;   /* offset of the word that a write changes */
	uint8_t kind;  /* enum write_kind */
	uint8_t nsacr; /* level that opens it to Non-secure software */
	bool closed;   /* that opens it for reads only */
};

static uint32_t get_group(const struct gic_bank *b) { return b->group; }
static uint32_t get_grpmod(const struct gic_bank *b) { return b->grpmod; }
static uint32_t get_enable(const struct gic_bank *b) { return b->enable; }
static uint32_t get_active(const struct gic_bank *b) { return b->active; }
static uint32_t get_nmi(const struct gic_bank *b) { return b->nmi; }

#define WORD(name) offsetof(struct gic_bank, name)
/* A write to a pending register changes the latch: of a level-sensitive interrupt the line counts beside it (12.9.25). */
static const struct field fields[] = {
	[FIELD_GROUP] = {get_group, WORD(group), WRITE_VALUE, NO_NSACR, false},
	[FIELD_GRPMOD] = {get_grpmod, WORD(grpmod), WRITE_VALUE, NO_NSACR, false},
	[FIELD_ENABLE_SET] = {get_enable, WORD(enable), WRITE_ONES_SET, NO_NSACR, false},
	[FIELD_ENABLE_CLEAR] = {get_enable, WORD(enable), WRITE_ONES_CLEAR, NO_NSACR, false},
	[FIELD_PENDING_SET] = {bank_pending, WORD(latch), WRITE_ONES_SET, 1, false},
	[FIELD_PENDING_CLEAR] = {bank_pending, WORD(latch), WRITE_ONES_CLEAR, 2, false},
	[FIELD_ACTIVE_SET] = {get_active, WORD(active), WRITE_ONES_SET, 2, true},
	[FIELD_ACTIVE_CLEAR] = {get_active, WORD(active), WRITE_ONES_CLEAR, 2, true},
	[FIELD_NMI] = {get_nmi, WORD(nmi), WRITE_VALUE, NO_NSACR, false},
};

/* SGIs are always edges: their configuration is RAO/WI. */
static uint32_t sgis_of(const struct gic_bank *b) { return b->first ? 0 : b->route ? 0 : 0xffff; }

static void write_bits(const struct gic_mmio *m, struct gic_bank *b, const struct field *f, uint32_t value)
{
	uint32_t *word = (uint32_t *)((char *)b + f->word),
		 reach = mmio_visible(m, b, f->closed ? NO_NSACR : f->nsacr);
	if (m->g->params.v2 && f->word == WORD(latch)) reach &= ~sgis_of(b); /* GICD_SPENDSGIR is for those */
	switch ((enum write_kind)f->kind) {
	case WRITE_VALUE: *word = (*word & ~reach) | (value & reach); return;
	case WRITE_ONES_SET: *word |= value & reach; return;
	case WRITE_ONES_CLEAR: *word &= ~(value & reach); return;
	}
}

/* Banks under an access ----------------------------------------------------------------------------------- */

/* Interrupts of a bank have a word each, 32 of one bit, 16 of two or 4 priorities to a word of 4 bytes. */
static struct gic_bank *bank_at(const struct gic_mmio *m, const struct mmio_row *r, uint32_t interrupt)
{
	bool shared = m->g->params.v2 && interrupt >= GIC_PRIVATE;
	if (m->pe && !shared) return gic_private_bank(m->g, m->pe, interrupt / 32);
	return gic_spi_bank(m->g, interrupt / 32, r->extended);
}

static void bank_changed(const struct gic_mmio *m, const struct gic_bank *b)
{
	if (b->route) {
		gic_touch_spis(m->g, b, UINT32_MAX);
	} else {
		gic_touch(m->g, m->pe);
	}
}

static uint64_t read_pairs(const struct gic_mmio *m, const struct gic_bank *b, enum gic_field field,
			   unsigned from)
{
	uint64_t value = 0;
	if (field == FIELD_NSACR) return b->nsacr >> (2 * from) & UINT32_MAX;
	uint32_t edges = b->edge & mmio_visible(m, b, NO_NSACR);
	for (unsigned i = 0; i < 16; i++) value |= (uint64_t)(edges >> (from + i) & 1) << (2 * i + 1);
	return value;
}

static void write_pairs(const struct gic_mmio *m, struct gic_bank *b, enum gic_field field, unsigned from,
			uint64_t value)
{
	if (field == FIELD_NSACR) {
		b->nsacr = (b->nsacr & ~((uint64_t)UINT32_MAX << (2 * from))) | (value & UINT32_MAX)
											<< (2 * from);
		return;
	}
	uint32_t reach = mmio_visible(m, b, NO_NSACR) & ~sgis_of(b) & (0xffffu << from), edges = 0;
	for (unsigned i = 0; i < 16; i++) edges |= (uint32_t)(value >> (2 * i + 1) & 1) << (from + i);
	b->edge = (b->edge & ~reach) | (edges & reach);
}

static uint64_t read_priorities(const struct gic_mmio *m, const struct gic_bank *b, unsigned from)
{
	uint64_t value = 0;
	uint32_t reach = mmio_visible(m, b, NO_NSACR);
	for (unsigned i = 0; i < m->bytes; i++) {
		uint8_t priority = b->priority[from + i];
		if (mmio_restricted(m))
			priority = reach >> (from + i) & 1 ? priority_to_nonsecure(priority) : 0;
		value |= (uint64_t)priority << (8 * i);
	}
	return value;
}

static void write_priorities(const struct gic_mmio *m, struct gic_bank *b, unsigned from, uint64_t value)
{
	uint32_t reach = mmio_visible(m, b, NO_NSACR);
	for (unsigned i = 0; i < m->bytes; i++) {
		unsigned priority = value >> (8 * i) & 0xff;
		if (!(reach >> (from + i) & 1)) continue;
		if (mmio_restricted(m)) priority = priority_from_nonsecure(priority);
		b->priority[from + i] = priority_keep(priority, m->g->kept_bits);
	}
}

/* GICD_IROUTER<n>: Aff3 <39:32>, Interrupt_Routing_Mode <31>, Aff2.Aff1.Aff0 <23:0>. */
#define ROUTER_BITS UINT64_C(0xff80ffffff)

static void write_router(const struct gic_mmio *m, struct gic_bank *b, unsigned bit, uint64_t value)
{
	struct gic_route *r = &b->route[bit];
	if (!(mmio_visible(m, b, 3) >> bit & 1)) return;
	gic_touch_spis(m->g, b, 1u << bit);
	r->irouter = mmio_merge(m, r->irouter, value) & ROUTER_BITS;
	r->target = gic_pe_of(m->g,
			      (uint32_t)(bits_get(r->irouter, 39, 32) << 24 | bits_get(r->irouter, 23, 0)));
	m->g->any_1_of_n |= bit_get(r->irouter, 31);
	gic_touch_spis(m->g, b, 1u << bit);
}

static uint64_t read_router(const struct gic_mmio *m, const struct gic_bank *b, unsigned bit)
{
	return mmio_visible(m, b, 3) >> bit & 1 ? mmio_half(m, b->route[bit].irouter) : 0;
}

/* GICD_ITARGETSR<n>: of private interrupts who asks; with a single PE nothing (IHI 0048B 4.3.12). */
static uint64_t read_targets(const struct gic_mmio *m, const struct gic_bank *b, unsigned from)
{
	uint64_t value = 0;
	uint32_t reach = mmio_visible(m, b, 3);
	for (unsigned i = 0; m->g->params.pes > 1 && i < m->bytes; i++) {
		uint8_t cpus = b->route ? b->route[from + i].cpus : (uint8_t)(1u << m->pe->index);
		if (reach >> (from + i) & 1) value |= (uint64_t)cpus << (8 * i);
	}
	return value;
}

static void write_targets(const struct gic_mmio *m, struct gic_bank *b, unsigned from, uint64_t value)
{
	uint32_t reach = mmio_visible(m, b, 3), all = (1u << m->g->params.pes) - 1;
	for (unsigned i = 0; b->route && m->g->params.pes > 1 && i < m->bytes; i++) {
		if (!(reach >> (from + i) & 1)) continue;
		gic_touch_spis(m->g, b, 1u << (from + i)); /* those that it went to */
		b->route[from + i].cpus = (uint8_t)(value >> (8 * i) & all);
	}
}

/* Bits of the array per interrupt. */
static unsigned field_width(enum gic_field f)
{
	switch (f) {
	case FIELD_CONFIG:
	case FIELD_NSACR: return 2;
	case FIELD_TARGET:
	case FIELD_PRIORITY: return 8;
	case FIELD_ROUTER: return 64;
	default: return 1;
	}
}

static uint64_t array_read(const struct gic_mmio *m, const struct mmio_row *r)
{
	unsigned interrupt = m->offset * 8 / field_width(r->field), bit = interrupt % 32;
	struct gic_bank *b = bank_at(m, r, interrupt);
	if (!b) return 0;
	switch ((enum gic_field)r->field) {
	case FIELD_PRIORITY: return read_priorities(m, b, bit);
	case FIELD_ROUTER: return read_router(m, b, bit);
	case FIELD_TARGET: return read_targets(m, b, bit);
	case FIELD_CONFIG:
	case FIELD_NSACR: return read_pairs(m, b, r->field, bit);
	default: return fields[r->field].get(b) & mmio_visible(m, b, fields[r->field].nsacr);
	}
}

static void array_write(const struct gic_mmio *m, const struct mmio_row *r, uint64_t value)
{
	unsigned interrupt = m->offset * 8 / field_width(r->field), bit = interrupt % 32;
	struct gic_bank *b = bank_at(m, r, interrupt);
	if (!b) return;
	switch ((enum gic_field)r->field) {
	case FIELD_PRIORITY: write_priorities(m, b, bit, value); break;
	case FIELD_ROUTER: write_router(m, b, bit, value); return;
	case FIELD_TARGET: write_targets(m, b, bit, value); break;
	case FIELD_CONFIG:
	case FIELD_NSACR: write_pairs(m, b, r->field, bit, value); break;
	default: write_bits(m, b, &fields[r->field], (uint32_t)value); break;
	}
	bank_changed(m, b);
}

/* Rows ---------------------------------------------------------------------------------------------------- */

const struct mmio_row *mmio_find(const struct mmio_row *rows, unsigned n, uint32_t offset)
{
	unsigned from = 0, to = n;
	while (from < to) {
		unsigned middle = (from + to) / 2;
		if (offset < rows[middle].offset) {
			to = middle;
		} else if (offset >= rows[middle].offset + rows[middle].length) {
			from = middle + 1;
		} else {
			return &rows[middle];
		}
	}
	return NULL;
}

static bool allowed(const struct mmio_row *r, const struct gic_mmio *m)
{
	if (!is_power_of_2(m->bytes) || !(r->sizes & m->bytes) || m->offset % m->bytes) return false;
	if (r->field == FIELD_NMI && !m->g->params.nmi) return false;
	if (r->who == TWO_STATES && gic_one_state(m->g)) return false;
	return r->who == ANYONE || !mmio_restricted(m);
}

uint64_t mmio_read(const struct mmio_row *r, struct gic_mmio m)
{
	m.offset -= r->offset;
	if (!allowed(r, &m)) return 0;
	if (r->field) return array_read(&m, r);
	return r->read ? r->read(&m) : 0;
}

void mmio_write(const struct mmio_row *r, struct gic_mmio m, uint64_t value)
{
	m.offset -= r->offset;
	if (!allowed(r, &m)) return;
	if (r->field) {
		array_write(&m, r, value);
	} else if (r->write) {
		r->write(&m, value);
	}
}

uint64_t mmio_half(const struct gic_mmio *m, uint64_t whole)
{
	return m->bytes == 8 ? whole : whole >> (8 * (m->offset & 4)) & UINT32_MAX;
}

uint64_t mmio_merge(const struct gic_mmio *m, uint64_t old, uint64_t value)
{
	unsigned shift = 8 * (m->offset & 4);
	if (m->bytes == 8) return value;
	return (old & ~((uint64_t)UINT32_MAX << shift)) | (value & UINT32_MAX) << shift;
}
