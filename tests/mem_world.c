#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mem_world.h"

struct cache_params cache_of(const char *name, uint64_t level, uint64_t size, uint64_t ways,
			     uint64_t hit_cycles)
{
	return (struct cache_params){.name = name,
				     .level = level,
				     .side = CACHE_UNIFIED,
				     .size = size,
				     .ways = ways,
				     .line = 64,
				     .hit_cycles = hit_cycles,
				     .mshrs = 16,
				     .write_back = 1,
				     .write_allocate = 1};
}

void describe(struct side *s)
{
	memset(s, 0, sizeof(*s));
	s->cache[0] = cache_of("l1", 1, 512, 2, L1);
	s->cache[1] = cache_of("l2", 2, 2048, 4, L2);
	s->caches = (struct param_list){s->cache, 2};
	for (unsigned i = 0; i < 2; i++)
		s->node[i] = (struct node_params){"node", 1 << 21, DRAM + 50 * i, 10000000};
	s->memory = (struct memory_params){.base = base, .nodes = {s->node, 2}};
}

void make_three(struct side *s, enum inclusion second, enum inclusion third)
{
	s->cache[2] = s->cache[1];
	s->cache[1] = s->cache[0];
	s->cache[0].name = "l1i";
	s->cache[0].side = CACHE_INSTRUCTION;
	s->cache[1].name = "l1d";
	s->cache[1].side = CACHE_DATA;
	s->cache[2].inclusion = second;
	s->cache[3] = cache_of("l3", 3, 4096, 4, 30);
	s->cache[3].shared = 1;
	s->cache[3].inclusion = third;
	s->caches.count = 4;
}

void build(struct side *s)
{
	struct err err;
	cr_assert(eq(int, mem_new(&s->memory, &s->caches, 1000, &s->mem, &err), OK), "%s", err.text);
	cr_assert(eq(int, mem_cpu_init(&s->cpu, s->mem, 0, &err), OK), "%s", err.text);
}

void close_side(struct side *s)
{
	struct err err;
	cr_expect(eq(int, mem_check_sums(s->mem, &err), OK), "%s", err.text);
	for (unsigned i = 0; i < s->cpu.owned_count; i++) cache_check(s->cpu.owned[i]);
	mem_cpu_fini(&s->cpu);
	mem_free(s->mem);
}

cycles_t latency(struct side *s, uint64_t n, enum access_kind kind, cycles_t now)
{
	unsigned served;
	struct mem_req r = {.pa = {base + 64 * n}, .kind = (uint8_t)kind};
	return mem_access(&s->cpu.data, &r, now, 0, &served) - now;
}

const struct mem_node *node(const struct side *s, unsigned n)
{
	return &mem_nodes(s->mem, &(unsigned){0})[n];
}
