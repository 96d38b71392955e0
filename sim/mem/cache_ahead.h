/* cache_ahead.h - the prefetcher of one cache, what became of the lines that it brought, and what they pushed out.
 *
 *   cache_ahead_use: a request finds a line      cache_ahead_gone: a line leaves      cache_ahead_missed: a request misses
 * A line that a prefetch brought carries the mark CACHE_AHEAD until a request, or a prefetch of a nearer cache, uses it, or it leaves: so its
 * first use is told from others, and is no plain hit (cache.h). mem_ahead.c asks the prefetcher and brings lines.
 * What the counters say: accuracy is used / filled; coverage is used / (used + the cache's misses); timeliness is late / used, and
 * late_cycles; pollution is `polluting`: misses on lines that a prefetch had pushed out, of the latest 4096 such.
 * Source: Srinath, Mutlu, Kim, Patt, Feedback Directed Prefetching, HPCA 2007, section 3 (accuracy, lateness, pollution and how they are
 * counted; here whole lines are compared, not a bit per hash).
 */
#ifndef MEM_CACHE_AHEAD_H
#define MEM_CACHE_AHEAD_H

#include "mem/cache.h"

enum { AHEAD_PUSHED_BITS = 12 };

struct cache_ahead_stats {
	uint64_t trained;
	uint64_t proposed, outside, held, no_register, refused,
		filled; /* proposed = outside + held + no_register + refused + filled */
	uint64_t used, late, late_cycles, unused, polluting;
	uint64_t pending; /* a level: filled = used + unused + pending, from the start on */
};

struct cache_ahead {
	const struct line_prefetcher *how;
	struct line_prefetch_params params;
	void *state;
	bool brings; /* a line comes ahead: what leaves the cache meanwhile, leaves for it */
	uint64_t pushed[1 << AHEAD_PUSHED_BITS]; /* line + 1 that a prefetch pushed out, by its hash */
	struct cache_ahead_stats stats;
};

/* NULL where `p` says none. */
struct cache_ahead *cache_ahead_new(const struct line_prefetch_params *p);
void cache_ahead_free(struct cache_ahead *a);
void cache_ahead_register_stats(struct cache_ahead *a, struct stats *s, const char *prefix, const char *name);

/* A request at `now` finds `line` in `way`: whether it is the first use of what a prefetch brought; counted. */
bool cache_ahead_use(struct cache *c, uint64_t line, unsigned way, cycles_t now);
/* A request misses `line`. */
void cache_ahead_missed(struct cache_ahead *a, uint64_t line);
/* `line`, whose mark was `mark`, leaves the cache. */
void cache_ahead_gone(struct cache_ahead *a, uint64_t line, unsigned mark);
/* A prefetch has brought `line`, if the cache took it. */
void cache_ahead_filled(struct cache *c, uint64_t line);

/* ERR_CHECK where a proposal is not accounted for once. */
enum status cache_ahead_check_sums(const struct cache *c, struct err *err);
/* Asserts that `pending` lines have the mark. O(size); for tests. */
void cache_ahead_check(const struct cache *c);

#endif
