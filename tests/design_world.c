#include "design_world.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mmu/tlbi.h"

static struct tlb_params tlbs[] = {
	{.name = "l1i", .level = 1, .side = SIDE_INSTRUCTION, .entries = 4, .ways = 4, .pages = UINT64_MAX},
	{.name = "l1d", .level = 1, .side = SIDE_DATA, .entries = 4, .ways = 4, .pages = UINT64_MAX},
};
static const struct param_list tlb_list = {tlbs, 2};

void design_open(struct design_world *d, const struct mmu_setup *s, enum page_table_kind design)
{
	d->walker = (struct walker_params){
		.walkers = 1, .first_cache = 1, .page_table = table_world_params(design)};
	d->walker.page_table.hash_cycles = 0;
	mmu_world_init(&d->world, s);
	table_world_init(&d->tables, &d->world);
}

void design_build(struct design_world *d, const struct param_list *caches)
{
	mmu_world_machine(&d->world, &tlb_list, &d->walker, caches);
	mmu_set_table_memory(d->world.mmu, &d->tables.memory);
}

void design_close(struct design_world *d) { mmu_world_fini(&d->world); }

struct mmu_setup design_setup(struct mmu_shape stage1, struct mmu_shape stage2, bool two_stages)
{
	return (struct mmu_setup){
		.user = stage1, .kernel = stage1, .stage2 = stage2, .two_stages = two_stages};
}

struct mmu_setup design_setup_4k(bool two_stages)
{
	return design_setup((struct mmu_shape){12, 48, 0}, (struct mmu_shape){12, 40, 1}, two_stages);
}

void design_open_pages(struct design_world *d, const struct design_case *c)
{
	struct mmu_setup s = design_setup((struct mmu_shape){12, 48, 0},
					  (struct mmu_shape){12, 40, c->stage2_start}, c->two_stages);
	design_open(d, &s, (enum page_table_kind)c->design);
	for (uint64_t i = 0; i < 6; i++)
		mmu_world_map_page(&d->world, 0, 0, PAGE + (i << 12), FRAME + (i << 14));
}

cycles_t design_walk_again(struct design_world *d, uint64_t *reads)
{
	struct mmu_done done;
	for (uint64_t i = 0; i < 6; i++)
		cr_assert(mmu_translate(d->world.mmu, PAGE + (i << 12), ACCESS_READ, 1, i * 100000, &done));
	*reads = mmu_world_reads(&d->world);
	cr_assert(mmu_translate(d->world.mmu, PAGE, ACCESS_READ, 1, 1000000, &done));
	*reads = mmu_world_reads(&d->world) - *reads;
	return done.cycle - 1000000;
}

void design_expect_same(struct design_world *d, uint64_t va, cycles_t now)
{
	struct translation want;
	struct mmu_done done;
	mmu_world_expect(&d->world, va, ACCESS_READ, &want);
	bool mapped = mmu_translate(d->world.mmu, va, ACCESS_READ, 1, now, &done);
	cr_assert(mapped == (want.fault.kind == FAULT_NONE), "VA 0x%lx", va);
	if (mapped)
		cr_assert(eq(u64, done.pa, want.pa.raw), "VA 0x%lx", va);
	else
		cr_assert(eq(int, d->world.mmu->fault.fault.kind, want.fault.kind), "VA 0x%lx", va);
	cr_assert(ge(u64, done.cycle, now));
}

void design_flush(struct design_world *d)
{
	static const struct tlbi_scope everything = {.translations = true};
	mmu_tlbi(d->world.mmu, &everything);
}
