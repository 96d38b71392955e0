/* events.h - what the architectural events of a workload do to the kernel and the core that run it.
 *
 *   events_execute(record): TLBI, DSB, SWITCH, MAP, UNMAP, DESC; others are counted and have no effect
 *
 * The workload's kernel executes them: at EL1, or at EL2 where it is a VHE host. SWITCH makes the address space that its
 * `arg` names the present one, a new one at first; threads with one name share it. The name is its ASID, or only a name where
 * an allocator of os/contexts.h gives ASIDs, in pairs under os.kpti; that one's flushes are executed before the space runs. UNMAP takes pages from the kernel's tables and
 * flushes them as Linux does: one TLBI per page or per range, or one by ASID where that is cheaper, each for both ASIDs
 * of a pair (__tlbi_user). MAP puts new memory
 * in place of what was mapped there, touched first by the accesses that follow. DESC writes one descriptor of the present
 * address space, and no more: what maintenance it needs is up to the workload's TLBI and DSB.
 * All processors of a VM, or of the machine, share one kernel and its address spaces. A TLBI acts on the core that executes it, or
 * where it is broadcast on others of the machine (shootdown.h).
 * Source: Arm ARM DDI 0487, D8.17 (TLBI, DSB); Linux 6.6 arch/arm64/include/asm/tlbflush.h (__flush_tlb_range).
 * TLBIs and DSBs take time, as cpu/barrier.h says.
 * Not modelled: the time of other events; TLBI records of a workload whose ASIDs an allocator gives (their operands
 * keep the recorded numbers); permissions of MAP (the kernel grants by first touch); two cores that change one descriptor
 * at once.
 */
#ifndef MACHINE_EVENTS_H
#define MACHINE_EVENTS_H

#include "base/record.h"
#include "machine/shootdown.h"
#include "os/contexts.h"
#include "os/os.h"

struct event_stats {
	uint64_t ignored, barriers, switches, unmaps;
	uint64_t tlbi, tlbi_undefined;
	uint64_t tlbi_entries;
	uint64_t walks_after_switch;
};
extern const struct stat_desc event_stat_rows[];
extern const size_t event_stat_row_count;

struct process; /* an address space, and what the workload calls it */

/* The kernel that executes them, one for all cores. Everything but `processes` and `stats` is borrowed. Zero it, then
 * set what is borrowed. */
struct event_kernel {
	struct os *os;
	unsigned page_bits, asid_bits;
	const struct features *features;
	enum regime regime;        /* of the workload: EL10, or EL20 under a VHE host */
	struct contexts *contexts; /* gives ASIDs; NULL: the workload says them */
	bool pairs;                /* two to each address space (os.kpti) */
	uint64_t pins_due;         /* so many that begin to run are yet to be pinned */
	struct mmu *const *mmus;   /* of every core, for maintenance that is broadcast */
	unsigned cpus;
	unsigned vcpus;  /* processors that the kernel sees, one for each struct events */
	unsigned number; /* of its VM */
	struct process **processes;
	size_t process_count;
	struct events *entered;        /* the core that runs it at present, and so executes its TLBIs */
	struct shootdowns *shootdowns; /* how its TLBIs reach other cores */
	struct shootdown_kernel shoots;
	struct event_stats stats;
};

/* One core of it. Zero it, then set what is borrowed: all up to `regs`. */
struct events {
	struct event_kernel *kernel;
	unsigned cpu;  /* its number, of kernel->vcpus */
	unsigned node; /* of memory that it is nearest to */
	struct mmu *mmu;
	struct core *core; /* spends the time of TLBIs and DSBs; NULL: no time passes */
	struct sysregs *regs;
	struct shooter *shooter;   /* its core among them */
	struct os_aspace *present; /* the address space that runs */
	struct process *running;
	struct mmu_observer walks; /* counts what a switch costs */
};

/* The address space that all cores begin with. event_kernel_fini() frees the list, not what it points to. */
void event_kernel_start(struct event_kernel *k, struct os_aspace *first);
void event_kernel_fini(struct event_kernel *k);

/* Makes the first address space the present one of this core: at the beginning, and again. */
void events_start(struct events *e);
void events_rewind(struct events *e);

/* The core runs the present process of this stream from now on: what it pushes out of TLBs and caches is in its name. */
void events_occupy(struct events *e);
/* This core enters the kernel, for another reason than an event of the workload. */
void events_enter(struct events *e);
/* TLB maintenance of [va, va + bytes) of an address space, as flush_tlb_range() does it. Whole pages. */
void events_flush(struct events *e, struct os_aspace *as, struct va va, uint64_t bytes);
/* Executes one record that is no access. ERR_INPUT: an ASID that the machine does not have; ERR_CONFIG: no memory for
 * another address space's root table. */
enum status events_execute(struct events *e, const struct record *rec, struct err *err);

#endif
