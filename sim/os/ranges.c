#include "os/ranges.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* A node of 4 KiB: 32 bytes a range. A directory's node: 16 bytes for the first address and the place of a node. */
enum { NODE_RANGES = 124, RANGE_BYTES = 32, DIRECTORY_ENTRIES = 256, DIRECTORY_BYTES = 16, LINE_BITS = 6 };

struct node {
	struct pa at; /* 0: memory had no page for it */
	size_t count;
	struct range range[NODE_RANGES];
};

struct ranges {
	struct node **node; /* in order; none is empty */
	size_t nodes, room;
	struct pa *directory; /* nodes of all directory levels, the lowest first */
	size_t directories, directory_room;
	size_t count;
};

/* Where a range is; of none: where it would be. */
struct place {
	size_t node, slot;
};

/* --- memory ------------------------------------------------------------------------------------------------------ */

static struct pa take_page(const struct pgtable *t)
{
	uint64_t addr;
	struct pa pa = {0};
	if (!frames_take_table(t->frames, &addr)) return pa;
	if (!t->view.resolve) return (struct pa){addr};
	return t->view.resolve(t->view.ctx, addr, &pa) ? pa : (struct pa){0};
}

/* Directory nodes of the level above so many. */
static size_t level_above(size_t nodes) { return (nodes + DIRECTORY_ENTRIES - 1) / DIRECTORY_ENTRIES; }

static void grow_directory(struct ranges *r, const struct pgtable *t)
{
	size_t need = 0;
	for (size_t n = r->nodes; n > 1;) need += n = level_above(n);
	while (r->directories < need) {
		if (r->directories == r->directory_room) {
			r->directory_room = r->directory_room ? 2 * r->directory_room : 4;
			r->directory = xrealloc(r->directory, r->directory_room, sizeof(*r->directory));
		}
		r->directory[r->directories++] = take_page(t);
	}
}

/* An empty node at place `i` of the list. */
static struct node *insert_node(struct ranges *r, const struct pgtable *t, size_t i)
{
	if (r->nodes == r->room) {
		r->room = r->room ? 2 * r->room : 4;
		r->node = xrealloc(r->node, r->room, sizeof(struct node *));
	}
	memmove(&r->node[i + 1], &r->node[i], (r->nodes - i) * sizeof(struct node *));
	r->nodes++;
	r->node[i] = xcalloc(1, sizeof(struct node));
	r->node[i]->at = take_page(t);
	grow_directory(r, t);
	return r->node[i];
}

static void remove_node(struct ranges *r, size_t i)
{
	free(r->node[i]);
	memmove(&r->node[i], &r->node[i + 1], (--r->nodes - i) * sizeof(struct node *));
}

struct ranges *ranges_new(void) { return xcalloc(1, sizeof(struct ranges)); }

void ranges_free(struct ranges *r)
{
	if (!r) return;
	for (size_t i = 0; i < r->nodes; i++) free(r->node[i]);
	free(r->node);
	free(r->directory);
	free(r);
}

/* --- order ------------------------------------------------------------------------------------------------------- */

/* The node that holds `at`, if any does: the last one that begins at or before it. */
static size_t node_of(const struct ranges *r, uint64_t at)
{
	size_t low = 0, high = r->nodes;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (r->node[middle]->range[0].first <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : 0;
}

/* The first range of a node that ends at or behind `at`, or its count. */
static size_t slot_of(const struct node *n, uint64_t at)
{
	size_t low = 0, high = n->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (n->range[middle].last < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct range *range_at(const struct ranges *r, struct place p)
{
	return p.node < r->nodes ? &r->node[p.node]->range[p.slot] : NULL;
}

/* The first range that ends at or behind `at`; range_at() is NULL where there is none. */
static struct place seek(const struct ranges *r, uint64_t at)
{
	struct place p = {node_of(r, at), 0};
	if (p.node == r->nodes) return p;
	p.slot = slot_of(r->node[p.node], at);
	return p.slot < r->node[p.node]->count ? p : (struct place){p.node + 1, 0};
}

static void remove_range(struct ranges *r, struct place p)
{
	struct node *n = r->node[p.node];
	memmove(&n->range[p.slot], &n->range[p.slot + 1], (--n->count - p.slot) * sizeof(n->range[0]));
	r->count--;
	if (!n->count) remove_node(r, p.node);
}

/* Half of a full node moves to a new one behind it. */
static void split_node(struct ranges *r, const struct pgtable *t, size_t i)
{
	struct node *half = insert_node(r, t, i + 1), *full = r->node[i];
	half->count = full->count / 2;
	full->count -= half->count;
	memcpy(half->range, &full->range[full->count], half->count * sizeof(half->range[0]));
}

static void insert_range(struct ranges *r, const struct pgtable *t, const struct range *new)
{
	if (!r->nodes) insert_node(r, t, 0);
	size_t i = node_of(r, new->first);
	if (r->node[i]->count == NODE_RANGES) {
		split_node(r, t, i);
		i = node_of(r, new->first);
	}
	struct node *n = r->node[i];
	size_t slot = slot_of(n, new->first);
	memmove(&n->range[slot + 1], &n->range[slot], (n->count++ - slot) * sizeof(n->range[0]));
	n->range[slot] = *new;
	r->count++;
}

/* --- change ------------------------------------------------------------------------------------------------------ */

/* Whether `b` continues `a`. */
static bool continues(const struct range *a, const struct range *b)
{
	return a && b && a->last + 1 == b->first && a->to + (b->first - a->first) == b->to &&
	       a->attributes == b->attributes && a->level == b->level;
}

/* Takes [first, last] out of what is there. */
static void cut(struct ranges *r, const struct pgtable *t, uint64_t first, uint64_t last)
{
	struct place p;
	struct range *found;
	while (p = seek(r, first), (found = range_at(r, p)) && found->first <= last) {
		struct range before = *found, after = *found;
		remove_range(r, p);
		before.last = first - 1;
		after.first = last + 1;
		after.to += after.first - before.first;
		if (before.first < first) insert_range(r, t, &before);
		if (after.first <= after.last && after.first > last) insert_range(r, t, &after);
	}
}

/* Adds a range where nothing is, joined with its neighbours. */
static void add(struct ranges *r, const struct pgtable *t, struct range new)
{
	struct place p;
	struct range *beside;
	if (new.first) {
		p = seek(r, new.first - 1);
		beside = range_at(r, p);
		if (continues(beside, &new)) {
			new.first = beside->first;
			new.to = beside->to;
			remove_range(r, p);
		}
	}
	p = seek(r, new.last);
	beside = range_at(r, p);
	if (continues(&new, beside)) {
		new.last = beside->last;
		remove_range(r, p);
	}
	insert_range(r, t, &new);
}

static struct range leaf_range(const struct pgtable *t, uint64_t at, const struct pgtable_slot *s)
{
	uint64_t out = pgtable_output(t, s), bytes = UINT64_C(1)
						     << level_entry_bits(t->granule_bits, s->level);
	return (struct range){.first = at,
			      .last = at + bytes - 1,
			      .to = out,
			      .attributes = s->desc ^ desc_leaf(out, t->layout, s->level),
			      .level = s->level};
}

void ranges_update(struct ranges *r, const struct pgtable *t, uint64_t from, uint64_t bytes)
{
	struct range row = {0};
	uint64_t end = from + bytes;
	bool open = false;
	cut(r, t, from, end - 1);
	for (uint64_t at = from; at < end;) {
		struct pgtable_slot s;
		if (pgtable_find(t, at, &s) != PGTABLE_OK) break;
		uint64_t leaf = bits_align_down(at, level_entry_bits(t->granule_bits, s.level));
		struct range one = {0};
		bool valid = s.desc & DESC_VALID;
		if (valid) one = leaf_range(t, leaf, &s);
		if (open && valid && continues(&row, &one)) {
			row.last = one.last;
		} else {
			if (open) add(r, t, row);
			row = one;
		}
		open = valid;
		at = leaf + (UINT64_C(1) << level_entry_bits(t->granule_bits, s.level));
	}
	if (open) add(r, t, row);
}

/* --- look-up ----------------------------------------------------------------------------------------------------- */

static void read_line(struct range_path *path, struct pa node, size_t offset)
{
	if (!node.raw || path->count == RANGE_PATH_MAX) return;
	path->at[path->count++] = (struct pa){bits_align_down(node.raw + offset, LINE_BITS)};
}

/* The lines of the directory that lead to `node`, the lowest level first. */
static void read_directory(const struct ranges *r, size_t node, struct range_path *path)
{
	size_t below = 0;
	for (size_t n = r->nodes; n > 1; n = level_above(n)) {
		size_t offset = node % DIRECTORY_ENTRIES * DIRECTORY_BYTES;
		node /= DIRECTORY_ENTRIES;
		read_line(path, r->directory[below + node], offset);
		below += level_above(n);
	}
}

bool ranges_find(const struct ranges *r, uint64_t at, struct range *out, struct range_path *path)
{
	path->count = 0;
	if (!r->nodes) return false;
	size_t i = node_of(r, at), slot = slot_of(r->node[i], at);
	struct range_path up = {.count = 0};
	read_directory(r, i, &up);
	while (up.count) path->at[path->count++] = up.at[--up.count];
	read_line(path, r->node[i]->at, slot * RANGE_BYTES);
	if (slot == r->node[i]->count || r->node[i]->range[slot].first > at) return false;
	*out = r->node[i]->range[slot];
	return true;
}

size_t ranges_count(const struct ranges *r) { return r->count; }

void ranges_check(const struct ranges *r)
{
	const struct range *before = NULL;
	size_t count = 0;
	for (size_t i = 0; i < r->nodes; i++) {
		assert(r->node[i]->count);
		for (size_t k = 0; k < r->node[i]->count; k++, count++) {
			const struct range *now = &r->node[i]->range[k];
			assert(now->first <= now->last);
			assert(!before || (before->last < now->first && !continues(before, now)));
			before = now;
		}
	}
	assert(count == r->count);
}
