/* icc.c - the registers of the physical CPU interface.
 * Source: IHI 0069H 12.2 (registers), 4.6.2 (signals), 4.8.4 (views of priorities). */
#include "gic/access.h"

static struct gic_interface *cif(const struct gic_access *a) { return &a->pe->cif; }

/* EL3 is Secure whatever SCR_EL3.NS says; that bit says which copy of a banked register EL3 means. */
static bool at_el3(const struct gic_access *a) { return a->g->params.security && a->c->el == 3; }
static bool is_secure(const struct gic_access *a)
{
	return a->g->params.security && (a->c->secure || a->c->el == 3);
}
static enum gic_group banked_group1(const struct gic_access *a)
{
	return a->g->params.security && a->c->secure ? GIC_G1S : GIC_G1NS;
}

static enum gic_group group_of_row(const struct gic_access *a) { return a->n ? banked_group1(a) : GIC_G0; }

static void changed(const struct gic_access *a) { gic_touch(a->g, a->pe); }

/* Priorities ----------------------------------------------------------------------------------------- */

/* 4.8.4: with Group 0 kept from it, Non-secure software sees the upper half of priorities, shifted. */
static bool shifted_view(const struct gic_access *a)
{
	return a->g->params.security && !is_secure(a) && a->c->fiq_el3;
}

static uint64_t view_of(const struct gic_access *a, unsigned priority)
{
	if (!shifted_view(a) || priority == GIC_IDLE_PRIORITY) return priority;
	return priority & 0x80 ? priority_to_nonsecure(priority) : 0;
}

uint64_t icc_pmr_read(const struct gic_access *a) { return view_of(a, cif(a)->pmr); }

/* A mask among the Secure priorities is not for Non-secure software to change. */
void icc_pmr_write(const struct gic_access *a, uint64_t value)
{
	if (shifted_view(a)) {
		if (!(cif(a)->pmr & 0x80)) return;
		value = priority_from_nonsecure((uint8_t)value);
	}
	cif(a)->pmr = priority_keep((unsigned)value, a->g->prio_bits);
	changed(a);
}

uint64_t icc_rpr_read(const struct gic_access *a)
{
	enum gic_group by;
	const struct gic_interface *c = cif(a);
	uint64_t value = view_of(a, interface_running(c, a->g->prio_bits, &by));
	bool own = c->nmi_active[gic_one_state(a->g) || !is_secure(a) ? GIC_G1NS : GIC_G1S];
	bool other = !gic_one_state(a->g) && is_secure(a) && c->nmi_active[GIC_G1NS];
	return value | (uint64_t)own << 63 | (uint64_t)other << 62;
}

void bpr_set(struct gic_interface *c, enum gic_group group, unsigned bits, uint64_t value)
{
	unsigned least = interface_min_bpr(group, bits);
	c->bpr[group] = (value & 7) < least ? (uint8_t)least : (uint8_t)(value & 7);
}

/* With CBPR, Secure BPR1 is BPR0; Non-secure BPR1 below EL3 reads as BPR0 plus one and ignores writes. */
uint64_t icc_bpr_read(const struct gic_access *a)
{
	const struct gic_interface *c = cif(a);
	enum gic_group group = group_of_row(a);
	if (group == GIC_G1S && c->cbpr[0]) return c->bpr[GIC_G0];
	if (group == GIC_G1NS && c->cbpr[1] && !at_el3(a))
		return c->bpr[GIC_G0] < 7 ? c->bpr[GIC_G0] + 1u : 7;
	return c->bpr[group];
}

void icc_bpr_write(const struct gic_access *a, uint64_t value)
{
	struct gic_interface *c = cif(a);
	enum gic_group group = group_of_row(a);
	if (group == GIC_G1NS && c->cbpr[1] && !at_el3(a)) return;
	if (group == GIC_G1S && c->cbpr[0]) group = GIC_G0;
	bpr_set(c, group, a->g->prio_bits, value);
	changed(a);
}

enum { AP_NMI = 63 };

uint64_t ap_read(const struct gic_interface *c, enum gic_group group, unsigned n, unsigned bits)
{
	if (n >= interface_ap_registers(bits)) return 0;
	return c->active[group][n] | (n ? 0 : (uint64_t)c->nmi_active[group] << AP_NMI);
}

void ap_write(struct gic_interface *c, enum gic_group group, unsigned n, unsigned bits, uint64_t value,
	      bool nmi)
{
	if (n >= interface_ap_registers(bits)) return;
	c->active[group][n] = (uint32_t)(value & bits_ones(1u << preemption_bits(bits)));
	if (!n) c->nmi_active[group] = nmi && group != GIC_G0 && bit_get(value, AP_NMI);
}

uint64_t icc_ap0r_read(const struct gic_access *a) { return ap_read(cif(a), GIC_G0, a->n, a->g->prio_bits); }
uint64_t icc_ap1r_read(const struct gic_access *a)
{
	return ap_read(cif(a), banked_group1(a), a->n, a->g->prio_bits);
}

void icc_ap0r_write(const struct gic_access *a, uint64_t value)
{
	ap_write(cif(a), GIC_G0, a->n, a->g->prio_bits, value, false);
	changed(a);
}

void icc_ap1r_write(const struct gic_access *a, uint64_t value)
{
	ap_write(cif(a), banked_group1(a), a->n, a->g->prio_bits, value, a->g->params.nmi);
	changed(a);
}

/* Controls ------------------------------------------------------------------------------------------- */

uint64_t icc_ctlr_constant(const struct gic *g, unsigned bits)
{
	bool extended = g->params.extended_ppis || g->params.extended_spis;
	return (uint64_t)(bits - 1) << ICC_PRIBITS | UINT64_C(1) << ICC_IDBITS | UINT64_C(1) << ICC_A3V |
	       (uint64_t)g->range_selector << ICC_RSS | (uint64_t)extended << ICC_EXTRANGE;
}

static bool banked_nonsecure(const struct gic_access *a) { return banked_group1(a) == GIC_G1NS; }

uint64_t icc_ctlr_read(const struct gic_access *a)
{
	const struct gic_interface *c = cif(a);
	bool ns = banked_nonsecure(a);
	return icc_ctlr_constant(a->g, a->g->prio_bits) | (c->cbpr[ns] ? ICC_CBPR : 0) |
	       (c->eoi_mode[ns ? EOI_NONSECURE : EOI_SECURE] ? ICC_EOIMODE : 0);
}

/* ICC_CTLR_EL1.CBPR: with two Security states a read-only view of ICC_CTLR_EL3. */
void icc_ctlr_write(const struct gic_access *a, uint64_t value)
{
	struct gic_interface *c = cif(a);
	bool ns = banked_nonsecure(a);
	c->eoi_mode[ns ? EOI_NONSECURE : EOI_SECURE] = value & ICC_EOIMODE;
	if (gic_one_state(a->g)) c->cbpr[ns] = value & ICC_CBPR;
	changed(a);
}

/* ICC_CTLR_EL3 has the bits of both Security states and its own EOImode. */
static bool *el3_bit(struct gic_interface *c, unsigned bit)
{
	bool *const bits[] = {&c->cbpr[0], &c->cbpr[1], &c->eoi_mode[EOI_EL3], &c->eoi_mode[EOI_SECURE],
			      &c->eoi_mode[EOI_NONSECURE]};
	return bits[bit];
}
enum { EL3_BITS = 5 };

uint64_t icc_ctlr_el3_read(const struct gic_access *a)
{
	uint64_t value = icc_ctlr_constant(a->g, a->g->prio_bits);
	for (unsigned i = 0; i < EL3_BITS; i++) value |= (uint64_t)*el3_bit(cif(a), i) << i;
	return value;
}

void icc_ctlr_el3_write(const struct gic_access *a, uint64_t value)
{
	for (unsigned i = 0; i < EL3_BITS; i++) *el3_bit(cif(a), i) = bit_get(value, i);
	changed(a);
}

uint64_t icc_igrpen_read(const struct gic_access *a) { return cif(a)->enable[group_of_row(a)]; }
void icc_igrpen_write(const struct gic_access *a, uint64_t value)
{
	cif(a)->enable[group_of_row(a)] = value & 1;
	changed(a);
}

uint64_t icc_igrpen1_el3_read(const struct gic_access *a)
{
	return (uint64_t)cif(a)->enable[GIC_G1NS] | (uint64_t)cif(a)->enable[GIC_G1S] << 1;
}

void icc_igrpen1_el3_write(const struct gic_access *a, uint64_t value)
{
	cif(a)->enable[GIC_G1NS] = value & 1;
	cif(a)->enable[GIC_G1S] = value >> 1 & 1;
	changed(a);
}

/* SRE, DFB and DIB, and at EL2 and EL3 Enable: all RAO/WI, as there is no other way than system registers. */
uint64_t icc_sre_read(const struct gic_access *a) { return a->n; }
void icc_sre_write(const struct gic_access *a, uint64_t value) { (void)a, (void)value; }

/* Acknowledge ----------------------------------------------------------------------------------------- */

static bool is_secure_group(const struct gic_access *a, enum gic_group group)
{
	return !gic_one_state(a->g) && group != GIC_G1NS;
}

/* 12.2.9, CheckGroup0ForSpecialIdentifiers: EL3 learns that a Group 1 interrupt waits for one of the states. */
static uint32_t visible_group0(const struct gic_access *a, const struct gic_pending *p)
{
	bool secure = is_secure_group(a, p->group);
	if ((p->group != GIC_G0 && !at_el3(a)) || (secure && !is_secure(a))) return GIC_SPURIOUS;
	if (p->group != GIC_G0) return secure ? GIC_INTID_SECURE : GIC_INTID_NONSECURE;
	return p->intid;
}

/* CheckGroup1ForSpecialIdentifiers: each state sees its own, EL3 both. */
static uint32_t visible_group1(const struct gic_access *a, const struct gic_pending *p)
{
	if (p->group == GIC_G0) return GIC_SPURIOUS;
	if (gic_one_state(a->g) || at_el3(a)) return p->intid;
	return is_secure_group(a, p->group) == is_secure(a) ? p->intid : GIC_SPURIOUS;
}

static uint32_t visible(const struct gic_access *a, const struct gic_pending *p)
{
	if (!p) return GIC_SPURIOUS;
	return a->n ? visible_group1(a, p) : visible_group0(a, p);
}

uint64_t icc_hppir_read(const struct gic_access *a) { return visible(a, gic_highest(a->g, a->pe)); }

static uint64_t acknowledge(const struct gic_access *a, const struct gic_pending *p)
{
	uint32_t intid = visible(a, p);
	if (!p || intid_is_special(intid)) return intid;
	struct gic_pending taken = *p;
	interface_activate(cif(a), a->g->prio_bits, &taken);
	gic_activate(a->g, a->pe, &taken);
	return intid;
}

static const struct gic_pending *signalled(const struct gic_access *a)
{
	const struct gic_pending *p = gic_highest(a->g, a->pe);
	return p && interface_can_signal(cif(a), a->g->prio_bits, p) ? p : NULL;
}

/* With SCTLR_ELx.NMI, one with superpriority is left for ICC_NMIAR1_EL1. */
uint64_t icc_iar_read(const struct gic_access *a)
{
	const struct gic_pending *p = signalled(a);
	if (p && a->n && p->nmi && a->c->nmi && !intid_is_special(visible(a, p))) return GIC_INTID_NMI;
	return acknowledge(a, p);
}

uint64_t icc_nmiar1_read(const struct gic_access *a)
{
	const struct gic_pending *p = signalled(a);
	return p && p->nmi ? acknowledge(a, p) : GIC_SPURIOUS;
}

/* End ------------------------------------------------------------------------------------------------ */

static bool eoi_is_split(const struct gic_access *a)
{
	if (at_el3(a)) return cif(a)->eoi_mode[EOI_EL3];
	return cif(a)->eoi_mode[is_secure(a) ? EOI_SECURE : EOI_NONSECURE];
}

/* Whether this end register and Security state may end an interrupt of the group that is running. */
static bool may_end(const struct gic_access *a, enum gic_group group)
{
	if ((group == GIC_G0) != !a->n) return false;
	if (gic_one_state(a->g) || at_el3(a)) return true;
	return is_secure_group(a, group) == is_secure(a);
}

/* IMPDEF: an end that does not match the running group, of nothing active or of a special INTID is ignored. */
void icc_eoir_write(const struct gic_access *a, uint64_t value)
{
	enum gic_group group;
	uint32_t intid = (uint32_t)(value & INTID_MASK);
	if (intid_is_special(intid)) return;
	if (interface_running(cif(a), a->g->prio_bits, &group) == GIC_IDLE_PRIORITY || !may_end(a, group))
		return;
	interface_drop(cif(a), group);
	if (!eoi_is_split(a) && intid < GIC_LPI) gic_deactivate(a->g, a->pe, intid);
	changed(a);
}

/* 12.2.6: who may deactivate depends on where the interrupt's exception would be taken. (Where HCR_EL2.FMO or IMO would take it to EL2,
 * the access of EL1 is one of ICV_DIR_EL1.) */
static bool may_deactivate(const struct gic_access *a, enum gic_group group)
{
	if (at_el3(a)) return true;
	if (is_secure_group(a, group) && !is_secure(a)) return false;
	return group == GIC_G0 ? !a->c->fiq_el3 : !a->c->irq_el3;
}

void icc_dir_write(const struct gic_access *a, uint64_t value)
{
	enum gic_group group;
	uint32_t intid = (uint32_t)(value & INTID_MASK);
	if (intid_is_special(intid) || intid >= GIC_LPI || !eoi_is_split(a)) return;
	if (!gic_group_of(a->g, a->pe, intid, &group) || !may_deactivate(a, group)) return;
	gic_deactivate(a->g, a->pe, intid);
}

/* SGIs ----------------------------------------------------------------------------------------------- */

enum sgi_row { SGI0R, SGI1R, ASGI1R };

static enum gic_group requested_group(const struct gic_access *a)
{
	if (a->n == SGI0R) return GIC_G0;
	if (gic_one_state(a->g)) return a->n == SGI1R ? GIC_G1NS : GIC_G0; /* table 12-14, note */
	return is_secure(a) == (a->n == SGI1R) ? GIC_G1S : GIC_G1NS;
}

/* 12.2.17 and GICR_NSACR: a redistributor takes an SGI of the group that was asked for; Secure Group 1 also stands for
 * Group 0; Non-secure software needs permission to send Secure ones. */
static bool takes_sgi(const struct gic_access *a, struct gic_pe *to, unsigned sgi)
{
	enum gic_group has = bank_group_of(a->g, &to->bank, sgi), want = requested_group(a);
	unsigned permission = to->bank.nsacr >> (2 * sgi) & 3;
	if (want != has && !(want == GIC_G1S && has == GIC_G0)) return false;
	if (is_secure(a) || !is_secure_group(a, has)) return true;
	return permission >= (has == GIC_G0 ? 1u : 2u);
}

bool icc_takes_sgi(const struct gic_access *a, unsigned sgi) { return takes_sgi(a, a->pe, sgi); }

static void send_sgi(const struct gic_access *a, unsigned pe, unsigned sgi)
{
	if (takes_sgi(a, gic_pe(a->g, pe), sgi)) gic_set_sgi(a->g, pe, sgi);
}

/* ICC_SGI1R_EL1: Aff3 <55:48>, RS <47:44>, IRM <40>, Aff2 <39:32>, INTID <27:24>, Aff1 <23:16>, TargetList <15:0>. */
void icc_sgi_write(const struct gic_access *a, uint64_t value)
{
	unsigned sgi = (unsigned)bits_get(value, 27, 24);
	if (bit_get(value, 40)) {
		for (unsigned i = 0; i < a->g->params.pes; i++)
			if (i != a->pe->index) send_sgi(a, i, sgi);
		return;
	}
	uint32_t cluster = (uint32_t)(bits_get(value, 55, 48) << 24 | bits_get(value, 39, 32) << 16 |
				      bits_get(value, 23, 16) << 8 | bits_get(value, 47, 44) << 4);
	for (uint32_t list = value & 0xffff; list; list &= list - 1) {
		int pe = gic_pe_of(a->g, cluster + (uint32_t)__builtin_ctz(list));
		if (pe >= 0) send_sgi(a, (unsigned)pe, sgi);
	}
}
