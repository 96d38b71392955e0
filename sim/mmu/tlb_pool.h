/* tlb_pool.h - the TLBs that cores share: one for each cluster, die or socket that has a core in use.
 *
 *   tlb_pool_get: (row, core) -> the TLB, built for the first core that asks
 * Cores share entries because they use the same tables under the same ASIDs and VMIDs: software says so by TTBR.CnP, and a
 * machine without FEAT_TTCNP cannot (checked in machine_check.c). A TLBI for one core takes what it names out of a shared
 * TLB, too, where other cores then miss it; the architecture lets it.
 * Source: Arm ARM DDI 0487, D8.15.4 (common not private translations).
 */
#ifndef MMU_TLB_POOL_H
#define MMU_TLB_POOL_H

#include "mem/topology.h"
#include "tlb/tlb.h"

struct mmu;

struct shared_tlb {
	struct tlb *tlb;
	const struct tlb_params *row;
	unsigned unit;
	struct mmu **user; /* MMUs that look here */
	unsigned users;
};

struct tlb_pool { /* starts as {0}, but for the topology */
	struct topology_params topology;
	struct shared_tlb **item; /* in the order in which they were built */
	unsigned count;
};

/* The TLB of `row` for core `cpu`, which `m` looks in from now on. */
enum status tlb_pool_get(struct tlb_pool *p, const struct tlb_params *row, unsigned cpu, struct mmu *m,
			 struct shared_tlb **out, struct err *err);
void tlb_pool_fini(struct tlb_pool *p);
void tlb_pool_register_stats(struct tlb_pool *p, struct stats *s);
/* The look-up time of the nearest that two cores share; UINT64_MAX: there is none. */
cycles_t tlb_pool_cross_latency(const struct tlb_pool *p);

#endif
