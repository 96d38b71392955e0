/* vpe_regs.c - the registers of the VLPI_base frame. See vpe.h. */
#include "gic/reg_access.h"
#include "gic/vpe_redist.h"

#define VPEND_VALID (UINT64_C(1) << 63)
#define VPEND_V41_DOORBELL (UINT64_C(1) << 62)
#define VPEND_PENDING_LAST (UINT64_C(1) << 61)
#define VPEND_DIRTY (UINT64_C(1) << 60)

static uint64_t read_vpropbaser(const struct vpe_redist *v)
{
	/* GICv4.1: Entry_Size<61:59> says how many doublewords, minus 1, an entry has. */
	const uint64_t entry_size = bits_put((1u << VPE_ENTRY_BITS_V41) / 8 - 1, 61, 59);
	return v->vpropbaser | (v->p.v41 ? entry_size : 0);
}

static void write_vpropbaser(struct vpe_redist *v, uint64_t value)
{
	const uint64_t attributes = bits_put(7, 58, 56) | 0xf80, address = bits_put(bits_ones(40), 51, 12);
	const uint64_t v41 = bits_put(1, 63, 63) | bits_put(15, 55, 52) | 0x7f;
	if (v->resident) return; /* while GICR_VPENDBASER.Valid is 1 */
	v->vpropbaser = value & (attributes | address | (v->p.v41 ? v41 : 0x1f));
}

static uint64_t read_vpendbaser(const struct vpe_redist *v)
{
	return v->vpendbaser | (v->resident ? VPEND_VALID : 0) | (v->dirty ? VPEND_DIRTY : 0) |
	       (v->pending_last ? VPEND_PENDING_LAST : 0);
}

static void write_vpendbaser(struct vpe_redist *v, uint64_t value)
{
	const uint64_t kept_v41 = VPEND_V41_DOORBELL | bits_put(3, 59, 58) | 0xffff;
	const uint64_t kept_v40 = bits_put(1, 62, 62) | bits_put(7, 58, 56) |
				  bits_put(bits_ones(36), 51, 16) | 0xf80;
	if (v->dirty) vpe_settle(v);
	if (value & VPEND_VALID) {
		if (v->resident) return;
		v->vpendbaser = value & (v->p.v41 ? kept_v41 : kept_v40);
		v->pending_last = false;
		vpe_schedule(v);
		return;
	}
	if (v->resident) vpe_deschedule(v, value & VPEND_V41_DOORBELL);
	/* vPEID and groups stay those of the vPE that was resident; the other fields may be written. */
	if (!v->p.v41) v->vpendbaser = value & kept_v40;
}

static uint64_t read_vsgipendr(const struct vpe_redist *v)
{
	return v->sgi_pending | (v->sgi_busy ? UINT64_C(1) << 31 : 0);
}

/* Which virtual SGIs of a vPE are pending is answered in GICR_VSGIPENDR. */
static void write_vsgir(struct vpe_redist *v, uint64_t value)
{
	struct vpe_target t = {0};
	v->sgi_busy = true;
	v->sgi_pending = 0;
	v->work.table_reads += 4;
	if (!vpe_find_entry(v, (uint32_t)bits_get(value, 15, 0), &t)) return;
	for (unsigned i = 0; i < VPE_SGIS; i++)
		if (vpe_is_pending(v, &t, i)) v->sgi_pending |= (uint16_t)(1u << i);
}

static uint64_t read_zero(const struct vpe_redist *v) { return (void)v, 0; }

static const struct vpe_reg {
	const char *name;
	unsigned offset, bytes;
	bool v41; /* only there */
	uint64_t (*read)(const struct vpe_redist *);
	void (*write)(struct vpe_redist *, uint64_t); /* NULL: read-only */
} regs[] = {
	{"GICR_VPROPBASER", 0x70, 8, false, read_vpropbaser, write_vpropbaser},
	{"GICR_VPENDBASER", 0x78, 8, false, read_vpendbaser, write_vpendbaser},
	{"GICR_VSGIR", 0x80, 4, true, read_zero, write_vsgir},
	{"GICR_VSGIPENDR", 0x88, 4, true, read_vsgipendr, NULL},
};

static const struct vpe_reg *find_reg(const struct vpe_redist *v, unsigned offset, unsigned bytes)
{
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		if (reg_covers(regs[i].offset, regs[i].bytes, offset, bytes) && (v->p.v41 || !regs[i].v41))
			return &regs[i];
	return NULL;
}

bool vpe_read(const struct vpe_redist *v, unsigned offset, unsigned bytes, uint64_t *value)
{
	const struct vpe_reg *r = find_reg(v, offset, bytes);
	if (r) *value = reg_part(r->read(v), offset - r->offset, bytes);
	return r;
}

bool vpe_write(struct vpe_redist *v, unsigned offset, unsigned bytes, uint64_t value)
{
	const struct vpe_reg *r = find_reg(v, offset, bytes);
	if (r && r->write) r->write(v, reg_merge(r->read(v), value, offset - r->offset, bytes));
	return r;
}
