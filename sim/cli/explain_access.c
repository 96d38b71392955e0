#include "cli/explain_access.h"

#include <inttypes.h>

#include "base/request.h"

static const char *const kind_texts[] = {
#define X(name, doc) doc,
	WHY_KINDS(X)
#undef X
};

static const char *const cause_texts[] = {
#define X(name, text, doc) doc,
	REQ_CAUSES(X)
#undef X
};

static const char *const access_names[] = {"load", "store", "fetch"};

static void print_walk_cache(FILE *out, const struct why_span *s)
{
	fprintf(out, "stage %u walk cache: %s; goes on at level %d, table 0x%" PRIx64, s->stage, s->outcome,
		s->level, s->value);
}

static void print_descriptor(FILE *out, const struct why_span *s)
{
	fprintf(out, "stage %u level %d: descriptor at PA 0x%" PRIx64 " is 0x%016" PRIx64 " (%s)", s->stage,
		s->level, s->address, s->value, cause_texts[s->cause]);
}

static void print_places(FILE *out, const struct why_span *s)
{
	fprintf(out, "%" PRIu64 " %s (for %s)", s->value, kind_texts[s->kind], cause_texts[s->cause]);
}

static void print_fault(FILE *out, const struct why_span *s)
{
	fprintf(out, "stage %u fault at level %d (%s): the walk begins again when it is handled", s->stage,
		s->level, s->name);
}

/* Steps of components that answer: "l2 TLB: miss", "dram reads the line". */
static void print_plain(FILE *out, const struct why_span *s)
{
	bool looked_up = s->kind == WHY_TLB;
	if (s->name) fprintf(out, "%s ", s->name);
	if (s->kind == WHY_IPA_CACHE)
		fprintf(out, "for IPA 0x%" PRIx64 ": %s", s->address, s->outcome);
	else
		fprintf(out, "%s%s%s", kind_texts[s->kind], s->outcome ? looked_up ? ": " : ", " : "",
			s->outcome ? s->outcome : "");
	if (s->kind == WHY_MEMORY) fprintf(out, " at PA 0x%" PRIx64, s->address);
}

static void print_span(FILE *out, const struct why_span *s)
{
	fprintf(out, "%8" PRIu64 "  %*s", s->end - s->begin, 2 * s->depth, "");
	switch ((enum why_kind)s->kind) {
	case WHY_WALK_CACHE: print_walk_cache(out, s); break;
	case WHY_DESCRIPTOR: print_descriptor(out, s); break;
	case WHY_PLACES: print_places(out, s); break;
	case WHY_FAULT: print_fault(out, s); break;
	default: print_plain(out, s); break;
	}
	fputc('\n', out);
}

/* What it costs, by which it was picked, and what it waited for older instructions: both together are the whole of it. */
static void print_access(FILE *out, const struct watched *a, size_t rank)
{
	const struct why_span *whole = &a->why.span[0];
	cycles_t waited = whole->end - whole->begin - a->cost;
	fprintf(out, "%zu. access %" PRIu64 ", %s of 0x%" PRIx64 ": %" PRIu64 " cycles", rank, a->number,
		access_names[a->kind], a->va, a->cost);
	if (waited) fprintf(out, " and %" PRIu64 " of waiting for older instructions", waited);
	fprintf(out, ", issued at cycle %" PRIu64 "\n", a->issue);
	for (size_t i = 0; i < a->why.count; i++) print_span(out, &a->why.span[i]);
}

void explain_accesses(FILE *out, const struct watch *w)
{
	for (size_t i = 0; i < w->count; i++) print_access(out, &w->pick[i], i + 1);
	if (w->count < w->want)
		fprintf(out, "%zu of %zu accesses: the measured region has no more of them\n", w->count,
			w->want);
}
