/* bind.h - a tree of nodes into a parameter struct, by the rows of its schema.
 *
 * Defaults, types, ranges, choices and unknown keys are all checked from the rows. Numbers are decimal or
 * 0x...; rows in bytes also take the suffixes K, M, G, T (powers of 1024). Booleans are yes, no, true,
 * false. Errors read `n1.yaml:14:9: tlbs.l2.ways: 99 is outside 1..64`; items of lists are called by
 * their `name`.
 */
#ifndef CONFIG_BIND_H
#define CONFIG_BIND_H

#include "config/schema.h"
#include "config/yaml.h"

/* Fills `out` (s->bytes of it) from `map`, a mapping or NODE_NULL; what it does not say gets its default.
 * Lists and strings in `out` are owned by `c`. */
enum status schema_bind(struct conf *c, const struct schema *s, const struct node *map, void *out,
			struct err *err);

/* Text of a whole number as a row with `unit` reads it ("64K" where it is "bytes"). False when it is none
 * or does not fit 64 bits. */
bool param_parse_u64(const char *text, const char *unit, uint64_t *out);

/* The row that names an item of a list (a text called `name`), or NULL. */
const struct param *schema_name_row(const struct schema *s);

#endif
