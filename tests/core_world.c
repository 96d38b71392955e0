#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "core_world.h"
#include "mmu_world.h"

void build_rig(struct rig *g)
{
	static const struct sysregs off;
	struct err err;
	cr_assert(eq(int, mem_new(&g->memory, &g->caches, 1000, &g->side, &err), OK), "%s", err.text);
	cr_assert(eq(int, mem_cpu_init(&g->mem, g->side, 0, &err), OK), "%s", err.text);
	g->physmem = physmem_new();
	cr_assert(eq(int, mmu_new(&g->tlbs, &g->walker, &g->mem, g->physmem, &g->mmu, &err), OK), "%s",
		  err.text);
	mmu_set_context(g->mmu, &off, features_of_cpu("max"), 0, false, SEC_NONSECURE);
	core_init(&g->core, &g->params, g->mmu, &g->mem);
}

void close_rig(struct rig *g)
{
	struct err err;
	cr_expect(eq(int, core_check_sums(&g->core, &err), OK), "%s", err.text);
	cr_expect(eq(int, mmu_check_sums(g->mmu, &err), OK), "%s", err.text);
	cr_expect(eq(int, mem_check_sums(g->side, &err), OK), "%s", err.text);
	core_fini(&g->core);
	mmu_free(g->mmu);
	physmem_free(g->physmem);
	mem_cpu_fini(&g->mem);
	mem_free(g->side);
}
