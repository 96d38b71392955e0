/* TLB maintenance: every operation against an oracle that reads its name and operand as the manual's prose does, over
 * random contents of TLBs, walk caches and an IPA cache; and each rule by itself. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "mmu/tlbi.h"

enum { ROOM = 512 };

/* --- an MMU with known contents -------------------------------------------------------------------------------- */

struct geometry {
	unsigned l1, l1_ways, l2, l2_ways, walk, walk_ways, ipa;
	bool xor ;
};

static const struct geometry geometries[] = {
	{16, 16, 48, 3, 8, 4, 8, false},
	{3, 3, 5, 1, 1, 1, 1, false},
	{48, 4, 320, 5, 32, 4, 16, true},
	{7, 7, 64, 64, 16, 16, 64, false},
};

static const struct features every_feature = {
	.granules = 7,
	.granules_stage2 = 7,
	.pa_bits = 52,
	.vhe = 1,
	.lpa2 = 1,
	.vmid16 = 1,
	.asid16 = 1,
	.tlbios = 1,
	.tlbirange = 1,
	.ttl = 1,
	.xs = 1,
	.rme = 1,
};

/* As Armv8.0 and 8.1 had it, but for what makes an operation defined at all. */
static const struct features few_features = {
	.granules = 7,
	.granules_stage2 = 7,
	.pa_bits = 48,
	.vhe = 1,
	.tlbios = 1,
	.tlbirange = 1,
	.xs = 1,
	.rme = 1,
};

static struct mem_cpu no_memory;

static struct mmu *open_mmu(const struct geometry *g)
{
	struct tlb_params tlbs[] = {
		{.name = "l1i", .level = 1, .side = SIDE_INSTRUCTION, .entries = g->l1, .ways = g->l1_ways},
		{.name = "l1d", .level = 1, .side = SIDE_DATA, .entries = g->l1, .ways = g->l1_ways},
		{.name = "l2", .level = 2, .side = SIDE_UNIFIED, .entries = g->l2, .ways = g->l2_ways},
	};
	struct walk_cache_params walk = {.levels = 15, .entries = g->walk, .ways = g->walk_ways};
	struct walker_params w = {
		.walkers = 1, .first_cache = 1, .s1_caches = {&walk, 1}, .s2_caches = {&walk, 1}};
	w.ipa_cache = (struct ipa_cache_params){.entries = g->ipa, .ways = g->ipa};
	struct mmu *m = NULL;
	struct err err;
	for (unsigned i = 0; i < 3; i++) {
		tlbs[i].pages = UINT64_MAX;
		tlbs[i].index = g->xor ? TLB_INDEX_XOR : TLB_INDEX_LOW;
	}
	enum status st = mmu_new(&(struct param_list){tlbs, 3}, &w, &no_memory, NULL, &m, &err);
	cr_assert(eq(int, st, OK), "%s", err.text);
	for (unsigned i = 0; i < m->owned_count; i++) m->owned[i]->sizes_held = UINT64_MAX;
	return m;
}

/* Everything that an oracle may know of an entry. */
struct held {
	struct tlb *tlb;
	const struct tlb_entry *at;
	int stage; /* as in mmu_each_tlb */
	struct tlb_entry was;
};

struct contents {
	struct held entry[4 * ROOM];
	unsigned count;
};

static void note(void *ctx, struct tlb *t, int stage)
{
	struct contents *c = ctx;
	for (unsigned i = 0; i < t->sets * t->ways; i++) {
		if (!t->entry[i].bits) continue;
		assert(c->count < 4 * ROOM);
		c->entry[c->count++] = (struct held){t, &t->entry[i], stage, t->entry[i]};
	}
}

static uint64_t random_address(struct rng *r, bool upper)
{
	uint64_t va = rng_below(r, 3) << 30 | rng_below(r, 4) << 21 | rng_below(r, 6) << 12;
	if (!rng_below(r, 8)) va |= rng_below(r, 1 << 30) << 12 & bits_ones(48);
	return upper ? va | ~bits_ones(48) : va;
}

static tlb_tag_t random_tag(struct rng *r, int stage, bool *two_ranges)
{
	enum regime regime = stage >= 2 ? REGIME_EL10 : (enum regime)rng_below(r, 4);
	*two_ranges = regime == REGIME_EL10 || regime == REGIME_EL20;
	uint16_t vmid = regime == REGIME_EL10 ? (uint16_t)(rng_below(r, 3) << 8 * rng_below(r, 2)) : 0;
	uint16_t asid = *two_ranges && stage < 2 ? (uint16_t)(rng_below(r, 3) << 8 * rng_below(r, 2)) : 0;
	return tlb_tag(regime, rng_below(r, 6) ? SEC_NONSECURE : SEC_SECURE, vmid, asid);
}

static void fill_one(struct rng *r, struct tlb *t, int stage)
{
	static const uint8_t leaf_bits[] = {12, 12, 21, 30, 14, 25, 16, 29, 39},
			     leaf_level[] = {4, 4, 3, 2, 4, 3, 4, 3, 1};
	bool two_ranges, known = rng_below(r, 8);
	tlb_tag_t tag = random_tag(r, stage, &two_ranges);
	uint64_t va = random_address(r, stage < 2 && two_ranges && rng_below(r, 2));
	unsigned leaf = (unsigned)rng_below(r, stage == 0 || stage == 3 ? 8 : 9);
	unsigned cut = stage == 0 && rng_below(r, 2) ? 12 : leaf_bits[leaf];
	struct tlb_fill f = {.va = va, .pa = va, .bits = cut, .run_bits = cut};
	if (tlb_find(t, va, tag)) return;
	bool leaf_entry = stage == 0 || stage == 3;
	f.like.tag = tag;
	f.like.tag_mask = stage == 0 && rng_below(r, 3) == 0 ? TLB_TAG_GLOBAL : TLB_TAG_ALL;
	f.like.level = leaf_entry && known ? leaf_level[leaf] : TLB_LEVEL_ANY;
	if (stage == 0) f.like.s1_bits = leaf_bits[leaf];
	tlb_fill(t, &f);
}

struct filler {
	struct rng *rng;
};

static void fill_tlb(void *ctx, struct tlb *t, int stage)
{
	struct filler *f = ctx;
	for (unsigned i = 0; i < 2 * t->sets * t->ways; i++) fill_one(f->rng, t, stage);
}

/* --- the oracle ------------------------------------------------------------------------------------------------ */

/* An operation as its name reads: [R]VMALL|ALL|ASID|VA|VAA|IPAS2 [L] [S12] E level [IS|OS] [NXS], or of a
 * physical address, which has no level. */
struct reading {
	bool range, last, all_regime, vmid, s12, asid, va, any_asid, ipa, pa;
	unsigned el;
};

static bool starts(const char **p, const char *word)
{
	size_t n = strlen(word);
	if (strncmp(*p, word, n) != 0) return false;
	*p += n;
	return true;
}

static struct reading read_name(const char *p)
{
	struct reading d = {0};
	d.range = starts(&p, "R");
	if (starts(&p, "PA")) {
		d.pa = true;
		d.el = 3;
		return d;
	}
	if (starts(&p, "VMALLS12"))
		d.vmid = d.s12 = true;
	else if (starts(&p, "VMALL"))
		d.vmid = true;
	else if (starts(&p, "ALL"))
		d.all_regime = true;
	else if (starts(&p, "ASID"))
		d.asid = true;
	else if (starts(&p, "IPAS2"))
		d.ipa = true;
	else if (starts(&p, "VA"))
		d.va = true;
	if (d.va) d.any_asid = starts(&p, "A");
	if (d.va || d.ipa) d.last = starts(&p, "L");
	cr_assert(starts(&p, "E"));
	d.el = (unsigned)(*p - '0');
	return d;
}

/* Which translation regime the operation is about. */
static enum regime regime_meant(struct reading d, const struct tlbi_context *c)
{
	bool e2h = c->regs->HCR_EL2 >> 34 & 1, tge = c->regs->HCR_EL2 >> 27 & 1,
	     ns = c->security == SEC_NONSECURE;
	bool hypervisors = d.ipa || d.s12 || (d.all_regime && d.el == 1);
	if (d.el == 3) return REGIME_EL3;
	if (d.el == 2) return e2h ? REGIME_EL20 : REGIME_EL2;
	return !hypervisors && c->el >= 2 && ns && e2h && tge ? REGIME_EL20 : REGIME_EL10;
}

static bool has_asids(enum regime r) { return r == REGIME_EL10 || r == REGIME_EL20; }

struct span {
	uint64_t first, last;
	unsigned level; /* 9: no hint */
	unsigned tg;    /* of hint or range; 0: none is named */
	bool none;      /* nothing is required to go */
};

static const unsigned tg_bits[] = {0, 12, 14, 16};

static bool hint_counts(unsigned tg, unsigned level, const struct features *f)
{
	if (!f->ttl) return false;
	if (tg == 0 || level == 3 || level == 2) return tg != 0;
	if (level == 1) return tg == 1 || tg == 3 || f->lpa2;
	return tg == 1 && f->lpa2;
}

static struct span span_of(struct reading d, uint64_t x, bool two_ranges, bool ds, const struct features *f)
{
	struct span s = {.level = 9};
	unsigned tg = (unsigned)(x >> 46 & 3), ttl = (unsigned)(x >> 44 & 15);
	if (!d.range) {
		u128_t page = x & (((uint64_t)1 << (d.ipa ? 40 : 44)) - 1);
		s.first = (uint64_t)(page * 4096);
		if (!d.ipa && two_ranges && (s.first >> 55 & 1)) s.first |= (uint64_t)0xff << 56;
		s.last = s.first + 4095;
		if (!hint_counts(ttl >> 2, ttl & 3, f)) return s;
		s.level = ttl & 3;
		s.tg = ttl >> 2;
		return s;
	}
	if (tg == 0) return (struct span){.none = true};
	u128_t unit = (u128_t)1 << (ds ? 16 : tg_bits[tg]), half = unit << 36;
	u128_t base = (x & ((UINT64_C(1) << 37) - 1)) * unit, end = half * 2;
	bool upper = !d.ipa && two_ranges && base >= half;
	if (!d.ipa && two_ranges && !upper) end = half;
	u128_t pages = (u128_t)((x >> 39 & 31) + 1) << (5 * (x >> 44 & 3) + 1);
	u128_t stop = base + (pages << tg_bits[tg]);
	if (stop > end) stop = end;
	uint64_t lift = upper ? (uint64_t)((u128_t)0 - half * 2) : 0; /* sign-extended */
	s.first = (uint64_t)base + lift;
	s.last = (uint64_t)(stop - 1) + lift;
	s.tg = tg;
	unsigned hint = (unsigned)(x >> 37 & 3);
	if (hint && hint_counts(tg, hint, f)) s.level = hint;
	return s;
}

static bool ds_of(struct reading d, enum regime regime, const struct tlbi_context *c)
{
	const struct sysregs *r = c->regs;
	if (!c->features->lpa2) return false;
	if (d.ipa) return r->VTCR_EL2 >> 32 & 1;
	if (regime == REGIME_EL3) return r->TCR_EL3 >> 32 & 1;
	if (regime == REGIME_EL2) return r->TCR_EL2 >> 32 & 1;
	return (regime == REGIME_EL10 ? r->TCR_EL1 : r->TCR_EL2) >> 59 & 1;
}

static uint16_t narrow(uint64_t tag, bool wide) { return (uint16_t)(wide ? tag : tag & 0xff); }

/* TG of the tables in which a descriptor covers so much, of all that there are. */
static unsigned tg_of_size(unsigned bits)
{
	static const uint8_t sizes[][5] = {{12, 21, 30, 39, 48}, {14, 25, 36, 47}, {16, 29, 42}};
	for (unsigned tg = 1; tg <= 3; tg++)
		for (unsigned i = 0; i < 5; i++)
			if (sizes[tg - 1][i] == bits) return tg;
	cr_assert(false, "no descriptor covers 2^%u bytes", bits);
	return 0;
}

static bool in_span(const struct held *h, struct span s)
{
	const struct tlb_entry *e = &h->was;
	unsigned bits = h->stage == 0 && e->s1_bits > e->bits ? e->s1_bits : e->bits;
	uint64_t first = e->va >> bits << bits, last = first + ((UINT64_C(1) << bits) - 1);
	if (s.tg && tg_of_size(h->stage == 0 ? e->s1_bits : e->bits) != s.tg) return false;
	bool hinted = s.level != 9 && (h->stage == 0 || h->stage == 3) && e->level != TLB_LEVEL_ANY;
	if (hinted && e->level != s.level + 1) return false;
	return first <= s.last && s.first <= last;
}

static bool oracle_takes(const struct held *h, struct reading d, uint64_t x, const struct tlbi_context *c)
{
	const struct tlb_entry *e = &h->was;
	const struct sysregs *r = c->regs;
	enum regime regime = regime_meant(d, c);
	bool guest = regime == REGIME_EL10, stage2_only = h->stage >= 2;
	bool everything = d.s12 || (d.all_regime && d.el == 1);
	if (d.pa) return false; /* granule protection information, of which there is none */
	if ((e->tag >> 32 & 3) != (tlb_tag_t)regime) return false;
	if (regime != REGIME_EL3 && e->tag >> 34 != (tlb_tag_t)c->security) return false;
	if (d.ipa ? !stage2_only : stage2_only && !everything) return false;
	if (d.last && (h->stage == 1 || h->stage == 2)) return false;
	uint16_t vmid = c->security == SEC_NONSECURE
				? narrow(r->VTTBR_EL2 >> 48, c->features->vmid16 && (r->VTCR_EL2 >> 19 & 1))
				: 0;
	if (guest && !d.all_regime && (uint16_t)(e->tag >> 16) != vmid) return false;
	uint64_t tcr = guest ? r->TCR_EL1 : r->TCR_EL2;
	bool of_asid = (uint16_t)e->tag == narrow(x >> 48, c->features->asid16 && (tcr >> 36 & 1)),
	     global = e->tag_mask != TLB_TAG_ALL;
	if (d.asid) return has_asids(regime) && !global && of_asid;
	if (d.va && !d.any_asid && has_asids(regime) && !global && !of_asid) return false;
	if (!d.va && !d.ipa) return true;
	struct span s = span_of(d, x, has_asids(regime), ds_of(d, regime, c), c->features);
	return !s.none && in_span(h, s);
}

/* --- properties ------------------------------------------------------------------------------------------------ */

static uint64_t random_operand(struct rng *r, bool range, bool two_ranges)
{
	uint64_t tags = rng_below(r, 4) << 8 * rng_below(r, 2),
		 va = random_address(r, two_ranges && rng_below(r, 2));
	if (!range) {
		uint64_t ttl = rng_below(r, 2) ? rng_below(r, 16) : 0;
		return tags << 48 | ttl << 44 | (va >> 12 & bits_ones(44));
	}
	uint64_t tg = rng_below(r, 4), ttl = rng_below(r, 2) ? rng_below(r, 4) : 0;
	uint64_t num = rng_below(r, 2) ? rng_below(r, 32) : 0, scale = rng_below(r, 4);
	uint64_t base = va >> (tg ? tg_bits[tg] : 12) & bits_ones(37);
	return tags << 48 | tg << 46 | scale << 44 | num << 39 | ttl << 37 | base;
}

static void random_registers(struct rng *r, struct sysregs *regs)
{
	*regs = (struct sysregs){0};
	regs->HCR_EL2 = (rng_below(r, 2) ? HCR_E2H : 0) | (rng_below(r, 2) ? HCR_TGE : 0) | rng_below(r, 2);
	regs->VTTBR_EL2 = (rng_below(r, 3) << 8 * rng_below(r, 2)) << 48;
	regs->VTCR_EL2 = rng_below(r, 2) << 19 | (rng_below(r, 4) ? 0 : UINT64_C(1) << 32);
	regs->TCR_EL1 = rng_below(r, 2) << 36 | (rng_below(r, 4) ? 0 : UINT64_C(1) << 59);
	regs->TCR_EL2 = rng_below(r, 2) << 36 | (rng_below(r, 4) ? 0 : UINT64_C(1) << 59 | UINT64_C(1) << 32);
	regs->TCR_EL3 = rng_below(r, 4) ? 0 : UINT64_C(1) << 32;
}

static void check_survivors(const struct contents *before, struct reading d, uint64_t x,
			    const struct tlbi_context *c, const char *name)
{
	for (unsigned i = 0; i < before->count; i++) {
		const struct held *h = &before->entry[i];
		bool gone = !h->at->bits, want = oracle_takes(h, d, x, c);
		cr_assert(eq(int, gone, want),
			  "%s 0x%lx at EL%u: structure %d va 0x%lx bits %u s1 %u level %u tag 0x%lx%s", name,
			  x, c->el, h->stage, h->was.va, h->was.bits, h->was.s1_bits, h->was.level,
			  h->was.tag, h->was.tag_mask == TLB_TAG_ALL ? "" : " global");
		cr_assert(gone || memcmp(h->at, &h->was, sizeof(h->was)) == 0);
	}
}

static void check_tlb(void *ctx, struct tlb *t, int stage)
{
	(void)ctx, (void)stage;
	tlb_check(t);
}

/* One operation on freshly filled structures; adds the entries it took to *taken. */
static void try_operation(struct rng *r, struct mmu *m, struct tlbi_op op, unsigned *taken)
{
	static struct contents before;
	struct sysregs regs;
	char name[TLBI_NAME_BYTES];
	tlbi_name(op, name);
	struct reading d = read_name(name);
	random_registers(r, &regs);
	unsigned lowest = d.el == 1 && (d.ipa || d.s12 || d.all_regime) ? 2 : d.el;
	const struct features *f = rng_below(r, 3) ? &every_feature : &few_features;
	struct tlbi_context c = {&regs, f, lowest + (unsigned)rng_below(r, 4 - lowest), SEC_NONSECURE};
	uint64_t x = random_operand(r, d.range, has_asids(regime_meant(d, &c)));
	struct tlbi_scope s;
	mmu_each_tlb(m, fill_tlb, &(struct filler){r});
	before.count = 0;
	mmu_each_tlb(m, note, &before);
	enum tlbi_outcome outcome = tlbi_resolve(op, x, &c, &s);
	cr_assert(ne(int, outcome, TLBI_UNDEFINED), "%s", name);
	if (outcome == TLBI_DONE) *taken += mmu_tlbi(m, &s);
	check_survivors(&before, d, x, &c, name);
	mmu_each_tlb(m, check_tlb, NULL);
}

ParameterizedTestParameters(tlbi, every_operation_takes_exactly_what_the_manual_says)
{
	return cr_make_param_array(struct geometry, geometries, sizeof(geometries) / sizeof(geometries[0]));
}

ParameterizedTest(struct geometry *g, tlbi, every_operation_takes_exactly_what_the_manual_says)
{
	struct mmu *m = open_mmu(g);
	struct rng r;
	unsigned in_all = 0;
	rng_init(&r, g->l2, "tlbi");
	for (unsigned row = 0; row < tlbi_row_count; row++) {
		for (unsigned round = 0; round < 40; round++) {
			struct tlbi_op op = {&tlbi_rows[row], (uint8_t)rng_below(&r, 3), rng_below(&r, 2)};
			if (!tlbi_exists(op)) continue;
			try_operation(&r, m, op, &in_all);
		}
	}
	cr_assert(lt(u32, 100, in_all));
	mmu_free(m);
}

Test(tlbi, names_and_encodings_are_one_to_one)
{
	unsigned found = 0;
	for (uint32_t encoding = 0; encoding < 1u << 14; encoding++) {
		struct tlbi_op op, again;
		char name[TLBI_NAME_BYTES];
		if (!tlbi_decode(encoding, &op)) continue;
		found++;
		tlbi_name(op, name);
		cr_assert(eq(u32, tlbi_encoding(op), encoding));
		cr_assert(tlbi_named(name, &again));
		cr_assert(eq(u32, tlbi_encoding(again), encoding), "%s", name);
	}
	/* 26 operations in six forms each, and four of granule protection information. */
	cr_assert(eq(u32, found, 26 * TLBI_SHARES * 2 + 4));
}

/* From the assembler's tables (binutils): what `tlbi vae1is, x0` assembles to, and others. */
struct known {
	char name[16];
	uint32_t op1, crn, crm, op2;
};

static const struct known known_encodings[] = {
	{"VMALLE1", 0, 8, 7, 0},     {"VAE1IS", 0, 8, 3, 1},      {"ASIDE1OS", 0, 8, 1, 2},
	{"VAAE1", 0, 8, 7, 3},       {"VALE1IS", 0, 8, 3, 5},     {"VAALE1OS", 0, 8, 1, 7},
	{"RVAE1IS", 0, 8, 2, 1},     {"RVAALE1OS", 0, 8, 5, 7},   {"RVALE1", 0, 8, 6, 5},
	{"IPAS2E1IS", 4, 8, 0, 1},   {"IPAS2E1", 4, 8, 4, 1},     {"IPAS2E1OS", 4, 8, 4, 0},
	{"RIPAS2E1IS", 4, 8, 0, 2},  {"RIPAS2E1", 4, 8, 4, 2},    {"RIPAS2E1OS", 4, 8, 4, 3},
	{"IPAS2LE1IS", 4, 8, 0, 5},  {"IPAS2LE1", 4, 8, 4, 5},    {"IPAS2LE1OS", 4, 8, 4, 4},
	{"RIPAS2LE1IS", 4, 8, 0, 6}, {"RIPAS2LE1OS", 4, 8, 4, 7}, {"VMALLS12E1IS", 4, 8, 3, 6},
	{"ALLE1", 4, 8, 7, 4},       {"ALLE2OS", 4, 8, 1, 0},     {"RVALE2", 4, 8, 6, 5},
	{"ALLE3", 6, 8, 7, 0},       {"VALE3IS", 6, 8, 3, 5},     {"RVAE3OSNXS", 6, 9, 5, 1},
	{"PAALL", 6, 8, 7, 4},       {"PAALLOS", 6, 8, 1, 4},     {"RPAOS", 6, 8, 4, 3},
	{"RPALOS", 6, 8, 4, 7},
};

ParameterizedTestParameters(tlbi, encodings_are_those_of_the_assembler)
{
	return cr_make_param_array(struct known, known_encodings,
				   sizeof(known_encodings) / sizeof(known_encodings[0]));
}

ParameterizedTest(struct known *k, tlbi, encodings_are_those_of_the_assembler)
{
	struct tlbi_op op;
	cr_assert(tlbi_named(k->name, &op));
	cr_assert(eq(u32, tlbi_encoding(op), k->op1 << 11 | k->crn << 7 | k->crm << 3 | k->op2), "%s",
		  k->name);
}

Test(tlbi, names_that_the_architecture_does_not_have_are_refused)
{
	static const char *const names[] = {"PAALLIS",  "PAALLNXS", "PAALLOSNXS", "RPA",    "RPAIS",
					    "RPAOSNXS", "RPAL",     "RPALIS",     "VAE1ES", "VMALLE2"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct tlbi_op op;
		cr_expect(not(tlbi_named(names[i], &op)), "%s", names[i]);
	}
}
