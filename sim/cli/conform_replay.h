/* conform_replay.h - what `strata conform --gic` knows while it replays a log. For the files conform_gic*.c only.
 *
 * conform_gic.c does the events in order; conform_gic_arrivals.c finds what has become pending without a word of the log, and
 * conform_gic_context.c at which exception level, and in which Security state, each CPU is.
 */
#ifndef CLI_CONFORM_REPLAY_H
#define CLI_CONFORM_REPLAY_H

#include "cli/conform_gic.h"
#include "cli/gic_start.h"

/* LPIs: pending since they were first stated to be, gone when they are acknowledged. One per CPU is known at a time. */
struct lpis {
	bool pending[GIC_LOG_CPUS];
	struct gic_pending what[GIC_LOG_CPUS];
};

struct replay {
	struct gic_log log;
	struct gic_start start;
	struct gic *g;
	FILE *report;
	bool *done;                /* of each event: a late cause that has been done before its place */
	unsigned el[GIC_LOG_CPUS]; /* exception level, as far as exceptions and returns tell it */
	int16_t *moves;            /* of each event: the CPU whose level it changes, -1: none */
	struct lpis lpis, virtual_lpis;
	size_t end_at; /* event that has ended and deactivated `ended` on end_cpu; statements right behind it may be before that */
	unsigned end_cpu;
	uint32_t ended; /* GIC_SPURIOUS: none */
	struct gic_totals *totals;
};

static inline bool replay_about_lines(const struct gic_event *e)
{
	return e->kind == LOG_HIGHEST || e->kind == LOG_LINES;
}
bool replay_acknowledges(const struct gic_event *e);

/* The sources of LPIs: what the log has said of them. */
void replay_set_lpis(struct replay *r);
/* Event `i` on, `cpu` has something pending that the model does not know of. */
void replay_arrives(struct replay *r, size_t i, unsigned cpu);
/* Before an acknowledge, event `i`, on `cpu`. */
void replay_arrived(struct replay *r, size_t i, unsigned cpu);
/* A statement about list registers of `cpu`, which tells of a virtual LPI, too. */
void replay_virtual_lpi(struct replay *r, unsigned cpu, const struct gic_event *e);

/* Each CPU's exception level at the beginning, and where it changes; then event by event. */
void replay_find_levels(struct replay *r);
void replay_follow_level(struct replay *r, size_t i);
/* In which `cpu` is now; in which it performs event `e`, an access to a register of the CPU interface. */
struct gic_context replay_context(const struct replay *r, unsigned cpu);
struct gic_context replay_access_context(const struct replay *r, unsigned cpu, const struct gic_event *e);

#endif
