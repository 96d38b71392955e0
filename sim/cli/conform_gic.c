#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "cli/conform_replay.h"

enum { MAX_REPORTS = 10 };

static const char *const kind_names[LOG_KINDS] = {
	[LOG_SGI_PENDING] = "SGIs arrived",
	[LOG_DIST_READ] = "GICD reads",
	[LOG_REDIST_READ] = "GICR reads",
	[LOG_REG_READ] = "CPU interface reads",
	[LOG_HIGHEST] = "highest pending interrupts",
	[LOG_LINES] = "IRQ and FIQ lines",
	[LOG_VIRTUAL_HIGHEST] = "highest list registers",
	[LOG_VIRTUAL_LINES] = "virtual lines",
	[LOG_MAINTENANCE] = "maintenance lines",
	[LOG_EXCEPTION] = "IRQs taken",
	[LOG_EXCEPTION_FIQ] = "FIQs taken",
	[LOG_EXCEPTION_VIRQ] = "virtual IRQs taken",
	[LOG_EXCEPTION_VFIQ] = "virtual FIQs taken",
};
const char *conform_gic_kind(enum gic_log_kind kind) { return kind_names[kind]; }

bool replay_same(struct replay *r, const struct gic_event *e, uint64_t expected, uint64_t came, uint64_t bits)
{
	r->totals->compared[e->kind]++;
	if (!((expected ^ came) & bits)) return true;
	r->totals->different[e->kind]++;
	if (r->totals->all_different++ < MAX_REPORTS)
		fprintf(r->report, "line %u: %s: recorded 0x%" PRIx64 ", the model has 0x%" PRIx64 "\n",
			e->line, e->kind == LOG_REG_READ ? cpu_if_name(e->encoding) : kind_names[e->kind],
			expected, came);
	return false;
}

/* Statements --------------------------------------------------------------------------------------------------- */

/* FIQ and IRQ as two bits. */
static uint64_t two(bool fiq, bool irq) { return (uint64_t)fiq << 1 | irq; }

/* INTID, group and priority as one number; without an interrupt the log repeats an old INTID. */
static uint64_t three(uint64_t intid, uint64_t group, uint64_t priority)
{
	return priority == GIC_IDLE_PRIORITY ? GIC_SPURIOUS : intid << 16 | group << 8 | priority;
}

struct statement {
	uint64_t recorded, model;
};

/* The log's number of a virtual LPI among list registers, which it is none of. */
enum { RECORDED_VIRTUAL_LPI = 16, MODEL_VIRTUAL_LPI = -2 };

static int first_virtual(struct replay *r, unsigned cpu)
{
	struct gic_pending p;
	int first = gic_virtual_pending(r->g, cpu, &p);
	return first == MODEL_VIRTUAL_LPI ? RECORDED_VIRTUAL_LPI : first;
}

static struct statement statement_of(struct replay *r, const struct gic_event *e, unsigned cpu)
{
	struct gic_pending p = {.priority = GIC_IDLE_PRIORITY};
	struct gic_context c = replay_context(r, cpu);
	struct gic_signals s = gic_signals(r->g, cpu, &c);
	const uint64_t *a = e->arg;
	switch (e->kind) {
	case LOG_HIGHEST:
		if (!gic_offered(r->g, cpu, &p)) p.priority = GIC_IDLE_PRIORITY;
		return (struct statement){three(a[1], a[2], a[3]), three(p.intid, p.group, p.priority)};
	case LOG_LINES: return (struct statement){two(a[1], a[2]), two(s.fiq, s.irq)};
	case LOG_VIRTUAL_HIGHEST: return (struct statement){a[1], (uint64_t)(int64_t)first_virtual(r, cpu)};
	case LOG_VIRTUAL_LINES: return (struct statement){two(a[1], a[2]), two(s.vfiq, s.virq)};
	case LOG_MAINTENANCE: return (struct statement){a[1], s.maintenance};
	case LOG_EXCEPTION: return (struct statement){1, s.irq};
	case LOG_EXCEPTION_FIQ: return (struct statement){1, s.fiq};
	case LOG_EXCEPTION_VIRQ: return (struct statement){1, s.virq};
	default: return (struct statement){1, s.vfiq};
	}
}

/* Causes that the log writes after their effects. */
static bool is_late(const struct gic_event *e)
{
	if (e->kind == LOG_DIST_WRITE || e->kind == LOG_REDIST_WRITE) return true;
	bool special = e->arg[1] >= GIC_INTID_SECURE && e->arg[1] <= GIC_SPURIOUS;
	return replay_acknowledges(e) && !special;
}

/* A cause is told once of each CPU: what is told of one twice before it has another cause first, which no line tells. */
static void do_late_cause(struct replay *r, size_t i)
{
	bool told[GIC_LOG_CPUS] = {false};
	unsigned kind = r->log.events[i].kind;
	for (; i < r->log.count && replay_before_cause(&r->log.events[i]); i++) {
		const struct gic_event *e = &r->log.events[i];
		if (!replay_about_lines(e)) continue;
		bool *of = &told[gic_start_cpu(&r->start, e->arg[0])];
		if (e->kind == kind && *of) return;
		*of |= e->kind == kind;
	}
	if (i == r->log.count || !is_late(&r->log.events[i]) || r->done[i]) return;
	r->done[i] = true;
	if (r->log.events[i].kind == LOG_REG_READ) {
		replay_arrived(r, i, gic_start_cpu(&r->start, r->log.events[i].arg[0]));
		replay_register(r, &r->log.events[i]);
	} else {
		replay_frame(r, &r->log.events[i]);
	}
}

/* What the statement is about may have been cut off: nothing but statements follows, or an interrupt is taken of which nothing tells. */
static bool cause_is_cut_off(const struct replay *r, size_t i, unsigned cpu)
{
	if (!replay_about_lines(&r->log.events[i]))
		return !r->lines_told[cpu] && replay_next_told(r, i, cpu) == r->log.count;
	while (i < r->log.count && replay_before_cause(&r->log.events[i])) i++;
	return i == r->log.count;
}

/* The first two statements about the lines of a CPU behind its end of an interrupt. */
static bool right_behind_end(const struct replay *r, size_t i, unsigned cpu)
{
	return r->ended != GIC_SPURIOUS && r->end_cpu == cpu && i > r->end_at && i <= r->end_at + 2 &&
	       replay_about_lines(&r->log.events[i]);
}

enum { GICD_ISACTIVER = 0x300, GICD_ICACTIVER = 0x380 };

static struct statement before_deactivation(struct replay *r, const struct gic_event *e, unsigned cpu)
{
	gic_start_write_bit(r->g, cpu, r->ended, GICD_ISACTIVER);
	struct statement s = statement_of(r, e, cpu);
	gic_start_write_bit(r->g, cpu, r->ended, GICD_ICACTIVER);
	return s;
}

/* A CPU that returns is at its new level before it writes that it returns. */
static struct statement while_returning(struct replay *r, size_t i, unsigned cpu)
{
	uint8_t el = r->el[cpu];
	bool secure = r->secure[cpu];
	size_t at = replay_return_ahead(r, i, cpu);
	if (at < r->log.count) replay_follow_level(r, at);
	struct statement s = statement_of(r, &r->log.events[i], cpu);
	r->el[cpu] = el;
	r->secure[cpu] = secure;
	return s;
}

/* Lines of which the statement before has just told what is pending differ for another reason. */
static bool may_have_arrived(const struct replay *r, size_t i)
{
	const struct gic_event *e = &r->log.events[i];
	if (e->kind == LOG_EXCEPTION || e->kind == LOG_EXCEPTION_FIQ || e->kind == LOG_HIGHEST) return true;
	return e->kind == LOG_LINES && (!i || e[-1].kind != LOG_HIGHEST || e[-1].arg[0] != e->arg[0]);
}

static void compare(struct replay *r, size_t i, unsigned cpu)
{
	const struct gic_event *e = &r->log.events[i];
	bool physical = replay_about_lines(e) || e->kind == LOG_EXCEPTION || e->kind == LOG_EXCEPTION_FIQ;
	struct statement s = statement_of(r, e, cpu);
	if (s.recorded != s.model && right_behind_end(r, i, cpu)) s = before_deactivation(r, e, cpu);
	if (s.recorded != s.model && replay_about_lines(e)) s = while_returning(r, i, cpu);
	if (s.recorded != s.model && replay_about_lines(e)) {
		do_late_cause(r, i);
		s = statement_of(r, e, cpu);
	}
	if (s.recorded != s.model && may_have_arrived(r, i)) {
		replay_arrives(r, i, cpu);
		s = statement_of(r, e, cpu);
	}
	if (s.recorded != s.model && physical && cause_is_cut_off(r, i, cpu)) return;
	replay_same(r, e, s.recorded, s.model, UINT64_MAX);
	r->lines_told[cpu] |= replay_about_lines(e);
}

/* Events ------------------------------------------------------------------------------------------------------- */

/* Whether event `i` sends its SGI to `cpu`. "affinity" is Aff3.Aff2.Aff1. */
static bool sent_to(const struct replay *r, size_t i, unsigned cpu)
{
	const uint64_t *a = r->log.events[i].arg;
	uint32_t affinity = r->start.affinity[cpu];
	if (a[2]) return cpu != gic_start_cpu(&r->start, a[0]);
	return affinity >> 8 == a[3] && (affinity & 0xff) < 16 && a[4] >> (affinity & 15) & 1;
}

/* Whether the log says behind event `i` that its SGI has arrived at `cpu`. */
static bool told_to_arrive(const struct replay *r, size_t i, unsigned cpu)
{
	for (i++; i < r->log.count; i++) {
		const struct gic_event *e = &r->log.events[i];
		if (e->kind == LOG_SGI_PENDING && gic_start_cpu(&r->start, e->arg[0]) == cpu) return true;
		if (e->kind != LOG_SGI_PENDING && !replay_before_cause(e)) return false;
	}
	return false;
}

/* Whether that register brings the SGI to those CPUs that the log names. */
static bool arrives_as_told(struct replay *r, size_t i, const char *name, const struct gic_context *c)
{
	unsigned sgi = r->log.events[i].arg[1] & (GIC_SGIS - 1);
	for (unsigned cpu = 0; cpu < r->start.cpus; cpu++) {
		if (!sent_to(r, i, cpu)) continue;
		bool arrives = cpu_if_sgi_arrives(r->g, cpu, sgi, cpu_if_encoding(name), c);
		if (arrives != told_to_arrive(r, i, cpu)) return false;
	}
	return true;
}

/* The log does not say which register was written: one whose SGI arrives where the log says, if need be from the other world. */
static const char *sgi_register(struct replay *r, size_t i, struct gic_context *c)
{
	static const char *const names[] = {"ICC_SGI1R_EL1", "ICC_SGI0R_EL1", "ICC_ASGI1R_EL1"};
	struct gic_context other = *c;
	other.secure = !c->secure && r->start.params.security;
	for (unsigned k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (arrives_as_told(r, i, names[k], c)) return names[k];
	for (unsigned k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		if (!arrives_as_told(r, i, names[k], &other)) continue;
		*c = other;
		return names[k];
	}
	return names[0];
}

static void send_sgi(struct replay *r, size_t i)
{
	const uint64_t *a = r->log.events[i].arg;
	unsigned cpu = gic_start_cpu(&r->start, a[0]);
	struct gic_context c = replay_context(r, cpu);
	if (!c.el) c.el = 1;
	uint64_t value = bits_put(a[3] >> 16, 55, 48) | bits_put(a[3] >> 8, 39, 32) | bits_put(a[3], 23, 16) |
			 bits_put(a[2], 40, 40) | bits_put(a[1], 27, 24) | bits_put(a[4], 15, 0);
	r->totals->done++;
	const char *name = sgi_register(r, i, &c);
	cpu_if_write(r->g, cpu, cpu_if_encoding(name), &c, value);
}

static void check_sgi(struct replay *r, const struct gic_event *e)
{
	struct gic_irq_state s = {.pending = false};
	gic_irq_state(r->g, gic_start_cpu(&r->start, e->arg[0]), (uint32_t)e->arg[1], &s);
	replay_same(r, e, 1, s.pending, UINT64_MAX);
}

static void step(struct replay *r, size_t i)
{
	const struct gic_event *e = &r->log.events[i];
	const uint64_t *a = e->arg;
	if (r->done[i]) return;
	switch (e->kind) {
	case LOG_PPI:
		r->totals->done++;
		gic_set_line(r->g, gic_start_cpu(&r->start, a[0]), (uint32_t)a[1], a[2]);
		break;
	case LOG_SPI:
		r->totals->done++;
		gic_set_line(r->g, 0, (uint32_t)a[0], a[1]);
		break;
	case LOG_SGI_SENT: send_sgi(r, i); break;
	case LOG_SGI_PENDING: check_sgi(r, e); break;
	case LOG_DIST_READ:
	case LOG_DIST_WRITE:
	case LOG_REDIST_READ:
	case LOG_REDIST_WRITE: replay_frame(r, e); break;
	case LOG_REG_READ:
	case LOG_REG_WRITE:
		if (replay_acknowledges(e)) replay_arrived(r, i, gic_start_cpu(&r->start, a[0]));
		replay_register(r, e);
		break;
	case LOG_OTHER_EXCEPTION:
	case LOG_TAKEN:
	case LOG_RETURN: break;
	case LOG_ANSWERED: replay_called(r, i); break;
	case LOG_EXCEPTION:
	case LOG_EXCEPTION_FIQ:
	case LOG_EXCEPTION_VIRQ:
	case LOG_EXCEPTION_VFIQ: compare(r, i, gic_start_index(&r->start, a[1])); break;
	case LOG_VIRTUAL_HIGHEST:
		replay_virtual_lpi(r, gic_start_cpu(&r->start, a[0]), e);
		compare(r, i, gic_start_cpu(&r->start, a[0]));
		break;
	default: compare(r, i, gic_start_cpu(&r->start, a[0])); break;
	}
}

static void replay_log(struct replay *r)
{
	r->g = gic_new(&r->start.params);
	replay_set_lpis(r);
	gic_start_apply(&r->start, &r->log, r->g);
	r->done = xcalloc(r->log.count, sizeof(bool));
	r->ended = GIC_SPURIOUS;
	r->moves = xcalloc(r->log.count, sizeof(*r->moves));
	replay_find_levels(r);
	for (size_t i = 0; i < r->log.count; i++) {
		replay_follow_level(r, i);
		step(r, i);
	}
	for (unsigned k = 0; k < LOG_KINDS; k++) r->totals->all_compared += r->totals->compared[k];
	free(r->moves);
	free(r->done);
	gic_free(r->g);
}

static void replay_from(const struct gic_start *start, const struct gic_log *log, FILE *report,
			struct gic_totals *totals)
{
	struct replay *r = xcalloc(1, sizeof(*r));
	memset(totals, 0, sizeof(*totals));
	totals->lines = log->lines;
	totals->skipped = log->skipped;
	r->log = *log;
	r->start = *start;
	r->start.params.affinity = r->start.affinity;
	r->report = report;
	r->totals = totals;
	replay_log(r);
	free(r);
}

/* What a log may not say: whether firmware has set the controller up before it, one Security state where nothing tells of two, SCR_EL3.FIQ,
 * and the copies of registers that EL3 means. */
static const struct firmware {
	bool security, fiq, secure;
} firmware[] = {{false, false, false},
		{true, true, false},
		{true, false, false},
		{true, true, true},
		{true, false, true}};

struct best {
	struct gic_totals totals;
	char *report; /* NULL: nothing has been tried yet */
};

static void try_start(struct best *b, const struct gic_start *start, const struct gic_log *log)
{
	struct gic_totals t;
	char *text = NULL;
	size_t bytes = 0;
	FILE *report = open_memstream(&text, &bytes);
	replay_from(start, log, report, &t);
	fclose(report);
	if (b->report && t.all_different >= b->totals.all_different) {
		free(text);
		return;
	}
	free(b->report);
	*b = (struct best){.totals = t, .report = text};
}

static bool all_agrees(const struct best *b) { return b->report && !b->totals.all_different; }

static void try_firmware(struct best *b, const struct gic_start *start, bool reset, const struct gic_log *log)
{
	struct gic_start trial = *start;
	trial.reset = reset;
	trial.params.awake = !reset;
	for (unsigned i = 0; i < sizeof(firmware) / sizeof(firmware[0]) && !all_agrees(b); i++) {
		if (start->params.security && !firmware[i].security) continue;
		trial.params.security = firmware[i].security;
		trial.fiq_el3 = firmware[i].fiq;
		trial.el3_secure = firmware[i].secure;
		try_start(b, &trial, log);
	}
}

/* The first start with which most of the log holds. */
enum status conform_gic_log(const struct gic_log *log, const char *path, FILE *report,
			    struct gic_totals *totals, struct err *err)
{
	struct gic_start *start = xcalloc(1, sizeof(*start));
	struct best best = {.report = NULL};
	memset(totals, 0, sizeof(*totals));
	enum status st = gic_start_find(log, path, start, err);
	if (st == OK) {
		if (start->reset) try_firmware(&best, start, true, log);
		try_firmware(&best, start, false, log);
		*totals = best.totals;
		fputs(best.report, report);
	}
	free(best.report);
	free(start);
	return st;
}

enum status conform_gic(const char *path, FILE *report, struct gic_totals *totals, struct err *err)
{
	struct stat info;
	struct gic_log log;
	bool folder = !stat(path, &info) && S_ISDIR(info.st_mode);
	char *file = folder ? xasprintf("%s/int_gic.1.log.zst", path) : xstrdup(path);
	enum status st = gic_log_read(file, &log, err);
	if (st == OK) {
		st = conform_gic_log(&log, file, report, totals, err);
		gic_log_free(&log);
	}
	free(file);
	return st;
}
