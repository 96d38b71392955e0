#include "mmu/range_tlb.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/order.h"
#include "mmu/levels.h"

#define F struct range_tlb_stats
const struct stat_desc range_tlb_stat_rows[] = {
	STAT(F, lookups, "count", "look-ups, of pages that the first TLB level and those behind it lack"),
	STAT(F, hits, "count", "look-ups that found a range"),
	STAT(F, misses, "count", "look-ups that did not"),
	STAT(F, merged, "count", "look-ups that found it being looked up in the range table, and waited"),
	STAT(F, permission_misses, "count",
	     "misses on a range that did not allow the access, which was dropped"),
	STAT(F, table_walks, "count", "look-ups in the range table, behind walks"),
	STAT(F, busy, "count", "walks that brought no range because the range walker was busy"),
	STAT(F, short_ranges, "count", "walks that brought no range because there is none, or a short one"),
	STAT(F, joins, "entries", "entries that became part of a longer one that continued them"),
	STAT(F, reads, "count", "lines read of the range tables"),
	STAT(F, read_cycles, "cycles", "what those reads took; nobody waits for them"),
	STAT(F, fills, "entries", "entries written"),
	STAT(F, filled_pages, "pages", "pages of 4 KiB that they cover, added up"),
	STAT(F, evictions, "entries", "fills that replaced an entry"),
	STAT(F, invalidated, "entries", "entries removed by TLBI"),
};
#undef F
const size_t range_tlb_stat_row_count = sizeof(range_tlb_stat_rows) / sizeof(range_tlb_stat_rows[0]);

enum { PAGE_BITS = 12, NO_STAGE_BITS = 64 };

/* --- life -------------------------------------------------------------------------------------------------------- */

void range_tlb_new(const struct range_tlb_params *p, struct range_tlb **out)
{
	*out = NULL;
	if (!p->entries) return;
	*out = xcalloc(1, sizeof(**out));
	(*out)->params = *p;
	(*out)->entry = xcalloc(p->entries, sizeof(*(*out)->entry));
}

void range_tlb_free(struct range_tlb *r)
{
	if (!r) return;
	free(r->entry);
	free(r);
}

void range_tlb_set_source(struct range_tlb *r, range_find_fn *find, void *owner)
{
	r->find = find;
	r->owner = owner;
}

/* --- look-up ----------------------------------------------------------------------------------------------------- */

static bool holds(const struct range_entry *e, uint64_t va, tlb_tag_t tag)
{
	return e->like.bits && va >= e->first && va <= e->last && !((tag ^ e->like.tag) & e->like.tag_mask);
}

static struct range_entry *find_entry(struct range_tlb *r, uint64_t va, tlb_tag_t tag)
{
	for (uint64_t i = 0; i < r->params.entries; i++)
		if (holds(&r->entry[i], va, tag)) return &r->entry[i];
	return NULL;
}

/* The entry of a TLB for the leaf of the range around `va`. */
static struct tlb_entry leaf_of(const struct range_entry *e, uint64_t va)
{
	struct tlb_entry leaf = e->like;
	leaf.va_mask = ~bits_ones(leaf.bits);
	leaf.va = va & leaf.va_mask;
	leaf.pa = e->like.pa + (leaf.va - e->first);
	return leaf;
}

/* The entry that answers an access, counted. */
static struct range_entry *look_up(struct mmu *m, uint64_t va, struct access a, cycles_t now)
{
	struct range_tlb *r = m->ranges;
	struct range_entry *e = find_entry(r, va, m->tag);
	r->stats.lookups++;
	if (e && (e->like.perm & m->perm_mask[a.kind]) != m->perm_want[a.kind]) {
		r->stats.permission_misses++;
		e->like.bits = 0;
		e = NULL;
	}
	if (!e) return r->stats.misses++, NULL;
	++*(e->like.ready > now ? &r->stats.merged : &r->stats.hits);
	e->used = ++r->clock;
	return e;
}

bool range_tlb_take(struct mmu *m, uint64_t va, struct access a, unsigned n, cycles_t began, cycles_t now,
		    struct mmu_done *out)
{
	unsigned side = a.kind == ACCESS_FETCH ? 0 : 1;
	cycles_t known = cycles_later(now, began + m->ranges->params.hit_cycles);
	const struct range_entry *e = look_up(m, va, a, known);
	if (!e) return false;
	struct tlb_entry leaf = leaf_of(e, va);
	out->cycle = cycles_later(known, leaf.ready);
	out->pa = leaf.pa | (va & ~leaf.va_mask);
	why_leaf(m->why, (struct why_span){now, out->cycle, .name = "range", .outcome = "hit",
					   .kind = WHY_TLB, .address = va});
	mmu_tell_hit(m, &leaf, va, a);
	struct tlb_fill f = levels_fill_of(&leaf, va);
	f.like.ready = out->cycle;
	levels_fill(m, side, m->levels[side], n, &f);
	return true;
}

/* --- fills ------------------------------------------------------------------------------------------------------- */

/* The walk of the range table. */
static cycles_t read_table(struct mmu *m, const struct range_found *found, cycles_t now)
{
	struct range_tlb *r = m->ranges;
	cycles_t begin = now;
	struct why *why = m->port->why;
	unsigned served;
	m->port->why = NULL; /* no part of the access that is explained */
	m->req.kind = ACCESS_READ;
	m->req.cause = CAUSE_S1_WALK;
	for (unsigned i = 0; i < found->reads; i++) {
		m->req.pa = found->read[i];
		now = mem_access(m->port, &m->req, now, m->first_cache, &served);
	}
	m->port->why = why;
	r->stats.table_walks++;
	r->stats.reads += found->reads;
	r->stats.read_cycles += now - begin;
	return r->busy_until = now;
}

static struct range_entry *victim(struct range_tlb *r)
{
	struct range_entry *oldest = &r->entry[0];
	for (uint64_t i = 0; i < r->params.entries; i++) {
		struct range_entry *e = &r->entry[i];
		if (!e->like.bits) return e;
		if (e->used < oldest->used) oldest = e;
	}
	r->stats.evictions++;
	return oldest;
}

/* log2 of the leaves of a range. */
static unsigned leaf_bits(const struct tlb_entry *like)
{
	unsigned s1 = like->s1_bits, s2 = like->s2_bits ? like->s2_bits : NO_STAGE_BITS;
	return s1 < s2 ? s1 : s2;
}

/* Whether the table says of the page what the walk found, and enough of its neighbours. */
static bool worth_an_entry(const struct range_tlb *r, const struct range_found *found,
			   const struct tlb_fill *f)
{
	uint64_t pages = ((found->last - found->first) >> PAGE_BITS) + 1;
	return pages >= r->params.min_pages && found->first_pa + (f->va - found->first) == f->pa &&
	       leaf_bits(&f->like) < NO_STAGE_BITS;
}

static uint64_t pages_of(const struct range_entry *e) { return ((e->last - e->first) >> PAGE_BITS) + 1; }

/* Writes the entry of [first, last]; the page of `f` says how its pages look and where they go. */
static void put(struct mmu *m, struct range_entry *e, const struct tlb_fill *f, uint64_t first, uint64_t last)
{
	struct range_tlb *r = m->ranges;
	*e = (struct range_entry){.first = first, .last = last, .like = f->like, .used = ++r->clock};
	e->like.bits = (uint8_t)leaf_bits(&f->like);
	e->like.va = first;
	e->like.pa = f->pa - (f->va - first);
	r->stats.fills++;
	r->stats.filled_pages += pages_of(e);
}

static void learn_from_table(struct mmu *m, const struct tlb_fill *f, cycles_t now)
{
	struct range_tlb *r = m->ranges;
	struct range_found found;
	if (!r->find || !r->find(r->owner, f->va, &found) || !worth_an_entry(r, &found, f)) {
		r->stats.short_ranges++;
		return;
	}
	if (r->busy_until > now) {
		r->stats.busy++;
		return;
	}
	cycles_t ready = read_table(m, &found, now);
	struct range_entry *e = find_entry(r, f->va, m->tag);
	if (!e) e = victim(r);
	put(m, e, f, found.first, found.last);
	e->like.ready = ready;
}

/* --- runs of pages on the descriptor lines of a walk ------------------------------------------------------------- */

static bool looks_like(const struct tlb_entry *a, const struct tlb_entry *b)
{
	return a->tag_mask == b->tag_mask && !((a->tag ^ b->tag) & a->tag_mask) && a->perm == b->perm &&
	       a->attr == b->attr && a->sh == b->sh && a->device == b->device && a->s1_bits == b->s1_bits &&
	       a->s2_bits == b->s2_bits && a->level == b->level;
}

/* Whether the walk knows that the page at `va` continues the one of `f`. */
static bool continues(const struct tlb_fill *f, uint64_t va)
{
	for (unsigned i = 0; i < f->near_count; i++) {
		const struct tlb_entry *n = &f->near[i];
		if (!((va ^ n->va) & n->va_mask))
			return n->bits == f->bits && looks_like(n, &f->like) &&
			       n->pa - n->va == f->pa - f->va;
	}
	return false;
}

static bool touch(const struct range_entry *e, uint64_t first, uint64_t last)
{
	if (e->first > last) return e->first - last == 1;
	return first <= e->last || first - e->last == 1;
}

static bool is_of_owner(const struct range_entry *e, const struct tlb_entry *like)
{
	return e->like.bits && !((e->like.tag ^ like->tag) & e->like.tag_mask & like->tag_mask);
}

/* Takes out entries that the run [first, last] overlaps or continues. Those that it continues become part of it. */
static void join_neighbours(struct range_tlb *r, const struct tlb_fill *f, uint64_t *first, uint64_t *last)
{
	const uint64_t run_first = *first, run_last = *last;
	for (uint64_t i = 0; i < r->params.entries; i++) {
		struct range_entry *e = &r->entry[i];
		if (!is_of_owner(e, &f->like) || !touch(e, run_first, run_last)) continue;
		bool joins = looks_like(&e->like, &f->like) && e->like.pa - e->first == f->pa - f->va;
		bool overlaps = e->first <= run_last && run_first <= e->last;
		if (!joins && !overlaps) continue;
		e->like.bits = 0;
		r->stats.joins += joins;
		if (joins && e->first < *first) *first = e->first;
		if (joins && e->last > *last) *last = e->last;
	}
}

static void learn_from_lines(struct mmu *m, const struct tlb_fill *walked)
{
	struct range_tlb *r = m->ranges;
	struct tlb_fill f = *walked;
	const uint64_t size = UINT64_C(1) << f.bits;
	f.va = bits_align_down(f.va, f.bits);
	f.pa = bits_align_down(f.pa, f.bits);
	uint64_t first = f.va, last = f.va + (size - 1);
	while (continues(&f, first - size)) first -= size;
	while (continues(&f, last + 1)) last += size;
	if (last - first < size) {
		r->stats.short_ranges++;
		return;
	}
	join_neighbours(r, &f, &first, &last);
	put(m, victim(r), &f, first, last);
}

void range_tlb_learn(struct mmu *m, const struct tlb_fill *f, cycles_t now)
{
	if (m->ranges->params.source == RANGE_COLT_FA)
		learn_from_lines(m, f);
	else
		learn_from_table(m, f, now);
}

/* --- invalidation ------------------------------------------------------------------------------------------------ */

/* A stage 1 block that the range has only a piece of goes with all of its pieces, as from TLBs. */
static bool is_taken(const struct tlb_match *match, const struct range_entry *e)
{
	uint64_t block = e->like.s1_bits < NO_STAGE_BITS ? bits_ones(e->like.s1_bits) : 0;
	struct tlb_match rest = *match;
	rest.by_address = false;
	if (match->by_address && (match->first > (e->last | block) || match->last < (e->first & ~block)))
		return false;
	return tlb_match_takes(&rest, &e->like);
}

unsigned range_tlb_invalidate(struct range_tlb *r, const struct tlb_match *match)
{
	unsigned taken = 0;
	for (uint64_t i = 0; i < r->params.entries; i++) {
		struct range_entry *e = &r->entry[i];
		if (!e->like.bits || !is_taken(match, e)) continue;
		e->like.bits = 0;
		taken++;
	}
	r->stats.invalidated += taken;
	return taken;
}
