#include "machine/stack_config.h"

#include "machine/sched.h"

#include <inttypes.h>

#define F struct vm_params
static const struct param vm_rows[] = {
	P_STR(F, name, NULL, "name of the VM, by which files on top and --set reach it"),
	P_U64(F, vcpus, "vCPUs", 1, 1, STACK_THREADS_MAX,
	      "its vCPUs; each runs a stream of the workload, those of the first VM the first streams"),
	P_STR(F, pin, "",
	      "cores that they run on, in order, such as 0-3,8; empty: the next that no VM before it has"),
	P_STR(F, cpus, "", "in place of pin: cores any of which they may run on, such as 0-3,8"),
	P_U64(F, weight, "1", 1024, 2, 262144,
	      "share of a core beside other vCPUs that want it (Linux: 1024 is nice 0; cpu.shares of a cgroup has this range)"),
	P_U64(F, memory_bytes, "bytes", 0, 0, UINT64_C(1) << 52,
	      "size of its memory; 0: as hypervisors.0.memory_bytes says"),
	P_STR(F, workload, "",
	      "what it runs, relative to the file that says so, from its first stream on; empty: its part of the run's workload"),
	P_MAP(F, os, &os_schema, "its kernel; what is not said here the stack's `os` says"),
	P_MAP(F, numa, &numa_schema,
	      "placement of its memory and stage 2 tables; what is not said here hypervisors.0.numa says"),
	P_LIST(F, mpam_labels, &mpam_label_schema, 0, 64,
	       "labels of the requests of its vCPUs, which a row's `threads` number from 0 on; before stack.mpam.labels"),
};
#undef F
static SCHEMA(vm_schema, "vm", struct vm_params, vm_rows, "one of several VMs");

#define F struct stack_params
static const struct param rows[] = {
	P_STR(F, name, "native", "name of the stack in results"),
	P_U64(F, threads, "threads", 1, 1, STACK_THREADS_MAX,
	      "threads of the workload that run side by side, thread n its stream n: on a core each, under a hypervisor as "
	      "vCPUs of one VM"),
	P_STR(F, pin, "", "cores that they run on, in order, such as 0-3,8; empty: thread n on core n"),
	P_STR(F, cpus, "",
	      "in place of pin, of a VM's vCPUs: cores any of which they may run on, such as 0-3,8"),
	P_MAP(F, scheduler, &sched_schema, "the host's scheduler of vCPUs"),
	P_MAP(F, os, &os_schema, "the kernel: the machine's own, or the guest's under a hypervisor"),
	P_LIST(F, hypervisors, &hyp_schema, 0, 1, "hypervisors, nearest to the hardware first; none: native"),
	P_LIST(F, vms, &vm_schema, 0, STACK_VMS_MAX,
	       "VMs of the hypervisor, in place of threads and pin; none: one VM with `threads` vCPUs"),
	P_STR(F, operations, "",
	      "file of the guest's operations for strata explain trap (docs/paths.md); natively of the kernel and its operations"),
	P_STR(F, firmware, "", "file of the software paths of EL3"),
	P_MAP(F, mpam, &mpam_schema, "labels of requests, and partitions of what they share (docs/mpam.md)"),
	P_BOOL(F, pollution, 0,
	       "count misses of the program on what others pushed out of each TLB and cache: other processes, the kernel, the "
	       "hypervisor, the VMM, firmware; costs time and memory of the host"),
	P_LIST(F, memory_operations, &memop_schema, 0, 64,
	       "operations on the memory of VMs, while they run, one after the other"),
	P_LIST(F, fits, &fits_schema, 0, FITS_MAX, "published figures that numbers were fitted to"),
};
#undef F
SCHEMA(stack_schema, "stack", struct stack_params, rows, "a software stack");

const struct hyp_params *stack_hypervisor(const struct stack_params *s)
{
	return s->hypervisors.count ? s->hypervisors.items : NULL;
}

/* --- VMs ------------------------------------------------------------------------------------------------------- */

/* What `from` says and `map` does not, in mappings in it, too. */
static void inherit(struct conf *c, struct node *map, const struct node *from)
{
	for (size_t i = 0; from && from->kind == NODE_MAP && i < from->count; i++) {
		struct node *own = node_get(map, from->key[i]);
		if (!own)
			node_put(c, map, from->key[i], from->key_at[i], from->item[i]);
		else if (own->kind == NODE_MAP)
			inherit(c, own, from->item[i]);
	}
}

static void inherit_key(struct conf *c, struct node *vm, const char *key, const struct node *from)
{
	if (!node_get(vm, key)) node_put(c, vm, key, vm->at, node_new(c, NODE_MAP, vm->at));
	inherit(c, node_get(vm, key), from);
}

enum status stack_bind(struct conf *c, struct node *root, struct stack_params *out, struct err *err)
{
	const struct node *list = node_get(root, "hypervisors"), *vms = node_get(root, "vms");
	bool any = list && list->kind == NODE_LIST && list->count;
	for (size_t i = 0; vms && vms->kind == NODE_LIST && i < vms->count; i++) {
		if (vms->item[i]->kind != NODE_MAP) continue;
		inherit_key(c, vms->item[i], "os", node_get(root, "os"));
		inherit_key(c, vms->item[i], "numa", any ? node_get(list->item[0], "numa") : NULL);
	}
	return schema_bind(c, &stack_schema, root, out, err);
}

unsigned stack_vms(const struct stack_params *s) { return s->vms.count ? (unsigned)s->vms.count : 1; }

static uint64_t memory_of(const struct vm_params *vm, const struct hyp_params *hyp)
{
	return vm->memory_bytes || !hyp ? vm->memory_bytes : hyp->memory_bytes;
}

struct vm_params stack_vm(const struct stack_params *s, unsigned vm)
{
	const struct hyp_params *hyp = stack_hypervisor(s);
	struct vm_params p = {.vcpus = s->threads,
			      .pin = s->pin,
			      .cpus = s->cpus,
			      .weight = SCHED_WEIGHT_UNIT,
			      .workload = "",
			      .os = s->os,
			      .numa = s->os.numa};
	if (hyp) p.numa = hyp->numa;
	if (s->vms.count) p = ((const struct vm_params *)s->vms.items)[vm];
	p.memory_bytes = memory_of(&p, hyp);
	return p;
}

unsigned stack_threads(const struct stack_params *s)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < stack_vms(s); i++) sum += (unsigned)stack_vm(s, i).vcpus;
	return sum;
}

/* Puts the place of `key`, or of the mapping that lacks it, in front of what `err` says. */
static enum status add_place(const struct bound *stack, const struct node *map, const char *key,
			     struct err *err)
{
	const struct err what = *err;
	const struct node *value = node_get(map, key);
	struct place at = value ? value->at : map ? map->at : stack->file.root->at;
	return conf_fail(err, at, "%s", what.text);
}

static enum status check_vm(const struct bound *stack, unsigned vm, const struct features *f, struct err *err)
{
	const struct stack_params *s = stack->params;
	const struct node *item = node_get(stack->file.root, "vms")->item[vm];
	const struct vm_params p = stack_vm(s, vm);
	struct hyp_params hyp = *stack_hypervisor(s);
	const char *key;
	if (os_check(&p.os, f, &key, err) != OK) return add_place(stack, node_get(item, "os"), key, err);
	hyp.memory_bytes = p.memory_bytes;
	return hyp_check(&hyp, f, &key, err) == OK ? OK : add_place(stack, item, key, err);
}

/* Keys that describe one VM, where each of several says its own. */
static enum status check_vms(const struct bound *stack, const struct features *f, struct err *err)
{
	static const char *const of_one[] = {"threads", "pin", "cpus"};
	const struct stack_params *s = stack->params;
	const struct node *root = stack->file.root, *vms = node_get(root, "vms");
	if (!stack_hypervisor(s))
		return conf_fail(err, vms->at, "stack.vms: there is no hypervisor to run them (hypervisors)");
	for (size_t i = 0; i < sizeof(of_one) / sizeof(of_one[0]); i++) {
		const struct node *said = node_get(root, of_one[i]);
		if (said)
			return conf_fail(err, said->at, "stack.%s: each of stack.vms says its own (%s)",
					 of_one[i], i ? of_one[i] : "vcpus");
	}
	for (unsigned i = 0; i < s->vms.count; i++) TRY(check_vm(stack, i, f, err));
	return OK;
}

enum status stack_check(const struct bound *stack, const struct features *f, struct err *err)
{
	const struct stack_params *s = stack->params;
	const struct hyp_params *hyp = stack_hypervisor(s);
	const struct node *root = stack->file.root, *list = node_get(root, "hypervisors");
	const char *key;
	if (os_check(&s->os, f, &key, err) != OK) return add_place(stack, node_get(root, "os"), key, err);
	if (hyp && hyp_check(hyp, f, &key, err) != OK) return add_place(stack, list->item[0], key, err);
	return s->vms.count ? check_vms(stack, f, err) : OK;
}
