/* regime.h - registers decoded once, into what a walk needs: (sysregs, features, regime) -> regime_info.
 *
 * Decode again when a register changes (a context switch), never per access. regime_info is plain data
 * without pointers; two equal ones translate alike.
 * Source: Arm ARM DDI 0487, D8.1 (regimes), D8.2 (translation table walk properties), and the shared
 * pseudocode AArch64.GetS1TTWParams, GetS2TTWParams, S2InvalidSL, S2InconsistentSL.
 * Not modelled: stage 2 of Secure state (FEAT_SEL2): Secure EL1&0 has a VMID, but stage 1 only; Realm stage 2
 * (FEAT_RME) is walked as the Non-secure one; FEAT_NV (NV1), 32-bit EL1, GPC, FEAT_THE, FEAT_S1PIE; tables in
 * big-endian order (SCTLR_ELx.EE).
 */
#ifndef MMU_REGIME_H
#define MMU_REGIME_H

#include "base/types.h"
#include "mmu/attrs.h"
#include "mmu/fault.h"
#include "mmu/features.h"
#include "mmu/sysregs.h"

enum { WALK_LEVELS = 5 }; /* -1..3 */

/* How descriptors of one level are found and taken apart. */
struct level_info {
	uint8_t shift;
	uint64_t index; /* (input >> shift) & index is a descriptor's place in its table, in bytes */
	uint64_t field; /* the address bits that a descriptor holds in place */
	uint64_t
		plain; /* (descriptor & plain) == DESC_PLAIN: a table or page whose address is in range and in
			   place; the table is not marked Non-secure */
};

/* One translation table tree and the rules that hold in it: a half of stage 1, or stage 2. */
struct stage_info {
	uint64_t base;               /* the start table, aligned to its size */
	uint64_t upper;              /* what the checked input bits must be: all 0 or all 1 */
	uint64_t check, check_fetch; /* the input bits above the range that are checked: data, fetches */
	uint64_t mair;               /* stage 1: attributes by index */
	struct level_info level[WALK_LEVELS];
	uint8_t stage; /* 1 or 2 */
	uint8_t tree;  /* the half of stage 1 (0 or 1); 2: stage 2 */
	uint8_t granule_bits, ia_bits, oa_bits;
	int8_t start_level;
	int8_t first_block_level; /* the lowest-numbered level where a block is allowed */
	uint8_t layout;           /* enum desc_layout */
	uint8_t sh;               /* the shareability that TCR gives with DESC_OA_DS */
	uint8_t bad;              /* enum fault_kind that every walk meets at once, at level 0 */
	uint8_t security;         /* enum security of the tables at the start */
	bool refuses;             /* `bad`, or deny_el0 */
	bool on;                  /* false: addresses pass unchanged */
	bool deny_el0;            /* E0PD */
	bool user;                /* stage 1: the regime has EL0 */
	bool limits;              /* stage 1: tables take permissions away; not with HPD */
	bool wxn, epan, ha, hd;
	bool sif;                         /* SCR_EL3.SIF: Secure state does not execute Non-secure memory */
	bool nocache_data, nocache_fetch; /* SCTLR.C, I clear; HCR_EL2.CD, ID set */
	bool xnx, fwb, ptw;               /* stage 2 */
};

struct regime_info {
	struct stage_info s1[2]; /* by bit 55 of the VA; regimes with one range refuse through s1[0] */
	struct stage_info s2;
	uint8_t regime;   /* enum regime */
	uint8_t security; /* enum security */
	uint8_t pa_bits;
	uint8_t off_attr; /* stage 1 off: attributes of data (MAIR form), and their shareability */
	uint8_t off_sh;
	uint8_t off_fetch_attr;
	uint8_t abort_el; /* exception level that takes stage 1 aborts of EL0 and of the regime's own level */
	bool two_ranges;
	uint16_t asid; /* of regimes with two ranges: from the TTBR that TCR.A1 names */
	uint16_t vmid; /* of EL1&0, with or without a stage 2; else 0 */
};

/* True when EL2 is there for `security`, so that HCR_EL2 counts: in Secure state where SCR_EL3.EEL2 asks for it. */
bool regime_has_el2(const struct sysregs *regs, const struct features *f, enum security security);
/* The regime that code at `el` uses. */
enum regime regime_of_el(const struct sysregs *regs, const struct features *f, unsigned el, enum security s);
/* Fills *out. Every register value is accepted: illegal ones fault in the walk, as the architecture says. */
void regime_decode(const struct sysregs *regs, const struct features *f, enum regime regime,
		   enum security security, struct regime_info *out);

/* True when the range of `s` holds `input`. A TLB hit needs it too: an entry is found by the bits in range,
 * and a tag in the top byte may be ignored for data and not for fetches. */
static inline bool stage_in_range(const struct stage_info *s, uint64_t input, enum access_kind kind)
{
	return !((input ^ s->upper) & (kind == ACCESS_FETCH ? s->check_fetch : s->check));
}

/* The half of stage 1 that translates `va`. */
static inline const struct stage_info *regime_stage1(const struct regime_info *r, struct va va)
{
	return &r->s1[r->two_ranges && bit_get(va.raw, 55)];
}

#endif
