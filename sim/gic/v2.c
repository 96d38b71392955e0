#include "gic/v2.h"

#include "gic/access.h"
#include "gic/lr.h"

/* Rows of the three frames. `n` is the group, or the number of a list register or active priority register. */
struct v2_row {
	uint32_t offset;
	uint8_t n;
	gic_reg_read read;
	gic_reg_write write;
};

static const struct v2_row *find_row(const struct v2_row *rows, size_t count, uint32_t offset)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].offset == offset) return &rows[i];
	return NULL;
}

struct frame {
	const struct v2_row *rows;
	size_t count;
};

static uint32_t frame_read(const struct frame *f, struct gic_access a, uint32_t offset, unsigned bytes)
{
	const struct v2_row *r = bytes == 4 ? find_row(f->rows, f->count, offset) : NULL;
	if (!r || !r->read) return 0;
	a.n = r->n;
	return (uint32_t)r->read(&a);
}

static void frame_write(const struct frame *f, struct gic_access a, uint32_t offset, unsigned bytes,
			uint32_t value)
{
	const struct v2_row *r = bytes == 4 ? find_row(f->rows, f->count, offset) : NULL;
	if (!r || !r->write) return;
	a.n = r->n;
	r->write(&a, value);
}

enum { GROUP0, GROUP1, CPUID = 10, IIDR = 0x0002043b /* a GICv2 by Arm */ };
#define V2_INTID UINT64_C(0x3ff)
enum v2_ctlr {
	V2_GRP0 = 1 << 0,
	V2_GRP1 = 1 << 1,
	V2_ACKCTL = 1 << 2,
	V2_FIQEN = 1 << 3,
	V2_CBPR = 1 << 4,
	V2_EOIMODE = 1 << 9, /* EOImodeS to Secure software, and beside it */
	V2_EOIMODE_NS = 1 << 10,
};

static uint64_t iidr_read(const struct gic_access *a) { return (void)a, IIDR; }

/* GICC and GICV --------------------------------------------------------------------------------------- */

/* Both frames are the same registers over a `struct gic_interface`; what differs is where interrupts come from and go to. */
struct side {
	gic_reg_read iar, hppir;
	gic_reg_write eoir, dir;
};

static struct gic_interface *cif(const struct gic_access *a)
{
	return a->guest ? &a->pe->virt.cif : &a->pe->cif;
}
static bool *ack_ctl(const struct gic_access *a) { return a->guest ? &a->pe->virt.ack_ctl : &a->pe->ack_ctl; }
static bool *fiq_en(const struct gic_access *a) { return a->guest ? &a->pe->virt.fiq_en : &a->pe->fiq_en; }

static const struct side sides[] = {
	[false] = {icc_iar_read, icc_hppir_read, icc_eoir_write, icc_dir_write},
	[true] = {icv_iar_read, icv_hppir_read, icv_eoir_write, icv_dir_write},
};

static void changed(const struct gic_access *a)
{
	gic_touch(a->g, a->pe);
	gic_virtual_changed(a->g, a->pe);
}

/* Secure software of a GIC with Security Extensions: at EL3, as icc.c calls it. */
static bool is_secure(const struct gic_access *a) { return !a->guest && a->c->el == 3; }

static uint64_t eoi_modes(const struct gic_access *a)
{
	const bool *mode = cif(a)->eoi_mode;
	if (!is_secure(a)) return mode[EOI_NONSECURE] ? V2_EOIMODE : 0;
	return (mode[EOI_EL3] ? V2_EOIMODE : 0) | (mode[EOI_NONSECURE] ? V2_EOIMODE_NS : 0);
}

static void set_eoi_modes(const struct gic_access *a, uint64_t value)
{
	bool *mode = cif(a)->eoi_mode;
	mode[EOI_NONSECURE] = value & (is_secure(a) ? V2_EOIMODE_NS : V2_EOIMODE);
	if (is_secure(a)) mode[EOI_EL3] = value & V2_EOIMODE;
}

static uint64_t ctlr_read(const struct gic_access *a)
{
	const struct gic_interface *c = cif(a);
	return (c->enable[GIC_G0] ? V2_GRP0 : 0) | (c->enable[GIC_G1NS] ? V2_GRP1 : 0) |
	       (*ack_ctl(a) ? V2_ACKCTL : 0) | (*fiq_en(a) ? V2_FIQEN : 0) | (c->cbpr[1] ? V2_CBPR : 0) |
	       eoi_modes(a);
}

static void ctlr_write(const struct gic_access *a, uint64_t value)
{
	struct gic_interface *c = cif(a);
	c->enable[GIC_G0] = value & V2_GRP0;
	c->enable[GIC_G1NS] = value & V2_GRP1;
	*ack_ctl(a) = value & V2_ACKCTL;
	*fiq_en(a) = value & V2_FIQEN;
	c->cbpr[1] = value & V2_CBPR;
	set_eoi_modes(a, value);
	changed(a);
}

/* GICC_CTLR of Non-secure software among two states: its own group is bit 0. */
static uint64_t ctlr_ns_read(const struct gic_access *a)
{
	return (cif(a)->enable[GIC_G1NS] ? V2_GRP0 : 0) | eoi_modes(a);
}

static void ctlr_ns_write(const struct gic_access *a, uint64_t value)
{
	cif(a)->enable[GIC_G1NS] = value & V2_GRP0;
	set_eoi_modes(a, value);
	changed(a);
}

/* The highest pending interrupt of the side; *signalled: it passes mask and running priority, and the interface is on. */
static bool first_of(const struct gic_access *a, struct gic_pending *p, bool *signalled)
{
	const struct gic_pending *physical = a->guest ? NULL : gic_highest(a->g, a->pe);
	bool any = a->guest ? gic_virtual_pending(a->g, a->pe->index, p) != -1 : physical != NULL;
	if (physical) *p = *physical;
	bool on = !a->guest || a->pe->virt.hcr & HCR_EN;
	*signalled = any && on &&
		     interface_can_signal(cif(a), a->guest ? a->g->vprio_bits : a->g->prio_bits, p);
	return any;
}

/* A virtual SGI has its source beside it, in the list register; of a physical one the distributor knows it. */
static uint64_t with_source(const struct gic_access *a, uint64_t intid)
{
	if (!a->guest && intid < GIC_SGIS) return intid | (uint64_t)a->pe->sgi_source[intid] << CPUID;
	for (unsigned i = 0; a->guest && intid < GIC_SGIS && i < a->g->params.list_registers; i++) {
		uint64_t lr = a->pe->virt.lr[i];
		if (lr_is_active(lr) && lr_vintid(lr) == intid && !bit_get(lr, LR_HW))
			return intid | bits_get(lr, 34, 32) << CPUID;
	}
	return intid;
}

/* 4.4.4: a Group 1 interrupt is 1022 to GICC_IAR unless AckCtl is 1; GICC_AIAR has Group 1 only. */
static uint64_t iar_read(const struct gic_access *a)
{
	struct gic_pending p;
	bool signalled;
	struct gic_access b = *a;
	if (!first_of(a, &p, &signalled) || !signalled) return GIC_SPURIOUS;
	if (p.group == GIC_G1NS && !a->n && !*ack_ctl(a)) return GIC_INTID_NMI;
	b.n = a->n == GROUP1 || p.group == GIC_G1NS;
	return with_source(a, sides[a->guest].iar(&b));
}

static uint64_t hppir_read(const struct gic_access *a)
{
	struct gic_pending p;
	bool signalled;
	struct gic_access b = *a;
	if (!first_of(a, &p, &signalled)) return GIC_SPURIOUS;
	if (p.group == GIC_G1NS && !a->n && !*ack_ctl(a)) return GIC_INTID_NMI;
	b.n = a->n == GROUP1 || p.group == GIC_G1NS;
	uint64_t intid = sides[a->guest].hppir(&b);
	uint8_t from = !a->guest && intid < GIC_SGIS ? a->pe->sgi_from[intid] : 0;
	return from ? intid | (uint64_t)__builtin_ctz(from) << CPUID : intid;
}

/* GICC_EOIR ends Group 1 as well where AckCtl let GICC_IAR acknowledge it. */
static void eoir_write(const struct gic_access *a, uint64_t value)
{
	enum gic_group running;
	struct gic_access b = *a;
	interface_running(cif(a), a->guest ? a->g->vprio_bits : a->g->prio_bits, &running);
	b.n = a->n == GROUP1 || (*ack_ctl(a) && running == GIC_G1NS);
	sides[a->guest].eoir(&b, value & V2_INTID);
}

static void dir_write(const struct gic_access *a, uint64_t value)
{
	sides[a->guest].dir(a, value & V2_INTID);
}

/* What is left is as behind ICC_* and ICV_*. */
#define CPU_ROWS(p) \
	{0x00, 0, ctlr_read, ctlr_write}, {0x04, 0, p##_pmr_read, p##_pmr_write}, \
		{0x08, GROUP0, p##_bpr_read, p##_bpr_write}, {0x0c, GROUP0, iar_read, NULL}, \
		{0x10, GROUP0, NULL, eoir_write}, {0x14, 0, p##_rpr_read, NULL}, \
		{0x18, GROUP0, hppir_read, NULL}, {0x1c, GROUP1, p##_bpr_read, p##_bpr_write}, \
		{0x20, GROUP1, iar_read, NULL}, {0x24, GROUP1, NULL, eoir_write}, \
		{0x28, GROUP1, hppir_read, NULL}, {0xd0, 0, p##_ap0r_read, p##_ap0r_write}, \
		{0xe0, 0, p##_ap1r_read, p##_ap1r_write}, {0xfc, 0, iidr_read, NULL}, \
	{ \
		0x1000, 0, NULL, dir_write \
	}
static const struct v2_row gicc_rows[] = {CPU_ROWS(icc)}, gicv_rows[] = {CPU_ROWS(icv)};

/* Non-secure software among two states has Group 1 behind the registers of Group 0, and no others: 4.2.3, table 4-2. */
static const struct v2_row gicc_ns_rows[] = {
	{0x00, 0, ctlr_ns_read, ctlr_ns_write},
	{0x04, 0, icc_pmr_read, icc_pmr_write},
	{0x08, GROUP1, icc_bpr_read, icc_bpr_write},
	{0x0c, GROUP1, iar_read, NULL},
	{0x10, GROUP1, NULL, eoir_write},
	{0x14, 0, icc_rpr_read, NULL},
	{0x18, GROUP1, hppir_read, NULL},
	{0xfc, 0, iidr_read, NULL},
	{0x1000, 0, NULL, dir_write},
};

/* GICH ---------------------------------------------------------------------------------------------------- */

/* HW <31>, Grp1 <30>, State <29:28>, Priority <27:23>, pINTID <19:10> or, with HW = 0, EOI <19> and CPUID <12:10>, vINTID <9:0>. */
static uint64_t lr_read(const struct gic_access *a)
{
	uint64_t lr = a->pe->virt.lr[a->n];
	uint64_t physical = bit_get(lr, LR_HW) ? bits_put(lr_pintid(lr), 19, 10)
					       : bits_put(bit_get(lr, LR_EOI), 19, 19) |
							 bits_put(bits_get(lr, 34, 32), 12, 10);
	return bits_put(bit_get(lr, LR_HW), 31, 31) | bits_put(bit_get(lr, LR_GROUP), 30, 30) |
	       bits_put(lr_state(lr), 29, 28) | bits_put(lr_priority(lr) >> 3, 27, 23) | physical |
	       (lr_vintid(lr) & V2_INTID);
}

static void lr_write(const struct gic_access *a, uint64_t v)
{
	uint64_t physical = bit_get(v, 31) ? bits_put(bits_get(v, 19, 10), 44, 32)
					   : bits_put(bit_get(v, 19), LR_EOI, LR_EOI) |
						     bits_put(bits_get(v, 12, 10), 34, 32);
	ich_lr_write(a, bits_put(bits_get(v, 29, 28), 63, 62) | bits_put(bit_get(v, 31), LR_HW, LR_HW) |
				bits_put(bit_get(v, 30), LR_GROUP, LR_GROUP) |
				bits_put(bits_get(v, 27, 23), 55, 51) | physical | (v & V2_INTID));
}

/* ICH_VMCR_EL2 with AckCtl and FIQEn as fields. */
static uint64_t vmcr_read(const struct gic_access *a)
{
	return ich_vmcr_read(a) | (a->pe->virt.ack_ctl ? V2_ACKCTL : 0);
}

static void vmcr_write(const struct gic_access *a, uint64_t value)
{
	a->pe->virt.ack_ctl = value & V2_ACKCTL;
	a->pe->virt.fiq_en = value & V2_FIQEN;
	ich_vmcr_write(a, value);
}

static uint64_t vtr_read(const struct gic_access *a)
{
	return ich_vtr_read(a) & (bits_put(UINT64_MAX, 31, 26) | bits_ones(6));
}

/* One register for both groups. IMPDEF: what is written counts as Group 1's; an end drops the highest of both. */
static uint64_t apr_read(const struct gic_access *a) { return icv_ap0r_read(a) | icv_ap1r_read(a); }
static void apr_write(const struct gic_access *a, uint64_t value)
{
	icv_ap0r_write(a, 0);
	icv_ap1r_write(a, value);
}

static const struct v2_row gich_rows[] = {
	{0x00, 0, ich_hcr_read, ich_hcr_write}, {0x04, 0, vtr_read, NULL},
	{0x08, 0, vmcr_read, vmcr_write},       {0x10, 0, ich_misr_read, NULL},
	{0x20, 0, ich_eisr_read, NULL},         {0x30, 0, ich_elrsr_read, NULL},
	{0xf0, 0, apr_read, apr_write},
};
enum { GICH_LR = 0x100 };

/* Frames --------------------------------------------------------------------------------------------------- */

#define FRAME(rows) \
	{ \
		rows, sizeof(rows) / sizeof((rows)[0]) \
	}
static const struct frame gicc = FRAME(gicc_rows), gicc_ns = FRAME(gicc_ns_rows), gicv = FRAME(gicv_rows),
			  gich = FRAME(gich_rows);
/* GICC as icc.c has it: of a GIC without Security Extensions at EL2; with them Secure software at EL3, and Non-secure software below an EL3
 * that has Group 0. */
static const struct gic_context plain = {.el = 2}, as_secure = {.el = 3},
				as_nonsecure = {.el = 2, .fiq_el3 = true};

static struct gic_access access_of(struct gic *g, unsigned pe, bool guest)
{
	return (struct gic_access){.g = g, .pe = gic_pe(g, pe), .c = &plain, .guest = guest};
}

/* Who accesses GICC, and its rows. */
static const struct frame *gicc_of(struct gic_access *a, bool secure)
{
	if (!a->g->params.security) return &gicc;
	a->c = secure ? &as_secure : &as_nonsecure;
	return secure ? &gicc : &gicc_ns;
}

uint32_t gicc_read(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, bool secure)
{
	struct gic_access a = access_of(g, pe, false);
	const struct frame *f = gicc_of(&a, secure);
	return frame_read(f, a, offset, bytes);
}

void gicc_write(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, uint32_t value, bool secure)
{
	struct gic_access a = access_of(g, pe, false);
	const struct frame *f = gicc_of(&a, secure);
	frame_write(f, a, offset, bytes, value);
}

uint32_t gicv_read(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes)
{
	return frame_read(&gicv, access_of(g, pe, true), offset, bytes);
}

void gicv_write(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, uint32_t value)
{
	frame_write(&gicv, access_of(g, pe, true), offset, bytes, value);
}

static bool list_register(const struct gic *g, uint32_t offset, unsigned bytes, unsigned *n)
{
	*n = (offset - GICH_LR) / 4;
	return offset >= GICH_LR && offset % 4 == 0 && bytes == 4 && *n < g->params.list_registers;
}

uint32_t gich_read(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes)
{
	struct gic_access a = access_of(g, pe, false);
	if (list_register(g, offset, bytes, &a.n)) return (uint32_t)lr_read(&a);
	return frame_read(&gich, a, offset, bytes);
}

void gich_write(struct gic *g, unsigned pe, uint32_t offset, unsigned bytes, uint32_t value)
{
	struct gic_access a = access_of(g, pe, false);
	if (list_register(g, offset, bytes, &a.n)) {
		lr_write(&a, value);
	} else {
		frame_write(&gich, a, offset, bytes, value);
	}
}

struct gic_signals gicv2_signals(struct gic *g, unsigned pe)
{
	struct gic_signals s = gic_signals(g, pe, &plain);
	if (s.fiq && !gic_pe(g, pe)->fiq_en) {
		s.fiq = false;
		s.irq = true;
	}
	return s;
}
