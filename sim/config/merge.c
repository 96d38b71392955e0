#include "config/merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- one tree on top of another ----------------------------------------------------------------- */

/* The `name` of a list item, or NULL. */
static const char *item_name(const struct node *item)
{
	const struct node *name = node_get(item, "name");
	return name && name->kind == NODE_SCALAR ? name->text : NULL;
}

static bool is_named_list(const struct node *n)
{
	if (n->kind != NODE_LIST || !n->count) return false;
	for (size_t i = 0; i < n->count; i++)
		if (!item_name(n->item[i])) return false;
	return true;
}

static ptrdiff_t find_named(const struct node *list, const char *name, size_t below)
{
	for (size_t i = 0; i < below; i++) {
		const char *own = item_name(list->item[i]);
		if (own && strcmp(own, name) == 0) return (ptrdiff_t)i;
	}
	return -1;
}

/* "l1i, l1d, l2" into `out`: what a user could have meant. */
static const char *list_names(const struct node *list, char *out, size_t bytes)
{
	size_t used = 0;
	out[0] = 0;
	for (size_t i = 0; i < list->count && used < bytes; i++) {
		const char *name = item_name(list->item[i]);
		int n = name ? snprintf(out + used, bytes - used, "%s%s", i ? ", " : "", name)
			     : snprintf(out + used, bytes - used, "%s%zu", i ? ", " : "", i);
		used += (size_t)n;
	}
	return out;
}

static enum status no_such_item(const struct node *list, const char *word, struct place at, struct err *err)
{
	char names[200];
	return conf_fail(err, at, "no item '%.80s' in this list of %zu: %s", word, list->count,
			 list_names(list, names, sizeof(names)));
}

static enum status merge(struct conf *c, struct node **base, struct node *over, struct err *err);

/* `value` over what `map` has under `key`; null removes the key. */
static enum status merge_key(struct conf *c, struct node *map, const char *key, struct place key_at,
			     struct node *value, struct err *err)
{
	for (size_t i = 0; i < map->count; i++) {
		if (strcmp(map->key[i], key) != 0) continue;
		if (value->kind != NODE_NULL) return merge(c, &map->item[i], value, err);
		node_remove(map, i);
		return OK;
	}
	if (value->kind != NODE_NULL) node_put(c, map, key, key_at, value);
	return OK;
}

static enum status merge_maps(struct conf *c, struct node *base, const struct node *over, struct err *err)
{
	for (size_t i = 0; i < over->count; i++)
		TRY(merge_key(c, base, over->key[i], over->key_at[i], over->item[i], err));
	return OK;
}

static enum status merge_named_lists(struct conf *c, struct node *base, const struct node *over,
				     struct err *err)
{
	for (size_t i = 0; i < over->count; i++) {
		const char *name = item_name(over->item[i]);
		if (find_named(over, name, i) >= 0)
			return conf_fail(err, over->item[i]->at, "a second item is named '%.80s'", name);
		ptrdiff_t at = find_named(base, name, base->count);
		if (at < 0)
			node_append(c, base, over->item[i]);
		else
			TRY(merge(c, &base->item[at], over->item[i], err));
	}
	return OK;
}

/* A word of a path, or a key of a mapping put over a list: the `name` of an item, or its index. */
static ptrdiff_t find_item(const struct node *list, const char *word)
{
	ptrdiff_t named = find_named(list, word, list->count);
	if (named >= 0) return named;
	char *end;
	if (word[0] < '0' || word[0] > '9') return -1;
	unsigned long index = strtoul(word, &end, 10);
	return *end || index >= list->count ? -1 : (ptrdiff_t)index;
}

static enum status merge_item(struct conf *c, struct node *list, const char *word, struct place at,
			      struct node *value, struct err *err)
{
	ptrdiff_t i = find_item(list, word);
	if (i < 0) return no_such_item(list, word, at, err);
	if (value->kind != NODE_NULL) return merge(c, &list->item[i], value, err);
	node_remove(list, (size_t)i);
	return OK;
}

static enum status merge_map_into_list(struct conf *c, struct node *base, const struct node *over,
				       struct err *err)
{
	for (size_t i = 0; i < over->count; i++)
		TRY(merge_item(c, base, over->key[i], over->key_at[i], over->item[i], err));
	return OK;
}

static enum status merge(struct conf *c, struct node **base, struct node *over, struct err *err)
{
	struct node *b = *base;
	if (b->kind == NODE_MAP && over->kind == NODE_MAP) return merge_maps(c, b, over, err);
	if (is_named_list(b) && is_named_list(over)) return merge_named_lists(c, b, over, err);
	if (b->kind == NODE_LIST && over->kind == NODE_MAP) return merge_map_into_list(c, b, over, err);
	*base = over;
	return OK;
}

/* --- files -------------------------------------------------------------------------------------- */

/* Removes `key` from a mapping and returns its value, or NULL. */
static struct node *take(struct node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++) {
		if (strcmp(map->key[i], key) != 0) continue;
		struct node *value = map->item[i];
		node_remove(map, i);
		return value;
	}
	return NULL;
}

static enum status join_sources(struct conf *c, struct node *base, const struct node *over, struct err *err)
{
	if (!over || over->kind == NODE_NULL) return OK;
	if (over->kind != NODE_MAP)
		return conf_fail(err, over->at, "sources: must be a mapping of names to texts");
	for (size_t i = 0; i < over->count; i++) {
		const struct node *text = over->item[i], *known = node_get(base, over->key[i]);
		if (text->kind != NODE_SCALAR || !*text->text)
			return conf_fail(err, over->key_at[i], "sources.%.80s: must be a text", over->key[i]);
		if (known && strcmp(known->text, text->text) != 0)
			return conf_fail(err, over->key_at[i],
					 "sources.%.80s: already means another text (%s:%u)", over->key[i],
					 known->at.file, known->at.line);
		node_put(c, base, over->key[i], over->key_at[i], over->item[i]);
	}
	return OK;
}

const char *conf_beside(struct conf *c, const char *from, const char *name)
{
	const char *slash = strrchr(from, '/');
	if (name[0] == '/' || !slash) return name;
	size_t folder = (size_t)(slash - from) + 1;
	char *path = conf_alloc(c, folder + strlen(name) + 1);
	memcpy(path, from, folder);
	memcpy(path + folder, name, strlen(name));
	return path;
}

enum status conf_need_file(const char *path, const char *key, struct place at, struct err *err)
{
	if (access(path, R_OK) == 0) return OK;
	return conf_fail(err, at, "%s: %s: %s", key, path, strerror(errno));
}

/* The chain of files that are being read, each because the one before extends it. */
struct chain {
	const struct chain *up;
	const char *path;
	unsigned length;
};

static enum status check_chain(const struct chain *chain, const char *path, struct place at, struct err *err)
{
	for (const struct chain *k = chain; k; k = k->up)
		if (strcmp(k->path, path) == 0)
			return conf_fail(err, at, "extends: '%s' extends itself", path);
	if (chain->length == CONF_MAX_EXTENDS)
		return conf_fail(err, at, "extends: a chain of more than %d files", CONF_MAX_EXTENDS);
	return OK;
}

static enum status read_root(struct conf *c, const char *path, struct node **out, struct err *err)
{
	TRY(conf_parse_file(c, path, out, err));
	if ((*out)->kind == NODE_NULL) *out = node_new(c, NODE_MAP, (*out)->at);
	if ((*out)->kind != NODE_MAP) return conf_fail(err, (*out)->at, "the file must be a mapping");
	return OK;
}

static enum status load_chain(struct conf *c, const struct chain *chain, struct conf_file *out,
			      struct err *err)
{
	struct node *root;
	TRY(read_root(c, chain->path, &root, err));
	const struct node *extends = take(root, "extends"), *sources = take(root, "sources");
	if (!extends || extends->kind == NODE_NULL) {
		*out = (struct conf_file){.root = root, .sources = node_new(c, NODE_MAP, root->at)};
		return join_sources(c, out->sources, sources, err);
	}
	if (extends->kind != NODE_SCALAR) return conf_fail(err, extends->at, "extends: must be a file name");
	struct chain base = {chain, conf_beside(c, chain->path, extends->text), chain->length + 1};
	TRY(check_chain(chain, base.path, extends->at, err));
	TRY(conf_need_file(base.path, "extends", extends->at, err));
	TRY(load_chain(c, &base, out, err));
	TRY(join_sources(c, out->sources, sources, err));
	return merge_maps(c, out->root, root, err);
}

enum status conf_load(struct conf *c, const char *path, struct conf_file *out, struct err *err)
{
	struct chain chain = {NULL, conf_strdup(c, path), 1};
	return load_chain(c, &chain, out, err);
}

enum status conf_overlay(struct conf *c, struct conf_file *f, const char *path, struct err *err)
{
	struct conf_file over;
	TRY(conf_load(c, path, &over, err));
	TRY(join_sources(c, f->sources, over.sources, err));
	return merge_maps(c, f->root, over.root, err);
}

/* Whether `part` is for what is called as `f` is: it says no name, or the same one. */
static bool same_name(const struct conf_file *f, const struct node *part)
{
	const char *own = item_name(f->root), *wanted = item_name(part);
	return !wanted || (own && strcmp(own, wanted) == 0);
}

enum status conf_overlay_part(struct conf *c, struct conf_file *f, const char *path, const char *key,
			      struct err *err)
{
	struct conf_file over;
	TRY(conf_load(c, path, &over, err));
	const struct node *part = node_get(over.root, key);
	if (!part || part->kind == NODE_NULL) return OK;
	if (part->kind != NODE_MAP) return conf_fail(err, part->at, "%s: must be a mapping", key);
	if (!same_name(f, part)) return OK;
	TRY(join_sources(c, f->sources, over.sources, err));
	return merge_maps(c, f->root, part, err);
}

enum status conf_name(struct conf *c, const char *path, const char **out, struct err *err)
{
	struct conf_file file;
	TRY(conf_load(c, path, &file, err));
	*out = item_name(file.root);
	return OK;
}

void conf_drop(struct conf_file *f, const char *key) { take(f->root, key); }

/* --- --set -------------------------------------------------------------------------------------- */

/* A value of the command line has no line, and needs no source: it is a what-if. */
static void mark_as_set(struct node *n)
{
	n->at.line = 0;
	if (n->provenance == PROV_NONE) n->provenance = PROV_SET;
	for (size_t i = 0; i < n->count; i++) mark_as_set(n->item[i]);
}

/* What is under one word of a path; in a mapping, a missing one is made. */
static enum status step_into(struct conf *c, struct node *n, const char *word, struct place at,
			     struct node **out, struct err *err)
{
	if (n->kind == NODE_LIST) {
		ptrdiff_t i = find_item(n, word);
		if (i < 0) return no_such_item(n, word, at, err);
		*out = n->item[i];
		return OK;
	}
	*out = node_get(n, word);
	if (*out && (*out)->kind != NODE_NULL) return OK;
	*out = node_new(c, NODE_MAP, at);
	node_put(c, n, word, at, *out);
	return OK;
}

static enum status set_at(struct conf *c, struct node *n, char *path, struct node *value, struct err *err)
{
	for (;;) {
		char *word = strsep(&path, ".");
		if (!*word) return conf_fail(err, value->at, "an empty word in the path");
		if (n->kind == NODE_SCALAR)
			return conf_fail(err, value->at, "'%.80s' is inside a single value (%s)", word,
					 n->text);
		if (!path && n->kind == NODE_LIST) return merge_item(c, n, word, value->at, value, err);
		if (!path) return merge_key(c, n, word, value->at, value, err);
		TRY(step_into(c, n, word, value->at, &n, err));
	}
}

/* "tlbs.l2.ways=4" of "machine.tlbs.l2.ways=4", when `under` is "machine". */
static const char *below(const char *assignment, const char *under)
{
	size_t n = under ? strlen(under) : 0;
	bool named = n && strncmp(assignment, under, n) == 0 && assignment[n] == '.';
	return named ? assignment + n + 1 : assignment;
}

enum status conf_set(struct conf *c, struct conf_file *f, const char *under, const char *assignment,
		     struct err *err)
{
	const char *key = below(assignment, under), *equals = strchr(key, '=');
	if (!equals || equals == key)
		return err_set(err, ERR_USAGE, "--set %s: PATH=VALUE is expected", assignment);
	char *name = conf_alloc(c, strlen("--set ") + strlen(assignment) + 1);
	stpcpy(stpcpy(name, "--set "), assignment);
	struct node *value;
	TRY(conf_parse(c, name, equals + 1, strlen(equals + 1), &value, err));
	mark_as_set(value);
	char *path = conf_strdup(c, key);
	path[equals - key] = 0;
	return set_at(c, f->root, path, value, err);
}
