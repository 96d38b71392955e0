#include "mmu/mmu.h"

#include <string.h>

#include "mmu/mmu_steps.h"
#include "mmu/neighbours.h"
#include "mmu/prefetch.h"
#include "mmu/range_tlb.h"

/* --- look-up --------------------------------------------------------------------------------------------------- */

/* For untag(), by the half that a VA is in by bit 55. */
static struct mmu_top top_of(const struct regime_info *r, bool fetch, bool upper)
{
	const struct stage_info *s = &r->s1[r->two_ranges && upper];
	bool ignored = !((fetch ? s->check_fetch : s->check) >> 56), ones = s->on && r->two_ranges && upper;
	return (struct mmu_top){ignored ? bits_ones(56) : UINT64_MAX, ignored && ones ? ~bits_ones(56) : 0};
}

/* Whether a walk is more to somebody than what it found. */
static bool walks_tell(const struct mmu *m)
{
	return m->wants_neighbours | (m->observer || m->ranges || m->prefetch);
}

/* Fills with what m->walk has found, and tells who wants to know. */
static __attribute__((noinline)) void fill_and_tell(struct mmu *m, unsigned side, unsigned n, struct access a)
{
	struct tlb_entry near[TLB_PAGES_MAX];
	struct tlb_fill *f = &m->made.fill;
	cycles_t ready = f->like.ready;
	if (m->wants_neighbours) {
		f->near = near;
		f->near_count = mmu_neighbours(m, &m->walked, a, ready, near);
	}
	levels_fill(m, side, m->levels[side], n, f);
	if (m->observer) mmu_tell_of_walk(m, f, a);
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
	f.like.ready = ready;
	f.near = near;
	f.near_count = gives ? tlb_take(at.tlb, at.entry, near) : tlb_near(at.tlb, at.entry, near);
	levels_fill(m, side, at.level, n, &f);
}

/* A look-up in one TLB of a level. */
struct look {
	struct tlb *tlb;
	cycles_t begin, end;
};

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
	mmu_note_look_up(m, WHY_TLB, l->tlb, va, NULL, l->begin, l->end);
}

/* ... and one at the same time that was over by then; l->tlb may be NULL. */
static void note_miss_beside(struct mmu *m, const struct look *l, uint64_t va, cycles_t now)
{
	if (l->tlb) mmu_note_look_up(m, WHY_TLB, l->tlb, va, NULL, now, now);
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

/* Looks through the levels, from *now on. */
static struct levels_place find_level(struct mmu *m, unsigned side, uint64_t va, enum access_kind kind,
				      cycles_t *now)
{
	struct levels_place at = {0};
	while (at.level < m->levels[side] && !find_in_level(m, m->array[side][at.level], va, kind, now, &at))
		at.level++;
	return at;
}

static void use_found(struct mmu *m, unsigned side, unsigned n, uint64_t va, struct levels_place at,
		      cycles_t now, struct access a, struct mmu_done *out)
{
	cycles_t begin = now - at.tlb->params.hit_cycles;
	unsigned accesses = at.level ? 1 : n;
	at.tlb->stats.lookups += accesses;
	at.tlb->stats.hits += accesses - 1; /* the rest of a run of fetches */
	out->cycle = mmu_answer(at.tlb, at.entry, now);
	out->pa = at.entry->pa | (va & ~at.entry->va_mask);
	mmu_note_look_up(m, WHY_TLB, at.tlb, va, at.entry, begin, out->cycle);
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
	struct access a = m->access[kind];
	unsigned side = mmu_side(kind);
	if (m->shared_count) show_flow(m);
	cycles_t began = now + m->level[side][0]->params.hit_cycles;
	struct levels_place at = find_level(m, side, va, kind, &now);
	if (at.entry) return use_found(m, side, n, va, at, now, a, out), true;
	if (m->ranges && range_tlb_take(m, va, a, n, began, now, out)) return true;
	if (m->prefetch && prefetch_take(m, va, a, n, &now, out)) return true;
	while (!m->walk(m, va, a, now))
		if (!mmu_resolve(m, side, n, &now, out)) return false;
	out->cycle = m->now;
	out->pa = m->made.fill.pa;
	if (walks_tell(m))
		fill_and_tell(m, side, n, a);
	else
		levels_fill(m, side, m->levels[side], n, &m->made.fill);
	return true;
}

bool mmu_resolve(struct mmu *m, unsigned side, unsigned n, cycles_t *now, struct mmu_done *out)
{
	out->cycle = *now = m->now;
	if (!m->resolve || !m->resolve(m->resolve_owner, &m->fault, now))
		return levels_fill(m, side, m->levels[side], n, NULL), false;
	m->stats.restarts++;
	return true;
}

bool mmu_miss_any(struct mmu *m, uint64_t va, enum access_kind kind, unsigned n, cycles_t now,
		  struct mmu_done *out)
{
	size_t span = why_open(m->why,
			       (struct why_span){.begin = now, .kind = WHY_TRANSLATION, .address = va});
	bool done = look_up_or_walk(m, untag(m, va, kind), kind, n, now, out);
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
	m->cache_fill[0].like.tag = m->tag;
	m->cache_fill[1].like.tag = m->ipa_fill.like.tag = m->stage2_tag;
	m->made.like[0] = 0;
	memset(m->memo.tree, 0, sizeof(m->memo.tree));
	mmu_settle(m);
	for (unsigned i = 0; i < 4; i++) m->top[i >> 1][i & 1] = top_of(&m->regime, i >> 1, i & 1);
	for (unsigned kind = 0; kind < 3; kind++) {
		m->access[kind] = (struct access){.kind = (uint8_t)kind, .el = (uint8_t)el, .pan = pan};
		m->perm_want[kind] = (uint16_t)(1u << kind << (el == 0 ? 3 : 0));
		m->perm_mask[kind] = m->perm_want[kind];
		if (pan && el != 0 && kind != ACCESS_FETCH) m->perm_mask[kind] |= PERM_GUARDED;
	}
}
