/* mmu_steps.h - what a miss asks of its MMU, with time, to be compiled into who looks up and walks.
 *
 *   look_in: one TLB
 *   step_resume, step_learn: walk caches          step_read: a descriptor, through the caches
 *   step_find_table, step_find_stage2, step_learn_stage2: what makes stage 2 short
 * Each is written once, and compiled for what is there: into one function with the walk where nothing but results, cycles and counters is wanted
 * (mmu_plain.c), and behind the functions of struct walk_mem for all others (mmu.c, mmu_walk.c).
 */
#ifndef MMU_MMU_STEPS_H
#define MMU_MMU_STEPS_H

#include "base/bits.h"
#include "mmu/foresight.h"
#include "mmu/levels.h"
#include "mmu/mmu_walk.h"
#include "tlb/fill.h"

#define WALK_STEP static inline __attribute__((always_inline))

/* What a step is compiled for. */
struct walk_shape {
	bool plain;  /* m->plain_walks */
	bool nested; /* m->regime.s2.on */
};

/* Writes `now` over the descriptor at `pa`, if it is still `old`. */
bool mmu_update_descriptor(struct mmu *m, struct pa pa, uint64_t old, uint64_t now);
/* A walk had to read what it fills a cache with: it missed it there. */
void mmu_ask_evictors(const struct mmu *m, struct tlb *t, const struct tlb_fill *f);
/* For who asks where the cycles go: a span around one descriptor, ... */
size_t mmu_open_read(struct mmu *m, struct pa pa, const struct walk_ref *ref);
/* ... which the caches, or the first of them, served until `done`. */
void mmu_close_read(struct mmu *m, size_t span, unsigned served, cycles_t done);

/* --- look-ups ---------------------------------------------------------------------------------------------------- */

static inline bool allows(const struct mmu *m, const struct tlb_entry *e, enum access_kind kind)
{
	return (e->perm & m->perm_mask[kind]) == m->perm_want[kind];
}

/* The VA as TLBs hold it: a top byte that the regime ignores becomes that of a canonical address. */
static inline uint64_t untag(const struct mmu *m, uint64_t va, enum access_kind kind)
{
	const struct mmu_top *top = &m->top[kind == ACCESS_FETCH][bit_get(va, 55)];
	return (va & top->keep) | top->set;
}

/* Looks in one TLB. An entry that does not allow the access is dropped: its walk tells what is true now. */
static inline struct tlb_entry *look_in(struct mmu *m, struct tlb *t, uint64_t va, enum access_kind kind)
{
	struct tlb_entry *e = tlb_find(t, va, m->tag);
	if (!e || allows(m, e, kind)) return e;
	t->stats.permission_misses++;
	tlb_drop(t, e);
	return NULL;
}

/* When a look-up that began at `begin` has told what `at` says. */
static inline cycles_t look_end(const struct levels_place *at, cycles_t begin)
{
	return begin + at->tlb->params.hit_cycles;
}

static inline unsigned mmu_side(enum access_kind kind) { return kind == ACCESS_FETCH ? 0 : 1; }

/* A walk has failed at m->now: whether its fault was resolved, so that it may be tried again at *now; else the access of `n` is counted. */
bool mmu_resolve(struct mmu *m, unsigned side, unsigned n, cycles_t *now, struct mmu_done *out);

/* --- descriptors ------------------------------------------------------------------------------------------------- */

/* A stage 1 table was read through stage 2: remember where it is, unless stage 2 may map it in several pieces. */
WALK_STEP void note_table(struct mmu *m, const struct stage_info *s, struct pa pa, uint64_t ipa)
{
	unsigned bits = s->granule_bits;
	if (m->regime.s2.granule_bits < bits) return;
	m->table_bits = bits;
	m->table_ipa = bits_align_down(ipa, bits);
	m->table_pa = bits_align_down(pa.raw, bits);
	for (unsigned i = 0; i < m->learned_count; i++) {
		m->learned[i]->table = m->table_pa;
		m->learned[i]->table_known = true;
	}
	m->learned_count = 0;
}

/* Reads a descriptor of `s`. */
WALK_STEP uint64_t step_read(struct mmu *m, const struct stage_info *s, struct pa pa,
			     const struct walk_ref *ref, struct walk_shape shape)
{
	unsigned why = ref->cause - CAUSE_S1_WALK, served;
	struct walker_stats *count = shape.plain ? &m->stats : m->count;
	bool told = !shape.plain && m->why;
	m->req.pa = pa;
	m->req.cause = ref->cause;
	m->req.kind = ACCESS_READ;
	m->req.security = ref->security;
	size_t span = __builtin_expect(told, 0) ? mmu_open_read(m, pa, ref) : 0;
	cycles_t now = m->now, done = mem_read(m->port, &m->req, now, m->first_cache, &served);
	if (__builtin_expect(told, 0)) mmu_close_read(m, span, served, done);
	m->now = done + m->cycles_per_level;
	count->descriptor_reads[why]++;
	count->read_cycles[why] += m->now - now;
	count->level_cycles[why][ref->level + 1] += m->now - now;
	count->reads_served[why][served]++;
	if (ref->cause == CAUSE_S1_WALK && shape.nested) note_table(m, s, pa, ref->address);
	if (ref->level == LAST_LEVEL && m->foresight)
		foresight_note(m->foresight, ref->cause == CAUSE_S1_WALK ? 1 : 2, s, ref->input, pa.raw,
			       ref->address);
	else if (m->foresight_shared && ref->level == LAST_LEVEL - 1 && ref->cause == CAUSE_S1_WALK)
		foresight_note_above(m->foresight, s, ref->input, pa.raw);
	return physmem_read64(m->memory, pa);
}

/* --- walk caches ------------------------------------------------------------------------------------------------- */

WALK_STEP tlb_tag_t stage_tag(const struct mmu *m, unsigned stage)
{
	return stage == 1 ? m->tag : m->stage2_tag;
}

/* No table of stage 1 is known, and no place waits for one. */
WALK_STEP void forget_table(struct mmu *m) { m->table_bits = m->learned_count = 0; }

/* Looks in one walk cache for a position further down than `pos`; true when it gave one. */
WALK_STEP bool resume_from(struct mmu *m, struct walk_cache *c, const struct stage_info *s, unsigned stage,
			   uint64_t input, struct walk_pos *pos, struct walk_shape shape)
{
	struct tlb *t = c->tlb;
	struct tlb_entry *e = tlb_find_again(t, input, stage_tag(m, stage));
	t->stats.lookups++;
	if (!e) {
		t->stats.misses++;
		return false;
	}
	m->now = mmu_answer(t, e, m->now);
	const struct walk_place *p = &c->place[e - t->entry];
	if (p->pos.level <= pos->level) return false;
	*pos = p->pos;
	if (stage == 2 || !shape.nested) return true;
	m->table_bits = p->table_known ? s->granule_bits : 0;
	m->table_ipa = p->pos.table;
	m->table_pa = p->table;
	return true;
}

/* Whether the present walk neither looks in the cache nor is held by it. */
WALK_STEP bool goes_by(const struct mmu *m, const struct walk_cache *c, unsigned stage)
{
	return stage == 2 && (c->tables_only & m->final);
}

/* All caches of the stage are looked up at once; the one that reaches furthest counts. */
WALK_STEP void step_resume(struct mmu *m, const struct stage_info *s, unsigned stage, uint64_t input,
			   struct walk_pos *pos, struct walk_shape shape)
{
	cycles_t slowest = 0, begin = m->now;
	bool found = false;
	struct walk_cache *c = m->cache[stage - 1], *end = c + m->caches[stage - 1];
	if (stage == 1 && shape.nested) forget_table(m);
	for (; c != end; c++) {
		if (goes_by(m, c, stage)) continue;
		found |= resume_from(m, c, s, stage, input, pos, shape);
		if (c->cycles > slowest) slowest = c->cycles;
	}
	m->now += slowest;
	if (!shape.plain && m->caches[stage - 1])
		why_leaf(m->why,
			 (struct why_span){begin, m->now, .outcome = found ? "hit" : "miss",
					   .kind = WHY_WALK_CACHE, .stage = s->stage, .level = pos->level,
					   .address = input, .value = pos->table});
}

/* A table descriptor of level pos->level - 1 was read on the way to `input`: `pos` is where it leads. */
WALK_STEP void step_learn(struct mmu *m, const struct stage_info *s, unsigned stage, uint64_t input,
			  const struct walk_pos *pos, struct walk_shape shape)
{
	struct tlb_fill *f = &m->cache_fill[stage - 1];
	f->va = input;
	f->bits = f->run_bits = level_entry_bits(s->granule_bits, pos->level - 1);
	f->like.ready = m->now;
	if (stage == 1 && shape.nested) forget_table(m);
	for (unsigned left = m->learners[stage - 1][pos->level]; left; left &= left - 1) {
		struct walk_cache *c = &m->cache[stage - 1][__builtin_ctz(left)];
		if (goes_by(m, c, stage)) continue;
		if (!shape.plain && c->tlb->evictors) mmu_ask_evictors(m, c->tlb, f);
		struct tlb_entry *e = tlb_fill_inline(c->tlb, f);
		struct walk_place *p = &c->place[e - c->tlb->entry];
		p->pos = *pos;
		p->table_known = false;
		if (stage == 1 && shape.nested && !c->ipa_only) m->learned[m->learned_count++] = p;
	}
}

/* --- stage 2 ----------------------------------------------------------------------------------------------------- */

/* The IPA cache's answer, if it allows the access. */
WALK_STEP struct tlb_entry *look_in_ipa_cache(struct mmu *m, uint64_t ipa, struct access a,
					      struct walk_shape shape)
{
	struct tlb *t = m->ipa_cache;
	struct tlb_entry *e = tlb_find(t, ipa, m->stage2_tag);
	cycles_t begin = m->now;
	t->stats.lookups++;
	m->now += m->ipa_cycles;
	if (e && !perm_allows(e->perm, a)) {
		t->stats.permission_misses++;
		tlb_drop(t, e);
		e = NULL;
	}
	if (e) {
		m->now = mmu_answer(t, e, m->now);
	} else {
		t->stats.misses++;
		if (m->foresight_shared) __builtin_prefetch(&m->ipa_leaf[tlb_prefetch_place(t, ipa)], 1);
	}
	if (!shape.plain) mmu_note_look_up(m, WHY_IPA_CACHE, t, ipa, e, begin, m->now);
	return e;
}

/* Answers a stage 2 translation of a descriptor of stage 1 in the table that is known, without a look-up. */
WALK_STEP bool step_find_table(struct mmu *m, uint64_t ipa, struct pa *out, struct walk_shape shape)
{
	if (!m->table_bits || m->table_ipa != bits_align_down(ipa, m->table_bits)) return false;
	if (!shape.plain)
		why_leaf(m->why, (struct why_span){m->now, m->now, .kind = WHY_TABLE_KNOWN, .address = ipa});
	out->raw = m->table_pa | (ipa & bits_ones(m->table_bits));
	return true;
}

/* Answers a whole stage 2 translation without a walk, if it can. Every other one begins here. */
WALK_STEP const struct leaf *step_find_stage2(struct mmu *m, uint64_t ipa, struct access a,
					      enum req_cause cause, struct walk_shape shape)
{
	m->final = cause == CAUSE_S2_FINAL;
	struct tlb_entry *e = m->ipa_cache ? look_in_ipa_cache(m, ipa, a, shape) : NULL;
	if (!e) return NULL;
	struct leaf *leaf = &m->ipa_leaf[e - m->ipa_cache->entry];
	leaf->out = e->pa | (ipa & ~e->va_mask);
	if (!shape.plain && m->wants_neighbours && cause == CAUSE_S2_FINAL)
		m->end[1] = (struct walk_end){.input = ipa, .leaf = *leaf, .known = true};
	return leaf;
}

WALK_STEP void step_learn_stage2(struct mmu *m, uint64_t ipa, const struct leaf *leaf,
				 struct walk_shape shape)
{
	if (!m->ipa_cache) return;
	struct tlb_fill *f = &m->ipa_fill;
	f->va = ipa;
	f->pa = leaf->out;
	f->bits = f->run_bits = leaf->bits;
	f->like.level = (uint8_t)(leaf->level + 1);
	f->like.perm = leaf->perm;
	f->like.ready = m->now;
	if (!shape.plain && m->ipa_cache->evictors) mmu_ask_evictors(m, m->ipa_cache, f);
	struct tlb_entry *e = tlb_fill_inline(m->ipa_cache, f);
	if (e) m->ipa_leaf[e - m->ipa_cache->entry] = *leaf;
}

/* --- walkers ----------------------------------------------------------------------------------------------------- */

/* A walker that is free at `now`, or the one that is free first. One whose latest walk begins after `now` counts as
 * free: walks of a core that runs ahead are not asked for in order of time. */
static inline struct mmu_walker *choose_walker(struct mmu *m, cycles_t now, cycles_t *start)
{
	struct mmu_walker *w = m->walker, *end = w + m->walkers, *first = w;
	*start = now;
	for (; w != end; w++) {
		if (w->until <= now || w->from > now) return w;
		if (w->until < first->until) first = w;
	}
	*start = first->until;
	return first;
}

/* The walk that began at `start`, for which somebody waits since `now`, ends: m->now. */
static inline void end_walk(struct mmu *m, struct mmu_walker *w, cycles_t now, cycles_t start)
{
	*w = (struct mmu_walker){.from = start, .until = m->now};
	m->stats.walks++;
	m->stats.queue_cycles += start - now;
	hist_add(&m->stats.walk_cycles, m->now - start);
}

/* It has met m->fault.fault; returns false. */
static inline bool refuse_walk(struct mmu *m, uint64_t va, struct access a)
{
	m->fault.va.raw = va;
	m->fault.access = a;
	m->stats.faults++;
	return false;
}

#endif
