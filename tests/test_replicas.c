/* Copies of translation tables on every node: they always say the same, and nobody reads another node's. */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "machine/engine.h"
#include "machine/machine.h"
#include "mmu/translate.h"
#include "os/kernel.h"

enum { NODES = 3, NODE_BITS = 30 };
static const uint64_t base = UINT64_C(1) << NODE_BITS; /* of node 0 */

/* A kernel on a machine of three nodes of 1 GiB. */
struct world {
	struct os_params p;
	struct features f;
	struct physmem *mem;
	struct frames *frames;
	struct os *os;
	struct os_aspace *as;
	struct replicas *copies;
	uint64_t read[NODES]; /* descriptors by node, of the last translation */
};

static void open_world(struct world *w, uint64_t bytes_of_others)
{
	struct frames **region = xcalloc(NODES, sizeof(struct frames *));
	struct err err = {0};
	*w = (struct world){
		.p = {.va_bits = 48, .first_touch = OS_GRANT_ACCESS},
		.f = {.granules = 7, .pa_bits = 48, .vhe = 1, .hafdbs = 1, .asid16 = 1, .ttcnp = 1},
		.mem = physmem_new()};
	for (unsigned n = 0; n < NODES; n++) {
		struct frames_params p = os_frames_params(&w->p, base + ((uint64_t)n << NODE_BITS),
							  n ? bytes_of_others : UINT64_C(1) << NODE_BITS);
		region[n] = frames_new(&p);
	}
	w->frames = frames_join(region, NODES);
	cr_assert(eq(int, os_new(&w->p, &w->f, w->frames, w->mem, NULL, &w->os, &err), OK), "%s", err.text);
	w->copies = os_replicate(w->os);
	w->as = os_aspace_new(w->os, 7);
	cr_assert(ne(ptr, w->as, NULL));
}

static void close_world(struct world *w)
{
	os_free(w->os);
	frames_free(w->frames);
	physmem_free(w->mem);
}

static uint64_t read_word(void *self, struct pa pa, const struct walk_ref *ref)
{
	struct world *w = self;
	(void)ref;
	w->read[(pa.raw - base) >> NODE_BITS]++;
	return physmem_read64(w->mem, pa);
}

static bool update_word(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	return physmem_cas64(((struct world *)self)->mem, pa, old, now);
}

/* What a core of `node` finds for an access of EL0. */
static struct translation look(struct world *w, unsigned node, uint64_t va, enum access_kind kind)
{
	struct walk_mem mem = {.self = w, .read = read_word, .update = update_word};
	struct access a = {.kind = (uint8_t)kind};
	struct sysregs regs = {0};
	struct regime_info info;
	struct translation t;
	os_write_regs(w->os, w->as, REGIME_EL20, &regs);
	os_enter_node(w->os, w->as, node, REGIME_EL20, &regs);
	regime_decode(&regs, &w->f, REGIME_EL20, SEC_NONSECURE, &info);
	for (unsigned n = 0; n < NODES; n++) w->read[n] = 0;
	translate(&info, (struct va){va}, a, &mem, &t);
	return t;
}

static void touch(struct world *w, uint64_t va, enum access_kind kind)
{
	os_handle_fault(w->os, w->as, (struct va){va}, kind);
}

Test(replicas, a_core_walks_the_tables_of_its_own_node_alone)
{
	struct world w;
	open_world(&w, UINT64_C(1) << NODE_BITS);
	touch(&w, 0x400000, ACCESS_WRITE);
	for (unsigned node = 0; node < NODES; node++) {
		struct translation t = look(&w, node, 0x400123, ACCESS_READ);
		cr_expect(eq(int, t.fault.kind, FAULT_NONE));
		for (unsigned n = 0; n < NODES; n++)
			cr_expect(eq(u64, w.read[n], n == node ? 4 : 0), "a core of %u, tables of %u", node,
				  n);
	}
	close_world(&w);
}

static void expect_equal(struct world *w, uint64_t va, enum access_kind kind)
{
	struct translation first = look(w, 0, va, kind);
	for (unsigned node = 1; node < NODES; node++) {
		struct translation t = look(w, node, va, kind);
		cr_assert(eq(int, t.fault.kind, first.fault.kind), "VA %#lx on node %u", (unsigned long)va,
			  node);
		if (first.fault.kind) continue;
		cr_assert(eq(u64, t.pa.raw, first.pa.raw));
		cr_assert(eq(u8, t.perm, first.perm));
	}
}

/* Faults, unmaps, protections and splits of huge pages at random: every node's tables translate alike. */
Test(replicas, every_copy_says_the_same_after_any_operations)
{
	enum { PAGES = 4096, STEPS = 4000 };
	struct world w;
	struct rng rng;
	open_world(&w, UINT64_C(1) << NODE_BITS);
	w.os->p.thp = OS_THP_ALWAYS;
	rng_init(&rng, 5, "test.replicas");
	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t va = rng_below(&rng, PAGES) << 12, bytes = (1 + rng_below(&rng, 40)) << 12;
		switch (rng_below(&rng, 8)) {
		case 0: os_unmap(w.os, w.as, (struct va){va}, bytes); break;
		case 1: os_protect(w.os, w.as, (struct va){va}, bytes, OS_PROT_READ); break;
		default: touch(&w, va, rng_below(&rng, 2) ? ACCESS_READ : ACCESS_WRITE); break;
		}
		expect_equal(&w, rng_below(&rng, PAGES) << 12, ACCESS_FETCH);
		expect_equal(&w, va, ACCESS_FETCH);
	}
	cr_expect(lt(u64, 1000, replicas_stats(w.copies)->writes));
	close_world(&w);
}

/* FEAT_HAFDBS writes the descriptor that was walked, and no other: the kernel brings them together. */
Test(replicas, a_page_that_hardware_dirtied_in_one_copy_is_dirty_to_the_kernel)
{
	struct world w;
	struct pgtable_slot slot;
	open_world(&w, UINT64_C(1) << NODE_BITS);
	touch(&w, 0x400000, ACCESS_READ);
	pgtable_find(&w.as->user, 0x400000, &slot);
	cr_expect(ne(u64, slot.desc & DESC_AP_READ_ONLY, 0), "clean");
	cr_expect(eq(int, look(&w, 2, 0x400000, ACCESS_WRITE).fault.kind, FAULT_NONE));
	cr_expect(ne(u64, physmem_read64(w.mem, slot.at) & DESC_AP_READ_ONLY, 0), "node 0 does not know");
	pgtable_find(&w.as->user, 0x400000, &slot);
	cr_expect(eq(u64, slot.desc & DESC_AP_READ_ONLY, 0), "dirty");
	close_world(&w);
}

/* Each descriptor is written once more for every other node, and said to whoever charges it. */
Test(replicas, an_update_writes_every_copy_once)
{
	struct world w;
	size_t count;
	open_world(&w, UINT64_C(1) << NODE_BITS);
	touch(&w, 0x400000, ACCESS_WRITE); /* three tables are linked, a leaf is written */
	replicas_take_written(w.copies, &count);
	cr_expect(eq(sz, count, 4 * (NODES - 1)));
	touch(&w, 0x401000, ACCESS_WRITE);
	const struct pa *at = replicas_take_written(w.copies, &count);
	cr_assert(eq(sz, count, NODES - 1));
	for (unsigned n = 1; n < NODES; n++) cr_expect(eq(u64, (at[n - 1].raw - base) >> NODE_BITS, n));
	replicas_take_written(w.copies, &count);
	cr_expect(eq(sz, count, 0), "told once");
	close_world(&w);
}

Test(replicas, a_node_without_memory_walks_the_tables_of_node_0)
{
	struct world w;
	open_world(&w, 0);
	touch(&w, 0x400000, ACCESS_WRITE);
	for (unsigned node = 0; node < NODES; node++) {
		cr_expect(eq(int, look(&w, node, 0x400000, ACCESS_READ).fault.kind, FAULT_NONE));
		cr_expect(eq(u64, w.read[0], 4));
	}
	cr_expect(eq(u64, replicas_stats(w.copies)->tables, 0));
	cr_expect(lt(u64, 0, replicas_stats(w.copies)->missing));
	close_world(&w);
}

/* --- on a machine --------------------------------------------------------------------------------------------------- */

struct rig {
	struct machine_config config;
	struct hyp_params hyp;
	struct stack_params stack;
	struct machine *machine;
};

/* Kunpeng 920: four nodes, a thread on each. */
static enum status build(struct rig *g, bool vm, bool exposed, enum numa_tables tables, struct err *err)
{
	struct machine_request q = {.path = "configs/machines/kunpeng-920.yaml"};
	*g = (struct rig){0};
	cr_assert(eq(int, machine_config_load(&g->config, &q, err), OK), "%s", err->text);
	schema_defaults(&stack_schema, &g->stack);
	schema_defaults(&hyp_schema, &g->hyp);
	g->stack.threads = 4;
	g->stack.pin = "0,24,48,72";
	g->stack.os.numa.tables = g->hyp.numa.tables = tables;
	g->hyp.vnuma = exposed;
	if (vm) g->stack.hypervisors = (struct param_list){&g->hyp, 1};
	return machine_new(&g->config.params, &g->stack, 1, &g->machine, err);
}

static void close_rig(struct rig *g)
{
	struct err err = {0};
	if (g->machine) machine_finish(g->machine);
	if (g->machine) cr_expect(eq(int, machine_check_sums(g->machine, &err), OK), "%s", err.text);
	machine_free(g->machine);
	machine_config_free(&g->config);
}

static uint64_t counter(const struct rig *g, const char *path)
{
	const uint64_t *value = stats_find(machine_stats(g->machine), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

static void load(struct rig *g, unsigned thread, uint64_t va)
{
	struct record rec = {.kind = REC_LOAD, .addr = va, .count = 8, .gap = 1};
	struct err err = {0};
	struct core_turn turn;
	cr_assert(eq(int, machine_run_until(g->machine, thread, &rec, 1, UINT64_MAX, &turn, &err), OK), "%s",
		  err.text);
}

/* Lines that a thread read from other nodes for its walks. */
static uint64_t remote_walk_lines(const struct rig *g, unsigned core)
{
	static const char *const cause[] = {"s1_walk", "s2_of_s1", "s2_final"};
	uint64_t sum = 0;
	for (unsigned i = 0; i < 3; i++) {
		char path[64];
		snprintf(path, sizeof(path), "cpu%u.memory.remote.%s", core, cause[i]);
		sum += counter(g, path);
	}
	return sum;
}

static void touch_from_all(struct rig *g)
{
	for (unsigned i = 0; i < 64; i++)
		for (unsigned t = 0; t < 4; t++) load(g, (t + i) % 4, 0x10000000 + (uint64_t)i * 0x200000);
}

Test(replicas, with_copies_no_walk_leaves_its_node)
{
	for (unsigned vm = 0; vm < 2; vm++) {
		struct rig g;
		struct err err = {0};
		cr_assert(eq(int, build(&g, vm, vm, NUMA_TABLES_with_data, &err), OK), "%s", err.text);
		touch_from_all(&g);
		cr_expect(lt(u64, 0, remote_walk_lines(&g, 72)), "without copies");
		close_rig(&g);
		cr_assert(eq(int, build(&g, vm, vm, NUMA_TABLES_replicate, &err), OK), "%s", err.text);
		touch_from_all(&g);
		for (unsigned t = 0; t < 4; t++) cr_expect(eq(u64, remote_walk_lines(&g, 24 * t), 0));
		cr_expect(lt(u64, 0, counter(&g, vm ? "vm0.os.copies.writes" : "os.copies.writes")));
		if (vm) cr_expect(lt(u64, 0, counter(&g, "vm0.hyp.copies.writes")));
		close_rig(&g);
	}
}

Test(replicas, a_guest_that_sees_one_node_cannot_replicate)
{
	struct rig g;
	struct err err = {0};
	cr_expect(eq(int, build(&g, true, false, NUMA_TABLES_replicate, &err), ERR_CONFIG));
	close_rig(&g);
}

/* First touch in the guest is first touch on the host when the guest sees the nodes: each thread's page is local. */
Test(replicas, memory_of_a_virtual_node_is_on_the_host_node_of_its_number)
{
	struct rig g;
	struct err err = {0};
	cr_assert(eq(int, build(&g, true, true, NUMA_TABLES_with_data, &err), OK), "%s", err.text);
	load(&g, 2, 0x10000000);
	load(&g, 2, 0x10000000 + 4096);
	cr_expect(eq(u64, counter(&g, "cpu48.memory.remote.data"), 0));
	cr_expect(eq(u64, counter(&g, "cpu48.memory.local.data"), 2));
	close_rig(&g);
}

Test(replicas, tables_in_turn_go_to_each_node_alike)
{
	struct rig g;
	struct err err = {0};
	cr_assert(eq(int, build(&g, false, false, NUMA_TABLES_interleave, &err), OK), "%s", err.text);
	for (unsigned i = 0; i < 256; i++) load(&g, 0, 0x10000000 + (uint64_t)i * 0x200000);
	uint64_t remote = remote_walk_lines(&g, 0), local = counter(&g, "cpu0.memory.local.s1_walk");
	cr_expect(lt(u64, 5 * local / 2, remote), "%lu local, %lu remote", (unsigned long)local,
		  (unsigned long)remote);
	cr_expect(lt(u64, remote, 4 * local), "%lu local, %lu remote", (unsigned long)local,
		  (unsigned long)remote);
	close_rig(&g);
}
