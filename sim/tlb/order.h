/* order.h - the ways of wide sets by the number of their last touch, so that finding the oldest need not look at all of them.
 *
 *   tlb_order_knows, tlb_order_take: the way with the smallest number where it is the next in line
 *   tlb_order_oldest: wherever it is
 * A set is sorted once, and its ways then go one after the other; one that was touched since is skipped, as it has become younger than all
 * that are still in line. Where misses follow each other closely, as in random accesses, sorting pays for as many
 * evictions as there are ways. Where many touches lie between two evictions it does not, and tlb_order_pays() says so.
 */
#ifndef TLB_ORDER_H
#define TLB_ORDER_H

#include <stdbool.h>
#include <stdint.h>

enum { TLB_ORDER_WAYS_MIN = 12, TLB_ORDER_WAYS_MAX = 64, TLB_ORDER_TOUCHES_MAX = 6 };

struct tlb_order_set {
	uint64_t at;                         /* the latest number when it was sorted */
	uint8_t next;                        /* how many have gone */
	uint8_t way[TLB_ORDER_WAYS_MAX + 1]; /* oldest first; one more that is never the oldest */
};

struct tlb_order {
	unsigned ways;
	uint64_t chosen; /* the latest number when a victim was last chosen */
	struct tlb_order_set *set;
};

/* NULL where sets are so narrow that looking at all ways is faster, or have more than TLB_ORDER_WAYS_MAX ways. */
struct tlb_order *tlb_order_new(unsigned sets, unsigned ways);
void tlb_order_free(struct tlb_order *o);

/* Whether the next victim should be asked for here; `touches` is the latest number. */
static inline bool tlb_order_pays(struct tlb_order *o, uint64_t touches)
{
	bool pays = touches - o->chosen <= TLB_ORDER_TOUCHES_MAX;
	o->chosen = touches;
	return pays;
}

/* Whether the way with the smallest number in `touched` [0..ways-1], those of set `set`, is known without a search; *way is it, then. Changes nothing. */
static inline bool tlb_order_knows(const struct tlb_order *o, unsigned set, const uint64_t *touched,
				   unsigned *way)
{
	const struct tlb_order_set *s = &o->set[set];
	*way = s->way[s->next];
	return s->next < o->ways && touched[*way] <= s->at;
}

/* The way that tlb_order_knows() gave goes; `touches` is the latest number. */
static inline void tlb_order_take(struct tlb_order *o, unsigned set, uint64_t touches)
{
	o->set[set].next++;
	o->chosen = touches;
}

/* The way with the smallest number, which goes; no number but 0 is there twice. O(1) amortized, O(ways^2) at worst. */
unsigned tlb_order_oldest(struct tlb_order *o, unsigned set, const uint64_t *touched, uint64_t touches);

#endif
