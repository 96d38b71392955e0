/* cache_fill.h - how a line comes into a cache and leaves it, for cache.c and mem_plain.c only. */
#ifndef MEM_CACHE_FILL_H
#define MEM_CACHE_FILL_H

#include "mem/cache_mpam.h"

/* The way of a set that a line takes where none is kept from it. */
static inline unsigned cache_choose_any(const struct cache *c, struct cache_set *s)
{
	if (__builtin_expect(s->valid != c->all_ways, 0)) return (unsigned)__builtin_ctzll(~s->valid);
	return c->victim(cache_state_of(c, s), c->ways);
}

static inline void cache_note_fill(const struct cache *c, struct cache_set *s, unsigned way)
{
	if (c->fill_touches)
		cache_touch_masked(c, s, way);
	else
		c->policy->fill(cache_state_of(c, s), c->ways, way);
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
	return (struct cache_victim){.line = cache_line_of(c, set, s->tag[way]),
				     .valid = s->tag[way] != 0,
				     .dirty = bit_get(s->dirty, way)};
}

/* `flying`: the latest miss register brings it. */
static inline void cache_write_way(const struct cache *c, struct cache_set *s, uint32_t tag, unsigned way,
				   bool dirty, bool flying)
{
	uint64_t bit = UINT64_C(1) << way;
	s->tag[way] = tag;
	s->valid |= bit;
	s->dirty = (s->dirty & ~bit) | (dirty ? bit : 0);
	s->flying = (s->flying & ~bit) | (flying ? bit : 0);
	if (flying) cache_mshr_of(c, s)[way] = (uint16_t)c->mshr.taken;
}

/* cache_install() of a plain cache, of the line with `tag` into its set. Returns the tag of what it pushed out, 0: nothing. */
static inline __attribute__((always_inline)) uint32_t cache_install_plain(struct cache *c,
									  struct cache_set *s, uint32_t tag,
									  bool dirty, bool flying,
									  bool *out_dirty)
{
	unsigned way = cache_choose_any(c, s);
	uint32_t out = s->tag[way];
	*out_dirty = bit_get(s->dirty, way);
	c->stats.fills++;
	cache_write_way(c, s, tag, way, dirty, flying);
	cache_note_fill(c, s, way);
	if (__builtin_expect(out != 0, 1)) c->stats.evictions++;
	return out;
}

#endif
