/* cache_fill.h - how a line comes into a cache and leaves it, for cache.c and mem_plain.c only. */
#ifndef MEM_CACHE_FILL_H
#define MEM_CACHE_FILL_H

#include "mem/cache_mpam.h"

/* The way of a set that a line takes where none is kept from it. */
static inline unsigned cache_choose_any(const struct cache *c, struct cache_set *s)
{
	uint64_t empty = cache_empty_ways(c, s);
	if (__builtin_expect(empty != 0, 0)) return (unsigned)__builtin_ctzll(empty);
	return c->victim(cache_state_of(c, s), c->ways);
}

/* The line of a tag that is not 0, in set number `set`. */
static inline uint64_t cache_line_of(const struct cache *c, uint64_t set, uint32_t tag)
{
	return ((uint64_t)tag - 1) << c->set_bits | set;
}

/* What is in a way of set number `set`, which may be empty. */
static inline struct cache_victim cache_victim_in(const struct cache *c, const struct cache_set *s,
						  uint64_t set, unsigned way)
{
	uint32_t tag = cache_tags(s)[way];
	return (struct cache_victim){.line = cache_line_of(c, set, tag),
				     .valid = tag != 0,
				     .dirty = (cache_marks(c, s)[way] & CACHE_DIRTY) != 0,
				     .shared = (cache_marks(c, s)[way] & CACHE_SHARED) != 0};
}

/* The mark of a line that comes; `flying`: a miss register brings it. */
static inline uint16_t cache_mark_of(const struct cache *c, bool dirty, bool flying)
{
	return (uint16_t)(c->each_mark | (dirty ? CACHE_DIRTY : 0) | (flying ? c->mshr.brings + 1 : 0));
}

#endif
