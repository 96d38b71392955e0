#include "mmu/regime.h"

#include <assert.h>
#include <string.h>

uint64_t *sysregs_find(struct sysregs *regs, const char *name)
{
#define X(reg) \
	if (strcmp(name, #reg) == 0) return &regs->reg;
	SYSREGS(X)
#undef X
	return NULL;
}

enum { SCTLR_M = 0, SCTLR_C = 2, SCTLR_I = 12, SCTLR_WXN = 19, SCTLR_EPAN = 57, SCR_SIF = 9, NONE = 255 };

/* Where a TCR keeps what belongs to one table tree: bit numbers, NONE where it has no such field. */
struct tcr_format {
	uint8_t txsz, epd, sh, tg, ps, tbi, ha, hd, hpd, tbid, e0pd, ds;
	bool tg1; /* TG1 has an encoding of its own */
};

/* clang-format off */
static const struct tcr_format
	/*             txsz   epd  sh  tg  ps   tbi  ha  hd   hpd  tbid  e0pd  ds  tg1 */
	tcr_lower  = {    0,    7, 12, 14, 32,   37, 39, 40,   41,   51,   55, 59, false },
	tcr_upper  = {   16,   23, 28, 30, 32,   38, 39, 40,   42,   52,   56, 59, true },
	tcr_single = {    0, NONE, 12, 14, 16,   20, 21, 22,   24,   29, NONE, 32, false }, /* EL2, EL3 */
	tcr_stage2 = {    0, NONE, 12, 14, 16, NONE, 21, 22, NONE, NONE, NONE, 32, false };
/* clang-format on */

enum { VTCR_SL0 = 6, VTCR_VS = 19, VTCR_SL2 = 33, TCR_A1 = 22, TCR_AS = 36 };

/* The registers of one stage 1 regime. */
struct stage1_regs {
	uint64_t sctlr, tcr, ttbr0, ttbr1, mair;
};

static bool flag(uint64_t reg, unsigned bit) { return bit != NONE && bit_get(reg, bit); }

bool regime_has_el2(const struct sysregs *regs, const struct features *f, enum security security)
{
	if (security == SEC_SECURE) return f->sel2 && (regs->SCR_EL3 & SCR_EEL2);
	return security == SEC_NONSECURE || security == SEC_REALM;
}

static bool e2h(const struct sysregs *regs, const struct features *f)
{
	return f->vhe && (regs->HCR_EL2 & HCR_E2H);
}

enum regime regime_of_el(const struct sysregs *regs, const struct features *f, unsigned el, enum security s)
{
	assert(el <= 3);
	if (el == 3) return REGIME_EL3;
	if (el == 2) return e2h(regs, f) ? REGIME_EL20 : REGIME_EL2;
	bool host = regime_has_el2(regs, f, s) && e2h(regs, f) && (regs->HCR_EL2 & HCR_TGE);
	return el == 0 && host ? REGIME_EL20 : REGIME_EL10;
}

/* IMPDEF: a reserved or unimplemented granule acts as the smallest one implemented. Arm ARM D8.2.1. */
static uint8_t granule_decode(unsigned tg, bool tg1, uint64_t implemented)
{
	static const uint8_t tg0_bits[] = {GRANULE_4K, GRANULE_64K, GRANULE_16K, 0};
	static const uint8_t tg1_bits[] = {0, GRANULE_16K, GRANULE_4K, GRANULE_64K};
	uint8_t bits = tg1 ? tg1_bits[tg] : tg0_bits[tg];
	if (bits && (implemented >> ((bits - GRANULE_4K) / 2) & 1)) return bits;
	return implemented & FEAT_GRANULE_4K    ? GRANULE_4K
	       : implemented & FEAT_GRANULE_16K ? GRANULE_16K
						: GRANULE_64K;
}

static uint8_t output_bits(unsigned ps, const struct features *f)
{
	static const uint8_t by_ps[] = {32, 36, 40, 42, 44, 48, 52, 52};
	return by_ps[ps] < f->pa_bits ? by_ps[ps] : (uint8_t)f->pa_bits;
}

static void decode_granule(struct stage_info *s, uint64_t tcr, const struct tcr_format *t,
			   const struct features *f)
{
	uint64_t implemented = s->stage == 1 ? f->granules : f->granules_stage2;
	s->granule_bits = granule_decode((unsigned)bits_get(tcr, t->tg + 1u, t->tg), t->tg1, implemented);
	s->oa_bits = output_bits((unsigned)bits_get(tcr, t->ps + 2u, t->ps), f);
	s->layout = DESC_OA_48;
	if (s->granule_bits == GRANULE_64K && f->lpa) s->layout = DESC_OA_LPA;
	if (s->granule_bits != GRANULE_64K && f->lpa2 && flag(tcr, t->ds)) s->layout = DESC_OA_DS;
	if (s->layout == DESC_OA_48 && s->oa_bits > 48) s->oa_bits = 48;
	s->sh = (uint8_t)bits_get(tcr, t->sh + 1u, t->sh);
}

/* Blocks: 4K at 1 and 2 (0 with DS), 16K at 2 (1 with DS), 64K at 2 (1 with FEAT_LPA). D8.3.1. */
static int8_t first_block_level(const struct stage_info *s)
{
	if (s->granule_bits == GRANULE_64K) return s->layout == DESC_OA_LPA ? 1 : 2;
	int8_t level = s->granule_bits == GRANULE_4K ? 1 : 2;
	return s->layout == DESC_OA_DS ? (int8_t)(level - 1) : level;
}

static unsigned max_txsz(const struct stage_info *s, const struct features *f)
{
	if (!f->ttst) return 39;
	return s->granule_bits == GRANULE_64K ? 47 : 48;
}

static unsigned min_txsz_stage1(const struct stage_info *s, const struct features *f)
{
	if (s->granule_bits == GRANULE_64K) return f->lva ? 12 : 16;
	return s->layout == DESC_OA_DS ? 12 : 16;
}

/* Stage 2 inputs never exceed the physical address size. */
static unsigned min_txsz_stage2(const struct stage_info *s, const struct features *f)
{
	unsigned bits = s->layout == DESC_OA_48 && f->pa_bits > 48 ? 48 : (unsigned)f->pa_bits;
	return 64 - bits;
}

/* IMPDEF: an illegal TxSZ faults at level 0, instead of acting as the nearest legal one. D8.2.4. */
static void decode_input(struct stage_info *s, unsigned txsz, const struct features *f)
{
	unsigned low = s->stage == 1 ? min_txsz_stage1(s, f) : min_txsz_stage2(s, f), high = max_txsz(s, f);
	if (txsz < low || txsz > high) s->bad = FAULT_TRANSLATION;
	s->ia_bits = (uint8_t)(64 - (txsz < low ? low : txsz > high ? high : txsz));
}

static void decode_base(struct stage_info *s, uint64_t ttbr)
{
	unsigned index_bits = s->ia_bits - level_entry_bits(s->granule_bits, s->start_level);
	unsigned size_bits = index_bits + DESC_BYTES_BITS;
	bool high = s->layout == DESC_OA_DS || (s->layout == DESC_OA_LPA && s->oa_bits == 52);
	if (high && size_bits < 6) size_bits = 6; /* the low bits of the register are address bits 51:48 */
	s->base = bits_align_down(ttbr & bits_ones(48), size_bits);
	if (high) s->base |= bits_get(ttbr, 5, 2) << 48;
	if (!s->bad && s->base >> s->oa_bits) s->bad = FAULT_ADDRESS_SIZE;
}

static void decode_updates(struct stage_info *s, uint64_t tcr, const struct tcr_format *t,
			   const struct features *f)
{
	s->ha = f->hafdbs && flag(tcr, t->ha);
	s->hd = s->ha && flag(tcr, t->hd);
}

/* Address bits above `bits`, below the tag when the top byte is ignored. */
static uint64_t checked_bits(unsigned bits, bool ignore_top)
{
	return bits_ones(ignore_top ? 56 : 64) & ~bits_ones(bits);
}

static void decode_check(struct stage_info *s, uint64_t tcr, const struct tcr_format *t, unsigned bits,
			 bool pauth)
{
	bool tbi = flag(tcr, t->tbi);
	s->check = checked_bits(bits, tbi);
	s->check_fetch = checked_bits(bits, tbi && !(pauth && flag(tcr, t->tbid)));
}

static void decode_sctlr(struct stage_info *s, uint64_t sctlr, const struct features *f)
{
	s->wxn = bit_get(sctlr, SCTLR_WXN);
	s->epan = f->pan3 && bit_get(sctlr, SCTLR_EPAN);
	s->nocache_data = !bit_get(sctlr, SCTLR_C);
	s->nocache_fetch = !bit_get(sctlr, SCTLR_I);
}

/* The bits of a descriptor that make the general case of walk_step() necessary. */
static uint64_t odd_bits(const struct stage_info *s, int level)
{
	static const uint64_t elsewhere[] = {
		[DESC_OA_48] = 0, [DESC_OA_LPA] = UINT64_C(0xf) << 12, [DESC_OA_DS] = UINT64_C(3) << 8};
	unsigned in_place = s->layout == DESC_OA_DS ? 50 : 48;
	uint64_t odd = elsewhere[s->layout];
	if (s->oa_bits < in_place) odd |= bits_ones(in_place) & ~bits_ones(s->oa_bits);
	if (level == LAST_LEVEL || s->stage == 2) return odd;
	return odd | DESC_NS_TABLE;
}

static void decode_levels(struct stage_info *s)
{
	s->refuses = s->bad || s->deny_el0;
	for (int level = s->start_level; level <= LAST_LEVEL; level++) {
		struct level_info *l = &s->level[level + 1];
		unsigned low = level_entry_bits(s->granule_bits, level);
		unsigned width = level == s->start_level ? s->ia_bits - low : level_stride(s->granule_bits);
		l->shift = (uint8_t)(low - DESC_BYTES_BITS);
		l->index = bits_ones(width) << DESC_BYTES_BITS;
		l->field = bits_align_down(bits_ones(s->layout == DESC_OA_DS ? 50 : 48), low);
		l->plain = DESC_PLAIN | odd_bits(s, level);
	}
}

/* One half of a stage 1 that is on. */
static void decode_stage1(struct stage_info *s, const struct stage1_regs *regs, const struct tcr_format *t,
			  const struct features *f)
{
	uint64_t tcr = regs->tcr;
	decode_granule(s, tcr, t, f);
	s->first_block_level = first_block_level(s);
	decode_input(s, (unsigned)bits_get(tcr, t->txsz + 5u, t->txsz), f);
	if (flag(tcr, t->epd)) s->bad = FAULT_TRANSLATION;
	s->start_level = (int8_t)(LAST_LEVEL -
				  (s->ia_bits - 1 - s->granule_bits) / (int)level_stride(s->granule_bits));
	decode_base(s, t == &tcr_upper ? regs->ttbr1 : regs->ttbr0);
	decode_check(s, tcr, t, s->ia_bits, f->pauth);
	decode_updates(s, tcr, t, f);
	decode_sctlr(s, regs->sctlr, f);
	s->upper = t == &tcr_upper ? UINT64_MAX : 0;
	s->mair = regs->mair;
	s->limits = !(f->hpds && flag(tcr, t->hpd));
	s->deny_el0 = f->e0pd && flag(tcr, t->e0pd);
	decode_levels(s);
}

/* The level of the first stage 2 table; NONE where SL0, SL2 are reserved or sizes forbid it. S2InvalidSL. */
static unsigned stage2_start(const struct stage_info *s, uint64_t vtcr, const struct features *f)
{
	unsigned sl0 = (unsigned)bits_get(vtcr, VTCR_SL0 + 1, VTCR_SL0);
	bool ds = s->layout == DESC_OA_DS, sl2 = ds && bit_get(vtcr, VTCR_SL2);
	if (s->granule_bits == GRANULE_4K) {
		if (sl2) return sl0 == 0 && f->pa_bits >= 52 ? 4 : NONE;
		if (sl0 == 3) return f->ttst ? 0 : NONE;
		return sl0 == 2 && f->pa_bits < 44 ? NONE : sl0 + 1;
	}
	if (s->granule_bits == GRANULE_16K) {
		if (sl0 == 3) return ds && f->pa_bits >= 52 ? 3 : NONE;
		return sl0 == 2 && f->pa_bits < 42 ? NONE : sl0;
	}
	if (sl0 == 3) return NONE;
	return sl0 == 2 && f->pa_bits < 44 ? NONE : sl0;
}

/* The start level must resolve at least one bit, and with up to 16 concatenated tables at most four more
 * than a table does. S2InconsistentSL. */
static bool stage2_fits(const struct stage_info *s)
{
	unsigned low = level_entry_bits(s->granule_bits, s->start_level);
	return s->ia_bits > low && s->ia_bits <= low + level_stride(s->granule_bits) + 4;
}

static void decode_start2(struct stage_info *s, uint64_t vtcr, const struct features *f)
{
	unsigned levels_below = stage2_start(s, vtcr, f);
	s->start_level = levels_below == NONE ? LAST_LEVEL : (int8_t)(LAST_LEVEL - (int)levels_below);
	if (levels_below != NONE && stage2_fits(s)) return;
	s->bad = FAULT_TRANSLATION;
	s->ia_bits = (uint8_t)(level_entry_bits(s->granule_bits, s->start_level) + 1);
}

static void decode_stage2(struct stage_info *s, const struct sysregs *regs, const struct features *f)
{
	uint64_t vtcr = regs->VTCR_EL2, hcr = regs->HCR_EL2;
	s->on = true;
	decode_granule(s, vtcr, &tcr_stage2, f);
	s->first_block_level = first_block_level(s);
	decode_input(s, (unsigned)bits_get(vtcr, 5, 0), f);
	decode_start2(s, vtcr, f);
	decode_base(s, regs->VTTBR_EL2);
	decode_check(s, vtcr, &tcr_stage2, s->ia_bits, false);
	decode_updates(s, vtcr, &tcr_stage2, f);
	s->xnx = f->xnx;
	s->fwb = f->s2fwb && (hcr & HCR_FWB);
	s->ptw = hcr & HCR_PTW;
	s->nocache_data = hcr & HCR_CD;
	s->nocache_fetch = hcr & HCR_ID;
	decode_levels(s);
}

static void stage1_registers(const struct sysregs *r, enum regime regime, struct stage1_regs *out)
{
	if (regime == REGIME_EL10)
		*out = (struct stage1_regs){r->SCTLR_EL1, r->TCR_EL1, r->TTBR0_EL1, r->TTBR1_EL1,
					    r->MAIR_EL1};
	else if (regime == REGIME_EL3)
		*out = (struct stage1_regs){r->SCTLR_EL3, r->TCR_EL3, r->TTBR0_EL3, 0, r->MAIR_EL3};
	else
		*out = (struct stage1_regs){r->SCTLR_EL2, r->TCR_EL2, r->TTBR0_EL2, r->TTBR1_EL2,
					    r->MAIR_EL2};
}

/* What memory is while stage 1 is off. S1DisabledOutput. */
static void decode_off(struct regime_info *r, uint64_t sctlr, bool default_cacheable)
{
	r->off_attr = default_cacheable ? ATTR_NORMAL_WB : ATTR_DEVICE_nGnRnE;
	r->off_fetch_attr = default_cacheable         ? ATTR_NORMAL_WB
			    : bit_get(sctlr, SCTLR_I) ? ATTR_NORMAL_WT
						      : ATTR_NORMAL_NC;
	r->off_sh = default_cacheable ? SH_NON : SH_OUTER;
}

static void decode_half(struct regime_info *r, unsigned half, const struct stage1_regs *regs, bool on,
			const struct features *f)
{
	struct stage_info *s = &r->s1[half];
	const struct tcr_format *t = !r->two_ranges ? &tcr_single : half ? &tcr_upper : &tcr_lower;
	s->stage = 1;
	s->tree = (uint8_t)half;
	s->security = r->security;
	s->user = r->two_ranges;
	s->on = on;
	if (on)
		decode_stage1(s, regs, t, f);
	else
		decode_check(s, regs->tcr, t, (unsigned)f->pa_bits, f->pauth);
}

/* The upper half of a TTBR; 8 bits of it unless the wide form exists and is asked for. */
static uint16_t tag_of(uint64_t ttbr, bool wide) { return (uint16_t)bits_get(ttbr, wide ? 63 : 55, 48); }

static void decode_tags(struct regime_info *r, const struct sysregs *regs, const struct stage1_regs *s1,
			const struct features *f)
{
	uint64_t ttbr = bit_get(s1->tcr, TCR_A1) ? s1->ttbr1 : s1->ttbr0;
	if (r->two_ranges) r->asid = tag_of(ttbr, f->asid16 && bit_get(s1->tcr, TCR_AS));
	if (r->regime == REGIME_EL10 && regime_has_el2(regs, f, (enum security)r->security))
		r->vmid = tag_of(regs->VTTBR_EL2, f->vmid16 && bit_get(regs->VTCR_EL2, VTCR_VS));
}

void regime_decode(const struct sysregs *regs, const struct features *f, enum regime regime,
		   enum security security, struct regime_info *out)
{
	uint64_t hcr = regime == REGIME_EL10 && regime_has_el2(regs, f, security) ? regs->HCR_EL2 : 0;
	bool host = e2h(regs, f) && (hcr & HCR_TGE);
	if (host) hcr &= ~(HCR_VM | HCR_DC);
	struct stage1_regs s1;
	stage1_registers(regs, regime, &s1);
	memset(out, 0, sizeof(*out));
	out->regime = (uint8_t)regime;
	out->security = (uint8_t)security;
	out->pa_bits = (uint8_t)f->pa_bits;
	out->two_ranges = regime == REGIME_EL10 || regime == REGIME_EL20;
	out->abort_el = regime == REGIME_EL3 ? 3 : regime != REGIME_EL10 || (hcr & HCR_TGE) ? 2 : 1;
	bool on = bit_get(s1.sctlr, SCTLR_M) && !(hcr & (HCR_TGE | HCR_DC));
	decode_off(out, s1.sctlr, hcr & HCR_DC);
	for (unsigned half = 0; half < 2; half++) {
		decode_half(out, half, &s1, on, f);
		out->s1[half].sif = security == SEC_SECURE && bit_get(regs->SCR_EL3, SCR_SIF);
	}
	out->s2.stage = out->s2.tree = 2;
	out->s2.security = (uint8_t)security;
	if (hcr & (HCR_VM | HCR_DC) && security != SEC_SECURE) decode_stage2(&out->s2, regs, f);
	decode_tags(out, regs, &s1, f);
}
