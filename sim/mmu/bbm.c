/* bbm.c - break-before-make: which changes between two valid descriptors need it. Arm ARM D8.16.1, FEAT_BBM. */
#include "mmu/descriptor.h"
#include "mmu/maintenance.h"

static bool is_table(int level, uint64_t desc) { return level < LAST_LEVEL && (desc & DESC_TABLE); }

static uint64_t output_of(const struct descriptor_kind *k, uint64_t leaf)
{
	return desc_address(leaf, (enum desc_layout)k->layout, level_entry_bits(k->granule_bits, k->level));
}

/* With DESC_OA_DS the bits of shareability are of the address, and TCR says it for all. */
static bool has_shareability(const struct descriptor_kind *k) { return k->layout != DESC_OA_DS; }

/* A leaf becomes another leaf. UNSURE: two read-only mappings of equal contents may differ in address without
 * break-before-make; memory has no contents here, so that any change of address counts. */
static const char *leaf_needs_break(const struct descriptor_kind *k, uint64_t old, uint64_t now, unsigned bbm)
{
	uint64_t changed = old ^ now;
	if (output_of(k, old) != output_of(k, now)) return "the output address";
	if (bits_get(changed, k->stage == 2 ? 5 : 4, 2)) return "the memory type";
	if (has_shareability(k) && bits_get(changed, 9, 8)) return "the shareability";
	if (k->stage == 1 && (changed & DESC_NG) && (old & DESC_NG)) return "being global";
	if ((changed & DESC_CONTIGUOUS) && bbm < 1)
		return "the contiguous bit (allowed with FEAT_BBM level 1)";
	return NULL;
}

const char *descriptor_needs_break(const struct descriptor_kind *k, uint64_t old, uint64_t now, unsigned bbm)
{
	if (is_table(k->level, old) && is_table(k->level, now))
		return NULL; /* only what is below it counts */
	if (is_table(k->level, old) != is_table(k->level, now))
		return bbm < 2 ? "being a table or a block (allowed with FEAT_BBM level 2)" : NULL;
	return leaf_needs_break(k, old, now, bbm);
}
