/* arch_pending.h - TLBIs that a CPU has executed and that no DSB has completed, and who relied on them too early.
 *
 *   arch_pending_note: a TLBI      arch_pending_awaited: the one that an entry awaits
 *   arch_pending_doubt: a reference found it done      arch_pending_forget: its CPU has gone on without a DSB
 *
 * Until the DSB what a TLBI takes may stand on every CPU, or be gone. Where another CPU finds it gone, software may be right:
 * a fault that comes between the change of tables and the DSB maps another page already (Linux, of a page that a thread
 * unmaps while another touches it). Such a reference is in doubt. The DSB that follows settles it; a CPU that leaves for a
 * lower exception level without one, or that had a DSB for itself alone, has forgotten it, and the doubt is a conflict.
 * What the TLBI's own CPU finds is never in doubt: its program order is known.
 * Source: Arm ARM DDI 0487, D8.17 (completion of TLB maintenance).
 */
#ifndef CLI_ARCH_PENDING_H
#define CLI_ARCH_PENDING_H

#include "mmu/tlbi.h"

/* A reference that went elsewhere than the TLB of its CPU says. */
struct arch_conflict {
	uint64_t line, va, pa;
	unsigned cpu, el;
	struct tlb_entry held;
};

struct arch_pending {
	struct tlbi_scope scope;
	uint64_t line;
	unsigned el;          /* that executed it */
	bool here, elsewhere; /* where entries may still stand: on its own CPU, on the others */
	bool forgotten;       /* its CPU went on without the DSB that the others need */
	uint64_t doubts;      /* references of others that found it done */
	struct arch_conflict first;
};

/* Those of one CPU, oldest first. */
struct arch_pendings {
	struct arch_pending *list;
	unsigned count, room;
	unsigned forgotten; /* the first so many have all been forgotten */
};

void arch_pending_note(struct arch_pendings *all, const struct arch_pending *p);
/* The oldest that would take `e` from its own CPU, or from another; NULL: none. Good until the next note. */
struct arch_pending *arch_pending_awaited(const struct arch_pendings *all, const struct tlb_entry *e,
					  bool own);
/* Notes a reference of another CPU that found `p` done. False: that cannot be right. */
bool arch_pending_doubt(struct arch_pending *p, const struct arch_conflict *reference);
/* Their CPU has gone on at `el` without a DSB for those of higher levels. Those of them that are in doubt are given to `fn`. */
typedef void arch_pending_fn(void *ctx, const struct arch_pending *p);
void arch_pending_forget(struct arch_pendings *all, unsigned el, arch_pending_fn *fn, void *ctx);

#endif
