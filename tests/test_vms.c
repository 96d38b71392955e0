/* Several VMs on one machine: what each has for itself, what keeps them apart, how a stack file describes them. */
#include <stdio.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/run.h"
#include "mmu/tlbi.h"
#include "vm_world.h"

static void build(struct vm_world *g, const char *yaml, const char *const *sets)
{
	cr_assert(eq(int, vm_world_open(g, yaml, sets), OK), "%s", g->err.text);
}

static void refused(const char *yaml, const char *text)
{
	struct vm_world g;
	cr_expect(eq(int, vm_world_open(&g, yaml, NULL), ERR_CONFIG), "%s", yaml);
	cr_expect(eq(str, g.err.text, (char *)text));
	vm_world_close(&g);
}

static void execute(struct vm_world *g, unsigned thread, struct record rec)
{
	struct core_turn turn;
	cr_assert(eq(int, machine_run_until(g->machine, thread, &rec, 1, UINT64_MAX, &turn, &g->err), OK),
		  "%s", g->err.text);
}

static void load(struct vm_world *g, unsigned thread, uint64_t va)
{
	execute(g, thread, (struct record){.kind = REC_LOAD, .addr = va, .count = 8, .gap = 1});
}

static void tlbi(struct vm_world *g, unsigned thread, const char *name)
{
	struct tlbi_op op;
	cr_assert(tlbi_named(name, &op));
	execute(g, thread, (struct record){.kind = REC_TLBI, .count = tlbi_encoding(op)});
}

static const uint64_t page = 0x10000;
static const char *const two_cores[] = {"cores=2", NULL};
static const char two_vms[] = "hypervisors: [{}]\nvms: [{name: a}, {name: b}]\n";

Test(vms, each_has_memory_tables_and_counters_of_its_own)
{
	struct vm_world g;
	build(&g, two_vms, two_cores);
	load(&g, 0, page);
	uint64_t first = vm_world_counter(&g, "vm0.hyp.faults");
	cr_expect(eq(u64, vm_world_counter(&g, "vm0.os.pages_mapped"), 1));
	cr_expect(eq(u64, vm_world_counter(&g, "vm1.os.pages_mapped"), 0));
	load(&g, 1, page);
	cr_expect(eq(u64, vm_world_counter(&g, "vm0.hyp.faults"), first));
	cr_expect(eq(u64, vm_world_counter(&g, "vm1.os.pages_mapped"), 1),
		  "nothing of the other VM is there");
	cr_expect(eq(u64, vm_world_counter(&g, "vm1.hyp.faults"), first));
	vm_world_close(&g);
}

static uint64_t walks_of_load(struct vm_world *g, unsigned thread)
{
	uint64_t before = vm_world_counter(g, "cpu%u.walker.walks", thread);
	load(g, thread, page);
	return vm_world_counter(g, "cpu%u.walker.walks", thread) - before;
}

/* Both have the same ASID and VA; only the VMID differs. */
Test(vms, vmids_separate_vms_in_one_tlb)
{
	static const char *const sets[] = {"cores=2", "tlbs.l2.shared=cluster", "topology.cluster_cores=2",
					   "features.ttcnp=yes", NULL};
	static const char one_vm[] = "hypervisors: [{}]\nvms: [{name: a, vcpus: 2}]\n";
	struct vm_world g;
	build(&g, one_vm, sets);
	load(&g, 0, page);
	cr_expect(eq(u64, walks_of_load(&g, 1), 0), "vCPUs of one VM share what the TLB holds");
	vm_world_close(&g);
	build(&g, two_vms, sets);
	load(&g, 0, page);
	cr_expect(lt(u64, 0, walks_of_load(&g, 1)), "those of another do not");
	vm_world_close(&g);
}

Test(vms, maintenance_of_one_leaves_the_other_alone)
{
	struct vm_world g;
	build(&g, two_vms, two_cores);
	load(&g, 0, page);
	load(&g, 1, page);
	tlbi(&g, 0, "VMALLE1IS");
	cr_expect(eq(u64, walks_of_load(&g, 1), 0));
	cr_expect(eq(u64, walks_of_load(&g, 0), 1));
	vm_world_close(&g);
}

Test(vms, a_vm_has_what_it_does_not_say_from_the_stack)
{
	struct vm_world g;
	build(&g,
	      "os: {thp: always, asid_bits: 8}\n"
	      "hypervisors: [{memory_bytes: 64M, numa: {policy: interleave}}]\n"
	      "vms: [{name: a}, {name: b, memory_bytes: 128M, os: {thp: never}, numa: {policy: bind}}]\n",
	      two_cores);
	struct vm_params a = stack_vm(&g.stack, 0), b = stack_vm(&g.stack, 1);
	cr_expect(eq(u64, a.os.thp, OS_THP_ALWAYS));
	cr_expect(eq(u64, b.os.thp, OS_THP_NEVER));
	cr_expect(eq(u64, b.os.asid_bits, 8));
	cr_expect(eq(u64, a.memory_bytes, 64 << 20));
	cr_expect(eq(u64, b.memory_bytes, 128 << 20));
	cr_expect(eq(u64, a.numa.policy, NUMA_interleave));
	cr_expect(eq(u64, b.numa.policy, NUMA_bind));
	load(&g, 0, page);
	load(&g, 1, page);
	cr_expect(eq(u64, vm_world_counter(&g, "vm0.os.huge_mapped"), 1));
	cr_expect(eq(u64, vm_world_counter(&g, "vm1.os.huge_mapped"), 0));
	vm_world_close(&g);
}

Test(vms, each_has_memory_of_its_own_size)
{
	struct vm_world g;
	build(&g, "hypervisors: [{}]\nvms: [{name: a, memory_bytes: 2M}, {name: b, memory_bytes: 64M}]\n",
	      two_cores);
	enum status st[2] = {OK, OK};
	for (uint64_t i = 0; i < 1024; i++) {
		struct record rec = {.kind = REC_STORE, .addr = page + 4096 * i, .count = 8};
		struct core_turn turn;
		for (unsigned t = 0; t < 2; t++)
			if (st[t] == OK)
				st[t] = machine_run_until(g.machine, t, &rec, 1, UINT64_MAX, &turn, &g.err);
	}
	cr_expect(eq(int, st[0], ERR_INPUT), "4 MiB do not fit into 2 MiB");
	cr_expect(eq(int, st[1], OK));
	machine_free(g.machine);
	g.machine = NULL;
	vm_world_close(&g);
}

Test(vms, stacks_that_contradict_themselves_are_refused)
{
	refused("vms: [{name: a}]\n",
		"s.yaml:1:6: stack.vms: there is no hypervisor to run them (hypervisors)");
	refused("threads: 2\nhypervisors: [{}]\nvms: [{name: a}]\n",
		"s.yaml:1:10: stack.threads: each of stack.vms says its own (vcpus)");
	refused("pin: 0-1\nhypervisors: [{}]\nvms: [{name: a}]\n",
		"s.yaml:1:6: stack.pin: each of stack.vms says its own (pin)");
	refused("hypervisors: [{}]\nvms: [{name: a, pin: 0, cpus: 0}]\n",
		"stack.vms.a.cpus: 0, but pin says where each runs: 0");
	refused("threads: 2\ncpus: 0-1\n",
		"stack.cpus: 0-1: only vCPUs are scheduled; without a hypervisor each thread has a core (pin)");
	refused("hypervisors: [{}]\nvms: [{name: a, vcpus: 2, pin: 0}]\n",
		"stack.vms.a.vcpus: 2, but there are 1 cores in its pin");
	refused("hypervisors: [{ipa_bits: 33}]\nvms: [{name: a, memory_bytes: 8G}]\n",
		"s.yaml:2:31: hyp.memory_bytes: memory from 0x40000000, 0x200000000 bytes, does not fit into "
		"hyp.ipa_bits = 33");
	refused("hypervisors: [{}]\nvms: [{name: a, os: {va_bits: 47}}]\n",
		"s.yaml:2:31: os.va_bits: 47 is not a size of Linux with 4K pages: 39, 48, 52");
}

/* --- workloads ----------------------------------------------------------------------------------------------------- */

static struct run *open_run(const char *stack, const char *const *sets, struct err *err)
{
	struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				.stack = stack,
				.workload = "workloads/sequential.yaml",
				.sets = sets,
				.seed = 1,
				.limit = 2000};
	struct run *run = NULL;
	return run_new(&q, &run, err) == OK ? run : NULL;
}

static uint64_t accesses(const struct run *run, unsigned cpu)
{
	char path[32];
	snprintf(path, sizeof(path), "cpu%u.accesses", cpu);
	return *stats_find(run_stats(run), path);
}

Test(vms, a_vm_may_run_a_workload_of_its_own)
{
	struct err err = {0};
	struct run_report report;
	struct run *run = open_run("configs/stacks/noisy-neighbour.yaml", NULL, &err);
	cr_assert(ne(ptr, run, NULL), "%s", err.text);
	cr_assert(eq(int, run_execute(run, NULL, NULL, &report, &err), OK), "%s", err.text);
	cr_expect(eq(u64, accesses(run, 0) + accesses(run, 1), 2 * 2000));
	cr_expect(lt(u64, 10 * accesses(run, 1), accesses(run, 0)), "random accesses take longer");
	run_free(run);
}

Test(vms, a_workload_that_no_vm_runs_is_refused)
{
	const char *sets[] = {"stack.vms.victim.workload=../../workloads/zipf.yaml", NULL};
	struct err err = {0};
	cr_expect(eq(ptr, open_run("configs/stacks/noisy-neighbour.yaml", sets, &err), NULL));
	cr_expect(eq(str, err.text,
		     (char *)"workloads/sequential.yaml: each of stack.vms runs a workload of its own"));
}

/* --- MPAM ------------------------------------------------------------------------------------------------------------ */

static uint64_t read_bytes(const struct vm_world *g, const char *label)
{
	return vm_world_counter(g, "node0.mpam.mbwu_read_bytes.%s", label);
}

/* Rows of a VM number its own vCPUs, and come before those of the stack, which number all. */
Test(vms, each_vm_labels_its_own_vcpus)
{
	static const char *const sets[] = {"cores=4", "memory.mpam=yes", NULL};
	static const char yaml[] =
		"hypervisors: [{}]\nmpam: {labels: [{partid: 7}]}\n"
		"vms: [{name: a, mpam_labels: [{partid: 1}]}, {name: n},\n"
		" {name: b, vcpus: 2, mpam_labels: [{partid: 2}, {threads: \"1\", partid: 3, pmg: 1}]}]\n";
	static const char *const label[] = {"partid1_pmg0", "partid7_pmg0", "partid2_pmg0", "partid3_pmg1"};
	struct vm_world g;
	build(&g, yaml, sets);
	for (unsigned t = 0; t < 4; t++) {
		uint64_t before[4];
		for (unsigned i = 0; i < 4; i++) before[i] = read_bytes(&g, label[i]);
		load(&g, t, page + ((uint64_t)t << 30)); /* tables and lines that no other thread has read */
		for (unsigned i = 0; i < 4; i++)
			cr_expect(eq(int, read_bytes(&g, label[i]) != before[i], i == t), "%u, %s", t,
				  label[i]);
	}
	vm_world_close(&g);
}

Test(vms, a_label_of_a_vcpu_that_the_vm_has_not_is_refused)
{
	refused("hypervisors: [{}]\nvms: [{name: a, mpam_labels: [{threads: \"1\", partid: 1}]}]\n",
		"stack.vms.a.mpam_labels.threads: '1': 1 is outside 0..0");
}
