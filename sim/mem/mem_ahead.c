/* mem_ahead.c - where a request has been answered, the prefetchers of the caches that it looked in are told, and bring lines.
 *
 * A prefetch is a read that misses its cache, at the cycle at which the request looked there: behind the request in all that is busy,
 * with its labels. It looks in the levels beyond as a read does and takes miss registers and bandwidth, but is no access in their counters,
 * and trains nobody. One that finds no miss register free in its cache is dropped. Nobody waits for it, and nobody asks where its
 * cycles go.
 */
#include "mem/cache_ahead.h"
#include "mem/mem_side.h"

static bool trains(const struct cache_ahead *a, const struct mem_req *r)
{
	switch ((enum req_cause)r->cause) {
	case CAUSE_S1_WALK:
	case CAUSE_S2_OF_S1:
	case CAUSE_S2_FINAL: return a->params.walks;
	case CAUSE_DEVICE: return false;
	default: return true;
	}
}

static uint64_t pc_of(const struct mem_port *port, const struct mem_req *r)
{
	if (r->cause == CAUSE_IFETCH) return r->pa.raw;
	return r->cause == CAUSE_DATA && port->cpu->flow ? port->cpu->flow->pc : 0;
}

/* Also by a nearer cache: it may have written the line, and a read behind its back would tell the directory otherwise. */
static bool is_held(const struct mem_port *port, unsigned level, uint64_t line)
{
	bool held = false;
	for (unsigned i = 0; i <= level; i++) held |= cache_holds(port->level[i], line);
	return held;
}

static void bring(struct mem_port *port, const struct mem_req *r, unsigned level, uint64_t line, cycles_t now)
{
	struct cache *c = port->level[level];
	struct cache_ahead *a = c->ahead;
	struct mem_req q = *r;
	a->stats.proposed++;
	if (!line_prefetch_same_frame(line, mem_line(port, r), port->line_bits)) {
		a->stats.outside++;
		return;
	}
	if (is_held(port, level, line)) {
		a->stats.held++;
		return;
	}
	if (!port->untimed && !cache_mshr_is_free(c, now)) {
		a->stats.no_register++;
		return;
	}
	q.pa.raw = (line & bits_ones(port->security_shift)) << port->line_bits;
	if (q.kind == ACCESS_WRITE) q.kind = ACCESS_READ;
	a->brings = true;
	cycles_t done = mem_bring_ahead(port, &q, now, level);
	a->brings = false;
	cache_ahead_filled(c, line);
	if (a->how->brought) a->how->brought(a->state, line, port->line_bits, done, true);
}

void mem_train(struct mem_port *port, const struct mem_req *r, unsigned level, const struct mem_looked *at)
{
	struct cache *c = port->level[level];
	struct cache_ahead *a = c->ahead;
	uint64_t line = mem_line(port, r);
	struct line_prefetch_list list = {.count = 0};
	struct line_prefetch_use u = {.line = line,
				      .address = line << port->line_bits |
						 (r->pa.raw & bits_ones(port->line_bits)),
				      .line_bits = port->line_bits,
				      .pc = pc_of(port, r),
				      .now = at->now,
				      .hit = at->hit,
				      .first = at->first_use};
	if (!at->hit && a->how->brought) a->how->brought(a->state, line, port->line_bits, at->done, false);
	if (!trains(a, r)) return;
	if (at->hit && !at->first_use && !a->how->sees_hits) return;
	a->stats.trained++;
	a->how->train(a->state, &a->params, &u, &list);
	struct why *why = port->why;
	port->why = NULL;
	for (unsigned i = 0; i < list.count; i++) bring(port, r, level, list.line[i], at->now);
	port->why = why;
}
