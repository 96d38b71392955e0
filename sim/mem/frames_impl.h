/* frames_impl.h - what frames.h keeps. For frames*.c only. */
#ifndef MEM_FRAMES_IMPL_H
#define MEM_FRAMES_IMPL_H

#include "base/permute.h"
#include "mem/frames.h"

enum {
	FRAMES_SIZES = 64, /* log2 of the largest size */
	FRAMES_REGIONS_MAX = 64
};

struct range {
	uint64_t next, end;
};

struct range_stack {
	struct range *item;
	size_t count, allocated;
};

/* Scattering: units of the region are numbered from `origin`; odd ones go to pages, even ones to all. */
struct scatter {
	bool on, evens_closed;  /* closed: all even units that were left are scattered over, too */
	unsigned unit_bits;     /* log2 of a unit's bytes */
	uint64_t origin, units; /* units that lie in the region at least in part */
	uint64_t next_even;     /* in even units; those before are taken whole */
	uint64_t drawn, total;  /* position in the permutation, and its length in pages */
	struct permutation order;
};

struct frames {
	struct frames_params p;
	uint64_t base, end;       /* whole pages */
	uint64_t bump;            /* in order: everything from here on was never taken */
	struct range pages;       /* a pageblock of which small requests are cut */
	struct range tables;      /* a group of table pages */
	struct range_stack spare; /* what alignment skipped */
	struct range_stack given[FRAMES_SIZES];
	uint64_t limit;              /* isolated from here on: neither handed out nor kept when given back */
	struct range_stack isolated; /* what was free there */
	struct range_stack pool, pool_free; /* huge pages set aside; those that nobody has */
	struct frames_pool_stats pool_stats;
	struct scatter scatter;
	struct rng rng;
	uint64_t used, takes;
	struct frames **region; /* of several joined, which is all that this one is; else NULL */
	unsigned regions;
	unsigned order[FRAMES_REGIONS_MAX], ordered;
	unsigned table_order[FRAMES_REGIONS_MAX], table_ordered, table_turn; /* of tables; 0: as pages */
	bool tables_in_turn;
};

/* Bytes [from, end) come onto the stack, if there are any. */
void frames_push(struct range_stack *s, uint64_t from, uint64_t end);
/* Cuts 2^bits bytes off the newest range; all ranges of a stack are multiples of that. */
bool frames_pop(struct range_stack *s, unsigned bits, uint64_t *addr);
/* Region `number` of several joined, or the only one; and the one that is asked first. */
struct frames *frames_numbered(struct frames *f, unsigned number);
struct frames *frames_preferred(struct frames *f);
/* Whether a block was set aside for the pool of this very region. */
bool frames_is_own_pooled(const struct frames *f, uint64_t addr);

#endif
