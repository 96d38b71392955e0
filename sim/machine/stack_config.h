/* stack_config.h - what a stack file says: the kernel whose address space the workload uses, and the hypervisors below.
 *
 * Native is an empty list of hypervisors: the kernel owns the machine. With one hypervisor the kernel is a guest's: of one VM
 * that the outermost keys describe, or of each VM in `vms`. What a VM does not say of its kernel and its nodes the stack says.
 * Not modelled: nested virtualization, which would be a list of two.
 */
#ifndef MACHINE_STACK_CONFIG_H
#define MACHINE_STACK_CONFIG_H

#include "config/bind.h"
#include "config/effective.h"
#include "config/fits.h"
#include "hyp/hyp.h"
#include "machine/memops_params.h"
#include "machine/sched_params.h"
#include "mem/mpam_params.h"
#include "os/os.h"

/* One of several VMs. */
struct vm_params {
	const char *name;
	uint64_t vcpus;
	const char *pin;       /* cores of its vCPUs, as "0-3,8"; "": the next that no VM before it has */
	const char *cpus;      /* in place of pin: where each may run; "": they are pinned */
	uint64_t weight;       /* against other vCPUs on a core */
	uint64_t memory_bytes; /* 0: as the hypervisor says */
	const char *workload;  /* file, relative to the one that says so; "": part of what the run replays */
	struct os_params os;
	struct numa_params numa;
	struct param_list mpam_labels; /* of struct mpam_label_params, behind those of the stack */
};

struct stack_params {
	const char *name;
	uint64_t threads; /* of the workload that run, each on a core of its own; without `vms` */
	const char *pin;  /* those cores, as "0-3,8"; "": thread n on core n */
	const char *cpus; /* in place of pin, of a VM: where its vCPUs may run; "": they are pinned */
	struct sched_params scheduler;
	struct os_params os;
	struct param_list hypervisors; /* of struct hyp_params, the one nearest to the hardware first */
	struct param_list vms;         /* of struct vm_params; none: the one that the other keys describe */
	const char *operations;        /* file of the guest's operations (path.h); "" for none */
	const char *firmware;          /* file of EL3's software paths; "" for none */
	struct mpam_params mpam;
	uint64_t pollution;                  /* bool: TLBs and caches count whose doing misses are */
	struct param_list memory_operations; /* of struct memop_params */
	struct param_list fits;              /* of struct fit_item */
};

extern const struct schema stack_schema;

/* The only hypervisor of the stack, or NULL when it is native. */
const struct hyp_params *stack_hypervisor(const struct stack_params *s);

enum { STACK_THREADS_MAX = 1024, STACK_VMS_MAX = 255 }; /* VMIDs have 8 bits at least, and 0 is the host's */

/* Fills `out` from a stack's tree (`root`), in which each VM gets what the stack says of all. Errors of schema_bind(). */
enum status stack_bind(struct conf *c, struct node *root, struct stack_params *out, struct err *err);

/* The VMs, or natively the machine itself as one: how many, and what each is like. */
unsigned stack_vms(const struct stack_params *s);
struct vm_params stack_vm(const struct stack_params *s, unsigned vm);
/* vCPUs of all VMs, or threads: streams of the workload that run side by side. */
unsigned stack_threads(const struct stack_params *s);

/* Whether a machine with these features can run the stack that was bound; ERR_CONFIG with the place of the value at
 * fault. */
enum status stack_check(const struct bound *stack, const struct features *f, struct err *err);

#endif
