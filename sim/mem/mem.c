#include "mem/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"

/* One instance of a cache that several cores may share. */
struct mem_shared {
	struct cache *cache;
	const struct cache_params *row;
	unsigned unit;
	struct mem_cpu **user; /* cores whose ways lead through it */
	unsigned users;
};

struct mem_side {
	const struct param_list *caches; /* of struct cache_params; borrowed from the configuration */
	struct topology_params topology;
	struct mem_shared *shared;
	unsigned shared_count;
	struct mem_cpu **cpu; /* in use; borrowed */
	unsigned cpus;
	struct mem_node *node;
	unsigned nodes;
	struct fabric *fabric;
	unsigned line_bits, security_shift;
	uint64_t line_limit; /* lines of all security states are below it */
};

static unsigned node_of(const struct mem_side *m, uint64_t pa)
{
	for (unsigned i = 0; i < m->nodes; i++)
		if (pa < m->node[i].limit) return i;
	return m->nodes - 1;
}

static unsigned node_of_line(const struct mem_side *m, uint64_t line)
{
	return node_of(m, (line & bits_ones(m->security_shift)) << m->line_bits);
}

/* --- building ------------------------------------------------------------------------------------------------- */

static const struct cache_params *cache_at(const struct mem_side *m, size_t i)
{
	return (const struct cache_params *)m->caches->items + i;
}

static unsigned reach_of(const struct cache_params *c) { return topology_reach((enum share)c->shared); }

static enum status check_caches(const struct mem_side *m, struct err *err)
{
	for (size_t i = 0; i < m->caches->count; i++) {
		const struct cache_params *c = cache_at(m, i);
		if (c->line != cache_at(m, 0)->line)
			return err_set(err, ERR_CONFIG,
				       "caches.%s.line: %" PRIu64
				       ", but all caches need one size (%s has %" PRIu64 ")",
				       c->name, c->line, cache_at(m, 0)->name, cache_at(m, 0)->line);
		for (size_t j = 0; j < i; j++)
			if (reach_of(c) < reach_of(cache_at(m, j)) && c->level > cache_at(m, j)->level)
				return err_set(err, ERR_CONFIG,
					       "caches.%s: shared by fewer cores than %s above it", c->name,
					       cache_at(m, j)->name);
	}
	return OK;
}

static void build_nodes(struct mem_side *m, const struct memory_params *memory, uint64_t clock_mhz)
{
	m->nodes = (unsigned)memory->nodes.count;
	m->node = xcalloc(m->nodes, sizeof(*m->node));
	uint64_t base = memory->base;
	for (unsigned i = 0; i < m->nodes; i++) {
		node_init(&m->node[i], (const struct node_params *)memory->nodes.items + i, base, clock_mhz);
		base = m->node[i].limit;
	}
	m->security_shift = log2_floor((base >> m->line_bits) - 1) + 1;
	m->line_limit = UINT64_C(4) << m->security_shift;
}

enum status mem_new(const struct memory_params *memory, const struct param_list *caches, uint64_t clock_mhz,
		    struct mem_side **out, struct err *err)
{
	struct mem_side *m = xcalloc(1, sizeof(*m));
	m->caches = caches;
	m->line_bits = caches->count ? log2_floor(cache_at(m, 0)->line) : 6;
	build_nodes(m, memory, clock_mhz);
	enum status st = check_caches(m, err);
	if (st == OK) st = fabric_new(memory, m->node, clock_mhz, &m->fabric, err);
	if (st != OK) {
		mem_free(m);
		return st;
	}
	*out = m;
	return OK;
}

void mem_free(struct mem_side *m)
{
	if (!m) return;
	for (unsigned i = 0; i < m->shared_count; i++) {
		cache_free(m->shared[i].cache);
		free(m->shared[i].user);
	}
	free(m->shared);
	free(m->cpu);
	fabric_free(m->fabric);
	free(m->node);
	free(m);
}

void mem_set_topology(struct mem_side *m, const struct topology_params *t) { m->topology = *t; }

static enum status extend_port(struct mem_port *port, struct cache *c, struct err *err)
{
	if (port->levels && port->level[port->levels - 1]->params.level == c->params.level)
		return err_set(err, ERR_CONFIG,
			       "caches.%s: a second level %" PRIu64 " cache on one path (beside %s)",
			       c->params.name, c->params.level, port->level[port->levels - 1]->params.name);
	port->level[port->levels++] = c;
	return OK;
}

static enum status extend_ports(struct mem_cpu *cpu, struct cache *c, struct err *err)
{
	if (c->params.side != CACHE_INSTRUCTION) TRY(extend_port(&cpu->data, c, err));
	if (c->params.side != CACHE_DATA) TRY(extend_port(&cpu->fetch, c, err));
	return OK;
}

static struct mem_shared *find_shared(struct mem_side *m, const struct cache_params *row, unsigned unit)
{
	for (unsigned i = 0; i < m->shared_count; i++)
		if (m->shared[i].row == row && m->shared[i].unit == unit) return &m->shared[i];
	return NULL;
}

/* Where a list that grows by doubling has to grow before its next element. */
static bool is_full(unsigned count) { return !count || is_power_of_2(count); }

static enum status share_cache(struct mem_cpu *cpu, struct mem_side *m, const struct cache_params *row,
			       unsigned unit, struct err *err)
{
	struct mem_shared *s = find_shared(m, row, unit);
	if (!s) {
		struct cache *c = NULL;
		TRY(cache_new(row, m->line_limit, &c, err));
		if (is_full(m->shared_count))
			m->shared = xrealloc(m->shared, m->shared_count ? 2 * m->shared_count : 1,
					     sizeof(*m->shared));
		s = &m->shared[m->shared_count++];
		*s = (struct mem_shared){.cache = c, .row = row, .unit = unit};
	}
	if (is_full(s->users))
		s->user = xrealloc(s->user, s->users ? 2 * s->users : 1, sizeof(struct mem_cpu *));
	s->user[s->users++] = cpu;
	return extend_ports(cpu, s->cache, err);
}

static enum status build_cache(struct mem_cpu *cpu, struct mem_side *m, const struct cache_params *row,
			       unsigned number, struct err *err)
{
	struct cache *c = NULL;
	if (row->shared)
		return share_cache(cpu, m, row, topology_unit(&m->topology, (enum share)row->shared, number),
				   err);
	TRY(cache_new(row, m->line_limit, &c, err));
	cpu->owned[cpu->owned_count++] = c;
	return extend_ports(cpu, c, err);
}

static enum status build_caches(struct mem_cpu *cpu, struct mem_side *m, unsigned number, struct err *err)
{
	for (uint64_t level = 1; level <= MEM_LEVELS_MAX; level++)
		for (size_t i = 0; i < m->caches->count; i++)
			if (cache_at(m, i)->level == level)
				TRY(build_cache(cpu, m, cache_at(m, i), number, err));
	return OK;
}

enum status mem_cpu_init(struct mem_cpu *cpu, struct mem_side *m, unsigned number, struct err *err)
{
	struct mem_port port = {
		.line_bits = m->line_bits, .security_shift = m->security_shift, .side = m, .cpu = cpu};
	*cpu = (struct mem_cpu){.data = port, .fetch = port};
	cpu->route = fabric_routes(m->fabric, topology_unit(&m->topology, SHARE_DIE, number));
	enum status st = build_caches(cpu, m, number, err);
	if (st != OK) {
		mem_cpu_fini(cpu);
		return st;
	}
	for (unsigned i = 0; i < cpu->data.levels; i++)
		cpu->served_names[i] = cpu->data.level[i]->params.name;
	cpu->served_names[cpu->data.levels] = "dram";
	if (is_full(m->cpus)) m->cpu = xrealloc(m->cpu, m->cpus ? 2 * m->cpus : 1, sizeof(struct mem_cpu *));
	m->cpu[m->cpus++] = cpu;
	return OK;
}

void mem_cpu_fini(struct mem_cpu *cpu)
{
	for (unsigned i = 0; i < cpu->owned_count; i++) cache_free(cpu->owned[i]);
	cpu->owned_count = 0;
}

/* --- moving lines --------------------------------------------------------------------------------------------- */

static void write_down(struct mem_port *port, unsigned level, uint64_t line, cycles_t now);

/* A line leaves for its node; nobody waits for it. */
static void write_memory(struct mem_port *port, unsigned node, cycles_t now)
{
	uint64_t bytes = UINT64_C(1) << port->side->line_bits;
	struct mem_route *r = &port->cpu->route[node];
	if (r->hops) now += route_write(r, now, bytes);
	node_write(&port->side->node[node], now, bytes);
}

/* A line left `c`, which includes what is above: it leaves the levels of `port` above. True if one had written it. */
static bool drop_above(struct mem_port *port, const struct cache *c, uint64_t line)
{
	bool dirty = false;
	for (unsigned i = 0; i < port->levels && port->level[i]->params.level < c->params.level; i++)
		dirty |= cache_drop(port->level[i], line).dirty;
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

static bool back_invalidate(struct mem_port *port, const struct cache *c, uint64_t line)
{
	struct mem_side *m = port->side;
	const struct mem_shared *s = NULL;
	bool dirty = false;
	for (unsigned i = 0; c->params.shared && !s; i++)
		if (m->shared[i].cache == c) s = &m->shared[i];
	if (!s) return drop_above_in(port->cpu, c, line);
	for (unsigned i = 0; i < s->users; i++) dirty |= drop_above_in(s->user[i], c, line);
	return dirty;
}

/* `line` comes into the level's cache; what it pushes out moves on. */
static void fill(struct mem_port *port, unsigned level, uint64_t line, bool dirty, bool flying, cycles_t now)
{
	struct cache *c = port->level[level];
	struct cache_victim out = cache_install(c, line, dirty, flying);
	if (!out.valid) return;
	if (c->params.inclusion == INCL_INCLUSIVE) out.dirty |= back_invalidate(port, c, out.line);
	bool next_takes_all = level + 1 < port->levels &&
			      port->level[level + 1]->params.inclusion == INCL_EXCLUSIVE;
	c->stats.writebacks += out.dirty;
	if (out.dirty) {
		write_down(port, level + 1, out.line, now);
	} else if (next_takes_all && !cache_holds(port->level[level + 1], out.line)) {
		fill(port, level + 1, out.line, false, false, now);
	}
}

/* A written line arrives at `level`: from an eviction above, or from a write that goes through. */
static void write_down(struct mem_port *port, unsigned level, uint64_t line, cycles_t now)
{
	if (level >= port->levels) {
		if (!port->untimed) write_memory(port, node_of_line(port->side, line), now);
		return;
	}
	struct cache *c = port->level[level];
	if (!c->write_back) {
		write_down(port, level + 1, line, now);
		return;
	}
	int way = cache_find(c, line);
	if (way == CACHE_MISS)
		fill(port, level, line, true, false, now);
	else
		c->set[line & c->set_mask].dirty |= UINT64_C(1) << way;
}

/* A write finds or brings its line to `level`, the first it looked in. */
static void mark_written(struct mem_port *port, unsigned level, uint64_t line, int way, cycles_t now)
{
	struct cache *c = port->level[level];
	if (c->write_back)
		c->set[line & c->set_mask].dirty |= UINT64_C(1) << way;
	else
		write_down(port, level + 1, line, now);
}

/* --- access --------------------------------------------------------------------------------------------------- */

/* For who asks where the cycles go. */
static void note(struct mem_port *port, enum why_kind kind, const char *name, cycles_t begin, cycles_t end)
{
	why_leaf(port->why, (struct why_span){begin, end, .name = name, .kind = (uint8_t)kind});
}

/* When a request that finds its line in `way` of `c` has it; counted. */
static cycles_t hit_done(struct mem_port *port, struct cache *c, uint64_t line, int way, cycles_t now)
{
	bool merged;
	cycles_t done = cache_hit_done(c, line, way, now, &merged);
	c->stats.merged += merged;
	c->stats.hits += !merged;
	note(port, merged ? WHY_ARRIVAL : WHY_CACHE, c->params.name, now, done);
	return done;
}

/* A line comes from its node. */
static cycles_t read_memory(struct mem_port *port, const struct mem_req *r, cycles_t now)
{
	if (port->untimed) return now;
	unsigned number = node_of(port->side, r->pa.raw);
	struct mem_node *n = &port->side->node[number];
	struct mem_route *route = &port->cpu->route[number];
	uint64_t bytes = UINT64_C(1) << port->side->line_bits;
	cycles_t latency = n->latency + route->extra, start = node_read(n, now, bytes) - n->latency;
	uint64_t *counted = route->local ? port->cpu->stats.local : port->cpu->stats.remote;
	counted[r->cause]++;
	if (route->hops) start += route_read(route, start, bytes);
	if (start > now) note(port, WHY_DRAM_QUEUE, n->name, now, start);
	note(port, WHY_DRAM, n->name, start, start + latency);
	return start + latency;
}

static cycles_t post_write(struct mem_port *port, uint64_t pa, cycles_t now)
{
	note(port, WHY_POSTED, port->side->node[node_of(port->side, pa)].name, now, now);
	return now;
}

/* A miss of `c` gets a miss register. */
static cycles_t reserve(struct mem_port *port, struct cache *c, cycles_t now, unsigned *slot)
{
	if (port->untimed) return now;
	cycles_t from = cache_mshr_reserve(c, now, slot);
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
		write_down(port, level, line, now);
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
		fill(port, i, line, i == to && dirty, !port->untimed, done);
	}
	if (r->kind == ACCESS_WRITE) deliver_write(port, to, line, done);
}

static cycles_t miss(struct mem_port *port, const struct mem_req *r, cycles_t now, unsigned first,
		     unsigned *served)
{
	uint64_t line = mem_line(port, r);
	unsigned slot[MEM_LEVELS_MAX], level = first;
	cycles_t done;
	int way = CACHE_MISS;
	for (; level < port->levels; level++) {
		struct cache *c = port->level[level];
		if (level > first) {
			c->stats.accesses++;
			if ((way = cache_find(c, line)) != CACHE_MISS) break;
		}
		c->stats.misses++;
		c->stats.misses_by_cause[r->cause]++;
		now = reserve(port, c, now, &slot[level]);
	}
	unsigned to = nearest_taker(port, r, first, level);
	if (way != CACHE_MISS)
		done = hit_done(port, port->level[level], line, way, now);
	else if (to < port->levels)
		done = read_memory(port, r, now);
	else
		done = post_write(port, r->pa.raw, now); /* no cache takes it; write_down() books it */
	for (unsigned i = first; i < level && !port->untimed; i++)
		cache_mshr_take(port->level[i], slot[i], line, done);
	fill_missed(port, r, line, to, level, done);
	*served = level;
	return done;
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
	c->stats.accesses++;
	int way = cache_find(c, line);
	if (way == CACHE_MISS) return miss(port, r, now, first, served);
	if (r->kind == ACCESS_WRITE) mark_written(port, first, line, way, now);
	*served = first;
	return hit_done(port, c, line, way, now);
}

cycles_t mem_access_uncached(struct mem_port *port, const struct mem_req *r, cycles_t now)
{
	if (r->kind == ACCESS_WRITE && !port->untimed) {
		write_memory(port, node_of(port->side, r->pa.raw), now);
		return post_write(port, r->pa.raw, now);
	}
	return read_memory(port, r, now);
}

/* --- the rest ------------------------------------------------------------------------------------------------- */

unsigned mem_line_bits(const struct mem_side *m) { return m->line_bits; }

const struct mem_node *mem_nodes(const struct mem_side *m, unsigned *count)
{
	*count = m->nodes;
	return m->node;
}

cycles_t mem_cross_latency(const struct mem_side *m)
{
	cycles_t least = UINT64_MAX;
	for (unsigned i = 0; i < m->shared_count; i++)
		if (m->shared[i].users > 1 && m->shared[i].cache->hit_cycles < least)
			least = m->shared[i].cache->hit_cycles;
	for (unsigned i = 0; i < m->nodes; i++)
		if (m->node[i].latency < least) least = m->node[i].latency;
	return least;
}

void mem_register_stats(struct mem_side *m, struct stats *s)
{
	for (unsigned i = 0; i < m->shared_count; i++) {
		char prefix[TOPOLOGY_PREFIX_BYTES];
		topology_prefix((enum share)m->shared[i].row->shared, m->shared[i].unit, prefix);
		cache_register_stats(m->shared[i].cache, s, prefix);
	}
	for (unsigned i = 0; i < m->nodes; i++) node_register_stats(&m->node[i], s, i);
	fabric_register_stats(m->fabric, s);
}

#define F struct mem_cpu_stats
static const struct stat_desc cpu_stat_rows[] = {
	STAT_BY(F, local, req_cause_names, "lines", "lines read from the memory of the core's own die"),
	STAT_BY(F, remote, req_cause_names, "lines", "lines read from the memory of other dies, or of none"),
};
#undef F

void mem_cpu_register_stats(struct mem_cpu *cpu, struct stats *s, unsigned number)
{
	char prefix[TOPOLOGY_PREFIX_BYTES];
	topology_prefix(SHARE_NONE, number, prefix);
	for (unsigned i = 0; i < cpu->owned_count; i++) cache_register_stats(cpu->owned[i], s, prefix);
	if (cpu->data.side->nodes > 1)
		stats_add(s, cpu_stat_rows, sizeof(cpu_stat_rows) / sizeof(cpu_stat_rows[0]), &cpu->stats,
			  "%smemory", prefix);
}

static enum status check_cache(const struct cache *c, struct err *err)
{
	const struct cache_stats *s = &c->stats;
	if (s->accesses == s->hits + s->misses + s->merged) return OK;
	return err_set(err, ERR_CHECK,
		       "%s: accesses %" PRIu64 " are not hits %" PRIu64 " + misses %" PRIu64
		       " + merged %" PRIu64,
		       c->params.name, s->accesses, s->hits, s->misses, s->merged);
}

/* Every line that a node gave was asked for by one core. (Cores count them where there are several nodes.) */
static enum status check_nodes(const struct mem_side *m, struct err *err)
{
	uint64_t given = 0, got = 0;
	for (unsigned i = 0; i < m->nodes; i++) given += m->node[i].stats.reads;
	for (unsigned n = 0; n < m->cpus; n++)
		for (unsigned c = 0; c < CAUSE_COUNT; c++)
			got += m->cpu[n]->stats.local[c] + m->cpu[n]->stats.remote[c];
	if (given == got || m->nodes == 1) return OK;
	return err_set(err, ERR_CHECK,
		       "nodes: %" PRIu64 " lines read are not the %" PRIu64 " that cores got of them", given,
		       got);
}

enum status mem_check_sums(const struct mem_side *m, struct err *err)
{
	for (unsigned i = 0; i < m->shared_count; i++) TRY(check_cache(m->shared[i].cache, err));
	for (unsigned n = 0; n < m->cpus; n++)
		for (unsigned i = 0; i < m->cpu[n]->owned_count; i++)
			TRY(check_cache(m->cpu[n]->owned[i], err));
	return check_nodes(m, err);
}
