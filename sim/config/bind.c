#include "config/bind.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/path.h"
#include "config/suggest.h"

/* One mapping on its way into one struct. */
struct binder {
	struct conf *c;
	struct err *err;
};

static enum status bind_map(const struct binder *b, const struct path *path, const struct schema *s,
			    const struct node *map, struct place at, void *out);

/* --- messages ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static enum status
complain(const struct binder *b, const struct path *path, struct place at, const char *fmt, ...)
{
	char where[200], text[sizeof(b->err->text)];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	const char *name = path_text(path, where, sizeof(where));
	return conf_fail(b->err, at, "%s%s%s", name, *name ? ": " : "", text);
}

/* "low, xor" into `out`. */
static const char *list_choices(const char *const *choices, char *out, size_t bytes)
{
	size_t used = 0;
	out[0] = 0;
	for (size_t i = 0; choices[i] && used < bytes; i++)
		used += (size_t)snprintf(out + used, bytes - used, "%s%s", i ? ", " : "", choices[i]);
	return out;
}

static const char *kind_name(const struct node *n)
{
	switch (n->kind) {
	case NODE_NULL: return "nothing";
	case NODE_SCALAR: return "a single value";
	case NODE_LIST: return "a list";
	default: return "a mapping";
	}
}

static enum status wrong_kind(const struct binder *b, const struct path *path, const struct node *n,
			      const char *expected)
{
	return complain(b, path, n->at, "%s where %s is expected", kind_name(n), expected);
}

enum { KNOWN_MAX = 200 };

/* "name, level, ..." into `out`; what has no room is said to be there. */
static const char *list_keys(const struct schema *s, char out[KNOWN_MAX])
{
	static const char more[] = ", ...";
	size_t used = 0;
	out[0] = 0;
	for (size_t k = 0; k < s->count; k++) {
		size_t need = strlen(s->param[k].name) + 2;
		if (used + need + sizeof(more) > KNOWN_MAX) return strcat(out, more);
		used += (size_t)snprintf(out + used, KNOWN_MAX - used, "%s%s", k ? ", " : "",
					 s->param[k].name);
	}
	return out;
}

/* The shallowest row below that is called so. */
struct deeper {
	const char *key;
	unsigned words; /* 0: none */
	char place[SCHEMA_PLACE_MAX];
};

static void try_place(void *ctx, const char *place, unsigned words, const struct param *p)
{
	struct deeper *d = ctx;
	if (strcmp(p->name, d->key) != 0 || (d->words && d->words <= words)) return;
	d->words = words;
	memcpy(d->place, place, strlen(place) + 1);
}

static enum status unknown_key(const struct binder *b, const struct path *path, const struct schema *s,
			       const struct node *map, size_t i)
{
	struct suggest near;
	suggest_init(&near, map->key[i]);
	for (size_t k = 0; k < s->count; k++) suggest_try(&near, s->param[k].name);
	if (near.best)
		return complain(b, path, map->key_at[i], "unknown key '%.60s'; did you mean '%s'?",
				map->key[i], near.best);
	struct deeper deeper = {.key = map->key[i]};
	schema_visit_places(s, try_place, &deeper);
	if (deeper.words)
		return complain(b, path, map->key_at[i], "unknown key '%.60s'; did you mean '%s'?",
				map->key[i], deeper.place);
	char known[KNOWN_MAX];
	return complain(b, path, map->key_at[i], "unknown key '%.60s'; %s has: %s", map->key[i], s->name,
			list_keys(s, known));
}

/* --- single values ------------------------------------------------------------------------------ */

static bool digits_to_u64(const char *text, unsigned base, const char **end, uint64_t *out)
{
	const char *p = text;
	uint64_t v = 0;
	for (;; p++) {
		unsigned d = *p >= '0' && *p <= '9'   ? (unsigned)(*p - '0')
			     : *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a') + 10
			     : *p >= 'A' && *p <= 'F' ? (unsigned)(*p - 'A') + 10
						      : 99;
		if (d >= base) break;
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	*end = p;
	*out = v;
	return p > text;
}

bool param_parse_u64(const char *text, const char *unit, uint64_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *end;
	if (!digits_to_u64(hex ? text + 2 : text, hex ? 16 : 10, &end, out)) return false;
	if (!*end) return true;
	static const char suffixes[] = "KMGT";
	const char *suffix = strchr(suffixes, *end);
	if (!suffix || end[1] || strcmp(unit, "bytes") != 0) return false;
	return !__builtin_mul_overflow(*out, UINT64_C(1) << (10 * (suffix - suffixes + 1)), out);
}

static enum status bind_u64(const struct binder *b, const struct path *path, const struct param *p,
			    const struct node *n, uint64_t *out)
{
	bool bytes = strcmp(p->unit, "bytes") == 0;
	if (n->kind != NODE_SCALAR) return wrong_kind(b, path, n, "a whole number");
	if (n->quoted && !bytes)
		return complain(b, path, n->at, "text \"%.60s\" where a whole number is expected", n->text);
	if (!param_parse_u64(n->text, p->unit, out))
		return complain(b, path, n->at, "'%.60s' is not a whole number%s in %" PRIu64 "..%" PRIu64,
				n->text, bytes ? " (or one with K, M, G, T)" : "", p->min, p->max);
	if (*out < p->min || *out > p->max)
		return complain(b, path, n->at, "%s is outside %" PRIu64 "..%" PRIu64, n->text, p->min,
				p->max);
	return OK;
}

static enum status bind_bool(const struct binder *b, const struct path *path, const struct node *n,
			     uint64_t *out)
{
	static const char *const words[] = {"no", "yes", "false", "true"};
	if (n->kind != NODE_SCALAR) return wrong_kind(b, path, n, "yes or no");
	for (unsigned i = 0; i < 4 && !n->quoted; i++) {
		if (strcmp(n->text, words[i]) != 0) continue;
		*out = i % 2;
		return OK;
	}
	return complain(b, path, n->at, "'%.60s' is none of yes, no, true, false", n->text);
}

static enum status bind_choice(const struct binder *b, const struct path *path, const struct param *p,
			       const struct node *n, uint64_t *out)
{
	if (n->kind != NODE_SCALAR) return wrong_kind(b, path, n, "a name");
	struct suggest near;
	suggest_init(&near, n->text);
	for (uint64_t i = 0; p->choices[i]; i++) {
		*out = i;
		if (strcmp(n->text, p->choices[i]) == 0) return OK;
		suggest_try(&near, p->choices[i]);
	}
	char names[200];
	list_choices(p->choices, names, sizeof(names));
	if (near.best)
		return complain(b, path, n->at, "'%.60s' is none of %s; did you mean '%s'?", n->text, names,
				near.best);
	return complain(b, path, n->at, "'%.60s' is none of %s", n->text, names);
}

static enum status bind_set(const struct binder *b, const struct path *path, const struct param *p,
			    const struct node *n, uint64_t *out)
{
	if (n->kind != NODE_LIST) return wrong_kind(b, path, n, "a list of names");
	*out = 0;
	for (size_t i = 0; i < n->count; i++) {
		uint64_t bit;
		TRY(bind_choice(b, path, p, n->item[i], &bit));
		if (*out >> bit & 1)
			return complain(b, path, n->item[i]->at, "'%s' is here twice", n->item[i]->text);
		*out |= UINT64_C(1) << bit;
	}
	return OK;
}

/* --- lists and mappings ------------------------------------------------------------------------- */

static enum status check_count(const struct binder *b, const struct path *path, const struct param *p,
			       size_t count, struct place at)
{
	if (count >= p->min && count <= p->max) return OK;
	return complain(b, path, at, "%zu items; %" PRIu64 "..%" PRIu64 " are allowed", count, p->min,
			p->max);
}

/* What a list item is called in paths: its name, or its index written to `buffer`. */
static const char *item_word(const struct node *item, size_t index, char *buffer, size_t bytes)
{
	const struct node *name = node_get(item, "name");
	if (name && name->kind == NODE_SCALAR && *name->text) return name->text;
	snprintf(buffer, bytes, "%zu", index);
	return buffer;
}

const struct param *schema_name_row(const struct schema *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->param[i].kind == PARAM_STR && strcmp(s->param[i].name, "name") == 0)
			return &s->param[i];
	return NULL;
}

static bool is_path_word(const char *name)
{
	return *name &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")];
}

/* The names of list items, defaults included, stand in paths and tell the items apart. */
static enum status check_item_name(const struct binder *b, const struct path *path, const struct schema *s,
				   const char *items, size_t i, struct place at)
{
	const struct param *row = schema_name_row(s);
	const char *own, *other;
	if (!row) return OK;
	memcpy(&own, items + i * s->bytes + row->offset, sizeof(own));
	if (!is_path_word(own))
		return complain(b, path, at, "'%.60s' as a name; letters, digits, '_' and '-' are allowed",
				own);
	for (size_t k = 0; k < i; k++) {
		memcpy(&other, items + k * s->bytes + row->offset, sizeof(other));
		if (strcmp(own, other) == 0)
			return complain(b, path, at, "a second item is named '%.60s'", own);
	}
	return OK;
}

static enum status bind_list(const struct binder *b, const struct path *path, const struct param *p,
			     const struct node *n, struct param_list *out)
{
	if (n->kind == NODE_MAP && !n->at.line)
		return complain(b, path, n->at, "there is no item in this list to set something of");
	if (n->kind != NODE_LIST) return wrong_kind(b, path, n, "a list");
	TRY(check_count(b, path, p, n->count, n->at));
	*out = (struct param_list){conf_alloc(b->c, n->count * p->sub->bytes), n->count};
	for (size_t i = 0; i < n->count; i++) {
		char index[24];
		struct path at = {path, item_word(n->item[i], i, index, sizeof(index))};
		if (n->item[i]->kind != NODE_MAP) return wrong_kind(b, &at, n->item[i], "a mapping");
		char *item = (char *)out->items + i * p->sub->bytes;
		TRY(bind_map(b, &at, p->sub, n->item[i], n->item[i]->at, item));
		TRY(check_item_name(b, path, p->sub, out->items, i, n->item[i]->at));
	}
	return OK;
}

static enum status bind_u64_list(const struct binder *b, const struct path *path, const struct param *p,
				 const struct node *n, struct param_list *out)
{
	if (n->kind != NODE_LIST) return wrong_kind(b, path, n, "a list of whole numbers");
	uint64_t *value = conf_alloc(b->c, n->count * sizeof(*value));
	*out = (struct param_list){value, n->count};
	for (size_t i = 0; i < n->count; i++) {
		char index[24];
		struct path at = {path, index};
		snprintf(index, sizeof(index), "%zu", i);
		TRY(bind_u64(b, &at, p, n->item[i], &value[i]));
	}
	return OK;
}

static enum status bind_string(const struct binder *b, const struct path *path, const struct param *p,
			       const struct node *n, const char **out)
{
	if (n->kind != NODE_SCALAR) return wrong_kind(b, path, n, "a text");
	if (!*n->text && !p->dflt_str) return complain(b, path, n->at, "is empty (%s)", p->doc);
	*out = n->text;
	return OK;
}

/* A key that is not there: its default stays, unless it has none. */
static enum status bind_absent(const struct binder *b, const struct path *path, const struct param *p,
			       struct place at, void *member)
{
	switch (p->kind) {
	case PARAM_STR: return p->dflt_str ? OK : complain(b, path, at, "is required (%s)", p->doc);
	case PARAM_LIST: return check_count(b, path, p, 0, at);
	case PARAM_MAP: return bind_map(b, path, p->sub, NULL, at, member);
	default: return OK;
	}
}

static enum status bind_param(const struct binder *b, const struct path *path, const struct param *p,
			      const struct node *n, void *member)
{
	switch (p->kind) {
	case PARAM_U64: return bind_u64(b, path, p, n, member);
	case PARAM_BOOL: return bind_bool(b, path, n, member);
	case PARAM_ENUM: return bind_choice(b, path, p, n, member);
	case PARAM_SET: return bind_set(b, path, p, n, member);
	case PARAM_STR: return bind_string(b, path, p, n, member);
	case PARAM_LIST: return bind_list(b, path, p, n, member);
	case PARAM_U64_LIST: return bind_u64_list(b, path, p, n, member);
	case PARAM_MAP:
		if (n->kind != NODE_MAP) return wrong_kind(b, path, n, "a mapping");
		return bind_map(b, path, p->sub, n, n->at, member);
	}
	return OK;
}

static bool has_row(const struct schema *s, const char *key)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->param[i].name, key) == 0) return true;
	return false;
}

static enum status bind_map(const struct binder *b, const struct path *path, const struct schema *s,
			    const struct node *map, struct place at, void *out)
{
	for (size_t i = 0; map && i < map->count; i++)
		if (!has_row(s, map->key[i])) return unknown_key(b, path, s, map, i);
	schema_defaults(s, out);
	for (size_t i = 0; i < s->count; i++) {
		const struct param *p = &s->param[i];
		const struct node *n = node_get(map, p->name);
		struct path key = {path, p->name};
		char *member = (char *)out + p->offset;
		if (n && n->kind != NODE_NULL)
			TRY(bind_param(b, &key, p, n, member));
		else
			TRY(bind_absent(b, &key, p, n ? n->at : at, member));
	}
	return OK;
}

enum status schema_bind(struct conf *c, const struct schema *s, const struct node *map, void *out,
			struct err *err)
{
	struct binder b = {c, err};
	struct place at = map ? map->at : (struct place){s->name, 0, 0};
	if (map && map->kind != NODE_MAP && map->kind != NODE_NULL)
		return wrong_kind(&b, NULL, map, "a mapping");
	return bind_map(&b, NULL, s, map, at, out);
}
