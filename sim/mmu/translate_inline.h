/* translate_inline.h - the walk of both stages, to be compiled into who asks for it.
 *
 *   translate_leaves_in: (regime, va, access) -> the leaves of both stages, or a fault
 * It is written in terms of walk_hooks that who includes it has defined before, with a `struct walker` that has members `r` and `fault`; translate.h
 * says what each does (struct walk_mem, struct walk_shortcuts). translate.c has hooks that call what a struct walk_mem names; in mmu_plain.c they
 * are the MMU's own look-ups and reads, which become part of the walk: one walk, the same code in both planes (docs/decisions/0003).
 *
 *   bool hook_nested(w): whether w->r->s2.on, which who includes it may know beforehand
 *   uint64_t hook_read(w, s, pa, ref)                 bool hook_update(w, pa, old, now)
 *   struct walk_memo *hook_memo(w)                    void hook_resume(w, s, stage, input, pos)
 *   void hook_learn(w, s, stage, input, pos)          bool hook_find_table(w, ipa, &pa)
 *   const struct leaf *hook_find_stage2(w, ipa, access, cause, room)
 *   void hook_learn_stage2(w, ipa, leaf)              void hook_found(w, s, pos, input, pa, leaf)
 * A leaf comes as a pointer that is good until the next of the same tree: to where it is known, or to the `room` that who asks for it has. NULL:
 * *w->fault says why there is none.
 */
#ifndef MMU_TRANSLATE_INLINE_H
#define MMU_TRANSLATE_INLINE_H

#include <string.h>

#include "mmu/translate.h"

#define TRANSLATE_INLINE static inline __attribute__((always_inline))

enum { STAGE_OFF_BITS = 64 };

static inline bool translate_fail(const struct walker *w, enum fault_kind kind, int level, unsigned stage)
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

static inline bool stage2_fail(const struct walker *w, enum fault_kind kind, int level, uint64_t ipa,
			       enum req_cause cause)
{
	translate_fail(w, kind, level, 2);
	w->fault->s1ptw = cause == CAUSE_S2_OF_S1;
	w->fault->ipa.raw = ipa;
	return false;
}

/* Reads the descriptor at `pos` of stage 2 and steps. */
TRANSLATE_INLINE enum walk_step stage2_step(const struct walker *w, struct walk_pos *pos, uint64_t ipa,
					    enum req_cause cause, struct place *at)
{
	const struct stage_info *s = &w->r->s2;
	at->pa.raw = walk_descriptor(s, pos, ipa);
	struct walk_ref ref = {.cause = (uint8_t)cause,
			       .security = pos->security,
			       .level = pos->level,
			       .input = ipa,
			       .address = at->pa.raw};
	at->desc = hook_read(w, s, at->pa, &ref);
	return walk_step(s, pos, at->desc);
}

/* --- leaves that were seen ------------------------------------------------------------------------------------- */

/* Which of the accesses that a memo remembers. */
static inline struct access *leaf_passed(struct leaf_memo *k, struct access a, bool table)
{
	return &k->passed[table][a.kind];
}

static inline bool same_access(struct access a, struct access b)
{
	_Static_assert(sizeof(a) == 4, "no gaps");
	return !memcmp(&a, &b, sizeof(a));
}

/* The part of a position that says how a descriptor is read. */
static inline bool same_way(const struct walk_pos *a, const struct walk_pos *b)
{
	return a->level == b->level && a->limits == b->limits && a->security == b->security;
}

TRANSLATE_INLINE struct leaf_memo *memo_of(const struct walker *w, const struct stage_info *s)
{
	return &hook_memo(w)->tree[s->tree];
}

/* The leaf `desc`, if one is known that differs in its address alone, and lets `a` pass as it stands; else NULL. */
TRANSLATE_INLINE const struct leaf *leaf_known(const struct walker *w, const struct stage_info *s,
					       const struct walk_pos *pos, uint64_t input, uint64_t desc,
					       struct access a, bool table)
{
	if (!hook_memo(w)) return NULL;
	struct leaf_memo *k = memo_of(w, s);
	bool known = !((desc ^ k->leaf.desc) & ~k->field) && same_way(pos, &k->pos) &&
		     same_access(*leaf_passed(k, a, table), a);
	if (!known) return NULL;
	k->leaf.desc = desc;
	k->leaf.out = k->rest | (desc & k->field) | (input & k->low);
	return &k->leaf;
}

/* `leaf`, read at `pos`, let an access pass. Those of contiguous runs are known one by one only, and so are blocks that
 * need not be in the output range as a whole. */
static inline void leaf_learn(const struct walker *w, const struct stage_info *s, const struct walk_pos *pos,
			      struct access a, bool table, struct leaf *leaf)
{
	struct walk_memo *memo = hook_memo(w);
	if (!memo || (leaf->desc & DESC_CONTIGUOUS) || leaf->bits == s->oa_bits) return;
	struct leaf_memo *k = memo_of(w, s);
	uint64_t field = s->level[pos->level + 1].field;
	bool other = !k->leaf.like || ((leaf->desc ^ k->leaf.desc) & ~field) || !same_way(pos, &k->pos);
	leaf->like = !other ? k->leaf.like : memo->leaves < UINT32_MAX ? ++memo->leaves : 0;
	if (other) {
		uint64_t low = bits_ones(leaf->bits);
		*k = (struct leaf_memo){.leaf = *leaf,
					.field = field,
					.low = low,
					.rest = leaf->out & ~(field | low),
					.pos = *pos};
		memset(k->passed, UINT8_MAX, sizeof(k->passed));
	}
	*leaf_passed(k, a, table) = a;
}

/* --- leaves that have to be read ------------------------------------------------------------------------------- */

/* What became of one. All goes in and out by value, so that nothing of a walk whose leaves are known has to be in memory. */
struct leaf_read_whole {
	struct leaf leaf;
	struct pa pa; /* of its descriptor */
	bool ok;      /* false: *w.fault tells why */
	bool done;    /* false: it has changed in between; read it again */
};

/* Hardware's update of a leaf in memory; false when the descriptor was not as read any more. */
TRANSLATE_INLINE bool write_back(const struct walker *w, const struct place *at, uint64_t now)
{
	return now == at->desc || hook_update(w, at->pa, at->desc, now);
}

/* Reads a leaf of stage 2, and writes it back where the access asks for it. */
static __attribute__((noinline)) struct leaf_read_whole stage2_leaf(struct walker w, struct walk_pos pos,
								    uint64_t ipa, struct access a,
								    enum req_cause cause, struct place at)
{
	const struct stage_info *s = &w.r->s2;
	struct leaf_read_whole r = {.pa = at.pa, .ok = true, .done = true};
	leaf_read(s, &pos, ipa, at.desc, &r.leaf);
	enum fault_kind kind = stage2_check(s, &r.leaf, a, cause);
	if (kind) return r.ok = stage2_fail(&w, kind, pos.level, ipa, cause), r;
	uint64_t now = leaf_updated(s, &r.leaf, a);
	if (now == at.desc) return leaf_learn(&w, s, &pos, a, cause == CAUSE_S2_OF_S1, &r.leaf), r;
	r.done = write_back(&w, &at, now);
	if (r.done) leaf_read(s, &pos, ipa, now, &r.leaf);
	return r;
}

/* --- stage 2 --------------------------------------------------------------------------------------------------- */

TRANSLATE_INLINE const struct leaf *stage2_walk(const struct walker *w, uint64_t ipa, struct access a,
						enum req_cause cause, struct leaf *room)
{
	const struct leaf *leaf;
	const struct stage_info *s = &w->r->s2;
	struct walk_pos pos;
	struct place at;
	enum walk_step step;
	enum fault_kind kind = walk_begin(s, ipa, a, &pos);
	if (kind) return stage2_fail(w, kind, 0, ipa, cause), NULL;
	hook_resume(w, s, 2, ipa, &pos);
	for (;;) {
		while ((step = stage2_step(w, &pos, ipa, cause, &at)) == WALK_TABLE)
			hook_learn(w, s, 2, ipa, &pos);
		if (step == WALK_FAULT)
			return stage2_fail(w, (enum fault_kind)pos.fault, pos.level, ipa, cause), NULL;
		leaf = leaf_known(w, s, &pos, ipa, at.desc, a, cause == CAUSE_S2_OF_S1);
		if (leaf) break;
		struct leaf_read_whole r = stage2_leaf(*w, pos, ipa, a, cause, at);
		if (!r.ok) return NULL;
		*room = r.leaf;
		leaf = room;
		if (r.done) break;
	}
	if (cause == CAUSE_S2_FINAL) hook_found(w, s, &pos, ipa, at.pa, leaf);
	return leaf;
}

/* Stage 2 of `ipa`. */
TRANSLATE_INLINE const struct leaf *translate_by_stage2(const struct walker *w, uint64_t ipa, struct access a,
							enum req_cause cause, struct leaf *room)
{
	const struct stage_info *s = &w->r->s2;
	if (!hook_nested(w)) return leaf_of_off_stage(ipa, s->security, room), room;
	const struct leaf *leaf = hook_find_stage2(w, ipa, a, cause, room);
	if (leaf && !stage2_check(s, leaf, a, cause)) return leaf;
	leaf = stage2_walk(w, ipa, a, cause, room);
	if (leaf) hook_learn_stage2(w, ipa, leaf);
	return leaf;
}

/* Where stage 1's descriptor at `ipa` is; for writing when hardware updates it. */
TRANSLATE_INLINE bool find_descriptor(const struct walker *w, uint64_t ipa, enum access_kind kind,
				      struct pa *out)
{
	const struct access a = {.kind = (uint8_t)kind, .el = 1};
	struct leaf room;
	if (!hook_nested(w)) return out->raw = ipa, true;
	if (kind == ACCESS_READ && hook_find_table(w, ipa, out)) return true;
	const struct leaf *leaf = translate_by_stage2(w, ipa, a, CAUSE_S2_OF_S1, &room);
	if (leaf) out->raw = leaf->out;
	return leaf;
}

/* --- stage 1 --------------------------------------------------------------------------------------------------- */

/* Reads the descriptor at `pos` of stage 1, through stage 2, and steps. WALK_FAULT: *w->fault tells why. */
TRANSLATE_INLINE enum walk_step stage1_step(const struct walker *w, const struct stage_info *s,
					    struct walk_pos *pos, struct va va, struct place *at)
{
	uint64_t ipa = walk_descriptor(s, pos, va.raw);
	struct walk_ref ref = {.cause = CAUSE_S1_WALK,
			       .security = pos->security,
			       .level = pos->level,
			       .input = va.raw,
			       .address = ipa};
	if (!find_descriptor(w, ipa, ACCESS_READ, &at->pa)) return WALK_FAULT;
	at->desc = hook_read(w, s, at->pa, &ref);
	enum walk_step step = walk_step(s, pos, at->desc);
	if (step == WALK_FAULT) translate_fail(w, (enum fault_kind)pos->fault, pos->level, 1);
	return step;
}

/* stage2_leaf() of stage 1. */
static __attribute__((noinline)) struct leaf_read_whole stage1_leaf(struct walker w,
								    const struct stage_info *s,
								    struct walk_pos pos, struct va va,
								    struct access a, struct place at)
{
	struct leaf_read_whole r = {.pa = at.pa, .ok = true, .done = true};
	leaf_read(s, &pos, va.raw, at.desc, &r.leaf);
	enum fault_kind kind = leaf_check(s, &r.leaf, a);
	if (kind) return r.ok = translate_fail(&w, kind, pos.level, 1), r;
	uint64_t now = leaf_updated(s, &r.leaf, a);
	if (now == at.desc) return leaf_learn(&w, s, &pos, a, false, &r.leaf), r;
	r.ok = find_descriptor(&w, walk_descriptor(s, &pos, va.raw), ACCESS_WRITE, &at.pa);
	if (!r.ok) return r;
	r.pa = at.pa;
	r.done = write_back(&w, &at, now);
	if (r.done) leaf_read(s, &pos, va.raw, now, &r.leaf);
	return r;
}

TRANSLATE_INLINE const struct leaf *stage1_walk(const struct walker *w, const struct stage_info *s,
						struct va va, struct access a, struct leaf *room)
{
	const struct leaf *leaf;
	struct walk_pos pos;
	struct place at;
	enum walk_step step;
	enum fault_kind kind = walk_begin(s, va.raw, a, &pos);
	if (kind) return translate_fail(w, kind, 0, 1), NULL;
	hook_resume(w, s, 1, va.raw, &pos);
	for (;;) {
		while ((step = stage1_step(w, s, &pos, va, &at)) == WALK_TABLE)
			hook_learn(w, s, 1, va.raw, &pos);
		if (step == WALK_FAULT) return NULL;
		leaf = leaf_known(w, s, &pos, va.raw, at.desc, a, false);
		if (leaf) break;
		struct leaf_read_whole r = stage1_leaf(*w, s, pos, va, a, at);
		if (!r.ok) return NULL;
		*room = r.leaf;
		leaf = room;
		at.pa = r.pa;
		if (r.done) break;
	}
	hook_found(w, s, &pos, va.raw, at.pa, leaf);
	return leaf;
}

TRANSLATE_INLINE const struct leaf *translate_by_stage1(const struct walker *w, struct va va, struct access a,
							struct leaf *room)
{
	const struct stage_info *s = regime_stage1(w->r, va);
	if (s->on) return stage1_walk(w, s, va, a, room);
	enum fault_kind kind = stage1_off(w->r, va, a, room);
	return kind == FAULT_NONE ? room : (translate_fail(w, kind, 0, 1), NULL);
}

/* The leaves of both stages that an address leads to; s2 is NULL without a stage 2. */
struct leaves {
	const struct leaf *s1, *s2;
	struct leaf room[2];
};

/* False: *w->fault says why there are none. */
TRANSLATE_INLINE bool translate_leaves_in(const struct walker *w, struct va va, struct access a,
					  struct leaves *out)
{
	out->s2 = NULL;
	out->s1 = translate_by_stage1(w, va, a, &out->room[0]);
	if (!out->s1) return false;
	if (!hook_nested(w)) return true;
	a.pan = false;
	out->s2 = translate_by_stage2(w, out->s1->out, a, CAUSE_S2_FINAL, &out->room[1]);
	return out->s2;
}

#endif
