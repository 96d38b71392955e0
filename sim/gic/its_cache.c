/* its_cache.c - see its_cache.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "gic/its_cache.h"

void its_cache_init(struct its_cache *c, unsigned entries)
{
	*c = (struct its_cache){0};
	if (!entries) return;
	assert(is_power_of_2(entries) && entries >= ITS_CACHE_WAYS);
	c->sets = entries / ITS_CACHE_WAYS;
	c->set = xcalloc(c->sets, sizeof(*c->set));
}

void its_cache_free(struct its_cache *c)
{
	free(c->set);
	*c = (struct its_cache){0};
}

static uint64_t *set_of(const struct its_cache *c, uint64_t key)
{
	return c->set[(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (c->sets - 1)];
}

static unsigned way_of(const uint64_t *set, uint64_t key)
{
	unsigned way = 0;
	while (way < ITS_CACHE_WAYS && set[way] != key + 1) way++;
	return way;
}

bool its_cache_touch(struct its_cache *c, uint64_t key)
{
	if (!c->sets) return false;
	uint64_t *set = set_of(c, key);
	unsigned way = way_of(set, key);
	bool hit = way < ITS_CACHE_WAYS;
	memmove(set + 1, set, (hit ? way : ITS_CACHE_WAYS - 1) * sizeof(*set));
	set[0] = key + 1;
	return hit;
}

static void drop_way(uint64_t *set, unsigned way)
{
	memmove(set + way, set + way + 1, (ITS_CACHE_WAYS - 1 - way) * sizeof(*set));
	set[ITS_CACHE_WAYS - 1] = 0;
}

void its_cache_drop(struct its_cache *c, uint64_t key)
{
	if (!c->sets) return;
	uint64_t *set = set_of(c, key);
	unsigned way = way_of(set, key);
	if (way < ITS_CACHE_WAYS) drop_way(set, way);
}

void its_cache_drop_all(struct its_cache *c, uint64_t mask, uint64_t match)
{
	for (uint64_t s = 0; s < c->sets; s++)
		for (unsigned way = ITS_CACHE_WAYS; way-- > 0;)
			if (c->set[s][way] && ((c->set[s][way] - 1) & mask) == match)
				drop_way(c->set[s], way);
}
