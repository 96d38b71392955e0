#include "gic/cpu_if.h"

#include <string.h>

#include "gic/access.h"
#include "gic/lr.h"

/* Rows ----------------------------------------------------------------------------------------------- */

/* What turns an access at EL1 into one of ICV_*: HCR_EL2.FMO for Group 0, IMO for Group 1, either for both. */
enum virtual_by { NEVER, BY_FMO, BY_IMO, BY_EITHER };

struct row {
	const char *name;
	uint16_t encoding;
	uint8_t min_el;
	uint8_t by;     /* enum virtual_by */
	uint32_t traps; /* bits of ICH_HCR_EL2 that trap it at EL1 */
	uint8_t n;      /* for the functions: group of a pair, or number of the register */
	gic_reg_read read, vread;
	gic_reg_write write, vwrite;
};

#define R(op0, op1, crn, crm, op2) GIC_SYSREG(op0, op1, crn, crm, op2)
#define RW(f) .read = f##_read, .write = f##_write
#define BOTH(f) \
	.read = icc_##f##_read, .write = icc_##f##_write, .vread = icv_##f##_read, .vwrite = icv_##f##_write
#define BOTH_R(f) .read = icc_##f##_read, .vread = icv_##f##_read
#define BOTH_W(f) .write = icc_##f##_write, .vwrite = icv_##f##_write
#define G0 BY_FMO, HCR_TALL0
#define G1 BY_IMO, HCR_TALL1
#define COMMON BY_EITHER, HCR_TC
#define EL2_ONLY 2, NEVER, 0
#define EL3_ONLY 3, NEVER, 0

/* clang-format off */
#define AP(group, by, crm, op2, m, f) {"ICC_AP" #group "R" #m "_EL1", R(3, 0, 12, crm, op2), 1, by, m, BOTH(f)}
#define ICH_AP(group, m, f) {"ICH_AP" #group "R" #m "_EL2", R(3, 4, 12, 8 + group, m), EL2_ONLY, m, RW(f)}
#define LR(m) {"ICH_LR" #m "_EL2", R(3, 4, 12, 12 + (m) / 8, (m) % 8), EL2_ONLY, m, RW(ich_lr)}
static const struct row rows[] = {
	{"ICC_PMR_EL1",     R(3, 0, 4, 6, 0),    1, COMMON, 0, BOTH(pmr)},
	{"ICC_IAR0_EL1",    R(3, 0, 12, 8, 0),   1, G0, 0, BOTH_R(iar)},
	{"ICC_EOIR0_EL1",   R(3, 0, 12, 8, 1),   1, G0, 0, BOTH_W(eoir)},
	{"ICC_HPPIR0_EL1",  R(3, 0, 12, 8, 2),   1, G0, 0, BOTH_R(hppir)},
	{"ICC_BPR0_EL1",    R(3, 0, 12, 8, 3),   1, G0, 0, BOTH(bpr)},
	AP(0, G0, 8, 4, 0, ap0r), AP(0, G0, 8, 5, 1, ap0r), AP(0, G0, 8, 6, 2, ap0r), AP(0, G0, 8, 7, 3, ap0r),
	AP(1, G1, 9, 0, 0, ap1r), AP(1, G1, 9, 1, 1, ap1r), AP(1, G1, 9, 2, 2, ap1r), AP(1, G1, 9, 3, 3, ap1r),
	{"ICC_NMIAR1_EL1",  R(3, 0, 12, 9, 5),   1, G1, 1, BOTH_R(nmiar1)},
	{"ICC_DIR_EL1",     R(3, 0, 12, 11, 1),  1, BY_EITHER, HCR_TC | HCR_TDIR, 0, BOTH_W(dir)},
	{"ICC_RPR_EL1",     R(3, 0, 12, 11, 3),  1, COMMON, 0, BOTH_R(rpr)},
	{"ICC_SGI1R_EL1",   R(3, 0, 12, 11, 5),  1, NEVER, HCR_TC, 1, .write = icc_sgi_write},
	{"ICC_ASGI1R_EL1",  R(3, 0, 12, 11, 6),  1, NEVER, HCR_TC, 2, .write = icc_sgi_write},
	{"ICC_SGI0R_EL1",   R(3, 0, 12, 11, 7),  1, NEVER, HCR_TC, 0, .write = icc_sgi_write},
	{"ICC_IAR1_EL1",    R(3, 0, 12, 12, 0),  1, G1, 1, BOTH_R(iar)},
	{"ICC_EOIR1_EL1",   R(3, 0, 12, 12, 1),  1, G1, 1, BOTH_W(eoir)},
	{"ICC_HPPIR1_EL1",  R(3, 0, 12, 12, 2),  1, G1, 1, BOTH_R(hppir)},
	{"ICC_BPR1_EL1",    R(3, 0, 12, 12, 3),  1, G1, 1, BOTH(bpr)},
	{"ICC_CTLR_EL1",    R(3, 0, 12, 12, 4),  1, COMMON, 0, BOTH(ctlr)},
	{"ICC_SRE_EL1",     R(3, 0, 12, 12, 5),  1, NEVER, 0, 0x7, RW(icc_sre)},
	{"ICC_IGRPEN0_EL1", R(3, 0, 12, 12, 6),  1, G0, 0, BOTH(igrpen)},
	{"ICC_IGRPEN1_EL1", R(3, 0, 12, 12, 7),  1, G1, 1, BOTH(igrpen)},
	{"ICC_SRE_EL2",     R(3, 4, 12, 9, 5),   EL2_ONLY, 0xf, RW(icc_sre)},
	{"ICC_CTLR_EL3",    R(3, 6, 12, 12, 4),  EL3_ONLY, 0, RW(icc_ctlr_el3)},
	{"ICC_SRE_EL3",     R(3, 6, 12, 12, 5),  EL3_ONLY, 0xf, RW(icc_sre)},
	{"ICC_IGRPEN1_EL3", R(3, 6, 12, 12, 7),  EL3_ONLY, 0, RW(icc_igrpen1_el3)},
	ICH_AP(0, 0, icv_ap0r), ICH_AP(0, 1, icv_ap0r), ICH_AP(0, 2, icv_ap0r), ICH_AP(0, 3, icv_ap0r),
	ICH_AP(1, 0, icv_ap1r), ICH_AP(1, 1, icv_ap1r), ICH_AP(1, 2, icv_ap1r), ICH_AP(1, 3, icv_ap1r),
	{"ICH_HCR_EL2",     R(3, 4, 12, 11, 0),  EL2_ONLY, 0, RW(ich_hcr)},
	{"ICH_VTR_EL2",     R(3, 4, 12, 11, 1),  EL2_ONLY, 0, .read = ich_vtr_read},
	{"ICH_MISR_EL2",    R(3, 4, 12, 11, 2),  EL2_ONLY, 0, .read = ich_misr_read},
	{"ICH_EISR_EL2",    R(3, 4, 12, 11, 3),  EL2_ONLY, 0, .read = ich_eisr_read},
	{"ICH_ELRSR_EL2",   R(3, 4, 12, 11, 5),  EL2_ONLY, 0, .read = ich_elrsr_read},
	{"ICH_VMCR_EL2",    R(3, 4, 12, 11, 7),  EL2_ONLY, 0, RW(ich_vmcr)},
	LR(0), LR(1), LR(2), LR(3), LR(4), LR(5), LR(6), LR(7), LR(8), LR(9), LR(10), LR(11), LR(12), LR(13), LR(14), LR(15),
};
/* clang-format on */
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct row *find_row(unsigned encoding)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (rows[i].encoding == encoding) return &rows[i];
	return NULL;
}

const char *cpu_if_name(unsigned encoding)
{
	const struct row *r = find_row(encoding);
	return r ? r->name : NULL;
}

unsigned cpu_if_encoding(const char *name)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].name, name)) return rows[i].encoding;
	return 0;
}

/* Access --------------------------------------------------------------------------------------------- */

/* Registers of which this implementation has fewer: list registers, and AP<n>R<m> beyond the priority bits, are UNDEFINED. */
static bool exists(const struct gic *g, const struct row *r)
{
	bool virtual = r->min_el == 2;
	if (r->read == ich_lr_read) return r->n < g->params.list_registers;
	if (r->read == icv_ap0r_read || r->read == icv_ap1r_read)
		return r->n < interface_ap_registers(g->vprio_bits);
	if (r->vread == icv_ap0r_read || r->vread == icv_ap1r_read)
		return r->n < interface_ap_registers(g->prio_bits);
	if (r->read == icc_nmiar1_read) return g->params.nmi;
	if (r->min_el == 3) return g->params.security;
	return !virtual || g->params.list_registers || r->read == icc_sre_read;
}

static const struct row *reachable(const struct gic *g, unsigned encoding, const struct gic_context *c)
{
	const struct row *r = find_row(encoding);
	return r && c->el >= r->min_el && exists(g, r) ? r : NULL;
}

static bool virtual_row(const struct row *r, const struct gic_context *c)
{
	const bool by[] = {[BY_FMO] = c->fmo, [BY_IMO] = c->imo, [BY_EITHER] = c->fmo || c->imo};
	return r->by != NEVER && c->el == 1 && by[r->by];
}

bool cpu_if_is_virtual(unsigned encoding, const struct gic_context *c)
{
	const struct row *r = find_row(encoding);
	return r && virtual_row(r, c);
}

bool cpu_if_trapped(struct gic *g, unsigned pe, unsigned encoding, const struct gic_context *c)
{
	const struct row *r = find_row(encoding);
	return r && c->el == 1 && r->traps & gic_pe(g, pe)->virt.hcr;
}

static struct gic_access access_of(struct gic *g, unsigned pe, const struct row *r,
				   const struct gic_context *c)
{
	return (struct gic_access){.g = g, .pe = gic_pe(g, pe), .c = c, .n = r->n};
}

bool cpu_if_read(struct gic *g, unsigned pe, unsigned encoding, const struct gic_context *c, uint64_t *value)
{
	const struct row *r = reachable(g, encoding, c);
	if (!r || !r->read) return false;
	struct gic_access a = access_of(g, pe, r, c);
	*value = virtual_row(r, c) ? r->vread(&a) : r->read(&a);
	return true;
}

bool cpu_if_write(struct gic *g, unsigned pe, unsigned encoding, const struct gic_context *c, uint64_t value)
{
	const struct row *r = reachable(g, encoding, c);
	if (!r || !r->write) return false;
	struct gic_access a = access_of(g, pe, r, c);
	if (virtual_row(r, c)) {
		r->vwrite(&a, value);
	} else {
		r->write(&a, value);
	}
	return true;
}

bool cpu_if_sgi_arrives(struct gic *g, unsigned to, unsigned sgi, unsigned encoding,
			const struct gic_context *c)
{
	const struct row *r = reachable(g, encoding, c);
	if (!r || r->write != icc_sgi_write) return false;
	struct gic_access a = access_of(g, to, r, c);
	return icc_takes_sgi(&a, sgi);
}

unsigned gic_running_priority(struct gic *g, unsigned pe)
{
	enum gic_group by;
	return interface_running(&gic_pe(g, pe)->cif, g->prio_bits, &by);
}

/* Signals -------------------------------------------------------------------------------------------- */

/* 4.6.2: Group 0 is FIQ. Group 1 is IRQ in its own Security state below EL3, else FIQ; with one state always IRQ. */
static bool is_fiq(const struct gic *g, const struct gic_context *c, enum gic_group group)
{
	if (group == GIC_G0) return true;
	if (gic_one_state(g)) return false;
	return c->el == 3 || c->secure != (group == GIC_G1S);
}

static void physical_signals(struct gic *g, struct gic_pe *pe, const struct gic_context *c,
			     struct gic_signals *s)
{
	const struct gic_pending *p = gic_highest(g, pe);
	if (!p || !interface_can_signal(&pe->cif, g->prio_bits, p)) return;
	s->fiq = is_fiq(g, c, p->group);
	s->irq = !s->fiq;
	s->irq_nmi = s->irq && p->nmi;
}

static void virtual_signals(struct gic *g, struct gic_pe *pe, struct gic_signals *s)
{
	struct gic_pending p;
	if (gic_virtual_pending(g, pe->index, &p) == -1 ||
	    !interface_can_signal(&pe->virt.cif, g->vprio_bits, &p))
		return;
	s->vfiq = p.group == GIC_G0 && pe->virt.fiq_en;
	s->virq = !s->vfiq;
	s->virq_nmi = s->virq && p.nmi;
}

struct gic_signals gic_signals(struct gic *g, unsigned index, const struct gic_context *c)
{
	struct gic_signals s = {0};
	struct gic_pe *pe = g->pe[index];
	if (!pe) pe = gic_pe(g, index);
	physical_signals(g, pe, c, &s);
	if (pe->virt.hcr & HCR_EN) virtual_signals(g, pe, &s);
	s.maintenance = pe->virt.maintenance;
	return s;
}
