/* host_memory.h - the memory that the software below a guest runs in, as its own kernel maps it.
 *
 *   host_memory_reserve(bytes) once      host_memory_locate(offset, level) -> PA, and the cycle at which it is known
 * The host's kernel is a kernel like any other (os/): real tables, a half for itself and one for the VMM, huge pages where
 * pages are 4K, as Linux's linear map has them. A look-up makes the host's registers the present context of the core's MMU, so that
 * its translations go through the same TLBs and walk caches as the guest's, under tags of their own; host_memory_leave() gives the
 * guest its context back. The host runs at EL2 with VHE (regime EL2&0) and at EL1 without (EL1&0 under VMID 0).
 * Source: Arm ARM DDI 0487, D8.1 (regimes); Linux arch/arm64/mm/mmu.c (linear map).
 * Not modelled: translation of EL2's own code without VHE, and of EL3's: few pages, found at once; stage 2 of a host below
 * protected KVM; page-table designs other than Arm's, with which all lines are found at once.
 */
#ifndef MACHINE_HOST_MEMORY_H
#define MACHINE_HOST_MEMORY_H

#include "mem/frames.h"
#include "mmu/mmu.h"

struct host_memory;

struct host_memory_parts { /* all borrowed */
	const struct features *features;
	struct frames *frames; /* of the hardware's memory, made for pages of `page_size` */
	struct physmem *memory;
	struct mmu *mmu;
	const struct sysregs *guest; /* registers as they are while the guest runs */
	unsigned page_size;          /* enum os_page_size */
};

struct host_memory *host_memory_new(const struct host_memory_parts *parts);
void host_memory_free(struct host_memory *h);

/* Maps `bytes` from offset 0 on, in both halves; the same once more is there already. ERR_CONFIG: no memory. */
enum status host_memory_reserve(struct host_memory *h, uint64_t bytes, struct err *err);

/* Where code at `el` finds the byte at `offset`, and when, if it asks at `now`. */
cycles_t host_memory_locate(struct host_memory *h, uint64_t offset, unsigned el, bool e2h,
			    enum access_kind kind, cycles_t now, uint64_t *pa);
/* Another guest is on the core: its registers, borrowed. */
void host_memory_set_guest(struct host_memory *h, const struct sysregs *guest);
/* The guest goes on. */
void host_memory_leave(struct host_memory *h);

#endif
