/* memops.h - operations on VMs' memory while they run: migration, snapshots, page sharing, ballooning, hotplug.
 *
 *   memops_new(machine) with the operations of its stack      memops_begin: the clock of their `at` starts
 *   memops_next: when the next step is due      memops_turn: performs it
 * The host's thread that performs them has a core of its own, the first that runs no vCPU, with the caches that belong to it. What it
 * does is steps: descriptors of the real stage 2 tables are read and changed, TLBIs take entries of the vCPUs' TLBs, pages are
 * read line by line through its caches. The VM goes on meanwhile; its faults come to memops_fault(), which adds what they take
 * beyond a fault. Where the VM stands still its vCPUs' cores are idle. One operation follows another in the order of the stack;
 * each is of one VM, and the others are its neighbours. Where a host schedules the vCPUs, those of a VM that stands still give up their
 * cores, which others may have meanwhile.
 * A migrated VM goes on on a host alike: its pages have the frames that they had here, its stage 2 is empty.
 * Source: Clark et al., "Live Migration of Virtual Machines", NSDI 2005 (rounds); Hines et al., "Post-copy live migration of virtual
 * machines", VEE 2009; QEMU migration/ram.c, migration.c (convergence, background snapshot); Waldspurger, "Memory Resource Management
 * in VMware ESX Server", OSDI 2002 (ballooning); Linux 6.6 mm/ksm.c, drivers/virtio/virtio_balloon.c.
 * Not modelled: operations side by side; what a TLBI takes from the cores that answer it; headers of pages that
 * were never touched; sharing of pages between VMs; contents that change before a page is shared; the caches of the other host; a
 * guest kernel's look at its tables counts as a write of them.
 */
#ifndef MACHINE_MEMOPS_H
#define MACHINE_MEMOPS_H

#include "hyp/pages.h"
#include "machine/memops_params.h"
#include "stats/stats.h"

struct machine;
struct memops;
struct vcpu;
struct vm;
struct core_spent;

struct memop_stats {
	uint64_t begun, cycles; /* since measuring began; that it took */
	uint64_t done;          /* whether it ended */
	uint64_t pages, bytes, rounds, last_round_pages;
	uint64_t descriptors, changed, tlbi, dsb;
	uint64_t exits, guest_cycles, down_cycles;
	uint64_t copied, fetched, landed;
	uint64_t shared, freed_bytes;
	uint64_t busy_cycles, wait_cycles, idle_cycles; /* of `cycles`: by the thread */
	struct hist fetch;
};

/* The operations of the stack. ERR_CONFIG: no hypervisor, no such VM, no core left, or a value that does not fit. */
enum status memops_new(struct machine *m, struct memops **out, struct err *err);
void memops_free(struct memops *o);
/* Counters of each are under operations.NAME. */
void memops_register_stats(struct memops *o, struct stats *s);

/* The clock of `at` begins at the present cycle of the first vCPU. */
void memops_begin(struct memops *o);
/* When the next step is due; UINT64_MAX: there is none. */
cycles_t memops_next(const struct memops *o);
/* Performs it. *held: vCPUs have been stopped, so they go on later than they would have. */
enum status memops_turn(struct memops *o, bool *held, struct err *err);

/* `v` has taken a stage 2 fault at `now` that was handled so, and has spent *spent on it: adds what it takes beyond that. */
void memops_fault(struct memops *o, struct vcpu *v, const struct hyp_fault *fault, cycles_t now,
		  struct core_spent *spent);
/* The same of pages that were fetched while the kernel of `vm` looked at its tables. */
void memops_fetched(struct memops *o, const struct vm *vm, uint64_t pages, cycles_t now,
		    struct core_spent *spent);

/* Of operation `i`, for who looks on: pages sent in round `round` (0 the first); 0 beyond the last. */
uint64_t memops_round_pages(const struct memops *o, unsigned i, unsigned round);
const struct memop_stats *memops_stats(const struct memops *o, unsigned i);
/* That what each operation's thread did adds up to its time. ERR_CHECK. */
enum status memops_check_sums(const struct memops *o, struct err *err);

#endif
