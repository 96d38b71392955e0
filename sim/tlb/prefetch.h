/* prefetch.h - which pages to translate before they are asked for: one interface for TLB prefetchers.
 *
 *   miss: a page missed the last TLB level -> the pages to prefetch
 *
 * To add one: write sim/tlb/prefetch_<name>.c defining `const struct prefetcher prefetch_<name>`, and add a
 * row below. Its config name, its help text and its contract tests follow from the row.
 * A prefetcher sees page numbers, at the size of the translation that missed, in the order of the misses; a
 * hit in the prefetch buffer is a miss of the TLBs and is told, too. Its state is allocated and zeroed by the
 * owner. It may propose anything; the owner leaves out what is held already, and what no walk can translate.
 * Not modelled: state per address space; tables that are looked up before the miss is known.
 */
#ifndef TLB_PREFETCH_H
#define TLB_PREFETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/schema.h"

#define PREFETCHERS(X) \
	X(next_page, "the pages behind the one that missed") \
	X(stride, "the pages one and two before and behind") \
	X(asp, "per instruction: the stride of its misses, once it repeats") \
	X(masp, "per instruction: its last stride, and the present one") \
	X(distance, "what followed when misses lay as far apart before") \
	X(recency, "the pages that left the TLB just before and after this one") \
	X(h2p, "the pages that the last two distances lead to") \
	X(free_pte, "the neighbours on the descriptor lines that the walk has read") \
	X(sbfp, "of these, those at distances that sampling finds worth it") \
	X(atp, "stride, h2p or masp, whichever would have done best lately, with sbfp's neighbours")

enum prefetch_kind {
	PREFETCH_none,
#define X(n, doc) PREFETCH_##n,
	PREFETCHERS(X)
#undef X
		PREFETCH_COUNT
};

enum { PREFETCH_PAGES_MAX = 16 };
#define PREFETCH_NO_PAGE UINT64_MAX

/* Which neighbours of a page that was walked for, known from the descriptor lines that the walk has read, go to the buffer. */
enum prefetch_neighbours { NEIGHBOURS_NONE, NEIGHBOURS_ALL, NEIGHBOURS_SAMPLED };

struct prefetch_params {
	uint64_t neighbours; /* 0: as the prefetcher has it; else enum prefetch_neighbours + 1 */
	uint64_t kind, buffer_entries, hit_cycles, degree, table_entries;
};
extern const struct schema prefetch_schema;

struct prefetch_miss {
	uint64_t page;
	uint64_t pc; /* of the instruction; of one fetched, its own address */
	uint64_t
		evicted; /* the page that left the last TLB level for it, at its own size; PREFETCH_NO_PAGE: none */
};

struct prefetch_list {
	uint64_t page[PREFETCH_PAGES_MAX];
	unsigned count;
};

static inline void prefetch_propose(struct prefetch_list *out, uint64_t page)
{
	if (out->count < PREFETCH_PAGES_MAX) out->page[out->count++] = page;
}

struct prefetcher {
	const char *name, *source; /* `source`: the paper that the behaviour is from */
	enum prefetch_neighbours neighbours;
	size_t (*state_bytes)(const struct prefetch_params *p); /* NULL: none. A multiple of 8 */
	void (*miss)(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
		     struct prefetch_list *out);
};

#define X(n, doc) extern const struct prefetcher prefetch_##n;
PREFETCHERS(X)
#undef X

extern const struct prefetcher *const prefetchers[PREFETCH_COUNT]; /* by enum prefetch_kind; [none] is NULL */
extern const char *const prefetch_names[];                         /* config choices, NULL at the end */

/* The row of a table of `rows` that `key` belongs to. */
static inline uint64_t prefetch_row(uint64_t key, uint64_t rows)
{
	return (key * UINT64_C(0x9e3779b97f4a7c15) >> 20) % rows;
}

#endif
