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
 * that of the last exception before it: the record has 0. Returns do not say their CPU. With -trace 'gicv3_*'
 * the interface of a CPU to the interrupt controller is looked at behind each of its exceptions and returns: that is
 * the CPU, where no other return waits for the same. Else, of the CPUs at the level that is left it is, in this
 * order, one that an exception to that level left at this very PC; one whose next exception comes from the level
 * returned to; the one that acted last. So a log is read as a whole before returns are given out. Where several
 * fit, as two idle CPUs do, it may have been the other one.
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
	size_t last, next; /* event that it took part in last; the next that is known to be its own */
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

enum { RETURNS_MAX = 16 };

/* Lines by which the interface of a CPU is looked at: what is pending, lines, and with a virtual interface the same of that. */
enum look { LOOK_NONE, LOOK_PENDING, LOOK_LINES };

struct reader {
	struct lines *l;
	struct wire_buffer events;
	enum look look;     /* the last line was this */
	unsigned looked_at; /* CPU */
	bool look_told;     /* some interface has been looked at */
	bool virtual;       /* CPUs have a virtual interface */
	bool by_guest;      /* the end of an interrupt by a guest came before, which looks at it as well */
	bool entered[CPUS_MAX];      /* by an exception for which the interface has not been looked at */
	size_t returns[RETURNS_MAX]; /* events that are returns and wait to be looked at, the oldest first */
	unsigned waiting;
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
	r->entered[o->event.cpu] = true;
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

/* A call that the emulator answers has not happened: its CPU stays where it was. */
static void forget_call(struct reader *r, struct open *o)
{
	if (o->wanted != DETAIL_LEVELS) r->level[o->event.cpu] = (uint8_t)exc_from(o->event.rec.count);
	r->entered[o->event.cpu] = false;
	forget_open(r, o);
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
		forget_call(r, &r->open[r->open_count - 1]);
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

static struct event *waiting_return(const struct reader *r, unsigned i)
{
	return (struct event *)(void *)r->events.bytes + r->returns[i];
}

static void forget_return(struct reader *r, unsigned i)
{
	memmove(&r->returns[i], &r->returns[i + 1], (--r->waiting - i) * sizeof(r->returns[0]));
}

static bool may_be_of(const struct reader *r, unsigned i, unsigned cpu)
{
	return r->level[cpu] == LEVEL_UNKNOWN || r->level[cpu] == waiting_return(r, i)->rec.arg;
}

/* The interface of `cpu` has been looked at: because of the exception that it took, or of a return. Where several returns may be the one
 * nobody is given any of them: the rest of the log tells. */
static void looked(struct reader *r, unsigned cpu)
{
	unsigned fits = 0;
	bool entered = r->entered[cpu];
	struct event *e = NULL;
	r->entered[cpu] = false;
	if (entered || r->by_guest) return;
	for (unsigned i = r->waiting; i-- > 0;) {
		if (!may_be_of(r, i, cpu)) continue;
		e = waiting_return(r, i);
		forget_return(r, i);
		fits++;
	}
	if (fits == 1) e->cpu = cpu;
	r->level[cpu] = fits == 1 ? (uint8_t)e->rec.count : LEVEL_UNKNOWN;
}

/* The controller calls CPUs by their affinity, of which 16 have one Aff1. CPUS_MAX: the line is about none. */
static unsigned interface_of(const char *text)
{
	unsigned affinity;
	const char *cpu = strstr(text, "CPU i/f 0x");
	if (!cpu || sscanf(cpu, "CPU i/f 0x%x", &affinity) != 1) return CPUS_MAX;
	unsigned index = (affinity & 15) | affinity >> 8 << 4;
	return index < CPUS_MAX ? index : CPUS_MAX;
}

/* A line that is no return, which stands anywhere. */
static void take_look(struct reader *r)
{
	const char *text = r->l->text;
	unsigned cpu = interface_of(text);
	bool same = cpu == r->looked_at;
	enum look before = r->look;
	r->look = LOOK_NONE;
	r->look_told |= cpu != CPUS_MAX;
	if (cpu == CPUS_MAX) {
		r->by_guest = strstr(text, "gicv3_icv_eoir_") || strstr(text, "gicv3_icv_dir_");
	} else if (strstr(text, "gicv3_cpuif_update ")) {
		r->look = LOOK_PENDING;
		r->looked_at = cpu;
	} else if (strstr(text, "gicv3_cpuif_set_irqs ") && before == LOOK_PENDING && same) {
		r->look = LOOK_LINES;
		if (!r->virtual) looked(r, cpu);
	} else if (strstr(text, "gicv3_cpuif_virt_update ")) {
		r->virtual = true;
		if (before == LOOK_LINES && same) looked(r, cpu);
		r->by_guest = false;
	}
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
	if (!r->look_told) follow_return(r, from, to);
	if (r->waiting == RETURNS_MAX) forget_return(r, 0);
	r->returns[r->waiting++] = r->events.size / sizeof(e);
	wire_put(&r->events, &e, sizeof(e));
	return OK;
}

static enum status take_line(struct reader *r, bool more, struct err *err)
{
	const char *text = r->l->text;
	if (!more) return r->open_count ? lines_bad(r->l, detail_wanted[r->open[0].wanted], err) : OK;
	if (starts(text, "Taking exception ")) return take_exception(r, err);
	if (starts(text, "Exception return from ")) return take_return(r, err);
	take_look(r);
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

static unsigned level_before(const struct record *rec)
{
	return rec->kind == REC_EXC ? exc_from(rec->count) : (unsigned)rec->arg;
}

/* How well a return fits a CPU at the level that it leaves. */
static unsigned fit(const struct cpu *c, const struct event *events, size_t count, const struct record *rec)
{
	bool next_fits = c->next < count && level_before(&events[c->next].rec) == rec->count;
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

/* The next event behind `at` that is known to be of `cpu`; `count` when there is none. */
static size_t next_event(const struct event *events, size_t count, size_t at, unsigned cpu)
{
	for (at++; at < count; at++)
		if (events[at].cpu == cpu) break;
	return at;
}

/* Returns before the first exception of their CPU - the log begins inside of a handler - are left out. */
static void give_out(struct reader *r, struct log_reader *out)
{
	const struct event *events = (const struct event *)(const void *)r->events.bytes;
	size_t count = r->events.size / sizeof(*events);
	for (size_t i = 0; i < count; i++) {
		const struct record *rec = &events[i].rec;
		bool told = events[i].cpu < CPUS_MAX;
		int cpu = told ? (int)events[i].cpu : returning_cpu(r, events, count, rec);
		if (cpu < 0 || (rec->kind != REC_EXC && !r->cpu[cpu].known)) continue;
		struct cpu *c = &r->cpu[cpu];
		if (rec->kind == REC_EXC) {
			enter(c, rec);
		} else {
			leave(c, rec);
		}
		if (told) c->next = next_event(events, count, i, (unsigned)cpu);
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
