#include "memops_run.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "checked_run.h"

struct memops_result memops_run_on(const char *machine, const char *stack, const char *const *sets)
{
	struct memops_result r = {0};
	struct run_request q = {.machine = machine,
				.stack = stack,
				.workload = "workloads/page-writes.yaml",
				.sets = sets,
				.seed = 1,
				.populate = true};
	r.run = checked_run(&q, &r.report);
	r.ops = machine_operations(run_machine(r.run));
	return r;
}

struct memops_result memops_run(const char *stack, const char *const *sets)
{
	return memops_run_on("configs/machines/neoverse-n1.yaml", stack, sets);
}

uint64_t memops_counter(const struct memops_result *r, const char *path)
{
	const uint64_t *value = stats_find(run_stats(r->run), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}
