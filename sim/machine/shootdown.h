/* shootdown.h - TLB maintenance as a core executes it: what it takes from which TLBs, what it costs whom.
 *
 *   shootdown_tlbi: (core, operation, operand) -> which entries went      shootdown_dsb: the barrier behind
 * A TLBI is resolved by the core that executes it, and acts on its TLBs and on those of the cores in its domain. It goes to
 * them as DVM messages (cpu/barrier.h, mem/dvm.h). Or kernels without broadcasts tell each other: `ipi` makes of a kernel's
 * broadcast a local operation on every core that the kernel runs on, in the handler of an interrupt, and the DSB
 * waits until the last has answered. TLBIs between two DSBs are one shootdown: one interrupt for all of them.
 * Source: Arm ARM DDI 0487, D8.17; Linux arch/x86/mm/tlb.c (flush_tlb_multi, mm_cpumask) for the interrupts.
 * Not modelled: handlers wait neither for a core that has interrupts masked nor for one that is in a handler; what a
 * hypervisor does for an interrupt of its guest beyond the exceptions; leaving out cores that have not run the address space.
 */
#ifndef MACHINE_SHOOTDOWN_H
#define MACHINE_SHOOTDOWN_H

#include "cpu/barrier.h"
#include "mmu/maintenance.h"
#include "stats/stats.h"

/* What operations are counted by. */
#define SHOOTDOWN_KINDS(X) \
	X(ADDRESS, address, "by address, one page or block") \
	X(RANGE, range, "by a range of addresses") \
	X(ASID, asid, "by ASID") \
	X(VMID, vmid, "by VMID, both stages or stage 1") \
	X(REGIME, regime, "of a whole regime")

enum shootdown_kind {
#define X(name, text, doc) SHOOTDOWN_##name,
	SHOOTDOWN_KINDS(X)
#undef X
		SHOOTDOWN_KIND_COUNT
};

struct shootdown_kind_stats {
	uint64_t local, broadcast;
	struct hist latency; /* of broadcasts */
};

struct shootdown_stats {
	struct shootdown_kind_stats kind[SHOOTDOWN_KIND_COUNT];
	uint64_t count, operations, interrupts, interrupt_cycles;
	struct hist latency;
};

/* How a kernel's TLBIs go to other cores. */
struct shootdown_kernel {
	bool ipi, guest; /* guest: interrupts leave the guest, at both ends */
};

/* A core that executes them, and is hit by those of others. Zero it, then set what is borrowed. */
struct shooter {
	struct mmu *mmu;
	struct core *core;                     /* NULL: no time passes */
	unsigned place;                        /* among all, and in the DVM */
	const struct shootdown_kernel *kernel; /* that runs on it */
	/* of the shootdown that has begun: */
	cycles_t began;
	unsigned operations;
	bool told; /* others must be told by interrupts */
	/* of interrupts of others that its core has not yet taken: */
	cycles_t first, owed;
};

struct shootdowns {
	struct shooter **shooter; /* of every core; borrowed */
	unsigned count;
	struct dvm *dvm; /* NULL: broadcasts take a constant time, and reach all */
	const struct primitive_params *primitives;
	struct checker *checker; /* is told of TLBI and DSB; NULL: none */
	struct shootdown_stats stats;
};

/* One TLBI. `kernel`: that executes it, and so may tell others by interrupts; NULL: nobody's, a broadcast as it is. */
struct shootdown {
	struct tlbi_op op;
	uint64_t operand;
	const struct tlbi_context *by;
	const struct shootdown_kernel *kernel;
};

void shootdowns_register_stats(struct shootdowns *s, struct stats *stats);

/* *entries counts up what was taken. */
enum tlbi_outcome shootdown_tlbi(struct shootdowns *s, struct shooter *by, const struct shootdown *what,
				 uint64_t *entries);
void shootdown_dsb(struct shootdowns *s, struct shooter *by, unsigned crm);

/* Before a core goes on: it loses what others' messages and interrupts have cost it. Returns whether it lost any cycles. */
bool shootdown_accept(struct shooter *by);

#endif
