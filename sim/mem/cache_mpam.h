/* cache_mpam.h - cache portions, capacity, and storage monitors of MPAM in one cache.
 *
 *   cache_mpam_attach: to a cache that is empty     cache_mpam_enter: who fills next
 * A portion is an equal share of the ways of every set. A PARTID allocates within its portions (CPBM), and finds its lines
 * wherever they are. At its maximum (CMAX) it replaces lines of its own, of the set, or does not allocate; of a cache that
 * includes others it takes a line of its portions then, because what is above must be here. Lines of others that are within
 * their minimum (CMIN) are spared while there are other lines to take. A line belongs to who allocated it.
 * Source: Arm IHI 0099, cache portion and cache maximum capacity partitioning, cache storage usage monitors.
 * UNSURE: what SOFTLIM allows beyond ways that hold nothing. IMPDEF: which ways a portion is; that a hit moves no ownership.
 * Not modelled: CASSOC; owners of lines in caches without portions: what they write back has the label of who evicts.
 */
#ifndef MEM_CACHE_MPAM_H
#define MEM_CACHE_MPAM_H

#include "mem/cache.h"
#include "mem/mpam.h"

struct cache_mpam_stats {                  /* by monitor */
	uint64_t csu_lines[MPAM_MONITORS]; /* a level, not a count */
	uint64_t fills[MPAM_MONITORS], refused[MPAM_MONITORS];
};

enum { CACHE_MPAM_ROWS = 3 };

struct cache_mpam {
	struct mpam_msc msc;
	unsigned filler;                                  /* monitor of who fills next */
	uint64_t ways[MPAM_PARTIDS];                      /* of its portions, a bit each */
	uint64_t most[MPAM_PARTIDS], least[MPAM_PARTIDS]; /* lines: CMAX, CMIN */
	bool has_least;
	uint64_t held[MPAM_PARTIDS]; /* lines by owner */
	uint8_t *owner;              /* monitor of each line, sets x ways */
	struct cache_mpam_stats stats;
	struct stat_desc rows[CACHE_MPAM_ROWS];
};

/* ERR_CONFIG: portions do not divide the ways, or the nearest cache has some. `m` is borrowed. cache_free() ends it, too. */
enum status cache_mpam_attach(struct cache *c, const struct mpam *m, struct err *err);
void cache_mpam_free(struct cache_mpam *p);
void cache_mpam_register_stats(struct cache *c, struct stats *s, const char *prefix);

void cache_mpam_reread(struct cache *c, cycles_t now);
/* The next cache_install() is for a request of `monitor` at `now`. */
static inline void cache_mpam_enter(struct cache *c, unsigned monitor, cycles_t now)
{
	if (now >= c->mpam->msc.next) cache_mpam_reread(c, now);
	c->mpam->filler = monitor;
}

/* A line of `way` has gone: returns whose it was. One has come: it is the filler's. */
unsigned cache_mpam_gone(struct cache *c, uint64_t set, unsigned way);
void cache_mpam_come(struct cache *c, uint64_t set, unsigned way);

/* Asserts that lines are counted as they are held. O(size); for tests. */
void cache_mpam_check(const struct cache *c);

#endif
