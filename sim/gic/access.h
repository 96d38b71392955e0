/* access.h - one access to a register of the CPU interface, as icc.c, icv.c and ich.c see it. For sim/gic only. */
#ifndef GIC_ACCESS_H
#define GIC_ACCESS_H

#include "base/bits.h"
#include "gic/interface.h"

struct gic_access {
	struct gic *g;
	struct gic_pe *pe;
	const struct gic_context *c;
	unsigned n; /* of the row: number of the register or its group */
	bool guest; /* of a frame of v2.c: GICV, not GICC */
};
typedef uint64_t (*gic_reg_read)(const struct gic_access *a);
typedef void (*gic_reg_write)(const struct gic_access *a, uint64_t value);

/* X(name, suffix of the functions, read, write): the accessors that cpu_if.c has rows for. */
#define GIC_ACCESSOR_R(name) uint64_t name##_read(const struct gic_access *a);
#define GIC_ACCESSOR_W(name) void name##_write(const struct gic_access *a, uint64_t value);
#define GIC_ACCESSOR_RW(name) GIC_ACCESSOR_R(name) GIC_ACCESSOR_W(name)

GIC_ACCESSOR_RW(icc_pmr)
GIC_ACCESSOR_RW(icc_bpr)
GIC_ACCESSOR_RW(icc_ap0r)
GIC_ACCESSOR_RW(icc_ap1r)
GIC_ACCESSOR_RW(icc_ctlr)
GIC_ACCESSOR_RW(icc_ctlr_el3)
GIC_ACCESSOR_RW(icc_igrpen)
GIC_ACCESSOR_RW(icc_igrpen1_el3)
GIC_ACCESSOR_RW(icc_sre)
GIC_ACCESSOR_R(icc_iar)
GIC_ACCESSOR_R(icc_nmiar1)
GIC_ACCESSOR_R(icc_hppir)
GIC_ACCESSOR_R(icc_rpr)
GIC_ACCESSOR_W(icc_eoir)
GIC_ACCESSOR_W(icc_dir)
GIC_ACCESSOR_W(icc_sgi)

GIC_ACCESSOR_RW(icv_pmr)
GIC_ACCESSOR_RW(icv_bpr)
GIC_ACCESSOR_RW(icv_ap0r)
GIC_ACCESSOR_RW(icv_ap1r)
GIC_ACCESSOR_RW(icv_ctlr)
GIC_ACCESSOR_RW(icv_igrpen)
GIC_ACCESSOR_R(icv_iar)
GIC_ACCESSOR_R(icv_nmiar1)
GIC_ACCESSOR_R(icv_hppir)
GIC_ACCESSOR_R(icv_rpr)
GIC_ACCESSOR_W(icv_eoir)
GIC_ACCESSOR_W(icv_dir)

GIC_ACCESSOR_RW(ich_hcr)
GIC_ACCESSOR_RW(ich_vmcr)
GIC_ACCESSOR_RW(ich_lr)
GIC_ACCESSOR_R(ich_vtr)
GIC_ACCESSOR_R(ich_misr)
GIC_ACCESSOR_R(ich_eisr)
GIC_ACCESSOR_R(ich_elrsr)

/* Whether the redistributor of this PE takes SGI `sgi` from a write of this register. */
bool icc_takes_sgi(const struct gic_access *a, unsigned sgi);

static inline bool intid_is_special(uint32_t intid)
{
	return intid >= GIC_INTID_SECURE && intid <= GIC_SPURIOUS;
}

/* The registers of active priorities of a group, alike in all views. */
uint64_t ap_read(const struct gic_interface *c, enum gic_group group, unsigned n, unsigned bits);
void ap_write(struct gic_interface *c, enum gic_group group, unsigned n, unsigned bits, uint64_t value,
	      bool nmi);
/* A write of BPR<n>: not below the minimum. */
void bpr_set(struct gic_interface *c, enum gic_group group, unsigned bits, uint64_t value);

enum { INTID_MASK = 0xffffff };
enum icc_ctlr {
	ICC_CBPR = 1,
	ICC_EOIMODE = 2,
	ICC_PRIBITS = 8,
	ICC_IDBITS = 11,
	ICC_A3V = 15,
	ICC_RSS = 18,
	ICC_EXTRANGE = 19
};
/* ICC_CTLR_EL1 fields that say what is implemented: 24 bits of INTID, all four affinity levels, RSS where some Aff0 is above 15. */
uint64_t icc_ctlr_constant(const struct gic *g, unsigned bits);

#endif
