/* design_hashed.c - one hash table per stage for all address spaces, with open addressing and clustered entries.
 *
 * A line is a cluster of 8 pages of one size with its owner's tag. A look-up reads from the place of its hash on, line by
 * line, until the cluster or a line that was never used comes: mostly one read. Page sizes are tables of their own,
 * searched one after the other from the smallest; sizes that nothing uses are left out. A table that is too full is
 * rehashed at once into one of twice the size.
 * Source: I. Yaniv, D. Tsafrir, "Hash, Don't Cache (the Page Table)", SIGMETRICS 2016, section 5 (open addressing,
 * clusters in one line, tables sized by use).
 * Not modelled: prediction of the page size; frame numbers by position, as design_inverted.c has them (an entry holds its frame).
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "mmu/page_design.h"
#include "mmu/table_cluster.h"

/* All pages of one size. Lines that became empty stay as they are, so that searches go on behind them. */
struct size_table {
	struct table_area area;
	struct cluster *line; /* NULL: not there */
	unsigned bits;        /* log2 of the lines */
	uint64_t used;        /* lines with a key, empty ones included */
	unsigned page_bits;
};

struct hashed {
	struct table_site site;
	struct size_table size[TABLE_SIZES];
};

/* --- search ---------------------------------------------------------------------------------------------------- */

static uint64_t first_place(const struct size_table *s, struct cluster_key key)
{
	return cluster_hash(key, 0, s->bits);
}

/* The cluster, or the unused line that ends the search for it. */
static struct cluster *line_of(const struct size_table *s, struct cluster_key key)
{
	uint64_t i = first_place(s, key), last = bits_ones(s->bits);
	while (s->line[i].key.number && !cluster_is(&s->line[i], key)) i = (i + 1) & last;
	return &s->line[i];
}

/* The look-up stands at line pos.table of size pos.level. */
static enum lookup_step want(const struct size_table *s, struct lookup *l)
{
	l->reads = 1;
	l->read[0] = table_area_address(&s->area, l->pos.table << CLUSTER_LINE_BITS);
	return LOOKUP_READ;
}

static enum lookup_step begin_size(const struct hashed *t, struct lookup *l, unsigned size)
{
	while (size < TABLE_SIZES && !t->size[size].used) size++;
	if (size == TABLE_SIZES) return LOOKUP_ABSENT;
	const struct size_table *s = &t->size[size];
	l->pos.level = (int8_t)size;
	l->pos.table = first_place(s, cluster_key(l->input, s->page_bits, l->tag));
	return want(s, l);
}

static enum lookup_step hashed_begin(void *table, struct lookup *l) { return begin_size(table, l, 0); }

static enum lookup_step hashed_next(void *table, struct lookup *l)
{
	const struct hashed *t = table;
	const struct size_table *s = &t->size[l->pos.level];
	const struct cluster *c = &s->line[l->pos.table];
	struct cluster_key key = cluster_key(l->input, s->page_bits, l->tag);
	if (cluster_find(c, key, l->input, s->page_bits, &l->found)) return LOOKUP_FOUND;
	if (!c->key.number || cluster_is(c, key)) return begin_size(t, l, (unsigned)l->pos.level + 1);
	l->pos.table = (l->pos.table + 1) & bits_ones(s->bits);
	return want(s, l);
}

static bool hashed_find(const void *table, uint64_t input, tlb_tag_t tag, struct mapping *out)
{
	const struct hashed *t = table;
	for (unsigned i = 0; i < TABLE_SIZES; i++) {
		const struct size_table *s = &t->size[i];
		if (!s->used) continue;
		struct cluster_key key = cluster_key(input, s->page_bits, tag);
		if (cluster_find(line_of(s, key), key, input, s->page_bits, out)) return true;
	}
	return false;
}

/* --- change ---------------------------------------------------------------------------------------------------- */

static bool new_table(struct hashed *t, unsigned bits, struct size_table *s)
{
	struct table_area area;
	if (!table_area_take(&t->site, bits + CLUSTER_LINE_BITS, &area)) return false;
	*s = (struct size_table){.area = area,
				 .bits = bits,
				 .page_bits = s->page_bits,
				 .line = xcalloc((size_t)1 << bits, sizeof(*s->line))};
	return true;
}

static void drop_table(struct hashed *t, struct size_table *s)
{
	table_area_give(&t->site, &s->area);
	free(s->line);
}

/* Into a table of twice the size, without the lines that are empty by now. */
static bool grow(struct hashed *t, struct size_table *s)
{
	struct size_table old = *s;
	if (!new_table(t, old.bits + 1, s)) return false;
	t->site.stats->resizes++;
	for (uint64_t i = 0; i >> old.bits == 0; i++) {
		if (!old.line[i].valid) continue;
		*line_of(s, old.line[i].key) = old.line[i];
		s->used++;
		t->site.stats->moves++;
	}
	drop_table(t, &old);
	return true;
}

static bool is_too_full(const struct hashed *t, const struct size_table *s)
{
	return (s->used + 1) * 100 > t->site.params->most_load_percent << s->bits;
}

/* Whether a line may be added: one always stays unused, to end searches. */
static bool make_room(struct hashed *t, struct size_table *s)
{
	if (!s->line) return new_table(t, log2_floor(t->site.params->initial_lines), s);
	return !is_too_full(t, s) || grow(t, s) || (s->used + 1) >> s->bits == 0;
}

static bool hashed_insert(void *table, const struct mapping *m, tlb_tag_t tag)
{
	struct hashed *t = table;
	struct size_table *s = &t->size[size_of_bits(&t->site.s, m->bits)];
	struct cluster_key key = cluster_key(m->input, s->page_bits, tag);
	t->site.stats->inserts++;
	if (!s->line || !line_of(s, key)->key.number) {
		if (!make_room(t, s)) return false;
		line_of(s, key)->key = key;
		s->used++;
	}
	cluster_set(line_of(s, key), m->input, m->out, s->page_bits);
	return true;
}

/* By line where the range has few, else by reading the whole table. */
static void hashed_remove(void *table, uint64_t input, uint64_t bytes, tlb_tag_t tag)
{
	struct hashed *t = table;
	uint64_t last = input + bytes - 1, removed = 0;
	for (unsigned i = 0; i < TABLE_SIZES; i++) {
		struct size_table *s = &t->size[i];
		unsigned reach = s->page_bits + CLUSTER_PAGES_BITS;
		uint64_t from = input >> reach, end = last >> reach;
		if (!s->line) continue;
		if ((end - from) >> s->bits) {
			for (uint64_t n = 0; n >> s->bits == 0; n++)
				if (s->line[n].key.tag == tag)
					removed += cluster_clear(&s->line[n], input, last, s->page_bits);
			continue;
		}
		for (uint64_t n = from; n <= end; n++) {
			struct cluster *c = line_of(s, (struct cluster_key){n + 1, tag});
			if (c->key.number) removed += cluster_clear(c, input, last, s->page_bits);
		}
	}
	t->site.stats->removed += removed;
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static void *hashed_make(const struct table_site *site)
{
	struct hashed *t = xcalloc(1, sizeof(*t));
	t->site = *site;
	for (unsigned i = 0; i < TABLE_SIZES; i++) t->size[i].page_bits = size_page_bits(&site->s, i);
	return t;
}

static void hashed_free(void *table)
{
	struct hashed *t = table;
	for (unsigned i = 0; i < TABLE_SIZES; i++) drop_table(t, &t->size[i]);
	free(t);
}

static const struct table_kind table_hashed = {.make = hashed_make,
					       .free = hashed_free,
					       .begin = hashed_begin,
					       .next = hashed_next,
					       .find = hashed_find,
					       .insert = hashed_insert,
					       .remove = hashed_remove,
					       .shared = true,
					       .hashed = true};

const struct page_table_design design_hashed = {.name = "hashed",
						.source = "Yaniv and Tsafrir, SIGMETRICS 2016",
						.table = &table_hashed,
						.walk = page_design_walk_stages,
						.note = page_design_note_stages,
						.lines_of_pages = true};
