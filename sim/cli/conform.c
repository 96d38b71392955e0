/* conform.c - a whole vector file, and how walks are printed. */
#include "cli/conform.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

static enum status check_lines(FILE *file, const char *path, FILE *report, struct tally *tally,
			       struct err *err)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t bytes;
	enum status st = OK;
	for (unsigned long n = 1; st == OK && (bytes = getline(&line, &room, file)) >= 0; n++) {
		struct err inner;
		if (is_blank(line, (size_t)bytes)) continue;
		st = check_line(line, (size_t)bytes, report, tally, &inner);
		if (st != OK) err_set(err, st, "%s:%lu: %s", path, n, inner.text);
	}
	free(line);
	if (st == OK && ferror(file)) return err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
	return st;
}

enum status conform_vectors(const char *path, FILE *report, struct tally *tally, struct err *err)
{
	FILE *file = fopen(path, "r");
	if (!file) return err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
	enum status st = check_lines(file, path, report, tally, err);
	fclose(file);
	if (st != OK || tally->passed + tally->failed > 0) return st;
	return err_set(err, ERR_INPUT, "%s: holds no vectors", path);
}
