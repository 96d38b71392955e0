/* mem_plain.c - misses where nothing looks on: no partitions, no directory, no evictors, no exclusive level, no explanation.
 *
 * What mem_miss() does, but each level asks the next one, and fills the set that it has at hand when the answer comes back. How a level
 * does so is compiled for the shapes that caches have most, by their ways and policy, and chosen once, when its port is built.
 */
#include "mem/cache_fill.h"
#include "mem/mem_side.h"
#include "repl/recency.h"
#include "repl/rrip.h"
#include "repl/tree.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* What a function is compiled for. */
struct shape {
	enum repl_kind policy; /* REPL_COUNT: any */
	unsigned ways;         /* 0: any */
};

/* --- a set, by its shape -------------------------------------------------------------------------------------------------------- */

static ALWAYS_INLINE unsigned ways_of(const struct cache *c, struct shape shape)
{
	return shape.ways ? shape.ways : c->ways;
}

static ALWAYS_INLINE unsigned stride_of(const struct cache *c, struct shape shape)
{
	return shape.ways ? (shape.ways + LANES_U32 - 1) / LANES_U32 * LANES_U32 : c->stride;
}

/* As cache_ways_equal(). */
static ALWAYS_INLINE uint64_t ways_equal(const struct cache *c, const struct cache_set *s, uint32_t tag,
					 struct shape shape)
{
	const uint32_t *tags = cache_tags(s);
	uint64_t equal = 0;
#pragma GCC unroll 8
	for (unsigned w = 0; w < stride_of(c, shape); w += LANES_U32)
		equal |= (uint64_t)lanes_equal_u32(tags + w, tag) << w;
	return equal;
}

static ALWAYS_INLINE uint16_t *marks_of(const struct cache *c, const struct cache_set *s, struct shape shape)
{
	return (uint16_t *)(void *)(cache_tags(s) + stride_of(c, shape));
}

static ALWAYS_INLINE void *state_of(const struct cache *c, const struct cache_set *s, struct shape shape)
{
	return marks_of(c, s, shape) + stride_of(c, shape);
}

/* What goes, of a set that is full. */
static ALWAYS_INLINE unsigned victim_in(const struct cache *c, void *state, struct shape shape)
{
	switch (shape.policy) {
	case REPL_lru: return recency_last(state, ways_of(c, shape));
	case REPL_tree_plru: return tree_oldest(state, ways_of(c, shape));
	case REPL_srrip: return rrip_victim(state, ways_of(c, shape));
	default: return c->victim(state, c->ways);
	}
}

static ALWAYS_INLINE void note_touch(const struct cache *c, void *state, unsigned way, struct shape shape)
{
	switch (shape.policy) {
	case REPL_lru: recency_front(state, ways_of(c, shape), way); break;
	case REPL_tree_plru:
		*(uint64_t *)state = (*(uint64_t *)state & c->mask[way].keep) | c->mask[way].set;
		break;
	case REPL_srrip: rrip_set(state, way, RRIP_NEAR); break;
	default: c->policy->touch(state, c->ways, way);
	}
}

static ALWAYS_INLINE void note_fill(const struct cache *c, void *state, unsigned way, struct shape shape)
{
	if (shape.policy == REPL_lru || shape.policy == REPL_tree_plru)
		note_touch(c, state, way, shape);
	else if (shape.policy == REPL_srrip)
		rrip_set(state, way, RRIP_LONG);
	else
		c->policy->fill(state, c->ways, way);
}

/* --- what a fill pushes out ----------------------------------------------------------------------------------------------------- */

/* As mem_back_invalidate(), of a cache of the core's own. */
static bool leave_above(const struct mem_above *above, uint64_t line)
{
	bool dirty = false;
	for (unsigned i = 0; i < above->count; i++)
		if (__builtin_expect(cache_holds(above->cache[i], line), 0))
			dirty |= cache_drop(above->cache[i], line).dirty;
	return dirty;
}

/* A line has left that is dirty, or that caches above may have. */
static __attribute__((noinline)) void push_out(struct mem_port *port, unsigned level, uint64_t line,
					       bool dirty, cycles_t now)
{
	struct cache *c = port->level[level];
	if (c->params.inclusion == INCL_INCLUSIVE)
		dirty |= c->params.shared ? mem_back_invalidate(port, level, line)
					  : leave_above(&port->above[level], line);
	if (__builtin_expect(!dirty, 1)) return;
	c->stats.writebacks++;
	mem_write_down(port, level + 1, line, now);
}

/* --- a level -------------------------------------------------------------------------------------------------------------------- */

/* The line comes into its set. */
static ALWAYS_INLINE void bring(struct mem_port *port, unsigned level, struct cache *c, struct cache_set *s,
				uint64_t line, unsigned mark, cycles_t now, struct shape shape)
{
	void *state = state_of(c, s, shape);
	uint64_t empty = ways_equal(c, s, 0, shape) & bits_ones(ways_of(c, shape));
	unsigned way = __builtin_expect(empty != 0, 0) ? (unsigned)__builtin_ctzll(empty)
						       : victim_in(c, state, shape);
	uint32_t *tag = &cache_tags(s)[way], out = *tag;
	uint16_t *marks = &marks_of(c, s, shape)[way], old = *marks;
	*tag = cache_tag(c, line);
	*marks = (uint16_t)mark;
	c->stats.fills++;
	note_fill(c, state, way, shape);
	if (__builtin_expect(!out, 0)) return;
	c->stats.evictions++;
	if (old & CACHE_DIRTY || c->params.inclusion == INCL_INCLUSIVE)
		push_out(port, level, cache_line_of(c, line & c->set_mask, out), old & CACHE_DIRTY, now);
}

/* The level does not have the line: a deeper one brings it. */
static ALWAYS_INLINE struct mem_answer miss(struct mem_port *port, unsigned level, struct cache *c,
					    struct cache_set *s, const struct mem_req *r, uint64_t line,
					    unsigned mark, cycles_t now, struct shape shape)
{
	unsigned mshr;
	c->stats.accesses++;
	c->stats.misses++;
	c->stats.misses_by_cause[r->cause]++;
	now = cache_mshr_reserve(c, now, &mshr);
	struct mem_answer a = port->find[level + 1](port, level + 1, r, line, now);
	cache_mshr_take(c, mshr, line, a.done);
	bring(port, level, c, s, line, mark | (mshr + 1), a.done, shape);
	return a;
}

static ALWAYS_INLINE cycles_t hit(struct cache *c, struct cache_set *s, uint64_t line, unsigned way,
				  cycles_t now, struct shape shape)
{
	cycles_t done = now + c->hit_cycles;
	c->stats.accesses++;
	note_touch(c, state_of(c, s, shape), way, shape);
	if (now < c->settled && (marks_of(c, s, shape)[way] & CACHE_MAY_WAIT)) {
		cycles_t ready = cache_arrival(c, line, way);
		if (ready > done) return c->stats.merged++, ready;
	}
	c->stats.hits++;
	return done;
}

static ALWAYS_INLINE struct mem_answer find(struct mem_port *port, unsigned level, const struct mem_req *r,
					    uint64_t line, cycles_t now, struct shape shape)
{
	struct cache *c = port->level[level];
	struct cache_set *s = cache_set_of(c, line);
	uint64_t equal = ways_equal(c, s, cache_tag(c, line), shape);
	if (!equal) return miss(port, level, c, s, r, line, 0, now, shape);
	return (struct mem_answer){hit(c, s, line, (unsigned)__builtin_ctzll(equal), now, shape), level};
}

static ALWAYS_INLINE struct mem_answer missed(struct mem_port *port, unsigned level, const struct mem_req *r,
					      uint64_t line, cycles_t now, struct shape shape)
{
	struct cache *c = port->level[level];
	unsigned mark = r->kind == ACCESS_WRITE ? CACHE_DIRTY : 0;
	return miss(port, level, c, cache_set_of(c, line), r, line, mark, now, shape);
}

static struct mem_answer find_in_memory(struct mem_port *port, unsigned level, const struct mem_req *r,
					uint64_t line, cycles_t now)
{
	cycles_t latency, start = mem_read_node(port, r, now, &latency);
	(void)level, (void)line;
	return (struct mem_answer){start + latency, port->levels};
}

/* --- the shapes ----------------------------------------------------------------------------------------------------------------- */

#define SHAPES(X) \
	X(lru, 4) \
	X(lru, 8) \
	X(lru, 16) \
	X(tree_plru, 4) \
	X(tree_plru, 8) \
	X(tree_plru, 16) \
	X(srrip, 8) \
	X(srrip, 12) \
	X(srrip, 16) \
	X(COUNT, 0) /* the rest */

#define COMPILED(policy, ways) \
	static struct mem_answer find_##policy##_##ways( \
		struct mem_port *port, unsigned level, const struct mem_req *r, uint64_t line, cycles_t now) \
	{ \
		return find(port, level, r, line, now, (struct shape){REPL_##policy, ways}); \
	} \
	static struct mem_answer missed_##policy##_##ways( \
		struct mem_port *port, unsigned level, const struct mem_req *r, uint64_t line, cycles_t now) \
	{ \
		return missed(port, level, r, line, now, (struct shape){REPL_##policy, ways}); \
	}
SHAPES(COMPILED)

static const struct row {
	struct shape shape;
	mem_level_fn *find, *missed;
} rows[] = {
#define ROW(policy, ways) {{REPL_##policy, ways}, find_##policy##_##ways, missed_##policy##_##ways},
	SHAPES(ROW)
#undef ROW
};

static const struct row *row_of(const struct cache *c)
{
	const struct row *row = rows;
	while (row->shape.ways &&
	       (row->shape.ways != c->ways || repl_policies[row->shape.policy] != c->policy))
		row++;
	return row;
}

static struct mem_answer read_otherwise(struct mem_port *port, unsigned level, const struct mem_req *r,
					uint64_t line, cycles_t now)
{
	(void)line;
	return mem_ask(port, r, now, level);
}

static void choose_reads(struct mem_port *port)
{
	for (unsigned i = 0; i <= MEM_LEVELS_MAX; i++)
		port->read[i] = port->plain && !port->untimed ? port->find[i] : read_otherwise;
}

void mem_compile_levels(struct mem_port *port)
{
	for (unsigned i = 0; i < port->levels; i++) {
		const struct row *row = row_of(port->level[i]);
		port->find[i] = row->find;
		port->missed[i] = row->missed;
	}
	for (unsigned i = port->levels; i <= MEM_LEVELS_MAX; i++) port->find[i] = find_in_memory;
	choose_reads(port);
}

void mem_set_untimed(struct mem_cpu *cpu, bool untimed)
{
	cpu->data.untimed = cpu->fetch.untimed = untimed;
	choose_reads(&cpu->data);
	choose_reads(&cpu->fetch);
}

cycles_t mem_access_missed(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
			   unsigned *served)
{
	struct cache *c = port->level[first];
	bool taken = r->kind != ACCESS_WRITE || (c->write_back && c->params.write_allocate);
	if (__builtin_expect(taken && mem_is_plain(port), 1)) {
		struct mem_answer a = port->missed[first](port, first, r, mem_line(port, r), now);
		*served = (unsigned)a.served;
		return a.done;
	}
	port->monitor = mem_monitor_of(port, r);
	c->stats.accesses++;
	return mem_miss(port, r, now, first, served);
}
