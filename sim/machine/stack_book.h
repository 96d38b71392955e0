/* stack_book.h - the software paths that a stack file names, as one book: hypervisor, VMM, guest, firmware. */
#ifndef MACHINE_STACK_BOOK_H
#define MACHINE_STACK_BOOK_H

#include "config/yaml.h"
#include "mmu/features.h"

struct path_book; /* hyp/path.h */

/* The book that a stack's tree names, for a machine with `features`; everything is owned by `c`. *out is NULL where it names
 * no paths. *merged is their tree. */
enum status stack_book_load(struct conf *c, const struct node *stack, const struct features *features,
			    struct path_book **out, const struct node **merged, struct err *err);

/* The file that `key` of `map` names, as seen from the file that says so; NULL: it names none. What --set says counts from the stack's
 * file, `stack`. ERR_CONFIG: it cannot be read. */
enum status stack_file(struct conf *c, const char *stack, const struct node *map, const char *key,
		       const char **out, struct err *err);

#endif
