#include "mem/cache_mpam.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"

#define F struct cache_mpam_stats
static const struct stat_desc stat_rows[CACHE_MPAM_ROWS] = {
	STAT_LEVEL_BY(F, csu_lines, NULL, "lines",
		      "cache storage usage: lines that the label has in the cache now"),
	STAT_BY(F, fills, NULL, "lines", "lines brought in by requests of the label"),
	STAT_BY(F, refused, NULL, "lines", "lines that a control kept out: they passed by"),
};
#undef F

/* --- the ways that a PARTID may take ------------------------------------------------------------------------------- */

static uint64_t valid_ways(const struct cache *c, uint64_t set)
{
	return c->all_ways & ~cache_empty_ways(c, cache_set(c, set));
}

static unsigned owner_at(const struct cache *c, uint64_t set, unsigned way)
{
	return c->mpam->msc.mpam->partid_of[c->mpam->owner[set * c->ways + way]];
}

/* Those of `ways` whose line belongs to `partid`. */
static uint64_t owned(const struct cache *c, uint64_t set, uint64_t ways, unsigned partid)
{
	uint64_t mine = 0;
	for (; ways; ways &= ways - 1) {
		unsigned way = (unsigned)__builtin_ctzll(ways);
		if (owner_at(c, set, way) == partid) mine |= UINT64_C(1) << way;
	}
	return mine;
}

/* Those of `ways` whose line belongs to another PARTID that has no more than its minimum. */
static uint64_t spared(const struct cache *c, uint64_t set, uint64_t ways, unsigned partid)
{
	const struct cache_mpam *p = c->mpam;
	uint64_t spare = 0;
	for (; ways; ways &= ways - 1) {
		unsigned way = (unsigned)__builtin_ctzll(ways), owner = owner_at(c, set, way);
		if (owner != partid && p->held[owner] <= p->least[owner]) spare |= UINT64_C(1) << way;
	}
	return spare;
}

/* Where CMAX is reached. 0: nowhere. */
static uint64_t within_capacity(const struct cache *c, uint64_t set, unsigned partid)
{
	const struct cache_mpam *p = c->mpam;
	uint64_t ways = p->ways[partid], valid = valid_ways(c, set) & ways;
	uint64_t mine = owned(c, set, valid, partid);
	if (p->msc.value[partid][MPAM_cmax_soft]) mine |= ways & ~valid;
	return mine || c->params.inclusion != INCL_INCLUSIVE ? mine : ways;
}

static int choose(struct cache *c, uint64_t set)
{
	const struct cache_mpam *p = c->mpam;
	unsigned partid = p->msc.mpam->partid_of[p->filler];
	uint64_t allowed = p->ways[partid];
	if (p->held[partid] >= p->most[partid]) allowed = within_capacity(c, set, partid);
	if (!allowed) return CACHE_MISS;
	uint64_t empty = allowed & ~valid_ways(c, set);
	if (empty) return __builtin_ctzll(empty);
	uint64_t spare = p->has_least ? spared(c, set, allowed, partid) : 0;
	if (allowed & ~spare) allowed &= ~spare;
	return (int)c->policy->victim_among(cache_state_of(c, cache_set(c, set)), c->ways, allowed);
}

/* --- bookkeeping --------------------------------------------------------------------------------------------------- */

unsigned cache_mpam_gone(struct cache *c, uint64_t set, unsigned way)
{
	struct cache_mpam *p = c->mpam;
	unsigned owner = p->owner[set * c->ways + way];
	p->held[p->msc.mpam->partid_of[owner]]--;
	p->stats.csu_lines[owner]--;
	return owner;
}

void cache_mpam_come(struct cache *c, uint64_t set, unsigned way)
{
	struct cache_mpam *p = c->mpam;
	p->owner[set * c->ways + way] = (uint8_t)p->filler;
	p->held[p->msc.mpam->partid_of[p->filler]]++;
	p->stats.csu_lines[p->filler]++;
	p->stats.fills[p->filler]++;
}

/* The ways of the portions of a CPBM. */
static uint64_t ways_of(const struct cache *c, uint64_t cpbm)
{
	unsigned each = c->ways / (unsigned)c->params.mpam_portions;
	uint64_t ways = 0;
	for (unsigned i = 0; i < c->params.mpam_portions; i++)
		if (cpbm >> i & 1) ways |= bits_ones(each) << (i * each);
	return ways;
}

void cache_mpam_reread(struct cache *c, cycles_t now)
{
	struct cache_mpam *p = c->mpam;
	uint64_t lines = (c->set_mask + 1) * c->ways;
	mpam_msc_advance(&p->msc, now);
	p->has_least = false;
	for (unsigned i = 0; i < MPAM_PARTIDS; i++) {
		const uint64_t *value = p->msc.value[i];
		p->ways[i] = ways_of(c, value[MPAM_cpbm]);
		p->most[i] = value[MPAM_cmax] < 100 ? lines * value[MPAM_cmax] / 100 : UINT64_MAX;
		p->least[i] = lines * value[MPAM_cmin] / 100;
		p->has_least |= value[MPAM_cmin] != 0;
	}
}

/* --- building ------------------------------------------------------------------------------------------------------- */

static enum status check(const struct cache *c, const struct mpam *m, struct err *err)
{
	const struct cache_params *p = &c->params;
	const struct mpam_setting *s = m->params->settings.items;
	if (p->level == 1 || p->ways % p->mpam_portions)
		return err_set(err, ERR_CONFIG,
			       "caches.%s.mpam_portions: %" PRIu64 ", but level %" PRIu64 " has %" PRIu64
			       " ways: portions divide the ways of a cache beyond level 1",
			       p->name, p->mpam_portions, p->level, p->ways);
	for (size_t i = 0; i < m->params->settings.count; i++)
		if (s[i].control == MPAM_cpbm && p->inclusion == INCL_INCLUSIVE &&
		    !(s[i].value & bits_ones((unsigned)p->mpam_portions)))
			return err_set(err, ERR_CONFIG,
				       "mpam.settings: cpbm 0x%" PRIx64 " of PARTID %" PRIu64
				       " has none of the %" PRIu64 " portions of %s, which is inclusive",
				       s[i].value, s[i].partid, p->mpam_portions, p->name);
	return OK;
}

enum status cache_mpam_attach(struct cache *c, const struct mpam *m, struct err *err)
{
	TRY(check(c, m, err));
	c->mpam = xcalloc(1, sizeof(*c->mpam));
	c->mpam->owner = xcalloc((c->set_mask + 1) * c->ways, sizeof(*c->mpam->owner));
	mpam_msc_init(&c->mpam->msc, m, c->params.name, MPAM_CACHE);
	for (unsigned i = 0; i < CACHE_MPAM_ROWS; i++) {
		c->mpam->rows[i] = stat_rows[i];
		c->mpam->rows[i].labels = m->names;
	}
	c->choose = choose;
	c->plain = false;
	cache_mpam_reread(c, 0);
	return OK;
}

void cache_mpam_free(struct cache_mpam *p)
{
	if (!p) return;
	mpam_msc_fini(&p->msc);
	free(p->owner);
	free(p);
}

void cache_mpam_register_stats(struct cache *c, struct stats *s, const char *prefix)
{
	if (c->mpam)
		stats_add(s, c->mpam->rows, CACHE_MPAM_ROWS, &c->mpam->stats, "%s%s.mpam", prefix,
			  c->params.name);
}

void cache_mpam_check(const struct cache *c)
{
	uint64_t lines[MPAM_MONITORS] = {0};
	for (uint64_t set = 0; set <= c->set_mask; set++)
		for (uint64_t ways = valid_ways(c, set); ways; ways &= ways - 1)
			lines[c->mpam->owner[set * c->ways + (unsigned)__builtin_ctzll(ways)]]++;
	for (unsigned i = 0; i < MPAM_MONITORS; i++) assert(lines[i] == c->mpam->stats.csu_lines[i]);
}
