/* The effective configuration: every value once, where it is from, one text and one hash; and provenance. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "config/json_schema.h"
#include "config_world.h"

struct found {
	const char *path;
	char text[64], origin[64], provenance[32], source_text[64];
};

static enum status find(void *ctx, const struct config_value *v, struct err *err)
{
	(void)err;
	struct found *f = ctx;
	if (strcmp(v->path, f->path) != 0) return OK;
	snprintf(f->text, sizeof(f->text), "%s", v->text);
	snprintf(f->origin, sizeof(f->origin), "%s", v->origin);
	snprintf(f->provenance, sizeof(f->provenance), "%s", v->provenance);
	snprintf(f->source_text, sizeof(f->source_text), "%s", v->source_text);
	return OK;
}

static struct found value_at(struct world *w, const char *path)
{
	struct found f = {.path = path};
	cr_assert(eq(int, config_visit(&w->bound, find, &f, &w->err), OK));
	return f;
}

/* As world_read, with `sources` for the tags. */
static void read_with_sources(struct world *w, const char *yaml, const char *sources)
{
	world_read(w, yaml);
	cr_assert(eq(int, w->status, OK), "%s", w->err.text);
	cr_assert(eq(int,
		     conf_parse(w->conf, "s.yaml", sources, strlen(sources), &w->bound.file.sources, &w->err),
		     OK));
}

Test(effective, the_text_has_every_value_in_the_order_of_the_rows)
{
	struct world w;
	world_read(&w, "parts: [{size: 1K, name: a}]\nweights: [3, 4]\nmain: {name: m}\nsizes: [64K]\n");
	char *text = config_text(&w.bound);
	cr_expect(eq(str, text,
		     "w.name=world\nw.count=7\nw.fast=yes\nw.colour=green\nw.sizes=[64K]\nw.bytes=65536\n"
		     "w.main.name=m\nw.main.size=1024\nw.main.ways=4\n"
		     "w.parts.a.name=a\nw.parts.a.size=1024\nw.parts.a.ways=4\nw.weights=[3, 4]\n"));
	free(text);
	world_free(&w);
}

Test(effective, the_hash_depends_on_values_not_on_how_they_are_written)
{
	struct world a, b, other;
	world_read(&a, "{main: {name: m, size: 64K}, count: 16, sizes: [4K, 16K]}");
	world_read(
		&b,
		"# comment\nsizes: [16K, 4K]\ncount: 0x10\nfast: true\nmain:\n  size: 65536\n  name: \"m\"\n");
	world_read(&other, "{main: {name: m, size: 64K}, count: 17, sizes: [4K, 16K]}");
	cr_expect(eq(u64, config_hash(&a.bound), config_hash(&b.bound)));
	cr_expect(ne(u64, config_hash(&a.bound), config_hash(&other.bound)));
	world_free(&a);
	world_free(&b);
	world_free(&other);
}

Test(effective, a_newline_in_a_text_cannot_look_like_another_value)
{
	struct world w;
	world_read(&w, "name: \"x\\nw.count=99\"\nmain: {name: m}\n");
	char *text = config_text(&w.bound);
	cr_expect(not(zero(ptr, strstr(text, "w.name=x\\nw.count=99\nw.count=7\n"))), "%s", text);
	free(text);
	world_free(&w);
}

Test(effective, a_value_tells_its_file_line_and_column_or_that_it_is_a_default)
{
	struct world w;
	world_read(&w, "main:\n  name: m\n  ways: 8\n");
	cr_expect(eq(str, value_at(&w, "w.main.ways").origin, "w.yaml:3:9"));
	cr_expect(eq(str, value_at(&w, "w.main.size").origin, "default"));
	cr_expect(eq(str, value_at(&w, "w.main.size").provenance, "default (estimated)"));
	world_free(&w);
}

Test(effective, a_value_of_the_command_line_says_so)
{
	struct world w;
	world_read(&w, "main: {name: m}\n");
	cr_assert(eq(int, conf_set(w.conf, &w.bound.file, NULL, "main.ways=8", &w.err), OK));
	cr_assert(eq(int, schema_bind(w.conf, &world_schema, w.bound.file.root, &w.params, &w.err), OK));
	cr_expect(eq(str, value_at(&w, "w.main.ways").text, "8"));
	cr_expect(eq(str, value_at(&w, "w.main.ways").origin, "--set main.ways=8"));
	cr_expect(eq(str, value_at(&w, "w.main.ways").provenance, "--set"));
	cr_expect(eq(int, config_check_provenance(&w.bound, &w.err), OK));
	world_free(&w);
}

Test(effective, a_range_error_of_the_command_line_names_the_option)
{
	struct world w;
	world_read(&w, "main: {name: m}\n");
	cr_assert(eq(int, conf_set(w.conf, &w.bound.file, NULL, "main.ways=99", &w.err), OK));
	cr_assert(eq(int, schema_bind(w.conf, &world_schema, w.bound.file.root, &w.params, &w.err),
		     ERR_CONFIG));
	cr_expect(eq(str, w.err.text, "--set main.ways=99: main.ways: 99 is outside 1..64"));
	world_free(&w);
}

Test(provenance, a_hardware_number_without_a_tag_is_an_error)
{
	struct world w;
	read_with_sources(&w, "main: {name: m, ways: 8}\n", "{}");
	cr_assert(eq(int, config_check_provenance(&w.bound, &w.err), ERR_CONFIG));
	cr_expect(eq(str, w.err.text,
		     "w.yaml:1:23: main.ways: 8 says nothing of its source; tag it (or what is around it) "
		     "!documented/SOURCE, !measured/SOURCE, !fitted/SOURCE or !estimated/SOURCE"));
	world_free(&w);
}

Test(provenance, a_tag_that_names_no_source_is_an_error)
{
	struct world w;
	read_with_sources(&w, "main: {name: m, ways: !measured/lap 8}\n", "{lab: our own}");
	cr_assert(eq(int, config_check_provenance(&w.bound, &w.err), ERR_CONFIG));
	cr_expect(eq(str, w.err.text,
		     "w.yaml:1:23: main.ways: source 'lap' is not under sources:; did you mean 'lab'?"));
	world_free(&w);
}

Test(provenance, a_tag_is_listed_with_the_text_of_its_source)
{
	struct world w;
	read_with_sources(
		&w,
		"main: !documented/trm {name: m, size: 1K, ways: !measured/lab 8}\nsizes: !estimated/x [4K]\n",
		"{lab: our own, trm: a manual, x: a guess}");
	cr_expect(eq(int, config_check_provenance(&w.bound, &w.err), OK));
	cr_expect(eq(str, value_at(&w, "w.main.size").provenance, "documented"));
	cr_expect(eq(str, value_at(&w, "w.main.size").source_text, "a manual"));
	cr_expect(eq(str, value_at(&w, "w.main.ways").provenance, "measured"));
	cr_expect(eq(str, value_at(&w, "w.sizes").provenance, "estimated"));
	cr_expect(eq(str, value_at(&w, "w.count").provenance, ""));
	world_free(&w);
}

Test(json_schema, every_row_is_a_property_and_nothing_else_is_allowed)
{
	char *text = schema_to_json(&world_schema);
	json_error_t error;
	json_t *top = json_loads(text, 0, &error);
	cr_assert(not(zero(ptr, top)), "%s", error.text);
	const json_t *rows = json_object_get(top, "properties");
	bool closed = json_is_false(json_object_get(top, "additionalProperties"));
	cr_expect(closed);
	for (size_t i = 0; i < world_schema.count; i++) {
		const json_t *row = json_object_get(rows, world_schema.param[i].name);
		cr_expect(not(zero(ptr, (void *)row)), "%s", world_schema.param[i].name);
	}
	cr_expect(eq(sz, json_object_size(rows), world_schema.count + 2),
		  "extends and sources beside the rows");
	json_decref(top);
	free(text);
}

Test(json_schema, a_number_has_its_range_and_a_size_a_pattern)
{
	char *text = schema_to_json(&world_schema);
	json_t *top = json_loads(text, 0, NULL), *count, *bytes;
	count = json_object_get(json_object_get(top, "properties"), "count");
	const json_t *range = json_array_get(json_object_get(count, "anyOf"), 0);
	cr_expect(eq(llong, json_integer_value(json_object_get(range, "minimum")), 1));
	cr_expect(eq(llong, json_integer_value(json_object_get(range, "maximum")), 100));
	cr_expect(eq(llong, json_integer_value(json_object_get(count, "default")), 7));
	bytes = json_object_get(json_object_get(top, "properties"), "bytes");
	const json_t *sized = json_array_get(
		json_object_get(json_array_get(json_object_get(bytes, "anyOf"), 0), "anyOf"), 1);
	cr_expect(eq(str, (char *)json_string_value(json_object_get(sized, "pattern")), "^[0-9]+[KMGT]?$"));
	json_decref(top);
	free(text);
}
