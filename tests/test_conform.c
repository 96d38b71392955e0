/* The reader and the runner of vectors; whole files where they are at hand. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/conform.h"

#define CASE(more) \
	"{\"id\":\"t\",\"cpu\":\"max\",\"op\":\"S1E1R\",\"va\":\"0x1234\",\"regs\":{},\"mem\":[]," \
	"\"par\":\"0x0\",\"par_mask\":\"0x0\"" more "}"

static enum status parse(const char *line, struct err *err)
{
	struct vector v;
	enum status st = vector_parse(line, strlen(line), &v, err);
	if (st == OK) vector_free(&v);
	return st;
}

/* The error text of a bad line; "" for a good one. */
static const char *complaint(const char *line)
{
	static struct err err;
	err.text[0] = 0;
	parse(line, &err);
	return err.text;
}

#define REFUSED(line, text) \
	cr_expect(ne(ptr, strstr(complaint(line), text), NULL), "'%s' lacks '%s'", complaint(line), text)

Test(conform, a_minimal_vector_is_accepted) { cr_expect(eq(str, (char *)complaint(CASE("")), (char *)"")); }

Test(conform, registers_that_take_no_part_may_be_there)
{
	cr_expect(eq(
		str,
		(char *)complaint(
			"{\"id\":\"t\",\"cpu\":\"cortex-a76\",\"op\":\"S1E1R\",\"va\":1,\"regs\":"
			"{\"VBAR_EL1\":\"0x800\",\"SCR_EL3\":\"0x1\",\"CNTV_CVAL_EL0\":\"0x1\"},\"mem\":[],"
			"\"par\":0,\"par_mask\":0}"),
		(char *)""));
}

Test(conform, every_defect_of_a_vector_is_named)
{
	REFUSED("", "column");
	REFUSED("[]", "a list where an object is expected");
	REFUSED("{}", "'id' is missing");
	REFUSED("{\"id\":7}", "id: a whole number where a text is expected");
	REFUSED("{\"id\":\"t\",\"cpu\":\"pentium\"}", "'pentium' is not one of max");
	REFUSED("{\"id\":\"t\",\"cpu\":\"max\",\"op\":\"S3\"}", "'S3' is not an AT operation");
	REFUSED("{\"id\":\"t\",\"cpu\":\"max\",\"op\":\"S1E1R\",\"va\":\"12\"}",
		"va: '12' is not a 64-bit number");
	REFUSED("{\"id\":\"t\",\"cpu\":\"max\",\"op\":\"S1E1R\",\"va\":\"0x10000000000000000\"}",
		"not a 64-bit number");
	REFUSED("{\"id\":\"t\",\"cpu\":\"max\",\"op\":\"S1E1R\",\"va\":-1}", "va: -1 is negative");
	REFUSED("{\"id\":\"t\",\"cpu\":\"max\",\"op\":\"S1E1R\",\"va\":1,\"regs\":{\"ACTLR\":\"0x1\"}}",
		"'ACTLR'");
	REFUSED(CASE(",\"pan\":2"), "pan: 2 is outside 0..1");
	REFUSED(CASE(",\"access\":[]"), "access: a list where an object is expected");
	REFUSED(CASE(",\"access\":{\"kind\":\"jump\"}"), "'jump' is not read, write or fetch");
	REFUSED(CASE(",\"access\":{\"kind\":\"read\",\"el\":2}"), "el: 2 is outside 0..1");
	REFUSED(CASE(",\"access\":{\"kind\":\"read\",\"el\":0,\"result\":\"maybe\"}"),
		"'maybe' is not ok or fault");
	REFUSED(CASE(",\"access\":{\"kind\":\"read\",\"el\":0,\"result\":\"fault\"}"),
		"'taken_to' is missing");
	REFUSED(CASE(",\"id\":\"u\""), "duplicate");
}

Test(conform, memory_words_are_pairs_at_multiples_of_8)
{
	const char *head = "{\"id\":\"t\",\"cpu\":\"max\",\"op\":\"S1E1R\",\"va\":1,\"regs\":{},\"mem\":";
	const char *bad[] = {"7}", "[7]}", "[[1]]}", "[[8,1,2]]}", "[[\"0x4\",\"0x1\"]]}", "[[8,null]]}"};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[200];
		snprintf(line, sizeof(line), "%s%s", head, bad[i]);
		cr_expect(ne(ptr, strstr(complaint(line), "mem"), NULL), "%s: %s", bad[i], complaint(line));
	}
}

Test(conform, no_beginning_of_a_line_is_a_vector_and_none_crashes)
{
	const char *line = CASE(
		",\"access\":{\"kind\":\"read\",\"el\":0,\"result\":\"ok\",\"mem_after\":[[8,9]]}");
	struct err err;
	for (size_t n = 0; n < strlen(line); n++) {
		char *part = malloc(n + 1); /* exactly n bytes, so that a sanitizer sees a read beyond them */
		struct vector v;
		memcpy(part, line, n);
		char *exact = realloc(part, n ? n : 1);
		cr_expect(eq(int, vector_parse(exact, n, &v, &err), ERR_INPUT));
		free(exact);
	}
	cr_expect(eq(int, parse(line, &err), OK));
}

static struct tally tally_of(const char *path)
{
	struct tally tally = {0};
	struct err err;
	cr_assert(eq(int, conform_vectors(path, stderr, &tally, &err), OK), "%s", err.text);
	return tally;
}

Test(conform, one_case_of_every_group_agrees)
{
	struct tally tally = tally_of("tests/data/vectors.jsonl");
	cr_expect(eq(u64, tally.failed, 0));
	cr_expect(lt(u64, 90, tally.passed));
}

Test(conform, the_whole_vector_file_agrees)
{
	const char *path = "../shared/vectors/translation.jsonl";
	if (access(path, R_OK) != 0) cr_skip("%s is not here", path);
	struct tally tally = tally_of(path);
	cr_expect(eq(u64, tally.failed, 0));
	cr_expect(eq(u64, tally.passed, 3023));
}

/* Any bit of PAR that the mask covers, and any bit of ESR, makes a case fail. */
Test(conform, a_wrong_answer_fails)
{
	const char *lines[] = {CASE(",\"x\":0"), NULL};
	struct vector v;
	struct err err;
	cr_assert(eq(int, vector_parse(lines[0], strlen(lines[0]), &v, &err), OK));
	v.par_mask = 0xff000000000ff001;
	v.par = 0x0000000000001000; /* stage 1 off: the address itself, Device-nGnRnE */
	cr_expect(vector_run(&v, NULL));
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!bit_get(v.par_mask, bit)) continue;
		v.par ^= UINT64_C(1) << bit;
		cr_expect(not(vector_run(&v, NULL)), "bit %u", bit);
		v.par ^= UINT64_C(1) << bit;
	}
	vector_free(&v);
}

static const char write_case[] = CASE(",\"access\":{\"kind\":\"write\",\"el\":1,\"result\":\"ok\","
				      "\"mem_after\":[[\"0x1230\",\"0xfeedfacecafe0123\"]]}");

Test(conform, every_changed_word_must_be_expected_and_every_expected_word_changed)
{
	struct vector v;
	struct err err;
	cr_assert(eq(int, vector_parse(write_case, strlen(write_case), &v, &err), OK));
	cr_expect(vector_run(&v, NULL));
	v.access.memory.words[0].pa += 8;
	cr_expect(not(vector_run(&v, NULL)), "another word");
	v.access.memory.count = 0;
	cr_expect(not(vector_run(&v, NULL)), "an unexpected change");
	v.access.kind = ACCESS_READ;
	cr_expect(vector_run(&v, NULL));
	v.access.ok = false;
	cr_expect(not(vector_run(&v, NULL)), "a fault that does not come");
	vector_free(&v);
}
