/* mem_plain.c - misses where nothing looks on: no partitions, no directory, no evictors, no exclusive level, no explanation.
 *
 * What mem_miss() does, but each level's set and tag are found once, on the way down, and serve the fill on the way back.
 */
#include "mem/cache_fill.h"
#include "mem/mem_side.h"

#define ALWAYS_INLINE __attribute__((always_inline))

/* A miss on its way through the levels. */
struct quest {
	struct mem_port *port;
	const struct mem_req *req;
	uint64_t line;
	unsigned served;
};

/* As mem_back_invalidate(), of a cache of the core's own. */
static inline ALWAYS_INLINE bool leave_above(const struct mem_above *above, uint64_t line)
{
	bool dirty = false;
	for (unsigned i = 0; i < above->count; i++)
		if (__builtin_expect(cache_holds(above->cache[i], line), 0))
			dirty |= cache_drop(above->cache[i], line).dirty;
	return dirty;
}

/* The line of `tag` has left its set of the level, in which `other` is, too. */
static inline ALWAYS_INLINE void push_out(struct mem_port *port, unsigned level, uint64_t other, uint32_t tag,
					  bool dirty, cycles_t now)
{
	struct cache *c = port->level[level];
	bool inclusive = c->params.inclusion == INCL_INCLUSIVE;
	if (!inclusive && !dirty) return;
	uint64_t line = cache_line_of(c, other & c->set_mask, tag);
	if (inclusive)
		dirty |= c->params.shared ? mem_back_invalidate(port, level, line)
					  : leave_above(&port->above[level], line);
	if (__builtin_expect(!dirty, 1)) return;
	c->stats.writebacks++;
	mem_write_down(port, level + 1, line, now);
}

static cycles_t find(struct quest *q, unsigned level, struct cache *c, cycles_t now);

/* When the line is there: from `level`, or what is beyond it. */
static inline ALWAYS_INLINE cycles_t ask(struct quest *q, unsigned level, cycles_t now)
{
	struct cache *c = q->port->level[level];
	if (c) return find(q, level, c, now);
	q->served = level;
	return mem_read_memory(q->port, q->req, now);
}

/* The level does not have the line: a deeper one brings it. */
static inline ALWAYS_INLINE cycles_t miss(struct quest *q, unsigned level, struct cache *c,
					  struct cache_set *s, uint32_t tag, bool write, cycles_t now)
{
	unsigned mshr;
	bool dirty;
	c->stats.accesses++;
	c->stats.misses++;
	c->stats.misses_by_cause[q->req->cause]++;
	now = cache_mshr_reserve(c, now, &mshr);
	cycles_t done = ask(q, level + 1, now);
	cache_mshr_take(c, mshr, q->line, done);
	uint32_t out = cache_install_plain(c, s, tag, write, true, &dirty);
	if (out) push_out(q->port, level, q->line, out, dirty, done);
	return done;
}

static inline ALWAYS_INLINE cycles_t hit(struct cache *c, struct cache_set *s, uint64_t line, unsigned way,
					 cycles_t now)
{
	cycles_t done = now + c->hit_cycles;
	c->stats.accesses++;
	cache_touch(c, s, way);
	if (__builtin_expect(now < c->settled && bit_get(s->flying, way), 0)) {
		cycles_t ready = cache_arrival(c, line, way);
		if (ready > done) return c->stats.merged++, ready;
	}
	c->stats.hits++;
	return done;
}

static cycles_t find(struct quest *q, unsigned level, struct cache *c, cycles_t now)
{
	struct cache_set *s = cache_set_of(c, q->line);
	uint32_t tag = cache_tag(c, q->line);
	uint64_t equal = cache_ways_equal(c, s, tag);
	if (!equal) return miss(q, level, c, s, tag, false, now);
	q->served = level;
	return hit(c, s, q->line, (unsigned)__builtin_ctzll(equal), now);
}

/* Somebody asks for more than counters. */
static bool looks_on(const struct mem_port *port)
{
	return !port->plain | port->untimed | (port->why != NULL);
}

cycles_t mem_access_missed(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
			   unsigned *served)
{
	struct cache *c = port->level[first];
	bool taken = r->kind != ACCESS_WRITE || (c->write_back && c->params.write_allocate);
	if (__builtin_expect(taken && !looks_on(port), 1)) {
		struct quest q = {.port = port, .req = r, .line = mem_line(port, r)};
		cycles_t done = miss(&q, first, c, cache_set_of(c, q.line), cache_tag(c, q.line),
				     r->kind == ACCESS_WRITE, now);
		*served = q.served;
		return done;
	}
	port->monitor = mem_monitor_of(port, r);
	c->stats.accesses++;
	return mem_miss(port, r, now, first, served);
}
