/* icv.c - the virtual CPU interface as a guest sees it: the registers of icc.c, fed from list registers.
 * Source: IHI 0069H chapter 5, 12.3 (ICV_*). */
#include "gic/access.h"
#include "gic/lr.h"

static struct gic_virtual *virt(const struct gic_access *a) { return &a->pe->virt; }
static struct gic_interface *cif(const struct gic_access *a) { return &a->pe->virt.cif; }
static unsigned bits(const struct gic_access *a) { return a->g->vprio_bits; }
static enum gic_group group_of_row(const struct gic_access *a) { return a->n ? GIC_G1NS : GIC_G0; }
static void changed(const struct gic_access *a) { gic_virtual_changed(a->g, a->pe); }

/* The highest pending -------------------------------------------------------------------------------- */

enum { NOTHING = -1, VIRTUAL_LPI = -2 };

static struct gic_pending describe(const struct gic *g, uint64_t lr)
{
	return (struct gic_pending){.intid = lr_vintid(lr),
				    .priority = (uint8_t)lr_priority(lr),
				    .group = bit_get(lr, LR_GROUP) ? GIC_G1NS : GIC_G0,
				    .nmi = g->params.nmi && bit_get(lr, LR_NMI)};
}

/* Of equal priorities the list register of lowest number is first. */
static int highest_list_register(const struct gic *g, const struct gic_virtual *v, struct gic_pending *out)
{
	int best = NOTHING;
	for (unsigned i = 0; i < g->params.list_registers; i++) {
		if (lr_state(v->lr[i]) != LR_PENDING) continue;
		struct gic_pending it = describe(g, v->lr[i]);
		if (!v->cif.enable[it.group]) continue;
		if (it.nmi) it.priority = 0;
		bool before = best == NOTHING || it.priority < out->priority ||
			      (it.priority == out->priority && it.nmi && !out->nmi);
		if (!before) continue;
		best = (int)i;
		*out = it;
	}
	return best;
}

static bool highest_vlpi(const struct gic *g, const struct gic_pe *pe, struct gic_pending *out)
{
	if (!g->vlpi.highest || !g->vlpi.highest(g->vlpi.self, pe->index, out)) return false;
	out->lpi = true;
	return pe->virt.cif.enable[out->group];
}

/* ICH_HCR_EL2.En does not count: without it nothing is signalled or acknowledged (12.4), but ICV_HPPIR<n>_EL1 tells it. */
static int virtual_highest(const struct gic *g, const struct gic_pe *pe, struct gic_pending *out)
{
	struct gic_pending lpi = {0};
	int best = highest_list_register(g, &pe->virt, out);
	if (!highest_vlpi(g, pe, &lpi)) return best;
	if (best != NOTHING && !(lpi.priority < out->priority)) return best;
	*out = lpi;
	return VIRTUAL_LPI;
}

int gic_virtual_pending(struct gic *g, unsigned pe, struct gic_pending *out)
{
	return virtual_highest(g, gic_pe(g, pe), out);
}

/* Acknowledge ---------------------------------------------------------------------------------------- */

static void take(const struct gic_access *a, int from, const struct gic_pending *p)
{
	interface_activate(cif(a), bits(a), p);
	if (from == VIRTUAL_LPI) {
		a->g->vlpi.acknowledge(a->g->vlpi.self, a->pe->index, p->intid);
	} else {
		virt(a)->lr[from] = lr_with_state(virt(a)->lr[from], LR_ACTIVE);
	}
}

/* A list register with one of the special INTIDs is emptied, and nothing becomes active. */
static uint32_t acknowledge(const struct gic_access *a, int from, const struct gic_pending *p)
{
	if (intid_is_special(p->intid)) {
		if (from >= 0) virt(a)->lr[from] = lr_with_state(virt(a)->lr[from], LR_INVALID);
	} else {
		take(a, from, p);
	}
	changed(a);
	return p->intid;
}

static int signalled(const struct gic_access *a, struct gic_pending *p)
{
	if (!(virt(a)->hcr & HCR_EN)) return NOTHING;
	int from = virtual_highest(a->g, a->pe, p);
	if (from == NOTHING || p->group != group_of_row(a)) return NOTHING;
	return interface_can_signal(cif(a), bits(a), p) ? from : NOTHING;
}

uint64_t icv_iar_read(const struct gic_access *a)
{
	struct gic_pending p;
	int from = signalled(a, &p);
	if (from == NOTHING) return GIC_SPURIOUS;
	if (a->n && p.nmi && a->c->nmi) return GIC_INTID_NMI;
	return acknowledge(a, from, &p);
}

uint64_t icv_nmiar1_read(const struct gic_access *a)
{
	struct gic_pending p;
	int from = signalled(a, &p);
	return from != NOTHING && p.nmi ? acknowledge(a, from, &p) : GIC_SPURIOUS;
}

uint64_t icv_hppir_read(const struct gic_access *a)
{
	struct gic_pending p;
	return virtual_highest(a->g, a->pe, &p) != NOTHING && p.group == group_of_row(a) ? p.intid
											 : GIC_SPURIOUS;
}

/* End ------------------------------------------------------------------------------------------------ */

static int find_active(const struct gic_access *a, uint32_t intid)
{
	for (unsigned i = 0; i < a->g->params.list_registers; i++)
		if (lr_is_active(virt(a)->lr[i]) && lr_vintid(virt(a)->lr[i]) == intid) return (int)i;
	return NOTHING;
}

/* 5.2.2: with HW = 1 the physical interrupt is deactivated as well; software has dropped its priority before. */
static void deactivate(const struct gic_access *a, int i)
{
	uint64_t lr = virt(a)->lr[i];
	if (bit_get(lr, LR_HW) && !intid_is_special(lr_pintid(lr)) && lr_pintid(lr) < GIC_LPI)
		gic_deactivate(a->g, a->pe, lr_pintid(lr));
	virt(a)->lr[i] = lr_with_state(lr, lr_state(lr) & LR_PENDING);
}

/* 12.4, ICH_HCR_EL2.vSGIEOICount: virtual SGIs that a GICv4.1 delivers have no active state that anybody waits for. */
static void count_eoi(const struct gic_access *a, uint32_t intid)
{
	if (intid < GIC_SGIS && virt(a)->hcr & HCR_VSGIEOICOUNT) return;
	virt(a)->hcr += 1u << HCR_EOICOUNT_SHIFT; /* wraps from 31 to 0 */
}

/* ICV_CTLR_EL1.EOImode. The virtual interface has one Security state, so one of them. */
static bool eoi_is_split(const struct gic_access *a) { return cif(a)->eoi_mode[EOI_NONSECURE]; }

struct dropped {
	unsigned priority;
	enum gic_group group;
	bool nmi;
};

/* The list register that an end means agrees in INTID, group, superpriority and group priority with what has been dropped. */
static bool matches(const struct gic_access *a, int i, const struct dropped *d)
{
	struct gic_pending p = describe(a->g, virt(a)->lr[i]);
	if (p.group != group_of_row(a) || p.nmi != d->nmi) return false;
	return p.nmi || (p.priority & interface_group_mask(cif(a), p.group)) == d->priority;
}

/* The priority drops, whichever of the two registers was written; an INTID that no list register has is counted (EOIcount). */
void icv_eoir_write(const struct gic_access *a, uint64_t value)
{
	uint32_t intid = (uint32_t)(value & INTID_MASK);
	struct dropped d;
	if (intid_is_special(intid)) return;
	d.priority = interface_running(cif(a), bits(a), &d.group);
	d.nmi = cif(a)->nmi_active[d.group];
	if (!interface_drop(cif(a), d.group)) return;
	int i = find_active(a, intid);
	bool lpi = intid >= GIC_LPI;
	if (i == NOTHING) {
		if (!lpi && !eoi_is_split(a)) count_eoi(a, intid);
	} else if (matches(a, i, &d) && (lpi || !eoi_is_split(a))) {
		deactivate(a, i);
	}
	changed(a);
}

void icv_dir_write(const struct gic_access *a, uint64_t value)
{
	uint32_t intid = (uint32_t)(value & INTID_MASK);
	if (intid_is_special(intid) || intid >= GIC_LPI || !eoi_is_split(a)) return;
	int i = find_active(a, intid);
	if (i == NOTHING) {
		count_eoi(a, intid);
	} else {
		deactivate(a, i);
	}
	changed(a);
}

/* Masks and controls --------------------------------------------------------------------------------- */

uint64_t icv_pmr_read(const struct gic_access *a) { return cif(a)->pmr; }
void icv_pmr_write(const struct gic_access *a, uint64_t value)
{
	cif(a)->pmr = priority_keep((unsigned)value & 0xff, bits(a));
	changed(a);
}

uint64_t icv_rpr_read(const struct gic_access *a)
{
	enum gic_group by;
	return interface_running(cif(a), bits(a), &by) | (uint64_t)cif(a)->nmi_active[GIC_G1NS] << 63;
}

uint64_t icv_bpr_read(const struct gic_access *a)
{
	const struct gic_interface *c = cif(a);
	if (a->n && c->cbpr[1]) return c->bpr[GIC_G0] < 7 ? c->bpr[GIC_G0] + 1u : 7;
	return c->bpr[group_of_row(a)];
}

void icv_bpr_write(const struct gic_access *a, uint64_t value)
{
	if (a->n && cif(a)->cbpr[1]) return;
	bpr_set(cif(a), group_of_row(a), bits(a), value);
	changed(a);
}

uint64_t icv_ctlr_read(const struct gic_access *a)
{
	return icc_ctlr_constant(a->g, bits(a)) | (cif(a)->cbpr[1] ? ICC_CBPR : 0) |
	       (eoi_is_split(a) ? ICC_EOIMODE : 0);
}

void icv_ctlr_write(const struct gic_access *a, uint64_t value)
{
	cif(a)->cbpr[1] = value & ICC_CBPR;
	cif(a)->eoi_mode[EOI_NONSECURE] = value & ICC_EOIMODE;
	changed(a);
}

uint64_t icv_igrpen_read(const struct gic_access *a) { return cif(a)->enable[group_of_row(a)]; }
void icv_igrpen_write(const struct gic_access *a, uint64_t value)
{
	cif(a)->enable[group_of_row(a)] = value & 1;
	changed(a);
}

/* ICH_AP<n>R<m>_EL2 are the same registers. */
uint64_t icv_ap0r_read(const struct gic_access *a) { return ap_read(cif(a), GIC_G0, a->n, bits(a)); }
uint64_t icv_ap1r_read(const struct gic_access *a) { return ap_read(cif(a), GIC_G1NS, a->n, bits(a)); }
void icv_ap0r_write(const struct gic_access *a, uint64_t value)
{
	ap_write(cif(a), GIC_G0, a->n, bits(a), value, false);
	changed(a);
}

void icv_ap1r_write(const struct gic_access *a, uint64_t value)
{
	ap_write(cif(a), GIC_G1NS, a->n, bits(a), value, a->g->params.nmi);
	changed(a);
}
