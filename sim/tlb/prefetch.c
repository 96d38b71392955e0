#include "tlb/prefetch.h"

const struct prefetcher *const prefetchers[PREFETCH_COUNT] = {NULL,
#define X(n, doc) &prefetch_##n,
							      PREFETCHERS(X)
#undef X
};

const char *const prefetch_names[] = {"none",
#define X(n, doc) #n,
				      PREFETCHERS(X)
#undef X
					      NULL};

static const char *const neighbours_names[] = {"own", "none", "all", "sampled", NULL};

#define F struct prefetch_params
static const struct param rows[] = {
	HW_ENUM(F, kind, prefetch_names, PREFETCH_none,
		"what is prefetched when the last TLB level misses: next_page (pages behind), stride (one and two before and "
		"behind), asp and masp (strides per instruction), distance (what followed the same distance), recency (what left "
		"the TLB beside it), h2p (the last two distances), free_pte (neighbours on the descriptor lines that were read), sbfp (of "
		"these, those that sampling finds worth it), atp (stride, h2p or masp, and sbfp's neighbours)"),
	HW_ENUM(F, neighbours, neighbours_names, 0,
		"neighbours on the descriptor lines that are put into the buffer: as the kind has it (own), none, all, or those "
		"at distances that sampling finds worth it"),
	HW_U64(F, buffer_entries, "entries", 64, 1, 4096,
	       "translations in the prefetch buffer; fully associative, the oldest goes first"),
	HW_U64(F, hit_cycles, "cycles", 0, 0, 1000,
	       "added to an access that hits in the buffer, after the last TLB level; 0: both are looked up at once"),
	HW_U64(F, degree, "pages", 1, 1, 8,
	       "pages that next_page prefetches, successors that distance keeps per row"),
	HW_U64(F, table_entries, "rows", 64, 1, 16777216,
	       "rows of the table of asp, masp, atp and distance; pages that recency remembers"),
};
#undef F
SCHEMA(prefetch_schema, "prefetch", struct prefetch_params, rows,
       "prefetching of translations into a buffer beside the last TLB level");
