/* hints.c - user pages that are unmapped for a while, to see who touches them (os.h, NUMA balancing). */
#include "os/kernel.h"

struct scanning {
	struct os *os;
	struct pgtable *tree;
	struct os_scan *scan;
};

static bool is_leaf(const struct pgtable_slot *slot)
{
	return (slot->desc & DESC_VALID) && (slot->level == LAST_LEVEL || !(slot->desc & DESC_TABLE));
}

static void hint(struct scanning *s, uint64_t addr, struct pgtable_slot *slot, unsigned bits)
{
	struct os_scan *scan = s->scan;
	slot->desc = pgtable_hint(slot->desc);
	pgtable_set(s->tree, slot, slot->desc);
	s->tree->hinted++;
	scan->bytes -= INT64_C(1) << bits;
	if (scan->first == scan->end) scan->first = addr;
	scan->end = addr + (UINT64_C(1) << bits);
}

/* Scans end where a huge page could begin. */
static enum pgtable_result see(void *ctx, uint64_t addr, struct pgtable_slot *slot)
{
	struct scanning *s = ctx;
	struct os_scan *scan = s->scan;
	unsigned bits = level_entry_bits(s->tree->granule_bits, slot->level);
	if (slot->level == OS_HUGE_LEVEL && (scan->bytes <= 0 || scan->look <= 0)) {
		scan->at = addr;
		return PGTABLE_ENOUGH;
	}
	if (!is_leaf(slot)) return PGTABLE_OK;
	scan->look -= INT64_C(1) << bits;
	if (scan->wanted(scan->ctx, slot->at, pgtable_output(s->tree, slot), bits)) hint(s, addr, slot, bits);
	return PGTABLE_OK;
}

/* Ranges say nothing of what is not mapped. */
static void note_scan(const struct scanning *s)
{
	unsigned bits = os_huge_bits(&s->os->p);
	uint64_t from = bits_align_down(s->scan->first, bits);
	uint64_t end = bits_align_down(s->scan->end + bits_ones(bits), bits);
	if (s->tree->ranges && end > from) ranges_update(s->tree->ranges, s->tree, from, end - from);
}

void os_hint(struct os *os, struct os_aspace *as, struct os_scan *scan)
{
	struct scanning s = {os, &as->user, scan};
	uint64_t from = scan->at, space = UINT64_C(1) << os->p.va_bits;
	scan->first = scan->end = scan->at = 0;
	if (os->p.shared_frame || from >= space) return;
	pgtable_visit(&as->user, from, space - from, see, &s);
	note_scan(&s);
}

void os_on_hint(struct os *os, const struct pgtable_hinting *h)
{
	os->kernel.hinting = *h; /* the pattern of trees to come; its own leaves are never hinted */
	for (struct os_aspace *as = os->aspaces; as; as = as->next) as->user.hinting = *h;
}
