/* schema.h - what a YAML mapping may say, as rows: name, unit, default, range, meaning.
 *
 * Each module owns one `const struct schema`. Parsing, checking, `strata params`, the JSON Schema, the
 * documentation and the effective configuration stored with a run all come from its rows.
 * A row describes one member of the module's parameter struct; scalars are always uint64_t members, strings
 * `const char *`, nested mappings are embedded structs, lists are `struct param_list`.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum param_kind {
	PARAM_U64,      /* uint64_t; suffixes K M G T (powers of 1024) are accepted where unit is "bytes" */
	PARAM_BOOL,     /* uint64_t 0 or 1 */
	PARAM_ENUM,     /* uint64_t index into choices */
	PARAM_SET,      /* uint64_t bit mask over choices; YAML: a list of choices */
	PARAM_STR,      /* const char *; owned by the bound document */
	PARAM_MAP,      /* an embedded struct described by `sub` */
	PARAM_LIST,     /* struct param_list of structs described by `sub` */
	PARAM_U64_LIST, /* struct param_list of uint64_t, each within min..max */
};

struct param_list {
	void *items;
	size_t count;
}; /* owned by the bound document */

struct param {
	const char *name, *unit, *doc;
	enum param_kind kind;
	size_t offset;
	uint64_t dflt, min, max;    /* U64, BOOL (dflt), ENUM (dflt), SET (dflt); LIST: min..max items */
	const char *dflt_str;       /* STR; NULL: the key is required */
	const char *const *choices; /* ENUM, SET: names, NULL at the end */
	const struct schema *sub;   /* MAP, LIST */
	bool hardware;              /* a fact of hardware: a machine file must tag it with its source */
};

struct schema {
	const char *name, *doc;
	const struct param *param;
	size_t count;
	size_t bytes; /* of the parameter struct */
};

/* Row makers. T is the parameter struct; the key's name is the member's. HW_ rows need provenance. */
#define P_U64(T, m, unit_, dflt_, min_, max_, doc_) \
	{ \
		.name = #m, .unit = unit_, .doc = doc_, .kind = PARAM_U64, .offset = offsetof(T, m), \
		.dflt = dflt_, .min = min_, .max = max_ \
	}
#define HW_U64(T, m, unit_, dflt_, min_, max_, doc_) \
	{ \
		.name = #m, .unit = unit_, .doc = doc_, .kind = PARAM_U64, .offset = offsetof(T, m), \
		.dflt = dflt_, .min = min_, .max = max_, .hardware = true \
	}
#define P_BOOL(T, m, dflt_, doc_) \
	{ \
		.name = #m, .unit = "yes/no", .doc = doc_, .kind = PARAM_BOOL, .offset = offsetof(T, m), \
		.dflt = dflt_, .max = 1 \
	}
#define HW_BOOL(T, m, dflt_, doc_) \
	{ \
		.name = #m, .unit = "yes/no", .doc = doc_, .kind = PARAM_BOOL, .offset = offsetof(T, m), \
		.dflt = dflt_, .max = 1, .hardware = true \
	}
#define P_ENUM(T, m, choices_, dflt_, doc_) \
	{ \
		.name = #m, .unit = "name", .doc = doc_, .kind = PARAM_ENUM, .offset = offsetof(T, m), \
		.dflt = dflt_, .choices = choices_ \
	}
#define HW_ENUM(T, m, choices_, dflt_, doc_) \
	{ \
		.name = #m, .unit = "name", .doc = doc_, .kind = PARAM_ENUM, .offset = offsetof(T, m), \
		.dflt = dflt_, .choices = choices_, .hardware = true \
	}
#define HW_SET(T, m, choices_, dflt_, doc_) \
	{ \
		.name = #m, .unit = "names", .doc = doc_, .kind = PARAM_SET, .offset = offsetof(T, m), \
		.dflt = dflt_, .choices = choices_, .hardware = true \
	}
#define HW_U64_LIST(T, m, unit_, min_, max_, doc_) \
	{ \
		.name = #m, .unit = unit_, .doc = doc_, .kind = PARAM_U64_LIST, .offset = offsetof(T, m), \
		.min = min_, .max = max_, .hardware = true \
	}
#define P_U64_LIST(T, m, unit_, min_, max_, doc_) \
	{ \
		.name = #m, .unit = unit_, .doc = doc_, .kind = PARAM_U64_LIST, .offset = offsetof(T, m), \
		.min = min_, .max = max_ \
	}
#define P_STR(T, m, dflt_, doc_) \
	{ \
		.name = #m, .unit = "text", .doc = doc_, .kind = PARAM_STR, .offset = offsetof(T, m), \
		.dflt_str = dflt_ \
	}
#define P_MAP(T, m, sub_, doc_) \
	{ \
		.name = #m, .unit = "mapping", .doc = doc_, .kind = PARAM_MAP, .offset = offsetof(T, m), \
		.sub = sub_ \
	}
#define P_LIST(T, m, sub_, min_, max_, doc_) \
	{ \
		.name = #m, .unit = "list", .doc = doc_, .kind = PARAM_LIST, .offset = offsetof(T, m), \
		.sub = sub_, .min = min_, .max = max_ \
	}
#define SCHEMA(ident, name_, T, rows, doc_) \
	const struct schema ident = {.name = name_, \
				     .doc = doc_, \
				     .param = rows, \
				     .count = sizeof(rows) / sizeof((rows)[0]), \
				     .bytes = sizeof(T)}

/* Fills `out` (s->bytes of it) with the defaults of every row, nested mappings included; lists are empty. */
void schema_defaults(const struct schema *s, void *out);

/* Calls `visit` for each row below a mapping that `s` describes, with the path that --set has for it: "walker.page_table",
 * "tlbs.NAME.entries", "hypervisors.N". A row that leads to others comes before these; at most SCHEMA_DEPTH_MAX words. */
enum { SCHEMA_DEPTH_MAX = 5, SCHEMA_PLACE_MAX = 160 };
typedef void schema_place_fn(void *ctx, const char *place, unsigned words, const struct param *p);
void schema_visit_places(const struct schema *s, schema_place_fn *visit, void *ctx);

#endif
