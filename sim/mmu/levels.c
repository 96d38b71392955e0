#include "mmu/levels.h"

#include <inttypes.h>

#include "base/bits.h"

/* --- victims ----------------------------------------------------------------------------------------------------- */

struct tlb_fill levels_fill_of(const struct tlb_entry *e, uint64_t va)
{
	uint8_t stages = e->s1_bits < e->s2_bits ? e->s1_bits : e->s2_bits;
	return (struct tlb_fill){.va = va,
				 .pa = e->pa | (va & ~e->va_mask),
				 .bits = e->bits < stages ? e->bits : stages,
				 .run_bits = e->bits,
				 .like = *e};
}

static bool is_exclusive(const struct tlb *t) { return t->params.inclusion == TLB_EXCLUSIVE; }

static struct tlb *home_of_several(struct tlb *const *array, const struct tlb_fill *f)
{
	struct tlb *best = array[0];
	for (unsigned k = 1; array[k]; k++)
		if (tlb_fill_bits(array[k], f) > tlb_fill_bits(best, f)) best = array[k];
	return best;
}

/* The TLB of a level that holds the largest piece of a translation; it has the first word where none holds
 * any. */
static inline struct tlb *home(const struct mmu *m, unsigned side, unsigned l, const struct tlb_fill *f)
{
	struct tlb *const *array = m->array[side][l];
	return array[1] && f ? home_of_several(array, f) : array[0];
}

struct taken {
	const struct tlb *from;
	uint64_t dropped;
};

/* An entry goes that shows any part of a victim. */
static void drop_if_taken(void *ctx, struct tlb *t, struct tlb_entry *e)
{
	struct taken *taken = ctx;
	const struct tlb_victims *victims = taken->from->victims;
	for (unsigned i = 0; i < victims->count; i++) {
		const struct tlb_entry *v = &victims->page[i];
		if (e->tag != v->tag || e->tag_mask != v->tag_mask) continue;
		if ((e->va ^ v->va) & e->va_mask & v->va_mask) continue;
		if (t->evictors) evictors_act_as(t->evictors, taken->from->evictors);
		tlb_drop_evicted(t, e);
		taken->dropped++;
		return;
	}
}

static bool serves(const struct mmu *m, unsigned side, unsigned l, const struct tlb *t)
{
	struct tlb *const *array = m->array[side][l];
	for (unsigned k = 0; array[k]; k++)
		if (array[k] == t) return true;
	return false;
}

/* What inclusive TLB `t` of level `l` evicted goes from the levels of `m` above it, on all sides that it serves. */
static void drop_above_in(struct mmu *m, unsigned l, struct tlb *t)
{
	struct taken taken = {.from = t};
	for (unsigned side = 0; side < MMU_SIDES; side++) {
		if (l >= m->levels[side] || !serves(m, side, l, t)) continue;
		for (unsigned above = 0; above < l; above++)
			for (struct tlb *const *a = m->array[side][above]; *a; a++)
				tlb_each(*a, drop_if_taken, &taken);
	}
	t->stats.dropped_above += taken.dropped;
}

/* The same in every core that looks in `t`. */
static void drop_above(struct mmu *m, unsigned l, struct tlb *t)
{
	const struct shared_tlb *s = NULL;
	for (unsigned i = 0; i < m->shared_count; i++)
		if (m->shared[i]->tlb == t) s = m->shared[i];
	if (!s) drop_above_in(m, l, t);
	for (unsigned i = 0; s && i < s->users; i++) drop_above_in(s->user[i], l, t);
}

static void fill_tlb(struct mmu *m, unsigned side, unsigned l, struct tlb *t, const struct tlb_fill *f);

/* An exclusive level takes over what the one above it evicted. Where it has no lines, page by page. */
static void take_over(struct mmu *m, unsigned side, unsigned l, const struct tlb_victims *v)
{
	for (unsigned i = 0; i < v->count; i++) {
		struct tlb_fill f = levels_fill_of(&v->page[i], v->page[i].va);
		struct tlb *t = home(m, side, l, &f);
		bool lines = t->slot_bits;
		f.near = v->page + 1;
		f.near_count = lines ? v->count - 1 : 0;
		fill_tlb(m, side, l, t, &f);
		if (lines) return;
	}
}

/* Fills `t`, the home of the translation in its level. */
static void fill_tlb(struct mmu *m, unsigned side, unsigned l, struct tlb *t, const struct tlb_fill *f)
{
	if (t->evictors) evictors_act(t->evictors, m->port->cpu->agent);
	tlb_fill(t, f);
	if (!t->victims || !t->victims->count) return;
	if (t->params.inclusion == TLB_INCLUSIVE) drop_above(m, l, t);
	if (l + 1 < m->levels[side] && is_exclusive(m->level[side][l + 1]))
		take_over(m, side, l + 1, t->victims);
}

/* --- whose doing misses are ---------------------------------------------------------------------------------------- */

static void ask_evictors(const struct mmu *m, struct tlb *t, const struct tlb_fill *f)
{
	evictors_act(t->evictors, m->port->cpu->agent);
	tlb_ask_evictors(t, f);
}

/* --- fills ------------------------------------------------------------------------------------------------------- */

/* One level of levels_fill(). */
static void fill_level(struct mmu *m, unsigned side, unsigned l, unsigned more, const struct tlb_fill *f)
{
	struct tlb *t = home(m, side, l, f);
	levels_count_miss(t, more);
	if (!f) return;
	if (t->evictors) ask_evictors(m, t, f);
	if (!l || !is_exclusive(t)) fill_tlb(m, side, l, t, f);
}

void levels_fill(struct mmu *m, unsigned side, unsigned levels, unsigned n, const struct tlb_fill *f)
{
	for (unsigned l = levels; l-- > 0;) fill_level(m, side, l, l ? 0 : n - 1, f);
}

/* --- building ---------------------------------------------------------------------------------------------------- */

static enum status place_tlb(struct mmu *m, struct tlb *t, unsigned side, struct err *err)
{
	unsigned l = m->levels[side], k = 0;
	if (l && m->level[side][l - 1]->params.level == t->params.level) {
		struct tlb **array = m->array[side][l - 1];
		for (; array[k]; k++)
			if (array[k]->sizes_held & t->sizes_held)
				return err_set(err, ERR_CONFIG,
					       "tlbs.%s: holds pages of a size that %s of level %" PRIu64
					       " holds",
					       t->params.name, array[k]->params.name, t->params.level);
		if (k == MMU_ARRAYS_MAX)
			return err_set(err, ERR_CONFIG, "tlbs.%s: more than %d TLBs of level %" PRIu64,
				       t->params.name, MMU_ARRAYS_MAX, t->params.level);
		array[k] = t;
		return OK;
	}
	m->level[side][l] = m->array[side][l][0] = t;
	m->levels[side]++;
	return OK;
}

/* Its own TLB, or the one that it shares. */
static enum status get_tlb(struct mmu *m, const struct mmu_parts *p, const struct tlb_params *row,
			   struct tlb **out, struct err *err)
{
	if (p->pool && row->shared) {
		struct shared_tlb **s = &m->shared[m->shared_count];
		TRY(tlb_pool_get(p->pool, row, p->cpu, m, s, err));
		m->shared_count++;
		*out = (*s)->tlb;
		return OK;
	}
	TRY(tlb_new(row, out, err));
	m->owned[m->owned_count++] = *out;
	return OK;
}

static enum status build_level(struct mmu *m, const struct mmu_parts *p, uint64_t level, struct err *err)
{
	for (size_t i = 0; i < p->tlbs->count; i++) {
		const struct tlb_params *row = (const struct tlb_params *)p->tlbs->items + i;
		struct tlb *t = NULL;
		if (row->level != level) continue;
		TRY(get_tlb(m, p, row, &t, err));
		if (row->side != SIDE_DATA) TRY(place_tlb(m, t, 0, err));
		if (row->side != SIDE_INSTRUCTION) TRY(place_tlb(m, t, 1, err));
	}
	return OK;
}

/* Who must remember what it evicts: inclusive TLBs, those above exclusive ones, and the last where a
 * prefetcher is told. */
static void keep_victims(struct mmu *m)
{
	for (unsigned side = 0; side < MMU_SIDES; side++) {
		for (unsigned l = 0; l < m->levels[side]; l++) {
			bool below = l + 1 < m->levels[side] && is_exclusive(m->level[side][l + 1]);
			bool told = m->prefetch && l + 1 == m->levels[side];
			for (struct tlb **a = m->array[side][l]; *a; a++)
				if (told || below || (*a)->params.inclusion == TLB_INCLUSIVE)
					tlb_keep_victims(*a);
		}
	}
}

static bool is_one_each(const struct mmu *m)
{
	for (unsigned side = 0; side < MMU_SIDES; side++)
		for (unsigned l = 0; l < m->levels[side]; l++)
			if (m->array[side][l][1] || m->level[side][l]->ports) return false;
	return true;
}

enum status levels_build(struct mmu *m, const struct mmu_parts *p, struct err *err)
{
	if (p->tlbs->count > MMU_TLBS_MAX)
		return err_set(err, ERR_CONFIG, "tlbs: %zu are more than %d", p->tlbs->count, MMU_TLBS_MAX);
	for (uint64_t level = 1; level <= MMU_LEVELS_MAX; level++) TRY(build_level(m, p, level, err));
	if (!m->levels[0] || !m->levels[1])
		return err_set(err, ERR_CONFIG, "tlbs: no TLB for %s",
			       m->levels[0] ? "data" : "instructions");
	keep_victims(m);
	for (unsigned side = 0; side < MMU_SIDES; side++) tlb_expect_hits(m->level[side][0]);
	m->first[ACCESS_FETCH] = m->level[0][0];
	m->first[ACCESS_READ] = m->first[ACCESS_WRITE] = m->level[1][0];
	m->one_each = is_one_each(m);
	for (unsigned i = 0; i < m->owned_count; i++) m->wants_neighbours |= m->owned[i]->slot_bits != 0;
	for (unsigned i = 0; i < m->shared_count; i++)
		m->wants_neighbours |= m->shared[i]->tlb->slot_bits != 0;
	return OK;
}
