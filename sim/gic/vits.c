/* vits.c - see vits.h. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "gic/vits.h"

struct translation {
	uint32_t device, event, intid;
	unsigned redist;
};

struct vits {
	struct its *its;
	struct its_redist *redist;
	struct translation *cache; /* most recently used first */
	unsigned cached, capacity;
	struct vits_stats stats;
};

const struct stat_desc vits_stat_rows[] = {
	STAT(struct vits_stats, hits, "interrupts", "messages translated by the cache"),
	STAT(struct vits_stats, misses, "interrupts", "messages translated under the lock of the ITS"),
	STAT(struct vits_stats, invalidated, "operations", "times the cache was emptied"),
	STAT(struct vits_stats, compared, "entries", "entries of the cache looked at"),
};
const size_t vits_stat_count = sizeof(vits_stat_rows) / sizeof(vits_stat_rows[0]);

struct vits *vits_new(struct physmem *guest, const struct its_redist *redist, unsigned vcpus, unsigned cached)
{
	struct its_params p = {.device_bits = 16,
			       .event_bits = 16,
			       .collection_bits = 16,
			       .id_bits = 16,
			       .keep_mapped = true};
	struct vits *v = xcalloc(1, sizeof(*v));
	v->its = its_new(&p, guest, redist, vcpus);
	v->redist = xcalloc(vcpus, sizeof(*redist));
	memcpy(v->redist, redist, vcpus * sizeof(*redist));
	v->cache = xcalloc(cached, sizeof(*v->cache));
	v->capacity = cached;
	return v;
}

void vits_free(struct vits *v)
{
	if (!v) return;
	its_free(v->its);
	free(v->redist);
	free(v->cache);
	free(v);
}

struct vits_stats *vits_stats(struct vits *v) { return &v->stats; }
struct its *vits_its(struct vits *v) { return v->its; }

void vits_invalidate(struct vits *v)
{
	v->stats.invalidated += v->cached != 0;
	v->cached = 0;
}

/* --- the guest's side -------------------------------------------------------------------------------------------------- */

bool vits_write(struct vits *v, unsigned offset, unsigned bytes, uint64_t value)
{
	bool known = its_write(v->its, offset, bytes, value);
	uint64_t ctlr = 0;
	its_read(v->its, 0, 4, &ctlr);
	if (!(ctlr & 1)) vits_invalidate(v); /* disabled */
	return known;
}

/* MAPTI and MAPI add translations that were not there; INT, CLEAR, INV and INVALL change none. */
static bool changes_translations(enum its_command c)
{
	return c == ITS_MAPD || c == ITS_MAPC || c == ITS_MOVI || c == ITS_MOVALL || c == ITS_DISCARD;
}

struct its_step vits_step(struct vits *v)
{
	struct its_step s = its_step(v->its);
	if (s.done && changes_translations(s.command)) vits_invalidate(v);
	return s;
}

/* --- injection ------------------------------------------------------------------------------------------------------------ */

static unsigned find(const struct vits *v, uint32_t device, uint32_t event)
{
	unsigned i = 0;
	while (i < v->cached && (v->cache[i].device != device || v->cache[i].event != event)) i++;
	return i;
}

bool vits_has(const struct vits *v, uint32_t device, uint32_t event)
{
	return find(v, device, event) < v->cached;
}

/* Puts `t` first; what stood before place `at` moves on by one. */
static void put_first(struct vits *v, unsigned at, struct translation t)
{
	memmove(v->cache + 1, v->cache, at * sizeof(*v->cache));
	v->cache[0] = t;
}

static void remember(struct vits *v, struct translation t)
{
	if (!v->capacity) return;
	if (v->cached < v->capacity) v->cached++;
	put_first(v, v->cached - 1, t);
}

static void inject_cached(struct vits *v, unsigned at, struct vits_injection *out)
{
	struct translation t = v->cache[at];
	put_first(v, at, t);
	out->cached = true;
	out->delivery = (struct its_delivery){.intid = t.intid, .redist = t.redist};
	if (!lpi_set_pending(v->redist[t.redist].lpi, t.intid)) out->delivery.drop = ITS_DROP_REDISTRIBUTOR;
	v->stats.hits++;
}

struct vits_injection vits_inject(struct vits *v, uint32_t device, uint32_t event)
{
	struct vits_injection out = {0};
	unsigned at = find(v, device, event);
	out.compared = at < v->cached ? at + 1 : v->cached;
	v->stats.compared += out.compared;
	if (at < v->cached) {
		inject_cached(v, at, &out);
		return out;
	}
	out.delivery = its_translate(v->its, device, event);
	v->stats.misses++;
	if (out.delivery.drop == ITS_DROP_NONE)
		remember(v, (struct translation){device, event, out.delivery.intid, out.delivery.redist});
	return out;
}
