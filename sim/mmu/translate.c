#include "mmu/translate.h"

#include <assert.h>
#include <string.h>

/* --- the walk, by what struct walk_mem names --------------------------------------------------------------------- */

/* One translation in progress. */
struct walker {
	const struct regime_info *r;
	struct fault *fault;
	const struct walk_mem *mem;
};

static inline bool hook_nested(const struct walker *w) { return w->r->s2.on; }

static inline uint64_t hook_read(const struct walker *w, const struct stage_info *s, struct pa pa,
				 const struct walk_ref *ref)
{
	(void)s;
	return w->mem->read(w->mem->self, pa, ref);
}

static inline bool hook_update(const struct walker *w, struct pa pa, uint64_t old, uint64_t now)
{
	return w->mem->update(w->mem->self, pa, old, now);
}

static inline struct walk_memo *hook_memo(const struct walker *w) { return w->mem->memo; }

static inline void hook_resume(const struct walker *w, const struct stage_info *s, unsigned stage,
			       uint64_t input, struct walk_pos *pos)
{
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	(void)stage;
	if (cut && cut->resume) cut->resume(w->mem->self, s, input, pos);
}

static inline void hook_learn(const struct walker *w, const struct stage_info *s, unsigned stage,
			      uint64_t input, const struct walk_pos *pos)
{
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	(void)stage;
	if (cut && cut->learn) cut->learn(w->mem->self, s, input, pos);
}

static inline bool hook_find_table(const struct walker *w, uint64_t ipa, struct pa *out)
{
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	return cut && cut->find_table && cut->find_table(w->mem->self, ipa, out);
}

static inline const struct leaf *hook_find_stage2(const struct walker *w, uint64_t ipa, struct access a,
						  enum req_cause cause, struct leaf *room)
{
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	(void)room;
	return cut && cut->find_stage2 ? cut->find_stage2(w->mem->self, ipa, a, cause) : NULL;
}

static inline void hook_learn_stage2(const struct walker *w, uint64_t ipa, const struct leaf *leaf)
{
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	if (cut && cut->learn_stage2) cut->learn_stage2(w->mem->self, ipa, leaf);
}

static inline void hook_found(const struct walker *w, const struct stage_info *s, const struct walk_pos *pos,
			      uint64_t input, struct pa pa, const struct leaf *leaf)
{
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	if (cut && cut->found) cut->found(w->mem->self, s, pos, input, pa, leaf);
}

#include "mmu/translate_inline.h"

/* --- translations ------------------------------------------------------------------------------------------------ */

static void translation_begin(struct va va, struct translation *out)
{
	memset(out, 0, sizeof(*out));
	out->va = va;
	out->s2_bits = out->s2_run_bits = STAGE_OFF_BITS;
	out->perm_s2 = PERM_ALL;
}

/* Normal memory while SCTLR_ELx.C (data) or I (fetches) is clear, or HCR_EL2.CD or ID is set. */
static bool is_uncached(const struct stage_info *s, struct access a)
{
	return a.kind == ACCESS_FETCH ? s->nocache_fetch : s->nocache_data;
}

static void translation_add_stage1(const struct regime_info *r, const struct leaf *leaf, struct access a,
				   struct translation *out)
{
	bool uncached = is_uncached(regime_stage1(r, out->va), a) && !attr_is_device(leaf->attr);
	out->ipa.raw = leaf->out;
	out->pa.raw = leaf->out;
	out->s1_bits = leaf->bits;
	out->s1_run_bits = leaf->run_bits;
	out->s1_level = leaf->level;
	out->perm = out->perm_s1 = leaf->perm;
	out->attr = uncached ? ATTR_NORMAL_NC : leaf->attr;
	out->sh_s1 = leaf->sh;
	out->sh = attr_effective_sh((struct memattr){out->attr, leaf->sh});
	out->security = leaf->security;
	out->global = leaf->global;
}

static void translation_add_stage2(const struct regime_info *r, const struct leaf *leaf, struct access a,
				   struct translation *out)
{
	const struct stage_info *s = &r->s2;
	struct memattr m = memattr_combine((struct memattr){out->attr, out->sh_s1}, leaf->attr, leaf->sh,
					   s->fwb, is_uncached(s, a));
	out->pa.raw = leaf->out;
	out->s2_bits = leaf->bits;
	out->s2_run_bits = leaf->run_bits;
	out->perm_s2 = leaf->perm;
	out->perm = (out->perm_s1 & leaf->perm & PERM_ALL) | (out->perm_s1 & PERM_GUARDED);
	out->attr = m.attr;
	out->sh = m.sh;
}

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
	struct walker w = {r, &out->fault, mem};
	struct leaf room;
	translation_begin(va, out);
	const struct leaf *leaf = translate_by_stage1(&w, va, a, &room);
	if (leaf) translation_add_stage1(r, leaf, a, out);
}

bool translate_stage2(const struct regime_info *r, struct ipa ipa, struct access a, enum req_cause cause,
		      const struct walk_mem *mem, struct leaf *leaf, struct fault *fault)
{
	struct walker w = {r, fault, mem};
	const struct leaf *found = translate_by_stage2(&w, ipa.raw, a, cause, leaf);
	if (found && found != leaf) *leaf = *found;
	return found;
}

void translate(const struct regime_info *r, struct va va, struct access a, const struct walk_mem *mem,
	       struct translation *out)
{
	struct walker w = {r, &out->fault, mem};
	struct leaves l;
	translation_begin(va, out);
	if (!translate_leaves_in(&w, va, a, &l)) return;
	translation_add_stage1(r, l.s1, a, out);
	if (l.s2) translation_add_stage2(r, l.s2, a, out);
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
