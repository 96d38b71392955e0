/* lines.c - TLB entries that hold several neighbouring pages: CoLT and sub-blocks.
 *
 * A line stands for an aligned group of pages and is found by the number of the group. Which pages may be on
 * one line is the rule of `coalesce`:
 *   colt               one run of pages whose output addresses continue, with equal attributes
 *   partial_subblock   any pages of the group that lie at their place in one aligned group of frames, equal
 *                      attributes
 *   complete_subblock  any pages of the group that belong to the same tag
 * A page is on one line at most. Neighbours come from the fill: pieces of the same block, and what the walk
 * has seen on the descriptor lines that it read. A fill joins a line of its group where the rule lets it.
 * Source: Pham et al., CoLT: Coalesced Large-Reach TLBs, MICRO 2012 (set-associative form: the index leaves
 * out the bits within the group; an invalidation takes the whole entry); Talluri and Hill, Surpassing the TLB
 * Performance of Superpages with Less Operating System Support, ASPLOS 1994 (sub-blocks, with prefetch of the
 * group).
 * CoLT's fully associative form, whose runs are not bound to aligned groups, is the range TLB's (mmu/range_tlb.h).
 */
#include <assert.h>

#include "tlb/array.h"

static unsigned slots(const struct tlb *t) { return 1u << t->slot_bits; }

static unsigned slot_of(const struct tlb *t, uint64_t va, unsigned unit_bits)
{
	return (unsigned)(va >> unit_bits & bits_ones(t->slot_bits));
}

/* --- which pages may share --------------------------------------------------------------------------------------- */

static bool same_owner(const struct tlb_entry *a, const struct tlb_entry *b)
{
	return a->tag == b->tag && a->tag_mask == b->tag_mask;
}

static bool same_attributes(const struct tlb_entry *a, const struct tlb_entry *b)
{
	return a->perm == b->perm && a->attr == b->attr && a->sh == b->sh && a->device == b->device &&
	       a->s1_bits == b->s1_bits && a->level == b->level;
}

static bool lies_in_place(const struct tlb *t, const struct tlb_entry *e)
{
	return ((e->pa ^ e->va) & bits_ones(e->bits + t->slot_bits)) == 0;
}

/* Whether pages `a` and `b` of one group may be on one line, as far as the two alone can say. */
static bool may_share(const struct tlb *t, const struct tlb_entry *a, const struct tlb_entry *b)
{
	if (!same_owner(a, b)) return false;
	if (t->params.coalesce == TLB_COMPLETE) return true;
	if (!same_attributes(a, b) || a->pa - a->va != b->pa - b->va) return false;
	return t->params.coalesce == TLB_COLT || lies_in_place(t, a);
}

static bool is_run(unsigned slots_mask)
{
	unsigned from_first = slots_mask >> __builtin_ctz(slots_mask);
	return (from_first & (from_first + 1)) == 0;
}

/* The part of `mask` that is one run with slot `own` in it. */
static unsigned run_around(unsigned mask, unsigned own)
{
	unsigned run = 1u << own;
	for (unsigned s = own + 1; mask >> s & 1; s++) run |= 1u << s;
	for (unsigned s = own; s-- > 0 && (mask >> s & 1);) run |= 1u << s;
	return run;
}

/* --- what a fill brings ------------------------------------------------------------------------------------------ */

struct group {
	uint64_t va;
	unsigned unit_bits, own;              /* size of a page; slot of the one asked for */
	unsigned mask;                        /* slots that shall be filled */
	struct tlb_entry page[TLB_PAGES_MAX]; /* by slot; valid under the mask */
};

/* The page at `va`, from the translation itself or a neighbour that is at least as large. */
static bool page_at(const struct tlb_fill *f, unsigned bits, unsigned unit_bits, uint64_t va,
		    struct tlb_entry *out)
{
	if ((va ^ f->va) >> bits == 0) {
		*out = f->like;
		out->pa = bits_align_down(f->pa, bits) | (va & bits_ones(bits));
		return true;
	}
	for (unsigned i = 0; i < f->near_count; i++) {
		const struct tlb_entry *n = &f->near[i];
		if (n->bits < unit_bits || ((va ^ n->va) & n->va_mask)) continue;
		*out = *n;
		out->pa = n->pa | (va & ~n->va_mask);
		return true;
	}
	return false;
}

static void gather_page(struct group *g, const struct tlb_fill *f, unsigned bits, unsigned slot)
{
	struct tlb_entry *page = &g->page[slot];
	uint64_t va = g->va + ((uint64_t)slot << g->unit_bits);
	if (!page_at(f, bits, g->unit_bits, va, page)) return;
	page->va = va;
	page->pa = bits_align_down(page->pa, g->unit_bits);
	page->va_mask = ~bits_ones(g->unit_bits);
	page->bits = (uint8_t)g->unit_bits;
	if (page->ready < f->like.ready) page->ready = f->like.ready;
	g->mask |= 1u << slot;
}

/* The pages of the group that are known and may stand beside the one asked for. */
static void gather(const struct tlb *t, const struct tlb_fill *f, unsigned unit_bits, struct group *g)
{
	unsigned bits = t->params.contiguous ? f->run_bits : f->bits;
	g->unit_bits = unit_bits;
	g->va = bits_align_down(f->va, unit_bits + t->slot_bits);
	g->own = slot_of(t, f->va, unit_bits);
	g->mask = 0;
	for (unsigned s = 0; s < slots(t); s++) gather_page(g, f, bits, s);
	for (unsigned left = g->mask; left; left &= left - 1) {
		unsigned s = (unsigned)__builtin_ctz(left);
		if (s != g->own && !may_share(t, &g->page[g->own], &g->page[s])) g->mask &= ~(1u << s);
	}
}

/* --- lines of a group -------------------------------------------------------------------------------------------- */

static unsigned valid_slots(const struct tlb *t, const struct tlb_entry *line)
{
	const struct tlb_entry *page = tlb_pages(t, line);
	unsigned mask = 0;
	for (unsigned s = 0; s < slots(t); s++) mask |= (unsigned)(page[s].bits != 0) << s;
	return mask;
}

/* The next line of the group in its set, from way *way on; NULL after the last. */
static struct tlb_entry *next_line(const struct tlb *t, const struct group *g, unsigned *way)
{
	unsigned bits = g->unit_bits + t->slot_bits;
	uint64_t number = g->va >> bits;
	unsigned set = tlb_set_of(t, number);
	const uint16_t *sig = &t->sig[(size_t)set * t->sig_stride], wanted = tlb_signature(number, bits);
	struct tlb_entry *row = &t->entry[(size_t)set * t->ways];
	while (*way < t->ways) {
		unsigned w = (*way)++;
		if (sig[w] == wanted && row[w].va == g->va && row[w].bits == bits) return &row[w];
	}
	return NULL;
}

/* Leaves out neighbours that stand on other lines; the page asked for leaves its old place. */
static void leave_out_held(struct tlb *t, struct group *g)
{
	unsigned way = 0;
	for (struct tlb_entry *line; (line = next_line(t, g, &way));) {
		struct tlb_entry *page = tlb_pages(t, line);
		for (unsigned s = 0; s < slots(t); s++) {
			if (!(g->mask >> s & 1) || !tlb_matches(&page[s], g->page[s].va, g->page[s].tag))
				continue;
			if (s == g->own)
				lines_drop(t, &page[s]);
			else
				g->mask &= ~(1u << s);
		}
	}
}

/* A line that the fill may join. */
static struct tlb_entry *line_to_join(struct tlb *t, const struct group *g)
{
	unsigned way = 0;
	for (struct tlb_entry *line; (line = next_line(t, g, &way));) {
		unsigned held = valid_slots(t, line);
		if ((held >> g->own & 1) ||
		    !may_share(t, &tlb_pages(t, line)[__builtin_ctz(held)], &g->page[g->own]))
			continue;
		if (t->params.coalesce != TLB_COLT || is_run(held | g->mask)) return line;
	}
	return NULL;
}

static struct tlb_entry *new_line(struct tlb *t, const struct group *g)
{
	unsigned bits = g->unit_bits + t->slot_bits;
	struct tlb_entry *line = tlb_choose(t, tlb_set_of(t, g->va >> bits));
	line->va = g->va;
	line->va_mask = ~bits_ones(bits);
	line->bits = (uint8_t)bits; /* its tag stays that of an invalid entry: only its pages match */
	tlb_add(t, line);
	return line;
}

static void put_pages(struct tlb *t, struct tlb_entry *line, const struct group *g)
{
	struct tlb_entry *page = tlb_pages(t, line);
	unsigned new = g->mask & ~valid_slots(t, line);
	for (unsigned left = new; left; left &= left - 1) {
		unsigned s = (unsigned)__builtin_ctz(left);
		page[s] = g->page[s];
		page[s].set = line->set;
		page[s].way = line->way;
	}
	t->stats.neighbours += (unsigned)__builtin_popcount(new) - 1;
}

/* --- as in tlb.h ------------------------------------------------------------------------------------------------- */

struct tlb_entry *lines_fill(struct tlb *t, const struct tlb_fill *f, unsigned unit_bits)
{
	struct group g;
	gather(t, f, unit_bits, &g);
	leave_out_held(t, &g);
	if (t->params.coalesce == TLB_COLT) g.mask = run_around(g.mask, g.own);
	struct tlb_entry *line = line_to_join(t, &g);
	if (line) {
		t->stats.joins++;
		tlb_touch(t, line);
	} else {
		line = new_line(t, &g);
		tlb_note_fill(t, line, f->va >> line->bits);
	}
	bool joined = valid_slots(t, line) != 0;
	put_pages(t, line, &g);
	if (t->evictors && !joined) tlb_note_brought(t, line);
	struct tlb_entry *own = &tlb_pages(t, line)[g.own];
	tlb_predict(t, f->va, own);
	return own;
}

/* CoLT has one valid bit pattern per run: a page cannot leave from its middle, and takes the line with it. */
void lines_drop(struct tlb *t, struct tlb_entry *e)
{
	struct tlb_entry *line = tlb_line_of(t, e), *page = tlb_pages(t, line);
	bool whole = e == line || t->params.coalesce == TLB_COLT;
	for (unsigned s = 0; s < slots(t); s++)
		if (whole || &page[s] == e) tlb_make_invalid(&page[s]);
	if (!valid_slots(t, line)) tlb_remove(t, line);
}

unsigned tlb_near(const struct tlb *t, const struct tlb_entry *e, struct tlb_entry *near)
{
	unsigned count = 0;
	if (!t->slot_bits) return 0;
	const struct tlb_entry *page = tlb_pages(t, tlb_line_of(t, e));
	for (unsigned s = 0; s < slots(t); s++)
		if (page[s].bits && &page[s] != e) near[count++] = page[s];
	return count;
}

static void check_page(const struct tlb *t, const struct tlb_entry *line, const struct tlb_entry *first,
		       const struct tlb_entry *page, unsigned slot)
{
	unsigned unit = line->bits - t->slot_bits;
	assert(page->set == line->set && page->way == line->way && page->bits == unit);
	assert(page->va == line->va + ((uint64_t)slot << unit) && page->va_mask == ~bits_ones(unit));
	assert(!(page->pa & bits_ones(unit)) && (page == first || may_share(t, first, page)));
}

void lines_check(const struct tlb *t, const struct tlb_entry *line)
{
	const struct tlb_entry *page = tlb_pages(t, line);
	unsigned held = valid_slots(t, line);
	if (!line->bits) {
		assert(!held);
		return;
	}
	assert(held && (t->params.coalesce != TLB_COLT || is_run(held)));
	for (unsigned s = 0; s < slots(t); s++)
		if (held >> s & 1) check_page(t, line, &page[__builtin_ctz(held)], &page[s], s);
}
