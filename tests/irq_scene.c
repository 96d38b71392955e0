#include "irq_scene.h"

#include <stdio.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

struct scene scene_play(const char *machine, const char *stack, const char *workload, const char *const *sets)
{
	struct scene s = {0};
	struct err err = {0};
	struct run_report report;
	char m[64], t[64], w[64];
	snprintf(m, sizeof(m), "configs/machines/%s.yaml", machine);
	snprintf(t, sizeof(t), "configs/stacks/%s.yaml", stack);
	snprintf(w, sizeof(w), "workloads/micro/%s.yaml", workload);
	const struct run_request q = {.machine = m, .stack = t, .workload = w, .sets = sets, .seed = 1};
	cr_assert(eq(int, run_new(&q, &s.run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(s.run, NULL, NULL, &report, &err), OK), "%s", err.text);
	return s;
}

uint64_t scene_stat(const struct scene *s, const char *path)
{
	const uint64_t *value = stats_find(run_stats(s->run), path);
	cr_assert(ne(ptr, (void *)value, NULL), "%s", path);
	return *value;
}

void scene_end(struct scene *s) { run_free(s->run); }
