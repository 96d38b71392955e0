/* conform_gic_context.c - at which exception level each CPU of a log is. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
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

/* Levels ----------------------------------------------------------------------------------------------------- */

enum {
	UNKNOWN = 4,
	LOOK_AHEAD = 64
}; /* a level that nothing has told yet; events between a return and what follows of it */

struct levels {
	struct replay *r;
	bool *used;                    /* of each event: it follows of a return already */
	bool hypervisor;               /* the log tells of list registers */
	unsigned taking[GIC_LOG_CPUS]; /* CPUs whose "Taking exception" stands before its "...from" */
	unsigned takers;
	uint8_t first[GIC_LOG_CPUS], el[GIC_LOG_CPUS];
};

static void takes(struct levels *l, uint64_t index)
{
	if (l->takers < GIC_LOG_CPUS) l->taking[l->takers++] = gic_start_index(&l->r->start, index);
}

/* "...from" belongs to the first that still lacks it: CPUs on threads of their own write into each other. */
static int taker(struct levels *l)
{
	if (!l->takers) return -1;
	int cpu = (int)l->taking[0];
	memmove(&l->taking[0], &l->taking[1], --l->takers * sizeof(l->taking[0]));
	return cpu;
}

/* Whether the statement `i` about `cpu` is one that the emulator makes when a level changes: of both interfaces at once. */
static bool level_changes(const struct levels *l, size_t i, unsigned cpu)
{
	const struct gic_event *e = &l->r->log.events[i];
	if (!l->hypervisor) return true;
	return i + 2 < l->r->log.count && e[1].kind == LOG_LINES && e[2].kind == LOG_VIRTUAL_HIGHEST &&
	       gic_start_cpu(&l->r->start, e[2].arg[0]) == cpu;
}

/* A return does not name its CPU: one at that level, of which the log then says what follows of a change. */
static int returning(struct levels *l, size_t i)
{
	const struct gic_log *log = &l->r->log;
	unsigned from = log->events[i].arg[0] & 3;
	for (size_t k = i + 1; k < log->count && k < i + LOOK_AHEAD; k++) {
		if (log->events[k].kind != LOG_HIGHEST || l->used[k]) continue;
		unsigned cpu = gic_start_cpu(&l->r->start, log->events[k].arg[0]);
		if (l->el[cpu] != from && l->el[cpu] != UNKNOWN) continue;
		if (!level_changes(l, k, cpu)) continue;
		l->used[k] = true;
		return (int)cpu;
	}
	return -1;
}

static void see_level(struct levels *l, size_t i)
{
	const struct gic_event *e = &l->r->log.events[i];
	int cpu = -1;
	switch (e->kind) {
	case LOG_EXCEPTION:
	case LOG_EXCEPTION_FIQ:
	case LOG_EXCEPTION_VIRQ:
	case LOG_EXCEPTION_VFIQ: takes(l, e->arg[1]); break;
	case LOG_OTHER_EXCEPTION: takes(l, e->arg[0]); break;
	case LOG_TAKEN: cpu = taker(l); break;
	case LOG_RETURN: cpu = returning(l, i); break;
	default: break;
	}
	l->r->moves[i] = (int16_t)cpu;
	if (cpu < 0) return;
	if (l->first[cpu] == UNKNOWN) l->first[cpu] = e->arg[0] & 3;
	l->el[cpu] = e->arg[1] & 3;
}

static bool has_list_registers(const struct gic_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		if (log->events[i].kind == LOG_VIRTUAL_HIGHEST) return true;
	return false;
}

/* A CPU begins at the level that its first exception or return leaves; one that does neither, at reset, at the highest. */
void replay_find_levels(struct replay *r)
{
	struct levels l = {.r = r, .used = xcalloc(r->log.count, sizeof(bool))};
	l.hypervisor = has_list_registers(&r->log);
	memset(l.first, UNKNOWN, sizeof(l.first));
	memset(l.el, UNKNOWN, sizeof(l.el));
	for (size_t i = 0; i < r->log.count; i++) see_level(&l, i);
	for (unsigned cpu = 0; cpu < r->start.cpus; cpu++) {
		bool el3 = r->start.reset && r->start.params.security;
		r->el[cpu] = l.first[cpu] != UNKNOWN ? l.first[cpu] : el3 ? 3 : 0;
	}
	free(l.used);
}

void replay_follow_level(struct replay *r, size_t i)
{
	if (r->moves[i] >= 0) r->el[r->moves[i]] = r->log.events[i].arg[1] & 3;
}
