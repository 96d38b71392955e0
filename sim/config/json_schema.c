#include "config/json_schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"

static json_t *struct_to_json(const struct schema *s);

/* {"type": name} */
static json_t *type_of(const char *name) { return json_pack("{s:s}", "type", name); }

/* A bound beyond 2^63-1 is no number of this library: it is left out here and checked by the binder only. */
static void put_bound(json_t *to, const char *key, uint64_t value)
{
	if (value <= INT64_MAX) json_object_set_new(to, key, json_integer((json_int_t)value));
}

static json_t *number_to_json(const struct param *p)
{
	json_t *number = type_of("integer");
	put_bound(number, "minimum", p->min);
	put_bound(number, "maximum", p->max);
	if (strcmp(p->unit, "bytes") != 0) return number;
	json_t *sized = json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9]+[KMGT]?$");
	return json_pack("{s:[o, o]}", "anyOf", number, sized);
}

static json_t *names_of(const char *const *choices)
{
	json_t *names = json_array();
	for (size_t i = 0; choices[i]; i++) json_array_append_new(names, json_string(choices[i]));
	return json_pack("{s:o}", "enum", names);
}

/* A choice that looks like a number is one to a YAML reader: -1 beside "-1". */
static json_t *choices_to_json(const char *const *choices)
{
	json_t *any = names_of(choices), *names = json_object_get(any, "enum");
	for (size_t i = 0; choices[i]; i++) {
		char *end;
		long long n = strtoll(choices[i], &end, 10);
		if (end != choices[i] && !*end) json_array_append_new(names, json_integer(n));
	}
	return any;
}

static json_t *list_to_json(const struct param *p)
{
	json_t *list = json_pack("{s:s, s:o}", "type", "array", "items", struct_to_json(p->sub));
	put_bound(list, "minItems", p->min);
	put_bound(list, "maxItems", p->max);
	/* An overlay may name items instead. */
	json_t *by_name = json_pack(
		"{s:s, s:s}", "type", "object", "description",
		"on top of a list of named items: keys are names, values go on top, null removes");
	return json_pack("{s:[o, o]}", "anyOf", list, by_name);
}

static json_t *value_to_json(const struct param *p)
{
	switch (p->kind) {
	case PARAM_U64: return number_to_json(p);
	case PARAM_BOOL: return json_pack("{s:[b, b, s, s]}", "enum", 1, 0, "yes", "no");
	case PARAM_ENUM: return choices_to_json(p->choices);
	case PARAM_SET:
		return json_pack("{s:s, s:o, s:b}", "type", "array", "items", choices_to_json(p->choices),
				 "uniqueItems", 1);
	case PARAM_STR: return json_pack("{s:[s, s]}", "type", "string", "number");
	case PARAM_MAP: return struct_to_json(p->sub);
	case PARAM_LIST: return list_to_json(p);
	case PARAM_U64_LIST: return json_pack("{s:s, s:o}", "type", "array", "items", number_to_json(p));
	}
	return json_object();
}

static void put_default(json_t *to, const struct param *p)
{
	if (p->kind == PARAM_U64) put_bound(to, "default", p->dflt);
	if (p->kind == PARAM_BOOL) json_object_set_new(to, "default", json_string(p->dflt ? "yes" : "no"));
	if (p->kind == PARAM_ENUM) json_object_set_new(to, "default", json_string(p->choices[p->dflt]));
	if (p->kind == PARAM_STR && p->dflt_str) json_object_set_new(to, "default", json_string(p->dflt_str));
}

/* null takes a key back that a file below has set, so every value may be null. */
static json_t *param_to_json(const struct param *p)
{
	char *doc = xasprintf("%s [%s]", p->doc, p->unit);
	json_t *out = json_pack("{s:s, s:[o, o]}", "description", doc, "anyOf", value_to_json(p),
				type_of("null"));
	put_default(out, p);
	free(doc);
	return out;
}

static json_t *struct_to_json(const struct schema *s)
{
	json_t *rows = json_object();
	for (size_t i = 0; i < s->count; i++)
		json_object_set_new(rows, s->param[i].name, param_to_json(&s->param[i]));
	return json_pack("{s:s, s:s, s:o, s:b}", "type", "object", "description", s->doc, "properties", rows,
			 "additionalProperties", 0);
}

/* Complete on its own, or on top of another file. */
static json_t *completeness(const struct schema *s)
{
	json_t *required = json_array();
	for (size_t i = 0; i < s->count; i++)
		if (s->param[i].kind == PARAM_STR && !s->param[i].dflt_str)
			json_array_append_new(required, json_string(s->param[i].name));
	return json_pack("[{s:o}, {s:[s]}]", "required", required, "required", "extends");
}

char *schema_to_json(const struct schema *s)
{
	json_t *top = json_object(), *body = struct_to_json(s);
	json_object_set_new(top, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	char *title = xasprintf("Strata %s file", s->name);
	json_object_set_new(top, "title", json_string(title));
	free(title);
	json_object_update(top, body);
	json_decref(body);
	json_t *rows = json_object_get(top, "properties");
	json_object_set_new(rows, "extends",
			    json_pack("{s:s, s:s}", "type", "string", "description",
				      "the file that this one goes on top of, relative to it"));
	json_object_set_new(
		rows, "sources",
		json_pack(
			"{s:s, s:s, s:{s:s}}", "type", "object", "description",
			"what the tags !documented/NAME, !measured/NAME, !fitted/NAME and !estimated/NAME cite",
			"additionalProperties", "type", "string"));
	json_object_set_new(top, "anyOf", completeness(s));
	char *text = json_dumps(top, JSON_INDENT(2));
	json_decref(top);
	if (text) return text;
	return xstrdup("{}"); /* only without memory */
}
