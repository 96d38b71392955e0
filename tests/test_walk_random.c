/* Properties that hold for every register value and every table content. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "mmu/translate.h"

enum { ROUNDS = 20000 };

/* Memory whose words are a function of the address: valid descriptors mostly, within 40 bits of address. */
static uint64_t random_word(void *self, struct pa pa, const struct walk_ref *ref)
{
	struct rng r;
	(void)ref;
	rng_init(&r, *(uint64_t *)self ^ pa.raw * 0x9e3779b97f4a7c15, "word");
	uint64_t word = rng_next(&r) & ~bits_put(0xff, 47, 40) & ~bits_put(0xf, 15, 12);
	uint64_t kind = rng_below(&r, 16);
	return (word & ~UINT64_C(3)) | (kind == 0 ? 0 : kind < 4 ? 1 : 3) | (kind < 14 ? DESC_AF : 0);
}

static bool accept_update(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	(void)self, (void)pa, (void)old, (void)now;
	return true;
}

/* Any value in any field, but fields that decide whether a walk gets anywhere are mostly sensible. */
static void random_regs(struct rng *r, struct sysregs *regs)
{
#define X(name) regs->name = rng_next(r);
	SYSREGS(X)
#undef X
	if (rng_below(r, 8) == 0) return;
	regs->SCTLR_EL1 |= 1;
	regs->SCTLR_EL2 |= 1;
	regs->HCR_EL2 &= ~(HCR_TGE | HCR_DC);
	regs->TCR_EL1 = (regs->TCR_EL1 & ~bits_put(0x3f, 5, 0) & ~bits_put(0x3f, 21, 16)) | 22 | 22 << 16;
	regs->TCR_EL1 = (regs->TCR_EL1 & ~bits_put(7, 34, 32) & ~bits_put(1, 7, 7)) | UINT64_C(6) << 32;
	regs->VTCR_EL2 = (regs->VTCR_EL2 & ~UINT64_C(0x700ff)) | 22 | 1 << 6 | 6 << 16;
	regs->TTBR0_EL1 &= bits_ones(40);
	regs->TTBR1_EL1 &= bits_ones(40);
	regs->VTTBR_EL2 &= bits_ones(40);
}

static uint64_t random_va(struct rng *r)
{
	uint64_t va = rng_next(r);
	if (rng_below(r, 8) == 0) return va;
	return rng_below(r, 2) ? va & bits_ones(42) : va | ~bits_ones(42);
}

struct seed_case {
	unsigned seed;
};

ParameterizedTestParameters(walk_random, a_tlb_entry_says_what_a_new_walk_would_say)
{
	static struct seed_case cases[] = {{1}, {2}, {3}};
	return cr_make_param_array(struct seed_case, cases, sizeof(cases) / sizeof(cases[0]));
}

static struct access access_of(unsigned i)
{
	struct access a = {.kind = (uint8_t)(i % 3), .el = (i / 3) % 2, .pan = i / 6, .probe = false};
	return a;
}

/* `t` is a good translation: what its permissions allow, a walk allows, with the same result. */
static void check_permissions(const struct regime_info *r, const struct walk_mem *mem,
			      const struct translation *t)
{
	for (unsigned i = 0; i < 12; i++) {
		struct access a = access_of(i);
		struct translation again;
		if (!perm_allows(t->perm, a)) continue;
		if (!stage_in_range(regime_stage1(r, t->va), t->va.raw, (enum access_kind)a.kind)) continue;
		translate(r, t->va, a, mem, &again);
		cr_assert(eq(int, again.fault.kind, FAULT_NONE));
		cr_assert(eq(u64, again.pa.raw, t->pa.raw));
	}
}

static void check_result(const struct regime_info *r, const struct walk_mem *mem, const struct translation *t)
{
	if (t->fault.kind != FAULT_NONE) {
		cr_assert(t->fault.level >= -1 && t->fault.level <= 3);
		cr_assert(t->fault.stage == 1 || (t->fault.stage == 2 && r->s2.on));
		return;
	}
	cr_assert(eq(u64, t->pa.raw >> r->pa_bits, 0));
	cr_assert(le(int, t->s1_bits, t->s1_run_bits));
	cr_assert(le(int, t->s2_bits, t->s2_run_bits));
	check_permissions(r, mem, t);
}

ParameterizedTest(struct seed_case *c, walk_random, a_tlb_entry_says_what_a_new_walk_would_say)
{
	struct rng r;
	unsigned good = 0;
	rng_init(&r, c->seed, "walk");
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct sysregs regs;
		struct regime_info info;
		struct translation t;
		uint64_t seed = rng_next(&r);
		struct walk_mem mem = {.self = &seed, .read = random_word, .update = accept_update};
		const struct features *f = features_of_cpu(features_cpu_name((unsigned)rng_below(&r, 3)));
		random_regs(&r, &regs);
		enum regime regime = rng_below(&r, 4) ? REGIME_EL10 : (enum regime)rng_below(&r, 4);
		regime_decode(&regs, f, regime, (enum security)rng_below(&r, 4), &info);
		translate(&info, (struct va){random_va(&r)}, access_of((unsigned)rng_below(&r, 12)), &mem,
			  &t);
		check_result(&info, &mem, &t);
		good += t.fault.kind == FAULT_NONE;
	}
	cr_expect(lt(u32, ROUNDS / 50, good), "%u of %u translated", good, ROUNDS);
}

/* --- leaves known by their attributes ---------------------------------------------------------------------------- */

/* random_word() with few different attributes, so that they come again at other addresses. */
static uint64_t word_of_few_kinds(void *self, struct pa pa, const struct walk_ref *ref)
{
	uint64_t address = random_word(self, pa, ref), seed = *(uint64_t *)self,
		 field = bits_ones(40) & ~bits_ones(16);
	struct pa kind = {address >> 20 & 3};
	return (random_word(&seed, kind, ref) & ~field) | (address & field);
}

static bool same_translation(const struct translation *a, const struct translation *b)
{
	if (a->fault.kind || b->fault.kind)
		return a->fault.kind == b->fault.kind && a->fault.level == b->fault.level &&
		       a->fault.stage == b->fault.stage;
	return a->ipa.raw == b->ipa.raw && a->pa.raw == b->pa.raw && a->s1_bits == b->s1_bits &&
	       a->s1_run_bits == b->s1_run_bits && a->s2_bits == b->s2_bits &&
	       a->s2_run_bits == b->s2_run_bits && a->s1_level == b->s1_level && a->perm == b->perm &&
	       a->perm_s1 == b->perm_s1 && a->perm_s2 == b->perm_s2 && a->sh_s1 == b->sh_s1 &&
	       a->attr == b->attr && a->sh == b->sh && a->security == b->security && a->global == b->global;
}

Test(walk_random, a_leaf_known_by_its_attributes_is_what_reading_it_says)
{
	enum { REGIMES = 4000, ACCESSES = 60 };
	struct rng r;
	unsigned known = 0;
	rng_init(&r, 1, "memo");
	for (unsigned i = 0; i < REGIMES; i++) {
		struct sysregs regs;
		struct regime_info info;
		uint64_t seed = rng_next(&r);
		struct walk_memo memo = {0};
		struct walk_mem plain = {.self = &seed, .read = word_of_few_kinds, .update = accept_update};
		struct walk_mem knowing = plain;
		knowing.memo = &memo;
		random_regs(&r, &regs);
		regime_decode(&regs, features_of_cpu(features_cpu_name((unsigned)rng_below(&r, 3))),
			      rng_below(&r, 4) ? REGIME_EL10 : (enum regime)rng_below(&r, 4),
			      (enum security)rng_below(&r, 4), &info);
		for (unsigned k = 0; k < ACCESSES; k++) {
			struct va va = {random_va(&r)};
			struct access a = access_of((unsigned)rng_below(&r, 12));
			struct translation want, have;
			uint32_t leaves = memo.leaves;
			translate(&info, va, a, &plain, &want);
			translate(&info, va, a, &knowing, &have);
			cr_assert(same_translation(&have, &want), "va 0x%lx", va.raw);
			known += want.fault.kind == FAULT_NONE && memo.leaves == leaves;
		}
	}
	cr_expect(lt(u32, 1000, known), "%u leaves were known", known);
}
