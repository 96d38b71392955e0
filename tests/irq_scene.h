/* irq_scene.h - a run of a scenario of workloads/micro/ and its counters, for tests of interrupts in time. */
#ifndef TESTS_IRQ_SCENE_H
#define TESTS_IRQ_SCENE_H

#include "machine/run.h"

struct scene {
	struct run *run;
};

/* Names of files without folders and ending; `sets` ends with NULL. Fails the test where the run does. scene_end() frees it. */
struct scene scene_play(const char *machine, const char *stack, const char *workload,
			const char *const *sets);
/* A counter of the measured region; fails the test where there is none of that name. */
uint64_t scene_stat(const struct scene *s, const char *path);
void scene_end(struct scene *s);

/* Repetitions that are enough to count. */
#define TWENTY "workload.repetitions=20", "workload.warmup=5"
#define TWO "stack.threads=2", TWENTY

#endif
