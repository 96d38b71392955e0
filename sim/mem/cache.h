/* cache.h - one set-associative cache: which lines it holds, and when lines under way arrive.
 *
 *   find: line -> way or -1      install: line -> the line it pushed out      drop: a line
 * A line is a physical address divided by the line size, with the security state above the address. The cache knows
 * no other cache: mem.c strings several together and moves lines between them.
 * Prefetchers: cache_ahead.h. Not modelled: banks and ports; data contents.
 */
#ifndef MEM_CACHE_H
#define MEM_CACHE_H

#include "base/bits.h"
#include "base/lanes.h"
#include "base/least.h"
#include "base/request.h"
#include "base/status.h"
#include "mem/mem_params.h"
#include "repl/evictors.h"
#include "repl/repl.h"
#include "stats/stats.h"

extern const char *const req_cause_names[]; /* by enum req_cause, NULL at the end */

struct cache_stats {
	uint64_t accesses, hits, misses, merged; /* accesses = hits + misses + merged */
	uint64_t misses_by_cause[CAUSE_COUNT];
	uint64_t fills, evictions, writebacks, invalidations;
	uint64_t mshr_wait_cycles;
};

/* All of a set lies together: the tags of its ways, their marks, and the state of the policy. */
struct cache_set;

/* A mark of a line that is held; 0 of a way that is empty. */
enum {
	CACHE_MISS_REGISTER =
		0x07ff, /* 1 + that which brings it, if the miss may not have ended: cache_arrival() knows */
	CACHE_TOLD = 0x1000,   /* every hit on it is to be told (struct cache, each_mark) */
	CACHE_AHEAD = 0x2000,  /* a prefetch brought it, and nobody has used it yet */
	CACHE_SHARED = 0x4000, /* other cores may have it, too */
	CACHE_DIRTY = 0x8000,
	CACHE_MAY_WAIT = CACHE_MISS_REGISTER | CACHE_TOLD | CACHE_AHEAD | CACHE_SHARED, /* no plain hit */
};

struct cache_mshrs {       /* miss registers, by the latest miss of each */
	uint64_t *line;    /* that it brings */
	struct least done; /* when */
	unsigned brings;   /* what cache_install() is told to be flying next */
};

struct cache { /* laid out for the hit path; change it through the functions below only */
	char *sets;
	size_t set_bytes;
	unsigned marks_at, state_at; /* from the beginning of a set */
	cycles_t
		settled; /* no miss ends after this cycle; a coherent cache, or one with a prefetcher, always asks */
	uint64_t set_mask;
	unsigned set_bits, ways;
	unsigned stride; /* ways rounded up to whole groups of lanes */
	const struct repl_policy *policy;
	repl_victim_fn *victim;     /* the policy's, for so many ways */
	struct repl_shared *shared; /* of the policy; NULL: it looks at one set only */
	struct repl_mask *mask;     /* by way, what a touch does; NULL: the policy's function does it */
	cycles_t hit_cycles;
	bool write_back, inclusive;
	bool plain; /* no partitions, no evictors, no sharing, no prefetcher, no policy that looks beyond a set */
	uint64_t all_ways;
	struct cache_mshrs mshr;
	/* The way that a line may take in a set, or CACHE_MISS: it passes by. NULL: any. */
	int (*choose)(struct cache *c, uint64_t set);
	struct cache_mpam *mpam;   /* NULL: no partitions (cache_mpam.h) */
	struct evictors *evictors; /* NULL: nobody asks whose doing misses are */
	struct cache_ahead *ahead; /* NULL: no prefetcher (cache_ahead.h) */
	uint16_t each_mark;        /* part of the mark of every line that comes */
	struct cache_params params;
	struct cache_stats stats;
};

enum { CACHE_MISS = -1 };

/* Builds a cache for lines below `line_limit`. ERR_CONFIG where sets would not be a power of two, the policy cannot
 * serve so many ways, or a tag would not hold such a line. Free with cache_free. */
enum status cache_new(const struct cache_params *p, uint64_t line_limit, struct cache **out, struct err *err);
void cache_free(struct cache *c);
void cache_register_stats(struct cache *c, struct stats *s, const char *prefix);

static inline uint32_t cache_tag(const struct cache *c, uint64_t line)
{
	return (uint32_t)(line >> c->set_bits) + 1;
}

static inline struct cache_set *cache_set(const struct cache *c, uint64_t set)
{
	return (struct cache_set *)(void *)(c->sets + set * c->set_bytes);
}

static inline struct cache_set *cache_set_of(const struct cache *c, uint64_t line)
{
	return cache_set(c, line & c->set_mask);
}

/* By way, `stride` of them; 0 = empty, else (line >> set_bits) + 1. */
static inline uint32_t *cache_tags(const struct cache_set *s) { return (uint32_t *)(void *)(uintptr_t)s; }

/* By way, as many. */
static inline uint16_t *cache_marks(const struct cache *c, const struct cache_set *s)
{
	return (uint16_t *)(void *)((char *)cache_tags(s) + c->marks_at);
}

/* The ways of a set whose tag is `tag`, a bit each. All are compared before any branch: which way hits is what a
 * processor cannot predict. */
static inline uint64_t cache_ways_equal(const struct cache *c, const struct cache_set *s, uint32_t tag)
{
	const uint32_t *tags = cache_tags(s);
	uint64_t equal = lanes_equal_u32(tags, tag);
	for (unsigned w = LANES_U32; w < c->stride; w += LANES_U32)
		equal |= (uint64_t)lanes_equal_u32(tags + w, tag) << w;
	return equal;
}

/* The ways that hold nothing. */
static inline uint64_t cache_empty_ways(const struct cache *c, const struct cache_set *s)
{
	return cache_ways_equal(c, s, 0) & c->all_ways;
}

/* Whether `line` is held; changes nothing. */
static inline bool cache_holds(const struct cache *c, uint64_t line)
{
	return cache_ways_equal(c, cache_set_of(c, line), cache_tag(c, line)) != 0;
}

/* The way that holds `line`, or CACHE_MISS. */
static inline int cache_way_of(const struct cache *c, uint64_t line)
{
	uint64_t equal = cache_ways_equal(c, cache_set_of(c, line), cache_tag(c, line));
	return equal ? __builtin_ctzll(equal) : CACHE_MISS;
}

static inline void *cache_state_of(const struct cache *c, struct cache_set *s)
{
	return (char *)s + c->state_at;
}

/* A touch where c->mask is there. */
static inline void cache_touch_masked(const struct cache *c, struct cache_set *s, unsigned way)
{
	uint64_t *word = cache_state_of(c, s);
	*word = (*word & c->mask[way].keep) | c->mask[way].set;
}

/* Tells the policy of a hit. */
static inline void cache_touch(const struct cache *c, struct cache_set *s, unsigned way)
{
	if (c->mask)
		cache_touch_masked(c, s, way);
	else
		c->policy->touch(cache_state_of(c, s), c->ways, way);
}

/* As cache_way_of(), and tells the policy of a hit. Counts nothing. */
static inline int cache_find(struct cache *c, uint64_t line)
{
	int way = cache_way_of(c, line);
	if (way != CACHE_MISS) cache_touch(c, cache_set_of(c, line), (unsigned)way);
	return way;
}

/* From now on lines may be shared with other cores' caches: a hit on one goes the way of a line under way, as if it might
 * still come. */
void cache_make_coherent(struct cache *c);
/* Whether that was done, of a cache without a prefetcher. */
static inline bool cache_is_coherent(const struct cache *c) { return c->settled == UINT64_MAX && !c->ahead; }
/* Other cores may have `line`, too, if it is held: who writes it must ask first. Until it leaves. */
void cache_share(struct cache *c, uint64_t line);
static inline bool cache_is_shared(const struct cache *c, uint64_t line, int way)
{
	return cache_marks(c, cache_set_of(c, line))[way] & CACHE_SHARED;
}

struct cache_victim {
	uint64_t line;
	bool valid, dirty;
	bool shared;     /* other cores may have it, too: who takes it in must know (cache_share()) */
	bool refused;    /* the new line was not taken: nothing has changed */
	uint8_t monitor; /* whose it was, where the cache has partitions */
};

/* Puts `line`, which must not be held, into its set; `flying`: a miss register tells when it arrives. Returns what it
 * pushed out. */
struct cache_victim cache_install(struct cache *c, uint64_t line, bool dirty, bool flying);

/* From now on counts whose doing its misses are (repl/evictors.h); before cache_register_stats(). By evictors_act() its owner says
 * who fills, and by cache_ask_evictors(), before the fill, what was missed. */
void cache_count_evictors(struct cache *c);
void cache_ask_evictors(struct cache *c, uint64_t line);
/* As cache_drop(), of a line that goes because an inclusive cache below has evicted it. */
struct cache_victim cache_drop_evicted(struct cache *c, uint64_t line);

/* When the line with mark `*mark` arrives, if it is known to be under way; else 0: it is there. */
static inline cycles_t cache_arrival_by(struct cache *c, uint64_t line, uint16_t *mark)
{
	unsigned mshr = *mark & CACHE_MISS_REGISTER;
	if (!mshr) return 0;
	cycles_t done = least_value(&c->mshr.done, mshr - 1);
	if (c->mshr.line[mshr - 1] == line && done) return done;
	*mark &= (uint16_t)~CACHE_MISS_REGISTER; /* it has another miss by now */
	return 0;
}

/* The same of the line in `way`. */
cycles_t cache_arrival(struct cache *c, uint64_t line, unsigned way);

/* Whether the line in `way` may still be under way at `now`. */
static inline bool cache_may_wait(const struct cache *c, uint64_t line, int way, cycles_t now)
{
	return now < c->settled && (cache_marks(c, cache_set_of(c, line))[way] & CACHE_MAY_WAIT);
}

/* When a request that finds its line in `way` at `now` has it: *merged says that it waited for its arrival. Counts nothing. */
static inline cycles_t cache_hit_done(struct cache *c, uint64_t line, int way, cycles_t now, bool *merged)
{
	cycles_t done = now + c->hit_cycles;
	*merged = false;
	if (__builtin_expect(!cache_may_wait(c, line, way, now), 1)) return done;
	cycles_t ready = cache_arrival(c, line, (unsigned)way);
	*merged = ready > done;
	return *merged ? ready : done;
}

/* Removes `line` if held: returns it as a victim (valid = was held). Counts an invalidation. */
struct cache_victim cache_drop(struct cache *c, uint64_t line);

/* A miss at `now` needs a miss register: returns the cycle from which it has one, *slot. It is the first one that is
 * free, or else the one that is free first. cache_mshr_take must follow, with the line that the miss brings and the cycle at which it
 * ends. */
static inline cycles_t cache_mshr_reserve(struct cache *c, cycles_t now, unsigned *slot)
{
	if (now >= c->settled) return *slot = 0, now; /* all are */
	unsigned free = least_near(&c->mshr.done, now);
	if (__builtin_expect(free != 0, 1)) return *slot = (unsigned)__builtin_ctz(free), now;
	*slot = least_beyond(&c->mshr.done, now);
	cycles_t done = least_value(&c->mshr.done, *slot), from = done > now ? done : now;
	c->stats.mshr_wait_cycles += from - now;
	return from;
}

/* Whether a miss at `now` would have one at once. */
static inline bool cache_mshr_is_free(struct cache *c, cycles_t now)
{
	return now >= c->settled || least_value(&c->mshr.done, least_first(&c->mshr.done, now)) <= now;
}

static inline void cache_mshr_take(struct cache *c, unsigned slot, uint64_t line, cycles_t done)
{
	c->mshr.line[slot] = line;
	least_put(&c->mshr.done, slot, done);
	c->settled = done > c->settled ? done : c->settled;
}

/* Asserts what must always hold: no line twice in a set, no dirty invalid way. O(size); for tests. */
void cache_check(const struct cache *c);

#endif
