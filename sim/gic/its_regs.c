/* its_regs.c - the registers of an ITS as rows. See its.h. */
#include "gic/its_deliver.h"
#include "gic/its_entries.h"
#include "gic/reg_access.h"

#define CTLR_ENABLED UINT64_C(1)
#define CTLR_QUIESCENT (UINT64_C(1) << 31)
/* GITS_BASER<n>.Type. */
enum { TYPE_NONE, TYPE_DEVICES = 1, TYPE_VPES = 2, TYPE_COLLECTIONS = 4 };

static bool enabled(const struct its *t) { return t->ctlr & CTLR_ENABLED; }

/* Quiescent: there is never work under way between two calls. */
static uint64_t read_ctlr(const struct its *t, unsigned n)
{
	(void)n;
	return t->ctlr | bits_put(t->p.number, 7, 4) | (enabled(t) ? 0 : CTLR_QUIESCENT);
}

static void write_ctlr(struct its *t, unsigned n, uint64_t value)
{
	(void)n;
	t->ctlr = value & CTLR_ENABLED;
}

static uint64_t read_typer(const struct its *t, unsigned n)
{
	unsigned ite_bytes = t->p.v4 ? 16 : 8;
	(void)n;
	return 1 | bits_put(t->p.v4, 1, 1) | bits_put(ite_bytes - 1, 7, 4) |
	       bits_put(t->p.event_bits - 1, 12, 8) | bits_put(t->p.device_bits - 1, 17, 13) |
	       bits_put(t->p.pta, 19, 19) | bits_put(t->p.collection_bits - 1, 35, 32) |
	       bits_put(1, 36, 36) |                                     /* CIL */
	       bits_put(t->p.v41, 37, 37) |                              /* VMOVP: one ITS is enough */
	       bits_put(t->p.v41, 39, 39) | bits_put(t->p.v41, 40, 40) | /* VSGI, VMAPP of GICv4.1 */
	       bits_put(t->p.v41, 42, 41);                               /* SVPET: shared where Aff3 is */
}

static uint64_t read_zero(const struct its *t, unsigned n) { return (void)t, (void)n, 0; }
/* ArchRev: GICv3 or GICv4. */
static uint64_t read_pidr2(const struct its *t, unsigned n)
{
	return (void)n, bits_put(t->p.v4 ? 4 : 3, 7, 4);
}

static uint64_t read_cbaser(const struct its *t, unsigned n) { return (void)n, t->cbaser; }

static void write_cbaser(struct its *t, unsigned n, uint64_t value)
{
	const uint64_t fields = bits_put(0x17, 63, 59) | bits_put(7, 55, 53) |
				bits_put(bits_ones(40), 51, 12) | 0xcff;
	(void)n;
	if (enabled(t)) return;
	t->cbaser = value & fields;
	t->creadr = 0;
}

static uint64_t read_cwriter(const struct its *t, unsigned n) { return (void)n, t->cwriter; }

static void write_cwriter(struct its *t, unsigned n, uint64_t value)
{
	(void)n;
	t->cwriter = value & bits_put(bits_ones(15), 19, 5);
	if (value & 1) t->stalled = false; /* Retry */
}

static uint64_t read_creadr(const struct its *t, unsigned n) { return (void)n, t->creadr | t->stalled; }

static unsigned baser_type(const struct its *t, unsigned n)
{
	if (n == ITS_BASER_DEVICES) return TYPE_DEVICES;
	if (n == ITS_BASER_COLLECTIONS) return TYPE_COLLECTIONS;
	return n == ITS_BASER_VPES && t->p.v4 ? TYPE_VPES : TYPE_NONE;
}

static uint64_t read_baser(const struct its *t, unsigned n)
{
	unsigned type = baser_type(t, n), vpe_bits = t->p.v41 ? VPE_ENTRY_BITS_V41 : VPE_ENTRY_BITS_V40;
	unsigned entry_bits = type == TYPE_VPES ? vpe_bits : ITS_DTE_BITS;
	if (type == TYPE_NONE) return 0;
	return t->baser[n] | bits_put(type, 58, 56) | bits_put((1u << entry_bits) - 1, 52, 48);
}

static void write_baser(struct its *t, unsigned n, uint64_t value)
{
	const uint64_t fixed = bits_put(7, 58, 56) | bits_put(31, 52, 48);
	if (enabled(t) || baser_type(t, n) == TYPE_NONE) return;
	t->baser[n] = value & ~fixed;
	for (unsigned i = 0; i < ITS_TABLES; i++) its_cache_drop_all(&t->cache[i], 0, 0);
}

/* A virtual SGI for a vPE: vPEID<47:32>, vINTID<3:0>. */
static void write_sgir(struct its *t, unsigned n, uint64_t value)
{
	struct vpe_target v;
	(void)n;
	if (!enabled(t) || its_find_vpe(t, (uint32_t)bits_get(value, 47, 32), &v) != GIC_FOUND ||
	    !v.entry.valid)
		return;
	struct vpe_redist *r = t->redist[v.entry.redist].vpe;
	struct vpe_outcome o = vpe_set_pending(r, &v, (uint32_t)bits_get(value, 3, 0), VPE_NO_DOORBELL);
	t->stats.virtual_sgis += o.taken;
	t->stats.doorbells += o.doorbell;
	t->stats.remote += o.taken && t->redist[v.entry.redist].node != t->p.node;
}

static const struct its_reg {
	const char *name;
	unsigned offset, bytes, count; /* of each, and how many in a row */
	bool v41;
	uint64_t (*read)(const struct its *, unsigned n);
	void (*write)(struct its *, unsigned n, uint64_t); /* NULL: read-only */
} regs[] = {
	{"GITS_CTLR", 0x0, 4, 1, false, read_ctlr, write_ctlr},
	{"GITS_IIDR", 0x4, 4, 1, false, read_zero, NULL},
	{"GITS_TYPER", 0x8, 8, 1, false, read_typer, NULL},
	{"GITS_CBASER", 0x80, 8, 1, false, read_cbaser, write_cbaser},
	{"GITS_CWRITER", 0x88, 8, 1, false, read_cwriter, write_cwriter},
	{"GITS_CREADR", 0x90, 8, 1, false, read_creadr, NULL},
	{"GITS_BASER<n>", 0x100, 8, ITS_BASERS, false, read_baser, write_baser},
	{"GITS_PIDR2", 0xffe8, 4, 1, false, read_pidr2, NULL},
	{"GITS_SGIR", 0x20020, 8, 1, true, read_zero, write_sgir},
};

static const struct its_reg *find_reg(const struct its *t, unsigned offset, unsigned bytes, unsigned *n,
				      unsigned *at)
{
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		const struct its_reg *r = &regs[i];
		if (offset < r->offset || offset >= r->offset + r->bytes * r->count) continue;
		*n = (offset - r->offset) / r->bytes;
		*at = (offset - r->offset) % r->bytes;
		return reg_covers(0, r->bytes, *at, bytes) && (t->p.v41 || !r->v41) ? r : NULL;
	}
	return NULL;
}

bool its_read(const struct its *t, unsigned offset, unsigned bytes, uint64_t *value)
{
	unsigned n, at;
	const struct its_reg *r = find_reg(t, offset, bytes, &n, &at);
	if (r) *value = reg_part(r->read(t, n), at, bytes);
	return r;
}

bool its_write(struct its *t, unsigned offset, unsigned bytes, uint64_t value)
{
	unsigned n, at;
	const struct its_reg *r = find_reg(t, offset, bytes, &n, &at);
	if (r && r->write) r->write(t, n, reg_merge(r->read(t, n), value, at, bytes));
	return r;
}
