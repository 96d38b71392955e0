/* numa.h - which node memory is taken from: the policies of Linux's mbind() and numactl.
 *
 *   numa_order: (policy, task) -> the nodes to try, in order
 * Every page, block and table that a kernel or hypervisor takes goes by it, at the time of the fault that needs it; huge pages
 * come from the first node of the order or not at all. Tables may have a policy of their own.
 * Source: Linux 6.6 mm/mempolicy.c (MPOL_LOCAL, MPOL_BIND, MPOL_PREFERRED, MPOL_INTERLEAVE), Documentation/admin-guide/mm/
 * numa_memory_policy.rst; table policies: Achermann et al., "Mitosis", ASPLOS 2020; Panwar et al., "Fast Local Page-Tables for
 * Virtualized NUMA Servers with vMitosis", ASPLOS 2021.
 * Balancing: Linux 6.6 kernel/sched/fair.c (sysctl_numa_balancing_*), mm/migrate.c before 4.20 (ratelimit_pages); see
 * machine/balance.h.
 * Not modelled: weights, policies per range of addresses.
 */
#ifndef MEM_NUMA_H
#define MEM_NUMA_H

#include "base/status.h"
#include "config/schema.h"
#include "mem/frames.h"
#include "mem/mem.h"

#define NUMA_POLICIES(X) \
	X(first_touch, "the node nearest to the core that touches first, then the next nearest") \
	X(bind, "only the nodes of the list, nearest first") \
	X(preferred, "the first node of the list, then the others, nearest first") \
	X(interleave, "the nodes of the list in turn, one fault each")

enum numa_policy {
#define X(name, doc) NUMA_##name,
	NUMA_POLICIES(X)
#undef X
		NUMA_POLICY_COUNT
};

/* Where translation tables come from. */
#define NUMA_TABLE_POLICIES(X) \
	X(with_data, "as pages do") \
	X(first_touch, "the node nearest to the core whose fault needs them, then the next nearest") \
	X(bind, "only the nodes of table_nodes, nearest first") \
	X(interleave, "the nodes of table_nodes in turn, one table each") \
	X(replicate, "every node has a copy of each, and each core walks the copy of its node")

enum numa_tables {
#define X(name, doc) NUMA_TABLES_##name,
	NUMA_TABLE_POLICIES(X)
#undef X
		NUMA_TABLES_COUNT
};

/* Automatic NUMA balancing: /proc/sys/kernel/numa_balancing, and what /sys/kernel/debug/sched/numa_balancing has. */
struct balancing_params {
	uint64_t enabled; /* bool */
	uint64_t scan_delay_us, scan_period_min_us, scan_period_max_us, scan_size_bytes;
	uint64_t rate_limit_MBps; /* 0: none */
	uint64_t scan_instructions, fault_cycles, migrate_cycles;
};

/* What is allocated when all pools are empty. */
enum hugetlb_fallback { HUGETLB_FALL_TO_PAGES, HUGETLB_FALL_TO_THP };

/* Pools of huge pages: /sys/devices/system/node/nodeN/hugepages/hugepages-SIZE/nr_hugepages. */
struct hugetlb_params {
	struct param_list nr_hugepages; /* of uint64_t, by node; none: memory is not of hugetlbfs */
	uint64_t fallback;              /* enum hugetlb_fallback */
};
extern const struct schema hugetlb_schema;

struct numa_params {
	uint64_t policy;         /* enum numa_policy */
	const char *nodes;       /* "0-1,3"; "": all */
	uint64_t tables;         /* enum numa_tables */
	const char *table_nodes; /* as `nodes` */
	const char *populate_nodes;
	struct balancing_params balancing;
};
extern const struct schema numa_schema;

enum { NUMA_NODES_MAX = 64 };

/* A policy with its list read. */
struct numa {
	enum numa_policy policy;
	unsigned nodes;                                /* of the machine */
	unsigned listed[NUMA_NODES_MAX], listed_count; /* as the list has them */
	enum numa_tables tables;
	unsigned table_node[NUMA_NODES_MAX], table_nodes;   /* table_nodes, as the list has them */
	unsigned before_node[NUMA_NODES_MAX], before_nodes; /* populate_nodes */
	bool ran_elsewhere;                                 /* populate_nodes says so */
};

/* Who takes memory, on one core. */
struct numa_task {
	unsigned near[NUMA_NODES_MAX]; /* nodes, nearest first; equals by number */
	unsigned next;                 /* interleave: of the list */
};

/* ERR_CONFIG: the list is none, or names a node that the machine does not have. */
enum status numa_init(struct numa *n, const struct numa_params *p, unsigned nodes, struct err *err);
void numa_task_init(struct numa_task *t, const struct mem_cpu *cpu);

/* Sets the pools aside, of memory that was not used yet. ERR_CONFIG: a node is not there, or too small; `who` stands before the key. */
enum status hugetlb_reserve(const struct hugetlb_params *p, const char *who, struct frames *f,
			    struct err *err);
/* A huge page: from a pool, or where there are none, or where those are empty and the fallback says so, from ordinary memory
 * within `reach`. */
bool hugetlb_take(const struct hugetlb_params *p, struct frames *f, enum frames_reach reach, uint64_t *addr);
/* Counters of each pool are under PREFIXhugetlb.nodeN. */
void hugetlb_register_stats(const struct hugetlb_params *p, struct frames *f, const char *prefix,
			    struct stats *s);

/* The policy by which memory was taken before time began: that of `n`, unless populate_nodes says where the task ran then. */
struct numa numa_before(const struct numa *n);
/* Whether memory of `node` may be taken by the policy. */
bool numa_allows(const struct numa *n, unsigned node);
/* The nodes that a fault of `t` may take memory from, in order; returns how many. Interleaving moves on by one. */
unsigned numa_order(const struct numa *n, struct numa_task *t, unsigned out[NUMA_NODES_MAX]);
/* The same of the tables that it takes; 0: they come from where pages do. */
unsigned numa_table_order(const struct numa *n, const struct numa_task *t, unsigned out[NUMA_NODES_MAX]);

#endif
