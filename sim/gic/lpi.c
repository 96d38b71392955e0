/* lpi.c - see lpi.h. */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "gic/lpi.h"
#include "gic/reg_access.h"

struct lpi {
	struct lpi_params p;
	struct lpi_tables tables; /* id_bits 0: LPIs are disabled */
	struct lpi_set set;
	uint64_t propbaser, pendbaser;
	bool enabled;
	struct lpi_stats stats;
	lpi_change_fn *on_change;
	void *on_change_self;
};

const struct stat_desc lpi_stat_rows[] = {
	STAT(struct lpi_stats, pended, "interrupts", "LPIs made pending"),
	STAT(struct lpi_stats, merged, "interrupts", "LPIs that were pending already"),
	STAT(struct lpi_stats, acknowledged, "interrupts", "LPIs taken by the CPU interface"),
	STAT(struct lpi_stats, cleared, "interrupts",
	     "pending LPIs cleared by CLEAR, DISCARD or GICR_CLRLPIR"),
	STAT(struct lpi_stats, moved, "interrupts", "pending LPIs that MOVI or MOVALL brought here"),
	STAT(struct lpi_stats, dropped, "interrupts",
	     "LPIs ignored: disabled here, or out of the tables' range"),
	STAT(struct lpi_stats, config_reads, "reads", "configuration bytes read from memory"),
	STAT(struct lpi_stats, config_hits, "reads", "configuration bytes that were known"),
	STAT(struct lpi_stats, invalidated, "operations", "INV and INVALL"),
	STAT(struct lpi_stats, words_loaded, "words",
	     "words of the pending table that held pending bits when read"),
	STAT(struct lpi_stats, bits_stored, "bits", "pending bits written back to memory"),
};
const size_t lpi_stat_count = sizeof(lpi_stat_rows) / sizeof(lpi_stat_rows[0]);

struct lpi *lpi_new(const struct lpi_params *p, struct physmem *mem)
{
	struct lpi *l = xcalloc(1, sizeof(*l));
	assert(p->id_bits >= LPI_ID_BITS_MIN && p->id_bits <= LPI_ID_BITS_MAX);
	l->p = *p;
	l->tables.mem = mem;
	lpi_set_init(&l->set);
	return l;
}

void lpi_free(struct lpi *l)
{
	if (!l) return;
	lpi_set_free(&l->set);
	free(l);
}

void lpi_on_change(struct lpi *l, lpi_change_fn *fn, void *self)
{
	l->on_change = fn;
	l->on_change_self = self;
}

struct lpi_stats *lpi_stats(struct lpi *l) { return &l->stats; }
size_t lpi_bytes(const struct lpi *l) { return sizeof(*l) + lpi_set_bytes(&l->set); }
bool lpi_enabled(const struct lpi *l) { return l->enabled; }

static void tell(struct lpi *l)
{
	if (l->on_change) l->on_change(l->on_change_self);
}

/* --- configuration ---------------------------------------------------------------------------------------------- */

static void configure(struct lpi *l, struct lpi_entry *e)
{
	if (!lpi_set_stale(&l->set, e)) {
		l->stats.config_hits++;
		return;
	}
	l->stats.config_reads++;
	lpi_set_configure(&l->set, e, lpi_tables_config(&l->tables, e->intid));
}

/* What is pending must stand where its configuration says; the rest is read when it is next used. */
static void configure_pending(struct lpi *l)
{
	for (struct lpi_entry *e = NULL; (e = lpi_set_next(&l->set, e));)
		if (e->pending) configure(l, e);
}

void lpi_invalidate(struct lpi *l, uint32_t intid)
{
	struct lpi_entry *e = lpi_set_find(&l->set, intid);
	if (!l->enabled) return;
	l->stats.invalidated++;
	if (!e) return;
	e->read = 0;
	if (e->pending) configure(l, e);
	tell(l);
}

void lpi_invalidate_all(struct lpi *l)
{
	if (!l->enabled) return;
	l->stats.invalidated++;
	lpi_set_invalidate(&l->set);
	configure_pending(l);
	tell(l);
}

/* --- enabling ---------------------------------------------------------------------------------------------------- */

#define PENDBASER_PTZ (UINT64_C(1) << 62)

static void start(struct lpi *l)
{
	unsigned bits = (unsigned)bits_get(l->propbaser, 4, 0) + 1;
	l->tables.config.raw = l->propbaser & bits_put(bits_ones(40), 51, 12);
	l->tables.pending.raw = l->pendbaser & bits_put(bits_ones(36), 51, 16);
	/* More than GICD_TYPER.IDbits says is as much as that; fewer than 14 bits hold no LPI at all. */
	l->tables.id_bits = bits > l->p.id_bits ? l->p.id_bits : bits;
	if (!(l->pendbaser & PENDBASER_PTZ)) l->stats.words_loaded += lpi_tables_load(&l->tables, &l->set);
	configure_pending(l);
}

static void stop(struct lpi *l)
{
	l->stats.bits_stored += lpi_tables_store(&l->tables, &l->set);
	lpi_set_free(&l->set);
	l->tables.id_bits = 0;
}

void lpi_enable(struct lpi *l, bool on)
{
	if (l->enabled == on) return;
	l->enabled = on;
	if (on)
		start(l);
	else
		stop(l);
	tell(l);
}

/* --- pending state ------------------------------------------------------------------------------------------------ */

static bool holds(struct lpi *l, uint64_t intid)
{
	bool held = l->enabled && lpi_tables_hold(&l->tables, intid);
	l->stats.dropped += !held;
	return held;
}

bool lpi_set_pending(struct lpi *l, uint32_t intid)
{
	if (!holds(l, intid)) return false;
	struct lpi_entry *e = lpi_set_add(&l->set, intid);
	l->stats.pended += !e->pending;
	l->stats.merged += e->pending;
	configure(l, e);
	lpi_set_pend(&l->set, e, true);
	tell(l);
	return true;
}

static bool unpend(struct lpi *l, uint32_t intid)
{
	struct lpi_entry *e = lpi_set_find(&l->set, intid);
	if (!e || !e->pending) return false;
	lpi_set_pend(&l->set, e, false);
	tell(l);
	return true;
}

bool lpi_clear_pending(struct lpi *l, uint32_t intid)
{
	bool was = holds(l, intid) && unpend(l, intid);
	l->stats.cleared += was;
	return was;
}

bool lpi_is_pending(const struct lpi *l, uint32_t intid)
{
	const struct lpi_entry *e = lpi_set_find(&l->set, intid);
	return e && e->pending;
}

void lpi_move(struct lpi *from, struct lpi *to, uint32_t intid)
{
	if (from == to || !unpend(from, intid) || !holds(to, intid)) return;
	struct lpi_entry *e = lpi_set_add(&to->set, intid);
	configure(to, e);
	lpi_set_pend(&to->set, e, true);
	to->stats.moved++;
	tell(to);
}

void lpi_move_all(struct lpi *from, struct lpi *to)
{
	if (from == to) return;
	for (const struct lpi_entry *e = NULL; (e = lpi_set_next(&from->set, e));)
		if (e->pending) lpi_move(from, to, e->intid);
}

struct lpi_offer lpi_best(const struct lpi *l)
{
	const struct lpi_entry *e = lpi_set_best(&l->set);
	if (!e) return (struct lpi_offer){0};
	return (struct lpi_offer){true, e->intid, e->config & LPI_CONFIG_PRIORITY};
}

void lpi_acknowledge(struct lpi *l, uint32_t intid) { l->stats.acknowledged += unpend(l, intid); }

const char *lpi_check(const struct lpi *l)
{
	for (const struct lpi_entry *e = NULL; (e = lpi_set_next(&l->set, e));)
		if (!lpi_tables_hold(&l->tables, e->intid)) return "an LPI that the tables do not hold";
	if (!l->enabled && l->set.count) return "LPIs are known while they are disabled";
	return lpi_set_check(&l->set);
}

/* --- registers ---------------------------------------------------------------------------------------------------- */

static uint64_t read_propbaser(const struct lpi *l) { return l->propbaser; }
static uint64_t read_pendbaser(const struct lpi *l) { return l->pendbaser; }
static uint64_t read_zero(const struct lpi *l) { return (void)l, 0; } /* write-only, and SYNCR: never busy */

static void write_propbaser(struct lpi *l, uint64_t value)
{
	const uint64_t fields = bits_put(7, 58, 56) | bits_put(bits_ones(40), 51, 12) | 0xf80 | 0x1f;
	if (!l->enabled) l->propbaser = value & fields;
}

static void write_pendbaser(struct lpi *l, uint64_t value)
{
	const uint64_t fields = PENDBASER_PTZ | bits_put(7, 58, 56) | bits_put(bits_ones(36), 51, 16) | 0xf80;
	if (!l->enabled) l->pendbaser = value & fields;
}

static void write_setlpir(struct lpi *l, uint64_t value) { lpi_set_pending(l, (uint32_t)value); }
static void write_clrlpir(struct lpi *l, uint64_t value) { lpi_clear_pending(l, (uint32_t)value); }
static void write_invlpir(struct lpi *l, uint64_t value)
{
	/* V = 1 is about a vPE, which vpe.h answers. */
	if (!bit_get(value, 63)) lpi_invalidate(l, (uint32_t)value);
}
static void write_invallr(struct lpi *l, uint64_t value)
{
	if (!bit_get(value, 63)) lpi_invalidate_all(l);
}

enum reg_need { NEED_NOTHING, NEED_DIRECT, NEED_INVALIDATE };
static const struct lpi_reg {
	const char *name;
	unsigned offset, bytes;
	enum reg_need need;
	uint64_t (*read)(const struct lpi *);
	void (*write)(struct lpi *, uint64_t); /* of the whole register; NULL: read-only */
	uint64_t hidden;                       /* bits that are kept but read as 0 */
} regs[] = {
	{"GICR_SETLPIR", 0x40, 8, NEED_DIRECT, read_zero, write_setlpir, 0},
	{"GICR_CLRLPIR", 0x48, 8, NEED_DIRECT, read_zero, write_clrlpir, 0},
	{"GICR_PROPBASER", 0x70, 8, NEED_NOTHING, read_propbaser, write_propbaser, 0},
	{"GICR_PENDBASER", 0x78, 8, NEED_NOTHING, read_pendbaser, write_pendbaser, PENDBASER_PTZ},
	{"GICR_INVLPIR", 0xa0, 8, NEED_INVALIDATE, read_zero, write_invlpir, 0},
	{"GICR_INVALLR", 0xb0, 8, NEED_INVALIDATE, read_zero, write_invallr, 0},
	{"GICR_SYNCR", 0xc0, 4, NEED_INVALIDATE, read_zero, NULL, 0},
};

static const struct lpi_reg *find_reg(const struct lpi *l, unsigned offset, unsigned bytes)
{
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		if (!reg_covers(regs[i].offset, regs[i].bytes, offset, bytes)) continue;
		if (regs[i].need == NEED_DIRECT && !l->p.direct) return NULL;
		if (regs[i].need == NEED_INVALIDATE && !l->p.invalidate && !l->p.direct) return NULL;
		return &regs[i];
	}
	return NULL;
}

bool lpi_read(const struct lpi *l, unsigned offset, unsigned bytes, uint64_t *value)
{
	const struct lpi_reg *r = find_reg(l, offset, bytes);
	if (r) *value = reg_part(r->read(l) & ~r->hidden, offset - r->offset, bytes);
	return r;
}

bool lpi_write(struct lpi *l, unsigned offset, unsigned bytes, uint64_t value)
{
	const struct lpi_reg *r = find_reg(l, offset, bytes);
	if (!r) return false;
	if (r->write) r->write(l, reg_merge(r->read(l), value, offset - r->offset, bytes));
	return true;
}
