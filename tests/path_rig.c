#include "path_rig.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "base/alloc.h"

void rig_set(struct rig *r, const char *key, unsigned long long value)
{
	cr_assert(lt(sz, r->sets, SETS_MAX));
	r->set[r->sets++] = xasprintf("%s=%llu", key, value);
}

void rig_open(struct rig *r, const char *machine, const char *stack)
{
	struct err err = {0};
	char *m = xasprintf("configs/machines/%s.yaml", machine),
	     *s = xasprintf("configs/stacks/%s.yaml", stack);
	struct machine_request req = {.path = m, .sets = (const char *const *)r->set};
	cr_assert(eq(int, stack_paths_load(&r->p, &req, s, &err), OK), "%s", err.text);
	cr_assert(eq(int, machine_new(&r->p.machine.params, &r->p.stack, 1, &r->m, &err), OK), "%s",
		  err.text);
	cr_assert(eq(int, machine_use_paths(r->m, r->p.book, &err), OK), "%s", err.text);
	free(m);
	free(s);
}

void rig_close(struct rig *r)
{
	machine_free(r->m);
	stack_paths_free(&r->p);
	for (size_t i = 0; i < r->sets; i++) free(r->set[i]);
}

void rig_perform(struct rig *r, const char *operation)
{
	struct err err = {0};
	cr_assert(eq(int, machine_perform(r->m, operation, &err), OK), "%s", err.text);
}

void rig_run(struct rig *r, struct record rec)
{
	struct err err = {0};
	cr_assert(eq(int, machine_run(r->m, &rec, 1, &err), OK), "%s", err.text);
}

uint64_t rig_stat(const struct rig *r, const char *path)
{
	machine_finish(r->m);
	const uint64_t *value = stats_find(machine_stats(r->m), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

void rig_check_sums(struct rig *r)
{
	struct err err = {0};
	uint64_t by_el = 0;
	machine_finish(r->m);
	cr_assert(eq(int, machine_check_sums(r->m, &err), OK), "%s", err.text);
	static const char *const levels[] = {"cpu0.cycles_by_el.el0", "cpu0.cycles_by_el.el1",
					     "cpu0.cycles_by_el.el2", "cpu0.cycles_by_el.el3"};
	for (size_t i = 0; i < 4; i++) by_el += rig_stat(r, levels[i]);
	cr_assert(eq(u64, by_el, rig_stat(r, "cpu0.cycles")));
}
