#include "config/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/alloc.h"

const char *const provenance_names[] = {"", "documented", "measured", "fitted", "estimated", "--set", NULL};

/* --- the arena ---------------------------------------------------------------------------------- */

struct chunk {
	struct chunk *next;
	max_align_t bytes[];
};

struct conf {
	struct chunk *chunks;
	size_t nodes;
};

struct conf *conf_new(void) { return xcalloc(1, sizeof(struct conf)); }

void conf_free(struct conf *c)
{
	if (!c) return;
	for (struct chunk *k = c->chunks, *next; k; k = next) {
		next = k->next;
		free(k);
	}
	free(c);
}

void *conf_alloc(struct conf *c, size_t bytes)
{
	struct chunk *k = xcalloc(1, sizeof(*k) + bytes);
	k->next = c->chunks;
	c->chunks = k;
	return k->bytes;
}

static char *copy_text(struct conf *c, const void *text, size_t len)
{
	char *copy = conf_alloc(c, len + 1);
	memcpy(copy, text, len);
	return copy;
}

char *conf_strdup(struct conf *c, const char *text) { return copy_text(c, text, strlen(text)); }

/* --- nodes -------------------------------------------------------------------------------------- */

struct node *node_new(struct conf *c, enum node_kind kind, struct place at)
{
	struct node *n = conf_alloc(c, sizeof(*n));
	n->kind = kind;
	n->at = at;
	return n;
}

static ptrdiff_t key_index(const struct node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->key[i], key) == 0) return (ptrdiff_t)i;
	return -1;
}

struct node *node_get(const struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP) return NULL;
	ptrdiff_t i = key_index(map, key);
	return i < 0 ? NULL : map->item[i];
}

static void *grow(struct conf *c, const void *old, size_t count, size_t room, size_t bytes)
{
	void *fresh = conf_alloc(c, room * bytes);
	if (count) memcpy(fresh, old, count * bytes);
	return fresh;
}

static void make_room(struct conf *c, struct node *n)
{
	if (n->count < n->room) return;
	n->room = n->room ? 2 * n->room : 8;
	n->item = grow(c, n->item, n->count, n->room, sizeof(*n->item));
	if (n->kind != NODE_MAP) return;
	n->key = grow(c, n->key, n->count, n->room, sizeof(*n->key));
	n->key_at = grow(c, n->key_at, n->count, n->room, sizeof(*n->key_at));
}

void node_append(struct conf *c, struct node *list, struct node *value)
{
	make_room(c, list);
	list->item[list->count++] = value;
}

void node_put(struct conf *c, struct node *map, const char *key, struct place key_at, struct node *value)
{
	ptrdiff_t i = key_index(map, key);
	if (i < 0) {
		make_room(c, map);
		i = (ptrdiff_t)map->count++;
	}
	map->key[i] = key;
	map->key_at[i] = key_at;
	map->item[i] = value;
}

static void close_gap(void *array, size_t index, size_t count, size_t bytes)
{
	char *at = (char *)array + index * bytes;
	memmove(at, at + bytes, (count - index - 1) * bytes);
}

void node_remove(struct node *n, size_t index)
{
	close_gap(n->item, index, n->count, sizeof(*n->item));
	if (n->kind == NODE_MAP) {
		close_gap(n->key, index, n->count, sizeof(*n->key));
		close_gap(n->key_at, index, n->count, sizeof(*n->key_at));
	}
	n->count--;
}

const char *place_text(struct place at, char *out, size_t bytes)
{
	if (at.line)
		snprintf(out, bytes, "%s:%u:%u", at.file, at.line, at.col);
	else
		snprintf(out, bytes, "%s", at.file);
	return out;
}

enum status conf_fail(struct err *err, struct place at, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	char where[sizeof(err->text)];
	return err_set(err, ERR_CONFIG, "%s: %s", place_text(at, where, sizeof(where)), text);
}

/* --- reading ------------------------------------------------------------------------------------ */

struct anchor {
	const char *name;
	struct node *node;
	bool open; /* its node is still being read: an alias to it would be a cycle */
};

struct reader {
	struct conf *c;
	const char *file;
	yaml_parser_t parser;
	yaml_event_t event; /* the present one; yaml_event_delete() before the next */
	unsigned depth;
	struct anchor *anchor;
	size_t anchors, anchor_room;
	struct err *err;
};

#define TOO_DEEP "nested deeper than %d"

/* The tag that holds for a node and what is inside it. */
struct tag {
	enum provenance provenance;
	const char *source;
};

static struct place place_of(const struct reader *r, yaml_mark_t mark)
{
	return (struct place){r->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static enum status fail_here(struct reader *r, const char *text)
{
	return conf_fail(r->err, place_of(r, r->event.start_mark), "%s", text);
}

static enum status next_event(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (yaml_parser_parse(&r->parser, &r->event)) return OK;
	const yaml_parser_t *p = &r->parser;
	memset(&r->event, 0, sizeof(r->event));
	/* Errors of the byte decoder have an offset and no mark. */
	if (p->error == YAML_READER_ERROR)
		return conf_fail(r->err, (struct place){r->file, 0, 0}, "byte %zu: %s", p->problem_offset,
				 p->problem ? p->problem : "not a text");
	return conf_fail(r->err, place_of(r, p->problem_mark), "not YAML: %s%s%s",
			 p->problem ? p->problem : "?", p->context ? " " : "", p->context ? p->context : "");
}

static enum status check_source_name(struct reader *r, struct place at, const char *tag, const char *name)
{
	size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	if (*name && !name[good]) return OK;
	return conf_fail(r->err, at, "tag '%s': a source is named by letters, digits, '-', '_' and '.'", tag);
}

/* A tag of YAML itself (!!int, !!str, !) says nothing that the rows do not; ours replaces what was
 * inherited. */
static enum status read_tag(struct reader *r, const yaml_char_t *text, struct place at, struct tag *tag)
{
	const char *name = (const char *)text;
	if (!name || strcmp(name, "!") == 0 || strncmp(name, "tag:yaml.org,2002:", 18) == 0) return OK;
	for (enum provenance p = PROV_DOCUMENTED; p <= PROV_ESTIMATED; p++) {
		size_t len = strlen(provenance_names[p]);
		if (strncmp(name + 1, provenance_names[p], len) != 0 || name[len + 1] != '/') continue;
		TRY(check_source_name(r, at, name, name + len + 2));
		*tag = (struct tag){p, conf_strdup(r->c, name + len + 2)};
		return OK;
	}
	return conf_fail(r->err, at,
			 "tag '%s' is none of !documented/SOURCE, !measured/SOURCE, !fitted/SOURCE, "
			 "!estimated/SOURCE",
			 name);
}

static enum status make_node(struct reader *r, enum node_kind kind, struct place at, struct tag tag,
			     struct node **out)
{
	if (++r->c->nodes > YAML_MAX_NODES)
		return conf_fail(r->err, at, "more than %d values (are aliases multiplying?)",
				 YAML_MAX_NODES);
	*out = node_new(r->c, kind, at);
	(*out)->provenance = tag.provenance;
	(*out)->source = tag.source;
	return OK;
}

static size_t open_anchor(struct reader *r, const yaml_char_t *name, struct node *node)
{
	if (!name) return SIZE_MAX;
	if (r->anchors == r->anchor_room) {
		r->anchor_room = r->anchor_room ? 2 * r->anchor_room : 8;
		r->anchor = xrealloc(r->anchor, r->anchor_room, sizeof(*r->anchor));
	}
	r->anchor[r->anchors] = (struct anchor){conf_strdup(r->c, (const char *)name), node, true};
	return r->anchors++;
}

static void close_anchor(struct reader *r, size_t index)
{
	if (index != SIZE_MAX) r->anchor[index].open = false;
}

/* What has no tag of its own takes the one that holds where the alias stands. */
static enum status copy_tree(struct reader *r, const struct node *from, struct tag tag, struct node **out)
{
	if (r->depth > YAML_MAX_DEPTH) return conf_fail(r->err, from->at, TOO_DEEP, YAML_MAX_DEPTH);
	if (from->provenance != PROV_NONE) tag = (struct tag){from->provenance, from->source};
	struct node *n = NULL;
	TRY(make_node(r, from->kind, from->at, tag, &n));
	n->quoted = from->quoted;
	n->text = from->text;
	r->depth++;
	for (size_t i = 0; i < from->count; i++) {
		struct node *item;
		TRY(copy_tree(r, from->item[i], tag, &item));
		if (n->kind == NODE_MAP)
			node_put(r->c, n, from->key[i], from->key_at[i], item);
		else
			node_append(r->c, n, item);
	}
	r->depth--;
	*out = n;
	return OK;
}

static enum status read_alias(struct reader *r, struct tag tag, struct node **out)
{
	const char *name = (const char *)r->event.data.alias.anchor;
	for (size_t i = r->anchors; i-- > 0;) { /* the last of a name counts */
		if (strcmp(r->anchor[i].name, name) != 0) continue;
		if (r->anchor[i].open)
			return fail_here(r, "an alias to what contains it: it would never end");
		return copy_tree(r, r->anchor[i].node, tag, out);
	}
	return conf_fail(r->err, place_of(r, r->event.start_mark), "alias '*%s' has no anchor before it",
			 name);
}

static bool is_null(const char *text)
{
	return !*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") ||
	       !strcmp(text, "NULL");
}

static enum status read_scalar(struct reader *r, struct tag tag, struct node **out)
{
	const yaml_event_t *e = &r->event;
	struct place at = place_of(r, e->start_mark);
	const char *value = (const char *)e->data.scalar.value;
	if (memchr(value, 0, e->data.scalar.length)) return fail_here(r, "a text with a zero byte in it");
	TRY(read_tag(r, e->data.scalar.tag, at, &tag));
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	TRY(make_node(r, plain && is_null(value) ? NODE_NULL : NODE_SCALAR, at, tag, out));
	(*out)->quoted = !plain;
	(*out)->text = copy_text(r->c, value, e->data.scalar.length);
	close_anchor(r, open_anchor(r, e->data.scalar.anchor, *out));
	return OK;
}

static enum status read_value(struct reader *r, struct tag tag, struct node **out);

static enum status read_list(struct reader *r, struct tag tag, struct node **out)
{
	struct place at = place_of(r, r->event.start_mark);
	TRY(read_tag(r, r->event.data.sequence_start.tag, at, &tag));
	TRY(make_node(r, NODE_LIST, at, tag, out));
	size_t anchor = open_anchor(r, r->event.data.sequence_start.anchor, *out);
	for (;;) {
		struct node *item;
		TRY(next_event(r));
		if (r->event.type == YAML_SEQUENCE_END_EVENT) break;
		TRY(read_value(r, tag, &item));
		node_append(r->c, *out, item);
	}
	close_anchor(r, anchor);
	return OK;
}

static enum status read_pair(struct reader *r, struct tag tag, struct node *map)
{
	if (r->event.type != YAML_SCALAR_EVENT) return fail_here(r, "a key must be a plain word");
	struct place at = place_of(r, r->event.start_mark);
	size_t len = r->event.data.scalar.length;
	const char *key = copy_text(r->c, r->event.data.scalar.value, len);
	if (strlen(key) != len) return fail_here(r, "a key with a zero byte in it");
	ptrdiff_t twin = key_index(map, key);
	if (twin >= 0)
		return conf_fail(r->err, at,
				 "key '%.80s' is here for the second time; the first is on line %u", key,
				 map->key_at[twin].line);
	if (map->count == YAML_MAX_KEYS) return conf_fail(r->err, at, "more than %d keys", YAML_MAX_KEYS);
	struct node *value;
	TRY(next_event(r));
	TRY(read_value(r, tag, &value));
	node_put(r->c, map, key, at, value);
	return OK;
}

static enum status read_map(struct reader *r, struct tag tag, struct node **out)
{
	struct place at = place_of(r, r->event.start_mark);
	TRY(read_tag(r, r->event.data.mapping_start.tag, at, &tag));
	TRY(make_node(r, NODE_MAP, at, tag, out));
	size_t anchor = open_anchor(r, r->event.data.mapping_start.anchor, *out);
	for (;;) {
		TRY(next_event(r));
		if (r->event.type == YAML_MAPPING_END_EVENT) break;
		TRY(read_pair(r, tag, *out));
	}
	close_anchor(r, anchor);
	return OK;
}

static enum status read_value(struct reader *r, struct tag tag, struct node **out)
{
	if (r->depth >= YAML_MAX_DEPTH)
		return conf_fail(r->err, place_of(r, r->event.start_mark), TOO_DEEP, YAML_MAX_DEPTH);
	r->depth++;
	enum status st;
	switch (r->event.type) {
	case YAML_ALIAS_EVENT: st = read_alias(r, tag, out); break;
	case YAML_SCALAR_EVENT: st = read_scalar(r, tag, out); break;
	case YAML_SEQUENCE_START_EVENT: st = read_list(r, tag, out); break;
	default: st = read_map(r, tag, out); break; /* no other event may stand here */
	}
	r->depth--;
	return st;
}

/* Whether an event only opens or closes what is around values. */
static bool is_frame(yaml_event_type_t type)
{
	return type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT ||
	       type == YAML_DOCUMENT_END_EVENT;
}

static enum status next_value(struct reader *r)
{
	do {
		TRY(next_event(r));
	} while (is_frame(r->event.type));
	return OK;
}

static enum status read_document(struct reader *r, struct node **out)
{
	TRY(next_value(r));
	if (r->event.type == YAML_STREAM_END_EVENT) {
		*out = node_new(r->c, NODE_NULL, (struct place){r->file, 1, 1});
		return OK;
	}
	TRY(read_value(r, (struct tag){PROV_NONE, NULL}, out));
	TRY(next_value(r));
	if (r->event.type != YAML_STREAM_END_EVENT) return fail_here(r, "a second document; one is allowed");
	return OK;
}

enum status conf_parse(struct conf *c, const char *file, const char *bytes, size_t len, struct node **out,
		       struct err *err)
{
	struct reader r = {.c = c, .file = conf_strdup(c, file), .err = err};
	if (len > YAML_MAX_BYTES)
		return conf_fail(err, (struct place){r.file, 0, 0},
				 "no configuration file: larger than %d bytes", YAML_MAX_BYTES);
	if (!yaml_parser_initialize(&r.parser)) return err_set(err, ERR_HOST, "no memory to read %s", file);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, len);
	enum status st = read_document(&r, out);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	free(r.anchor);
	return st;
}

enum status conf_parse_file(struct conf *c, const char *path, struct node **out, struct err *err)
{
	FILE *f = fopen(path, "rb");
	if (!f && errno == ENOENT && !strpbrk(path, "/."))
		return err_set(err, ERR_CONFIG,
			       "%s: no such file; files are named whole, as in configs/stacks/kvm-4k.yaml",
			       path);
	if (!f) return err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
	char *bytes = xcalloc(1, YAML_MAX_BYTES + 1);
	size_t len = fread(bytes, 1, YAML_MAX_BYTES + 1, f);
	enum status st = ferror(f) ? err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno)) : OK;
	fclose(f);
	if (st == OK) st = conf_parse(c, path, bytes, len, out, err);
	free(bytes);
	return st;
}
