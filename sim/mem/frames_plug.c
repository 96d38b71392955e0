/* frames_plug.c - memory that comes and goes while a machine runs (frames.h). */
#include <assert.h>

#include "base/bits.h"
#include "base/order.h"
#include "mem/frames_impl.h"

uint64_t frames_end(const struct frames *f, unsigned number)
{
	return f->region ? f->region[number]->end : f->end;
}

void frames_grow(struct frames *f, unsigned number, uint64_t end)
{
	f = frames_numbered(f, number);
	assert(!f->scatter.on && end >= f->end && f->limit == f->end);
	f->end = f->limit = bits_align_down(end, f->p.page_bits);
}

/* What of a free range lies behind the limit is isolated. */
static void clip(struct frames *f, struct range *r)
{
	if (r->end <= f->limit) return;
	frames_push(&f->isolated, u64_max(r->next, f->limit), r->end);
	r->end = u64_max(r->next, f->limit);
}

static void clip_all(struct frames *f, struct range_stack *s)
{
	for (size_t i = 0; i < s->count; i++) clip(f, &s->item[i]);
}

void frames_isolate(struct frames *f, unsigned number, uint64_t from)
{
	f = frames_numbered(f, number);
	struct range rest = {f->bump, f->end};
	assert(!f->scatter.on && f->limit == f->end && from >= f->base && from <= f->end);
	f->limit = from;
	clip(f, &rest);
	clip(f, &f->pages);
	clip(f, &f->tables);
	clip_all(f, &f->spare);
	for (unsigned i = 0; i < FRAMES_SIZES; i++) clip_all(f, &f->given[i]);
}

void frames_end_isolation(struct frames *f, unsigned number, uint64_t from, bool gone)
{
	f = frames_numbered(f, number);
	for (size_t i = 0; i < f->isolated.count && !gone; i++)
		frames_push(&f->spare, f->isolated.item[i].next, f->isolated.item[i].end);
	f->isolated.count = 0;
	if (gone) {
		f->end = from;
		f->bump = u64_min(f->bump, from);
	} else {
		frames_push(&f->spare, f->bump, from);
		f->bump = f->end;
	}
	f->limit = f->end;
}
