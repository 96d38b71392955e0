#include <assert.h>

#include "mmu/translate_inline.h"

void translation_combine(const struct regime_info *r, const struct leaf *s1, const struct leaf *s2,
			 struct access a, struct translation *t)
{
	translation_begin(t->va, t);
	translation_add_stage1(r, s1, a, t);
	if (s2) translation_add_stage2(r, s2, a, t);
}

void translate_stage1(const struct regime_info *r, struct va va, struct access a, const struct walk_mem *mem,
		      struct translation *out)
{
	translate_stage1_in(r, va, a, mem, out);
}

bool translate_stage2(const struct regime_info *r, struct ipa ipa, struct access a, enum req_cause cause,
		      const struct walk_mem *mem, struct leaf *leaf, struct fault *fault)
{
	struct walker w = {r, mem, fault};
	return translate_by_stage2(&w, ipa.raw, a, cause, leaf);
}

void translate(const struct regime_info *r, struct va va, struct access a, const struct walk_mem *mem,
	       struct translation *out)
{
	translate_in(r, va, a, mem, out);
}

void abort_report(const struct regime_info *r, const struct fault *f, struct va va, struct access a,
		  unsigned from_el, const struct syndrome_hint *hint, struct abort_report *out)
{
	assert(f->kind != FAULT_NONE);
	unsigned to_el = f->stage == 2 ? 2 : r->abort_el;
	*out = (struct abort_report){.taken_to = (uint8_t)to_el, .far = va.raw};
	out->esr = fault_esr(f, a, hint, from_el, to_el);
	out->hpfar_valid = fault_hpfar(f, &out->hpfar);
}
