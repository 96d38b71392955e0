/* True LRU: the way untouched for longest goes.
 *
 * A doubly linked list over the ways, most recent first, in 16-bit links: a touch and a choice of victim take the
 * same time for 4 ways as for 2048. Link 0 is the list's head; way w is node w + 1; 0 0 means "not in the list yet".
 */
#include "repl/repl.h"

struct node {
	uint16_t newer, older;
};

static size_t lru_state_bytes(unsigned ways) { return (ways + 1) * sizeof(struct node); }

static inline void lru_touch(void *set, unsigned ways, unsigned way)
{
	(void)ways;
	struct node *node = set;
	uint16_t me = (uint16_t)(way + 1), first = node[0].older;
	if (first == me) return; /* touching the most recent way changes nothing */
	if (node[me].newer) {    /* take it out of its place */
		node[node[me].newer].older = node[me].older;
		node[node[me].older].newer = node[me].newer;
	}
	node[me] = (struct node){.newer = 0, .older = first};
	node[first].newer = me; /* first == 0: the head's "newer" is the least recent way */
	node[0].older = me;
}

static unsigned lru_victim(void *set, unsigned ways)
{
	(void)ways;
	const struct node *node = set;
	return node[0].newer - 1u;
}

REPL_TOUCH_ALL(lru)

const struct repl_policy repl_lru = {
	.name = "lru",
	.source = "Mattson, Gecsei, Slutz, Traiger, IBM Systems Journal 9(2), 1970",
	.max_ways = 65534,
	.state_bytes = lru_state_bytes,
	.touch = lru_touch,
	.touch_all = lru_touch_all,
	.fill = lru_touch,
	.victim = lru_victim,
};
