/* Random registers and tables against a second walker, written here from the pseudocode of the manual: one descriptor
 * after the other, every field taken from the register where it is needed.
 *
 * Source: Arm ARM DDI 0487, shared pseudocode AArch64.S1Translate, S2Translate, S1Walk, S2Walk, S1TTBaseAddress,
 * S2InvalidSL, S2InconsistentSL. Non-secure state. Left out: attributes (the vectors have them), values that leave a
 * choice to the implementation (reserved granules, an IPA size above the PA size, bits <15:12> of 64K descriptors where
 * the output size is below 52 bits).
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <inttypes.h>

#include "base/rng.h"
#include "mmu/translate.h"

struct answer {
	unsigned kind, stage;
	int level;
	bool ptw;
	uint64_t pa;
};

struct world {
	struct sysregs regs;
	const struct features *f;
	enum regime regime;
	struct access a;
	uint64_t va, seed;
	unsigned valid_in_64; /* how many of 64 descriptors are valid */
	bool wide;            /* table addresses of 52 bits */
};

static uint64_t field(uint64_t value, unsigned hi, unsigned lo)
{
	return value >> lo & (hi - lo == 63 ? UINT64_MAX : (UINT64_C(1) << (hi - lo + 1)) - 1);
}
static bool flag(uint64_t value, unsigned bit) { return value >> bit & 1; }

/* --- memory: a function of the address ---------------------------------------------------------------------------- */

static uint64_t word_at(const struct world *w, uint64_t pa)
{
	struct rng r;
	rng_init(&r, w->seed ^ pa * 0x9e3779b97f4a7c15, "naive.word");
	uint64_t word = rng_next(&r) & ~field(UINT64_MAX, 1, 0);
	word &= ~(field(UINT64_MAX, 3, 0) << 12 | UINT64_C(1) << 16); /* 52-bit addresses of 64K; nT */
	if (!w->wide) word &= ~(field(UINT64_MAX, 13, 0) << 36 | field(UINT64_MAX, 1, 0) << 8);
	if (rng_below(&r, 8)) word &= ~(field(UINT64_MAX, 4, 0) << 59); /* table permissions */
	if (rng_below(&r, 16)) word |= UINT64_C(1) << 10;               /* AF */
	if (rng_below(&r, 4)) word |= UINT64_C(3) << 6 & rng_next(&r);  /* some more may be accessed */
	uint64_t kind = rng_below(&r, 64);
	return word | (kind >= w->valid_in_64 ? 0 : kind < w->valid_in_64 / 4 ? 1 : 3);
}

static uint64_t read_word(void *self, struct pa pa, const struct walk_ref *ref)
{
	(void)ref;
	return word_at(self, pa.raw);
}

static bool accept_update(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	(void)self, (void)pa, (void)old, (void)now;
	return true;
}

/* --- what both stages share --------------------------------------------------------------------------------------- */

static bool refuse(struct answer *out, unsigned kind, unsigned stage, int level)
{
	*out = (struct answer){.kind = kind, .stage = stage, .level = level};
	return false;
}

static unsigned output_bits(const struct world *w, unsigned ps, unsigned granule, bool ds)
{
	static const unsigned sizes[] = {32, 36, 40, 42, 44, 48, 52, 52};
	unsigned bits = sizes[ps];
	if (bits > 48 && !ds && !(granule == 16 && w->f->lpa)) bits = 48;
	return bits < w->f->pa_bits ? bits : (unsigned)w->f->pa_bits;
}

static uint64_t address_in(uint64_t desc, unsigned lsb, unsigned granule, unsigned oa_bits, bool ds)
{
	if (ds) return (field(desc, 49, lsb) << lsb) | field(desc, 9, 8) << 50;
	uint64_t high = granule == 16 && oa_bits > 48 ? field(desc, 15, 12) << 48 : 0;
	return field(desc, 47, lsb) << lsb | high;
}

static uint64_t table_base(uint64_t ttb, unsigned size_bits, unsigned granule, unsigned oa_bits, bool ds)
{
	bool wide = ds || (granule == 16 && oa_bits > 48);
	uint64_t base = field(ttb, 47, 1) << 1;
	if (wide) base = field(ttb, 47, 6) << 6 | field(ttb, 5, 2) << 48;
	if (wide && size_bits < 6) size_bits = 6;
	return base >> size_bits << size_bits;
}

static bool block_allowed(const struct world *w, int level, unsigned granule, bool ds)
{
	if (granule == 12) return level == 2 || level == 1 || (level == 0 && ds);
	if (granule == 14) return level == 2 || (level == 1 && ds);
	return level == 2 || (level == 1 && w->f->lpa);
}

struct tree {
	unsigned stage, granule, ia_bits, oa_bits;
	int level;
	uint64_t base;
	bool ds, hardware_af;
};

static bool stage2(const struct world *w, uint64_t ipa, struct access a, bool for_table, struct answer *out);
static bool has_stage2(const struct world *w)
{
	uint64_t hcr = w->regs.HCR_EL2;
	bool host = flag(hcr, 27) && w->f->vhe && flag(hcr, 34);
	return w->regime == REGIME_EL10 && !host && (flag(hcr, 0) || flag(hcr, 12));
}

/* Where a walk ended: its descriptor, that one's address in the output of the stage, bits of all tables above. */
struct end {
	uint64_t leaf, at, tables;
};

/* From the start of a tree to its leaf. */
static bool descend(const struct world *w, struct tree t, uint64_t input, struct end *end, struct answer *out)
{
	const struct access read = {.kind = ACCESS_READ, .el = w->a.el};
	unsigned stride = t.granule - 3, top = t.ia_bits - 1;
	for (;; t.level++) {
		unsigned lsb = t.granule + stride * (unsigned)(3 - t.level);
		uint64_t at = t.base + 8 * (lsb > top ? 0 : field(input, top, lsb));
		end->at = at;
		if (t.stage == 1 && has_stage2(w)) {
			if (!stage2(w, at, read, true, out)) return false;
			at = out->pa;
		}
		uint64_t desc = word_at(w, at);
		bool table = t.level < 3 && (desc & 3) == 3, page = t.level == 3 && (desc & 3) == 3;
		bool block = t.level < 3 && (desc & 3) == 1 && block_allowed(w, t.level, t.granule, t.ds);
		if (!table && !page && !block) return refuse(out, FAULT_TRANSLATION, t.stage, t.level);
		uint64_t next = address_in(desc, table ? t.granule : lsb, t.granule, t.oa_bits, t.ds);
		if (t.oa_bits < 64 && next >> t.oa_bits)
			return refuse(out, FAULT_ADDRESS_SIZE, t.stage, t.level);
		if (!table) {
			end->leaf = desc;
			out->level = t.level;
			out->pa = next | (input & ((UINT64_C(1) << lsb) - 1));
			if (t.oa_bits < 64 && out->pa >> t.oa_bits)
				return refuse(out, FAULT_ADDRESS_SIZE, t.stage, t.level);
			if (!flag(desc, 10) && !t.hardware_af)
				return refuse(out, FAULT_ACCESS_FLAG, t.stage, t.level);
			return true;
		}
		end->tables |= desc;
		t.base = next;
		top = lsb - 1;
	}
}

/* --- stage 2 -------------------------------------------------------------------------------------------------------- */

static bool start_level2(const struct world *w, unsigned granule, bool ds, int *level)
{
	uint64_t vtcr = w->regs.VTCR_EL2, sl0 = field(vtcr, 7, 6), pa = w->f->pa_bits;
	bool sl2 = granule == 12 && ds && flag(vtcr, 33);
	if (granule == 12) {
		static const int levels[] = {2, 1, 0, 3};
		*level = sl2 ? -1 : levels[sl0];
		return !(sl2 && sl0) && (sl0 != 3 || w->f->ttst) && (sl0 != 2 || pa >= 44);
	}
	*level = 3 - (int)sl0;
	if (granule == 14) return sl0 < 2 || (sl0 == 2 ? pa >= 42 : ds);
	return sl0 < 2 || (sl0 == 2 && pa >= 44);
}

static bool permitted2(const struct world *w, uint64_t desc, struct access a)
{
	bool dirty = w->f->hafdbs && flag(w->regs.VTCR_EL2, 22) && flag(w->regs.VTCR_EL2, 21) &&
		     flag(desc, 51);
	if (a.kind == ACCESS_READ) return flag(desc, 6);
	if (a.kind == ACCESS_WRITE) return flag(desc, 7) || dirty;
	if (!w->f->xnx) return !flag(desc, 54);
	static const uint8_t executes[] = {3, 1, 0, 2}; /* by XN: bit 0 for EL0, bit 1 for EL1 */
	return executes[field(desc, 54, 53)] >> a.el & 1;
}

static bool stage2(const struct world *w, uint64_t ipa, struct access a, bool for_table, struct answer *out)
{
	static const unsigned granules[] = {12, 16, 14};
	uint64_t vtcr = w->regs.VTCR_EL2;
	struct end end = {0};
	struct tree t = {.stage = 2, .granule = granules[field(vtcr, 15, 14)]};
	t.ds = w->f->lpa2 && flag(vtcr, 32) && t.granule != 16;
	t.ia_bits = 64 - (unsigned)field(vtcr, 5, 0);
	t.oa_bits = output_bits(w, (unsigned)field(vtcr, 18, 16), t.granule, t.ds);
	t.hardware_af = w->f->hafdbs && flag(vtcr, 21);
	bool valid = start_level2(w, t.granule, t.ds, &t.level), good = false;
	unsigned below = t.granule + (t.granule - 3) * (unsigned)(3 - t.level);
	unsigned size_bits = t.ia_bits - below + 3;
	uint64_t most = !w->f->ttst ? 39 : t.granule == 16 ? 47 : 48;
	if (field(vtcr, 5, 0) > most) valid = false;
	if (!valid || t.ia_bits < below + 1 || t.ia_bits > below + t.granule - 3 + 4 || ipa >> t.ia_bits) {
		refuse(out, FAULT_TRANSLATION, 2, 0);
	} else {
		t.base = table_base(w->regs.VTTBR_EL2, size_bits, t.granule, t.oa_bits, t.ds);
		if (t.base >> t.oa_bits)
			refuse(out, FAULT_ADDRESS_SIZE, 2, 0);
		else
			good = descend(w, t, ipa, &end, out);
	}
	if (good && !permitted2(w, end.leaf, a)) good = refuse(out, FAULT_PERMISSION, 2, out->level);
	if (!good) out->ptw = for_table;
	return good;
}

/* --- stage 1 -------------------------------------------------------------------------------------------------------- */

/* The fields of TCR_ELx in one form for all regimes. */
struct control {
	uint64_t sctlr, ttb, txsz;
	unsigned granule, ps;
	bool epd, tbi, tbid, hpd, e0pd, ha, hd, ds, two, upper, m;
};

static struct control control_of(const struct world *w)
{
	static const unsigned tg0[] = {12, 16, 14}, tg1[] = {0, 14, 12, 16};
	const struct sysregs *r = &w->regs;
	struct control c = {.two = w->regime == REGIME_EL10 || w->regime == REGIME_EL20};
	uint64_t tcr = w->regime == REGIME_EL10  ? r->TCR_EL1
		       : w->regime == REGIME_EL3 ? r->TCR_EL3
						 : r->TCR_EL2;
	c.sctlr = w->regime == REGIME_EL10  ? r->SCTLR_EL1
		  : w->regime == REGIME_EL3 ? r->SCTLR_EL3
					    : r->SCTLR_EL2;
	c.upper = c.two && flag(w->va, 55);
	c.ttb = w->regime == REGIME_EL3    ? r->TTBR0_EL3
		: w->regime == REGIME_EL10 ? r->TTBR0_EL1
					   : r->TTBR0_EL2;
	if (c.upper) c.ttb = w->regime == REGIME_EL10 ? r->TTBR1_EL1 : r->TTBR1_EL2;
	c.txsz = c.upper ? field(tcr, 21, 16) : field(tcr, 5, 0);
	c.granule = c.upper ? tg1[field(tcr, 31, 30)] : tg0[field(tcr, 15, 14)];
	c.ps = (unsigned)(c.two ? field(tcr, 34, 32) : field(tcr, 18, 16));
	c.epd = c.two && flag(tcr, c.upper ? 23 : 7);
	c.tbi = c.two ? flag(tcr, c.upper ? 38 : 37) : flag(tcr, 20);
	c.tbid = w->f->pauth && (c.two ? flag(tcr, c.upper ? 52 : 51) : flag(tcr, 29));
	c.hpd = w->f->hpds && (c.two ? flag(tcr, c.upper ? 42 : 41) : flag(tcr, 24));
	c.e0pd = w->f->e0pd && c.two && flag(tcr, c.upper ? 56 : 55);
	c.ha = w->f->hafdbs && flag(tcr, c.two ? 39 : 21);
	c.hd = w->f->hafdbs && c.ha && flag(tcr, c.two ? 40 : 22);
	c.ds = w->f->lpa2 && c.granule != 16 && flag(tcr, c.two ? 59 : 32);
	c.m = flag(c.sctlr, 0) && !(w->regime == REGIME_EL10 && flag(r->HCR_EL2, 12));
	if (w->regime == REGIME_EL10 && flag(r->HCR_EL2, 27)) c.m = false;
	return c;
}

static bool permitted1(const struct world *w, const struct control *c, uint64_t desc, uint64_t tables)
{
	uint64_t ap = field(desc, 7, 6), t = c->hpd ? 0 : tables;
	bool user_may = c->two && flag(ap, 0) && !flag(t, 61), write = !flag(ap, 1), wxn = flag(c->sctlr, 19);
	if (c->hd && flag(desc, 51)) write = true;
	if (flag(t, 62)) write = false;
	bool uxn = flag(desc, 54) || flag(t, 60), pxn = flag(desc, 53) || flag(t, 59),
	     user_write = user_may && write;
	bool pan = w->a.pan && user_may;
	if (w->a.el == 0 && c->two) {
		if (w->a.kind == ACCESS_FETCH) return !uxn && !(wxn && user_write);
		return user_may && (w->a.kind == ACCESS_READ || write);
	}
	if (w->a.kind == ACCESS_FETCH) return !(c->two ? pxn || user_write : uxn) && !(wxn && write);
	return !pan && (w->a.kind == ACCESS_READ || write);
}

static bool off(const struct world *w, const struct control *c, unsigned top, struct answer *out)
{
	uint64_t address = top == 63 ? w->va : field(w->va, top, 0);
	if (address >> w->f->pa_bits) return refuse(out, FAULT_ADDRESS_SIZE, 1, 0);
	(void)c;
	out->pa = address;
	return true;
}

/* Hardware that sets the flag, or marks a page dirty, writes to the table, and stage 2 has to allow that. */
static bool update(const struct world *w, const struct control *c, const struct end *end, struct answer *out)
{
	const struct access write = {.kind = ACCESS_WRITE, .el = w->a.el};
	uint64_t pa = out->pa;
	bool dirty = w->a.kind == ACCESS_WRITE && c->hd && flag(end->leaf, 51) && flag(end->leaf, 7);
	if ((flag(end->leaf, 10) && !dirty) || !has_stage2(w)) return true;
	if (!stage2(w, end->at, write, true, out)) return false;
	out->pa = pa;
	return true;
}

static bool stage1(const struct world *w, struct answer *out)
{
	struct control c = control_of(w);
	unsigned top = c.tbi && !(w->a.kind == ACCESS_FETCH && c.tbid) ? 55 : 63;
	if (!c.m) return off(w, &c, top, out);
	struct tree t = {.stage = 1, .granule = c.granule, .ds = c.ds, .hardware_af = c.ha};
	unsigned most = !w->f->ttst ? 39 : c.granule == 16 ? 47 : 48;
	unsigned least = c.ds || (c.granule == 16 && w->f->lva) ? 12 : 16;
	struct end end = {0};
	t.ia_bits = 64 - (unsigned)c.txsz;
	t.oa_bits = output_bits(w, c.ps, c.granule, c.ds);
	if (c.txsz < least || c.txsz > most || c.epd || (c.e0pd && w->a.el == 0))
		return refuse(out, FAULT_TRANSLATION, 1, 0);
	uint64_t above = field(w->va, top, t.ia_bits), ones = field(UINT64_MAX, top, t.ia_bits);
	if (above != (c.upper ? ones : 0)) return refuse(out, FAULT_TRANSLATION, 1, 0);
	unsigned stride = c.granule - 3, levels = (t.ia_bits - c.granule + stride - 1) / stride;
	t.level = 4 - (int)levels;
	unsigned size_bits = t.ia_bits - (c.granule + stride * (levels - 1)) + 3;
	t.base = table_base(c.ttb, size_bits, c.granule, t.oa_bits, c.ds);
	if (t.base >> t.oa_bits) return refuse(out, FAULT_ADDRESS_SIZE, 1, 0);
	if (!descend(w, t, w->va, &end, out)) return false;
	if (!permitted1(w, &c, end.leaf, end.tables)) return refuse(out, FAULT_PERMISSION, 1, out->level);
	return update(w, &c, &end, out);
}

static struct answer naive(const struct world *w)
{
	struct answer out = {.kind = FAULT_NONE};
	if (!stage1(w, &out)) return out;
	if (has_stage2(w) && !stage2(w, out.pa, w->a, false, &out)) return out;
	return (struct answer){.kind = FAULT_NONE, .pa = out.pa};
}

/* --- random worlds -------------------------------------------------------------------------------------------------- */

static uint64_t with(uint64_t reg, unsigned hi, unsigned lo, uint64_t value)
{
	uint64_t mask = field(UINT64_MAX, hi - lo, 0) << lo;
	return (reg & ~mask) | (value << lo & mask);
}

/* 0: 4K, 1: 64K, 2: 16K, as TG0 has them; one that the processor has. */
static uint64_t random_granule(struct rng *r, uint64_t granules)
{
	static const uint64_t bits[] = {FEAT_GRANULE_4K, FEAT_GRANULE_64K, FEAT_GRANULE_16K};
	uint64_t tg;
	do {
		tg = rng_below(r, 3);
	} while (!(granules & bits[tg]));
	return tg;
}

static uint64_t random_size(struct rng *r)
{
	return rng_below(r, 8) ? 16 + rng_below(r, 24) : rng_below(r, 64);
}

static uint64_t random_tcr(struct rng *r, const struct features *f, bool two)
{
	static const uint64_t tg1[] = {2, 3, 1};
	uint64_t tcr = rng_next(r), ps = rng_below(r, 4) ? 5 + (f->pa_bits > 48) : rng_below(r, 7);
	tcr = with(tcr, 5, 0, random_size(r));
	tcr = with(tcr, 15, 14, random_granule(r, f->granules));
	if (!two) return with(tcr, 18, 16, ps);
	tcr = with(tcr, 21, 16, random_size(r));
	tcr = with(tcr, 31, 30, tg1[random_granule(r, f->granules)]);
	if (rng_below(r, 8)) tcr = with(with(with(tcr, 7, 7, 0), 23, 23, 0), 56, 55, 0);
	return with(tcr, 34, 32, ps);
}

static uint64_t random_vtcr(struct rng *r, const struct features *f)
{
	uint64_t tg = random_granule(r, f->granules_stage2), sl0 = rng_below(r, 8) ? 1 : rng_below(r, 4);
	unsigned most = f->pa_bits < 48 ? (unsigned)f->pa_bits : 48;
	uint64_t bits = most - rng_below(r, rng_below(r, 2) ? 24 : 8);
	uint64_t ps = rng_below(r, 4) ? 5 + (f->pa_bits > 48) : rng_below(r, 7);
	uint64_t vtcr = with(with(rng_next(r), 5, 0, 64 - bits), 15, 14, tg);
	vtcr = with(with(vtcr, 7, 6, sl0), 18, 16, ps);
	return with(vtcr, 33, 33, rng_below(r, 8) == 0);
}

static uint64_t random_base(struct rng *r, bool wide)
{
	uint64_t base = rng_next(r);
	return wide ? with(base, 5, 1, rng_below(r, 2))
		    : field(base, 35, 6) << 6 | (base & UINT64_C(0xffff) << 48);
}

static void random_world(struct rng *r, struct world *w)
{
	unsigned cores = 0;
	while (features_cpu_name(cores)) cores++;
	*w = (struct world){.seed = rng_next(r)};
	w->f = features_of_cpu(features_cpu_name((unsigned)rng_below(r, cores)));
	w->regime = rng_below(r, 2) ? REGIME_EL10 : (enum regime)rng_below(r, 4);
	if (w->regime == REGIME_EL20 && !w->f->vhe) w->regime = REGIME_EL2;
	w->a.kind = (uint8_t)rng_below(r, 3);
	w->a.el = (uint8_t)rng_below(r, 2);
	w->a.pan = rng_below(r, 2) && w->f->pan;
	if (w->regime == REGIME_EL2) w->a.el = 2;
	if (w->regime == REGIME_EL3) w->a.el = 3;
	if (w->regime == REGIME_EL20 && w->a.el) w->a.el = 2;
	w->valid_in_64 = 64 - (unsigned)rng_below(r, 8);
	w->wide = rng_below(r, 4) == 0;
	struct sysregs *g = &w->regs;
	uint64_t sctlr = rng_next(r);
	sctlr |= rng_below(r, 16) != 0;
	g->SCTLR_EL1 = g->SCTLR_EL2 = g->SCTLR_EL3 = sctlr;
	g->TCR_EL1 = random_tcr(r, w->f, true);
	g->TCR_EL2 = random_tcr(r, w->f, w->regime == REGIME_EL20);
	g->TCR_EL3 = random_tcr(r, w->f, false);
	g->VTCR_EL2 = random_vtcr(r, w->f);
	uint64_t *bases[] = {&g->TTBR0_EL1, &g->TTBR1_EL1, &g->TTBR0_EL2,
			     &g->TTBR1_EL2, &g->TTBR0_EL3, &g->VTTBR_EL2};
	for (unsigned i = 0; i < 6; i++) *bases[i] = random_base(r, w->wide);
	g->HCR_EL2 = rng_below(r, 2);
	g->HCR_EL2 |= (uint64_t)(rng_below(r, 32) == 0) << 12;
	if (w->regime == REGIME_EL20) g->HCR_EL2 |= UINT64_C(1) << 34 | (rng_below(r, 2) << 27);
	w->va = rng_next(r);
	unsigned bits = 20 + (unsigned)rng_below(r, 40);
	if (rng_below(r, 8)) w->va = rng_below(r, 2) ? w->va & bits_ones(bits) : w->va | ~bits_ones(bits);
}

static struct answer model(const struct world *w)
{
	struct regime_info info;
	struct translation t;
	struct walk_mem mem = {.self = (void *)w, .read = read_word, .update = accept_update};
	regime_decode(&w->regs, w->f, w->regime, SEC_NONSECURE, &info);
	translate(&info, (struct va){w->va}, w->a, &mem, &t);
	if (t.fault.kind == FAULT_NONE) return (struct answer){.kind = FAULT_NONE, .pa = t.pa.raw};
	return (struct answer){
		.kind = t.fault.kind, .stage = t.fault.stage, .level = t.fault.level, .ptw = t.fault.s1ptw};
}

struct seed_case {
	unsigned seed;
};

ParameterizedTestParameters(walk_naive, random_registers_and_tables_translate_as_the_pseudocode_says)
{
	static struct seed_case cases[] = {{1}, {2}, {3}, {4}};
	return cr_make_param_array(struct seed_case, cases, sizeof(cases) / sizeof(cases[0]));
}

/* Every kind of outcome must be there often enough to be worth something. */
ParameterizedTest(struct seed_case *c, walk_naive,
		  random_registers_and_tables_translate_as_the_pseudocode_says)
{
	enum { ROUNDS = 30000 };
	struct rng r;
	unsigned seen[FAULT_PERMISSION + 1][3] = {{0}};
	rng_init(&r, c->seed, "naive");
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct world w;
		random_world(&r, &w);
		struct answer want = naive(&w), came = model(&w);
		seen[want.kind][want.stage]++;
		cr_assert(want.kind == came.kind && want.stage == came.stage && want.level == came.level &&
				  want.ptw == came.ptw && want.pa == came.pa,
			  "round %u: %s L%d S%u ptw %d pa 0x%" PRIx64
			  ", the model %s L%d S%u ptw %d pa 0x%" PRIx64
			  "; regime %u kind %u el %u va 0x%" PRIx64 " tcr1 0x%" PRIx64 " tcr2 0x%" PRIx64
			  " vtcr 0x%" PRIx64 " hcr 0x%" PRIx64,
			  i, fault_kind_name(want.kind), want.level, want.stage, want.ptw, want.pa,
			  fault_kind_name(came.kind), came.level, came.stage, came.ptw, came.pa, w.regime,
			  w.a.kind, w.a.el, w.va, w.regs.TCR_EL1, w.regs.TCR_EL2, w.regs.VTCR_EL2,
			  w.regs.HCR_EL2);
	}
	for (unsigned stage = 1; stage <= 2; stage++)
		for (unsigned kind = FAULT_ADDRESS_SIZE; kind <= FAULT_PERMISSION; kind++)
			cr_expect(lt(u32, ROUNDS / 3000, seen[kind][stage]), "%s at stage %u: %u",
				  fault_kind_name(kind), stage, seen[kind][stage]);
	cr_expect(lt(u32, ROUNDS / 30, seen[FAULT_NONE][0]));
}
