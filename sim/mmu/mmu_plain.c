/* mmu_plain.c - misses of which nobody wants more than results, cycles and counters (m->plain, m->plain_walks).
 *
 * The walk of translate_inline.h with the MMU's own steps as part of it, and look-up, walk and fills as one function, compiled for one stage and
 * for two.
 */
#include "mmu/mmu_steps.h"

/* One translation in progress. */
struct walker {
	const struct regime_info *r;
	struct fault *fault;
	struct mmu *mmu;
	struct walk_shape shape;
};

WALK_STEP bool hook_nested(const struct walker *w) { return w->shape.nested; }

WALK_STEP uint64_t hook_read(const struct walker *w, const struct stage_info *s, struct pa pa,
			     const struct walk_ref *ref)
{
	return step_read(w->mmu, s, pa, ref, w->shape);
}

WALK_STEP bool hook_update(const struct walker *w, struct pa pa, uint64_t old, uint64_t now)
{
	return mmu_update_descriptor(w->mmu, pa, old, now);
}

WALK_STEP struct walk_memo *hook_memo(const struct walker *w) { return &w->mmu->memo; }

WALK_STEP void hook_resume(const struct walker *w, const struct stage_info *s, unsigned stage, uint64_t input,
			   struct walk_pos *pos)
{
	step_resume(w->mmu, s, stage, input, pos, w->shape);
}

WALK_STEP void hook_learn(const struct walker *w, const struct stage_info *s, unsigned stage, uint64_t input,
			  const struct walk_pos *pos)
{
	step_learn(w->mmu, s, stage, input, pos, w->shape);
}

WALK_STEP bool hook_find_table(const struct walker *w, uint64_t ipa, struct pa *out)
{
	return step_find_table(w->mmu, ipa, out, w->shape);
}

WALK_STEP const struct leaf *hook_find_stage2(const struct walker *w, uint64_t ipa, struct access a,
					      enum req_cause cause, struct leaf *room)
{
	(void)room;
	return step_find_stage2(w->mmu, ipa, a, cause, w->shape);
}

WALK_STEP void hook_learn_stage2(const struct walker *w, uint64_t ipa, const struct leaf *leaf)
{
	step_learn_stage2(w->mmu, ipa, leaf, w->shape);
}

WALK_STEP void hook_found(const struct walker *w, const struct stage_info *s, const struct walk_pos *pos,
			  uint64_t input, struct pa pa, const struct leaf *leaf)
{
	(void)w, (void)s, (void)pos, (void)input, (void)pa, (void)leaf;
}

#include "mmu/translate_inline.h"

/* --- walks ------------------------------------------------------------------------------------------------------- */

/* Makes m->made.fill of leaves that are not those of the latest. */
static __attribute__((noinline)) void make_fill(struct mmu *m, uint64_t va, struct access a,
						const struct leaf *s1, const struct leaf *s2)
{
	struct translation t = {.va = {va}};
	bool numbered = s1->like && (!s2 || s2->like);
	translation_combine(&m->regime, s1, s2, a, &t);
	m->made = (struct mmu_made){.fill = mmu_fill_of(m, &t, m->now),
				    .like = {numbered ? s1->like : 0, s2 ? s2->like : 0},
				    .fetch = a.kind == ACCESS_FETCH};
}

WALK_STEP bool walk(struct mmu *m, uint64_t va, struct access a, cycles_t now, bool nested)
{
	cycles_t start;
	struct mmu_walker *walker = choose_walker(m, now, &start);
	struct mmu_made *made = &m->made;
	const struct walker w = {&m->regime, &m->fault.fault, m, {.plain = true, .nested = nested}};
	struct leaves l;
	m->now = start;
	bool done = translate_leaves_in(&w, (struct va){va}, a, &l);
	end_walk(m, walker, now, start);
	if (__builtin_expect(!done, 0)) return refuse_walk(m, va, a);
	bool same = made->like[0] && made->like[0] == l.s1->like && made->fetch == (a.kind == ACCESS_FETCH) &&
		    (!nested || made->like[1] == l.s2->like);
	if (__builtin_expect(!same, 0)) return make_fill(m, va, a, l.s1, l.s2), true;
	made->fill.va = va;
	made->fill.pa = nested ? l.s2->out : l.s1->out;
	made->fill.like.ready = m->now;
	return true;
}

bool mmu_walk_one_stage(struct mmu *m, uint64_t va, struct access a, cycles_t now)
{
	return walk(m, va, a, now, false);
}

bool mmu_walk_two_stages(struct mmu *m, uint64_t va, struct access a, cycles_t now)
{
	return walk(m, va, a, now, true);
}

/* --- misses ------------------------------------------------------------------------------------------------------ */

/* Counts an access of `n` that missed the nearest `levels`, and fills them with what was found. */
WALK_STEP void fill(struct mmu *m, unsigned side, unsigned levels, unsigned n, const struct tlb_fill *f)
{
	for (struct tlb **first = m->level[side], **t = first + levels; t-- != first;) {
		levels_count_miss(*t, 0);
		tlb_fill_inline(*t, f);
	}
	if (__builtin_expect(n != 1, 0)) {
		m->level[side][0]->stats.lookups += n - 1;
		m->level[side][0]->stats.hits += n - 1;
	}
}

/* The TLB of `level` has it: the levels above are filled from there. */
static __attribute__((noinline)) void use_found(struct mmu *m, unsigned side, unsigned n, uint64_t va,
						struct levels_place at, cycles_t now, struct mmu_done *out)
{
	unsigned accesses = at.level ? 1 : n;
	at.tlb->stats.lookups += accesses;
	at.tlb->stats.hits += accesses - 1; /* the rest of a run of fetches */
	out->cycle = mmu_answer(at.tlb, at.entry, now);
	out->pa = at.entry->pa | (va & ~at.entry->va_mask);
	if (!at.level) return;
	struct tlb_fill f = levels_fill_of(at.entry, va);
	f.like.ready = out->cycle;
	fill(m, side, at.level, n, &f);
}

bool mmu_wait(struct mmu *m, struct tlb_entry *e, uint64_t va, enum access_kind kind, unsigned n,
	      cycles_t now, struct mmu_done *out)
{
	struct levels_place at = {.tlb = m->first[kind], .entry = e};
	tlb_touch_found(at.tlb, e);
	use_found(m, mmu_side(kind), n, va, at, look_end(&at, now), out);
	return true;
}

WALK_STEP bool miss(struct mmu *m, uint64_t tagged, enum access_kind kind, unsigned n, cycles_t now,
		    struct mmu_done *out, bool nested)
{
	uint64_t va = untag(m, tagged, kind);
	struct access a = m->access[kind];
	unsigned side = mmu_side(kind), levels = m->levels[side];
	for (unsigned l = 0; l < levels; l++) {
		struct levels_place at = {.tlb = m->level[side][l], .level = l};
		at.entry = look_in(m, at.tlb, va, kind);
		now = look_end(&at, now);
		if (!at.entry) continue;
		use_found(m, side, n, va, at, now, out);
		return true;
	}
	if (m->foresight_shared)
		for (unsigned l = 0; l < levels; l++) tlb_prefetch_place(m->level[side][l], va);
	bool done = walk(m, va, a, now, nested);
	for (cycles_t again; __builtin_expect(!done, 0); done = m->walk(m, va, a, again))
		if (!mmu_resolve(m, side, n, &again, out)) return false;
	out->cycle = m->now;
	out->pa = m->made.fill.pa;
	fill(m, side, levels, n, &m->made.fill);
	return true;
}

bool mmu_miss_one_stage(struct mmu *m, uint64_t va, enum access_kind kind, unsigned n, cycles_t now,
			struct mmu_done *out)
{
	return miss(m, va, kind, n, now, out, false);
}

bool mmu_miss_two_stages(struct mmu *m, uint64_t va, enum access_kind kind, unsigned n, cycles_t now,
			 struct mmu_done *out)
{
	return miss(m, va, kind, n, now, out, true);
}
