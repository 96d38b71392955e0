/* vpe_table.h - an entry of the vPE table: where a virtual PE's interrupts are kept and to which redistributor they go.
 *
 * IMPDEF: the layout, in doublewords. GICv4.0 has the first two (16 bytes, one table per ITS), GICv4.1 all four (32 bytes, the
 * most that GITS_BASER<n>.Entry_Size can say; one table for ITSs and redistributors):
 *   0  <63> valid  <62> a doorbell is wanted  <61> group 1 and <60> group 0 were enabled when it was
 *      <55:40> virtual SGIs 15..0 enabled  <39:16> INTID of the default doorbell  <15:0> redistributor
 *   1  <51:16> virtual pending table  <4:0> its number of INTID bits, minus 1
 *   2  <51:16> virtual configuration table  <15:0> virtual SGIs 15..0 are of group 1
 *   3  priorities of virtual SGIs 15..0, 4 bits each
 * Source of what is held: IHI 0069, 5.3 (VMAPP, VSGI), 6 (vPE table).
 */
#ifndef GIC_VPE_TABLE_H
#define GIC_VPE_TABLE_H

#include "base/types.h"
#include "mem/physmem.h"

enum {
	VPE_ENTRY_BITS_V40 = 4,
	VPE_ENTRY_BITS_V41 = 5,
	VPE_SGIS = 16,
	VPE_NO_DOORBELL = 1023 /* the INTID that means none */
};
/* A virtual SGI, as a configuration byte of an LPI, with the group where LPIs have a 1. */
enum { VPE_SGI_ENABLE = 1, VPE_SGI_GROUP1 = 2, VPE_SGI_PRIORITY = 0xf0 };

struct vpe_entry {
	bool valid;
	bool wanted;         /* the default doorbell, when an interrupt comes */
	bool group0, group1; /* enabled when it was wanted */
	unsigned redist;     /* number of the redistributor that it is mapped to */
	struct pa vpt, vconf;
	unsigned vpt_bits;
	uint32_t doorbell;
	uint8_t sgi[VPE_SGIS];
};

void vpe_entry_read(struct vpe_entry *e, const struct physmem *mem, struct pa at, bool v41);
void vpe_entry_write(const struct vpe_entry *e, struct physmem *mem, struct pa at, bool v41);

#endif
