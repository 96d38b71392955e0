/* Ports and banks of TLBs: when look-ups begin, against a count per bank and cycle. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "mmu_world.h"

#define AREA UINT64_C(0x123400000)
#define FRAMES UINT64_C(0x345600000)
#define NOW UINT64_C(1000)

enum { PAGES_4K = 1, L2_CYCLES = 5, PAGES = 8 };

static struct tlb_params limited(uint64_t banks, uint64_t ports, uint64_t port_cycles)
{
	return (struct tlb_params){.name = "l2",
				   .level = 2,
				   .side = SIDE_UNIFIED,
				   .entries = 64,
				   .ways = 4,
				   .pages = PAGES_4K,
				   .hit_cycles = L2_CYCLES,
				   .policy = REPL_lru,
				   .banks = banks,
				   .ports = ports,
				   .port_cycles = port_cycles};
}

struct shape {
	uint64_t banks, ports, port_cycles;
};
static struct shape shapes[] = {{1, 1, 1}, {1, 2, 1}, {4, 1, 1}, {2, 3, 1}, {1, 1, 5}, {4, 2, 7}};

ParameterizedTestParameters(ports, look_ups_at_once_begin_as_ports_come_free)
{
	return cr_make_param_array(struct shape, shapes, sizeof(shapes) / sizeof(shapes[0]));
}

ParameterizedTest(struct shape *s, ports, look_ups_at_once_begin_as_ports_come_free)
{
	struct tlb_params p = limited(s->banks, s->ports, s->port_cycles);
	struct tlb_ports *ports = tlb_ports_new(&p);
	for (uint64_t i = 0; i < 4 * s->banks * s->ports; i++) {
		uint64_t turn = i / s->banks / s->ports;
		cr_expect(eq(u64, tlb_ports_reserve(ports, i << 12, NOW), NOW + turn * s->port_cycles));
	}
	tlb_ports_free(ports);
}

/* The first cycle at which `used` leaves room for `cycles` in a row; which are taken. */
static cycles_t naive(uint8_t *used, cycles_t now, const struct shape *s)
{
	for (cycles_t begin = now;; begin++) {
		bool room = true;
		for (cycles_t i = 0; i < s->port_cycles; i++) room &= used[begin + i] < s->ports;
		if (!room) continue;
		for (cycles_t i = 0; i < s->port_cycles; i++) used[begin + i]++;
		return begin;
	}
}

ParameterizedTestParameters(ports, never_more_look_ups_of_a_bank_than_ports)
{
	return cr_make_param_array(struct shape, shapes, sizeof(shapes) / sizeof(shapes[0]));
}

/* In any order of time that stays within the slots. */
ParameterizedTest(struct shape *s, ports, never_more_look_ups_of_a_bank_than_ports)
{
	enum { LOOK_UPS = 2000, SPREAD = 40, CYCLES = 60000 };
	static uint8_t used[4][CYCLES];
	struct tlb_params p = limited(s->banks, s->ports, s->port_cycles);
	struct tlb_ports *ports = tlb_ports_new(&p);
	struct rng r;
	uint64_t waited = 0;
	memset(used, 0, sizeof(used));
	rng_init(&r, 1, "ports");
	for (uint64_t i = 0; i < LOOK_UPS; i++) {
		uint64_t va = rng_below(&r, 16) << 12 | rng_below(&r, 4096);
		cycles_t now = SPREAD + i * 2 * s->port_cycles - rng_below(&r, SPREAD);
		cycles_t begin = tlb_ports_reserve(ports, va, now);
		cr_assert(eq(u64, begin, naive(used[(va >> 12) % s->banks], now, s)));
		waited += begin - now;
	}
	if (s->banks * s->ports == 1) cr_expect(ne(u64, waited, 0), "or nothing was tested");
	tlb_ports_free(ports);
}

Test(ports, what_is_long_past_is_free)
{
	struct tlb_params p = limited(1, 1, 1);
	struct tlb_ports *ports = tlb_ports_new(&p);
	tlb_ports_reserve(ports, 0, NOW);
	tlb_ports_reserve(ports, 0, NOW + TLB_PORT_SLOTS);
	cr_expect(eq(u64, tlb_ports_reserve(ports, 0, NOW), NOW));
	cr_expect(eq(u64, tlb_ports_reserve(ports, 0, NOW + TLB_PORT_SLOTS), NOW + TLB_PORT_SLOTS + 1));
	tlb_ports_free(ports);
}

static void open_world(struct mmu_world *w, uint64_t ports)
{
	struct mmu_setup s = {.user = {12, 48, 0}, .kernel = {12, 48, 0}, .stage2 = {12, 40, 1}};
	struct tlb_params tlb[2] = {limited(1, 0, 1), limited(1, ports, 1)};
	struct param_list list = {tlb, 2};
	struct walker_params walker = {.walkers = 1, .first_cache = 1};
	tlb[0].name = "l1";
	tlb[0].level = 1;
	tlb[0].entries = tlb[0].ways = 1;
	tlb[0].hit_cycles = 0;
	mmu_world_init(w, &s);
	for (uint64_t i = 0; i < PAGES; i++)
		mmu_world_map_page(w, 0, 0, AREA + (i << 12), FRAMES + (i << 12));
	mmu_world_machine(w, &list, &walker, NULL);
	mmu_world_switch(w, 0, 0, 0, false);
	struct mmu_done done;
	for (uint64_t i = 0; i < PAGES; i++)
		cr_assert(mmu_translate(w->mmu, AREA + (i << 12), ACCESS_READ, 1, 0, &done));
}

Test(ports, hits_of_the_second_level_at_one_cycle_wait_for_each_other)
{
	for (uint64_t limit = 0; limit <= 2; limit++) {
		struct mmu_world w;
		open_world(&w, limit);
		struct tlb *l2 = w.mmu->level[1][1];
		l2->stats = (struct tlb_stats){0};
		for (uint64_t i = 0; i < PAGES; i++) {
			struct mmu_done done;
			struct translation t;
			cr_assert(mmu_translate(w.mmu, AREA + (i << 12), ACCESS_READ, 1, 1 << 20, &done));
			mmu_world_expect(&w, AREA + (i << 12), ACCESS_READ, &t);
			cr_expect(eq(u64, done.pa, t.pa.raw), "ports change time alone");
			uint64_t waits = limit ? i / limit : 0;
			cr_expect(eq(u64, done.cycle, (1 << 20) + L2_CYCLES + waits));
		}
		cr_expect(eq(u64, l2->stats.hits, PAGES));
		cr_expect(eq(u64, l2->stats.port_conflicts, limit ? PAGES - limit : 0));
		cr_expect(eq(u64, l2->stats.port_wait_cycles, limit == 0 ? 0 : limit == 1 ? 28 : 12));
		mmu_world_fini(&w);
	}
}

Test(ports, of_the_first_level_are_refused_and_banks_are_a_power_of_two)
{
	struct tlb_params p = limited(1, 2, 1);
	struct tlb *t = NULL;
	struct err err;
	p.level = 1;
	cr_expect(eq(int, tlb_new(&p, &t, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, "tlbs.l2.ports"), NULL));
	p = limited(3, 2, 1);
	cr_expect(eq(int, tlb_new(&p, &t, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, "tlbs.l2.banks: 3"), NULL));
}
