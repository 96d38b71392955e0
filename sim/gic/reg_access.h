/* reg_access.h - accesses to a part of a 64-bit memory-mapped register. Depends on nothing.
 *
 * A frame finds the row of a register by the offset of the access; the access may be the whole register or an
 * aligned half of it. Source: IHI 0069, 12.1.3 (access alignment).
 */
#ifndef GIC_REG_ACCESS_H
#define GIC_REG_ACCESS_H

#include "base/bits.h"

/* Whether an access of `bytes` at `offset` is to the register of `size` bytes at `base`. */
static inline bool reg_covers(unsigned base, unsigned size, unsigned offset, unsigned bytes)
{
	return offset >= base && offset + bytes <= base + size && (bytes == 4 || bytes == 8) &&
	       offset % bytes == 0;
}

/* What a read of `bytes`, `at` bytes into the register, gives. */
static inline uint64_t reg_part(uint64_t value, unsigned at, unsigned bytes)
{
	return value >> 8 * at & bits_ones(8 * bytes);
}

/* The register after `bytes` of `part` were written `at` bytes into it. */
static inline uint64_t reg_merge(uint64_t old, uint64_t part, unsigned at, unsigned bytes)
{
	uint64_t mask = bits_ones(8 * bytes) << 8 * at;
	return (old & ~mask) | (part << 8 * at & mask);
}

#endif
