#include "mem/physmem.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	COMPACT_BYTES = PHYSMEM_PAGE_WORDS * sizeof(uint32_t),
	RAW_BYTES = PHYSMEM_PAGE_WORDS * sizeof(uint64_t),
	CHUNK_MIN_BYTES = 64 << 10,
	CHUNK_HUGE_BYTES = 2 << 20, /* chunks of 1 MiB and more are rounded up to host huge pages */
	SETS_MAX = 1 << 16,         /* what an entry's <63:48> can name */
	INDEX_MIN_BITS = 8,
	SETS_SEARCHED = 16, /* newest sets looked at for one that suits a page */
};

struct physmem_arena {
	void **chunk;
	size_t chunk_count, sets_allocated;
	char *next, *end;    /* unused end of the newest chunk */
	void *free_compact;  /* linked through the first word of each */
	uint64_t page_bytes; /* of all chunks */
	struct physmem_usage usage;
};

/* ---- host memory for pages ------------------------------------------------------------------ */

/* A chunk is an eighth of what there is already, so that at most that share lies unused. */
static void arena_grow(struct physmem_arena *a)
{
	size_t bytes = a->page_bytes / 8 / CHUNK_MIN_BYTES * CHUNK_MIN_BYTES;
	if (bytes < CHUNK_MIN_BYTES) bytes = CHUNK_MIN_BYTES;
	if (bytes >= CHUNK_HUGE_BYTES / 2)
		bytes = (bytes + CHUNK_HUGE_BYTES - 1) / CHUNK_HUGE_BYTES * CHUNK_HUGE_BYTES;
	a->chunk = xrealloc(a->chunk, a->chunk_count + 1, sizeof(*a->chunk));
	a->next = a->chunk[a->chunk_count++] = xcalloc_lines(1, bytes);
	a->end = a->next + bytes;
	a->page_bytes += bytes;
	a->usage.host_bytes += bytes;
}

static void free_compact(struct physmem_arena *a, void *page)
{
	memcpy(page, &a->free_compact, sizeof(void *));
	a->free_compact = page;
}

static void *take_bytes(struct physmem_arena *a, size_t bytes)
{
	if ((size_t)(a->end - a->next) < bytes) {
		if (a->end != a->next) free_compact(a, a->next); /* half a raw page */
		arena_grow(a);
	}
	void *page = a->next;
	a->next += bytes;
	return page;
}

/* A zeroed compact page. */
static void *take_compact(struct physmem_arena *a)
{
	void *page = a->free_compact;
	if (!page) return take_bytes(a, COMPACT_BYTES);
	memcpy(&a->free_compact, page, sizeof(void *));
	memset(page, 0, COMPACT_BYTES);
	return page;
}

static uint64_t make_entry(const void *page, enum physmem_form form, uint64_t set)
{
	uint64_t entry = (uint64_t)(uintptr_t)page | form | set << 48;
	assert(physmem_entry_page(entry) == page); /* a host of 48-bit addresses, pages on 64 bytes */
	return entry;
}

/* ---- template sets -------------------------------------------------------------------------- */

static uint64_t field_mask(void) { return bits_ones(PHYSMEM_FIELD_BITS) << PHYSMEM_PAGE_BITS; }

/* Where `template` is in the set, or PHYSMEM_TEMPLATES. */
static unsigned set_find(const struct physmem_set *s, uint64_t template)
{
	unsigned i = 0;
	while (i < PHYSMEM_TEMPLATES && s->word[i] != template) i++;
	return i;
}

/* The first free place, or PHYSMEM_TEMPLATES. Place 0 stands for the template 0. */
static unsigned set_used(const struct physmem_set *s)
{
	unsigned i = 1;
	while (i < PHYSMEM_TEMPLATES && s->word[i]) i++;
	return i;
}

static void set_add(struct physmem_set *s, uint64_t template)
{
	if (set_find(s, template) < PHYSMEM_TEMPLATES) return;
	unsigned place = set_used(s);
	assert(place < PHYSMEM_TEMPLATES);
	s->word[place] = template;
}

/* How many of `need` the set lacks, or PHYSMEM_TEMPLATES when it has no room for those. */
static unsigned set_lacks(const struct physmem_set *s, const struct physmem_set *need)
{
	unsigned lacks = 0;
	for (unsigned i = 1; i < PHYSMEM_TEMPLATES && need->word[i]; i++)
		lacks += set_find(s, need->word[i]) == PHYSMEM_TEMPLATES;
	return set_used(s) + lacks <= PHYSMEM_TEMPLATES ? lacks : PHYSMEM_TEMPLATES;
}

/* A new empty set, or SETS_MAX when there are no more. */
static uint64_t set_new(struct physmem *m)
{
	struct physmem_arena *a = m->arena;
	if (a->usage.template_sets == SETS_MAX) return SETS_MAX;
	if (a->usage.template_sets == a->sets_allocated) {
		size_t grown = a->sets_allocated ? 2 * a->sets_allocated : 4;
		m->set = xrealloc(m->set, grown, sizeof(*m->set));
		a->usage.host_bytes += (grown - a->sets_allocated) * sizeof(*m->set);
		a->sets_allocated = grown;
	}
	m->set[a->usage.template_sets] = (struct physmem_set){0};
	return a->usage.template_sets++;
}

/* A set that holds all of `need`: the recent one that lacks the fewest, completed, or else a new one. */
static uint64_t set_for(struct physmem *m, const struct physmem_set *need)
{
	uint64_t count = m->arena->usage.template_sets, best = SETS_MAX;
	unsigned fewest = PHYSMEM_TEMPLATES;
	for (uint64_t i = 0; i < SETS_SEARCHED && i < count && fewest; i++) {
		unsigned lacks = set_lacks(&m->set[count - 1 - i], need);
		if (lacks < fewest) {
			fewest = lacks;
			best = count - 1 - i;
		}
	}
	if (best == SETS_MAX) best = set_new(m);
	if (best == SETS_MAX) return best;
	for (unsigned i = 1; i < PHYSMEM_TEMPLATES && need->word[i]; i++)
		set_add(&m->set[best], need->word[i]);
	return best;
}

/* ---- pages ---------------------------------------------------------------------------------- */

static void index_allocate(struct physmem *m, unsigned bits)
{
	m->last = bits_ones(bits);
	m->hash_shift = 64 - (bits - PHYSMEM_GROUP_BITS);
	m->slot = xcalloc_lines(m->last + 1, sizeof(*m->slot));
	m->arena->usage.host_bytes += (m->last + 1) * sizeof(*m->slot);
}

/* Twice as many slots. */
static void index_grow(struct physmem *m)
{
	struct physmem_slot *old = m->slot;
	uint64_t count = m->last + 1;
	m->arena->usage.host_bytes -= count * sizeof(*old);
	index_allocate(m, log2_floor(count) + 1);
	for (uint64_t i = 0; i < count; i++) {
		if (!old[i].key) continue;
		*physmem_slot(m, (struct pa){(old[i].key - 1) << PHYSMEM_PAGE_BITS}) = old[i];
	}
	free(old);
}

/* The index entry of pa's page, with the index grown to hold it. The caller fills it before another call. */
static uint64_t *entry_at(struct physmem *m, struct pa pa)
{
	const struct physmem_usage *u = &m->arena->usage;
	if (2 * (u->compact_pages + u->raw_pages + 1) > m->last) index_grow(m);
	struct physmem_slot *slot = physmem_slot(m, pa);
	slot->key = (pa.raw >> PHYSMEM_PAGE_BITS) + 1;
	return &slot->entry;
}

static void make_raw(struct physmem *m, uint64_t *entry)
{
	uint64_t *raw = take_bytes(m->arena, RAW_BYTES);
	if (*entry) {
		uint32_t *cell = physmem_entry_page(*entry);
		for (unsigned i = 0; i < PHYSMEM_PAGE_WORDS; i++) raw[i] = physmem_expand(m, *entry, cell[i]);
		free_compact(m->arena, cell);
		m->arena->usage.compact_pages--;
	}
	m->arena->usage.raw_pages++;
	*entry = make_entry(raw, PHYSMEM_RAW, 0);
}

static void make_compact(struct physmem *m, uint64_t *entry, uint64_t template)
{
	struct physmem_set need = {{0, template}};
	uint64_t set = set_for(m, &need);
	if (set == SETS_MAX) {
		make_raw(m, entry);
		return;
	}
	*entry = make_entry(take_compact(m->arena), PHYSMEM_COMPACT, set);
	m->arena->usage.compact_pages++;
}

/* The templates that a compact page uses, and one more. False: too many for any set. */
static bool templates_used(const struct physmem *m, uint64_t entry, uint64_t one_more,
			   struct physmem_set *used)
{
	const struct physmem_set *set = &m->set[entry >> 48];
	const uint32_t *cell = physmem_entry_page(entry);
	unsigned seen = 0;
	for (unsigned i = 0; i < PHYSMEM_PAGE_WORDS; i++) seen |= 1u << (cell[i] >> PHYSMEM_FIELD_BITS);
	*used = (struct physmem_set){{0, one_more}};
	for (unsigned i = 1; i < PHYSMEM_TEMPLATES; i++) {
		if (!(seen >> i & 1)) continue;
		if (set_used(used) == PHYSMEM_TEMPLATES) return false;
		set_add(used, set->word[i]);
	}
	return true;
}

/* Moves a page to a set that has `template` too, or to raw form. */
static void make_room(struct physmem *m, uint64_t *entry, uint64_t template)
{
	struct physmem_set used;
	uint64_t to = templates_used(m, *entry, template, &used) ? set_for(m, &used) : SETS_MAX;
	if (to == SETS_MAX) {
		make_raw(m, entry);
		return;
	}
	const struct physmem_set *old = &m->set[*entry >> 48], *new = &m->set[to];
	uint32_t *cell = physmem_entry_page(*entry);
	for (unsigned i = 0; i < PHYSMEM_PAGE_WORDS; i++) {
		uint32_t place = set_find(new, old->word[cell[i] >> PHYSMEM_FIELD_BITS]);
		cell[i] = (cell[i] & (uint32_t)bits_ones(PHYSMEM_FIELD_BITS)) | place << PHYSMEM_FIELD_BITS;
	}
	*entry = make_entry(cell, PHYSMEM_COMPACT, to);
}

/* Stores into a compact page if its set has the word's template. */
static bool write_compact(struct physmem *m, uint64_t entry, unsigned word_index, uint64_t word)
{
	unsigned place = set_find(&m->set[entry >> 48], word & ~field_mask());
	if (place == PHYSMEM_TEMPLATES) return false;
	uint32_t field = (uint32_t)bits_get(word, PHYSMEM_PAGE_BITS + PHYSMEM_FIELD_BITS - 1,
					    PHYSMEM_PAGE_BITS);
	((uint32_t *)physmem_entry_page(entry))[word_index] = field | place << PHYSMEM_FIELD_BITS;
	return true;
}

void physmem_write64(struct physmem *m, struct pa pa, uint64_t word)
{
	unsigned word_index = (pa.raw >> 3) & (PHYSMEM_PAGE_WORDS - 1);
	if (!word && !physmem_entry(m, pa)) return;
	if (m->on_write) m->on_write(m->on_write_self, pa, physmem_read64(m, pa), word);
	uint64_t *entry = entry_at(m, pa), template = word & ~field_mask();
	if (!*entry) make_compact(m, entry, template);
	if ((*entry & 3) == PHYSMEM_COMPACT) {
		if (write_compact(m, *entry, word_index, word)) return;
		make_room(m, entry, template);
		if ((*entry & 3) == PHYSMEM_COMPACT && write_compact(m, *entry, word_index, word)) return;
	}
	((uint64_t *)physmem_entry_page(*entry))[word_index] = word;
}

static void clear_page(uint64_t entry)
{
	if (!entry) return;
	memset(physmem_entry_page(entry), 0,
	       (entry & 3) == PHYSMEM_RAW ? (size_t)RAW_BYTES : (size_t)COMPACT_BYTES);
}

void physmem_clear(struct physmem *m, struct pa pa, uint64_t bytes)
{
	uint64_t first = pa.raw >> PHYSMEM_PAGE_BITS, pages = bytes >> PHYSMEM_PAGE_BITS;
	if (pages > m->last) { /* fewer slots than pages: look at what there is */
		for (uint64_t i = 0; i <= m->last; i++)
			if (m->slot[i].key && m->slot[i].key - 1 - first < pages)
				clear_page(m->slot[i].entry);
		return;
	}
	for (uint64_t i = 0; i < pages; i++)
		clear_page(physmem_entry(m, (struct pa){(first + i) << PHYSMEM_PAGE_BITS}));
}

bool physmem_cas64(struct physmem *m, struct pa pa, uint64_t expected, uint64_t desired)
{
	if (physmem_read64(m, pa) != expected) return false;
	if (desired != expected) physmem_write64(m, pa, desired);
	return true;
}

/* ---- life ----------------------------------------------------------------------------------- */

struct physmem *physmem_new(void)
{
	struct physmem *m = xcalloc(1, sizeof(*m));
	m->arena = xcalloc(1, sizeof(*m->arena));
	m->arena->usage.host_bytes = sizeof(*m) + sizeof(*m->arena);
	index_allocate(m, INDEX_MIN_BITS);
	return m;
}

void physmem_free(struct physmem *m)
{
	if (!m) return;
	for (size_t i = 0; i < m->arena->chunk_count; i++) free(m->arena->chunk[i]);
	free(m->arena->chunk);
	free(m->arena);
	free(m->slot);
	free(m->set);
	free(m);
}

struct physmem_usage physmem_usage(const struct physmem *m) { return m->arena->usage; }
