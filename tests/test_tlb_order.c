/* The oldest way of a wide set, against a look at all of them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "tlb/order.h"

enum { SETS = 3, WAYS_MAX = 64 };

static unsigned scan(const uint64_t *touched, unsigned ways)
{
	unsigned oldest = 0;
	for (unsigned w = 1; w < ways; w++)
		if (touched[w] < touched[oldest]) oldest = w;
	return oldest;
}

struct mix {
	unsigned ways, touches; /* between two evictions, at most */
};
static struct mix mixes[] = {{12, 0}, {48, 0}, {48, 1}, {48, 3}, {64, 200}, {17, 40}};

ParameterizedTestParameters(tlb_order, the_oldest_is_that_of_a_scan)
{
	return cr_make_param_array(struct mix, mixes, sizeof(mixes) / sizeof(mixes[0]));
}

ParameterizedTest(struct mix *p, tlb_order, the_oldest_is_that_of_a_scan)
{
	struct tlb_order *o = tlb_order_new(SETS, p->ways);
	uint64_t touched[SETS][WAYS_MAX] = {{0}}, touches = 0;
	struct rng r;
	rng_init(&r, 1, "tlb_order");
	for (unsigned set = 0; set < SETS; set++)
		for (unsigned w = 0; w < p->ways; w++) touched[set][w] = ++touches;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned set = (unsigned)rng_below(&r, SETS);
		for (uint64_t n = rng_below(&r, p->touches + 1); n; n--)
			touched[set][rng_below(&r, p->ways)] = ++touches;
		unsigned victim = tlb_order_oldest(o, set, touched[set], touches);
		cr_assert(eq(uint, victim, scan(touched[set], p->ways)));
		touched[set][victim] = ++touches;
	}
	tlb_order_free(o);
}

Test(tlb_order, narrow_sets_are_looked_through)
{
	cr_expect(eq(ptr, tlb_order_new(1, TLB_ORDER_WAYS_MIN - 1), NULL));
}

Test(tlb_order, many_touches_between_evictions_do_not_pay)
{
	struct tlb_order *o = tlb_order_new(1, 48);
	cr_expect(not(tlb_order_pays(o, 100)));
	cr_expect(tlb_order_pays(o, 100 + TLB_ORDER_TOUCHES_MAX));
	cr_expect(not(tlb_order_pays(o, 101 + 2 * TLB_ORDER_TOUCHES_MAX)));
	tlb_order_free(o);
}
