#include "mem/numa.h"

#include "base/ranges.h"

static const char *const policy_names[] = {
#define X(name, doc) #name,
	NUMA_POLICIES(X)
#undef X
		NULL};

static const char *const table_names[] = {
#define X(name, doc) #name,
	NUMA_TABLE_POLICIES(X)
#undef X
		NULL};

#define F struct balancing_params
static const struct param balancing_rows[] = {
	P_BOOL(F, enabled, 0,
	       "pages are unmapped now and then to see who touches them, and migrate to who does (kernel.numa_balancing); only "
	       "with the policies first_touch, and bind as with MPOL_F_NUMA_BALANCING; where there is one node nothing is done"),
	P_U64(F, scan_delay_us, "us", 1000000, 0, UINT64_C(1) << 40,
	      "until the first scan, from the beginning of what is measured (Linux: scan_delay_ms, 1000)"),
	P_U64(F, scan_period_min_us, "us", 1000000, 1, UINT64_C(1) << 40,
	      "from one scan to the next, at least, to scan all of a task's memory (Linux: scan_period_min_ms, 1000)"),
	P_U64(F, scan_period_max_us, "us", 60000000, 1, UINT64_C(1) << 40,
	      "the same, at most (Linux: scan_period_max_ms, 60000)"),
	P_U64(F, scan_size_bytes, "bytes", UINT64_C(256) << 20, 4096, UINT64_C(1) << 40,
	      "memory that one scan unmaps (Linux: scan_size_mb, 256)"),
	P_U64(F, rate_limit_MBps, "MB/s", 0, 0, 1000000,
	      "most that migrates to a node, in windows of 100 ms; 0: no limit (Linux has none since 4.20; before, 1280)"),
	P_U64(F, scan_instructions, "instructions", 60, 0, 1000000,
	      "of a scan, for each leaf of the kernel's tables (estimated: change_pte_range())"),
	P_U64(F, fault_cycles, "cycles", 1000, 0, 1000000000,
	      "of a hinting fault, beyond the exception, or at stage 2 beyond the fault there (estimated: do_numa_page() and "
	      "task_numa_fault(), 0.33 us at 3 GHz)"),
	P_U64(F, migrate_cycles, "cycles", 4500, 0, 1000000000,
	      "to migrate a page or huge page, beyond the copy (estimated: isolation, rmap and LRU, 1.5 us at 3 GHz)"),
};
#undef F
static SCHEMA(balancing_schema, "balancing", struct balancing_params, balancing_rows,
	      "automatic balancing of a task's memory among nodes, as Linux does it");

#define F struct numa_params
static const struct param rows[] = {
	P_ENUM(F, policy, policy_names, NUMA_first_touch,
	       "where pages and tables come from: the node nearest to who touches first; only those listed; the first listed "
	       "before the nearest; those listed in turn"),
	P_STR(F, nodes, "", "nodes of the policy, such as 0-1,3; empty: all"),
	P_ENUM(F, tables, table_names, NUMA_TABLES_with_data,
	       "where translation tables come from: as pages do; the node nearest to whose fault needs them; only those of "
	       "table_nodes; those in turn; or a copy on every node, of which each core walks that of its own"),
	P_STR(F, table_nodes, "", "nodes of the tables' policy; empty: all"),
	P_STR(F, populate_nodes, "",
	      "nodes that what is mapped before time begins (--populate) came from, as of a program that ran elsewhere then; "
	      "empty: as the policy says"),
	P_MAP(F, balancing, &balancing_schema, "automatic NUMA balancing (docs/numa.md)"),
};
#undef F
SCHEMA(numa_schema, "numa", struct numa_params, rows, "placement of memory on the nodes of the machine");

/* The nodes that the text of `key` lists; all where it is empty. */
static enum status read_list(const char *key, const char *text, unsigned nodes, unsigned *list,
			     unsigned *count, struct err *err)
{
	*count = 0;
	if (ranges_parse(text, nodes - 1, list, NUMA_NODES_MAX, count, err) != OK) {
		const struct err what = *err;
		return err_set(err, what.code, "numa.%s: %.400s", key, what.text);
	}
	for (unsigned i = 0; !*text && i < nodes; i++) list[(*count)++] = i;
	return OK;
}

enum status numa_init(struct numa *n, const struct numa_params *p, unsigned nodes, struct err *err)
{
	*n = (struct numa){
		.policy = (enum numa_policy)p->policy, .nodes = nodes, .tables = (enum numa_tables)p->tables};
	TRY(read_list("nodes", p->nodes, nodes, n->listed, &n->listed_count, err));
	n->ran_elsewhere = p->populate_nodes && *p->populate_nodes;
	if (n->ran_elsewhere)
		TRY(read_list("populate_nodes", p->populate_nodes, nodes, n->before_node, &n->before_nodes,
			      err));
	if (p->balancing.enabled && n->policy != NUMA_first_touch && n->policy != NUMA_bind)
		return err_set(
			err, ERR_CONFIG,
			"numa.balancing.enabled: yes, but memory placed by numa.policy: %s is not balanced; "
			"first_touch and bind are",
			policy_names[n->policy]);
	return read_list("table_nodes", p->table_nodes, nodes, n->table_node, &n->table_nodes, err);
}

struct numa numa_before(const struct numa *n)
{
	struct numa before = *n;
	if (!n->ran_elsewhere) return before;
	before.policy = NUMA_bind;
	before.listed_count = n->before_nodes;
	for (unsigned i = 0; i < n->before_nodes; i++) before.listed[i] = n->before_node[i];
	return before;
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

static bool is_listed(const unsigned *list, unsigned count, unsigned node)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i] == node) return true;
	return false;
}

bool numa_allows(const struct numa *n, unsigned node)
{
	return n->policy != NUMA_bind || is_listed(n->listed, n->listed_count, node);
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

/* Those of the list, nearest first. */
static unsigned by_distance(const struct numa *n, const struct numa_task *t, const unsigned *list,
			    unsigned listed, unsigned *out)
{
	unsigned count = 0;
	for (unsigned i = 0; i < n->nodes; i++)
		if (is_listed(list, listed, t->near[i])) out[count++] = t->near[i];
	return count;
}

unsigned numa_order(const struct numa *n, struct numa_task *t, unsigned out[NUMA_NODES_MAX])
{
	switch (n->policy) {
	case NUMA_bind: return by_distance(n, t, n->listed, n->listed_count, out);
	case NUMA_preferred: return first_then_near(n, t, n->listed[0], out);
	case NUMA_interleave: return first_then_near(n, t, n->listed[t->next++ % n->listed_count], out);
	default: return first_then_near(n, t, t->near[0], out);
	}
}

unsigned numa_table_order(const struct numa *n, const struct numa_task *t, unsigned out[NUMA_NODES_MAX])
{
	switch (n->tables) {
	case NUMA_TABLES_first_touch: return first_then_near(n, t, t->near[0], out);
	case NUMA_TABLES_replicate: return first_then_near(n, t, 0, out);
	case NUMA_TABLES_bind: return by_distance(n, t, n->table_node, n->table_nodes, out);
	case NUMA_TABLES_interleave:
		for (unsigned i = 0; i < n->table_nodes; i++) out[i] = n->table_node[i];
		return n->table_nodes;
	default: return 0;
	}
}
