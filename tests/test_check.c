/* The arithmetic of `strata check`: figures, tolerances, verdicts, sums; its files; JUnit. tests/cli/check.sh runs it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "check/junit.h"
#include "config_world.h"

static struct figure figure(const char *text)
{
	struct figure f = {0};
	cr_assert(figure_parse(text, &f), "%s", text);
	return f;
}

static struct tolerance tolerance(const char *text)
{
	struct tolerance t = {0};
	cr_assert(tolerance_parse(text, &t), "%s", text);
	return t;
}

static struct check_row row(const char *published, const char *allowed)
{
	return (struct check_row){.ref = {.name = "row",
					  .published = published,
					  .tolerance = allowed,
					  .unit = "ns",
					  .source = "nobody",
					  .confidence = CONF_V1,
					  .weight = 1},
				  .file = "file.yaml",
				  .figure = figure(published),
				  .tolerance = tolerance(allowed)};
}

Test(check, a_figure_is_a_number_or_a_range)
{
	cr_assert(eq(dbl, figure("1.5").low, 1.5));
	cr_assert(eq(dbl, figure("1.5").high, 1.5));
	cr_assert(eq(dbl, figure("35..36.5").low, 35));
	cr_assert(eq(dbl, figure("35..36.5").high, 36.5));
}

Test(check, what_is_neither_is_refused)
{
	static const char *const bad[] = {
		"",     "x",     "-1",  "1e3", "1.",      "1..",  "..2",
		"2..1", "1...2", "1 2", "nan", "1..2..3", "0x10", "123456789012345678901"};
	struct figure f;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert(not(figure_parse(bad[i], &f)), "%s", bad[i]);
	struct tolerance t;
	cr_assert(not(tolerance_parse("5%%", &t)));
	cr_assert(not(tolerance_parse("%", &t)));
	cr_assert(not(tolerance_parse("-5", &t)));
}

Test(check, the_error_of_a_range_counts_from_the_nearer_end)
{
	struct figure f = figure("10..20");
	cr_assert(eq(dbl, figure_error_percent(f, 15), 0));
	cr_assert(eq(dbl, figure_error_percent(f, 9), -10));
	cr_assert(eq(dbl, figure_error_percent(f, 22), 10));
	cr_assert(eq(dbl, figure_distance(f, 9), -1));
}

Test(check, the_error_against_zero_is_no_percentage_unless_it_is_none)
{
	cr_assert(isnan(figure_error_percent(figure("0"), 1)));
	cr_assert(eq(dbl, figure_error_percent(figure("0"), 0), 0));
}

Test(check, a_tolerance_includes_its_edge_and_nothing_beyond)
{
	cr_assert(figure_within(figure("100"), tolerance("5%"), 105));
	cr_assert(figure_within(figure("100"), tolerance("5%"), 95));
	cr_assert(not(figure_within(figure("100"), tolerance("5%"), 105.001)));
	cr_assert(figure_within(figure("1.1"), tolerance("0.2"), 1.3));
	cr_assert(not(figure_within(figure("1.1"), tolerance("0.2"), 1.301)));
	cr_assert(figure_within(figure("10..20"), tolerance("10%"), 22));
	cr_assert(not(figure_within(figure("10..20"), tolerance("10%"), 8.9)));
	cr_assert(not(figure_within(figure("1"), tolerance("50%"), (double)NAN)));
}

Test(check, a_row_passes_or_fails_by_its_tolerance)
{
	struct check_row r = row("100", "5%");
	cr_assert(eq(int, check_judge(&r, 104).verdict, VERDICT_PASS));
	cr_assert(eq(int, check_judge(&r, 106).verdict, VERDICT_FAIL));
}

Test(check, a_fitted_row_never_passes_and_may_fail)
{
	struct check_row r = row("100", "5%");
	r.ref.kind = REF_FITTED;
	cr_assert(eq(int, check_judge(&r, 100).verdict, VERDICT_FITTED));
	cr_assert(eq(int, check_judge(&r, 106).verdict, VERDICT_FAIL));
}

Test(check, a_figure_from_memory_is_never_gated)
{
	struct check_row r = row("100", "5%");
	r.ref.confidence = CONF_M;
	cr_assert(eq(int, check_judge(&r, 100).verdict, VERDICT_NOT_GATED));
	cr_assert(eq(int, check_judge(&r, 500).verdict, VERDICT_NOT_GATED));
}

Test(check, the_mean_error_is_by_weight_and_of_validation_rows_alone)
{
	struct check_row light = row("100", "50%"), heavy = light, fitted = light, memory = light,
			 zero = row("0", "1");
	heavy.ref.weight = 3;
	fitted.ref.kind = REF_FITTED;
	memory.ref.confidence = CONF_M;
	struct outcome o[] = {check_judge(&light, 140), check_judge(&heavy, 80), check_judge(&fitted, 149),
			      check_judge(&memory, 900), check_judge(&zero, 0.5)};
	struct check_summary s = check_summarise(o, 5);
	cr_assert(eq(dbl, s.mean_error_percent, (40.0 + 3 * 20.0) / 4));
	cr_assert(eq(uint, s.averaged, 2));
	cr_assert(eq(uint, s.passed, 3));
	cr_assert(eq(uint, s.fitted, 1));
	cr_assert(eq(uint, s.not_gated, 1));
	cr_assert(eq(uint, s.failed, 0));
}

Test(check, there_is_no_mean_of_nothing) { cr_assert(isnan(check_summarise(NULL, 0).mean_error_percent)); }

/* --- files --- */

#define ROW \
	"rows:\n  - {name: a, machine: ../m.yaml, workload: /w.yaml, statistic: ns, unit: ns, source: s, tolerance: 5%"

#define US_ROW \
	"rows:\n  - {name: a, machine: m, workload: w, statistic: ns, unit: us, source: s, tolerance: 5%, published: 1}\n"

static void refuses(const char *text, const char *says)
{
	struct conf *c = conf_new();
	struct references refs = {0};
	struct err err = {0};
	cr_assert(eq(int, references_load(c, temp_file("refs.yaml", text), &refs, &err), ERR_CONFIG));
	cr_assert(strstr(err.text, says) != NULL, "%s", err.text);
	references_fini(&refs);
	conf_free(c);
	temp_clean();
}

Test(check, a_file_that_says_what_is_not_allowed_is_refused_with_the_place)
{
	refuses(ROW ", published: fast}\n", "refs.yaml:2:");
	refuses(ROW ", published: fast}\n", "a: published: 'fast' is neither a number nor LOW..HIGH");
	refuses(ROW "}\n", "published");
	refuses(ROW ", published: 1, colour: red}\n", "colour");
	refuses(ROW ", published: 1, kind: tuned}\n", "kind");
	refuses(ROW ", published: 1, knee: {key: x, from: 5, to: 5}}\n", "is not below");
	refuses(ROW ", published: 1, knee: {from: 4, to: 5}}\n", "knee.key is needed");
	refuses("rows: []\n", "rows");
	refuses(US_ROW, "refs.yaml:2:");
	refuses(US_ROW, "a: unit: 'us' is not that of the statistic, ns");
}

Test(check, a_name_stands_once_in_a_file)
{
	refuses(ROW
		", published: 1}\n  - {name: a, machine: m, workload: w, statistic: ns, unit: ns, source: s, "
		"tolerance: 1, published: 2}\n",
		"a second item is named 'a'");
}

Test(check, paths_are_beside_the_file_that_says_them)
{
	struct conf *c = conf_new();
	struct references refs = {0};
	struct err err = {0};
	const char *path = temp_file("refs.yaml", ROW ", published: 1}\n");
	cr_assert(eq(int, references_load(c, path, &refs, &err), OK), "%s", err.text);
	cr_assert(eq(sz, refs.count, 1));
	size_t folder = (size_t)(strrchr(path, '/') - path);
	cr_assert(eq(int, strncmp(refs.row[0].ref.machine, path, folder), 0));
	cr_assert(eq(str, (char *)refs.row[0].ref.machine + folder, "/../m.yaml"));
	cr_assert(eq(str, (char *)refs.row[0].ref.workload, "/w.yaml"));
	cr_assert(eq(int, (int)refs.row[0].ref.confidence, CONF_M));
	references_fini(&refs);
	conf_free(c);
	temp_clean();
}

/* --- JUnit --- */

Test(check, xml_text_is_escaped)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	xml_escape("<a & \"b\" 'c'>\n\x01", out);
	fclose(out);
	cr_assert(eq(str, text, "&lt;a &amp; &quot;b&quot; &apos;c&apos;&gt;??"));
	free(text);
}

Test(check, junit_that_cannot_be_written_is_a_host_error)
{
	struct err err = {0};
	cr_assert(eq(int, junit_write("/nowhere/at/all.xml", NULL, 0, &err), ERR_HOST));
	cr_assert(strstr(err.text, "/nowhere/at/all.xml") != NULL, "%s", err.text);
}
