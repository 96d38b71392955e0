#include "tlb/order.h"

#include <stdlib.h>

#include "base/alloc.h"

struct tlb_order *tlb_order_new(unsigned sets, unsigned ways)
{
	if (ways < TLB_ORDER_WAYS_MIN || ways > TLB_ORDER_WAYS_MAX) return NULL;
	struct tlb_order *o = xcalloc(1, sizeof(*o));
	o->ways = ways;
	o->set = xcalloc(sets, sizeof(*o->set));
	for (unsigned set = 0; set < sets; set++) {
		for (unsigned w = 0; w < ways; w++) o->set[set].way[w] = (uint8_t)w;
		o->set[set].next = (uint8_t)ways;
	}
	return o;
}

void tlb_order_free(struct tlb_order *o)
{
	if (!o) return;
	free(o->set);
	free(o);
}

/* By insertion: the order of last time is often the one of now. */
static void sort(uint8_t *way, unsigned ways, const uint64_t *touched)
{
	uint64_t youngest = touched[way[0]];
	for (unsigned i = 1; i < ways; i++) {
		uint8_t w = way[i];
		unsigned to = i;
		if (touched[w] >= youngest) {
			youngest = touched[w];
			continue;
		}
		for (; to && touched[way[to - 1]] > touched[w]; to--) way[to] = way[to - 1];
		way[to] = w;
	}
}

unsigned tlb_order_oldest(struct tlb_order *o, unsigned set, const uint64_t *touched, uint64_t touches)
{
	struct tlb_order_set *s = &o->set[set];
	while (s->next < o->ways) {
		unsigned w = s->way[s->next++];
		if (touched[w] <= s->at) return w;
	}
	sort(s->way, o->ways, touched);
	s->at = touches;
	s->next = 1;
	return s->way[0];
}
