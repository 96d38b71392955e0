/* descriptor.h - the bits of a VMSAv8-64 translation table descriptor, for readers and writers of tables.
 *
 *   desc_table(), desc_leaf() build a descriptor; desc_address() takes the address out again.
 * A descriptor's address field depends on its `enum desc_layout`: 48 bits, or 52 bits in one of two ways.
 * Level is the manual's -1..3. OR the DESC_* bits onto what a builder returns.
 * Source: Arm ARM DDI 0487, D8.3 (translation table descriptor formats).
 * Not modelled: 128-bit descriptors (FEAT_D128), permission indirection and overlays, PBHA, GP, the
 * software bits.
 */
#ifndef MMU_DESCRIPTOR_H
#define MMU_DESCRIPTOR_H

#include "base/bits.h"
#include "base/types.h"

enum { DESC_BYTES_BITS = 3, LAST_LEVEL = 3 };

#define DESC_VALID UINT64_C(1) /* clear: nothing is mapped here, the other bits are free */
#define DESC_TABLE \
	(UINT64_C(1) << 1) /* levels -1..2: a table, not a block; level 3: must be set for a page */
#define DESC_PLAIN (DESC_VALID | DESC_TABLE)
#define DESC_AF (UINT64_C(1) << 10)  /* accessed */
#define DESC_DBM (UINT64_C(1) << 51) /* dirty bit modifier: the read-only bit means "clean" */
#define DESC_CONTIGUOUS (UINT64_C(1) << 52)

/* Stage 1 blocks and pages. */
#define DESC_NS (UINT64_C(1) << 5)
#define DESC_AP_USER (UINT64_C(1) << 6)      /* AP[1]: also for EL0, in regimes that have one */
#define DESC_AP_READ_ONLY (UINT64_C(1) << 7) /* AP[2] */
#define DESC_NG (UINT64_C(1) << 11)          /* not global: belongs to the ASID */
#define DESC_NSE (UINT64_C(1) << 11)         /* instead of nG in the EL3 regime with FEAT_RME */
#define DESC_PXN (UINT64_C(1) << 53)         /* privileged execute-never; EL1&0 and EL2&0 only */
#define DESC_UXN (UINT64_C(1) << 54)         /* unprivileged execute-never; XN in EL2 and EL3 */
static inline uint64_t desc_attr_index(unsigned index) { return bits_put(index, 4, 2); } /* a byte of MAIR */

/* Stage 1 tables: limits on everything below (unless disabled by HPD). */
#define DESC_PXN_TABLE (UINT64_C(1) << 59)
#define DESC_UXN_TABLE (UINT64_C(1) << 60)
#define DESC_AP_TABLE_NO_USER (UINT64_C(1) << 61)
#define DESC_AP_TABLE_READ_ONLY (UINT64_C(1) << 62)
#define DESC_NS_TABLE (UINT64_C(1) << 63)
enum { DESC_LIMITS_SHIFT = 59 };
#define DESC_LIMITS (DESC_PXN_TABLE | DESC_UXN_TABLE | DESC_AP_TABLE_NO_USER | DESC_AP_TABLE_READ_ONLY)

/* Stage 2 blocks and pages. */
#define DESC_S2AP_READ (UINT64_C(1) << 6)
#define DESC_S2AP_WRITE (UINT64_C(1) << 7)
#define DESC_S2_XN (UINT64_C(1) << 54)  /* XN[1]; alone: never executable */
#define DESC_S2_XNX (UINT64_C(1) << 53) /* XN[0], FEAT_XNX: flips XN[1] for EL1 */
static inline uint64_t desc_s2_attr(unsigned memattr) { return bits_put(memattr, 5, 2); }
enum { S2_ATTR_DEVICE = 0, S2_ATTR_NORMAL_NC = 5, S2_ATTR_NORMAL_WB = 15 };                /* FWB = 0 */
enum { S2_FWB_DEVICE = 0, S2_FWB_NORMAL_NC = 5, S2_FWB_NORMAL_WB = 6, S2_FWB_STAGE1 = 7 }; /* FWB = 1 */

/* Shareability, descriptor bits [9:8]; with DESC_OA_DS the field is in TCR and these bits are address. */
enum shareability { SH_NON = 0, SH_RESERVED = 1, SH_OUTER = 2, SH_INNER = 3 };
static inline uint64_t desc_sh(enum shareability sh) { return bits_put(sh, 9, 8); }

/* Where address bits 51:48 are. */
enum desc_layout {
	DESC_OA_48,  /* nowhere */
	DESC_OA_LPA, /* 64 KiB granule with FEAT_LPA: descriptor bits 15:12 */
	DESC_OA_DS,  /* 4 and 16 KiB with TCR.DS = 1 (FEAT_LPA2): 49:48 in place, 51:50 in bits 9:8 */
};

/* The number of address bits that one level resolves; log2 of what an entry at `level` covers. */
static inline unsigned level_stride(unsigned granule_bits) { return granule_bits - DESC_BYTES_BITS; }
static inline unsigned level_entry_bits(unsigned granule_bits, int level)
{
	return granule_bits + (unsigned)(LAST_LEVEL - level) * level_stride(granule_bits);
}

/* The address field of a descriptor; `low_bits`: bits below this number are zero (granule or block size). */
static inline uint64_t desc_address(uint64_t desc, enum desc_layout layout, unsigned low_bits)
{
	uint64_t field = desc & bits_ones(layout == DESC_OA_DS ? 50 : 48);
	uint64_t address = bits_align_down(field, low_bits);
	if (layout == DESC_OA_LPA) return address | bits_get(desc, 15, 12) << 48;
	if (layout == DESC_OA_DS) return address | bits_get(desc, 9, 8) << 50;
	return address;
}

/* `address` (aligned to at least a granule) as the address field of a descriptor. */
static inline uint64_t desc_put_address(uint64_t address, enum desc_layout layout)
{
	if (layout == DESC_OA_LPA) return (address & bits_ones(48)) | bits_put(address >> 48, 15, 12);
	if (layout == DESC_OA_DS) return (address & bits_ones(50)) | bits_put(address >> 50, 9, 8);
	return address & bits_ones(48);
}

/* A descriptor for the next level's table at `table`. */
static inline uint64_t desc_table(struct pa table, enum desc_layout layout)
{
	return desc_put_address(table.raw, layout) | DESC_TABLE | DESC_VALID;
}

/* A block (level < 3) or page (level 3) at `out`, with no permission or attribute bits yet. */
static inline uint64_t desc_leaf(uint64_t out, enum desc_layout layout, int level)
{
	return desc_put_address(out, layout) | (level == LAST_LEVEL ? DESC_TABLE : 0) | DESC_VALID;
}

/* log2 of the entries in a contiguous run, 0 where the architecture has none. Arm ARM D8.6.1. */
static inline unsigned contiguous_entries_bits(unsigned granule_bits, int level)
{
	if (granule_bits == GRANULE_4K) return level >= 1 ? 4 : 0;
	if (granule_bits == GRANULE_16K) return level == 3 ? 7 : level == 2 ? 5 : 0;
	return level >= 2 ? 5 : 0;
}

#endif
