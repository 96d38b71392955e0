/* Several cores on the memory side: what they share, how far nodes are, links. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mem/numa.h"

enum { CORES = 8, NODES = 3, L1 = 4, L3 = 40, NODE_BYTES = 1 << 21 };
static const uint64_t base = 0x80000000;

/* Eight cores: clusters of two, dies of four; two nodes with cores and one without. 1 GHz: a nanosecond is a cycle. */
struct board {
	struct topology_params topology;
	struct cache_params cache[2];
	struct param_list caches;
	struct node_params node[NODES];
	uint64_t near[1], far[1], row[2][NODES];
	struct link_params link[1];
	struct distance_params distance[2];
	struct memory_params memory;
	struct mem_side *mem;
	struct mem_cpu cpu[CORES];
};

static void describe(struct board *b)
{
	memset(b, 0, sizeof(*b));
	b->topology = (struct topology_params){.cluster_cores = 2, .die_cores = 4};
	b->cache[0] = (struct cache_params){.name = "l1",
					    .level = 1,
					    .side = CACHE_UNIFIED,
					    .size = 512,
					    .ways = 2,
					    .line = 64,
					    .hit_cycles = L1,
					    .mshrs = 16,
					    .write_back = 1,
					    .write_allocate = 1};
	b->cache[1] = b->cache[0];
	b->cache[1].name = "l3";
	b->cache[1].level = 2;
	b->cache[1].size = 4096;
	b->cache[1].hit_cycles = L3;
	b->cache[1].shared = SHARE_DIE;
	b->caches = (struct param_list){b->cache, 2};
	for (unsigned i = 0; i < NODES; i++)
		b->node[i] = (struct node_params){"node", NODE_BYTES, 100 + 100 * (i == 2), 10000000};
	b->memory = (struct memory_params){.base = base, .nodes = {b->node, NODES}};
}

static void build(struct board *b)
{
	struct err err;
	cr_assert(eq(int, mem_new(&b->memory, &b->caches, 1000, &b->mem, &err), OK), "%s", err.text);
	mem_set_topology(b->mem, &b->topology);
	for (unsigned i = 0; i < CORES; i++)
		cr_assert(eq(int, mem_cpu_init(&b->cpu[i], b->mem, i, &err), OK), "%s", err.text);
}

static void close_board(struct board *b)
{
	struct err err;
	cr_expect(eq(int, mem_check_sums(b->mem, &err), OK), "%s", err.text);
	for (unsigned i = 0; i < CORES; i++) mem_cpu_fini(&b->cpu[i]);
	mem_free(b->mem);
}

/* Core `cpu` reads line `n` of `node`: how long it takes. */
static cycles_t read_line(struct board *b, unsigned cpu, unsigned node, uint64_t n, cycles_t now)
{
	unsigned served;
	struct mem_req r = {.pa = {base + (uint64_t)node * NODE_BYTES + 64 * n}};
	return mem_access(&b->cpu[cpu].data, &r, now, 0, &served) - now;
}

Test(numa, cores_are_in_units_of_the_sizes_that_the_topology_says)
{
	struct topology_params t = {.cluster_cores = 2, .die_cores = 4};
	cr_expect(eq(uint, topology_unit(&t, SHARE_NONE, 5), 5));
	cr_expect(eq(uint, topology_unit(&t, SHARE_CLUSTER, 5), 2));
	cr_expect(eq(uint, topology_unit(&t, SHARE_DIE, 5), 1));
	cr_expect(eq(uint, topology_unit(&t, SHARE_SOCKET, 5), 0), "no size: one unit");
	cr_expect(eq(uint, topology_unit(&t, SHARE_ALL, 5), 0));
}

Test(numa, a_cache_of_a_die_serves_its_cores_and_no_others)
{
	struct board b;
	describe(&b);
	build(&b);
	read_line(&b, 0, 0, 0, 0);
	cr_expect(eq(u64, read_line(&b, 3, 0, 0, 1000), L3), "the same die");
	cr_expect(lt(u64, 99, read_line(&b, 4, 0, 0, 2000)), "the other die reads memory");
	cr_expect(eq(ptr, b.cpu[0].data.level[1], b.cpu[3].data.level[1]));
	cr_expect(ne(ptr, b.cpu[0].data.level[0], b.cpu[1].data.level[0]), "first levels are private");
	close_board(&b);
}

/* An inclusive cache of a die takes lines out of the private caches of its own die only. */
Test(numa, an_eviction_from_an_inclusive_cache_reaches_all_cores_above_it)
{
	struct board b;
	describe(&b);
	b.cache[1].inclusion = INCL_INCLUSIVE;
	build(&b);
	for (unsigned cpu = 0; cpu < CORES; cpu++) read_line(&b, cpu, 0, 0, 1000 * cpu);
	for (uint64_t way = 1; way <= 2; way++) read_line(&b, 1, 0, 32 * way, 100000 * way);
	for (unsigned cpu = 0; cpu < CORES; cpu++)
		cr_expect(eq(int, cache_holds(b.cpu[cpu].data.level[0], base / 64), cpu >= 4), "core %u",
			  cpu);
	close_board(&b);
}

Test(numa, memory_of_another_die_is_as_far_as_the_table_says)
{
	struct board b;
	describe(&b);
	for (unsigned die = 0; die < 2; die++) {
		const uint64_t row[NODES] = {die ? 170 : 100, die ? 100 : 160, 300};
		memcpy(b.row[die], row, sizeof(row));
		b.distance[die] = (struct distance_params){die, {b.row[die], NODES}};
	}
	b.memory.distances = (struct param_list){b.distance, 2};
	build(&b);
	cr_expect(eq(u64, read_line(&b, 0, 0, 0, 0), 100));
	cr_expect(eq(u64, read_line(&b, 0, 1, 0, 1000), 160));
	cr_expect(eq(u64, read_line(&b, 7, 0, 1, 2000), 170), "each direction has its own figure");
	cr_expect(eq(u64, read_line(&b, 7, 1, 1, 3000), 100));
	cr_expect(eq(u64, read_line(&b, 7, 2, 1, 4000), 300));
	cr_expect(eq(u64, b.cpu[0].stats.local[CAUSE_DATA], 1));
	cr_expect(eq(u64, b.cpu[0].stats.remote[CAUSE_DATA], 1));
	cr_expect(eq(u64, b.cpu[7].stats.local[CAUSE_DATA], 1));
	cr_expect(eq(u64, b.cpu[7].stats.remote[CAUSE_DATA], 2), "far memory is remote from everywhere");
	close_board(&b);
}

static void add_link(struct board *b, uint64_t bandwidth_MBps)
{
	b->far[0] = 1;
	b->link[0] = (struct link_params){"l", {b->near, 1}, {b->far, 1}, 30, bandwidth_MBps};
	b->memory.links = (struct param_list){b->link, 1};
}

Test(numa, without_a_table_the_links_between_add_their_latency)
{
	struct board b;
	describe(&b);
	add_link(&b, 10000000);
	build(&b);
	cr_expect(eq(u64, read_line(&b, 0, 1, 0, 0), 130));
	cr_expect(eq(u64, read_line(&b, 4, 0, 0, 1000), 130));
	cr_expect(eq(u64, read_line(&b, 4, 1, 0, 2000), 100));
	cr_expect(eq(u64, read_line(&b, 4, 2, 0, 3000), 200), "the link does not lead there");
	close_board(&b);
}

/* 1000 MB/s at 1 GHz: four lines in a window of 256 cycles. */
Test(numa, a_task_tries_the_nearest_node_first_and_equals_by_number)
{
	struct board b;
	struct numa_task task;
	describe(&b);
	b.node[0].latency_ns = 300;
	build(&b);
	numa_task_init(&task, &b.cpu[0]);
	cr_expect(eq(uint, task.near[0], 1));
	cr_expect(eq(uint, task.near[1], 2));
	cr_expect(eq(uint, task.near[2], 0));
	close_board(&b);
	b.node[0].latency_ns = 100;
	b.node[1].latency_ns = 300;
	build(&b);
	numa_task_init(&task, &b.cpu[0]);
	cr_expect(eq(uint, task.near[0], 0));
	cr_expect(eq(uint, task.near[1], 2));
	cr_expect(eq(uint, task.near[2], 1));
	close_board(&b);
	b.node[0].latency_ns = b.node[1].latency_ns = b.node[2].latency_ns = 100;
	build(&b);
	numa_task_init(&task, &b.cpu[0]);
	for (unsigned i = 0; i < NODES; i++) cr_expect(eq(uint, task.near[i], i));
	close_board(&b);
}

Test(numa, a_link_carries_its_bandwidth_in_each_direction)
{
	struct board b;
	describe(&b);
	add_link(&b, 1000);
	build(&b);
	for (uint64_t n = 0; n < 4; n++) cr_expect(eq(u64, read_line(&b, 0, 1, n, 0), 130));
	cr_expect(eq(u64, read_line(&b, 1, 1, 4, 0), 256 + 130), "the fifth waits for the next window");
	cr_expect(eq(u64, read_line(&b, 4, 0, 0, 0), 130), "the other way is free");
	cr_expect(eq(u64, read_line(&b, 0, 0, 0, 0), 100), "and who does not cross is not held up");
	close_board(&b);
}

Test(numa, cross_latency_is_that_of_the_nearest_thing_shared)
{
	struct board b;
	describe(&b);
	build(&b);
	cr_expect(eq(u64, mem_cross_latency(b.mem), L3));
	close_board(&b);
	describe(&b);
	b.cache[1].shared = SHARE_NONE;
	build(&b);
	cr_expect(eq(u64, mem_cross_latency(b.mem), 100), "else of memory");
	close_board(&b);
}

static const char *refusal(struct board *b)
{
	static struct err err;
	err.text[0] = 0;
	if (mem_new(&b->memory, &b->caches, 1000, &b->mem, &err) == OK) mem_free(b->mem);
	return err.text;
}

Test(numa, a_table_that_does_not_fit_the_nodes_is_refused_with_the_figures)
{
	struct board b;
	describe(&b);
	b.distance[0] = (struct distance_params){0, {b.row[0], 2}};
	b.memory.distances = (struct param_list){b.distance, 1};
	cr_expect(eq(str, (char *)refusal(&b),
		     (char *)"memory.distances: die 0 with 2 latencies, but there are 3 nodes"));
	b.distance[0].latency_ns.count = NODES;
	b.row[0][0] = 99;
	cr_expect(eq(
		str, (char *)refusal(&b),
		(char *)"memory.distances: die 0 reads node 0 in 99 ns, less than the node's own latency_ns"));
	describe(&b);
	add_link(&b, 1000);
	b.far[0] = 3;
	cr_expect(eq(str, (char *)refusal(&b), (char *)"memory.links.l: node 3 is outside 0..2"));
}

/* --- placement -------------------------------------------------------------------------------------------------------- */

/* The nodes that `policy` with `list` tries for core 4, which is on die 1; node 2 is far. As digits. */
static const char *order_of(enum numa_policy policy, const char *list, unsigned times)
{
	static char text[NODES + 1];
	struct numa_params p = {.policy = policy, .nodes = list, .table_nodes = ""};
	struct numa_task task;
	struct numa numa;
	struct board b;
	struct err err;
	unsigned order[NUMA_NODES_MAX], count = 0;
	describe(&b);
	add_link(&b, 10000);
	build(&b);
	cr_assert(eq(int, numa_init(&numa, &p, NODES, &err), OK), "%s", err.text);
	numa_task_init(&task, &b.cpu[4]);
	for (unsigned i = 0; i < times; i++) count = numa_order(&numa, &task, order);
	for (unsigned i = 0; i < count; i++) text[i] = (char)('0' + order[i]);
	text[count] = 0;
	close_board(&b);
	return text;
}

Test(numa, a_policy_says_which_nodes_are_tried_in_which_order)
{
	cr_expect(eq(str, (char *)order_of(NUMA_first_touch, "", 1), (char *)"102"), "nearest first");
	cr_expect(eq(str, (char *)order_of(NUMA_bind, "2,0", 1), (char *)"02"), "no others");
	cr_expect(eq(str, (char *)order_of(NUMA_preferred, "2", 1), (char *)"210"));
	cr_expect(eq(str, (char *)order_of(NUMA_interleave, "0,2", 1), (char *)"012"), "then the nearest");
}

Test(numa, interleaving_takes_the_listed_nodes_in_turn)
{
	for (unsigned times = 1; times <= 4; times++)
		cr_expect(eq(int, order_of(NUMA_interleave, "2,0", times)[0], times % 2 ? '2' : '0'));
}

Test(numa, tables_have_an_order_of_their_own_or_that_of_pages)
{
	struct numa_params p = {.nodes = "", .tables = NUMA_TABLES_bind, .table_nodes = "2,0"};
	unsigned order[NUMA_NODES_MAX];
	struct numa_task task = {.near = {1, 0, 2}};
	struct numa numa;
	struct err err;
	cr_assert(eq(int, numa_init(&numa, &p, NODES, &err), OK), "%s", err.text);
	cr_assert(eq(uint, numa_table_order(&numa, &task, order), 2));
	cr_expect(eq(uint, order[0], 0), "of those listed the nearest");
	cr_expect(eq(uint, order[1], 2));
	numa.tables = NUMA_TABLES_interleave;
	cr_assert(eq(uint, numa_table_order(&numa, &task, order), 2));
	cr_expect(eq(uint, order[0], 2), "in turn, as listed");
	cr_expect(eq(uint, order[1], 0));
	numa.tables = NUMA_TABLES_first_touch;
	cr_assert(eq(uint, numa_table_order(&numa, &task, order), NODES));
	cr_expect(eq(uint, order[0], 1));
	numa.tables = NUMA_TABLES_with_data;
	cr_expect(eq(uint, numa_table_order(&numa, &task, order), 0), "as pages");
}

Test(numa, a_list_of_nodes_that_the_machine_does_not_have_is_refused)
{
	struct numa_params p = {.policy = NUMA_bind, .nodes = "0,3", .table_nodes = ""};
	struct numa numa;
	struct err err;
	cr_expect(eq(int, numa_init(&numa, &p, NODES, &err), ERR_CONFIG));
	cr_expect(eq(str, err.text, (char *)"numa.nodes: '0,3': 3 is outside 0..2"));
}
