/* conform_gic_arrivals.c - what becomes pending without a word of the log. */
#include <string.h>

#include "cli/conform_replay.h"

enum { RD_CTLR = 0, RD_CTLR_ENABLE_LPIS = 1 };

/* LPIs ------------------------------------------------------------------------------------------------------ */

static bool lpi_highest(void *self, unsigned pe, struct gic_pending *out)
{
	const struct lpis *l = self;
	*out = l->what[pe];
	return l->pending[pe];
}

static void lpi_acknowledge(void *self, unsigned pe, uint32_t intid)
{
	struct lpis *l = self;
	l->pending[pe] = l->pending[pe] && l->what[pe].intid != intid;
}

/* Of a redistributor's registers about LPIs only GICR_CTLR is there. */
static bool lpi_read(void *self, unsigned pe, uint32_t offset, unsigned bytes, uint64_t *value)
{
	const struct lpis *l = self;
	(void)bytes;
	*value = l->enabled[pe];
	return offset == RD_CTLR;
}

static bool lpi_write(void *self, unsigned pe, uint32_t offset, unsigned bytes, uint64_t value)
{
	struct lpis *l = self;
	(void)bytes;
	if (offset == RD_CTLR) l->enabled[pe] = value & RD_CTLR_ENABLE_LPIS;
	return offset == RD_CTLR;
}

static void lpi_arrives(struct replay *r, unsigned pe, const struct gic_event *e)
{
	r->lpis.pending[pe] = true;
	r->lpis.what[pe] = (struct gic_pending){
		.intid = (uint32_t)e->arg[1], .priority = (uint8_t)e->arg[3], .group = GIC_G1NS, .lpi = true};
	gic_lpi_changed(r->g, pe);
}

/* Of a virtual one, each statement about list registers says which is the first. */
void replay_virtual_lpi(struct replay *r, unsigned pe, const struct gic_event *e)
{
	struct lpis *l = &r->virtual_lpis;
	if (!r->start.virtual_lpis) return;
	l->pending[pe] = e->arg[4] != GIC_IDLE_PRIORITY;
	l->what[pe] = (struct gic_pending){.intid = (uint32_t)e->arg[2],
					   .priority = (uint8_t)e->arg[4],
					   .group = e->arg[3] == GIC_G0 ? GIC_G0 : GIC_G1NS,
					   .lpi = true};
	gic_lpi_changed(r->g, pe);
}

void replay_set_lpis(struct replay *r)
{
	struct gic_lpi_source physical = {.self = &r->lpis,
					  .highest = lpi_highest,
					  .acknowledge = lpi_acknowledge,
					  .read = lpi_read,
					  .write = lpi_write};
	struct gic_lpi_source virtual = {
		.self = &r->virtual_lpis, .highest = lpi_highest, .acknowledge = lpi_acknowledge};
	gic_set_lpi_source(r->g, &physical);
	if (r->start.virtual_lpis) gic_set_vlpi_source(r->g, &virtual);
}

/* Arrivals that the log does not tell ------------------------------------------------------------------------- */

/* How the wire of an interrupt moves next: 1 or 0, -1: not again. */
static int next_move(const struct replay *r, size_t i, unsigned cpu, uint64_t intid)
{
	for (; i < r->log.count; i++) {
		const struct gic_event *e = &r->log.events[i];
		if (e->kind == LOG_SPI && e->arg[0] == intid) return (int)e->arg[1];
		if (e->kind == LOG_PPI && e->arg[1] == intid && gic_start_cpu(&r->start, e->arg[0]) == cpu)
			return (int)e->arg[2];
	}
	return -1;
}

/* An LPI that the model shows and the log does not has been withdrawn by its ITS. */
static void drop_lpi(struct replay *r, unsigned cpu)
{
	struct gic_pending p;
	if (!gic_offered(r->g, cpu, &p) || !p.lpi) return;
	r->lpis.pending[cpu] = false;
	gic_lpi_changed(r->g, cpu);
}

bool replay_acknowledges(const struct gic_event *e)
{
	if (e->kind != LOG_REG_READ || e->virtual) return false;
	const char *name = cpu_if_name(e->encoding);
	return !strncmp(name, "ICC_IAR", 7) || !strncmp(name, "ICC_NMIAR", 9);
}

size_t replay_next_told(const struct replay *r, size_t i, unsigned cpu)
{
	bool idle = false;
	for (; i < r->log.count; i++) {
		const struct gic_event *e = &r->log.events[i];
		if (idle && !replay_before_cause(e) && !replay_acknowledges(e)) return r->log.count;
		if (e->kind != LOG_HIGHEST && !replay_acknowledges(e)) continue;
		if (gic_start_cpu(&r->start, e->arg[0]) != cpu) continue;
		if (replay_acknowledges(e) || e->arg[3] != GIC_IDLE_PRIORITY) return i;
		idle = true;
	}
	return i;
}

/* Devices of the emulator raise wires from other threads, whose events are in other files, and a log may begin when one is up. So an
 * interrupt that is shown as pending, and whose wire next falls, or never moves again, although it is not known to have risen, has
 * risen since. */
static bool rises(struct replay *r, size_t i, unsigned cpu, uint32_t intid)
{
	struct gic_irq_state s;
	if (!gic_irq_state(r->g, cpu, intid, &s) || s.pending || next_move(r, i, cpu, intid) == 1)
		return false;
	gic_set_line(r->g, cpu, intid, true);
	r->totals->untold++;
	return true;
}

static bool tells_of(const struct replay *r, const struct gic_event *e, unsigned cpu, uint32_t intid)
{
	if (e->kind == LOG_SPI) return e->arg[0] == intid;
	if (e->kind == LOG_HIGHEST && e->arg[3] == GIC_IDLE_PRIORITY) return false; /* repeats an old INTID */
	if (e->kind != LOG_PPI && e->kind != LOG_HIGHEST && !replay_acknowledges(e)) return false;
	return e->arg[1] == intid && gic_start_cpu(&r->start, e->arg[0]) == cpu;
}

/* Whether anything before event `i` tells of an interrupt. */
static bool told_before(const struct replay *r, size_t i, unsigned cpu, uint32_t intid)
{
	for (size_t k = 0; k < i; k++)
		if (tells_of(r, &r->log.events[k], cpu, intid)) return true;
	return false;
}

static bool is_pending(const struct replay *r, unsigned cpu, uint32_t intid)
{
	struct gic_irq_state s;
	return gic_irq_state(r->g, cpu, intid, &s) && s.pending && !s.active;
}

enum { MAX_TOLD = 8 };

/* What is shown first may have come while something else, which has been up since before the log, was pending. */
void replay_arrives(struct replay *r, size_t i, unsigned cpu)
{
	struct gic_pending p;
	const struct gic_event *first = &r->log.events[i];
	drop_lpi(r, cpu);
	bool idle = first->kind == LOG_HIGHEST && first->arg[3] == GIC_IDLE_PRIORITY;
	if (idle && !gic_offered(r->g, cpu, &p)) return;
	size_t at = replay_next_told(r, i, cpu);
	for (unsigned n = 0; n < MAX_TOLD && at < r->log.count; n++, at = replay_next_told(r, at + 1, cpu)) {
		const struct gic_event *e = &r->log.events[at];
		uint32_t intid = (uint32_t)e->arg[1];
		if (n && told_before(r, i, cpu, intid)) continue;
		if (intid < GIC_LPI && is_pending(r, cpu, intid)) return;
		if (intid < GIC_LPI && rises(r, i, cpu, intid)) return;
		if (intid < GIC_LPI || n) continue;
		if (e->kind != LOG_HIGHEST) return;
		lpi_arrives(r, cpu, e);
		r->totals->untold++;
		return;
	}
}

void replay_arrived(struct replay *r, size_t i, unsigned cpu)
{
	struct gic_pending p;
	uint32_t intid = (uint32_t)r->log.events[i].arg[1];
	size_t first = i;
	while (first > 0 && replay_before_cause(&r->log.events[first - 1])) first--;
	if (gic_offered(r->g, cpu, &p) && (first > 0 || p.intid == intid)) return;
	if (!told_before(r, i, cpu, intid)) rises(r, i, cpu, intid);
}
