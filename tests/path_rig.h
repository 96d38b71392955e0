/* path_rig.h - a machine of configs/machines under a stack of configs/stacks with software paths, for tests of what they cost. */
#ifndef TESTS_PATH_RIG_H
#define TESTS_PATH_RIG_H

#include "machine/stack_paths.h"
#include "machine/machine.h"

enum { SETS_MAX = 40 };

struct rig {
	struct stack_paths p;
	struct machine *m;
	char *set[SETS_MAX + 1];
	size_t sets;
};

/* Before rig_open(): `key` of the machine or the stack is `value`. */
void rig_set(struct rig *r, const char *key, unsigned long long value);
/* Names of files without folders and ending. *r is zero but for what rig_set() put there; rig_close() frees it. */
void rig_open(struct rig *r, const char *machine, const char *stack);
void rig_close(struct rig *r);

/* Each fails the test where the machine refuses. */
void rig_perform(struct rig *r, const char *operation);
void rig_run(struct rig *r, struct record rec);
/* A counter that must be there. */
uint64_t rig_stat(const struct rig *r, const char *path);
/* The machine's sums hold, and the cycles of the exception levels are those of the core. */
void rig_check_sums(struct rig *r);

#endif
