/* cache_fill.h - how a line comes into a cache and leaves it, for cache.c and mem.c only. */
#ifndef MEM_CACHE_FILL_H
#define MEM_CACHE_FILL_H

#include "mem/cache_mpam.h"

/* The way of a set that a line takes where none is kept from it. */
static inline unsigned cache_choose_any(struct cache *c, uint64_t set)
{
	uint64_t valid = c->set[set].valid;
	if (__builtin_expect(valid != c->all_ways, 0)) return (unsigned)__builtin_ctzll(~valid);
	return c->policy->victim(cache_state_of(c, set), c->ways);
}

static inline void cache_note_fill(struct cache *c, uint64_t set, unsigned way)
{
	if (c->fill_touches)
		cache_touch_masked(c, set, way);
	else
		c->policy->fill(cache_state_of(c, set), c->ways, way);
}

/* What is in a way, which may be empty. */
static inline struct cache_victim cache_victim_in(const struct cache *c, uint64_t set, unsigned way)
{
	uint64_t tag = c->tag[set * c->stride + way];
	return (struct cache_victim){.line = (tag - 1) << c->set_bits | set,
				     .valid = tag != 0,
				     .dirty = bit_get(c->set[set].dirty, way)};
}

static inline void cache_write_way(struct cache *c, uint64_t line, unsigned way, bool dirty, bool flying)
{
	uint64_t set = line & c->set_mask, place = set * c->stride + way, bit = UINT64_C(1) << way;
	struct cache_set *s = &c->set[set];
	c->tag[place] = cache_tag(c, line);
	s->valid |= bit;
	s->dirty = (s->dirty & ~bit) | (dirty ? bit : 0);
	s->flying = (s->flying & ~bit) | (flying ? bit : 0);
	if (flying) c->mshr.of[place] = (uint16_t)c->mshr.taken;
}

/* cache_install() of a plain cache. */
static inline __attribute__((always_inline)) struct cache_victim
cache_install_plain(struct cache *c, uint64_t line, bool dirty, bool flying)
{
	uint64_t set = line & c->set_mask;
	unsigned way = cache_choose_any(c, set);
	struct cache_victim out = cache_victim_in(c, set, way);
	c->stats.fills++;
	c->stats.evictions += out.valid;
	cache_write_way(c, line, way, dirty, flying);
	cache_note_fill(c, set, way);
	return out;
}

#endif
