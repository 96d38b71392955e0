/* machine_labels.c - MPAM labels: whose requests carry which, by the stack as a whole and by each of its VMs. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "machine/machine_impl.h"
#include "mem/mpam.h"

void machine_label_cpu(struct cpu *c, struct mpam_label label)
{
	const struct mpam_params *p = &c->machine->mpam;
	struct mem_req *made[] = {&c->core.data_req, &c->core.fetch_req, &c->mmu->req};
	c->mem.label = label;
	c->mem.hypervisor_label = (struct mpam_label){(uint16_t)p->hypervisor_partid,
						      (uint8_t)p->hypervisor_pmg};
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		made[i]->partid = label.partid;
		made[i]->pmg = label.pmg;
	}
}

static void append(struct param_list *all, const struct param_list *rows)
{
	struct mpam_label_params *to = all->items;
	if (rows->count) memcpy(to + all->count, rows->items, rows->count * sizeof(*to));
	all->count += rows->count;
}

void machine_collect_labels(struct machine *m)
{
	size_t count = m->stack->mpam.labels.count;
	for (unsigned i = 0; i < m->vms; i++) count += m->vm[i].params.mpam_labels.count;
	m->mpam = m->stack->mpam;
	m->mpam.labels = (struct param_list){xcalloc(count + 1, sizeof(struct mpam_label_params)), 0};
	append(&m->mpam.labels, &m->stack->mpam.labels);
	for (unsigned i = 0; i < m->vms; i++) append(&m->mpam.labels, &m->vm[i].params.mpam_labels);
}

/* Numbers in a VM's rows are those of its own vCPUs, which follow each other. */
static enum status label_vm(const struct vm *vm, struct mpam_label *label, struct err *err)
{
	char key[96] = "";
	if (!vm->params.mpam_labels.count) return OK;
	snprintf(key, sizeof(key), "stack.vms.%.60s.mpam_labels", vm->params.name);
	return mpam_label_threads(&vm->params.mpam_labels, key, vm->vcpus, label + vcpu_thread(vm->vcpu),
				  err);
}

enum status machine_label_vcpus(struct machine *m, struct err *err)
{
	struct mpam_label label[STACK_THREADS_MAX] = {0};
	TRY(mpam_label_threads(&m->stack->mpam.labels, "mpam.labels", m->vcpus, label, err));
	for (unsigned i = 0; i < m->vms; i++) TRY(label_vm(&m->vm[i], label, err));
	for (unsigned i = 0; i < m->vcpus; i++) m->vcpu[i].mpam = label[i];
	for (unsigned i = 0; i < m->cpus; i++) machine_label_cpu(&m->cpu[i], m->cpu[i].vcpu->mpam);
	return OK;
}
