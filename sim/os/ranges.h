/* ranges.h - a range table: what a tree maps, as ranges of any length that are contiguous on both sides.
 *
 *   ranges_update: (tree, addresses) after its leaves have changed      ranges_find: address -> range, and what was read for it
 *
 * A range is a row of leaves of one size and with equal attributes, whose output addresses continue; it grows and splits as leaves
 * come and go. Ranges stand in order of address in nodes of 4 KiB, and nodes are found by a directory, as in a B+ tree whose
 * upper levels hold the first address of each node; all stand in memory of the tree's region, so that looking up a range reads
 * one line per level.
 * Source: Karakostas et al., "Redundant Memory Mappings for Fast Access to Large Memories", ISCA 2015 (4.2: the range table
 * is a B-tree of 124 ranges per node, which the kernel keeps beside the page table).
 * Not modelled: the time that the kernel takes to keep it; more than one line per node; leaves of level 1 and above.
 */
#ifndef OS_RANGES_H
#define OS_RANGES_H

#include "os/pgtable.h"

struct range {
	uint64_t first, last; /* addresses, the last one included */
	uint64_t to;          /* where the first goes */
	uint64_t attributes;  /* of the leaf descriptors, without the address */
	int level;
};

enum { RANGE_PATH_MAX = 8 };

/* PAs of the lines that were read to find a range, from the root on. */
struct range_path {
	struct pa at[RANGE_PATH_MAX];
	unsigned count;
};

struct ranges;

struct ranges *ranges_new(void);
void ranges_free(struct ranges *r); /* NULL is allowed */
/* Leaves of `t` within [from, from + bytes) have changed, or have been split out of blocks there: reads them again. O(leaves). */
void ranges_update(struct ranges *r, const struct pgtable *t, uint64_t from, uint64_t bytes);
/* The range that holds `at`; false: none does. *path is what a look-up reads either way. */
bool ranges_find(const struct ranges *r, uint64_t at, struct range *out, struct range_path *path);
size_t ranges_count(const struct ranges *r);
/* Asserts what must always hold: order, no overlap, nothing left to merge. For tests. */
void ranges_check(const struct ranges *r);

#endif
