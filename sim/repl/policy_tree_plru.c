/* Tree pseudo-LRU: each inner node of a binary tree over the ways has a bit that points to the half used less recently.
 *
 * Associativities that are not a power of two use the tree of the next one and skip the missing right halves.
 */
#include "repl/repl.h"

enum { MAX_WAYS = 64 };

static size_t tree_plru_state_bytes(unsigned ways)
{
	(void)ways;
	return sizeof(uint64_t);
}

/* Node 1 is the root; node n has children 2n and 2n+1; bit n set: the right child is the older half. */
static inline unsigned leaves(unsigned ways) { return ways > 1 ? 2u << (31 - __builtin_clz(ways - 1)) : 1; }

static inline void tree_plru_touch(void *set, unsigned ways, unsigned way)
{
	uint64_t bits = *(uint64_t *)set;
	for (unsigned node = leaves(ways) + way; node > 1; node /= 2) {
		uint64_t from_left = ~node & 1; /* then the right half is older now */
		bits = (bits & ~(UINT64_C(1) << (node / 2))) | from_left << (node / 2);
	}
	*(uint64_t *)set = bits;
}

static unsigned tree_plru_victim(void *set, unsigned ways)
{
	uint64_t bits = *(const uint64_t *)set;
	unsigned half = leaves(ways) / 2, low = 0;
	for (unsigned node = 1; half; half /= 2) {
		unsigned right = (bits >> node & 1) && low + half < ways;
		low += right ? half : 0;
		node = 2 * node + right;
	}
	return low;
}

REPL_TOUCH_ALL(tree_plru)

const struct repl_policy repl_tree_plru = {
	.name = "tree_plru",
	.source = "Al-Zoubi, Milenkovic, Milenkovic, ACM-SE 2004",
	.max_ways = MAX_WAYS,
	.state_bytes = tree_plru_state_bytes,
	.touch = tree_plru_touch,
	.touch_all = tree_plru_touch_all,
	.fill = tree_plru_touch,
	.victim = tree_plru_victim,
};
