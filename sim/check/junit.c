#include "check/junit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

static const char *entity(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&apos;";
	default: return NULL;
	}
}

void xml_escape(const char *text, FILE *out)
{
	for (; *text; text++) {
		const char *name = entity(*text);
		if (name)
			fputs(name, out);
		else
			fputc((unsigned char)*text < ' ' ? '?' : *text, out);
	}
}

static void attribute(const char *name, const char *value, FILE *out)
{
	fprintf(out, " %s=\"", name);
	xml_escape(value, out);
	fputc('"', out);
}

static void write_reason(const struct outcome *o, FILE *out)
{
	const struct reference *ref = &o->row->ref;
	char *text = xasprintf("model %.6g, published %s %s, tolerance %s (%s)", o->model, ref->published,
			       ref->unit, ref->tolerance, ref->source);
	fprintf(out, "    <%s", o->verdict == VERDICT_FAIL ? "failure" : "skipped");
	attribute("message", text, out);
	fputs("/>\n", out);
	free(text);
}

static void write_case(const struct outcome *o, FILE *out)
{
	bool plain = o->verdict == VERDICT_PASS || o->verdict == VERDICT_FITTED;
	fputs("  <testcase", out);
	attribute("classname", o->row->file, out);
	attribute("name", o->row->ref.name, out);
	if (plain) {
		fputs("/>\n", out);
		return;
	}
	fputs(">\n", out);
	write_reason(o, out);
	fputs("  </testcase>\n", out);
}

static void write_suite(const struct outcome *outcomes, size_t count, FILE *out)
{
	struct check_summary s = check_summarise(outcomes, count);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	fprintf(out, "<testsuite name=\"strata check\" tests=\"%zu\" failures=\"%u\" skipped=\"%u\">\n",
		count, s.failed, s.not_gated);
	for (size_t i = 0; i < count; i++) write_case(&outcomes[i], out);
	fputs("</testsuite>\n", out);
}

static bool write_file(const char *path, const struct outcome *outcomes, size_t count)
{
	FILE *out = fopen(path, "w");
	if (!out) return false;
	write_suite(outcomes, count, out);
	bool good = fflush(out) == 0 && !ferror(out) && fsync(fileno(out)) == 0;
	return fclose(out) == 0 && good;
}

enum status junit_write(const char *path, const struct outcome *outcomes, size_t count, struct err *err)
{
	char *temporary = xasprintf("%s.%ld", path, (long)getpid());
	enum status st = OK;
	if (!write_file(temporary, outcomes, count) || rename(temporary, path) != 0) {
		st = err_set(err, ERR_HOST, "%s: cannot be written: %s", path, strerror(errno));
		unlink(temporary);
	}
	free(temporary);
	return st;
}
