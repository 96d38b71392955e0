#include "machine/sched_params.h"

#include "os/contexts.h"

static const char *const when_names[] = {"shared", "always", NULL};

static const char *const vmids_names[] = {"fixed",
#define X(name, doc) #name,
					  CTX_ALLOCATORS(X)
#undef X
						  NULL};

#define F struct sched_params
static const struct param rows[] = {
	P_ENUM(F, when, when_names, SCHED_SHARED,
	       "vCPUs are scheduled where cores are shared (pin, cpus), or always: then halts are polled for, too"),
	P_U64(F, slice_ns, "ns", 3000000, 1000, UINT64_C(1000000000),
	      "how long a vCPU runs before others have a turn (Linux 6.6, sched_base_slice: 0.75 ms for 1, 3 ms from 8 CPUs on)"),
	P_U64(F, tick_hz, "Hz", 250, 0, 1000000,
	      "a slice ends at the first tick after it (Linux: CONFIG_HZ, 250 by default); 0: when it is over"),
	/* Dall et al., "ARM Virtualization: Performance and Architectural Implications", ISCA 2016, Table II, VM Switch. */
	P_U64(F, switch_cycles, "cycles", 10387, 0, 1000000000,
	      "from one vCPU to another where the stack names no software paths, half of it to leave (ISCA'16, Table II: VM Switch, "
	      "KVM ARM)"),
	P_ENUM(F, vmids, vmids_names, SCHED_VMIDS_FIXED,
	       "who gives VMs their VMIDs: each has its own from the start; generations as KVM, or as Linux has them for ASIDs; "
	       "least recently run; one for all, flushed whenever another VM gets the core"),
	P_U64(F, vmid_bits, "bits", 0, 0, 16,
	      "bits of an allocated VMID, at most those that the machine has (features.vmid16); 0: all of them"),
	P_BOOL(F, wfe_exits, 1,
	       "a vCPU that spins at a lock gives its core up where another one waits for it: KVM has WFE trap then (arch/arm64/kvm, "
	       "vcpu_set_wfx_traps(), kvm_vcpu_on_spin())"),
	P_U64(F, task_period_ns, "ns", 0, 0, UINT64_C(10000000000),
	      "a task of the host that is no vCPU wakes up on each core so often, and takes it from a vCPU (a parameter of the workload); "
	      "0: there is none. vCPUs are scheduled then, whether they share cores or not"),
	P_U64(F, task_run_ns, "ns", 100000, 1, UINT64_C(10000000000),
	      "how long it runs then, less than its period"),
	P_U64(F, task_weight, "weight", 1024, 1, 1000000,
	      "its share of the core while a vCPU wants that, too; 1024: of nice 0 (Linux: sched_prio_to_weight)"),
	P_U64(F, halt_poll_ns, "ns", 500000, 0, UINT64_C(1000000000),
	      "how long the host waits for a halted vCPU before it sleeps, at most (KVM on arm64: halt_poll_ns); 0: never"),
	P_U64(F, halt_poll_grow, "times", 2, 0, 1000,
	      "growth of that time after a halt that was too long for it"),
	P_U64(F, halt_poll_grow_start_ns, "ns", 10000, 0, UINT64_C(1000000000), "what it grows from"),
	P_U64(F, halt_poll_shrink, "times", 0, 0, 1000,
	      "what it is divided by after a halt that was longer than halt_poll_ns; 0: it begins anew (Linux 6.6)"),
};
#undef F
SCHEMA(sched_schema, "scheduler", struct sched_params, rows, "the host's scheduler of vCPUs");
