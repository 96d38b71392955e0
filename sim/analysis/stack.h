/* stack.h - LRU stack distances: how many different pages were used since a page was used last, itself included.
 *
 *   lru_stack_access(stack, page) -> distance; a set of at least so many ways hits, a smaller one misses
 * The top of the stack is a short list that is searched and shifted; most accesses end there. All pages below are bits
 * in a line of time, one per page, at the place where it left the top; its distance is the number of bits set behind
 * its own, counted by words and by sums over 8 and 512 words. When the line is full it is closed up, at a cost that
 * its length has paid for. Time per access: O(log) in practice, memory: about 8 bytes per page.
 * Source: Mattson, Gecsei, Slutz, Traiger, IBM Systems Journal 9(2), 1970; bits in a line of time: Bennett, Kruskal,
 * IBM J. R&D 19(4), 1975.
 */
#ifndef ANALYSIS_STACK_H
#define ANALYSIS_STACK_H

#include <stddef.h>

#include "analysis/page_ids.h"

enum { STACK_TOP = 8 };
#define STACK_NEVER UINT32_MAX

/* The pages below the top, oldest first. Slots from `head` on are free. */
struct timeline {
	uint32_t head, slots, live;
	uint32_t *id_at;  /* of each slot */
	uint64_t *bits;   /* slot holds a page */
	uint32_t *sum[2]; /* bits set per 8 words, and per 512 words */
};

struct lru_stack {               /* of one set; start it with lru_stack_init */
	uint64_t top[STACK_TOP]; /* page + 1, the most recent first; 0: none */
	uint32_t top_id[STACK_TOP];
	struct timeline below;
};

/* What the stacks of one curve share: every page is in one set only. */
struct stack_pages {
	struct page_ids *ids; /* borrowed; may serve several curves */
	uint32_t *slot;       /* by page id: where in its set's line of time; STACK_NEVER: not seen */
	size_t cap;
};

void lru_stack_init(struct lru_stack *s);
void lru_stack_free(struct lru_stack *s);
/* The distance, from 1, or 0 for a page never seen before; the page is on top afterwards. */
uint32_t lru_stack_access(struct lru_stack *s, struct stack_pages *pages, uint64_t page);

#endif
