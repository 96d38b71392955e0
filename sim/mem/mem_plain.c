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
	if (shape.ways == 4 * LANES_U32) return lanes_equal_4u32(tags, tag);
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

static ALWAYS_INLINE unsigned victim_in(const struct cache *c, void *state, struct shape shape)
{
	switch (shape.policy) {
	case REPL_lru: return recency_nibbles_last(state, shape.ways);
	case REPL_tree_plru: return tree_oldest(state, shape.ways);
	default: return c->victim(state, c->ways);
	}
}

static ALWAYS_INLINE void note_touch(const struct cache *c, void *state, unsigned way, struct shape shape)
{
	switch (shape.policy) {
	case REPL_lru: recency_nibbles_front(state, way); break;
	case REPL_tree_plru:
		*(uint64_t *)state = (*(uint64_t *)state & c->mask[way].keep) | c->mask[way].set;
		break;
	case REPL_srrip: rrip_set_in(state, way, RRIP_NEAR); break;
	default: c->policy->touch(state, c->ways, way);
	}
}

static ALWAYS_INLINE void note_fill(const struct cache *c, void *state, unsigned way, struct shape shape)
{
	if (shape.policy == REPL_lru || shape.policy == REPL_tree_plru)
		note_touch(c, state, way, shape);
	else if (shape.policy == REPL_srrip)
		rrip_set_in(state, way, RRIP_LONG);
	else
		c->policy->fill(state, c->ways, way);
}

/* What goes, of a set that is full; its way is filled. */
static ALWAYS_INLINE unsigned turn(const struct cache *c, void *state, struct shape shape)
{
	if (shape.policy == REPL_srrip) return rrip_turn_of_word(state, rrip_present(shape.ways, 0));
	unsigned way = victim_in(c, state, shape);
	if (shape.policy == REPL_lru)
		recency_nibbles_turn(state, way);
	else
		note_fill(c, state, way, shape);
	return way;
}

/* --- what a fill pushes out ----------------------------------------------------------------------------------------------------- */

/* Whether a cache above may have a line that leaves an inclusive one. */
static ALWAYS_INLINE bool may_be_above(const struct mem_above *above, uint64_t line)
{
	if (__builtin_expect(!above->alike, 0)) return true;
	const struct cache *data = above->cache[0], *fetch = above->cache[1];
	size_t at = (line & data->set_mask) * data->set_bytes;
	uint32_t tag = cache_tag(data, line);
	return lanes_equal_u32((const uint32_t *)(const void *)(data->sets + at), tag) |
	       lanes_equal_u32((const uint32_t *)(const void *)(fetch->sets + at), tag);
}

/* As mem_back_invalidate(), of a cache of the core's own. */
static bool leave_above(const struct mem_above *above, uint64_t line)
{
	bool dirty = false;
	for (unsigned i = 0; i < above->count; i++)
		if (__builtin_expect(cache_holds(above->cache[i], line), 0))
			dirty |= cache_drop(above->cache[i], line).dirty;
	return dirty;
}

/* A line has left that is dirty, or that caches above may have. Returns `now`. */
static __attribute__((noinline)) cycles_t push_out(struct mem_port *port, size_t level, uint64_t line,
						   bool dirty, cycles_t now)
{
	struct cache *c = port->level[level];
	if (c->inclusive)
		dirty |= c->params.shared ? mem_back_invalidate(port, (unsigned)level, line)
					  : leave_above(&port->above[level], line);
	if (__builtin_expect(!dirty, 1)) return now;
	c->stats.writebacks++;
	mem_write_down(port, (unsigned)level + 1, line, now);
	return now;
}

/* --- a level -------------------------------------------------------------------------------------------------------------------- */

/* The line comes into its set at `now`, which it returns. */
static ALWAYS_INLINE cycles_t bring(struct mem_port *port, size_t level, struct cache *c, uint64_t line,
				    unsigned mark, cycles_t now, struct shape shape)
{
	struct cache_set *s = cache_set_of(c, line);
	void *state = state_of(c, s, shape);
	uint64_t empty = ways_equal(c, s, 0, shape);
	unsigned way;
	if (ways_of(c, shape) != stride_of(c, shape)) empty &= bits_ones(ways_of(c, shape));
	c->stats.fills++;
	if (__builtin_expect(empty != 0, 0))
		note_fill(c, state, way = (unsigned)__builtin_ctzll(empty), shape);
	else
		way = turn(c, state, shape);
	uint32_t *tag = &cache_tags(s)[way], out = *tag;
	uint16_t *marks = &marks_of(c, s, shape)[way], old = *marks;
	*tag = cache_tag(c, line);
	*marks = (uint16_t)mark;
	if (__builtin_expect(empty != 0, 0)) return now;
	c->stats.evictions++;
	bool dirty = old & CACHE_DIRTY;
	if (!dirty && !c->inclusive) return now;
	uint64_t gone = cache_line_of(c, line & c->set_mask, out);
	if (!dirty && !may_be_above(&port->above[level], gone)) return now;
	return push_out(port, level, gone, dirty, now);
}

/* Has the host fetch the set below that a dirty line goes to, once the one that is missed is there. Of a core's own nearest cache, which is
 * where most are. */
static ALWAYS_INLINE void ask_for_write_back(const struct mem_port *port, const struct cache *c,
					     uint64_t line, struct shape shape)
{
	if (shape.policy != REPL_lru && shape.policy != REPL_tree_plru) return;
	const struct cache *below = port->level[1];
	struct cache_set *s = cache_set_of(c, line);
	unsigned way = victim_in(c, state_of(c, s, shape), shape);
	if (!below || !(marks_of(c, s, shape)[way] & CACHE_DIRTY)) return;
	__builtin_prefetch(cache_set_of(below, cache_line_of(c, line & c->set_mask, cache_tags(s)[way])), 1);
}

/* The level does not have the line: `next`, a deeper one, brings it, and it is marked. */
static ALWAYS_INLINE cycles_t miss(struct mem_port *port, size_t level, const struct mem_req *r,
				   unsigned mark, uint64_t line, cycles_t now, mem_level_fn *next,
				   struct shape shape)
{
	struct cache *c = port->level[level];
	unsigned mshr;
	if (__builtin_expect(port->is_far && !level, 0)) ask_for_write_back(port, c, line, shape);
	c->stats.accesses++;
	c->stats.misses++;
	c->stats.misses_by_cause[r->cause]++;
	now = cache_mshr_reserve(c, now, &mshr);
	mark |= mshr + 1; /* which tells it again afterwards */
	cycles_t done = next(port, level + 1, r, 0, line, now);
	cache_mshr_take(c, (mark & CACHE_MISS_REGISTER) - 1, line, done);
	return bring(port, level, c, line, mark, done, shape);
}

static ALWAYS_INLINE cycles_t hit(struct cache *c, struct cache_set *s, uint64_t line, unsigned way,
				  cycles_t now, struct shape shape)
{
	cycles_t done = now + c->hit_cycles;
	uint16_t *mark = &marks_of(c, s, shape)[way];
	c->stats.accesses++;
	note_touch(c, state_of(c, s, shape), way, shape);
	if (now < c->settled && (*mark & CACHE_MAY_WAIT)) {
		cycles_t ready = cache_arrival_by(c, line, mark);
		if (ready > done) return c->stats.merged++, ready;
	}
	c->stats.hits++;
	return done;
}

/* Hits are a function of their own, which saves no registers; misses go on in another. */
static ALWAYS_INLINE cycles_t find(struct mem_port *port, size_t level, const struct mem_req *r,
				   unsigned mark, uint64_t line, cycles_t now, mem_level_fn *missed,
				   struct shape shape)
{
	struct cache *c = port->level[level];
	struct cache_set *s = cache_set_of(c, line);
	uint64_t equal = ways_equal(c, s, cache_tag(c, line), shape);
	if (!equal) return missed(port, level, r, mark, line, now);
	port->served = (unsigned)level;
	return hit(c, s, line, (unsigned)__builtin_ctzll(equal), now, shape);
}

#define LEVEL_FN(name) \
	cycles_t name(struct mem_port *port, size_t level, const struct mem_req *r, unsigned mark, \
		      uint64_t line, cycles_t now)

/* Where it has to wait, or to cross links. */
static __attribute__((noinline)) cycles_t wait_for_memory(struct mem_port *port, const struct mem_req *r,
							  cycles_t now)
{
	cycles_t latency, start = mem_read_node(port, r, now, &latency);
	return start + latency;
}

/* What mem_read_node() does most often. */
static ALWAYS_INLINE LEVEL_FN(read_memory)
{
	const struct mem_side *m = port->side;
	unsigned number = mem_node_of(m, r->pa.raw);
	struct mem_node *n = &m->node[number];
	const struct mem_route *route = &port->cpu->route[number];
	(void)level, (void)mark, (void)line;
	port->served = port->levels;
	if (route->hops || !channel_take(&n->channel, now, UINT64_C(1) << port->line_bits))
		return wait_for_memory(port, r, now);
	mem_count_read(port->cpu, route, r);
	n->stats.reads++;
	return now + n->latency + route->extra;
}

static LEVEL_FN(find_in_memory) { return read_memory(port, level, r, mark, line, now); }

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
	static LEVEL_FN(missed_##policy##_##ways) \
	{ \
		return miss(port, level, r, mark, line, now, port->find[level + 1], \
			    (struct shape){REPL_##policy, ways}); \
	} \
	static LEVEL_FN(find_##policy##_##ways) \
	{ \
		return find(port, level, r, mark, line, now, port->missed[level], \
			    (struct shape){REPL_##policy, ways}); \
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

static bool has_shape(const struct cache *c, const struct shape *shape)
{
	return !shape->ways || (shape->ways == c->ways && repl_policies[shape->policy] == c->policy);
}

static const struct row *row_of(const struct cache *c)
{
	const struct row *row = rows;
	while (!has_shape(c, &row->shape)) row++;
	return row;
}

/* --- all levels at once ---------------------------------------------------------------------------------------------------------
 *
 * A miss of the nearest cache that goes on to memory is one function where a machine's three levels are of these shapes: calls from level to
 * level, and what they save and restore, were a tenth of it.
 */

enum { CHAIN_LEVELS = 3 };

/* Named by a machine whose caches are so. */
#define CHAINS(X) \
	X(neoverse_n1, tree_plru, 4, srrip, 8, srrip, 16) \
	X(neoverse_v2, tree_plru, 4, srrip, 8, COUNT, 0) \
	X(kunpeng_920, tree_plru, 4, tree_plru, 8, COUNT, 0) \
	X(apple_m1, tree_plru, 8, srrip, 12, srrip, 16)

/* `step` at level `at`, which goes on with `next`. */
#define CHAIN_STEP(attribute, name, step, at, next, policy, ways) \
	attribute LEVEL_FN(name) \
	{ \
		return (void)level, \
		       step(port, at, r, mark, line, now, next, (struct shape){REPL_##policy, ways}); \
	}
#define CHAIN(name, p1, w1, p2, w2, p3, w3) \
	CHAIN_STEP(static ALWAYS_INLINE, miss3_##name, miss, level, read_memory, p3, w3) \
	CHAIN_STEP(static ALWAYS_INLINE, find3_##name, find, level, miss3_##name, p3, w3) \
	CHAIN_STEP(static ALWAYS_INLINE, miss2_##name, miss, level, find3_##name, p2, w2) \
	CHAIN_STEP(static ALWAYS_INLINE, find2_##name, find, level, miss2_##name, p2, w2) \
	CHAIN_STEP(static, chain_##name, miss, 0, find2_##name, p1, w1)
CHAINS(CHAIN)

static const struct chain {
	struct shape shape[CHAIN_LEVELS];
	mem_level_fn *missed;
} chains[] = {
#define ROW(name, p1, w1, p2, w2, p3, w3) {{{REPL_##p1, w1}, {REPL_##p2, w2}, {REPL_##p3, w3}}, chain_##name},
	CHAINS(ROW)
#undef ROW
};

/* The function of the port's chain, or NULL. */
static mem_level_fn *chain_of(const struct mem_port *port)
{
	for (size_t i = 0; port->levels == CHAIN_LEVELS && i < sizeof(chains) / sizeof(chains[0]); i++) {
		unsigned alike = 0;
		while (alike < CHAIN_LEVELS && has_shape(port->level[alike], &chains[i].shape[alike]))
			alike++;
		if (alike == CHAIN_LEVELS) return chains[i].missed;
	}
	return NULL;
}

/* --- choosing ---------------------------------------------------------------------------------------------------------------- */

/* Where somebody looks on. */
static LEVEL_FN(find_watched)
{
	(void)mark, (void)line;
	return mem_access(port, r, now, (unsigned)level, &port->served);
}

static LEVEL_FN(missed_watched)
{
	(void)mark, (void)line;
	return mem_access_missed_slow(port, r, now, (unsigned)level, &port->served);
}

void mem_settle(struct mem_port *port)
{
	bool plain = port->plain && !port->untimed && !port->why;
	for (unsigned i = 0; i < port->levels; i++) {
		const struct row *row = row_of(port->level[i]);
		port->find[i] = plain ? row->find : find_watched;
		port->missed[i] = plain ? row->missed : missed_watched;
	}
	if (plain && chain_of(port)) port->missed[0] = chain_of(port);
	for (unsigned i = port->levels; i <= MEM_LEVELS_MAX; i++)
		port->find[i] = plain ? find_in_memory : find_watched;
}

cycles_t mem_access_missed_slow(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
				unsigned *served)
{
	port->monitor = mem_monitor_of(port, r);
	port->level[first]->stats.accesses++;
	return mem_miss(port, r, now, first, served);
}
