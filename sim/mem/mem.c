#include "mem/cache_ahead.h"
#include "mem/mem_side.h"

static unsigned node_of_line(const struct mem_side *m, uint64_t line)
{
	return mem_node_of(m, (line & bits_ones(m->security_shift)) << m->line_bits);
}

/* --- moving lines --------------------------------------------------------------------------------------------- */

/* A line leaves for its node; nobody waits for it. */
static void write_memory(struct mem_port *port, unsigned node, cycles_t now)
{
	uint64_t bytes = UINT64_C(1) << port->side->line_bits;
	struct mem_route *r = &port->cpu->route[node];
	if (r->hops) now += route_write(r, now, bytes);
	node_write_for(&port->side->node[node], now, bytes, port->monitor);
}

/* A line left `c`, which includes what is above: it leaves the levels of `port` above. True if one had written it. */
static bool drop_above(struct mem_port *port, const struct cache *c, uint64_t line)
{
	bool dirty = false;
	for (unsigned i = 0; i < port->levels && port->level[i]->params.level < c->params.level; i++) {
		if (c->evictors) evictors_act_as(port->level[i]->evictors, c->evictors);
		dirty |= cache_drop_evicted(port->level[i], line).dirty;
	}
	return dirty;
}

static bool leads_through(const struct mem_port *port, const struct cache *c)
{
	for (unsigned i = 0; i < port->levels; i++)
		if (port->level[i] == c) return true;
	return false;
}

static bool drop_above_in(struct mem_cpu *cpu, const struct cache *c, uint64_t line)
{
	bool dirty = false;
	if (leads_through(&cpu->data, c)) dirty |= drop_above(&cpu->data, c, line);
	if (leads_through(&cpu->fetch, c)) dirty |= drop_above(&cpu->fetch, c, line);
	return dirty;
}

/* The same in every core that shares `c`. */
static bool drop_above_in_all(const struct mem_side *m, const struct cache *c, uint64_t line)
{
	const struct mem_shared *s = m->shared;
	bool dirty = false;
	while (s->cache != c) s++;
	for (unsigned i = 0; i < s->users; i++) dirty |= drop_above_in(s->user[i], c, line);
	return dirty;
}

bool mem_back_invalidate(struct mem_port *port, unsigned level, uint64_t line)
{
	const struct cache *c = port->level[level];
	const struct mem_above *above = &port->above[level];
	bool dirty = false;
	if (c->params.shared) return drop_above_in_all(port->side, c, line);
	for (unsigned i = 0; i < above->count; i++) {
		if (c->evictors) evictors_act_as(above->cache[i]->evictors, c->evictors);
		dirty |= cache_drop_evicted(above->cache[i], line).dirty;
	}
	return dirty;
}

static void share_line(struct mem_port *port, uint64_t line)
{
	for (unsigned i = 0; i < port->levels && !port->level[i]->params.shared; i++)
		cache_share(port->level[i], line);
}

static void fill(struct mem_port *port, unsigned level, uint64_t line, bool dirty, bool flying, cycles_t now);

/* What a fill has pushed out of `level`. */
static inline __attribute__((always_inline)) void push_out(struct mem_port *port, unsigned level,
							   const struct cache_victim *out, cycles_t now)
{
	struct cache *c = port->level[level];
	const struct cache *next = port->level[level + 1];
	uint64_t line = out->line;
	bool dirty = out->dirty;
	if (c->params.inclusion == INCL_INCLUSIVE) dirty |= mem_back_invalidate(port, level, line);
	c->stats.writebacks += dirty;
	if (dirty)
		mem_write_down(port, level + 1, line, now);
	else if (next && next->params.inclusion == INCL_EXCLUSIVE && !cache_holds(next, line))
		fill(port, level + 1, line, false, false, now);
	if (out->shared) share_line(port, line);
}

/* fill() of a cache with partitions, or that counts whose doing misses are. */
static void fill_counted(struct mem_port *port, unsigned level, uint64_t line, bool dirty, bool flying,
			 cycles_t now)
{
	struct cache *c = port->level[level];
	unsigned asker = port->monitor;
	if (c->mpam) cache_mpam_enter(c, asker, now);
	if (c->evictors) evictors_act(c->evictors, port->cpu->agent);
	struct cache_victim out = cache_install(c, line, dirty, flying);
	if (out.refused && dirty) mem_write_down(port, level + 1, line, now);
	if (!out.valid) return;
	if (c->mpam) port->monitor = out.monitor;
	push_out(port, level, &out, now);
	port->monitor = asker;
}

/* `line` comes into the level's cache; what it pushes out moves on. */
static inline __attribute__((always_inline)) void
fill_level(struct mem_port *port, unsigned level, uint64_t line, bool dirty, bool flying, cycles_t now)
{
	struct cache *c = port->level[level];
	if (__builtin_expect(!c->plain, 0)) {
		fill_counted(port, level, line, dirty, flying, now);
		return;
	}
	struct cache_victim out = cache_install(c, line, dirty, flying);
	if (out.valid) push_out(port, level, &out, now);
}

static void fill(struct mem_port *port, unsigned level, uint64_t line, bool dirty, bool flying, cycles_t now)
{
	fill_level(port, level, line, dirty, flying, now);
}

void mem_write_down(struct mem_port *port, unsigned level, uint64_t line, cycles_t now)
{
	if (level >= port->levels) {
		if (!port->untimed) write_memory(port, node_of_line(port->side, line), now);
		return;
	}
	struct cache *c = port->level[level];
	if (!c->write_back) {
		mem_write_down(port, level + 1, line, now);
		return;
	}
	int way = cache_find(c, line);
	if (way == CACHE_MISS)
		fill(port, level, line, true, false, now);
	else
		cache_marks(c, cache_set_of(c, line))[way] |= CACHE_DIRTY;
}

/* A write finds or brings its line to `level`, the first it looked in. */
static void mark_written(struct mem_port *port, unsigned level, uint64_t line, int way, cycles_t now)
{
	struct cache *c = port->level[level];
	if (c->write_back)
		cache_marks(c, cache_set_of(c, line))[way] |= CACHE_DIRTY;
	else
		mem_write_down(port, level + 1, line, now);
}

/* --- access --------------------------------------------------------------------------------------------------- */

/* For who asks where the cycles go. */
static inline void note(struct mem_port *port, enum why_kind kind, const char *name, cycles_t begin,
			cycles_t end)
{
	if (__builtin_expect(!port->why, 1)) return;
	why_leaf(port->why, (struct why_span){begin, end, .name = name, .kind = (uint8_t)kind});
}

/* When a request that finds its line in `way` of `c` has it; counted, where it is no prefetch. */
static cycles_t hit_done(struct mem_port *port, struct cache *c, uint64_t line, int way, cycles_t now,
			 bool ahead)
{
	bool merged;
	cycles_t done = cache_hit_done(c, line, way, now, &merged);
	c->stats.merged += !ahead && merged;
	c->stats.hits += !ahead && !merged;
	note(port, merged ? WHY_ARRIVAL : WHY_CACHE, c->params.name, now, done);
	return done;
}

cycles_t mem_read_memory(struct mem_port *port, const struct mem_req *r, cycles_t now)
{
	if (port->untimed) return now;
	cycles_t latency, start = mem_read_node(port, r, now, &latency);
	if (__builtin_expect(port->why != NULL, 0)) {
		const char *name = port->side->node[mem_node_of(port->side, r->pa.raw)].name;
		if (start > now) note(port, WHY_DRAM_QUEUE, name, now, start);
		note(port, WHY_DRAM, name, start, start + latency);
	}
	return start + latency;
}

static cycles_t post_write(struct mem_port *port, uint64_t pa, cycles_t now)
{
	note(port, WHY_POSTED, port->side->node[mem_node_of(port->side, pa)].name, now, now);
	return now;
}

/* A miss of `c` gets a miss register. */
static cycles_t reserve(struct mem_port *port, struct cache *c, cycles_t now, unsigned *slot)
{
	if (port->untimed) return now;
	cycles_t from = cache_mshr_reserve(c, now, slot);
	if (__builtin_expect(!port->why, 1)) return from;
	why_leaf(port->why, (struct why_span){now, from, .name = c->params.name, .kind = WHY_MISS,
					      .outcome = from > now ? "waits for a miss register" : NULL});
	return from;
}

/* The level that a request which missed first..hit-1 brings its line to; a write passes by caches that do not fetch on a
 * write, and may so come to `hit` itself. */
static unsigned nearest_taker(const struct mem_port *port, const struct mem_req *r, unsigned first,
			      unsigned hit)
{
	while (r->kind == ACCESS_WRITE && first < hit && !port->level[first]->params.write_allocate) first++;
	return first;
}

/* A written line has been brought to `level`, or is written there without. */
static void deliver_write(struct mem_port *port, unsigned level, uint64_t line, cycles_t now)
{
	int way = level < port->levels ? cache_way_of(port->level[level], line) : CACHE_MISS;
	if (way == CACHE_MISS)
		mem_write_down(port, level, line, now);
	else
		mark_written(port, level, line, way, now);
}

/* Brings `line` into the levels to..hit-1 that missed. A line found in an exclusive cache leaves it. */
static void fill_missed(struct mem_port *port, const struct mem_req *r, uint64_t line, unsigned to,
			unsigned hit, cycles_t done)
{
	bool dirty = false;
	if (hit < port->levels && port->level[hit]->params.inclusion == INCL_EXCLUSIVE && hit > to)
		dirty = cache_drop(port->level[hit], line).dirty;
	for (unsigned i = hit; i-- > to;) {
		struct cache *c = port->level[i];
		if (i > to && c->params.inclusion == INCL_EXCLUSIVE) continue;
		fill_level(port, i, line, i == to && dirty, !port->untimed, done);
	}
	if (r->kind == ACCESS_WRITE) deliver_write(port, to, line, done);
}

static void ask_evictors(const struct mem_port *port, struct cache *c, uint64_t line)
{
	evictors_act(c->evictors, port->cpu->agent);
	cache_ask_evictors(c, line);
}

/* Where the core's own caches end: what the directory knows of others. */
static inline bool ask_directory(struct mem_port *port, const struct mem_req *r, uint64_t line, cycles_t now,
				 unsigned level, struct directory_found *out)
{
	struct directory *d = port->side->directory;
	if (__builtin_expect(!d, 1)) return false;
	bool ends = level == port->levels || port->level[level]->params.shared;
	if (!ends || out->asked || port != &port->cpu->data) return false;
	*out = directory_fetch(d, port, r, line, now);
	if (out->from) mem_write_down(port, level, line, now);
	return out->given;
}

/* A write finds its line in a cache of the core, or has brought it there. */
static cycles_t own_line(struct mem_port *port, const struct cache *c, const struct mem_req *r, uint64_t line,
			 int way, cycles_t now)
{
	if (r->kind != ACCESS_WRITE || !cache_is_shared(c, line, way)) return now;
	cycles_t done = directory_write(port->side->directory, port, line, now);
	if (done > now) note(port, WHY_UPGRADE, NULL, now, done);
	return done;
}

/* A prefetch brings what the program may have lost here: that is no miss of the program. */
static void ask_evictors_ahead(const struct mem_port *port, struct cache *c, uint64_t line)
{
	struct evictors_stats before = *evictors_stats(c->evictors);
	ask_evictors(port, c, line);
	*evictors_stats(c->evictors) = before;
}

static inline void count_miss(const struct mem_port *port, struct cache *c, const struct mem_req *r,
			      uint64_t line)
{
	c->stats.misses++;
	c->stats.misses_by_cause[r->cause]++;
	if (c->evictors) ask_evictors(port, c, line);
	if (c->ahead) cache_ahead_missed(c->ahead, line);
}

/* A request has missed first..level-1, each of which it looked in at `at`, and hit `level`, if `hit`. */
static __attribute__((noinline)) void train(struct mem_port *port, const struct mem_req *r, unsigned first,
					    unsigned level, const cycles_t *at, const struct mem_looked *last)
{
	for (unsigned i = first; i < level; i++)
		if (port->level[i]->ahead)
			mem_train(port, r, i, &(struct mem_looked){.now = at[i], .done = last->done});
	if (last->hit && port->level[level]->ahead) mem_train(port, r, level, last);
}

/* A request misses `first`; or, `ahead`, a prefetch does that is for this level: the directory is asked where a core gets the line. */
static inline __attribute__((always_inline)) cycles_t miss(struct mem_port *port, const struct mem_req *r,
							   cycles_t now, unsigned first, unsigned *served,
							   bool ahead)
{
	struct directory_found others = {.asked = ahead && port->level[first]->params.shared};
	struct mem_looked last = {.hit = false};
	uint64_t line = mem_line(port, r);
	unsigned slot[MEM_LEVELS_MAX], level = first;
	cycles_t done, looked[MEM_LEVELS_MAX];
	int way = CACHE_MISS;
	for (; level < port->levels; level++) {
		struct cache *c = port->level[level];
		if (level > first) {
			if (ask_directory(port, r, line, now, level, &others)) break;
			c->stats.accesses += !ahead;
			if ((way = cache_find(c, line)) != CACHE_MISS) break;
		}
		if (!ahead)
			count_miss(port, c, r, line);
		else if (c->evictors)
			ask_evictors_ahead(port, c, line);
		looked[level] = now;
		now = reserve(port, c, now, &slot[level]);
	}
	if (level == port->levels) ask_directory(port, r, line, now, level, &others);
	unsigned to = nearest_taker(port, r, first, level);
	last.now = now;
	last.hit = way != CACHE_MISS;
	if (last.hit && port->level[level]->ahead)
		last.first_use = cache_ahead_use(port->level[level], line, (unsigned)way, now);
	if (others.given)
		note(port, WHY_TRANSFER, NULL, now, done = others.done);
	else if (way != CACHE_MISS)
		done = hit_done(port, port->level[level], line, way,
				own_line(port, port->level[level], r, line, way, now), ahead);
	else if (to < port->levels)
		done = mem_read_memory(port, r, now);
	else
		done = post_write(port, r->pa.raw, now); /* no cache takes it; mem_write_down() books it */
	for (unsigned i = first; i < level && !port->untimed; i++) {
		cache_mshr_take(port->level[i], slot[i], line, done);
		port->level[i]->mshr.brings = slot[i];
	}
	bool shared = others.shared || (way != CACHE_MISS && cache_is_shared(port->level[level], line, way));
	if (others.done > done) {
		note(port, WHY_UPGRADE, NULL, done, others.done);
		done = others.done;
	}
	fill_missed(port, r, line, to, level, done);
	if (shared) share_line(port, line);
	*served = level;
	last.done = done;
	if (!ahead && port->prefetches) train(port, r, first, level, looked, &last);
	return done;
}

cycles_t mem_miss(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
		  unsigned *served)
{
	return miss(port, r, now, first, served, false);
}

cycles_t mem_bring_ahead(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned level)
{
	unsigned served;
	return miss(port, r, now, level, &served, true);
}

/* A hit of the level in which the request looked first. */
static cycles_t first_hit(struct mem_port *port, const struct mem_req *r, unsigned first, uint64_t line,
			  int way, cycles_t now)
{
	struct cache *c = port->level[first];
	struct mem_looked at = {.now = now, .hit = true};
	if (!c->ahead) return hit_done(port, c, line, way, now, false);
	at.first_use = cache_ahead_use(c, line, (unsigned)way, now);
	at.done = hit_done(port, c, line, way, now, false);
	mem_train(port, r, first, &at);
	return at.done;
}

cycles_t mem_access_slow(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
			 unsigned *served)
{
	if (first >= port->levels) {
		*served = port->levels;
		return mem_access_uncached(port, r, now);
	}
	struct cache *c = port->level[first];
	uint64_t line = mem_line(port, r);
	int way = cache_way_of(c, line);
	if (way == CACHE_MISS) return mem_access_missed(port, r, now, first, served);
	port->monitor = mem_monitor_of(port, r);
	c->stats.accesses++;
	cache_touch(c, cache_set_of(c, line), (unsigned)way);
	now = own_line(port, c, r, line, way, now);
	if (r->kind == ACCESS_WRITE) mark_written(port, first, line, way, now);
	*served = first;
	return first_hit(port, r, first, line, way, now);
}

cycles_t mem_access_uncached(struct mem_port *port, const struct mem_req *r, cycles_t now)
{
	port->monitor = mem_monitor_of(port, r);
	if (r->kind == ACCESS_WRITE && !port->untimed) {
		write_memory(port, mem_node_of(port->side, r->pa.raw), now);
		return post_write(port, r->pa.raw, now);
	}
	return mem_read_memory(port, r, now);
}

/* --- atomics at home --------------------------------------------------------------------------------------------- */

/* Where the core's private caches end. */
static unsigned home_level(const struct mem_port *port)
{
	unsigned level = 0;
	while (level < port->levels && !port->level[level]->params.shared) level++;
	return level;
}

bool mem_has_alone(const struct mem_port *port, const struct mem_req *r)
{
	uint64_t line = mem_line(port, r);
	struct directory *d = port->side->directory;
	bool has = false;
	for (unsigned i = 0; i < home_level(port); i++)
		has |= cache_way_of(port->level[i], line) != CACHE_MISS;
	return has && (!d || directory_is_alone(d, port, line));
}

cycles_t mem_access_at_home(struct mem_port *port, const struct mem_req *r, const struct coherence *c,
			    cycles_t now)
{
	uint64_t line = mem_line(port, r);
	struct directory *d = port->side->directory;
	unsigned home = home_level(port);
	cycles_t start = now;
	port->monitor = mem_monitor_of(port, r);
	if (d)
		start = directory_take_home(d, port, line, now, c->far_occupancy);
	else
		for (unsigned i = 0; i < home; i++) cache_drop(port->level[i], line);
	mem_write_down(port, home, line, start);
	return start + (port->untimed ? 0 : c->transfer[DISTANCE_DIE]);
}

void mem_use_monitors(struct mem_side *side, struct monitors *m)
{
	if (side->directory) directory_use_monitors(side->directory, m);
}
