/* barrier.h - the time of TLB maintenance and of the barriers that wait for it.
 *
 *   core_tlbi: a TLBI leaves the core      core_dsb: waits until what is under way has completed
 *
 * A TLBI takes its issue slot and completes later, beside whatever the core does next: on this core after
 * `tlbi_local_cycles`, and on all others after `tlbi_broadcast_cycles`, when they have answered its DVM message, or later
 * where messages wait for each other (mem/dvm.h). Several overlap. A DSB for loads and stores waits for stores that have left the core and for the TLBIs before it: one for the
 * core alone (NSH) only until this core is done, one for a wider domain until all are. A DSB for stores or loads alone
 * waits for no TLBI. Waiting for stores, and the barrier itself, is booked to BARRIER; waiting for TLBIs, and their
 * issue, to TLB_MAINTENANCE.
 * Source: Arm ARM DDI 0487, B2.3 (DSB) and D8.17 (completion of TLB maintenance).
 * Not modelled: ISB's refetch.
 */
#ifndef CPU_BARRIER_H
#define CPU_BARRIER_H

#include "cpu/core.h"
#include "cpu/primitive_params.h"
#include "mmu/tlbi.h"

/* What they cost on a machine; all nothing before. */
void core_set_maintenance(struct core *c, const struct primitive_params *p);
/* Whose TLBIs and DSBs come next: those of a handler at `el`, or of the workload (0). */
void core_maintain_at(struct core *c, unsigned el);
/* From now on broadcasts go out as messages of `d` (borrowed), in which this core has the place that dvm_join() gave. */
void core_set_dvm(struct core *c, struct dvm *d, unsigned place);
/* `reach`: who must act. Returns the cycle at which all have. */
cycles_t core_tlbi(struct core *c, enum tlbi_share reach);
/* Others than this core have done a TLBI of its only at cycle `done`: a DSB waits for that, too. */
void core_await_tlbi(struct core *c, cycles_t done);
/* The core loses the cycles that messages of others have cost it; returns how many. */
cycles_t core_accept(struct core *c);
/* `crm`: domain <3:2> and access types <1:0>, as the instruction has them. */
void core_dsb(struct core *c, unsigned crm);

#endif
