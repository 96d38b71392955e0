/* gic_start_reset.c - whether a log begins at reset: the distributor is set up in it, and nothing has been pending before. */
#include "cli/gic_start.h"

enum { GICD_CTLR = 0, GICR_WAKER = 0x14, CTLR_ENABLES = 7 };

/* The emulator repeats an INTID of before where there is no interrupt; after reset there is none to repeat. */
static bool untouched(const struct gic_event *e)
{
	return e->arg[1] == 0 && e->arg[2] == GIC_G0 && e->arg[3] == GIC_IDLE_PRIORITY;
}

/* Non-secure software finds the distributor as firmware has left it. */
static bool sets_up(const struct gic_start *s, const struct gic_event *e)
{
	bool nonsecure = s->params.security && !e->arg[3];
	return !nonsecure && (e->kind == LOG_DIST_WRITE || !(e->arg[1] & CTLR_ENABLES));
}

bool gic_start_is_reset(const struct gic_start *s, const struct gic_log *log)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct gic_event *e = &log->events[i];
		switch (e->kind) {
		case LOG_HIGHEST:
			if (!untouched(e)) return false;
			break;
		case LOG_DIST_READ:
		case LOG_DIST_WRITE:
			if (e->arg[0] == GICD_CTLR) return sets_up(s, e);
			break;
		default: break;
		}
	}
	return false;
}

/* Redistributors reset asleep, but the emulator's forward interrupts all the same, so software may leave them. */
void gic_start_wake(const struct gic_start *s, const struct gic_log *log, struct gic *g)
{
	bool wakes[GIC_LOG_CPUS] = {false};
	for (size_t i = 0; i < log->count; i++) {
		const struct gic_event *e = &log->events[i];
		if (e->kind == LOG_REDIST_WRITE && e->arg[1] == GICR_WAKER &&
		    (e->arg[4] || !s->params.security))
			wakes[gic_start_cpu(s, e->arg[0])] = true;
	}
	for (unsigned cpu = 0; cpu < s->cpus; cpu++)
		if (!wakes[cpu]) gic_redist_write(g, cpu, GICR_WAKER, 4, 0, true);
}
