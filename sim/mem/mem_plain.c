/* mem_plain.c - misses where nothing looks on: no partitions, no directory, no evictors, no exclusive level, no explanation.
 *
 * What mem_miss() does, but each level's set and tag are found once, on the way down, and serve the fill on the way back.
 */
#include "mem/cache_fill.h"
#include "mem/mem_side.h"

#define ALWAYS_INLINE __attribute__((always_inline))

/* Where a line may be in a level's cache, and the miss register that brings it. */
struct place {
	struct cache *cache;
	uint64_t set;
	uint32_t tag;
	unsigned mshr;
};

static inline ALWAYS_INLINE struct place place_of(struct cache *c, uint64_t line)
{
	return (struct place){.cache = c, .set = line & c->set_mask, .tag = cache_tag(c, line)};
}

static inline ALWAYS_INLINE cycles_t count_miss(struct place *p, const struct mem_req *r, cycles_t now)
{
	struct cache *c = p->cache;
	c->stats.accesses++;
	c->stats.misses++;
	c->stats.misses_by_cause[r->cause]++;
	return cache_mshr_reserve(c, now, &p->mshr);
}

static inline ALWAYS_INLINE cycles_t hit(const struct place *p, uint64_t line, unsigned way, cycles_t now)
{
	struct cache *c = p->cache;
	bool merged;
	cache_touch(c, p->set, way);
	cycles_t done = cache_hit_done(c, line, (int)way, now, &merged);
	c->stats.accesses++;
	c->stats.merged += merged;
	c->stats.hits += !merged;
	return done;
}

/* As mem_back_invalidate(), of a cache of the core's own. */
static inline ALWAYS_INLINE bool leave_above(const struct mem_above *above, uint64_t line)
{
	bool dirty = false;
	for (unsigned i = 0; i < above->count; i++)
		if (__builtin_expect(cache_way_of(above->cache[i], line) != CACHE_MISS, 0))
			dirty |= cache_drop(above->cache[i], line).dirty;
	return dirty;
}

static inline ALWAYS_INLINE void push_out(struct mem_port *port, unsigned level, uint64_t line, bool dirty,
					  cycles_t now)
{
	struct cache *c = port->level[level];
	if (c->params.inclusion == INCL_INCLUSIVE)
		dirty |= c->params.shared ? mem_back_invalidate(port, level, line)
					  : leave_above(&port->above[level], line);
	if (__builtin_expect(!dirty, 1)) return;
	c->stats.writebacks++;
	mem_write_down(port, level + 1, line, now);
}

/* The line comes into the cache at `done`. */
static inline ALWAYS_INLINE void bring(struct mem_port *port, unsigned level, const struct place *p,
				       uint64_t line, bool dirty, cycles_t done)
{
	struct cache *c = p->cache;
	unsigned way = cache_choose_any(c, p->set);
	struct cache_victim out = cache_victim_in(c, p->set, way);
	cache_mshr_take(c, p->mshr, line, done);
	c->stats.fills++;
	c->stats.evictions += out.valid;
	cache_write_way(c, line, way, dirty, true);
	cache_note_fill(c, p->set, way);
	if (out.valid) push_out(port, level, out.line, out.dirty, done);
}

static inline ALWAYS_INLINE cycles_t miss(struct mem_port *port, const struct mem_req *r, uint64_t line,
					  cycles_t now, unsigned first, unsigned *served)
{
	struct place at[MEM_LEVELS_MAX];
	unsigned level = first;
	uint64_t equal = 0;
	at[first] = place_of(port->level[first], line);
	do {
		now = count_miss(&at[level], r, now);
		if (++level == port->levels) break;
		at[level] = place_of(port->level[level], line);
		equal = cache_ways_equal(at[level].cache, at[level].set, at[level].tag);
	} while (!equal);
	cycles_t done = equal ? hit(&at[level], line, (unsigned)__builtin_ctzll(equal), now)
			      : mem_read_memory(port, r, now);
	*served = level;
	while (level-- > first)
		bring(port, level, &at[level], line, level == first && r->kind == ACCESS_WRITE, done);
	return done;
}

cycles_t mem_access_missed(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
			   unsigned *served)
{
	struct cache *c = port->level[first];
	bool taken = r->kind != ACCESS_WRITE || (c->write_back && c->params.write_allocate);
	if (__builtin_expect(port->plain && taken && !port->why && !port->untimed, 1))
		return miss(port, r, mem_line(port, r), now, first, served);
	port->monitor = mem_monitor_of(port, r);
	c->stats.accesses++;
	return mem_miss(port, r, now, first, served);
}
