/* attrs.h - memory types: a byte in the form of MAIR_ELx.Attr, and a shareability.
 *
 *   0b0000dd00 Device (nGnRnE, nGnRE, nGRE, GRE); 0xoi Normal, outer and inner nibble each:
 *   0100 Non-cacheable, 00RW / 10RW Write-Through (transient / not), 01RW / 11RW Write-Back; RW: allocate on
 *   read, write.
 * Source: Arm ARM DDI 0487, D8.6 (memory region attributes), D8.6.5 (combining), D8.6.6 (FEAT_S2FWB).
 * Not modelled: FEAT_XS; FEAT_MTE beyond passing the Tagged encoding 0xf0 on.
 */
#ifndef MMU_ATTRS_H
#define MMU_ATTRS_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu/descriptor.h"

enum {
	ATTR_DEVICE_nGnRnE = 0x00,
	ATTR_NORMAL_NC = 0x44,
	ATTR_NORMAL_WT = 0xaa,
	ATTR_NORMAL_WB = 0xff,
	ATTR_TAGGED = 0xf0
};

struct memattr {
	uint8_t attr; /* as a byte of MAIR */
	uint8_t sh;   /* enum shareability */
};

static inline bool attr_is_device(uint8_t attr) { return (attr & 0xf0) == 0; }

/* Device and Normal Non-cacheable memory is Outer Shareable whatever the tables say. */
static inline uint8_t attr_effective_sh(struct memattr m)
{
	return attr_is_device(m.attr) || m.attr == ATTR_NORMAL_NC ? SH_OUTER : m.sh;
}

/* True when stage 2's MemAttr field means Device. */
bool s2_attr_is_device(unsigned memattr, bool fwb);
/* Stage 1's `s1` under stage 2's MemAttr field and shareability. `nocache`: HCR_EL2.CD or ID holds. */
struct memattr memattr_combine(struct memattr s1, unsigned s2_memattr, unsigned s2_sh, bool fwb,
			       bool nocache);

#endif
