/* format_qemu_int.c - reads the log of `qemu-system-aarch64 -d int`: exceptions and returns, one stream per
 * CPU.
 *
 *   Taking exception 11 [Hypervisor Call] on CPU 0
 *   ...from EL1 to EL2
 *   ...with ESR 0x16/0x5a000001
 *   ...with ELR 0x40080058
 *   ...to EL2 PC 0x40080c00 PSTATE 0x3c9
 *   Exception return from AArch64 EL2 to AArch64 EL1 PC 0x40080058
 * Other lines are passed over, those of other parts of the emulator among the details included; SPSR (since
 * QEMU 9.0), FAR and MFAR are not needed. A call that the emulator answers itself, as firmware or for
 * semihosting, is no exception of the machine and is left out. The ESR that is logged for an interrupt is
 * that of the last exception before it: the record has 0. Returns do not say their CPU. Of the CPUs at the
 * level that is left it is, in this order, one that an exception to that level left at this very PC; one whose
 * next exception comes from the level returned to; the one that acted last. So a log is read as a whole before
 * returns are given out. Where several fit, as two idle CPUs do, it may have been the other one.
 * Source: QEMU 7.2 to 10, target/arm/helper.c, arm_cpu_do_interrupt() and arm_cpu_do_interrupt_aarch64();
 * target/arm/cpu.h, EXCP_*.
 * Emulated CPUs that run at once (without icount) write their lines into each other. A detail does not say its CPU: it is of
 * the exception that waits for such a detail, and of several of one at that level, or of that class, else of the one
 * whose line is the last before, else of the oldest.
 * Not modelled: AArch32 levels (an error); lines so mixed that this gives a detail to the wrong CPU (an error where it can
 * be seen).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/lines.h"

enum { CPUS_MAX = 512 };

/* QEMU's exception numbers that are no synchronous exceptions. */
static unsigned kind_of(unsigned number)
{
	switch (number) {
	case 5:
	case 26: return EXC_REC_IRQ; /* 26 to 28: with superpriority (FEAT_NMI) */
	case 6: return EXC_REC_FIQ;
	case 14:
	case 27: return EXC_REC_VIRTUAL | EXC_REC_IRQ;
	case 15:
	case 28: return EXC_REC_VIRTUAL | EXC_REC_FIQ;
	case 24: return EXC_REC_VIRTUAL | EXC_REC_SERROR;
	default: return EXC_REC_SYNC;
	}
}

enum { NESTED_MAX = 8 }; /* exceptions that a CPU is remembered to be in; older ones are forgotten */

struct cpu {
	bool known; /* its level is known */
	uint8_t el;
	struct {
		uint8_t el;
		uint64_t elr;
	} nested[NESTED_MAX];
	unsigned depth;
	size_t last, next; /* event that it took part in last; its next exception */
};

struct event {
	struct record rec;
	uint32_t cpu; /* of exceptions */
};

/* An exception whose details are being read, in the order in which they are logged. */
enum detail { DETAIL_NONE, DETAIL_LEVELS, DETAIL_ESR, DETAIL_ELR };
static const char *const detail_wanted[] = {[DETAIL_LEVELS] = "expected \"...from ELx to ELy\"",
					    [DETAIL_ESR] = "expected \"...with ESR class/value\"",
					    [DETAIL_ELR] = "expected \"...with ELR\""};

enum { OPEN_MAX = 16 };

/* An exception that has not been told whole. */
struct open {
	struct event event;
	unsigned number; /* QEMU's */
	enum detail wanted;
};

struct reader {
	struct lines *l;
	struct wire_buffer events;
	struct open open[OPEN_MAX];  /* the oldest first */
	unsigned open_count, writer; /* CPU of the last line of an exception */
	uint8_t level[CPUS_MAX]; /* that a CPU is at, as far as the lines until here tell; LEVEL_UNKNOWN */
	struct cpu cpu[CPUS_MAX];
};
enum { LEVEL_UNKNOWN = 4 };

static bool starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool take_levels(struct reader *r, struct open *o)
{
	unsigned from, to;
	if (sscanf(r->l->text, "...from EL%u to EL%u", &from, &to) != 2 || from > 3 || to > 3) return false;
	o->event.rec.count = exc_count(from, to, kind_of(o->number));
	r->level[o->event.cpu] = (uint8_t)to;
	o->wanted = DETAIL_ESR;
	return true;
}

static bool take_esr(struct reader *r, struct open *o)
{
	unsigned ec;
	if (sscanf(r->l->text, "...with ESR %x/%" SCNx64, &ec, &o->event.rec.arg) != 2) return false;
	if (kind_of(o->number) != EXC_REC_SYNC) o->event.rec.arg = 0;
	o->wanted = DETAIL_ELR;
	return true;
}

static void forget_open(struct reader *r, struct open *o)
{
	memmove(o, o + 1, (size_t)(r->open + --r->open_count - o) * sizeof(*o));
}

static bool take_elr(struct reader *r, struct open *o)
{
	if (sscanf(r->l->text, "...with ELR %" SCNx64, &o->event.rec.addr) != 1) return false;
	wire_put(&r->events, &o->event, sizeof(o->event));
	forget_open(r, o);
	return true;
}

/* The detail of the present line, as far as it is one that is wanted. */
static enum detail detail_of(const char *text)
{
	if (starts(text, "...from EL")) return DETAIL_LEVELS;
	if (starts(text, "...with ESR")) return DETAIL_ESR;
	return starts(text, "...with ELR") ? DETAIL_ELR : DETAIL_NONE;
}

/* QEMU's numbers of calls, and the class that they have in ESR. */
static unsigned class_of(unsigned number)
{
	static const uint8_t classes[] = {[2] = 0x15, [11] = 0x16, [13] = 0x17};
	return number < sizeof(classes) ? classes[number] : 0;
}

static bool fits_open(const struct reader *r, const struct open *o, enum detail d)
{
	unsigned n;
	if (d == DETAIL_LEVELS && sscanf(r->l->text, "...from EL%u", &n) == 1)
		return r->level[o->event.cpu] == n;
	if (d == DETAIL_ESR && class_of(o->number) && sscanf(r->l->text, "...with ESR %x/", &n) == 1)
		return class_of(o->number) == n;
	return false;
}

/* Whose detail `d` is; NULL: nobody waits for one. */
static struct open *open_for(struct reader *r, enum detail d)
{
	struct open *best = NULL;
	unsigned best_rank = 0;
	for (struct open *o = r->open; o < r->open + r->open_count; o++) {
		unsigned rank = 1 + 2 * fits_open(r, o, d) + (o->event.cpu == r->writer);
		if (o->wanted != d || rank <= best_rank) continue;
		best = o;
		best_rank = rank;
	}
	return best;
}

static bool is_passed(const char *text)
{
	static const char *const passed[] = {"...with FAR", "...with MFAR", "...with SPSR", "...to EL"};
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (starts(text, passed[i])) return true;
	return false;
}

/* A line that begins with dots. Those that say more than is wanted come in between, or behind the last. */
static enum status take_detail(struct reader *r, struct err *err)
{
	static bool (*const take[])(struct reader * r, struct open * o) = {
		[DETAIL_LEVELS] = take_levels, [DETAIL_ESR] = take_esr, [DETAIL_ELR] = take_elr};
	if (!r->open_count) return OK;
	if (starts(r->l->text, "...handled as ") || starts(r->l->text, "...handling as ")) {
		forget_open(r, &r->open[r->open_count - 1]);
		return OK;
	}
	if (is_passed(r->l->text)) return OK;
	enum detail d = detail_of(r->l->text);
	struct open *o = d == DETAIL_NONE ? NULL : open_for(r, d);
	if (o) r->writer = o->event.cpu;
	if (o && take[d](r, o)) return OK;
	return lines_bad(r->l, detail_wanted[o ? o->wanted : r->open[0].wanted], err);
}

static struct open *open_of(struct reader *r, unsigned cpu)
{
	for (struct open *o = r->open; o < r->open + r->open_count; o++)
		if (o->event.cpu == cpu) return o;
	return NULL;
}

static enum status take_exception(struct reader *r, struct err *err)
{
	unsigned cpu, number;
	const char *on = strstr(r->l->text, "] on CPU ");
	if (sscanf(r->l->text, "Taking exception %u", &number) != 1)
		return lines_bad(r->l, "expected \"Taking exception N [...]\"", err);
	if (!on || sscanf(on, "] on CPU %u", &cpu) != 1 || cpu >= CPUS_MAX)
		return lines_bad(r->l, "expected \"on CPU N\", of at most 512", err);
	const struct open *before = open_of(r, cpu);
	if (!before && r->open_count == OPEN_MAX) before = r->open;
	if (before) return lines_bad(r->l, detail_wanted[before->wanted], err);
	r->writer = cpu;
	r->open[r->open_count++] = (struct open){
		.event = {.rec = {.kind = REC_EXC}, .cpu = cpu}, .number = number, .wanted = DETAIL_LEVELS};
	return OK;
}

/* Of a return only the levels are told: where one CPU alone is known to be at the first, it goes to the second. */
static void follow_return(struct reader *r, unsigned from, unsigned to)
{
	int only = -1;
	for (int i = 0; i < CPUS_MAX; i++)
		if (r->level[i] == from) only = only < 0 ? i : CPUS_MAX;
	if (only >= 0 && only < CPUS_MAX) r->level[only] = (uint8_t)to;
}

static enum status take_return(struct reader *r, struct err *err)
{
	unsigned from, to;
	struct event e = {.rec = {.kind = REC_ERET}, .cpu = CPUS_MAX};
	if (sscanf(r->l->text, "Exception return from AArch64 EL%u to AArch64 EL%u PC %" SCNx64, &from, &to,
		   &e.rec.addr) != 3 ||
	    from > 3 || to > 3)
		return lines_bad(r->l, "expected a return from AArch64 ELx to AArch64 ELy", err);
	e.rec.count = to;
	e.rec.arg = from;
	follow_return(r, from, to);
	wire_put(&r->events, &e, sizeof(e));
	return OK;
}

static enum status take_line(struct reader *r, bool more, struct err *err)
{
	const char *text = r->l->text;
	if (!more) return r->open_count ? lines_bad(r->l, detail_wanted[r->open[0].wanted], err) : OK;
	if (starts(text, "Taking exception ")) return take_exception(r, err);
	if (starts(text, "Exception return from ")) return take_return(r, err);
	return starts(text, "...") ? take_detail(r, err) : OK;
}

static enum status read_events(struct reader *r, struct err *err)
{
	for (bool more = true; more;) {
		TRY(lines_next(r->l, &more, err));
		TRY(take_line(r, more, err));
	}
	return OK;
}

/* -- Giving returns to CPUs -- */

static void enter(struct cpu *c, const struct record *rec)
{
	c->known = true;
	c->el = (uint8_t)exc_to(rec->count);
	if (c->depth == NESTED_MAX) memmove(c->nested, c->nested + 1, --c->depth * sizeof(c->nested[0]));
	c->nested[c->depth].el = c->el;
	c->nested[c->depth++].elr = rec->addr;
}

static bool left_at(const struct cpu *c, const struct record *rec)
{
	return c->depth && c->nested[c->depth - 1].el == rec->arg && c->nested[c->depth - 1].elr == rec->addr;
}

static void leave(struct cpu *c, const struct record *rec)
{
	c->el = (uint8_t)rec->count;
	if (c->depth && c->nested[c->depth - 1].el == rec->arg) c->depth--;
}

/* How well a return fits a CPU at the level that it leaves. */
static unsigned fit(const struct cpu *c, const struct event *events, size_t count, const struct record *rec)
{
	bool next_fits = c->next < count && exc_from(events[c->next].rec.count) == rec->count;
	return 2 * left_at(c, rec) + next_fits;
}

static int returning_cpu(const struct reader *r, const struct event *events, size_t count,
			 const struct record *rec)
{
	int best = -1;
	unsigned best_fit = 0;
	for (int i = 0; i < CPUS_MAX; i++) {
		const struct cpu *c = &r->cpu[i];
		if (!c->known || c->el != rec->arg) continue;
		unsigned f = fit(c, events, count, rec);
		if (best >= 0 && (f < best_fit || (f == best_fit && c->last < r->cpu[best].last))) continue;
		best = i;
		best_fit = f;
	}
	return best;
}

/* The exception of `cpu` behind event `at`; `count` when there is none. */
static size_t next_exception(const struct event *events, size_t count, size_t at, unsigned cpu)
{
	for (at++; at < count; at++)
		if (events[at].rec.kind == REC_EXC && events[at].cpu == cpu) break;
	return at;
}

/* Returns before the first exception of their CPU - the log begins inside of a handler - are left out. */
static void give_out(struct reader *r, struct log_reader *out)
{
	const struct event *events = (const struct event *)(const void *)r->events.bytes;
	size_t count = r->events.size / sizeof(*events);
	for (size_t i = 0; i < count; i++) {
		const struct record *rec = &events[i].rec;
		int cpu = rec->kind == REC_EXC ? (int)events[i].cpu : returning_cpu(r, events, count, rec);
		if (cpu < 0) continue;
		struct cpu *c = &r->cpu[cpu];
		if (rec->kind == REC_EXC) {
			enter(c, rec);
			c->next = next_exception(events, count, i, (unsigned)cpu);
		} else {
			leave(c, rec);
		}
		c->last = i;
		log_add(out, (uint32_t)cpu, rec);
	}
}

static enum status read_log(struct lines *l, struct log_reader *out, struct err *err)
{
	struct reader *r = xcalloc(1, sizeof(*r));
	r->l = l;
	memset(r->level, LEVEL_UNKNOWN, sizeof(r->level));
	enum status st = read_events(r, err);
	if (st == OK && !r->events.size)
		st = err_set(
			err, ERR_INPUT,
			"%s: no exception and no return in it (\"Taking exception\", \"Exception return from\": "
			"the emulator's -d int writes them)",
			l->in->name);
	if (st == OK) give_out(r, out);
	free(r->events.bytes);
	free(r);
	return st;
}

/* Trace events of other parts of the emulator may stand first: PID@SECONDS.MICROSECONDS:NAME. */
static bool trace_event(const char *line)
{
	size_t pid = strspn(line, "0123456789"), seconds = 0;
	if (pid && line[pid] == '@') seconds = strspn(line + pid + 1, "0123456789");
	return seconds && line[pid + 1 + seconds] == '.';
}

static bool is_log_line(const char *line)
{
	return starts(line, "Taking exception") || starts(line, "Exception return") || trace_event(line);
}

static bool detect(const uint8_t *head, size_t n) { return lines_in_head(head, n, is_log_line); }

static enum status open_log(struct input *in, uint32_t stream, struct trace_source **out, struct err *err)
{
	return log_open("qemu_int", read_log, in, stream, out, err);
}

const struct trace_format trace_format_qemu_int = {.name = "qemu_int", .detect = detect, .open = open_log};
