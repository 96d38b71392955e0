#include "mmu/prefetch.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "mmu/levels.h"
#include "mmu/neighbours.h"

#define F struct prefetch_stats
const struct stat_desc prefetch_stat_rows[] = {
	STAT(F, misses, "count", "misses of the last TLB level that the prefetcher was told of"),
	STAT(F, proposed, "pages", "pages that the prefetcher asked for"),
	STAT(F, held, "pages", "of them, in the last TLB level or the buffer already"),
	STAT(F, no_walker, "pages", "of them, dropped because no walker was free"),
	STAT(F, refused, "pages", "of them, whose walk ended in a fault or would have written to memory"),
	STAT(F, walked, "pages", "of them, walked for and put into the buffer"),
	STAT(F, neighbours, "pages", "pages put into the buffer from descriptor lines that a walk had read"),
	STAT(F, filled, "pages", "pages put into the buffer: walked + neighbours"),
	STAT(F, used, "pages", "pages of the buffer that an access then asked for"),
	STAT(F, late, "pages", "of them, whose walk was still going on"),
	STAT(F, late_cycles, "cycles", "cycles that accesses waited for those"),
	STAT(F, unused, "pages", "pages that the buffer replaced before they were used"),
	STAT(F, early, "count",
	     "walks for pages that the buffer had replaced a short while before, and had not got again"),
};
#undef F
const size_t prefetch_stat_row_count = sizeof(prefetch_stat_rows) / sizeof(prefetch_stat_rows[0]);

/* --- building ---------------------------------------------------------------------------------------------------- */

enum status prefetch_new(const struct prefetch_params *params, struct mmu_prefetch **out, struct err *err)
{
	struct tlb_params buffer = {.name = "prefetch_buffer",
				    .level = 1,
				    .side = SIDE_UNIFIED,
				    .entries = params->buffer_entries,
				    .ways = params->buffer_entries,
				    .pages = UINT64_MAX,
				    .policy = REPL_fifo};
	*out = NULL;
	if (!params->kind) return OK;
	struct mmu_prefetch *p = xcalloc(1, sizeof(*p));
	p->how = prefetchers[params->kind];
	p->params = *params;
	p->neighbours = params->neighbours ? (enum prefetch_neighbours)(params->neighbours - 1)
					   : p->how->neighbours;
	p->distance = xcalloc(params->buffer_entries, sizeof(*p->distance));
	if (p->how->state_bytes) p->state = xcalloc(1, p->how->state_bytes(params));
	enum status st = tlb_new(&buffer, &p->buffer, err);
	if (st != OK) {
		prefetch_free(p);
		return st;
	}
	p->buffer->sizes_held = UINT64_MAX;
	tlb_keep_victims(p->buffer);
	*out = p;
	return OK;
}

void prefetch_free(struct mmu_prefetch *p)
{
	if (!p) return;
	tlb_free(p->buffer);
	free(p->state);
	free(p->distance);
	free(p);
}

/* --- the buffer -------------------------------------------------------------------------------------------------- */

static void note_lost(struct mmu_prefetch *p, const struct tlb_entry *e)
{
	p->stats.unused++;
	p->lost[p->lost_next] = e->va | 1; /* 0: none */
	p->lost_next = (p->lost_next + 1) % PREFETCH_LOST;
}

/* Whether the page was lost before it was used, and has not come back since; that is forgotten now. */
static bool take_lost(struct mmu_prefetch *p, uint64_t va, unsigned bits)
{
	bool was_lost = false;
	for (unsigned i = 0; i < PREFETCH_LOST; i++) {
		if (!p->lost[i] || (p->lost[i] ^ va) >> bits) continue;
		p->lost[i] = 0;
		was_lost = true;
	}
	return was_lost;
}

static bool is_held(const struct mmu *m, unsigned side, uint64_t va)
{
	for (struct tlb *const *a = m->array[side][m->levels[side] - 1]; *a; a++)
		if (tlb_peek(*a, va, m->tag)) return true;
	return tlb_peek(m->prefetch->buffer, va, m->tag);
}

static void put(struct mmu_prefetch *p, const struct tlb_fill *f, int distance)
{
	const struct tlb_entry *e = tlb_fill(p->buffer, f);
	p->distance[e - p->buffer->entry] = (int8_t)distance;
	take_lost(p, e->va, e->bits);
	if (p->buffer->victims->count) note_lost(p, p->buffer->victims->page);
	p->stats.filled++;
}

static bool is_wanted(struct mmu_prefetch *p, const struct tlb_entry *e, int distance)
{
	if (p->neighbours != NEIGHBOURS_SAMPLED) return p->neighbours == NEIGHBOURS_ALL;
	return free_pages_choose(&p->free, e->va, e->bits, distance);
}

void prefetch_take_neighbours(struct mmu *m, unsigned side, uint64_t va, const struct tlb_entry *near,
			      unsigned count)
{
	struct mmu_prefetch *p = m->prefetch;
	for (unsigned i = 0; p->neighbours && i < count; i++) {
		int distance = (int)((int64_t)((near[i].va >> near[i].bits) - (va >> near[i].bits)));
		if (is_held(m, side, near[i].va) || !is_wanted(p, &near[i], distance)) continue;
		struct tlb_fill f = levels_fill_of(&near[i], near[i].va);
		put(p, &f, distance);
		p->stats.neighbours++;
	}
}

/* The buffer's entry for an access that it allows, removed from it, and what it was put there for. */
static bool remove_from_buffer(struct mmu *m, uint64_t va, struct access a, struct tlb_entry *out,
			       int *distance)
{
	struct tlb *b = m->prefetch->buffer;
	struct tlb_entry *e = tlb_find(b, va, m->tag);
	b->stats.lookups++;
	if (!e) return b->stats.misses++, false;
	*distance = m->prefetch->distance[e - b->entry];
	*out = *e;
	tlb_drop(b, e);
	if ((out->perm & m->perm_mask[a.kind]) == m->perm_want[a.kind]) return true;
	b->stats.permission_misses++;
	b->stats.misses++;
	return false;
}

/* For who asks where the cycles go: what the buffer said. */
static void note_buffer(const struct mmu *m, uint64_t va, const char *outcome, cycles_t begin, cycles_t end)
{
	why_leaf(m->why, (struct why_span){begin, end, .name = m->prefetch->buffer->params.name,
					   .outcome = outcome, .kind = WHY_TLB, .address = va});
}

bool prefetch_take(struct mmu *m, uint64_t va, struct access a, unsigned n, cycles_t *now,
		   struct mmu_done *out)
{
	struct mmu_prefetch *p = m->prefetch;
	unsigned side = a.kind == ACCESS_FETCH ? 0 : 1;
	struct tlb_entry e;
	int distance;
	cycles_t begin = *now;
	*now += p->params.hit_cycles;
	if (!remove_from_buffer(m, va, a, &e, &distance)) {
		note_buffer(m, va, "miss", begin, *now);
		if (p->neighbours == NEIGHBOURS_SAMPLED) free_pages_missed(&p->free, va);
		return false;
	}
	if (distance && p->neighbours == NEIGHBOURS_SAMPLED) free_pages_used(&p->free, distance);
	bool late = e.ready > *now;
	out->cycle = late ? e.ready : *now;
	note_buffer(m, va, late ? "is being walked, waits" : "hit", begin, out->cycle);
	out->pa = e.pa | (va & ~e.va_mask);
	p->stats.used++;
	p->stats.late += late;
	p->stats.late_cycles += out->cycle - *now;
	++*(late ? &p->buffer->stats.merged : &p->buffer->stats.hits);
	mmu_tell_hit(m, &e, va, a);
	struct tlb_fill f = levels_fill_of(&e, va);
	f.like.ready = out->cycle;
	levels_fill(m, side, m->levels[side], n, &f);
	prefetch_train(m, va, f.bits, a, out->cycle);
	return true;
}

/* --- prefetching ------------------------------------------------------------------------------------------------- */

/* What left the last level for the latest fill, whichever of its TLBs that was in, at its own size; told once, as an exclusive level is
 * not filled by every miss. */
static uint64_t take_evicted_page(const struct mmu *m, unsigned side)
{
	uint64_t page = PREFETCH_NO_PAGE;
	for (struct tlb *const *a = m->array[side][m->levels[side] - 1]; *a; a++) {
		struct tlb_victims *v = (*a)->victims;
		if (v->count) page = v->page[0].va >> v->page[0].bits;
		v->count = 0;
	}
	return page;
}

static void prefetch_page(struct mmu *m, uint64_t va, struct access a, cycles_t at)
{
	struct mmu_prefetch *p = m->prefetch;
	unsigned side = a.kind == ACCESS_FETCH ? 0 : 1;
	struct tlb_entry near[TLB_PAGES_MAX];
	struct tlb_fill f;
	p->stats.proposed++;
	if (is_held(m, side, va)) {
		p->stats.held++;
		return;
	}
	switch (mmu_walk_ahead(m, va, a, at, &f, near)) {
	case MMU_NO_WALKER: p->stats.no_walker++; return;
	case MMU_REFUSED: p->stats.refused++; return;
	case MMU_WALKED: break;
	}
	put(p, &f, 0);
	p->stats.walked++;
	prefetch_take_neighbours(m, side, va, near, f.near_count);
}

void prefetch_train(struct mmu *m, uint64_t va, unsigned bits, struct access a, cycles_t at)
{
	struct mmu_prefetch *p = m->prefetch;
	unsigned side = a.kind == ACCESS_FETCH ? 0 : 1;
	struct prefetch_miss miss = {
		.page = va >> bits, .pc = m->flow ? m->flow->pc : 0, .evicted = take_evicted_page(m, side)};
	struct prefetch_list list = {.count = 0};
	p->stats.misses++;
	p->stats.early += take_lost(p, va, bits);
	p->how->miss(p->state, &p->params, &miss, &list);
	if (a.kind == ACCESS_WRITE) a.kind = ACCESS_READ; /* a page that is clean yet may be read */
	for (unsigned i = 0; i < list.count; i++) prefetch_page(m, list.page[i] << bits, a, at);
}
