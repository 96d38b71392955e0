/* ich.c - what a hypervisor sees of the virtual interface: list registers, controls, the maintenance interrupt.
 * Source: IHI 0069H 5.4 (maintenance interrupts), 12.4 (ICH_*). */
#include "gic/access.h"
#include "gic/lr.h"

static struct gic_virtual *virt(const struct gic_access *a) { return &a->pe->virt; }
static unsigned bits(const struct gic_access *a) { return a->g->vprio_bits; }

/* Maintenance ---------------------------------------------------------------------------------------- */

static uint32_t ended_list_registers(const struct gic *g, const struct gic_virtual *v)
{
	uint32_t ended = 0;
	for (unsigned i = 0; i < g->params.list_registers; i++)
		ended |= (uint32_t)(lr_state(v->lr[i]) == LR_INVALID && lr_wants_eoi(v->lr[i])) << i;
	return ended;
}

static unsigned count_state(const struct gic *g, const struct gic_virtual *v, bool pending_only)
{
	unsigned count = 0;
	for (unsigned i = 0; i < g->params.list_registers; i++)
		count += pending_only ? lr_state(v->lr[i]) == LR_PENDING : lr_state(v->lr[i]) != LR_INVALID;
	return count;
}

/* Each cause, with the control that lets it through. */
static uint32_t maintenance_causes(const struct gic *g, const struct gic_virtual *v)
{
	const bool *enable = v->cif.enable;
	const struct {
		uint32_t control, cause;
		bool now;
	} rows[] = {
		{HCR_UIE, MISR_U, count_state(g, v, false) < 2},
		{HCR_LRENPIE, MISR_LRENP, v->hcr & HCR_EOICOUNT},
		{HCR_NPIE, MISR_NP, !count_state(g, v, true)},
		{HCR_VGRP0EIE, MISR_VGRP0E, enable[GIC_G0]},
		{HCR_VGRP0DIE, MISR_VGRP0D, !enable[GIC_G0]},
		{HCR_VGRP1EIE, MISR_VGRP1E, enable[GIC_G1NS]},
		{HCR_VGRP1DIE, MISR_VGRP1D, !enable[GIC_G1NS]},
	};
	uint32_t causes = ended_list_registers(g, v) ? MISR_EOI : 0;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (v->hcr & rows[i].control && rows[i].now) causes |= rows[i].cause;
	return causes;
}

void gic_virtual_changed(struct gic *g, struct gic_pe *pe)
{
	pe->virt.maintenance = pe->virt.hcr & HCR_EN && maintenance_causes(g, &pe->virt);
	if (g->params.maintenance_intid)
		gic_set_line(g, pe->index, g->params.maintenance_intid, pe->virt.maintenance);
	if (g->changed) g->changed(g->changed_self, pe->index);
}

uint64_t ich_misr_read(const struct gic_access *a) { return maintenance_causes(a->g, virt(a)); }
uint64_t ich_eisr_read(const struct gic_access *a) { return ended_list_registers(a->g, virt(a)); }

/* A list register is empty for software when it holds nothing and has no end to report. */
uint64_t ich_elrsr_read(const struct gic_access *a)
{
	uint64_t empty = 0;
	for (unsigned i = 0; i < a->g->params.list_registers; i++) {
		uint64_t lr = virt(a)->lr[i];
		empty |= (uint64_t)(lr_state(lr) == LR_INVALID && !lr_wants_eoi(lr)) << i;
	}
	return empty;
}

/* List registers, controls ----------------------------------------------------------------------------- */

uint64_t ich_lr_read(const struct gic_access *a) { return virt(a)->lr[a->n]; }

/* Bits of a priority that are not implemented are RES0; so is NMI without FEAT_GICv3_NMI, and 58:56 and 47:45. */
void ich_lr_write(const struct gic_access *a, uint64_t value)
{
	uint64_t keep = bits_ones(32) | bits_put(UINT64_MAX, 44, 32) | bits_put(UINT64_MAX, 63, 60) |
			(uint64_t)priority_keep(0xff, bits(a)) << 48 | (uint64_t)a->g->params.nmi << LR_NMI;
	virt(a)->lr[a->n] = value & keep;
	gic_virtual_changed(a->g, a->pe);
}

#define HCR_WRITABLE \
	(HCR_EN | HCR_UIE | HCR_LRENPIE | HCR_NPIE | HCR_VGRP0EIE | HCR_VGRP0DIE | HCR_VGRP1EIE | \
	 HCR_VGRP1DIE | HCR_TC | HCR_TALL0 | HCR_TALL1 | HCR_TSEI | HCR_TDIR | HCR_EOICOUNT)

static uint32_t hcr_writable(const struct gic *g)
{
	return HCR_WRITABLE | (g->vlpi.highest ? HCR_VSGIEOICOUNT : 0);
}

uint64_t ich_hcr_read(const struct gic_access *a) { return virt(a)->hcr; }
void ich_hcr_write(const struct gic_access *a, uint64_t value)
{
	virt(a)->hcr = (uint32_t)value & hcr_writable(a->g);
	gic_virtual_changed(a->g, a->pe);
}

/* PRIbits, PREbits, 24 bits of INTID, A3V, nV4 without a source of virtual LPIs, TDS, number of list registers. */
uint64_t ich_vtr_read(const struct gic_access *a)
{
	uint64_t n = a->g->params.list_registers;
	return bits_put(bits(a) - 1, 31, 29) | bits_put(preemption_bits(bits(a)) - 1, 28, 26) |
	       bits_put(1, 25, 23) | bits_put(1, 21, 21) | bits_put(!a->g->vlpi.highest, 20, 20) |
	       bits_put(1, 19, 19) | bits_put(n ? n - 1 : 0, 4, 0);
}

uint64_t ich_vmcr_read(const struct gic_access *a)
{
	const struct gic_interface *c = &virt(a)->cif;
	return (c->enable[GIC_G0] ? VMCR_VENG0 : 0) | (c->enable[GIC_G1NS] ? VMCR_VENG1 : 0) |
	       (virt(a)->fiq_en ? VMCR_VFIQEN : 0) | (c->cbpr[1] ? VMCR_VCBPR : 0) |
	       (c->eoi_mode[EOI_NONSECURE] ? VMCR_VEOIM : 0) | (uint64_t)c->bpr[GIC_G1NS] << VMCR_VBPR1 |
	       (uint64_t)c->bpr[GIC_G0] << VMCR_VBPR0 | (uint64_t)c->pmr << VMCR_VPMR;
}

/* VFIQEn is RES1 and VAckCtl RES0 for a guest that uses system registers. */
void ich_vmcr_write(const struct gic_access *a, uint64_t value)
{
	struct gic_interface *c = &virt(a)->cif;
	c->enable[GIC_G0] = value & VMCR_VENG0;
	c->enable[GIC_G1NS] = value & VMCR_VENG1;
	c->cbpr[1] = value & VMCR_VCBPR;
	c->eoi_mode[EOI_NONSECURE] = value & VMCR_VEOIM;
	bpr_set(c, GIC_G1NS, bits(a), value >> VMCR_VBPR1);
	bpr_set(c, GIC_G0, bits(a), value >> VMCR_VBPR0);
	c->pmr = priority_keep((unsigned)(value >> VMCR_VPMR) & 0xff, bits(a));
	gic_virtual_changed(a->g, a->pe);
}
