/* conform_gic_context.c - at which exception level each CPU of a log is. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/conform_replay.h"

/* Context ---------------------------------------------------------------------------------------------------- */

/* The log does not say SCR_EL3. */
struct gic_context replay_context(const struct replay *r, unsigned cpu)
{
	bool secure = r->el[cpu] == 3 ? r->start.el3_secure : r->secure[cpu];
	return (struct gic_context){.el = (uint8_t)r->el[cpu], .secure = secure, .fiq_el3 = r->start.fiq_el3};
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

/* A level that nothing has told yet; returns that wait for their CPU; events between a new level and the line that tells it. */
enum { UNKNOWN = 4, WAITING = 16, LOOK_AHEAD = 64 };

/* The emulator looks at the interface of a CPU behind each exception and return, and writes then what is pending, and lines; and, where
 * there is a virtual interface, the same of that. */
enum look { LOOK_NONE, LOOK_PENDING, LOOK_LINES };

struct levels {
	struct replay *r;
	bool virtual; /* the virtual interface is looked at as well */
	unsigned taking
		[GIC_LOG_CPUS]; /* CPUs whose "Taking exception" stands before its "...from", in order */
	unsigned takers;
	uint8_t first[GIC_LOG_CPUS], el[GIC_LOG_CPUS];
	bool entered
		[GIC_LOG_CPUS]; /* by an exception behind which it has not been looked at, and executes nothing yet */
	size_t moved[GIC_LOG_CPUS]; /* the event behind its last change */
	size_t returns[WAITING];    /* events whose CPU is not known yet, the oldest first */
	unsigned waiting;
	enum look look; /* what the last line was, returns apart */
	unsigned looked_at;
};

/* The level that an event leads to. */
static unsigned level_behind(const struct gic_event *e)
{
	return e->arg[e->kind == LOG_ANSWERED ? 0 : 1] & 3;
}

static void move(struct levels *l, size_t i, unsigned cpu)
{
	const struct gic_event *e = &l->r->log.events[i];
	if (l->first[cpu] == UNKNOWN) l->first[cpu] = e->arg[0] & 3;
	l->r->moves[i].cpu = (int16_t)cpu;
	l->moved[cpu] = i + 1;
	l->el[cpu] = (uint8_t)level_behind(e);
}

static unsigned level_left(const struct levels *l, unsigned waiting)
{
	return l->r->log.events[l->returns[waiting]].arg[0] & 3;
}

static unsigned level_reached(const struct levels *l, unsigned waiting)
{
	return l->r->log.events[l->returns[waiting]].arg[1] & 3;
}

static void forget(struct levels *l, unsigned i)
{
	memmove(&l->returns[i], &l->returns[i + 1], (--l->waiting - i) * sizeof(l->returns[0]));
}

static void give(struct levels *l, unsigned waiting, unsigned cpu)
{
	move(l, l->returns[waiting], cpu);
	forget(l, waiting);
}

/* A return, or an exception that the log begins in. */
static void wait_for_look(struct levels *l, size_t i)
{
	if (l->waiting == WAITING) forget(l, 0);
	l->returns[l->waiting++] = i;
}

/* Exceptions */

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

/* A CPU that leaves another level than it was known to be at has returned there. */
static void see_return_before(struct levels *l, unsigned cpu, unsigned from)
{
	if (l->el[cpu] == from) return;
	for (unsigned i = 0; i < l->waiting; i++) {
		if (l->returns[i] < l->moved[cpu]) continue;
		if (level_left(l, i) != l->el[cpu] || level_reached(l, i) != from) continue;
		give(l, i, cpu);
		return;
	}
}

static void see_taken(struct levels *l, size_t i)
{
	const struct gic_event *e = &l->r->log.events[i];
	int cpu = taker(l);
	if (cpu < 0 && e->kind == LOG_TAKEN) wait_for_look(l, i);
	if (cpu < 0) return;
	see_return_before(l, (unsigned)cpu, e->arg[0] & 3);
	move(l, i, (unsigned)cpu);
	l->entered[cpu] = e->kind == LOG_TAKEN;
}

/* Returns */

static bool any_at(const struct levels *l, unsigned el)
{
	for (unsigned i = 0; i < l->r->start.cpus; i++)
		if (l->el[i] == el) return true;
	return false;
}

/* The level that the next exception of `cpu` behind event `i` leaves. */
static unsigned next_left(const struct levels *l, size_t i, unsigned cpu)
{
	int next = -1;
	for (; i < l->r->log.count; i++) {
		const struct gic_event *e = &l->r->log.events[i];
		switch (e->kind) {
		case LOG_EXCEPTION:
		case LOG_EXCEPTION_FIQ:
		case LOG_EXCEPTION_VIRQ:
		case LOG_EXCEPTION_VFIQ: next = (int)gic_start_index(&l->r->start, e->arg[1]); break;
		case LOG_OTHER_EXCEPTION: next = (int)gic_start_index(&l->r->start, e->arg[0]); break;
		case LOG_TAKEN:
			if (next == (int)cpu) return e->arg[0] & 3;
			break;
		default: break;
		}
	}
	return UNKNOWN;
}

/* Since its last change, from its level, or from one that no CPU is known to be at. */
static bool may_be_of(const struct levels *l, unsigned waiting, unsigned cpu)
{
	unsigned from = level_left(l, waiting);
	if (l->returns[waiting] < l->moved[cpu]) return false;
	return l->el[cpu] == from || (l->el[cpu] == UNKNOWN && (l->virtual || !any_at(l, from)));
}

/* The interface of `cpu` has been looked at in event `i`: for the exception that it took last, or for a return. Of two returns to different
 * levels it is that behind which its next exception comes; else the oldest. */
static void looked(struct levels *l, size_t i, unsigned cpu)
{
	int best = -1;
	bool entered = l->entered[cpu];
	l->entered[cpu] = false;
	if (entered) return;
	for (unsigned k = 0; k < l->waiting; k++) {
		if (!may_be_of(l, k, cpu)) continue;
		if (best >= 0 && level_reached(l, k) == level_reached(l, (unsigned)best)) continue;
		if (best >= 0 && level_reached(l, k) != next_left(l, i, cpu)) continue;
		best = (int)k;
	}
	if (best >= 0) give(l, (unsigned)best, cpu);
}

static void see_interface(struct levels *l, size_t i)
{
	const struct gic_event *e = &l->r->log.events[i];
	unsigned cpu = gic_start_cpu(&l->r->start, e->arg[0]);
	bool same = cpu == l->looked_at;
	enum look before = l->look;
	l->look = e->kind == LOG_HIGHEST                                   ? LOOK_PENDING
		  : e->kind == LOG_LINES && before == LOOK_PENDING && same ? LOOK_LINES
									   : LOOK_NONE;
	l->looked_at = cpu;
	if (!l->virtual && e->kind == LOG_HIGHEST) looked(l, i, cpu);
	if (e->kind == LOG_VIRTUAL_HIGHEST && before == LOOK_LINES && same) looked(l, i, cpu);
}

static void see_level(struct levels *l, size_t i)
{
	const struct gic_event *e = &l->r->log.events[i];
	if (e->kind == LOG_RETURN) {
		wait_for_look(l, i);
		return;
	}
	switch (e->kind) {
	case LOG_HIGHEST:
	case LOG_LINES:
	case LOG_VIRTUAL_HIGHEST: see_interface(l, i); return;
	case LOG_EXCEPTION:
	case LOG_EXCEPTION_FIQ:
	case LOG_EXCEPTION_VIRQ:
	case LOG_EXCEPTION_VFIQ: takes(l, e->arg[1]); break;
	case LOG_OTHER_EXCEPTION: takes(l, e->arg[0]); break;
	case LOG_TAKEN:
	case LOG_ANSWERED: see_taken(l, i); break;
	case LOG_REG_READ:
	case LOG_REG_WRITE: l->entered[gic_start_cpu(&l->r->start, e->arg[0])] = false; break;
	default: break;
	}
	l->look = LOOK_NONE;
}

static bool has_list_registers(const struct gic_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		if (log->events[i].kind == LOG_VIRTUAL_HIGHEST) return true;
	return false;
}

/* Worlds ----------------------------------------------------------------------------------------------------- */

enum world { NOT_TOLD, NONSECURE, SECURE };

/* Of a Group 1 interrupt: IRQ in its own world, FIQ in the other one. */
static enum world of_lines(const struct gic_event *highest, const struct gic_event *lines)
{
	bool secure_group = highest->arg[2] == GIC_G1S;
	if (highest->arg[3] == GIC_IDLE_PRIORITY || highest->arg[2] == GIC_G0) return NOT_TOLD;
	if (lines->kind != LOG_LINES || lines->arg[0] != highest->arg[0]) return NOT_TOLD;
	if (!lines->arg[1] == !lines->arg[2]) return NOT_TOLD;
	return secure_group == (lines->arg[2] != 0) ? SECURE : NONSECURE;
}

/* What event `i` tells of the world of `cpu` below EL3. Software accesses its own redistributor. */
static enum world world_of(const struct replay *r, size_t i, unsigned cpu)
{
	const struct gic_event *e = &r->log.events[i];
	if (e->kind != LOG_HIGHEST && e->kind != LOG_REDIST_READ && e->kind != LOG_REDIST_WRITE)
		return NOT_TOLD;
	if (gic_start_cpu(&r->start, e->arg[0]) != cpu) return NOT_TOLD;
	if (e->kind != LOG_HIGHEST) return e->arg[4] ? SECURE : NONSECURE;
	return i + 1 < r->log.count ? of_lines(e, e + 1) : NOT_TOLD;
}

/* From a return from EL3, event `i`, to the next exception that the CPU takes there. */
static void find_world(struct replay *r, size_t i)
{
	struct replay_move *m = &r->moves[i];
	enum world w = NOT_TOLD;
	for (size_t k = i + 1; k < r->log.count && w == NOT_TOLD; k++) {
		if (r->moves[k].cpu == m->cpu && (r->log.events[k].arg[1] & 3) == 3) break;
		w = world_of(r, k, (unsigned)m->cpu);
	}
	m->secure = w == SECURE;
}

static void find_worlds(struct replay *r)
{
	for (size_t i = 0; r->start.params.security && i < r->log.count; i++) {
		const struct gic_event *e = &r->log.events[i];
		if (r->moves[i].cpu >= 0 && e->kind == LOG_RETURN && (e->arg[0] & 3) == 3 &&
		    (e->arg[1] & 3) < 3)
			find_world(r, i);
	}
}

/* A CPU begins at the level that its first exception or return leaves; one that does neither, at reset, at the highest. */
void replay_find_levels(struct replay *r)
{
	struct levels *l = xcalloc(1, sizeof(*l));
	l->r = r;
	l->virtual = has_list_registers(&r->log);
	memset(l->first, UNKNOWN, sizeof(l->first));
	memset(l->el, UNKNOWN, sizeof(l->el));
	for (size_t i = 0; i < r->log.count; i++) r->moves[i].cpu = -1;
	for (size_t i = 0; i < r->log.count; i++) see_level(l, i);
	for (unsigned cpu = 0; cpu < r->start.cpus; cpu++) {
		bool el3 = r->start.reset && r->start.params.security;
		r->el[cpu] = l->first[cpu] != UNKNOWN ? l->first[cpu] : el3 ? 3 : 0;
	}
	free(l);
	find_worlds(r);
}

void replay_follow_level(struct replay *r, size_t i)
{
	const struct replay_move *m = &r->moves[i];
	const struct gic_event *e = &r->log.events[i];
	if (m->cpu < 0) return;
	r->el[m->cpu] = (uint8_t)level_behind(e);
	if (e->kind == LOG_RETURN && (e->arg[0] & 3) == 3) r->secure[m->cpu] = m->secure;
}

size_t replay_return_ahead(const struct replay *r, size_t i, unsigned cpu)
{
	size_t k = i + 1, end = i + LOOK_AHEAD;
	while (k < r->log.count && k < end && r->moves[k].cpu != (int)cpu) k++;
	bool returns = k < r->log.count && k < end && r->log.events[k].kind == LOG_RETURN;
	return returns ? k : r->log.count;
}
