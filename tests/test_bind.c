/* Rows against what a file says: defaults, types, ranges, and the messages of what is not allowed. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "config/suggest.h"
#include "config_world.h"

static void refuses(const char *yaml, const char *message)
{
	cr_expect(eq(str, (char *)world_error(yaml), (char *)message), "for: %s", yaml);
}

Test(bind, what_is_not_said_has_its_default)
{
	struct world w;
	world_read(&w, "");
	cr_assert(eq(int, w.status, ERR_CONFIG)); /* main.name has no default */
	world_free(&w);
	world_read(&w, "main: {name: m}");
	cr_assert(eq(int, w.status, OK), "%s", w.err.text);
	cr_expect(eq(u64, w.params.count, 7));
	cr_expect(eq(u64, w.params.fast, 1));
	cr_expect(eq(u64, w.params.colour, 1));
	cr_expect(eq(u64, w.params.sizes, 3));
	cr_expect(eq(u64, w.params.main.ways, 4));
	cr_expect(eq(str, (char *)w.params.name, "world"));
	cr_expect(eq(sz, w.params.parts.count, 0));
	world_free(&w);
}

Test(bind, every_kind_of_row_is_filled)
{
	struct world w;
	world_read(&w, "{name: x, count: 0x10, fast: no, colour: blue, sizes: [64K, 4K], bytes: 3M, "
		       "main: {name: m, size: 1K}, parts: [{name: a}, {name: b, ways: 2}], weights: [1, 9]}");
	cr_assert(eq(int, w.status, OK), "%s", w.err.text);
	const struct part_params *part = w.params.parts.items;
	const uint64_t *weight = w.params.weights.items;
	cr_expect(eq(u64, w.params.count, 16));
	cr_expect(eq(u64, w.params.fast, 0));
	cr_expect(eq(u64, w.params.colour, 2));
	cr_expect(eq(u64, w.params.sizes, 5));
	cr_expect(eq(u64, w.params.bytes, 3 << 20));
	cr_expect(eq(u64, w.params.main.size, 1024));
	cr_assert(eq(sz, w.params.parts.count, 2));
	cr_expect(eq(str, (char *)part[1].name, "b"));
	cr_expect(eq(u64, part[0].ways, 4));
	cr_expect(eq(u64, part[1].ways, 2));
	cr_assert(eq(sz, w.params.weights.count, 2));
	cr_expect(eq(u64, weight[1], 9));
	world_free(&w);
}

Test(bind, an_unknown_key_is_an_error_with_the_nearest_known_one)
{
	refuses("main: {name: m}\ncuont: 3\n", "w.yaml:2:1: unknown key 'cuont'; did you mean 'count'?");
	refuses("main: {name: m, wayz: 3}\n", "w.yaml:1:17: main: unknown key 'wayz'; did you mean 'ways'?");
}

Test(bind, an_unknown_key_far_from_all_others_lists_them)
{
	refuses("main: {name: m, temperature: 3}\n",
		"w.yaml:1:17: main: unknown key 'temperature'; part has: name, size, ways");
}

Test(bind, a_number_outside_its_range_is_an_error_with_the_range)
{
	refuses("main: {name: m, ways: 99}\n", "w.yaml:1:23: main.ways: 99 is outside 1..64");
	refuses("{main: {name: m}, count: 0}\n", "w.yaml:1:26: count: 0 is outside 1..100");
	refuses("{main: {name: m}, weights: [1, 10]}\n", "w.yaml:1:32: weights.1: 10 is outside 1..9");
}

Test(bind, items_of_lists_are_called_by_their_name)
{
	refuses("main: {name: m}\nparts:\n  - {name: a}\n  - {name: l2, ways: 99}\n",
		"w.yaml:4:22: parts.l2.ways: 99 is outside 1..64");
}

Test(bind, what_is_no_number_is_an_error)
{
	refuses("{main: {name: m}, count: many}\n",
		"w.yaml:1:26: count: 'many' is not a whole number in 1..100");
	refuses("{main: {name: m}, count: 1.5}\n",
		"w.yaml:1:26: count: '1.5' is not a whole number in 1..100");
	refuses("{main: {name: m}, count: -1}\n", "w.yaml:1:26: count: '-1' is not a whole number in 1..100");
	refuses("{main: {name: m}, count: 4K}\n", "w.yaml:1:26: count: '4K' is not a whole number in 1..100");
	refuses("{main: {name: m}, count: '4'}\n",
		"w.yaml:1:26: count: text \"4\" where a whole number is expected");
}

Test(bind, a_wrong_kind_of_value_is_an_error)
{
	refuses("main: 3\n", "w.yaml:1:7: main: a single value where a mapping is expected");
	refuses("{main: {name: m}, count: [1]}\n",
		"w.yaml:1:26: count: a list where a whole number is expected");
	refuses("{main: {name: m}, parts: {a: 1}}\n",
		"w.yaml:1:26: parts: a mapping where a list is expected");
	refuses("{main: {name: m}, parts: [~]}\n",
		"w.yaml:1:27: parts.0: nothing where a mapping is expected");
	refuses("{main: {name: [x]}}\n", "w.yaml:1:15: main.name: a list where a text is expected");
	refuses("- 1\n", "w.yaml:1:1: a list where a mapping is expected");
}

Test(bind, a_boolean_is_yes_no_true_or_false)
{
	refuses("{main: {name: m}, fast: 1}\n", "w.yaml:1:25: fast: '1' is none of yes, no, true, false");
	cr_expect(eq(str, (char *)world_error("{main: {name: m}, fast: true}"), ""));
}

Test(bind, a_choice_that_does_not_exist_lists_those_that_do)
{
	refuses("{main: {name: m}, colour: yellow}\n",
		"w.yaml:1:27: colour: 'yellow' is none of red, green, blue");
	refuses("{main: {name: m}, colour: bleu}\n",
		"w.yaml:1:27: colour: 'bleu' is none of red, green, blue; did you mean 'blue'?");
	refuses("{main: {name: m}, sizes: [4K, 32K]}\n", "w.yaml:1:31: sizes: '32K' is none of 4K, 16K, 64K");
}

Test(bind, a_member_of_a_set_twice_is_an_error)
{
	refuses("{main: {name: m}, sizes: [4K, 4K]}\n", "w.yaml:1:31: sizes: '4K' is here twice");
}

Test(bind, a_list_that_is_too_long_is_an_error)
{
	refuses("{main: {name: m}, parts: [{name: a}, {name: b}, {name: c}, {name: d}]}\n",
		"w.yaml:1:26: parts: 4 items; 0..3 are allowed");
}

Test(bind, two_items_of_one_name_are_an_error)
{
	refuses("{main: {name: m}, parts: [{name: a}, {name: a}]}\n",
		"w.yaml:1:38: parts: a second item is named 'a'");
}

Test(bind, a_name_that_could_not_stand_in_a_path_is_an_error)
{
	refuses("{main: {name: m}, parts: [{name: a.b}]}\n",
		"w.yaml:1:27: parts: 'a.b' as a name; letters, digits, '_' and '-' are allowed");
	refuses("{main: {name: m}, parts: [{name: ''}]}\n",
		"w.yaml:1:34: parts.0.name: is empty (name of the part)");
	refuses("{main: {name: m}, parts: [{name: ' '}]}\n",
		"w.yaml:1:27: parts: ' ' as a name; letters, digits, '_' and '-' are allowed");
}

Test(bind, a_required_text_that_is_missing_or_empty_is_an_error)
{
	refuses("main: {name: \"\"}\n", "w.yaml:1:14: main.name: is empty (name of the part)");
	refuses("parts: [{ways: 2}]\nmain: {name: m}\n",
		"w.yaml:1:9: parts.0.name: is required (name of the part)");
	refuses("main: {ways: 2}\n", "w.yaml:1:7: main.name: is required (name of the part)");
}

Test(bind, suffixes_are_powers_of_1024_and_only_for_bytes)
{
	uint64_t v;
	cr_expect(param_parse_u64("2K", "bytes", &v) && v == 2048);
	cr_expect(param_parse_u64("3M", "bytes", &v) && v == 3u << 20);
	cr_expect(param_parse_u64("1T", "bytes", &v) && v == UINT64_C(1) << 40);
	cr_expect(param_parse_u64("0x10K", "bytes", &v) && v == 16384);
	cr_expect(not(param_parse_u64("2K", "cycles", &v)));
	cr_expect(not(param_parse_u64("2KB", "bytes", &v)));
	cr_expect(not(param_parse_u64("K", "bytes", &v)));
	cr_expect(not(param_parse_u64("1_000", "bytes", &v)));
	cr_expect(not(param_parse_u64("", "bytes", &v)));
	cr_expect(not(param_parse_u64("0x", "bytes", &v)));
}

Test(bind, a_number_beyond_64_bits_is_no_number)
{
	uint64_t v;
	cr_expect(param_parse_u64("18446744073709551615", "bytes", &v) && v == UINT64_MAX);
	cr_expect(not(param_parse_u64("18446744073709551616", "bytes", &v)));
	cr_expect(not(param_parse_u64("0x10000000000000000", "bytes", &v)));
	cr_expect(not(param_parse_u64("16777216T", "bytes", &v)));
	cr_expect(param_parse_u64("16777215T", "bytes", &v) && v == UINT64_C(16777215) << 40);
}

Test(bind, distance_counts_inserts_deletes_replacements_and_swaps)
{
	cr_expect(eq(uint, word_distance("ways", "ways"), 0));
	cr_expect(eq(uint, word_distance("ways", "way"), 1));
	cr_expect(eq(uint, word_distance("ways", "wyas"), 1));
	cr_expect(eq(uint, word_distance("ways", "pays"), 1));
	cr_expect(eq(uint, word_distance("", "abc"), 3));
	cr_expect(eq(uint, word_distance("kitten", "sitting"), 3));
}
