#include "cli/conform_gic.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "cli/gic_start.h"

enum { MAX_REPORTS = 10, SGI_BASE = 0x10000 };

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
	unsigned taking;           /* CPU whose exception the next "...from" line is about */
	int returning;             /* level of a return whose CPU the next line tells; -1: none */
	struct lpis lpis, virtual_lpis;
	struct gic_totals *totals;
};

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
static void virtual_lpi_told(struct replay *r, unsigned pe, const struct gic_event *e)
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

static bool about_lines(const struct gic_event *e) { return e->kind == LOG_HIGHEST || e->kind == LOG_LINES; }

static bool acknowledges(const struct gic_event *e)
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
		if (idle && !about_lines(e) && !acknowledges(e)) return NULL;
		if (e->kind != LOG_HIGHEST && !acknowledges(e)) continue;
		if (gic_start_cpu(&r->start, e->arg[0]) != cpu) continue;
		if (acknowledges(e) || e->arg[3] != GIC_IDLE_PRIORITY) return e;
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
	if (!gic_irq_state(r->g, cpu, intid, &s) || s.line || next_move(r, i, cpu, intid) == 1) return;
	gic_set_line(r->g, cpu, intid, true);
	r->totals->untold++;
}

static void arrives(struct replay *r, size_t i, unsigned cpu)
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
	if (e->kind != LOG_PPI && e->kind != LOG_HIGHEST && !acknowledges(e)) return false;
	return e->arg[1] == intid && gic_start_cpu(&r->start, e->arg[0]) == cpu;
}

/* What is acknowledged was pending: where nothing has told of it before, its wire has been up since before the log. */
static void arrived(struct replay *r, size_t i, unsigned cpu)
{
	struct gic_pending p;
	uint32_t intid = (uint32_t)r->log.events[i].arg[1];
	if (gic_offered(r->g, cpu, &p)) return;
	for (size_t k = 0; k < i; k++)
		if (tells_of(r, &r->log.events[k], cpu, intid)) return;
	rises(r, i, cpu, intid);
}

/* Context ---------------------------------------------------------------------------------------------------- */

/* The log does not say SCR_EL3: below EL3 everything is Non-secure, and firmware keeps Group 0 (SCR_EL3.FIQ = 1). */
static struct gic_context context_of(const struct replay *r, unsigned cpu)
{
	return (struct gic_context){.el = (uint8_t)r->el[cpu], .fiq_el3 = r->start.params.security};
}

/* A register names a level that it needs; ICV_ ones are those of EL1 under a hypervisor. */
static struct gic_context access_context(const struct replay *r, unsigned cpu, const struct gic_event *e)
{
	struct gic_context c = context_of(r, cpu);
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

/* Registers read --------------------------------------------------------------------------------------------- */

/* The fields of a register that are state. */
static uint64_t compared_bits(const char *name)
{
	if (!strcmp(name, "ICC_CTLR_EL1")) return 3;
	if (!strcmp(name, "ICC_CTLR_EL3")) return 0x1f;
	if (!strcmp(name, "ICH_VTR_EL2")) return bits_put(UINT64_MAX, 31, 26) | bits_ones(5);
	return UINT64_MAX;
}

static bool identification(uint64_t offset)
{
	return (offset >= 0x4 && offset < 0x14) || (offset >= 0x18 && offset < 0x80) || offset >= 0xffd0;
}

static bool same(struct replay *r, const struct gic_event *e, uint64_t expected, uint64_t came, uint64_t bits)
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

static void do_half(struct replay *r, const struct gic_event *e, unsigned cpu, const struct gic_context *c)
{
	uint64_t whole = 0, mask = e->high ? ~bits_ones(32) : bits_ones(32);
	unsigned shift = e->high ? 32 : 0;
	cpu_if_read(r->g, cpu, e->encoding, c, &whole);
	if (e->kind == LOG_REG_READ) {
		same(r, e, e->arg[1], (whole & mask) >> shift, UINT64_MAX);
		return;
	}
	r->totals->done++;
	cpu_if_write(r->g, cpu, e->encoding, c, (whole & ~mask) | e->arg[1] << shift);
}

static void do_register(struct replay *r, const struct gic_event *e)
{
	unsigned cpu = gic_start_cpu(&r->start, e->arg[0]);
	struct gic_context c = access_context(r, cpu, e);
	uint64_t value = 0;
	if (e->low || e->high) {
		do_half(r, e, cpu, &c);
		return;
	}
	if (e->kind == LOG_REG_WRITE) {
		r->totals->done++;
		cpu_if_write(r->g, cpu, e->encoding, &c, e->arg[1]);
		return;
	}
	bool there = cpu_if_read(r->g, cpu, e->encoding, &c, &value);
	same(r, e, e->arg[1], value, there ? compared_bits(cpu_if_name(e->encoding)) : UINT64_MAX);
}

static void do_frame(struct replay *r, const struct gic_event *e)
{
	const uint64_t *a = e->arg;
	unsigned cpu = gic_start_cpu(&r->start, a[0]);
	bool write = e->kind == LOG_DIST_WRITE || e->kind == LOG_REDIST_WRITE;
	r->totals->done += write;
	switch (e->kind) {
	case LOG_DIST_WRITE: gic_dist_write(r->g, (uint32_t)a[0], (unsigned)a[2], a[1], a[3]); return;
	case LOG_REDIST_WRITE:
		gic_redist_write(r->g, cpu, (uint32_t)a[1], (unsigned)a[3], a[2], a[4]);
		return;
	case LOG_DIST_READ:
		if (identification(a[0])) return;
		same(r, e, a[1], gic_dist_read(r->g, (uint32_t)a[0], (unsigned)a[2], a[3]), UINT64_MAX);
		return;
	default:
		if (a[1] >= SGI_BASE ? a[1] >= SGI_BASE + 0xffd0 : identification(a[1])) return;
		same(r, e, a[2], gic_redist_read(r->g, cpu, (uint32_t)a[1], (unsigned)a[3], a[4]),
		     UINT64_MAX);
	}
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
	struct gic_context c = context_of(r, cpu);
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
	return acknowledges(e);
}

static void do_late_cause(struct replay *r, size_t i)
{
	while (i < r->log.count && about_lines(&r->log.events[i])) i++;
	if (i == r->log.count || !is_late(&r->log.events[i]) || r->done[i]) return;
	r->done[i] = true;
	if (r->log.events[i].kind == LOG_REG_READ) {
		do_register(r, &r->log.events[i]);
	} else {
		do_frame(r, &r->log.events[i]);
	}
}

/* Nothing but statements follows, so what they are about may have been cut off. */
static bool cause_is_cut_off(const struct replay *r, size_t i)
{
	while (i < r->log.count && about_lines(&r->log.events[i])) i++;
	return i == r->log.count;
}

static void compare(struct replay *r, size_t i, unsigned cpu)
{
	const struct gic_event *e = &r->log.events[i];
	struct statement s = statement_of(r, e, cpu);
	if (s.recorded != s.model && about_lines(e)) {
		do_late_cause(r, i);
		s = statement_of(r, e, cpu);
	}
	if (s.recorded != s.model &&
	    (about_lines(e) || e->kind == LOG_EXCEPTION || e->kind == LOG_EXCEPTION_FIQ)) {
		arrives(r, i, cpu);
		s = statement_of(r, e, cpu);
	}
	if (s.recorded != s.model && cause_is_cut_off(r, i)) return;
	same(r, e, s.recorded, s.model, UINT64_MAX);
}

/* Events ------------------------------------------------------------------------------------------------------- */

/* The register by which software that means the group that the SGI has sends it: the log does not say which one was written. */
static const char *sgi_register(const struct replay *r, unsigned cpu, uint32_t sgi, bool secure)
{
	struct gic_irq_state s = {.group = GIC_G1NS};
	gic_irq_state(r->g, cpu, sgi, &s);
	if (s.group == GIC_G0) return "ICC_SGI0R_EL1";
	return secure == (s.group == GIC_G1S) ? "ICC_SGI1R_EL1" : "ICC_ASGI1R_EL1";
}

/* To the recorded target. "affinity" is Aff3.Aff2.Aff1. */
static void send_sgi(struct replay *r, const struct gic_event *e)
{
	const uint64_t *a = e->arg;
	unsigned cpu = gic_start_cpu(&r->start, a[0]);
	struct gic_context c = context_of(r, cpu);
	if (!c.el) c.el = 1;
	uint64_t value = bits_put(a[3] >> 16, 55, 48) | bits_put(a[3] >> 8, 39, 32) | bits_put(a[3], 23, 16) |
			 bits_put(a[2], 40, 40) | bits_put(a[1], 27, 24) | bits_put(a[4], 15, 0);
	r->totals->done++;
	const char *name = sgi_register(r, cpu, (uint32_t)a[1], r->start.params.security && c.el == 3);
	cpu_if_write(r->g, cpu, cpu_if_encoding(name), &c, value);
}

static void check_sgi(struct replay *r, const struct gic_event *e)
{
	struct gic_irq_state s = {.pending = false};
	gic_irq_state(r->g, gic_start_cpu(&r->start, e->arg[0]), (uint32_t)e->arg[1], &s);
	same(r, e, 1, s.pending, UINT64_MAX);
}

/* "Taking exception", "...from EL1 to EL2", and returns, whose CPU the lines of the interface after them tell. */
static void follow_level(struct replay *r, const struct gic_event *e)
{
	switch (e->kind) {
	case LOG_EXCEPTION:
	case LOG_EXCEPTION_FIQ:
	case LOG_EXCEPTION_VIRQ:
	case LOG_EXCEPTION_VFIQ: r->taking = gic_start_index(&r->start, e->arg[1]); break;
	case LOG_OTHER_EXCEPTION: r->taking = gic_start_index(&r->start, e->arg[0]); break;
	case LOG_TAKEN: r->el[r->taking] = e->arg[1] & 3; break;
	case LOG_RETURN: r->returning = (int)(e->arg[1] & 3); break;
	case LOG_HIGHEST:
		if (r->returning >= 0) r->el[gic_start_cpu(&r->start, e->arg[0])] = (unsigned)r->returning;
		r->returning = -1;
		break;
	default: break;
	}
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
	case LOG_SGI_SENT: send_sgi(r, e); break;
	case LOG_SGI_PENDING: check_sgi(r, e); break;
	case LOG_DIST_READ:
	case LOG_DIST_WRITE:
	case LOG_REDIST_READ:
	case LOG_REDIST_WRITE: do_frame(r, e); break;
	case LOG_REG_READ:
	case LOG_REG_WRITE:
		if (acknowledges(e)) arrived(r, i, gic_start_cpu(&r->start, a[0]));
		do_register(r, e);
		break;
	case LOG_OTHER_EXCEPTION:
	case LOG_TAKEN:
	case LOG_RETURN: break;
	case LOG_EXCEPTION:
	case LOG_EXCEPTION_FIQ:
	case LOG_EXCEPTION_VIRQ:
	case LOG_EXCEPTION_VFIQ: compare(r, i, gic_start_index(&r->start, a[1])); break;
	case LOG_VIRTUAL_HIGHEST:
		virtual_lpi_told(r, gic_start_cpu(&r->start, a[0]), e);
		compare(r, i, gic_start_cpu(&r->start, a[0]));
		break;
	default: compare(r, i, gic_start_cpu(&r->start, a[0])); break;
	}
}

static void replay_log(struct replay *r)
{
	r->g = gic_new(&r->start.params);
	gic_set_lpi_source(r->g, &(struct gic_lpi_source){.self = &r->lpis,
							  .highest = lpi_highest,
							  .acknowledge = lpi_acknowledge});
	if (r->start.virtual_lpis)
		gic_set_vlpi_source(r->g, &(struct gic_lpi_source){.self = &r->virtual_lpis,
								   .highest = lpi_highest,
								   .acknowledge = lpi_acknowledge});
	gic_start_apply(&r->start, &r->log, r->g);
	r->done = xcalloc(r->log.count, sizeof(bool));
	r->returning = -1;
	for (size_t i = 0; i < r->log.count; i++) {
		follow_level(r, &r->log.events[i]);
		step(r, i);
	}
	for (unsigned k = 0; k < LOG_KINDS; k++) r->totals->all_compared += r->totals->compared[k];
	free(r->done);
	gic_free(r->g);
}

enum status conform_gic_log(const struct gic_log *log, const char *path, FILE *report,
			    struct gic_totals *totals, struct err *err)
{
	struct replay *r = xcalloc(1, sizeof(*r));
	memset(totals, 0, sizeof(*totals));
	r->log = *log;
	r->report = report;
	r->totals = totals;
	totals->lines = log->lines;
	totals->skipped = log->skipped;
	enum status st = gic_start_find(log, path, &r->start, err);
	r->start.params.affinity = r->start.affinity;
	if (st == OK) replay_log(r);
	free(r);
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
