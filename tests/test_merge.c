/* extends, overlays and --set: what goes on top of what. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "config_world.h"

static struct conf *c;
static struct conf_file file;
static struct err err;

static void setup(void)
{
	c = conf_new();
	memset(&file, 0, sizeof(file));
}
static void teardown(void)
{
	conf_free(c);
	temp_clean();
}
TestSuite(merge, .init = setup, .fini = teardown);

/* The value at "a.b" below the root as text; "-" when it is not there. List items are found by name. */
static const char *at(const char *path)
{
	static char words[128];
	snprintf(words, sizeof(words), "%s", path);
	const struct node *n = file.root;
	for (char *word = strtok(words, "."); word && n; word = strtok(NULL, ".")) {
		const struct node *next = node_get(n, word);
		for (size_t i = 0; n->kind == NODE_LIST && i < n->count && !next; i++) {
			const struct node *name = node_get(n->item[i], "name");
			if (name && strcmp(name->text, word) == 0) next = n->item[i];
		}
		n = next;
	}
	return n && n->kind == NODE_SCALAR ? n->text : n ? "(not a value)" : "-";
}

static void load(const char *yaml)
{
	cr_assert(eq(int, conf_load(c, temp_file("base.yaml", yaml), &file, &err), OK), "%s", err.text);
}
static void overlay(const char *yaml)
{
	cr_assert(eq(int, conf_overlay(c, &file, temp_file("over.yaml", yaml), &err), OK), "%s", err.text);
}
static void set(const char *assignment)
{
	cr_assert(eq(int, conf_set(c, &file, NULL, assignment, &err), OK), "%s", err.text);
}
static void expect(const char *path, const char *value)
{
	cr_expect(eq(str, (char *)at(path), (char *)value), "%s", path);
}
static void expect_error_ends(const char *tail)
{
	size_t n = strlen(err.text), m = strlen(tail);
	cr_expect(n >= m && strcmp(err.text + n - m, tail) == 0, "%s", err.text);
}

Test(merge, mappings_merge_by_key)
{
	load("main: {size: 1, ways: 2}\n");
	overlay("main: {ways: 3, extra: 4}\n");
	expect("main.size", "1");
	expect("main.ways", "3");
	expect("main.extra", "4");
}

Test(merge, lists_of_named_items_merge_by_name_and_a_new_name_appends)
{
	load("parts: [{name: a, size: 1}, {name: b, size: 2}]\n");
	overlay("parts: [{name: b, ways: 9}, {name: c, size: 3}]\n");
	expect("parts.a.size", "1");
	expect("parts.b.size", "2");
	expect("parts.b.ways", "9");
	expect("parts.c.size", "3");
	cr_expect(eq(sz, node_get(file.root, "parts")->count, 3));
}

Test(merge, other_lists_replace)
{
	load("pages: [4K, 16K]\n");
	overlay("pages: [64K]\n");
	const struct node *pages = node_get(file.root, "pages");
	cr_assert(eq(sz, pages->count, 1));
	cr_expect(eq(str, (char *)pages->item[0]->text, "64K"));
}

Test(merge, a_mapping_over_a_list_addresses_its_items)
{
	load("parts: [{name: a, size: 1}, {name: b, size: 2}]\n");
	overlay("parts: {a: {size: 7}, b: ~}\n");
	expect("parts.a.size", "7");
	cr_expect(eq(sz, node_get(file.root, "parts")->count, 1));
}

Test(merge, a_mapping_over_a_list_with_an_unknown_name_is_an_error)
{
	load("parts: [{name: a}, {name: b}]\n");
	const char *path = temp_file("over.yaml", "parts: {z: {size: 7}}\n");
	cr_assert(eq(int, conf_overlay(c, &file, path, &err), ERR_CONFIG));
	expect_error_ends("over.yaml:1:9: no item 'z' in this list of 2: a, b");
}

Test(merge, null_takes_a_key_back)
{
	load("main: {size: 1, ways: 2}\n");
	overlay("main: {size: ~}\n");
	expect("main.size", "-");
	expect("main.ways", "2");
}

Test(merge, extends_is_relative_to_the_file_and_below_it)
{
	temp_file("below.yaml", "a: 1\nb: 2\n");
	load("extends: below.yaml\nb: 3\n");
	expect("a", "1");
	expect("b", "3");
	expect("extends", "-");
}

Test(merge, a_file_that_extends_itself_through_another_is_an_error)
{
	temp_file("one.yaml", "extends: two.yaml\n");
	const char *two = temp_file("two.yaml", "extends: one.yaml\n");
	cr_assert(eq(int, conf_load(c, two, &file, &err), ERR_CONFIG));
	expect_error_ends("two.yaml' extends itself");
}

Test(merge, a_chain_of_extends_beyond_16_is_an_error)
{
	for (int i = 0; i < 20; i++) {
		char name[32], text[64];
		snprintf(name, sizeof(name), "c%d.yaml", i);
		snprintf(text, sizeof(text), "extends: c%d.yaml\n", i + 1);
		temp_file(name, text);
	}
	cr_assert(eq(int, conf_load(c, temp_file("c.yaml", "extends: c0.yaml\n"), &file, &err), ERR_CONFIG));
	expect_error_ends("extends: a chain of more than 16 files");
}

Test(merge, a_file_that_is_not_there_is_an_error_with_its_name)
{
	cr_assert(eq(int, conf_load(c, "/nowhere/n.yaml", &file, &err), ERR_CONFIG));
	cr_expect(eq(str, err.text, "/nowhere/n.yaml: No such file or directory"));
}

Test(merge, a_folder_is_no_file) { cr_expect(eq(int, conf_load(c, "/tmp", &file, &err), ERR_CONFIG)); }

Test(merge, a_file_that_is_no_mapping_is_an_error)
{
	cr_assert(eq(int, conf_load(c, temp_file("l.yaml", "[1]\n"), &file, &err), ERR_CONFIG));
	expect_error_ends("l.yaml:1:1: the file must be a mapping");
}

Test(merge, sources_of_all_files_are_joined)
{
	temp_file("below.yaml", "sources: {a: text of a}\n");
	load("extends: below.yaml\nsources: {b: text of b}\n");
	cr_expect(eq(str, (char *)node_get(file.sources, "a")->text, "text of a"));
	cr_expect(eq(str, (char *)node_get(file.sources, "b")->text, "text of b"));
}

Test(merge, a_source_that_would_change_its_meaning_is_an_error)
{
	temp_file("below.yaml", "sources: {a: one}\n");
	const char *path = temp_file("above.yaml", "extends: below.yaml\nsources: {a: two}\n");
	cr_assert(eq(int, conf_load(c, path, &file, &err), ERR_CONFIG));
	cr_expect(not(zero(ptr, strstr(err.text, "above.yaml:2:11: sources.a: already means another text"))),
		  "%s", err.text);
}

Test(merge, a_source_without_a_text_is_an_error)
{
	cr_assert(eq(int, conf_load(c, temp_file("s.yaml", "sources: {a: ~}\n"), &file, &err), ERR_CONFIG));
	expect_error_ends("sources.a: must be a text");
}

Test(merge, set_reaches_items_by_name_and_by_index)
{
	load("parts: [{name: l1, size: 1}, {name: l2, size: 2}]\n");
	set("parts.l2.size=20");
	set("parts.0.size=10");
	expect("parts.l1.size", "10");
	expect("parts.l2.size", "20");
}

Test(merge, set_makes_missing_mappings)
{
	load("a: 1\n");
	set("main.deep.key=5");
	expect("main.deep.key", "5");
}

Test(merge, set_takes_any_yaml_value)
{
	load("pages: [4K]\n");
	set("pages=[16K, 2M]");
	cr_expect(eq(sz, node_get(file.root, "pages")->count, 2));
	set("pages=~");
	cr_expect(zero(ptr, node_get(file.root, "pages")));
}

Test(merge, set_to_null_removes_an_item_of_a_list)
{
	load("parts: [{name: a}, {name: b}]\n");
	set("parts.a=~");
	cr_expect(eq(sz, node_get(file.root, "parts")->count, 1));
}

Test(merge, set_of_an_item_that_is_not_there_lists_those_that_are)
{
	load("parts: [{name: a}, {name: b}]\n");
	cr_assert(eq(int, conf_set(c, &file, NULL, "parts.z.size=3", &err), ERR_CONFIG));
	cr_expect(eq(str, err.text, "--set parts.z.size=3: no item 'z' in this list of 2: a, b"));
	cr_assert(eq(int, conf_set(c, &file, NULL, "parts.2.size=3", &err), ERR_CONFIG));
	cr_expect(eq(str, err.text, "--set parts.2.size=3: no item '2' in this list of 2: a, b"));
}

Test(merge, set_inside_a_single_value_is_an_error)
{
	load("a: 1\n");
	cr_assert(eq(int, conf_set(c, &file, NULL, "a.b=3", &err), ERR_CONFIG));
	cr_expect(eq(str, err.text, "--set a.b=3: 'b' is inside a single value (1)"));
}

Test(merge, set_may_begin_with_the_name_of_the_whole_and_is_quoted_as_typed)
{
	load("a: 1\n");
	cr_assert(eq(int, conf_set(c, &file, "stack", "stack.a=3", &err), OK));
	expect("a", "3");
	cr_assert(eq(int, conf_set(c, &file, "stack", "a=4", &err), OK));
	expect("a", "4");
	cr_assert(eq(int, conf_set(c, &file, "stack", "stack.a.b=3", &err), ERR_CONFIG));
	cr_expect(eq(str, err.text, "--set stack.a.b=3: 'b' is inside a single value (4)"));
	cr_expect(eq(int, conf_set(c, &file, "stack", "stack.=3", &err), ERR_USAGE));
}

Test(merge, set_without_a_path_or_a_value_is_wrong_usage)
{
	load("a: 1\n");
	cr_expect(eq(int, conf_set(c, &file, NULL, "a", &err), ERR_USAGE));
	cr_expect(eq(int, conf_set(c, &file, NULL, "=3", &err), ERR_USAGE));
	cr_expect(eq(int, conf_set(c, &file, NULL, "a..b=3", &err), ERR_CONFIG));
}

Test(merge, a_later_overlay_and_then_set_win)
{
	load("a: 1\n");
	overlay("a: 2\n");
	expect("a", "2");
	set("a=3");
	overlay("b: 1\n");
	expect("a", "3");
}

Test(merge, a_mapping_over_a_list_without_names_addresses_items_by_index)
{
	load("parts: [{size: 1}, {size: 2}]\n");
	overlay("parts: {1: {size: 5}}\n");
	const struct node *parts = node_get(file.root, "parts");
	cr_assert(eq(int, parts->kind, NODE_LIST));
	cr_expect(eq(str, (char *)node_get(parts->item[0], "size")->text, "1"));
	cr_expect(eq(str, (char *)node_get(parts->item[1], "size")->text, "5"));
}

static void overlay_part(const char *yaml)
{
	const char *path = temp_file("part.yaml", yaml);
	cr_assert(eq(int, conf_overlay_part(c, &file, path, "stack", &err), OK), "%s", err.text);
}

Test(merge, a_part_of_an_overlay_goes_on_top_of_what_has_its_name)
{
	load("name: mine\nsize: 1\n");
	overlay_part("size: 7\nstack: {name: other, size: 2}\n");
	expect("size", "1");
	overlay_part("size: 7\n");
	expect("size", "1");
	overlay_part("stack: {name: mine, size: 3}\n");
	expect("size", "3");
	overlay_part("stack: {size: 4}\n");
	expect("size", "4");
}

Test(merge, a_part_that_is_no_mapping_is_an_error)
{
	load("name: mine\n");
	const char *path = temp_file("part.yaml", "stack: 5\n");
	cr_assert(eq(int, conf_overlay_part(c, &file, path, "stack", &err), ERR_CONFIG));
	expect_error_ends("part.yaml:1:8: stack: must be a mapping");
}

Test(merge, a_file_says_its_name_and_a_key_may_be_dropped)
{
	const char *name = NULL;
	load("name: mine\nstack: {size: 1}\n");
	cr_assert(eq(int, conf_name(c, temp_file("base.yaml", "size: 1\n"), &name, &err), OK));
	cr_expect(name == NULL);
	cr_assert(eq(int, conf_name(c, temp_file("base.yaml", "name: yours\n"), &name, &err), OK));
	cr_expect(eq(str, (char *)name, "yours"));
	conf_drop(&file, "stack");
	cr_expect(node_get(file.root, "stack") == NULL);
	expect("name", "mine");
}
