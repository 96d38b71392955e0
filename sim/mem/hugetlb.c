/* hugetlb.c - pools of huge pages on the nodes (numa.h). */
#include <inttypes.h>

#include "mem/numa.h"

static const char *const fallback_names[] = {"pages", "thp", NULL};

#define F struct hugetlb_params
static const struct param rows[] = {
	P_U64_LIST(
		F, nr_hugepages, "huge pages", 0, UINT64_C(1) << 32,
		"set aside on node 0, node 1, ... before anything else is taken (nr_hugepages of each node); a huge page comes from "
		"the pool of the first node of the policy that has one"),
	P_ENUM(F, fallback, fallback_names, HUGETLB_FALL_TO_PAGES,
	       "what is mapped when all pools of the policy are empty: base pages, or transparent huge pages where memory has them"),
};
#undef F
SCHEMA(hugetlb_schema, "hugetlb", struct hugetlb_params, rows,
       "memory that is of hugetlbfs: pools of huge pages");

#define F struct frames_pool_stats
static const struct stat_desc stat_rows[] = {
	STAT_LEVEL_BY(F, total, NULL, "huge pages", "in the pool, taken or not (HugePages_Total)"),
	STAT_LEVEL_BY(F, free, NULL, "huge pages", "of them, not taken (HugePages_Free)"),
	STAT(F, taken, "huge pages", "taken from it"),
	STAT(F, given, "huge pages", "given back to it"),
	STAT(F, other_node, "huge pages",
	     "of those taken, because the pools of nodes before it in the order were empty"),
	STAT(F, failed, "attempts", "with this node first in the order, that found all pools empty"),
};
#undef F

enum status hugetlb_reserve(const struct hugetlb_params *p, const char *who, struct frames *f,
			    struct err *err)
{
	const uint64_t *count = p->nr_hugepages.items;
	if (p->nr_hugepages.count > frames_regions(f))
		return err_set(err, ERR_CONFIG, "%shugetlb.nr_hugepages: %zu nodes, but there are %u", who,
			       p->nr_hugepages.count, frames_regions(f));
	for (unsigned i = 0; i < p->nr_hugepages.count; i++) {
		uint64_t had = frames_set_pool(f, i, count[i]);
		if (had != count[i])
			return err_set(err, ERR_CONFIG,
				       "%shugetlb.nr_hugepages: %" PRIu64
				       " of node %u, which has memory for %" PRIu64,
				       who, count[i], i, had);
	}
	return OK;
}

bool hugetlb_take(const struct hugetlb_params *p, struct frames *f, enum frames_reach reach, uint64_t *addr)
{
	if (p->nr_hugepages.count) {
		if (frames_take_pooled(f, addr)) return true;
		if (p->fallback == HUGETLB_FALL_TO_PAGES) return false;
	}
	return frames_take_huge(f, reach, addr);
}

void hugetlb_register_stats(const struct hugetlb_params *p, struct frames *f, const char *prefix,
			    struct stats *s)
{
	for (unsigned i = 0; i < p->nr_hugepages.count; i++)
		stats_add(s, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]), frames_pool_stats(f, i),
			  "%shugetlb.node%u", prefix, i);
}
