#include "mmu/mmu_walk.h"

#include "base/bits.h"
#include "base/order.h"
#include "mmu/foresight.h"
#include "mmu/neighbours.h"
#include "mmu/page_design.h"
#include "mmu/prefetch.h"
#include "tlb/fill.h"

void mmu_write_look_up(struct mmu *m, enum why_kind kind, const struct tlb *t, uint64_t address,
		       const struct tlb_entry *e, cycles_t begin, cycles_t end)
{
	const char *outcome = !e ? "miss" : e->ready > begin ? "is being walked, waits" : "hit";
	why_leaf(m->why, (struct why_span){begin, end, .name = t->params.name, .outcome = outcome,
					   .kind = (uint8_t)kind, .address = address});
}

/* --- what a walk asks, with time ---------------------------------------------------------------------------------
 *
 * Each is compiled twice: as part of the walk where nothing but cycles and counters is wanted (struct mmu, plain_walks), and as a function of
 * struct walk_mem for all others.
 */

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* A stage 1 table was read through stage 2: remember where it is, unless stage 2 may map it in several pieces. */
static void note_table(struct mmu *m, struct pa pa, const struct walk_ref *ref)
{
	unsigned bits = regime_stage1(&m->regime, (struct va){ref->input})->granule_bits;
	if (m->regime.s2.on && m->regime.s2.granule_bits < bits) return;
	m->table_bits = bits;
	m->table_ipa = bits_align_down(ref->address, bits);
	m->table_pa = bits_align_down(pa.raw, bits);
	for (unsigned i = 0; i < m->learned_count; i++) {
		m->learned[i]->table = m->table_pa;
		m->learned[i]->table_known = true;
	}
	m->learned_count = 0;
}

/* For who asks where the cycles go: a span around one descriptor, ... */
static size_t open_read(struct mmu *m, struct pa pa, const struct walk_ref *ref)
{
	return why_open(m->why, (struct why_span){.begin = m->now,
						  .kind = WHY_DESCRIPTOR,
						  .address = pa.raw,
						  .value = physmem_read64(m->memory, pa),
						  .cause = ref->cause,
						  .stage = ref->cause == CAUSE_S1_WALK ? 1 : 2,
						  .level = ref->level});
}

/* ... which the caches, or the first of them, served until `done`. */
static void close_read(struct mmu *m, size_t span, unsigned served, cycles_t done)
{
	struct why *w = m->why;
	if (why_count(w) == span + 1)
		why_leaf(w,
			 (struct why_span){m->now, done, .name = m->served_names[served], .kind = WHY_CACHE});
	if (m->cycles_per_level)
		why_leaf(w, (struct why_span){done, done + m->cycles_per_level, .kind = WHY_WALKER_STEP});
	why_close(w, span, done + m->cycles_per_level);
}

static inline void note_last(struct mmu *m, struct pa pa, const struct walk_ref *ref)
{
	if (ref->cause == CAUSE_S1_WALK)
		foresight_note(m->foresight, 1, regime_stage1(&m->regime, (struct va){ref->input}),
			       ref->input, pa.raw);
	else
		foresight_note(m->foresight, 2, &m->regime.s2, ref->input, pa.raw);
}

static ALWAYS_INLINE uint64_t read_in(struct mmu *m, struct pa pa, const struct walk_ref *ref, bool plain)
{
	unsigned why = ref->cause - CAUSE_S1_WALK, served = m->port->levels;
	struct walker_stats *count = m->count;
	bool told = !plain && m->why;
	m->req.pa = pa;
	m->req.cause = ref->cause;
	m->req.kind = ACCESS_READ;
	m->req.security = ref->security;
	size_t span = __builtin_expect(told, 0) ? open_read(m, pa, ref) : 0;
	cycles_t now = m->now, done = m->reads_cached
					      ? mem_read(m->port, &m->req, now, m->first_cache, &served)
					      : mem_access_uncached(m->port, &m->req, now);
	if (__builtin_expect(told, 0)) close_read(m, span, served, done);
	done += m->cycles_per_level;
	count->descriptor_reads[why]++;
	count->read_cycles[why] += done - now;
	count->level_cycles[why][ref->level + 1] += done - now;
	count->reads_served[why][served]++;
	m->now = done;
	if (ref->cause == CAUSE_S1_WALK && m->regime.s2.on) note_table(m, pa, ref);
	if (m->foresight && ref->level == LAST_LEVEL) note_last(m, pa, ref);
	return physmem_read64(m->memory, pa);
}

static uint64_t read_descriptor(void *self, struct pa pa, const struct walk_ref *ref)
{
	return read_in(self, pa, ref, false);
}

static bool update_descriptor(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	struct mmu *m = self;
	unsigned served;
	if (m->ahead) return m->ahead_refused = true;
	m->req.pa = pa;
	m->req.kind = ACCESS_WRITE;
	size_t span = why_open(
		m->why,
		(struct why_span){.begin = m->now, .kind = WHY_UPDATE, .address = pa.raw, .value = now});
	cycles_t begin = m->now;
	if (m->reads_cached)
		m->now = mem_access(m->port, &m->req, m->now, m->first_cache, &served);
	else
		mem_access_uncached(m->port, &m->req, m->now);
	if (why_count(m->why) == span + 1)
		why_leaf(m->why, (struct why_span){begin, m->now, .name = m->served_names[m->first_cache],
						   .kind = WHY_CACHE});
	why_close(m->why, span, m->now);
	m->stats.descriptor_updates++;
	return physmem_cas64(m->memory, pa, old, now);
}

static ALWAYS_INLINE tlb_tag_t stage_tag(const struct mmu *m, unsigned stage)
{
	return stage == 1 ? m->tag : m->stage2_tag;
}

/* Looks in one walk cache for a position further down than `pos`; true when it gave one. */
static ALWAYS_INLINE bool resume_from(struct mmu *m, struct walk_cache *c, const struct stage_info *s,
				      unsigned stage, uint64_t input, struct walk_pos *pos)
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
	if (stage == 2) return true;
	m->table_bits = p->table_known ? s->granule_bits : 0;
	m->table_ipa = p->pos.table;
	m->table_pa = p->table;
	return true;
}

/* Whether the present walk neither looks in the cache nor is held by it. */
static ALWAYS_INLINE bool goes_by(const struct mmu *m, const struct walk_cache *c, unsigned stage)
{
	return stage == 2 && (c->tables_only & m->final);
}

/* All caches of the stage are looked up at once; the one that reaches furthest counts. */
static ALWAYS_INLINE void resume_in(struct mmu *m, const struct stage_info *s, unsigned stage, uint64_t input,
				    struct walk_pos *pos, bool plain)
{
	cycles_t slowest = 0, begin = m->now;
	bool found = false;
	struct walk_cache *c = m->cache[stage - 1], *end = c + m->caches[stage - 1];
	if (stage == 1) m->table_bits = m->learned_count = 0;
	for (; c != end; c++) {
		if (goes_by(m, c, stage)) continue;
		found |= resume_from(m, c, s, stage, input, pos);
		if (c->cycles > slowest) slowest = c->cycles;
	}
	m->now += slowest;
	if (!plain && m->caches[stage - 1])
		why_leaf(m->why,
			 (struct why_span){begin, m->now, .outcome = found ? "hit" : "miss",
					   .kind = WHY_WALK_CACHE, .stage = s->stage, .level = pos->level,
					   .address = input, .value = pos->table});
}

static void resume(void *self, const struct stage_info *s, uint64_t input, struct walk_pos *pos)
{
	resume_in(self, s, s->stage, input, pos, false);
}

/* A walk had to read what it fills a cache with: it missed it there. */
static void ask_evictors(const struct mmu *m, struct tlb *t, const struct tlb_fill *f)
{
	evictors_act(t->evictors, m->port->cpu->agent);
	tlb_ask_evictors(t, f);
}

/* A table descriptor of level pos->level - 1 was read on the way to `input`: `pos` is where it leads. */
static ALWAYS_INLINE void learn_in(struct mmu *m, const struct stage_info *s, unsigned stage, uint64_t input,
				   const struct walk_pos *pos, bool plain)
{
	struct tlb_fill *f = &m->cache_fill[stage - 1];
	f->va = input;
	f->bits = f->run_bits = level_entry_bits(s->granule_bits, pos->level - 1);
	f->like.tag = stage_tag(m, stage);
	f->like.ready = m->now;
	if (stage == 1) m->table_bits = m->learned_count = 0;
	for (unsigned left = m->learners[stage - 1][pos->level]; left; left &= left - 1) {
		struct walk_cache *c = &m->cache[stage - 1][__builtin_ctz(left)];
		if (goes_by(m, c, stage)) continue;
		if (!plain && c->tlb->evictors) ask_evictors(m, c->tlb, f);
		struct tlb_entry *e = tlb_fill_inline(c->tlb, f);
		struct walk_place *p = &c->place[e - c->tlb->entry];
		p->pos = *pos;
		p->table_known = false;
		if (stage == 1 && !c->ipa_only) m->learned[m->learned_count++] = p;
	}
}

static void learn(void *self, const struct stage_info *s, uint64_t input, const struct walk_pos *pos)
{
	learn_in(self, s, s->stage, input, pos, false);
}

/* The IPA cache's answer, if it allows the access. */
static ALWAYS_INLINE struct tlb_entry *look_in_ipa_cache(struct mmu *m, uint64_t ipa, struct access a,
							 bool plain)
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
	if (e)
		m->now = mmu_answer(t, e, m->now);
	else
		t->stats.misses++;
	if (!plain) mmu_note_look_up(m, WHY_IPA_CACHE, t, ipa, e, begin, m->now);
	return e;
}

/* Answers a stage 2 translation of a descriptor of stage 1 in the table that is known, without a look-up. */
static ALWAYS_INLINE bool find_table_in(struct mmu *m, uint64_t ipa, struct pa *out, bool plain)
{
	if (!m->table_bits || m->table_ipa != bits_align_down(ipa, m->table_bits)) return false;
	if (!plain)
		why_leaf(m->why, (struct why_span){m->now, m->now, .kind = WHY_TABLE_KNOWN, .address = ipa});
	out->raw = m->table_pa | (ipa & bits_ones(m->table_bits));
	return true;
}

static bool find_table(void *self, uint64_t ipa, struct pa *out)
{
	return find_table_in(self, ipa, out, false);
}

/* Answers a whole stage 2 translation without a walk, if it can. Every other one begins here. */
static ALWAYS_INLINE bool find_stage2_in(struct mmu *m, uint64_t ipa, struct access a, enum req_cause cause,
					 struct leaf *leaf, bool plain)
{
	m->final = cause == CAUSE_S2_FINAL;
	struct tlb_entry *e = m->ipa_cache ? look_in_ipa_cache(m, ipa, a, plain) : NULL;
	if (!e) return false;
	*leaf = m->ipa_leaf[e - m->ipa_cache->entry];
	leaf->out = e->pa | (ipa & ~e->va_mask);
	if (!plain && m->wants_neighbours && cause == CAUSE_S2_FINAL)
		m->end[1] = (struct walk_end){.input = ipa, .leaf = *leaf, .known = true};
	return true;
}

static bool find_stage2(void *self, uint64_t ipa, struct access a, enum req_cause cause, struct leaf *leaf)
{
	return find_stage2_in(self, ipa, a, cause, leaf, false);
}

static void found(void *self, const struct stage_info *s, const struct walk_pos *pos, uint64_t input,
		  struct pa pa, const struct leaf *leaf)
{
	struct mmu *m = self;
	if (m->wants_neighbours) m->end[s->stage - 1] = (struct walk_end){*pos, input, pa, *leaf, true, true};
}

static ALWAYS_INLINE void learn_stage2_in(struct mmu *m, uint64_t ipa, const struct leaf *leaf, bool plain)
{
	if (!m->ipa_cache) return;
	struct tlb_fill *f = &m->ipa_fill;
	f->va = ipa;
	f->pa = leaf->out;
	f->bits = f->run_bits = leaf->bits;
	f->like.tag = m->stage2_tag;
	f->like.level = (uint8_t)(leaf->level + 1);
	f->like.perm = leaf->perm;
	f->like.ready = m->now;
	if (!plain && m->ipa_cache->evictors) ask_evictors(m, m->ipa_cache, f);
	struct tlb_entry *e = tlb_fill_inline(m->ipa_cache, f);
	if (e) m->ipa_leaf[e - m->ipa_cache->entry] = *leaf;
}

static void learn_stage2(void *self, uint64_t ipa, const struct leaf *leaf)
{
	learn_stage2_in(self, ipa, leaf, false);
}

void mmu_connect_walks(struct mmu *m)
{
	static const struct walk_shortcuts shortcuts = {resume,      learn,        find_table,
							find_stage2, learn_stage2, found};
	m->walk_mem = (struct walk_mem){m, read_descriptor, update_descriptor, &shortcuts, &m->memo};
}

/* --- the walk with all that as part of it ------------------------------------------------------------------------ */

/* One translation in progress. */
struct walker {
	const struct regime_info *r;
	struct fault *fault;
	struct mmu *mmu;
};

static ALWAYS_INLINE uint64_t hook_read(const struct walker *w, struct pa pa, const struct walk_ref *ref)
{
	return read_in(w->mmu, pa, ref, true);
}

static ALWAYS_INLINE bool hook_update(const struct walker *w, struct pa pa, uint64_t old, uint64_t now)
{
	return update_descriptor(w->mmu, pa, old, now);
}

static ALWAYS_INLINE struct walk_memo *hook_memo(const struct walker *w) { return &w->mmu->memo; }

static ALWAYS_INLINE void hook_resume(const struct walker *w, const struct stage_info *s, unsigned stage,
				      uint64_t input, struct walk_pos *pos)
{
	resume_in(w->mmu, s, stage, input, pos, true);
}

static ALWAYS_INLINE void hook_learn(const struct walker *w, const struct stage_info *s, unsigned stage,
				     uint64_t input, const struct walk_pos *pos)
{
	learn_in(w->mmu, s, stage, input, pos, true);
}

static ALWAYS_INLINE bool hook_find_table(const struct walker *w, uint64_t ipa, struct pa *out)
{
	return find_table_in(w->mmu, ipa, out, true);
}

static ALWAYS_INLINE bool hook_find_stage2(const struct walker *w, uint64_t ipa, struct access a,
					   enum req_cause cause, struct leaf *leaf)
{
	return find_stage2_in(w->mmu, ipa, a, cause, leaf, true);
}

static ALWAYS_INLINE void hook_learn_stage2(const struct walker *w, uint64_t ipa, const struct leaf *leaf)
{
	learn_stage2_in(w->mmu, ipa, leaf, true);
}

static ALWAYS_INLINE void hook_found(const struct walker *w, const struct stage_info *s,
				     const struct walk_pos *pos, uint64_t input, struct pa pa,
				     const struct leaf *leaf)
{
	(void)w, (void)s, (void)pos, (void)input, (void)pa, (void)leaf;
}

#include "mmu/translate_inline.h"

/* --- walk ------------------------------------------------------------------------------------------------------ */

/* A walker that is free at `now`, or the one that is free first. One whose latest walk begins after `now` counts as
 * free: walks of a core that runs ahead are not asked for in order of time. */
static struct mmu_walker *choose_walker(struct mmu *m, cycles_t now, cycles_t *start)
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

enum { LARGEST_BITS = 47 }; /* of an entry, where both stages are off */

struct tlb_fill mmu_fill_of(const struct mmu *m, const struct translation *t, cycles_t ready)
{
	return (struct tlb_fill){
		.va = t->va.raw,
		.pa = t->pa.raw,
		.bits = (unsigned)u64_min(u64_min(t->s1_bits, t->s2_bits), LARGEST_BITS),
		.run_bits = (unsigned)u64_min(u64_min(t->s1_run_bits, t->s2_run_bits), LARGEST_BITS),
		.like = mmu_entry_of(m, t, ready),
	};
}

/* Makes m->made.fill of leaves that are not those of the latest. */
static __attribute__((noinline)) void make_fill(struct mmu *m, uint64_t va, struct access a, struct leaf s1,
						struct leaf s2)
{
	struct translation t = {.va = {va}};
	bool nested = m->regime.s2.on, numbered = s1.like && (!nested || s2.like);
	translation_combine(&m->regime, &s1, nested ? &s2 : NULL, a, &t);
	m->made = (struct mmu_made){.fill = mmu_fill_of(m, &t, m->now),
				    .like = {numbered ? s1.like : 0, nested ? s2.like : 0},
				    .fetch = a.kind == ACCESS_FETCH};
}

/* translate() into m->made.fill where walks are plain. */
static inline bool walk_plainly(struct mmu *m, uint64_t va, struct access a)
{
	const struct walker w = {&m->regime, &m->fault.fault, m};
	struct leaf s1, s2;
	bool nested = m->regime.s2.on;
	struct mmu_made *made = &m->made;
	if (!translate_leaves_in(&w, (struct va){va}, a, &s1, &s2)) return false;
	bool same = made->like[0] && made->like[0] == s1.like && made->fetch == (a.kind == ACCESS_FETCH) &&
		    (!nested || made->like[1] == s2.like);
	if (__builtin_expect(!same, 0)) return make_fill(m, va, a, s1, s2), true;
	made->fill.va = va;
	made->fill.pa = nested ? s2.out : s1.out;
	made->fill.like.ready = m->now;
	return true;
}

/* The same into m->walked, too: through m->design, or with what somebody who looks on asks for. */
static bool walk_otherwise(struct mmu *m, uint64_t va, struct access a)
{
	m->end[0].known = m->end[1].known = false;
	if (m->design)
		page_design_walk(m, (struct va){va}, a, &m->walked);
	else
		translate(&m->regime, (struct va){va}, a, &m->walk_mem, &m->walked);
	if (m->walked.fault.kind) return m->fault.fault = m->walked.fault, false;
	m->made.fill = mmu_fill_of(m, &m->walked, m->now);
	m->made.like[0] = 0;
	return true;
}

bool mmu_walk(struct mmu *m, uint64_t va, struct access a, cycles_t now)
{
	cycles_t start;
	struct mmu_walker *w = choose_walker(m, now, &start);
	size_t span = why_open(m->why, (struct why_span){.begin = now, .kind = WHY_WALK, .address = va});
	if (start > now) why_leaf(m->why, (struct why_span){now, start, .kind = WHY_WALKER_QUEUE});
	m->now = start;
	bool done = __builtin_expect(m->plain_walks, 1) ? walk_plainly(m, va, a) : walk_otherwise(m, va, a);
	*w = (struct mmu_walker){.from = start, .until = m->now};
	m->stats.walks++;
	m->stats.queue_cycles += start - now;
	hist_add(&m->stats.walk_cycles, m->now - start);
	why_close(m->why, span, m->now);
	if (__builtin_expect(done, 1)) return true;
	m->fault.va.raw = va;
	m->fault.access = a;
	m->stats.faults++;
	return false;
}

void mmu_tell_of_walk(struct mmu *m, const struct tlb_fill *f, struct access a)
{
	for (unsigned i = 0; i < f->near_count; i++) mmu_tell_walked(m, &f->near[i], f->near[i].va, a);
	struct tlb_entry e = f->like;
	e.bits = (uint8_t)f->bits;
	e.va_mask = ~bits_ones(f->bits);
	e.va = f->va & e.va_mask;
	e.pa = f->pa & e.va_mask;
	mmu_tell_walked(m, &e, f->va, a);
}

enum mmu_ahead mmu_walk_ahead(struct mmu *m, uint64_t va, struct access a, cycles_t now, struct tlb_fill *out,
			      struct tlb_entry *near)
{
	cycles_t start;
	struct mmu_walker *w = choose_walker(m, now, &start);
	struct why *why = m->why, *port_why = m->port->why;
	struct translation t;
	if (start > now) return MMU_NO_WALKER;
	m->why = m->port->why = NULL; /* no part of the access that is explained */
	m->count = &m->prefetch->walks;
	m->ahead = true;
	m->ahead_refused = false;
	m->end[0].known = m->end[1].known = false;
	m->now = now;
	if (m->design)
		page_design_walk(m, (struct va){va}, a, &t);
	else
		translate(&m->regime, (struct va){va}, a, &m->walk_mem, &t);
	*w = (struct mmu_walker){.from = now, .until = m->now};
	m->count->walks++;
	m->count->faults += t.fault.kind != FAULT_NONE;
	hist_add(&m->count->walk_cycles, m->now - now);
	m->ahead = false;
	m->count = &m->stats;
	m->why = why;
	m->port->why = port_why;
	if (t.fault.kind || m->ahead_refused) return MMU_REFUSED;
	*out = mmu_fill_of(m, &t, m->now);
	out->near = near;
	if (m->wants_neighbours) out->near_count = mmu_neighbours(m, &t, a, m->now, near);
	if (m->observer) mmu_tell_of_walk(m, out, a);
	return MMU_WALKED;
}
