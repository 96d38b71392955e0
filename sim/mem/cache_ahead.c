#include "mem/cache_ahead.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

#define F struct cache_ahead_stats
static const struct stat_desc stat_rows[] = {
	STAT(F, trained, "count", "requests that the cache's prefetcher was told of"),
	STAT(F, proposed, "lines", "lines that it asked for"),
	STAT(F, outside, "lines", "of them, in another frame of 4 KiB than the request"),
	STAT(F, held, "lines", "of them, held already or under way, here or nearer to the core"),
	STAT(F, no_register, "lines", "of them, dropped because no miss register was free"),
	STAT(F, refused, "lines", "of them, kept out of the cache by a control of MPAM"),
	STAT(F, filled, "lines", "of them, brought into the cache"),
	STAT(F, used, "lines", "lines brought so that were then asked for"),
	STAT(F, late, "lines", "of them, still under way then"),
	STAT(F, late_cycles, "cycles", "cycles that requests waited for those"),
	STAT(F, unused, "lines", "lines brought so that left before they were used"),
	STAT(F, polluting, "count", "misses on lines that a prefetch had pushed out"),
	STAT_LEVEL_BY(F, pending, NULL, "lines",
		      "lines brought so that are there and have not been used yet"),
};
#undef F

struct cache_ahead *cache_ahead_new(const struct line_prefetch_params *p)
{
	if (!p->kind) return NULL;
	struct cache_ahead *a = xcalloc(1, sizeof(*a));
	a->how = line_prefetchers[p->kind];
	a->params = *p;
	if (a->how->state_bytes) a->state = xcalloc(1, a->how->state_bytes(p));
	return a;
}

void cache_ahead_free(struct cache_ahead *a)
{
	if (!a) return;
	free(a->state);
	free(a);
}

void cache_ahead_register_stats(struct cache_ahead *a, struct stats *s, const char *prefix, const char *name)
{
	stats_add(s, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]), &a->stats, "%s%s.prefetch", prefix,
		  name);
}

static uint64_t *pushed_at(struct cache_ahead *a, uint64_t line)
{
	return &a->pushed[line * UINT64_C(0x9e3779b97f4a7c15) >> (64 - AHEAD_PUSHED_BITS)];
}

/* Whether a prefetch had pushed the line out; forgotten now. */
static bool take_pushed(struct cache_ahead *a, uint64_t line)
{
	uint64_t *at = pushed_at(a, line);
	bool found = *at == line + 1;
	if (found) *at = 0;
	return found;
}

bool cache_ahead_use(struct cache *c, uint64_t line, unsigned way, cycles_t now)
{
	struct cache_ahead_stats *s = &c->ahead->stats;
	uint16_t *mark = &cache_marks(c, cache_set_of(c, line))[way];
	if (!(*mark & CACHE_AHEAD)) return false;
	cycles_t hit = now + c->hit_cycles, arrives = cache_arrival_by(c, line, mark);
	*mark &= (uint16_t)~CACHE_AHEAD;
	s->used++;
	s->pending--;
	if (arrives <= hit) return true;
	s->late++;
	s->late_cycles += arrives - hit;
	return true;
}

void cache_ahead_missed(struct cache_ahead *a, uint64_t line) { a->stats.polluting += take_pushed(a, line); }

void cache_ahead_gone(struct cache_ahead *a, uint64_t line, unsigned mark)
{
	if (mark & CACHE_AHEAD) {
		a->stats.unused++;
		a->stats.pending--;
	} else if (a->brings) {
		*pushed_at(a, line) = line + 1;
	}
}

void cache_ahead_filled(struct cache *c, uint64_t line)
{
	struct cache_ahead_stats *s = &c->ahead->stats;
	int way = cache_way_of(c, line);
	if (way == CACHE_MISS) {
		s->refused++;
		return;
	}
	cache_marks(c, cache_set_of(c, line))[way] |= CACHE_AHEAD;
	take_pushed(c->ahead, line);
	s->filled++;
	s->pending++;
}

enum status cache_ahead_check_sums(const struct cache *c, struct err *err)
{
	const struct cache_ahead_stats *s = &c->ahead->stats;
	if (s->proposed == s->outside + s->held + s->no_register + s->refused + s->filled) return OK;
	return err_set(err, ERR_CHECK,
		       "%s.prefetch: proposed %" PRIu64 " are not outside %" PRIu64 " + held %" PRIu64
		       " + no_register %" PRIu64 " + refused %" PRIu64 " + filled %" PRIu64,
		       c->params.name, s->proposed, s->outside, s->held, s->no_register, s->refused,
		       s->filled);
}

void cache_ahead_check(const struct cache *c)
{
	uint64_t pending = 0;
	for (uint64_t set = 0; set <= c->set_mask; set++)
		for (unsigned w = 0; w < c->ways; w++)
			pending += (cache_marks(c, cache_set(c, set))[w] & CACHE_AHEAD) != 0;
	assert(pending == c->ahead->stats.pending);
}
