/* lpi_set.c - see lpi_set.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "gic/lpi_set.h"

void lpi_set_init(struct lpi_set *s) { *s = (struct lpi_set){.reading = 1}; }

void lpi_set_free(struct lpi_set *s)
{
	free(s->entry);
	free(s->heap);
	lpi_set_init(s);
}

size_t lpi_set_bytes(const struct lpi_set *s)
{
	return s->capacity * sizeof(*s->entry) + s->heap_capacity * sizeof(*s->heap);
}

/* --- finding ------------------------------------------------------------------------------------------------- */

/* Where the entry of an INTID is, or belongs. */
static struct lpi_entry *find_slot(const struct lpi_set *s, uint32_t intid)
{
	uint32_t i = (uint32_t)((intid * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (s->capacity - 1);
	while (s->entry[i].used && s->entry[i].intid != intid) i = (i + 1) & (s->capacity - 1);
	return &s->entry[i];
}

struct lpi_entry *lpi_set_find(const struct lpi_set *s, uint32_t intid)
{
	if (!s->capacity) return NULL;
	struct lpi_entry *e = find_slot(s, intid);
	return e->used ? e : NULL;
}

struct lpi_entry *lpi_set_next(const struct lpi_set *s, const struct lpi_entry *e)
{
	for (uint32_t i = e ? (uint32_t)(e - s->entry) + 1 : 0; i < s->capacity; i++)
		if (s->entry[i].used) return &s->entry[i];
	return NULL;
}

static void grow(struct lpi_set *s)
{
	struct lpi_set old = *s;
	s->capacity = s->capacity ? 2 * s->capacity : 8;
	s->entry = xcalloc(s->capacity, sizeof(*s->entry));
	for (struct lpi_entry *e = NULL; (e = lpi_set_next(&old, e));) {
		struct lpi_entry *to = find_slot(s, e->intid);
		*to = *e;
		if (e->place) s->heap[e->place - 1] = (uint32_t)(to - s->entry);
	}
	free(old.entry);
}

struct lpi_entry *lpi_set_add(struct lpi_set *s, uint32_t intid)
{
	struct lpi_entry *e = lpi_set_find(s, intid);
	if (e) return e;
	if (4 * (s->count + 1) > 3 * s->capacity) grow(s);
	s->count++;
	e = find_slot(s, intid);
	*e = (struct lpi_entry){.intid = intid, .used = true};
	return e;
}

/* --- the heap -------------------------------------------------------------------------------------------------- */

static uint64_t rank_of(const struct lpi_entry *e)
{
	return (uint64_t)(e->config & LPI_CONFIG_PRIORITY) << 32 | e->intid;
}

static bool comes_before(const struct lpi_set *s, uint32_t a, uint32_t b)
{
	return rank_of(&s->entry[s->heap[a]]) < rank_of(&s->entry[s->heap[b]]);
}

static void place(struct lpi_set *s, uint32_t at, uint32_t entry)
{
	s->heap[at] = entry;
	s->entry[entry].place = at + 1;
}

static void swap(struct lpi_set *s, uint32_t a, uint32_t b)
{
	uint32_t entry = s->heap[a];
	place(s, a, s->heap[b]);
	place(s, b, entry);
}

static void settle(struct lpi_set *s, uint32_t at)
{
	for (; at && comes_before(s, at, (at - 1) / 2); at = (at - 1) / 2) swap(s, at, (at - 1) / 2);
	for (;;) {
		uint32_t least = at;
		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < s->heap_count; child++)
			if (comes_before(s, child, least)) least = child;
		if (least == at) return;
		swap(s, at, least);
		at = least;
	}
}

static void heap_insert(struct lpi_set *s, struct lpi_entry *e)
{
	if (s->heap_count == s->heap_capacity) {
		s->heap_capacity = s->heap_capacity ? 2 * s->heap_capacity : 8;
		s->heap = xrealloc(s->heap, s->heap_capacity, sizeof(*s->heap));
	}
	place(s, s->heap_count++, (uint32_t)(e - s->entry));
	settle(s, s->heap_count - 1);
}

static void heap_remove(struct lpi_set *s, struct lpi_entry *e)
{
	uint32_t at = e->place - 1;
	e->place = 0;
	if (at != --s->heap_count) {
		place(s, at, s->heap[s->heap_count]);
		settle(s, at);
	}
}

static void update(struct lpi_set *s, struct lpi_entry *e)
{
	bool belongs = e->pending && (e->config & LPI_CONFIG_ENABLE);
	if (belongs && !e->place)
		heap_insert(s, e);
	else if (!belongs && e->place)
		heap_remove(s, e);
	else if (belongs)
		settle(s, e->place - 1);
}

/* --- changing -------------------------------------------------------------------------------------------------- */

bool lpi_set_stale(const struct lpi_set *s, const struct lpi_entry *e) { return e->read != s->reading; }

void lpi_set_configure(struct lpi_set *s, struct lpi_entry *e, uint8_t config)
{
	e->config = config;
	e->read = s->reading;
	update(s, e);
}

void lpi_set_pend(struct lpi_set *s, struct lpi_entry *e, bool pending)
{
	if (e->pending == pending) return;
	s->pending += pending ? 1 : UINT32_MAX;
	e->pending = pending;
	update(s, e);
}

void lpi_set_invalidate(struct lpi_set *s)
{
	if (++s->reading) return;
	for (struct lpi_entry *e = NULL; (e = lpi_set_next(s, e));)
		e->read = 0; /* after 2^32 of them the count begins again */
	s->reading = 1;
}

const struct lpi_entry *lpi_set_best(const struct lpi_set *s)
{
	return s->heap_count ? &s->entry[s->heap[0]] : NULL;
}

const char *lpi_set_check(const struct lpi_set *s)
{
	uint32_t count = 0, pending = 0, placed = 0;
	for (const struct lpi_entry *e = NULL; (e = lpi_set_next(s, e));) {
		bool belongs = e->pending && (e->config & LPI_CONFIG_ENABLE);
		count++;
		pending += e->pending;
		placed += e->place != 0;
		if (lpi_set_find(s, e->intid) != e) return "an entry is not found by its INTID";
		if ((e->place != 0) != belongs)
			return "the heap holds what is not pending and enabled, or lacks what is";
		if (e->place && &s->entry[s->heap[e->place - 1]] != e)
			return "an entry and the heap disagree on its place";
	}
	for (uint32_t i = 1; i < s->heap_count; i++)
		if (comes_before(s, i, (i - 1) / 2)) return "the heap is not in order";
	if (count != s->count) return "entries are counted wrongly";
	if (pending != s->pending || placed != s->heap_count) return "pending LPIs are counted wrongly";
	return NULL;
}

/* --- the tables in memory -------------------------------------------------------------------------------------- */

bool lpi_tables_hold(const struct lpi_tables *t, uint64_t intid)
{
	return intid >= LPI_FIRST && t->id_bits >= LPI_ID_BITS_MIN && intid >> t->id_bits == 0;
}

uint8_t lpi_tables_config(const struct lpi_tables *t, uint32_t intid)
{
	uint64_t at = (t->config.raw + (intid - LPI_FIRST)) & bits_ones(PHYSMEM_PA_BITS);
	uint64_t word = physmem_read64(t->mem, (struct pa){bits_align_down(at, 3)});
	return (uint8_t)(word >> 8 * (at & 7));
}

static struct pa pending_word(const struct lpi_tables *t, uint32_t intid)
{
	return (struct pa){(t->pending.raw + intid / 64 * 8) & bits_ones(PHYSMEM_PA_BITS)};
}

bool lpi_tables_pending(const struct lpi_tables *t, uint32_t intid)
{
	return bit_get(physmem_read64(t->mem, pending_word(t, intid)), intid % 64);
}

bool lpi_tables_pend(const struct lpi_tables *t, uint32_t intid, bool pending)
{
	struct pa at = pending_word(t, intid);
	uint64_t word = physmem_read64(t->mem, at), bit = UINT64_C(1) << intid % 64;
	if (pending != !!(word & bit)) physmem_write64(t->mem, at, word ^ bit);
	return word & bit;
}

static void load_word(struct lpi_set *s, uint32_t intid, uint64_t word)
{
	for (; word; word &= word - 1) {
		struct lpi_entry *e = lpi_set_add(s, intid + (uint32_t)__builtin_ctzll(word));
		e->stored = true;
		lpi_set_pend(s, e, true);
	}
}

/* INTIDs from that of `at` to the end of its page. */
static uint64_t left_in_page(struct pa at)
{
	return 8 * (((uint64_t)1 << PHYSMEM_PAGE_BITS) - (at.raw & bits_ones(PHYSMEM_PAGE_BITS)));
}

uint64_t lpi_tables_load(const struct lpi_tables *t, struct lpi_set *s)
{
	uint64_t words = 0, end = t->id_bits >= LPI_ID_BITS_MIN ? UINT64_C(1) << t->id_bits : 0, step;
	for (uint64_t intid = LPI_FIRST; intid < end; intid += step) {
		struct pa at = pending_word(t, (uint32_t)intid);
		bool written = physmem_entry(t->mem, at);
		uint64_t word = written ? physmem_read64(t->mem, at) : 0;
		step = written ? 64 : left_in_page(at);
		words += word != 0;
		load_word(s, (uint32_t)intid, word);
	}
	return words;
}

uint64_t lpi_tables_store(const struct lpi_tables *t, struct lpi_set *s)
{
	uint64_t changed = 0;
	for (struct lpi_entry *e = NULL; (e = lpi_set_next(s, e));) {
		if (e->pending == e->stored) continue;
		lpi_tables_pend(t, e->intid, e->pending);
		e->stored = e->pending;
		changed++;
	}
	return changed;
}
