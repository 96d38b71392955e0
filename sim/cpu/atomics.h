/* atomics.h - LDXR, STXR, CLREX and the atomics of FEAT_LSE, as a core executes them.
 *
 *   core_atomic: record -> it has been executed; *failed: a store exclusive did not store
 * Each begins when all before it has retired, and what follows begins when it has its value, as with acquire and release. An atomic of LSE
 * is near - the core gets the line, and changes it - or far: it goes to the line's home, which takes it from all caches and is busy with it
 * for coherence.far_atomic_ns; coherence.atomics says which. One whose line the core has for itself is near in any case. One that returns
 * no value (STADD) is posted: the core waits for no more than room in its store buffer. Whether a store exclusive stores the monitors say (mem/monitors.h), who see
 * what cores store to lines that they share where there is a directory (coherence.protocol).
 * A store exclusive that fails counts as no access, an atomic of LSE as a store.
 * Source: Arm ARM DDI 0487, B2.17 and C3.2.12; Arm IHI 0050 (CHI), atomic transactions.
 * Not modelled: values, so a CAS always stores; the order of LDXR without acquire.
 */
#ifndef CPU_ATOMICS_H
#define CPU_ATOMICS_H

#include "cpu/core.h"
#include "mem/coherence.h"
#include "mem/monitors.h"

struct atomic_stats {
	uint64_t load_exclusives, store_exclusives, failed;
	uint64_t near, far;
	uint64_t cycles;
};

/* What a core needs for them. Zero it, then set what is borrowed. */
struct core_atomics {
	struct core *core;
	const struct coherence *coherence;
	struct monitors *monitors;
	unsigned pe; /* in them */
	struct atomic_stats stats;
};

void core_atomics_register_stats(struct core_atomics *a, struct stats *s, unsigned number);

static inline bool is_atomic_record(const struct record *r)
{
	return r->kind >= REC_LDXR && r->kind <= REC_ATOMIC;
}

/* Executes LDXR, STXR, CLREX or ATOMIC. Errors of the fault handler. */
enum status core_atomic(struct core_atomics *a, const struct record *r, bool *failed, struct err *err);

#endif
