/* path_load.c - a book of paths from its YAML tree: names, classes, contexts, vectors, regions. Steps:
 * path_parse.c. */
#include <string.h>

#include "base/bits.h"
#include "config/bind.h"
#include "config/merge.h"
#include "config/suggest.h"
#include "hyp/path_steps.h"
#include "lock/lock.h"

const char *const region_names[REGION_KINDS + 1] = {"memory", "kernel", "user", NULL};
const char *const vector_names[16] = {
	"sp0_sync",     "sp0_irq",     "sp0_fiq",     "sp0_serror",     "same_sync", "same_irq",
	"same_fiq",     "same_serror", "lower_sync",  "lower_irq",      "lower_fiq", "lower_serror",
	"lower32_sync", "lower32_irq", "lower32_fiq", "lower32_serror",
};

#define FIND(function, member, items) \
	uint16_t function(const struct path_book *b, const char *name) \
	{ \
		for (size_t i = 0; i < b->items; i++) \
			if (strcmp(b->member[i].name, name) == 0) return (uint16_t)i; \
		return PATH_NONE; \
	}
FIND(book_path, path, paths)
FIND(book_list, list, lists)
FIND(book_context, context, contexts)
FIND(book_table, vectors, tables)
FIND(book_variable, variable, variables)

/* The section `key`: a mapping, or NULL when the files do not have it. */
static enum status section(const struct node *root, const char *key, const struct node **out, struct err *err)
{
	*out = node_get(root, key);
	if (*out && (*out)->kind == NODE_NULL) *out = NULL;
	if (*out && (*out)->kind != NODE_MAP)
		return conf_fail(err, (*out)->at, "%s: a mapping is needed", key);
	return OK;
}

static enum status check_keys(const struct node *map, const char *what, const char *const *allowed,
			      struct err *err)
{
	for (size_t i = 0; i < map->count; i++) {
		struct suggest near;
		bool known = false;
		suggest_init(&near, map->key[i]);
		for (size_t k = 0; allowed[k]; k++) {
			suggest_try(&near, allowed[k]);
			known |= strcmp(allowed[k], map->key[i]) == 0;
		}
		if (known) continue;
		return conf_fail(err, map->key_at[i], "%s: no key '%s'%s%s%s", what, map->key[i],
				 near.best ? "; did you mean '" : "", near.best ? near.best : "",
				 near.best ? "'?" : "");
	}
	return OK;
}

/* --- values ------------------------------------------------------------------------------------------ */

static enum status bits_value(const struct node *n, struct path_value *out, struct err *err)
{
	static const char *const keys[] = {"set", "clear", NULL};
	TRY(check_keys(n, "bits", keys, err));
	*out = (struct path_value){.kind = VALUE_BITS};
	const struct node *set = node_get(n, "set"), *clear = node_get(n, "clear");
	if (set && (set->kind != NODE_SCALAR || !param_parse_u64(set->text, "", &out->set)))
		return conf_fail(err, set->at, "set: a number is needed");
	if (clear && (clear->kind != NODE_SCALAR || !param_parse_u64(clear->text, "", &out->clear)))
		return conf_fail(err, clear->at, "clear: a number is needed");
	return OK;
}

/* A name: first a context (in steps), then a path, then a vector table. */
static bool named_value(const struct path_book *b, const char *name, bool in_step, struct path_value *out)
{
	uint16_t context = in_step ? book_context(b, name) : PATH_NONE;
	uint16_t path = book_path(b, name), table = book_table(b, name);
	static const struct {
		const char *name;
		uint8_t kind;
	} special[] = {{"operation", VALUE_OPERATION},
		       {"acknowledged", VALUE_ACKNOWLEDGED},
		       {"vgic", VALUE_VGIC},
		       {"kick", VALUE_KICK},
		       {"next_cluster", VALUE_NEXT_CLUSTER},
		       {"next_vcpu", VALUE_NEXT_VCPU}};
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if (strcmp(name, special[i].name) != 0) continue;
		*out = (struct path_value){.kind = special[i].kind};
		return in_step || special[i].kind == VALUE_OPERATION;
	}
	if (context != PATH_NONE) {
		*out = (struct path_value){.kind = VALUE_CONTEXT, .index = context};
	} else if (path != PATH_NONE) {
		*out = (struct path_value){.kind = VALUE_PATH, .index = path};
	} else {
		*out = (struct path_value){.kind = VALUE_VECTORS, .index = table};
		return table != PATH_NONE;
	}
	return true;
}

enum status book_value(struct path_book *b, const struct node *n, bool in_step, struct path_value *out,
		       struct err *err)
{
	if (n->kind == NODE_MAP && in_step) return bits_value(n, out, err);
	*out = (struct path_value){.kind = VALUE_NUMBER};
	if (n->kind == NODE_SCALAR && param_parse_u64(n->text, "", &out->set)) return OK;
	if (n->kind == NODE_SCALAR && named_value(b, n->text, in_step, out)) return OK;
	return conf_fail(err, n->at, "%s: neither a number nor the name of a %spath or vector table",
			 n->kind == NODE_SCALAR ? n->text : "this", in_step ? "context, " : "");
}

/* --- sections ---------------------------------------------------------------------------------------- */

static enum status read_register(const char *name, struct place at, struct reg_name *out, struct err *err)
{
	if (reg_find(name, out)) return OK;
	struct suggest near;
	suggest_init(&near, name);
	for (unsigned i = 0; i < R_COUNT; i++) suggest_try(&near, reg_rows[i].name);
	return conf_fail(err, at, "%s: no register of that name%s%s%s", name,
			 near.best ? "; did you mean " : "", near.best ? near.best : "",
			 near.best ? "?" : "");
}

static enum status read_class(struct path_book *b, const struct node *n, struct path_class *out,
			      struct err *err)
{
	if (n->kind != NODE_LIST)
		return conf_fail(err, n->at, "%s: a list of registers is needed", out->name);
	out->count = n->count;
	out->reg = conf_alloc(b->conf, (n->count + 1) * sizeof(*out->reg));
	for (size_t i = 0; i < n->count; i++) {
		if (n->item[i]->kind != NODE_SCALAR)
			return conf_fail(err, n->item[i]->at, "a register is needed");
		TRY(read_register(n->item[i]->text, n->item[i]->at, &out->reg[i], err));
	}
	return OK;
}

static enum status read_classes(struct path_book *b, const struct node *root, struct err *err)
{
	const struct node *map;
	TRY(section(root, "registers", &map, err));
	if (!map) return OK;
	b->list = conf_alloc(b->conf, (map->count + 1) * sizeof(*b->list));
	for (size_t i = 0; i < map->count; i++) {
		b->list[i].name = map->key[i];
		TRY(read_class(b, map->item[i], &b->list[i], err));
	}
	b->lists = map->count;
	return OK;
}

/* E2H is RES0 without FEAT_VHE: what is written for a host at EL2 would go astray much later. */
static enum status check_e2h(const struct path_book *b, const struct node *n, const struct path_value *hcr,
			     struct err *err)
{
	if (hcr->kind != VALUE_NUMBER || !bit_get(hcr->set, HCR_E2H) || b->features->vhe) return OK;
	return conf_fail(err, n->at,
			 "HCR_EL2: E2H needs FEAT_VHE, which the machine does not have (features.vhe)");
}

static enum status read_image(struct path_book *b, const struct node *n, struct path_context *out,
			      struct err *err)
{
	if (!n || n->kind == NODE_NULL) return OK;
	if (n->kind != NODE_MAP) return conf_fail(err, n->at, "registers and their values are needed");
	for (size_t i = 0; i < n->count; i++) {
		struct reg_name reg;
		TRY(read_register(n->key[i], n->key_at[i], &reg, err));
		if (reg.el12)
			return conf_fail(err, n->key_at[i], "%s: say %s", n->key[i], reg_rows[reg.reg].name);
		TRY(book_value(b, n->item[i], false, &out->value[reg.reg], err));
		if (reg.reg == R_HCR_EL2) TRY(check_e2h(b, n->item[i], &out->value[reg.reg], err));
	}
	return OK;
}

/* Names first: steps and images refer to contexts, paths and tables in any order. */
static enum status name_contexts(struct path_book *b, const struct node *root, struct err *err)
{
	const struct node *map;
	TRY(section(root, "contexts", &map, err));
	b->context = conf_alloc(b->conf, (map ? map->count + 1 : 1) * sizeof(*b->context));
	for (size_t i = 0; map && i < map->count; i++) b->context[b->contexts++].name = map->key[i];
	return OK;
}

static enum status read_contexts(struct path_book *b, const struct node *root, struct err *err)
{
	const struct node *map = node_get(root, "contexts");
	for (size_t i = 0; i < b->contexts; i++) TRY(read_image(b, map->item[i], &b->context[i], err));
	return OK;
}

/* A path that is null keeps its place for a file on top, and is none without that. */
static enum status name_paths(struct path_book *b, const struct node *root, const char *key, struct err *err)
{
	const struct node *map;
	TRY(section(root, key, &map, err));
	for (size_t i = 0; map && i < map->count; i++) {
		if (map->item[i]->kind == NODE_NULL) continue;
		if (book_path(b, map->key[i]) != PATH_NONE || b->paths == PATH_MAX_PATHS)
			return conf_fail(err, map->key_at[i], "%s: a path of that name is there already",
					 map->key[i]);
		struct path *p = &b->path[b->paths++];
		*p = (struct path){.name = map->key[i], .doc = "", .at = map->key_at[i]};
		p->operation = strcmp(key, "operations") == 0;
	}
	return OK;
}

static enum status read_operation(struct path_book *b, const struct node *n, struct path *p, struct err *err)
{
	static const char *const keys[] = {"doc", "steps", NULL};
	if (n->kind != NODE_MAP) return conf_fail(err, n->at, "%s: {doc, steps} is needed", p->name);
	TRY(check_keys(n, p->name, keys, err));
	const struct node *doc = node_get(n, "doc"), *steps = node_get(n, "steps");
	if (doc && doc->kind == NODE_SCALAR) p->doc = doc->text;
	if (!steps) return conf_fail(err, n->at, "%s: steps are needed", p->name);
	return book_steps(b, steps, p, err);
}

static enum status read_paths(struct path_book *b, const struct node *root, const char *key, struct err *err)
{
	const struct node *map = node_get(root, key);
	for (size_t i = 0; map && i < map->count; i++) {
		if (map->item[i]->kind == NODE_NULL) continue;
		struct path *p = &b->path[book_path(b, map->key[i])];
		if (p->operation) {
			TRY(read_operation(b, map->item[i], p, err));
		} else {
			TRY(book_steps(b, map->item[i], p, err));
		}
	}
	return OK;
}

static enum status read_table(struct path_book *b, const struct node *n, struct path_vectors *v,
			      struct err *err)
{
	const char *keys[18] = {"el"};
	uint64_t el;
	memcpy(keys + 1, vector_names, sizeof(vector_names));
	if (n->kind != NODE_MAP) return conf_fail(err, n->at, "%s: a mapping is needed", v->name);
	TRY(check_keys(n, v->name, keys, err));
	const struct node *level = node_get(n, "el");
	if (!level || level->kind != NODE_SCALAR || !param_parse_u64(level->text, "", &el) || el < 1 ||
	    el > 3)
		return conf_fail(err, level ? level->at : n->at, "%s.el: 1, 2 or 3 is needed", v->name);
	v->el = (uint8_t)el;
	for (unsigned i = 0; i < 16; i++) {
		const struct node *path = node_get(n, vector_names[i]);
		v->path[i] = path && path->kind == NODE_SCALAR ? book_path(b, path->text) : PATH_NONE;
		if (path && v->path[i] == PATH_NONE)
			return conf_fail(err, path->at, "%s.%s: a path is needed", v->name, vector_names[i]);
	}
	return OK;
}

static enum status name_tables(struct path_book *b, const struct node *root, struct err *err)
{
	const struct node *map;
	TRY(section(root, "vectors", &map, err));
	b->vectors = conf_alloc(b->conf, (map ? map->count + 1 : 1) * sizeof(*b->vectors));
	for (size_t i = 0; map && i < map->count; i++) {
		b->vectors[b->tables] = (struct path_vectors){.name = map->key[i], .at = map->key_at[i]};
		TRY(read_table(b, map->item[i], &b->vectors[b->tables++], err));
	}
	return OK;
}

static enum status read_variables(struct path_book *b, const struct node *root, struct err *err)
{
	const struct node *map;
	TRY(section(root, "variables", &map, err));
	b->variable = conf_alloc(b->conf, (map ? map->count + 1 : 1) * sizeof(*b->variable));
	for (size_t i = 0; map && i < map->count; i++) {
		const char *text = map->item[i]->kind == NODE_SCALAR ? map->item[i]->text : "";
		bool yes = strcmp(text, "yes") == 0;
		if (!yes && strcmp(text, "no") != 0)
			return conf_fail(err, map->item[i]->at, "%s: yes or no is needed", map->key[i]);
		b->variable[b->variables++] = (struct path_variable){.name = map->key[i], .value = yes};
	}
	return OK;
}

static enum status read_locks(struct path_book *b, const struct node *root, struct err *err)
{
	const struct node *map;
	TRY(section(root, "locks", &map, err));
	b->lock = conf_alloc(b->conf, (map ? map->count + 1 : 1) * sizeof(*b->lock));
	for (size_t i = 0; map && i < map->count; i++) {
		const char *text = map->item[i]->kind == NODE_SCALAR ? map->item[i]->text : "";
		uint8_t kind = 0;
		while (kind < LOCK_KIND_COUNT && strcmp(lock_kind_names[kind], text) != 0) kind++;
		if (kind == LOCK_KIND_COUNT)
			return conf_fail(err, map->item[i]->at,
					 "%s: spinlock, rwlock, mutex, rcu, ticket or test_and_set is needed",
					 map->key[i]);
		b->lock[b->locks++] = (struct path_lock){map->key[i], kind};
	}
	return OK;
}

#define R struct path_region_params
struct path_region_params {
	const char *name;
	uint64_t base, bytes, kind, mapped;
};
static const struct param region_rows[] = {
	P_STR(R, name, NULL, "name of the region"),
	P_U64(R, base, "bytes", 0, 0, UINT64_C(1) << 52, "first IPA"),
	P_U64(R, bytes, "bytes", 4096, 4096, UINT64_C(1) << 52, "size"),
	P_ENUM(R, kind, region_names, REGION_memory,
	       "memory, or a device that the kernel or the VMM emulates"),
	P_BOOL(R, mapped, 0, "mapped at stage 2 from the start, so that accesses never leave the guest"),
};
static SCHEMA(region_schema, "region", R, region_rows, "a range of the guest's physical addresses");
struct regions_params {
	struct param_list regions;
};
static const struct param regions_rows[] = {
	P_LIST(struct regions_params, regions, &region_schema, 0, 64,
	       "what the guest's physical addresses are"),
};
static SCHEMA(regions_schema, "regions", struct regions_params, regions_rows,
	      "the guest's physical memory map");
#undef R

static enum status read_regions(struct path_book *b, const struct node *root, struct err *err)
{
	struct node *list = node_get(root, "regions"), *holder = node_new(b->conf, NODE_MAP, root->at);
	struct regions_params p;
	if (!list) return OK;
	node_put(b->conf, holder, "regions", list->at, list);
	TRY(schema_bind(b->conf, &regions_schema, holder, &p, err));
	const struct path_region_params *in = p.regions.items;
	b->region = conf_alloc(b->conf, (p.regions.count + 1) * sizeof(*b->region));
	b->regions = p.regions.count;
	for (size_t i = 0; i < b->regions; i++)
		b->region[i] = (struct path_region){in[i].name, in[i].base, in[i].bytes, (uint8_t)in[i].kind,
						    in[i].mapped != 0};
	return OK;
}

static enum status read_start(struct path_book *b, const struct node *root, struct err *err)
{
	static const char *const keys[] = {"path", "el", "registers", NULL};
	const struct node *start = node_get(root, "start");
	uint64_t el;
	if (!start || start->kind != NODE_MAP)
		return conf_fail(err, root->at,
				 "start: {path, el, registers} is needed: where the first instruction is");
	TRY(check_keys(start, "start", keys, err));
	const struct node *path = node_get(start, "path"), *level = node_get(start, "el");
	b->start = path && path->kind == NODE_SCALAR ? book_path(b, path->text) : PATH_NONE;
	if (b->start == PATH_NONE)
		return conf_fail(err, path ? path->at : start->at, "start.path: a path is needed");
	if (!level || level->kind != NODE_SCALAR || !param_parse_u64(level->text, "", &el) || el > 3)
		return conf_fail(err, level ? level->at : start->at, "start.el: a level, 0 to 3, is needed");
	b->start_el = (uint8_t)el;
	b->start_registers = conf_alloc(b->conf, sizeof(*b->start_registers));
	return read_image(b, node_get(start, "registers"), b->start_registers, err);
}

static enum status read_names(struct path_book *b, const struct node *root, struct err *err)
{
	const struct node *name = node_get(root, "name");
	b->name = name && name->kind == NODE_SCALAR ? name->text : "";
	b->path = conf_alloc(b->conf, PATH_MAX_PATHS * sizeof(*b->path));
	TRY(name_contexts(b, root, err));
	b->named = node_get(root, "paths");
	TRY(name_paths(b, root, "paths", err));
	TRY(name_paths(b, root, "operations", err));
	TRY(name_tables(b, root, err));
	TRY(read_variables(b, root, err));
	TRY(read_locks(b, root, err));
	return read_classes(b, root, err);
}

static enum status read_book(struct path_book *b, const struct node *root, struct err *err)
{
	static const char *const keys[] = {"name",    "registers", "contexts", "variables",
					   "vectors", "regions",   "start",    "operations",
					   "paths",   "locks",     NULL};
	TRY(check_keys(root, "a file of paths", keys, err));
	TRY(read_names(b, root, err));
	TRY(read_contexts(b, root, err));
	TRY(read_regions(b, root, err));
	TRY(read_paths(b, root, "paths", err));
	TRY(read_paths(b, root, "operations", err));
	TRY(read_start(b, root, err));
	return book_check(b, err);
}

enum status path_book_bind(struct conf *c, const struct node *root, const struct features *f,
			   struct path_book **out, struct err *err)
{
	struct path_book *b = conf_alloc(c, sizeof(*b));
	b->conf = c;
	b->features = f;
	*out = b;
	return read_book(b, root, err);
}

enum status path_book_load(struct conf *c, const char *const *files, const struct features *f,
			   struct path_book **out, struct err *err)
{
	struct conf_file file = {0};
	for (size_t i = 0; files[i]; i++) {
		if (i) {
			TRY(conf_overlay(c, &file, files[i], err));
		} else {
			TRY(conf_load(c, files[i], &file, err));
		}
	}
	if (!file.root) return err_set(err, ERR_USAGE, "no file of paths was named");
	return path_book_bind(c, file.root, f, out, err);
}

const char *path_operation(const struct path_book *b, size_t index, const char **doc)
{
	for (size_t i = 0; i < b->paths; i++) {
		if (!b->path[i].operation || index--) continue;
		*doc = b->path[i].doc;
		return b->path[i].name;
	}
	return NULL;
}
