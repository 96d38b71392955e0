#include "mmu/attrs.h"

enum { NIBBLE_NC = 4, NIBBLE_WB_RW = 15, NIBBLE_WRITE_BACK = 4 };

bool s2_attr_is_device(unsigned memattr, bool fwb) { return fwb ? (memattr & 4) == 0 : memattr >> 2 == 0; }

static bool is_write_through(unsigned nibble) { return !(nibble & NIBBLE_WRITE_BACK); }

/* Stage 2's two bits for one of inner and outer: 1 Non-cacheable, 2 Write-Through, 3 Write-Back. The weaker
 * of both stages wins; the hints, transient included, are stage 1's. UNSURE: the reserved 0 leaves stage 1
 * as it is. */
static unsigned combine_nibble(unsigned s1, unsigned s2)
{
	if (s1 == NIBBLE_NC || s2 == 1) return NIBBLE_NC;
	if (is_write_through(s1) || s2 != 2) return s1;
	return s1 & ~(unsigned)NIBBLE_WRITE_BACK;
}

static uint8_t combine_attr(uint8_t s1, unsigned s2)
{
	unsigned s2_device = s2 << 2;
	if (s2_attr_is_device(s2, false))
		return (uint8_t)(attr_is_device(s1) && s1 < s2_device ? s1 : s2_device);
	if (attr_is_device(s1)) return s1;
	return (uint8_t)(combine_nibble(s1 >> 4, s2 >> 2) << 4 | combine_nibble(s1 & 15, s2 & 3));
}

/* Write-Back with the hints that stage 1 has, read and write allocate where it has none. */
static unsigned force_write_back(unsigned nibble)
{
	return nibble == NIBBLE_NC ? NIBBLE_WB_RW : nibble | NIBBLE_WRITE_BACK;
}

static uint8_t combine_attr_fwb(uint8_t s1, unsigned s2)
{
	if (s2_attr_is_device(s2, true)) return (uint8_t)((s2 & 3) << 2);
	switch (s2 & 7) {
	case S2_FWB_STAGE1: return s1;
	case S2_FWB_NORMAL_NC: return attr_is_device(s1) ? s1 : ATTR_NORMAL_NC;
	case S2_FWB_NORMAL_WB:
		if (attr_is_device(s1)) return ATTR_NORMAL_WB;
		return (uint8_t)(force_write_back(s1 >> 4) << 4 | force_write_back(s1 & 15));
	default: return ATTR_DEVICE_nGnRnE; /* IMPDEF: reserved */
	}
}

static uint8_t combine_sh(unsigned s1, unsigned s2)
{
	if (s1 == SH_OUTER || s2 == SH_OUTER) return SH_OUTER;
	return s1 == SH_INNER || s2 == SH_INNER ? SH_INNER : SH_NON;
}

struct memattr memattr_combine(struct memattr s1, unsigned s2_memattr, unsigned s2_sh, bool fwb, bool nocache)
{
	bool tagged = s1.attr == ATTR_TAGGED;
	struct memattr m = {.attr = tagged ? ATTR_NORMAL_WB : s1.attr, .sh = combine_sh(s1.sh, s2_sh)};
	m.attr = fwb ? combine_attr_fwb(m.attr, s2_memattr) : combine_attr(m.attr, s2_memattr);
	if (nocache && !attr_is_device(m.attr)) m.attr = ATTR_NORMAL_NC;
	if (tagged && m.attr == ATTR_NORMAL_WB) m.attr = ATTR_TAGGED;
	m.sh = attr_effective_sh(m);
	return m;
}
