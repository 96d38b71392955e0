/* MPAM: labels, cache portions and capacity, shares of bandwidth, monitors, and settings while time goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "mem/bandwidth.h"
#include "mem/cache_mpam.h"
#include "mem/mem.h"

/* --- a cache of 4 ways in 4 portions, 8 sets, below a first level of 2 lines ------------------------------------------ */

enum { L1 = 4, LLC = 20, DRAM = 100, SETS = 8, SETTINGS_MAX = 16 };
static const uint64_t base = 0x80000000;

struct world {
	struct cache_params cache[2];
	struct node_params node;
	struct memory_params memory;
	struct param_list caches;
	struct mpam_label_params label[3];
	struct mpam_setting setting[SETTINGS_MAX];
	struct mpam_params mpam;
	struct mem_side *mem;
	struct mem_cpu cpu;
};

static struct cache_params cache_of(const char *name, uint64_t level, uint64_t size, uint64_t ways,
				    uint64_t cycles)
{
	return (struct cache_params){.name = name,
				     .level = level,
				     .side = CACHE_UNIFIED,
				     .size = size,
				     .ways = ways,
				     .line = 64,
				     .hit_cycles = cycles,
				     .mshrs = 16,
				     .policy = REPL_lru,
				     .write_back = 1,
				     .write_allocate = 1};
}

/* Labels PARTID 1, 2 and 3; PARTID 1 and 2 have PMG 0. */
static void describe(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->cache[0] = cache_of("l1", 1, 128, 1, L1);
	w->cache[1] = cache_of("llc", 2, (uint64_t)4 * SETS * 64, 4, LLC);
	w->cache[1].mpam_portions = 4;
	w->caches = (struct param_list){w->cache, 2};
	w->node = (struct node_params){"ddr", 1 << 24, DRAM, 10000};
	w->memory = (struct memory_params){.base = base, .nodes = {&w->node, 1}, .mpam = 1};
	for (unsigned i = 0; i < 3; i++) w->label[i] = (struct mpam_label_params){"", i + 1, i == 2};
	w->mpam.labels = (struct param_list){w->label, 3};
	w->mpam.settings = (struct param_list){w->setting, 0};
}

static void set_at(struct world *w, cycles_t at, uint64_t partid, enum mpam_control control, uint64_t value)
{
	w->setting[w->mpam.settings.count++] = (struct mpam_setting){
		.at_cycle = at, .partid = partid, .msc = "", .control = control, .value = value};
}

static void set(struct world *w, uint64_t partid, enum mpam_control control, uint64_t value)
{
	set_at(w, 0, partid, control, value);
}

static enum status try_build(struct world *w, struct err *err)
{
	TRY(mem_new(&w->memory, &w->caches, 1000, &w->mem, err));
	TRY(mem_use_mpam(w->mem, &w->mpam, err));
	return mem_cpu_init(&w->cpu, w->mem, 0, err);
}

static void build(struct world *w)
{
	struct err err = {0};
	cr_assert(eq(int, try_build(w, &err), OK), "%s", err.text);
}

static void close_world(struct world *w)
{
	struct err err;
	cr_expect(eq(int, mem_check_sums(w->mem, &err), OK), "%s", err.text);
	for (unsigned i = 0; i < w->cpu.owned_count; i++) cache_check(w->cpu.owned[i]);
	mem_cpu_fini(&w->cpu);
	mem_free(w->mem);
}

/* Which level serves an access of `partid` to line n of memory. */
static unsigned access_at(struct world *w, uint64_t partid, uint64_t n, enum access_kind kind, cycles_t now)
{
	unsigned served;
	struct mem_req r = {
		.pa = {base + 64 * n}, .kind = (uint8_t)kind, .partid = (uint16_t)partid, .pmg = partid == 3};
	mem_access(&w->cpu.data, &r, now, 0, &served);
	return served;
}

static unsigned load(struct world *w, uint64_t partid, uint64_t n)
{
	return access_at(w, partid, n, ACCESS_READ, 0);
}

static struct cache *llc(struct world *w) { return w->cpu.data.level[1]; }

/* Whether the last level has line n; looks past the first, which holds two lines. */
static bool holds(struct world *w, uint64_t n) { return cache_holds(llc(w), (base >> 6) + n); }

static const struct cache_mpam_stats *counted(struct world *w) { return &llc(w)->mpam->stats; }
static unsigned monitor(const struct world *w, uint64_t partid)
{
	return llc((struct world *)(uintptr_t)w)->mpam->msc.mpam->monitor_of[partid][partid == 3];
}
static uint64_t held(struct world *w, uint64_t partid) { return counted(w)->csu_lines[monitor(w, partid)]; }

/* Lines of one set of the last level. */
static uint64_t in_set(uint64_t set, uint64_t i) { return set + SETS * i; }

Test(mpam, a_partid_allocates_within_its_portions_only)
{
	struct world w;
	describe(&w);
	set(&w, 1, MPAM_cpbm, 0x3);
	set(&w, 2, MPAM_cpbm, 0xc);
	build(&w);
	for (uint64_t i = 0; i < 6; i++) load(&w, 1, in_set(0, i));
	cr_expect(eq(u64, held(&w, 1), 2), "two portions of one way each");
	for (uint64_t i = 10; i < 20; i++) load(&w, 2, in_set(0, i));
	cr_expect(eq(u64, held(&w, 2), 2));
	cr_expect(eq(int, holds(&w, in_set(0, 4)), 1), "what another streams through does not push it out");
	cr_expect(eq(int, holds(&w, in_set(0, 5)), 1));
	cr_expect(eq(int, holds(&w, in_set(0, 18)), 1));
	cr_expect(eq(int, holds(&w, in_set(0, 19)), 1));
	close_world(&w);
}

Test(mpam, a_partid_finds_lines_in_every_portion)
{
	struct world w;
	describe(&w);
	set(&w, 1, MPAM_cpbm, 0x1);
	set(&w, 2, MPAM_cpbm, 0x8);
	build(&w);
	load(&w, 1, 0);
	load(&w, 1, 2), load(&w, 1, 4); /* out of the first level */
	cr_expect(eq(u32, load(&w, 2, 0), 1));
	cr_expect(eq(u64, held(&w, 1), 3), "and its owner stays");
	cr_expect(eq(u64, held(&w, 2), 0));
	close_world(&w);
}

Test(mpam, without_a_portion_lines_pass_by_and_writes_reach_memory)
{
	struct world w;
	describe(&w);
	set(&w, 2, MPAM_cpbm, 0);
	build(&w);
	access_at(&w, 2, 0, ACCESS_WRITE, 0);
	cr_expect(eq(int, holds(&w, 0), 0));
	cr_expect(eq(u64, counted(&w)->refused[monitor(&w, 2)], 1));
	cr_expect(eq(u32, load(&w, 2, 0), 0), "the first level has it");
	load(&w, 2, 2), load(&w, 2, 4);
	unsigned nodes;
	cr_expect(eq(u64, mem_nodes(w.mem, &nodes)->stats.writes, 1),
		  "the written line left the first level");
	close_world(&w);
}

Test(mpam, capacity_never_exceeds_cmax_and_own_lines_are_replaced)
{
	struct world w;
	describe(&w);
	set(&w, 1, MPAM_cmax, 25);
	build(&w);
	for (uint64_t i = 0; i < 200; i++) {
		load(&w, 1, i * 7);
		cr_assert(le(u64, held(&w, 1), SETS), "a quarter of %d lines", 4 * SETS);
	}
	cr_expect(eq(u64, held(&w, 1), SETS));
	for (uint64_t i = 0; i < 3; i++) load(&w, 2, in_set(3, 1000 + i)); /* the other ways of the set */
	for (uint64_t i = 0; i < 50; i++) load(&w, 1, in_set(3, i));
	cr_expect(eq(u64, held(&w, 2), 3), "not those of others");
	load(&w, 2, in_set(3, 1003)), load(&w, 2, in_set(3, 1004));
	for (uint64_t i = 0; i < 50; i++) load(&w, 1, in_set(3, i));
	cr_expect(eq(u64, held(&w, 1), SETS), "one that lost a line may take another");
	close_world(&w);
}

Test(mpam, at_cmax_a_set_without_own_lines_takes_none_but_a_soft_limit_fills_what_is_empty)
{
	for (unsigned soft = 0; soft < 2; soft++) {
		struct world w;
		describe(&w);
		set(&w, 1, MPAM_cmax, 4); /* of 32 lines: 1 */
		set(&w, 1, MPAM_cmax_soft, soft);
		build(&w);
		load(&w, 1, in_set(0, 0));
		for (uint64_t i = 0; i < 6; i++) load(&w, 1, in_set(1, i));
		cr_expect(eq(u64, held(&w, 1), soft ? 5 : 1), "soft %u", soft);
		close_world(&w);
	}
}

Test(mpam, lines_within_cmin_are_spared_while_there_are_others)
{
	struct world w;
	describe(&w);
	set(&w, 1, MPAM_cmin, 50);
	build(&w);
	load(&w, 1, in_set(0, 0)), load(&w, 1, in_set(0, 1));
	for (uint64_t i = 10; i < 30; i++) load(&w, 2, in_set(0, i));
	cr_expect(eq(int, holds(&w, in_set(0, 0)), 1));
	cr_expect(eq(int, holds(&w, in_set(0, 1)), 1));
	for (uint64_t i = 2; i < 4; i++) load(&w, 1, in_set(0, i));
	load(&w, 2, in_set(0, 40));
	cr_expect(eq(int, holds(&w, in_set(0, 40)), 1), "of nothing else, the least recent goes");
	close_world(&w);
}

Test(mpam, an_inclusive_cache_takes_lines_beyond_cmax_and_refuses_a_map_without_portions)
{
	struct world w;
	struct err err = {0};
	describe(&w);
	w.cache[1].inclusion = INCL_INCLUSIVE;
	set(&w, 1, MPAM_cmax, 4);
	build(&w);
	load(&w, 1, in_set(0, 0)), load(&w, 1, in_set(1, 0));
	cr_expect(eq(int, holds(&w, in_set(1, 0)), 1));
	close_world(&w);
	describe(&w);
	w.cache[1].inclusion = INCL_INCLUSIVE;
	set(&w, 1, MPAM_cpbm, 0xf0);
	cr_expect(eq(int, try_build(&w, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, "has none of the 4 portions of llc, which is inclusive"), NULL),
		  "%s", err.text);
	mem_free(w.mem);
}

Test(mpam, storage_monitors_hold_what_the_cache_holds)
{
	struct world w;
	struct rng r;
	rng_init(&r, 1, "mpam");
	describe(&w);
	set(&w, 1, MPAM_cmax, 30);
	set(&w, 2, MPAM_cpbm, 0x7);
	set(&w, 3, MPAM_cmin, 20);
	build(&w);
	for (unsigned i = 0; i < 5000; i++) {
		access_at(&w, 1 + rng_below(&r, 3), rng_below(&r, 100),
			  rng_below(&r, 4) ? ACCESS_READ : ACCESS_WRITE, i);
		if (i % 64 == 0) cache_drop(llc(&w), (base >> 6) + rng_below(&r, 100));
		cache_check(llc(&w));
	}
	cr_expect(lt(u64, 0, held(&w, 3)));
	close_world(&w);
}

Test(mpam, a_setting_is_written_at_its_cycle_and_not_before)
{
	struct world w;
	describe(&w);
	set_at(&w, 1000, 1, MPAM_cpbm, 0x1);
	set_at(&w, 500, 1, MPAM_cpbm, 0x3); /* in order of time, not of the file */
	build(&w);
	for (uint64_t i = 0; i < 8; i++) access_at(&w, 1, in_set(0, i), ACCESS_READ, 0);
	cr_expect(eq(u64, held(&w, 1), 4));
	for (uint64_t i = 10; i < 30; i++) access_at(&w, 1, in_set(1, i), ACCESS_READ, 499 - DRAM);
	cr_expect(eq(u64, held(&w, 1), 8), "a line that comes at 499");
	for (uint64_t i = 10; i < 30; i++) access_at(&w, 1, in_set(2, i), ACCESS_READ, 600);
	cr_expect(eq(u64, held(&w, 1), 10));
	for (uint64_t i = 10; i < 30; i++) access_at(&w, 1, in_set(3, i), ACCESS_READ, 1000);
	cr_expect(eq(u64, held(&w, 1), 11));
	close_world(&w);
}

Test(mpam, what_is_refused_names_the_value)
{
	static const struct {
		enum mpam_control control;
		uint64_t value;
		const char *msc, *text;
	} wrong[] = {
		{MPAM_cmax, 101, "", "mpam.settings: cmax 101 of PARTID 1 is outside 0..100"},
		{MPAM_cpbm, 1, "slc", "mpam.settings: cpbm of \"slc\": the machine has no such component"},
		{MPAM_mbw_max, 1, "llc",
		 "mpam.settings: mbw_max of \"llc\": the machine has no such component"},
		{MPAM_mbw_max, 1, "node1",
		 "mpam.settings: mbw_max of \"node1\": the machine has no such component"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct world w;
		struct err err = {0};
		describe(&w);
		set(&w, 1, wrong[i].control, wrong[i].value);
		w.setting[0].msc = wrong[i].msc;
		cr_expect(eq(int, try_build(&w, &err), ERR_CONFIG));
		cr_expect(ne(ptr, strstr(err.text, wrong[i].text), NULL), "%s", err.text);
		mem_free(w.mem);
	}
}

Test(mpam, portions_divide_the_ways)
{
	struct world w;
	struct err err = {0};
	describe(&w);
	w.cache[1].mpam_portions = 3;
	cr_expect(eq(int, try_build(&w, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, "caches.llc.mpam_portions: 3"), NULL), "%s", err.text);
	mem_free(w.mem);
}

Test(mpam, labels_of_threads_are_those_of_the_last_row_that_names_them)
{
	struct mpam_label_params row[] = {{"", 1, 0}, {"2-3", 5, 2}, {"3", 6, 1}};
	const struct param_list rows = {row, 3};
	struct mpam_label label[4] = {0};
	struct err err = {0};
	cr_assert(eq(int, mpam_label_threads(&rows, "mpam.labels", 4, label, &err), OK));
	cr_expect(eq(u16, label[0].partid, 1));
	cr_expect(eq(u16, label[2].partid, 5));
	cr_expect(eq(u8, label[2].pmg, 2));
	cr_expect(eq(u16, label[3].partid, 6));
	cr_expect(eq(int, mpam_label_threads(&rows, "mpam.labels", 3, label, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, "mpam.labels.threads: '2-3': 3 is outside 0..2"), NULL), "%s",
		  err.text);
}

Test(mpam, bandwidth_monitors_add_up_to_what_the_node_carried)
{
	struct world w;
	struct rng r;
	rng_init(&r, 2, "mpam");
	unsigned nodes;
	describe(&w);
	build(&w);
	for (unsigned i = 0; i < 2000; i++)
		access_at(&w, 1 + rng_below(&r, 3), rng_below(&r, 300),
			  rng_below(&r, 2) ? ACCESS_READ : ACCESS_WRITE, (cycles_t)i * 50);
	const struct mem_node *n = mem_nodes(w.mem, &nodes);
	const struct bandwidth_stats *s = bandwidth_stats(n->mpam);
	uint64_t reads = 0, writes = 0, waited = 0;
	for (unsigned i = 0; i < MPAM_MONITORS; i++) {
		reads += s->mbwu_read_bytes[i];
		writes += s->mbwu_write_bytes[i];
		waited += s->queue_cycles[i];
	}
	cr_expect(eq(u64, reads, 64 * n->stats.reads));
	cr_expect(eq(u64, writes, 64 * n->stats.writes));
	cr_expect(eq(u64, waited, n->stats.queue_cycles));
	cr_expect(lt(u64, 0, s->mbwu_write_bytes[monitor(&w, 3)]));
	close_world(&w);
}

/* --- a channel of 8 bytes per cycle, asked in a closed loop ---------------------------------------------------------- */

enum { WINDOW = 8 << CHANNEL_WINDOW_BITS, CYCLES = 400000, LATENCY = 100, SLOTS = 64, PARTIES = 3 };

struct loop {
	struct mpam_label_params label[PARTIES];
	struct mpam_setting setting[SETTINGS_MAX];
	struct mpam_params p;
	unsigned outstanding[PARTIES]; /* requests that each party has under way */
	uint64_t permille[PARTIES];    /* of the bandwidth, got by each */
	uint64_t latency[PARTIES];     /* mean, in cycles */
};

/* Parties 0, 1, 2 have PARTID 1, 2, 3. */
static struct loop loop_of(unsigned a, unsigned b, unsigned c)
{
	struct loop l = {.outstanding = {a, b, c}};
	for (unsigned i = 0; i < PARTIES; i++) l.label[i] = (struct mpam_label_params){"", i + 1, 0};
	return l;
}

static void control(struct loop *l, unsigned party, enum mpam_control c, uint64_t value)
{
	l->setting[l->p.settings.count++] = (struct mpam_setting){
		.partid = party + 1, .msc = "", .control = c, .value = value};
}

static void run_loop(struct loop *l)
{
	struct mpam *m;
	struct err err;
	cycles_t next[PARTIES][SLOTS] = {{0}}, waited[PARTIES] = {0};
	uint64_t requests[PARTIES] = {0};
	l->p.labels = (struct param_list){l->label, PARTIES};
	l->p.settings.items = l->setting;
	cr_assert(eq(int, mpam_new(&l->p, &m, &err), OK), "%s", err.text);
	struct bandwidth *b = bandwidth_new(m, "node0", WINDOW);
	for (;;) {
		unsigned party = 0, slot = 0;
		cycles_t first = UINT64_MAX;
		for (unsigned i = 0; i < PARTIES; i++)
			for (unsigned s = 0; s < l->outstanding[i]; s++)
				if (next[i][s] < first) first = next[i][s], party = i, slot = s;
		if (first >= CYCLES) break;
		next[party][slot] = bandwidth_read(b, first, 64, m->monitor_of[party + 1][0]) + LATENCY;
		waited[party] += next[party][slot] - first;
		requests[party]++;
	}
	for (unsigned i = 0; i < PARTIES; i++) {
		l->permille[i] = requests[i] * 64 * 1000 / (8 * (uint64_t)CYCLES);
		l->latency[i] = requests[i] ? waited[i] / requests[i] : 0;
	}
	bandwidth_free(b);
	free(m);
}

static void expect_within(uint64_t value, uint64_t low, uint64_t high, const char *what)
{
	cr_expect(ge(u64, value, low), "%s: %lu", what, (unsigned long)value);
	cr_expect(le(u64, value, high), "%s: %lu", what, (unsigned long)value);
}

Test(mpam_bandwidth, without_controls_the_channel_is_as_any_other)
{
	struct mpam_label_params label = {"", 1, 0};
	struct mpam_params p = {.labels = {&label, 1}};
	struct mpam *m;
	struct err err;
	struct mem_channel channel;
	struct rng r;
	rng_init(&r, 3, "mpam");
	channel_init(&channel, 8000, 1000);
	cr_assert(eq(int, mpam_new(&p, &m, &err), OK));
	struct bandwidth *b = bandwidth_new(m, "node0", channel.window_bytes);
	for (unsigned i = 0; i < 20000; i++) {
		cycles_t now = (cycles_t)i * 7 + rng_below(&r, 500);
		cr_assert(eq(u64, bandwidth_read(b, now, 64, i & 1), channel_book(&channel, now, 64)));
	}
	bandwidth_free(b);
	free(m);
}

Test(mpam_bandwidth, a_hard_limit_holds_within_5_percent_alone_and_among_others)
{
	static const unsigned percent[] = {5, 10, 25, 50, 75, 90};
	for (size_t i = 0; i < sizeof(percent) / sizeof(percent[0]); i++) {
		for (unsigned others = 0; others <= SLOTS; others += SLOTS / 2) {
			struct loop l = loop_of(SLOTS, others, 0);
			control(&l, 0, MPAM_mbw_max, percent[i]);
			control(&l, 0, MPAM_mbw_min, percent[i]);
			run_loop(&l);
			expect_within(l.permille[0], percent[i] * 95 / 10, percent[i] * 105 / 10, "limited");
			if (others) expect_within(l.permille[0] + l.permille[1], 950, 1005, "all of it");
		}
	}
}

Test(mpam_bandwidth, a_soft_limit_gives_what_others_do_not_want)
{
	struct loop l = loop_of(SLOTS, 0, 0);
	control(&l, 0, MPAM_mbw_max, 20);
	control(&l, 0, MPAM_mbw_max_soft, 1);
	run_loop(&l);
	expect_within(l.permille[0], 950, 1005, "alone");
	l = loop_of(SLOTS, SLOTS, 0);
	control(&l, 0, MPAM_mbw_max, 20);
	control(&l, 0, MPAM_mbw_max_soft, 1);
	run_loop(&l);
	expect_within(l.permille[0], 150, 250, "beside another");
	expect_within(l.permille[0] + l.permille[1], 950, 1005, "all of it");
}

Test(mpam_bandwidth, a_minimum_is_got_among_those_who_take_all)
{
	struct loop l = loop_of(16, SLOTS, SLOTS);
	run_loop(&l);
	uint64_t before = l.permille[0];
	cr_expect(lt(u64, before, 200));
	l = loop_of(16, SLOTS, SLOTS);
	control(&l, 0, MPAM_mbw_min, 40);
	run_loop(&l);
	expect_within(l.permille[0], 380, 700, "guaranteed");
	l = loop_of(0, SLOTS, SLOTS);
	control(&l, 0, MPAM_mbw_min, 40);
	run_loop(&l);
	expect_within(l.permille[1] + l.permille[2], 950, 1005, "others, when it does not ask");
}

Test(mpam_bandwidth, a_larger_priority_is_served_first)
{
	struct loop l = loop_of(4, SLOTS, 0);
	run_loop(&l);
	uint64_t latency = l.latency[0];
	l = loop_of(4, SLOTS, 0);
	control(&l, 0, MPAM_priority, 3);
	run_loop(&l);
	cr_expect(lt(u64, l.latency[0], latency / 2 + LATENCY / 2), "%lu cycles, %lu without",
		  (unsigned long)l.latency[0], (unsigned long)latency);
	expect_within(l.permille[0] + l.permille[1], 900, 1005, "all of it");
}

Test(mpam_bandwidth, strides_share_in_inverse_proportion)
{
	struct loop l = loop_of(SLOTS, SLOTS, 0);
	control(&l, 0, MPAM_stride, 1);
	control(&l, 1, MPAM_stride, 3);
	run_loop(&l);
	expect_within(l.permille[0], 700, 800, "stride 1");
	expect_within(l.permille[1], 200, 300, "stride 3");
}
