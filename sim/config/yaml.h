/* yaml.h - YAML text into a tree of nodes that know where they stand in their file.
 *
 *   conf_parse: bytes -> struct node      node_get: (mapping, key) -> node or NULL
 * A `struct conf` owns everything that comes from configuration: nodes, their texts, lists bound from them.
 * Keep it for as long as anything of that is in use. Only what a simulator's input needs is accepted: one
 * document, scalar keys, each once; aliases are copied in place, so a cyclic alias is an error and a bomb
 * meets the node limit. Tags say where a number is from: !documented/SOURCE, !measured/SOURCE,
 * !fitted/SOURCE, !estimated/SOURCE, on the scalar or on anything around it (the innermost counts).
 * Source: YAML 1.1 (what libyaml reads). Not modelled: merge keys (`<<`), other tags, several documents.
 */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum {
	YAML_MAX_BYTES = 1 << 20,
	YAML_MAX_DEPTH = 64,
	YAML_MAX_KEYS = 4096,    /* of one mapping: looking for a key twice is quadratic */
	YAML_MAX_NODES = 100000, /* of one conf, copies of aliases included */
};

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };
enum provenance { PROV_NONE, PROV_DOCUMENTED, PROV_MEASURED, PROV_FITTED, PROV_ESTIMATED, PROV_SET };
extern const char *const provenance_names[]; /* "", "documented", ..., "--set"; NULL at the end */

struct place {
	const char *file;   /* as the user named it, or "--set PATH=VALUE" */
	unsigned line, col; /* from 1; 0: the file as a whole */
};

struct node {
	enum node_kind kind;
	bool quoted; /* a scalar in quotes or a block scalar: text, never a number */
	struct place at;
	enum provenance provenance; /* of the innermost tag around it */
	const char *source;         /* the SOURCE of that tag, or NULL */
	const char *text;           /* NODE_SCALAR */
	size_t count, room;         /* NODE_LIST, NODE_MAP: items */
	const char **key;           /* NODE_MAP: count of them */
	struct place *key_at;       /* NODE_MAP */
	struct node **item;         /* NODE_LIST: elements, NODE_MAP: values */
};

struct conf;

struct conf *conf_new(void);
void conf_free(struct conf *c); /* with every node, text and list it owns; NULL is allowed */

/* `bytes` zeroed bytes that live as long as `c`. */
void *conf_alloc(struct conf *c, size_t bytes);
char *conf_strdup(struct conf *c, const char *text);

/* Reads `len` bytes of YAML. `file` names them in messages and places. An empty document is NODE_NULL.
 * Any bytes are safe. ERR_CONFIG with file:line:col and what is wrong. */
enum status conf_parse(struct conf *c, const char *file, const char *bytes, size_t len, struct node **out,
		       struct err *err);
/* The same of a file. A file that cannot be read is ERR_CONFIG. */
enum status conf_parse_file(struct conf *c, const char *path, struct node **out, struct err *err);

/* The value of `key` in a mapping; NULL when it is absent or `map` is not a mapping. O(keys). */
struct node *node_get(const struct node *map, const char *key);

/* Puts `value` under `key` (not copied), in place of what was there. */
void node_put(struct conf *c, struct node *map, const char *key, struct place key_at, struct node *value);
void node_append(struct conf *c, struct node *list, struct node *value);
void node_remove(struct node *list_or_map, size_t index);
/* An empty node of `kind` at `at`. */
struct node *node_new(struct conf *c, enum node_kind kind, struct place at);

/* "file:line:col" into `out`; without line when that is 0. Returns out. */
const char *place_text(struct place at, char *out, size_t bytes);

/* ERR_CONFIG with "file:line:col: text". */
enum status conf_fail(struct err *err, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
