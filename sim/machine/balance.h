/* balance.h - automatic NUMA balancing on a machine: of the memory of a VM, by its host, or of a program, by the kernel.
 *
 *   balance_new: if the policy asks for it      balance_next, balance_turn: scans, in turn with the threads
 *   balance_enter, balance_spend: around a fault of a thread
 * What is decided is in os/balancing.h. A scan is performed by a thread that runs, which spends its time: descriptors become invalid,
 * and TLBIs take them. The host unmaps a VM's memory at stage 2 (STAGE2_HINT), as the MMU notifier of change_prot_numa() has KVM do;
 * a kernel makes stage 1 descriptors PROT_NONE. Then each page that is touched faults, and either stays where it is or migrates: it
 * is copied through the caches of who faulted. Its mapping is invalid already, so migration itself needs no TLBI.
 * Memory of hugetlbfs is left alone. A task alone in its address space leaves pages of its own node alone (target_node of change_prot_numa()); a VM's VMM has threads.
 * Source: Linux 6.6 kernel/sched/fair.c (task_numa_work), mm/mprotect.c (change_pte_range), mm/memory.c (do_numa_page), mm/migrate.c
 * (migrate_misplaced_page), arch/arm64/kvm/mmu.c (kvm_unmap_gfn_range).
 * Not modelled: VMAs (all that is mapped is one); one time of the next scan for each address space (a kernel has one for all); the
 * host's own table beside stage 2, but for instructions; mmap_lock; the range that KVM
 * flushes once more at each migration where it defers flushes; scans of kernel threads; swapping two tasks.
 */
#ifndef MACHINE_BALANCE_H
#define MACHINE_BALANCE_H

#include "base/types.h"
#include "os/balancing.h"

struct balance;
struct vm;
struct vcpu;
struct core_spent;

/* Those of a VM, or natively of the kernel; *out stays NULL where nothing is balanced. ERR_CONFIG: what cannot be with it. */
enum status balance_new(struct vm *vm, struct err *err);
void balance_free(struct balance *b);
void balance_register_stats(struct vm *vm, struct stats *s);

void balance_begin(struct balance *b, cycles_t now);
/* When the next scan is due; UINT64_MAX: never, also of NULL. */
cycles_t balance_next(const struct balance *b);
enum status balance_turn(struct balance *b, struct err *err);

/* `v` takes a fault at `now`: what is decided is decided for it. NULL: nothing happens. */
void balance_enter(struct balance *b, struct vcpu *v, cycles_t now);
/* What its faults since then take beyond what faults take; adds to *spent. */
void balance_spend(struct balance *b, struct vcpu *v, cycles_t now, struct core_spent *spent);

#endif
