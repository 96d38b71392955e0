/* conform.c - a whole vector file, and how walks are printed. */
#include "cli/conform.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/zread.h"

void conform_print_read(FILE *report, const struct walk_ref *ref, struct pa pa, uint64_t desc)
{
	static const char *const causes[] = {[CAUSE_S1_WALK] = "stage 1",
					     [CAUSE_S2_OF_S1] = "  stage 2 of a table",
					     [CAUSE_S2_FINAL] = "stage 2"};
	const char *type = ref->level < LAST_LEVEL ? "table" : "page";
	if (!(desc & DESC_TABLE)) type = "block";
	if (!(desc & DESC_VALID)) type = "invalid";
	fprintf(report, "    %s of 0x%" PRIx64 " level %d: [0x%" PRIx64 "] = 0x%016" PRIx64 " %s\n",
		causes[ref->cause], ref->input, ref->level, pa.raw, desc, type);
}

void conform_print_result(FILE *report, const struct translation *t)
{
	char text[40];
	fault_describe(&t->fault, text, sizeof(text));
	if (t->fault.kind != FAULT_NONE)
		fprintf(report, "    came: %s\n", text);
	else
		fprintf(report, "    came: ok pa=0x%" PRIx64 " attr=%02x sh=%d\n", t->pa.raw, t->attr, t->sh);
}

static bool is_blank(const char *line, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (!isspace((unsigned char)line[i])) return false;
	return true;
}

static enum status check_line(const char *line, size_t bytes, FILE *report, struct tally *tally,
			      struct err *err)
{
	struct vector v;
	TRY(vector_parse(line, bytes, &v, err));
	bool good = vector_run(&v, NULL);
	if (!good) vector_run(&v, report);
	vector_free(&v);
	*(good ? &tally->passed : &tally->failed) += 1;
	return OK;
}

static enum status check_lines(struct zread *z, const char *path, FILE *report, struct tally *tally,
			       struct err *err)
{
	const char *line;
	for (unsigned long n = 1;; n++) {
		struct err inner;
		TRY(zread_line(z, &line, err));
		if (!line) return OK;
		if (is_blank(line, strlen(line))) continue;
		enum status st = check_line(line, strlen(line), report, tally, &inner);
		if (st != OK) return err_set(err, st, "%s:%lu: %s", path, n, inner.text);
	}
}

enum status conform_vectors(const char *path, FILE *report, struct tally *tally, struct err *err)
{
	struct zread *z;
	TRY(zread_open(path, &z, err));
	enum status st = check_lines(z, path, report, tally, err);
	zread_close(z);
	if (st != OK || tally->passed + tally->failed > 0) return st;
	return err_set(err, ERR_INPUT, "%s: holds no vectors", path);
}
