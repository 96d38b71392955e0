#include "config/effective.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "config/bind.h"
#include "config/path.h"
#include "config/suggest.h"

/* --- values as text ----------------------------------------------------------------------------- */

static uint64_t load_u64(const void *member)
{
	uint64_t value;
	memcpy(&value, member, sizeof(value));
	return value;
}

static const char *load_string(const void *member)
{
	const char *text;
	memcpy(&text, member, sizeof(text));
	return text ? text : "";
}

static struct param_list load_list(const void *member)
{
	struct param_list list;
	memcpy(&list, member, sizeof(list));
	return list;
}

static void print_set(FILE *out, const struct param *p, uint64_t set)
{
	const char *comma = "";
	fputc('[', out);
	for (unsigned i = 0; p->choices[i]; i++) {
		if (!(set >> i & 1)) continue;
		fprintf(out, "%s%s", comma, p->choices[i]);
		comma = ", ";
	}
	fputc(']', out);
}

static void print_u64_list(FILE *out, struct param_list list)
{
	const uint64_t *value = list.items;
	fputc('[', out);
	for (size_t i = 0; i < list.count; i++) fprintf(out, "%s%" PRIu64, i ? ", " : "", value[i]);
	fputc(']', out);
}

static void print_value(FILE *out, const struct param *p, const void *member)
{
	switch (p->kind) {
	case PARAM_U64: fprintf(out, "%" PRIu64, load_u64(member)); break;
	case PARAM_BOOL: fputs(load_u64(member) ? "yes" : "no", out); break;
	case PARAM_ENUM: fputs(p->choices[load_u64(member)], out); break;
	case PARAM_SET: print_set(out, p, load_u64(member)); break;
	case PARAM_STR: fputs(load_string(member), out); break;
	case PARAM_U64_LIST: print_u64_list(out, load_list(member)); break;
	case PARAM_MAP:
	case PARAM_LIST: break; /* visited by their own rows */
	}
}

/* --- the visit ---------------------------------------------------------------------------------- */

struct visitor {
	const struct node *sources;
	config_visit_fn *visit;
	void *ctx;
	struct err *err;
};

static enum status visit_struct(const struct visitor *v, const struct path *path, const struct schema *s,
				const void *params, const struct node *map);

static const char *provenance_text(const struct param *p, const struct node *n)
{
	if (!p->hardware) return "";
	return n ? provenance_names[n->provenance] : "default (estimated)";
}

static enum status visit_value(const struct visitor *v, const struct path *path, const struct param *p,
			       const void *member, const struct node *n)
{
	char where[256], origin[512], *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out) return err_set(v->err, ERR_HOST, "no memory for a text");
	print_value(out, p, member);
	fclose(out);
	const char *source = p->hardware && n && n->source ? n->source : "";
	const struct node *said = node_get(v->sources, source);
	struct config_value value = {
		.path = path_text(path, where, sizeof(where)),
		.text = text,
		.unit = p->unit,
		.doc = p->doc,
		.origin = n ? place_text(n->at, origin, sizeof(origin)) : "default",
		.provenance = provenance_text(p, n),
		.source = source,
		.source_text = said ? said->text : "",
		.param = p,
		.node = n,
	};
	enum status st = v->visit(v->ctx, &value, v->err);
	free(text);
	return st;
}

/* What an item of a list is called: the value of its `name` row, else its index written to `buffer`. */
static const char *item_word(const struct schema *s, const void *item, size_t index, char *buffer,
			     size_t bytes)
{
	const struct param *name = schema_name_row(s);
	if (name) return load_string((const char *)item + name->offset);
	snprintf(buffer, bytes, "%zu", index);
	return buffer;
}

static enum status visit_list(const struct visitor *v, const struct path *path, const struct param *p,
			      const void *member, const struct node *n)
{
	struct param_list list = load_list(member);
	for (size_t i = 0; i < list.count; i++) {
		char index[24];
		const char *item = (const char *)list.items + i * p->sub->bytes;
		struct path at = {path, item_word(p->sub, item, i, index, sizeof(index))};
		const struct node *map = n && n->kind == NODE_LIST && i < n->count ? n->item[i] : NULL;
		TRY(visit_struct(v, &at, p->sub, item, map));
	}
	return OK;
}

static enum status visit_struct(const struct visitor *v, const struct path *path, const struct schema *s,
				const void *params, const struct node *map)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct param *p = &s->param[i];
		const char *member = (const char *)params + p->offset;
		const struct node *n = node_get(map, p->name);
		if (n && n->kind == NODE_NULL) n = NULL;
		struct path at = {path, p->name};
		if (p->kind == PARAM_MAP)
			TRY(visit_struct(v, &at, p->sub, member, n));
		else if (p->kind == PARAM_LIST)
			TRY(visit_list(v, &at, p, member, n));
		else
			TRY(visit_value(v, &at, p, member, n));
	}
	return OK;
}

enum status config_visit(const struct bound *b, config_visit_fn *visit, void *ctx, struct err *err)
{
	struct visitor v = {b->file.sources, visit, ctx, err};
	struct path top = {NULL, b->name};
	return visit_struct(&v, &top, b->schema, b->params, b->file.root);
}

/* --- the canonical text ------------------------------------------------------------------------- */

/* One line per value, whatever is in it. */
static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\')
			fputs("\\\\", out);
		else
			fputc(*text, out);
	}
}

static enum status print_line(void *ctx, const struct config_value *v, struct err *err)
{
	(void)err;
	fprintf(ctx, "%s=", v->path);
	print_escaped(ctx, v->text);
	fputc('\n', ctx);
	return OK;
}

char *config_text(const struct bound *b)
{
	struct err err;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out) return xstrdup("");
	config_visit(b, print_line, out, &err);
	fclose(out);
	return text;
}

uint64_t config_hash(const struct bound *b)
{
	char *text = config_text(b);
	uint64_t hash = XXH64(text, strlen(text), 0);
	free(text);
	return hash;
}

/* --- provenance --------------------------------------------------------------------------------- */

static enum status unknown_source(const struct node *sources, const struct config_value *v, struct err *err)
{
	struct suggest near;
	suggest_init(&near, v->source);
	for (size_t i = 0; sources && i < sources->count; i++) suggest_try(&near, sources->key[i]);
	return conf_fail(err, v->node->at, "%s: source '%.60s' is not under sources:%s%s%s", v->path,
			 v->source, near.best ? "; did you mean '" : "", near.best ? near.best : "",
			 near.best ? "'?" : "");
}

static enum status check_value(void *ctx, const struct config_value *v, struct err *err)
{
	const struct node *sources = ctx;
	if (!v->param->hardware || !v->node || v->node->provenance == PROV_SET) return OK;
	if (v->node->provenance == PROV_NONE)
		return conf_fail(err, v->node->at,
				 "%s: %s says nothing of its source; tag it (or what is around it) "
				 "!documented/SOURCE, !measured/SOURCE, !fitted/SOURCE or !estimated/SOURCE",
				 v->path, v->text);
	return node_get(sources, v->source) ? OK : unknown_source(sources, v, err);
}

enum status config_check_provenance(const struct bound *b, struct err *err)
{
	struct bound as_in_file = *b;
	as_in_file.name = ""; /* messages call keys what the file calls them */
	return config_visit(&as_in_file, check_value, b->file.sources, err);
}
