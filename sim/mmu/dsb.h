/* dsb.h - what a DSB waits for, by its CRm: domain <3:2>, types of access <1:0>.
 *
 *   dsb_as_executed(crm, who) -> crm as HCR_EL2.BSU and the reserved encodings make it; the others take that
 * Source: Arm ARM DDI 0487, C6.2 (DSB: domains and types; reserved encodings act as the full system's barrier; SSBB, PSSBB), B2.3
 * (completion of TLB maintenance: by a DSB for loads and stores of the CPU that executed it), HCR_EL2.BSU.
 * Not modelled: nXS forms, whose effect on TLBs is that of the plain form.
 */
#ifndef MMU_DSB_H
#define MMU_DSB_H

#include "mmu/tlbi.h"

enum dsb_domain { DSB_OUTER_SHAREABLE, DSB_NON_SHAREABLE, DSB_INNER_SHAREABLE, DSB_FULL_SYSTEM };
enum dsb_types { DSB_OTHER, DSB_LOADS, DSB_STORES, DSB_LOADS_AND_STORES };

static inline enum dsb_domain dsb_domain(unsigned crm) { return (enum dsb_domain)(crm >> 2 & 3); }
static inline enum dsb_types dsb_types(unsigned crm) { return (enum dsb_types)(crm & 3); }
/* Of its own CPU. */
static inline bool dsb_waits_for_tlbis(unsigned crm) { return dsb_types(crm) == DSB_LOADS_AND_STORES; }
static inline bool dsb_waits_for_stores(unsigned crm) { return dsb_types(crm) >= DSB_STORES; }

/* Everything is DSB SY that is neither allocated nor a barrier of speculation (SSBB, PSSBB); the domain of a guest's is no smaller than
 * HCR_EL2.BSU says. */
unsigned dsb_as_executed(unsigned crm, const struct tlbi_context *who);

#endif
