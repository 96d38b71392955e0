#include "trace/cut.h"

static uint64_t accesses_of(const struct record *r)
{
	if (r->kind == REC_FETCH) return r->count;
	return r->kind == REC_LOAD || r->kind == REC_STORE;
}

/* Takes the first `n` accesses off a record that has more. Only fetch runs have more than one. */
static void drop_front(struct record *r, uint64_t n)
{
	r->addr += 4 * n;
	r->count -= (uint32_t)n;
}

size_t trace_cut_batch(struct trace_cut *c, struct record *buf, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n && c->count; i++) {
		struct record r = buf[i];
		uint64_t has = accesses_of(&r), drop = has < c->skip ? has : c->skip;
		if (c->skip && drop == has) {
			c->skip -= drop;
			continue;
		}
		if (drop) drop_front(&r, drop);
		c->skip = 0;
		if (has - drop > c->count) r.count = (uint32_t)c->count;
		if (c->count != TRACE_UNKNOWN) c->count -= accesses_of(&r);
		buf[kept++] = r;
	}
	return kept;
}
