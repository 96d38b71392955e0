/* its_entries.c - see its_entries.h. */
#include "base/bits.h"
#include "gic/its_entries.h"

/* --- reading and its cost ---------------------------------------------------------------------------------------- */

static uint64_t read_word(struct its *t, enum its_table table, struct pa at)
{
	t->reads[table]++;
	if (t->on_read) t->on_read(t->on_read_self, table, at);
	return physmem_read64(t->mem, at);
}

/* Counts a look-up; true: the entry must be read from memory. */
static bool misses(struct its *t, enum its_table table, uint64_t key)
{
	bool hit = its_cache_touch(&t->cache[table], key);
	t->stats.cache_hits[table] += hit;
	t->stats.cache_misses[table] += !hit;
	return !hit;
}

/* Tells of the level 1 entry and the `words` of the entry, if the cache does not have it. */
static void charge(struct its *t, enum its_table table, uint64_t key, struct pa entry, struct pa level1,
		   unsigned words)
{
	if (!misses(t, table, key)) return;
	if (level1.raw != UINT64_MAX) read_word(t, table, level1);
	for (unsigned i = 0; i < words; i++) read_word(t, table, (struct pa){entry.raw + 8 * i});
}

static struct gic_table table_of(const struct its *t, unsigned baser, unsigned entry_bits)
{
	return gic_table_of_baser(t->baser[baser], entry_bits);
}

static unsigned vpe_entry_bits(const struct its *t)
{
	return t->p.v41 ? VPE_ENTRY_BITS_V41 : VPE_ENTRY_BITS_V40;
}
static unsigned ite_bits(const struct its *t) { return t->p.v4 ? 4 : 3; }

static enum gic_found find(struct its *t, unsigned baser, unsigned entry_bits, unsigned id_bits, uint64_t id,
			   struct pa *entry, struct pa *level1)
{
	struct gic_table table = table_of(t, baser, entry_bits);
	if (id >> id_bits) return GIC_OUT_OF_RANGE;
	return gic_table_find(&table, t->mem, id, entry, level1);
}

/* --- devices and events --------------------------------------------------------------------------------------------- */

static enum gic_found device_at(struct its *t, uint32_t device, struct pa *at, struct pa *level1)
{
	return find(t, ITS_BASER_DEVICES, ITS_DTE_BITS, t->p.device_bits, device, at, level1);
}

enum gic_found its_find_device(struct its *t, uint32_t device, struct its_dte *out)
{
	struct pa at, level1;
	enum gic_found found = device_at(t, device, &at, &level1);
	*out = (struct its_dte){0};
	if (found != GIC_FOUND) return found;
	charge(t, ITS_DEVICES, device, at, level1, 1);
	uint64_t word = physmem_read64(t->mem, at);
	out->valid = bit_get(word, 63);
	out->itt.raw = bits_put(bits_get(word, 51, 8), 51, 8);
	out->event_bits = (unsigned)bits_get(word, 4, 0) + 1;
	return found;
}

/* Events of a device in the cache: its number in <63:32>. */
static uint64_t event_key(uint32_t device, uint32_t event) { return (uint64_t)device << 32 | event; }

void its_store_device(struct its *t, uint32_t device, const struct its_dte *d)
{
	struct pa at, level1;
	if (device_at(t, device, &at, &level1) != GIC_FOUND) return;
	uint64_t word = bits_put(d->valid, 63, 63) | d->itt.raw | bits_put(d->event_bits - 1, 4, 0);
	physmem_write64(t->mem, at, d->valid ? word : 0);
	its_cache_drop(&t->cache[ITS_DEVICES], device);
	its_cache_drop_all(&t->cache[ITS_EVENTS], ~bits_ones(32), event_key(device, 0));
}

static struct pa event_at(const struct its *t, const struct its_event *e)
{
	uint64_t raw = e->dte.itt.raw + ((uint64_t)e->event << ite_bits(t));
	return (struct pa){raw & bits_ones(PHYSMEM_PA_BITS)};
}

void its_find_event(struct its *t, struct its_event *e)
{
	struct pa at = event_at(t, e), none = {UINT64_MAX};
	charge(t, ITS_EVENTS, event_key(e->device, e->event), at, none, 1u << ite_bits(t) >> 3);
	uint64_t word = physmem_read64(t->mem, at);
	e->ite = (struct its_ite){
		.valid = bit_get(word, 63),
		.is_virtual = t->p.v4 && bit_get(word, 62),
		.id = (uint32_t)bits_get(word, 47, 32),
		.intid = (uint32_t)word,
		.doorbell = VPE_NO_DOORBELL,
	};
	if (t->p.v4) e->ite.doorbell = (uint32_t)physmem_read64(t->mem, (struct pa){at.raw + 8});
}

void its_store_event(struct its *t, const struct its_event *e)
{
	struct pa at = event_at(t, e);
	uint64_t word = bits_put(1, 63, 63) | bits_put(e->ite.is_virtual, 62, 62) |
			bits_put(e->ite.id, 47, 32) | e->ite.intid;
	physmem_write64(t->mem, at, e->ite.valid ? word : 0);
	if (t->p.v4) physmem_write64(t->mem, (struct pa){at.raw + 8}, e->ite.valid ? e->ite.doorbell : 0);
	its_cache_drop(&t->cache[ITS_EVENTS], event_key(e->device, e->event));
}

/* --- collections and vPEs --------------------------------------------------------------------------------------------- */

static enum gic_found collection_at(struct its *t, uint32_t icid, struct pa *at, struct pa *level1)
{
	return find(t, ITS_BASER_COLLECTIONS, ITS_CTE_BITS, t->p.collection_bits, icid, at, level1);
}

enum gic_found its_find_collection(struct its *t, uint32_t icid, struct its_cte *out)
{
	struct pa at, level1;
	enum gic_found found = collection_at(t, icid, &at, &level1);
	*out = (struct its_cte){0};
	if (found != GIC_FOUND) return found;
	charge(t, ITS_COLLECTIONS, icid, at, level1, 1);
	uint64_t word = physmem_read64(t->mem, at);
	out->redist = (unsigned)bits_get(word, 15, 0);
	out->valid = bit_get(word, 63) && out->redist < t->redist_count;
	return found;
}

void its_store_collection(struct its *t, uint32_t icid, const struct its_cte *c)
{
	struct pa at, level1;
	if (collection_at(t, icid, &at, &level1) != GIC_FOUND) return;
	physmem_write64(t->mem, at, c->valid ? bits_put(1, 63, 63) | c->redist : 0);
	its_cache_drop(&t->cache[ITS_COLLECTIONS], icid);
}

enum gic_found its_find_vpe(struct its *t, uint32_t vpeid, struct vpe_target *out)
{
	struct pa level1;
	*out = (struct vpe_target){.vpeid = vpeid};
	enum gic_found found = find(t, ITS_BASER_VPES, vpe_entry_bits(t), t->p.vpe_bits, vpeid, &out->at,
				    &level1);
	if (found != GIC_FOUND) return found;
	charge(t, ITS_VPES, vpeid, out->at, level1, t->p.v41 ? 4 : 2);
	vpe_entry_read(&out->entry, t->mem, out->at, t->p.v41);
	if (out->entry.redist >= t->redist_count) out->entry.valid = false;
	return found;
}

void its_store_vpe(struct its *t, const struct vpe_target *v)
{
	vpe_entry_write(&v->entry, t->mem, v->at, t->p.v41);
	its_cache_drop(&t->cache[ITS_VPES], v->vpeid);
}

int its_redist_of(const struct its *t, uint64_t rdbase)
{
	if (!t->p.pta) return rdbase < t->redist_count ? (int)rdbase : -1;
	for (unsigned i = 0; i < t->redist_count; i++)
		if (t->redist[i].address >> 16 == rdbase) return (int)i;
	return -1;
}
