/* vgic_mmio.c - the guest's GICD and GICR. Source: Linux 6.1 arch/arm64/kvm/vgic/vgic-mmio.c, vgic-mmio-v3.c; IHI 0069H 12.9, 12.11. */
#include "base/bits.h"
#include "gic/vgic_state.h"

typedef unsigned (*get_field)(const struct vgic_irq *q);
typedef void (*set_field)(struct vgic *v, struct vgic_irq *q, unsigned value);

/* Fields of one interrupt ----------------------------------------------------------------------------------- */

static unsigned get_group(const struct vgic_irq *q) { return q->group1; }
static unsigned get_enabled(const struct vgic_irq *q) { return q->enabled; }
static unsigned get_pending(const struct vgic_irq *q) { return vgic_is_pending(q); }
static unsigned get_active(const struct vgic_irq *q) { return q->active; }
static unsigned get_priority(const struct vgic_irq *q) { return q->priority; }
static unsigned get_config(const struct vgic_irq *q) { return q->edge ? 2 : 0; }

static void set_group(struct vgic *v, struct vgic_irq *q, unsigned value)
{
	q->group1 = value;
	vgic_queue(v, q);
}

static void set_enabled(struct vgic *v, struct vgic_irq *q, unsigned value)
{
	if (!value) return;
	q->enabled = true;
	vgic_queue(v, q);
}

static void clear_enabled(struct vgic *v, struct vgic_irq *q, unsigned value)
{
	(void)v;
	if (value) q->enabled = false; /* the list is pruned at the next exit */
}

/* The state of a mapped interrupt lives in the physical distributor as well. */
static void tell_physical(struct vgic *v, const struct vgic_irq *q, bool active)
{
	if (q->pintid && v->host.set_active)
		v->host.set_active(v->host.self, (unsigned)q->target, q->pintid, active);
}

static void set_pending(struct vgic *v, struct vgic_irq *q, unsigned value)
{
	if (!value) return;
	q->latch = true;
	tell_physical(v, q, true);
	vgic_queue(v, q);
}

static void clear_pending(struct vgic *v, struct vgic_irq *q, unsigned value)
{
	if (!value) return;
	q->latch = false;
	if (!q->active) tell_physical(v, q, false);
}

static void set_active(struct vgic *v, struct vgic_irq *q, unsigned value)
{
	if (!value) return;
	q->active = true;
	tell_physical(v, q, true);
	vgic_queue(v, q);
}

static void clear_active(struct vgic *v, struct vgic_irq *q, unsigned value)
{
	if (!value) return;
	q->active = false;
	tell_physical(v, q, false);
	vgic_queue(v, q);
}

static void set_priority(struct vgic *v, struct vgic_irq *q, unsigned value)
{
	(void)v;
	q->priority = value & (0xff00u >> VGIC_PRIORITY_BITS);
}

/* Private interrupts keep their configuration. */
static void set_config(struct vgic *v, struct vgic_irq *q, unsigned value)
{
	(void)v;
	if (q->intid >= GIC_PRIVATE) q->edge = value & 2;
}

/* Rows ------------------------------------------------------------------------------------------------------ */

/* The same arrays in GICD and, from SGI_base, in GICR. */
static const struct row {
	uint32_t offset, length;
	unsigned width; /* bits per interrupt */
	get_field get;
	set_field set;
} rows[] = {
	{0x80, 0x80, 1, get_group, set_group},        {0x100, 0x80, 1, get_enabled, set_enabled},
	{0x180, 0x80, 1, get_enabled, clear_enabled}, {0x200, 0x80, 1, get_pending, set_pending},
	{0x280, 0x80, 1, get_pending, clear_pending}, {0x300, 0x80, 1, get_active, set_active},
	{0x380, 0x80, 1, get_active, clear_active},   {0x400, 0x400, 8, get_priority, set_priority},
	{0xc00, 0x100, 2, get_config, set_config},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), SGI_BASE = 0x10000, IROUTER = 0x6000, PIDR2 = 0xffe8 };

static const struct row *find(uint32_t offset, unsigned bytes)
{
	for (unsigned i = 0; i < ROWS; i++) {
		if (offset < rows[i].offset || offset - rows[i].offset >= rows[i].length) continue;
		return bytes == 4 || (bytes == 1 && rows[i].width == 8) ? &rows[i] : NULL;
	}
	return NULL;
}

/* Private interrupts belong to GICR, shared ones to GICD. */
static struct vgic_irq *irq_at(struct vgic *v, unsigned vcpu, uint32_t intid, bool redist)
{
	return (intid < GIC_PRIVATE) == redist ? vgic_irq(v, vcpu, intid) : NULL;
}

static uint64_t read_array(struct vgic *v, unsigned vcpu, uint32_t offset, unsigned bytes, bool redist)
{
	const struct row *r = find(offset, bytes);
	uint64_t value = 0;
	if (!r || offset % bytes) return 0;
	uint32_t first = (offset - r->offset) * 8 / r->width;
	for (unsigned i = 0; i < bytes * 8 / r->width; i++) {
		const struct vgic_irq *q = irq_at(v, vcpu, first + i, redist);
		if (q) value |= (uint64_t)r->get(q) << (i * r->width);
	}
	return value;
}

static void write_array(struct vgic *v, unsigned vcpu, uint32_t offset, unsigned bytes, uint64_t value,
			bool redist)
{
	const struct row *r = find(offset, bytes);
	if (!r || offset % bytes) return;
	uint32_t first = (offset - r->offset) * 8 / r->width;
	for (unsigned i = 0; i < bytes * 8 / r->width; i++) {
		struct vgic_irq *q = irq_at(v, vcpu, first + i, redist);
		if (q) r->set(v, q, (unsigned)(value >> (i * r->width) & bits_ones(r->width)));
	}
}

/* GICD ------------------------------------------------------------------------------------------------------- */

enum { CTLR_ENABLE = 3, CTLR_FIXED = 0x50 /* ARE, DS */ };

static void requeue_all(struct vgic *v)
{
	for (unsigned i = 0; i < v->params.vcpus; i++)
		for (uint32_t n = 0; v->vcpu[i] && n < GIC_PRIVATE; n++) vgic_queue(v, &v->vcpu[i]->irq[n]);
	for (uint32_t n = GIC_PRIVATE; n < GIC_PRIVATE + v->params.spis; n++)
		if (v->spis[n / 32 - 1]) vgic_queue(v, vgic_irq(v, 0, n));
}

static struct vgic_irq *routed(struct vgic *v, uint32_t offset)
{
	uint32_t intid = (offset - IROUTER) / 8;
	return offset >= IROUTER && intid >= GIC_PRIVATE && intid < GIC_SPI_END ? vgic_irq(v, 0, intid)
										: NULL;
}

/* Interrupt_Routing_Mode is not emulated. An interrupt that is queued moves at its vCPU's next exit. */
static void write_router(struct vgic *v, struct vgic_irq *q, uint32_t offset, unsigned bytes, uint64_t value)
{
	unsigned shift = 8 * (offset & 4);
	if (bytes == 4)
		value = (q->irouter & ~((uint64_t)UINT32_MAX << shift)) | (value & UINT32_MAX) << shift;
	q->irouter = value & UINT64_C(0xff00ffffff);
	q->target = vgic_vcpu_of(
		v, (uint32_t)(bits_get(q->irouter, 39, 32) << 24 | bits_get(q->irouter, 23, 0)));
	vgic_queue(v, q);
}

uint64_t vgic_dist_read(struct vgic *v, unsigned vcpu, uint32_t offset, unsigned bytes)
{
	const struct vgic_irq *q = routed(v, offset);
	if (q) return bytes == 8 ? q->irouter : q->irouter >> (8 * (offset & 4)) & UINT32_MAX;
	switch (offset) {
	case 0: return v->ctlr | CTLR_FIXED;
	case 4: return ((v->params.spis + 31) / 32) | 9u << 19 | 1u << 24; /* ITLinesNumber, IDbits, A3V */
	case 8: return 0x43b;
	case PIDR2: return 0x30;
	default: return read_array(v, vcpu, offset, bytes, false);
	}
}

void vgic_dist_write(struct vgic *v, unsigned vcpu, uint32_t offset, unsigned bytes, uint64_t value)
{
	struct vgic_irq *q = routed(v, offset);
	if (q && (bytes == 8 || bytes == 4)) {
		write_router(v, q, offset, bytes, value);
	} else if (offset == 0 && bytes == 4) {
		v->ctlr = value & CTLR_ENABLE;
		v->enabled = v->ctlr;
		requeue_all(v);
	} else {
		write_array(v, vcpu, offset, bytes, value, false);
	}
}

/* GICR: the accesses of one vCPU to the redistributor of `vcpu`. */
uint64_t vgic_redist_read(struct vgic *v, unsigned vcpu, uint32_t offset, unsigned bytes)
{
	uint64_t typer = (uint64_t)v->affinity[vcpu] << 32 | (uint64_t)vcpu << 8 |
			 (uint64_t)(vcpu + 1 == v->params.vcpus) << 4;
	if (offset >= SGI_BASE) return read_array(v, vcpu, offset - SGI_BASE, bytes, true);
	switch (offset) {
	case 4: return 0x43b;
	case 8: return bytes == 8 ? typer : typer & UINT32_MAX;
	case 12: return typer >> 32;
	case PIDR2: return 0x30;
	default: return 0; /* GICR_WAKER: always awake */
	}
}

void vgic_redist_write(struct vgic *v, unsigned vcpu, uint32_t offset, unsigned bytes, uint64_t value)
{
	if (offset >= SGI_BASE) write_array(v, vcpu, offset - SGI_BASE, bytes, value, true);
}
