/* events.h - what the architectural events of a workload do to the kernel and the core that run it.
 *
 *   events_execute(record): TLBI, DSB, SWITCH, MAP, UNMAP; others are counted and have no effect
 *
 * The workload's kernel executes them: at EL1, or at EL2 where it is a VHE host. SWITCH makes the address space of its ASID
 * the present one, a new one at first; threads with one ASID share it. UNMAP takes pages from the kernel's tables and
 * flushes them as Linux does: one TLBI per page or per range, or one by ASID where that is cheaper. MAP puts new memory
 * in place of what was mapped there, touched first by the accesses that follow.
 * Source: Arm ARM DDI 0487, D8.17 (TLBI, DSB); Linux 6.6 arch/arm64/include/asm/tlbflush.h (__flush_tlb_range).
 * Not modelled: the time that events take; an ASID given to another process after a rollover; permissions of MAP (the
 * kernel grants by first touch); waiting for other cores.
 */
#ifndef MACHINE_EVENTS_H
#define MACHINE_EVENTS_H

#include "base/record.h"
#include "mmu/tlbi.h"
#include "os/os.h"

struct event_stats {
	uint64_t ignored, barriers, switches, unmaps;
	uint64_t tlbi, tlbi_undefined;
	uint64_t tlbi_entries;
};
extern const struct stat_desc event_stat_rows[];
extern const size_t event_stat_row_count;

/* Everything but `aspaces` and `stats` is borrowed. Zero it, then set what is borrowed. */
struct events {
	struct os *os;
	unsigned page_bits;
	const struct features *features;
	struct mmu *mmu;
	struct sysregs *regs;
	enum regime regime;        /* of the workload: EL10, or EL20 under a VHE host */
	struct os_aspace *present; /* the address space that runs */
	struct os_aspace **aspaces;
	size_t aspace_count;
	struct event_stats stats;
};

/* Begins with `first` as the present address space. events_fini() frees the list, not what it points to. */
void events_start(struct events *e, struct os_aspace *first);
void events_fini(struct events *e);
/* Makes the first address space the present one again. */
void events_rewind(struct events *e);

/* Executes one record that is no access. ERR_INPUT: an ASID that the machine does not have; ERR_CONFIG: no memory for
 * another address space's root table. */
enum status events_execute(struct events *e, const struct record *rec, struct err *err);

#endif
