/* conform_replay.h - what `strata conform --gic` knows while it replays a log. For the files conform_gic*.c only.
 *
 * conform_gic.c does the events in order, with conform_gic_accesses.c those that access registers; conform_gic_arrivals.c finds
 * what has become pending without a word of the log, and conform_gic_context.c at which exception level, and in which Security
 * state, each CPU is.
 */
#ifndef CLI_CONFORM_REPLAY_H
#define CLI_CONFORM_REPLAY_H

#include "cli/conform_gic.h"
#include "cli/gic_start.h"

/* LPIs: pending since they were first stated to be, gone when they are acknowledged. One per CPU is known at a time. */
struct lpis {
	bool enabled[GIC_LOG_CPUS]; /* GICR_CTLR.EnableLPIs */
	bool pending[GIC_LOG_CPUS];
	struct gic_pending what[GIC_LOG_CPUS];
};

/* What an event does to the level of a CPU. */
struct replay_move {
	int16_t cpu; /* -1: nothing */
	bool secure; /* world that EL3 is left for */
};

struct replay {
	struct gic_log log;
	struct gic_start start;
	struct gic *g;
	FILE *report;
	bool *done;                    /* of each event: a late cause that has been done before its place */
	uint8_t el[GIC_LOG_CPUS];      /* exception level, as far as exceptions and returns tell it */
	bool secure[GIC_LOG_CPUS];     /* its world below EL3 */
	struct replay_move *moves;     /* of each event */
	bool lines_told[GIC_LOG_CPUS]; /* IRQ and FIQ of a CPU have been */
	bool called[GIC_LOG_CPUS];     /* the emulator as firmware, and has acknowledged nothing since */
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
/* What may stand between an effect and its cause: other effects, and returns, which CPUs write wherever they are. */
static inline bool replay_before_cause(const struct gic_event *e)
{
	return replay_about_lines(e) || e->kind == LOG_RETURN;
}
bool replay_acknowledges(const struct gic_event *e);

/* Counts a statement of the log, and reports it where it differs in `bits` from what the model has. */
bool replay_same(struct replay *r, const struct gic_event *e, uint64_t expected, uint64_t came,
		 uint64_t bits);

/* An access to a register of the CPU interface; to GICD or GICR. */
void replay_register(struct replay *r, const struct gic_event *e);
void replay_frame(struct replay *r, const struct gic_event *e);
/* Event `i`, a call of firmware that the emulator is. */
void replay_called(struct replay *r, size_t i);

/* The sources of LPIs: what the log has said of them. */
void replay_set_lpis(struct replay *r);
/* From event `i` on, the first that tells what is pending on `cpu`: what is the highest, or what is acknowledged, which the log says
 * behind that nothing is pending any more. The end of the log: nothing was. */
size_t replay_next_told(const struct replay *r, size_t i, unsigned cpu);
/* Event `i` on, `cpu` has something pending that the model does not know of. */
void replay_arrives(struct replay *r, size_t i, unsigned cpu);
/* Before an acknowledge, event `i`, on `cpu`: what that takes was pending. Where nothing has told of it before, its wire has been up since
 * before the log. Something else may be pending only where the log begins with the effects of this. */
void replay_arrived(struct replay *r, size_t i, unsigned cpu);
/* A statement about list registers of `cpu`, which tells of a virtual LPI, too. */
void replay_virtual_lpi(struct replay *r, unsigned cpu, const struct gic_event *e);

/* Each CPU's exception level at the beginning, and where it changes; then event by event. */
void replay_find_levels(struct replay *r);
void replay_follow_level(struct replay *r, size_t i);
/* The return that `cpu` is about to make at event `i`; the end of the log: nothing says that it is. */
size_t replay_return_ahead(const struct replay *r, size_t i, unsigned cpu);
/* In which `cpu` is now; in which it performs event `e`, an access to a register of the CPU interface. */
struct gic_context replay_context(const struct replay *r, unsigned cpu);
struct gic_context replay_access_context(const struct replay *r, unsigned cpu, const struct gic_event *e);

#endif
