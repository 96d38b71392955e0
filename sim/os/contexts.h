/* contexts.h - who gets which ASID or VMID, and what must leave the TLBs for it.
 *
 *   contexts_switch: (cpu, space) -> the number it runs with, and the flush that is due first
 * A space is an address space (ASID) or a VM (VMID); its owner keeps a `struct context`, zeroed at first. To add an
 * allocator: write sim/os/ctx_<name>.c with `const struct ctx_allocator ctx_<name>` and a row in CTX_ALLOCATORS. From
 * that follow its name in configuration, its help and the contract tests: no entry that one space left in
 * a TLB may ever be found by another.
 *   contexts_pin: space -> the number that it keeps over rollovers, for a device that uses its tables (SVA)
 * Numbers may come in pairs (KPTI): a space has an even one, which its kernel runs with, and the odd one behind it for
 * the program; half as many spaces then have one.
 * Source: Linux 6.6 arch/arm64/mm/context.c and arch/arm64/kvm/vmid.c; see each allocator.
 * Not modelled: the lock and what allocation itself costs; that a device's TLB is told of what changes (TLBIs do).
 */
#ifndef OS_CONTEXTS_H
#define OS_CONTEXTS_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/stats.h"

#define CTX_ALLOCATORS(X) \
	X(linux, "generations, as Linux: every CPU flushes itself at its first switch after a rollover") \
	X(kvm, "generations, as KVM for VMIDs: a rollover flushes all CPUs at once") \
	X(lru, "a number is taken from whoever has not run for longest, and flushed by number everywhere") \
	X(flush, "one number for all: every switch to another space flushes it")

enum ctx_kind {
#define X(name, doc) CTX_##name,
	CTX_ALLOCATORS(X)
#undef X
		CTX_COUNT
};
extern const char *const ctx_names[]; /* NULL at the end */

/* What must be invalidated before the space runs; of a number in pairs, both. */
enum ctx_flush {
	CTX_FLUSH_NONE,
	CTX_FLUSH_CPU,              /* everything of the regime, on this CPU (TLBI VMALLE1) */
	CTX_FLUSH_EVERYWHERE,       /* everything of every number, on all CPUs (TLBI ALLE1IS) */
	CTX_FLUSH_NUMBER,           /* this number, on this CPU (TLBI ASIDE1) */
	CTX_FLUSH_NUMBER_EVERYWHERE /* this number, on all CPUs (TLBI ASIDE1IS) */
};

struct context {
	uint64_t id;    /* generation above the number; 0: none yet */
	uint64_t stamp; /* when it ran last */
	uint32_t pins;  /* contexts_pin() so often more than contexts_unpin() */
};

struct ctx_switch {
	uint16_t number; /* in pairs the kernel's */
	enum ctx_flush flush;
};

/* The number of the program in a space that has `number`. */
static inline uint16_t ctx_user_number(uint16_t number, bool pairs) { return number | pairs; }

struct ctx_stats {
	uint64_t switches, allocations, reuses, rollovers, evictions, flushes, pins, pins_refused;
};
extern const struct stat_desc ctx_stat_rows[];
extern const size_t ctx_stat_row_count;
extern const struct stat_desc ctx_pin_rows[]; /* for who pins */
extern const size_t ctx_pin_row_count;

struct contexts; /* one allocator, of all CPUs */

/* Numbers of `bits` (1..16); 0 is kept back, as Linux keeps it for tables without user space and KVM for the host.
 * There must be more numbers than CPUs. */
struct contexts *contexts_new(enum ctx_kind kind, unsigned bits, unsigned cpus);
void contexts_free(struct contexts *c);
/* The same for numbers in pairs; there must be more pairs than CPUs. */
struct contexts *contexts_new_pairs(enum ctx_kind kind, unsigned bits, unsigned cpus);

/* `space` runs on `cpu` from now on. */
struct ctx_switch contexts_switch(struct contexts *c, unsigned cpu, struct context *space);
/* Nothing runs on `cpu` any more; its number may be given away at the next rollover (KVM: vcpu_put). */
void contexts_leave(struct contexts *c, unsigned cpu);
/* The space is gone and must not be used again, nor run anywhere, nor be pinned. */
void contexts_drop(struct contexts *c, struct context *space);

/* The number that devices use for `space`, the program's one in pairs; it stays until as many contexts_unpin() have come.
 * 0: the allocator pins none (all but linux), or so many are pinned that a rollover might leave no number:
 * contexts_most_pinned(). */
uint16_t contexts_pin(struct contexts *c, struct context *space);
void contexts_unpin(struct contexts *c, struct context *space);
uint64_t contexts_most_pinned(const struct contexts *c);

struct ctx_stats *contexts_stats(struct contexts *c);

#endif
