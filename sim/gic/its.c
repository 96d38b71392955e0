/* its.c - life, command queue, translation. Registers: its_regs.c; commands: its_command.c. See its.h. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "gic/its_deliver.h"
#include "gic/its_entries.h"

static const char *const command_labels[] = {
#define X(name, opcode, code, need, doc) #name,
	ITS_COMMANDS(X)
#undef X
		NULL};
static const char *const drop_labels[] = {
#define X(name, text) #text,
	ITS_DROPS(X)
#undef X
		NULL};
static const char *const table_labels[] = {"devices", "events", "collections", "vpes", NULL};

const struct stat_desc its_stat_rows[] = {
	STAT_BY(struct its_stats, commands, command_labels, "commands",
		"commands executed, with and without error"),
	STAT(struct its_stats, errors, "commands", "commands that broke a rule"),
	STAT(struct its_stats, stalls, "commands", "errors that stopped the queue"),
	STAT_BY(struct its_stats, translations, drop_labels, "translations",
		"writes to GITS_TRANSLATER: none were delivered, the others dropped for that reason"),
	STAT(struct its_stats, virtual_lpis, "interrupts", "virtual LPIs given to a vPE"),
	STAT(struct its_stats, virtual_sgis, "interrupts", "virtual SGIs given to a vPE by GITS_SGIR"),
	STAT(struct its_stats, doorbells, "interrupts", "deliveries that rang a doorbell"),
	STAT(struct its_stats, remote, "interrupts", "deliveries to a redistributor on another node"),
	STAT_BY(struct its_stats, cache_hits, table_labels, "entries", "table entries that a cache had"),
	STAT_BY(struct its_stats, cache_misses, table_labels, "entries", "table entries read from memory"),
};
const size_t its_stat_count = sizeof(its_stat_rows) / sizeof(its_stat_rows[0]);

struct its *its_new(const struct its_params *p, struct physmem *mem, const struct its_redist *redist,
		    unsigned count)
{
	struct its *t = xcalloc(1, sizeof(*t));
	assert(p->device_bits && p->device_bits <= 32 && p->event_bits && p->event_bits <= 32);
	assert(p->collection_bits && p->collection_bits <= 16 && (p->v4 || !p->v41));
	assert(p->id_bits >= LPI_ID_BITS_MIN && p->id_bits <= LPI_ID_BITS_MAX && count <= 1u << 16);
	for (unsigned i = 0; p->v4 && i < count; i++) assert(redist[i].vpe);
	t->p = *p;
	t->mem = mem;
	t->redist = xcalloc(count, sizeof(*redist));
	memcpy(t->redist, redist, count * sizeof(*redist));
	t->redist_count = count;
	for (unsigned i = 0; i < ITS_TABLES; i++) its_cache_init(&t->cache[i], p->cached[i]);
	return t;
}

void its_free(struct its *t)
{
	if (!t) return;
	for (unsigned i = 0; i < ITS_TABLES; i++) its_cache_free(&t->cache[i]);
	free(t->redist);
	free(t);
}

struct its_stats *its_stats(struct its *t) { return &t->stats; }

void its_on_read(struct its *t, its_read_fn *fn, void *self)
{
	t->on_read = fn;
	t->on_read_self = self;
}

/* --- the command queue ------------------------------------------------------------------------------------------------- */

enum { COMMAND_BYTES = 32 };

static uint64_t queue_bytes(const struct its *t) { return (bits_get(t->cbaser, 7, 0) + 1) << 12; }

static bool can_run(const struct its *t)
{
	return bit_get(t->ctlr, 0) && bit_get(t->cbaser, 63) && !t->stalled && t->creadr != t->cwriter &&
	       t->cwriter < queue_bytes(t);
}

static void fetch(const struct its *t, uint64_t word[4])
{
	uint64_t at = bits_put(bits_get(t->cbaser, 51, 12), 51, 12) + t->creadr;
	for (unsigned i = 0; i < 4; i++)
		word[i] = physmem_read64(t->mem, (struct pa){(at + 8 * i) & bits_ones(PHYSMEM_PA_BITS)});
}

struct its_step its_step(struct its *t)
{
	struct its_step s = {.command = ITS_COMMAND_COUNT};
	uint64_t word[4];
	if (!can_run(t)) return s;
	fetch(t, word);
	s.done = true;
	s.error = its_execute(t, word, &s.command);
	if (s.error) {
		t->last_error = s.error;
		t->stats.errors++;
		t->stalled = t->p.stall;
		t->stats.stalls += t->stalled;
	}
	if (!t->stalled)
		t->creadr = t->creadr + COMMAND_BYTES >= queue_bytes(t) ? 0 : t->creadr + COMMAND_BYTES;
	return s;
}

unsigned its_drain(struct its *t)
{
	unsigned count = 0;
	while (its_step(t).done) count++;
	return count;
}

unsigned its_last_error(const struct its *t) { return t->last_error; }

static const char *reason_text(enum its_command c, unsigned reason)
{
	if (c == ITS_MAPD && reason == ITS_MAPD_ITTSIZE_OOR) return "ITTSIZE_OOR";
	if (c == ITS_MOVALL && reason == ITS_MOVALL_PROCNUM_OOR) return "PROCNUM_OOR";
	switch (reason) {
#define X(name, number) \
	case number: return #name;
		ITS_REASONS(X)
#undef X
	}
	return "?";
}

const char *its_error_text(unsigned error, char *out, size_t bytes)
{
	static const uint8_t codes[] = {
#define X(name, opcode, code, need, doc) code,
		ITS_COMMANDS(X)
#undef X
	};
	unsigned c = 0;
	while (c < ITS_COMMAND_COUNT && codes[c] != bits_get(error, 15, 8)) c++;
	if (c == ITS_COMMAND_COUNT || (error & 0xff) == ITS_UNKNOWN_COMMAND)
		snprintf(out, bytes, "command 0x%02x is unknown", (unsigned)bits_get(error, 15, 8));
	else
		snprintf(out, bytes, "%s_%s", command_labels[c],
			 reason_text((enum its_command)c, error & 0xff));
	return out;
}

/* --- translation ---------------------------------------------------------------------------------------------------------- */

static void deliver_lpi(struct its *t, const struct its_ite *ite, struct its_delivery *d)
{
	struct its_cte c;
	its_find_collection(t, ite->id, &c);
	d->drop = c.valid ? ITS_DROP_NONE : ITS_DROP_COLLECTION_UNMAPPED;
	if (!c.valid) return;
	d->redist = c.redist;
	if (!lpi_set_pending(t->redist[c.redist].lpi, ite->intid)) d->drop = ITS_DROP_REDISTRIBUTOR;
}

static void deliver_vlpi(struct its *t, const struct its_ite *ite, struct its_delivery *d)
{
	struct vpe_target v;
	d->is_virtual = true;
	its_find_vpe(t, ite->id, &v);
	d->drop = v.entry.valid ? ITS_DROP_NONE : ITS_DROP_VPE_UNMAPPED;
	if (!v.entry.valid) return;
	d->redist = v.entry.redist;
	struct vpe_outcome o = vpe_set_pending(t->redist[d->redist].vpe, &v, ite->intid, ite->doorbell);
	d->resident = o.resident;
	d->doorbell = o.doorbell;
	if (!o.taken) d->drop = ITS_DROP_REDISTRIBUTOR;
	t->stats.virtual_lpis += o.taken;
	t->stats.doorbells += o.doorbell;
}

void its_deliver(struct its *t, const struct its_ite *ite, struct its_delivery *d)
{
	d->intid = ite->intid;
	if (ite->is_virtual)
		deliver_vlpi(t, ite, d);
	else
		deliver_lpi(t, ite, d);
	if (d->drop) return;
	d->remote = t->redist[d->redist].node != t->p.node;
	t->stats.remote += d->remote;
}

static void translate(struct its *t, struct its_event *e, struct its_delivery *d)
{
	enum gic_found found = its_find_device(t, e->device, &e->dte);
	if (found == GIC_OUT_OF_RANGE)
		d->drop = ITS_DROP_DEVICE_RANGE;
	else if (!e->dte.valid)
		d->drop = ITS_DROP_DEVICE_UNMAPPED;
	else if ((uint64_t)e->event >> e->dte.event_bits)
		d->drop = ITS_DROP_EVENT_RANGE;
	if (d->drop) return;
	its_find_event(t, e);
	if (e->ite.valid)
		its_deliver(t, &e->ite, d);
	else
		d->drop = ITS_DROP_EVENT_UNMAPPED;
}

struct its_delivery its_translate(struct its *t, uint32_t device, uint32_t event)
{
	struct its_delivery d = {.drop = ITS_DROP_NONE};
	struct its_event e = {.device = device, .event = event};
	memset(t->reads, 0, sizeof(t->reads));
	if (bit_get(t->ctlr, 0))
		translate(t, &e, &d);
	else
		d.drop = ITS_DROP_DISABLED;
	memcpy(d.reads, t->reads, sizeof(d.reads));
	t->stats.translations[d.drop]++;
	return d;
}
