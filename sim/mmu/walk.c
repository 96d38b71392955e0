#include "mmu/walk.h"

static enum walk_step walk_fail(struct walk_pos *pos, enum fault_kind kind)
{
	pos->fault = (uint8_t)kind;
	return WALK_FAULT;
}

enum walk_step walk_step_odd(const struct stage_info *s, struct walk_pos *pos, uint64_t desc)
{
	bool table = (desc & DESC_TABLE) && pos->level < LAST_LEVEL;
	if (!(desc & DESC_VALID)) return walk_fail(pos, FAULT_TRANSLATION);
	if (!table && pos->level < LAST_LEVEL && pos->level < s->first_block_level)
		return walk_fail(pos, FAULT_TRANSLATION);
	if (!table && pos->level == LAST_LEVEL && !(desc & DESC_TABLE))
		return walk_fail(pos, FAULT_TRANSLATION);
	unsigned low = table ? s->granule_bits : level_entry_bits(s->granule_bits, pos->level);
	uint64_t address = desc_address(desc, (enum desc_layout)s->layout, low);
	if (address >> s->oa_bits) return walk_fail(pos, FAULT_ADDRESS_SIZE);
	if (!table) return WALK_LEAF;
	pos->limits |= walk_limits(s, desc);
	if ((desc & DESC_NS_TABLE) && s->stage == 1 && pos->security == SEC_SECURE) {
		pos->limits |= WALK_NS;
		pos->security = SEC_NONSECURE;
	}
	pos->table = address;
	pos->level++;
	return WALK_TABLE;
}

/* Hardware-managed dirty state: such a leaf may be written, whatever its read-only bit says. */
static bool may_become_dirty(const struct stage_info *s, uint64_t desc) { return s->hd && (desc & DESC_DBM); }

static unsigned stage1_execute(const struct stage_info *s, unsigned limits, uint64_t desc, unsigned write)
{
	bool uxn = (desc & DESC_UXN) || (limits & WALK_UXN);
	bool pxn = s->user ? (desc & DESC_PXN) || (limits & WALK_PXN) || (write & PERM_UW) : uxn;
	if (s->wxn && (write & PERM_PW)) pxn = true;
	if (s->wxn && (write & PERM_UW)) uxn = true;
	return (pxn ? 0 : PERM_PX) | (uxn || !s->user ? 0 : PERM_UX);
}

/* S1DirectBasePermissions: AP[2:1] under APTable, then execute-never, WXN and what EL0 may write. */
static unsigned stage1_perm(const struct stage_info *s, unsigned limits, uint64_t desc)
{
	bool read_only = ((desc & DESC_AP_READ_ONLY) && !may_become_dirty(s, desc)) ||
			 (limits & WALK_READ_ONLY);
	bool user = s->user && (desc & DESC_AP_USER) && !(limits & WALK_NO_USER);
	unsigned write = read_only ? 0 : user ? PERM_PW | PERM_UW : PERM_PW;
	unsigned execute = stage1_execute(s, limits, desc, write);
	bool guarded = user || (s->epan && s->user && (execute & PERM_UX));
	return PERM_PR | (user ? PERM_UR : 0) | write | execute | (guarded ? PERM_GUARDED : 0);
}

/* S2DirectBasePermissions. XN[1:0]: 00 both, 01 EL0 only, 10 none, 11 EL1 only; no FEAT_XNX: XN[1]. */
static unsigned stage2_perm(const struct stage_info *s, uint64_t desc)
{
	bool write = (desc & DESC_S2AP_WRITE) || may_become_dirty(s, desc);
	bool xn = desc & DESC_S2_XN, flip = s->xnx && (desc & DESC_S2_XNX);
	return (desc & DESC_S2AP_READ ? PERM_PR | PERM_UR : 0) | (write ? PERM_PW | PERM_UW : 0) |
	       (xn == flip ? PERM_PX : 0) | (xn ? 0 : PERM_UX);
}

/* The contiguous hint counts only where the run is one piece; a mixed set is used entry by entry. */
static uint8_t run_bits(const struct stage_info *s, const struct walk_pos *pos, uint64_t input,
			const struct leaf *leaf)
{
	unsigned bits = leaf->bits + contiguous_entries_bits(s->granule_bits, pos->level);
	if (!(leaf->desc & DESC_CONTIGUOUS) || bits > s->ia_bits || bits > s->oa_bits) return leaf->bits;
	return (input ^ leaf->out) & bits_ones(bits) ? leaf->bits : (uint8_t)bits;
}

/* The address space of a stage 1 output. FEAT_RME: NSE is bit 11 in the EL3 regime. */
static uint8_t stage1_security(const struct stage_info *s, const struct walk_pos *pos, uint64_t desc)
{
	bool ns = desc & DESC_NS;
	if (pos->security == SEC_SECURE) return ns ? SEC_NONSECURE : SEC_SECURE;
	if (s->security == SEC_ROOT) {
		static const uint8_t by_nse_ns[] = {SEC_SECURE, SEC_NONSECURE, SEC_ROOT, SEC_REALM};
		return by_nse_ns[(desc & DESC_NSE ? 2 : 0) + ns];
	}
	return pos->security;
}

static void read_stage1(const struct stage_info *s, const struct walk_pos *pos, uint64_t desc,
			struct leaf *out)
{
	out->perm_check = (uint8_t)stage1_perm(s, pos->limits, desc);
	out->dirty = !(desc & DESC_AP_READ_ONLY);
	out->attr = (uint8_t)(s->mair >> 8 * bits_get(desc, 4, 2));
	out->security = stage1_security(s, pos, desc);
	/* Secure tables that say Non-secure hold no global entries. */
	out->global = !s->user || (!(desc & DESC_NG) && !(pos->limits & WALK_NS));
	if (s->sif && out->security == SEC_NONSECURE) out->perm_check &= (uint8_t) ~(PERM_PX | PERM_UX);
}

static void read_stage2(const struct stage_info *s, const struct walk_pos *pos, uint64_t desc,
			struct leaf *out)
{
	out->perm_check = (uint8_t)stage2_perm(s, desc);
	out->dirty = desc & DESC_S2AP_WRITE;
	out->attr = (uint8_t)bits_get(desc, 5, 2);
	out->security = pos->security;
	out->global = false;
}

void leaf_read(const struct stage_info *s, const struct walk_pos *pos, uint64_t input, uint64_t desc,
	       struct leaf *out)
{
	unsigned bits = level_entry_bits(s->granule_bits, pos->level);
	enum desc_layout layout = (enum desc_layout)s->layout;
	out->desc = desc;
	out->like = 0;
	out->bits = bits < s->oa_bits ? (uint8_t)bits : s->oa_bits;
	out->level = pos->level;
	out->out = desc_address(desc, layout, bits) | (input & bits_ones(bits));
	out->run_bits = run_bits(s, pos, input, out);
	out->af = desc & DESC_AF;
	out->sh = layout == DESC_OA_DS ? s->sh : (uint8_t)bits_get(desc, 9, 8);
	if (s->stage == 1)
		read_stage1(s, pos, desc, out);
	else
		read_stage2(s, pos, desc, out);
	unsigned lost = (out->dirty ? 0 : PERM_PW | PERM_UW) |
			(s->deny_el0 ? PERM_UR | PERM_UW | PERM_UX : 0);
	out->perm = (uint8_t)(out->perm_check & ~lost);
}

uint64_t leaf_updated(const struct stage_info *s, const struct leaf *leaf, struct access a)
{
	uint64_t desc = leaf->desc;
	if (s->ha) desc |= DESC_AF;
	if (a.kind != ACCESS_WRITE || a.probe || !may_become_dirty(s, desc)) return desc;
	return s->stage == 1 ? desc & ~DESC_AP_READ_ONLY : desc | DESC_S2AP_WRITE;
}
