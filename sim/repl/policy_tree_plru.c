/* Tree pseudo-LRU: each inner node of a binary tree over the ways has a bit that points to the half used less recently.
 *
 * Node 1 is the root, node n has the children 2n and 2n + 1, and bit n is set when the right child is the older half. A way
 * is a leaf; a touch points all nodes above it away from it. Which bits those are stands in a table, by the leaf's number.
 * Associativities that are not a power of two use the tree of the next one and skip the missing right halves.
 */
#include "repl/repl.h"
#include "repl/tree.h"

enum { MAX_WAYS = 64 };

/* Of leaf i: the node k levels above it, as a bit, and that bit again if the way to the leaf goes left there. */
#define ABOVE(i, k) ((i) >> (k) ? UINT64_C(1) << ((i) >> (k)) : 0)
#define AWAY(i, k) ((i) >> ((k)-1) & 1 ? 0 : ABOVE(i, k))
#define LEAF(i) \
	{ABOVE(i, 1) | ABOVE(i, 2) | ABOVE(i, 3) | ABOVE(i, 4) | ABOVE(i, 5) | ABOVE(i, 6), \
	 AWAY(i, 1) | AWAY(i, 2) | AWAY(i, 3) | AWAY(i, 4) | AWAY(i, 5) | AWAY(i, 6)},
#define LEAVES_4(i) LEAF(i) LEAF((i) + 1) LEAF((i) + 2) LEAF((i) + 3)
#define LEAVES_16(i) LEAVES_4(i) LEAVES_4((i) + 4) LEAVES_4((i) + 8) LEAVES_4((i) + 12)

static const struct {
	uint64_t nodes, away;
} leaf_row[2 * MAX_WAYS] = {LEAVES_16(0) LEAVES_16(16) LEAVES_16(32) LEAVES_16(48) LEAVES_16(64) LEAVES_16(80)
				    LEAVES_16(96) LEAVES_16(112)};

static size_t tree_plru_state_bytes(unsigned ways) { return (void)ways, sizeof(uint64_t); }

static inline void tree_plru_touch(void *set, unsigned ways, unsigned way)
{
	unsigned leaf = tree_leaves(ways) + way;
	uint64_t *bits = set;
	*bits = (*bits & ~leaf_row[leaf].nodes) | leaf_row[leaf].away;
}

static bool tree_plru_touch_mask(unsigned ways, unsigned way, struct repl_mask *out)
{
	unsigned leaf = tree_leaves(ways) + way;
	*out = (struct repl_mask){~leaf_row[leaf].nodes, leaf_row[leaf].away};
	return true;
}

static unsigned tree_plru_victim(void *set, unsigned ways) { return tree_oldest(set, ways); }

#define TREE_OF(n) \
	static unsigned tree_plru_victim_##n(void *set, unsigned ways) \
	{ \
		return (void)ways, tree_oldest(set, n); \
	}
TREE_OF(2)
TREE_OF(4)
TREE_OF(8)
TREE_OF(16)

static repl_victim_fn *tree_plru_victim_of(unsigned ways)
{
	switch (ways) {
	case 2: return tree_plru_victim_2;
	case 4: return tree_plru_victim_4;
	case 8: return tree_plru_victim_8;
	case 16: return tree_plru_victim_16;
	default: return NULL;
	}
}

/* As the bits point, but never into a half without an allowed way. */
static unsigned tree_plru_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	uint64_t bits = *(const uint64_t *)set;
	unsigned half = tree_leaves(ways) / 2, low = 0;
	for (unsigned node = 1; half; half /= 2) {
		bool has_left = allowed >> low & bits_ones(half),
		     has_right = allowed >> (low + half) & bits_ones(half);
		unsigned right = has_right && (!has_left || (bits >> node & 1));
		low += right * half;
		node = 2 * node + right;
	}
	return low;
}

const struct repl_policy repl_tree_plru = {
	.name = "tree_plru",
	.source = "Al-Zoubi, Milenkovic, Milenkovic, ACM-SE 2004",
	.max_ways = MAX_WAYS,
	.state_bytes = tree_plru_state_bytes,
	.touch = tree_plru_touch,
	.touch_mask = tree_plru_touch_mask,
	.fill = tree_plru_touch,
	.victim = tree_plru_victim,
	.victim_of = tree_plru_victim_of,
	.victim_among = tree_plru_victim_among,
};
