#include "table_world.h"

static const uint64_t first_ipa = UINT64_C(0x20000000), first_pa = UINT64_C(1) << 43;

static bool take(void *ctx, unsigned space, unsigned bits, uint64_t *addr)
{
	struct table_world *t = ctx;
	uint64_t bytes = UINT64_C(1) << bits, *next = &t->next[space - 1];
	if (bits > t->most_bits || bytes > t->left) return false;
	*addr = (*next + bytes - 1) & ~(bytes - 1);
	*next = *addr + bytes;
	t->left -= bytes;
	t->held += bytes;
	if (space == 2 || !t->world || !t->world->setup.two_stages) return true;
	for (uint64_t at = 0; at < bytes; at += 1 << 12)
		mmu_world_back(t->world, t->world->now_vm, *addr + at);
	return true;
}

static void give(void *ctx, unsigned space, unsigned bits, uint64_t addr)
{
	struct table_world *t = ctx;
	(void)space, (void)addr;
	t->held -= UINT64_C(1) << bits;
	t->left += UINT64_C(1) << bits;
}

void table_world_init(struct table_world *t, struct mmu_world *world)
{
	*t = (struct table_world){
		.world = world, .next = {first_ipa, first_pa}, .most_bits = 32, .left = UINT64_C(1) << 40};
	t->memory = (struct table_memory){t, take, give};
}

struct page_table_params table_world_params(enum page_table_kind design)
{
	struct page_table_params p;
	schema_defaults(&page_table_schema, &p);
	p.design = design;
	p.initial_lines = 8;
	p.pom_bytes = 1 << 16;
	return p;
}
