/* vm_world.h - a machine with a stack that a test writes down as YAML, and streams of records for its threads. */
#ifndef TESTS_VM_WORLD_H
#define TESTS_VM_WORLD_H

#include "machine/machine.h"
#include "trace/source.h"

struct vm_world {
	struct machine_config config;
	struct conf *conf;
	struct stack_params stack;
	struct path_book *book; /* NULL: the stack names no paths */
	struct machine *machine;
	struct err err;
};

/* Files that it names are relative to the root of the project. A Neoverse N1 with `sets` (NULL at the end, or NULL) under the stack `yaml`. vm_world_close() it, also after an error, which is in
 * w->err. */
enum status vm_world_open(struct vm_world *w, const char *yaml, const char *const *sets);
/* Checks that all sums hold, where there is a machine. */
void vm_world_close(struct vm_world *w);

/* A counter that must be there. */
uint64_t vm_world_counter(const struct vm_world *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* rec[0..n-1] (borrowed) over and over, `times`. */
struct trace_source *script_source(const struct record *rec, size_t n, uint64_t times);
/* Runs the threads' sources, one each, to their ends or for `limit` loads and stores together (0: to the ends); closes them. */
void vm_world_run(struct vm_world *w, struct trace_source **source, uint64_t limit);

#endif
