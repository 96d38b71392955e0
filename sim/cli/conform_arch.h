/* conform_arch.h - `strata conform --arch`: TLBs against the recorded events of real hosts and guests.
 *
 *   conform_arch: DIR with arch.txt.zst, regs_start.json, regs_end.json -> what the TLBs did, and conflicts
 *
 * Every CPU follows its recorded registers and exception levels, and looks every reference up in its TLBs. A miss takes
 * the recorded page as the walk's result; a hit that gives another page is a conflict: either tagging or maintenance
 * let a stale entry live. It is printed with the line since which the entry stands.
 *
 * Entries are 4 KiB pieces, since the recording says no sizes: of a page of the stage 1 granule, or of a block that is
 * not known. So a TLBI takes all pieces of the page, of the block that its level hint names, and without a hint of any
 * block that begins at its address.
 *
 * A TLBI promises nothing before the DSB of the same CPU that waits for it: until then its entries may stand, and be
 * brought again by walks of others. All go at the DSB, for loads and stores; on other CPUs if its domain, or that of
 * HCR_EL2.BSU, is not the CPU alone. A change of page before is a conflict on the TLBI's own CPU; on another one it may be
 * a fault that was quick, and is a conflict only where the TLBI's CPU goes on without the DSB (arch_pending.h). A fault
 * that is quicker than the TLBI itself is always one. Linux lets it happen, when a thread touches a page that another
 * is unmapping; but that breaks break-before-make, and a TLB may then hold either page.
 *
 * Global or not is not recorded. Addresses of the upper half are taken to be global: so are an operating system's own
 * in Linux, whose nG is clear, and with KPTI, which sets it, all address spaces agree about them. Those of the lower
 * half belong to their ASID; that is exact for programs, and for the few global identity mappings of a boot it loses hits
 * only. Being global is the stricter claim: such an entry is hit under every ASID and outlives ASIDE1.
 *
 * At the end the registers are compared with regs_end.json and differences printed. They are no failure: that file was
 * taken when the machine had been stopped, and may be some thousand instructions younger than the last event.
 * Source: Arm ARM DDI 0487, D8.16 (ASIDs, VMIDs, global entries), D8.17 (TLBI: scope, level hints, completion by DSB),
 * C6.2 (DSB: domains and types), HCR_EL2.BSU.
 * Not modelled: references to devices (the recording does not say where they go) and with stage 1 off, which TLBs need
 * not hold; both are counted and not looked up.
 */
#ifndef CLI_CONFORM_ARCH_H
#define CLI_CONFORM_ARCH_H

#include <stdio.h>

#include "base/status.h"
#include "config/schema.h"
#include "tlb/tlb.h"

struct arch_options {
	const struct param_list *tlbs; /* of struct tlb_params; NULL: one TLB that is never full */
	const char *without; /* for tests: name of the TLBI row (all shareabilities) that has no effect */
	tlb_tag_t untagged;  /* for tests: tag bits that are left out */
};

struct arch_totals {
	uint64_t lines, references, hits, misses, evictions;
	uint64_t invalidations; /* TLBIs executed */
	uint64_t invalidated;   /* entries that they took, from all TLBs together */
	uint64_t undefined, devices, untranslated;
	uint64_t conflicts;
	unsigned register_differences;
};

/* The first conflicts are printed to `report`. ERR_INPUT names file and line. */
enum status conform_arch(const char *dir, const struct arch_options *o, FILE *report,
			 struct arch_totals *totals, struct err *err);

#endif
