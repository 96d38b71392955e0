/* explain_costs.h - what an operation of a guest costs, step by step. */
#ifndef CLI_EXPLAIN_COSTS_H
#define CLI_EXPLAIN_COSTS_H

#include "machine/stack_paths.h"

struct export_request; /* machine/export.h */

/* Builds the machine, performs `operation` until caches have seen it, once more for the table, and prints that to stdout:
 * cycles of each step and where it ran, then their sums by path, level and bucket. Each time the guest has just been
 * entered for the first time. With `q`, that last time goes to its files and nothing is printed. ERR_CHECK: the steps do not
 * add up; ERR_HOST: a file cannot be written. */
enum status explain_costs(const struct stack_paths *p, const char *operation, const struct export_request *q,
			  struct err *err);

#endif
