/* mem_build.c - the memory side from its parameters, what it counts, and the sums that must hold. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "mem/cache_ahead.h"
#include "mem/mem_side.h"

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

enum { MSC_NAME_BYTES = 16 };

/* What settings of MPAM call a node. */
static const char *node_msc(char name[MSC_NAME_BYTES], unsigned node)
{
	snprintf(name, MSC_NAME_BYTES, "node%u", node);
	return name;
}

static void build_nodes(struct mem_side *m, const struct memory_params *memory, uint64_t clock_mhz)
{
	m->nodes = (unsigned)memory->nodes.count;
	m->has_node_mpam = memory->mpam;
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
	for (unsigned i = 0; m->node && i < m->nodes; i++) bandwidth_free(m->node[i].mpam);
	free(m->mpam);
	for (unsigned i = 0; i < m->shared_count; i++) {
		cache_free(m->shared[i].cache);
		free(m->shared[i].user);
	}
	free(m->shared);
	free(m->cpu);
	directory_free(m->directory);
	fabric_free(m->fabric);
	free(m->node);
	free(m);
}

static enum status check_msc(const struct mem_side *m, const struct mpam_setting *s, struct err *err)
{
	bool found = false;
	for (unsigned i = 0; m->has_node_mpam && i < m->nodes; i++) {
		char name[MSC_NAME_BYTES];
		found |= mpam_is_for(s, node_msc(name, i), MPAM_MEMORY);
	}
	for (size_t i = 0; i < m->caches->count; i++)
		if (cache_at(m, i)->mpam_portions) found |= mpam_is_for(s, cache_at(m, i)->name, MPAM_CACHE);
	if (found) return OK;
	return err_set(
		err, ERR_CONFIG,
		"mpam.settings: %s of \"%s\": the machine has no such component that this is a control of "
		"(caches.mpam_portions, memory.mpam)",
		mpam_controls[s->control].name, s->msc);
}

enum status mem_use_mpam(struct mem_side *m, const struct mpam_params *p, struct err *err)
{
	const struct mpam_setting *s = p->settings.items;
	if (!p->labels.count && !p->settings.count) return OK;
	TRY(mpam_new(p, &m->mpam, err));
	for (size_t i = 0; i < p->settings.count; i++) TRY(check_msc(m, &s[i], err));
	for (unsigned i = 0; m->has_node_mpam && i < m->nodes; i++) {
		char name[MSC_NAME_BYTES];
		m->node[i].mpam = bandwidth_new(m->mpam, node_msc(name, i), m->node[i].channel.window_bytes);
	}
	return OK;
}

void mem_set_topology(struct mem_side *m, const struct topology_params *t) { m->topology = *t; }

static enum status extend_port(struct mem_port *port, struct cache *c, struct err *err)
{
	if (port->levels && port->level[port->levels - 1]->params.level == c->params.level)
		return err_set(err, ERR_CONFIG,
			       "caches.%s: a second level %" PRIu64 " cache on one path (beside %s)",
			       c->params.name, c->params.level, port->level[port->levels - 1]->params.name);
	port->level[port->levels++] = port->last = c;
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

static enum status new_cache(const struct mem_side *m, const struct cache_params *row, struct cache **out,
			     struct err *err)
{
	struct cache *c;
	TRY(cache_new(row, m->line_limit, &c, err));
	enum status st = m->mpam && row->mpam_portions ? cache_mpam_attach(c, m->mpam, err) : OK;
	if (st == OK)
		*out = c;
	else
		cache_free(c);
	return st;
}

static enum status share_cache(struct mem_cpu *cpu, struct mem_side *m, const struct cache_params *row,
			       unsigned unit, struct err *err)
{
	struct mem_shared *s = find_shared(m, row, unit);
	if (!s) {
		struct cache *c = NULL;
		TRY(new_cache(m, row, &c, err));
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
	TRY(new_cache(m, row, &c, err));
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

/* Adds the levels of `port` above `c`, if it leads through it. */
static void include(struct mem_above *above, const struct mem_port *port, const struct cache *c)
{
	unsigned level = 0;
	while (level < port->levels && port->level[level] != c) level++;
	if (level == port->levels) return;
	for (unsigned i = 0; i < level; i++) above->cache[above->count++] = port->level[i];
}

static bool are_alike(const struct cache *a, const struct cache *b)
{
	return a->stride == LANES_U32 && b->stride == LANES_U32 && a->set_mask == b->set_mask &&
	       a->set_bytes == b->set_bytes;
}

/* What the core's own inclusive caches include. */
static void find_included(struct mem_cpu *cpu, struct mem_port *port)
{
	for (unsigned i = 0; i < port->levels; i++) {
		const struct cache *c = port->level[i];
		if (c->params.shared || c->params.inclusion != INCL_INCLUSIVE) continue;
		include(&port->above[i], &cpu->data, c);
		include(&port->above[i], &cpu->fetch, c);
		struct mem_above *above = &port->above[i];
		above->alike = above->count == 2 && are_alike(above->cache[0], above->cache[1]);
	}
}

static bool is_plain(const struct mem_port *port)
{
	bool plain = !port->side->directory && !port->side->mpam;
	for (unsigned i = 0; i < port->levels; i++) {
		const struct cache *c = port->level[i];
		plain &= c->plain && c->params.inclusion != INCL_EXCLUSIVE;
		for (unsigned k = 0; k < port->above[i].count; k++) plain &= port->above[i].cache[k]->plain;
	}
	return plain;
}

static bool has_prefetcher(const struct mem_port *port)
{
	for (unsigned i = 0; i < port->levels; i++)
		if (port->level[i]->ahead) return true;
	return false;
}

static void find_plain(struct mem_cpu *cpu)
{
	cpu->data.prefetches = has_prefetcher(&cpu->data);
	cpu->fetch.prefetches = has_prefetcher(&cpu->fetch);
	cpu->data.plain = is_plain(&cpu->data);
	cpu->fetch.plain = is_plain(&cpu->fetch);
	mem_settle(&cpu->data);
	mem_settle(&cpu->fetch);
}

struct dvm *mem_dvm_new(struct mem_side *m, const struct dvm_params *p, unsigned cores)
{
	struct dvm_parts parts = {
		.params = p, .topology = &m->topology, .fabric = m->fabric, .cores = cores, .dies = m->nodes};
	return p->outstanding ? dvm_new(&parts) : NULL;
}

void mem_use_directory(struct mem_side *m, const struct coherence *c)
{
	m->directory = directory_new(c, m->line_bits);
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
	find_included(cpu, &cpu->data);
	find_included(cpu, &cpu->fetch);
	find_plain(cpu);
	for (unsigned i = 0; i < cpu->data.levels; i++)
		cpu->served_names[i] = cpu->data.level[i]->params.name;
	cpu->served_names[cpu->data.levels] = "dram";
	if (is_full(m->cpus)) m->cpu = xrealloc(m->cpu, m->cpus ? 2 * m->cpus : 1, sizeof(struct mem_cpu *));
	m->cpu[m->cpus++] = cpu;
	if (m->directory) directory_join(m->directory, cpu, number);
	return OK;
}

void mem_cpu_fini(struct mem_cpu *cpu)
{
	for (unsigned i = 0; i < cpu->owned_count; i++) cache_free(cpu->owned[i]);
	cpu->owned_count = 0;
}

/* --- the rest ------------------------------------------------------------------------------------------------- */

void mem_expect_far(struct mem_cpu *c) { c->data.is_far = c->fetch.is_far = true; }

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

void mem_count_evictors(struct mem_side *m)
{
	for (unsigned i = 0; i < m->shared_count; i++) cache_count_evictors(m->shared[i].cache);
	for (unsigned n = 0; n < m->cpus; n++) {
		for (unsigned i = 0; i < m->cpu[n]->owned_count; i++)
			cache_count_evictors(m->cpu[n]->owned[i]);
		find_plain(m->cpu[n]);
	}
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
	if (m->directory) directory_register_stats(m->directory, s);
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
	if (c->ahead) TRY(cache_ahead_check_sums(c, err));
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
	if (m->directory) TRY(directory_check(m->directory, err));
	return check_nodes(m, err);
}
