/* conform_gic_arrivals.c - what becomes pending without a word of the log. */
#include <string.h>

#include "cli/conform_replay.h"

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
	gic_set_lpi_source(r->g, &(struct gic_lpi_source){.self = &r->lpis,
							  .highest = lpi_highest,
							  .acknowledge = lpi_acknowledge});
	if (r->start.virtual_lpis)
		gic_set_vlpi_source(r->g, &(struct gic_lpi_source){.self = &r->virtual_lpis,
								   .highest = lpi_highest,
								   .acknowledge = lpi_acknowledge});
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

/* From event `i` on, the first that tells what is pending on `cpu`: what is the highest, or what is acknowledged, which the log says
 * behind that nothing is pending any more. NULL: nothing was. */
static const struct gic_event *next_told(const struct replay *r, size_t i, unsigned cpu)
{
	bool idle = false;
	for (; i < r->log.count; i++) {
		const struct gic_event *e = &r->log.events[i];
		if (idle && !replay_about_lines(e) && !replay_acknowledges(e)) return NULL;
		if (e->kind != LOG_HIGHEST && !replay_acknowledges(e)) continue;
		if (gic_start_cpu(&r->start, e->arg[0]) != cpu) continue;
		if (replay_acknowledges(e) || e->arg[3] != GIC_IDLE_PRIORITY) return e;
		idle = true;
	}
	return NULL;
}

/* Devices of the emulator raise wires from other threads, whose events are in other files, and a log may begin when one is up. So an
 * interrupt that is shown as pending, and whose wire next falls, or never moves again, although it is not known to have risen, has
 * risen since. */
static void rises(struct replay *r, size_t i, unsigned cpu, uint32_t intid)
{
	struct gic_irq_state s;
	if (!gic_irq_state(r->g, cpu, intid, &s) || s.pending || next_move(r, i, cpu, intid) == 1) return;
	gic_set_line(r->g, cpu, intid, true);
	r->totals->untold++;
}

void replay_arrives(struct replay *r, size_t i, unsigned cpu)
{
	drop_lpi(r, cpu);
	const struct gic_event *e = next_told(r, i, cpu);
	if (!e) return;
	if (e->arg[1] < GIC_LPI) {
		rises(r, i, cpu, (uint32_t)e->arg[1]);
	} else if (e->kind == LOG_HIGHEST) {
		lpi_arrives(r, cpu, e);
		r->totals->untold++;
	}
}

static bool tells_of(const struct replay *r, const struct gic_event *e, unsigned cpu, uint32_t intid)
{
	if (e->kind == LOG_SPI) return e->arg[0] == intid;
	if (e->kind == LOG_HIGHEST && e->arg[3] == GIC_IDLE_PRIORITY) return false; /* repeats an old INTID */
	if (e->kind != LOG_PPI && e->kind != LOG_HIGHEST && !replay_acknowledges(e)) return false;
	return e->arg[1] == intid && gic_start_cpu(&r->start, e->arg[0]) == cpu;
}

/* What is acknowledged was pending: where nothing has told of it before, its wire has been up since before the log. */
void replay_arrived(struct replay *r, size_t i, unsigned cpu)
{
	struct gic_pending p;
	uint32_t intid = (uint32_t)r->log.events[i].arg[1];
	if (gic_offered(r->g, cpu, &p)) return;
	for (size_t k = 0; k < i; k++)
		if (tells_of(r, &r->log.events[k], cpu, intid)) return;
	rises(r, i, cpu, intid);
}
