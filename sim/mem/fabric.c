#include "mem/fabric.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

struct fabric {
	unsigned nodes;
	struct mem_route *route; /* nodes + 1 dies x nodes: the last row is of all dies without a node */
	unsigned links;
	struct mem_link link[FABRIC_LINKS_MAX];
};

#define F struct mem_link_stats
static const struct stat_desc stat_rows[] = {
	STAT(F, reads, "count", "lines read across"),
	STAT(F, writes, "count", "lines written across"),
	STAT(F, queue_cycles, "cycles", "cycles that they waited for bandwidth"),
};
#undef F

static bool has(const struct param_list *list, uint64_t number)
{
	const uint64_t *item = list->items;
	for (size_t i = 0; i < list->count; i++)
		if (item[i] == number) return true;
	return false;
}

static enum status check_side(const struct fabric *f, const struct link_params *p,
			      const struct param_list *side, struct err *err)
{
	const uint64_t *node = side->items;
	if (!side->count)
		return err_set(err, ERR_CONFIG, "memory.links.%s: needs nodes on one_side and other_side",
			       p->name);
	for (size_t i = 0; i < side->count; i++)
		if (node[i] >= f->nodes)
			return err_set(err, ERR_CONFIG, "memory.links.%s: node %" PRIu64 " is outside 0..%u",
				       p->name, node[i], f->nodes - 1);
	return OK;
}

static enum status build_link(struct fabric *f, const struct link_params *p, uint64_t clock_mhz,
			      struct err *err)
{
	struct mem_link *l = &f->link[f->links++];
	TRY(check_side(f, p, &p->one_side, err));
	TRY(check_side(f, p, &p->other_side, err));
	l->name = p->name;
	l->latency = cycles_of_ns(p->latency_ns, clock_mhz);
	for (unsigned side = 0; side < 2; side++)
		channel_init(&l->channel[side], p->bandwidth_MBps, clock_mhz);
	return OK;
}

/* Adds the link to the routes of its dies that lead across. */
static void lay_link(struct fabric *f, const struct link_params *p, struct mem_link *l)
{
	const struct param_list *side[2] = {&p->one_side, &p->other_side};
	for (unsigned die = 0; die < f->nodes; die++) {
		for (unsigned n = 0; n < f->nodes; n++) {
			struct mem_route *r = &fabric_routes(f, die)[n];
			for (unsigned s = 0; s < 2; s++) {
				if (!has(side[s], die) || !has(side[!s], n)) continue;
				r->hop[r->hops++] = (struct mem_hop){l, s};
				r->extra += l->latency;
			}
		}
	}
}

static enum status apply_distances(struct fabric *f, const struct distance_params *d,
				   const struct mem_node *node, uint64_t clock_mhz, struct err *err)
{
	const uint64_t *ns = d->latency_ns.items;
	if (d->die >= f->nodes || d->latency_ns.count != f->nodes)
		return err_set(err, ERR_CONFIG,
			       "memory.distances: die %" PRIu64 " with %zu latencies, but there are %u nodes",
			       d->die, d->latency_ns.count, f->nodes);
	for (unsigned n = 0; n < f->nodes; n++) {
		cycles_t total = cycles_of_ns(ns[n], clock_mhz);
		if (total < node[n].latency)
			return err_set(err, ERR_CONFIG,
				       "memory.distances: die %" PRIu64 " reads node %u in %" PRIu64
				       " ns, less than the node's own latency_ns",
				       d->die, n, ns[n]);
		fabric_routes(f, (unsigned)d->die)[n].extra = total - node[n].latency;
	}
	return OK;
}

static enum status build(struct fabric *f, const struct memory_params *p, const struct mem_node *node,
			 uint64_t clock_mhz, struct err *err)
{
	const struct link_params *link = p->links.items;
	const struct distance_params *distance = p->distances.items;
	for (size_t i = 0; i < p->links.count; i++) {
		TRY(build_link(f, &link[i], clock_mhz, err));
		lay_link(f, &link[i], &f->link[i]);
	}
	for (size_t i = 0; i < p->distances.count; i++)
		TRY(apply_distances(f, &distance[i], node, clock_mhz, err));
	return OK;
}

enum status fabric_new(const struct memory_params *p, const struct mem_node *node, uint64_t clock_mhz,
		       struct fabric **out, struct err *err)
{
	struct fabric *f = xcalloc(1, sizeof(*f));
	f->nodes = (unsigned)p->nodes.count;
	f->route = xcalloc((f->nodes + 1) * f->nodes, sizeof(*f->route));
	for (unsigned n = 0; n < f->nodes; n++) fabric_routes(f, n)[n].local = true;
	enum status st = build(f, p, node, clock_mhz, err);
	if (st != OK) {
		fabric_free(f);
		return st;
	}
	*out = f;
	return OK;
}

void fabric_free(struct fabric *f)
{
	if (!f) return;
	free(f->route);
	free(f);
}

void fabric_register_stats(struct fabric *f, struct stats *s)
{
	for (unsigned i = 0; i < f->links; i++)
		stats_add(s, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]), &f->link[i].stats,
			  "link.%s", f->link[i].name);
}

struct mem_route *fabric_routes(struct fabric *f, unsigned die)
{
	return &f->route[(die < f->nodes ? die : f->nodes) * f->nodes];
}

/* Books a transfer towards side `side` ^ `away` of each link; links are passed one after the other. */
static cycles_t cross(struct mem_route *r, cycles_t now, uint64_t bytes, unsigned away)
{
	cycles_t at = now;
	for (unsigned i = 0; i < r->hops; i++) {
		struct mem_link *l = r->hop[i].link;
		cycles_t start = channel_book(&l->channel[r->hop[i].side ^ away], at, bytes);
		l->stats.queue_cycles += start - at;
		l->stats.reads += !away;
		l->stats.writes += away;
		at = start;
	}
	return at - now;
}

cycles_t route_read(struct mem_route *r, cycles_t now, uint64_t bytes) { return cross(r, now, bytes, 0); }
cycles_t route_write(struct mem_route *r, cycles_t now, uint64_t bytes) { return cross(r, now, bytes, 1); }
