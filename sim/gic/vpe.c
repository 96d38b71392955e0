/* vpe.c - residency and virtual interrupts. Registers: vpe_regs.c. See vpe.h. */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "gic/its_table.h"
#include "gic/vpe_redist.h"

const struct stat_desc vpe_stat_rows[] = {
	STAT(struct vpe_stats, scheduled, "vPEs", "vPEs made resident"),
	STAT(struct vpe_stats, descheduled, "vPEs", "vPEs made non-resident"),
	STAT(struct vpe_stats, pending_last, "vPEs", "vPEs made non-resident with an interrupt pending"),
	STAT(struct vpe_stats, direct, "interrupts", "virtual interrupts for the resident vPE: no exit"),
	STAT(struct vpe_stats, waiting, "interrupts",
	     "virtual interrupts left in the table of a vPE that is not resident"),
	STAT(struct vpe_stats, merged, "interrupts", "virtual interrupts that were pending already"),
	STAT(struct vpe_stats, dropped, "interrupts", "virtual interrupts out of range of the pending table"),
	STAT(struct vpe_stats, acknowledged, "interrupts",
	     "virtual interrupts taken by the virtual CPU interface"),
	STAT(struct vpe_stats, doorbells, "interrupts", "doorbells sent"),
	STAT(struct vpe_stats, words_loaded, "words", "non-zero words of virtual pending tables read"),
	STAT(struct vpe_stats, bits_stored, "bits", "pending bits written back to virtual pending tables"),
};
const size_t vpe_stat_count = sizeof(vpe_stat_rows) / sizeof(vpe_stat_rows[0]);

struct vpe_redist *vpe_redist_new(const struct vpe_params *p, struct physmem *mem, struct lpi *lpi)
{
	struct vpe_redist *v = xcalloc(1, sizeof(*v));
	assert(p->id_bits >= LPI_ID_BITS_MIN && p->id_bits <= LPI_ID_BITS_MAX);
	v->p = *p;
	v->lpi = lpi;
	v->tables.mem = mem;
	lpi_set_init(&v->set);
	return v;
}

void vpe_redist_free(struct vpe_redist *v)
{
	if (!v) return;
	lpi_set_free(&v->set);
	free(v);
}

void vpe_on_change(struct vpe_redist *v, lpi_change_fn *fn, void *self)
{
	v->on_change = fn;
	v->on_change_self = self;
}

struct vpe_stats *vpe_stats(struct vpe_redist *v) { return &v->stats; }
size_t vpe_bytes(const struct vpe_redist *v) { return sizeof(*v) + lpi_set_bytes(&v->set); }

static void tell(struct vpe_redist *v)
{
	if (v->on_change && !v->dirty) v->on_change(v->on_change_self);
}

/* --- configuration: of LPIs in the virtual configuration table, of SGIs in the vPE's entry ---------------------------- */

static uint8_t config_of(const struct vpe_redist *v, uint32_t intid)
{
	if (intid >= VPE_SGIS) return lpi_tables_config(&v->tables, intid) | VPE_SGI_GROUP1;
	struct vpe_entry e;
	vpe_entry_read(&e, v->tables.mem, v->at, v->p.v41);
	return e.sgi[intid];
}

static void configure(struct vpe_redist *v, struct lpi_entry *e)
{
	if (!lpi_set_stale(&v->set, e)) return;
	v->work.config_reads++;
	lpi_set_configure(&v->set, e, config_of(v, e->intid));
}

static void configure_pending(struct vpe_redist *v)
{
	for (struct lpi_entry *e = NULL; (e = lpi_set_next(&v->set, e));)
		if (e->pending) configure(v, e);
}

void vpe_invalidate(struct vpe_redist *v, const struct vpe_target *t, uint32_t intid)
{
	struct lpi_entry *e = vpe_resident(v, t) ? lpi_set_find(&v->set, intid) : NULL;
	if (!e) return;
	e->read = 0;
	if (e->pending) configure(v, e);
	tell(v);
}

void vpe_invalidate_all(struct vpe_redist *v, const struct vpe_target *t)
{
	if (!vpe_resident(v, t)) return;
	lpi_set_invalidate(&v->set);
	configure_pending(v);
	tell(v);
}

void vpe_write_invalidate(struct vpe_redist *v, uint64_t value, bool all)
{
	struct vpe_target t = {.vpeid = (uint32_t)bits_get(value, 47, 32)};
	if (!v->p.v41) return;
	if (all)
		vpe_invalidate_all(v, &t);
	else
		vpe_invalidate(v, &t, (uint32_t)value);
}

/* --- residency --------------------------------------------------------------------------------------------------------- */

/* GICv4.0 knows a vPE by its pending table. */
bool vpe_resident(const struct vpe_redist *v, const struct vpe_target *t)
{
	if (!v->resident) return false;
	return v->p.v41 ? v->vpeid == t->vpeid : v->tables.pending.raw == t->entry.vpt.raw;
}

static void find_tables_v40(struct vpe_redist *v)
{
	unsigned bits = (unsigned)bits_get(v->vpropbaser, 4, 0) + 1;
	v->tables.config.raw = bits_put(bits_get(v->vpropbaser, 51, 12), 51, 12);
	v->tables.pending.raw = bits_put(bits_get(v->vpendbaser, 51, 16), 51, 16);
	v->tables.id_bits = bits > v->p.id_bits ? v->p.id_bits : bits;
}

bool vpe_find_entry(const struct vpe_redist *v, uint32_t vpeid, struct vpe_target *out)
{
	struct gic_table table = gic_table_of_vpropbaser(v->vpropbaser, VPE_ENTRY_BITS_V41);
	struct pa level1;
	out->vpeid = vpeid;
	if (gic_table_find(&table, v->tables.mem, vpeid, &out->at, &level1) != GIC_FOUND) return false;
	vpe_entry_read(&out->entry, v->tables.mem, out->at, true);
	return out->entry.valid;
}

/* A vPEID that is not mapped has no tables: nothing is pending and nothing can be. */
static void find_tables_v41(struct vpe_redist *v)
{
	struct vpe_target t = {0};
	v->vpeid = (uint32_t)bits_get(v->vpendbaser, 15, 0);
	v->work.table_reads += 4;
	if (!vpe_find_entry(v, v->vpeid, &t)) {
		v->tables.id_bits = 0;
		return;
	}
	v->at = t.at;
	v->tables.config = t.entry.vconf;
	v->tables.pending = t.entry.vpt;
	v->tables.id_bits = t.entry.vpt_bits > v->p.id_bits ? v->p.id_bits : t.entry.vpt_bits;
	t.entry.wanted = false; /* it runs: no doorbell */
	vpe_entry_write(&t.entry, v->tables.mem, t.at, true);
}

/* Virtual SGIs are the first 16 bits of the pending table. */
static uint64_t load_sgis(struct vpe_redist *v)
{
	bool any = false;
	for (unsigned i = 0; i < VPE_SGIS; i++) {
		if (!lpi_tables_pending(&v->tables, i)) continue;
		struct lpi_entry *e = lpi_set_add(&v->set, i);
		e->stored = any = true;
		lpi_set_pend(&v->set, e, true);
	}
	return any;
}

void vpe_schedule(struct vpe_redist *v)
{
	if (v->p.v41)
		find_tables_v41(v);
	else
		find_tables_v40(v);
	v->resident = true;
	v->dirty = true;
	v->stats.scheduled++;
	uint64_t words = lpi_tables_load(&v->tables, &v->set);
	if (v->p.v41 && v->tables.id_bits) words += load_sgis(v);
	v->work.words_read += words;
	v->stats.words_loaded += words;
	configure_pending(v);
}

/* Something that would be offered: enabled, and of an enabled group (GICv4.1; otherwise all are group 1). */
static bool anything_waits(const struct vpe_redist *v)
{
	bool group0 = bit_get(v->vpendbaser, 59), group1 = bit_get(v->vpendbaser, 58);
	if (!v->p.v41) return v->set.heap_count;
	for (uint32_t i = 0; i < v->set.heap_count; i++)
		if (v->set.entry[v->set.heap[i]].config & VPE_SGI_GROUP1 ? group1 : group0) return true;
	return false;
}

static void want_doorbell(struct vpe_redist *v)
{
	struct vpe_target t;
	if (!vpe_find_entry(v, v->vpeid, &t)) return;
	t.entry.wanted = true;
	t.entry.group0 = bit_get(v->vpendbaser, 59);
	t.entry.group1 = bit_get(v->vpendbaser, 58);
	vpe_entry_write(&t.entry, v->tables.mem, t.at, true);
}

void vpe_deschedule(struct vpe_redist *v, bool doorbell)
{
	v->pending_last = anything_waits(v);
	uint64_t bits = v->tables.id_bits ? lpi_tables_store(&v->tables, &v->set) : 0;
	lpi_set_free(&v->set);
	if (v->p.v41 && doorbell && !v->pending_last) want_doorbell(v);
	v->work.bits_written += bits;
	v->stats.bits_stored += bits;
	v->stats.descheduled++;
	v->stats.pending_last += v->pending_last;
	v->resident = false;
	tell(v); /* nothing is offered from here on */
	v->dirty = true;
}

struct vpe_work vpe_settle(struct vpe_redist *v)
{
	struct vpe_work work = v->work;
	v->work = (struct vpe_work){0};
	v->dirty = v->sgi_busy = false;
	tell(v);
	return work;
}

/* --- pending state ------------------------------------------------------------------------------------------------------ */

static struct lpi_tables tables_of(const struct vpe_redist *v, const struct vpe_target *t)
{
	unsigned bits = t->entry.vpt_bits > v->p.id_bits ? v->p.id_bits : t->entry.vpt_bits;
	return (struct lpi_tables){v->tables.mem, t->entry.vconf, t->entry.vpt, bits};
}

static bool exists(const struct vpe_redist *v, const struct lpi_tables *tables, uint32_t intid)
{
	return lpi_tables_hold(tables, intid) || (v->p.v41 && intid < VPE_SGIS && tables->id_bits);
}

static bool set_resident(struct vpe_redist *v, uint32_t intid)
{
	struct lpi_entry *e = lpi_set_add(&v->set, intid);
	bool merged = e->pending;
	configure(v, e);
	lpi_set_pend(&v->set, e, true);
	v->stats.direct += !merged;
	tell(v);
	return merged;
}

static bool ring(struct vpe_redist *v, uint32_t intid)
{
	v->stats.doorbells++;
	return lpi_set_pending(v->lpi, intid);
}

/* The default doorbell: once, for what is enabled and of a group that was. */
static bool ring_default(struct vpe_redist *v, struct vpe_target *t, uint8_t config)
{
	bool group = config & VPE_SGI_GROUP1 ? t->entry.group1 : t->entry.group0;
	if (!t->entry.wanted || !group || !(config & LPI_CONFIG_ENABLE)) return false;
	t->entry.wanted = false;
	vpe_entry_write(&t->entry, v->tables.mem, t->at, true);
	return t->entry.doorbell >= LPI_FIRST && ring(v, t->entry.doorbell);
}

static bool set_waiting(struct vpe_redist *v, struct vpe_target *t, uint32_t intid, uint32_t doorbell,
			bool *rang)
{
	struct lpi_tables tables = tables_of(v, t);
	bool merged = lpi_tables_pend(&tables, intid, true);
	v->stats.waiting += !merged;
	if (!v->p.v41) {
		*rang = doorbell >= LPI_FIRST && ring(v, doorbell);
		return merged;
	}
	uint8_t config = intid < VPE_SGIS ? t->entry.sgi[intid]
					  : lpi_tables_config(&tables, intid) | VPE_SGI_GROUP1;
	*rang = ring_default(v, t, config);
	return merged;
}

struct vpe_outcome vpe_set_pending(struct vpe_redist *v, struct vpe_target *t, uint32_t intid,
				   uint32_t doorbell)
{
	struct vpe_outcome o = {.resident = vpe_resident(v, t)};
	struct lpi_tables tables = o.resident ? v->tables : tables_of(v, t);
	o.taken = exists(v, &tables, intid);
	v->stats.dropped += !o.taken;
	if (!o.taken) return o;
	bool merged = o.resident ? set_resident(v, intid) : set_waiting(v, t, intid, doorbell, &o.doorbell);
	v->stats.merged += merged;
	return o;
}

bool vpe_is_pending(const struct vpe_redist *v, const struct vpe_target *t, uint32_t intid)
{
	if (vpe_resident(v, t)) {
		const struct lpi_entry *e = lpi_set_find(&v->set, intid);
		return e && e->pending;
	}
	struct lpi_tables tables = tables_of(v, t);
	return exists(v, &tables, intid) && lpi_tables_pending(&tables, intid);
}

bool vpe_clear_pending(struct vpe_redist *v, const struct vpe_target *t, uint32_t intid)
{
	bool was = vpe_is_pending(v, t, intid);
	struct lpi_tables tables = tables_of(v, t);
	if (!was) return false;
	if (vpe_resident(v, t)) {
		lpi_set_pend(&v->set, lpi_set_find(&v->set, intid), false);
		tell(v);
	} else {
		lpi_tables_pend(&tables, intid, false);
	}
	return true;
}

struct vpe_offer vpe_best(const struct vpe_redist *v)
{
	const struct lpi_entry *e = v->resident && !v->dirty ? lpi_set_best(&v->set) : NULL;
	if (!e) return (struct vpe_offer){0};
	return (struct vpe_offer){true, e->config & VPE_SGI_GROUP1, e->intid,
				  e->config & LPI_CONFIG_PRIORITY};
}

void vpe_acknowledge(struct vpe_redist *v, uint32_t intid)
{
	struct lpi_entry *e = lpi_set_find(&v->set, intid);
	if (!e || !e->pending) return;
	lpi_set_pend(&v->set, e, false);
	v->stats.acknowledged++;
	tell(v);
}

const char *vpe_check(const struct vpe_redist *v)
{
	if (!v->resident && v->set.count) return "interrupts are known without a resident vPE";
	for (const struct lpi_entry *e = NULL; (e = lpi_set_next(&v->set, e));)
		if (!exists(v, &v->tables, e->intid))
			return "a virtual interrupt that the tables do not hold";
	return lpi_set_check(&v->set);
}
