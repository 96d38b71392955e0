#include "tlb/order.h"

#include <stdlib.h>

#include "base/alloc.h"

struct tlb_order *tlb_order_new(unsigned sets, unsigned ways)
{
	if (ways < TLB_ORDER_WAYS_MIN) return NULL;
	struct tlb_order *o = xcalloc(1, sizeof(*o));
	o->ways = ways;
	o->way = xcalloc((size_t)sets * ways, sizeof(*o->way));
	o->next = xcalloc(sets, sizeof(*o->next));
	o->at = xcalloc(sets, sizeof(*o->at));
	for (unsigned set = 0; set < sets; set++) {
		for (unsigned w = 0; w < ways; w++) o->way[(size_t)set * ways + w] = (uint8_t)w;
		o->next[set] = (uint8_t)ways;
	}
	return o;
}

void tlb_order_free(struct tlb_order *o)
{
	if (!o) return;
	free(o->way);
	free(o->next);
	free(o->at);
	free(o);
}

/* By insertion: the order of last time is often nearly the one of now. */
static void sort(uint8_t *way, unsigned ways, const uint64_t *touched)
{
	for (unsigned i = 1; i < ways; i++) {
		uint8_t w = way[i];
		unsigned to = i;
		for (; to && touched[way[to - 1]] > touched[w]; to--) way[to] = way[to - 1];
		way[to] = w;
	}
}

unsigned tlb_order_oldest(struct tlb_order *o, unsigned set, const uint64_t *touched, uint64_t touches)
{
	uint8_t *way = &o->way[(size_t)set * o->ways];
	while (o->next[set] < o->ways) {
		unsigned w = way[o->next[set]++];
		if (touched[w] <= o->at[set]) return w;
	}
	sort(way, o->ways, touched);
	o->at[set] = touches;
	o->next[set] = 1;
	return way[0];
}
