/* gic_start_reset.c - whether a log begins at reset: the distributor is set up in it, and nothing has been pending before. */
#include "cli/gic_start.h"

enum { GICD_CTLR = 0, CTLR_ENABLES = 7 };

/* The emulator repeats an INTID of before where there is no interrupt; after reset there is none to repeat. */
static bool untouched(const struct gic_event *e)
{
	return e->arg[1] == 0 && e->arg[2] == GIC_G0 && e->arg[3] == GIC_IDLE_PRIORITY;
}

/* Non-secure software that writes finds the distributor as firmware has left it. */
static bool sets_up(const struct gic_start *s, const struct gic_event *e)
{
	bool nonsecure = s->params.security && !e->arg[3];
	return !nonsecure && (e->kind == LOG_DIST_WRITE || !(e->arg[1] & CTLR_ENABLES));
}

/* What Non-secure software reads with nothing enabled says nothing of firmware. */
static bool decides(const struct gic_start *s, const struct gic_event *e)
{
	if (e->arg[0] != GICD_CTLR) return false;
	return e->kind == LOG_DIST_WRITE || e->arg[3] || !s->params.security || e->arg[1] & CTLR_ENABLES;
}

/* What follows of a write to GICD is told before it. */
static bool leads_to_ctlr(const struct gic_log *log, size_t i)
{
	const struct gic_event *e = &log->events[i];
	while (e < log->events + log->count && (e->kind == LOG_HIGHEST || e->kind == LOG_LINES)) e++;
	return e < log->events + log->count && e->kind == LOG_DIST_WRITE && e->arg[0] == GICD_CTLR;
}

bool gic_start_is_reset(const struct gic_start *s, const struct gic_log *log)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct gic_event *e = &log->events[i];
		switch (e->kind) {
		case LOG_HIGHEST:
			if (!untouched(e) && !(e->arg[3] != GIC_IDLE_PRIORITY && leads_to_ctlr(log, i)))
				return false;
			break;
		case LOG_DIST_READ:
		case LOG_DIST_WRITE:
			if (decides(s, e)) return sets_up(s, e);
			break;
		default: break;
		}
	}
	return false;
}
