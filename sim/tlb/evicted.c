/* evicted.c - what a TLB tells of its entries to who counts whose doing its misses are (repl/evictors.h). */
#include "tlb/array.h"

static struct evicted name_of(const struct tlb_entry *e)
{
	return (struct evicted){.address = e->va,
				.tag = e->tag & e->tag_mask,
				.bits = e->bits,
				.level = e->level,
				.s1_bits = e->s1_bits,
				.global = e->tag_mask != TLB_TAG_ALL};
}

/* A line is named by its group, and belongs to whom its pages do. */
static struct evicted name_of_place(const struct tlb *t, const struct tlb_entry *e)
{
	const struct tlb_entry *page = tlb_pages(t, e);
	if (!t->slot_bits) return name_of(e);
	while (!page->bits) page++;
	struct evicted name = name_of(page);
	name.address = e->va;
	name.bits = e->bits;
	return name;
}

void tlb_count_evictors(struct tlb *t)
{
	t->plain = false;
	t->evictors = evictors_new(t->sets, t->ways);
}

void tlb_note_evicted(struct tlb *t, const struct tlb_entry *e)
{
	struct evicted name = name_of_place(t, e);
	evictors_evict(t->evictors, e->set, e->way, &name);
}

void tlb_note_brought(struct tlb *t, const struct tlb_entry *e)
{
	struct evicted name = name_of_place(t, e);
	evictors_bring(t->evictors, e->set, e->way, &name);
}

void tlb_drop_evicted(struct tlb *t, struct tlb_entry *e)
{
	struct evicted name = name_of(e);
	if (t->evictors && !t->slot_bits) evictors_leave(t->evictors, e->set, e->way, &name);
	tlb_drop(t, e);
}

void tlb_ask_evictors(struct tlb *t, const struct tlb_fill *f)
{
	struct tlb_entry e = f->like;
	unsigned bits = tlb_fill_bits(t, f);
	if (!bits) return;
	e.bits = (uint8_t)(bits + t->slot_bits);
	e.va = bits_align_down(f->va, e.bits);
	struct evicted name = name_of(&e);
	evictors_ask(t->evictors, tlb_set_of(t, e.va >> e.bits), &name);
}

static bool match_takes_evicted(const void *match, const struct evicted *what)
{
	const struct tlb_entry e = {.va = what->address,
				    .va_mask = ~bits_ones(what->bits),
				    .tag = what->tag,
				    .tag_mask = what->global ? TLB_TAG_GLOBAL : TLB_TAG_ALL,
				    .bits = what->bits,
				    .s1_bits = what->s1_bits,
				    .level = what->level};
	return tlb_match_takes(match, &e);
}

void tlb_forget_evicted(struct tlb *t, const struct tlb_match *m)
{
	evictors_drop(t->evictors, match_takes_evicted, m);
}
