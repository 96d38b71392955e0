/* memops_run.h - runs in which operations on a VM's memory go on. */
#ifndef TESTS_MEMOPS_RUN_H
#define TESTS_MEMOPS_RUN_H

#include "machine/memops.h"
#include "machine/run.h"

struct memops_result {
	struct run *run; /* to be freed */
	struct run_report report;
	const struct memops *ops; /* of the run */
};

/* page-writes.yaml under a stack on a machine (two paths), all pages mapped before, with maintenance checked; sets end with NULL. */
struct memops_result memops_run_on(const char *machine, const char *stack, const char *const *sets);
/* The same on a Neoverse N1. */
struct memops_result memops_run(const char *stack, const char *const *sets);
/* A counter that must be there. */
uint64_t memops_counter(const struct memops_result *r, const char *path);

#endif
