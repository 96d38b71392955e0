#include "check/junit.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/outfile.h"

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

enum status junit_write(const char *path, const struct outcome *outcomes, size_t count, struct err *err)
{
	struct outfile out;
	enum status st = outfile_open(&out, path, err);
	if (st == OK) write_suite(outcomes, count, out.file);
	if (st == OK) st = outfile_commit(&out, err);
	outfile_abort(&out);
	return st;
}
