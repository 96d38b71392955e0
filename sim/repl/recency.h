/* recency.h - an order over the ways of one set, most recent first; zeroed memory is a valid order.
 *
 * Up to 16 ways it is a list of nibbles in one word, stored XORed with the identity so that zero means "as numbered".
 * Above, it is a doubly linked list in 16-bit links, so that a touch takes the same time for 48 ways as for 4096:
 * node 0 is the list's head, way w is node w + 1, and links of 0 mean "not in the list yet".
 */
#ifndef REPL_RECENCY_H
#define REPL_RECENCY_H

#include <stddef.h>
#include <stdint.h>

enum { RECENCY_NIBBLE_WAYS = 16 };
#define RECENCY_IDENTITY UINT64_C(0xfedcba9876543210)
#define RECENCY_ONES UINT64_C(0x1111111111111111)

struct recency_node {
	uint16_t newer, older;
};

static inline size_t recency_bytes(unsigned ways)
{
	return ways <= RECENCY_NIBBLE_WAYS ? sizeof(uint64_t) : (ways + 1) * sizeof(struct recency_node);
}

static inline void recency_nibbles_front(uint64_t *word, unsigned way)
{
	uint64_t order = *word ^ RECENCY_IDENTITY, x = order ^ way * RECENCY_ONES;
	/* The lowest nibble of x that is zero is where `way` stands; its top bit is set in `zero`. */
	uint64_t zero = (x - RECENCY_ONES) & ~x & (RECENCY_ONES << 3);
	uint64_t newer = (zero & -zero) - 1; /* all bits below it ... */
	newer >>= 3;                         /* ... without its own nibble */
	uint64_t older = ~(newer << 4 | 0xf);
	*word = ((order & older) | (order & newer) << 4 | way) ^ RECENCY_IDENTITY;
}

/* The most recent way. */
static inline unsigned recency_nibbles_first(const uint64_t *word)
{
	return *word & 0xf; /* the identity has 0 there, ... */
}

/* The least recent of `ways` ways ... */
static inline unsigned recency_nibbles_last(const uint64_t *word, unsigned ways)
{
	return (*word >> (4 * (ways - 1)) ^ (ways - 1)) & 0xf; /* ... and i in nibble i */
}

/* ... becomes the most recent: recency_nibbles_front() of it. Above the last way anything may stand. */
static inline void recency_nibbles_turn(uint64_t *word, unsigned last)
{
	*word = *word << 4 ^ (RECENCY_IDENTITY << 4 ^ RECENCY_IDENTITY) ^ last;
}

static inline void recency_list_front(struct recency_node *node, unsigned way)
{
	uint16_t me = (uint16_t)(way + 1), first = node[0].older;
	if (first == me) return;
	if (node[me].newer) {
		node[node[me].newer].older = node[me].older;
		node[node[me].older].newer = node[me].newer;
	}
	node[me] = (struct recency_node){.newer = 0, .older = first};
	node[first].newer = me; /* first == 0: an empty list; the head's "newer" is the last way */
	node[0].older = me;
}

/* Makes `way` the most recent. Doing so twice in a row is the same as once. */
static inline void recency_front(void *set, unsigned ways, unsigned way)
{
	if (ways <= RECENCY_NIBBLE_WAYS)
		recency_nibbles_front(set, way);
	else
		recency_list_front(set, way);
}

/* The least recent way; above 16 ways every way must have been to the front once. */
static inline unsigned recency_last(const void *set, unsigned ways)
{
	if (ways > RECENCY_NIBBLE_WAYS) return ((const struct recency_node *)set)[0].newer - 1u;
	return recency_nibbles_last(set, ways);
}

/* The same of the ways of `allowed`, a bit each. */
static inline unsigned recency_last_among(const void *set, unsigned ways, uint64_t allowed)
{
	if (ways > RECENCY_NIBBLE_WAYS) {
		const struct recency_node *node = set;
		unsigned at = node[0].newer;
		while (!(allowed >> (at - 1) & 1)) at = node[at].newer;
		return at - 1;
	}
	uint64_t order = *(const uint64_t *)set ^ RECENCY_IDENTITY;
	for (unsigned i = ways - 1;; i--)
		if (allowed >> (order >> (4 * i) & 0xf) & 1) return order >> (4 * i) & 0xf;
}

#endif
