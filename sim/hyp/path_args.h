/* path_args.h - arguments of steps and conditions in a book's YAML, each with the error that names its place and what is needed.
 *
 * For path_parse.c and path_terms.c only. All return ERR_CONFIG with the place of `n`; `what` says what is needed, as in "an address".
 */
#ifndef HYP_PATH_ARGS_H
#define HYP_PATH_ARGS_H

#include "hyp/path_steps.h"

/* One of the book's own things, by name; PATH_NONE: there is none. */
typedef uint16_t arg_find_fn(const struct path_book *b, const char *name);

/* A scalar; `n` may be NULL, which is none. */
enum status arg_text(const struct node *n, const char *what, const char **out, struct err *err);
enum status arg_u64(const struct node *n, const char *what, uint64_t *out, struct err *err);
enum status arg_index(const struct path_book *b, const struct node *n, arg_find_fn *find, const char *what,
		      uint16_t *out, struct err *err);
/* The index of a path; the error says where a path that is null, so that a file on top must say its steps, has its place. */
enum status arg_path(const struct path_book *b, const struct node *n, uint16_t *out, struct err *err);
/* A register that is none of PSTATE. */
enum status arg_register(const char *text, struct place at, struct reg_name *out, struct err *err);
/* The index of one of `names`, which end with NULL. */
enum status arg_one_of(const struct node *n, const char *const *names, const char *what, uint16_t *out,
		       struct err *err);

#endif
