/* its_cache.h - which table entries an ITS has at hand: tags only, 4 ways, least recently used.
 *
 * The entries themselves are always read from memory, so a cache decides what a look-up costs and never what it finds.
 * IMPDEF: size and replacement; hash of the key by bits.
 */
#ifndef GIC_ITS_CACHE_H
#define GIC_ITS_CACHE_H

#include "base/types.h"

enum { ITS_CACHE_WAYS = 4 };

struct its_cache {
	uint64_t (*set)[ITS_CACHE_WAYS]; /* key + 1, most recently used first; 0: free */
	uint64_t sets;                   /* a power of 2; 0: there is no cache */
};

/* `entries` is 0 or a power of 2 of at least 4. */
void its_cache_init(struct its_cache *c, unsigned entries);
void its_cache_free(struct its_cache *c);
/* Whether the key is there; it is afterwards. */
bool its_cache_touch(struct its_cache *c, uint64_t key);
void its_cache_drop(struct its_cache *c, uint64_t key);
/* Drops every key k with (k & mask) == match. O(entries). */
void its_cache_drop_all(struct its_cache *c, uint64_t mask, uint64_t match);

#endif
