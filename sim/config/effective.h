/* effective.h - every value that decides a run, defaults included, with where it is from.
 *
 *   config_visit: each value in the order of the rows
 *   config_text, config_hash: the same as one text, and its hash
 * The text is `path=value` lines in the order of the rows, so it depends neither on the order of keys in
 * a file nor on names of files; equal hashes mean equal configurations. Items of lists keep their order,
 * which has a meaning (caches stand in order to memory).
 */
#ifndef CONFIG_EFFECTIVE_H
#define CONFIG_EFFECTIVE_H

#include "config/merge.h"
#include "config/schema.h"

/* A parameter struct with the rows and the files it was bound from. */
struct bound {
	const char *name; /* first part of every path, such as "machine"; "" for none */
	const struct schema *schema;
	const void *params;
	struct conf_file file; /* root NULL: all defaults */
};

struct config_value {
	const char *path, *text, *unit, *doc;
	const char *origin; /* "file:line:col", "default" or "--set PATH=VALUE" */
	const char *
		provenance; /* of hardware rows: documented, measured, fitted, estimated, "--set", or "default (estimated)" */
	const char *source;      /* the source's name, or "" */
	const char *source_text; /* what `sources:` says of it, or "" */
	const struct param *param;
	const struct node *node; /* NULL: the default holds */
};
typedef enum status config_visit_fn(void *ctx, const struct config_value *v, struct err *err);

/* Calls `visit` for every value; texts live until it returns. Stops at the first non-OK status. */
enum status config_visit(const struct bound *b, config_visit_fn *visit, void *ctx, struct err *err);

/* The canonical text; free() it. */
char *config_text(const struct bound *b);
/* XXH64 (seed 0) of the canonical text. */
uint64_t config_hash(const struct bound *b);

/* Fails when a hardware row that a file sets has no provenance tag, or its tag names no entry of
 * `sources:`. Values from --set need none: they are what-ifs, and are listed as such. */
enum status config_check_provenance(const struct bound *b, struct err *err);

#endif
