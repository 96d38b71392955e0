/* Pools of huge pages on the nodes: who gets which, and what is mapped when they are empty. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "machine/run.h"
#include "mem/frames.h"

enum { NODE_BITS = 28, HUGE_BITS = 21, NODES = 2 };

/* Two nodes of 256 MiB with pools of two huge pages each. */
static struct frames *open_nodes(void)
{
	struct frames **node = xcalloc(NODES, sizeof(*node));
	for (unsigned i = 0; i < NODES; i++) {
		struct frames_params p = {.base = (uint64_t)i << NODE_BITS,
					  .bytes = UINT64_C(1) << NODE_BITS,
					  .page_bits = 12,
					  .block_bits = HUGE_BITS,
					  .path = "test"};
		node[i] = frames_new(&p);
	}
	struct frames *f = frames_join(node, NODES);
	for (unsigned i = 0; i < NODES; i++) cr_assert(eq(u64, frames_set_pool(f, i, 2), 2));
	return f;
}

/* The node that the next huge page of the pools is on; NODES: there is none. */
static unsigned take(struct frames *f, uint64_t *addr)
{
	if (!frames_take_pooled(f, addr)) return NODES;
	cr_expect(frames_is_pooled(f, *addr));
	cr_expect(eq(u64, *addr & ((1 << HUGE_BITS) - 1), 0));
	return (unsigned)(*addr >> NODE_BITS);
}

Test(hugetlb, a_huge_page_comes_from_the_first_pool_of_the_order_that_has_one)
{
	struct frames *f = open_nodes();
	uint64_t addr;
	frames_prefer(f, (unsigned[]){1, 0}, 2);
	for (unsigned i = 0; i < 2; i++) cr_expect(eq(uint, take(f, &addr), 1));
	cr_expect(eq(uint, take(f, &addr), 0));
	cr_expect(eq(u64, frames_pool_stats(f, 0)->other_node, 1));
	frames_prefer(f, (unsigned[]){1}, 1);
	cr_expect(eq(uint, take(f, &addr), NODES), "bound to node 1, whose pool is empty");
	cr_expect(eq(u64, frames_pool_stats(f, 1)->failed, 1));
	cr_expect(eq(u64, frames_pool_stats(f, 0)->free, 1));
	frames_free(f);
}

Test(hugetlb, a_huge_page_that_is_given_back_is_in_its_pool_again)
{
	struct frames *f = open_nodes();
	uint64_t first, again, page;
	cr_assert(eq(uint, take(f, &first), 0));
	cr_assert(eq(uint, take(f, &again), 0));
	frames_give(f, first, HUGE_BITS);
	cr_expect(eq(u64, frames_pool_stats(f, 0)->free, 1));
	cr_expect(eq(uint, take(f, &again), 0));
	cr_expect(eq(u64, again, first));
	cr_assert(frames_take_page(f, &page));
	cr_expect(not(frames_is_pooled(f, page)));
	frames_free(f);
}

Test(hugetlb, other_memory_never_comes_from_a_pool)
{
	struct frames *f = open_nodes();
	uint64_t addr, blocks = 0;
	while (frames_take_block_of(f, 0, HUGE_BITS, &addr)) {
		cr_assert(not(frames_is_pooled(f, addr)));
		blocks++;
	}
	cr_expect(eq(u64, blocks, (1 << (NODE_BITS - HUGE_BITS)) - 2));
	frames_free(f);
}

/* --- runs ---------------------------------------------------------------------------------------------------------------- */

/* GUPS on 16 MiB, eight huge pages, on a Kunpeng 920; sets end with NULL. */
static enum status start(const char *stack, const char *const *sets, struct run **run, struct err *err)
{
	struct run_request q = {.machine = "configs/machines/kunpeng-920.yaml",
				.stack = stack,
				.workload = "workloads/gups.yaml",
				.sets = sets,
				.seed = 1};
	return run_new(&q, run, err);
}

static struct run *run_under(const char *stack, const char *const *sets)
{
	struct run *run = NULL;
	struct run_report report;
	struct err err = {0};
	cr_assert(eq(int, start(stack, sets, &run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(run, NULL, NULL, &report, &err), OK), "%s", err.text);
	return run;
}

static uint64_t counter(const struct run *run, const char *path)
{
	const uint64_t *value = stats_find(run_stats(run), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

#define SMALL "workload.footprint_bytes=16M", "workload.accesses=100000"

Test(hugetlb, a_program_has_huge_pages_of_its_node_then_of_others_then_base_pages)
{
	static const char *const sets[] = {SMALL, "stack.os.hugetlb.nr_hugepages=[4,3]", NULL};
	struct run *run = run_under("configs/stacks/native.yaml", sets);
	cr_expect(eq(u64, counter(run, "os.huge_mapped"), 7));
	cr_expect(eq(u64, counter(run, "os.pages_mapped"), 512));
	cr_expect(eq(u64, counter(run, "hugetlb.node0.taken"), 4));
	cr_expect(eq(u64, counter(run, "hugetlb.node1.taken"), 3));
	cr_expect(eq(u64, counter(run, "hugetlb.node1.other_node"), 3));
	cr_expect(eq(u64, counter(run, "hugetlb.node1.free"), 0));
	run_free(run);
}

Test(hugetlb, transparent_huge_pages_may_stand_in_for_empty_pools)
{
	static const char *const sets[] = {SMALL, "stack.os.hugetlb.nr_hugepages=[4,3]",
					   "stack.os.hugetlb.fallback=thp", NULL};
	struct run *run = run_under("configs/stacks/native.yaml", sets);
	cr_expect(eq(u64, counter(run, "os.huge_mapped"), 8));
	cr_expect(eq(u64, counter(run, "hugetlb.node0.failed"), 1));
	run_free(run);
}

Test(hugetlb, a_vm_that_is_bound_to_a_node_has_blocks_of_its_pool_alone)
{
	static const char *const sets[] = {SMALL, "stack.hypervisors.0.hugetlb.nr_hugepages=[100,5]",
					   "stack.hypervisors.0.numa.policy=bind",
					   "stack.hypervisors.0.numa.nodes=1", NULL};
	struct run *run = run_under("configs/stacks/kvm-2m.yaml", sets);
	cr_expect(eq(u64, counter(run, "hugetlb.node0.taken"), 0));
	cr_expect(eq(u64, counter(run, "hugetlb.node1.taken"), 5));
	cr_expect(lt(u64, 1000, counter(run, "vm0.hyp.pages_mapped")), "what is left by pages");
	run_free(run);
}

/* Of 64 MiB on the first node and more on the others, for 128 MiB that a VMM has madvised; a program's own are local or none. */
Test(hugetlb, without_pools_blocks_of_a_vm_come_from_other_nodes_and_a_programs_do_not)
{
	static const char *const sets[] = {"memory.nodes.0.size=64M", "workload.footprint_bytes=128M",
					   "workload.accesses=100000", NULL};
	static const char *const always[] = {"memory.nodes.0.size=64M", "workload.footprint_bytes=128M",
					     "workload.accesses=100000", "stack.os.thp=always", NULL};
	struct run *run = run_under("configs/stacks/kvm-2m.yaml", sets);
	cr_expect(lt(u64, 32, counter(run, "vm0.hyp.blocks_mapped")), "more than node 0 has");
	cr_expect(eq(u64, counter(run, "vm0.hyp.blocks_failed"), 0));
	run_free(run);
	run = run_under("configs/stacks/native.yaml", always);
	cr_expect(lt(u64, 0, counter(run, "os.huge_mapped")));
	cr_expect(lt(u64, counter(run, "os.huge_mapped"), 32));
	cr_expect(lt(u64, 0, counter(run, "os.huge_failed")));
	run_free(run);
}

Test(hugetlb, balancing_leaves_it_where_it_is)
{
	static const char *const sets[] = {SMALL, "stack.os.hugetlb.nr_hugepages=[0,8]",
					   "stack.os.numa.balancing.scan_delay_us=100", NULL};
	struct run *run = run_under("configs/stacks/numa-balancing.yaml", sets);
	cr_expect(eq(u64, counter(run, "os.huge_mapped"), 8));
	cr_expect(lt(u64, 0, counter(run, "numa_balancing.scans")));
	cr_expect(eq(u64, counter(run, "numa_balancing.numa_hint_faults"), 0));
	run_free(run);
}

Test(hugetlb, pools_that_do_not_fit_are_refused)
{
	static const char *const nodes[] = {"stack.os.hugetlb.nr_hugepages=[1,1,1,1,1]", NULL};
	static const char *const large[] = {"stack.hypervisors.0.hugetlb.nr_hugepages=[4,300000]", NULL};
	struct run *run = NULL;
	struct err err = {0};
	cr_expect(eq(int, start("configs/stacks/native.yaml", nodes, &run, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, "os.hugetlb.nr_hugepages: 5 nodes, but there are 4"), NULL), "%s",
		  err.text);
	cr_expect(eq(int, start("configs/stacks/kvm-2m.yaml", large, &run, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, "300000 of node 1, which has memory for 32768"), NULL), "%s",
		  err.text);
}
