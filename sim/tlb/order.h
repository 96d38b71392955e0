/* order.h - the ways of wide sets by the number of their last touch, so that finding the oldest need not look at all of them.
 *
 *   tlb_order_oldest: the way with the smallest number
 * A set is sorted once, and its ways then go one after the other; one that was touched since is skipped, as it has become younger than all
 * that are still in line. Where misses follow each other closely, as in random accesses, sorting pays for as many
 * evictions as there are ways. Where many touches lie between two evictions it does not, and tlb_order_pays() says so.
 */
#ifndef TLB_ORDER_H
#define TLB_ORDER_H

#include <stdbool.h>
#include <stdint.h>

enum { TLB_ORDER_WAYS_MIN = 12, TLB_ORDER_TOUCHES_MAX = 6 };

struct tlb_order {
	unsigned ways;
	uint8_t *way;    /* by set, oldest first */
	uint8_t *next;   /* by set: how many have gone */
	uint64_t *at;    /* by set: the latest number when it was sorted */
	uint64_t chosen; /* the latest number when a victim was last chosen */
};

/* NULL where sets are so narrow that looking at all ways is faster. */
struct tlb_order *tlb_order_new(unsigned sets, unsigned ways);
void tlb_order_free(struct tlb_order *o);

/* Whether the next victim should be asked for here; `touches` is the latest number. */
static inline bool tlb_order_pays(struct tlb_order *o, uint64_t touches)
{
	bool pays = touches - o->chosen <= TLB_ORDER_TOUCHES_MAX;
	o->chosen = touches;
	return pays;
}

/* The way with the smallest number in `touched` [0..ways-1], those of set `set`; no number but 0 is there twice. O(1) amortized, O(ways^2) at worst. */
unsigned tlb_order_oldest(struct tlb_order *o, unsigned set, const uint64_t *touched, uint64_t touches);

#endif
