#include "base/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const char *const kind_texts[] = {
#define X(name, doc) doc,
	WHY_KINDS(X)
#undef X
};

void why_reset(struct why *w)
{
	w->count = 0;
	w->depth = 0;
}

void why_fini(struct why *w) { free(w->span); }

static void make_room(struct why *w)
{
	if (w->count < w->room) return;
	w->room = w->room ? 2 * w->room : 64;
	w->span = xrealloc(w->span, w->room, sizeof(*w->span));
}

size_t why_add(struct why *w, const struct why_span *s)
{
	make_room(w);
	w->span[w->count] = *s;
	w->span[w->count].depth = (uint8_t)w->depth;
	return w->count++;
}

size_t why_open_span(struct why *w, const struct why_span *s)
{
	size_t number = why_add(w, s);
	w->depth++;
	return number;
}

void why_insert(struct why *w, size_t at, const struct why_span *s)
{
	make_room(w);
	memmove(w->span + at + 1, w->span + at, (w->count - at) * sizeof(*w->span));
	w->span[at] = *s;
	w->count++;
}

void why_copy(struct why *to, const struct why *from)
{
	why_reset(to);
	for (size_t i = 0; i < from->count; i++) {
		to->depth = from->span[i].depth;
		why_add(to, &from->span[i]);
	}
}

static enum status refuse(const struct why_span *s, const char *what, cycles_t is, cycles_t should,
			  struct err *err)
{
	return err_set(err, ERR_CHECK, "cycles of one access: %s%s%s: %s at %" PRIu64 ", not %" PRIu64,
		       s->name ? s->name : "", s->name ? " " : "", kind_texts[s->kind], what, is, should);
}

/* Checks the spans directly inside of span `number`. */
static enum status check_parts(const struct why *w, size_t number, struct err *err)
{
	const struct why_span *whole = &w->span[number], *last = NULL;
	cycles_t at = whole->begin;
	for (size_t i = number + 1; i < w->count && w->span[i].depth > whole->depth; i++) {
		const struct why_span *s = &w->span[i];
		if (s->depth != whole->depth + 1) continue;
		if (s->begin != at || s->end < s->begin) return refuse(s, "begins", s->begin, at, err);
		at = s->end;
		last = s;
	}
	return last && at != whole->end ? refuse(whole, "ends", whole->end, at, err) : OK;
}

enum status why_check(const struct why *w, struct err *err)
{
	for (size_t i = 0; i < w->count; i++) TRY(check_parts(w, i, err));
	return OK;
}
