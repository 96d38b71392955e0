/* line_prefetch.h - which lines to bring into a cache before they are asked for: one interface for the prefetchers of caches.
 *
 *   train: a request looked in the cache -> the lines to bring      brought: a line comes to the cache, and when
 *
 * To add one: write sim/mem/line_prefetch_<name>.c defining `const struct line_prefetcher line_prefetch_<name>`, and add a row
 * below. Its config name, its help text and its contract tests follow from the row.
 * A prefetcher sees physical lines (cache.h) in the order of the requests: misses, and the first use of each line that it brought, which
 * would have missed without it; all hits as well if it says so. It may propose anything; the owner leaves out what
 * is held or under way already and what lies in another frame of 4 KiB than the request: which frame follows, a physical prefetcher
 * cannot know. Its state is allocated and zeroed by the owner.
 * Not modelled: prefetchers that see virtual addresses, or what other prefetchers of the core do.
 */
#ifndef MEM_LINE_PREFETCH_H
#define MEM_LINE_PREFETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"
#include "config/schema.h"

#define LINE_PREFETCHERS(X) \
	X(next_line, "the lines behind one that missed, or that was brought so and is used now") \
	X(next_line_on_miss, "the lines behind one that missed") \
	X(stride, "per instruction: the stride of its accesses, once it repeats") \
	X(stream, "the lines ahead of misses that go one way, up or down") \
	X(best_offset, "the line behind by the offset that would have been in time the most often")

enum line_prefetch_kind {
	LINE_PREFETCH_none,
#define X(n, doc) LINE_PREFETCH_##n,
	LINE_PREFETCHERS(X)
#undef X
		LINE_PREFETCH_COUNT
};

enum { LINE_PREFETCH_MAX = 16, LINE_PREFETCH_FRAME_BITS = 12 };

struct line_prefetch_params {
	uint64_t kind, degree, distance, /* 0: what is usual for the prefetcher */
		table_entries, confirm;
	uint64_t walks; /* descriptor reads train it, too */
};
extern const struct schema line_prefetch_schema;

/* A request that looked in the cache. */
struct line_prefetch_use {
	uint64_t line, address; /* `address`: line << line_bits, and the byte in the line */
	unsigned line_bits;
	uint64_t
		pc; /* of the instruction; of one fetched, its own address; 0: none of the program's, or the trace has none */
	cycles_t now;
	bool hit;   /* it was held, or under way */
	bool first; /* of a line that a prefetch has brought */
};

struct line_prefetch_list {
	uint64_t line[LINE_PREFETCH_MAX];
	unsigned count;
};

/* Adds `line` for a request of `u`, unless it is that request's own, or there already. */
static inline void line_prefetch_propose(struct line_prefetch_list *out, const struct line_prefetch_use *u,
					 uint64_t line)
{
	if (line == u->line || out->count == LINE_PREFETCH_MAX) return;
	for (unsigned i = 0; i < out->count; i++)
		if (out->line[i] == line) return;
	out->line[out->count++] = line;
}

static inline bool line_prefetch_same_frame(uint64_t a, uint64_t b, unsigned line_bits)
{
	return (a ^ b) >> (LINE_PREFETCH_FRAME_BITS - line_bits) == 0;
}

static inline uint64_t line_prefetch_or(uint64_t parameter, uint64_t usual)
{
	return parameter ? parameter : usual;
}

/* The row of a table of `rows` that `key` belongs to. */
static inline uint64_t line_prefetch_row(uint64_t key, uint64_t rows)
{
	return (key * UINT64_C(0x9e3779b97f4a7c15) >> 20) % rows;
}

/* What would have missed without a prefetcher. */
static inline bool line_prefetch_would_miss(const struct line_prefetch_use *u) { return !u->hit || u->first; }

struct line_prefetcher {
	const char *name, *source; /* `source`: the paper that the behaviour is from */
	bool sees_hits;            /* all hits train it */
	size_t (*state_bytes)(const struct line_prefetch_params *p); /* NULL: none. A multiple of 8 */
	void (*train)(void *state, const struct line_prefetch_params *p, const struct line_prefetch_use *u,
		      struct line_prefetch_list *out);
	/* Optional: `line` arrives at `done`; `ahead`: by a prefetch of this one, else for a request. Told at the request. */
	void (*brought)(void *state, uint64_t line, unsigned line_bits, cycles_t done, bool ahead);
};

#define X(n, doc) extern const struct line_prefetcher line_prefetch_##n;
LINE_PREFETCHERS(X)
#undef X

extern const struct line_prefetcher *const line_prefetchers[LINE_PREFETCH_COUNT]; /* [none] is NULL */
extern const char *const line_prefetch_names[]; /* config choices, NULL at the end */

#endif
