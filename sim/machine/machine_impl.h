#ifndef STRATA_MACHINE_MACHINE_IMPL_H
#define STRATA_MACHINE_MACHINE_IMPL_H

/* Inside a machine (machine.h): for the files of machine_*.c alone. */

#include "base/rng.h"
#include "cpu/atomics.h"
#include "hyp/path_gic.h"
#include "lock/shared.h"
#include "machine/events.h"
#include "machine/guest_clock.h"
#include "machine/host_memory.h"
#include "machine/kernel_work.h"
#include "machine/machine.h"
#include "machine/path_engine.h"
#include "machine/placement.h"
#include "machine/populate.h"
#include "machine/program_locks.h"
#include "machine/stack_place.h"

enum { FAULTS_DUE = 8 };

enum { MACHINE_MANY_CORES = 8 }; /* beyond so many, a host's TLB and caches do not hold what cores have */

/* A kernel and what it has: a VM's, or the machine's own where there is no hypervisor. */
struct vm {
	struct machine *machine;
	unsigned number; /* names its counters */
	struct vm_params params;
	struct hyp_vm *hyp; /* NULL when native */
	struct vcpu
		*faulting; /* for which the hypervisor maps, and maybe breaks up a block; NULL: nobody yet */
	struct frames *frames;                   /* of its IPAs, those of `guest`; NULL when native */
	struct placement guest;                  /* its memory as its kernel sees it */
	uint64_t guest_end[NUMA_NODES_MAX];      /* of each of its nodes, all memory plugged */
	struct numa guest_numa;                  /* where that places what it takes */
	struct replicas *os_copies, *hyp_copies; /* of its tables, one for each node; NULL: there are none */
	char *frames_path;                       /* names their random stream; NULL for the first VM */
	struct numa numa;                        /* where its memory is placed */
	struct path_gic *gic;                    /* hyp/path_gic.h; NULL: no software paths */
	bool others_run;                         /* vCPUs go on while the first waits: they wait for nobody */
	struct os *os;
	struct contexts *contexts;    /* NULL: the workload says ASIDs */
	struct context vmid;          /* where VMIDs are allocated (host_impl.h) */
	struct event_kernel kernel;   /* what events of the workload do */
	const struct vcpu **last_ran; /* by place in machine->cpu: of its vCPUs, who ran there last */
	struct vcpu *vcpu;            /* those of the machine that are its own */
	unsigned vcpus;
	struct balance *balance, *guest_balance; /* of its memory, by the host or its kernel; NULL: none */
	struct lock_set *locks; /* of the software below; NULL: the machine has one vCPU, or no paths */
	struct program_locks *program_locks;
	struct foresight *foresight; /* that its vCPUs share; NULL: they are few */
};

/* A store exclusive that failed: its program goes back to the load, and comes to the store again. */
enum again { AGAIN_NOT, AGAIN_LOAD, AGAIN_STORE };

/* Who runs a stream of the workload: a vCPU, or natively a thread of the kernel. */
struct vcpu { /* what each turn looks at comes first */
	struct vm *vm;
	struct cpu *cpu; /* that it is on */
	unsigned number; /* within its VM */
	struct path_engine
		*paths;           /* of the software below its guest; NULL: faults cost what the stack says */
	unsigned due_count;       /* of `due` */
	bool stopped;             /* while it runs records: it has no core any more */
	struct lock_user locks;   /* of its program */
	struct guest_clock clock; /* of its kernel, where paths say what an interrupt takes */
	struct sysregs regs;
	struct events events;     /* of its stream; knows the present address space */
	struct kernel_work *work; /* of its kernel when that is entered; NULL: none is known */
	struct va last_fault;     /* with nothing to add: a second one in a row is an error */
	bool last_was_spurious;
	struct mpam_label mpam;
	cycles_t timer; /* of the guest: when it fires; 0: not set. Where nothing can interrupt it */
	struct rng softirq;
	bool softirq_raised;
	uint64_t messages;     /* of the VM's device that are behind it, whoever they were for */
	bool parks;            /* its paths say how it gives up its core */
	uint64_t exclusive;    /* VA of its latest load exclusive */
	enum again again;      /* what its program does next for the store exclusive of the present record */
	struct numa_task task; /* to the kernel or hypervisor that gives it memory of the machine */
	struct numa_task guest_task; /* to its kernel, in a VM */
	struct populator populator;
	bool before_time; /* while it maps what was there before */
	struct fault_due {
		struct path_fault fault;
		uint64_t times;
	} due[FAULTS_DUE]; /* where there are several vCPUs: faults whose paths are still to be run */
};

/* A core of the hardware that runs something. */
struct cpu {
	struct machine *machine;
	unsigned number;   /* on the hardware: names its counters */
	struct vcpu *vcpu; /* that runs on it */
	struct mem_cpu mem;
	struct mmu *mmu;
	struct core core;
	struct core_atomics atomics; /* once the workload has any */
	struct shooter shooter;      /* its TLB maintenance */
	struct host_memory *path_memory;
	struct mmu_observer checking;            /* feeds the checker */
	const struct machine_observer *observer; /* NULL: nobody is told */
	struct mmu_observer walks;               /* feeds it */
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
	struct placement memory; /* of the nodes */
	struct hyp *hyp;         /* NULL when native */
	struct vm *vm;
	unsigned vms;
	struct vcpu *vcpu; /* of all VMs, those of the first VM first; the index is the thread's number */
	unsigned vcpus;
	struct monitors *monitors; /* NULL: the workload has had no exclusives and atomics */
	struct dvm *dvm;           /* NULL: TLB maintenance is no message */
	struct mpam_params mpam;   /* of the stack, with the labels of its VMs behind its own */
	struct shootdowns shootdowns;
	struct shooter **shooters; /* of every core */
	struct memops *memops;     /* operations on memory; NULL: there are none */
	uint64_t seed;
	struct machine_stage2 *stage2; /* what operations on stage 2 counted; NULL: there was none */
	struct coherence coherence;
	bool in_pieces; /* the software below several vCPUs runs piece by piece (machine_share.c) */
	machine_wake_fn *wake;
	bool woke; /* a halt of another thread ends earlier than its turn says */
	void *wake_ctx;
	struct checker *checker;     /* NULL: maintenance is not checked */
	struct stack_places *places; /* of the threads */
	struct host *host;           /* schedules vCPUs; NULL: each has a core of its own */
};

/* Its place among those that send each other messages. */
static inline struct dvm_port cpu_dvm_port(const struct cpu *c)
{
	return (struct dvm_port){c->machine->dvm, (unsigned)(c - c->machine->cpu)};
}

/* The number of a thread, as who calls the machine counts them. */
static inline unsigned vcpu_thread(const struct vcpu *v) { return (unsigned)(v - v->vm->machine->vcpu); }

/* machine_labels.c: labels of requests (mem/mpam.h). Collects those of the stack and of its VMs; gives vCPUs and cores theirs. */
void machine_collect_labels(struct machine *m);
enum status machine_label_vcpus(struct machine *m, struct err *err);
/* What MPAM0_EL1, MPAM1_EL1 and MPAM2_EL2 say while a thread with that label has the core. */
void machine_label_cpu(struct cpu *c, struct mpam_label label);
/* Gives a core the context of `v`: who runs there from now on. */
void machine_load_vcpu(struct vcpu *v, struct cpu *c);

/* The scheduler of vCPUs (machine_host.h). */
enum status host_new(struct machine *m, const struct stack_places *places, struct host **out,
		     struct err *err);
void host_free(struct host *h);
void host_register_stats(struct host *h, struct stats *s);
/* The guest of `v` has executed WFI, and waits until `deadline`. */
enum status host_halt(struct host *h, struct vcpu *v, cycles_t deadline, struct err *err);
/* `v`, which waits for a lock of its program, has it from `at` on. */
void host_lock_granted(struct host *h, struct vcpu *v, cycles_t at);
/* `v` stands still from `from` until `until`: it gives up its core, and does not wait for one. */
enum status host_hold(struct host *h, struct vcpu *v, cycles_t from, cycles_t until, struct err *err);
/* Whether `v` has a core, and is in its guest. */
bool host_runs(const struct host *h, const struct vcpu *v);
/* Brings counters up to date; begins to count anew; checks that they add up. */
void host_finish(struct host *h);
void host_begin_counting(struct host *h);
enum status host_check_sums(const struct host *h, struct err *err);

/* Builds VM `number`, whose vCPUs are on their cores: memory, kernel, counters' owners (machine_vm.c). */
enum status vm_init(struct vm *vm, unsigned number, uint64_t seed, struct err *err);
void vm_fini(struct vm *vm);
void vm_register_stats(struct vm *vm, struct stats *s);

/* Handles a fault of a core's access (a core_fault_fn); and one before time begins, where nobody leaves the guest. */
enum status machine_on_fault(void *owner, const struct mmu_fault *f, cycles_t now, struct core_spent *spent,
			     struct err *err);
enum status machine_on_populate(void *owner, const struct mmu_fault *f, cycles_t now,
				struct core_spent *spent, struct err *err);

/* --- machine_locks.c: locks of the program -------------------------------------------------------------------------------- */

void vm_build_locks(struct vm *vm);
/* `v` takes or gives back a lock; v->locks.waits where it has to wait. Errors of program_locks_take() and _give(). */
enum status vcpu_lock_record(struct vcpu *v, const struct record *rec, struct err *err);
/* It spins on its core until `at`. */
void vcpu_spin_until(struct vcpu *v, cycles_t at);
/* It loses its core; it has one again. */
void vcpu_leave_lock(struct vcpu *v);
void vcpu_return_to_lock(struct vcpu *v);
/* When it gives up spinning and sleeps; UINT64_MAX: never. */
cycles_t vcpu_sleeps_at(const struct vcpu *v);

/* --- machine_atomics.c: exclusives and atomics of the workload ------------------------------------------------------------ */

/* Executes a record of them, or a part: v->again says that the record is to be executed once more. */
enum status vcpu_atomic_record(struct vcpu *v, const struct record *rec, struct err *err);
/* The local monitor of a core is open behind an exception return (Arm ARM DDI 0487, B2.17.1). */
void cpu_returns_from_exception(struct cpu *c);

/* --- machine_nodes.c: machines with several nodes of memory ------------------------------------------------------------ */

/* The guest's own view of its memory: one node, or as many as the machine has. Its frames are `like` but for region and seed. */
enum status vm_build_guest_memory(struct vm *vm, const struct frames_params *like, uint64_t seed,
				  struct err *err);
/* Keeps copies of its tables of stage 2, and of its kernel, where their policy says so. Before anything is mapped. */
enum status vm_copy_stage2(struct vm *vm, struct err *err);
enum status vm_copy_stage1(struct vm *vm, struct err *err);
/* `v` takes memory next, from the kernel or hypervisor that has it. */
void vcpu_enter_nodes(struct vcpu *v);
/* The time that the writes to copies of tables since the last call take from `now` on; adds to *spent. */
void vcpu_spend_copies(struct vcpu *v, cycles_t now, struct core_spent *spent);
void vm_register_nodes(struct vm *vm, struct stats *s);

/* Tells who observes that a fault or event has taken *spent from `at` on. */
void machine_tell_spent(const struct cpu *c, cycles_t at, const struct core_spent *spent);

/* Makes what the paths of `book` share where there are several vCPUs: each VM's locks, as its stack chooses them. Registers their
 * counters. */
void machine_share_locks(struct machine *m, const struct path_book *book);
/* The part of `v` in it; and what its paths must know of the stack. */
struct path_sharing vcpu_sharing(struct vcpu *v);
void vcpu_start_paths(struct vcpu *v);
/* A fault whose path is to run when its access is over, piece by piece; false: there is no room, or no need. */
bool vcpu_put_off_fault(struct vcpu *v, const struct path_fault *fault, uint64_t times);
/* Runs a piece of what `v` is busy with. */
enum status vcpu_run_piece(struct vcpu *v, struct err *err);

/* --- guest_irq.c: interrupts of a program that runs, and of its kernel when that is idle ------------------------------- */

/* With paths: the kernel's clock starts; what its handlers do is known. ERR_CONFIG: nothing says how a vCPU takes its ticks. */
enum status vcpu_start_clock(struct vcpu *v, struct err *err);
/* From now on vCPUs are interrupted by what others send them. */
void vm_watch_interrupts(struct vm *vm);
cycles_t vcpu_handle_interrupt(void *vcpu, uint32_t intid, bool soft, cycles_t now); /* a path_handler_fn */
/* Whether something interrupts `v` before `rec`: what begins before that is due comes first, and has retired. */
static inline bool vcpu_is_interrupted(const struct vcpu *v, const struct record *rec)
{
	const struct core *c = &v->cpu->core;
	return v->clock.next <= core_now(c) && v->clock.next <= core_next(c, rec);
}
/* What interrupts `v` now gets under way, or is taken. A piece of that has been run, for so many cycles. */
enum status vcpu_interrupt(struct vcpu *v, struct err *err);
void vcpu_interrupt_piece(struct vcpu *v, cycles_t cycles);
/* The kernel of `v` has nothing to do (record WFI) before its program's timer is due. !*over: it was woken before that. */
enum status vcpu_idle(struct vcpu *v, const struct record *rec, bool *over, struct err *err);
/* The record leaves the guest by its paths, or is its kernel's; and if that waits, the clock's timer ends it. */
enum status vcpu_leave_with_timer(struct vcpu *v, const struct record *rec, struct err *err);
enum status vcpu_leave(struct vcpu *v, const struct record *rec, struct err *err);
/* Gives the core of a vCPU whose paths are parked to others, until `deadline`. */
enum status vcpu_halt(struct vcpu *v, cycles_t deadline, struct err *err);

/* Gives range TLBs of a VM's cores their range tables: pages whose descriptors no hardware changes one by one. */
enum status vm_build_ranges(struct vm *vm, struct err *err);
/* Whether its range TLBs ask kernels and hypervisor for ranges. */
bool machine_keeps_ranges(const struct machine *m);

/* Lets a page-table design of a VM's cores take memory for its tables (mmu/page_table.h). */
void vm_give_table_memory(struct vm *vm);

/* From now on blocks of stage 2 that a fault breaks up are flushed by the core that faulted. */
void vm_flush_broken(struct vm *vm);
/* Performs an operation on stage 2 of its VM on the core of `v`, which spends the time. Errors as stage2_perform(). */
enum status vcpu_perform_stage2(struct vcpu *v, enum stage2_op op, struct stage2_area area,
				struct stage2_done *done, struct err *err);
/* Frees what machine_stage2() has made. */
void machine_stage2_free(struct machine *m);

#endif
