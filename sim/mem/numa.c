#include "mem/numa.h"

#include "base/ranges.h"

static const char *const policy_names[] = {
#define X(name, doc) #name,
	NUMA_POLICIES(X)
#undef X
		NULL};

#define F struct numa_params
static const struct param rows[] = {
	P_ENUM(F, policy, policy_names, NUMA_first_touch,
	       "where pages and tables come from: the node nearest to who touches first; only those listed; the first listed "
	       "before the nearest; those listed in turn"),
	P_STR(F, nodes, "", "nodes of the policy, such as 0-1,3; empty: all"),
};
#undef F
SCHEMA(numa_schema, "numa", struct numa_params, rows, "placement of memory on the nodes of the machine");

enum status numa_init(struct numa *n, const struct numa_params *p, unsigned nodes, struct err *err)
{
	*n = (struct numa){.policy = (enum numa_policy)p->policy, .nodes = nodes};
	if (ranges_parse(p->nodes, nodes - 1, n->listed, NUMA_NODES_MAX, &n->listed_count, err) != OK) {
		const struct err what = *err;
		return err_set(err, what.code, "numa.nodes: %.400s", what.text);
	}
	for (unsigned i = 0; !*p->nodes && i < nodes; i++) n->listed[n->listed_count++] = i;
	return OK;
}

static cycles_t distance(const struct mem_cpu *cpu, unsigned node)
{
	unsigned count;
	return mem_nodes(cpu->data.side, &count)[node].latency + cpu->route[node].extra;
}

void numa_task_init(struct numa_task *t, const struct mem_cpu *cpu)
{
	unsigned nodes;
	mem_nodes(cpu->data.side, &nodes);
	*t = (struct numa_task){0};
	for (unsigned i = 0; i < nodes; i++) {
		unsigned at = i;
		for (; at && distance(cpu, t->near[at - 1]) > distance(cpu, i); at--)
			t->near[at] = t->near[at - 1];
		t->near[at] = i;
	}
}

static bool is_listed(const struct numa *n, unsigned node)
{
	for (unsigned i = 0; i < n->listed_count; i++)
		if (n->listed[i] == node) return true;
	return false;
}

/* `first`, and behind it all others, nearest first. */
static unsigned first_then_near(const struct numa *n, const struct numa_task *t, unsigned first,
				unsigned *out)
{
	unsigned count = 0;
	out[count++] = first;
	for (unsigned i = 0; i < n->nodes; i++)
		if (t->near[i] != first) out[count++] = t->near[i];
	return count;
}

static unsigned listed_by_distance(const struct numa *n, const struct numa_task *t, unsigned *out)
{
	unsigned count = 0;
	for (unsigned i = 0; i < n->nodes; i++)
		if (is_listed(n, t->near[i])) out[count++] = t->near[i];
	return count;
}

unsigned numa_order(const struct numa *n, struct numa_task *t, unsigned out[NUMA_NODES_MAX])
{
	switch (n->policy) {
	case NUMA_bind: return listed_by_distance(n, t, out);
	case NUMA_preferred: return first_then_near(n, t, n->listed[0], out);
	case NUMA_interleave: return first_then_near(n, t, n->listed[t->next++ % n->listed_count], out);
	default: return first_then_near(n, t, t->near[0], out);
	}
}
