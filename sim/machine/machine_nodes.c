/* machine_nodes.c - what a machine with several nodes of memory does: virtual nodes of a guest, copies of tables.
 *
 * Writes to the copies go out one per cycle and overlap, as those of a store buffer do; the handler goes on when the last line has
 * come.
 * Not modelled: the time of copies that the kernel writes while it unmaps for an exit of the guest's own process (no time passes
 * there at all).
 */
#include <inttypes.h>
#include <stdio.h>

#include "machine/machine_impl.h"

/* --- virtual nodes ------------------------------------------------------------------------------------------------- */

static const struct numa_params one_node = {.nodes = "", .table_nodes = ""};

static enum status cut_memory(struct vm *vm, struct placement_region *region, unsigned nodes, struct err *err)
{
	uint64_t bytes, end = region[0].limit;
	TRY(hyp_expose_nodes(vm->hyp, nodes, &bytes, err));
	for (unsigned i = 0; i < nodes; i++) {
		region[i].base = region[0].base + i * bytes;
		region[i].limit = i + 1 < nodes ? region[i].base + bytes : end;
	}
	return OK;
}

/* What may be plugged later is at the end of each node. */
static enum status leave_unplugged(struct vm *vm, const struct hyp_params *p, struct placement_region *region,
				   unsigned nodes, struct err *err)
{
	if (p->hotplug_bytes && vm->params.os.placement == OS_SCATTERED)
		return err_set(
			err, ERR_CONFIG,
			"hyp.hotplug_bytes: needs os.placement: in_order, of which the end can be free");
	for (unsigned i = 0; i < nodes; i++) {
		uint64_t bytes = region[i].limit - region[i].base;
		vm->guest_end[i] = region[i].limit;
		if (p->hotplug_bytes >= bytes)
			return err_set(err, ERR_CONFIG,
				       "hyp.hotplug_bytes: %" PRIu64
				       ", but the memory (of a node) is %" PRIu64 " bytes",
				       p->hotplug_bytes, bytes);
		region[i].limit -= bits_align_down(p->hotplug_bytes, os_huge_bits(&vm->params.os));
	}
	return OK;
}

enum status vm_build_guest_memory(struct vm *vm, const struct frames_params *like, uint64_t seed,
				  struct err *err)
{
	const struct hyp_params *p = stack_hypervisor(vm->machine->stack);
	struct placement_region region[NUMA_NODES_MAX] = {
		{p->memory_base, p->memory_base + vm->params.memory_bytes}};
	bool exposed = p->vnuma == HYP_VNUMA_EXPOSED && vm->numa.nodes > 1;
	unsigned nodes = exposed ? vm->numa.nodes : 1;
	if (exposed) TRY(cut_memory(vm, region, nodes, err));
	TRY(numa_init(&vm->guest_numa, exposed ? &vm->params.os.numa : &one_node, nodes, err));
	TRY(leave_unplugged(vm, p, region, nodes, err));
	placement_init_over(&vm->guest, region, nodes, like, seed);
	vm->frames = vm->guest.frames;
	placement_enter(&vm->guest, &vm->guest_numa, &vm->vcpu[0].guest_task);
	return hugetlb_reserve(&vm->params.os.hugetlb, "os.", vm->frames, err);
}

void vcpu_enter_nodes(struct vcpu *v)
{
	struct vm *vm = v->vm;
	const struct numa before = numa_before(&vm->numa);
	placement_enter(&vm->machine->memory, v->before_time ? &before : &vm->numa, &v->task);
	if (vm->hyp) placement_enter(&vm->guest, &vm->guest_numa, &v->guest_task);
}

/* --- copies of tables ------------------------------------------------------------------------------------------------ */

/* A TLB that cores of several nodes share would mix translations of different tables. */
static enum status check_tlbs(const struct machine *m, const char *who, struct err *err)
{
	const struct tlb_params *t = m->hw->tlbs.items;
	for (size_t i = 0; i < m->hw->tlbs.count; i++)
		if (t[i].shared)
			return err_set(
				err, ERR_CONFIG,
				"%snuma.tables: replicate, but tlbs.%s is shared: its cores need common tables",
				who, t[i].name);
	return OK;
}

enum status vm_copy_stage2(struct vm *vm, struct err *err)
{
	if (vm->numa.tables != NUMA_TABLES_replicate) return OK;
	TRY(check_tlbs(vm->machine, "", err));
	vm->hyp_copies = hyp_replicate(vm->hyp);
	return OK;
}

enum status vm_copy_stage1(struct vm *vm, struct err *err)
{
	if (vm->params.os.numa.tables != NUMA_TABLES_replicate) return OK;
	if (vm->hyp && vm->guest.nodes == 1 && vm->numa.nodes > 1)
		return err_set(
			err, ERR_CONFIG,
			"os.numa.tables: replicate, but the guest sees one node (hypervisors.0.vnuma: hidden)");
	TRY(check_tlbs(vm->machine, "os.", err));
	vm->os_copies = os_replicate(vm->os);
	return OK;
}

/* When the last of the lines has come that writes to copies go to. */
static cycles_t write_copies(struct vcpu *v, struct replicas *r, uint8_t cause, uint8_t el, cycles_t now)
{
	size_t count;
	unsigned served;
	const struct pa *at = replicas_take_written(r, &count);
	cycles_t last = now;
	for (size_t i = 0; i < count && !v->before_time; i++) {
		struct mem_req req = {.pa = at[i], .kind = ACCESS_WRITE, .cause = cause, .el = el};
		cycles_t done = mem_access(&v->cpu->mem.data, &req, now + i, 0, &served);
		if (done > last) last = done;
	}
	return last - now;
}

void vcpu_spend_copies(struct vcpu *v, cycles_t now, struct core_spent *spent)
{
	struct vm *vm = v->vm;
	uint8_t el = vm->kernel.regime == REGIME_EL20 ? 2 : 1;
	if (vm->os_copies)
		spent->cycles[BUCKET_EXCEPTION][el] += write_copies(v, vm->os_copies, CAUSE_DATA, el, now);
	if (vm->hyp_copies)
		spent->cycles[BUCKET_HYPERVISOR][2] += write_copies(v, vm->hyp_copies, CAUSE_HYPERVISOR, 2,
								    now);
}

void vm_register_nodes(struct vm *vm, struct stats *s)
{
	char prefix[24] = "";
	if (vm->hyp) snprintf(prefix, sizeof(prefix), "vm%u.os.", vm->number);
	hugetlb_register_stats(&vm->params.os.hugetlb, vm->hyp ? vm->frames : vm->machine->memory.frames,
			       prefix, s);
	if (vm->os_copies && vm->hyp)
		stats_add(s, replica_stat_rows, replica_stat_row_count, replicas_stats(vm->os_copies),
			  "vm%u.os.copies", vm->number);
	else if (vm->os_copies)
		stats_add(s, replica_stat_rows, replica_stat_row_count, replicas_stats(vm->os_copies),
			  "os.copies");
	if (vm->hyp_copies)
		stats_add(s, replica_stat_rows, replica_stat_row_count, replicas_stats(vm->hyp_copies),
			  "vm%u.hyp.copies", vm->number);
}
