/* table_tree.c - trees: levels as Arm has them (for shadow tables), or with pairs of levels merged.
 *
 * A merged node resolves two levels with one read: 2^18 entries, 2 MiB, for 4 KiB granules; 32 MiB and 512 MiB for 16
 * and 64 KiB. Levels 0 and 1, and 2 and 3, are pairs; a start level that is odd stands alone. Where memory cannot give a
 * node so large, the two levels stay apart, there only. A block at the upper level of a pair is written once per entry
 * of the lower level ("replicas"), so that a read finds it wherever it falls.
 * Source: C. H. Park, I. Vougioukas, A. Sandberg, D. Black-Schaffer, "Every Walk's a Hit: Making Page Walks Single-Access
 * Cache Hits", ASPLOS 2022, section 3 (flattening, replication, graceful fallback).
 * Not modelled: that paper's cache prioritization of table lines; freeing of emptied nodes.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "mem/physmem.h"
#include "mmu/page_table.h"

/* A node's address carries whether it is merged; nodes are aligned to more than this. A word is an output or node
 * address <51:12>, the log2 of a leaf's size <7:2>, DESC_TABLE and DESC_VALID, and NODE_MERGED of the node below. */
enum { NODE_MERGED = 1 << 8, WORD_BITS_LOW = 2, WORD_BITS_HIGH = 7, POOL_BITS = 18 };

struct tree {
	struct table_site site;
	bool merges;
	uint64_t pool, pool_end; /* small nodes are cut from blocks, as kernels group tables */
	struct physmem *words;   /* by address in the space that the nodes stand in */
	uint64_t root;           /* with NODE_MERGED; 0: there was no memory for it */
};

/* --- nodes ----------------------------------------------------------------------------------------------------- */

static unsigned entry_bits(const struct tree *t, int level)
{
	return level_entry_bits(t->site.s.granule_bits, level);
}

/* The level of a node's entries: that of the node, or of the lower one of its pair. */
static int entries_level(uint64_t node, int level) { return node & NODE_MERGED ? level + 1 : level; }

static unsigned node_bits(const struct tree *t, int level, bool merged)
{
	const struct stage_info *s = &t->site.s;
	unsigned from = level == s->start_level ? s->ia_bits : entry_bits(t, level - 1);
	unsigned bits = from - entry_bits(t, merged ? level + 1 : level) + DESC_BYTES_BITS;
	return bits < s->granule_bits ? s->granule_bits : bits;
}

static bool take_memory(struct tree *t, unsigned bits, uint64_t *addr)
{
	const struct table_memory *m = t->site.memory;
	if (!m->take(m->ctx, t->site.space, bits, addr)) return false;
	t->site.stats->taken_bytes += UINT64_C(1) << bits;
	return true;
}

/* From the pool, which is filled again by a block as long as memory has one. */
static bool take_small(struct tree *t, unsigned bits, uint64_t *node)
{
	uint64_t block;
	if (t->pool == t->pool_end) {
		if (!take_memory(t, POOL_BITS, &block)) return take_memory(t, bits, node);
		t->pool = block;
		t->pool_end = t->pool + (UINT64_C(1) << POOL_BITS);
	}
	*node = t->pool;
	t->pool += UINT64_C(1) << bits;
	return true;
}

static bool take(struct tree *t, unsigned bits, uint64_t *node)
{
	bool small = bits == t->site.s.granule_bits;
	if (!(small ? take_small(t, bits, node) : take_memory(t, bits, node))) return false;
	t->site.stats->tables++;
	return true;
}

/* A new node for `level`, merged with the level below where that is a pair and memory has it. */
static bool new_node(struct tree *t, int level, uint64_t *node)
{
	bool pair = t->merges && level >= 0 && level % 2 == 0;
	if (pair && take(t, node_bits(t, level, true), node)) {
		*node |= NODE_MERGED;
		return true;
	}
	if (!take(t, node_bits(t, level, false), node)) return false;
	t->site.stats->small_nodes += pair;
	return true;
}

static uint64_t entry_address(const struct tree *t, uint64_t node, int level, uint64_t input)
{
	const struct stage_info *s = &t->site.s;
	unsigned low = entry_bits(t, entries_level(node, level));
	unsigned high = level == s->start_level ? s->ia_bits : entry_bits(t, level - 1);
	return (node & ~(uint64_t)NODE_MERGED) | bits_get(input, high - 1, low) << DESC_BYTES_BITS;
}

static uint64_t word_at(const struct tree *t, uint64_t address)
{
	return physmem_read64(t->words, (struct pa){address});
}

static uint64_t leaf_word(uint64_t out, unsigned bits)
{
	return out | bits_put(bits, WORD_BITS_HIGH, WORD_BITS_LOW) | DESC_VALID;
}

static uint64_t node_word(uint64_t node) { return node | DESC_TABLE | DESC_VALID; }
static uint64_t word_node(uint64_t word) { return bits_align_down(word, 12) | (word & NODE_MERGED); }

static struct mapping leaf_mapping(uint64_t word, uint64_t input)
{
	unsigned bits = (unsigned)bits_get(word, WORD_BITS_HIGH, WORD_BITS_LOW);
	return (struct mapping){input, bits_align_down(word, bits) | (input & bits_ones(bits)),
				(uint8_t)bits};
}

/* --- look-up --------------------------------------------------------------------------------------------------- */

static enum lookup_step want(const struct tree *t, struct lookup *l)
{
	l->reads = 1;
	l->read[0] = entry_address(t, l->pos.table, l->pos.level, l->input);
	return LOOKUP_READ;
}

/* The driver may have moved l->pos down already: a walk cache knew it. */
static enum lookup_step tree_begin(void *table, struct lookup *l)
{
	const struct tree *t = table;
	if (!t->root) return LOOKUP_ABSENT;
	if (!l->pos.table) l->pos = (struct walk_pos){.table = t->root, .level = t->site.s.start_level};
	return want(t, l);
}

static enum lookup_step tree_next(void *table, struct lookup *l)
{
	const struct tree *t = table;
	uint64_t word = word_at(t, l->read[0]);
	if (!(word & DESC_VALID)) return LOOKUP_ABSENT;
	if (!(word & DESC_TABLE)) {
		l->found = leaf_mapping(word, l->input);
		return LOOKUP_FOUND;
	}
	l->pos.level = (int8_t)(entries_level(l->pos.table, l->pos.level) + 1);
	l->pos.table = word_node(word);
	return want(t, l);
}

static bool tree_find(const void *table, uint64_t input, tlb_tag_t tag, struct mapping *out)
{
	struct lookup l = {.input = input, .tag = tag};
	enum lookup_step step = tree_begin((void *)table, &l);
	while (step == LOOKUP_READ) step = tree_next((void *)table, &l);
	*out = l.found;
	return step == LOOKUP_FOUND;
}

/* --- change ---------------------------------------------------------------------------------------------------- */

/* The level whose entries are the largest that fit into 2^bits bytes. */
static int level_of_leaf(const struct tree *t, unsigned bits)
{
	int level = t->site.s.start_level;
	while (level < LAST_LEVEL && entry_bits(t, level) > bits) level++;
	return level;
}

static bool tree_cuts_off(const void *table, const struct mapping *m)
{
	const struct tree *t = table;
	int level = level_of_leaf(t, m->bits);
	struct walk_pos pos = {.table = t->root, .level = t->site.s.start_level};
	while (pos.table) {
		int entries = entries_level(pos.table, pos.level);
		uint64_t word = word_at(t, entry_address(t, pos.table, pos.level, m->input));
		if (!(word & DESC_TABLE)) return false;
		if (entries >= level) return true;
		pos = (struct walk_pos){.table = word_node(word), .level = (int8_t)(entries + 1)};
	}
	return false;
}

/* From the root to the node that has the entries for leaves of `level`; creates what is missing. */
static bool descend(struct tree *t, uint64_t input, int level, struct walk_pos *pos)
{
	*pos = (struct walk_pos){.table = t->root, .level = t->site.s.start_level};
	while (entries_level(pos->table, pos->level) < level) {
		uint64_t at = entry_address(t, pos->table, pos->level, input), word = word_at(t, at), node;
		int below = entries_level(pos->table, pos->level) + 1;
		if (!(word & DESC_TABLE)) {
			if (!new_node(t, below, &node)) return false;
			word = node_word(node);
			physmem_write64(t->words, (struct pa){at}, word);
		}
		*pos = (struct walk_pos){.table = word_node(word), .level = (int8_t)below};
	}
	return true;
}

/* Writes `word` for 2^bits bytes at `input`: in merged nodes once for each entry of the lower level. */
static uint64_t write_entries(struct tree *t, const struct walk_pos *pos, uint64_t input, unsigned bits,
			      uint64_t word)
{
	unsigned low = entry_bits(t, entries_level(pos->table, pos->level));
	uint64_t count = bits > low ? UINT64_C(1) << (bits - low) : 1;
	uint64_t at = entry_address(t, pos->table, pos->level, bits_align_down(input, bits));
	for (uint64_t i = 0; i < count; i++)
		physmem_write64(t->words, (struct pa){at + (i << DESC_BYTES_BITS)}, word);
	return count;
}

static bool tree_insert(void *table, const struct mapping *m, tlb_tag_t tag)
{
	struct tree *t = table;
	struct walk_pos pos;
	int level = level_of_leaf(t, m->bits);
	unsigned bits = entry_bits(t, level);
	(void)tag;
	if (bits > m->bits || !t->root || !descend(t, m->input, level, &pos)) return false;
	uint64_t written = write_entries(t, &pos, m->input, bits,
					 leaf_word(bits_align_down(m->out, bits), bits));
	t->site.stats->inserts++;
	t->site.stats->replicas += written - 1;
	return true;
}

/* Takes the leaf around `input` out; returns the first address behind it, or behind the entry that has none. */
static uint64_t remove_one(struct tree *t, uint64_t input)
{
	struct lookup l = {.input = input};
	enum lookup_step step = tree_begin(t, &l);
	while (step == LOOKUP_READ) step = tree_next(t, &l);
	unsigned bits = entry_bits(t, entries_level(l.pos.table, l.pos.level));
	if (step == LOOKUP_FOUND) {
		bits = l.found.bits;
		write_entries(t, &l.pos, input, bits, 0);
		t->site.stats->removed++;
	}
	return bits_align_down(input, bits) + (UINT64_C(1) << bits);
}

static void tree_remove(void *table, uint64_t input, uint64_t bytes, tlb_tag_t tag)
{
	struct tree *t = table;
	(void)tag;
	for (uint64_t at = input; t->root && at - input < bytes;) at = remove_one(t, at);
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static void *make(const struct table_site *site, bool merges)
{
	struct tree *t = xcalloc(1, sizeof(*t));
	t->site = *site;
	t->merges = merges;
	t->words = physmem_new();
	if (!new_node(t, site->s.start_level, &t->root)) t->root = 0;
	return t;
}

static void *make_tree(const struct table_site *site) { return make(site, false); }
static void *make_flat_tree(const struct table_site *site) { return make(site, true); }

static void tree_free(void *table)
{
	struct tree *t = table;
	physmem_free(t->words);
	free(t);
}

const struct table_kind table_tree = {.make = make_tree,
				      .free = tree_free,
				      .begin = tree_begin,
				      .next = tree_next,
				      .find = tree_find,
				      .insert = tree_insert,
				      .remove = tree_remove,
				      .cuts_off = tree_cuts_off,
				      .positions = true};
const struct table_kind table_flat_tree = {.make = make_flat_tree,
					   .free = tree_free,
					   .begin = tree_begin,
					   .next = tree_next,
					   .find = tree_find,
					   .insert = tree_insert,
					   .remove = tree_remove,
					   .cuts_off = tree_cuts_off,
					   .positions = true};
