/* Misses where nothing looks on, which are compiled by the shape of the caches: they do what every miss does. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "mem_world.h"

static void expect_same_counters(const struct side *a, const struct side *b)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct mem_port *p = i ? &a->cpu.fetch : &a->cpu.data,
				      *q = i ? &b->cpu.fetch : &b->cpu.data;
		for (unsigned l = 0; l < p->levels; l++)
			cr_assert(not(memcmp(&p->level[l]->stats, &q->level[l]->stats,
					     sizeof(struct cache_stats))),
				  "level %u", l + 1);
	}
	cr_assert(not(memcmp(&node(a, 0)->stats, &node(b, 0)->stats, sizeof(struct mem_node_stats))));
}

static void set_plain(struct side *s, bool plain)
{
	s->cpu.data.plain = s->cpu.fetch.plain = plain;
	mem_settle(&s->cpu.data);
	mem_settle(&s->cpu.fetch);
}

/* The levels of a side: both nearest caches, the second and the third. */
struct levels {
	uint64_t policy[3], ways[3];
	enum inclusion second, third;
};

static void set_shape(struct cache_params *c, const struct levels *l, unsigned level, uint64_t sets)
{
	c->policy = l->policy[level];
	c->ways = l->ways[level];
	c->size = sets * c->ways * 64;
}

/* Requests that overlap, of two sides of which one never has plain misses, and the other not always; some begin at the second level. */
static void compare_plain(const struct levels *l)
{
	struct side side[2];
	struct rng r;
	for (unsigned i = 0; i < 2; i++) {
		describe(&side[i]);
		set_shape(&side[i].cache[0], l, 0, 4);
		set_shape(&side[i].cache[1], l, 1, 8);
		side[i].cache[0].mshrs = 3;
		make_three(&side[i], l->second, l->third);
		set_shape(&side[i].cache[3], l, 2, 16);
		build(&side[i]);
	}
	cr_assert(side[0].cpu.data.plain && side[0].cpu.fetch.plain);
	set_plain(&side[1], false);
	rng_init(&r, l->policy[0], "plain");
	for (uint64_t i = 0; i < 4000; i++) {
		struct mem_req q = {.pa = {base + 64 * rng_below(&r, i % 3 ? 300 : 3000)},
				    .kind = (uint8_t)rng_below(&r, 3),
				    .cause = (uint8_t)rng_below(&r, CAUSE_COUNT)};
		cycles_t now = i * 10 + rng_below(&r, 300), done[2];
		unsigned served[2], first = (unsigned)rng_below(&r, 2);
		set_plain(&side[0], i / 200 % 4);
		for (unsigned k = 0; k < 2; k++)
			done[k] = mem_access(q.kind == ACCESS_FETCH ? &side[k].cpu.fetch : &side[k].cpu.data,
					     &q, now, first, &served[k]);
		cr_assert(eq(u64, done[0], done[1]));
		cr_assert(eq(uint, served[0], served[1]));
		expect_same_counters(&side[0], &side[1]);
	}
	cr_expect(lt(u64, 0, side[0].cpu.data.level[0]->stats.merged));
	cr_expect(lt(u64, 0, side[0].cpu.data.level[0]->stats.mshr_wait_cycles));
	for (unsigned i = 0; i < 2; i++) close_side(&side[i]);
}

Test(mem_plain, a_miss_where_nothing_looks_on_does_what_every_miss_does)
{
	for (uint64_t p = 0; p < REPL_COUNT; p++) {
		if (repl_policies[p]->shared_bytes) continue; /* not plain */
		compare_plain(&(struct levels){{p, p, 0}, {2, 4, 4}, INCL_INCLUSIVE, INCL_NINE});
		compare_plain(&(struct levels){{p, p, 0}, {2, 4, 4}, INCL_NINE, INCL_INCLUSIVE});
	}
}

Test(mem_plain, a_level_compiled_for_its_shape_does_what_any_level_does)
{
	static const uint64_t ways[] = {3, 8, 12, 16};
	static const uint64_t policy[] = {REPL_lru, REPL_tree_plru, REPL_srrip};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		for (size_t k = 0; k < sizeof(policy) / sizeof(policy[0]); k++)
			compare_plain(&(struct levels){
				{policy[k], policy[k], 0}, {2, ways[i], 4}, INCL_INCLUSIVE, INCL_NINE});
}

Test(mem_plain, levels_compiled_together_do_what_each_of_them_does)
{
	static const struct levels levels[] = {
		{{REPL_tree_plru, REPL_srrip, REPL_srrip}, {4, 8, 16}, INCL_INCLUSIVE, INCL_NINE},
		{{REPL_tree_plru, REPL_srrip, REPL_srrip}, {4, 8, 18}, INCL_INCLUSIVE, INCL_INCLUSIVE},
		{{REPL_tree_plru, REPL_tree_plru, REPL_srrip}, {4, 8, 24}, INCL_NINE, INCL_NINE},
		{{REPL_tree_plru, REPL_srrip, REPL_srrip}, {8, 12, 16}, INCL_INCLUSIVE, INCL_NINE},
	};
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) compare_plain(&levels[i]);
}
