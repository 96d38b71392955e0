#include "mmu/tlbi.h"

#include <string.h>

#include "mmu/range_tlb.h"

enum { LOCAL = 1 << TLBI_LOCAL, OUTER = 1 << TLBI_OUTER, ALL_SHARES = (1 << TLBI_SHARES) - 1 };

/* Shareability picks CRm, and for operations by IPA also op2. C5.5. */
#define STAGE1(name_, op1_, crm0, crm1, crm2, op2_, by_, last_, range_) \
	{ \
		.name = name_, .op1 = op1_, .crm = {crm0, crm1, crm2}, .op2 = {op2_, op2_, op2_}, \
		.by = TLBI_BY_##by_, .shares = ALL_SHARES, .last = last_, .range = range_ \
	}
#define PLAIN(name, op1, op2, by, last) STAGE1(name, op1, 7, 3, 1, op2, by, last, false)
#define RANGE(name, op1, op2, by, last) STAGE1(name, op1, 6, 2, 5, op2, by, last, true)
#define BY_IPA(name_, local, inner, outer, last_, range_) \
	{ \
		.name = name_, .op1 = 4, .crm = {4, 0, 4}, .op2 = {local, inner, outer}, .by = TLBI_BY_IPA, \
		.shares = ALL_SHARES, .last = last_, .range = range_ \
	}
#define GPT(name_, shares_, local, outer, op2_, last_, range_) \
	{ \
		.name = name_, .op1 = 6, .crm = {local, 0, outer}, .op2 = {op2_, op2_, op2_}, \
		.by = TLBI_BY_GPT, .shares = shares_, .last = last_, .range = range_ \
	}

const struct tlbi_row tlbi_rows[] = {
	/* EL1 */
	PLAIN("VMALLE1", 0, 0, VMID, false),
	PLAIN("VAE1", 0, 1, VA, false),
	PLAIN("ASIDE1", 0, 2, ASID, false),
	PLAIN("VAAE1", 0, 3, VA_ANY, false),
	PLAIN("VALE1", 0, 5, VA, true),
	PLAIN("VAALE1", 0, 7, VA_ANY, true),
	RANGE("RVAE1", 0, 1, VA, false),
	RANGE("RVAAE1", 0, 3, VA_ANY, false),
	RANGE("RVALE1", 0, 5, VA, true),
	RANGE("RVAALE1", 0, 7, VA_ANY, true),
	/* EL2 */
	BY_IPA("IPAS2E1", 1, 1, 0, false, false),
	BY_IPA("RIPAS2E1", 2, 2, 3, false, true),
	BY_IPA("IPAS2LE1", 5, 5, 4, true, false),
	BY_IPA("RIPAS2LE1", 6, 6, 7, true, true),
	PLAIN("ALLE2", 4, 0, REGIME, false),
	PLAIN("VAE2", 4, 1, VA, false),
	PLAIN("ALLE1", 4, 4, REGIME, false),
	PLAIN("VALE2", 4, 5, VA, true),
	PLAIN("VMALLS12E1", 4, 6, VMID_S12, false),
	RANGE("RVAE2", 4, 1, VA, false),
	RANGE("RVALE2", 4, 5, VA, true),
	/* EL3 */
	PLAIN("ALLE3", 6, 0, REGIME, false),
	PLAIN("VAE3", 6, 1, VA, false),
	PLAIN("VALE3", 6, 5, VA, true),
	RANGE("RVAE3", 6, 1, VA, false),
	RANGE("RVALE3", 6, 5, VA, true),
	GPT("PAALL", LOCAL | OUTER, 7, 1, 4, false, false),
	GPT("RPA", OUTER, 0, 4, 3, false, true),
	GPT("RPAL", OUTER, 0, 4, 7, true, true),
};
const unsigned tlbi_row_count = sizeof(tlbi_rows) / sizeof(tlbi_rows[0]);

enum { CRN = 8, CRN_NXS = 9, TCR_AS = 36, HCR_FB = 9 };

/* --- names and encodings --------------------------------------------------------------------------------------- */

static const char *const share_suffix[TLBI_SHARES] = {"", "IS", "OS"};

uint32_t tlbi_encoding(struct tlbi_op op)
{
	const struct tlbi_row *r = op.row;
	unsigned crn = op.nxs ? CRN_NXS : CRN;
	return (uint32_t)r->op1 << 11 | crn << 7 | (uint32_t)r->crm[op.share] << 3 | r->op2[op.share];
}

void tlbi_name(struct tlbi_op op, char text[TLBI_NAME_BYTES])
{
	char *end = stpcpy(text, op.row->name);
	end = stpcpy(end, share_suffix[op.share]);
	strcpy(end, op.nxs ? "NXS" : "");
}

/* What is of granule protection has neither an inner shareable nor an nXS form, and ranges no local one. */
bool tlbi_exists(struct tlbi_op op)
{
	return bit_get(op.row->shares, op.share) && !(op.nxs && op.row->by == TLBI_BY_GPT);
}

typedef bool op_test(struct tlbi_op op, const void *wanted);

static bool has_encoding(struct tlbi_op op, const void *wanted)
{
	return tlbi_encoding(op) == *(const uint32_t *)wanted;
}

static bool has_name(struct tlbi_op op, const void *wanted)
{
	char name[TLBI_NAME_BYTES];
	tlbi_name(op, name);
	return strcmp(name, wanted) == 0;
}

static bool find(op_test *test, const void *wanted, struct tlbi_op *out)
{
	for (unsigned i = 0; i < tlbi_row_count * TLBI_SHARES * 2; i++) {
		*out = (struct tlbi_op){&tlbi_rows[i / (TLBI_SHARES * 2)], (uint8_t)(i / 2 % TLBI_SHARES),
					i & 1};
		if (tlbi_exists(*out) && test(*out, wanted)) return true;
	}
	return false;
}

bool tlbi_decode(uint32_t encoding, struct tlbi_op *out) { return find(has_encoding, &encoding, out); }
bool tlbi_named(const char *name, struct tlbi_op *out) { return find(has_name, name, out); }

/* --- who is addressed ------------------------------------------------------------------------------------------ */

static bool has_el2(const struct tlbi_context *c)
{
	return regime_has_el2(c->regs, c->features, c->security);
}

static unsigned lowest_el(const struct tlbi_row *r) { return r->op1 == 6 ? 3 : r->op1 == 4 ? 2 : 1; }

static bool is_allocated(struct tlbi_op op, const struct features *f)
{
	if (op.row->by == TLBI_BY_GPT) return f->rme; /* whose processors have all the others, too */
	return (op.share != TLBI_OUTER || f->tlbios) && (!op.row->range || f->tlbirange) &&
	       (!op.nxs || f->xs);
}

/* ALLE1, VMALLS12E1 and operations by IPA: executed at EL2, of EL1&0 whatever HCR_EL2 says. A name ends with the level
 * whose regime it is about. */
static bool is_of_guests(const struct tlbi_row *r)
{
	return r->op1 == 4 && r->name[strlen(r->name) - 1] == '1';
}

/* EL1 operations are of EL2&0 where EL2 hosts user programs. At EL1, TGE would have routed them away. */
static enum regime addressed(const struct tlbi_row *r, const struct tlbi_context *c)
{
	if (r->op1 == 6) return REGIME_EL3;
	if (is_of_guests(r)) return REGIME_EL10;
	if (r->op1 == 4) return regime_of_el(c->regs, c->features, 2, c->security);
	return c->el == 1 ? REGIME_EL10 : regime_of_el(c->regs, c->features, 0, c->security);
}

/* The ASID of an operand: its upper 8 bits count only where they are in use. */
static uint16_t operand_asid(uint64_t operand, enum regime regime, const struct tlbi_context *c)
{
	uint64_t tcr = regime == REGIME_EL10 ? c->regs->TCR_EL1 : c->regs->TCR_EL2;
	bool wide = c->features->asid16 && bit_get(tcr, TCR_AS);
	return (uint16_t)bits_get(operand, wide ? 63 : 55, 48);
}

/* --- operands -------------------------------------------------------------------------------------------------- */

static unsigned granule_of(uint64_t tg)
{
	static const uint8_t bits[] = {0, GRANULE_4K, GRANULE_16K, GRANULE_64K};
	return bits[tg];
}

/* With FEAT_LPA2 a hint may name what only 52-bit addresses have: blocks at 4K level 0 and 16K level 1. */
static bool hint_is_reserved(unsigned granule_bits, unsigned level, const struct features *f)
{
	if (granule_bits == GRANULE_4K) return level == 0 && !f->lpa2;
	if (granule_bits == GRANULE_16K) return level == 0 || (level == 1 && !f->lpa2);
	return level == 0;
}

/* TTL<3:2> is the granule and TTL<1:0> the level of the leaf. A reserved hint is none; one that is wrong, in level or granule,
 * takes nothing. */
static void match_hint(struct tlb_match *m, uint64_t ttl, const struct features *f)
{
	unsigned granule_bits = granule_of(bits_get(ttl, 3, 2)), level = (unsigned)bits_get(ttl, 1, 0);
	if (!f->ttl || !granule_bits || hint_is_reserved(granule_bits, level, f)) return;
	m->granule_bits = (uint8_t)granule_bits;
	m->levels = (uint8_t)(1u << (level + 1));
}

static void match_page(struct tlb_match *m, uint64_t address)
{
	m->by_address = true;
	m->first = bits_align_down(address, GRANULE_4K);
	m->last = m->first | bits_ones(GRANULE_4K);
}

/* VA<55:12> and a hint; the bits above follow VA<55> in regimes with two ranges. */
static void match_va(struct tlb_match *m, uint64_t operand, const struct regime_info *r,
		     const struct features *f)
{
	uint64_t va = bits_get(operand, 43, 0) << GRANULE_4K;
	if (r->two_ranges && bit_get(va, 55)) va |= ~bits_ones(56);
	match_page(m, va);
	match_hint(m, bits_get(operand, 47, 44), f);
}

static void match_ipa(struct tlb_match *m, uint64_t operand, const struct features *f)
{
	match_page(m, bits_get(operand, 39, 0) << GRANULE_4K);
	match_hint(m, bits_get(operand, 47, 44), f);
}

/* The fields of a range operand: ASID <63:48>, TG <47:46>, SCALE <45:44>, NUM <43:39>, TTL <38:37>, BaseADDR <36:0>. */
enum { BASE_BITS = 37 };

static uint64_t range_bytes(uint64_t operand, unsigned granule_bits)
{
	uint64_t num = bits_get(operand, 43, 39), scale = bits_get(operand, 45, 44);
	return (num + 1) << (5 * scale + 1 + granule_bits);
}

/* The range begins at BaseADDR in granules, under DS in units of 64 KiB; in regimes with two halves BaseADDR is signed.
 * It is cut off where its half of the address space ends. What comes of tables of another granule stays. False: TG is reserved. */
static bool match_range(struct tlb_match *m, uint64_t operand, bool two_halves, bool ds)
{
	unsigned granule_bits = granule_of(bits_get(operand, 47, 46));
	if (!granule_bits) return false;
	unsigned unit_bits = ds ? GRANULE_64K : granule_bits;
	bool upper = two_halves && bit_get(operand, BASE_BITS - 1);
	uint64_t reach = bits_ones(BASE_BITS + unit_bits - two_halves); /* of a half, or of all addresses */
	uint64_t base = bits_get(operand, BASE_BITS - 1, 0) << unit_bits;
	if (upper) base |= ~reach;
	uint64_t end = upper ? UINT64_MAX : reach, bytes = range_bytes(operand, granule_bits);
	m->by_address = true;
	m->granule_bits = (uint8_t)granule_bits;
	m->first = base;
	m->last = bytes - 1 > end - base ? end : base + bytes - 1;
	return true;
}

/* TTL of a range is a level of the granule TG; 0 is none. */
static void match_range_hint(struct tlb_match *m, uint64_t operand, const struct features *f)
{
	uint64_t level = bits_get(operand, 38, 37), tg = bits_get(operand, 47, 46);
	if (level) match_hint(m, tg << 2 | level, f);
}

/* --- scope ----------------------------------------------------------------------------------------------------- */

static const uint64_t tag_asid = 0xffff, tag_vmid = UINT64_C(0xffff) << 16, tag_security = UINT64_C(3) << 34;

/* Whose entries: the regime always; VMID and ASID as the operation says. EL2 and EL3 have no ASID, and EL3 is in one
 * security state, whichever it has selected for the others. */
static void match_owner(struct tlb_match *m, const struct tlbi_row *row, uint64_t operand,
			const struct regime_info *r, const struct tlbi_context *c)
{
	bool by_asid = (row->by == TLBI_BY_VA || row->by == TLBI_BY_ASID) && r->two_ranges;
	uint16_t asid = by_asid ? operand_asid(operand, (enum regime)r->regime, c) : 0;
	m->tag = tlb_tag((enum regime)r->regime, (enum security)r->security, r->vmid, asid);
	m->tag_mask = TLB_TAG_ALL;
	if (!by_asid) m->tag_mask &= ~tag_asid;
	if (row->by == TLBI_BY_REGIME) m->tag_mask &= ~tag_vmid;
	if (r->regime == REGIME_EL3) m->tag_mask &= ~tag_security;
	m->not_global = row->by == TLBI_BY_ASID;
}

static void choose_structures(struct tlbi_scope *s, const struct tlbi_row *row, enum regime regime)
{
	bool all = row->by == TLBI_BY_VMID_S12 || (row->by == TLBI_BY_REGIME && regime == REGIME_EL10);
	bool by_ipa = row->by == TLBI_BY_IPA;
	s->translations = !by_ipa;
	s->s1_walks = !by_ipa && !row->last;
	s->ipas = all || by_ipa;
	s->s2_walks = all || (by_ipa && !row->last);
}

/* TCR.DS of the stage, on or off: 52-bit addresses in operands. */
static bool has_ds(const struct tlbi_row *row, enum regime regime, const struct tlbi_context *c)
{
	const struct sysregs *r = c->regs;
	if (!c->features->lpa2) return false;
	if (row->by == TLBI_BY_IPA) return bit_get(r->VTCR_EL2, 32);
	if (regime == REGIME_EL3) return bit_get(r->TCR_EL3, 32);
	if (regime == REGIME_EL10) return bit_get(r->TCR_EL1, 59);
	return bit_get(r->TCR_EL2, regime == REGIME_EL20 ? 59 : 32);
}

bool tlbi_has_ds(struct tlbi_op op, const struct tlbi_context *c)
{
	return has_ds(op.row, addressed(op.row, c), c);
}

/* Operations by address; false where the operand is reserved. */
static bool match_address(struct tlb_match *m, const struct tlbi_row *row, uint64_t operand,
			  const struct regime_info *r, const struct tlbi_context *c)
{
	bool ipa = row->by == TLBI_BY_IPA, ds = has_ds(row, (enum regime)r->regime, c);
	const struct features *f = c->features;
	if (row->range) {
		match_range_hint(m, operand, f);
		return match_range(m, operand, !ipa && r->two_ranges, ds);
	}
	if (ipa)
		match_ipa(m, operand, f);
	else if (row->by == TLBI_BY_VA || row->by == TLBI_BY_VA_ANY)
		match_va(m, operand, r, f);
	return true;
}

enum tlbi_outcome tlbi_resolve(struct tlbi_op op, uint64_t operand, const struct tlbi_context *c,
			       struct tlbi_scope *out)
{
	const struct tlbi_row *row = op.row;
	if (c->el < lowest_el(row) || !is_allocated(op, c->features)) return TLBI_UNDEFINED;
	if (row->op1 == 4 && !is_of_guests(row) && !has_el2(c)) return TLBI_UNDEFINED;
	if (row->by == TLBI_BY_IPA && !has_el2(c)) return TLBI_NO_EFFECT;
	*out = (struct tlbi_scope){0};
	if (row->by == TLBI_BY_GPT) return TLBI_DONE; /* nothing holds any of it */
	struct regime_info r;
	enum regime regime = addressed(row, c);
	regime_decode(c->regs, c->features, regime, c->security, &r);
	choose_structures(out, row, regime);
	match_owner(&out->match, row, operand, &r, c);
	return match_address(&out->match, row, operand, &r, c) ? TLBI_DONE : TLBI_NO_EFFECT;
}

/* HCR_EL2.FB lifts what a guest means for one core to the inner shareable domain. */
enum tlbi_share tlbi_reach(struct tlbi_op op, const struct tlbi_context *c)
{
	bool forced = c->el == 1 && has_el2(c) && bit_get(c->regs->HCR_EL2, HCR_FB);
	return forced && op.share == TLBI_LOCAL ? TLBI_INNER : (enum tlbi_share)op.share;
}

/* --- effect ---------------------------------------------------------------------------------------------------- */

struct removal {
	const struct tlbi_scope *scope;
	unsigned dropped;
};

static void remove_from(void *ctx, struct tlb *t, int stage)
{
	struct removal *r = ctx;
	const struct tlbi_scope *s = r->scope;
	const bool reached[] = {s->translations, s->s1_walks, s->s2_walks, s->ipas};
	if (reached[stage]) r->dropped += tlb_invalidate(t, &s->match);
}

unsigned mmu_tlbi(struct mmu *m, const struct tlbi_scope *s)
{
	struct removal r = {.scope = s};
	mmu_each_tlb(m, remove_from, &r);
	if (m->ranges && s->translations) r.dropped += range_tlb_invalidate(m->ranges, &s->match);
	return r.dropped;
}
