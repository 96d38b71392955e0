/* verb_params.c - `strata params`: what configuration may say, and what a machine file does say. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "cli/texts.h"
#include "cli/verbs.h"
#include "config/bind.h"
#include "config/json_schema.h"
#include "config/suggest.h"
#include "machine/machine_config.h"
#include "machine/schemas.h"
#include "machine/stack_config.h"
#include "trace/generator.h"

struct options {
	const char *module;
	struct machine_request machine;
	struct texts overlays, sets; /* the lists of `machine` */
	bool provenance, json, json_schema;
};

/* --- the rows of a module ----------------------------------------------------------------------- */

/* 65536 as "64K" where the unit is bytes. Returns out. */
static const char *number_text(uint64_t n, const char *unit, char *out, size_t bytes)
{
	static const char *const suffixes[] = {"", "K", "M", "G", "T"};
	unsigned i = 0;
	for (; strcmp(unit, "bytes") == 0 && n && n % 1024 == 0 && i < 4; i++) n /= 1024;
	snprintf(out, bytes, "%" PRIu64 "%s", n, suffixes[i]);
	return out;
}

static char *choices_text(const char *const *choices, uint64_t set)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	const char *comma = "";
	for (unsigned i = 0; choices[i]; i++) {
		if (!(set >> i & 1)) continue;
		fprintf(out, "%s%s", comma, choices[i]);
		comma = " ";
	}
	fclose(out);
	return text;
}

static char *default_text(const struct param *p)
{
	char number[32];
	switch (p->kind) {
	case PARAM_U64: return xstrdup(number_text(p->dflt, p->unit, number, sizeof(number)));
	case PARAM_BOOL: return xstrdup(p->dflt ? "yes" : "no");
	case PARAM_ENUM: return xstrdup(p->choices[p->dflt]);
	case PARAM_SET: return choices_text(p->choices, p->dflt);
	case PARAM_STR: return xstrdup(p->dflt_str ? p->dflt_str : "(required)");
	default: return xstrdup("-");
	}
}

static char *allowed_text(const struct param *p)
{
	char min[32], max[32];
	number_text(p->min, p->unit, min, sizeof(min));
	number_text(p->max, p->unit, max, sizeof(max));
	switch (p->kind) {
	case PARAM_U64:
	case PARAM_U64_LIST: return xasprintf("%s..%s", min, max);
	case PARAM_BOOL: return xstrdup("yes no");
	case PARAM_ENUM:
	case PARAM_SET: return choices_text(p->choices, UINT64_MAX);
	case PARAM_MAP: return xasprintf("see %s", p->sub->name);
	case PARAM_LIST: return xasprintf("%s..%s, see %s", min, max, p->sub->name);
	default: return xstrdup("-");
	}
}

/* Where the rows of a module are set: the first places of them. */
struct places {
	const struct schema *module;
	const char *root; /* "", "stack.", "workload." */
	unsigned count;
};
enum { PLACES_MAX = 4 };

static void print_place(void *ctx, const char *place, unsigned words, const struct param *p)
{
	struct places *at = ctx;
	(void)words;
	if (p->sub != at->module || at->count++ >= PLACES_MAX) return;
	const char *item = p->kind == PARAM_MAP ? "" : schema_name_row(p->sub) ? ".NAME" : ".N";
	printf("%s%s%s%s.KEY", at->count == 1 ? "; --set " : ", ", at->root, place, item);
}

static void print_places(const struct schema *s)
{
	struct places at = {.module = s};
	const struct {
		const char *root;
		const struct schema *schema;
	} roots[] = {{"", &machine_schema}, {"stack.", &stack_schema}, {"workload.", &gen_schema}};
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		at.root = roots[i].root;
		if (s == roots[i].schema) printf("; --set %sKEY=VALUE", at.root);
		schema_visit_places(roots[i].schema, print_place, &at);
	}
	if (at.count) fputs(at.count > PLACES_MAX ? ", ..." : "=VALUE", stdout);
}

static void print_module(const struct schema *s)
{
	printf("%s: %s", s->name, s->doc);
	print_places(s);
	putchar('\n');
	for (size_t i = 0; i < s->count; i++) {
		const struct param *p = &s->param[i];
		char *dflt = default_text(p), *allowed = allowed_text(p);
		printf("  %s%-*s  %-18s  default %-10s  in %-20s  %s\n", p->name,
		       (int)(strlen(p->name) < 24 ? 24 - strlen(p->name) : 0), p->hardware ? "*" : "",
		       p->unit, dflt, allowed, p->doc);
		free(dflt);
		free(allowed);
	}
}

static enum status find_module(const char *name, const struct schema **out, struct err *err)
{
	*out = schemas_find(name);
	if (*out) return OK;
	struct suggest near;
	suggest_init(&near, name);
	char names[480]; /* they fit into a message beside what is wrong */
	struct schema_list all;
	size_t used = 0;
	schemas_all(&all);
	for (size_t i = 0; i < all.count; i++) suggest_try(&near, all.item[i]->name);
	if (near.best) return err_set(err, ERR_USAGE, "no module '%s'; did you mean '%s'?", name, near.best);
	for (size_t i = 0; i < all.count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 all.item[i]->name);
	return err_set(err, ERR_USAGE, "no module '%s'; there are: %s", name, names);
}

static enum status show_rows(const struct options *o, struct err *err)
{
	struct schema_list shown = {.count = 1};
	if (o->module)
		TRY(find_module(o->module, &shown.item[0], err));
	else
		schemas_all(&shown);
	for (size_t i = 0; i < shown.count; i++) {
		if (i) putchar('\n');
		print_module(shown.item[i]);
	}
	puts("\n* a fact of hardware: a machine file tags it with its source");
	return OK;
}

static enum status show_json_schema(const struct options *o, struct err *err)
{
	const struct schema *s;
	TRY(find_module(o->module ? o->module : "machine", &s, err));
	char *text = schema_to_json(s);
	puts(text);
	free(text);
	return OK;
}

/* --- the values of a machine -------------------------------------------------------------------- */

static enum status print_value(void *ctx, const struct config_value *v, struct err *err)
{
	(void)ctx, (void)err;
	printf("%-44s  %-24s  %-18s  %s\n", v->path, v->text, v->unit, v->origin);
	return OK;
}

static enum status print_provenance(void *ctx, const struct config_value *v, struct err *err)
{
	(void)ctx, (void)err;
	if (!v->param->hardware) return OK;
	printf("%-44s  %-24s  %-18s  %-20s", v->path, v->text, v->unit, v->provenance);
	if (*v->source) printf("  %s: %s", v->source, v->source_text);
	putchar('\n');
	return OK;
}

static enum status append_json(void *ctx, const struct config_value *v, struct err *err)
{
	(void)err;
	json_array_append_new(ctx, json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:s}", "path", v->path,
					     "value", v->text, "unit", v->unit, "origin", v->origin,
					     "hardware", (int)v->param->hardware, "provenance", v->provenance,
					     "source", v->source, "source_text", v->source_text));
	return OK;
}

static enum status show_json(const struct bound *b, struct err *err)
{
	char hash[20];
	snprintf(hash, sizeof(hash), "%016" PRIx64, config_hash(b));
	json_t *values = json_array();
	config_visit(b, append_json, values, err);
	json_t *top = json_pack("{s:s, s:o}", "hash", hash, "values", values);
	json_dumpf(top, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(top);
	return OK;
}

static enum status show_machine(const struct options *o, struct err *err)
{
	struct machine_config m;
	enum status st = machine_config_load(&m, &o->machine, err);
	if (st == OK && o->json)
		st = show_json(&m.bound, err);
	else if (st == OK)
		st = config_visit(&m.bound, o->provenance ? print_provenance : print_value, NULL, err);
	if (st == OK && !o->json && !o->provenance)
		printf("# hash of this configuration: %016" PRIx64 "\n", config_hash(&m.bound));
	machine_config_free(&m);
	return st;
}

/* --- the command line --------------------------------------------------------------------------- */

enum { OPT_SET = 256, OPT_PROVENANCE, OPT_JSON, OPT_JSON_SCHEMA };

static const struct argp_option option_rows[] = {
	{"machine", 'm', "FILE", 0,
	 "show the values of this machine, defaults included, and where each is from", 0},
	{"overlay", 'o', "FILE", 0, "a file on top of the machine; may be repeated", 0},
	{"set", OPT_SET, "PATH=VALUE", 0, "a value on top of all files, such as tlbs.l2.entries=2048", 0},
	{"provenance", OPT_PROVENANCE, NULL, 0, "with -m: each hardware number with its source", 0},
	{"json", OPT_JSON, NULL, 0, "with -m: the same as JSON", 0},
	{"json-schema", OPT_JSON_SCHEMA, NULL, 0, "a JSON Schema of MODULE's files (default: machine)", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case 'm': o->machine.path = arg; break;
	case 'o': texts_add(&o->overlays, arg); break;
	case OPT_SET: texts_add(&o->sets, arg); break;
	case OPT_PROVENANCE: o->provenance = true; break;
	case OPT_JSON: o->json = true; break;
	case OPT_JSON_SCHEMA: o->json_schema = true; break;
	case ARGP_KEY_ARG:
		if (o->module) argp_error(state, "one MODULE, please");
		o->module = arg;
		break;
	case ARGP_KEY_END:
		if (!o->machine.path && (o->provenance || o->json || o->overlays.count || o->sets.count))
			argp_error(state, "--provenance, --json, --overlay and --set need -m FILE");
		if (o->machine.path && (o->module || o->json_schema))
			argp_error(state, "-m FILE goes with neither MODULE nor --json-schema");
		break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static enum status show(struct options *o, struct err *err)
{
	o->machine.overlays = o->overlays.item;
	o->machine.sets = o->sets.item;
	if (o->machine.path) return show_machine(o, err);
	return o->json_schema ? show_json_schema(o, err) : show_rows(o, err);
}

int verb_params(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_rows,
		.parser = parse_option,
		.args_doc = "[MODULE]",
		.doc = "The rows that configuration files may use: name, unit, default, range, meaning - of MODULE or of "
		       "all. With -m, the values that a machine file gives them.",
	};
	struct options o = {0};
	struct err err;
	argp_err_exit_status = 2;
	argv[0] = (char[]){"strata params"};
	if (argp_parse(&argp, argc, argv, 0, NULL, &o)) return 2;
	enum status st = show(&o, &err);
	if (st != OK) fprintf(stderr, "strata params: %s\n", err.text);
	free(o.overlays.item);
	free(o.sets.item);
	return status_exit_code(st);
}
