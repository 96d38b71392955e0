/* stack_paths.h - the software paths that a stack file names, as one book for a machine. */
#ifndef MACHINE_STACK_PATHS_H
#define MACHINE_STACK_PATHS_H

#include "hyp/path.h"
#include "machine/machine_config.h"
#include "machine/stack_book.h"
#include "machine/stack_config.h"

/* A machine and the paths of a stack on it. */
struct stack_paths {
	struct machine_config machine;
	struct conf *conf; /* owns what follows */
	struct stack_params stack;
	struct path_book *book;
};

/* Reads machine and stack, then the hypervisor's, VMM's, guest's and firmware's files of paths, each
 * relative to the file that names it. `--set` values that begin with stack. go to the stack. stack_paths_free() it, also after an error. ERR_CONFIG where the
 * stack names no paths. */
enum status stack_paths_load(struct stack_paths *p, const struct machine_request *machine, const char *stack,
			     struct err *err);
void stack_paths_free(struct stack_paths *p);

#endif
