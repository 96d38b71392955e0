#include "machine/placement.h"

#include <stdlib.h>

#include "base/alloc.h"

static struct frames *node_frames(struct placement *pl, const struct placement_region *r, unsigned number,
				  const struct frames_params *like, uint64_t seed)
{
	struct frames_params p = *like;
	if (number) p.path = pl->path[number] = xasprintf("%s.node%u", like->path, number);
	p.base = r->base;
	p.bytes = r->limit - r->base;
	p.seed = seed;
	return frames_new(&p);
}

void placement_init_over(struct placement *pl, const struct placement_region *region, unsigned count,
			 const struct frames_params *p, uint64_t seed)
{
	*pl = (struct placement){.nodes = count};
	pl->path = xcalloc(count, sizeof(char *));
	struct frames **frames = xcalloc(count, sizeof(struct frames *));
	for (unsigned i = 0; i < count; i++) frames[i] = node_frames(pl, &region[i], i, p, seed);
	pl->frames = frames_join(frames, count);
}

void placement_init(struct placement *pl, const struct mem_side *mem, const struct frames_params *p,
		    uint64_t seed)
{
	struct placement_region region[NUMA_NODES_MAX];
	unsigned count;
	const struct mem_node *node = mem_nodes(mem, &count);
	for (unsigned i = 0; i < count; i++)
		region[i] = (struct placement_region){node[i].base, node[i].limit};
	placement_init_over(pl, region, count, p, seed);
}

void placement_fini(struct placement *pl)
{
	frames_free(pl->frames);
	for (unsigned i = 0; pl->path && i < pl->nodes; i++) free(pl->path[i]);
	free(pl->path);
}

void placement_enter(struct placement *pl, const struct numa *policy, struct numa_task *t)
{
	unsigned order[NUMA_NODES_MAX];
	if (pl->nodes == 1) return;
	if (pl->last && pl->takes == frames_takes(pl->frames)) pl->last->next--;
	pl->last = policy->policy == NUMA_interleave ? t : NULL;
	pl->takes = frames_takes(pl->frames);
	unsigned count = numa_order(policy, t, order);
	frames_prefer(pl->frames, order, count);
	count = numa_table_order(policy, t, order);
	frames_prefer_tables(pl->frames, order, count, policy->tables == NUMA_TABLES_interleave);
}
