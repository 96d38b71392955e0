/* maintenance_impl.h - what the files of the checker (maintenance.h) share. */
#ifndef MMU_MAINTENANCE_IMPL_H
#define MMU_MAINTENANCE_IMPL_H

#include "mmu/cached.h"

struct checker {
	const struct features *features;
	struct physmem *memory;
	mistake_fn *report;
	void *owner;
	struct cached_set set;
	struct regime_info **regimes; /* in which anything was translated */
	size_t regime_count;
	unsigned cpu; /* that acts */
	bool several; /* CPUs have acted */
	struct checker_stats stats;
};

/* Whether TLBIs must take this part before it is gone. */
static inline bool cached_needs(const struct cached *x, enum cached_part part)
{
	if (part == CACHED_LEAF) return !x->tables_only;
	return part == CACHED_TABLES ? x->needs_tables || x->tables_only : x->needs_ipa;
}

#endif
