/* kernel_work.h - what the workload's kernel does when it is entered: instructions that it executes and lines that it touches.
 *
 *   kernel_work_do: (why, now) -> cycles, from the exception to the return      kernel_work_handle: the same of a handler alone
 *
 * Work is data (os.syscall, os.page_fault, os.process_switch, os.tick, os.interrupt, os.softirq): so many instructions, each line of which is fetched, and so many
 * lines of data, which are asked for at once. They are at addresses of the kernel's half, mapped in the kernel's tables
 * before the run begins, and go through TLBs and caches as all else does: what they push out there, the program misses
 * (repl/evictors.h). Code is the same at each time and on each core; data is each core's own, and successive times move on through
 * `span_lines` of it.
 * With os.kpti the kernel is entered and left by a trampoline: a page of code that the program's ASID has, and behind which
 * the kernel runs with the other ASID of the pair. So its lines need translations of each address space, and the
 * trampoline's takes one of the program's. It takes time, as the primitives say: TTBR1 and VBAR are read and written, and
 * there is an ISB on the way in (Linux 6.6 arch/arm64/kernel/entry.S: tramp_ventry, tramp_exit).
 * Source: Soares and Stumm, FlexSC: Flexible System Call Scheduling with Exception-Less System Calls, OSDI 2010, section 2, for what
 * system calls cost beside their own time.
 * Not modelled: branch prediction; the trampoline's dozen instructions and its page of data; that handlers of one
 * exception, and those that interrupt the kernel, do not all cross the trampoline; what the kernel reads of the program's
 * memory, which with kpti needs entries of the kernel's ASID; exceptions whose work is not known; code that is executed twice; what a system call does for its program, such as copying.
 */
#ifndef MACHINE_KERNEL_WORK_H
#define MACHINE_KERNEL_WORK_H

#include "cpu/buckets.h"
#include "cpu/primitive_params.h"
#include "hyp/hyp.h"
#include "mem/mem.h"
#include "mmu/mmu.h"
#include "os/os.h"

#define KERNEL_ENTRIES(X) \
	X(SYSCALL, syscall, "system calls (records svc)") \
	X(PAGE_FAULT, page_fault, "faults of stage 1") \
	X(PROCESS_SWITCH, process_switch, "changes of the address space (records switch)")

/* Work in handlers of interrupts, whose exceptions are others' (step handler of the paths). */
#define KERNEL_HANDLERS(X) \
	X(TICK, tick, "ticks (os.tick_hz)") \
	X(INTERRUPT, interrupt, "other interrupts") \
	X(SOFTIRQ, softirq, "soft interrupts behind these")

enum kernel_entry {
#define X(name, text, doc) KERNEL_##name,
	KERNEL_ENTRIES(X) KERNEL_ENTRY_COUNT,
	KERNEL_LAST_ENTRY = KERNEL_ENTRY_COUNT - 1, /* so that handlers come behind without a gap */
	KERNEL_HANDLERS(X)
#undef X
		KERNEL_WORK_COUNT
};

/* All borrowed; must outlive it. */
struct kernel_work_parts {
	const struct os_params *params;
	struct os *os;
	struct os_aspace *aspace; /* any: they share the kernel's half */
	struct hyp_vm *vm;        /* NULL: native */
	const struct primitive_params *primitives;
	const struct features *features;
	const struct sysregs *regs; /* of the core, at present */
	struct mmu *mmu;
	struct mem_cpu *mem;
	unsigned el;  /* of the kernel */
	unsigned cpu; /* which has data of its own */
};

struct kernel_work;

/* Whether a stack's kernel has any work to do. */
bool kernel_work_wanted(const struct os_params *p);
/* Maps its code and data. ERR_CONFIG: the kernel or hypervisor has no memory for them. Free with kernel_work_free. */
enum status kernel_work_new(const struct kernel_work_parts *parts, struct kernel_work **out, struct err *err);
void kernel_work_free(struct kernel_work *w);
void kernel_work_register_stats(struct kernel_work *w, struct stats *s, const char *path);

/* Another core from now on. */
void kernel_work_move(struct kernel_work *w, struct mmu *mmu, struct mem_cpu *mem);

/* Handler `why` runs at `now`: its cycles. */
cycles_t kernel_work_handle(struct kernel_work *w, enum kernel_entry why, cycles_t now);
/* The kernel is entered at `now`: adds what that takes to *spent. False: nothing is known of such work. */
bool kernel_work_do(struct kernel_work *w, enum kernel_entry why, cycles_t now, struct core_spent *spent);

#endif
