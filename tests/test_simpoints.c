/* SimPoint's files: what they say, and what is wrong with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "machine/simpoints.h"
#include "trace_help.h"

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	cr_assert(ne(ptr, f, NULL));
	fputs(text, f);
	fclose(f);
}

static enum status read_texts(const char *points, const char *weights, struct simpoints *out, struct err *err)
{
	char *p = temporary_path("x.simpoints"), *w = temporary_path("x.weights");
	write_text(p, points);
	write_text(w, weights);
	enum status st = simpoints_read(p, w, out, err);
	remove_temporary(p);
	remove_temporary(w);
	return st;
}

Test(simpoints, come_in_order_of_time_with_their_weights)
{
	struct simpoints s;
	struct err err;
	enum status st = read_texts("123 0\n7 1\n\n40 2\n", "0.5 0\n0.125 1\n3.75e-1 2\n", &s, &err);
	cr_assert(eq(int, st, OK), "%s", err.text);
	cr_assert(eq(sz, s.count, 3));
	cr_expect(eq(u64, s.at[0].interval, 7));
	cr_expect(eq(dbl, s.at[0].weight, 0.125));
	cr_expect(eq(u64, s.at[1].interval, 40));
	cr_expect(eq(dbl, s.at[1].weight, 0.375));
	cr_expect(eq(u64, s.at[2].interval, 123));
	cr_expect(eq(u64, s.at[2].point, 0));
	simpoints_free(&s);
}

struct bad {
	char points[64], weights[64], says[64];
};
static struct bad bads[] = {
	{"", "1 0\n", "no interval"},
	{"3 0\n", "", "no weight for point 0"},
	{"3 0\n4 0\n", "1 0\n", "x.simpoints:2: point 0 again"},
	{"3 0\n3 1\n", "0.5 0\n0.5 1\n", "interval 3 is two points"},
	{"3 0\n", "1 0\n1 0\n", "x.weights:2: point 0 again"},
	{"3 0\n", "1 1\n", "x.weights:1: no interval is point 1"},
	{"3 0\n", "0.5 0\n", "add up to 0.5"},
	{"3 0\n", "-1 0\n", "x.weights:1: not"},
	{"3 0 9\n", "1 0\n", "x.simpoints:1: not"},
	{"3.5 0\n", "1 0\n", "not a whole number"},
	{"three 0\n", "1 0\n", "x.simpoints:1: not"},
	{"3 0\n", "nan 0\n", "x.weights:1: not"},
};

ParameterizedTestParameters(simpoints, errors_name_file_line_and_what_is_wrong)
{
	return cr_make_param_array(struct bad, bads, sizeof(bads) / sizeof(bads[0]));
}

ParameterizedTest(struct bad *b, simpoints, errors_name_file_line_and_what_is_wrong)
{
	struct simpoints s;
	struct err err;
	cr_expect(eq(int, read_texts(b->points, b->weights, &s, &err), ERR_INPUT));
	cr_expect(contains(err.text, b->says), "%s", err.text);
}

Test(simpoints, a_file_that_is_not_there_is_an_error)
{
	struct simpoints s;
	struct err err;
	cr_expect(eq(int, simpoints_read("/nonexistent/x", "/nonexistent/y", &s, &err), ERR_INPUT));
	cr_expect(contains(err.text, "/nonexistent/x"));
}
