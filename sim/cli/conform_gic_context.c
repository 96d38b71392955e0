/* conform_gic_context.c - at which exception level each CPU of a log is. */
#include <string.h>

#include "cli/conform_replay.h"

/* Context ---------------------------------------------------------------------------------------------------- */

/* The log does not say SCR_EL3: below EL3 everything is Non-secure. */
struct gic_context replay_context(const struct replay *r, unsigned cpu)
{
	return (struct gic_context){.el = (uint8_t)r->el[cpu], .fiq_el3 = r->start.fiq_el3};
}

/* A register names a level that it needs; ICV_ ones are those of EL1 under a hypervisor. */
struct gic_context replay_access_context(const struct replay *r, unsigned cpu, const struct gic_event *e)
{
	struct gic_context c = replay_context(r, cpu);
	const char *name = cpu_if_name(e->encoding);
	if (e->virtual) {
		c.el = 1;
		c.fmo = c.imo = true;
	} else if (strstr(name, "_EL3")) {
		c.el = 3;
	} else if (strstr(name, "_EL2") || !c.el) {
		c.el = c.el > 2 ? 3 : 2;
	}
	return c;
}

/* The CPU that the latest "Taking exception" up to event `e` is about. */
static unsigned taking_cpu(struct replay *r, const struct gic_event *e)
{
	switch (e->kind) {
	case LOG_EXCEPTION:
	case LOG_EXCEPTION_FIQ:
	case LOG_EXCEPTION_VIRQ:
	case LOG_EXCEPTION_VFIQ: r->taking = gic_start_index(&r->start, e->arg[1]); break;
	case LOG_OTHER_EXCEPTION: r->taking = gic_start_index(&r->start, e->arg[0]); break;
	default: break;
	}
	return r->taking;
}

/* "Taking exception", "...from EL1 to EL2", and returns, whose CPU the lines of the interface after them tell. */
void replay_follow_level(struct replay *r, const struct gic_event *e)
{
	switch (e->kind) {
	case LOG_EXCEPTION:
	case LOG_EXCEPTION_FIQ:
	case LOG_EXCEPTION_VIRQ:
	case LOG_EXCEPTION_VFIQ:
	case LOG_OTHER_EXCEPTION: taking_cpu(r, e); break;
	case LOG_TAKEN: r->el[r->taking] = e->arg[1] & 3; break;
	case LOG_RETURN: r->returning = (int)(e->arg[1] & 3); break;
	case LOG_HIGHEST:
		if (r->returning >= 0) r->el[gic_start_cpu(&r->start, e->arg[0])] = (unsigned)r->returning;
		r->returning = -1;
		break;
	default: break;
	}
}

/* The CPU of a return is that of the next line about the interface; -1: there is none. */
static int returning_cpu(const struct replay *r, size_t i)
{
	for (; i < r->log.count; i++)
		if (r->log.events[i].kind == LOG_HIGHEST)
			return (int)gic_start_cpu(&r->start, r->log.events[i].arg[0]);
	return -1;
}

/* A CPU begins at the level that its first exception or return leaves; one that does neither, at reset, at the highest. */
void replay_first_levels(struct replay *r)
{
	bool known[GIC_LOG_CPUS] = {false};
	for (size_t i = 0; i < r->log.count; i++) {
		const struct gic_event *e = &r->log.events[i];
		int cpu = e->kind == LOG_RETURN ? returning_cpu(r, i) : (int)taking_cpu(r, e);
		if ((e->kind != LOG_TAKEN && e->kind != LOG_RETURN) || cpu < 0 || known[cpu]) continue;
		known[cpu] = true;
		r->el[cpu] = e->arg[0] & 3;
	}
	for (unsigned cpu = 0; cpu < r->start.cpus; cpu++)
		if (!known[cpu] && r->start.reset && r->start.params.security) r->el[cpu] = 3;
}
