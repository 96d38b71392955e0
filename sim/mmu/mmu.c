#include "mmu/mmu.h"

#include <assert.h>
#include <string.h>

#include "base/bits.h"
#include "mmu/levels.h"
#include "mmu/neighbours.h"
#include "mmu/page_design.h"
#include "mmu/pom_tlb.h"
#include "mmu/prefetch.h"
#include "mmu/range_tlb.h"
#include "mmu/translate_inline.h"
#include "tlb/fill.h"

/* --- look-up --------------------------------------------------------------------------------------------------- */

static bool allows(const struct mmu *m, const struct tlb_entry *e, enum access_kind kind)
{
	return (e->perm & m->perm_mask[kind]) == m->perm_want[kind];
}

/* The VA as TLBs hold it: a top byte that the regime ignores becomes that of a canonical address. */
static uint64_t untag(const struct mmu *m, uint64_t va, enum access_kind kind)
{
	const struct mmu_top *top = &m->top[kind == ACCESS_FETCH][bit_get(va, 55)];
	return (va & top->keep) | top->set;
}

/* For untag(), by the half that a VA is in by bit 55. */
static struct mmu_top top_of(const struct regime_info *r, bool fetch, bool upper)
{
	const struct stage_info *s = &r->s1[r->two_ranges && upper];
	bool ignored = !((fetch ? s->check_fetch : s->check) >> 56), ones = s->on && r->two_ranges && upper;
	return (struct mmu_top){ignored ? bits_ones(56) : UINT64_MAX, ignored && ones ? ~bits_ones(56) : 0};
}

/* Looks in one TLB. An entry that does not allow the access is dropped: its walk tells what is true now. */
static struct tlb_entry *look_in(struct mmu *m, struct tlb *t, uint64_t va, enum access_kind kind)
{
	struct tlb_entry *e = tlb_find(t, va, m->tag);
	if (!e || allows(m, e, kind)) return e;
	t->stats.permission_misses++;
	tlb_drop(t, e);
	return NULL;
}

/* An entry answers at `now`, or when the walk that brings it ends. */
static cycles_t answer(struct tlb *t, const struct tlb_entry *e, cycles_t now)
{
	if (e->ready > now) {
		t->stats.merged++;
		return e->ready;
	}
	t->stats.hits++;
	return now;
}

/* For who asks where the cycles go: what a TLB, walk cache or IPA cache said. */
static __attribute__((noinline)) void write_look_up(struct mmu *m, enum why_kind kind, const struct tlb *t,
						    uint64_t address, const struct tlb_entry *e,
						    cycles_t begin, cycles_t end)
{
	const char *outcome = !e ? "miss" : e->ready > begin ? "is being walked, waits" : "hit";
	why_leaf(m->why, (struct why_span){begin, end, .name = t->params.name, .outcome = outcome,
					   .kind = (uint8_t)kind, .address = address});
}

static inline void note_look_up(struct mmu *m, enum why_kind kind, const struct tlb *t, uint64_t address,
				const struct tlb_entry *e, cycles_t begin, cycles_t end)
{
	if (__builtin_expect(m->why != NULL, 0)) write_look_up(m, kind, t, address, e, begin, end);
}

static unsigned min_bits(unsigned a, unsigned b) { return a < b ? a : b; }

/* --- walk: what translate() asks, with time -------------------------------------------------------------------- */

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

static uint64_t read_descriptor(void *self, struct pa pa, const struct walk_ref *ref)
{
	struct mmu *m = self;
	unsigned why = ref->cause - CAUSE_S1_WALK, served = m->port->levels;
	m->req.pa = pa;
	m->req.cause = ref->cause;
	m->req.kind = ACCESS_READ;
	m->req.security = ref->security;
	size_t span = __builtin_expect(m->why != NULL, 0) ? open_read(m, pa, ref) : 0;
	cycles_t done = m->reads_cached ? mem_access(m->port, &m->req, m->now, m->first_cache, &served)
					: mem_access_uncached(m->port, &m->req, m->now);
	if (__builtin_expect(m->why != NULL, 0)) close_read(m, span, served, done);
	done += m->cycles_per_level;
	m->count->descriptor_reads[why]++;
	m->count->read_cycles[why] += done - m->now;
	m->count->level_cycles[why][ref->level + 1] += done - m->now;
	m->count->reads_served[why][served]++;
	m->now = done;
	if (ref->cause == CAUSE_S1_WALK && m->regime.s2.on) note_table(m, pa, ref);
	return physmem_read64(m->memory, pa);
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

static tlb_tag_t stage_tag(const struct mmu *m, const struct stage_info *s)
{
	return s->stage == 1 ? m->tag : m->stage2_tag;
}

/* Looks in one walk cache for a position further down than `pos`; true when it gave one. */
static inline bool resume_from(struct mmu *m, struct walk_cache *c, const struct stage_info *s,
			       uint64_t input, struct walk_pos *pos)
{
	struct tlb *t = c->tlb;
	struct tlb_entry *e = tlb_find_again(t, input, stage_tag(m, s));
	t->stats.lookups++;
	if (!e) {
		t->stats.misses++;
		return false;
	}
	m->now = answer(t, e, m->now);
	const struct walk_place *p = &c->place[e - t->entry];
	if (p->pos.level <= pos->level) return false;
	*pos = p->pos;
	if (s->stage == 2) return true;
	m->table_bits = p->table_known ? s->granule_bits : 0;
	m->table_ipa = p->pos.table;
	m->table_pa = p->table;
	return true;
}

/* Whether the present walk neither looks in the cache nor is held by it. */
static bool goes_by(const struct mmu *m, const struct walk_cache *c) { return c->tables_only & m->final; }

/* All caches of the stage are looked up at once; the one that reaches furthest counts. */
static void resume(void *self, const struct stage_info *s, uint64_t input, struct walk_pos *pos)
{
	struct mmu *m = self;
	cycles_t slowest = 0, begin = m->now;
	bool found = false;
	struct walk_cache *c = m->cache[s->stage - 1], *end = c + m->caches[s->stage - 1];
	if (s->stage == 1) m->table_bits = m->learned_count = 0;
	for (; c != end; c++) {
		if (goes_by(m, c)) continue;
		found |= resume_from(m, c, s, input, pos);
		if (c->cycles > slowest) slowest = c->cycles;
	}
	m->now += slowest;
	if (m->caches[s->stage - 1])
		why_leaf(m->why,
			 (struct why_span){begin, m->now, .outcome = found ? "hit" : "miss",
					   .kind = WHY_WALK_CACHE, .stage = s->stage, .level = pos->level,
					   .address = input, .value = pos->table});
}

/* A walk had to read what it fills a cache with: it missed it there. */
static void ask_evictors(const struct mmu *m, struct tlb *t, const struct tlb_fill *f)
{
	evictors_act(t->evictors, m->port->cpu->agent);
	tlb_ask_evictors(t, f);
}

/* A table descriptor of level pos->level - 1 was read on the way to `input`: `pos` is where it leads. */
static void learn(void *self, const struct stage_info *s, uint64_t input, const struct walk_pos *pos)
{
	struct mmu *m = self;
	struct tlb_fill *f = &m->cache_fill[s->stage - 1];
	f->va = input;
	f->bits = f->run_bits = level_entry_bits(s->granule_bits, pos->level - 1);
	f->like.tag = stage_tag(m, s);
	f->like.ready = m->now;
	if (s->stage == 1) m->table_bits = m->learned_count = 0;
	for (unsigned left = m->learners[s->stage - 1][pos->level]; left; left &= left - 1) {
		struct walk_cache *c = &m->cache[s->stage - 1][__builtin_ctz(left)];
		if (goes_by(m, c)) continue;
		if (c->tlb->evictors) ask_evictors(m, c->tlb, f);
		struct tlb_entry *e = tlb_fill_inline(c->tlb, f);
		struct walk_place *p = &c->place[e - c->tlb->entry];
		p->pos = *pos;
		p->table_known = false;
		if (s->stage == 1 && !c->ipa_only) m->learned[m->learned_count++] = p;
	}
}

/* The IPA cache's answer, if it allows the access. */
static struct tlb_entry *look_in_ipa_cache(struct mmu *m, uint64_t ipa, struct access a)
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
		m->now = answer(t, e, m->now);
	else
		t->stats.misses++;
	note_look_up(m, WHY_IPA_CACHE, t, ipa, e, begin, m->now);
	return e;
}

/* Answers a stage 2 translation of a descriptor of stage 1 in the table that is known, without a look-up. */
static bool find_table(void *self, uint64_t ipa, struct pa *out)
{
	struct mmu *m = self;
	if (!m->table_bits || m->table_ipa != bits_align_down(ipa, m->table_bits)) return false;
	why_leaf(m->why, (struct why_span){m->now, m->now, .kind = WHY_TABLE_KNOWN, .address = ipa});
	out->raw = m->table_pa | (ipa & bits_ones(m->table_bits));
	return true;
}

/* Answers a whole stage 2 translation without a walk, if it can. Every other one begins here. */
static bool find_stage2(void *self, uint64_t ipa, struct access a, enum req_cause cause, struct leaf *leaf)
{
	struct mmu *m = self;
	m->final = cause == CAUSE_S2_FINAL;
	struct tlb_entry *e = m->ipa_cache ? look_in_ipa_cache(m, ipa, a) : NULL;
	if (!e) return false;
	*leaf = m->ipa_leaf[e - m->ipa_cache->entry];
	leaf->out = e->pa | (ipa & ~e->va_mask);
	if (m->wants_neighbours && cause == CAUSE_S2_FINAL)
		m->end[1] = (struct walk_end){.input = ipa, .leaf = *leaf, .known = true};
	return true;
}

static void found(void *self, const struct stage_info *s, const struct walk_pos *pos, uint64_t input,
		  struct pa pa, const struct leaf *leaf)
{
	struct mmu *m = self;
	m->end[s->stage - 1] = (struct walk_end){*pos, input, pa, *leaf, true, true};
}

static void learn_stage2(void *self, uint64_t ipa, const struct leaf *leaf)
{
	struct mmu *m = self;
	if (!m->ipa_cache) return;
	struct tlb_fill *f = &m->ipa_fill;
	f->va = ipa;
	f->pa = leaf->out;
	f->bits = f->run_bits = leaf->bits;
	f->like.tag = m->stage2_tag;
	f->like.level = (uint8_t)(leaf->level + 1);
	f->like.perm = leaf->perm;
	f->like.ready = m->now;
	if (m->ipa_cache->evictors) ask_evictors(m, m->ipa_cache, f);
	struct tlb_entry *e = tlb_fill_inline(m->ipa_cache, f);
	if (e) m->ipa_leaf[e - m->ipa_cache->entry] = *leaf;
}

static const struct walk_shortcuts plain = {resume, learn, find_table, find_stage2, learn_stage2, NULL};

void mmu_connect_walks(struct mmu *m)
{
	static const struct walk_shortcuts with_end = {resume,      learn,        find_table,
						       find_stage2, learn_stage2, found};
	m->walk_mem = (struct walk_mem){m, read_descriptor, update_descriptor,
					m->wants_neighbours ? &with_end : &plain, &m->memo};
}

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
		.bits = min_bits(min_bits(t->s1_bits, t->s2_bits), LARGEST_BITS),
		.run_bits = min_bits(min_bits(t->s1_run_bits, t->s2_run_bits), LARGEST_BITS),
		.like = mmu_entry_of(m, t, ready),
	};
}

/* Makes m->made.fill of leaves that are not those of the latest. */
static void make_fill(struct mmu *m, uint64_t va, struct access a, const struct leaf *s1,
		      const struct leaf *s2)
{
	struct translation t = {.va = {va}};
	translation_combine(&m->regime, s1, s2, a, &t);
	m->made = (struct mmu_made){.fill = mmu_fill_of(m, &t, m->now),
				    .like = {s1->like && (!s2 || s2->like) ? s1->like : 0, s2 ? s2->like : 0},
				    .fetch = a.kind == ACCESS_FETCH};
}

/* translate() by m->walk_mem into m->made.fill where nobody asks for neighbours: the look-ups and reads are part of it, and no calls. */
static bool walk_plainly(struct mmu *m, uint64_t va, struct access a, struct fault *fault)
{
	const struct walk_mem mem = {m, read_descriptor, update_descriptor, &plain, &m->memo};
	struct leaf s1, s2;
	bool nested = m->regime.s2.on;
	struct mmu_made *made = &m->made;
	if (!translate_leaves_in(&m->regime, (struct va){va}, a, &mem, &s1, &s2, fault)) return false;
	bool same = made->like[0] && made->like[0] == s1.like && made->fetch == (a.kind == ACCESS_FETCH) &&
		    (!nested || made->like[1] == s2.like);
	if (__builtin_expect(!same, 0)) return make_fill(m, va, a, &s1, nested ? &s2 : NULL), true;
	made->fill.va = va;
	made->fill.pa = nested ? s2.out : s1.out;
	made->fill.like.ready = m->now;
	return true;
}

/* The same through m->design, or with what neighbours are asked for; `t` holds the result, too. */
static bool walk_otherwise(struct mmu *m, uint64_t va, struct access a, struct translation *t,
			   struct fault *fault)
{
	m->end[0].known = m->end[1].known = false;
	if (m->design)
		page_design_walk(m, (struct va){va}, a, t);
	else
		translate(&m->regime, (struct va){va}, a, &m->walk_mem, t);
	*fault = t->fault;
	if (t->fault.kind) return false;
	m->made.fill = mmu_fill_of(m, t, m->now);
	m->made.like[0] = 0;
	return true;
}

/* Walks from *now on; then *now is when the walk ended, and m->made.fill what it found, or false and *fault. */
static bool walk(struct mmu *m, uint64_t va, struct access a, cycles_t *ended, struct translation *t,
		 struct fault *fault)
{
	cycles_t now = *ended;
	cycles_t start;
	struct mmu_walker *w = choose_walker(m, now, &start);
	size_t span = why_open(m->why, (struct why_span){.begin = now, .kind = WHY_WALK, .address = va});
	if (start > now) why_leaf(m->why, (struct why_span){now, start, .kind = WHY_WALKER_QUEUE});
	m->now = start;
	bool done = m->design || m->wants_neighbours ? walk_otherwise(m, va, a, t, fault)
						     : walk_plainly(m, va, a, fault);
	*w = (struct mmu_walker){.from = start, .until = m->now};
	m->stats.walks++;
	m->stats.queue_cycles += start - now;
	hist_add(&m->stats.walk_cycles, m->now - start);
	why_close(m->why, span, m->now);
	*ended = m->now;
	return done;
}

/* Shows the observer what was walked, as an entry of its whole size, and what came along. */
static void tell_of_walk(struct mmu *m, const struct tlb_fill *f, struct access a)
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
	if (m->observer) tell_of_walk(m, out, a);
	return MMU_WALKED;
}

/* Fills with m->made.fill. `t`: of a walk that neighbours are asked of. */
static void fill_from_walk(struct mmu *m, unsigned side, unsigned n, struct access a,
			   const struct translation *t, cycles_t ready)
{
	struct tlb_entry near[TLB_PAGES_MAX];
	struct tlb_fill *f = &m->made.fill;
	if (m->wants_neighbours) {
		f->near = near;
		f->near_count = mmu_neighbours(m, t, a, ready, near);
	}
	levels_fill(m, side, m->levels[side], n, f);
	if (m->observer) tell_of_walk(m, f, a);
	if (m->ranges) range_tlb_learn(m, f, ready);
	if (!m->prefetch) return;
	prefetch_take_neighbours(m, side, f->va, near, f->near_count);
	prefetch_train(m, f->va, f->bits, a, ready);
}

/* Fills the levels above from an entry found further down, which an exclusive level gives away. */
static void fill_from_entry(struct mmu *m, unsigned side, unsigned n, uint64_t va, struct levels_place at,
			    cycles_t ready)
{
	struct tlb_entry near[TLB_PAGES_MAX];
	struct tlb_fill f = levels_fill_of(at.entry, va);
	bool gives = at.tlb->params.inclusion == TLB_EXCLUSIVE;
	f.near = near;
	f.near_count = gives ? tlb_take(at.tlb, at.entry, near) : tlb_near(at.tlb, at.entry, near);
	f.like.ready = ready;
	levels_fill(m, side, at.level, n, &f);
}

/* A look-up in one TLB of a level. */
struct look {
	struct tlb *tlb;
	cycles_t begin, end;
};

/* When a look-up that began at `begin` has told what `at` says. */
static cycles_t look_end(const struct levels_place *at, cycles_t begin)
{
	return begin + at->tlb->params.hit_cycles;
}

/* Looks in at->tlb from `now` on, as soon as it has a port. */
static struct look look_at(struct mmu *m, struct levels_place *at, uint64_t va, enum access_kind kind,
			   cycles_t now)
{
	cycles_t begin = tlb_begin(at->tlb, va, now);
	at->entry = look_in(m, at->tlb, va, kind);
	return (struct look){at->tlb, begin, look_end(at, begin)};
}

static void note_port(struct mmu *m, const struct look *l, cycles_t now)
{
	if (l->begin > now)
		why_leaf(m->why,
			 (struct why_span){now, l->begin, .name = l->tlb->params.name, .kind = WHY_TLB_PORT});
}

/* A miss that the level's answer waited for, ... */
static void note_miss(struct mmu *m, const struct look *l, uint64_t va, cycles_t now)
{
	note_port(m, l, now);
	note_look_up(m, WHY_TLB, l->tlb, va, NULL, l->begin, l->end);
}

/* ... and one at the same time that was over by then; l->tlb may be NULL. */
static void note_miss_beside(struct mmu *m, const struct look *l, uint64_t va, cycles_t now)
{
	if (l->tlb) note_look_up(m, WHY_TLB, l->tlb, va, NULL, now, now);
}

/* Looks through the TLBs of one level, at once, from *now on; true: at->tlb has it. */
static inline bool find_in_level(struct mmu *m, struct tlb *const *array, uint64_t va, enum access_kind kind,
				 cycles_t *now, struct levels_place *at)
{
	struct look slowest = {.end = *now};
	for (; (at->tlb = *array); array++) {
		struct look look = look_at(m, at, va, kind, *now);
		bool waits = at->entry || !slowest.tlb || look.end > slowest.end;
		note_miss_beside(m, waits ? &slowest : &look, va, *now);
		if (waits) slowest = look;
		if (at->entry) break;
	}
	if (at->entry)
		note_port(m, &slowest, *now);
	else
		note_miss(m, &slowest, va, *now);
	*now = slowest.end;
	return at->entry;
}

/* The same of a level that is one TLB, without ports to wait for. */
static inline bool find_in_one(struct mmu *m, struct tlb *t, uint64_t va, enum access_kind kind,
			       cycles_t *now, struct levels_place *at)
{
	at->tlb = t;
	at->entry = look_in(m, t, va, kind);
	cycles_t end = look_end(at, *now);
	if (!at->entry) note_look_up(m, WHY_TLB, t, va, NULL, *now, end);
	*now = end;
	return at->entry;
}

/* Looks through the levels, from *now on. */
static inline struct levels_place find_level(struct mmu *m, unsigned side, uint64_t va, enum access_kind kind,
					     cycles_t *now)
{
	struct levels_place at = {0};
	unsigned levels = m->levels[side];
	for (; at.level < levels; at.level++)
		if (__builtin_expect(m->one_each, 1)
			    ? find_in_one(m, m->level[side][at.level], va, kind, now, &at)
			    : find_in_level(m, m->array[side][at.level], va, kind, now, &at))
			break;
	return at;
}

static void use_found(struct mmu *m, unsigned side, unsigned n, uint64_t va, struct levels_place at,
		      cycles_t now, struct access a, struct mmu_done *out)
{
	cycles_t begin = now - at.tlb->params.hit_cycles;
	unsigned accesses = at.level ? 1 : n;
	at.tlb->stats.lookups += accesses;
	at.tlb->stats.hits += accesses - 1; /* the rest of a run of fetches */
	out->cycle = answer(at.tlb, at.entry, now);
	out->pa = at.entry->pa | (va & ~at.entry->va_mask);
	note_look_up(m, WHY_TLB, at.tlb, va, at.entry, begin, out->cycle);
	mmu_tell_hit(m, at.entry, va, a);
	if (at.level) fill_from_entry(m, side, n, va, at, out->cycle);
}

/* Policies of TLBs that several cores share see the path of the one that looks. */
static void show_flow(const struct mmu *m)
{
	for (unsigned i = 0; i < m->shared_count; i++)
		if (m->shared[i]->tlb->state.shared) m->shared[i]->tlb->state.shared->flow = m->flow;
}

/* As mmu_translate(), for a VA without its tag. */
static bool look_up_or_walk(struct mmu *m, uint64_t va, enum access_kind kind, unsigned n, cycles_t now,
			    struct mmu_done *out)
{
	struct access a = {.kind = (uint8_t)kind, .el = (uint8_t)m->el, .pan = m->pan};
	unsigned side = kind == ACCESS_FETCH ? 0 : 1;
	if (m->shared_count) show_flow(m);
	cycles_t began = now + m->level[side][0]->params.hit_cycles;
	struct levels_place at = find_level(m, side, va, kind, &now);
	if (at.entry) return use_found(m, side, n, va, at, now, a, out), true;
	if (m->ranges && range_tlb_take(m, va, a, n, began, now, out)) return true;
	if (m->prefetch && prefetch_take(m, va, a, n, &now, out)) return true;
	struct translation t;
	struct fault fault;
	while (!walk(m, va, a, &now, &t, &fault)) {
		m->fault = (struct mmu_fault){fault, {va}, a};
		m->stats.faults++;
		out->cycle = now;
		if (!m->resolve || !m->resolve(m->resolve_owner, &m->fault, &now))
			return levels_fill(m, side, m->levels[side], n, NULL), false;
		m->stats.restarts++;
	}
	out->cycle = now;
	out->pa = m->made.fill.pa;
	fill_from_walk(m, side, n, a, &t, now);
	return true;
}

bool mmu_translate_slow(struct mmu *m, uint64_t va, enum access_kind kind, unsigned n, cycles_t now,
			struct mmu_done *out)
{
	uint64_t untagged = untag(m, va, kind);
	if (__builtin_expect(!m->why, 1)) return look_up_or_walk(m, untagged, kind, n, now, out);
	size_t span = why_open(m->why,
			       (struct why_span){.begin = now, .kind = WHY_TRANSLATION, .address = va});
	bool done = look_up_or_walk(m, untagged, kind, n, now, out);
	why_close(m->why, span, out->cycle);
	return done;
}

/* --- context --------------------------------------------------------------------------------------------------- */

void mmu_set_context(struct mmu *m, const struct sysregs *regs, const struct features *f, unsigned el,
		     bool pan, enum security security)
{
	enum regime regime = regime_of_el(regs, f, el, security);
	regime_decode(regs, f, regime, security, &m->regime);
	m->tag = tlb_tag(regime, security, m->regime.vmid, m->regime.asid);
	m->stage2_tag = tlb_tag(REGIME_EL10, security, m->regime.vmid, 0);
	m->el = el;
	m->pan = pan;
	m->made.like[0] = 0;
	memset(m->memo.tree, 0, sizeof(m->memo.tree));
	for (unsigned i = 0; i < 4; i++) m->top[i >> 1][i & 1] = top_of(&m->regime, i >> 1, i & 1);
	for (unsigned kind = 0; kind < 3; kind++) {
		m->perm_want[kind] = (uint16_t)(1u << kind << (el == 0 ? 3 : 0));
		m->perm_mask[kind] = m->perm_want[kind];
		if (pan && el != 0 && kind != ACCESS_FETCH) m->perm_mask[kind] |= PERM_GUARDED;
	}
}
