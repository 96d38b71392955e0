/* machine_host.h - the host that schedules a machine's vCPUs where they share cores: it says who runs, and what that costs.
 *
 *   machine_start(turns)      then, by the engine: machine_stop_at, machine_expire, machine_wake, machine_end
 * The engine asks, and is told through `turns` which threads run, stop, and want to be woken; a thread is on a core from `runs` to `stops`.
 * A switch costs the core what it takes to leave one vCPU and to enter another, books idle time where nobody wants the core, and does
 * what KVM does for the TLB: TLBI VMALLE1, for this core alone, when another vCPU of the same VM ran here last, since that one may
 * have used the same ASIDs for other address spaces. Time of a vCPU is run, steal (it could run, but waited for a core), or idle.
 * A vCPU that waits for a lock of its program spins on its core. KVM on arm64 has no paravirtual spin locks; what it has is that WFE, by
 * which Linux spins, traps where others wait for the core, and the vCPU gives it up (wfe_exits). At a mutex it sleeps in the end.
 * Tasks of the host that are no vCPUs (host_task.h) take cores from them, too.
 * Source: Linux 6.6 arch/arm64/kvm/arm.c (kvm_arch_vcpu_load, last_vcpu_ran), hyp/vhe/tlb.c (__kvm_flush_cpu_context),
 * arch/arm64/kvm/handle_exit.c (kvm_handle_wfx), virt/kvm/kvm_main.c (kvm_vcpu_halt, kvm_vcpu_on_spin).
 * Not modelled: which vCPU a yield prefers (kvm_vcpu_yield_to()), exits of WFE after which the same vCPU goes on; interrupts that the host takes for its ticks where nobody else waits, and for timers of vCPUs that do not run.
 */
#ifndef MACHINE_MACHINE_HOST_H
#define MACHINE_MACHINE_HOST_H

#include "machine/machine.h"

struct machine_turns {
	void *self;
	void (*runs)(void *self, unsigned t);               /* from machine_now() on */
	void (*stops)(void *self, unsigned t);              /* it has no turn until it runs again */
	void (*wakes)(void *self, unsigned t, cycles_t at); /* machine_wake() at that time, unless it runs or
						       * names another before */
};

/* Whether threads share cores or move, so that the calls below are needed. */
bool machine_schedules(const struct machine *m);

/* How many tasks of the host there are: numbered behind the threads, they have wake-ups alone. */
unsigned machine_host_tasks(const struct machine *m);

/* Puts the threads on their cores, all ready at cycle 0. */
enum status machine_start(struct machine *m, const struct machine_turns *turns, struct err *err);
/* Whether thread `t` has lost its core while it ran records: it sleeps. */
bool machine_has_stopped(const struct machine *m, unsigned t);
/* When thread `t`, which runs, has to make way; UINT64_MAX: nobody waits. */
cycles_t machine_stop_at(const struct machine *m, unsigned t);
/* That time has come. */
enum status machine_expire(struct machine *m, unsigned t, struct err *err);
/* The time that `wakes` named has come. */
enum status machine_wake(struct machine *m, unsigned t, cycles_t at, struct err *err);
/* Thread `t`, which runs, spins at a lock of its program until `at`, and then as long as it has its core and nobody gives the lock back;
 * *next is when to ask again, UINT64_MAX: not until it is told to run. */
enum status machine_spin(struct machine *m, unsigned t, cycles_t at, cycles_t *next, struct err *err);
/* The stream of thread `t`, which runs, is at its end. */
enum status machine_end(struct machine *m, unsigned t, struct err *err);

#endif
