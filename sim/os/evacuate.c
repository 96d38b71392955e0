/* evacuate.c - memory that is to be taken from a kernel: what is there moves elsewhere (os.h). */
#include "os/kernel.h"

static bool is_leaf(const struct pgtable_slot *slot)
{
	return slot->level == LAST_LEVEL || !(slot->desc & DESC_TABLE);
}

/* --- what cannot move ------------------------------------------------------------------------- */

struct search {
	const struct pgtable *t;
	uint64_t from, end;
	bool leaves; /* they cannot, either */
	bool found;
};

static bool is_in(const struct search *s, uint64_t addr) { return addr >= s->from && addr < s->end; }

static enum pgtable_result look(void *ctx, uint64_t addr, struct pgtable_slot *slot)
{
	struct search *s = ctx;
	(void)addr;
	if (!(slot->desc & DESC_VALID) || (is_leaf(slot) && !s->leaves)) return PGTABLE_OK;
	uint64_t at = is_leaf(slot) ? pgtable_output(s->t, slot)
				    : desc_address(slot->desc, s->t->layout, s->t->granule_bits);
	s->found |= is_in(s, at);
	return s->found ? PGTABLE_ENOUGH : PGTABLE_OK;
}

static bool holds(const struct os *os, const struct pgtable *t, uint64_t from, uint64_t end, bool leaves)
{
	struct search s = {t, from, end, leaves, t->root >= from && t->root < end};
	if (!s.found) pgtable_visit(t, 0, UINT64_C(1) << os->p.va_bits, look, &s);
	return s.found;
}

bool os_is_movable(const struct os *os, uint64_t from, uint64_t end)
{
	if (os->shared_frame || os->kernel.replicas || holds(os, &os->kernel, from, end, true)) return false;
	for (const struct os_aspace *as = os->aspaces; as; as = as->next)
		if (holds(os, &as->user, from, end, false)) return false;
	return true;
}

/* --- moving ----------------------------------------------------------------------------------- */

struct moving {
	struct os *os;
	struct os_aspace *as;
	struct os_evacuation *e;
};

static void note(struct pgtable *t, uint64_t addr, unsigned bits)
{
	if (t->ranges) ranges_update(t->ranges, t, bits_align_down(addr, bits), UINT64_C(1) << bits);
}

static bool take(struct pgtable *t, unsigned bits, uint64_t *frame)
{
	return bits == t->granule_bits ? frames_take_page(t->frames, frame)
				       : frames_take_block(t->frames, bits, frame);
}

static enum pgtable_result move(void *ctx, uint64_t addr, struct pgtable_slot *slot)
{
	struct moving *m = ctx;
	struct pgtable *t = &m->as->user;
	unsigned bits = level_entry_bits(t->granule_bits, slot->level);
	uint64_t desc = slot->desc, to;
	if (!(desc & DESC_VALID) || !is_leaf(slot)) return PGTABLE_OK;
	uint64_t from = pgtable_output(t, slot);
	if (from + (UINT64_C(1) << bits) <= m->e->from || from >= m->e->end) return PGTABLE_OK;
	if ((desc & DESC_CONTIGUOUS) || !take(t, bits, &to)) {
		m->e->left++;
		return PGTABLE_OK;
	}
	pgtable_set(t, slot, 0);
	m->e->moving(m->e->ctx, m->as, (struct va){addr}, from, to, bits);
	slot->desc = (desc & ~desc_put_address(from, t->layout)) | desc_put_address(to, t->layout);
	pgtable_set(t, slot, slot->desc);
	note(t, addr, bits);
	frames_give(t->frames, from, bits);
	m->e->moved += UINT64_C(1) << (bits - t->granule_bits);
	return PGTABLE_OK;
}

void os_evacuate(struct os *os, struct os_evacuation *e)
{
	uint64_t space = UINT64_C(1) << os->p.va_bits;
	e->moved = e->left = 0;
	for (struct os_aspace *as = os->aspaces; as; as = as->next) {
		struct moving m = {os, as, e};
		pgtable_restore(&as->user, 0, space);
		pgtable_visit(&as->user, 0, space, move, &m);
	}
}
