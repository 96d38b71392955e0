#include "mem/cache.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "mem/cache_ahead.h"
#include "mem/cache_fill.h"

const char *const req_cause_names[] = {
#define X(name, text, doc) #text,
	REQ_CAUSES(X)
#undef X
		NULL};

#define F struct cache_stats
static const struct stat_desc stat_rows[] = {
	STAT(F, accesses, "count", "requests that looked here"),
	STAT(F, hits, "count", "requests that found their line"),
	STAT(F, misses, "count", "requests that did not"),
	STAT(F, merged, "count", "requests that found their line under way and waited for it"),
	STAT_BY(F, misses_by_cause, req_cause_names, "count", "misses by what the request was for"),
	STAT(F, fills, "lines", "lines brought in"),
	STAT(F, evictions, "lines", "lines pushed out by a fill"),
	STAT(F, writebacks, "lines", "dirty lines sent to the next level"),
	STAT(F, invalidations, "lines", "lines removed for another reason than a fill here"),
	STAT(F, mshr_wait_cycles, "cycles", "cycles that misses waited for a miss register"),
};
#undef F

static enum status check_params(const struct cache_params *p, uint64_t line_limit, struct err *err)
{
	uint64_t lines = p->size / p->line, sets = lines / p->ways;
	const struct repl_policy *policy = repl_policies[p->policy];
	if (!is_power_of_2(p->line) || sets * p->ways * p->line != p->size || !is_power_of_2(sets))
		return err_set(err, ERR_CONFIG,
			       "caches.%s: size %" PRIu64 " = sets x ways %" PRIu64 " x line %" PRIu64
			       " must give a number of sets and a line that are powers of two",
			       p->name, p->size, p->ways, p->line);
	if (p->ways > policy->max_ways)
		return err_set(err, ERR_CONFIG, "caches.%s: policy %s serves at most %u ways, not %" PRIu64,
			       p->name, policy->name, policy->max_ways, p->ways);
	if (p->prefetch.kind && p->inclusion == INCL_EXCLUSIVE)
		return err_set(
			err, ERR_CONFIG,
			"caches.%s.prefetch.kind: %s, but an exclusive cache holds only what was evicted above it",
			p->name, line_prefetch_names[p->prefetch.kind]);
	if (line_limit / sets >= UINT32_MAX)
		return err_set(err, ERR_CONFIG,
			       "caches.%s: %" PRIu64 " sets are too few to tag memory up to 0x%" PRIx64,
			       p->name, sets, line_limit * p->line);
	return OK;
}

/* So that no set touches more lines of the host than it must. */
static unsigned set_bytes(unsigned bytes)
{
	enum { HOST_LINE = 64 };
	return bytes <= HOST_LINE / 2 ? HOST_LINE / 2 : (bytes + HOST_LINE - 1) / HOST_LINE * HOST_LINE;
}

static void lay_out_sets(struct cache *c)
{
	size_t sets = c->set_mask + 1, state_bytes = repl_state_bytes(c->policy, c->ways);
	c->marks_at = c->stride * (unsigned)sizeof(uint32_t);
	c->state_at = c->marks_at + c->stride * (unsigned)sizeof(uint16_t);
	c->set_bytes = set_bytes(c->state_at + (unsigned)state_bytes);
	c->sets = xcalloc_lines(sets, c->set_bytes);
	c->shared =
		repl_state_at(c->policy, (unsigned)sets, c->ways, c->sets + c->state_at, c->set_bytes).shared;
}

/* A hit on a line that a prefetch brought is no plain hit, nor any hit where the prefetcher sees them all. */
static void attach_prefetcher(struct cache *c)
{
	c->ahead = cache_ahead_new(&c->params.prefetch);
	if (!c->ahead) return;
	c->plain = false;
	c->settled = UINT64_MAX;
	c->each_mark = c->ahead->how->sees_hits ? CACHE_TOLD : 0;
}

enum status cache_new(const struct cache_params *p, uint64_t line_limit, struct cache **out, struct err *err)
{
	TRY(check_params(p, line_limit, err));
	uint64_t sets = p->size / p->line / p->ways;
	struct cache *c = xcalloc(1, sizeof(*c));
	c->params = *p;
	c->set_mask = sets - 1;
	c->set_bits = log2_floor(sets);
	c->ways = (unsigned)p->ways;
	c->stride = (c->ways + LANES_U32 - 1) / LANES_U32 * LANES_U32;
	c->policy = repl_policies[p->policy];
	c->hit_cycles = p->hit_cycles;
	c->write_back = p->write_back;
	c->inclusive = p->inclusion == INCL_INCLUSIVE;
	c->all_ways = bits_ones(c->ways);
	lay_out_sets(c);
	c->victim = repl_victim_of(c->policy, c->ways);
	c->mask = repl_touch_masks(c->policy, c->ways);
	c->plain = !c->shared;
	c->mshr.line = xcalloc(p->mshrs, sizeof(*c->mshr.line));
	c->mshr.done = least_new((unsigned)p->mshrs);
	attach_prefetcher(c);
	*out = c;
	return OK;
}

void cache_free(struct cache *c)
{
	if (!c) return;
	free(c->sets);
	free(c->shared);
	evictors_free(c->evictors);
	free(c->mask);
	free(c->mshr.line);
	least_free(&c->mshr.done);
	cache_mpam_free(c->mpam);
	cache_ahead_free(c->ahead);
	free(c);
}

void cache_register_stats(struct cache *c, struct stats *s, const char *prefix)
{
	stats_add(s, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]), &c->stats, "%s%s", prefix,
		  c->params.name);
	cache_mpam_register_stats(c, s, prefix);
	if (c->ahead) cache_ahead_register_stats(c->ahead, s, prefix, c->params.name);
	if (c->evictors)
		stats_add(s, evictors_stat_rows, evictors_stat_row_count, evictors_stats(c->evictors),
			  "%s%s.pollution", prefix, c->params.name);
}

static struct cache_victim take_out(struct cache *c, uint64_t set, unsigned way)
{
	struct cache_set *s = cache_set(c, set);
	struct cache_victim v = cache_victim_in(c, s, set, way);
	if (!v.valid) return v;
	if (c->ahead) cache_ahead_gone(c->ahead, v.line, cache_marks(c, s)[way]);
	cache_tags(s)[way] = 0;
	cache_marks(c, s)[way] = 0;
	if (c->mpam) v.monitor = (uint8_t)cache_mpam_gone(c, set, way);
	return v;
}

/* --- whose doing misses are -------------------------------------------------------------------------------------- */

void cache_count_evictors(struct cache *c)
{
	c->plain = false;
	c->evictors = evictors_new((unsigned)c->set_mask + 1, c->ways);
}

void cache_ask_evictors(struct cache *c, uint64_t line)
{
	evictors_ask(c->evictors, (unsigned)(line & c->set_mask), &(struct evicted){.address = line});
}

void cache_make_coherent(struct cache *c)
{
	c->settled = UINT64_MAX;
	c->plain = false;
}

void cache_share(struct cache *c, uint64_t line)
{
	int way = cache_way_of(c, line);
	if (way != CACHE_MISS) cache_marks(c, cache_set_of(c, line))[way] |= CACHE_SHARED;
}

struct cache_victim cache_drop_evicted(struct cache *c, uint64_t line)
{
	int way = c->evictors ? cache_way_of(c, line) : CACHE_MISS;
	if (way != CACHE_MISS)
		evictors_leave(c->evictors, (unsigned)(line & c->set_mask), (unsigned)way,
			       &(struct evicted){.address = line});
	return cache_drop(c, line);
}

/* `in` takes the way of `out`. */
static void note_install(struct cache *c, unsigned way, const struct cache_victim *out, uint64_t in)
{
	unsigned set = (unsigned)(in & c->set_mask);
	if (out->valid) evictors_evict(c->evictors, set, way, &(struct evicted){.address = out->line});
	evictors_bring(c->evictors, set, way, &(struct evicted){.address = in});
}

/* --- change ------------------------------------------------------------------------------------------------------ */

struct cache_victim cache_install(struct cache *c, uint64_t line, bool dirty, bool flying)
{
	uint64_t set = line & c->set_mask;
	struct cache_set *s = cache_set(c, set);
	int chosen = c->choose ? c->choose(c, set) : (int)cache_choose_any(c, s);
	if (chosen == CACHE_MISS) {
		c->mpam->stats.refused[c->mpam->filler]++;
		return (struct cache_victim){.refused = true};
	}
	unsigned way = (unsigned)chosen;
	struct cache_victim out = take_out(c, set, way);
	c->stats.fills++;
	c->stats.evictions += out.valid;
	cache_tags(s)[way] = cache_tag(c, line);
	cache_marks(c, s)[way] = cache_mark_of(c, dirty, flying);
	if (c->shared) c->shared->key = line;
	c->policy->fill(cache_state_of(c, s), c->ways, way);
	if (c->mpam) cache_mpam_come(c, set, way);
	if (c->evictors) note_install(c, way, &out, line);
	return out;
}

struct cache_victim cache_drop(struct cache *c, uint64_t line)
{
	int way = cache_way_of(c, line);
	if (way == CACHE_MISS) return (struct cache_victim){0};
	c->stats.invalidations++;
	if (c->evictors) evictors_leave(c->evictors, (unsigned)(line & c->set_mask), (unsigned)way, NULL);
	return take_out(c, line & c->set_mask, (unsigned)way);
}

cycles_t cache_arrival(struct cache *c, uint64_t line, unsigned way)
{
	return cache_arrival_by(c, line, &cache_marks(c, cache_set_of(c, line))[way]);
}

void cache_check(const struct cache *c)
{
	for (uint64_t set = 0; set <= c->set_mask; set++) {
		const struct cache_set *s = cache_set(c, set);
		for (unsigned w = 0; w < c->ways; w++) {
			uint32_t tag = cache_tags(s)[w];
			assert(tag || !cache_marks(c, s)[w]);
			for (unsigned v = 0; tag && v < w; v++) assert(cache_tags(s)[v] != tag);
		}
	}
	if (c->mpam) cache_mpam_check(c);
	if (c->ahead) cache_ahead_check(c);
}
