/* format_qemu_int.c - reads the log of `qemu-system-aarch64 -d int`: exceptions and returns, one stream per
 * CPU.
 *
 *   Taking exception 11 [Hypervisor Call] on CPU 0
 *   ...from EL1 to EL2
 *   ...with ESR 0x16/0x5a000001
 *   ...with ELR 0x40080058
 *   ...to EL2 PC 0x40080c00 PSTATE 0x3c9
 *   Exception return from AArch64 EL2 to AArch64 EL1 PC 0x40080058
 * Other lines are passed over. The ESR that is logged for an interrupt is that of the last exception before
 * it: the record has 0. Returns do not say their CPU. Of the CPUs at the level that is left it is, in this
 * order, one that an exception to that level left at this very PC; one whose next exception comes from the
 * level returned to; the one that acted last. So a log is read as a whole before returns are given out.
 * Where several fit, as two idle CPUs do, it may have been the other one.
 * Source: QEMU 7.2, target/arm/helper.c, arm_cpu_do_interrupt_aarch64(); target/arm/cpu.h, EXCP_*.
 * Not modelled: AArch32 levels (an error), lines written by two CPUs at once into each other (an error
 * where it can be seen).
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
	case 5: return EXC_REC_IRQ;
	case 6: return EXC_REC_FIQ;
	case 14: return EXC_REC_VIRTUAL | EXC_REC_IRQ;
	case 15: return EXC_REC_VIRTUAL | EXC_REC_FIQ;
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

struct reader {
	struct lines *l;
	struct wire_buffer events;
	struct cpu cpu[CPUS_MAX];
};

static enum status need_line(struct reader *r, const char *what, struct err *err)
{
	bool more;
	TRY(lines_next(r->l, &more, err));
	return more ? OK : lines_bad(r->l, what, err);
}

/* The lines behind "Taking exception", in the order in which they are logged. */
static enum status read_details(struct reader *r, unsigned number, struct record *rec, struct err *err)
{
	unsigned from, to, ec;
	TRY(need_line(r, "expected \"...from ELx to ELy\"", err));
	if (sscanf(r->l->text, "...from EL%u to EL%u", &from, &to) != 2 || from > 3 || to > 3)
		return lines_bad(r->l, "expected \"...from ELx to ELy\"", err);
	rec->count = exc_count(from, to, kind_of(number));
	TRY(need_line(r, "expected \"...with ESR\"", err));
	if (sscanf(r->l->text, "...with ESR %x/%" SCNx64, &ec, &rec->arg) != 2)
		return lines_bad(r->l, "expected \"...with ESR class/value\"", err);
	if (kind_of(number) != EXC_REC_SYNC) rec->arg = 0;
	do {
		TRY(need_line(r, "expected \"...with ELR\"", err)); /* "...with FAR" may come before */
	} while (strncmp(r->l->text, "...with FAR", 11) == 0);
	if (sscanf(r->l->text, "...with ELR %" SCNx64, &rec->addr) != 1)
		return lines_bad(r->l, "expected \"...with ELR\"", err);
	return OK;
}

static void add_event(struct reader *r, const struct record *rec, unsigned cpu)
{
	const struct event e = {.rec = *rec, .cpu = cpu};
	wire_put(&r->events, &e, sizeof(e));
}

static enum status take_exception(struct reader *r, struct err *err)
{
	unsigned number, cpu;
	const char *on = strstr(r->l->text, "] on CPU ");
	struct record rec = {.kind = REC_EXC};
	if (sscanf(r->l->text, "Taking exception %u", &number) != 1)
		return lines_bad(r->l, "expected \"Taking exception N [...]\"", err);
	if (!on || sscanf(on, "] on CPU %u", &cpu) != 1 || cpu >= CPUS_MAX)
		return lines_bad(r->l, "expected \"on CPU N\", of at most 512", err);
	TRY(read_details(r, number, &rec, err));
	add_event(r, &rec, cpu);
	return OK;
}

static enum status take_return(struct reader *r, struct err *err)
{
	unsigned from, to;
	struct record rec = {.kind = REC_ERET};
	if (sscanf(r->l->text, "Exception return from AArch64 EL%u to AArch64 EL%u PC %" SCNx64, &from, &to,
		   &rec.addr) != 3 ||
	    from > 3 || to > 3)
		return lines_bad(r->l, "expected a return from AArch64 ELx to AArch64 ELy", err);
	rec.count = to;
	rec.arg = from;
	add_event(r, &rec, CPUS_MAX);
	return OK;
}

static enum status read_events(struct reader *r, struct err *err)
{
	static const char entry[] = "Taking exception ", ret[] = "Exception return from ";
	for (bool more = true;;) {
		TRY(lines_next(r->l, &more, err));
		if (!more) return OK;
		if (strncmp(r->l->text, entry, strlen(entry)) == 0) TRY(take_exception(r, err));
		if (strncmp(r->l->text, ret, strlen(ret)) == 0) TRY(take_return(r, err));
	}
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
	enum status st = read_events(r, err);
	if (st == OK) give_out(r, out);
	free(r->events.bytes);
	free(r);
	return st;
}

/* Trace events of other parts of the emulator may stand first: PID@SECONDS.MICROSECONDS:NAME. */
static bool trace_event(const char *head)
{
	size_t pid = strspn(head, "0123456789"), seconds = 0;
	if (pid && head[pid] == '@') seconds = strspn(head + pid + 1, "0123456789");
	return seconds && head[pid + 1 + seconds] == '.';
}

static bool detect(const uint8_t *head, size_t n)
{
	char text[TRACE_HEAD_BYTES + 1] = {0};
	memcpy(text, head, n);
	return strncmp(text, "Taking exception", 16) == 0 || strncmp(text, "Exception return", 16) == 0 ||
	       trace_event(text);
}

static enum status open_log(struct input *in, uint32_t stream, struct trace_source **out, struct err *err)
{
	return log_open("qemu_int", read_log, in, stream, out, err);
}

const struct trace_format trace_format_qemu_int = {.name = "qemu_int", .detect = detect, .open = open_log};
