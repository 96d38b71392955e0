#include "mem/line_prefetch.h"

const struct line_prefetcher *const line_prefetchers[LINE_PREFETCH_COUNT] = {NULL,
#define X(n, doc) &line_prefetch_##n,
									     LINE_PREFETCHERS(X)
#undef X
};

const char *const line_prefetch_names[] = {"none",
#define X(n, doc) #n,
					   LINE_PREFETCHERS(X)
#undef X
						   NULL};

#define F struct line_prefetch_params
static const struct param rows[] = {
	HW_ENUM(F, kind, line_prefetch_names, LINE_PREFETCH_none,
		"what is brought ahead of requests, within their frame of 4 KiB (strata list cache-prefetchers)"),
	HW_U64(F, degree, "lines", 0, 0, 8,
	       "lines asked for at once; 0: two by stream, one by others; best_offset knows no other"),
	HW_U64(F, distance, "strides", 0, 0, 64,
	       "how far ahead of the request stride begins, in strides (0: 1), and how far stream gets, in lines (0: 16)"),
	HW_U64(F, table_entries, "rows", 64, 1, 65536,
	       "instructions that stride knows, streams that stream knows"),
	HW_U64(F, confirm, "misses", 2, 1, 16,
	       "misses behind the first, in one direction, until stream follows them"),
	HW_BOOL(F, walks, 0,
		"descriptor reads of walkers train it, as they do any prefetcher of drcachesim's that acts on misses; no: they "
		"only use what it brings"),
};
#undef F
SCHEMA(line_prefetch_schema, "line_prefetch", struct line_prefetch_params, rows,
       "prefetching of lines into a cache");
