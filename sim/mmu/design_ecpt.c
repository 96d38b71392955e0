/* design_ecpt.c - elastic cuckoo page tables: every place that a page can be in is read at once.
 *
 * For each page size a table of `cuckoo_ways` ways, each with its own hash function; an entry is a line of 8 pages. A page
 * is in one of its places, and makes room by moving what is there to another of its own places. A table that is
 * fuller than most_load_percent grows: one of twice the size stands beside it, and each insertion moves one line of every
 * way over. A line that was moved is looked up in the larger table and any other in the smaller, so that there are
 * never more places than ways. Page sizes that nothing uses are not read. A cuckoo walk cache holds, for a region of the
 * second-smallest page size, which sizes are in it, and of a size larger than the smallest in which way the page is, so that
 * one place is read; a miss reads every size, and fetches the line of the cuckoo walk table in the background. Of the
 * smallest size all ways are read, unless a second walk cache, of walk_table_small_entries lines, names the way.
 * Source: D. Skarlatos, A. Kokolis, T. Xu, J. Torrellas, "Elastic Cuckoo Page Tables: Rethinking Virtual Memory Translation
 * for Parallelism", ASPLOS 2020; nested: J. Stojkovic, D. Skarlatos, A. Kokolis, T. Xu, J. Torrellas, "Parallel
 * Virtualized Memory Translation with Nested Elastic Cuckoo Page Tables", ASPLOS 2022 (walk tables of the smallest
 * size, for the hypervisor's tables). Tables in pieces: the same group, "Memory-Efficient Hashed Page Tables", HPCA 2023.
 * Not modelled: one migration pointer per way (here one for all ways); growth of walk tables, and their own hashing;
 * writes of walk tables as lines move, and what walk caches lose by them; the nested paper's knowledge that tables lie in small
 * pages, its cache of where walk tables are, and its switching the second walk cache off and on as it helps; shrinking.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mmu/page_design.h"
#include "mmu/table_cluster.h"

enum {
	WAYS_MAX = 4,
	KICKS_MAX = 32,       /* moves to make room for one line before the table grows */
	WALK_TABLE_BITS = 18, /* bytes of a walk table */
	/* log2 of the regions, or of the clusters (estimated), that one line describes */
	WALK_TABLE_REACH = 6,
};

/* One size of one table: lines of every way, row by row. */
struct generation {
	struct table_area area[WAYS_MAX];
	struct cluster *line; /* [row * ways + way]; NULL: not there */
	unsigned bits;        /* log2 of the rows */
	uint64_t seed;
};

struct cuckoo {
	struct generation now, next; /* next: while it grows */
	uint64_t moved;              /* rows before this one are in `next` */
	uint64_t used;               /* lines that hold something */
	uint64_t turn;               /* chooses whom to move */
	unsigned page_bits;
};

/* A cuckoo walk cache: of regions of 2^region_bits bytes. */
struct known_regions {
	struct known_region {
		uint64_t number; /* + 1 */
		uint64_t stamp;
	} * entry;
	uint64_t entries;
	unsigned region_bits,
		line_bits; /* 2^line_bits regions are on one line of the walk table, which ... */
	uint64_t seed;     /* ... this places in its memory */
};

enum { KNOWN_SIZES, KNOWN_WAYS, KNOWN_KINDS };

/* Those of one core. */
struct walk_caches {
	struct known_regions known[KNOWN_KINDS];
	uint64_t clock;
};

struct ecpt {
	struct table_site site;
	unsigned ways;
	struct cuckoo size[TABLE_SIZES];
	struct table_area walk_table;
	struct walk_caches **user; /* of each core that has looked up; the others' NULL */
	unsigned users;
};

/* --- places ---------------------------------------------------------------------------------------------------- */

struct place {
	struct cluster *line;
	uint64_t address;
};

/* Where way `way` has `key`. A row that has been moved away sends on to the larger table. */
static struct place place_of(const struct ecpt *t, const struct cuckoo *c, struct cluster_key key,
			     unsigned way)
{
	const struct generation *g = &c->now;
	uint64_t row = cluster_hash(key, g->seed + way, g->bits);
	if (c->next.line && row < c->moved) {
		g = &c->next;
		row = cluster_hash(key, g->seed + way, g->bits);
	}
	return (struct place){&g->line[row * t->ways + way],
			      table_area_address(&g->area[way], row << CLUSTER_LINE_BITS)};
}

/* The way that has the line of `key`; t->ways: none. */
static unsigned way_of(const struct ecpt *t, const struct cuckoo *c, struct cluster_key key)
{
	for (unsigned way = 0; way < t->ways && c->now.line; way++) {
		struct place p = place_of(t, c, key, way);
		if (p.line->valid && cluster_is(p.line, key)) return way;
	}
	return t->ways;
}

static struct cluster *line_of(const struct ecpt *t, const struct cuckoo *c, struct cluster_key key)
{
	unsigned way = way_of(t, c, key);
	return way < t->ways ? place_of(t, c, key, way).line : NULL;
}

/* --- growing --------------------------------------------------------------------------------------------------- */

static void drop_generation(struct ecpt *t, struct generation *g)
{
	for (unsigned way = 0; way < t->ways; way++) table_area_give(&t->site, &g->area[way]);
	free(g->line);
	*g = (struct generation){0};
}

static bool new_generation(struct ecpt *t, unsigned bits, uint64_t seed, struct generation *g)
{
	*g = (struct generation){.bits = bits, .seed = seed};
	for (unsigned way = 0; way < t->ways; way++) {
		if (table_area_take(&t->site, bits + CLUSTER_LINE_BITS, &g->area[way])) continue;
		drop_generation(t, g);
		return false;
	}
	g->line = xcalloc((size_t)t->ways << bits, sizeof(*g->line));
	return true;
}

static bool start_growing(struct ecpt *t, struct cuckoo *c)
{
	if (!new_generation(t, c->now.bits + 1, c->now.seed + WAYS_MAX, &c->next)) return false;
	c->moved = 0;
	t->site.stats->resizes++;
	return true;
}

static void finish_growing(struct ecpt *t, struct cuckoo *c)
{
	drop_generation(t, &c->now);
	c->now = c->next;
	c->next = (struct generation){0};
	c->moved = 0;
}

/* Puts `carried` into one of its places, moving what is there to another of its own. What is without a place after
 * KICKS_MAX moves is left in *carried. */
static bool settle(struct ecpt *t, struct cuckoo *c, struct cluster *carried)
{
	for (unsigned kick = 0; kick < KICKS_MAX; kick++) {
		for (unsigned way = 0; way < t->ways; way++) {
			struct place p = place_of(t, c, carried->key, way);
			if (p.line->valid) continue;
			*p.line = *carried;
			return true;
		}
		struct place p = place_of(t, c, carried->key, (unsigned)(c->turn++ % t->ways));
		struct cluster out = *p.line;
		*p.line = *carried;
		*carried = out;
		t->site.stats->moves++;
	}
	return false;
}

static bool add_line(struct ecpt *t, struct cuckoo *c, struct cluster *carried);

/* Moves one row to the larger table. Lines that find no place there come back through add_line(). */
static void move_row(struct ecpt *t, struct cuckoo *c)
{
	struct cluster row[WAYS_MAX];
	struct cluster *from = &c->now.line[c->moved++ * t->ways];
	memcpy(row, from, t->ways * sizeof(*row));
	memset(from, 0, t->ways * sizeof(*row));
	for (unsigned way = 0; way < t->ways; way++) {
		if (!row[way].valid) continue;
		t->site.stats->moves++;
		if (!settle(t, c, &row[way]) && !add_line(t, c, &row[way])) {
			t->site.stats->homeless++;
			c->used--;
		}
	}
	if (c->next.line && c->moved >> c->now.bits) finish_growing(t, c);
}

/* As settle(), growing the table as far as it takes. False: there is no memory for that. */
static bool add_line(struct ecpt *t, struct cuckoo *c, struct cluster *carried)
{
	while (!settle(t, c, carried)) {
		if (!c->next.line && !start_growing(t, c)) return false;
		unsigned bits = c->now.bits;
		while (c->next.line && c->now.bits == bits) move_row(t, c);
	}
	return true;
}

static bool is_too_full(const struct ecpt *t, const struct cuckoo *c)
{
	uint64_t lines = (uint64_t)t->ways << c->now.bits;
	return (c->used + 1) * 100 > lines * t->site.params->most_load_percent;
}

/* Before a line is added: room for it, and one row of a growth in progress. */
static bool make_room(struct ecpt *t, struct cuckoo *c, unsigned size)
{
	unsigned bits = log2_floor(t->site.params->initial_lines);
	if (!c->now.line && !new_generation(t, bits, 16 * size + 1, &c->now)) return false;
	if (!c->next.line && is_too_full(t, c)) start_growing(t, c);
	if (c->next.line) move_row(t, c);
	return true;
}

/* --- cuckoo walk cache ----------------------------------------------------------------------------------------- */

static struct walk_caches *make_walk_caches(const struct table_site *site)
{
	struct walk_caches *c = xcalloc(1, sizeof(*c));
	c->known[KNOWN_SIZES] = (struct known_regions){.entries = site->params->walk_table_entries,
						       .region_bits = size_page_bits(&site->s, 1),
						       .line_bits = WALK_TABLE_REACH};
	/* A line of it names the ways of as many clusters. */
	c->known[KNOWN_WAYS] = (struct known_regions){.entries = site->params->walk_table_small_entries,
						      .region_bits = size_page_bits(&site->s, 0) +
								     CLUSTER_PAGES_BITS + WALK_TABLE_REACH,
						      .seed = 1};
	for (unsigned i = 0; i < KNOWN_KINDS; i++)
		c->known[i].entry = xcalloc(c->known[i].entries, sizeof(*c->known[i].entry));
	return c;
}

static void free_walk_caches(struct walk_caches *c)
{
	for (unsigned i = 0; c && i < KNOWN_KINDS; i++) free(c->known[i].entry);
	free(c);
}

static struct walk_caches *walk_caches_of(struct ecpt *t, unsigned user)
{
	while (t->users <= user) {
		t->user = xrealloc(t->user, t->users + 1, sizeof(struct walk_caches *));
		t->user[t->users++] = NULL;
	}
	if (!t->user[user]) t->user[user] = make_walk_caches(&t->site);
	return t->user[user];
}

/* Whether the cache knew the region; it does from now on. Least recently used goes. */
static bool is_known(struct known_regions *known, uint64_t *clock, uint64_t number)
{
	struct known_region *oldest = known->entry;
	for (uint64_t i = 0; i < known->entries; i++) {
		struct known_region *e = &known->entry[i];
		if (e->number == number) {
			e->stamp = ++*clock;
			return true;
		}
		if (e->stamp < oldest->stamp) oldest = e;
	}
	if (known->entries) *oldest = (struct known_region){number, ++*clock};
	return false;
}

static void fetch_walk_table(const struct ecpt *t, const struct known_regions *known, uint64_t number,
			     struct lookup *l)
{
	struct cluster_key key = {number >> known->line_bits, 0};
	if (!t->walk_table.piece) return;
	uint64_t line = cluster_hash(key, known->seed, WALK_TABLE_BITS - CLUSTER_LINE_BITS);
	l->behind[l->behinds++] = table_area_address(&t->walk_table, line << CLUSTER_LINE_BITS);
}

/* Whether the walk cache knows the region around the input. Where it does not, its line comes in the background. */
static bool look_in_walk_cache(struct ecpt *t, unsigned kind, struct lookup *l)
{
	struct walk_caches *caches = walk_caches_of(t, l->user);
	struct known_regions *known = &caches->known[kind];
	uint64_t number = (l->input >> known->region_bits) + 1;
	bool knew = is_known(known, &caches->clock, number);
	if (!knew) fetch_walk_table(t, known, number, l);
	return knew;
}

/* Which sizes have something in the region of `input`: what a walk table entry says. Sizes larger than a region are in it
 * where they have the page. */
static unsigned sizes_in_region(const struct ecpt *t, uint64_t input, tlb_tag_t tag)
{
	struct mapping m;
	unsigned sizes = t->size[0].used ? 1 : 0;
	for (unsigned i = 1; i < TABLE_SIZES; i++) {
		const struct cuckoo *c = &t->size[i];
		struct cluster_key key = cluster_key(input, c->page_bits, tag);
		const struct cluster *line = c->used ? line_of(t, c, key) : NULL;
		if (line && cluster_find(line, key, input, c->page_bits, &m)) return 1u << i;
	}
	return sizes;
}

static unsigned sizes_in_use(const struct ecpt *t)
{
	unsigned sizes = 0;
	for (unsigned i = 0; i < TABLE_SIZES; i++) sizes |= t->size[i].used ? 1u << i : 0;
	return sizes;
}

/* --- look-up --------------------------------------------------------------------------------------------------- */

/* Whether a look-up neither looks in the second walk cache nor is held by it. */
static bool goes_by_ways(const struct ecpt *t, const struct lookup *l)
{
	return t->site.params->small_tables_only && !l->of_table;
}

/* The ways of a size in which the page may be, as far as walk caches say. */
static unsigned ways_to_read(struct ecpt *t, unsigned size, bool size_is_known, struct lookup *l)
{
	const struct cuckoo *c = &t->size[size];
	unsigned all = (1u << t->ways) - 1;
	bool small = size == 0 && t->site.params->walk_table_small_entries && !goes_by_ways(t, l);
	bool known = small ? look_in_walk_cache(t, KNOWN_WAYS, l) : size_is_known && size > 0;
	if (!known) return all;
	return 1u << way_of(t, c, cluster_key(l->input, c->page_bits, l->tag)) & all;
}

static enum lookup_step ecpt_begin(void *table, struct lookup *l)
{
	struct ecpt *t = table;
	l->reads = l->behinds = 0;
	bool known = look_in_walk_cache(t, KNOWN_SIZES, l);
	unsigned sizes = known ? sizes_in_region(t, l->input, l->tag) : sizes_in_use(t);
	for (unsigned i = 0; i < TABLE_SIZES; i++) {
		struct cluster_key key = cluster_key(l->input, t->size[i].page_bits, l->tag);
		unsigned ways = bit_get(sizes, i) ? ways_to_read(t, i, known, l) : 0;
		for (; ways; ways &= ways - 1) {
			unsigned way = (unsigned)__builtin_ctz(ways);
			l->read[l->reads++] = place_of(t, &t->size[i], key, way).address;
		}
	}
	return l->reads ? LOOKUP_READ : LOOKUP_ABSENT;
}

static bool ecpt_find(const void *table, uint64_t input, tlb_tag_t tag, struct mapping *out)
{
	const struct ecpt *t = table;
	for (unsigned i = 0; i < TABLE_SIZES; i++) {
		const struct cuckoo *c = &t->size[i];
		struct cluster_key key = cluster_key(input, c->page_bits, tag);
		const struct cluster *line = line_of(t, c, key);
		if (line && cluster_find(line, key, input, c->page_bits, out)) return true;
	}
	return false;
}

/* Which of the reads was of `address`. */
static unsigned read_of(const struct lookup *l, uint64_t address)
{
	unsigned i = 0;
	while (i < l->reads && l->read[i] != address) i++;
	return i;
}

/* The walk goes on as soon as the line with the page is there. */
static enum lookup_step ecpt_next(void *table, struct lookup *l)
{
	const struct ecpt *t = table;
	for (unsigned i = 0; i < TABLE_SIZES; i++) {
		const struct cuckoo *c = &t->size[i];
		struct cluster_key key = cluster_key(l->input, c->page_bits, l->tag);
		for (unsigned way = 0; way < t->ways && c->now.line; way++) {
			struct place p = place_of(t, c, key, way);
			if (!cluster_find(p.line, key, l->input, c->page_bits, &l->found)) continue;
			l->match = read_of(l, p.address);
			assert(l->match < l->reads); /* a walk cache spares no read that is needed */
			return LOOKUP_FOUND;
		}
	}
	return LOOKUP_ABSENT;
}

/* --- change ---------------------------------------------------------------------------------------------------- */

static bool ecpt_insert(void *table, const struct mapping *m, tlb_tag_t tag)
{
	struct ecpt *t = table;
	unsigned size = size_of_bits(&t->site.s, m->bits);
	struct cuckoo *c = &t->size[size];
	struct cluster_key key = cluster_key(m->input, c->page_bits, tag);
	struct cluster *line = line_of(t, c, key), added = {.key = key};
	t->site.stats->inserts++;
	if (line) {
		cluster_set(line, m->input, m->out, c->page_bits);
		return true;
	}
	cluster_set(&added, m->input, m->out, c->page_bits);
	if (!make_room(t, c, size)) return false;
	c->used++;
	if (add_line(t, c, &added)) return true;
	c->used--; /* the line that found no place; it may be another than the one that came */
	return false;
}

static void clear_line(struct ecpt *t, struct cuckoo *c, struct cluster *line, uint64_t first, uint64_t last)
{
	if (!line || !line->valid) return;
	t->site.stats->removed += cluster_clear(line, first, last, c->page_bits);
	if (!line->valid) c->used--;
}

static void clear_generation(struct ecpt *t, struct cuckoo *c, struct generation *g, uint64_t first,
			     uint64_t last)
{
	for (uint64_t i = 0; g->line && i < (uint64_t)t->ways << g->bits; i++)
		clear_line(t, c, &g->line[i], first, last);
}

/* By line where the range has few, else by reading the whole table. */
static void ecpt_remove(void *table, uint64_t input, uint64_t bytes, tlb_tag_t tag)
{
	struct ecpt *t = table;
	uint64_t last = input + bytes - 1;
	for (unsigned i = 0; i < TABLE_SIZES; i++) {
		struct cuckoo *c = &t->size[i];
		unsigned reach = c->page_bits + CLUSTER_PAGES_BITS;
		if (!c->used) continue;
		if (((last >> reach) - (input >> reach)) >> c->now.bits) {
			clear_generation(t, c, &c->now, input, last);
			clear_generation(t, c, &c->next, input, last);
			continue;
		}
		for (uint64_t n = input >> reach; n <= last >> reach; n++)
			clear_line(t, c, line_of(t, c, (struct cluster_key){n + 1, tag}), input, last);
	}
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static void *ecpt_make(const struct table_site *site)
{
	struct ecpt *t = xcalloc(1, sizeof(*t));
	t->site = *site;
	t->ways = (unsigned)site->params->cuckoo_ways;
	for (unsigned i = 0; i < TABLE_SIZES; i++) t->size[i].page_bits = size_page_bits(&site->s, i);
	table_area_take(site, WALK_TABLE_BITS, &t->walk_table);
	return t;
}

static void ecpt_free(void *table)
{
	struct ecpt *t = table;
	for (unsigned i = 0; i < TABLE_SIZES; i++) {
		drop_generation(t, &t->size[i].now);
		drop_generation(t, &t->size[i].next);
	}
	table_area_give(&t->site, &t->walk_table);
	for (unsigned i = 0; i < t->users; i++) free_walk_caches(t->user[i]);
	free(t->user);
	free(t);
}

static const struct table_kind table_ecpt = {.make = ecpt_make,
					     .free = ecpt_free,
					     .begin = ecpt_begin,
					     .next = ecpt_next,
					     .find = ecpt_find,
					     .insert = ecpt_insert,
					     .remove = ecpt_remove,
					     .hashed = true};

const struct page_table_design design_ecpt = {.name = "ecpt",
					      .source = "Skarlatos et al., ASPLOS 2020",
					      .table = &table_ecpt,
					      .walk = page_design_walk_stages,
					      .note = page_design_note_stages,
					      .lines_of_pages = true};
