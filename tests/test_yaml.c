/* What the YAML reader accepts, refuses and never does: crash. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "config/yaml.h"
#include "config_world.h"

static struct conf *c;
static struct err err;

static void setup(void) { c = conf_new(); }
static void teardown(void) { conf_free(c); }
TestSuite(yaml, .init = setup, .fini = teardown);

static struct node *parse(const char *text)
{
	struct node *n = NULL;
	enum status st = conf_parse(c, "f.yaml", text, strlen(text), &n, &err);
	return st == OK ? n : NULL;
}

static void refuses(const char *text, const char *message)
{
	cr_assert(zero(ptr, parse(text)), "accepted: %s", text);
	cr_expect(eq(int, err.code, ERR_CONFIG));
	cr_expect(eq(str, err.text, (char *)message));
}

Test(yaml, a_value_knows_its_line_and_column)
{
	const struct node *n = node_get(node_get(parse("a:\n  b: 17\n"), "a"), "b");
	cr_assert(not(zero(ptr, (void *)n)));
	char where[64];
	cr_expect(eq(str, (char *)place_text(n->at, where, sizeof(where)), "f.yaml:2:6"));
	cr_expect(eq(str, (char *)n->text, "17"));
}

Test(yaml, an_empty_document_is_nothing)
{
	cr_expect(eq(int, parse("")->kind, NODE_NULL));
	cr_expect(eq(int, parse("# only a comment\n")->kind, NODE_NULL));
	cr_expect(eq(int, parse("---\n...\n")->kind, NODE_NULL));
}

Test(yaml, a_quoted_tilde_is_a_text_and_a_plain_one_is_nothing)
{
	const struct node *n = parse("{a: ~, b: '~', c: null, d: }");
	cr_expect(eq(int, node_get(n, "a")->kind, NODE_NULL));
	cr_expect(eq(int, node_get(n, "b")->kind, NODE_SCALAR));
	cr_expect(eq(int, node_get(n, "c")->kind, NODE_NULL));
	cr_expect(eq(int, node_get(n, "d")->kind, NODE_NULL));
}

Test(yaml, a_key_twice_is_an_error)
{
	refuses("a: 1\nb: 2\na: 3\n",
		"f.yaml:3:1: key 'a' is here for the second time; the first is on line 1");
}

Test(yaml, a_mapping_as_a_key_is_an_error)
{
	refuses("? {a: 1}\n: 2\n", "f.yaml:1:3: a key must be a plain word");
}

Test(yaml, a_second_document_is_an_error)
{
	refuses("a: 1\n---\nb: 2\n", "f.yaml:3:1: a second document; one is allowed");
}

Test(yaml, an_alias_to_what_contains_it_is_an_error)
{
	refuses("a: &x [1, *x]\n", "f.yaml:1:11: an alias to what contains it: it would never end");
	refuses("&x {a: {b: *x}}\n", "f.yaml:1:12: an alias to what contains it: it would never end");
}

Test(yaml, an_alias_without_anchor_is_an_error)
{
	refuses("a: *x\n", "f.yaml:1:4: alias '*x' has no anchor before it");
}

Test(yaml, an_alias_copies_so_that_a_change_shows_in_one_place_only)
{
	struct node *n = parse("a: &x {k: 1}\nb: *x\n");
	struct node *a = node_get(n, "a"), *b = node_get(n, "b");
	cr_expect(eq(str, (char *)node_get(b, "k")->text, "1"));
	node_remove(a, 0);
	cr_expect(eq(sz, b->count, 1));
}

Test(yaml, aliases_that_multiply_meet_the_limit_of_values)
{
	char bomb[512] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
	for (int i = 1; i < 7; i++) {
		size_t used = strlen(bomb);
		int b = i - 1;
		snprintf(bomb + used, sizeof(bomb) - used,
			 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, b, b, b, b, b, b,
			 b, b, b);
	}
	cr_assert(zero(ptr, parse(bomb)));
	cr_expect(not(zero(ptr, strstr(err.text, "more than 100000 values"))), "%s", err.text);
}

Test(yaml, nesting_of_64_is_read_and_65_is_an_error)
{
	char text[200] = {0};
	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	cr_expect(not(zero(ptr, parse(text))), "%s", err.text);
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	refuses(text, "f.yaml:1:65: nested deeper than 64");
}

Test(yaml, hopeless_nesting_ends_quickly_with_an_error)
{
	size_t n = 200000;
	char *text = malloc(n + 1);
	memset(text, '[', n);
	text[n] = 0;
	cr_expect(zero(ptr, parse(text)));
	free(text);
}

Test(yaml, a_file_beyond_the_size_limit_is_an_error)
{
	char *text = calloc(1, YAML_MAX_BYTES + 2);
	memset(text, ' ', YAML_MAX_BYTES + 1);
	refuses(text, "f.yaml: no configuration file: larger than 1048576 bytes");
	text[YAML_MAX_BYTES] = 0;
	cr_expect(not(zero(ptr, parse(text))));
	free(text);
}

Test(yaml, more_than_4096_keys_in_a_mapping_are_an_error)
{
	char *text = malloc(4097 * 16), *p = text;
	for (int i = 0; i < 4097; i++) p += sprintf(p, "k%d: 1\n", i);
	refuses(text, "f.yaml:4097:1: more than 4096 keys");
	free(text);
}

Test(yaml, a_zero_byte_is_an_error_in_keys_and_values)
{
	refuses("a: \"x\\0y\"\n", "f.yaml:1:4: a text with a zero byte in it");
	refuses("\"a\\0b\": 1\n", "f.yaml:1:1: a key with a zero byte in it");
}

Test(yaml, bytes_that_are_no_text_are_an_error_with_their_offset)
{
	cr_assert(zero(ptr, parse("a: \xff\xfe\n")));
	cr_expect(not(zero(ptr, strstr(err.text, "f.yaml: byte 3"))), "%s", err.text);
}

Test(yaml, broken_syntax_names_its_place)
{
	cr_assert(zero(ptr, parse("a: [1, 2\nb: 3\n")));
	cr_expect(not(zero(ptr, strstr(err.text, "f.yaml:2:2: not YAML"))), "%s", err.text);
}

Test(yaml, a_tag_holds_for_what_is_inside_it_until_an_inner_one)
{
	const struct node *n = parse("a: !documented/trm {x: 1, y: !measured/lab 2, z: [3]}\nb: 4\n");
	const struct node *a = node_get(n, "a");
	cr_expect(eq(int, node_get(a, "x")->provenance, PROV_DOCUMENTED));
	cr_expect(eq(str, (char *)node_get(a, "x")->source, "trm"));
	cr_expect(eq(int, node_get(a, "y")->provenance, PROV_MEASURED));
	cr_expect(eq(str, (char *)node_get(a, "y")->source, "lab"));
	cr_expect(eq(int, node_get(a, "z")->item[0]->provenance, PROV_DOCUMENTED));
	cr_expect(eq(int, node_get(n, "b")->provenance, PROV_NONE));
}

Test(yaml, an_alias_without_a_tag_takes_the_one_around_it)
{
	const struct node *n = parse(
		"a: &x 1\nb: !estimated/guess [*x]\nc: &y !measured/lab 2\nd: !estimated/guess [*y]\n");
	cr_expect(eq(int, node_get(n, "b")->item[0]->provenance, PROV_ESTIMATED));
	cr_expect(eq(int, node_get(n, "d")->item[0]->provenance, PROV_MEASURED));
}

Test(yaml, a_tag_that_is_not_of_provenance_is_an_error)
{
	refuses("a: !guessed/me 1\n",
		"f.yaml:1:4: tag '!guessed/me' is none of !documented/SOURCE, !measured/SOURCE, !fitted/SOURCE, !estimated/SOURCE");
	refuses("a: !documented 1\n",
		"f.yaml:1:4: tag '!documented' is none of !documented/SOURCE, !measured/SOURCE, !fitted/SOURCE, !estimated/SOURCE");
	refuses("a: !measured/ 1\n",
		"f.yaml:1:4: tag '!measured/': a source is named by letters, digits, '-', '_' and '.'");
}

Test(yaml, tags_of_yaml_itself_say_nothing)
{
	const struct node *n = parse("a: !!int 3\nb: !!str 4\n");
	cr_assert(not(zero(ptr, (void *)n)));
	cr_expect(eq(int, node_get(n, "a")->provenance, PROV_NONE));
}

/* The same text with a few bytes changed, cut, doubled or taken from a list of what YAML reads as syntax. */
static size_t mutate(struct rng *r, char *text, size_t len, size_t room)
{
	static const char spice[] = "{}[]:,&*!|>'\"%@`#-?~\n\t 0K\\\x00\xff";
	for (uint64_t edits = 1 + rng_below(r, 3); edits > 0 && len > 1; edits--) {
		size_t at = rng_below(r, len);
		switch (rng_below(r, 4)) {
		case 0: text[at] = spice[rng_below(r, sizeof(spice) - 1)]; break;
		case 1: text[at] = (char)rng_next(r); break;
		case 2: len = at + 1; break;
		default:
			if (len + len - at > room) break;
			memmove(text + len, text + at, len - at);
			len += len - at;
		}
	}
	return len;
}

Test(yaml, mutated_text_is_read_or_refused_with_a_place_but_never_crashes)
{
	static const char seed[] =
		"name: w\ncount: 3\nsizes: !documented/x [4K, 16K]\nmain: &m {name: m, size: 64K}\n"
		"parts:\n  - {name: a, ways: 2}\n  - *m\nweights: [1, 2]\nfast: \"no\"\n";
	enum { ROOM = 4096 };
	char text[ROOM];
	struct rng r;
	unsigned accepted = 0, refused = 0;
	rng_init(&r, 1, "yaml");
	for (int i = 0; i < 4000; i++) {
		memcpy(text, seed, sizeof(seed) - 1);
		size_t len = mutate(&r, text, sizeof(seed) - 1, ROOM);
		struct conf *own = conf_new();
		struct node *n;
		struct world_params out;
		enum status st = conf_parse(own, "f.yaml", text, len, &n, &err);
		if (st == OK) st = schema_bind(own, &world_schema, n, &out, &err);
		if (st == OK)
			accepted++;
		else
			refused++;
		cr_assert(st == OK || strncmp(err.text, "f.yaml:", 7) == 0, "no place in: %s", err.text);
		conf_free(own);
	}
	cr_expect(lt(uint, 50, accepted));
	cr_expect(lt(uint, 1000, refused));
}
