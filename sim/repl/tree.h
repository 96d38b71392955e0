/* tree.h - the tree of bits of tree_plru: where it points to. */
#ifndef REPL_TREE_H
#define REPL_TREE_H

#include "base/bits.h"

/* Of the tree, of which ways that are not there may be some. */
static inline unsigned tree_leaves(unsigned ways)
{
	return ways > 1 ? 2u << (31 - __builtin_clz(ways - 1)) : 1;
}

/* Down the tree as the bits point; without branches, as nobody can predict where to. */
static inline __attribute__((always_inline)) unsigned tree_oldest(const void *set, unsigned ways)
{
	uint64_t bits = *(const uint64_t *)set;
	unsigned node = 1;
	if (is_power_of_2(ways)) {
		while (node < ways) node = 2 * node + (bits >> node & 1);
		return node - ways;
	}
	unsigned low = 0;
	for (unsigned half = tree_leaves(ways) / 2; half; half /= 2) {
		unsigned right = bits >> node & (low + half < ways);
		low += right * half;
		node = 2 * node + right;
	}
	return low;
}

#endif
