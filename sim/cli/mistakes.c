#include "cli/mistakes.h"

#include <inttypes.h>
#include <stdio.h>

static void print_write(FILE *out, const struct descriptor_write *w)
{
	if (!w->event) {
		fputs("  no descriptor of it has changed: tables or ASID are now another address space's\n",
		      out);
		return;
	}
	fprintf(out,
		"  event %" PRIu64 " wrote the stage %u level %d descriptor at PA 0x%" PRIx64
		": 0x%016" PRIx64 " became 0x%016" PRIx64 "\n",
		w->event, w->stage, w->level, w->pa.raw, w->old, w->now);
}

static void print_cached(FILE *out, const char *which, const struct cached_text *c)
{
	if (c->tables_only) {
		fprintf(out,
			"  %s tables on the way to VA 0x%" PRIx64 ", %" PRIu64
			" bytes, walked after event %" PRIu64 "\n",
			which, c->va, UINT64_C(1) << c->bits, c->event);
		return;
	}
	fprintf(out,
		"  %s translation: VA 0x%" PRIx64 " to PA 0x%" PRIx64 ", %" PRIu64
		" bytes, walked after event %" PRIu64 "\n",
		which, c->va, c->pa, UINT64_C(1) << c->bits, c->event);
}

static void print_title(FILE *out, const struct mistake *m)
{
	bool at_write = m->kind == MISTAKE_NO_BREAK || m->kind == MISTAKE_EARLY_MAKE;
	const char *what = m->hit                        ? "stale hit"
			   : m->kind == MISTAKE_CONFLICT ? "conflict"
			   : at_write                    ? "break-before-make"
							 : "possible stale hit";
	fprintf(out, "%s of VA 0x%" PRIx64 ", ASID %u", what, m->va.raw, m->asid);
	if (m->cpu >= 0) fprintf(out, ", on CPU %d", m->cpu);
	fprintf(out, ", after event %" PRIu64 ": %s\n", m->event, mistake_doc((enum mistake_kind)m->kind));
	fprintf(out, at_write ? "  the descriptors differ in %s\n" : "  %s\n", m->differs);
}

void mistake_print(void *file, const struct mistake *m)
{
	FILE *out = file;
	print_title(out, m);
	if (m->kind == MISTAKE_EARLY_MAKE)
		fprintf(out, "  until then, %s\n", mistake_doc((enum mistake_kind)m->step));
	if (m->kind != MISTAKE_CONFLICT || m->write.event) print_write(out, &m->write);
	print_cached(out, m->kind == MISTAKE_CONFLICT ? "first" : "old", &m->first);
	if (m->kind == MISTAKE_CONFLICT) print_cached(out, "second", &m->second);
}
