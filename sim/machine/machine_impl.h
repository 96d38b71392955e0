#ifndef STRATA_MACHINE_MACHINE_IMPL_H
#define STRATA_MACHINE_MACHINE_IMPL_H

/* Inside a machine (machine.h): for the files of machine_*.c alone. */

#include "cpu/core.h"
#include "machine/events.h"
#include "machine/host_memory.h"
#include "machine/machine.h"
#include "machine/path_engine.h"
#include "machine/placement.h"
#include "machine/populate.h"

/* A core that runs a stream of the workload: a thread of the kernel, or a vCPU. */
struct cpu {
	struct machine *machine;
	unsigned number; /* on the hardware: names its counters */
	struct mem_cpu mem;
	struct mmu *mmu;
	struct core core;
	struct sysregs regs;
	struct events events; /* of its stream; knows the present address space */
	struct host_memory *path_memory;
	struct path_engine
		*paths; /* of the software below its guest; NULL: faults cost what the stack says */
	struct mmu_observer checking; /* feeds the checker */
	struct va last_fault;         /* with nothing to add: a second one in a row is an error */
	bool last_was_spurious;
	const struct machine_observer *observer; /* NULL: nobody is told */
	struct mmu_observer walks;               /* feeds it */
	struct numa_task task;                   /* to the kernel or hypervisor that gives it memory */
	struct populator populator;
};

struct machine {
	const struct machine_params *hw;
	const struct stack_params *stack;
	struct stats *stats;
	struct mem_side *mem;
	struct physmem *physmem;
	struct cpu *cpu; /* those that run something: an idle core costs nothing */
	struct mmu **mmus;
	struct tlb_pool shared_tlbs;
	unsigned cpus;
	struct placement memory;     /* of the nodes */
	struct frames *guest_frames; /* IPAs of the VM; NULL when native */
	struct hyp *hyp;             /* NULL when native */
	struct hyp_vm *vm;
	struct os *os;
	struct contexts *contexts;  /* NULL: the workload says ASIDs */
	struct event_kernel kernel; /* what events of the workload do */
	struct checker *checker;    /* NULL: maintenance is not checked */
};

/* Handles a fault of a core's access (a core_fault_fn); and one before time begins, where nobody leaves the guest. */
enum status machine_on_fault(void *owner, const struct mmu_fault *f, cycles_t now, struct core_spent *spent,
			     struct err *err);
enum status machine_on_populate(void *owner, const struct mmu_fault *f, cycles_t now,
				struct core_spent *spent, struct err *err);

/* Tells who observes that a fault or event has taken *spent from `at` on. */
void machine_tell_spent(const struct cpu *c, cycles_t at, const struct core_spent *spent);

/* Gives range TLBs their range tables: pages whose descriptors no hardware changes one by one. */
enum status machine_build_ranges(struct machine *m, struct err *err);

/* Lets a page-table design of `m` take memory for its tables (mmu/page_table.h). */
void machine_give_table_memory(struct machine *m);

#endif
