/* translate_inline.h - the walk of both stages, to be compiled into who asks for it.
 *
 *   translate_in: translate() of translate.h             translate_leaves_in: the same, before both stages are combined
 * translate.c makes the functions of translate.h of it, which call what struct walk_mem names. mmu_walk.c compiles it once more with its own
 * look-ups and reads, which become part of the walk then: one walk, the same code in both planes (docs/decisions/0003).
 */
#ifndef MMU_TRANSLATE_INLINE_H
#define MMU_TRANSLATE_INLINE_H

#include <string.h>

#include "mmu/translate.h"

#define TRANSLATE_INLINE static inline __attribute__((always_inline))

enum { STAGE_OFF_BITS = 64 };

/* One translation in progress. */
struct walker {
	const struct regime_info *r;
	const struct walk_mem *mem;
	struct fault *fault;
};

static inline bool translate_fail(struct walker *w, enum fault_kind kind, int level, unsigned stage)
{
	*w->fault = (struct fault){.kind = (uint8_t)kind, .level = (int8_t)level, .stage = (uint8_t)stage};
	return false;
}

/* A stage that is off maps everything onto itself. */
TRANSLATE_INLINE void leaf_of_off_stage(uint64_t address, unsigned security, struct leaf *out)
{
	*out = (struct leaf){.out = address,
			     .bits = STAGE_OFF_BITS,
			     .run_bits = STAGE_OFF_BITS,
			     .af = true,
			     .perm = PERM_ALL,
			     .perm_check = PERM_ALL,
			     .dirty = true,
			     .global = true,
			     .security = (uint8_t)security};
}

/* Stage 1 while it is off: FAULT_NONE and a leaf of 64 bits, or FAULT_ADDRESS_SIZE (level 0). */
static inline enum fault_kind stage1_off(const struct regime_info *r, struct va va, struct access a,
					 struct leaf *out)
{
	const struct stage_info *s = regime_stage1(r, va);
	if (!stage_in_range(s, va.raw, (enum access_kind)a.kind)) return FAULT_ADDRESS_SIZE;
	leaf_of_off_stage(va.raw & bits_ones(r->pa_bits), r->security, out);
	out->attr = a.kind == ACCESS_FETCH ? r->off_fetch_attr : r->off_attr;
	out->sh = r->off_sh;
	return FAULT_NONE;
}

/* leaf_check() for a leaf of stage 2, and HCR_EL2.PTW: stage 1 tables may not lie in Device memory. */
static inline enum fault_kind stage2_check(const struct stage_info *s, const struct leaf *leaf,
					   struct access a, enum req_cause cause)
{
	enum fault_kind kind = leaf_check(s, leaf, a);
	bool protected = cause == CAUSE_S2_OF_S1 && s->ptw && s2_attr_is_device(leaf->attr, s->fwb);
	return kind == FAULT_NONE && protected ? FAULT_PERMISSION : kind;
}

/* One step of a walk as its caller sees it: the descriptor, and where it was. */
struct place {
	struct pa pa;
	uint64_t desc;
};

TRANSLATE_INLINE void resume_walk(struct walker *w, const struct stage_info *s, uint64_t input,
				  struct walk_pos *pos)
{
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	if (cut && cut->resume) cut->resume(w->mem->self, s, input, pos);
}

TRANSLATE_INLINE void learn_table(struct walker *w, const struct stage_info *s, uint64_t input,
				  const struct walk_pos *pos)
{
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	if (cut && cut->learn) cut->learn(w->mem->self, s, input, pos);
}

TRANSLATE_INLINE void tell_end(struct walker *w, const struct stage_info *s, const struct walk_pos *pos,
			       uint64_t input, struct pa pa, const struct leaf *leaf)
{
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	if (cut && cut->found) cut->found(w->mem->self, s, pos, input, pa, leaf);
}

static inline bool stage2_fail(struct walker *w, enum fault_kind kind, int level, uint64_t ipa,
			       enum req_cause cause)
{
	translate_fail(w, kind, level, 2);
	w->fault->s1ptw = cause == CAUSE_S2_OF_S1;
	w->fault->ipa.raw = ipa;
	return false;
}

/* Reads the descriptor at `pos` of stage 2 and steps. */
TRANSLATE_INLINE enum walk_step stage2_step(struct walker *w, struct walk_pos *pos, uint64_t ipa,
					    enum req_cause cause, struct place *at)
{
	const struct stage_info *s = &w->r->s2;
	at->pa.raw = walk_descriptor(s, pos, ipa);
	struct walk_ref ref = {.cause = (uint8_t)cause,
			       .security = pos->security,
			       .level = pos->level,
			       .input = ipa,
			       .address = at->pa.raw};
	at->desc = w->mem->read(w->mem->self, at->pa, &ref);
	return walk_step(s, pos, at->desc);
}

/* --- leaves that were seen ------------------------------------------------------------------------------------- */

/* Which of 64 kinds of access. */
static inline unsigned leaf_access(struct access a, bool table)
{
	return a.kind | (a.el == 0) << 2 | a.pan << 3 | a.probe << 4 | (unsigned)table << 5;
}

/* The part of a position that says how a descriptor is read. */
static inline bool same_way(const struct walk_pos *a, const struct walk_pos *b)
{
	return a->level == b->level && a->limits == b->limits && a->security == b->security;
}

TRANSLATE_INLINE struct leaf_memo *memo_of(const struct walker *w, const struct stage_info *s)
{
	return &w->mem->memo->tree[s->stage == 2 ? 2 : s == &w->r->s1[1]];
}

/* The leaf `desc`, if one is known that differs in its address alone, and lets `a` pass as it stands. */
TRANSLATE_INLINE bool leaf_known(const struct walker *w, const struct stage_info *s,
				 const struct walk_pos *pos, uint64_t input, uint64_t desc, unsigned access,
				 struct leaf *leaf)
{
	if (!w->mem->memo) return false;
	const struct leaf_memo *k = memo_of(w, s);
	bool known = !((desc ^ k->leaf.desc) & ~k->field) && same_way(pos, &k->pos) &&
		     (k->passed >> access & 1);
	if (!known) return false;
	*leaf = k->leaf;
	leaf->desc = desc;
	leaf->out ^= ((leaf->out ^ desc) & k->field) | ((leaf->out ^ input) & k->low);
	return true;
}

/* `leaf`, read at `pos`, let an access pass. Those of contiguous runs are known one by one only. */
static inline void leaf_learn(struct walker *w, const struct stage_info *s, const struct walk_pos *pos,
			      unsigned access, struct leaf *leaf)
{
	struct walk_memo *memo = w->mem->memo;
	if (!memo || (leaf->desc & DESC_CONTIGUOUS)) return;
	struct leaf_memo *k = memo_of(w, s);
	uint64_t field = s->level[pos->level + 1].field;
	bool other = !k->leaf.like || ((leaf->desc ^ k->leaf.desc) & ~field) || !same_way(pos, &k->pos);
	leaf->like = !other ? k->leaf.like : memo->leaves < UINT32_MAX ? ++memo->leaves : 0;
	if (other)
		*k = (struct leaf_memo){
			.leaf = *leaf, .field = field, .low = bits_ones(leaf->bits), .pos = *pos};
	k->passed |= UINT64_C(1) << access;
}

/* --- stage 2 --------------------------------------------------------------------------------------------------- */

/* Hardware's update of a leaf in memory; false when the descriptor was not as read any more. */
TRANSLATE_INLINE bool write_back(struct walker *w, const struct place *at, uint64_t now)
{
	return now == at->desc || w->mem->update(w->mem->self, at->pa, at->desc, now);
}

/* Reads a leaf that is not known, and writes it back where the access asks for it. *done false: it has changed, read it again. */
static __attribute__((noinline)) bool stage2_leaf(struct walker *w, const struct walk_pos *pos, uint64_t ipa,
						  struct access a, enum req_cause cause,
						  const struct place *at, struct leaf *leaf, bool *done)
{
	const struct stage_info *s = &w->r->s2;
	leaf_read(s, pos, ipa, at->desc, leaf);
	enum fault_kind kind = stage2_check(s, leaf, a, cause);
	if (kind) return stage2_fail(w, kind, pos->level, ipa, cause);
	uint64_t now = leaf_updated(s, leaf, a);
	if (now == at->desc) leaf_learn(w, s, pos, leaf_access(a, cause == CAUSE_S2_OF_S1), leaf);
	*done = write_back(w, at, now);
	if (*done && now != at->desc) leaf_read(s, pos, ipa, now, leaf);
	return true;
}

TRANSLATE_INLINE bool stage2_walk(struct walker *w, uint64_t ipa, struct access a, enum req_cause cause,
				  struct leaf *leaf)
{
	const struct stage_info *s = &w->r->s2;
	struct walk_pos pos;
	struct place at;
	enum walk_step step;
	bool done;
	unsigned access = leaf_access(a, cause == CAUSE_S2_OF_S1);
	enum fault_kind kind = walk_begin(s, ipa, a, &pos);
	if (kind) return stage2_fail(w, kind, 0, ipa, cause);
	resume_walk(w, s, ipa, &pos);
	do {
		while ((step = stage2_step(w, &pos, ipa, cause, &at)) == WALK_TABLE)
			learn_table(w, s, ipa, &pos);
		if (step == WALK_FAULT)
			return stage2_fail(w, (enum fault_kind)pos.fault, pos.level, ipa, cause);
		if (leaf_known(w, s, &pos, ipa, at.desc, access, leaf)) break;
		if (!stage2_leaf(w, &pos, ipa, a, cause, &at, leaf, &done)) return false;
	} while (!done);
	if (cause == CAUSE_S2_FINAL) tell_end(w, s, &pos, ipa, at.pa, leaf);
	return true;
}

/* Stage 2 of `ipa`. false: *w->fault tells why. */
TRANSLATE_INLINE bool translate_by_stage2(struct walker *w, uint64_t ipa, struct access a,
					  enum req_cause cause, struct leaf *leaf)
{
	const struct stage_info *s = &w->r->s2;
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	if (!s->on) return leaf_of_off_stage(ipa, s->security, leaf), true;
	if (cut && cut->find_stage2 && cut->find_stage2(w->mem->self, ipa, a, cause, leaf) &&
	    !stage2_check(s, leaf, a, cause))
		return true;
	if (!stage2_walk(w, ipa, a, cause, leaf)) return false;
	if (cut && cut->learn_stage2) cut->learn_stage2(w->mem->self, ipa, leaf);
	return true;
}

/* Where stage 1's descriptor at `ipa` is; for writing when hardware updates it. */
TRANSLATE_INLINE bool find_descriptor(struct walker *w, uint64_t ipa, enum access_kind kind, struct pa *out)
{
	struct leaf leaf;
	const struct walk_shortcuts *cut = w->mem->shortcuts;
	if (!w->r->s2.on) return out->raw = ipa, true;
	if (kind == ACCESS_READ && cut && cut->find_table && cut->find_table(w->mem->self, ipa, out))
		return true;
	if (!translate_by_stage2(w, ipa, (struct access){.kind = (uint8_t)kind, .el = 1}, CAUSE_S2_OF_S1,
				 &leaf))
		return false;
	out->raw = leaf.out;
	return true;
}

/* Reads the descriptor at `pos` of stage 1, through stage 2, and steps. WALK_FAULT: *w->fault tells why. */
TRANSLATE_INLINE enum walk_step stage1_step(struct walker *w, const struct stage_info *s,
					    struct walk_pos *pos, struct va va, struct place *at)
{
	uint64_t ipa = walk_descriptor(s, pos, va.raw);
	struct walk_ref ref = {.cause = CAUSE_S1_WALK,
			       .security = pos->security,
			       .level = pos->level,
			       .input = va.raw,
			       .address = ipa};
	if (!find_descriptor(w, ipa, ACCESS_READ, &at->pa)) return WALK_FAULT;
	at->desc = w->mem->read(w->mem->self, at->pa, &ref);
	enum walk_step step = walk_step(s, pos, at->desc);
	if (step == WALK_FAULT) translate_fail(w, (enum fault_kind)pos->fault, pos->level, 1);
	return step;
}

/* stage2_leaf() of stage 1. */
static __attribute__((noinline)) bool stage1_leaf(struct walker *w, const struct stage_info *s,
						  const struct walk_pos *pos, struct va va, struct access a,
						  struct place *at, struct leaf *leaf, bool *done)
{
	leaf_read(s, pos, va.raw, at->desc, leaf);
	enum fault_kind kind = leaf_check(s, leaf, a);
	if (kind) return translate_fail(w, kind, pos->level, 1);
	uint64_t now = leaf_updated(s, leaf, a);
	*done = true;
	if (now == at->desc) return leaf_learn(w, s, pos, leaf_access(a, false), leaf), true;
	if (!find_descriptor(w, walk_descriptor(s, pos, va.raw), ACCESS_WRITE, &at->pa)) return false;
	*done = write_back(w, at, now);
	if (*done) leaf_read(s, pos, va.raw, now, leaf);
	return true;
}

TRANSLATE_INLINE bool stage1_walk(struct walker *w, const struct stage_info *s, struct va va, struct access a,
				  struct leaf *leaf)
{
	struct walk_pos pos;
	struct place at;
	enum walk_step step;
	bool done;
	unsigned access = leaf_access(a, false);
	enum fault_kind kind = walk_begin(s, va.raw, a, &pos);
	if (kind) return translate_fail(w, kind, 0, 1);
	resume_walk(w, s, va.raw, &pos);
	do {
		while ((step = stage1_step(w, s, &pos, va, &at)) == WALK_TABLE)
			learn_table(w, s, va.raw, &pos);
		if (step == WALK_FAULT) return false;
		if (leaf_known(w, s, &pos, va.raw, at.desc, access, leaf)) break;
		if (!stage1_leaf(w, s, &pos, va, a, &at, leaf, &done)) return false;
	} while (!done);
	tell_end(w, s, &pos, va.raw, at.pa, leaf);
	return true;
}

TRANSLATE_INLINE bool translate_by_stage1(struct walker *w, struct va va, struct access a, struct leaf *leaf)
{
	const struct stage_info *s = regime_stage1(w->r, va);
	if (s->on) return stage1_walk(w, s, va, a, leaf);
	enum fault_kind kind = stage1_off(w->r, va, a, leaf);
	return kind == FAULT_NONE || translate_fail(w, kind, 0, 1);
}

static inline void translation_begin(struct va va, struct translation *out)
{
	memset(out, 0, sizeof(*out));
	out->va = va;
	out->s2_bits = out->s2_run_bits = STAGE_OFF_BITS;
	out->perm_s2 = PERM_ALL;
}

/* Normal memory while SCTLR_ELx.C (data) or I (fetches) is clear, or HCR_EL2.CD or ID is set. */
static inline bool is_uncached(const struct stage_info *s, struct access a)
{
	return a.kind == ACCESS_FETCH ? s->nocache_fetch : s->nocache_data;
}

TRANSLATE_INLINE void translation_add_stage1(const struct regime_info *r, const struct leaf *leaf,
					     struct access a, struct translation *out)
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

static inline void translation_add_stage2(const struct regime_info *r, const struct leaf *leaf,
					  struct access a, struct translation *out)
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

/* translate_stage1(), and translate(). */
TRANSLATE_INLINE void translate_stage1_in(const struct regime_info *r, struct va va, struct access a,
					  const struct walk_mem *mem, struct translation *out)
{
	struct walker w = {r, mem, &out->fault};
	struct leaf leaf;
	translation_begin(va, out);
	if (translate_by_stage1(&w, va, a, &leaf)) translation_add_stage1(r, &leaf, a, out);
}

/* The leaves of both stages that `va` leads to; *s2 is left alone without a stage 2. False: *fault says why. */
TRANSLATE_INLINE bool translate_leaves_in(const struct regime_info *r, struct va va, struct access a,
					  const struct walk_mem *mem, struct leaf *s1, struct leaf *s2,
					  struct fault *fault)
{
	struct walker w = {r, mem, fault};
	if (!translate_by_stage1(&w, va, a, s1)) return false;
	a.pan = false;
	return !r->s2.on || translate_by_stage2(&w, s1->out, a, CAUSE_S2_FINAL, s2);
}

TRANSLATE_INLINE void translate_in(const struct regime_info *r, struct va va, struct access a,
				   const struct walk_mem *mem, struct translation *out)
{
	struct leaf s1, s2;
	translation_begin(va, out);
	if (!translate_leaves_in(r, va, a, mem, &s1, &s2, &out->fault)) return;
	translation_add_stage1(r, &s1, a, out);
	if (r->s2.on) translation_add_stage2(r, &s2, a, out);
}

#endif
